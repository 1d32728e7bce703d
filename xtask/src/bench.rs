//! Figures, side by side with peers.

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
const BENCHES: [Bench; 0] = [];

/// Measures every benchmark, or the one that is named.
pub fn bench(arguments: &[String]) -> Result<()> {
    setup::ensure(setup::BUILD)?;
    // Figures of a build without optimisation say nothing.
    if cfg!(debug_assertions) {
        return Cargo::new(&["run", "--quiet", "--release", "-p", "xtask", "--", "bench"])
            .words(arguments)
            .succeed();
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
        println!("{}: {}", bench.name, bench.summary);
        (bench.measure)()?;
    }
    Ok(())
}
