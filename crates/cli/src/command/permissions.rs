//! `aegis policy import` and `export`: permission rules of an agent's host.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use aegis_policy::{
    LeftOut, Paint, Problems, Severity, Source, export_permissions, import_permissions, render,
};
use serde_json::{Value, json};

use crate::arguments::{ExportPolicyArguments, HostName, ImportArguments, SchemaKind};
use crate::command::checked::{
    check_alone, check_named, place_text, problem_json, read_text, report,
};
use crate::command::schema;
use crate::describe;
use crate::exit::Exit;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

/// Turns the permission rules of a settings file into a native policy.
pub(crate) fn import(arguments: &ImportArguments) -> Result<Report, Failure> {
    let file = &arguments.file;
    let name = file.display().to_string();
    let source = Source::new(&name, &read_text(file)?);
    let imported = import_permissions(&source).map_err(|Problems(problems, sources)| {
        tell(&render(&problems, &sources, Paint::Ansi));
        Failure::usage(format!(
            "`{name}` holds no permission rule that can be imported"
        ))
        .remedy("name a settings file of Claude Code, such as `.claude/settings.json`")
    })?;
    let made = check_alone("imported.yaml", &imported.text);
    if !made.is_sound() {
        return Ok(report(&[made]));
    }
    if !imported.left_out.is_empty() {
        tell(&render(
            &imported.left_out,
            std::slice::from_ref(&source),
            Paint::Ansi,
        ));
    }
    let rules = made.parsed.as_ref().map_or(0, |it| it.policy.rules.len());
    let mut page = Page::default();
    match &arguments.output {
        None => {
            page.block(&imported.text);
        }
        Some(output) => {
            let text = schema::line(SchemaKind::Policy) + &imported.text;
            write(output, &text)?;
            let schema = write_schema(output)?;
            page.line(&[
                piece(Tone::Good, "✓ "),
                piece(Tone::Plain, output.display().to_string()),
                piece(
                    Tone::Quiet,
                    format!("  {}", describe::count(rules, "rule", "rules")),
                ),
            ]);
            if let Some(schema) = schema {
                page.line(&[
                    piece(Tone::Good, "✓ "),
                    piece(Tone::Plain, schema.display().to_string()),
                    piece(Tone::Quiet, "  for editors"),
                ]);
            }
        }
    }
    let as_read = check_alone(&name, &source.text);
    let left_out = imported.left_out.iter();
    let left_out: Vec<Value> = left_out.map(|it| problem_json(&as_read, it)).collect();
    let has_error = imported
        .left_out
        .iter()
        .any(|it| it.severity == Severity::Error);
    let exit = match has_error {
        true => Exit::Usage,
        false => exit_of(left_out.is_empty()),
    };
    let json = json!({"text": imported.text, "rules": rules, "left_out": left_out});
    Ok(Report::done(page, json).with(exit))
}

/// Prints a policy as the permission rules of a host.
pub(crate) fn export(arguments: &ExportPolicyArguments) -> Result<Report, Failure> {
    match arguments.host {
        HostName::ClaudeCode => {}
    }
    let checked = check_named(&arguments.policy)?;
    let Some(parsed) = checked.parsed.as_ref().filter(|_| checked.is_sound()) else {
        return Ok(report(&[checked]));
    };
    let exported = export_permissions(&parsed.policy);
    let place = |it: &LeftOut| {
        it.place
            .map_or_else(|| checked.name.clone(), |place| place_text(&checked, place))
    };
    for it in &exported.left_out {
        tell(&format!("{}: `{}`: {}\n", place(it), it.rule, it.why));
    }
    let told = |it: &LeftOut| json!({"rule": it.rule, "place": place(it), "why": it.why});
    let left_out: Vec<Value> = exported.left_out.iter().map(told).collect();
    let exit = exit_of(left_out.is_empty());
    let json = json!({"permissions": exported.permissions, "left_out": left_out});
    let text = serde_json::to_string_pretty(&json!({"permissions": exported.permissions}))
        .map_err(|error| Failure::environment(error.to_string()))?;
    let mut page = Page::default();
    page.block(&text);
    Ok(Report::done(page, json).with(exit))
}

fn exit_of(is_whole: bool) -> Exit {
    if is_whole { Exit::Done } else { Exit::No }
}

/// Writes to standard error what is no part of the text that was asked for.
fn tell(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Writes the schema that the first line of `policy` names, beside it, unless it
/// is there.
fn write_schema(policy: &Path) -> Result<Option<PathBuf>, Failure> {
    let folder = policy.with_file_name(schema::FOLDER);
    let failed =
        |error| Failure::environment(format!("cannot write into `{}`: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(failed)?;
    let path = folder.join(schema::file_name(SchemaKind::Policy));
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(None);
    }
    write(&path, &schema::text(SchemaKind::Policy))?;
    Ok(Some(path))
}

/// Writes `text` into a file that is not there yet.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            let is = |kind| error.kind() == kind;
            let remedy = if is(ErrorKind::AlreadyExists) {
                "name a file that is not there yet"
            } else if is(ErrorKind::NotFound) {
                "make the folder first"
            } else {
                "name a file in a folder in which you may write"
            };
            Failure::environment(format!("cannot write `{}`: {error}", path.display()))
                .remedy(remedy)
        })
}
