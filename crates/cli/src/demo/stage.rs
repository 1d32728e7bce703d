//! The temporary world of the demonstration.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aegis_gate::{Gate, HomeOrigin, Reader, Surroundings};
use serde_json::Value;

use crate::report::{Failure, causes};

/// The files of the world: where they lie below its root, and what they hold.
const FILES: [(&str, &str); 6] = [
    (
        "home/project/.aegis/policy.yaml",
        include_str!("../../demo/policy.yaml"),
    ),
    ("home/project/notes.md", include_str!("../../demo/notes.md")),
    ("home/project/app.py", "version = \"1.0.0\"\n"),
    (
        "home/project/release.sh",
        "#!/bin/sh\ngrep version app.py && echo released | tee released.txt\n",
    ),
    ("home/.ssh/id_ed25519", "a key that is none\n"),
    (
        "home/.config/aegis/settings.toml",
        "durability = \"full\"\n",
    ),
];

/// A temporary folder with a home and a project in it; gone when dropped.
pub(super) struct Stage {
    root: tempfile::TempDir,
    home: PathBuf,
    project: PathBuf,
}

impl Stage {
    /// Makes the folder and its files.
    pub(super) fn build() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::environment(format!(
                "cannot make the folder of the demonstration: {error}"
            ))
        };
        let root = tempfile::Builder::new()
            .prefix("aegis-demo-")
            .tempdir()
            .map_err(failed)?;
        let real = root.path().canonicalize().map_err(failed)?;
        for (name, text) in FILES {
            let path = real.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(failed)?;
            }
            fs::write(&path, text).map_err(failed)?;
        }
        let release = real.join("home/project/release.sh");
        fs::set_permissions(&release, Permissions::from_mode(0o755)).map_err(failed)?;
        let stage = Self {
            home: real.join("home"),
            project: real.join("home/project"),
            root,
        };
        trust_policy(&stage)?;
        Ok(stage)
    }

    /// Opens a gate on this world, as each of its programs does.
    pub(super) fn gate(&self) -> Result<Gate, Failure> {
        Gate::open(self.surroundings()).map_err(|error| Failure::environment(causes(&error)))
    }

    /// Returns what a process would find around it in this world.
    fn surroundings(&self) -> Surroundings {
        Surroundings {
            home: self.home.clone(),
            account: None,
            home_origin: HomeOrigin::Variable,
            reader: Reader::Own,
            variables: std::collections::BTreeMap::new(),
            directory: self.project.clone(),
            managed: self.home.join("etc/aegis"),
            host_managed: self.home.join("etc/claude-code"),
            programs: Vec::new(),
        }
    }

    /// Returns the folder of everything.
    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns the home folder.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the folder of the project.
    pub(super) fn project(&self) -> &Path {
        &self.project
    }

    /// Returns the path of the log.
    pub(super) fn log_path(&self) -> PathBuf {
        aegis_gate::Places::of(&self.surroundings()).log
    }

    /// Returns `params` with the folders filled in.
    pub(super) fn fill(&self, params: &Value) -> Value {
        match params {
            Value::String(text) => Value::String(
                text.replace("{project}", &self.project.to_string_lossy())
                    .replace("{home}", &self.home.to_string_lossy()),
            ),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.clone(), self.fill(value)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => params.clone(),
        }
    }
}

/// Trusts the project's policy, as its user would after reading it.
fn trust_policy(stage: &Stage) -> Result<(), Failure> {
    let places = aegis_gate::Places::of(&stage.surroundings());
    let path = stage.project.join(".aegis/policy.yaml");
    let digest = aegis_gate::ActivePolicies::digest_to_trust(&places, &path)
        .ok_or_else(|| Failure::environment("the policy of the demonstration cannot be used"))?;
    let mut trust = aegis_gate::Trust::default();
    trust.add(digest);
    trust
        .save(&places.trust)
        .map_err(|error| Failure::environment(causes(&error)))
}
