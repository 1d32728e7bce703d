//! `aegis log verify`: recomputing everything.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use aegis_api::{ClientError, ProblemKind, PrunedView, VerificationView, VerifyRequest};
use aegis_log::{
    Anchor, Depth, Evidence, SqliteLog, Verification, verify as recompute, verify_export,
};
use aegis_server::verification_view;
use aegis_types::{TenantId, Timestamp};
use serde_json::{Value, json};

use crate::arguments::VerifyArguments;
use crate::command::log::unreadable;
use crate::command::remote::{client, is, refuse_beside};
use crate::command::served::refused;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// How an anchor is written.
const ANCHORS: &str = "write TENANT@SEQ:HASH, as `aegis log backup` shows it, or \
                       TENANT/SESSION@SEQ:HASH, as `aegis log list --sessions --json` shows them";

/// How many faults are shown one by one.
const FAULTS_SHOWN: usize = 20;

/// Verifies the log here, or a file, or has a service verify its log.
pub(crate) fn verify(here: &Here, arguments: &VerifyArguments) -> Result<Report, Failure> {
    let client = match arguments.file {
        Some(_) => {
            refuse_beside(&arguments.server, "--file")?;
            None
        }
        None => client(here, &arguments.server)?,
    };
    let found = match client {
        Some(client) => client
            .verify_log(&VerifyRequest {
                canonical: arguments.canonical,
                anchors: arguments.anchor.clone(),
            })
            .map_err(|error| unverified(&error, !arguments.anchor.is_empty()))?,
        None => verification_view(&of_machine(here, arguments)?, None),
    };
    let mut page = Page::default();
    for line in view_lines(&found) {
        page.line(&line);
    }
    let exit = if found.sound { Exit::Done } else { Exit::No };
    Ok(Report::done(page, json!(found)).with(exit))
}

/// Says why a service verifies nothing, and what to do; about its anchors, if it
/// was given any.
fn unverified(error: &ClientError, has_anchors: bool) -> Failure {
    let failure = refused(error);
    if has_anchors && is(error, ProblemKind::InvalidRequest) {
        return failure.remedy(ANCHORS);
    }
    if has_anchors && is(error, ProblemKind::Forbidden) {
        return failure.remedy(
            "a service verifies the log of one tenant: give its own anchors, with a token of its \
             role `auditor`",
        );
    }
    failure
}

/// Verifies the log here, or a file.
fn of_machine(here: &Here, arguments: &VerifyArguments) -> Result<Verification, Failure> {
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
    match &arguments.file {
        Some(file) => of_file(file, &evidence),
        None => recompute(&here.log()?, &evidence).map_err(|error| unreadable(&error)),
    }
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
            .remedy("name a file that `aegis log export` or `aegis log backup` wrote")
    };
    let mut reader = BufReader::new(File::open(file).map_err(failed)?);
    if !reader.fill_buf().map_err(failed)?.starts_with(SQLITE) {
        return verify_export(reader, evidence).map_err(failed);
    }
    let log = SqliteLog::open_still(file)
        .map_err(|error| Failure::usage(format!("`{}`: {}", file.display(), causes(&error))))?;
    recompute(&log, evidence).map_err(|error| unreadable(&error))
}

/// Reads a record whose hash was kept elsewhere.
fn anchor(text: &str, tenant: &TenantId) -> Result<Anchor, Failure> {
    Anchor::read(text, tenant).map_err(|error| {
        Failure::usage(format!("`--anchor {text}`: {}", causes(&error))).remedy(ANCHORS)
    })
}

/// Returns the lines that show what was found.
pub(crate) fn lines(found: &Verification) -> Vec<Vec<Piece>> {
    view_lines(&verification_view(found, None))
}

/// Returns what was found, for programs.
pub(crate) fn to_json(found: &Verification) -> Value {
    json!(verification_view(found, None))
}

fn view_lines(found: &VerificationView) -> Vec<Vec<Piece>> {
    let sessions = found.chains.iter().filter(|one| one.session.is_some());
    let mut text = format!(
        "  {} in {}",
        describe::count(found.records, "record", "records"),
        describe::count(sessions.count(), "session", "sessions"),
    );
    if let Some(documents) = found.documents {
        let documents = describe::count(documents, "policy", "policies");
        text.push_str(&format!(", {documents}"));
    }
    let mut lines = vec![vec![piece(Tone::Quiet, text)]];
    let (sealed, erased) = (found.sealed.unwrap_or(0), found.erased.unwrap_or(0));
    if sealed > 0 || erased > 0 {
        let sealed = describe::count(sealed, "sealed result", "sealed results");
        let text = format!("  {sealed}, {erased} erased");
        lines.push(vec![piece(Tone::Quiet, text)]);
    }
    for pruned in &found.pruned {
        lines.push(vec![piece(Tone::Careful, told(pruned))]);
    }
    for fault in found.faults.iter().take(FAULTS_SHOWN) {
        lines.push(vec![
            piece(Tone::Bad, "  ✗ "),
            piece(Tone::Plain, fault.text.as_str()),
        ]);
    }
    let shown = u64::try_from(FAULTS_SHOWN.min(found.faults.len())).unwrap_or(u64::MAX);
    if found.fault_count > shown {
        lines.push(vec![piece(
            Tone::Bad,
            format!("  … and {} more", found.fault_count - shown),
        )]);
    }
    if found.sound {
        let mut ranges = found.chains.iter().flat_map(|one| &one.ranges);
        let word = if ranges.any(|range| range.standing == "anchored") {
            "  ✓ anchored where a head was kept elsewhere, consistent otherwise"
        } else {
            "  ✓ consistent: it agrees with itself; nothing kept elsewhere vouches for it"
        };
        lines.push(vec![piece(Tone::Good, word)]);
    }
    lines
}

/// Says in words what was pruned, when and by whom.
fn told(pruned: &PrunedView) -> String {
    let time = |unix_ms| describe::time(Timestamp::from_unix_ms(unix_ms));
    format!(
        "  pruned: {} of {} of tenant {} in which nothing was recorded since {} UTC; by {}, at {} UTC",
        describe::count(pruned.records, "record", "records"),
        describe::count(pruned.sessions, "session", "sessions"),
        pruned.tenant,
        time(pruned.before_unix_ms),
        pruned.by,
        time(pruned.ts_unix_ms),
    )
}
