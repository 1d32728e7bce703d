//! `aegis policy backtest`: what other policies would have decided.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aegis_gate::InForce;
use aegis_gate::replay::{Difference, Questions, Replay, against};
use aegis_log::{Log as _, SqliteLog};
use aegis_types::{ChainId, SessionId, Verdict};
use serde_json::{Value, json};

use crate::arguments::BacktestArguments;
use crate::command::changes::{Change, show_changes};
use crate::command::log::{chains_of, unreadable};
use crate::command::policy::policies;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// How many sessions are shown one by one.
const SESSIONS_SHOWN_MAX: usize = 10;

/// Decides what logs recorded by other policies, and shows what would change.
pub(crate) fn answer(here: &Here, arguments: &BacktestArguments) -> Result<Report, Failure> {
    let gate = here.gate_in_memory()?;
    let files: Vec<PathBuf> = arguments.policies.iter().map(PathBuf::from).collect();
    let policies = policies(&gate, &files)?;
    let mut found = Replay::default();
    for log in logs(here, &arguments.log)? {
        let chains = chains(&log, arguments.session.as_deref())?;
        let replay = against(&log, &chains, &policies.attached(), gate.engine_settings());
        found.add(replay.map_err(|error| Failure::environment(causes(&error)))?);
    }
    let changes: Vec<Change<'_>> = found.differing.iter().map(Change::from).collect();
    let mut page = Page::default();
    show(&mut page, &policies, &found);
    show_changes(&mut page, &changes, arguments.all);
    let exit = match changes.is_empty() {
        true => Exit::Done,
        false => Exit::No,
    };
    Ok(Report::done(page, to_json(&found, &changes)).with(exit))
}

/// Opens the logs that are named, else that of this machine.
pub(crate) fn logs(here: &Here, named: &[PathBuf]) -> Result<Vec<SqliteLog>, Failure> {
    match named {
        [] => Ok(vec![here.log()?]),
        named => named.iter().map(|path| Here::log_at(path)).collect(),
    }
}

/// Returns the chains of one session, else all.
pub(crate) fn chains(log: &SqliteLog, session: Option<&str>) -> Result<Vec<ChainId>, Failure> {
    match session {
        Some(session) => chains_of(log, session),
        None => {
            let all = log.chains().map_err(|error| unreadable(&error))?;
            Ok(all.into_iter().map(|summary| summary.chain).collect())
        }
    }
}

impl<'a> From<&'a Difference> for Change<'a> {
    fn from(difference: &'a Difference) -> Self {
        Self {
            request: &difference.request,
            before: &difference.recorded,
            after: &difference.replayed,
            circumstances: String::new(),
        }
    }
}

fn show(page: &mut Page, policies: &InForce, found: &Replay) {
    let names: Vec<&str> = policies
        .policies
        .iter()
        .map(|it| it.compiled.name().as_str())
        .collect();
    let sessions = describe::count(found.questions.len() as u64, "session", "sessions");
    let (asked_tone, asked) = questions(total(&found.questions), denied_instead(found));
    let changed = found.differing.len();
    let tone = match changed {
        0 => Tone::Good,
        _ => Tone::Careful,
    };
    let mut fields = vec![
        ("policy", piece(Tone::Plain, names.join(", "))),
        (
            "decisions",
            piece(Tone::Plain, format!("{} in {sessions}", found.decided)),
        ),
        ("changed", piece(tone, changed.to_string())),
        ("questions", piece(asked_tone, asked)),
    ];
    let left_out = [
        ("made without a policy", found.by_gate),
        ("the policy is not kept", found.without_policy),
    ];
    let counted = left_out.into_iter().filter(|(_, number)| *number > 0);
    fields.extend(counted.map(|(label, number)| (label, piece(Tone::Quiet, number.to_string()))));
    page.fields(&fields);
    let mut sessions: Vec<(&SessionId, &Questions)> = found.questions.iter().collect();
    sessions.retain(|(_, asked)| asked.recorded != asked.replayed);
    if sessions.len() < 2 {
        return;
    }
    sessions.sort_by_key(|(_, asked)| std::cmp::Reverse(asked.recorded.abs_diff(asked.replayed)));
    let rows: Vec<Vec<Piece>> = sessions
        .iter()
        .take(SESSIONS_SHOWN_MAX)
        .map(|(session, asked)| {
            vec![
                piece(Tone::Plain, session.as_str()),
                piece(Tone::Plain, asked.recorded.to_string()),
                piece(Tone::Plain, asked.replayed.to_string()),
            ]
        })
        .collect();
    page.blank();
    page.table(&["session", "asked", "would ask"], &rows);
    if sessions.len() > SESSIONS_SHOWN_MAX {
        let more = sessions.len() - SESSIONS_SHOWN_MAX;
        page.line(&[piece(
            Tone::Quiet,
            format!("  … and {more} more (--json shows all)"),
        )]);
    }
}

fn total(questions: &BTreeMap<SessionId, Questions>) -> Questions {
    questions
        .values()
        .fold(Questions::default(), |sum, one| Questions {
            recorded: sum.recorded + one.recorded,
            replayed: sum.replayed + one.replayed,
        })
}

/// Returns how many questions would not be asked because the answer is no.
fn denied_instead(found: &Replay) -> u64 {
    let is_denied = |it: &&Difference| {
        it.recorded.verdict == Verdict::Ask && it.replayed.verdict == Verdict::Deny
    };
    found.differing.iter().filter(is_denied).count() as u64
}

/// Returns how often a person was asked and would be, and what that saves or adds.
fn questions(asked: Questions, denied: u64) -> (Tone, String) {
    let Questions { recorded, replayed } = asked;
    if recorded == replayed && denied == 0 {
        return (Tone::Plain, recorded.to_string());
    }
    let fewer = recorded.saturating_sub(replayed).saturating_sub(denied);
    // What is asked in place of what is denied is added.
    let more = (replayed + denied).saturating_sub(recorded);
    let parts = [
        (fewer, "saved"),
        (more, "added"),
        (denied, "denied instead"),
    ];
    let told = parts.iter().filter(|(number, _)| *number > 0);
    let told = told.map(|(number, what)| format!(", {number} {what}"));
    let tone = match (more, denied) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Careful,
        (_, _) => Tone::of(Verdict::Ask),
    };
    let told: String = told.collect();
    (tone, format!("{recorded} → {replayed}{told}"))
}

fn to_json(found: &Replay, changes: &[Change<'_>]) -> Value {
    let asked = total(&found.questions);
    json!({
        "decided": found.decided,
        "by_gate": found.by_gate,
        "without_policy": found.without_policy,
        "questions": {
            "recorded": asked.recorded,
            "replayed": asked.replayed,
            "denied_instead": denied_instead(found),
        },
        "sessions": found.questions.iter().map(|(session, asked)| json!({
            "session": session,
            "questions": {"recorded": asked.recorded, "replayed": asked.replayed},
        })).collect::<Vec<_>>(),
        "changes": changes.iter().map(Change::to_json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_becomes_a_denial_is_not_called_saved() {
        for (recorded, replayed, denied, text) in [
            (6, 6, 0, "6"),
            (6, 0, 0, "6 → 0, 6 saved"),
            (6, 0, 6, "6 → 0, 6 denied instead"),
            (6, 2, 3, "6 → 2, 1 saved, 3 denied instead"),
            (6, 6, 2, "6 → 6, 2 added, 2 denied instead"),
            (1, 4, 0, "1 → 4, 3 added"),
        ] {
            let asked = Questions { recorded, replayed };
            assert_eq!(questions(asked, denied).1, text);
        }
    }
}
