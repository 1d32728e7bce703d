//! Rules on what a shell runs: `Bash(git push:*)`.
//!
//! The host compares text. A rule that asks or denies holds here for every
//! spelling of the command that the text stands for, and one that allows for no
//! more than the text says.

use std::sync::Arc;

use super::form::{Form, refuse, tools_of};
use crate::matcher::{Matcher, ParamCondition, ParamTest, Scalar, ShellPattern};
use crate::parse::Walker;
use crate::pattern::{Glob, Pattern};
use crate::problem::quoted;

/// Characters that do not stand for themselves in a command line.
const SYNTAX: [char; 16] = [
    '\'', '"', '\\', '$', '`', '<', '>', '|', '&', ';', '(', ')', '{', '}', '#', '\n',
];

/// What a `*` of a rule that allows does not stand for, because it may begin or
/// end a command.
const NO_SYNTAX: &str = r#"[^'"\\$`<>|&;(){}#\r\n]*"#;

/// Reads a rule on a command line.
pub(super) fn matcher<'a>(
    walker: &mut Walker<'a>,
    form: &Form<'_, 'a>,
    about: &str,
) -> Option<Matcher> {
    let text = Text::of(about);
    if text.words.trim().is_empty() {
        let message = format!("{} names no command", quoted(form.text));
        return refuse(
            walker,
            form,
            message,
            "write `Bash` for every command",
            form.wider("Bash"),
        );
    }
    let first = text.words.split(' ').next().unwrap_or_default();
    if text.words.contains(SYNTAX) || first.contains('=') {
        return as_text(walker, form, &text);
    }
    let mut line = Vec::new();
    if text.may_end_here(form.restricts()) {
        line.push(glob_of(text.words));
    }
    if text.goes_on {
        line.push(format!("{} *", glob_of(text.words)));
    }
    let line: Option<Vec<Glob>> = line
        .iter()
        .map(|it| walker.check_glob(form.node, "the command", it))
        .collect();
    let shell = vec![ShellPattern {
        line: line?,
        ..ShellPattern::default()
    }];
    Some(Matcher {
        tool: tools_of(form),
        shell,
        ..Matcher::default()
    })
}

/// The text of a rule, and how it ends.
struct Text<'n> {
    /// The text without the end that leaves open what follows.
    words: &'n str,
    /// Whether more words may follow.
    goes_on: bool,
    /// Whether the end is that of a prefix, `:*`.
    is_prefix: bool,
}

impl<'n> Text<'n> {
    fn of(about: &'n str) -> Self {
        let prefix = about.strip_suffix(":*");
        let open = prefix.or_else(|| about.strip_suffix(" *"));
        Self {
            words: open.unwrap_or(about),
            goes_on: open.is_some(),
            is_prefix: prefix.is_some(),
        }
    }

    /// Returns whether no word need follow: the host says so of a prefix, and of
    /// a last `*` that is the only one.
    fn may_end_here(&self, restricts: bool) -> bool {
        !self.goes_on || restricts || self.is_prefix || !self.words.contains('*')
    }
}

/// Returns the glob of ours that stands for the same, `*` alone being special.
fn glob_of(text: &str) -> String {
    let mut glob = String::with_capacity(text.len());
    let mut after_star = false;
    for letter in text.chars() {
        let is_star = letter == '*';
        if is_star && after_star {
            continue;
        }
        if matches!(letter, '?' | '[' | ']' | '!') {
            glob.push('\\');
        }
        glob.push(letter);
        after_star = is_star;
    }
    glob
}

/// Reads a rule whose words are no plain ones: it goes by the text of the whole
/// command line. One that asks or denies holds wherever its text stands in it.
fn as_text<'a>(walker: &mut Walker<'a>, form: &Form<'_, 'a>, text: &Text<'_>) -> Option<Matcher> {
    let pieces = pieces(text.words);
    let joined = |star: &str| {
        let escaped: Vec<String> = pieces.iter().map(|it| regex::escape(it)).collect();
        escaped.join(star)
    };
    let is_open = text.goes_on || pieces.len() > 1;
    let test = if form.restricts() {
        ParamTest::Regex(Pattern::new(&format!("(?s){}", joined(".*"))))
    } else if !is_open {
        let whole = Scalar::Text(Arc::from(pieces.concat()));
        ParamTest::Equals(whole)
    } else if text
        .words
        .contains(['<', '>', '|', '&', ';', '`', '$', '(', '\n'])
    {
        let message = format!("{} holds for no command", quoted(form.text));
        let help = "the host asks for each command of a line by itself: write a rule for each, \
                    without redirections and substitutions";
        return refuse(walker, form, message, help, String::new());
    } else {
        let end = match (text.goes_on, text.may_end_here(false)) {
            (true, true) => format!("( {NO_SYNTAX})?"),
            (true, false) => format!(" {NO_SYNTAX}"),
            (false, _) => String::new(),
        };
        ParamTest::Regex(Pattern::new(&format!("^{}{end}$", joined(NO_SYNTAX))))
    };
    let params = vec![ParamCondition {
        path: vec![Arc::from("command")],
        test,
    }];
    // Whatever the commands are, an allow by their text needs a plain line.
    let every = ShellPattern {
        line: vec![Glob("*".into())],
        ..ShellPattern::default()
    };
    let shell = (!form.restricts()).then_some(every);
    Some(Matcher {
        tool: tools_of(form),
        params,
        shell: shell.into_iter().collect(),
        ..Matcher::default()
    })
}

/// Returns the text between its `*`, of which `\*` is itself.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\').then(|| letters.next_if(|it| matches!(it, '*' | '\\')));
        match (letter, escaped.flatten()) {
            ('*', _) => pieces.push(String::new()),
            (_, literal) => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(literal.unwrap_or(letter));
                }
            }
        }
    }
    pieces
}

/// Returns the text whose expression this may be, as rules write it.
pub(super) fn written(expression: &str) -> String {
    let text = expression.strip_prefix("(?s)").unwrap_or(expression);
    let text = text.strip_prefix('^').unwrap_or(text);
    let text = text.strip_suffix('$').unwrap_or(text);
    let text = text.replace(&format!("( {NO_SYNTAX})?"), " *");
    let text = text.replace(NO_SYNTAX, "*").replace(".*", "*");
    let mut written = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => written.extend(letters.next()),
            letter => written.push(letter),
        }
    }
    written
}
