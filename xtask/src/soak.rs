//! What only shows when much happens, or often: too long for a test.

mod processes;
mod replay;
mod service;
mod sessions;

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

const SOAKS: [Soak; 6] = [
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
        name: "service",
        summary: "64 clients of a service killed every 20 s; 300 s, or AEGIS_SOAK_SECONDS",
        perform: service::perform,
    },
    Soak {
        name: "sessions",
        summary: "a service on a log of 100,000 sessions, and its memory",
        perform: sessions::perform,
    },
    Soak {
        name: "power",
        summary: "power cuts and kills, which lose nothing acknowledged",
        perform: power,
    },
    Soak {
        name: "bash",
        summary: "100,000 scripts, whose plans list what bash starts",
        perform: bash,
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

/// Compares plans with what bash starts, from ten seeds that no test has.
fn bash() -> Result<()> {
    for seed in 101..111 {
        let test = "whatever_bash_starts_is_listed_for_generated_scripts";
        let words = [
            "test",
            "--quiet",
            "-p",
            "aegis-shell",
            "--test",
            "bash",
            test,
        ];
        Cargo::new(&words)
            .words(&["--", "--nocapture"].map(str::to_owned))
            .variable("AEGIS_BASH_SEED", seed.to_string())
            .variable("AEGIS_BASH_SCRIPTS", "10000")
            .succeed()?;
    }
    println!("  100,000 scripts: each start is listed or covered: met");
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
