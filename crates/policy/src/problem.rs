//! What is wrong with a policy text, and where.

mod excerpt;
mod render;

use std::fmt;
use std::ops::Range;

pub use render::{Paint, render};

use crate::lint::LintCode;
use crate::rule::Place;
use crate::source::Source;

/// Whether a problem keeps a policy from being used.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The policy is sound, and probably not what was meant.
    Warning,
    /// The policy cannot be used.
    Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal,)+) => {
        /// The kind of a problem; its code never changes.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum ProblemCode {
            $($(#[$doc])* $name,)+
            /// A finding of the lint: sound, and probably not meant.
            Lint(LintCode),
        }

        impl ProblemCode {
            /// Every code, in order, but those of the lint.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)+
                    Self::Lint(code) => code.as_str(),
                }
            }
        }
    };
}

codes! {
    /// The text is empty.
    Empty = "empty",
    /// The text, or a part of it, is larger than what is read.
    TooLarge = "too-large",
    /// The text is not well formed.
    Syntax = "syntax",
    /// The text uses a feature of YAML that policies do without.
    UnsupportedYaml = "unsupported-yaml",
    /// A key stands twice in one mapping.
    DuplicateKey = "duplicate-key",
    /// The file is of another kind.
    WrongKind = "wrong-kind",
    /// The file is written for another version of the format.
    UnknownVersion = "unknown-version",
    /// A key is not known here.
    UnknownKey = "unknown-key",
    /// A key that must be given is not.
    MissingKey = "missing-key",
    /// A value is of another type.
    WrongType = "wrong-type",
    /// A value is not one of those that are known.
    UnknownValue = "unknown-value",
    /// A value is outside of its bounds.
    OutOfRange = "out-of-range",
    /// A list or mapping holds nothing.
    Nothing = "nothing",
    /// A text is no identifier.
    BadName = "bad-name",
    /// A text is no glob.
    BadGlob = "bad-glob",
    /// A text is no regular expression of the kind that is supported.
    BadRegex = "bad-regex",
    /// A text is no duration.
    BadDuration = "bad-duration",
    /// A text is no time of day.
    BadTime = "bad-time",
    /// A text is no time zone.
    BadZone = "bad-zone",
    /// A text is no number of bytes.
    BadSize = "bad-size",
    /// A text is no path to a parameter.
    BadParameter = "bad-parameter",
    /// Two parts of a rule exclude each other.
    Contradiction = "contradiction",
    /// Two rules of a file have one name.
    DuplicateRule = "duplicate-rule",
    /// No source says what holds when no rule does.
    NoDefault = "no-default",
    /// What is extended cannot be found or read.
    Unreadable = "unreadable",
    /// What is extended lies outside of the policy's folder.
    Outside = "outside",
    /// A policy extends itself.
    Cycle = "cycle",
    /// Policies extend each other too deeply, or too many are joined.
    TooManySources = "too-many-sources",
    /// A part of a rule has no effect.
    NoEffect = "no-effect",
    /// A value asks for what this program does not do.
    Unsupported = "unsupported",
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// One thing that is wrong with a policy text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Whether it keeps the policy from being used.
    pub severity: Severity,
    /// Its kind.
    pub code: ProblemCode,
    /// Where it begins.
    pub place: Place,
    /// The bytes of the source it is about.
    pub span: Range<usize>,
    /// What is wrong; text of the user in backticks, with nothing invisible in it.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What to write instead.
    pub suggestion: Option<Suggestion>,
    /// Another place that has to do with it.
    pub related: Option<Related>,
}

/// A change to a source that would mend a problem.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suggestion {
    /// The bytes to replace.
    pub span: Range<usize>,
    /// What to write there.
    pub replacement: String,
    /// Whether it may be written without asking: it lets nothing more happen.
    pub is_safe: bool,
}

/// Another place that has to do with a problem.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Related {
    /// Where it begins.
    pub place: Place,
    /// The bytes it is about.
    pub span: Range<usize>,
    /// What it has to do with the problem.
    pub message: String,
}

impl Problem {
    /// Adds what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Writes whatever is invisible in its words as an escape.
    pub(crate) fn make_visible(&mut self) {
        let related = self.related.as_mut().map(|it| &mut it.message);
        let words = [Some(&mut self.message), self.help.as_mut(), related];
        for text in words.into_iter().flatten() {
            *text = excerpt::shown(text, usize::MAX);
        }
    }

    /// Adds what to write instead of the whole span.
    pub(crate) fn suggest(&mut self, replacement: impl Into<String>) -> &mut Self {
        self.suggestion = Some(Suggestion {
            span: self.span.clone(),
            replacement: replacement.into(),
            is_safe: false,
        });
        self
    }

    /// Adds what to write instead if something near is known.
    pub(crate) fn suggest_nearest(&mut self, nearest: Option<&str>) -> &mut Self {
        if let Some(nearest) = nearest {
            self.help(format!("did you mean `{nearest}`?"));
            self.suggest(nearest);
        }
        self
    }
}

/// All problems of a policy, at least one of them an error, and the sources
/// they are found in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problems(pub Vec<Problem>, pub Vec<Source>);

impl fmt::Display for Problems {
    /// Writes the first error on one line, with the number of those that follow.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.0.iter().filter(|it| it.severity == Severity::Error);
        let Some(first) = errors.next() else {
            return formatter.write_str("the policy cannot be used");
        };
        let name = self
            .1
            .get(usize::from(first.place.source))
            .map_or("policy", |source| &source.name);
        let name = excerpt::shown(name, 200);
        let Place { line, column, .. } = first.place;
        write!(formatter, "{name}:{line}:{column}: {}", first.message)?;
        match errors.count() {
            0 => Ok(()),
            more => write!(formatter, " (and {more} more)"),
        }
    }
}

impl std::error::Error for Problems {}

/// Returns `text` in backticks, nothing in it invisible, cut after 60 characters.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", excerpt::shown(text, 60))
}
