//! Reading policy text.

mod fnmatch;
mod lines;
mod node;
mod patterns;
mod scalar;
mod suggest;
mod syntax;
mod walker;

pub(crate) use node::{Entry, Meaning, Node, NodeValue, meaning, read as read_tree};
pub use suggest::nearest;
pub(crate) use walker::{Map, Walker, listed};

use aegis_types::PolicyName;

use crate::action_rules;
use crate::cases;
use crate::extend::{self, Loader, Reading};
use crate::firewall;
use crate::native;
use crate::pack::pack;
use crate::permissions;
use crate::principals_file;
use crate::problem::{Problem, ProblemCode, Problems, quoted};
use crate::rule::{Policy, Spelling};
use crate::service_file;
use crate::source::{Source, Sources};

/// The greatest length of a source in bytes.
pub(crate) const SOURCE_BYTES_MAX: usize = 1 << 20;

/// A checked policy with the texts it was made of.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The policy.
    pub policy: Policy,
    /// What is probably not meant, although it is sound.
    pub warnings: Vec<Problem>,
    /// The texts, in the order of the policy's sources.
    pub texts: Vec<Source>,
}

/// Parses a policy and all that it extends.
///
/// Packs are known by name; everything else that is extended is asked of
/// `sources`.
///
/// # Errors
///
/// All [`Problems`] of all sources, in the order of sources and lines.
pub fn parse(source: &Source, sources: &dyn Sources) -> Result<Parsed, Problems> {
    let loader = |from: &str, reference: &str| match pack(reference) {
        Some(text) => Ok(Source::new(reference, text)),
        None => sources.load(from, reference),
    };
    parse_with(source, &loader)
}

/// Parses a policy, reading what it extends with `loader` only.
pub(crate) fn parse_with(source: &Source, loader: &Loader<'_>) -> Result<Parsed, Problems> {
    extend::join(source, loader)
}

/// What kind of file a text is, told by its first keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A policy in the native spelling.
    NativePolicy,
    /// A policy in the spelling of the tool firewall.
    FirewallPolicy,
    /// Tests of a policy.
    PolicyTests,
    /// A list of action rules.
    ActionRules,
    /// A capability manifest.
    Manifest,
    /// A scenario.
    Scenario,
    /// Settings of an agent's host with its permission rules.
    Permissions,
    /// Settings of an agent's host without any.
    HostSettings,
    /// Settings of a service.
    ServiceSettings,
    /// Whom the certificates of clients name.
    Principals,
}

impl Kind {
    /// Returns what it is, for people.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::NativePolicy => "a policy",
            Self::FirewallPolicy => "a tool firewall policy",
            Self::PolicyTests => "a file of policy tests",
            Self::ActionRules => "an action rules file",
            Self::Manifest => "a capability manifest",
            Self::Scenario => "a scenario",
            Self::Permissions => "permission rules of an agent's host",
            Self::HostSettings => "a settings file of an agent's host",
            Self::ServiceSettings => "a file of service settings",
            Self::Principals => "a file of principals",
        }
    }
}

/// Returns the kind of file that `text` is, if it can be told.
#[must_use]
pub fn detect(text: &str) -> Option<Kind> {
    let mut walker = Walker::new(0, text);
    if text.len() > SOURCE_BYTES_MAX {
        return None;
    }
    kind_of(&node::read(&mut walker)?)
}

fn kind_of(root: &Node<'_>) -> Option<Kind> {
    let NodeValue::Map(entries) = &root.value else {
        return None;
    };
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    let format = entries.iter().find(|entry| entry.key == "aegis");
    if let Some(format) = format {
        let begins = |with: &str| {
            matches!(&format.value.value,
                NodeValue::Scalar { text, .. } if text.starts_with(with))
        };
        Some(if begins(cases::FORMAT) {
            Kind::PolicyTests
        } else if begins(principals_file::FORMAT) {
            Kind::Principals
        } else {
            Kind::NativePolicy
        })
    } else if has("policies") {
        Some(Kind::FirewallPolicy)
    } else if has("schema") {
        Some(Kind::Manifest)
    } else if has("scenario") || has("scenarios") {
        Some(Kind::Scenario)
    } else if has("rules") && (has("version") || has("defaults")) {
        Some(Kind::ActionRules)
    } else if has(permissions::KEY) {
        Some(Kind::Permissions)
    } else if has("hooks") {
        Some(Kind::HostSettings)
    } else if service_file::KEYS.into_iter().any(has) {
        Some(Kind::ServiceSettings)
    } else {
        None
    }
}

/// Reads one source; nothing when its problems leave nothing to go on with.
pub(crate) fn read_source(number: u16, source: &Source) -> (Option<Reading>, Vec<Problem>) {
    let mut walker = Walker::new(number, &source.text);
    let reading = read_text(&mut walker, source);
    (reading, walker.into_problems())
}

fn read_text(walker: &mut Walker<'_>, source: &Source) -> Option<Reading> {
    if source.text.len() > SOURCE_BYTES_MAX {
        let message = format!("the file is larger than {} MiB", SOURCE_BYTES_MAX >> 20);
        walker
            .error(ProblemCode::TooLarge, &(0..0), message)
            .help("split it, and join the parts with `extends:`");
        return None;
    }
    let root = node::read(walker)?;
    match kind_of(&root) {
        Some(Kind::NativePolicy) => native::policy(walker, &root),
        Some(Kind::FirewallPolicy) => firewall::policy(walker, &root, &source.name),
        Some(Kind::ActionRules) => action_rules::policy(walker, &root, &source.name),
        Some(Kind::Permissions) => permissions::policy(walker, &root, &source.name),
        Some(
            Kind::PolicyTests
            | Kind::Manifest
            | Kind::Scenario
            | Kind::HostSettings
            | Kind::ServiceSettings
            | Kind::Principals,
        )
        | None => {
            refuse_kind(walker, &root);
            None
        }
    }
}

/// Reads the permission rules in a host's settings, without those that mean
/// nothing; another kind of file is refused.
pub(crate) fn permissions_in(source: &Source) -> (Option<Reading>, Vec<Problem>) {
    let (reading, mut problems) = read_source(0, source);
    let is_meant = |it: &Reading| it.spelling == Spelling::Permissions;
    let is_other = reading.as_ref().is_some_and(|it| !is_meant(it));
    if is_other {
        let mut walker = Walker::new(0, &source.text);
        let message = "there are no permission rules of a host in this file";
        walker
            .error(ProblemCode::WrongKind, &(0..0), message)
            .help("they stand under `permissions` in its settings file");
        problems = walker.into_problems();
    }
    (reading.filter(is_meant), problems)
}

/// Returns the name of a policy that gives itself none: that of its file.
pub(crate) fn name_of_file(source: &str) -> PolicyName {
    let file = source.rsplit('/').next().unwrap_or(source);
    let stem = file.split('.').next().unwrap_or(file);
    stem.parse().unwrap_or_else(|_| native::fallback_name())
}

fn refuse_kind(walker: &mut Walker<'_>, root: &Node<'_>) {
    const FIRST: &str = "a policy begins with `aegis: policy/v1`";
    const FORMATS: [&str; 3] = ["aegis", "policies", "rules"];
    let NodeValue::Map(entries) = &root.value else {
        let code = match root.noun() {
            "nothing" => ProblemCode::Empty,
            _ => ProblemCode::WrongKind,
        };
        let message = match root.noun() {
            "nothing" => "the file is empty".to_owned(),
            noun => format!("this is no policy, it is {noun}"),
        };
        walker.error(code, &root.span, message).help(FIRST);
        return;
    };
    let Some(first) = entries.first() else {
        let message = "this is no policy, it is empty";
        walker
            .error(ProblemCode::Empty, &root.span, message)
            .help(FIRST);
        return;
    };
    let near = |entry: &Entry<'_>| nearest(&entry.key, FORMATS);
    let names = || entries.iter().find(|it| near(it).is_some());
    if let Some(kind) = kind_of(root) {
        let message = format!("this is no policy, it looks like {}", kind.noun());
        let problem = walker.error(ProblemCode::WrongKind, &first.key_span, message);
        problem.help(FIRST);
    } else if let Some(entry) = entries.iter().find(|it| it.key == "rules") {
        let message = "this is no policy: no key tells the format of its rules";
        walker
            .error(ProblemCode::WrongKind, &entry.key_span, message)
            .help(format!("{FIRST}, and action rules with `version: \"1\"`"));
    } else if let Some(entry) = names() {
        let message = format!(
            "unknown key {} where a policy names its format",
            quoted(&entry.key)
        );
        walker
            .error(ProblemCode::UnknownKey, &entry.key_span, message)
            .suggest_nearest(near(entry));
    } else {
        let message = "this is no policy: no key tells its format";
        walker
            .error(ProblemCode::WrongKind, &first.key_span, message)
            .help(FIRST);
    }
}

impl Reading {
    /// Returns the spelling of the text that was read.
    pub(crate) fn spelling(&self) -> Spelling {
        self.spelling
    }
}
