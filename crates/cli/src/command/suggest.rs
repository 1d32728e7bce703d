//! `aegis policy suggest`: the narrowest rules that allow what was approved.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aegis_engine::{Settings, asked_parts, decide};
use aegis_gate::replay::{Difference, Replay, ReplayError, between, visit_records};
use aegis_gate::{InForce, Origin};
use aegis_log::SqliteLog;
use aegis_policy::{Facts, NarrowRule, Truth, Widening, allows_part};
use aegis_types::{
    ActionRequest, ChainId, CheckName, Envelope, Event, EventKind, RequestId, SessionId, State,
    Verdict,
};

use crate::arguments::{SuggestArguments, TargetArguments};
use crate::command::backtest::{chains, logs};
use crate::command::log::event;
use crate::command::narrowed::{
    Narrowed, Target, allowed_examples, dangers, homes, in_file, narrowed, put, refuse_examples,
    target, target_path, target_text, widening, with_target,
};
use crate::command::policy::policies;
use crate::command::suggested::{Tests, report, tests};
use crate::command::verify::refuse_changed;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::report::{Failure, Report, causes};

/// A recorded request about which a person was asked, and which was approved.
pub(crate) struct Used {
    pub(crate) request: ActionRequest,
    standing: Standing,
}

/// What the policies in force say of a request that was used.
enum Standing {
    /// They ask about these parts.
    Asked(Vec<usize>),
    /// They allow it already.
    Allowed,
    /// No rule may be made of it, because of this.
    Closed(String),
}

/// A rule, and what speaks for it and against it.
pub(crate) struct Suggested {
    narrowed: Narrowed,
    /// The parts of requests that were used and that it allows, by their places.
    evidence: Vec<(usize, usize)>,
}

/// What a log comes to.
pub(crate) struct Found {
    pub(crate) used: Vec<Used>,
    /// By use, the most used first.
    pub(crate) suggested: Vec<Suggested>,
    /// Requests that were used and stay as they are, and why.
    pub(crate) left: Vec<(usize, String)>,
    /// What is decided otherwise with the rules, of all that was recorded.
    pub(crate) recorded: Replay,
    /// Examples of the built-in packs that the rules allow.
    pub(crate) examples: Vec<ActionRequest>,
}

/// What was written, or would be.
pub(crate) struct Written {
    pub(crate) policy: PathBuf,
    pub(crate) tests: Tests,
    pub(crate) is_written: bool,
}

/// Suggests rules, and writes them where that is asked for.
pub(crate) fn answer(here: &Here, arguments: &SuggestArguments) -> Result<Report, Failure> {
    let wants_writing = arguments.target.write.is_some() || arguments.output.is_some();
    if wants_writing {
        here.refuse_agents()?;
    }
    let gate = here.gate_in_memory()?;
    let settings = gate.engine_settings();
    let in_force = policies(&gate, &[])?;
    let logs = logs(here, &arguments.log)?;
    let mut used = Vec::new();
    for log in &logs {
        refuse_changed(log)?;
        used.extend(used_in(
            log,
            arguments.session.as_deref(),
            &in_force,
            &settings,
        )?);
    }
    if used.is_empty() {
        return Err(nothing_used());
    }
    let (drafts, left) = drafts(&used, widening(&arguments.widen));
    let (text, is_new) = target_text(&target_path(here, &arguments.target)?)?;
    let trial = Trial {
        path: target_path(here, &arguments.target)?,
        text,
        is_new,
        in_force,
        settings,
        logs,
    };
    let (found, target) = trial.settle(used, drafts, left, &arguments.target)?;
    let policy = arguments.output.as_ref().unwrap_or(&target.path).clone();
    let tests = tests(&policy, &found, &target)?;
    let is_written = wants_writing && !found.suggested.is_empty();
    if is_written {
        write(here, &found, &target, &tests, arguments)?;
    }
    let written = Written {
        policy,
        tests,
        is_written,
    };
    Ok(report(here, &found, &written, arguments))
}

fn nothing_used() -> Failure {
    Failure {
        message: "no rule is suggested: no recorded request was asked about and then approved"
            .to_owned(),
        remedy: Some(
            "`aegis approvals list --all` shows what was asked; approve some of it, or name \
             another log with --log"
                .to_owned(),
        ),
        exit: Exit::No,
    }
}

/// Turns a failure to replay a log into one of the command.
fn damaged(error: &ReplayError) -> Failure {
    Failure::environment(causes(error)).remedy("`aegis log verify` names what is damaged")
}

/// Returns what was used in a log, in the order of its records.
fn used_in(
    log: &SqliteLog,
    session: Option<&str>,
    in_force: &InForce,
    settings: &Settings,
) -> Result<Vec<Used>, Failure> {
    let chains = chains(log, session)?;
    let mut approved = Approved::default();
    let mut failure = None;
    visit_records(log, &chains, &[], |envelope, _| {
        if failure.is_none() {
            failure = approved.add(envelope).err();
        }
    })
    .map_err(|error| damaged(&error))?;
    let attached = in_force.attached();
    let mut used = Vec::new();
    visit_records(log, &chains, &attached, |envelope, state| {
        if failure.is_some() || !approved.holds(envelope) {
            return;
        }
        match event(envelope) {
            Ok(Event::ActionRequested(request)) => used.push(Used {
                standing: standing(&request, in_force, state, settings),
                request: *request,
            }),
            Ok(
                Event::DecisionMade { .. }
                | Event::ApprovalRequested(_)
                | Event::ApprovalAnswered(_)
                | Event::ApprovalExpired { .. }
                | Event::OutcomeRecorded { .. }
                | Event::Observed { .. },
            ) => {}
            Err(error) => failure = Some(error),
        }
    })
    .map_err(|error| damaged(&error))?;
    match failure {
        Some(failure) => Err(failure.remedy("`aegis log verify` names what is damaged")),
        None => Ok(used),
    }
}

/// The requests of a log that a person approved.
#[derive(Default)]
struct Approved {
    /// The number of the newest request of each name.
    open: BTreeMap<(ChainId, String), u64>,
    granted: BTreeSet<String>,
    /// The chains and the numbers of the records.
    requests: BTreeSet<(ChainId, u64)>,
}

impl Approved {
    /// Takes the next record of a chain.
    ///
    /// An approval that nobody answered also ends in a decision, which may allow:
    /// so only a grant counts.
    fn add(&mut self, envelope: &Envelope) -> Result<(), Failure> {
        let chain = envelope.chain.clone();
        if envelope.kind == EventKind::ActionRequested {
            let name = envelope.subject.clone().unwrap_or_default();
            self.open.insert((chain, name), envelope.seq);
            return Ok(());
        }
        let is_told = matches!(
            envelope.kind,
            EventKind::DecisionMade | EventKind::ApprovalAnswered
        );
        if !is_told {
            return Ok(());
        }
        match event(envelope)? {
            Event::ApprovalAnswered(answer) if answer.is_granted => {
                self.granted.insert(answer.approval.to_string());
            }
            Event::DecisionMade {
                request,
                decision,
                approval,
                ..
            } => {
                let key = (chain.clone(), request.to_string());
                let is_granted = approval.is_some_and(|it| self.granted.contains(&it.to_string()));
                if let Some(seq) = self.open.get(&key)
                    && decision.verdict == Verdict::Allow
                    && is_granted
                {
                    self.requests.insert((chain, *seq));
                }
            }
            Event::ApprovalAnswered(_)
            | Event::ActionRequested(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalExpired { .. }
            | Event::OutcomeRecorded { .. }
            | Event::Observed { .. } => {}
        }
        Ok(())
    }

    fn holds(&self, envelope: &Envelope) -> bool {
        envelope.kind == EventKind::ActionRequested
            && self
                .requests
                .contains(&(envelope.chain.clone(), envelope.seq))
    }
}

/// Decides a request that was used by the policies in force.
fn standing(
    request: &ActionRequest,
    in_force: &InForce,
    state: &State,
    settings: &Settings,
) -> Standing {
    let attached = in_force.attached();
    let decision = decide(request, &attached, state, settings);
    let is_protected = decision
        .findings
        .iter()
        .any(|it| it.check == CheckName::SelfProtection && it.verdict != Verdict::Allow);
    let plan = request.context.plan.as_ref();
    if is_protected {
        return Standing::Closed("it touches what Aegis protects".to_owned());
    }
    match decision.verdict {
        Verdict::Deny => Standing::Closed(format!(
            "the policies in force deny it ({})",
            describe::cause(&decision)
        )),
        Verdict::Allow => Standing::Allowed,
        Verdict::Ask if plan.is_some_and(|plan| !plan.unknowns.is_empty()) => {
            Standing::Closed("it holds what only running it would show".to_owned())
        }
        Verdict::Ask => Standing::Asked(asked_parts(request, &attached, state, settings)),
    }
}

/// Makes a rule of each part that was asked about, and joins those that are
/// about the same; a request of which one part has no rule has none at all.
fn drafts(used: &[Used], wider: Widening) -> (Vec<Suggested>, Vec<(usize, String)>) {
    let dangers = dangers(&homes(used.iter().map(|it| &it.request)));
    let mut widest = Widest {
        wider,
        dangers: dangers.iter().map(Facts::new).collect(),
        known: Vec::new(),
    };
    let mut drafts: Vec<Suggested> = Vec::new();
    let mut left = Vec::new();
    for (place, one) in used.iter().enumerate() {
        let parts = match &one.standing {
            Standing::Allowed => continue,
            Standing::Closed(why) => {
                left.push((place, why.clone()));
                continue;
            }
            Standing::Asked(parts) => parts,
        };
        let facts = Facts::new(&one.request);
        let made: Result<Vec<_>, String> = parts
            .iter()
            .map(|part| Ok((*part, widest.of(&facts, *part)?)))
            .collect();
        match made {
            Ok(made) => {
                for (part, narrowed) in made {
                    add(&mut drafts, narrowed, (place, part));
                }
            }
            Err(why) => left.push((place, why)),
        }
    }
    drafts.sort_by_key(|draft| Reverse(draft.calls().len()));
    (without_covered(drafts, used), left)
}

/// Makes rules as wide as is wanted and safe.
struct Widest<'d> {
    wider: Widening,
    dangers: Vec<Facts<'d>>,
    /// The wide rules that were looked at, and whether they are safe.
    known: Vec<(NarrowRule, bool)>,
}

impl Widest<'_> {
    /// Returns the wide rule for a part, or the narrow one if the wide one cannot
    /// be made or would allow a part of what the everyday pack asks about or denies.
    fn of(&mut self, facts: &Facts<'_>, part: usize) -> Result<Narrowed, String> {
        match narrowed(facts, part, self.wider) {
            Ok(wide) if self.is_safe(&wide) => Ok(wide),
            Ok(_) | Err(_) => narrowed(facts, part, Widening::default()),
        }
    }

    fn is_safe(&mut self, wide: &Narrowed) -> bool {
        let mut known = self.known.iter();
        if let Some((_, is_safe)) = known.find(|(rule, _)| rule.means_same(&wide.rule)) {
            return *is_safe;
        }
        let allows_some = |facts: &Facts<'_>| {
            (0..facts.part_count()).any(|part| allows_part(&wide.read, facts, part) == Truth::Yes)
        };
        let is_safe = self.wider == Widening::default()
            || wide.rule.is_bounded() && !self.dangers.iter().any(allows_some);
        self.known.push((wide.rule.clone(), is_safe));
        is_safe
    }
}

fn add(drafts: &mut Vec<Suggested>, narrowed: Narrowed, evidence: (usize, usize)) {
    let mut known = drafts.iter_mut();
    match known.find(|it| it.narrowed.rule.means_same(&narrowed.rule)) {
        Some(draft) => draft.evidence.push(evidence),
        None => drafts.push(Suggested {
            narrowed,
            evidence: vec![evidence],
        }),
    }
}

/// Gives what speaks for a rule to another one that allows all of it.
fn without_covered(drafts: Vec<Suggested>, used: &[Used]) -> Vec<Suggested> {
    let facts: Vec<Facts<'_>> = used.iter().map(|it| Facts::new(&it.request)).collect();
    let covers = |one: &Suggested, other: &Suggested| {
        other.evidence.iter().all(|(place, part)| {
            let facts = facts.get(*place);
            facts.is_some_and(|it| allows_part(&one.narrowed.read, it, *part) == Truth::Yes)
        })
    };
    let mut kept: Vec<Suggested> = Vec::new();
    for draft in drafts {
        if let Some(wider) = kept.iter_mut().find(|it| covers(it, &draft)) {
            wider.evidence.extend(draft.evidence);
            continue;
        }
        let (covered, rest) = kept.into_iter().partition(|it| covers(&draft, it));
        kept = rest;
        let mut draft = draft;
        let covered: Vec<Suggested> = covered;
        draft
            .evidence
            .extend(covered.into_iter().flat_map(|it| it.evidence));
        kept.push(draft);
    }
    kept.sort_by_key(|draft| Reverse(draft.calls().len()));
    kept
}

/// What rules are tried in.
struct Trial {
    path: PathBuf,
    text: String,
    is_new: bool,
    in_force: InForce,
    settings: Settings,
    logs: Vec<SqliteLog>,
}

impl Trial {
    /// Keeps the rules with which a request that was used is allowed, and finds
    /// what they do besides.
    fn settle(
        &self,
        used: Vec<Used>,
        mut suggested: Vec<Suggested>,
        mut left: Vec<(usize, String)>,
        arguments: &TargetArguments,
    ) -> Result<(Found, Target), Failure> {
        let (mut target, mut recorded) = self.tried(&mut suggested, arguments)?;
        let allowed = allowed(&recorded);
        let is_idle = |place: usize| {
            !used
                .get(place)
                .is_some_and(|it| allowed.contains(&key(&it.request)))
        };
        let idle: BTreeSet<usize> = suggested
            .iter()
            .flat_map(Suggested::calls)
            .filter(|place| is_idle(*place))
            .collect();
        if !idle.is_empty() {
            for one in &mut suggested {
                one.evidence.retain(|(place, _)| !idle.contains(place));
            }
            suggested.retain(|one| !one.evidence.is_empty());
            suggested.sort_by_key(|one| Reverse(one.calls().len()));
            (target, recorded) = self.tried(&mut suggested, arguments)?;
        }
        let still = "something that a rule of this policy cannot change still asks";
        left.extend(idle.into_iter().map(|place| (place, still.to_owned())));
        let examples = allowed_examples(&target, &homes(used.iter().map(|it| &it.request)));
        let found = Found {
            used,
            suggested,
            left,
            recorded,
            examples,
        };
        Ok((found, target))
    }

    /// Puts rules into the policy and decides with it what was recorded.
    fn tried(
        &self,
        suggested: &mut [Suggested],
        arguments: &TargetArguments,
    ) -> Result<(Target, Replay), Failure> {
        let mut rules: Vec<NarrowRule> = suggested.iter().map(|it| it.rule().clone()).collect();
        let target = match rules.is_empty() {
            true => Target::unchanged(self.path.clone(), &self.text, self.is_new)?,
            false => target(self.path.clone(), &self.text, self.is_new, &mut rules)?,
        };
        for (one, rule) in suggested.iter_mut().zip(rules) {
            one.narrowed.rule = rule;
        }
        let mut after = with_target(&self.in_force, &target);
        for policy in &mut after.policies {
            // The rules are looked at as they hold once the project is trusted.
            policy.only_tightens &= !(arguments.project && policy.origin == Origin::Project);
        }
        let mut recorded = Replay::default();
        for log in &self.logs {
            let (before, after) = (self.in_force.attached(), after.attached());
            let replay = between(log, &chains(log, None)?, &before, &after, self.settings);
            recorded.add(replay.map_err(|error| damaged(&error))?);
        }
        Ok((target, recorded))
    }
}

/// The name of a request, for which its session counts.
type Key = (SessionId, RequestId);

fn key(request: &ActionRequest) -> Key {
    (request.principal.session.clone(), request.id.clone())
}

fn allowed(recorded: &Replay) -> BTreeSet<Key> {
    let differing = recorded.differing.iter();
    differing
        .filter(|it| it.replayed.verdict == Verdict::Allow)
        .map(|it| key(&it.request))
        .collect()
}

/// Writes the policy and its tests.
fn write(
    here: &Here,
    found: &Found,
    target: &Target,
    tests: &Tests,
    arguments: &SuggestArguments,
) -> Result<(), Failure> {
    refuse_examples(&found.examples, &arguments.target, "rules allow")?;
    match &arguments.output {
        Some(output) => write_beside(here, output, target)?,
        None => target.write(here)?,
    }
    put(here, &tests.path, &tests.text, tests.is_new)
}

fn write_beside(here: &Here, output: &Path, target: &Target) -> Result<(), Failure> {
    if output.exists() {
        let shown = output.display();
        return Err(Failure::usage(format!("`{shown}` is there already"))
            .remedy("name another file; --write=FILE adds rules to a policy that is there"));
    }
    in_file(output, &target.text)?;
    put(here, output, &target.text, true)
}

impl Suggested {
    pub(crate) const fn rule(&self) -> &NarrowRule {
        &self.narrowed.rule
    }

    /// Returns the places of the requests that speak for the rule, each once.
    pub(crate) fn calls(&self) -> BTreeSet<usize> {
        self.evidence.iter().map(|(place, _)| *place).collect()
    }
}

impl Found {
    /// Returns the requests that speak for a rule.
    pub(crate) fn evidence<'f>(
        &'f self,
        one: &Suggested,
    ) -> impl Iterator<Item = &'f ActionRequest> + use<'f> {
        let places = one.calls().into_iter();
        places.filter_map(|place| Some(&self.used.get(place)?.request))
    }

    /// Returns how many requests that were used are allowed without any rule.
    pub(crate) fn already_allowed(&self) -> usize {
        let standing = self.used.iter().map(|it| &it.standing);
        standing
            .filter(|it| matches!(it, Standing::Allowed))
            .count()
    }

    /// Returns what else the rules allow of all that was recorded.
    pub(crate) fn besides(&self) -> Vec<&Difference> {
        let used: BTreeSet<Key> = self.used.iter().map(|it| key(&it.request)).collect();
        let differing = self.recorded.differing.iter();
        let is_besides = |it: &&Difference| {
            it.replayed.verdict == Verdict::Allow && !used.contains(&key(&it.request))
        };
        differing.filter(is_besides).collect()
    }
}
