//! A home and a project in a temporary folder, and the program started there.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// What the tests are decided by: a rule for each verdict, and a silent default.
pub const POLICY: &str = r#"
aegis: policy/v1
name: tested
default: allow
rules:
  - id: no-force-push
    match: {tool: Bash, shell: {program: git, subcommand: push, flags: [--force]}}
    verdict: deny
    risk: high
    message: Force pushes are not allowed here; push to a branch of your own instead.
  - id: ask-for-tags
    match: {tool: Bash, shell: {program: git, subcommand: push, arguments: ["v[0-9]*"]}}
    verdict: ask
    risk: low
    message: Pushing a release tag needs a person.
    approval: {within: 60s, otherwise: deny}
  - id: status-is-harmless
    match: {tool: Bash, shell: {program: git, subcommand: status}}
    verdict: allow
"#;

/// A home, a folder to work in and a folder of programs, all empty.
pub struct Stage {
    folder: tempfile::TempDir,
    started: AtomicU32,
}

/// What a command said, and how it ended.
pub struct Told {
    pub line: String,
    pub out: String,
    pub err: String,
    pub exit: i32,
}

impl Told {
    /// Returns the answer in JSON: on standard output, or the error on the other.
    #[track_caller]
    pub fn json(&self) -> Value {
        let text = if self.exit != 0 && self.out.is_empty() {
            &self.err
        } else {
            &self.out
        };
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{}", self.whole()))
    }

    /// Returns the command line and all that came of it.
    pub fn whole(&self) -> String {
        let mut text = format!("$ {}\n{}", self.line, self.out);
        if !self.err.is_empty() {
            let _ = write!(text, "--- standard error\n{}", self.err);
        }
        let _ = write!(text, "--- exit {}", self.exit);
        text
    }

    #[track_caller]
    pub fn exits(self, expected: i32) -> Self {
        assert_eq!(self.exit, expected, "{}", self.whole());
        self
    }
}

impl Stage {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("aegis-").tempdir().unwrap();
        for name in ["home", "work", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self {
            folder,
            started: AtomicU32::new(0),
        }
    }

    /// Returns a stage whose user has the policy of these tests.
    pub fn with_policy() -> Self {
        let stage = Self::new();
        stage.write("home/.config/aegis/policy.yaml", POLICY);
        stage
    }

    /// Returns a stage with a log of two sessions: `first` and `second`.
    pub fn with_log() -> Self {
        let stage = Self::with_policy();
        for (session, id, command) in [
            ("first", "call-1", "git status"),
            ("first", "call-2", "git push origin main --force"),
            ("second", "call-3", "ls -l"),
            ("second", "call-4", "git push --force origin topic"),
        ] {
            stage.propose(session, id, command);
        }
        stage
    }

    /// Returns a path of the stage.
    pub fn path(&self, name: &str) -> PathBuf {
        let root = self.folder.path().canonicalize().unwrap();
        root.join(name)
    }

    pub fn log(&self) -> PathBuf {
        self.path("home/.local/share/aegis/log.db")
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Starts `aegis` as a person would, in a terminal of their own.
    pub fn aegis(&self, words: &[&str]) -> Told {
        self.person(Path::new(env!("CARGO_BIN_EXE_aegis")), words, &[])
    }

    /// As [`Stage::aegis`], with variables in the environment.
    pub fn aegis_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Told {
        self.person(Path::new(env!("CARGO_BIN_EXE_aegis")), words, variables)
    }

    /// As [`Stage::aegis`], with the hook program beside it.
    pub fn aegis_beside_hook(&self, words: &[&str]) -> Told {
        self.person(&programs().join("aegis"), words, &[])
    }

    /// Starts a program whose forebears are not those of this test.
    ///
    /// Whoever runs the tests may be an agent, and what descends from one is
    /// refused what only people may do. So a shell leaves the program alone and
    /// ends, and only then the program begins.
    pub fn person(&self, program: &Path, words: &[&str], variables: &[(&str, &str)]) -> Told {
        const LEAVE: &str =
            "exec 3<&0; { read -r go <&3; exec 3<&-; \"$@\" </dev/null; echo $? >\"$EXIT\"; } &";
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let exit = self.path(&format!("exit-{number}"));
        let mut shell = self
            .command(Path::new("/bin/sh"))
            .args(["-c", LEAVE, "sh"])
            .arg(program)
            .args(words)
            .env("EXIT", &exit)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut go = shell.stdin.take().unwrap();
        shell.wait().unwrap();
        go.write_all(b"go\n").unwrap();
        drop(go);
        let output = shell.wait_with_output().unwrap();
        Told {
            line: line(words, variables),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            exit: fs::read_to_string(exit).unwrap().trim().parse().unwrap(),
        }
    }

    /// Returns a program that finds nothing but this stage around it.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("USER", "ada")
            .env("PATH", self.path("bin"));
        command
    }

    /// Starts `aegis hook` with an event, as a client does that nobody sits before.
    pub fn hook(&self, event: &Value) -> Child {
        let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
        self.hook_by(program, &["hook"], &event.to_string())
    }

    /// As [`Stage::hook`], by any program and with any text.
    pub fn hook_by(&self, program: &Path, words: &[&str], text: &str) -> Child {
        let mut hook = self
            .command(program)
            .args(words)
            .env("CLAUDE_CODE_SESSION_ATTENDED", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = hook.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        hook
    }

    /// Returns the event of a shell command about to run.
    pub fn event(&self, session: &str, id: &str, command: &str) -> Value {
        json!({
            "session_id": session,
            "transcript_path": self.path("home/transcript.jsonl"),
            "cwd": self.path("work"),
            "permission_mode": "default",
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": command},
            "tool_use_id": id,
        })
    }

    /// Lets the agent propose a shell command; returns what the hook decides.
    pub fn propose(&self, session: &str, id: &str, command: &str) -> Option<String> {
        decided(self.hook(&self.event(session, id, command)))
    }

    /// Compares what people read with what is kept under `name`.
    #[track_caller]
    pub fn shows(&self, name: &str, told: &[&Told]) {
        let text: Vec<String> = told.iter().map(|told| told.whole()).collect();
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let root = self.path("");
        let root = root.to_str().unwrap().trim_end_matches('/');
        settings.add_filter(&literal(root), "[stage]");
        settings.add_filter("tmp-aegis-[a-z0-9]+-work", "[stage]-work");
        settings.add_filter("local:uid-[0-9]+", "local:[uid]");
        settings.add_filter("user:[0-9]+", "user:[uid]");
        for programs in [
            Some(PathBuf::from(env!("CARGO_BIN_EXE_aegis"))),
            std::env::var_os("AEGIS_TEST_BIN").map(|folder| PathBuf::from(folder).join("aegis")),
        ]
        .into_iter()
        .flatten()
        .flat_map(|program| [program.canonicalize().unwrap_or(program.clone()), program])
        {
            let folder = programs.parent().unwrap().to_str().unwrap();
            settings.add_filter(&literal(folder), "[programs]");
        }
        settings.add_filter(r"\b[0-9a-f]{64}\b", "[digest]");
        settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[date and time    ]");
        settings.add_filter(r"apr_[0-9a-f]{8}\b", "[approval]  ");
        settings.add_filter(r"apr_[0-9a-f]+", "[approval]");
        settings.add_filter(
            r"settings-[0-9a-f]+-\d+T[0-9.]+Z",
            "settings-[digest]-[time]",
        );
        settings.add_filter(r"log-\d{8}T\d{6}\.\d{3}Z", "log-[time]");
        settings.add_filter(r"process \d+ ", "process [number] ");
        settings.bind(|| insta::assert_snapshot!(name, text.join("\n\n")));
    }
}

/// Returns a pattern for exactly this text.
fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if !character.is_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// Returns the command line as a person would write it.
fn line(words: &[&str], variables: &[(&str, &str)]) -> String {
    let variables = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let words = words.iter().map(|word| {
        let is_plain =
            |character: char| character.is_alphanumeric() || "-_./:=".contains(character);
        if word.chars().all(is_plain) {
            (*word).to_owned()
        } else {
            format!("'{word}'")
        }
    });
    let all: Vec<String> = variables.chain(["aegis".to_owned()]).chain(words).collect();
    all.join(" ")
}

/// Waits for a hook; returns its decision, if it says one.
pub fn decided(hook: Child) -> Option<String> {
    let output = hook.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    if text.is_empty() {
        return None;
    }
    let reply: Value = serde_json::from_str(&text).unwrap();
    let decision = &reply["hookSpecificOutput"]["permissionDecision"];
    Some(decision.as_str().unwrap().to_owned())
}

/// Returns the folder in which `aegis` and `aegis-hook` lie side by side.
pub fn programs() -> PathBuf {
    let folder = std::env::var_os("AEGIS_TEST_BIN").unwrap_or_else(|| {
        panic!(
            "this test needs `aegis` and `aegis-hook` side by side: start it with `cargo xtask \
             test`, which builds both and sets AEGIS_TEST_BIN to their folder"
        )
    });
    PathBuf::from(folder)
}

/// Returns the names of the members of a JSON object, sorted.
#[track_caller]
pub fn keys(value: &Value) -> Vec<&str> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Returns a file or folder of the repository.
pub fn repository(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap().join(name)
}
