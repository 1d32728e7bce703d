//! Names that stand for a text.

use std::collections::BTreeMap;

use super::Tongue;
use super::fold::{At, Given, Made};
use super::token::Token;

/// How many names are remembered.
const NAMES_MAX: usize = 64;

/// The names that were given a text so far.
pub(super) struct Names {
    tongue: Tongue,
    texts: BTreeMap<String, String>,
    /// The variables of the environment that may stand within texts.
    environment: Given,
}

impl Names {
    /// Returns the names that are known before the code begins.
    pub(super) fn new(tongue: Tongue, given: &Given) -> Self {
        let texts = if tongue == Tongue::Awk {
            given.clone()
        } else {
            Given::new()
        };
        let mut environment = Given::new();
        if tongue == Tongue::Perl {
            environment.insert("HOME".to_owned(), "~".to_owned());
            environment.extend(given.clone());
        }
        Self {
            tongue,
            texts,
            environment,
        }
    }

    /// Notes what a name is given here: `name = text`, or `name += text`.
    pub(super) fn learn(&mut self, at: At<'_, '_>) {
        let [Token::Name { name, owner: "" }, rest @ ..] = at.rest else {
            return;
        };
        match rest {
            [Token::Sign('='), Token::Sign('=' | '~' | '>'), ..] => {}
            [Token::Sign('='), Token::Text(text), after @ ..]
            | [
                Token::Sign(':'),
                Token::Sign('='),
                Token::Text(text),
                after @ ..,
            ] if is_end(after) && self.texts.len() < NAMES_MAX => {
                self.texts.insert((*name).to_owned(), text.clone());
            }
            [
                Token::Sign('+' | '.'),
                Token::Sign('='),
                Token::Text(text),
                ..,
            ] => {
                if let Some(known) = self.texts.get_mut(*name) {
                    known.push_str(text);
                }
            }
            [Token::Sign('='), ..] => {
                self.texts.remove(*name);
            }
            _ => {}
        }
    }

    /// Returns the text that a name stands for where it is used, or a text with
    /// the names in it written out.
    pub(super) fn stands_for(&self, at: At<'_, '_>) -> Option<(Made, usize)> {
        let (name, rest) = match at.rest {
            [Token::Name { name, owner: "" }, rest @ ..] => (*name, rest),
            [Token::Text(text), ..] => {
                return Some((Made::Text(self.written_out(text)?), 1));
            }
            _ => return None,
        };
        let is_property = matches!(at.before, Some(Token::Sign('.')));
        let is_declared = matches!(
            at.before,
            Some(Token::Name {
                name: "my" | "our" | "let" | "const" | "var" | "local" | "def" | "function" | "for",
                ..
            })
        );
        let is_given = match rest {
            [Token::Sign('='), Token::Sign('='), ..] => false,
            [Token::Sign('='), ..] | [Token::Sign('+' | '.'), Token::Sign('='), ..] => true,
            [Token::Sign(':'), Token::Sign('='), ..] => true,
            [Token::Sign(':'), ..] => self.tongue == Tongue::Script,
            [Token::Sign('('), ..] => self.tongue != Tongue::Php,
            _ => false,
        };
        if is_property || is_declared || is_given {
            return None;
        }
        let text = self.texts.get(name)?;
        Some((Made::Text(text.clone()), 1))
    }

    /// Returns `text` with the names in it written out; nothing if it holds none.
    fn written_out(&self, text: &str) -> Option<String> {
        if !text.contains(['$', '{']) {
            return None;
        }
        let mut whole = text.to_owned();
        for (name, value) in &self.environment {
            whole = whole.replace(&format!("$ENV{{{name}}}"), value);
        }
        for (name, value) in &self.texts {
            for form in self.forms(name) {
                if whole.contains(&form) {
                    whole = whole.replace(&form, value);
                }
            }
        }
        (whole != text).then_some(whole)
    }

    /// Returns how a name is written within a text.
    fn forms(&self, name: &str) -> Vec<String> {
        match self.tongue {
            Tongue::Perl | Tongue::Php => {
                let bare = name.trim_start_matches('$');
                let forms = [
                    format!("{{${bare}}}"),
                    format!("${{{bare}}}"),
                    name.to_owned(),
                ];
                forms
                    .into_iter()
                    .filter(|_| name.starts_with('$'))
                    .collect()
            }
            Tongue::Script => vec![format!("${{{name}}}")],
            Tongue::Ruby => vec![format!("#{{{name}}}")],
            Tongue::Python => vec![format!("{{{name}}}")],
            Tongue::Lua
            | Tongue::Awk
            | Tongue::Sed
            | Tongue::Editor
            | Tongue::Tcl
            | Tongue::Foreign
            | Tongue::Other => Vec::new(),
        }
    }
}

/// Returns whether a value ends here.
fn is_end(rest: &[Token<'_>]) -> bool {
    match rest.first() {
        None | Some(Token::Name { .. } | Token::Line(_)) => true,
        Some(Token::Sign(sign)) => matches!(sign, ';' | '\n' | ',' | ')' | '}'),
        Some(Token::Text(_)) => false,
    }
}
