//! `aegis version`, `completions` and `man`: the program about itself.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::arguments::Arguments;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

/// Returns the version of the program and of the formats it writes.
pub(crate) fn version() -> Report {
    let program = env!("CARGO_PKG_VERSION");
    let mut page = Page::default();
    page.line(&[piece(Tone::Strong, "aegis "), piece(Tone::Plain, program)]);
    let envelope = aegis_types::ENVELOPE_VERSION;
    let shell = aegis_shell::VERSION;
    page.fields(&[
        ("envelope", piece(Tone::Plain, envelope.to_string())),
        ("policy", piece(Tone::Plain, "policy/v1")),
        ("shell analysis", piece(Tone::Plain, shell.to_string())),
    ]);
    Report::done(
        page,
        json!({"version": program, "envelope": envelope, "policy": "policy/v1", "shell": shell}),
    )
}

/// Returns the completions for `shell`.
pub(crate) fn completions(shell: Shell) -> Report {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "aegis", &mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut page = Page::default();
    page.block(&text);
    Report::done(page, json!({"shell": shell.to_string(), "script": text}))
}

/// Writes the manual pages into `folder`.
pub(crate) fn man(folder: &Path) -> Result<Report, Failure> {
    let failed = |source: std::io::Error| {
        Failure::environment(format!(
            "cannot write into `{}`: {source}",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)?;
    let mut names: Vec<String> = fs::read_dir(folder)
        .map_err(failed)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".1"))
        .collect();
    names.sort();
    let mut page = Page::default();
    for name in &names {
        page.line(&[piece(Tone::Good, "made  "), piece(Tone::Plain, name)]);
    }
    Ok(Report::done(page, json!({"pages": names})))
}
