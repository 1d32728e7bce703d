//! Schemathesis, in a cache folder: it holds the service against its description.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{cache_folder, quietly};

const PACKAGE: &str = "schemathesis";
const VERSION: &str = "4.32.5";

/// Returns the program.
pub fn schemathesis() -> Result<PathBuf> {
    let folder = cache_folder()?.join(PACKAGE);
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let lock = File::create(folder.join(".lock"))?;
    // Of two tests that start at once, one downloads.
    lock.lock()?;
    // Programs of Python name the folder they were installed in, so it cannot
    // be moved once it is whole; a file says that it is.
    let home = folder.join(VERSION);
    let (program, finished) = (home.join("bin/schemathesis"), home.join(".finished"));
    if !finished.is_file() {
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        let wanted = format!("{PACKAGE}=={VERSION}");
        println!("xtask: pip install {wanted}");
        quietly("python3", &["-m", "venv", &home.display().to_string()])
            .context("cannot make a folder for packages of Python")?;
        let pip = home.join("bin/pip").display().to_string();
        quietly(&pip, &["install", "--disable-pip-version-check", &wanted])
            .with_context(|| format!("cannot fetch a package; try: pip install {wanted}"))?;
        File::create(finished)?;
    }
    Ok(program)
}
