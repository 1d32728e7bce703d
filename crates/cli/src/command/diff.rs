//! `aegis policy diff`: what another policy decides differently, by meaning.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aegis_engine::{PolicyDifference, TermsChange, terms_change};
use aegis_gate::replay::{Replay, between};
use aegis_gate::{InForce, probe_request};
use aegis_log::Log as _;
use aegis_policy::{
    Beside, Circumstances, Compiled, Example, MemorySources, Probe, Rule, Source, pack, pack_names,
    parse, witnesses,
};
use aegis_types::{ActionRequest, Decision, Verdict};
use serde_json::{Value, json};

use crate::arguments::DiffArguments;
use crate::command::changes::{Change, show_changes};
use crate::command::log::unreadable;
use crate::command::policy::policies;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The greatest number of characters of parameters that are told beside a request.
const PARAMS_CHARS: usize = 60;

/// A call that is decided differently.
struct Witness {
    request: ActionRequest,
    circumstances: Circumstances,
    before: Decision,
    after: Decision,
}

/// What comparing two policies over made-up calls showed.
struct Found<'p> {
    difference: PolicyDifference<'p>,
    /// How many calls were decided.
    probed: usize,
    witnesses: Vec<Witness>,
    /// Rules of one policy for which no call shows that they change anything.
    silent: Vec<&'p Rule>,
}

/// Compares two policies.
pub(crate) fn answer(here: &Here, arguments: &DiffArguments) -> Result<Report, Failure> {
    let gate = here.gate_in_memory()?;
    let named = |name: &String| policies(&gate, &[PathBuf::from(name)]);
    let (before, after) = (named(&arguments.before)?, named(&arguments.after)?);
    let found = compare(policy(&before)?, policy(&after)?);
    let mut recorded = Replay::default();
    for path in &arguments.log {
        let log = Here::log_at(path)?;
        let chains = log.chains().map_err(|error| unreadable(&error))?;
        let chains: Vec<_> = chains.into_iter().map(|summary| summary.chain).collect();
        let settings = gate.engine_settings();
        let replay = between(
            &log,
            &chains,
            &before.attached(),
            &after.attached(),
            settings,
        );
        recorded.add(replay.map_err(|error| Failure::environment(causes(&error)))?);
    }
    let in_logs: Vec<Change<'_>> = recorded.differing.iter().map(Change::from).collect();
    let probed: Vec<Change<'_>> = found.witnesses.iter().map(Change::from).collect();
    let mut page = Page::default();
    show(&mut page, &found, arguments);
    show_changes(&mut page, &probed, arguments.all);
    if !arguments.log.is_empty() {
        show_recorded(&mut page, &recorded);
        show_changes(&mut page, &in_logs, arguments.all);
    }
    show_silent(&mut page, &found);
    show_terms(&mut page, &found.difference);
    let exit = match found.difference.is_empty() {
        true => Exit::Done,
        false => Exit::No,
    };
    let json = to_json(&found, &probed, &recorded, &in_logs);
    Ok(Report::done(page, json).with(exit))
}

fn policy(policies: &InForce) -> Result<&Compiled, Failure> {
    let first = policies.policies.first();
    let policy = first.map(|it| &*it.compiled);
    policy.ok_or_else(|| Failure::usage("there is no policy to compare"))
}

/// Compares two policies over the examples of both, those of the built-in packs,
/// and calls made from the rules that only one of them has.
fn compare<'p>(before: &'p Compiled, after: &'p Compiled) -> Found<'p> {
    let difference = PolicyDifference::of(before, after);
    let rules = || {
        [before, after]
            .into_iter()
            .flat_map(|it| &it.policy().rules)
    };
    let usual = |call: Example| Probe {
        call,
        circumstances: Circumstances::default(),
    };
    let known = rules().flat_map(|rule| examples(std::slice::from_ref(rule)));
    let mut probes: Vec<Probe> = known.chain(built_in()).map(usual).collect();
    let differing: Vec<&Rule> = [&*difference.removed, &*difference.added].concat();
    let beside = Beside::new(rules());
    probes.extend(differing.iter().flat_map(|rule| witnesses(rule, &beside)));
    let mut seen = BTreeSet::new();
    probes.retain(|it| {
        let call = &it.call;
        seen.insert((
            call.tool.clone(),
            call.params.clone(),
            told(&it.circumstances),
        ))
    });
    let mut witnesses = Vec::new();
    for probe in &probes {
        let (request, state) = probe_request(probe);
        if let Some((before, after)) = difference.decisions(&request, &state) {
            witnesses.push(Witness {
                request,
                circumstances: probe.circumstances.clone(),
                before,
                after,
            });
        }
    }
    let silent = differing
        .into_iter()
        .filter(|rule| !witnesses.iter().any(|it| it.names(rule)))
        .collect();
    Found {
        difference,
        probed: probes.len(),
        witnesses,
        silent,
    }
}

impl Witness {
    /// Returns the circumstances in words, and the parameters where the request
    /// in one line does not show them all.
    fn told(&self) -> String {
        let shown = describe::request(&self.request);
        let params = &self.request.params;
        let is_told = |value: &Value| match value {
            Value::String(text) => shown.contains(text.as_str()),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
            Value::Array(_) | Value::Object(_) => false,
        };
        let is_whole = self.request.resource.is_none()
            || params
                .as_object()
                .is_some_and(|members| !members.is_empty() && members.values().all(is_told));
        let circumstances = told(&self.circumstances);
        let parts = [
            (!is_whole).then(|| describe::cut(&params.to_string(), PARAMS_CHARS)),
            Some(circumstances).filter(|it| !it.is_empty()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Returns whether a rule is among what was found by one of the two policies.
    fn names(&self, rule: &Rule) -> bool {
        let mut findings = self.before.findings.iter().chain(&self.after.findings);
        findings.any(|finding| finding.rule.as_ref() == Some(&rule.id))
    }
}

impl<'a> From<&'a Witness> for Change<'a> {
    fn from(witness: &'a Witness) -> Self {
        Self {
            request: &witness.request,
            before: &witness.before,
            after: &witness.after,
            circumstances: witness.told(),
        }
    }
}

/// Returns circumstances in words; none for the usual ones.
fn told(circumstances: &Circumstances) -> String {
    let Circumstances {
        agent,
        skill,
        environment,
        tier,
        taint,
        at,
        earlier_calls,
        workspace: _,
        subagent: _,
        user: _,
        mode: _,
    } = circumstances;
    let origins = taint.iter().map(|it| format!("data from {it}"));
    let parts = [
        agent.as_ref().map(|it| format!("agent {it}")),
        skill.as_ref().map(|it| format!("skill {it}")),
        environment.as_ref().map(|it| format!("in {it}")),
        tier.map(|it| format!("tier {}", it.as_str())),
        at.map(|it| format!("at {}", describe::time(it))),
        earlier_calls.map(|it| format!("after {}", describe::count(it, "call", "calls"))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().chain(origins).collect();
    parts.join(", ")
}

fn examples(rules: &[Rule]) -> impl Iterator<Item = Example> + '_ {
    let of = |rule: &Rule| [&*rule.examples.matches, &*rule.examples.misses].concat();
    rules.iter().flat_map(of)
}

/// Returns the examples of every built-in pack.
pub(crate) fn built_in() -> Vec<Example> {
    let mut found = Vec::new();
    for name in pack_names() {
        let text = pack(name).unwrap_or_default();
        let parsed = parse(&Source::new(name, text), &MemorySources::default());
        found.extend(parsed.iter().flat_map(|it| examples(&it.policy.rules)));
    }
    found
}

fn show(page: &mut Page, found: &Found<'_>, arguments: &DiffArguments) {
    let difference = &found.difference;
    let plain = |text: String| piece(Tone::Plain, text);
    let rules = format!(
        "{} removed, {} added, {} in both",
        difference.removed.len(),
        difference.added.len(),
        difference.kept
    );
    let mut fields = vec![
        ("from", plain(arguments.before.clone())),
        ("to", plain(arguments.after.clone())),
        ("rules", plain(rules)),
    ];
    if !difference.terms.is_empty() {
        let terms = describe::count(
            difference.terms.len() as u64,
            "rule differs",
            "rules differ",
        );
        fields.push(("terms", piece(Tone::Careful, terms)));
    }
    if !difference.limits.is_empty() {
        let limits = describe::count(difference.limits.len() as u64, "differs", "differ");
        fields.push(("limits", plain(limits)));
    }
    if difference.has_other_default {
        let shown = |verdict: Option<Verdict>| verdict.map_or("none", Verdict::as_str);
        let [before, after] = difference.defaults().map(shown);
        fields.push(("default", plain(format!("{before} → {after}"))));
    }
    let shown = format!("{} of {} calls", found.witnesses.len(), found.probed);
    let tone = match found.witnesses.is_empty() {
        true => Tone::Good,
        false => Tone::Careful,
    };
    fields.push(("changed", piece(tone, shown)));
    fields.push(("the same", plain(unchanged(difference).to_owned())));
    page.fields(&fields);
}

/// Returns which calls are surely decided alike.
const fn unchanged(difference: &PolicyDifference<'_>) -> &'static str {
    if difference.is_empty() {
        "every call: the rules mean the same, in the same order"
    } else if difference.differs_in_terms_only() {
        "every verdict: the rules mean the same, and some hold on other terms"
    } else if difference.is_general {
        "no call for sure: they differ in what concerns all of them"
    } else if difference.has_other_default {
        "every call that rules of both decide, and of which no other rule speaks"
    } else {
        "every call of which no removed or added rule or limit speaks"
    }
}

fn show_recorded(page: &mut Page, recorded: &Replay) {
    let shown = format!(
        "{} of {} recorded requests",
        recorded.differing.len(),
        recorded.decided
    );
    page.blank()
        .fields(&[("changed", piece(Tone::Plain, shown))]);
}

/// Shows the rules that change no call that was tried, and in which policy each stands.
fn show_silent(page: &mut Page, found: &Found<'_>) {
    if found.silent.is_empty() {
        return;
    }
    page.blank()
        .plain("no call was found that these rules change");
    let is_old = |rule: &Rule| {
        let mut removed = found.difference.removed.iter();
        removed.any(|it| std::ptr::eq(*it, rule))
    };
    let rows: Vec<Vec<Piece>> = found
        .silent
        .iter()
        .map(|rule| {
            let side = if is_old(rule) { "removed" } else { "added" };
            vec![
                piece(Tone::Quiet, side),
                piece(Tone::of(rule.verdict), rule.verdict.as_str()),
                piece(Tone::Plain, rule.id.as_str()),
            ]
        })
        .collect();
    page.table(&["is", "says", "rule"], &rows);
}

/// Shows the rules of both policies whose verdicts stand on other terms.
fn show_terms(page: &mut Page, difference: &PolicyDifference<'_>) {
    if difference.terms.is_empty() {
        return;
    }
    page.blank()
        .plain("the verdicts of these rules stand on other terms: approval, obligations or risk");
    let rows: Vec<Vec<Piece>> = changed_terms(difference)
        .map(|(rule, change)| {
            let tone = match change {
                TermsChange::Tightened => Tone::Good,
                TermsChange::Loosened | TermsChange::Changed => Tone::Careful,
            };
            vec![
                piece(tone, change.as_str()),
                piece(Tone::of(rule.verdict), rule.verdict.as_str()),
                piece(Tone::Plain, rule.id.as_str()),
            ]
        })
        .collect();
    page.table(&["terms", "says", "rule"], &rows);
}

fn changed_terms<'d>(
    difference: &'d PolicyDifference<'_>,
) -> impl Iterator<Item = (&'d Rule, TermsChange)> {
    let pairs = difference.terms.iter();
    pairs.filter_map(|[before, after]| Some((*after, terms_change(before, after)?)))
}

fn to_json(
    found: &Found<'_>,
    probed: &[Change<'_>],
    recorded: &Replay,
    in_logs: &[Change<'_>],
) -> Value {
    let difference = &found.difference;
    let ids = |rules: &[&Rule]| rules.iter().map(|rule| json!(rule.id)).collect::<Vec<_>>();
    let changes = |changes: &[Change<'_>]| changes.iter().map(Change::to_json).collect::<Vec<_>>();
    json!({
        "removed": ids(&difference.removed),
        "added": ids(&difference.added),
        "kept": difference.kept,
        "terms": changed_terms(difference)
            .map(|(rule, change)| json!({"rule": rule.id, "change": change.as_str()}))
            .collect::<Vec<_>>(),
        "limits": difference.limits.iter().map(|limit| &limit.id).collect::<Vec<_>>(),
        "default": difference.defaults(),
        "unchanged": unchanged(difference),
        "probed": found.probed,
        "changes": changes(probed),
        "without_witness": ids(&found.silent),
        "recorded": {"decided": recorded.decided, "changes": changes(in_logs)},
    })
}
