//! Figures, side by side with peers.

mod crates;
pub mod figures;
mod hook;
pub mod machine;
mod mix;
mod peer;
mod policy;
mod profile;
mod record;
pub mod replay;
pub mod served;
mod server;
mod shell;
pub mod stage;

use anyhow::{Result, bail};

use crate::cargo::Cargo;
use crate::setup;

/// One benchmark: it measures, prints its figures and fails if it could not.
pub struct Bench {
    /// The name on the command line.
    pub name: &'static str,
    /// What it measures.
    pub summary: &'static str,
    /// Measures.
    pub measure: fn() -> Result<()>,
}

/// Every benchmark, each in a file of `xtask/src/bench/`.
const BENCHES: [Bench; 9] = [
    Bench {
        name: "hook",
        summary: "the hook as a whole process",
        measure: hook::measure,
    },
    Bench {
        name: "decide",
        summary: "one decision, by the number of rules",
        measure: crates::decide,
    },
    Bench {
        name: "policy",
        summary: "a policy from its text and from its cache",
        measure: policy::measure,
    },
    Bench {
        name: "shell",
        summary: "what command lines would do, and hostile ones",
        measure: shell::measure,
    },
    Bench {
        name: "log",
        summary: "appending and verifying",
        measure: crates::log,
    },
    Bench {
        name: "record",
        summary: "deciding and recording, in actions",
        measure: record::measure,
    },
    Bench {
        name: "replay",
        summary: "deciding recorded requests again",
        measure: replay::measure,
    },
    Bench {
        name: "server",
        summary: "the service, beside a handler that does nothing",
        measure: server::measure,
    },
    Bench {
        name: "profile",
        summary: "where the service spends the time of a decision",
        measure: profile::measure,
    },
];

/// Measures every benchmark, or the one that is named.
pub fn bench(arguments: &[String]) -> Result<()> {
    if arguments.first().is_some_and(|name| name == served::EMPTY) {
        return server::serve_empty();
    }
    setup::ensure(setup::BUILD)?;
    if is_handed_over("bench", arguments)? {
        return Ok(());
    }
    let chosen: Vec<&Bench> = BENCHES
        .iter()
        .filter(|bench| arguments.first().is_none_or(|name| bench.name == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("no such benchmark; there are: {}", names.join(", "));
    }
    for bench in chosen {
        println!("\n{}: {}", bench.name, bench.summary);
        print!("  ");
        machine::print();
        (bench.measure)()?;
    }
    Ok(())
}

/// Runs the command in an optimised build of this program, unless this is one.
///
/// Figures of a build without optimisation say nothing.
pub fn is_handed_over(command: &str, arguments: &[String]) -> Result<bool> {
    if cfg!(debug_assertions) {
        Cargo::new(&["run", "--quiet", "--release", "-p", "xtask", "--", command])
            .words(arguments)
            .succeed()?;
    }
    Ok(cfg!(debug_assertions))
}
