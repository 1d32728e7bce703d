//! `aegis log replay`: deciding recorded requests again.

use aegis_gate::replay::{Difference, Replay, against, exact};
use aegis_log::Log;
use aegis_types::ChainId;
use serde_json::{Value, json};

use crate::arguments::ReplayArguments;
use crate::command::log::{chains_of, unreadable};
use crate::command::policy::policies;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// How many differences are shown one by one.
const SHOWN_MAX: usize = 50;

/// The greatest number of characters of a request in a list.
const SUMMARY_CHARS: usize = 60;

/// Decides what was recorded again, by the recorded policies or by others.
pub(crate) fn replay(here: &Here, arguments: &ReplayArguments) -> Result<Report, Failure> {
    let log = here.log()?;
    let chains = chains(&log, arguments)?;
    let found = if arguments.current || !arguments.policy.is_empty() {
        let gate = here.gate_in_memory()?;
        let policies = policies(&gate, &arguments.policy)?;
        against(&log, &chains, &policies.attached(), gate.engine_settings())
    } else {
        exact(&log, &chains)
    };
    let found = found.map_err(|error| Failure::environment(causes(&error)))?;
    let mut page = Page::default();
    show(&mut page, &found);
    let exit = if found.differing.is_empty() {
        Exit::Done
    } else {
        Exit::No
    };
    Ok(Report::done(page, to_json(&found)).with(exit))
}

fn chains(log: &dyn Log, arguments: &ReplayArguments) -> Result<Vec<ChainId>, Failure> {
    if let Some(session) = &arguments.session {
        return chains_of(log, session);
    }
    let all = log.chains().map_err(|error| unreadable(&error))?;
    Ok(all.into_iter().map(|summary| summary.chain).collect())
}

fn show(page: &mut Page, found: &Replay) {
    let count = |number: u64| piece(Tone::Plain, number.to_string());
    let different = piece(tone(found), found.differing.len().to_string());
    let mut fields = vec![
        ("decisions", count(found.decided)),
        ("identical", count(found.identical)),
        ("different", different),
    ];
    let left_out = [
        ("made without a policy", found.by_gate),
        ("left out: a secret was removed", found.redacted),
        ("left out: the policy is not kept", found.without_policy),
    ];
    fields.extend(
        left_out
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .map(|(label, number)| (label, count(number))),
    );
    page.fields(&fields);
    if found.differing.is_empty() {
        return;
    }
    page.blank();
    let rows: Vec<Vec<Piece>> = found.differing.iter().take(SHOWN_MAX).map(row).collect();
    page.table(
        &["was", "becomes", "tool", "request", "because", "id"],
        &rows,
    );
    if found.differing.len() > SHOWN_MAX {
        let more = found.differing.len() - SHOWN_MAX;
        page.line(&[piece(
            Tone::Quiet,
            format!("  … and {more} more (--json shows all)"),
        )]);
    }
}

fn tone(found: &Replay) -> Tone {
    if found.differing.is_empty() {
        Tone::Good
    } else {
        Tone::Careful
    }
}

fn row(difference: &Difference) -> Vec<Piece> {
    let (was, becomes) = difference.verdicts();
    let summary = describe::summary(&difference.request, SUMMARY_CHARS);
    vec![
        piece(Tone::of(was), was.as_str()),
        piece(Tone::of(becomes), becomes.as_str()),
        piece(Tone::Plain, &*difference.request.tool),
        piece(Tone::Plain, summary),
        piece(Tone::Quiet, describe::cause(&difference.replayed)),
        piece(Tone::Quiet, difference.id().as_str()),
    ]
}

fn to_json(found: &Replay) -> Value {
    json!({
        "decided": found.decided,
        "identical": found.identical,
        "by_gate": found.by_gate,
        "redacted": found.redacted,
        "without_policy": found.without_policy,
        "differing": found.differing.iter().map(|difference| json!({
            "id": difference.id(),
            "session": difference.request.principal.session,
            "tool": difference.request.tool,
            "request": describe::request(&difference.request),
            "recorded": describe::decision(&difference.recorded),
            "replayed": describe::decision(&difference.replayed),
        })).collect::<Vec<_>>(),
    })
}
