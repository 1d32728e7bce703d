//! The YAML service of editors, in a cache folder: what a person sees who writes
//! a policy in an editor.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{cache_folder, npm_install};

const PACKAGE: &str = "yaml-language-server";
const VERSION: &str = "1.25.0";

/// Returns the program of the service, to be started by `node`.
pub fn yaml_service() -> Result<PathBuf> {
    let folder = cache_folder()?.join(PACKAGE);
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let lock = File::create(folder.join(".lock"))?;
    // As with the clients: of two tests that start at once, one downloads.
    lock.lock()?;
    let finished = folder.join(VERSION);
    let program = finished.join("node_modules").join(PACKAGE);
    let program = program.join("bin").join(PACKAGE);
    if !program.is_file() {
        let unfinished = folder.join(format!(".{VERSION}"));
        for old in [&unfinished, &finished] {
            if old.exists() {
                fs::remove_dir_all(old)?;
            }
        }
        npm_install(&unfinished, &format!("{PACKAGE}@{VERSION}"))?;
        fs::rename(&unfinished, &finished)?;
    }
    Ok(program)
}
