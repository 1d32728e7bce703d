//! Opens a log, appends one action, closes: what a hook process does.
//!
//! `append_once PATH full|normal SESSION NAME`

use aegis_log::{Batch, Durability, Log, Options, SqliteLog};
use aegis_types::{ChainId, Entry, EventKind, Timestamp};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = move || arguments.next().ok_or("an argument is missing");
    let path = next()?;
    let durability = match next()?.as_str() {
        "full" => Durability::Full,
        _ => Durability::Normal,
    };
    let session = next()?;
    let name = next()?;
    let options = Options {
        durability,
        ..Options::default()
    };
    let log = SqliteLog::open(path, options)?;
    let entry = |kind| Entry {
        at: Timestamp::from_unix_ms(1_790_000_000_000),
        kind,
        subject: Some(name.clone()),
        payload: json!({"call_id": name}),
        sealed: None,
    };
    log.append(Batch {
        chain: ChainId::Session {
            tenant: "local".parse()?,
            session: session.parse()?,
        },
        expected: None,
        entries: vec![
            entry(EventKind::ActionRequested),
            entry(EventKind::DecisionMade),
        ],
        documents: Vec::new(),
    })?;
    log.maintain()?;
    Ok(())
}
