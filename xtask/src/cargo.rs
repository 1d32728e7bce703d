//! Starting cargo from within cargo.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A cargo command line with the environment of a fresh terminal.
pub struct Cargo {
    command: Command,
    shown: String,
}

impl Cargo {
    /// Returns cargo with these words as its arguments, in the workspace's folder.
    pub fn new(words: &[&str]) -> Self {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.current_dir(workspace());
        // What cargo tells this program about its own package would make an
        // inner cargo rebuild whatever looks at those variables.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command.args(words);
        Self {
            command,
            shown: format!("cargo {}", words.join(" ")),
        }
    }

    /// Adds arguments.
    pub fn words(mut self, words: &[String]) -> Self {
        for word in words {
            self.shown = format!("{} {word}", self.shown);
        }
        self.command.args(words);
        self
    }

    /// Sets a variable of cargo and of what it starts.
    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Waits for cargo, which must succeed.
    pub fn succeed(mut self) -> Result<()> {
        println!("xtask: {}", self.shown);
        let status = self.command.status().context("cannot start cargo")?;
        if !status.success() {
            bail!("`{}` failed", self.shown);
        }
        Ok(())
    }

    /// Reports whether cargo succeeds, and shows nothing.
    pub fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        self.command.status().is_ok_and(|status| status.success())
    }

    /// Returns what a successful cargo writes.
    pub fn output(mut self) -> Result<Vec<u8>> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.context("cannot start cargo")?;
        if !output.status.success() {
            bail!("`{}` failed", self.shown);
        }
        Ok(output.stdout)
    }
}

/// Returns the folder of the workspace.
///
/// Cargo names it when it starts this program; the folder in which it was built
/// may be another one that shares its target folder.
pub fn workspace() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), PathBuf::from)
}

/// Returns the folder that cargo builds into.
pub fn target_folder() -> Result<PathBuf> {
    let output = Cargo::new(&["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output)?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    Ok(folder.context("cargo tells no target folder")?.into())
}

/// Builds `aegis-hook` as it is installed, and returns where it is.
///
/// Any other profile or way to link would make a program that nobody starts.
pub fn build_hook() -> Result<PathBuf> {
    let words = ["build", "--quiet", "--profile", "hook", "-p", "aegis-hook"];
    Cargo::new(&words)
        .words(&["--config".to_owned(), "crates/hook/static.toml".to_owned()])
        .succeed()?;
    let host = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output();
    let host = host.context("cannot start rustc")?.stdout;
    let host = String::from_utf8(host).context("rustc tells no name of this machine")?;
    Ok(target_folder()?.join(host.trim()).join("hook/aegis-hook"))
}
