//! Writes the files under `fixtures/log/v2`, a log that was pruned: `second_format FOLDER`.
//!
//! They were written once, by the first version that prunes, and are never written again.

use std::fs;
use std::path::PathBuf;

use aegis_log::{Batch, Log as _, Options, PruneOrder, SqliteLog, export};
use aegis_types::{ChainId, Entry, EventKind, TenantId, Timestamp};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("a folder is missing")?
        .into();
    let options = Options {
        wal_pages: 0,
        ..Options::default()
    };
    let log = SqliteLog::open(folder.join("log.db"), options)?;
    let tenant: TenantId = "acme".parse()?;
    for (session, unix_ms) in [
        ("gone", 10),
        ("spanning", 20),
        ("gone", 30),
        ("spanning", 200),
    ] {
        let entry = Entry {
            at: Timestamp::from_unix_ms(unix_ms),
            kind: EventKind::PromptSubmitted,
            subject: None,
            payload: json!({"at": unix_ms}).into(),
            sealed: None,
        };
        log.append(Batch {
            chain: ChainId::Session {
                tenant: tenant.clone(),
                session: session.parse()?,
            },
            expected: None,
            entries: vec![entry],
            documents: Vec::new(),
        })?;
    }
    let order = PruneOrder {
        tenant: &tenant,
        before: Timestamp::from_unix_ms(100),
        stays: &|_| false,
    };
    if let Some(plan) = log.plan_pruning(&order)? {
        log.record_pruning(plan, "ada", Timestamp::from_unix_ms(300))?;
    }
    log.sweep(&mut |_| {})?;
    export(&log, None, &mut fs::File::create(folder.join("log.jsonl"))?)?;
    Ok(())
}
