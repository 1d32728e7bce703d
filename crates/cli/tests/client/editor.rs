//! What an editor says of the files that Aegis ships and makes: the YAML service
//! that editors use, started as they start it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::governed::programs;

/// The YAML service, speaking over its standard input and output.
struct EditorSession {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl EditorSession {
    fn start(folder: &Path) -> Self {
        let package = std::env::var_os("AEGIS_TEST_YAML_SERVER").unwrap_or_else(|| {
            panic!(
                "this test drives the YAML service of editors: start it with `cargo xtask test`, \
                 which fetches it and sets AEGIS_TEST_YAML_SERVER to its program"
            )
        });
        let mut process = Command::new("node")
            .arg(package)
            .arg("--stdio")
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut service = Self {
            process,
            input,
            output,
        };
        let params = json!({"processId": null, "rootUri": uri(folder), "capabilities": {}});
        service.send(&json!({"id": 1, "method": "initialize", "params": params}));
        while service.receive()["id"] != 1 {}
        service.send(&json!({"method": "initialized", "params": {}}));
        // Schemas of other programs, from elsewhere, are none of ours.
        let yaml = json!({"validate": true, "schemaStore": {"enable": false}});
        let params = json!({"settings": {"yaml": yaml}});
        service.send(&json!({"method": "workspace/didChangeConfiguration", "params": params}));
        service
    }

    /// Opens a file and returns what the service says of it.
    fn diagnostics(&mut self, path: &Path) -> Vec<String> {
        let document = json!({
            "uri": uri(path),
            "languageId": "yaml",
            "version": 1,
            "text": fs::read_to_string(path).unwrap(),
        });
        let params = json!({"textDocument": document});
        self.send(&json!({"method": "textDocument/didOpen", "params": params}));
        loop {
            let message = self.receive();
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics" && params["uri"] == uri(path)
            {
                let found = params["diagnostics"].as_array().unwrap();
                return found.iter().map(|it| it["message"].to_string()).collect();
            }
        }
    }

    fn send(&mut self, message: &Value) {
        let mut message = message.clone();
        message["jsonrpc"] = "2.0".into();
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    /// Returns the next message; questions of the service get no answer but `null`.
    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        if message.get("method").is_some() && message.get("id").is_some() {
            self.send(&json!({"id": message["id"], "result": null}));
        }
        message
    }
}

impl Drop for EditorSession {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

/// Returns the YAML files of a folder of the repository, by name.
fn files(folder: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(repository(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    yaml.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = format!("{}-{name}", folder.replace('/', "-"));
        (name, fs::read_to_string(path).unwrap())
    })
    .collect()
}

/// Returns the whole files among the YAML examples of a page.
fn examples(page: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository(page)).unwrap();
    let blocks = text.split("```yaml").skip(1).enumerate();
    blocks
        .map(|(number, block)| {
            // Behind the language may stand which file it is.
            let (_, block) = block.split_once('\n').unwrap();
            let block = block.split("```").next().unwrap().to_owned();
            (format!("{}-{number}.yaml", page.replace('/', "-")), block)
        })
        .filter(|(_, text)| schema_of(text).is_some())
        .collect()
}

/// Returns the schema that an editor knows a file of ours by, from its first keys.
fn schema_of(text: &str) -> Option<&'static str> {
    [
        ("aegis: policy/v1", "policy"),
        ("aegis: policy-tests/v1", "policy-tests"),
        ("policies:", "firewall"),
        ("version: \"1\"", "action-rules"),
    ]
    .into_iter()
    .find(|(key, _)| text.lines().any(|line| line == *key))
    .map(|(_, schema)| schema)
}

/// A folder with a home, a project and the schemas.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("aegis-").tempdir().unwrap();
        let desk = Self(folder);
        fs::create_dir(desk.path("home")).unwrap();
        fs::create_dir(desk.path("work")).unwrap();
        desk.aegis(&["schema", "--all", "schemas"]);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn aegis(&self, words: &[&str]) {
        let output = Command::new(programs().join("aegis"))
            .args(words)
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("home"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("work").join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn an_editor_has_nothing_to_say_of_what_aegis_ships_and_makes() {
    let desk = Desk::new();
    let mut service = EditorSession::start(&desk.path("work"));
    let mut shipped = files("crates/policy/packs");
    shipped.extend(files("crates/policy/packs/tests"));
    shipped.extend(
        ["README.md", "docs/guide.md", "docs/policy.md"]
            .into_iter()
            .flat_map(examples),
    );
    assert!(shipped.len() > 30, "{}", shipped.len());
    let mut paths = Vec::new();
    for (name, text) in &shipped {
        let schema = schema_of(text).unwrap_or_else(|| panic!("{name} is of no kind"));
        let line = format!("# yaml-language-server: $schema=schemas/{schema}.schema.json\n");
        paths.push(desk.write(name, &(line + text)));
    }

    desk.write("Cargo.toml", "[workspace]\n");
    desk.write("Makefile", "deploy:\n");
    desk.write(".gitlab-ci.yml", "build: {}\n");
    desk.aegis(&["init"]);
    fs::create_dir(desk.path("work/imported")).unwrap();
    let settings = include_str!("../../../../fixtures/policy/valid/permissions.json");
    desk.write("settings.json", settings);
    desk.aegis(&[
        "policy",
        "import",
        "settings.json",
        "-o",
        "imported/policy.yaml",
    ]);
    let made = [
        ".aegis/policy.yaml",
        ".aegis/policy-tests.yaml",
        "imported/policy.yaml",
    ];
    paths.extend(made.map(|name| desk.path("work").join(name)));

    let mut said = Vec::new();
    for path in &paths {
        for message in service.diagnostics(path) {
            said.push(format!("{}: {message}", path.display()));
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn an_editor_says_what_is_wrong_with_a_file_that_was_made() {
    let desk = Desk::new();
    desk.aegis(&["init"]);
    let mut service = EditorSession::start(&desk.path("work"));
    for (name, right, wrong) in [
        ("policy.yaml", "verdict: ask", "verdict: perhaps"),
        ("policy-tests.yaml", "\ntests:", "\ntest:"),
    ] {
        let path = desk.path("work").join(".aegis").join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# yaml-language-server: $schema="),
            "{text}"
        );
        assert!(text.contains(right), "{text}");
        fs::write(&path, text.replace(right, wrong)).unwrap();
        assert_ne!(service.diagnostics(&path), [""; 0], "{name}");
    }
}
