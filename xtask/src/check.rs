//! Format, lints and tidy tests; and everything that a change must pass.

use anyhow::Result;

use crate::cargo::{Cargo, workspace};
use crate::{corpora, setup, test};

/// The public corpora, when a checkout of them lies beside the workspace.
const CORPORA: &str = "../shared/corpora";

/// Checks format, lints and tidiness.
pub fn check(_: &[String]) -> Result<()> {
    setup::ensure(setup::BUILD)?;
    Cargo::new(&["fmt", "--all", "--check"]).succeed()?;
    let targets = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"];
    Cargo::new(&targets).succeed()?;
    let lints = ["clippy", "--workspace", "--all-targets", "--quiet", "--"];
    Cargo::new(&[&lints[..], &["-D", "warnings"]].concat()).succeed()?;
    Cargo::new(&["test", "--quiet", "-p", "aegis-cli", "--test", "tidy"]).succeed()
}

/// Performs everything that a change must pass.
pub fn ci(_: &[String]) -> Result<()> {
    check(&[])?;
    test::test(&[])?;
    Cargo::new(&["doc", "--workspace", "--no-deps", "--quiet"])
        .variable("RUSTDOCFLAGS", "-D warnings")
        .succeed()?;
    let folder = workspace().join(CORPORA);
    if folder.is_dir() {
        corpora::score(&folder)?;
    }
    Ok(())
}
