//! `aegis log export`: envelopes as JSON lines.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use aegis_log::{ExportError, SqliteLog, export as write_out};
use aegis_types::ChainId;
use serde_json::json;

use crate::arguments::ExportArguments;
use crate::command::log::{chains_of, unreadable};
use crate::describe;
use crate::here::Here;
use crate::output::unwritten;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Writes the log, or one session of it, into a file or to standard output.
pub(crate) fn export(here: &Here, arguments: &ExportArguments) -> Result<Report, Failure> {
    let log = here.log()?;
    let only = match &arguments.session {
        Some(text) => Some(chain_of(here, &log, text)?),
        None => None,
    };
    let Some(path) = &arguments.output else {
        return to_standard_output(&log, only.as_ref());
    };
    let cannot = |error: io::Error| {
        Failure::environment(format!("cannot write `{}`: {error}", path.display()))
            .remedy("name a file in a folder that is there and may be written")
    };
    let mut file = BufWriter::new(private_file(path).map_err(cannot)?);
    let records = write_out(&log, only.as_ref(), &mut file).map_err(|error| failed(&error))?;
    file.flush().map_err(cannot)?;
    let mut page = Page::default();
    page.line(&[
        piece(Tone::Good, "exported  "),
        piece(
            Tone::Plain,
            format!(
                "{} to {}",
                describe::count(records, "record", "records"),
                path.display()
            ),
        ),
    ]);
    page.line(&[piece(
        Tone::Quiet,
        format!(
            "  `aegis log verify --file {}` verifies it anywhere",
            path.display()
        ),
    )]);
    Ok(Report::done(
        page,
        json!({"records": records, "file": path}),
    ))
}

/// Makes the file at `path` empty, so that only its owner may read what comes
/// into it; an export tells as much as the log does.
fn private_file(path: &Path) -> io::Result<File> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    // A file that was there keeps its mode; a device has none of its own to change.
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Returns the chain of the session called `text`; of several tenants', that of the one here.
fn chain_of(here: &Here, log: &SqliteLog, text: &str) -> Result<ChainId, Failure> {
    let tenant = here.settings()?.tenant.value;
    let found = chains_of(log, text)?;
    let own = found.iter().find(|chain| *chain.tenant() == tenant);
    own.or(found.first())
        .cloned()
        .ok_or_else(|| Failure::usage(format!("there is no session `{text}`")))
}

/// The lines are the answer, whether JSON is asked for or not.
fn to_standard_output(log: &SqliteLog, only: Option<&ChainId>) -> Result<Report, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write_out(log, only, &mut out) {
        Ok(_) => out.flush().or_else(unwritten)?,
        Err(ExportError::Write(error)) => unwritten(error)?,
        Err(error) => return Err(failed(&error)),
    }
    Ok(Report::silent())
}

fn failed(error: &ExportError) -> Failure {
    match error {
        ExportError::Read(error) => unreadable(error),
        ExportError::Write(_) => Failure::environment(causes(error)),
    }
}
