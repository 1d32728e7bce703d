//! The tree of a shell text, before anything is expanded.

use std::cell::OnceCell;
use std::rc::Rc;

use aegis_types::{RedirectionKind, Span, Stream};

/// A list of commands.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Its items, which run one after the other.
    pub(crate) items: Vec<Item>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(crate) struct Item {
    /// The pipelines; at least one.
    pub(crate) links: Vec<Link>,
    /// Whether it ends in `&`.
    pub(crate) background: bool,
}

/// A pipeline and what it waits for.
#[derive(Debug)]
pub(crate) struct Link {
    /// When it runs.
    pub(crate) after: After,
    /// What runs.
    pub(crate) pipeline: Pipeline,
}

/// When a pipeline of an item runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum After {
    /// It is the first.
    Nothing,
    /// After `&&`.
    Success,
    /// After `||`.
    Failure,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// The commands; at least one, unless only `!` or `time` stands there.
    pub(crate) members: Vec<Node>,
    /// Whether `time` stands before it.
    pub(crate) timed: bool,
    /// Whether it succeeds when its last member fails.
    pub(crate) negated: bool,
}

/// A command, simple or compound.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where it stands.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its redirections.
    pub(crate) redirections: Vec<RawRedirection>,
}

/// A part of a `case`.
#[derive(Debug)]
pub(crate) struct Arm {
    /// The patterns.
    pub(crate) patterns: Vec<RawWord>,
    /// What runs when one matches.
    pub(crate) body: Script,
    /// Whether other parts may run after it.
    pub(crate) goes_on: bool,
}

/// What a command is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A simple command.
    Simple {
        /// The assignments before the first word.
        assignments: Vec<RawAssignment>,
        /// The words.
        words: Vec<RawWord>,
    },
    /// `{ …; }`.
    Group(Script),
    /// `( … )`.
    Subshell(Script),
    /// `if`, each test with its branch.
    If {
        /// The tests and what runs when they hold.
        branches: Vec<(Script, Script)>,
        /// What runs when none holds.
        otherwise: Option<Script>,
    },
    /// `while` or `until`.
    Loop {
        /// The test.
        test: Script,
        /// The body.
        body: Script,
        /// Whether it goes on as long as the test fails.
        is_until: bool,
    },
    /// `for` or `select` over words.
    For {
        /// The variable.
        name: String,
        /// The words; the positional parameters when absent.
        words: Option<Vec<RawWord>>,
        /// The body.
        body: Script,
        /// Whether a person is asked which of the words is meant.
        is_select: bool,
    },
    /// `for (( … ))`.
    Count {
        /// The expressions.
        expression: RawWord,
        /// The body.
        body: Script,
    },
    /// `case`.
    Case {
        /// What is compared.
        subject: RawWord,
        /// What runs when a pattern matches.
        arms: Vec<Arm>,
    },
    /// A function is defined.
    Function {
        /// Its name.
        name: String,
        /// Its body.
        body: Rc<Node>,
    },
    /// `[[ … ]]`.
    Test(Vec<RawWord>),
    /// `(( … ))`.
    Arithmetic(RawWord),
    /// `coproc`.
    Coprocess(Box<Node>),
}

/// A variable that is set, before expansion.
#[derive(Debug)]
pub(crate) struct RawAssignment {
    /// The name, without a subscript.
    pub(crate) name: String,
    /// The subscript, if one element of an array is set.
    pub(crate) subscript: Option<Vec<Piece>>,
    /// Whether the value is added to the one before.
    pub(crate) appends: bool,
    /// The value.
    pub(crate) value: RawWord,
}

/// A redirection, before expansion.
#[derive(Debug)]
pub(crate) struct RawRedirection {
    /// What it does.
    pub(crate) kind: RedirectionKind,
    /// What it names.
    pub(crate) target: Target,
    /// The descriptor, where it is not standard input for what is read, or
    /// standard output for everything else.
    pub(crate) descriptor: Option<u32>,
    /// Whether it is the standard output that goes there.
    pub(crate) is_output: bool,
}

/// What a redirection names.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file, a descriptor, or the text of `<<<`.
    Word(RawWord),
    /// The text of a here-document, which is read at the end of the line.
    Document(Rc<OnceCell<RawWord>>),
}

/// A word, before expansion.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawWord {
    /// Where it stands.
    pub(crate) span: Span,
    /// Its pieces, side by side.
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of a word.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// Unquoted text: subject to braces, tildes and globs.
    Bare(String),
    /// Text that stands for itself.
    Quoted(String),
    /// The value of a variable.
    Parameter(Rc<Parameter>),
    /// `$( … )` or backquotes.
    Substitution {
        /// What runs.
        script: Rc<Script>,
        /// Whether it stands within double quotes.
        quoted: bool,
    },
    /// `<( … )` or `>( … )`.
    Process {
        /// What runs.
        script: Rc<Script>,
        /// Which of its streams the word names.
        stream: Stream,
    },
    /// An arithmetic expression with what is expanded in it.
    Arithmetic {
        /// The expression.
        inner: Vec<Piece>,
        /// Whether it stands within double quotes.
        quoted: bool,
    },
    /// A glob that only unquoted text can write: `@(a|b)`.
    Glob(String),
    /// `( … )` after `=`: the elements of an array.
    Array(Rc<[RawWord]>),
}

/// The use of a variable.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// Its name: letters, a digit or one of the special signs.
    pub(crate) name: String,
    /// Whether it stands in braces, so that letters after it are not part of the name.
    pub(crate) is_braced: bool,
    /// The subscript, if one is given.
    pub(crate) subscript: Option<Vec<Piece>>,
    /// What is done with the value.
    pub(crate) operation: Operation,
    /// Whether it stands within double quotes.
    pub(crate) quoted: bool,
}

/// What is done with the value of a variable.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Nothing.
    Value,
    /// Its length is taken.
    Length,
    /// It names another variable.
    Indirect,
    /// An operator with its operand.
    Operator {
        /// The operator, such as `:-` or `##`.
        sign: String,
        /// The operand.
        operand: Vec<Piece>,
    },
}

impl RawWord {
    /// Returns the word if it is only unquoted text.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Bare(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the word if it is only text, quoted or not.
    pub(crate) fn text(&self) -> Option<String> {
        let mut whole = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bare(text) | Piece::Quoted(text) => whole.push_str(text),
                Piece::Parameter(_)
                | Piece::Substitution { .. }
                | Piece::Process { .. }
                | Piece::Arithmetic { .. }
                | Piece::Glob(_)
                | Piece::Array(_) => return None,
            }
        }
        Some(whole)
    }
}
