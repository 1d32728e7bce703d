//! The peer that stands beside Aegis: `agent-aegis` 1.0.0.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::workspace;
use crate::setup::cache_folder;

/// The package and the version that is measured.
const PACKAGE: &str = "agent-aegis";
const VERSION: &str = "1.0.0";

/// What the peer was measured to do.
#[derive(Clone, Debug)]
pub struct Peer(Value);

impl Peer {
    /// Measures the peer; its records go to the disk of `folder`.
    pub fn measure(folder: &Path) -> Result<Self> {
        let python = environment()?;
        let output = Command::new(python)
            .arg(workspace().join("xtask/peers/agent_aegis.py"))
            .arg(folder)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            bail!("{PACKAGE} could not be measured");
        }
        Ok(Self(serde_json::from_slice(&output.stdout)?))
    }

    /// Returns the figure of this name.
    pub fn figure(&self, name: &str) -> Result<f64> {
        let figure = self.0.get(name).and_then(Value::as_f64);
        figure.with_context(|| format!("{PACKAGE} has no figure `{name}`"))
    }
}

/// Returns the Python of an environment that holds the peer, which is made if needed.
fn environment() -> Result<PathBuf> {
    let folder = cache_folder()?
        .join("peers")
        .join(format!("{PACKAGE}-{VERSION}"));
    let python = folder.join("bin/python");
    let is_there = || {
        let check =
            format!("import importlib.metadata as m; assert m.version('{PACKAGE}') == '{VERSION}'");
        quiet(Command::new(&python).args(["-c", &check]))
    };
    if !is_there() {
        println!("  making a Python environment with {PACKAGE} {VERSION}");
        if !quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder)) {
            bail!(
                "no Python environment can be made (Debian, Ubuntu: apt-get install python3-venv)"
            );
        }
        let package = format!("{PACKAGE}=={VERSION}");
        quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]));
        if !is_there() {
            bail!("{PACKAGE} {VERSION} cannot be installed");
        }
    }
    Ok(python)
}

/// Reports whether a program succeeds, whose output is nobody's business.
fn quiet(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
