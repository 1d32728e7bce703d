//! `aegis log backup`: a copy of the log in one file.

use aegis_log::{Anchor, BackupError, Verification};
use serde_json::{Value, json};

use crate::arguments::BackupArguments;
use crate::command::log::unreadable;
use crate::command::progress::Progress;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Copies the log here into a file, while others write it.
pub(crate) fn backup(here: &Here, arguments: &BackupArguments) -> Result<Report, Failure> {
    let file = &arguments.file;
    let log = here.log()?;
    let mut progress = Progress::begin();
    let found = log
        .backup(file, arguments.force, &mut |step| progress.tell(step))
        .map_err(|error| failed(error, &file.display().to_string()))?;
    let mut page = Page::default();
    page.line(&[
        piece(Tone::Good, "backed up  "),
        piece(
            Tone::Plain,
            format!("{} to {}, verified", contents(&found), file.display()),
        ),
    ]);
    show_heads(&mut page, &found);
    page.line(&[piece(
        Tone::Quiet,
        "  keep the head where nobody can change it with the file; \
         `aegis log verify --anchor HEAD` holds the log against it",
    )]);
    let mut json = to_json(&found);
    json.insert("file".to_owned(), json!(file));
    Ok(Report::done(page, Value::Object(json)))
}

fn failed(error: BackupError, file: &str) -> Failure {
    match error {
        BackupError::Exists => Failure::usage(format!("`{file}` is there already"))
            .remedy("name another file, or replace it with `--force`"),
        BackupError::Itself => {
            Failure::usage(format!("`{file}` is the log itself")).remedy("name another file")
        }
        BackupError::Unsound(found) => Failure {
            exit: Exit::No,
            ..Failure::usage(format!(
                "the log has {}, so there is no backup",
                describe::count(found.fault_count, "fault", "faults")
            ))
            .remedy("`aegis log verify` names what is wrong with it")
        },
        BackupError::Read(error) => unreadable(&error),
        BackupError::Write(error) => {
            Failure::environment(format!("cannot write `{file}`: {}", causes(&error)))
                .remedy("name a file in a folder that is there and may be written")
        }
    }
}

/// Returns how much a log holds, in words.
pub(super) fn contents(found: &Verification) -> String {
    format!(
        "{} in {}",
        describe::count(found.records, "record", "records"),
        describe::count(sessions(found), "session", "sessions"),
    )
}

/// Shows where the chain of heads of each tenant ends, as `verify` takes it for an anchor.
pub(super) fn show_heads(page: &mut Page, found: &Verification) {
    for (_, head) in heads(found) {
        page.line(&[piece(Tone::Quiet, "  head  "), piece(Tone::Plain, head)]);
    }
}

/// Returns what a log holds, for programs.
pub(super) fn to_json(found: &Verification) -> serde_json::Map<String, Value> {
    let heads: Vec<Value> = heads(found)
        .into_iter()
        .map(|(tenant, head)| json!({"tenant": tenant, "head": head}))
        .collect();
    let members = [
        ("records", json!(found.records)),
        ("sessions", json!(sessions(found))),
        ("documents", json!(found.documents)),
        ("heads", json!(heads)),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn sessions(found: &Verification) -> usize {
    let sessions = found
        .chains
        .iter()
        .filter(|one| one.chain.session().is_some());
    sessions.count()
}

/// Returns each tenant with the last record of its heads, as `verify` takes it.
fn heads(found: &Verification) -> Vec<(String, String)> {
    let of_heads = found
        .chains
        .iter()
        .filter(|one| one.chain.session().is_none());
    of_heads
        .filter_map(|one| {
            let head = Anchor::of(&one.chain, &one.head)?;
            Some((one.chain.tenant().to_string(), head.to_string()))
        })
        .collect()
}
