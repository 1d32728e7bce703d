//! `aegis policy test`: cases and examples, decided and compared.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_policy::{Kind, Paint, detect, render};
use serde_json::{Value, json};

use crate::arguments::TestArguments;
use crate::command::checked::read_text;
use crate::command::coverage::{self, PolicyCoverage};
use crate::command::junit;
use crate::command::tested::{Examined, Filter, Tested, TestedCase, test};
use crate::command::watch::Watch;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::output::say;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

/// How deep folders are looked into.
const DEPTH_MAX: usize = 8;

/// Tests what is named, once or whenever it changes.
pub(crate) fn answer(here: &Here, arguments: &TestArguments) -> Result<Report, Failure> {
    if arguments.watch {
        return again_and_again(here, arguments);
    }
    once(here, arguments).map(|(report, _)| report)
}

/// Tests whenever a file changes, until Ctrl-C.
fn again_and_again(here: &Here, arguments: &TestArguments) -> Result<Report, Failure> {
    let mut watch = Watch::new()?;
    for path in named(here, arguments) {
        watch.add(&path)?;
    }
    loop {
        match once(here, arguments) {
            Ok((report, files)) => {
                for file in files {
                    watch.add(&file)?;
                }
                say(&report.page.into_text())?;
            }
            Err(failure) => {
                let mut page = Page::default();
                page.line(&[
                    piece(Tone::Bad, "error: "),
                    piece(Tone::Plain, failure.message),
                ]);
                say(&page.into_text())?;
            }
        }
        let mut page = Page::default();
        page.line(&[piece(Tone::Quiet, "Waiting for changes. Ctrl-C ends.")]);
        say(&page.into_text())?;
        let changed = here.shown(&watch.next_change()?);
        let mut page = Page::default();
        page.blank().line(&[piece(
            Tone::Quiet,
            format!("{} has changed", changed.display()),
        )]);
        say(&page.into_text())?;
    }
}

/// Returns what is named on the command line, or the project's own folder.
fn named(here: &Here, arguments: &TestArguments) -> Vec<PathBuf> {
    if !arguments.files.is_empty() {
        return arguments.files.clone();
    }
    let project = here.places.project.as_ref();
    let folder = project.and_then(|project| project.policy.parent());
    folder
        .map(|folder| here.shown(folder))
        .into_iter()
        .collect()
}

/// Tests everything once, and returns the files that were read as well.
fn once(here: &Here, arguments: &TestArguments) -> Result<(Report, Vec<PathBuf>), Failure> {
    let filter = Filter::new(arguments.filter.as_deref());
    let mut examined = Examined::default();
    let mut all = Vec::new();
    for file in expand(&named(here, arguments))? {
        all.push(test(&file, &filter, &mut examined)?);
    }
    if let Some(text) = &arguments.filter {
        all.retain(|one| !(one.cases.is_empty() && one.problems.is_empty()));
        if all.is_empty() {
            let message = format!("no case has `{text}` in its name, call or rule");
            return Err(Failure::usage(message));
        }
    }
    let files: Vec<PathBuf> = all.iter().flat_map(|it| it.files.iter().cloned()).collect();
    if let Some(file) = &arguments.junit {
        let real = |path: &Path| fs::canonicalize(path).ok();
        if files
            .iter()
            .any(|read| real(read).is_some_and(|read| Some(read) == real(file)))
        {
            let message = format!("`{}` is among the files that were read", file.display());
            return Err(Failure::usage(message).remedy("name another file for the results"));
        }
        fs::write(file, junit::document(&all)).map_err(|error| {
            Failure::environment(format!("cannot write `{}`: {error}", file.display()))
        })?;
    }
    Ok((report(&all, arguments), files))
}

/// Returns the files named, and the files of tests in the folders named.
fn expand(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            add_tests(path, DEPTH_MAX, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(Failure::usage("there are no tests here")
            .remedy("name a file of tests, a policy or a pack, or run `aegis init`"));
    }
    Ok(files)
}

/// Adds the files of tests in a folder, and in those below it.
fn add_tests(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error| Failure::usage(format!("cannot read `{}`: {error}", folder.display()));
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let ending = path.extension().and_then(|it| it.to_str());
        if path.is_dir() && depth > 1 {
            add_tests(&path, depth - 1, files)?;
        } else if path.is_file()
            && matches!(ending, Some("yaml" | "yml" | "json"))
            && read_text(&path).is_ok_and(|it| detect(&it) == Some(Kind::PolicyTests))
        {
            files.push(path);
        }
    }
    Ok(())
}

fn report(all: &[Tested], arguments: &TestArguments) -> Report {
    let least = usize::from(arguments.coverage_min.unwrap_or(0));
    let coverage = match arguments.coverage || arguments.coverage_min.is_some() {
        true => coverage::by_policy(all),
        false => Vec::new(),
    };
    let mut page = Page::default();
    for one in all {
        show(&mut page, one);
    }
    for policy in &coverage {
        policy.show(&mut page, least);
    }
    if all.len() > 1 {
        show_sum(&mut page, all);
    }
    let is_thin = coverage.iter().any(|it| it.percent() < least);
    let exit = match all {
        _ if all.iter().any(|one| !one.problems.is_empty()) => Exit::Usage,
        _ if is_thin || all.iter().any(|one| one.failed() > 0) => Exit::No,
        _ => Exit::Done,
    };
    let files: Vec<Value> = all.iter().map(to_json).collect();
    let coverage: Vec<Value> = coverage.iter().map(PolicyCoverage::to_json).collect();
    Report::done(page, json!({"files": files, "coverage": coverage})).with(exit)
}

fn show(page: &mut Page, one: &Tested) {
    if !one.problems.is_empty() {
        page.block(&render(&one.problems, &one.sources, Paint::Ansi))
            .blank();
        page.line(&[
            piece(Tone::Bad, "✗ "),
            piece(Tone::Plain, &one.name),
            piece(Tone::Quiet, "  nothing can be tested"),
        ]);
        return;
    }
    for case in one.cases.iter().filter(|case| !case.holds()) {
        show_failure(page, case);
    }
    let failed = one.failed();
    let (tone, sign) = match failed {
        0 => (Tone::Good, "✓ "),
        _ => (Tone::Bad, "✗ "),
    };
    page.line(&[
        piece(tone, sign),
        piece(Tone::Plain, &one.name),
        piece(Tone::Quiet, format!("  {}", sum(one))),
    ]);
}

/// Returns how many cases and examples hold, or how many of all do not.
fn sum(one: &Tested) -> String {
    let examples = one.cases.iter().filter(|case| case.is_example).count();
    let cases = one.cases.len() - examples;
    match (one.failed(), cases, examples) {
        (0, 0, 0) => "no case".to_owned(),
        (0, 0, _) => describe::count(examples, "example holds", "examples hold"),
        (0, _, 0) => describe::count(cases, "case holds", "cases hold"),
        (0, _, _) => format!(
            "{}, {}",
            describe::count(cases, "case holds", "cases hold"),
            describe::count(examples, "example", "examples")
        ),
        (failed, _, _) => format!(
            "{failed} of {} {}",
            describe::count(cases + examples, "case", "cases"),
            if failed == 1 { "fails" } else { "fail" }
        ),
    }
}

fn show_failure(page: &mut Page, case: &TestedCase) {
    let kind = if case.is_example { "example" } else { "case" };
    page.line(&[
        piece(Tone::Bad, format!("error[{kind}]")),
        piece(Tone::Strong, format!(": {}", case.title)),
    ]);
    let place = format!("{}:{}:{}", case.file, case.place.line, case.place.column);
    page.line(&[piece(Tone::Quiet, format!("   --> {place}"))]);
    if case.title != case.call && !case.is_example {
        page.line(&[piece(Tone::Quiet, "    | "), piece(Tone::Plain, &case.call)]);
    }
    let width = case.misses.iter().map(|miss| miss.what.len()).max();
    let width = width
        .unwrap_or(0)
        .max(if case.decided_by.is_some() { 7 } else { 0 });
    let label = |text: &str| piece(Tone::Quiet, format!("    = {text:<width$}  "));
    for miss in &case.misses {
        page.line(&[
            label(miss.what),
            piece(Tone::Good, &miss.expected),
            piece(Tone::Quiet, " expected, "),
            piece(Tone::Bad, &miss.found),
            piece(Tone::Quiet, " came"),
        ]);
    }
    if let Some(decider) = &case.decided_by {
        page.line(&[label("by"), piece(Tone::Plain, decider)]);
    }
    if let Some(help) = &case.help {
        page.line(&[piece(Tone::Quiet, "    = help: "), piece(Tone::Plain, help)]);
    }
    page.blank();
}

fn show_sum(page: &mut Page, all: &[Tested]) {
    let failed: usize = all.iter().map(Tested::failed).sum();
    let cases: usize = all.iter().map(|one| one.cases.len()).sum();
    let held = describe::count(cases - failed, "case holds", "cases hold");
    let (tone, failed) = match failed {
        0 => (Tone::Good, String::new()),
        1 => (Tone::Bad, ", 1 fails".to_owned()),
        _ => (Tone::Bad, format!(", {failed} fail")),
    };
    page.blank().line(&[
        piece(
            Tone::Plain,
            format!(
                "{} in {}",
                held,
                describe::count(all.len(), "file", "files")
            ),
        ),
        piece(tone, failed),
    ]);
}

fn to_json(one: &Tested) -> Value {
    let cases: Vec<Value> = one
        .cases
        .iter()
        .map(|case| {
            json!({
                "kind": if case.is_example { "example" } else { "case" },
                "title": case.title,
                "call": case.call,
                "file": case.file,
                "line": case.place.line,
                "column": case.place.column,
                "holds": case.holds(),
                "misses": case.misses.iter().map(|miss| json!({
                    "what": miss.what,
                    "expected": miss.expected,
                    "found": miss.found,
                })).collect::<Vec<_>>(),
                "decided_by": case.decided_by,
                "help": case.help,
            })
        })
        .collect();
    let problems = render(&one.problems, &one.sources, Paint::Plain);
    json!({
        "file": one.name,
        "policy": one.policy,
        "fault": (!one.problems.is_empty()).then_some(problems),
        "cases": cases,
        "failed": one.failed(),
    })
}
