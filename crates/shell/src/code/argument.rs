//! The arguments of what code calls.

use aegis_types::{Access, Word};

use super::path_word;
use super::token::Token;
use crate::quote::in_quotes;

/// The tokens of one argument.
#[derive(Debug)]
pub(super) struct Argument<'t> {
    tokens: &'t [Token<'t>],
}

/// Returns the arguments that follow the name of what is called: those in
/// parentheses, else those up to the end of the statement.
pub(super) fn arguments<'t>(rest: &'t [Token<'t>]) -> Vec<Argument<'t>> {
    // Between the name and its arguments may stand what the language adds.
    let start = rest
        .iter()
        .take_while(|token| matches!(token, Token::Sign('!' | '.')))
        .count();
    let rest = rest.get(start..).unwrap_or_default();
    let is_closed = matches!(rest.first(), Some(Token::Sign('(')));
    let rest = rest.get(usize::from(is_closed)..).unwrap_or_default();
    let mut depth = 0_u32;
    let mut found = Vec::new();
    let mut start = 0;
    for (index, token) in rest.iter().enumerate() {
        let ends = match token {
            Token::Sign('(' | '[' | '{') => {
                depth += 1;
                false
            }
            Token::Sign(')' | ']' | '}') if depth > 0 => {
                depth -= 1;
                false
            }
            Token::Sign(')') => true,
            Token::Sign(']' | '}' | ';' | '\n') => !is_closed && depth == 0,
            Token::Sign(',') if depth == 0 => {
                push(rest, start..index, &mut found);
                start = index + 1;
                false
            }
            Token::Name { .. } | Token::Text(_) | Token::Line(_) | Token::Sign(_) => false,
        };
        if ends {
            push(rest, start..index, &mut found);
            return found;
        }
    }
    push(rest, start..rest.len(), &mut found);
    found
}

fn push<'t>(tokens: &'t [Token<'t>], range: std::ops::Range<usize>, found: &mut Vec<Argument<'t>>) {
    if let Some(tokens) = tokens.get(range).filter(|tokens| !tokens.is_empty()) {
        found.push(Argument { tokens });
    }
}

/// Returns whether a name is followed by the one thing that is asked of it.
pub(super) fn is_one_of(rest: &[Token<'_>]) -> bool {
    matches!(
        rest,
        [Token::Sign('['), ..]
            | [Token::Sign('('), Token::Text(_), ..]
            | [Token::Sign('.'), Token::Name { .. }, ..]
    )
}

/// Returns whether the text at `index` is joined to the name of a home folder.
pub(super) fn follows_home(tokens: &[Token<'_>], index: usize) -> bool {
    let before = tokens
        .get(index.saturating_sub(6)..index)
        .unwrap_or_default();
    let mut before = before.iter().rev();
    // Only signs that join and close may stand between.
    let mut is_joined = false;
    for token in &mut before {
        match token {
            Token::Sign('+' | ')' | '(' | ']' | '.') => is_joined = true,
            Token::Sign(',') => is_joined = true,
            Token::Text(text) => return text == "HOME",
            Token::Name { name, owner } => {
                let is_home = |text: &str| matches!(text, "HOME" | "home" | "homedir");
                return is_joined && (is_home(name) || owner.split('.').any(is_home));
            }
            Token::Line(_) | Token::Sign(_) => return false,
        }
    }
    false
}

/// Returns the path below a home folder to which the text at `index` is the
/// first of several joined with `/`, as in `Path.home() / '.ssh' / 'id'`.
pub(super) fn joined_to_home(tokens: &[Token<'_>], index: usize) -> Option<String> {
    let before = tokens.get(index.saturating_sub(4)..index)?;
    let is_home = match before {
        [
            ..,
            Token::Name { name, owner },
            Token::Sign('('),
            Token::Sign(')'),
            Token::Sign('/'),
        ] => *name == "home" && owner.ends_with("Path"),
        _ => false,
    };
    let mut path = String::new();
    let mut rest = tokens.get(index..).filter(|_| is_home)?;
    while let [Token::Text(step), after @ ..] = rest {
        path.push('/');
        path.push_str(step);
        rest = match after {
            [Token::Sign('/'), more @ ..] => more,
            _ => break,
        };
    }
    Some(path)
}

/// Returns what is given to something that runs commands as one command line.
///
/// Several texts are the words of a command; one is a command line.
pub(super) fn command_line(arguments: &[Argument<'_>]) -> Option<String> {
    let mut words = Vec::new();
    let mut is_list = false;
    for argument in arguments {
        is_list |= matches!(argument.tokens.first(), Some(Token::Sign('[')));
        argument.words(&mut words);
    }
    match words.as_slice() {
        [] => None,
        [line] if !is_list => Some(line.clone()),
        words => {
            let quoted: Vec<String> = words.iter().map(|word| in_quotes(word)).collect();
            Some(quoted.join(" "))
        }
    }
}

/// Returns what follows the sign with which a command is opened as a pipe.
pub(super) fn piped<'a, 't>(arguments: &'a [Argument<'t>]) -> Option<&'a [Argument<'t>]> {
    let is_sign = |argument: &Argument<'_>| matches!(argument.tokens, [Token::Text(text)] if matches!(text.trim(), "-|" | "|-"));
    let at = arguments.iter().position(is_sign)?;
    arguments.get(at + 1..)
}

/// Returns how a file is opened, by the letters or signs that say it.
pub(super) fn mode(arguments: &[Argument<'_>]) -> Option<Access> {
    arguments.iter().find_map(|argument| {
        argument.tokens.iter().find_map(|token| match token {
            Token::Text(text) => mode_of(text),
            Token::Name { .. } | Token::Line(_) | Token::Sign(_) => None,
        })
    })
}

fn mode_of(text: &str) -> Option<Access> {
    let letters = text.trim();
    if letters.is_empty() || text.len() > 16 {
        return None;
    }
    let sign = letters.trim_end_matches(|character: char| character != '>' && character != '<');
    match sign {
        ">" | ">>" | "+>" | "+<" => return Some(Access::WRITE),
        "<" => return Some(Access::READ),
        _ => {}
    }
    let is_mode = letters.chars().all(|letter| "rwaxbtU+".contains(letter)) && text.len() <= 4;
    let writes = letters.contains(['w', 'a', 'x', '+']);
    is_mode.then_some(if writes { Access::WRITE } else { Access::READ })
}

impl<'t> Argument<'t> {
    /// Adds the texts that are words of a command: not those that name an option
    /// of the call.
    fn words(&self, words: &mut Vec<String>) {
        let is_object = matches!(self.tokens.first(), Some(Token::Sign('{')));
        let is_named = matches!(
            self.tokens,
            [Token::Name { .. }, Token::Sign('=' | ':'), ..]
        );
        let gives_words = matches!(
            self.tokens,
            [
                Token::Name {
                    name: "args" | "cmd" | "command",
                    ..
                },
                ..
            ]
        );
        if is_object || is_named && !gives_words {
            return;
        }
        for token in self.tokens {
            if let Token::Text(text) | Token::Line(text) = token {
                words.push(text.clone());
            }
        }
    }

    /// Returns the text with which an argument ends.
    pub(super) fn last_text(&self) -> Option<&'t str> {
        match self.tokens {
            [.., Token::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the paths that an argument names, and whether each is a command line.
    pub(super) fn paths(&self) -> Vec<(Word, bool)> {
        let texts = self.tokens.iter().enumerate();
        texts
            .filter_map(|(index, token)| match token {
                Token::Text(text) => self.path(index, text),
                Token::Name { .. } | Token::Line(_) | Token::Sign(_) => None,
            })
            .collect()
    }

    fn path(&self, index: usize, text: &str) -> Option<(Word, bool)> {
        let trimmed = text.trim();
        // Perl and Ruby open what begins or ends with a bar as a command.
        let line = trimmed.strip_prefix('|').or_else(|| {
            let line = trimmed.strip_suffix('|')?;
            Some(line).filter(|line| !line.is_empty())
        });
        if let Some(line) = line {
            return Some((path_word(line, false), true));
        }
        let path = trimmed.trim_start_matches(['<', '>', '+']).trim_start();
        let is_path = !path.is_empty()
            && path.len() < 4096
            && mode_of(text).is_none()
            && !path.contains("://")
            && !path.contains('\n')
            && !matches!(path, "utf8" | "utf-8" | "HOME" | "ignore" | "binary");
        let is_joined = path.starts_with('/') && follows_home(self.tokens, index);
        is_path.then(|| (path_word(path, is_joined), false))
    }
}
