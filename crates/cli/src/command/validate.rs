//! `aegis validate`: files of any kind that Aegis reads.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_gate::{LoadSettingsError, SettingsFile};
use aegis_log::Evidence;
use aegis_policy::{
    Kind, Paint, Problems, Source, detect, parse_principals_file, parse_service_file, parse_tests,
    render,
};
use serde_json::{Value, json};

use crate::arguments::ValidateArguments;
use crate::command::{checked, verify};
use crate::describe;
use crate::exit::Exit;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The endings of files that are looked at in a folder.
const ENDINGS: [&str; 5] = ["yaml", "yml", "json", "toml", "jsonl"];

/// What kind of file something is.
enum FileKind {
    Policy,
    Tests,
    Service,
    Principals,
    Settings,
    Export,
}

/// Checks every file, each as what it is.
pub(crate) fn validate(arguments: &ValidateArguments) -> Result<Report, Failure> {
    let mut page = Page::default();
    let mut results = Vec::new();
    let mut exit = Exit::Done;
    let (files, others) = expand(&arguments.files)?;
    for file in &files {
        let (report, kind) = match one(file) {
            // One that cannot be read hides none of the others.
            Err(failure) if files.len() > 1 && failure.exit == Exit::Usage => {
                (unread(file, &failure), "unknown")
            }
            found => found?,
        };
        page.block(&report.page.into_text());
        if report.exit != Exit::Done {
            exit = Exit::Usage;
        }
        results.push(json!({"file": file, "kind": kind, "result": report.json}));
    }
    for file in others {
        page.line(&[
            piece(Tone::Quiet, "- "),
            piece(Tone::Plain, file.display().to_string()),
            piece(
                Tone::Quiet,
                "  passed over: no file of Aegis, as far as it tells",
            ),
        ]);
    }
    Ok(Report::done(page, json!({"files": results})).with(exit))
}

fn unread(file: &Path, failure: &Failure) -> Report {
    let mut page = Page::default();
    checked::show_unread(&mut page, &file.display().to_string(), failure);
    let json = json!({"sound": false, "fault": failure.message});
    Report::done(page, json).with(Exit::Usage)
}

/// Returns the files named with those in the folders named, and what lies there and is
/// for other programs.
fn expand(named: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        for folder in [path.clone(), path.join(".aegis")] {
            if folder != *path && !folder.is_dir() {
                continue;
            }
            let entries = fs::read_dir(&folder).map_err(|error| {
                Failure::usage(format!("cannot read `{}`: {error}", folder.display()))
            })?;
            let mut found: Vec<PathBuf> = entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|file| {
                    file.is_file() && ending(file).is_some_and(|it| ENDINGS.contains(&it))
                })
                .collect();
            found.sort();
            let (own, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| is_ours(it));
            files.extend(own);
            others.extend(rest);
        }
    }
    if files.is_empty() {
        return Err(Failure::usage("there is nothing to check in these folders")
            .remedy("name the file: what a file is for is told by its first keys"));
    }
    Ok((files, others))
}

/// Returns whether a file that nobody named is one that Aegis reads.
fn is_ours(file: &Path) -> bool {
    let folder = file.parent().and_then(Path::file_name);
    if folder.is_some_and(|name| name == ".aegis") {
        return true;
    }
    match ending(file) {
        Some("toml") => file.file_name().is_some_and(|name| name == "settings.toml"),
        Some("jsonl") => true,
        _ => checked::read_bytes(file)
            .is_ok_and(|bytes| detect(&String::from_utf8_lossy(&bytes)).is_some()),
    }
}

fn ending(file: &Path) -> Option<&str> {
    file.extension()?.to_str()
}

fn one(file: &Path) -> Result<(Report, &'static str), Failure> {
    match kind_of(file)? {
        FileKind::Policy => Ok((checked::report(&[checked::check_file(file)?]), "policy")),
        FileKind::Tests => Ok((tests(file)?, "policy tests")),
        FileKind::Service => Ok((service(file)?, "service settings")),
        FileKind::Principals => Ok((principals(file)?, "principals")),
        FileKind::Settings => Ok((settings(file)?, "settings")),
        FileKind::Export => Ok((export(file)?, "log export")),
    }
}

/// Tells the kind of a file by its ending and its first keys.
fn kind_of(file: &Path) -> Result<FileKind, Failure> {
    match ending(file) {
        Some("toml") => return Ok(FileKind::Settings),
        Some("jsonl") => return Ok(FileKind::Export),
        _ => {}
    }
    let bytes = checked::read_bytes(file)?;
    let text = String::from_utf8_lossy(&bytes);
    match detect(&text) {
        Some(Kind::PolicyTests) => Ok(FileKind::Tests),
        Some(Kind::ServiceSettings) => Ok(FileKind::Service),
        Some(Kind::Principals) => Ok(FileKind::Principals),
        Some(_) => Ok(FileKind::Policy),
        None if matches!(ending(file), Some("yaml" | "yml")) => Ok(FileKind::Policy),
        None => Err(Failure::usage(format!(
            "it cannot be told what kind of file `{}` is",
            file.display()
        ))
        .remedy("policies are .yaml or .json, settings .toml, exported logs .jsonl")),
    }
}

fn tests(file: &Path) -> Result<Report, Failure> {
    let source = source_of(file)?;
    let found = parse_tests(&source).map(|tests| {
        let cases = describe::count(tests.cases.len(), "case", "cases");
        format!("{cases} for {}", tests.policy.name)
    });
    Ok(read(&source, found, "the cases cannot be decided"))
}

fn service(file: &Path) -> Result<Report, Failure> {
    let source = source_of(file)?;
    let found = parse_service_file(&source).map(|_| "service settings".to_owned());
    Ok(read(&source, found, "the service does not start with it"))
}

fn principals(file: &Path) -> Result<Report, Failure> {
    let source = source_of(file)?;
    let found = parse_principals_file(&source)
        .map(|all| describe::count(all.len(), "principal", "principals"));
    Ok(read(&source, found, "every certificate names nobody"))
}

fn source_of(file: &Path) -> Result<Source, Failure> {
    let name = file.display().to_string();
    Ok(Source::new(&name, &checked::read_text(file)?))
}

/// Tells what a file was found to be, or what is wrong with it and what follows.
fn read(source: &Source, found: Result<String, Problems>, follows: &str) -> Report {
    let mut page = Page::default();
    let (sign, tone, text, exit) = match &found {
        Ok(text) => ("✓ ", Tone::Good, text.clone(), Exit::Done),
        Err(Problems(problems, sources)) => {
            page.block(&render(problems, sources, Paint::Ansi)).blank();
            ("✗ ", Tone::Bad, follows.to_owned(), Exit::Usage)
        }
    };
    page.line(&[
        piece(tone, sign),
        piece(Tone::Plain, &source.name),
        piece(Tone::Quiet, format!("  {text}")),
    ]);
    let fault = found.err().map(|problems| problems.to_string());
    Report::done(page, json!({"sound": fault.is_none(), "fault": fault})).with(exit)
}

fn settings(file: &Path) -> Result<Report, Failure> {
    let source = source_of(file)?;
    let found = match SettingsFile::parse(Path::new(&*source.name), source.text.to_string()) {
        Ok(_) => Ok("settings".to_owned()),
        Err(LoadSettingsError::Invalid { problems, .. }) => Err(problems),
        Err(error) => return Err(Failure::usage(causes(&error))),
    };
    Ok(read(
        &source,
        found,
        "nothing can be decided with these settings",
    ))
}

fn export(file: &Path) -> Result<Report, Failure> {
    let found = verify::of_file(file, &Evidence::NONE)?;
    let (sign, tone) = if found.is_sound() {
        ("✓ ", Tone::Good)
    } else {
        ("✗ ", Tone::Bad)
    };
    let mut page = Page::default();
    page.line(&[
        piece(tone, sign),
        piece(Tone::Plain, file.display().to_string()),
        piece(Tone::Quiet, "  log export"),
    ]);
    for line in verify::lines(&found) {
        page.line(&line);
    }
    let exit = if found.is_sound() {
        Exit::Done
    } else {
        Exit::No
    };
    let json: Value = verify::to_json(&found);
    Ok(Report::done(page, json).with(exit))
}
