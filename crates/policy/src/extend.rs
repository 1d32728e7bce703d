//! Joining a policy with what it extends.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aegis_canon::Digest;
use aegis_types::{Mode, PolicyName, Risk, RuleId, Verdict};

use crate::parse::{self, Parsed, nearest};
use crate::problem::{Problem, ProblemCode, Problems, Severity, quoted};
use crate::rule::{Limit, Place, Policy, Rule, SourceRef, Spelling};
use crate::source::{LoadSourceError, Source, resolve};

/// Reads what a reference means in the source with this name.
pub(crate) type Loader<'l> = dyn Fn(&str, &str) -> Result<Source, LoadSourceError> + 'l;

/// How deep policies may extend each other.
const DEPTH_MAX: usize = 8;
/// How many sources a policy may be made of.
const SOURCES_MAX: usize = 32;

/// What one source says.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The spelling.
    pub spelling: Spelling,
    /// The name.
    pub name: PolicyName,
    /// What the policy is for.
    pub description: Option<std::sync::Arc<str>>,
    /// What it extends.
    pub extends: Vec<Reference>,
    /// What holds when no rule does.
    pub default: Option<Verdict>,
    /// The risk of what no rule is about.
    pub default_risk: Option<Risk>,
    /// Whether it says so, soundly or not.
    pub has_default: bool,
    /// Whether that is an opinion.
    pub closed: Option<bool>,
    /// Whether it only watches.
    pub mode: Mode,
    /// Its own rules, in order.
    pub rules: Vec<Rule>,
    /// Its own limits.
    pub limits: Vec<Limit>,
    /// Where it says what it is.
    pub head: Head,
}

/// A part of a source.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Where it begins.
    pub place: Place,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What a source extends, and where it says so.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub head: Head,
}

#[derive(Default)]
struct Join {
    sources: Vec<Source>,
    readings: Vec<Option<Reading>>,
    problems: Vec<Problem>,
    by_name: BTreeMap<String, usize>,
    /// The sources that are being read, outermost first.
    open: Vec<usize>,
    /// The sources that were read, each after those that it extends.
    done: Vec<usize>,
    gave_up: bool,
}

/// Reads `source` and all that it extends, and joins them into one policy.
pub(crate) fn join(source: &Source, loader: &Loader<'_>) -> Result<Parsed, Problems> {
    let mut join = Join::default();
    join.read(source.clone(), loader);
    join.check_default();
    join.problems.sort_by_key(|it| {
        (
            it.place.source,
            it.span.start,
            std::cmp::Reverse(it.severity),
        )
    });
    let has_error = join
        .problems
        .iter()
        .any(|it| it.severity == Severity::Error);
    match join.policy() {
        Some(policy) if !has_error => Ok(Parsed {
            policy,
            warnings: join.problems,
            texts: join.sources,
        }),
        Some(_) | None => Err(Problems(join.problems, join.sources)),
    }
}

impl Join {
    /// Reads a source and, before it counts as done, what it extends.
    ///
    /// The depth is bounded, so the recursion is.
    fn read(&mut self, source: Source, loader: &Loader<'_>) -> usize {
        let number = self.sources.len();
        let (reading, problems) =
            parse::read_source(u16::try_from(number).unwrap_or(u16::MAX), &source);
        let references = reading
            .as_ref()
            .map_or_else(Vec::new, |it| it.extends.clone());
        self.by_name.insert(source.name.to_string(), number);
        self.sources.push(source);
        self.problems.extend(problems);
        self.readings.push(reading);
        self.open.push(number);
        // The last one first, so that reversing the finished ones gives the
        // order in which they are written.
        for reference in references.iter().rev() {
            self.follow(number, reference, loader);
        }
        self.open.pop();
        self.done.push(number);
        number
    }

    fn follow(&mut self, from: usize, reference: &Reference, loader: &Loader<'_>) {
        let Some(source) = self.sources.get(from) else {
            return;
        };
        let from_name = source.name.to_string();
        let name = match self.name_of(&from_name, &reference.text) {
            Ok(name) => name,
            Err(error) => return self.refuse(reference, &error),
        };
        if let Some(number) = self.by_name.get(&name).copied() {
            if self.open.contains(&number) {
                self.refuse_cycle(reference, number);
            }
            return;
        }
        if self.open.len() >= DEPTH_MAX || self.sources.len() >= SOURCES_MAX {
            return self.refuse_size(reference);
        }
        match loader(&from_name, &reference.text) {
            Ok(source) => {
                let text = source.text;
                self.read(
                    Source {
                        name: name.into(),
                        text,
                    },
                    loader,
                );
            }
            Err(error) => self.refuse(reference, &error),
        }
    }

    /// Returns the name by which a source is known.
    fn name_of(&self, from: &str, reference: &str) -> Result<String, LoadSourceError> {
        if reference.starts_with("aegis:") {
            return Ok(reference.to_owned());
        }
        let name = resolve(from, reference)?;
        // Nothing outside of the first source's folder is ever read.
        let root = self.sources.first().map_or("", |it| &it.name);
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_inside = folder.is_empty()
            || name
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'));
        match is_inside {
            true => Ok(name),
            false => Err(LoadSourceError::Outside {
                name: reference.to_owned(),
            }),
        }
    }

    fn error(&mut self, code: ProblemCode, head: &Head, message: String) -> Option<&mut Problem> {
        self.problems.push(Problem {
            severity: Severity::Error,
            code,
            place: head.place,
            span: head.span.clone(),
            message,
            help: None,
            suggestion: None,
            related: None,
        });
        self.problems.last_mut()
    }

    fn refuse(&mut self, reference: &Reference, error: &LoadSourceError) {
        let text = quoted(&reference.text);
        if reference.text.starts_with("aegis:") {
            let near = nearest(&reference.text, crate::pack::pack_names());
            let message = format!("there is no built-in pack {text}");
            let known = parse::listed(&crate::pack::pack_names().collect::<Vec<_>>());
            if let Some(problem) = self.error(ProblemCode::Unreadable, &reference.head, message) {
                problem.help(format!("the built-in packs are {known}"));
                problem.suggest_nearest(near);
            }
            return;
        }
        let (code, message, help) = match error {
            LoadSourceError::Missing { .. } => (
                ProblemCode::Unreadable,
                format!("there is no file {text}"),
                "the path is relative to the folder of this file",
            ),
            LoadSourceError::Outside { .. } => (
                ProblemCode::Outside,
                format!("{text} leads out of the policy's folder"),
                "only files in the folder of the policy, or below it, can be extended",
            ),
            LoadSourceError::NotText { .. } => (
                ProblemCode::Unreadable,
                format!("{text} is not text in UTF-8"),
                "save it as UTF-8",
            ),
            LoadSourceError::Unreadable { cause, .. } => (
                ProblemCode::Unreadable,
                format!("{text} cannot be read: {}", quoted(cause)),
                "check that the file may be read",
            ),
        };
        if let Some(problem) = self.error(code, &reference.head, message) {
            problem.help(help);
        }
    }

    fn refuse_cycle(&mut self, reference: &Reference, number: usize) {
        let from = self.open.iter().position(|it| *it == number).unwrap_or(0);
        let names = self.open.iter().skip(from).chain([&number]);
        let names: Vec<String> = names
            .filter_map(|it| self.sources.get(*it))
            .map(|source| quoted(&source.name))
            .collect();
        let message = format!("a policy cannot extend itself: {}", names.join(" → "));
        if let Some(problem) = self.error(ProblemCode::Cycle, &reference.head, message) {
            problem.help("take one of these out of `extends:`");
        }
    }

    fn refuse_size(&mut self, reference: &Reference) {
        if std::mem::replace(&mut self.gave_up, true) {
            return;
        }
        let message = format!(
            "policies may extend each other {DEPTH_MAX} deep, and be made of {SOURCES_MAX} files"
        );
        self.error(ProblemCode::TooManySources, &reference.head, message);
    }

    fn check_default(&mut self) {
        let readings = || self.readings.iter().flatten();
        let is_whole = self.readings.iter().all(Option::is_some)
            && self
                .problems
                .iter()
                .all(|it| !matches!(it.code, ProblemCode::Unreadable | ProblemCode::Outside));
        if !is_whole || readings().any(|it| it.has_default) {
            return;
        }
        let Some(head) = readings().next().map(|it| it.head.clone()) else {
            return;
        };
        let message = "the policy has no `default`".to_owned();
        if let Some(problem) = self.error(ProblemCode::NoDefault, &head, message) {
            problem.help("say what holds when no rule does: `default: ask`, `deny` or `allow`");
        }
    }

    /// Joins what was read; each source before those that it extends.
    fn policy(&mut self) -> Option<Policy> {
        let mut readings: Vec<Reading> = Vec::new();
        for number in self.done.iter().rev() {
            readings.push(self.readings.get_mut(*number)?.take()?);
        }
        let by_default = readings.iter().position(|it| it.has_default)?;
        let given = readings.get(by_default)?;
        let own = readings.first()?;
        let mut policy = Policy {
            name: own.name.clone(),
            description: own.description.clone(),
            spelling: own.spelling(),
            default: given.default,
            default_risk: given.default_risk,
            closed: own.closed.or(given.closed).unwrap_or(false),
            mode: own.mode,
            rules: Vec::new(),
            limits: Vec::new(),
            sources: self.sources.iter().map(source_ref).collect(),
        };
        let mut names = Names::default();
        for reading in readings {
            for mut rule in reading.rules {
                rule.id = names.distinct(rule.id, &reading.name);
                policy.rules.push(rule);
            }
            for mut limit in reading.limits {
                limit.id = names.distinct(limit.id, &reading.name);
                policy.limits.push(limit);
            }
        }
        Some(policy)
    }
}

fn source_ref(source: &Source) -> SourceRef {
    SourceRef {
        name: source.name.clone(),
        digest: Digest::of(source.text.as_bytes()),
    }
}

/// The names of rules that are taken.
#[derive(Default)]
struct Names(BTreeSet<RuleId>);

impl Names {
    /// Returns `id`, preceded by the name of its policy if it is taken.
    ///
    /// So a rule added to a pack never breaks a policy that extends it.
    fn distinct(&mut self, id: RuleId, policy: &PolicyName) -> RuleId {
        let mut name = id.clone();
        let mut count = 1;
        while !self.0.insert(name.clone()) {
            let number = if count > 1 {
                format!("#{count}")
            } else {
                String::new()
            };
            let qualified = format!("{policy}/{id}{number}");
            // Names and ids are short enough for both.
            name = qualified.parse().unwrap_or(name);
            count += 1;
            if count > SOURCES_MAX + 1 {
                break;
            }
        }
        name
    }
}
