//! A command line, as far as a transformation has to know it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The words that are no programs, and of which some take no other spelling.
const NO_PROGRAMS: &[&str] = &[
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "case",
    "cd",
    "command",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
];

/// What a shell that is not bash does not know.
const ONLY_BASH: &[&str] = &[
    "[[",
    "<(",
    ">(",
    "<<<",
    "$'",
    "&>",
    ">&",
    "|&",
    "((",
    "+=",
    "{",
    "==",
    "function ",
    "source ",
    "/dev/tcp",
    "/dev/udp",
    "shopt",
    "coproc",
    "declare",
    "echo -",
    "$\"",
    "set -o",
    "history",
];

/// Where a command line is run.
pub struct Place {
    /// The home folder, as it is spelled there.
    pub home: String,
    /// Where the home folder can be looked at; nowhere if all is taken to exist.
    pub home_at: Option<PathBuf>,
    /// Where the working directory can be looked at.
    pub directory: PathBuf,
}

/// A command line.
pub struct Line<'a> {
    /// Its text.
    pub text: &'a str,
    place: Option<&'a Place>,
}

impl<'a> Line<'a> {
    /// Returns the line with this text, where every path exists that it names.
    pub const fn new(text: &'a str) -> Self {
        Self { text, place: None }
    }

    /// Returns the line with this text as it stands at `place`.
    pub const fn at(text: &'a str, place: &'a Place) -> Self {
        let place = Some(place);
        Self { text, place }
    }

    /// Returns the home folder.
    pub fn home(&self) -> &str {
        self.place.map_or("/home/ada", |place| &place.home)
    }

    /// Reports whether a path without quotes is there.
    pub fn exists(&self, path: &str) -> bool {
        self.located(path)
            .is_none_or(|path| path.symlink_metadata().is_ok())
    }

    /// Reports whether a path without quotes is a folder and no link.
    pub fn is_folder(&self, path: &str) -> bool {
        let is_folder = |path: PathBuf| path.symlink_metadata().is_ok_and(|found| found.is_dir());
        self.located(path).is_none_or(is_folder)
    }

    /// Returns the names in the folder of a path, its own among them.
    pub fn siblings(&self, path: &str) -> Vec<String> {
        let located = self.located(path);
        let entries = located.and_then(|path| fs::read_dir(path.parent()?).ok());
        let names = entries.into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// Returns where a path can be looked at; nothing if all is taken to exist.
    fn located(&self, path: &str) -> Option<PathBuf> {
        let place = self.place?;
        let home_at = place.home_at.as_ref()?;
        let below = |home: &str| path.strip_prefix(home).filter(|rest| is_end(rest));
        Some(match below("~").or_else(|| below(&place.home)) {
            Some(rest) => home_at.join(rest.trim_start_matches('/')),
            None => place.directory.join(Path::new(path)),
        })
    }

    /// Returns the words of a simple command as they are spelled.
    pub fn words(&self) -> Option<Vec<&'a str>> {
        if !self.is_simple() {
            return None;
        }
        let mut words = Vec::new();
        let mut rest = self.text.trim_start_matches(' ');
        while !rest.is_empty() {
            let (word, after) = rest.split_at_checked(word_end(rest))?;
            words.push(word);
            rest = after.trim_start_matches([' ', '\t']);
        }
        Some(words)
    }

    /// Returns the program that the line begins with, and what follows it.
    pub fn program(&self) -> Option<(&'a str, &'a str)> {
        let end = self.text.find([' ', '\n']).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at_checked(end)?;
        let is_name = word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.len() > 1
            && word
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "._-".contains(char));
        (is_name && !NO_PROGRAMS.contains(&word)).then_some((word, rest))
    }

    /// Reports whether the line is a single command without redirections or
    /// substitutions, that begins with a program.
    pub fn is_simple(&self) -> bool {
        let mut quote = None;
        let mut chars = self.text.chars();
        while let Some(char) = chars.next() {
            match (quote, char) {
                (_, '\n' | '`') => return false,
                (Some('\''), '\'') | (Some('"'), '"') => quote = None,
                (Some('\''), _) => {}
                (_, '\\') => {
                    chars.next();
                }
                (_, '$') if chars.as_str().starts_with(['(', '\'', '"']) => return false,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(char),
                (None, ';' | '&' | '|' | '<' | '>' | '(' | ')' | '#') => return false,
                (None, _) => {}
            }
        }
        quote.is_none() && self.program().is_some()
    }

    /// Returns the words of a simple command in which every character stands for itself.
    pub fn plain_words(&self) -> Option<Vec<&'a str>> {
        let is_plain = self
            .text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_@%+=:,./- ".contains(char));
        let words: Vec<&str> = self.text.split(' ').collect();
        let is_spaced = words.iter().all(|word| !word.is_empty());
        (is_plain && is_spaced && self.program().is_some()).then_some(words)
    }

    /// Reports whether something can follow the line on the same line.
    pub fn can_be_followed(&self) -> bool {
        !self.text.contains(['\n', '#'])
            && !self.text.contains("<<")
            && !self.text.trim_end().ends_with(['&', ';', '\\'])
            && !self.text.is_empty()
    }

    /// Reports whether `sh` reads the line as bash does.
    pub fn is_posix(&self) -> bool {
        !ONLY_BASH.iter().any(|only| self.text.contains(only))
    }

    /// Reports whether the text is one line of printable characters.
    pub fn is_one_line(&self) -> bool {
        self.text.chars().all(|char| (' '..='~').contains(&char))
    }

    /// Returns the text as hexadecimal digits, each byte after `prefix`.
    pub fn hex(&self, prefix: &str) -> String {
        let mut text = String::new();
        for byte in self.text.bytes() {
            // Writing to a string does not fail.
            let _ = write!(text, "{prefix}{byte:02x}");
        }
        text
    }

    /// Returns the text as three octal digits for each byte, each after `prefix`.
    pub fn octal(&self, prefix: &str) -> String {
        let mut text = String::new();
        for byte in self.text.bytes() {
            // Writing to a string does not fail.
            let _ = write!(text, "{prefix}{byte:03o}");
        }
        text
    }

    /// Returns the text as base64.
    pub fn base64(&self) -> String {
        base64(self.text.as_bytes())
    }

    /// Returns the text as gzip keeps what it cannot make shorter, in base64.
    pub fn packed(&self) -> String {
        let bytes = self.text.as_bytes();
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(bytes);
        packed.extend(crc32(bytes).to_le_bytes());
        packed.extend(u32::from(length).to_le_bytes());
        base64(&packed)
    }

    /// Returns the text backwards.
    pub fn reversed(&self) -> String {
        self.text.chars().rev().collect()
    }

    /// Returns the text with its letters thirteen places on.
    pub fn rotated(&self) -> String {
        let turn = |char: char| match char {
            'a'..='m' | 'A'..='M' => char::from(char as u8 + 13),
            'n'..='z' | 'N'..='Z' => char::from(char as u8 - 13),
            _ => char,
        };
        self.text.chars().map(turn).collect()
    }

    /// Returns the text as it stands between the double quotes of a program text.
    pub fn escaped(&self, special: &str) -> String {
        let mut text = String::new();
        for char in self.text.chars() {
            match char {
                '\n' => text.push_str("\\n"),
                char if char == '\\' || char == '"' || special.contains(char) => {
                    text.push('\\');
                    text.push(char);
                }
                char => text.push(char),
            }
        }
        text
    }
}

/// Reports whether a name ends before this rest of a path.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Returns where the first word of a simple command ends.
fn word_end(text: &str) -> usize {
    let mut quote = None;
    let mut is_escaped = false;
    for (place, char) in text.char_indices() {
        match (quote, char) {
            _ if is_escaped => is_escaped = false,
            (None | Some('"'), '\\') => is_escaped = true,
            (Some(open), char) if open == char => quote = None,
            (None, '\'' | '"') => quote = Some(char),
            (None, ' ' | '\t') => return place,
            _ => {}
        }
    }
    text.len()
}

/// Reports whether every character of a word stands for itself wherever it stands.
pub fn is_plain(word: &str) -> bool {
    let mut chars = word.chars();
    !word.is_empty()
        && chars.all(|char| char.is_ascii_alphanumeric() || "_@%+=:,./-".contains(char))
}

/// Returns `text` in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = sum & 1 == 1;
            sum >>= 1;
            if is_odd {
                sum ^= 0xedb8_8320;
            }
        }
    }
    !sum
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let at = |place: usize| u32::from(part.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            let is_filled = place <= part.len();
            let digit = DIGITS.get(digit).copied().filter(|_| is_filled);
            text.push(char::from(digit.unwrap_or(b'=')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_filled_up() {
        let check = |text: &str, expected: &str| assert_eq!(Line::new(text).base64(), expected);
        check("", "");
        check("a", "YQ==");
        check("ab", "YWI=");
        check("abc", "YWJj");
    }

    #[test]
    fn words_are_parted_where_the_shell_parts_them() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(Line::new(text).words().as_deref(), Some(expected), "{text}");
        };
        check("rm -f a", &["rm", "-f", "a"]);
        check("rm  'a b'\\''c'  d\\ e", &["rm", "'a b'\\''c'", "d\\ e"]);
        check("rm \"a \\\" b\" c", &["rm", "\"a \\\" b\"", "c"]);
    }

    #[test]
    fn only_a_single_command_is_simple() {
        let check = |text: &str, expected: bool| {
            assert_eq!(Line::new(text).is_simple(), expected, "{text}");
        };
        check("rm -rf 'a b' \"$HOME/c\"", true);
        check("rm 'a;b' c\\;d", true);
        check("rm a; rm b", false);
        check("rm $(cat a)", false);
        check("rm \"$(cat a)\"", false);
        check("rm a > b", false);
        check("cd a", false);
        check("X=1 rm a", false);
    }
}
