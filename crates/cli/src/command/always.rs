//! `aegis policy always`: the narrowest rule that allows what was asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_engine::{PolicyDifference, Settings, asked_parts, decide};
use aegis_gate::replay::{Replay, between, state_before};
use aegis_gate::{InForce, Origin, PolicyInForce, example_request};
use aegis_log::{Log as _, SqliteLog};
use aegis_policy::{
    Compiled, Example, Facts, MemorySources, NarrowExample, NarrowRule, Rule, Source, Truth,
    Widening, allows_part, narrowest, parse, policy_digest, policy_document, with_rules,
};
use aegis_types::{ActionRequest, Decision, Event, EventKind, PolicyStanding, State, Verdict};
use serde_json::json;

use crate::arguments::{AlwaysArguments, Wider};
use crate::command::changes::{Change, show_changes};
use crate::command::checked::{check_text, read_text};
use crate::command::diff::built_in;
use crate::command::lint::replace;
use crate::command::log::{about, event, unreadable};
use crate::command::policy::policies;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The user's policy where there is none yet: what holds without it goes on to hold.
const FIRST: &str = "aegis: policy/v1\nname: own\nextends: aegis:developer\n";

/// What a policy file of one rule begins with.
const ALONE: &str = "aegis: policy/v1\nname: alone\ndefault: ask\n";

/// The greatest number of characters of a call.
const SUMMARY_CHARS: usize = 76;

/// A recorded request, and what stood in the log before it.
struct Asked {
    log: SqliteLog,
    request: ActionRequest,
    state: State,
}

/// The policy file that gets the rules.
struct Target {
    path: PathBuf,
    is_new: bool,
    /// Its text with the rules.
    text: String,
    before: Arc<Compiled>,
    after: PolicyInForce,
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
    if arguments.write.is_some() {
        here.refuse_agents()?;
    }
    let gate = here.gate_in_memory()?;
    let settings = gate.engine_settings();
    let in_force = policies(&gate, &[])?;
    let asked = asked(here, &arguments.id, &in_force)?;
    let parts = parts(&asked, &in_force, &settings)?;
    let path = target_path(here, arguments)?;
    let (text, is_new) = target_text(&path)?;
    let wider = widening(&arguments.widen);
    let facts = Facts::new(&asked.request);
    let mut rules = Vec::new();
    for part in parts {
        let rule = narrowest(&facts, part, wider).map_err(|error| no_rule(&error.to_string()))?;
        let rule = with_sound_examples(rule, &facts, part)?;
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
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
fn asked(here: &Here, id: &str, policies: &InForce) -> Result<Asked, Failure> {
    let log = here.log()?;
    let records = about(&log, id)?;
    let mut requests = records.iter().rev();
    let record = requests
        .find(|envelope| envelope.kind == EventKind::ActionRequested)
        .ok_or_else(|| {
            Failure::usage(format!("no request `{id}` is recorded"))
                .remedy("`aegis log list` and `aegis approvals list --all` show their names")
        })?;
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

fn widening(wanted: &[Wider]) -> Widening {
    Widening {
        arguments: wanted.contains(&Wider::Arguments),
        flags: wanted.contains(&Wider::Flags),
        path: wanted.contains(&Wider::Path),
        host: wanted.contains(&Wider::Host),
    }
}

/// Returns the rule with those of its examples that hold, if it allows the part.
fn with_sound_examples(
    mut rule: NarrowRule,
    facts: &Facts<'_>,
    part: usize,
) -> Result<NarrowRule, Failure> {
    let mut bare = rule.clone();
    bare.matches.clear();
    bare.misses.clear();
    let text = format!("{ALONE}rules:\n{}", bare.text(2));
    let parsed = parse(&Source::new("rule", &text), &MemorySources::default())
        .map_err(|problems| no_rule(&causes(&problems)))?;
    let [read] = parsed.policy.rules.as_slice() else {
        return Err(no_rule("its text holds more than one rule"));
    };
    match allows_part(read, facts, part) {
        Truth::Yes => {}
        Truth::No(why) => return Err(no_rule(&why.to_string())),
        Truth::Unknown(why) => return Err(no_rule(&why.to_string())),
    }
    rule.matches.retain(|it| holds(read, it) == Truth::Yes);
    rule.misses.retain(|it| holds(read, it) != Truth::Yes);
    if rule.matches.is_empty() {
        return Err(no_rule(
            "it hangs on the rest of the call, so that no example of it can be given",
        ));
    }
    Ok(rule)
}

fn holds(rule: &Rule, example: &NarrowExample) -> Truth {
    let request = example_request(&Example {
        place: rule.place,
        tool: Arc::from(&*example.tool),
        params: Arc::from(example.params.to_string()),
    });
    rule.matcher.holds(&request, rule.verdict)
}

fn target_path(here: &Here, arguments: &AlwaysArguments) -> Result<PathBuf, Failure> {
    if let Some(Some(path)) = &arguments.write {
        return Ok(path.clone());
    }
    if !arguments.project {
        return Ok(here.places.user_policy.clone());
    }
    let project = here.places.project.as_ref();
    let path = project.map(|project| project.policy.clone());
    path.filter(|path| path.is_file()).ok_or_else(|| {
        Failure::usage("there is no policy of a project here").remedy("run `aegis init` first")
    })
}

/// Returns the text of a policy file, and whether there is none yet.
fn target_text(path: &Path) -> Result<(String, bool), Failure> {
    match path.exists() {
        true => Ok((read_text(path)?, false)),
        false => Ok((FIRST.to_owned(), true)),
    }
}

/// Puts the rules into a policy, under names of their own, and checks it.
fn target(
    path: PathBuf,
    text: &str,
    is_new: bool,
    rules: &mut [NarrowRule],
) -> Result<Target, Failure> {
    let before = in_file(&path, text)?;
    let mut taken: Vec<String> = before
        .compiled
        .policy()
        .rules
        .iter()
        .map(|it| it.id.to_string())
        .collect();
    for rule in rules.iter_mut() {
        let first = rule.id.clone();
        let mut number = 2;
        while taken.contains(&rule.id) {
            rule.id = format!("{first}-{number}");
            number += 1;
        }
        taken.push(rule.id.clone());
    }
    let text = with_rules(text, rules).map_err(|error| {
        Failure::usage(format!("`{}` cannot take a rule: {error}", path.display()))
            .remedy("write the rule into it by hand, or name another file with --write")
    })?;
    Ok(Target {
        after: in_file(&path, &text)?,
        before: before.compiled,
        text,
        is_new,
        path,
    })
}

/// Returns the policy that `text` in the file at `path` is.
fn in_file(path: &Path, text: &str) -> Result<PolicyInForce, Failure> {
    let checked = check_text(path, text);
    let is_sound = checked.failures.is_empty();
    let parsed = checked.parsed.filter(|_| is_sound).ok_or_else(|| {
        let shown = path.display();
        Failure::usage(format!("`{shown}` would be no sound policy"))
            .remedy(format!("`aegis policy check {shown}` shows what is wrong"))
    })?;
    let digest = policy_digest(&parsed.texts);
    Ok(PolicyInForce {
        document: Arc::from(policy_document(&parsed.texts)),
        compiled: Arc::new(Compiled::new(parsed.policy, digest)),
        standing: PolicyStanding::Current,
        only_tightens: false,
        origin: Origin::User,
        path: Some(path.to_path_buf()),
    })
}

/// Returns the policies in force with the rules in the one that gets them; the
/// first policy of a user takes the place of the built-in one.
fn with_target(in_force: &InForce, target: &Target) -> InForce {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let mut after = in_force.clone();
    let place = after.policies.iter().position(|policy| match &policy.path {
        Some(path) => real(path) == real(&target.path),
        None => target.is_new,
    });
    match place.and_then(|place| after.policies.get_mut(place)) {
        Some(policy) => {
            *policy = PolicyInForce {
                only_tightens: policy.only_tightens,
                origin: policy.origin,
                ..target.after.clone()
            };
        }
        None => after.policies.push(target.after.clone()),
    }
    after
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
    let difference = PolicyDifference::of(&target.before, &target.after.compiled);
    let is_allowed = |request: &ActionRequest| {
        let decisions = difference.decisions(request, &State::default());
        decisions.is_some_and(|(_, after)| after.verdict == Verdict::Allow)
    };
    let mut examples = built_in();
    examples.sort_by(|one, other| one.params.cmp(&other.params));
    examples.dedup_by(|one, other| one.params == other.params && one.tool == other.tool);
    let examples = examples.iter().map(example_request).filter(is_allowed);
    Ok(Consequences {
        decision: decide(&asked.request, &new, &asked.state, &settings),
        examples: examples.collect(),
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
    if arguments.write.is_none() {
        return Ok(false);
    }
    if !found.examples.is_empty() && !arguments.yes {
        return Err(Failure {
            message:
                "nothing was written: the rule allows what a built-in pack asks about or denies"
                    .to_owned(),
            remedy: Some(
                "without --write this shows what it is; --yes writes it all the same".to_owned(),
            ),
            exit: Exit::No,
        });
    }
    let shown = here.shown(&target.path);
    let failed = |error: std::io::Error| {
        Failure::environment(format!("cannot write `{}`: {error}", shown.display()))
    };
    if target.is_new {
        let folder = target.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        fs::write(&target.path, &target.text).map_err(failed)?;
    } else {
        replace(&target.path, &target.text).map_err(failed)?;
    }
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
    let is_project = |it: &PolicyInForce| arguments.project && it.origin == Origin::Project;
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
