//! Three-valued truth, with the cause of every answer but yes.

use std::fmt;
use std::sync::Arc;

use aegis_types::{DurationMs, EffectKind, Risk, Tier, Verdict};

/// Whether something holds, as far as the recorded facts show.
///
/// The three values combine by Kleene's logic: a part that does not hold settles
/// a conjunction, a part that holds settles a disjunction, whatever is unknown
/// beside it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No(WhyNot),
    /// The facts do not say.
    Unknown(WhyUnknown),
}

impl Truth {
    /// Returns whether a rule with `verdict` counts as holding.
    ///
    /// What is unknown satisfies a rule that asks or denies, and none that
    /// allows; the other way round where the rule says so itself (`is_turned`).
    #[must_use]
    pub const fn satisfies(&self, verdict: Verdict, is_turned: bool) -> bool {
        match (self, verdict) {
            (Self::Yes, _) => true,
            (Self::No(_), _) => false,
            (Self::Unknown(_), Verdict::Ask | Verdict::Deny) => !is_turned,
            (Self::Unknown(_), Verdict::Allow) => is_turned,
        }
    }

    /// Returns whether it is not known to be false.
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        !matches!(self, Self::No(_))
    }

    /// Returns whether the facts do not say.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Returns whether both hold; `other` is asked only if it matters.
    #[must_use]
    pub fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => other(),
            Self::No(why) => Self::No(why),
            Self::Unknown(why) => match other() {
                Self::No(why_not) => Self::No(why_not),
                Self::Yes | Self::Unknown(_) => Self::Unknown(why),
            },
        }
    }

    /// Returns whether one of both holds; `other` is asked only if it matters.
    pub(crate) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => Self::Yes,
            Self::No(why) => match other() {
                Self::No(_) => Self::No(why),
                decided @ (Self::Yes | Self::Unknown(_)) => decided,
            },
            Self::Unknown(why) => match other() {
                Self::Yes => Self::Yes,
                Self::No(_) | Self::Unknown(_) => Self::Unknown(why),
            },
        }
    }

    /// Returns the opposite; `why` is the cause when this holds.
    pub(crate) fn negated(self, why: WhyNot) -> Self {
        match self {
            Self::Yes => Self::No(why),
            Self::No(_) => Self::Yes,
            Self::Unknown(why) => Self::Unknown(why),
        }
    }

    /// Returns yes, or no because of `why`.
    pub(crate) fn of(holds: bool, why: impl FnOnce() -> WhyNot) -> Self {
        if holds { Self::Yes } else { Self::No(why()) }
    }
}

/// Returns whether one of `parts` holds; no because of `why` if there is none.
pub(crate) fn any(parts: impl Iterator<Item = Truth>, why: impl FnOnce() -> WhyNot) -> Truth {
    let mut unknown = None;
    for part in parts {
        match part {
            Truth::Yes => return Truth::Yes,
            Truth::No(_) => {}
            Truth::Unknown(why) => {
                unknown.get_or_insert(why);
            }
        }
    }
    unknown.map_or_else(|| Truth::No(why()), Truth::Unknown)
}

/// Returns whether all of `parts` hold; yes if there is none.
pub(crate) fn every(parts: impl Iterator<Item = Truth>) -> Truth {
    let mut unknown = None;
    for part in parts {
        match part {
            Truth::Yes => {}
            Truth::No(why) => return Truth::No(why),
            Truth::Unknown(why) => {
                unknown.get_or_insert(why);
            }
        }
    }
    unknown.map_or(Truth::Yes, Truth::Unknown)
}

/// Why a rule does not hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhyNot {
    /// It is about other tools.
    Tool,
    /// It is about other actions.
    Action,
    /// It is done to something else.
    Resource,
    /// It is about other agents.
    Agent,
    /// It is about other skills.
    Skill,
    /// The stated risk is smaller.
    Risk {
        /// The risk that is stated.
        found: Risk,
    },
    /// A parameter has another value.
    Parameter {
        /// The path to it.
        path: Arc<str>,
    },
    /// The request runs no command line.
    NoCommandLine,
    /// No command is the one it is about; for an allow, one command is not covered.
    Command {
        /// The program that is not covered, for an allow.
        program: Option<Arc<str>>,
    },
    /// The line is more than plain commands, which an allow by their text needs.
    Plain,
    /// A command writes to a file, which the rule does not allow.
    Redirection,
    /// A command works outside the project, where an allow says nothing of it.
    Folder,
    /// No path is one it is about; for an allow, one path is not covered.
    Path,
    /// No host is one it is about; for an allow, one host is not covered.
    Host,
    /// No effect is one it is about; for an allow, one effect is not covered.
    Effect {
        /// The effect that is not covered, for an allow.
        kind: Option<EffectKind>,
    },
    /// What it names is there, but not in one and the same part of the command line.
    Apart,
    /// None of the alternatives holds.
    Alternatives,
    /// What it excludes holds.
    Excluded,
    /// The environment is another one, or has no label.
    Environment,
    /// The agent's tier lies outside the bounds.
    Tier {
        /// The agent's tier.
        found: Tier,
    },
    /// Tiers are not in use, and it is a base rule of one.
    NoTier,
    /// The request falls outside the hours.
    Time,
    /// The data of the request carries none of the origins.
    Taint,
    /// Fewer calls were made.
    Calls {
        /// How many earlier calls lie in the window.
        found: u32,
        /// From how many on it holds.
        over: u32,
        /// The length of the window.
        per: DurationMs,
    },
}

impl fmt::Display for WhyNot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Tool => "it is about other tools",
            Self::Action => "it is about other actions",
            Self::Resource => "it is done to something else",
            Self::Agent => "it is about other agents",
            Self::Skill => "it is about other skills",
            Self::Risk { found } => {
                return write!(formatter, "the stated risk is only {}", found.as_str());
            }
            Self::Parameter { path } => {
                return write!(formatter, "the parameter `{path}` has another value");
            }
            Self::NoCommandLine => "no command line is run",
            Self::Command { program: None } => "no command of the line is the one it is about",
            Self::Command {
                program: Some(program),
            } => return write!(formatter, "it does not cover the command `{program}`"),
            Self::Plain => "it goes by the text, and the line is more than plain commands",
            Self::Redirection => "it does not cover the file that a command writes to",
            Self::Folder => "a command works outside the project, and it names no such folder",
            Self::Path => "the paths are not those it is about",
            Self::Host => "the hosts are not those it is about",
            Self::Effect { kind: None } => "the effects are not those it is about",
            Self::Effect { kind: Some(kind) } => {
                return write!(formatter, "it does not cover the effect {}", kind.as_str());
            }
            Self::Apart => "no part of the line is all that it is about",
            Self::Alternatives => "none of its alternatives holds",
            Self::Excluded => "what it excludes holds",
            Self::Environment => "the environment is another one",
            Self::Tier { found } => {
                return write!(formatter, "the agent's tier is {}", found.as_str());
            }
            Self::NoTier => "tiers are not in use",
            Self::Time => "the request falls outside its hours",
            Self::Taint => "the data carries none of its origins",
            Self::Calls { found, over, per } => {
                return write!(
                    formatter,
                    "{found} earlier calls within {per}, and it holds from {over} on"
                );
            }
        };
        formatter.write_str(text)
    }
}

/// Why it cannot be told whether a rule holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhyUnknown {
    /// Nothing states a risk.
    Risk,
    /// A parameter is absent.
    Absent {
        /// The path to it.
        path: Arc<str>,
    },
    /// A parameter is of another type than the rule expects.
    WrongType {
        /// The path to it.
        path: Arc<str>,
    },
    /// A parameter is not I-JSON and kept as text.
    Tagged {
        /// The path to it.
        path: Arc<str>,
    },
    /// A regular expression of the rule cannot be used.
    Pattern,
    /// A command line was not analysed.
    NoPlan,
    /// Part of the command line cannot be understood.
    CommandLine,
    /// Only running the command line would show which program is run.
    Program,
    /// Only running the command line would show the arguments of this program.
    Arguments {
        /// The program.
        program: Arc<str>,
    },
    /// An option of this program may mean what the rule is about.
    Option {
        /// The program.
        program: Arc<str>,
    },
    /// A variable is set that may change what this program does.
    Variable {
        /// Its name.
        name: Arc<str>,
    },
    /// The program is run from an unusual folder or by another one.
    Folder {
        /// The program as written.
        program: Arc<str>,
    },
    /// A path cannot be resolved.
    Path,
    /// What it is done to is not told, or no pattern can tell it.
    Resource,
    /// What a tool touches is not known.
    Touches,
    /// The home directory is not recorded.
    Home,
    /// A host cannot be told.
    Host,
    /// An effect cannot be told.
    Effect,
    /// The agent's tier is not known.
    Tier,
    /// The hours cannot be compared: the zone is not known.
    Time,
}

impl fmt::Display for WhyUnknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Risk => "nothing states a risk",
            Self::Absent { path } => return write!(formatter, "the parameter `{path}` is absent"),
            Self::WrongType { path } => {
                return write!(formatter, "the parameter `{path}` is of another type");
            }
            Self::Tagged { path } => {
                return write!(formatter, "the parameter `{path}` is no plain JSON");
            }
            Self::Pattern => "its pattern cannot be used",
            Self::NoPlan => "the command line was not analysed",
            Self::CommandLine => "part of the command line cannot be understood",
            Self::Program => "which program is run cannot be told",
            Self::Arguments { program } => {
                return write!(formatter, "the arguments of `{program}` cannot be told");
            }
            Self::Option { program } => {
                return write!(formatter, "an option of `{program}` may mean this");
            }
            Self::Variable { name } => {
                return write!(formatter, "the variable `{name}` may change what is run");
            }
            Self::Folder { program } => {
                return write!(formatter, "`{program}` may be another program of that name");
            }
            Self::Path => "a path cannot be resolved",
            Self::Resource => "what it is done to cannot be told",
            Self::Touches => "what the tool touches is not known",
            Self::Home => "the home directory is not known",
            Self::Host => "a host cannot be told",
            Self::Effect => "an effect cannot be told",
            Self::Tier => "the agent's tier is not known",
            Self::Time => "the time zone is not known",
        };
        formatter.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no() -> Truth {
        Truth::No(WhyNot::Tool)
    }

    fn unknown() -> Truth {
        Truth::Unknown(WhyUnknown::Path)
    }

    #[test]
    fn a_part_that_fails_settles_a_conjunction_and_one_that_holds_a_disjunction() {
        assert_eq!(unknown().and(no), no());
        assert_eq!(unknown().and(|| Truth::Yes), unknown());
        assert_eq!(Truth::Yes.and(unknown), unknown());
        assert_eq!(unknown().or(|| Truth::Yes), Truth::Yes);
        assert_eq!(unknown().or(no), unknown());
        assert_eq!(no().or(unknown), unknown());
        assert_eq!(every([unknown(), no()].into_iter()), no());
        assert_eq!(
            any([unknown(), Truth::Yes].into_iter(), || WhyNot::Tool),
            Truth::Yes
        );
        assert_eq!(unknown().negated(WhyNot::Excluded), unknown());
    }

    #[test]
    fn what_is_unknown_satisfies_a_restriction_and_no_allow() {
        assert!(unknown().satisfies(Verdict::Deny, false));
        assert!(unknown().satisfies(Verdict::Ask, false));
        assert!(!unknown().satisfies(Verdict::Allow, false));
        assert!(unknown().satisfies(Verdict::Allow, true));
        assert!(!unknown().satisfies(Verdict::Deny, true));
        assert!(!unknown().satisfies(Verdict::Deny, true));
        assert!(!no().satisfies(Verdict::Deny, true));
    }
}
