//! `aegis init`: the files of a project.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde_json::json;

use crate::arguments::InitArguments;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

const SETTINGS: &str = include_str!("../../templates/settings.toml");
const POLICY: &str = include_str!("../../templates/policy.yaml");
const TESTS: &str = include_str!("../../templates/policy-tests.yaml");

/// Makes `.aegis/` in `folder`; existing files stay unless `--force` is given.
pub(crate) fn init(folder: &Path, arguments: &InitArguments) -> Result<Report, Failure> {
    let root = folder.join(".aegis");
    for name in ["scenarios", "reports"] {
        let wanted = root.join(name);
        fs::create_dir_all(&wanted).map_err(|source| failed(&wanted, &source))?;
    }
    let mut page = Page::default();
    let mut made = Vec::new();
    let mut kept = Vec::new();
    for (name, text) in [
        ("settings.toml", SETTINGS),
        ("policy.yaml", POLICY),
        ("policy-tests.yaml", TESTS),
    ] {
        let path = root.join(name);
        let shown = format!(".aegis/{name}");
        if write(&path, text, arguments.force)? {
            page.line(&[piece(Tone::Good, "made  "), piece(Tone::Plain, &shown)]);
            made.push(shown);
        } else {
            page.line(&[
                piece(Tone::Quiet, "kept  "),
                piece(Tone::Plain, &shown),
                piece(Tone::Quiet, "  (exists; --force replaces it)"),
            ]);
            kept.push(shown);
        }
    }
    page.blank()
        .plain("Next:")
        .plain("  aegis policy check                     check the policy and its examples")
        .plain("  aegis policy test                      decide the cases of its tests")
        .plain("  aegis install claude-code --project    register Aegis with Claude Code here");
    Ok(Report::done(
        page,
        json!({"folder": root, "made": made, "kept": kept}),
    ))
}

/// Writes `text` and says whether it did; an existing file stays unless `force`.
fn write(path: &Path, text: &str, force: bool) -> Result<bool, Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}

fn failed(path: &Path, source: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot write `{}`: {source}", path.display()))
}
