//! Policy files, read and checked with their examples.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use aegis_engine::{ExampleFailure, Expectation, check_examples};
use aegis_gate::{PolicyFolder, example_request, read_bounded};
use aegis_policy::{
    Compiled, LintCode, MemorySources, Paint, Parsed, Place, Problem, ProblemCode, Problems,
    Severity, Source, Truth, lint, nearest, pack, pack_names, parse, policy_digest, render,
};
use serde_json::{Value, json};

use crate::describe;
use crate::exit::Exit;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

/// The most bytes that a file of text may have.
const BYTES_MAX: u64 = 1 << 20;

/// What checking one policy file came to.
pub(crate) struct Checked {
    /// The file as given.
    pub(crate) name: String,
    /// The policy, unless the text has errors.
    pub(crate) parsed: Option<Parsed>,
    /// Errors and warnings of the text.
    pub(crate) problems: Vec<Problem>,
    /// The texts they are found in.
    pub(crate) sources: Vec<Source>,
    /// What the lint finds.
    pub(crate) findings: Vec<Problem>,
    /// Examples that their rules get wrong.
    pub(crate) failures: Vec<ExampleFailure>,
    /// Why there is no text to look at, if there is none.
    pub(crate) unread: Option<Failure>,
}

impl Checked {
    /// Returns whether the policy can become active.
    pub(crate) fn is_sound(&self) -> bool {
        self.parsed.is_some() && self.failures.is_empty()
    }
}

/// Reads and checks a pack, or the policy in a file, by its name.
pub(crate) fn check_named(name: &str) -> Result<Checked, Failure> {
    if !name.starts_with("aegis:") {
        return check_file(Path::new(name));
    }
    let text = pack(name).ok_or_else(|| no_pack(name))?;
    Ok(check_alone(name, text))
}

/// Returns the failure that there is no such pack.
pub(crate) fn no_pack(name: &str) -> Failure {
    let names: Vec<&str> = pack_names().collect();
    let near = nearest(name, names.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let remedy = format!("{near}there are: {}", names.join(", "));
    Failure::usage(format!("there is no pack `{name}`")).remedy(remedy)
}

/// Reads and checks the policy in `file`, its examples included.
pub(crate) fn check_file(file: &Path) -> Result<Checked, Failure> {
    Ok(check_text(file, &read_text(file)?))
}

/// Checks a policy as if `text` stood in `file`.
pub(crate) fn check_text(file: &Path, text: &str) -> Checked {
    let name = file.display().to_string();
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    let result = parse(&Source::new(&own, text), &folder_of(file));
    checked(name, result, |sources| as_given(sources, file))
}

/// Checks a policy that extends nothing but packs, its examples included.
pub(crate) fn check_alone(name: &str, text: &str) -> Checked {
    let result = parse(&Source::new(name, text), &MemorySources::default());
    checked(name.to_owned(), result, <[Source]>::to_vec)
}

/// Returns the folder whose files a policy may extend.
pub(crate) fn folder_of(file: &Path) -> PolicyFolder<'_> {
    PolicyFolder::new(match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    })
}

fn checked(
    name: String,
    result: Result<Parsed, Problems>,
    as_given: impl Fn(&[Source]) -> Vec<Source>,
) -> Checked {
    match result {
        Ok(parsed) => {
            let findings = lint(&parsed);
            Checked {
                name,
                problems: warnings(&parsed, &findings),
                findings,
                sources: as_given(&parsed.texts),
                failures: failures(&parsed),
                parsed: Some(parsed),
                unread: None,
            }
        }
        Err(problems) => Checked {
            name,
            parsed: None,
            sources: as_given(&problems.1),
            problems: problems.0,
            findings: Vec::new(),
            failures: Vec::new(),
            unread: None,
        },
    }
}

/// Returns what stands for a file that cannot be read beside others that can.
fn unread(name: &Path, failure: Failure) -> Checked {
    Checked {
        name: name.display().to_string(),
        parsed: None,
        problems: Vec::new(),
        sources: Vec::new(),
        findings: Vec::new(),
        failures: Vec::new(),
        unread: Some(failure),
    }
}

/// Looks at each file by itself, so that one which cannot be read hides no other.
///
/// # Errors
///
/// Why the file cannot be read, where it is the only one.
pub(crate) fn each<T>(
    names: &[PathBuf],
    look: impl Fn(&Path) -> Result<T, Failure>,
    without: impl Fn(Checked) -> T,
) -> Result<Vec<T>, Failure> {
    let mut looked = Vec::new();
    for name in names {
        looked.push(match look(name) {
            Err(failure) if names.len() > 1 && failure.exit == Exit::Usage => {
                without(unread(name, failure))
            }
            found => found?,
        });
    }
    Ok(looked)
}

/// Shows why a file was not looked at.
pub(crate) fn show_unread(page: &mut Page, name: &str, failure: &Failure) {
    page.line(&[
        piece(Tone::Bad, "✗ "),
        piece(Tone::Plain, name),
        piece(Tone::Quiet, format!("  {}", failure.message)),
    ]);
    if let Some(remedy) = &failure.remedy {
        page.plain(format!("  help: {remedy}"));
    }
}

/// Returns the sources under the names by which they can be opened from here.
fn as_given(sources: &[Source], file: &Path) -> Vec<Source> {
    let folder = file.parent().unwrap_or(Path::new(""));
    sources
        .iter()
        .map(|source| match pack(&source.name) {
            Some(_) => source.clone(),
            None => Source::new(&folder.join(&*source.name).to_string_lossy(), &source.text),
        })
        .collect()
}

/// Returns the bytes of a file that was named.
pub(crate) fn read_bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    read_bounded(file, BYTES_MAX).map_err(|error| unreadable(file, &error))
}

/// Returns the failure that a file which was named cannot be read.
fn unreadable(file: &Path, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("cannot read `{}`: {error}", file.display()));
    let remedies = [
        (
            ErrorKind::NotFound,
            "names are taken from the working directory; `aegis policy show` tells what is in force",
        ),
        (
            ErrorKind::PermissionDenied,
            "let its owner give you the right to read it",
        ),
        (
            ErrorKind::IsADirectory,
            "name a file in it; `aegis validate` takes folders",
        ),
    ];
    match remedies.iter().find(|(kind, _)| *kind == error.kind()) {
        Some((_, remedy)) => failure.remedy(*remedy),
        None => failure,
    }
}

/// Returns the text of a file that was named.
pub(crate) fn read_text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(read_bytes(file)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..at).unwrap_or_default();
        let last = before
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(last).chars().count() + 1;
        let name = file.display();
        Failure::usage(format!("`{name}` is not text in UTF-8: {line}:{column}"))
            .remedy("save it as UTF-8")
    })
}

/// Returns what is probably not meant: rules that never decide, among it.
fn warnings(parsed: &Parsed, findings: &[Problem]) -> Vec<Problem> {
    let hidden = [
        LintCode::Shadowed,
        LintCode::Unreachable,
        LintCode::Contradicting,
    ];
    let is_hidden = |it: &&Problem| {
        hidden
            .iter()
            .any(|code| it.code == ProblemCode::Lint(*code))
    };
    let hidden = findings.iter().filter(is_hidden);
    parsed.warnings.iter().chain(hidden).cloned().collect()
}

/// Returns the examples that their rules get wrong.
pub(crate) fn failures(parsed: &Parsed) -> Vec<ExampleFailure> {
    let compiled = Compiled::new(parsed.policy.clone(), policy_digest(&parsed.texts));
    check_examples(&compiled, &example_request)
}

/// Returns the report on checked policy files.
pub(crate) fn report(checked: &[Checked]) -> Report {
    let mut page = Page::default();
    for one in checked {
        if !one.problems.is_empty() {
            page.block(&render(&one.problems, &one.sources, Paint::Ansi))
                .blank();
        }
        for failure in &one.failures {
            show_failure(&mut page, one, failure);
        }
        show_sum(&mut page, one);
    }
    let exit = if checked.iter().all(Checked::is_sound) {
        Exit::Done
    } else {
        Exit::Usage
    };
    let json: Vec<Value> = checked.iter().map(to_json).collect();
    Report::done(page, json!({"files": json})).with(exit)
}

fn show_sum(page: &mut Page, one: &Checked) {
    if let Some(failure) = &one.unread {
        return show_unread(page, &one.name, failure);
    }
    let errors = one
        .problems
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .count();
    let errors = errors + one.failures.len();
    match &one.parsed {
        Some(parsed) if one.failures.is_empty() => {
            let rules = parsed.policy.rules.len();
            let examples: usize = parsed
                .policy
                .rules
                .iter()
                .map(|rule| rule.examples.matches.len() + rule.examples.misses.len())
                .sum();
            page.line(&[
                piece(Tone::Good, "✓ "),
                piece(Tone::Plain, &one.name),
                piece(Tone::Quiet, sum(rules, examples)),
            ]);
        }
        Some(_) | None => {
            let errors = describe::count(errors, "error", "errors");
            page.line(&[
                piece(Tone::Bad, "✗ "),
                piece(Tone::Plain, &one.name),
                piece(
                    Tone::Quiet,
                    format!("  {errors}; the policy cannot become active"),
                ),
            ]);
        }
    }
}

fn sum(rules: usize, examples: usize) -> String {
    let rules = describe::count(rules, "rule", "rules");
    let examples = match examples {
        0 => "without examples".to_owned(),
        count => describe::count(count, "example holds", "examples hold"),
    };
    format!("  {rules}, {examples}")
}

fn show_failure(page: &mut Page, one: &Checked, failure: &ExampleFailure) {
    let expected = match failure.expected {
        Expectation::Matches => "must match and does not",
        Expectation::Misses => "must not match and does",
    };
    page.line(&[
        piece(Tone::Bad, "error[example]"),
        piece(
            Tone::Strong,
            format!(": an example of rule `{}` {expected}", failure.rule),
        ),
    ]);
    page.line(&[piece(
        Tone::Quiet,
        format!("   --> {}", place_text(one, failure.place)),
    )]);
    page.line(&[piece(
        Tone::Quiet,
        format!("    = {}", truth_text(&failure.truth)),
    )]);
    page.blank();
}

/// Returns whether a rule holds and why not, in words.
pub(crate) fn truth_text(truth: &Truth) -> String {
    match truth {
        Truth::Yes => "the rule holds".to_owned(),
        Truth::No(why) => why.to_string(),
        Truth::Unknown(why) => format!("it cannot be told: {why}"),
    }
}

/// Returns where something is written, by the names of files as given.
pub(crate) fn place_text(one: &Checked, place: Place) -> String {
    let source = one.sources.get(usize::from(place.source));
    let name = source.map_or(one.name.as_str(), |source| &source.name);
    format!("{name}:{}:{}", place.line, place.column)
}

/// Returns a problem for programs.
pub(crate) fn problem_json(one: &Checked, problem: &Problem) -> Value {
    json!({
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "code": problem.code.as_str(),
        "place": place_text(one, problem.place),
        "line": problem.place.line,
        "column": problem.place.column,
        "span": [problem.span.start, problem.span.end],
        "message": problem.message,
        "help": problem.help,
        "suggestion": problem.suggestion.as_ref().map(|it| &it.replacement),
        "suggestion_span": problem
            .suggestion
            .as_ref()
            .map(|it| [it.span.start, it.span.end]),
        "suggestion_is_safe": problem.suggestion.as_ref().is_some_and(|it| it.is_safe),
    })
}

fn to_json(one: &Checked) -> Value {
    let problems: Vec<Value> = one
        .problems
        .iter()
        .map(|problem| problem_json(one, problem))
        .collect();
    let examples: Vec<Value> = one
        .failures
        .iter()
        .map(|failure| {
            json!({
                "rule": failure.rule,
                "place": place_text(one, failure.place),
                "why": truth_text(&failure.truth),
            })
        })
        .collect();
    json!({
        "file": one.name,
        "sound": one.is_sound(),
        "unread": one.unread.as_ref().map(|it| &it.message),
        "problems": problems,
        "failed_examples": examples,
        "rules": one.parsed.as_ref().map(|parsed| parsed.policy.rules.len()),
    })
}
