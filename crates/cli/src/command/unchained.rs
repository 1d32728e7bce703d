//! `aegis audit --db`: looking into a log of the action runtime.

use std::path::Path;

use aegis_log::{OpenUnchainedError, ReadLogError, UnchainedLog, UnchainedQuery, UnchainedRecord};
use aegis_types::{Timestamp, Verdict};
use serde_json::{Value, json};

use crate::arguments::ListArguments;
use crate::command::log::SUMMARY_CHARS;
use crate::describe;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The words for verdicts in such a log.
const APPROVALS: [(&str, Verdict); 3] = [
    ("auto", Verdict::Allow),
    ("approve", Verdict::Ask),
    ("block", Verdict::Deny),
];

/// Lists what the log at `path` holds.
pub(crate) fn list(path: &Path, arguments: &ListArguments) -> Result<Report, Failure> {
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::environment(format!("there is no room to copy it: {error}")))?;
    let log = UnchainedLog::open(path, scratch.path()).map_err(|error| refused(path, &error))?;
    let mut page = Page::default();
    let (name, listed) = if arguments.sessions {
        ("sessions", sessions(&log, &mut page))
    } else {
        ("decisions", decisions(&log, arguments, &mut page))
    };
    let listed = listed.map_err(|error| refused(path, &error.into()))?;
    page.line(&[piece(
        Tone::Quiet,
        "These records carry no hashes: nothing shows whether one was changed or is gone.",
    )]);
    let json = json!({"database": path, "chained": false, name: listed});
    Ok(Report::done(page, json))
}

fn refused(path: &Path, error: &OpenUnchainedError) -> Failure {
    let message = format!("cannot read `{}`: {}", path.display(), causes(error));
    match error {
        OpenUnchainedError::Missing
        | OpenUnchainedError::NotAFile
        | OpenUnchainedError::NotADatabase
        | OpenUnchainedError::NoTable
        | OpenUnchainedError::NoColumn { .. } => Failure::usage(message)
            .remedy("give the database that an action runtime writes, such as `aegis_audit.db`"),
        OpenUnchainedError::Copy(_) | OpenUnchainedError::Read(_) => Failure::environment(message),
    }
}

fn sessions(log: &UnchainedLog, page: &mut Page) -> Result<Vec<Value>, ReadLogError> {
    let found = log.sessions()?;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    for session in &found {
        rows.push(vec![
            piece(Tone::Plain, cell(&session.session)),
            piece(Tone::Quiet, time(&session.first_at)),
            piece(Tone::Quiet, time(&session.last_at)),
            piece(Tone::Plain, session.records.to_string()),
        ]);
        listed.push(json!({
            "session": session.session,
            "first_at": session.first_at,
            "last_at": session.last_at,
            "records": session.records,
        }));
    }
    if rows.is_empty() {
        page.plain("No session is recorded yet.");
    } else {
        page.table(&["session", "began (UTC)", "last record", "records"], &rows);
    }
    Ok(listed)
}

fn decisions(
    log: &UnchainedLog,
    arguments: &ListArguments,
    page: &mut Page,
) -> Result<Vec<Value>, ReadLogError> {
    let verdict = arguments.verdict.map(Verdict::from);
    let approval = APPROVALS.iter().find(|(_, it)| Some(*it) == verdict);
    let found = log.newest(&UnchainedQuery {
        session: arguments.session.as_deref(),
        approval: approval.map(|(word, _)| *word),
        limit: arguments.limit.get(),
    })?;
    let rows: Vec<Vec<Piece>> = found.iter().map(row).collect();
    if rows.is_empty() {
        let is_narrowed = arguments.session.is_some() || verdict.is_some();
        page.plain(if is_narrowed {
            "No such decision is recorded."
        } else {
            "No decision is recorded yet."
        });
    } else {
        let heading = [
            "time (UTC)",
            "",
            "type",
            "action",
            "rule",
            "answer",
            "outcome",
            "id",
        ];
        page.table(&heading, &rows);
    }
    Ok(found.iter().map(line).collect())
}

fn verdict(record: &UnchainedRecord) -> Option<Verdict> {
    let known = APPROVALS.iter().find(|(word, _)| *word == record.approval);
    known.map(|(_, verdict)| *verdict)
}

fn row(record: &UnchainedRecord) -> Vec<Piece> {
    let (tone, said) = match verdict(record) {
        Some(verdict) => (
            Tone::of(verdict),
            format!("{} {verdict}", describe::sign(verdict)),
        ),
        None if record.approval.is_empty() => (Tone::Careful, "  none".to_owned()),
        None => (Tone::Careful, format!("  {}", cell(&record.approval))),
    };
    let params = record.params.as_deref().filter(|params| *params != "{}");
    let action = [Some(record.resource.as_str()), params];
    let action = action.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let optional = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    vec![
        piece(Tone::Quiet, time(&record.at)),
        piece(tone, said),
        piece(Tone::Plain, cell(&record.tool)),
        piece(Tone::Plain, cell(&action)),
        piece(Tone::Quiet, optional(&record.rule)),
        piece(Tone::Plain, optional(&record.answer)),
        piece(Tone::Plain, optional(&record.outcome)),
        piece(Tone::Quiet, record.id.to_string()),
    ]
}

/// Returns a text as it stands in a table.
fn cell(text: &str) -> String {
    describe::cut(text, SUMMARY_CHARS)
}

fn line(record: &UnchainedRecord) -> Value {
    json!({
        "id": record.id,
        "session": record.session,
        "at": record.at,
        "tool": record.tool,
        "resource": record.resource,
        "params": record.params.as_deref().map(value),
        "description": record.description,
        "risk": record.risk.to_lowercase(),
        "verdict": verdict(record),
        "rule": record.rule,
        "answer": record.answer,
        "outcome": record.outcome,
        "content": record.content.as_deref().map(value),
        "error": record.error,
        "agent": record.agent,
        "parent_agent": record.parent_agent,
        "agent_chain": record.agent_chain,
        "agent_depth": record.agent_depth,
    })
}

/// Returns what JSON text says; the text itself where it is none that all
/// readers read alike.
fn value(text: &str) -> Value {
    aegis_canon::parse(text.as_bytes()).unwrap_or_else(|_| Value::from(text))
}

/// Returns a time to the second, UTC; the text itself where it is none.
fn time(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => describe::time(Timestamp::from_unix_ms(at.as_millisecond())),
        Err(_) => cell(text),
    }
}
