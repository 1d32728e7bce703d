//! `aegis policy lint`: what is sound in a policy and probably not meant.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aegis_policy::{
    LintCode, Paint, Problem, ProblemCode, Severity, Source, fixed, lint, pack, parse, render,
};
use serde_json::{Value, json};

use crate::arguments::LintArguments;
use crate::command::checked::{self, Checked, check_named, folder_of};
use crate::command::policy::own_files;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// One section for each code.
const BOOK: &str = include_str!("../../../../docs/lint.md");

/// Looks over the policies that are named, or those in force here that are files.
pub(crate) fn answer(here: &Here, arguments: &LintArguments) -> Result<Report, Failure> {
    if let Some(code) = arguments.explain {
        return explain(code);
    }
    let names: Vec<PathBuf> = match arguments.policies.is_empty() {
        true => own_files(here)?,
        false => arguments.policies.clone(),
    };
    if arguments.fix {
        here.refuse_agents()?;
    }
    let without = |checked: Checked| Looked {
        name: checked.name.clone(),
        checked,
        findings: Vec::new(),
        mended: None,
    };
    let looked = checked::each(&names, |name| look(name, arguments), without)?;
    Ok(report(&looked))
}

/// What looking over one policy came to.
struct Looked {
    name: String,
    checked: Checked,
    findings: Vec<Problem>,
    /// How many findings were mended, if that was asked for.
    mended: Option<usize>,
}

fn look(name: &Path, arguments: &LintArguments) -> Result<Looked, Failure> {
    let shown = name.display().to_string();
    let mut checked = check_named(&shown)?;
    let mut mended = None;
    if arguments.fix {
        let count = mend(name, &checked, arguments)?;
        mended = Some(count);
        if count > 0 {
            checked = check_named(&shown)?;
        }
    }
    Ok(Looked {
        findings: findings(&checked, arguments),
        name: shown,
        checked,
        mended,
    })
}

fn findings(checked: &Checked, arguments: &LintArguments) -> Vec<Problem> {
    let is_allowed = |finding: &&Problem| {
        let mut allowed = arguments.allow.iter();
        allowed.any(|code| finding.code == ProblemCode::Lint(*code))
    };
    let all = checked.findings.iter();
    all.filter(|it| !is_allowed(it)).cloned().collect()
}

/// Writes what the findings suggest where that lets nothing more happen, and
/// returns how much it was.
///
/// Nothing is written that is not sound, that fails more examples, or that has
/// as many findings as before.
fn mend(file: &Path, checked: &Checked, arguments: &LintArguments) -> Result<usize, Failure> {
    let shown = file.display();
    let Some(parsed) = &checked.parsed else {
        return Ok(0);
    };
    if pack(&checked.name).is_some() {
        return Err(Failure::usage(format!("`{shown}` comes with the program"))
            .remedy("packs cannot be changed; extend it with rules of your own"));
    }
    if fs::symlink_metadata(file).is_ok_and(|it| it.is_symlink()) {
        return Err(
            Failure::usage(format!("`{shown}` is a link, and is not followed"))
                .remedy("name the file that it leads to"),
        );
    }
    let own = parsed.texts.first().map_or("", |it| &*it.text);
    let before = findings(checked, arguments);
    let Some((text, count)) = fixed(own, &before) else {
        return Ok(0);
    };
    let refused = |why: String| Failure {
        message: format!("`{shown}` was left as it is: {why}"),
        remedy: Some("mend it by hand; without --fix every suggestion is shown".to_owned()),
        exit: Exit::No,
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let again = parse(&Source::new(&name, &text), &folder_of(file))
        .map_err(|problems| refused(causes(&problems)))?;
    let failed = checked::failures(&again).len();
    if failed > checked.failures.len() {
        return Err(refused("an example would fail".to_owned()));
    }
    if lint(&again).len() >= checked.findings.len() {
        return Err(refused("as much would be found as before".to_owned()));
    }
    replace(file, &text)
        .map_err(|error| Failure::environment(format!("cannot write `{shown}`: {error}")))?;
    Ok(count)
}

/// Writes a file as a whole or not at all, with the rights that it has.
pub(crate) fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    let mut next = tempfile::NamedTempFile::new_in(folder)?;
    next.write_all(text.as_bytes())?;
    let rights = fs::metadata(&file)?.permissions();
    next.as_file().set_permissions(rights)?;
    next.as_file().sync_all()?;
    next.persist(&file).map_err(|error| error.error)?;
    Ok(())
}

fn report(looked: &[Looked]) -> Report {
    let mut page = Page::default();
    for one in looked {
        let problems = match one.checked.parsed {
            Some(_) => &one.findings,
            None => &one.checked.problems,
        };
        if !problems.is_empty() {
            page.block(&render(problems, &one.checked.sources, Paint::Ansi))
                .blank();
        }
        show_sum(&mut page, one);
    }
    let exit = if looked.iter().any(|one| one.checked.parsed.is_none()) {
        Exit::Usage
    } else if looked.iter().any(|one| !one.findings.is_empty()) {
        Exit::No
    } else {
        Exit::Done
    };
    let json: Vec<Value> = looked.iter().map(to_json).collect();
    Report::done(page, json!({"policies": json})).with(exit)
}

fn show_sum(page: &mut Page, one: &Looked) {
    if let Some(failure) = &one.checked.unread {
        return checked::show_unread(page, &one.name, failure);
    }
    let (tone, sign, text) = match (&one.checked.parsed, one.findings.len()) {
        (None, _) => {
            let is_error = |it: &&Problem| it.severity == Severity::Error;
            let errors = one.checked.problems.iter().filter(is_error).count();
            let errors = describe::count(errors, "error", "errors");
            (
                Tone::Bad,
                "✗ ",
                format!("{errors}; only a sound policy can be looked over"),
            )
        }
        (Some(parsed), 0) => {
            let own = parsed.policy.rules.iter().filter(|it| it.place.source == 0);
            let rules = describe::count(own.count(), "rule", "rules");
            (Tone::Good, "✓ ", format!("{rules}, nothing found"))
        }
        (Some(_), count) => {
            let findings = describe::count(count, "finding", "findings");
            (
                Tone::Careful,
                "! ",
                format!("{findings}{}", fixable(&one.findings)),
            )
        }
    };
    let mended = match one.mended {
        None => String::new(),
        Some(0) if one.findings.is_empty() => String::new(),
        Some(0) => "; none of them suggests a change that lets nothing more happen".to_owned(),
        Some(count) => format!("; {} mended", describe::count(count, "finding", "findings")),
    };
    page.line(&[
        piece(tone, sign),
        piece(Tone::Plain, &one.name),
        piece(Tone::Quiet, format!("  {text}{mended}")),
    ]);
}

fn fixable(findings: &[Problem]) -> String {
    let is_safe = |it: &&Problem| it.suggestion.as_ref().is_some_and(|it| it.is_safe);
    match findings.iter().filter(is_safe).count() {
        0 => String::new(),
        count => format!(", {count} of which --fix mends"),
    }
}

fn to_json(one: &Looked) -> Value {
    let problems = match one.checked.parsed {
        Some(_) => &one.findings,
        None => &one.checked.problems,
    };
    let findings: Vec<Value> = problems
        .iter()
        .map(|it| checked::problem_json(&one.checked, it))
        .collect();
    json!({
        "policy": one.name,
        "sound": one.checked.parsed.is_some(),
        "unread": one.checked.unread.as_ref().map(|it| &it.message),
        "findings": findings,
        "mended": one.mended.unwrap_or(0),
    })
}

/// Prints what a code means.
fn explain(code: LintCode) -> Result<Report, Failure> {
    let head = format!("## {code} ");
    let section = BOOK
        .find(&head)
        .and_then(|start| BOOK.get(start..))
        .ok_or_else(|| Failure::environment(format!("the book says nothing of {code}")))?;
    let end = section.get(3..).and_then(|rest| rest.find("\n## "));
    let section = section.get(..end.map_or(section.len(), |it| it + 3));
    let text = section.unwrap_or_default().trim_end();
    let mut page = Page::default();
    for line in text.lines() {
        match line.strip_prefix("## ") {
            Some(title) => page.heading(title),
            None => page.plain(line),
        };
    }
    Ok(Report::done(
        page,
        json!({"code": code.as_str(), "text": text}),
    ))
}
