//! All tests, with what they need.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cargo::{Cargo, target_folder};
use crate::{setup, size};

/// Whether a test compares with what is committed or replaces it.
#[derive(Clone, Copy)]
enum Expected {
    Compared,
    Replaced,
}

/// What the tests drive and the repository does not hold.
struct Fetched {
    /// The folder of the clients.
    clients: PathBuf,
    /// The program of the YAML service of editors.
    yaml_service: PathBuf,
    /// The program that holds the service against its description.
    schemathesis: PathBuf,
}

/// Tests everything, or what matches.
pub fn test(arguments: &[String]) -> Result<()> {
    tests(arguments, Expected::Compared)
}

/// Tests, and accepts whatever came out as what is expected.
pub fn bless(arguments: &[String]) -> Result<()> {
    tests(arguments, Expected::Replaced)
}

fn tests(arguments: &[String], expected: Expected) -> Result<()> {
    setup::ensure(setup::BUILD)?;
    setup::ensure(setup::TEST)?;
    let fetched = Fetched {
        clients: setup::clients()?,
        yaml_service: setup::yaml_service()?,
        schemathesis: setup::schemathesis()?,
    };
    Cargo::new(&["build", "--quiet", "-p", "aegis-cli", "-p", "aegis-hook"]).succeed()?;
    let programs = target_folder()?.join("debug");

    if Cargo::new(&["nextest", "--version"]).succeeds() {
        let words = ["nextest", "run", "--workspace"];
        prepared(&words, &fetched, &programs, expected)
            .words(arguments)
            .succeed()?;
        if arguments.is_empty() {
            // The other runner leaves the examples in comments out.
            let words = ["test", "--workspace", "--doc", "--quiet"];
            prepared(&words, &fetched, &programs, expected).succeed()?;
        }
    } else {
        prepared(&["test", "--workspace"], &fetched, &programs, expected)
            .words(arguments)
            .succeed()?;
    }
    if arguments.is_empty() {
        size::hook()?;
    }
    Ok(())
}

fn prepared(words: &[&str], fetched: &Fetched, programs: &Path, expected: Expected) -> Cargo {
    let cargo = Cargo::new(words)
        .variable("AEGIS_TEST_CLAUDE_CODE", &fetched.clients)
        .variable("AEGIS_TEST_YAML_SERVER", &fetched.yaml_service)
        .variable("AEGIS_TEST_SCHEMATHESIS", &fetched.schemathesis)
        .variable("AEGIS_TEST_BIN", programs);
    match expected {
        Expected::Compared => cargo.variable("INSTA_UPDATE", "no"),
        Expected::Replaced => cargo
            .variable("INSTA_UPDATE", "always")
            .variable("AEGIS_BLESS", "1"),
    }
}
