//! Rules made of recorded requests, and the policy that gets them.
//!
//! Whoever proposes a rule narrows, checks and writes it by this one way.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_engine::{Attached, PolicyDifference, Settings, decide};
use aegis_gate::{InForce, Origin, PolicyInForce, example_request, example_request_in};
use aegis_policy::{
    Compiled, Example, Facts, MemorySources, NarrowExample, NarrowRule, Rule, Source, Truth,
    Widening, allows_part, narrowest, pack, parse, policy_digest, policy_document, with_rules,
};
use aegis_types::{ActionRequest, PolicyStanding, State, Verdict};

use crate::arguments::{TargetArguments, Wider};
use crate::command::checked::{check_text, read_text};
use crate::command::diff::built_in;
use crate::command::lint::replace;
use crate::exit::Exit;
use crate::here::Here;
use crate::report::{Failure, causes};

/// The user's policy where there is none yet: what holds without it goes on to hold.
const FIRST: &str = "aegis: policy/v1\nname: own\nextends: aegis:developer\n";

/// The pack that tells what is no ordinary day.
const EVERYDAY: &str = "aegis:developer";

/// What a policy file of one rule begins with.
const ALONE: &str = "aegis: policy/v1\nname: alone\ndefault: ask\n";

/// The policy file that gets the rules.
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) is_new: bool,
    /// Its text with the rules.
    pub(crate) text: String,
    pub(crate) before: Arc<Compiled>,
    pub(crate) after: PolicyInForce,
}

/// A rule that was made of a part of a request.
#[derive(Clone)]
pub(crate) struct Narrowed {
    /// The rule as it is written.
    pub(crate) rule: NarrowRule,
    /// The rule as it is read.
    pub(crate) read: Rule,
}

/// Returns in what rules may be wider.
pub(crate) fn widening(wanted: &[Wider]) -> Widening {
    Widening {
        arguments: wanted.contains(&Wider::Arguments),
        flags: wanted.contains(&Wider::Flags),
        path: wanted.contains(&Wider::Path),
        host: wanted.contains(&Wider::Host),
    }
}

/// Returns the narrowest rule that allows a part, with those of its examples that
/// hold, or why there is none.
pub(crate) fn narrowed(
    facts: &Facts<'_>,
    part: usize,
    wider: Widening,
) -> Result<Narrowed, String> {
    let mut rule = narrowest(facts, part, wider).map_err(|error| error.to_string())?;
    let mut bare = rule.clone();
    bare.matches.clear();
    bare.misses.clear();
    let text = format!("{ALONE}rules:\n{}", bare.text(2));
    let parsed = parse(&Source::new("rule", &text), &MemorySources::default())
        .map_err(|problems| causes(&problems))?;
    let [read] = parsed.policy.rules.as_slice() else {
        return Err("its text holds more than one rule".to_owned());
    };
    match allows_part(read, facts, part) {
        Truth::Yes => {}
        Truth::No(why) => return Err(why.to_string()),
        Truth::Unknown(why) => return Err(why.to_string()),
    }
    rule.matches.retain(|it| holds(read, it) == Truth::Yes);
    rule.misses.retain(|it| holds(read, it) != Truth::Yes);
    if rule.matches.is_empty() {
        return Err(
            "it hangs on the rest of the call, so that no example of it can be given".to_owned(),
        );
    }
    let read = read.clone();
    Ok(Narrowed { rule, read })
}

/// Returns the home folders in which requests were made.
pub(crate) fn homes<'r>(requests: impl Iterator<Item = &'r ActionRequest>) -> BTreeSet<PathBuf> {
    let homes = requests.map(|it| PathBuf::from(&it.context.home));
    homes.filter(|home| home.is_absolute()).collect()
}

/// Returns the examples of the built-in packs, as users with these home folders
/// would make them.
///
/// A rule that was made of a request names folders of its user.
fn examples_in(homes: &BTreeSet<PathBuf>) -> Vec<ActionRequest> {
    let mut examples = built_in();
    examples.sort_by(|one, other| one.params.cmp(&other.params));
    examples.dedup_by(|one, other| one.params == other.params && one.tool == other.tool);
    if homes.is_empty() {
        return examples.iter().map(example_request).collect();
    }
    let mut requests = Vec::new();
    for home in homes {
        requests.extend(examples.iter().map(|it| example_request_in(it, home)));
    }
    requests
}

/// Returns what the everyday pack asks about or denies, of the examples of all packs.
pub(crate) fn dangers(homes: &BTreeSet<PathBuf>) -> Vec<ActionRequest> {
    let text = pack(EVERYDAY).unwrap_or_default();
    let Ok(parsed) = parse(&Source::new(EVERYDAY, text), &MemorySources::default()) else {
        return Vec::new();
    };
    let digest = policy_digest(&parsed.texts);
    let policy = Compiled::new(parsed.policy, digest);
    let attached = [Attached {
        policy: &policy,
        standing: PolicyStanding::Current,
        only_tightens: false,
    }];
    let is_dangerous = |request: &ActionRequest| {
        let decision = decide(request, &attached, &State::default(), &Settings::default());
        decision.verdict != Verdict::Allow
    };
    let mut examples = examples_in(homes);
    examples.retain(is_dangerous);
    examples
}

fn holds(rule: &Rule, example: &NarrowExample) -> Truth {
    let request = example_request(&Example {
        place: rule.place,
        tool: Arc::from(&*example.tool),
        params: Arc::from(example.params.to_string()),
    });
    rule.matcher.holds(&request, rule.verdict)
}

/// Returns the file of the policy that gets the rules.
pub(crate) fn target_path(here: &Here, arguments: &TargetArguments) -> Result<PathBuf, Failure> {
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
pub(crate) fn target_text(path: &Path) -> Result<(String, bool), Failure> {
    match path.exists() {
        true => Ok((read_text(path)?, false)),
        false => Ok((FIRST.to_owned(), true)),
    }
}

/// Puts the rules into a policy, under names of their own, and checks it.
pub(crate) fn target(
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
pub(crate) fn in_file(path: &Path, text: &str) -> Result<PolicyInForce, Failure> {
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
pub(crate) fn with_target(in_force: &InForce, target: &Target) -> InForce {
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

/// Returns the examples of the built-in packs that the rules allow, and that were
/// not allowed without them.
pub(crate) fn allowed_examples(target: &Target, homes: &BTreeSet<PathBuf>) -> Vec<ActionRequest> {
    let difference = PolicyDifference::of(&target.before, &target.after.compiled);
    let is_allowed = |request: &ActionRequest| {
        let decisions = difference.decisions(request, &State::default());
        decisions.is_some_and(|(_, after)| after.verdict == Verdict::Allow)
    };
    let mut examples = examples_in(homes);
    examples.retain(is_allowed);
    examples.dedup_by(|one, other| one.params == other.params && one.tool == other.tool);
    examples
}

/// Refuses to write rules that allow what a pack asks about or denies, unless
/// somebody says so.
pub(crate) fn refuse_examples(
    examples: &[ActionRequest],
    arguments: &TargetArguments,
    what: &str,
) -> Result<(), Failure> {
    if examples.is_empty() || arguments.yes {
        return Ok(());
    }
    Err(Failure {
        message: format!(
            "nothing was written: the {what} what a built-in pack asks about or denies"
        ),
        remedy: Some(
            "without --write this shows what it is; --yes writes it all the same".to_owned(),
        ),
        exit: Exit::No,
    })
}

impl Target {
    /// Returns the policy without any rule in addition.
    pub(crate) fn unchanged(path: PathBuf, text: &str, is_new: bool) -> Result<Self, Failure> {
        let after = in_file(&path, text)?;
        Ok(Self {
            before: Arc::clone(&after.compiled),
            after,
            text: text.to_owned(),
            is_new,
            path,
        })
    }

    /// Writes the policy with the rules.
    pub(crate) fn write(&self, here: &Here) -> Result<(), Failure> {
        put(here, &self.path, &self.text, self.is_new)
    }
}

/// Writes a file, and the folders above it if it is new.
pub(crate) fn put(here: &Here, path: &Path, text: &str, is_new: bool) -> Result<(), Failure> {
    let shown = here.shown(path);
    let failed = |error: std::io::Error| {
        Failure::environment(format!("cannot write `{}`: {error}", shown.display()))
            .remedy("name a file in a folder that you may write to")
    };
    if is_new {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        fs::write(path, text).map_err(failed)
    } else {
        replace(path, text).map_err(failed)
    }
}
