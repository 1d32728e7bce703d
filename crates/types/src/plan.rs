//! What a command line would run, as far as its text shows.
//!
//! A [`Plan`] is flat: commands found inside wrappers, substitutions, loops
//! and functions stand in one list, in the order of the text, and each says how
//! it is reached. What the text does not show is an explicit [`Unknown`] with
//! its cause, never a guess.

use std::ops::Not;

use serde::{Deserialize, Serialize};

/// A range of bytes of the source text: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// Returns whether `other` lies within it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Returns how many bytes it has.
    #[must_use]
    pub const fn length(self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

/// The language a command line is written in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// A POSIX shell with the extensions of bash.
    #[default]
    Bash,
    /// PowerShell.
    Powershell,
    /// The command interpreter of Windows.
    Cmd,
}

/// What a command line would run.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Plan {
    /// The language of the text.
    pub dialect: Dialect,
    /// The simple commands, in the order of the text, those inside others included.
    pub commands: Vec<Command>,
    /// What could not be understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknowns: Vec<Unknown>,
}

/// One simple command.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Command {
    /// Where it stands in the text.
    pub span: Span,
    /// The program as written; absent when the command only assigns or redirects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Word>,
    /// The arguments as written, the program not included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Word>,
    /// Variables set for this command, or in the shell when there is no program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignments: Vec<Assignment>,
    /// Redirections, in the order of the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirections: Vec<Redirection>,
    /// The wrappers through which it is reached, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Wrapper>,
    /// The working directory in which it runs.
    pub directory: Directory,
    /// How it is connected to its neighbours.
    pub place: Place,
}

/// A word of the command line after splitting and quote removal.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Word {
    /// Where it stands in the text.
    pub span: Span,
    /// Its parts, side by side.
    pub parts: Vec<WordPart>,
    /// Whether what its unknown parts stand for is no option, as a shell reads them:
    /// they stand behind other text in one word, or are of the environment.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub is_operand: bool,
}

/// A part of a word.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WordPart {
    /// Text that stands for itself.
    Literal(String),
    /// An unquoted glob pattern, as written.
    Pattern(String),
    /// A home directory: that of the user named, or of the current user.
    Home(Option<String>),
    /// A file of the system that stands for a stream of another command of the plan.
    Stream(Stream),
    /// What only running the command line would show.
    Unknown(UnknownCause),
}

/// Which stream of a command a file stands for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// `<(…)`: what it prints can be read there.
    Output,
    /// `>(…)`: it reads what is written there.
    Input,
}

/// A variable that is set.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Assignment {
    /// The name of the variable.
    pub name: String,
    /// Its value.
    pub value: Word,
}

/// A redirection of a file descriptor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Redirection {
    /// What it does.
    pub kind: RedirectionKind,
    /// The file, the descriptor or the text it names.
    pub target: Word,
    /// The descriptor that is redirected, where it is not the usual one: standard
    /// input for what is read, standard output for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<u32>,
}

impl Redirection {
    /// Returns whether it names a file that is written.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(
            self.kind,
            RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::ReadWrite
        )
    }

    /// Returns whether it says where standard input comes from.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        let usual = match self.kind {
            RedirectionKind::Read | RedirectionKind::ReadWrite | RedirectionKind::Text => true,
            RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::Descriptor => false,
        };
        match self.descriptor {
            Some(number) => number == 0,
            None => usual,
        }
    }
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectionKind {
    /// `<`: reads a file.
    Read,
    /// `>`, `>|`, `&>`: empties and writes a file.
    Write,
    /// `>>`, `&>>`: writes at the end of a file.
    Append,
    /// `<>`: reads and writes a file.
    ReadWrite,
    /// `<<`, `<<<`: text given in place.
    Text,
    /// `>&`, `<&`: another descriptor.
    Descriptor,
}

/// A construct that runs the commands within it in its own way.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrapper {
    /// A program that runs another one: `sudo`, `env`, `xargs`, `find -exec`, `sh -c`, …
    Program(String),
    /// `$(…)` or backquotes: its output becomes text of a command.
    Substitution,
    /// `<(…)` or `>(…)`.
    ProcessSubstitution,
    /// `(…)`: a shell of its own.
    Subshell,
    /// A loop, `if` or `case`.
    Compound,
    /// The body of a function with this name.
    Function(String),
    /// Text that becomes code: an argument of `eval`, a trap, a here-document for a shell.
    Text,
}

/// The working directory of a command.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Directory {
    /// That in which the command line starts.
    #[default]
    Start,
    /// The path reached from there by `cd`, absolute or relative to the start.
    Moved(String),
    /// It depends on what only running would show.
    Unknown,
}

/// How a command is connected to its neighbours.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    /// The number of its pipeline within the text, from 0.
    pub pipeline: u32,
    /// Its position within the pipeline, from 0.
    pub position: u32,
    /// How many commands the pipeline has.
    pub length: u32,
    /// Whether it always runs, as far as the list shows.
    pub condition: Condition,
    /// Whether it runs in the background.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub background: bool,
}

/// When a command of a list runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Whatever happened before.
    #[default]
    Always,
    /// After `&&`.
    AfterSuccess,
    /// After `||`.
    AfterFailure,
    /// In a branch or a loop.
    Branch,
}

/// A part of the text that could not be understood.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Unknown {
    /// Where it stands in the text.
    pub span: Span,
    /// Why it is unknown.
    pub cause: UnknownCause,
}

/// Why something is unknown.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCause {
    /// The value of this variable or parameter.
    Variable(String),
    /// The output of a command.
    Output,
    /// The way from a folder to what `find` comes upon in it, or nothing.
    Found,
    /// The name of the branch that is checked out, as git prints it.
    Branch,
    /// What a program prints for a shell to evaluate: settings of its own.
    Settings,
    /// An arithmetic expression.
    Arithmetic,
    /// An expansion with an operator that is not followed.
    Expansion,
    /// Code in a language that is not followed, run by this program.
    Code(String),
    /// A program whose name only running would show.
    Program,
    /// The text is not well formed.
    Syntax,
    /// A construct that is not followed.
    Construct(String),
    /// The text is longer, deeper or wider than what is looked at.
    TooComplex,
}

impl Word {
    /// Returns the whole word if every part of it is literal.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                WordPart::Literal(literal) => text.push_str(literal),
                WordPart::Pattern(_)
                | WordPart::Home(_)
                | WordPart::Stream(_)
                | WordPart::Unknown(_) => return None,
            }
        }
        Some(text)
    }

    /// Returns whether some part is what only running would show.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, WordPart::Unknown(_)))
    }

    /// Returns whether the whole word names a stream of another command.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.parts.as_slice(), [WordPart::Stream(_)])
    }

    /// Returns whether what some part leads to, or stands for, other commands decide or
    /// only running would show.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_open = |part: &WordPart| matches!(part, WordPart::Stream(_) | WordPart::Unknown(_));
        self.parts.iter().any(is_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_literal_only_if_every_part_is() {
        let word = |parts| Word {
            span: Span::default(),
            parts,
            ..Word::default()
        };
        let literal = |text: &str| WordPart::Literal(text.to_owned());
        assert_eq!(
            word(vec![literal("a"), literal("b")]).literal(),
            Some("ab".to_owned())
        );
        assert_eq!(word(vec![]).literal(), Some(String::new()));
        assert_eq!(
            word(vec![literal("a"), WordPart::Home(None)]).literal(),
            None
        );
        assert!(word(vec![WordPart::Unknown(UnknownCause::Output)]).is_unknown());
        assert!(!word(vec![WordPart::Pattern("*".to_owned())]).is_unknown());
        let stream = word(vec![WordPart::Stream(Stream::Output)]);
        assert!(stream.is_stream() && stream.is_open() && !stream.is_unknown());
        assert_eq!(stream.literal(), None);
    }
}
