//! `aegis policy always`: the narrowest rule that allows what was asked.

use aegis_engine::{Settings, asked_parts, decide};
use aegis_gate::replay::{Replay, between, state_before};
use aegis_gate::{InForce, Origin, PolicyInForce};
use aegis_log::{Log as _, Query, SqliteLog};
use aegis_policy::{Facts, NarrowRule, Truth, allows_part};
use aegis_types::{ActionRequest, ChainId, Decision, Envelope, Event, EventKind, State, Verdict};
use serde_json::json;

use crate::arguments::AlwaysArguments;
use crate::command::changes::{Change, show_changes};
use crate::command::log::{about, event, unreadable};
use crate::command::narrowed::{
    Narrowed, Target, allowed_examples, homes, narrowed, refuse_examples, target, target_path,
    target_text, widening, with_target,
};
use crate::command::policy::policies;
use crate::command::verify::refuse_changed;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The greatest number of characters of a call.
const SUMMARY_CHARS: usize = 76;

/// A recorded request, and what stood in the log before it.
struct Asked {
    log: SqliteLog,
    request: ActionRequest,
    state: State,
}

/// What rules do beside allowing what they were made of.
struct Consequences {
    /// How the request is decided with them.
    decision: Decision,
    /// What is decided otherwise of all that was recorded.
    recorded: Replay,
    /// Examples of the built-in packs that they allow.
    examples: Vec<ActionRequest>,
}

/// Proposes rules, and writes them where that is asked for.
pub(crate) fn answer(here: &Here, arguments: &AlwaysArguments) -> Result<Report, Failure> {
    if arguments.target.write.is_some() {
        here.refuse_agents()?;
    }
    let gate = here.gate_in_memory()?;
    let settings = gate.engine_settings();
    let in_force = policies(&gate, &[])?;
    let asked = asked(here, &arguments.id, &in_force)?;
    let parts = parts(&asked, &in_force, &settings)?;
    let path = target_path(here, &arguments.target)?;
    let (text, is_new) = target_text(&path)?;
    let wider = widening(&arguments.widen);
    let facts = Facts::new(&asked.request);
    let mut made: Vec<Narrowed> = Vec::new();
    for part in parts {
        let allows = |it: &Narrowed| allows_part(&it.read, &facts, part) == Truth::Yes;
        if !made.iter().any(allows) {
            made.push(narrowed(&facts, part, wider).map_err(|why| no_rule(&why))?);
        }
    }
    let mut rules: Vec<NarrowRule> = made.into_iter().map(|it| it.rule).collect();
    let target = target(path, &text, is_new, &mut rules)?;
    let after = with_target(&in_force, &target);
    let found = consequences(&asked, &in_force, &after, &target, settings)?;
    let is_written = write(here, &target, &found, arguments)?;
    let mut page = Page::default();
    show(&mut page, here, &rules, &target, is_written);
    let others: Vec<Change<'_>> = newly_allowed(&found.recorded, &asked.request).collect();
    show_consequences(&mut page, &found, &others, &after, arguments);
    let text: String = rules.iter().map(|rule| rule.text(0)).collect();
    let is_allowed = found.decision.verdict == Verdict::Allow;
    let exit = match is_allowed {
        true => Exit::Done,
        false => Exit::No,
    };
    let json = json!({
        "rules": rules.iter().map(|rule| &rule.id).collect::<Vec<_>>(),
        "text": text,
        "file": target.path,
        "written": is_written,
        "allowed": is_allowed,
        "recorded": others.iter().map(Change::to_json).collect::<Vec<_>>(),
        "examples": found.examples.iter().map(describe::request).collect::<Vec<_>>(),
    });
    Ok(Report::done(page, json).with(exit))
}

/// Finds the request that an approval is about, or that has this name.
///
/// Requests of different sessions may have the same name: then it says too little.
fn asked(here: &Here, id: &str, policies: &InForce) -> Result<Asked, Failure> {
    let log = here.log()?;
    refuse_changed(&log)?;
    let is_named = |it: &Envelope, name: &str| {
        it.kind == EventKind::ActionRequested && it.subject.as_deref() == Some(name)
    };
    let mut records = about(&log, id)?;
    records.retain(|it| is_named(it, id));
    if records.is_empty()
        && let Some((request, chain)) = approval(&log, id)?
    {
        records = about(&log, &request)?;
        records.retain(|it| is_named(it, &request) && it.chain == chain);
    }
    let record = records.last().ok_or_else(|| {
        Failure::usage(format!("no request `{id}` is recorded"))
            .remedy("`aegis log list` and `aegis approvals list --all` show their names")
    })?;
    if records.iter().any(|it| it.chain != record.chain) {
        let message = format!("`{id}` is the name of requests in several sessions");
        return Err(Failure::usage(message)
            .remedy("name the approval instead; `aegis approvals list --all` shows them"));
    }
    let Event::ActionRequested(request) = event(record)? else {
        return Err(Failure::environment(format!(
            "the record of `{id}` is no request"
        )));
    };
    let state = state_before(&log, &record.chain, record.seq, &policies.attached())
        .map_err(|error| Failure::environment(causes(&error)))?;
    Ok(Asked {
        request: *request,
        state,
        log,
    })
}

/// Returns the request that the approval is about whose name is `text`, or begins
/// with it if only one does, and its chain.
fn approval(log: &SqliteLog, text: &str) -> Result<Option<(String, ChainId)>, Failure> {
    let query = Query {
        kinds: &[EventKind::ApprovalRequested],
        limit: usize::MAX,
        ..Query::default()
    };
    let asked = log.newest(&query).map_err(|error| unreadable(&error))?;
    let mut found = Vec::new();
    for record in &asked {
        if let Event::ApprovalRequested(approval) = event(record)?
            && approval.id.as_str().starts_with(text)
        {
            let is_whole = approval.id.as_str() == text;
            found.push((
                is_whole,
                (approval.request.to_string(), record.chain.clone()),
            ));
        }
    }
    if let Some(whole) = found.iter().position(|(is_whole, _)| *is_whole) {
        return Ok(Some(found.swap_remove(whole).1));
    }
    match found.len() {
        0 | 1 => Ok(found.pop().map(|(_, request)| request)),
        number => Err(Failure::usage(format!(
            "`{text}` is the beginning of {number} approvals; write more of the name"
        ))),
    }
}

/// Returns the parts of the request about which the policies in force ask.
fn parts(asked: &Asked, policies: &InForce, settings: &Settings) -> Result<Vec<usize>, Failure> {
    let attached = policies.attached();
    let Asked { request, state, .. } = asked;
    let decision = decide(request, &attached, state, settings);
    match decision.verdict {
        Verdict::Ask => Ok(asked_parts(request, &attached, state, settings)),
        Verdict::Allow => Err(no_rule("the policies in force allow it already")),
        Verdict::Deny => Err(no_rule(&format!(
            "the policies in force deny it ({})",
            describe::cause(&decision)
        ))),
    }
}

fn no_rule(why: &str) -> Failure {
    Failure {
        message: format!("no rule is proposed: {why}"),
        remedy: None,
        exit: Exit::No,
    }
}

fn consequences(
    asked: &Asked,
    before: &InForce,
    after: &InForce,
    target: &Target,
    settings: Settings,
) -> Result<Consequences, Failure> {
    let chains = asked.log.chains().map_err(|error| unreadable(&error))?;
    let chains: Vec<_> = chains.into_iter().map(|summary| summary.chain).collect();
    let (old, new) = (before.attached(), after.attached());
    let recorded = between(&asked.log, &chains, &old, &new, settings)
        .map_err(|error| Failure::environment(causes(&error)))?;
    Ok(Consequences {
        decision: decide(&asked.request, &new, &asked.state, &settings),
        examples: allowed_examples(target, &homes(std::iter::once(&asked.request))),
        recorded,
    })
}

/// Writes the policy where that is asked for; returns whether it did.
fn write(
    here: &Here,
    target: &Target,
    found: &Consequences,
    arguments: &AlwaysArguments,
) -> Result<bool, Failure> {
    if arguments.target.write.is_none() {
        return Ok(false);
    }
    refuse_examples(&found.examples, &arguments.target, "rule allows")?;
    target.write(here)?;
    Ok(true)
}

/// Returns what else the rules allow of all that was recorded.
fn newly_allowed<'a>(
    recorded: &'a Replay,
    request: &'a ActionRequest,
) -> impl Iterator<Item = Change<'a>> {
    let others = recorded.differing.iter().filter(|difference| {
        let is_same = difference.request.id == request.id
            && difference.request.principal.session == request.principal.session;
        !is_same && difference.replayed.verdict == Verdict::Allow
    });
    others.map(Change::from)
}

fn show(page: &mut Page, here: &Here, rules: &[NarrowRule], target: &Target, is_written: bool) {
    for rule in rules {
        for line in rule.text(0).lines() {
            page.plain(line);
        }
    }
    let file = here.shown(&target.path).display().to_string();
    let (tone, place) = match is_written {
        true => (Tone::Good, format!("written into {file}")),
        false => (
            Tone::Quiet,
            format!("not written; --write puts it into {file}"),
        ),
    };
    page.blank().line(&[piece(tone, place)]);
}

fn show_consequences(
    page: &mut Page,
    found: &Consequences,
    others: &[Change<'_>],
    after: &InForce,
    arguments: &AlwaysArguments,
) {
    show_still(page, &found.decision, after);
    let is_project = |it: &PolicyInForce| arguments.target.project && it.origin == Origin::Project;
    if after.policies.iter().any(is_project) {
        page.line(&[piece(
            Tone::Careful,
            "what the project's policy allows counts only after `aegis trust`",
        )]);
    }
    let number = others.len();
    let tone = match number {
        0 => Tone::Good,
        _ => Tone::Careful,
    };
    let recorded = format!("{number} of {} recorded decisions", found.recorded.decided);
    let examples = found.examples.len();
    let packs = match examples {
        0 => piece(Tone::Good, "none of what they ask about or deny"),
        _ => piece(
            Tone::Bad,
            describe::count(examples, "example", "examples") + ", so that --write needs --yes",
        ),
    };
    page.blank().plain("would allow besides").fields(&[
        ("in the log", piece(tone, recorded)),
        ("of the packs", packs),
    ]);
    for request in &found.examples {
        page.line(&[
            piece(Tone::Quiet, format!("    {}  ", request.tool)),
            piece(Tone::Plain, describe::summary(request, SUMMARY_CHARS)),
        ]);
    }
    show_changes(page, others, arguments.all);
}

/// Names what still asks or denies with the rules, because they cannot change it.
fn show_still(page: &mut Page, decision: &Decision, after: &InForce) {
    if decision.verdict == Verdict::Allow {
        return;
    }
    let is_strict = |it: &&aegis_types::Finding| it.verdict != Verdict::Allow;
    for finding in decision.findings.iter().filter(is_strict) {
        let place = finding.policy.map(usize::from);
        let policy = place.and_then(|place| after.policies.get(place));
        let policy = policy.map_or("Aegis itself", |it| it.compiled.name().as_str());
        let cause = match &finding.rule {
            Some(rule) => format!("rule {rule} of {policy}"),
            None => format!("{} of {policy}", finding.reason),
        };
        let verdict = match finding.verdict {
            Verdict::Allow => continue,
            Verdict::Ask => "still asked about",
            Verdict::Deny => "still denied",
        };
        page.line(&[
            piece(Tone::of(finding.verdict), verdict),
            piece(
                Tone::Plain,
                format!(" because of {cause}, which this rule cannot change"),
            ),
        ]);
    }
}
