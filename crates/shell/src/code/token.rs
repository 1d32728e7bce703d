//! Cuts code into names, texts and signs, whatever its language.
//!
//! The common languages agree on what a name and a quoted text look like. What
//! they do not agree on (comments, regular expressions, heredocs of their own)
//! may hide a name or show one too many: what code shows is never all it does.

use super::Tongue;
use crate::limit::CODE_TOKENS_MAX;

/// A piece of code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token<'c> {
    /// A name, without what it is a part of: `system` of `os.system`.
    Name {
        /// The name itself.
        name: &'c str,
        /// What stands before it, joined by `.`, `::` or `->`; or nothing.
        owner: &'c str,
    },
    /// A quoted text, escapes resolved.
    Text(String),
    /// A text in quotes that run it as a command line.
    Line(String),
    /// Any other character that is no blank.
    Sign(char),
}

/// Cuts `code` into tokens, as many as are looked at.
pub(super) fn tokens(code: &str, tongue: Tongue) -> Vec<Token<'_>> {
    let mut reader = Reader {
        // The end of the last line is no part of a quote that is left open.
        code: code.strip_suffix('\n').unwrap_or(code),
        at: 0,
        tongue,
    };
    let mut tokens = Vec::new();
    while tokens.len() < CODE_TOKENS_MAX {
        let Some(token) = reader.next() else { break };
        tokens.push(token);
    }
    tokens
}

struct Reader<'c> {
    code: &'c str,
    at: usize,
    tongue: Tongue,
}

impl<'c> Reader<'c> {
    fn rest(&self) -> &'c str {
        self.code.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<Token<'c>> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            if first == '\n' {
                self.at += 1;
                return Some(Token::Sign('\n'));
            }
            if first.is_whitespace() {
                self.at += first.len_utf8();
                continue;
            }
            if self.is_comment(rest) {
                self.at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            return Some(self.token(first, rest));
        }
    }

    /// A sign for comments counts at the start of the code or after a blank.
    fn is_comment(&self, rest: &str) -> bool {
        let before = self
            .code
            .get(..self.at)
            .and_then(|text| text.chars().last());
        before.is_none_or(char::is_whitespace)
            && match self.tongue {
                Tongue::Script => rest.starts_with("//"),
                Tongue::Php => rest.starts_with("//") || rest.starts_with("# "),
                Tongue::Lua => rest.starts_with("--"),
                Tongue::Python
                | Tongue::Perl
                | Tongue::Ruby
                | Tongue::Awk
                | Tongue::Sed
                | Tongue::Editor
                | Tongue::Tcl
                | Tongue::Foreign
                | Tongue::Other => rest.starts_with("# "),
            }
    }

    fn token(&mut self, first: char, rest: &'c str) -> Token<'c> {
        match first {
            '\'' | '"' => Token::Text(self.quoted(first)),
            '`' => {
                let text = self.quoted('`');
                match self.tongue {
                    Tongue::Perl | Tongue::Ruby | Tongue::Php => Token::Line(text),
                    Tongue::Script
                    | Tongue::Python
                    | Tongue::Lua
                    | Tongue::Awk
                    | Tongue::Sed
                    | Tongue::Editor
                    | Tongue::Tcl
                    | Tongue::Foreign
                    | Tongue::Other => Token::Text(text),
                }
            }
            _ if is_name_start(first) => self.name(rest),
            '%' if rest.starts_with("%x") && self.tongue == Tongue::Ruby => self.bracketed(2),
            _ => {
                self.at += first.len_utf8();
                Token::Sign(first)
            }
        }
    }

    fn name(&mut self, rest: &'c str) -> Token<'c> {
        let mut end = name_length(rest);
        if matches!(rest.get(..end), Some("qx")) && self.tongue == Tongue::Perl {
            return self.bracketed(2);
        }
        let mut start_of_last = 0;
        // Joined names are one, up to the last: `Net::HTTP.get`.
        while let Some(joint) = self.joint_length(rest.get(end..).unwrap_or_default()) {
            let next = rest.get(end + joint..).unwrap_or_default();
            if !next.starts_with(is_name_start) {
                break;
            }
            start_of_last = end + joint;
            end = start_of_last + name_length(next);
        }
        self.at += end;
        Token::Name {
            name: rest.get(start_of_last..end).unwrap_or_default(),
            owner: rest
                .get(..start_of_last)
                .unwrap_or_default()
                .trim_end_matches(['.', ':', '>', '-', '?']),
        }
    }

    /// Returns the length of what joins names, if `text` begins with that.
    fn joint_length(&self, text: &str) -> Option<usize> {
        let joints: &[&str] = match self.tongue {
            // A point joins texts here.
            Tongue::Perl | Tongue::Php => &["::", "->"],
            Tongue::Python
            | Tongue::Script
            | Tongue::Ruby
            | Tongue::Lua
            | Tongue::Awk
            | Tongue::Sed
            | Tongue::Editor
            | Tongue::Tcl
            | Tongue::Foreign
            | Tongue::Other => &["::", "->", "?.", "."],
        };
        let mut joints = joints.iter();
        let joint = joints.find(|joint| text.starts_with(**joint))?;
        Some(joint.len())
    }

    /// Reads `qx{…}` or `%x(…)`, whose mark takes `length` bytes.
    fn bracketed(&mut self, length: usize) -> Token<'c> {
        let rest = self.rest();
        let inner = rest.get(length..).unwrap_or_default().trim_start();
        let Some(open) = inner.chars().next() else {
            self.at += rest.len();
            return Token::Line(String::new());
        };
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            other => other,
        };
        let text = inner.get(open.len_utf8()..).unwrap_or_default();
        let end = text.find(close).unwrap_or(text.len());
        let line = text.get(..end).unwrap_or_default().to_owned();
        let before = rest.len() - inner.len() + open.len_utf8();
        self.at += (before + end + close.len_utf8()).min(rest.len());
        Token::Line(line)
    }

    /// Reads a quoted text; three quotes in a row are one longer quote.
    fn quoted(&mut self, quote: char) -> String {
        let rest = self.rest();
        let triple: String = [quote; 3].iter().collect();
        if quote != '`' && rest.starts_with(&triple) {
            let inner = rest.get(3..).unwrap_or_default();
            let end = inner.find(&triple).unwrap_or(inner.len());
            self.at += (3 + end + 3).min(rest.len());
            return inner.get(..end).unwrap_or_default().to_owned();
        }
        let mut text = String::new();
        let mut characters = rest.char_indices().skip(1);
        let mut end = rest.len();
        while let Some((index, character)) = characters.next() {
            if character == quote {
                end = index + 1;
                break;
            }
            if character == '\\' {
                match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((at, 'x')) => text.push(hexadecimal(rest, at + 1, &mut characters)),
                    Some((_, escaped)) => text.push(escaped),
                    None => {}
                }
                continue;
            }
            text.push(character);
        }
        self.at += end;
        text
    }
}

/// Reads the two digits after `\x`.
fn hexadecimal(
    text: &str,
    at: usize,
    characters: &mut impl Iterator<Item = (usize, char)>,
) -> char {
    let digits = text.get(at..at + 2).unwrap_or_default();
    match u8::from_str_radix(digits, 16) {
        Ok(code) => {
            characters.next();
            characters.next();
            char::from(code)
        }
        Err(_) => 'x',
    }
}

fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$' | '@')
}

fn name_length(text: &str) -> usize {
    text.char_indices()
        .find(|(index, character)| {
            let goes_on = character.is_alphanumeric() || *character == '_';
            !(goes_on || *index == 0)
        })
        .map_or(text.len(), |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, tongue: Tongue, expected: &str) {
        let shown: Vec<String> = tokens(code, tongue)
            .iter()
            .map(|token| match token {
                Token::Name { name, owner: "" } => (*name).to_owned(),
                Token::Name { name, owner } => format!("{owner}|{name}"),
                Token::Text(text) => format!("'{text}'"),
                Token::Line(line) => format!("`{line}`"),
                Token::Sign(sign) => sign.to_string(),
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "{code}");
    }

    #[test]
    fn names_texts_and_signs_are_told_apart() {
        check(
            "os.system('rm \\x41')",
            Tongue::Python,
            "os|system ( 'rm A' )",
        );
        check(
            "require(\"fs\").rmSync(`a`)",
            Tongue::Script,
            "require ( 'fs' ) . rmSync ( 'a' )",
        );
        check("`ls`; qx{id}", Tongue::Perl, "`ls` ; `id`");
        check(
            "%x(id) + Net::HTTP.get(u)",
            Tongue::Ruby,
            "`id` + Net::HTTP|get ( u )",
        );
        check("x = '''a\nb'''", Tongue::Python, "x = 'a\nb'");
    }

    #[test]
    fn comments_show_nothing() {
        check("# os.system('x')\ny", Tongue::Python, "\n y");
        check("a // b('x')", Tongue::Script, "a");
    }

    #[test]
    fn what_ends_early_is_read_to_its_end() {
        for code in [
            "'", "\"\\", "`x", "qx", "qx{", "%x", "'''", "a.", "a::", "'\\x4", "é.ü",
        ] {
            for tongue in [Tongue::Perl, Tongue::Ruby, Tongue::Python] {
                let _ = tokens(code, tongue);
            }
        }
    }
}
