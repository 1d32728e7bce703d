//! The log: whether it opens, whether its newest records hold together, and
//! what its times say of the clock.

use aegis_gate::{Places, with_causes};
use aegis_log::{Log as _, OpenLogError, SqliteLog, verify_end};
use aegis_types::{DurationMs, Timestamp};

use super::{Part, Symptom};

/// How many chains are looked at: those appended to last.
const CHAINS_MAX: usize = 16;

/// How many records of each are looked at: the last ones.
const RECORDS_MAX: usize = 64;

/// The first moment at which this program can have run: the beginning of 2025.
const EARLIEST: Timestamp = Timestamp::from_unix_ms(1_735_689_600_000);

/// How far the clock may lie behind the newest record.
const BEHIND_MAX: DurationMs = DurationMs::from_secs(60);

/// Examines the log and the clock.
pub(super) fn examine(places: &Places, now: Timestamp, symptoms: &mut Vec<Symptom>) {
    let newest = match read(places, symptoms) {
        Ok(newest) => newest,
        Err(cause) => {
            symptoms.push(Symptom::fault(
                Part::Log,
                format!("`{}` cannot be used: {cause}", places.log.display()),
                "until then every action is denied; `aegis log verify` tells more, \
                 a log moved away is begun anew",
            ));
            None
        }
    };
    clock(now, newest, symptoms);
}

/// Returns the time of the newest record.
fn read(places: &Places, symptoms: &mut Vec<Symptom>) -> Result<Option<Timestamp>, String> {
    let log = match SqliteLog::open_read_only(&places.log) {
        Ok(log) => log,
        Err(OpenLogError::Missing) => {
            let text = format!("`{}` is not there yet", places.log.display());
            symptoms.push(Symptom::note(Part::Log, text));
            return Ok(None);
        }
        Err(error) => return Err(with_causes(&error)),
    };
    let mut chains = log.chains().map_err(|error| with_causes(&error))?;
    let count = chains.len();
    chains.sort_by_key(|chain| std::cmp::Reverse(chain.last_at));
    let newest = chains.first().map(|chain| chain.last_at);
    for chain in chains.iter().take(CHAINS_MAX) {
        let found = verify_end(&log, chain, RECORDS_MAX).map_err(|error| with_causes(&error))?;
        if let Some(fault) = found {
            symptoms.push(Symptom::fault(
                Part::Log,
                fault.to_string(),
                "run `aegis log verify`: it names every record that was changed",
            ));
            return Ok(newest);
        }
    }
    symptoms.push(Symptom::good(
        Part::Log,
        match count {
            0 => format!("`{}`: nothing is recorded yet", places.log.display()),
            1 => format!(
                "`{}`: one chain; its newest records hold together",
                places.log.display()
            ),
            _ => format!(
                "`{}`: {count} chains; their newest records hold together",
                places.log.display()
            ),
        },
    ));
    Ok(newest)
}

fn clock(now: Timestamp, newest: Option<Timestamp>, symptoms: &mut Vec<Symptom>) {
    let remedy = "set the clock of the machine";
    if now < EARLIEST {
        let text = "the clock of the machine shows a time long past";
        symptoms.push(Symptom::fault(Part::Clock, text, remedy));
        return;
    }
    match newest {
        Some(newest) if newest > now.plus(BEHIND_MAX) => symptoms.push(Symptom::warning(
            Part::Clock,
            "the newest record of the log lies in the future, so the clock was set back; \
             limits and expiries count wrong until it has caught up",
            remedy,
        )),
        Some(_) | None => symptoms.push(Symptom::good(Part::Clock, "the clock is plausible")),
    }
}
