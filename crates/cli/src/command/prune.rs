//! `aegis log prune`: sessions go that are long over, and the log says so.

use std::str::FromStr as _;

use aegis_gate::{PRUNE_AGE_MIN, Prunable, PruneLogError, PruneReport, PruneWish};
use aegis_log::Anchor;
use aegis_types::{ChainId, DurationMs, Head, TenantId, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::arguments::PruneArguments;
use crate::command::approvals::approver;
use crate::command::progress::Progress;
use crate::describe;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// How many sessions are named one by one.
const SESSIONS_SHOWN: usize = 20;

/// Prunes the log here, or shows what would go.
pub(crate) fn prune(here: &Here, arguments: &PruneArguments) -> Result<Report, Failure> {
    here.refuse_agents()?;
    let tenant = arguments.tenant.as_deref().map(tenant).transpose()?;
    // What is not there yet is not made for this.
    drop(here.log()?);
    let gate = here.gate()?;
    let wish = PruneWish {
        tenant: tenant.as_ref(),
        before: before(&arguments.before, gate.now())?,
    };
    if arguments.dry_run {
        return Ok(would(&wish, &gate.prunable(&wish).map_err(failed)?));
    }
    let mut progress = Progress::begin();
    let report = gate
        .prune(&wish, &approver()?, &mut |records| {
            progress.tell_of(|| format!("{records} records are gone …"));
        })
        .map_err(failed)?;
    if arguments.compact {
        progress.tell_of(|| "writing the file anew …".to_owned());
        gate.compact_log().map_err(failed)?;
    }
    Ok(did(&wish, &report, arguments.compact))
}

/// Reads a date, which begins at midnight in UTC, or an age.
fn before(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(date) = Date::from_str(text) {
        let midnight = date.to_zoned(TimeZone::UTC);
        let midnight = midnight.map_err(|error| Failure::usage(format!("`{text}`: {error}")))?;
        return Ok(Timestamp::from_unix_ms(
            midnight.timestamp().as_millisecond(),
        ));
    }
    let age = DurationMs::from_str(text).map_err(|error| {
        Failure::usage(format!("`{text}` is neither a date nor an age: {error}"))
            .remedy("write for example `2026-08-01` or `90d`")
    })?;
    Ok(now.minus(age))
}

fn tenant(text: &str) -> Result<TenantId, Failure> {
    TenantId::from_str(text).map_err(|error| {
        Failure::usage(format!("`{text}` is no name of a tenant: {error}"))
            .remedy("`aegis log list --sessions --json` shows whose each session is")
    })
}

fn failed(error: PruneLogError) -> Failure {
    match error {
        PruneLogError::TooYoung => Failure::usage(causes(&error)).remedy(format!(
            "name a date that is longer ago, or an age of {PRUNE_AGE_MIN} or more"
        )),
        PruneLogError::Open(_)
        | PruneLogError::Read(_)
        | PruneLogError::Approvals(_)
        | PruneLogError::Record(_)
        | PruneLogError::Keys(_)
        | PruneLogError::Delete(_) => {
            Failure::environment(causes(&error)).remedy("the same command does what is left to do")
        }
    }
}

fn would(wish: &PruneWish<'_>, found: &[Prunable]) -> Report {
    let mut page = Page::default();
    show(&mut page, wish, found, "would prune  ");
    for one in found {
        for session in one.sessions.iter().take(SESSIONS_SHOWN) {
            page.line(&[piece(Tone::Quiet, format!("  {session}"))]);
        }
        let is_more = !one.sessions.is_empty() && !one.is_all;
        if one.sessions.len() > SESSIONS_SHOWN || is_more {
            page.line(&[piece(Tone::Quiet, "  … and more")]);
        }
    }
    let json = json!({
        "dry_run": true,
        "before_unix_ms": wish.before,
        "pruned": found.iter().map(to_json).collect::<Vec<_>>(),
    });
    Report::done(page, json)
}

fn did(wish: &PruneWish<'_>, report: &PruneReport, is_compact: bool) -> Report {
    let mut page = Page::default();
    show(&mut page, wish, &report.pruned, "pruned  ");
    let recorded: u64 = report.pruned.iter().map(|one| one.records).sum();
    if report.deleted > recorded {
        let left = describe::count(report.deleted - recorded, "record", "records");
        let text = format!("  and {left} of a pruning that had not ended");
        page.line(&[piece(Tone::Plain, text)]);
    }
    if report.keys > 0 {
        let keys = describe::count(report.keys, "key", "keys");
        let text = format!("  {keys} of sealed results destroyed");
        page.line(&[piece(Tone::Plain, text)]);
    }
    let heads: Vec<(&TenantId, String)> = report
        .heads
        .iter()
        .filter_map(|(tenant, head)| Some((tenant, anchor(tenant, head)?)))
        .collect();
    // A pruning that was recorded and killed had nobody to tell its head to.
    if !report.pruned.is_empty() || report.deleted > 0 {
        for (_, head) in &heads {
            page.line(&[
                piece(Tone::Quiet, "  head  "),
                piece(Tone::Plain, head.clone()),
            ]);
        }
        page.line(&[piece(
            Tone::Quiet,
            "  keep the head where nobody can change it with the file; \
             heads that were kept before it no longer hold",
        )]);
    }
    if !is_compact && report.deleted > 0 {
        let text = format!(
            "  {} KiB of the file are free and used again; `--compact` gives them back",
            report.free_bytes / 1_024
        );
        page.line(&[piece(Tone::Quiet, text)]);
    }
    let heads = heads.iter();
    let json = json!({
        "dry_run": false,
        "before_unix_ms": wish.before,
        "pruned": report.pruned.iter().map(to_json).collect::<Vec<_>>(),
        "deleted": report.deleted,
        "keys": report.keys,
        "heads": heads.map(|(tenant, head)| json!({"tenant": tenant, "head": head}))
            .collect::<Vec<_>>(),
        "free_bytes": if is_compact { 0 } else { report.free_bytes },
    });
    Report::done(page, json)
}

/// Says of each tenant how much goes.
fn show(page: &mut Page, wish: &PruneWish<'_>, found: &[Prunable], word: &str) {
    let since = describe::time(wish.before);
    if found.is_empty() {
        page.plain(format!(
            "There is no session in which nothing was recorded since {since} UTC."
        ));
    }
    for one in found {
        if one.sessions.is_empty() {
            let text = format!(
                "not all of tenant {} could be looked at: the sessions that stay are more than \
                 one record names; `aegis log backup` keeps all of it",
                one.tenant
            );
            page.line(&[piece(Tone::Careful, text)]);
            continue;
        }
        let records = describe::count(one.records, "record", "records");
        let sessions = describe::count(one.sessions.len(), "session", "sessions");
        let text = format!(
            "{records} of {sessions} of tenant {} in which nothing was recorded since {since} UTC",
            one.tenant
        );
        page.line(&[piece(Tone::Good, word), piece(Tone::Plain, text)]);
    }
}

fn to_json(one: &Prunable) -> Value {
    json!({
        "tenant": one.tenant,
        "sessions": one.sessions,
        "records": one.records,
        "is_all": one.is_all,
    })
}

/// Returns the record that the heads of `tenant` end with, as `verify` takes it.
fn anchor(tenant: &TenantId, head: &Head) -> Option<String> {
    let tenant = tenant.clone();
    Some(Anchor::of(&ChainId::Heads { tenant }, head)?.to_string())
}
