//! What only shows when much happens, or often: too long for a test.

mod processes;
mod replay;

use anyhow::{Result, bail};

use crate::bench::{is_handed_over, machine};
use crate::cargo::Cargo;
use crate::setup;

/// One soak: it fails if a single thing goes wrong.
struct Soak {
    name: &'static str,
    summary: &'static str,
    perform: fn() -> Result<()>,
}

const SOAKS: [Soak; 3] = [
    Soak {
        name: "processes",
        summary: "32 hook processes at once on one database, 200 rounds",
        perform: processes::perform,
    },
    Soak {
        name: "replay",
        summary: "a million recorded requests, decided again",
        perform: replay::perform,
    },
    Soak {
        name: "power",
        summary: "power cuts and kills, which lose nothing acknowledged",
        perform: power,
    },
];

/// Performs every soak, or the one that is named.
pub fn soak(arguments: &[String]) -> Result<()> {
    setup::ensure(setup::BUILD)?;
    setup::ensure(setup::TEST)?;
    if is_handed_over("soak", arguments)? {
        return Ok(());
    }
    let chosen: Vec<&Soak> = SOAKS
        .iter()
        .filter(|soak| arguments.first().is_none_or(|name| soak.name == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = SOAKS.iter().map(|soak| soak.name).collect();
        bail!("no such soak; there are: {}", names.join(", "));
    }
    for soak in chosen {
        println!("\n{}: {}", soak.name, soak.summary);
        print!("  ");
        machine::print();
        (soak.perform)()?;
    }
    Ok(())
}

/// Cuts the power 300 times at level full, 100 times at level normal, and kills.
///
/// The cuts are tests of the log: what was synced is made again from a record
/// of every write and sync, as it may be after a cut at any moment.
fn power() -> Result<()> {
    for name in ["power_cut", "killed_process"] {
        Cargo::new(&["test", "--quiet", "-p", "aegis-log", "--test", "log", name]).succeed()?;
    }
    println!("  300 cuts at level full: nothing acknowledged is lost: met");
    println!("  kill -9 at both levels: nothing acknowledged is lost: met");
    Ok(())
}
