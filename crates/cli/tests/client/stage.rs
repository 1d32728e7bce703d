//! A place for one session: a client of one version, a home, a project.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_host::{Client, ScriptedModel, Session, ToolUse};
use serde_json::json;

/// The version that runs a tool when its hook fails.
pub const OPEN: &str = "2.1.197";

/// The version that can be told not to.
pub const CLOSED: &str = "2.1.329";

/// A client of one version with a fresh home and an empty project.
pub struct Stage {
    folder: tempfile::TempDir,
    pub client: Client,
}

impl Stage {
    pub fn new(version: &'static str) -> Self {
        let folder = tempfile::Builder::new().prefix("aegis-").tempdir().unwrap();
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self {
            folder,
            client: client(version),
        }
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Reads a file of the project; `None` if it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.work().join(name)).ok()
    }

    pub fn session<'a>(&'a self, model: &'a ScriptedModel) -> Session<'a> {
        self.client.session(model, &self.home(), &self.work())
    }
}

fn client(version: &str) -> Client {
    let folder = std::env::var_os("AEGIS_TEST_CLAUDE_CODE").unwrap_or_else(|| {
        panic!(
            "this test drives a real client: start it with `cargo xtask test`, which fetches the \
             client and sets AEGIS_TEST_CLAUDE_CODE to the folder it is in"
        )
    });
    let program = Path::new(&folder).join(version).join("claude");
    let client = Client::at(&program).unwrap();
    assert_eq!(client.version().to_string(), version);
    client
}

/// Checks a case on every version against what is expected of that version.
///
/// A failure names every version that differs, and not only the first.
pub fn check<T: PartialEq + std::fmt::Debug>(
    expected: [(&'static str, T); 2],
    seen: impl Fn(&Stage) -> T,
) {
    let mut differing = Vec::new();
    for (version, expected) in expected {
        let seen = seen(&Stage::new(version));
        if seen != expected {
            differing.push(format!(
                "\n{version}\n  expected {expected:?}\n  seen     {seen:?}"
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.concat());
}

/// Returns a use of the shell.
pub fn shell(command: &str) -> ToolUse {
    ToolUse::new(
        "Bash",
        json!({"command": command, "description": "a step of the task"}),
    )
}
