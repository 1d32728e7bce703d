//! `aegis log verify`: recomputing everything.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::str::FromStr as _;

use aegis_canon::Digest;
use aegis_log::{
    Anchor, Depth, Evidence, SqliteLog, Standing, Verification, VerifiedChain, verify as recompute,
    verify_export,
};
use aegis_types::{ChainId, SessionId};
use serde_json::{Value, json};

use crate::arguments::VerifyArguments;
use crate::command::log::unreadable;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// How many faults are shown one by one.
const FAULTS_SHOWN: usize = 20;

/// Verifies the log here, or a file.
pub(crate) fn verify(here: &Here, arguments: &VerifyArguments) -> Result<Report, Failure> {
    let anchors = match arguments.anchor.as_slice() {
        [] => Vec::new(),
        given => {
            let tenant = here.settings()?.tenant.value;
            let read = given.iter().map(|text| anchor(text, &tenant));
            read.collect::<Result<_, _>>()?
        }
    };
    let evidence = Evidence {
        depth: if arguments.canonical {
            Depth::Canonical
        } else {
            Depth::Hashes
        },
        anchors: &anchors,
        ..Evidence::NONE
    };
    let found = match &arguments.file {
        Some(file) => of_file(file, &evidence)?,
        None => recompute(&here.log()?, &evidence).map_err(|error| unreadable(&error))?,
    };
    let mut page = Page::default();
    for line in lines(&found) {
        page.line(&line);
    }
    let exit = if found.is_sound() {
        Exit::Done
    } else {
        Exit::No
    };
    Ok(Report::done(page, to_json(&found)).with(exit))
}

/// Refuses a log that was changed behind the back of Aegis: what is made of a log
/// for good must be what happened.
pub(crate) fn refuse_changed(log: &SqliteLog) -> Result<(), Failure> {
    let found = recompute(log, &Evidence::NONE).map_err(|error| unreadable(&error))?;
    if found.is_sound() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::No,
        ..Failure::usage("the log was changed, so no rule is made of it")
            .remedy("`aegis log verify` names what is wrong with it")
    })
}

/// What an SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Verifies an exported log, or a backup of one.
pub(crate) fn of_file(file: &Path, evidence: &Evidence<'_>) -> Result<Verification, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("cannot read `{}`: {error}", file.display()))
    };
    let mut reader = BufReader::new(File::open(file).map_err(failed)?);
    if !reader.fill_buf().map_err(failed)?.starts_with(SQLITE) {
        return verify_export(reader, evidence).map_err(failed);
    }
    let log = SqliteLog::open_still(file)
        .map_err(|error| Failure::usage(format!("`{}`: {}", file.display(), causes(&error))))?;
    recompute(&log, evidence).map_err(|error| unreadable(&error))
}

/// Reads a record whose hash was kept elsewhere: `SESSION:SEQ:HASH`, or `SEQ:HASH`
/// of the chain of heads.
fn anchor(text: &str, tenant: &aegis_types::TenantId) -> Result<Anchor, Failure> {
    let wrong = || {
        Failure::usage(format!("`{text}` is no head")).remedy(
            "write SEQ:HASH, as `aegis log backup` shows it, or SESSION:SEQ:HASH, as \
                 `aegis log list --sessions --json` shows them",
        )
    };
    let (rest, hash) = text.rsplit_once(':').ok_or_else(wrong)?;
    let tenant = tenant.clone();
    let (chain, seq) = match rest.rsplit_once(':') {
        None => (ChainId::Heads { tenant }, rest),
        Some((session, seq)) => {
            let session = SessionId::from_str(session).map_err(|_| wrong())?;
            (ChainId::Session { tenant, session }, seq)
        }
    };
    Ok(Anchor {
        chain,
        seq: seq.parse().map_err(|_| wrong())?,
        hash: Digest::from_str(hash).map_err(|_| wrong())?,
    })
}

/// Returns the lines that show what was found.
pub(crate) fn lines(found: &Verification) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    let sessions = found
        .chains
        .iter()
        .filter(|chain| chain.chain.session().is_some())
        .count();
    lines.push(vec![piece(
        Tone::Quiet,
        format!(
            "  {} in {}, {}",
            describe::count(found.records, "record", "records"),
            describe::count(sessions, "session", "sessions"),
            describe::count(found.documents, "policy", "policies"),
        ),
    )]);
    if found.sealed > 0 || found.erased > 0 {
        let sealed = describe::count(found.sealed, "sealed result", "sealed results");
        let text = format!("  {sealed}, {} erased", found.erased);
        lines.push(vec![piece(Tone::Quiet, text)]);
    }
    for pruned in &found.pruned {
        let text = format!(
            "  pruned: {} of {} of tenant {} in which nothing was recorded since {} UTC; by {}, at {} UTC",
            describe::count(pruned.records, "record", "records"),
            describe::count(pruned.sessions, "session", "sessions"),
            pruned.tenant,
            describe::time(pruned.before),
            pruned.by,
            describe::time(pruned.at),
        );
        lines.push(vec![piece(Tone::Careful, text)]);
    }
    for fault in found.faults.iter().take(FAULTS_SHOWN) {
        lines.push(vec![
            piece(Tone::Bad, "  ✗ "),
            piece(Tone::Plain, fault.to_string()),
        ]);
    }
    let shown = u64::try_from(FAULTS_SHOWN.min(found.faults.len())).unwrap_or(u64::MAX);
    if found.fault_count > shown {
        lines.push(vec![piece(
            Tone::Bad,
            format!("  … and {} more", found.fault_count - shown),
        )]);
    }
    if found.is_sound() {
        let anchored = found
            .chains
            .iter()
            .filter(|chain| chain.anchored_to.is_some())
            .count();
        let word = if anchored == 0 {
            "  ✓ consistent: it agrees with itself; nothing kept elsewhere vouches for it"
        } else {
            "  ✓ anchored where a head was kept elsewhere, consistent otherwise"
        };
        lines.push(vec![piece(Tone::Good, word)]);
    }
    lines
}

/// Returns what was found, for programs.
pub(crate) fn to_json(found: &Verification) -> Value {
    json!({
        "sound": found.is_sound(),
        "records": found.records,
        "documents": found.documents,
        "sealed": found.sealed,
        "erased": found.erased,
        "pruned": found.pruned.iter().map(|pruned| json!({
            "tenant": pruned.tenant,
            "records": pruned.records,
            "sessions": pruned.sessions,
            "before_unix_ms": pruned.before,
            "by": pruned.by,
            "ts_unix_ms": pruned.at,
        })).collect::<Vec<_>>(),
        "fault_count": found.fault_count,
        "faults": found.faults.iter().map(|fault| {
            let place = fault.place();
            json!({
                "text": fault.to_string(),
                "session": place.and_then(|(chain, _)| chain.session()),
                "seq": place.map(|(_, seq)| seq),
            })
        }).collect::<Vec<_>>(),
        "chains": found.chains.iter().map(chain_json).collect::<Vec<_>>(),
    })
}

fn chain_json(chain: &VerifiedChain) -> Value {
    json!({
        "tenant": chain.chain.tenant(),
        "session": chain.chain.session(),
        "records": chain.records,
        "next": chain.head.next,
        "head": chain.head.hash,
        "ranges": chain.ranges().iter().map(|range| json!({
            "from": range.from,
            "to": range.to,
            "standing": match range.standing {
                Standing::Anchored => "anchored",
                Standing::Consistent => "consistent",
                Standing::Faulty => "faulty",
            },
        })).collect::<Vec<_>>(),
    })
}
