//! The one-minute tour.

use anyhow::Result;

use crate::cargo::Cargo;
use crate::setup;

/// Builds and starts the demonstration.
pub fn demo(arguments: &[String]) -> Result<()> {
    setup::ensure(setup::BUILD)?;
    Cargo::new(&[
        "run",
        "--quiet",
        "-p",
        "aegis-cli",
        "--bin",
        "aegis",
        "--",
        "demo",
    ])
    .words(arguments)
    .succeed()
}
