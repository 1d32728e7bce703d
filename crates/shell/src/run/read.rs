//! Follows what `read` and `mapfile` put into variables.

use std::rc::Rc;

use aegis_types::{RedirectionKind, UnknownCause, Word, WordPart, Wrapper};

use super::Draft;
use super::shell::Input;
use crate::option::{self, Spec};
use crate::output::{Output, as_lines};
use crate::surroundings::Value;
use crate::syntax::is_name;
use crate::walk::{Setting, Walk};

const READ: Spec = Spec {
    short: "adinNptu",
    long: &[],
    ends_at_operand: false,
};

const MAPFILE: Spec = Spec {
    short: "cCdnOsu",
    long: &[],
    ends_at_operand: true,
};

/// The next line that is read.
enum Line {
    /// This text, without its end.
    Text(String),
    /// One of the paths that begin so.
    Path(Word),
}

impl Walk<'_> {
    /// Sets what `read` and `mapfile` fill with what they read.
    pub(super) fn read(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let words = draft.words.get(1..).unwrap_or_default();
        let values = if name == "read" {
            self.values_of_read(words, draft, setting)
        } else {
            self.calls_of_mapfile(words, draft, setting);
            self.values_of_mapfile(words, draft, setting)
        };
        let Some(values) = values else {
            for word in words {
                self.forget_word(word);
            }
            for implied in ["REPLY", "MAPFILE"] {
                self.around.forget(implied);
            }
            return;
        };
        for (name, value) in values {
            self.around.set(&name, value);
        }
    }

    /// Returns the variables that `read` sets, with their values, if these can be told.
    fn values_of_read(
        &mut self,
        words: &[Word],
        draft: &Draft,
        setting: &Setting,
    ) -> Option<Vec<(String, Value)>> {
        let arguments = option::read(words, &READ);
        if arguments.has(&["d", "e", "i", "n", "N", "t", "u"]) {
            return None;
        }
        let array = arguments.values(&["a"]).last().map(Word::literal);
        let names: Option<Vec<String>> = arguments.operands.iter().map(|it| it.literal()).collect();
        let names = names.filter(|names| names.iter().all(|name| is_name(name)))?;
        let line = self.next_line(draft, setting)?;
        let mut separators = self.separators_of(draft)?;
        let counted = match (&array, names.len()) {
            (Some(_), _) => None,
            (None, 0) => {
                // The line as it is.
                separators.clear();
                Some(1)
            }
            (None, count) => Some(count),
        };
        let reads_escapes = !arguments.has(&["r"]);
        let row = match line {
            Line::Text(text) if reads_escapes && text.contains('\\') => return None,
            Line::Text(text) => fields(&text, &separators, counted)?,
            Line::Path(path) if counted == Some(1) => vec![path],
            Line::Path(_) => return None,
        };
        if let Some(array) = array {
            return Some(vec![(array?, Value::Elements(row.into()))]);
        }
        let names = if names.is_empty() {
            vec!["REPLY".to_owned()]
        } else {
            names
        };
        let values = names.into_iter().enumerate().map(|(index, name)| {
            let parts = row.get(index).map(|word| word.parts.as_slice());
            (name, Value::Parts(Rc::from(parts.unwrap_or_default())))
        });
        Some(values.collect())
    }

    /// Follows the text that `mapfile` evaluates as it reads, with a number and a line behind it.
    fn calls_of_mapfile(&mut self, words: &[Word], draft: &Draft, setting: &Setting) {
        let arguments = option::read(words, &MAPFILE);
        let texts: Vec<Word> = arguments.values(&["C"]).cloned().collect();
        for mut text in texts {
            // Both are told to it as words, whatever the line holds.
            for _ in ["number", "line"] {
                super::push_text(&mut text, " ");
                text.parts.push(WordPart::Unknown(UnknownCause::Output));
            }
            let inner = setting.perhaps().within(Wrapper::Text);
            let mark = self.around.mark();
            self.code_text(&text, draft.span, "mapfile", &inner);
            self.around.blur(mark);
        }
    }

    /// Returns the array that `mapfile` sets, with its value, if that can be told.
    fn values_of_mapfile(
        &self,
        words: &[Word],
        draft: &Draft,
        setting: &Setting,
    ) -> Option<Vec<(String, Value)>> {
        let arguments = option::read(words, &MAPFILE);
        if arguments.options.iter().any(|option| option.name != "t") {
            return None;
        }
        let name = match arguments.operands.as_slice() {
            [] => "MAPFILE".to_owned(),
            [name, ..] => name.literal().filter(|name| is_name(name))?,
        };
        let Input::Text(text) = self.given_text(draft, setting) else {
            return None;
        };
        if !self.has_own_input(draft)? && !setting.is_input_whole() {
            return None;
        }
        let text = text.literal()?;
        let drops_ends = arguments.has(&["t"]);
        let lines = text.split_inclusive('\n').map(|line| {
            let line = if drops_ends {
                line.trim_end_matches('\n')
            } else {
                line
            };
            literal(line)
        });
        Some(vec![(name, Value::Elements(lines.collect()))])
    }

    /// Returns the next line; nothing where something else may have read before.
    fn next_line(&self, draft: &Draft, setting: &Setting) -> Option<Line> {
        let is_own = self.has_own_input(draft)?;
        if !is_own && !setting.is_input_whole() {
            return None;
        }
        if !is_own && let Some(Output::Paths(paths)) = &setting.input {
            return Some(Line::Path(as_lines(paths.first()?)));
        }
        let Input::Text(text) = self.given_text(draft, setting) else {
            return None;
        };
        let text = text.literal()?;
        Some(Line::Text(text.split('\n').next()?.to_owned()))
    }

    /// Returns whether `draft` reads from a text or stream of its own; nothing if
    /// that is a file, which something else may have written.
    fn has_own_input(&self, draft: &Draft) -> Option<bool> {
        let Some(input) = draft.redirections.iter().rfind(|it| it.is_input()) else {
            return Some(false);
        };
        let is_known = input.kind == RedirectionKind::Text || self.stream(&input.target).is_some();
        is_known.then_some(true)
    }

    /// Returns the characters at which `draft` splits what it reads.
    fn separators_of(&self, draft: &Draft) -> Option<String> {
        let mut assigned = draft.assignments.iter().rev();
        match assigned.find(|assignment| assignment.name == "IFS") {
            Some(assignment) => assignment.value.literal(),
            None => self.separators(),
        }
    }
}

fn literal(text: &str) -> Word {
    Word {
        parts: vec![WordPart::Literal(text.to_owned())],
        ..Word::default()
    }
}

/// Returns the fields of a line: as many as `count`, of which the last one keeps
/// what is left, or all.
fn fields(line: &str, separators: &str, count: Option<usize>) -> Option<Vec<Word>> {
    let is_blank = |c: char| separators.contains(c) && matches!(c, ' ' | '\t' | '\n');
    let is_mark = |c: char| separators.contains(c) && !is_blank(c);
    let mut rest = line.trim_matches(is_blank);
    if rest.ends_with(is_mark) {
        // Whether such a mark ends a field or belongs to it depends on how many there are.
        return None;
    }
    let mut fields = Vec::new();
    while !rest.is_empty() {
        if count.is_some_and(|count| fields.len() + 1 >= count) {
            fields.push(literal(rest));
            break;
        }
        let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
        let (field, after) = rest.split_at_checked(end)?;
        fields.push(literal(field));
        let after = after.trim_start_matches(is_blank);
        let after = after.strip_prefix(is_mark).unwrap_or(after);
        rest = after.trim_start_matches(is_blank);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str, separators: &str, count: Option<usize>) -> Option<Vec<String>> {
        let fields = fields(line, separators, count)?;
        fields.iter().map(Word::literal).collect()
    }

    #[test]
    fn the_last_name_gets_what_is_left() {
        let blanks = " \t\n";
        let owned = |fields: &[&str]| Some(fields.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(split(" a  b c ", blanks, Some(2)), owned(&["a", "b c"]));
        assert_eq!(split("a", blanks, Some(2)), owned(&["a"]));
        assert_eq!(split(" a b ", "", Some(1)), owned(&[" a b "]));
        assert_eq!(split("a : b::c", ": ", None), owned(&["a", "b", "", "c"]));
        assert_eq!(split("a:b:", ":", Some(2)), None);
        assert_eq!(split("", blanks, None), owned(&[]));
    }
}
