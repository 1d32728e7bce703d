//! The service as people start and ask it, under its own name and under those
//! of the control plane.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use aegis_api::{Client, SystemConnector};
use serde_json::{Value, json};

use super::authority::{Authority, mail, uri};
use super::guide::are_shown;
use super::running::Running;
use super::stage::{Stage, Told, repository};
use super::tampering::intrude_at;

/// Starts the program that `words` name first, which listens at a port.
fn start(stage: &Stage, words: &[&str]) -> Running {
    let program = stage.path("bin").join(words[0]);
    Running::start(stage, &program, &words[1..], "://127.0.0.1:")
}

/// Returns a stage in whose path the program stands under all of its names.
fn stage() -> Stage {
    let stage = Stage::new();
    let folder = stage.path("bin");
    for name in ["aegis", "aegisd", "aegisctl"] {
        symlink(env!("CARGO_BIN_EXE_aegis"), folder.join(name)).unwrap();
    }
    stage
}

fn token(stage: &Stage) -> String {
    let words = [
        "token", "create", "--name", "all", "--tenant", "acme", "--role", "agent", "--role",
        "auditor", "--json",
    ];
    let told = stage.aegis(&words).exits(0);
    told.json()["token"].as_str().unwrap().to_owned()
}

/// Runs `line` in a shell, with `variables`.
fn shell(stage: &Stage, line: &str, variables: &[(&str, &str)]) -> Told {
    stage.person(Path::new("/bin/sh"), &["-c", line], variables)
}

fn curl(stage: &Stage) {
    let paths = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&paths)
        .map(|folder| folder.join("curl"))
        .find(|file| file.is_file())
        .expect("the quick start is walked through with curl, which is not installed here");
    symlink(found, stage.path("bin/curl")).unwrap();
}

/// Returns the commands of the blocks of `page`, each with what it shows.
fn commands(page: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(repository(page)).unwrap();
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_open = line == "```console";
        } else if is_open {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(line), _) => commands.push((line.to_owned(), Vec::new())),
                (None, Some((command, shown))) => {
                    // As a shell takes it, which reads on where a line or a quote is open.
                    let is_quoted = command.matches('\'').count() % 2 == 1;
                    if command.ends_with('\\') || is_quoted {
                        command.push('\n');
                        command.push_str(line);
                    } else {
                        shown.push(line.to_owned());
                    }
                }
                (None, None) => panic!("a block begins with `{line}`"),
            }
        }
    }
    commands
}

/// Writes the files that `page` shows, and those that an authority gives its readers.
fn files(stage: &Stage, page: &str) {
    let text = fs::read_to_string(repository(page)).unwrap();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("```yaml ") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            stage.write(&format!("work/{name}"), &(block.join("\n") + "\n"));
        }
    }
    let authority = Authority::new("tests");
    stage.write("work/ca.pem", &authority.pem);
    let folder = stage.path("work");
    authority.service(&["localhost"]).write(&folder, "server");
    let builder = uri("spiffe://acme.example/builder");
    authority.client(&[builder]).write(&folder, "builder");
    let ana = mail("ana@acme.example");
    authority.client(&[ana]).write(&folder, "ana");
}

#[test]
fn every_command_of_the_server_page_does_and_prints_what_it_shows() {
    let stage = stage();
    curl(&stage);
    files(&stage, "docs/server.md");
    let mut service: Option<Running> = None;
    let mut variables: Vec<(String, String)> = Vec::new();
    let all = commands("docs/server.md");
    assert!(all.len() >= 12, "{} commands", all.len());
    for (line, shown) in all {
        if let Some(line) = line.strip_suffix(" &") {
            let line = line.replace(":8080", ":0").replace("\\\n", " ");
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some(running) = service.take() {
                running.stop();
            }
            let running = start(&stage, &words);
            let said = running.said.replace(running.port(), "8080");
            let said: Vec<String> = said.lines().map(str::to_owned).collect();
            assert!(are_shown(&shown, &said), "$ {line}\n{said:#?}");
            service = Some(running);
            continue;
        }
        let port = service.as_ref().map_or("8080", Running::port);
        let real = line.replace("8080", port);
        let known: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if let Some((name, rest)) = line.split_once("=$(") {
            let told = shell(&stage, rest.strip_suffix(')').unwrap(), &known).exits(0);
            // As a shell takes it: all of it but the end of the last line.
            let value = told.out.trim_end_matches('\n').to_owned();
            variables.push((name.trim_start_matches("export ").to_owned(), value));
            continue;
        }
        let told = shell(&stage, &real, &known);
        let text = format!("{}{}", told.out, told.err).replace(port, "8080");
        let mut lines: Vec<String> = text
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        if told.exit != 0 {
            lines.push(format!("(ends with {})", told.exit));
        }
        assert!(
            are_shown(&shown, &lines),
            "$ {line}\n{}\n\nis shown as\n\n{}",
            lines.join("\n"),
            shown.join("\n")
        );
    }
}

/// Returns the lines of the blocks of shell commands of `page`.
fn shell_lines(page: &str) -> Vec<String> {
    let text = fs::read_to_string(repository(page)).unwrap();
    let (mut found, mut is_open) = (Vec::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            is_open = line == "```sh";
        } else if is_open {
            found.push(line.to_owned());
        }
    }
    found
}

/// Returns a stage in whose path the program stands under its own name, beside the
/// tools that `line` needs.
fn bare_stage() -> Stage {
    let stage = Stage::new();
    let folder = stage.path("bin");
    symlink(env!("CARGO_BIN_EXE_aegis"), folder.join("aegis")).unwrap();
    for tool in ["ln", "dirname"] {
        let _ = symlink(Path::new("/usr/bin").join(tool), folder.join(tool));
    }
    stage
}

#[test]
fn each_page_that_names_the_programs_of_the_control_plane_makes_them() {
    for page in ["docs/guide.md", "docs/server.md"] {
        let stage = bare_stage();
        shell(&stage, &shell_lines(page)[0], &[]).exits(0);
        let told = shell(&stage, "aegisctl --version", &[]).exits(0);
        assert!(
            told.out.starts_with("aegisctl "),
            "{page}: {}",
            told.whole()
        );
    }
}

#[test]
fn the_readme_serves_and_verifies_under_the_names_of_the_control_plane() {
    let stage = bare_stage();
    let lines = shell_lines("README.md");
    let [link, serves, token, verifies] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    shell(&stage, link, &[]).exits(0);
    let words = serves.strip_suffix(" &").unwrap().replace(":8080", ":0");
    let words: Vec<&str> = words.split(' ').collect();
    let running = start(&stage, &words);
    let (name, makes) = token.split_once("=$(").unwrap();
    let told = shell(&stage, makes.strip_suffix(')').unwrap(), &[]).exits(0);
    let known = [(name.trim_start_matches("export "), told.out.trim_end())];
    let verifies = verifies.replace("8080", running.port());
    let told = shell(&stage, &verifies, &known).exits(2);
    assert!(
        told.err.contains("aegis log list --sessions"),
        "{}",
        told.whole()
    );
    let address = format!("http://127.0.0.1:{}", running.port());
    let client = Client::new(SystemConnector::default(), address.parse().unwrap());
    let event = json!({"session_id": "sess-001", "event_type": "TOOL_RESULT"});
    let client = client.with_token(Some(known[0].1.to_owned()));
    client.post::<Value>("/v1/events", &event).unwrap();
    let told = shell(&stage, &verifies, &known).exits(0);
    assert!(told.out.starts_with("OK: chain valid"), "{}", told.whole());
}

#[test]
fn aegisctl_ends_with_0_for_a_chain_that_holds_1_for_one_that_does_not_and_2_for_no_answer() {
    let stage = stage();
    curl(&stage);
    let token = token(&stage);
    let dsn = format!(
        "file:{}?mode=rwc&cache=shared",
        stage.path("work/events.db").display()
    );
    let running = start(&stage, &["aegisd", "--addr", "127.0.0.1:0", "--dsn", &dsn]);
    let server = format!("http://localhost:{}", running.port());
    let known = [("AEGIS_TOKEN", token.as_str()), ("SERVER", server.as_str())];
    let post = "curl -s \"$SERVER/v1/events\" -H \"Authorization: Bearer $AEGIS_TOKEN\" -d ";
    for _ in 0..3 {
        let event = r#"'{"session_id":"a&b/c","event_type":"MEMORY_READ","payload":{"k":1}}'"#;
        shell(&stage, &format!("{post}{event}"), &known).exits(0);
    }
    let verify = "aegisctl verify --tenant acme --session 'a&b/c' --server \"$SERVER\"";
    let told = shell(&stage, verify, &known).exits(0);
    assert_eq!(told.out, "OK: chain valid for session a&b/c\n");
    let out = stage.path("work/out.jsonl");
    let export = format!(
        "aegisctl export --tenant acme --session 'a&b/c' --server \"$SERVER\" --out {}",
        out.display()
    );
    shell(&stage, &export, &known).exits(0);
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 3);
    // Neither another session nor a parameter of its own can be named in one.
    let injected =
        "aegisctl verify --tenant 'acme&session_id=b' --session 'a&b/c' --server \"$SERVER\"";
    assert_eq!(shell(&stage, injected, &known).exits(2).out, "");
    for wrong in [
        "aegisctl verify --tenant acme --session nowhere --server \"$SERVER\"",
        "aegisctl verify --tenant acme",
        "aegisctl verify --tenant acme --session s --server nonsense",
        "AEGIS_TOKEN=aegis_x_y aegisctl verify --tenant acme --session s --server \"$SERVER\"",
    ] {
        shell(&stage, wrong, &known).exits(2);
    }
    shell(&stage, "aegisctl manifest show m.json", &known).exits(3);
    running.stop();
    shell(&stage, verify, &known).exits(3);
    let edit = "UPDATE records SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"k\":1', '\"k\":2') \
                AS BLOB) WHERE kind = 'FOREIGN_EVENT' AND seq = 1";
    intrude_at(&stage.path("work/events.db"), &[edit]);
    let running = start(&stage, &["aegisd", "--addr", "127.0.0.1:0", "--dsn", &dsn]);
    let server = format!("http://localhost:{}", running.port());
    let told = shell(&stage, verify, &[known[0], ("SERVER", &server)]).exits(1);
    assert!(
        told.out.starts_with("INVALID: first bad seq=1 error="),
        "{}",
        told.whole()
    );
}

/// The settings that the control plane ships, and what comes of each.
const SHIPPED: [(&str, &str, &[&str]); 3] = [
    (
        "the default data source",
        "dsn: file:DIR/aegis.db?mode=rwc&cache=shared\naddr: 127.0.0.1:0\ntrust_mode: dev\n",
        &[],
    ),
    (
        "the settings for developers",
        "dsn: file:DIR/aegis.db?_journal=WAL\naddr: ':8080'\ntrust_mode: dev\n\
         telemetry:\n  disabled: false\n  path: DIR/traces.ndjson\n",
        &["telemetry.disabled", "telemetry.path"],
    ),
    (
        "the settings for production",
        "dsn: postgres://aegis:CHANGE_ME@postgres:5432/aegis\naddr: 127.0.0.1:0\n\
         manifest: /etc/aegis/aegis-manifest.json\ntrust_mode: prod\nrate_limit: 120\n\
         tls:\n  enabled: false\nlog:\n  level: info\n  format: json\n",
        &["dsn", "manifest"],
    ),
];

#[test]
fn every_shipped_file_of_settings_starts_or_says_which_key_keeps_it_from_that() {
    for (name, text, refused) in SHIPPED {
        let stage = stage();
        let folder = stage.path("work").display().to_string();
        stage.write("work/aegis.yaml", &text.replace("DIR", &folder));
        let checked = stage.aegis(&["validate", "aegis.yaml"]);
        if refused.is_empty() {
            checked.exits(0);
            start(&stage, &["aegisd", "--config", "aegis.yaml"]).stop();
            let serve = ["aegis", "serve", "--config", "aegis.yaml"];
            start(&stage, &serve).stop();
            assert!(stage.path("work/aegis.db").exists());
            continue;
        }
        let checked = checked.exits(2);
        let started = shell(&stage, "aegisd --config aegis.yaml", &[]).exits(2);
        for key in refused {
            assert!(
                checked.out.contains(&format!("`{key}")),
                "{name}: {}",
                checked.whole()
            );
            assert!(
                started.err.contains(&format!("`{key}")),
                "{name}: {}",
                started.whole()
            );
        }
    }
}

#[test]
fn what_would_be_less_safe_than_it_was_told_to_be_does_not_start() {
    let stage = stage();
    for (line, cause) in [
        ("aegisd --addr :0", "clear text"),
        ("aegis serve --listen 0.0.0.0:0", "clear text"),
        ("aegisd --addr 127.0.0.1:0 --trust-mode prod", "token"),
        (
            "aegisd --addr 127.0.0.1:0 --trust-mode production",
            "trust-mode",
        ),
        ("aegisd --addr 127.0.0.1:0 --manifest m.json", "--manifest"),
        ("aegisd --addr 127.0.0.1:0 --mcp-addr :9", "--mcp-addr"),
        (
            "aegisd --addr 127.0.0.1:0 --telemetry-path t",
            "--telemetry-path",
        ),
        (
            "aegisd --addr 127.0.0.1:0 --dsn postgres://h/d",
            "PostgreSQL",
        ),
        ("aegisd --addr nowhere", "--addr"),
    ] {
        let told = shell(&stage, line, &[]).exits(2);
        assert!(told.err.contains(cause), "{}", told.whole());
    }
    token(&stage);
    let prod = ["aegisd", "--addr", "127.0.0.1:0", "--trust-mode", "prod"];
    start(&stage, &prod).stop();
    let memory = "aegisd --addr 127.0.0.1:0 --trust-mode prod --dsn :memory:";
    let told = shell(&stage, memory, &[]).exits(2);
    assert!(told.err.contains("outlives"), "{}", told.whole());
    let told = shell(
        &stage,
        "aegisd --addr 0.0.0.0:0 --trust-mode prod --clear-text",
        &[],
    );
    assert!(told.exits(2).err.contains("clear text"));
}

#[test]
fn a_limit_and_a_request_log_of_the_settings_have_effect() {
    let stage = stage();
    curl(&stage);
    let token = token(&stage);
    let text =
        "addr: 127.0.0.1:0\ndsn: ':memory:'\nrate_limit: 2\nlog: {level: warn, format: json}\n";
    stage.write("work/aegis.yaml", text);
    let running = start(&stage, &["aegisd", "--config", "aegis.yaml"]);
    let address = format!("http://127.0.0.1:{}/v1/events?secret=x", running.port());
    let known = [
        ("AEGIS_TOKEN", token.as_str()),
        ("ADDRESS", address.as_str()),
    ];
    let ask = "curl -s -D - \"${ADDRESS%\\?*}\" -H \"Authorization: Bearer $AEGIS_TOKEN\"";
    for expected in ["200 OK", "200 OK", "429 Too Many Requests"] {
        let told = shell(&stage, ask, &known).exits(0);
        assert!(told.out.contains(expected), "{}", told.whole());
        let is_over = expected.starts_with("429");
        assert_eq!(
            told.out.to_ascii_lowercase().contains("retry-after: "),
            is_over
        );
    }
    shell(&stage, "curl -s \"$ADDRESS\"", &known).exits(0);
    let err = running.stop();
    let lines: Vec<Value> = err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let statuses: Vec<_> = lines
        .iter()
        .map(|line| line["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [429, 401], "{err}");
    assert!(!err.contains("secret"), "{err}");
}
