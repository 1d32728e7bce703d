//! Whether a command line says plainly what it does.
//!
//! An allow that goes by the text of a command trusts the text. So the line must
//! be made of words, quotes and the signs between commands, and reach for nothing
//! but what lies below the working directory.

use aegis_types::{PathFact, Word, Wrapper};

use super::line::Line;
use super::options;
use super::path::below;
use super::shell::SINKS;
use super::view::View;
use crate::matcher::Matcher;
use crate::truth::{Truth, WhyNot, WhyUnknown, every};

/// Programs after which paths begin elsewhere.
const MOVERS: [&str; 3] = ["cd", "popd", "pushd"];

/// Programs that run another one in a way that its text does not show.
const RUNNERS: [&str; 4] = ["find", "ionice", "setsid", "time"];

/// Programs whose options turn round which of their words are changed.
const TURNED: [&str; 2] = ["cp", "mv"];

/// What a line that is plain may still hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Plain {
    /// A pattern for names outside of quotes.
    has_pattern: bool,
}

impl Matcher {
    /// Returns whether the line of an allow by its text is plain; of one that
    /// names paths, these say where it may reach.
    pub(super) fn plain_holds(&self, view: View<'_, '_>) -> Truth {
        let command = view.request().params.get("command");
        let text = command.and_then(serde_json::Value::as_str);
        let Some(plain) = text.and_then(plain) else {
            return Truth::No(WhyNot::Plain);
        };
        let context = &view.request().context;
        let lines = || view.whole_lines().iter();
        let changes = |fact: &PathFact| fact.access.write || fact.access.delete;
        let moves = lines().any(|line| runs(line, &MOVERS));
        let is_bound = moves && lines().any(|line| runs(line, &["git"]));
        let is_open = (moves || plain.has_pattern) && context.paths.iter().any(changes);
        if is_bound || is_open || lines().any(|it| hides_what_it_runs(it) || is_turned(it)) {
            return Truth::No(WhyNot::Plain);
        }
        if !self.path.is_empty() {
            return Truth::Yes;
        }
        every(
            context
                .paths
                .iter()
                .filter(|fact| !is_sink(fact, view.whole_lines()))
                .map(|fact| stays_inside(fact, &context.directory)),
        )
    }
}

fn runs(line: &Line<'_>, names: &[&str]) -> bool {
    let name = line.program.name().map(options::base_name);
    name.is_some_and(|name| names.contains(&name))
}

fn hides_what_it_runs(line: &Line<'_>) -> bool {
    line.command.through.iter().any(|wrapper| match wrapper {
        Wrapper::Program(program) => RUNNERS.contains(&options::base_name(program)),
        Wrapper::Substitution
        | Wrapper::ProcessSubstitution
        | Wrapper::Subshell
        | Wrapper::Function(_)
        | Wrapper::Text => true,
        Wrapper::Compound => false,
    })
}

/// Returns whether options say which words of the command are changed.
fn is_turned(line: &Line<'_>) -> bool {
    let is_option = |word: &Word| word.literal().is_some_and(|it| it.starts_with('-'));
    runs(line, &TURNED) && line.command.arguments.iter().any(is_option)
}

/// Returns whether a path is where a redirection makes output vanish.
fn is_sink(fact: &PathFact, lines: &[Line<'_>]) -> bool {
    let mut words = lines.iter().flat_map(|line| &line.command.arguments);
    SINKS.contains(&&*fact.written)
        && !words.any(|word| word.literal().as_deref() == Some(&*fact.written))
}

/// Returns whether a path lies below the working directory and, where it is
/// changed, has no hidden name on its way; where something is deleted, it must
/// not be the directory itself, as what is hidden in it goes along.
fn stays_inside(fact: &PathFact, directory: &str) -> Truth {
    let is_changed = fact.access.write || fact.access.delete;
    if fact.access.execute && !fact.access.read && !is_changed {
        return Truth::Yes;
    }
    // Above a link, a step up leads elsewhere than it seems.
    if fact.written.split('/').any(|step| step == "..") {
        return Truth::No(WhyNot::Path);
    }
    let Some(resolved) = fact.resolved.as_deref().filter(|_| !fact.unknown) else {
        return Truth::Unknown(WhyUnknown::Path);
    };
    let is_hidden = |rest: &str| rest.split('/').any(|name| name.starts_with('.'));
    let inside = below(resolved, directory).filter(|_| !directory.is_empty());
    let is_all = |rest: &str| fact.access.delete && rest.is_empty();
    let holds = inside.is_some_and(|rest| !is_changed || !is_hidden(rest) && !is_all(rest));
    Truth::of(holds, || WhyNot::Path)
}

/// Reads a command line; nothing if it holds more than words, quotes, and signs
/// that join commands or redirect.
fn plain(text: &str) -> Option<Plain> {
    let mut plain = Plain::default();
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    let mut word = String::new();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let is_plain = match letter {
            '\'' | '"' => quoted(letter, &mut letters),
            '*' | '?' | '[' | ']' => {
                plain.has_pattern = true;
                true
            }
            '&' => letters.next_if_eq(&'&').is_some() || next == Some('>') || before == '>',
            '<' => !matches!(next, Some('<' | '(')),
            '>' => next != Some('('),
            '\\' => before == ' ' && letters.next_if_eq(&'\n').is_some(),
            '#' | '=' | '~' => is_part_of_word(before),
            '|' | ';' | '\n' | '\t' => true,
            ' ' | '!' | '%' | '+' | ',' | '-' | '.' | '/' | ':' | '@' | '^' | '_' => true,
            _ => letter.is_alphanumeric(),
        };
        if !is_plain || is_keyword(letter, &mut word) {
            return None;
        }
        before = letter;
    }
    (word != "coproc").then_some(plain)
}

fn is_part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

/// Follows the word that a letter goes on or ends; returns whether it ends one
/// that makes a command of what follows.
fn is_keyword(letter: char, word: &mut String) -> bool {
    if letter.is_alphanumeric() {
        word.push(letter);
        return false;
    }
    std::mem::take(word) == "coproc"
}

/// Reads on to the end of a quoted text; returns whether it means itself.
fn quoted(quote: char, letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let mut before = quote;
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let is_plain = match letter {
            _ if letter == quote => return true,
            '$' | '`' => quote == '\'',
            '\\' if quote == '"' => letters.next_if_eq(&'"').is_some(),
            '\\' => !next.is_some_and(char::is_whitespace),
            '#' => before != '\n',
            '\n' | '\t' | ' ' => true,
            _ => !letter.is_control() && !letter.is_whitespace(),
        };
        if !is_plain {
            return false;
        }
        before = letter;
    }
    false
}

#[cfg(test)]
mod tests {
    use aegis_types::Access;

    use super::*;

    #[test]
    fn words_quotes_and_signs_between_commands_are_plain() {
        for text in [
            "npm run build && git status; touch a | sort > /dev/null 2>&1",
            "git commit -m 'a (b) $c `d`' --author=\"it's\"",
            "touch a \\\n b",
            "git show HEAD~1 a#b",
            "if true; then touch a; fi",
            "echo größe",
        ] {
            assert_eq!(plain(text), Some(Plain::default()), "{text}");
        }
        assert!(plain("git add src/*.rs").unwrap().has_pattern);
        assert!(!plain("git add 'src/*.rs'").unwrap().has_pattern);
    }

    #[test]
    fn what_a_shell_makes_something_of_is_not() {
        for text in [
            "(touch a)",
            "{ touch a; }",
            "touch a & touch b",
            "touch a &",
            "touch $X",
            "touch \"$X\"",
            "touch `a`",
            "touch {a,b}",
            "touch a\\ b",
            "cat <<E\nx\nE",
            "sort <(a)",
            "touch ~/a",
            "touch =a",
            "touch a # it's",
            "touch 'a",
            "touch 'a\\ b'",
            "touch 'a\n# b'",
            "touch a\u{a0}b",
            "touch a\r",
            "coproc touch a",
            "touch a; coproc",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_lies_in_a_folder_that_is_not_known_and_none_is_emptied() {
        let fact = PathFact {
            written: "/etc/passwd".to_owned(),
            resolved: Some("/etc/passwd".to_owned()),
            identity: None,
            access: Access::READ,
            unknown: false,
            listed: false,
            causes: Vec::new(),
        };
        assert_eq!(stays_inside(&fact, "/etc"), Truth::Yes);
        assert_eq!(stays_inside(&fact, ""), Truth::No(WhyNot::Path));
        let removed = |path: &str| PathFact {
            access: Access::DELETE,
            resolved: Some(path.to_owned()),
            ..fact.clone()
        };
        for (path, expected) in [
            ("/srv/project/src", Truth::Yes),
            ("/srv/project/.git", Truth::No(WhyNot::Path)),
            ("/srv/project", Truth::No(WhyNot::Path)),
        ] {
            assert_eq!(
                stays_inside(&removed(path), "/srv/project"),
                expected,
                "{path}"
            );
        }
        let run_and_removed = PathFact {
            access: Access {
                execute: true,
                delete: true,
                ..Access::default()
            },
            ..fact
        };
        assert_eq!(
            stays_inside(&run_and_removed, "/srv"),
            Truth::No(WhyNot::Path)
        );
    }
}
