//! What is sound in a policy and probably not what was meant.
//!
//! Only the policy's own text is looked at: its rules may loosen what it
//! extends on purpose.

mod broad;
mod clause;
mod cover;
mod expression;
mod extends;
mod fix;
mod missing;
mod never;
mod overlap;
mod reach;
mod text;
mod tools;

use std::fmt;

pub(crate) use cover::alternatives;
pub use fix::fixed;
pub(crate) use overlap::rules_meet;
pub use tools::tool_names;

use self::clause::{Clause, clauses};
use crate::parse::{Node, Parsed, Walker, read_tree};
use crate::problem::{Problem, ProblemCode, Suggestion};
use crate::rule::Policy;
use crate::yaml::single_quoted;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal,)+) => {
        /// The kind of a finding; its code never changes.
        ///
        /// Each code has a section in `docs/lint.md`.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum LintCode {
            $($(#[$doc])* $name,)+
        }

        impl LintCode {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)+
                }
            }
        }
    };
}

codes! {
    /// An earlier rule with the same verdict decides whatever the rule is about.
    Shadowed = "L001",
    /// An earlier rule with another verdict decides whatever the rule is about.
    Unreachable = "L002",
    /// An earlier rule is about the same and says something else.
    Contradicting = "L003",
    /// An earlier allow decides part of what the rule denies.
    Pierced = "L004",
    /// An allow is about everything, every host or every path.
    BroadAllow = "L005",
    /// An allow holds where something is unknown.
    UnknownAllow = "L006",
    /// An allow is about a program that runs whatever it is given.
    RunsAnything = "L007",
    /// No tool has this name.
    NoSuchTool = "L008",
    /// A pattern or a combination of patterns can never match.
    NeverMatches = "L009",
    /// A condition on text stands where one on the meaning could.
    TextForMeaning = "L010",
    /// A rule that asks or denies has no example that it must match.
    NoExample = "L011",
    /// A rule that denies does not say what to do instead.
    NoMessage = "L012",
    /// A dot in a regular expression stands for any character, and a dot is meant.
    AnyCharacter = "L013",
    /// An end of a regular expression changes nothing.
    IdleEnd = "L014",
    /// An alternative of a regular expression reaches further than it seems to.
    LooseAlternative = "L015",
    /// A regular expression knows one case of words that have none.
    OneCase = "L016",
    /// What is extended adds nothing.
    NeedlessExtends = "L017",
    /// A window counts the calls of every tool.
    CountsEverything = "L018",
    /// An allow begins to hold after many calls.
    LateAllow = "L019",
    /// A rule holds for every tool without a parameter that it names.
    EveryTool = "L020",
    /// An ask becomes an allow before a person can answer.
    QuietAsk = "L021",
}

impl LintCode {
    /// Returns the code with this name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let found = Self::ALL
            .iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(text));
        found.copied()
    }
}

impl fmt::Display for LintCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Returns the findings on a policy's own text, in the order of lines.
///
/// Each is a warning whose code is a [`LintCode`].
#[must_use]
pub fn lint(parsed: &Parsed) -> Vec<Problem> {
    let Some(source) = parsed.texts.first() else {
        return Vec::new();
    };
    let mut walker = Walker::new(0, &source.text);
    let Some(root) = read_tree(&mut walker) else {
        return Vec::new();
    };
    // A fix is only written if less is found after it, so all must be counted.
    walker.most = usize::MAX;
    let clauses = clauses(&walker, &root, &parsed.policy);
    let mut lint = Lint {
        walker,
        policy: &parsed.policy,
    };
    reach::check(&mut lint, &clauses);
    extends::check(&mut lint, &root, &parsed.texts, &clauses);
    for clause in &clauses {
        broad::check(&mut lint, clause);
        tools::check(&mut lint, clause);
        never::check(&mut lint, clause);
        text::check(&mut lint, clause);
        missing::check(&mut lint, clause);
        expression::check(&mut lint, clause);
    }
    let mut problems = lint.walker.into_problems();
    problems.sort_by_key(|it| (it.span.start, it.code));
    problems
}

/// Collects findings.
struct Lint<'a> {
    walker: Walker<'a>,
    policy: &'a Policy,
}

impl Lint<'_> {
    /// Adds a finding about a part of the text.
    fn find(
        &mut self,
        code: LintCode,
        span: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.walker.warn(ProblemCode::Lint(code), span, message)
    }

    /// Returns the change that writes `meant` instead of the `text` of a scalar;
    /// nothing if the text is not written as it reads.
    fn change(
        &self,
        node: &Node<'_>,
        text: &str,
        meant: &str,
        is_safe: bool,
    ) -> Option<Suggestion> {
        let span = self.walker.within(node, text, 0..text.len());
        if self.walker.text.get(span.clone()) != Some(text) {
            return None;
        }
        let is_plain = span == node.span;
        let needs_quotes = meant
            .starts_with(['*', '&', '!', '|', '>', '%', '@', '`', '[', '{', '?'])
            || meant.contains([',', '[', ']', '{', '}', '#', '\''])
            || meant.contains(": ");
        let replacement = match is_plain && needs_quotes {
            true => single_quoted(meant),
            false => meant.to_owned(),
        };
        Some(Suggestion {
            span,
            replacement,
            is_safe,
        })
    }
}

/// What a change does to the calls that a rule is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    /// They stay the same.
    Same,
    /// They become more.
    Widens,
    /// They become less.
    Narrows,
}

impl Change {
    /// Returns whether the change to this rule lets nothing happen that was
    /// asked about or denied before.
    fn is_safe(self, clause: &Clause<'_, '_>, policy: &Policy) -> bool {
        use aegis_types::Verdict::{Allow, Ask, Deny};
        if self == Self::Same {
            return true;
        }
        match (clause.verdict, self) {
            (Allow, Self::Narrows) | (Deny, Self::Widens) => true,
            // What a later rule denies would only be asked about.
            (Ask, Self::Widens) => {
                let denies = |it: &crate::rule::Rule| it.verdict == Deny;
                !policy.rules.iter().any(denies) && policy.default != Some(Deny)
            }
            (Allow, Self::Widens) | (Ask | Deny, Self::Narrows) => false,
            (Allow | Ask | Deny, Self::Same) => true,
        }
    }
}

impl Problem {
    /// Adds a change to the text, if there is one.
    fn mend(&mut self, change: Option<Suggestion>) -> &mut Self {
        self.suggestion = change;
        self
    }
}
