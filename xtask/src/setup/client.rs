//! The real clients that the tests drive, in a cache folder.
//!
//! The client is a native program in a package of its own for each system; the
//! package that everyone names only points to it. Nothing of it is started by
//! npm, so the program is linked to by hand: `<version>/claude`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{cache_folder, npm_install};

/// The versions that the tests drive: one that runs a tool when its hook fails,
/// and one that can be told not to.
const VERSIONS: [&str; 2] = ["2.1.197", "2.1.329"];

const PACKAGE: &str = "@anthropic-ai/claude-code";

/// Returns the folder that holds `<version>/claude` for every version.
pub fn clients() -> Result<PathBuf> {
    let folder = cache_folder()?.join("claude-code");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let lock = File::create(folder.join(".lock"))?;
    // Held until the file closes: of two tests that start at once, one
    // downloads and the other finds everything there.
    lock.lock()?;
    for version in VERSIONS {
        if !folder.join(version).join("claude").is_file() {
            fetch(&folder, version)?;
        }
    }
    Ok(folder)
}

fn fetch(folder: &Path, version: &str) -> Result<()> {
    let wanted = format!("{PACKAGE}@{version}");
    let unfinished = folder.join(format!(".{version}"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    npm_install(&unfinished, &wanted)?;

    let program = native_program(&unfinished, version)?;
    std::os::unix::fs::symlink(&program, unfinished.join("claude"))?;
    // The old folder is there only if its link is broken.
    let finished = folder.join(version);
    if finished.exists() {
        fs::remove_dir_all(&finished)?;
    }
    fs::rename(&unfinished, &finished)?;
    Ok(())
}

/// Returns the program for this system, relative to `folder`.
///
/// npm may bring several, for different C libraries; the one that starts and
/// tells the right version is the one.
fn native_program(folder: &Path, version: &str) -> Result<PathBuf> {
    let owner = PathBuf::from("node_modules/@anthropic-ai");
    for package in fs::read_dir(folder.join(&owner))? {
        let program = owner.join(package?.file_name()).join("claude");
        if tells_version(&folder.join(&program), version) {
            return Ok(program);
        }
    }
    bail!("the package {PACKAGE} of version {version} holds no program for this system")
}

fn tells_version(program: &Path, version: &str) -> bool {
    let output = Command::new(program)
        .arg("--version")
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| output.stdout.starts_with(format!("{version} ").as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn package(folder: &Path, name: &str, answer: &str) {
        let folder = folder.join("node_modules/@anthropic-ai").join(name);
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("claude");
        fs::write(&program, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_program_that_tells_the_version_is_the_native_one() {
        let folder = tempfile::tempdir().unwrap();
        package(folder.path(), "claude-code-other", "not for this system");
        package(folder.path(), "claude-code-here", "2.1.329 (Claude Code)");
        let found = native_program(folder.path(), "2.1.329").unwrap();
        let expected = "node_modules/@anthropic-ai/claude-code-here/claude";
        assert_eq!(found, PathBuf::from(expected));
        assert!(native_program(folder.path(), "2.1.32").is_err());
    }
}
