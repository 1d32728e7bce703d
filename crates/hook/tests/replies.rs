//! Recorded hook input in, answers out.
//!
//! A case is a folder in `fixtures/hook`: the events of one session with the
//! answer to each, beside the policy and the settings they meet. `AEGIS_BLESS=1`
//! writes down what is answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aegis_gate::Surroundings;
use aegis_hook::{Guard, run};
use aegis_log::{Log, SqliteLog};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A case as it is written down. `$PROJECT` and `$HOME` stand for its folders.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows.
    about: String,
    /// Variables of the environment.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Files that are there before the first event.
    #[serde(default)]
    files: BTreeMap<String, Value>,
    /// The events, in order.
    steps: Vec<Step>,
    /// The kinds of the records that are in the session's log at the end.
    records: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Changes of files before the event; null removes one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, Value>,
    /// What the host sends.
    input: Value,
    /// What it is told; null when nothing is said.
    reply: Value,
}

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(case: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { folder };
        for name in ["home/.config/aegis", "project", "managed", "host"] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        for (name, place) in [
            ("policy.yaml", "home/.config/aegis/policy.yaml"),
            ("settings.toml", "home/.config/aegis/settings.toml"),
        ] {
            if let Ok(text) = fs::read(case.join(name)) {
                fs::write(machine.path(place), text).unwrap();
            }
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        // The real path, as the host would send it.
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn filled(&self, text: &str) -> String {
        text.replace("$PROJECT", self.path("project").to_str().unwrap())
            .replace("$HOME", self.path("home").to_str().unwrap())
            // A number that JSON can write and I-JSON cannot carry.
            .replace("\"$BIG\"", "123456789012345678901234")
    }

    fn blanked(&self, text: &str) -> String {
        let mut parts = text.split("apr_");
        let first = parts.next().unwrap_or_default().to_owned();
        let text = parts.fold(first, |text, part| {
            // The name of an approval is another one each time.
            let rest = part.trim_start_matches(|found: char| found.is_ascii_alphanumeric());
            text + "$APPROVAL" + rest
        });
        text.replace(self.path("project").to_str().unwrap(), "$PROJECT")
            .replace(self.path("home").to_str().unwrap(), "$HOME")
    }

    fn change(&self, files: &BTreeMap<String, Value>) {
        for (name, content) in files {
            let path = PathBuf::from(self.filled(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content {
                Value::Null => fs::remove_file(path).unwrap(),
                Value::String(text) => fs::write(path, self.filled(text)).unwrap(),
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    fs::write(path, self.filled(&content.to_string())).unwrap();
                }
            }
        }
    }

    fn surroundings(&self, variables: &BTreeMap<String, String>) -> Surroundings {
        let mut variables = variables.clone();
        let project = self.path("project").to_str().unwrap().to_owned();
        variables.insert("CLAUDE_PROJECT_DIR".to_owned(), project);
        Surroundings {
            home: self.path("home"),
            variables,
            directory: self.path("project"),
            managed: self.path("managed"),
            host_managed: self.path("host"),
            ..Surroundings::default()
        }
    }

    fn records(&self) -> Vec<String> {
        let Ok(log) = SqliteLog::open_read_only(self.path("home/.local/share/aegis/log.db")) else {
            return Vec::new();
        };
        let chains = log.chains().unwrap();
        let session = chains.iter().find(|found| found.chain.session().is_some());
        session.map_or_else(Vec::new, |found| {
            let envelopes = log.read(&found.chain, 0, 1_000).unwrap();
            envelopes
                .iter()
                .map(|envelope| envelope.kind.as_str().to_owned())
                .collect()
        })
    }
}

/// Plays a case and returns it with what was answered and recorded.
fn play(folder: &Path) -> (Case, Case) {
    let text = fs::read_to_string(folder.join("case.json")).unwrap();
    let read = || -> Case {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    };
    let (expected, mut found) = (read(), read());
    let machine = Machine::new(folder);
    machine.change(&expected.files);
    for step in &mut found.steps {
        machine.change(&step.files);
        let input = machine.filled(&step.input.to_string());
        let reply = run(
            input.as_bytes(),
            &machine.surroundings(&expected.variables),
            &Guard::new(),
        );
        assert_eq!(reply.exit_code, 0, "{}", folder.display());
        let said = machine.blanked(std::str::from_utf8(&reply.stdout).unwrap());
        step.reply = if said.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&said).unwrap()
        };
    }
    found.records = machine.records();
    (expected, found)
}

#[test]
fn every_recorded_event_is_answered_as_written_down() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hook");
    let mut folders: Vec<PathBuf> = fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 20, "only {} cases", folders.len());
    let mut wrong = Vec::new();
    for folder in folders {
        let (expected, found) = play(&folder);
        let written = |case: &Case| format!("{}\n", serde_json::to_string_pretty(case).unwrap());
        if written(&expected) == written(&found) {
            continue;
        }
        if std::env::var_os("AEGIS_BLESS").is_some() {
            fs::write(folder.join("case.json"), written(&found)).unwrap();
        } else {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            wrong.push(format!(
                "--- {name}: {}\nexpected {}\nfound {}",
                expected.about,
                written(&expected),
                written(&found)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
