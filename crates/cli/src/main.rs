//! The program `aegis`: arguments in, pages, JSON and exit codes out.

mod arguments;
mod command;
mod demo;
mod describe;
mod exit;
mod here;
mod output;
mod page;
mod project;
mod report;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};
use serde_json::json;

use crate::arguments::{AegisctlArguments, AegisdArguments, Arguments};
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

fn main() -> ExitCode {
    let name = std::env::args_os().next().map(PathBuf::from);
    let name = name.as_deref().and_then(Path::file_name);
    let (json, answered) = match name.and_then(OsStr::to_str) {
        Some("aegisd") => (false, command::run_aegisd(AegisdArguments::parse())),
        Some("aegisctl") => (false, command::run_aegisctl(AegisctlArguments::parse())),
        Some(_) | None => {
            let arguments = parsed();
            (arguments.json, command::run(arguments))
        }
    };
    let printed = answered.and_then(|report| {
        let exit = report.exit;
        print(report, json).map(|()| exit)
    });
    match printed {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure, json);
            failure.exit.into()
        }
    }
}

/// Returns the command line, or ends with what is wrong with it.
fn parsed() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|mut error| {
        let unknown = error.get(ContextKind::InvalidArg);
        if unknown == Some(&ContextValue::String("--server".to_owned())) {
            let tip = "no service does this: run it where the service runs, as its user";
            let tip = ContextValue::StyledStrs(vec![tip.into()]);
            error.insert(ContextKind::Suggested, tip);
        }
        error.exit()
    })
}

/// Prints the answer.
fn print(report: Report, json: bool) -> Result<(), Failure> {
    let text = if json && !report.json.is_null() {
        format!("{:#}\n", report.json)
    } else {
        report.page.into_text()
    };
    output::say(&text)
}

fn complain(failure: &Failure, json: bool) {
    let text = if json {
        let body = json!({
            "error": {
                "message": failure.message,
                "remedy": failure.remedy,
                "exit": failure.exit.number(),
            },
        });
        format!("{body:#}\n")
    } else {
        let mut page = Page::default();
        // Causes found in a file show its lines, each of which is made safe alone.
        let mut lines = failure.message.trim_end().lines();
        page.line(&[
            piece(Tone::Bad, "error"),
            piece(
                Tone::Plain,
                format!(": {}", lines.next().unwrap_or_default()),
            ),
        ]);
        for line in lines {
            page.plain(format!("  {line}"));
        }
        if let Some(remedy) = &failure.remedy {
            page.line(&[
                piece(Tone::Quiet, "  help"),
                piece(Tone::Plain, format!(": {remedy}")),
            ]);
        }
        page.into_text()
    };
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}
