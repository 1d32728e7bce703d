//! Writes the files under `fixtures/log/v1`: `first_format FOLDER`.
//!
//! They were written once, by the first version, and are never written again.

use std::fs;
use std::path::PathBuf;

use aegis_canon::Digest;
use aegis_log::{Batch, Log, Options, SqliteLog, export};
use aegis_types::{ChainId, Entry, EventKind, SealedPayload, Timestamp};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("a folder is missing")?
        .into();
    let path = folder.join("log.db");
    let log = SqliteLog::open(
        &path,
        Options {
            wal_pages: 0,
            ..Options::default()
        },
    )?;
    let tenant = "acme".parse()?;
    let one = ChainId::Session {
        tenant,
        session: "one".parse()?,
    };
    let two = ChainId::Session {
        tenant: one.tenant().clone(),
        session: "two".parse()?,
    };
    let policy: &[u8] = b"{\"sources\":[],\"v\":1}";
    append(
        &log,
        &one,
        vec![
            entry(
                EventKind::ActionRequested,
                json!({"call_id": "a", "text": "\u{fb33} <\u{20ac}> \u{1f600} \u{2028}"}),
            ),
            entry(
                EventKind::DecisionMade,
                json!({"call_id": "a", "outcome": "allow", "ratio": 0.5}),
            ),
        ],
        vec![(Digest::of(policy), policy.into())],
    )?;
    let ciphertext = b"not readable".to_vec();
    let mut sealed = entry(EventKind::PromptSubmitted, Value::Null);
    sealed.sealed = Some(SealedPayload {
        key_id: "first".to_owned(),
        digest: Digest::of(&ciphertext),
        ciphertext: Some(ciphertext),
    });
    append(&log, &two, vec![sealed], Vec::new())?;
    append(
        &log,
        &one,
        vec![entry(EventKind::OutcomeRecorded, json!({"call_id": "a"}))],
        Vec::new(),
    )?;
    log.erase_sealed(&["first"])?;
    log.maintain()?;
    export(&log, None, &mut fs::File::create(folder.join("log.jsonl"))?)?;
    let heads = log.head(&ChainId::Heads {
        tenant: one.tenant().clone(),
    })?;
    let hash = heads.hash.ok_or("there are no heads")?;
    fs::write(folder.join("heads.txt"), format!("{hash}\n"))?;
    Ok(())
}

fn entry(kind: EventKind, payload: Value) -> Entry {
    Entry {
        at: Timestamp::from_unix_ms(1_790_000_000_000),
        kind,
        subject: Some("a".to_owned()),
        payload: payload.into(),
        sealed: None,
    }
}

fn append(
    log: &SqliteLog,
    chain: &ChainId,
    entries: Vec<Entry>,
    documents: Vec<(Digest, std::sync::Arc<[u8]>)>,
) -> Result<(), aegis_log::AppendError> {
    log.append(Batch {
        chain: chain.clone(),
        expected: None,
        entries,
        documents,
    })
    .map(|_| ())
}
