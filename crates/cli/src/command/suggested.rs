//! What `aegis policy suggest` shows, and the tests that go with its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aegis_engine::check_case;
use aegis_gate::replay::Difference;
use aegis_gate::{case_request, case_state};
use aegis_policy::{Compiled, Source, parse_tests};
use aegis_types::ActionRequest;
use serde_json::{Value, json};

use crate::arguments::SuggestArguments;
use crate::command::changes::{Change, show_changes};
use crate::command::checked::read_text;
use crate::command::narrowed::Target;
use crate::command::suggest::{Found, Suggested, Written};
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// How many requests that speak for a rule are named.
const EVIDENCE_SHOWN_MAX: usize = 5;

/// A file of tests, with a case for each rule.
pub(crate) struct Tests {
    pub(crate) path: PathBuf,
    pub(crate) is_new: bool,
    pub(crate) text: String,
}

/// Returns the tests that lie beside a policy, with a case for each rule behind
/// those that are there.
pub(crate) fn tests(policy: &Path, found: &Found, target: &Target) -> Result<Tests, Failure> {
    let path = policy.with_extension("suggested.yaml");
    let is_new = !path.exists();
    let mut text = match is_new {
        true => head(policy),
        false => read_text(&path)?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let compiled = &target.after.compiled;
    for one in &found.suggested {
        let mut evidence = found.evidence(one);
        if let Some(case) = evidence.find_map(|request| case(one, request, compiled)) {
            text.push_str(&case);
        }
    }
    if !found.suggested.is_empty() {
        let shown = path.display().to_string();
        parse_tests(&Source::new(&shown, &text)).map_err(|problems| {
            Failure::usage(format!(
                "`{shown}` cannot take a case: {}",
                causes(&problems)
            ))
            .remedy("move the file away, so that another one is begun")
        })?;
    }
    Ok(Tests { path, is_new, text })
}

fn head(policy: &Path) -> String {
    let name = policy.file_name().unwrap_or_default().to_string_lossy();
    format!("aegis: policy-tests/v1\npolicy: {}\ntests:\n", json!(name))
}

/// Returns the case that a request is allowed by a rule, if the policy alone says
/// so: as a call if its facts come out the same, else with all its facts.
fn case(one: &Suggested, request: &ActionRequest, policy: &Compiled) -> Option<String> {
    let call = json!({
        "tool": request.tool,
        "params": request.params,
        "workspace": request.context.directory,
    });
    let facts = json!({"request": serde_json::to_value(request).ok()?});
    [call, facts].into_iter().find_map(|mut asked| {
        let members = asked.as_object_mut()?;
        members.insert(
            "name".to_owned(),
            json!(format!("{} was approved", one.rule().id)),
        );
        members.insert("verdict".to_owned(), json!("allow"));
        let line = format!("  - {asked}\n");
        let text = format!("{}{line}", head(Path::new("policy.yaml")));
        let tests = parse_tests(&Source::new("case", &text)).ok()?;
        let [case] = tests.cases.as_slice() else {
            return None;
        };
        let request = case_request(case);
        let checked = check_case(policy, case, &request, &case_state(case, &request));
        checked.differences.is_empty().then_some(line)
    })
}

/// Tells what was found and written.
pub(crate) fn report(
    here: &Here,
    found: &Found,
    written: &Written,
    arguments: &SuggestArguments,
) -> Report {
    let besides = found.besides();
    let mut page = Page::default();
    show_sum(&mut page, found);
    for one in &found.suggested {
        show_rule(
            &mut page,
            found,
            one,
            &of_rule(&besides, one),
            arguments.all,
        );
    }
    if !found.suggested.is_empty() {
        show_consequences(&mut page, found, &besides, arguments);
        show_place(&mut page, here, written, arguments);
    }
    show_left(&mut page, found, arguments.all);
    let covered: usize = covered(found);
    let exit = match covered + found.already_allowed() {
        0 => Exit::No,
        _ => Exit::Done,
    };
    Report::done(page, to_json(found, written, &besides)).with(exit)
}

fn covered(found: &Found) -> usize {
    let calls = found.suggested.iter().flat_map(Suggested::calls);
    calls.collect::<BTreeSet<_>>().len()
}

/// Returns the requests that a rule lets happen, alone or with others.
fn of_rule<'f>(besides: &[&'f Difference], one: &Suggested) -> Vec<&'f Difference> {
    let is_named = |it: &&&Difference| {
        let rules = it
            .replayed
            .findings
            .iter()
            .filter_map(|it| it.rule.as_ref());
        rules.into_iter().any(|rule| rule.as_str() == one.rule().id)
    };
    besides.iter().filter(is_named).copied().collect()
}

fn sessions<'r>(requests: impl Iterator<Item = &'r ActionRequest>) -> usize {
    let sessions = requests.map(|it| &it.principal.session);
    sessions.collect::<BTreeSet<_>>().len()
}

fn show_sum(page: &mut Page, found: &Found) {
    let plain = |text: String| piece(Tone::Plain, text);
    let all = sessions(found.used.iter().map(|it| &it.request));
    let approved = format!(
        "{} in {}",
        describe::count(found.used.len(), "request", "requests"),
        describe::count(all, "session", "sessions")
    );
    let mut fields = vec![
        ("approved", plain(approved)),
        ("rules", plain(found.suggested.len().to_string())),
        ("covered", plain(covered(found).to_string())),
    ];
    let counted = [
        ("allowed already", found.already_allowed()),
        ("left out", found.left.len()),
    ];
    let counted = counted.into_iter().filter(|(_, number)| *number > 0);
    fields.extend(counted.map(|(label, number)| (label, plain(number.to_string()))));
    page.fields(&fields);
}

fn show_rule(
    page: &mut Page,
    found: &Found,
    one: &Suggested,
    besides: &[&Difference],
    shows_all: bool,
) {
    let calls = one.calls().len();
    let sessions = sessions(found.evidence(one));
    let sum = format!(
        "{} in {}",
        describe::count(calls, "call", "calls"),
        describe::count(sessions, "session", "sessions")
    );
    let tone = match besides.len() {
        0 => Tone::Good,
        _ => Tone::Careful,
    };
    let shown = match shows_all {
        true => calls,
        false => EVIDENCE_SHOWN_MAX,
    };
    let mut ids: Vec<&str> = found.evidence(one).map(|it| it.id.as_str()).collect();
    ids.truncate(shown);
    let more = match calls - ids.len() {
        0 => String::new(),
        more => format!(", … and {more} more"),
    };
    page.blank().line(&[
        piece(Tone::Plain, format!("{sum}: {}{more}", ids.join(", "))),
        piece(tone, format!("; would allow {} besides", besides.len())),
    ]);
    for line in one.rule().text(2).lines() {
        page.plain(line);
    }
}

fn show_consequences(
    page: &mut Page,
    found: &Found,
    besides: &[&Difference],
    arguments: &SuggestArguments,
) {
    let number = besides.len();
    let (recorded, packs) = (
        match number {
            0 => Tone::Good,
            _ => Tone::Careful,
        },
        match found.examples.is_empty() {
            true => piece(Tone::Good, "none of what they ask about or deny"),
            false => piece(
                Tone::Bad,
                describe::count(found.examples.len(), "example", "examples")
                    + ", so that writing needs --yes",
            ),
        },
    );
    let of_log = format!("{number} of {} recorded decisions", found.recorded.decided);
    page.blank()
        .plain("all together would allow besides")
        .fields(&[
            ("in the log", piece(recorded, of_log)),
            ("of the packs", packs),
        ]);
    for request in &found.examples {
        page.line(&[
            piece(Tone::Quiet, format!("    {}  ", request.tool)),
            piece(Tone::Plain, describe::summary(request, 76)),
        ]);
    }
    let changes: Vec<Change<'_>> = besides.iter().map(|it| Change::from(*it)).collect();
    show_changes(page, &changes, arguments.all);
}

fn show_place(page: &mut Page, here: &Here, written: &Written, arguments: &SuggestArguments) {
    let policy = here.shown(&written.policy).display().to_string();
    let tests = here.shown(&written.tests.path).display().to_string();
    let (tone, text) = match written.is_written {
        true => (
            Tone::Good,
            format!("written into {policy}, with tests in {tests}"),
        ),
        false => (
            Tone::Quiet,
            format!("not written; --write puts them into {policy}, with tests in {tests}"),
        ),
    };
    page.blank().line(&[piece(tone, text)]);
    if arguments.target.project {
        let text = "what the project's policy allows counts only after `aegis trust`";
        page.line(&[piece(Tone::Careful, text)]);
    }
}

/// Shows what was approved and has no rule, by cause.
fn show_left(page: &mut Page, found: &Found, shows_all: bool) {
    let mut by_cause: BTreeMap<&str, Vec<&ActionRequest>> = BTreeMap::new();
    for (place, why) in &found.left {
        let request = found.used.get(*place).map(|it| &it.request);
        by_cause.entry(why).or_default().extend(request);
    }
    for (why, requests) in by_cause {
        page.blank()
            .line(&[piece(Tone::Careful, format!("no rule: {why}"))]);
        let shown = match shows_all {
            true => requests.len(),
            false => EVIDENCE_SHOWN_MAX,
        };
        for request in requests.iter().take(shown) {
            page.line(&[
                piece(Tone::Quiet, format!("    {}  ", request.id)),
                piece(Tone::Plain, describe::summary(request, 60)),
            ]);
        }
        if requests.len() > shown {
            let more = format!(
                "    … and {} more (--all shows them)",
                requests.len() - shown
            );
            page.line(&[piece(Tone::Quiet, more)]);
        }
    }
}

fn to_json(found: &Found, written: &Written, besides: &[&Difference]) -> Value {
    let named =
        |request: &ActionRequest| json!({"session": request.principal.session, "id": request.id});
    let changes = |all: &[&Difference]| -> Vec<Value> {
        all.iter().map(|it| Change::from(*it).to_json()).collect()
    };
    let rule = |one: &Suggested| {
        json!({
            "id": one.rule().id,
            "text": one.rule().text(0),
            "calls": one.calls().len(),
            "sessions": sessions(found.evidence(one)),
            "evidence": found.evidence(one).map(named).collect::<Vec<_>>(),
            "besides": changes(&of_rule(besides, one)),
        })
    };
    let left = found.left.iter().filter_map(|(place, why)| {
        let request = &found.used.get(*place)?.request;
        Some(json!({
            "session": request.principal.session,
            "id": request.id,
            "request": describe::request(request),
            "cause": why,
        }))
    });
    json!({
        "approved": found.used.len(),
        "covered": covered(found),
        "already_allowed": found.already_allowed(),
        "rules": found.suggested.iter().map(rule).collect::<Vec<_>>(),
        "left_out": left.collect::<Vec<_>>(),
        "recorded": {"decided": found.recorded.decided, "changes": changes(besides)},
        "examples": found.examples.iter().map(describe::request).collect::<Vec<_>>(),
        "file": written.policy,
        "tests": written.tests.path,
        "written": written.is_written,
    })
}
