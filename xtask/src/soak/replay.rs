//! A million recorded requests, decided again.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use aegis_gate::replay::exact;
use anyhow::Result;

use crate::bench::{machine, replay};

/// How many requests are recorded.
const REQUESTS: usize = 1_000_000;

/// Records and replays.
pub fn perform() -> Result<()> {
    let scratch = machine::scratch()?;
    let began = Instant::now();
    let recorded = replay::record(scratch.path(), REQUESTS, progress)?;
    println!(
        "  {REQUESTS} requests recorded on disk in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let began = Instant::now();
    let replayed = exact(&recorded.log, &replay::chains(&recorded.log)?)?;
    let seconds = began.elapsed().as_secs_f64();
    replay::check(&replayed, REQUESTS as u64)?;
    println!(
        "  {} decisions: {} identical, {} by the gate itself, none differing, in {seconds:.0} s \
         from disk: {:.0} decisions/s: met",
        replayed.decided,
        replayed.identical,
        replayed.by_gate,
        replayed.decided as f64 / seconds
    );
    Ok(())
}

fn progress(number: usize) {
    let mut terminal = std::io::stdout();
    if terminal.is_terminal() && number.is_multiple_of(25_600) {
        print!("\r  {number} recorded");
        // A terminal that is gone misses nothing.
        let _ = terminal.flush();
    }
}
