//! Turning a word of a command line into the paths it may stand for.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_types::{UnknownCause, Word, WordPart};

use crate::surroundings::Surroundings;

/// What a word stands for, as far as can be told without running anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// A path.
    Path(String),
    /// A glob pattern; special characters of other parts are escaped.
    Pattern(String),
    /// Only partly known: the text before the first gap and after the last one.
    Gap {
        /// The text before.
        before: String,
        /// The text after.
        after: String,
        /// Whether the gap leads from a folder to what lies in it.
        is_below: bool,
    },
}

/// A word made ready, and whether its text alone shows what it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shaped {
    /// What it stands for.
    pub(crate) shape: Shape,
    /// Whether a variable of the environment was taken for granted.
    pub(crate) is_assumed: bool,
}

enum Piece {
    Text(String),
    Pattern(String),
    Gap,
    Below,
}

/// Returns what `word` stands for.
pub(crate) fn shape(word: &Word, surroundings: &Surroundings, directory: &Path) -> Shaped {
    let mut is_assumed = false;
    let mut before = "";
    let pieces: Vec<Piece> = word
        .parts
        .iter()
        .map(|part| (std::mem::replace(&mut before, text_in(part)), part))
        .map(|(before, part)| match part {
            WordPart::Literal(text) => Piece::Text(text.clone()),
            WordPart::Pattern(text) => Piece::Pattern(text.clone()),
            WordPart::Home(user) => home(user.as_deref(), surroundings)
                .map_or(Piece::Gap, |home| {
                    Piece::Text(home.to_string_lossy().into_owned())
                }),
            WordPart::Unknown(UnknownCause::Variable(name)) if name == "PWD" => {
                Piece::Text(directory.to_string_lossy().into_owned())
            }
            WordPart::Unknown(UnknownCause::Variable(name)) if name == "HOME" => {
                Piece::Text(surroundings.home.to_string_lossy().into_owned())
            }
            WordPart::Unknown(UnknownCause::Variable(name)) if name == "TMPDIR" => {
                temporary(surroundings)
            }
            // Whichever process of the action it is, its directory is known.
            WordPart::Unknown(UnknownCause::Variable(name))
                if before.ends_with("/proc/") && NUMBERS.contains(&name.as_str()) =>
            {
                is_assumed = true;
                Piece::Text("self".to_owned())
            }
            // Every shell sets this anew with each command.
            WordPart::Unknown(UnknownCause::Variable(name)) if name == "_" => Piece::Gap,
            WordPart::Unknown(UnknownCause::Variable(name)) => {
                is_assumed = true;
                match surroundings.variables.get(name) {
                    // An unquoted value would be split and expanded again.
                    Some(value) if value.contains(['*', '?', '[']) => Piece::Gap,
                    Some(value) => Piece::Text(value.clone()),
                    None => Piece::Gap,
                }
            }
            WordPart::Unknown(UnknownCause::Found) => Piece::Below,
            WordPart::Stream(_) | WordPart::Unknown(_) => Piece::Gap,
        })
        .collect();
    Shaped {
        shape: join(&pieces),
        is_assumed,
    }
}

/// Returns the folder for temporary files.
///
/// A shell that has no `TMPDIR` has nothing there; scripts that use it mean `/tmp`.
fn temporary(surroundings: &Surroundings) -> Piece {
    let folder = surroundings.folder("TMPDIR");
    let folder = folder.unwrap_or_else(|| PathBuf::from("/tmp"));
    Piece::Text(folder.to_string_lossy().trim_end_matches('/').to_owned())
}

/// Parameters that are numbers of processes.
const NUMBERS: [&str; 4] = ["$", "!", "PPID", "BASHPID"];

fn text_in(part: &WordPart) -> &str {
    match part {
        WordPart::Literal(text) | WordPart::Pattern(text) => text,
        WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => "",
    }
}

fn join(pieces: &[Piece]) -> Shape {
    let is_gap = |piece: &Piece| matches!(piece, Piece::Gap | Piece::Below);
    if pieces.iter().any(is_gap) {
        let text_of = |pieces: &mut dyn Iterator<Item = &Piece>| -> Vec<String> {
            pieces
                .take_while(|piece| !is_gap(piece))
                .map(|piece| match piece {
                    Piece::Text(text) | Piece::Pattern(text) => text.clone(),
                    Piece::Gap | Piece::Below => String::new(),
                })
                .collect()
        };
        let before = text_of(&mut pieces.iter()).concat();
        let mut after = text_of(&mut pieces.iter().rev());
        after.reverse();
        return Shape::Gap {
            before,
            after: after.concat(),
            is_below: pieces.iter().filter(|it| is_gap(it)).count() == 1
                && pieces.iter().any(|it| matches!(it, Piece::Below)),
        };
    }
    let has_pattern = pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Pattern(_)));
    let mut joined = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) if has_pattern => push_escaped(&mut joined, text),
            Piece::Text(text) | Piece::Pattern(text) => joined.push_str(text),
            Piece::Gap | Piece::Below => {}
        }
    }
    if has_pattern {
        Shape::Pattern(joined)
    } else {
        Shape::Path(joined)
    }
}

fn push_escaped(pattern: &mut String, text: &str) {
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
}

/// Returns the home directory of `user`, or of the current user.
fn home(user: Option<&str>, surroundings: &Surroundings) -> Option<PathBuf> {
    let Some(user) = user else {
        return Some(surroundings.home.clone());
    };
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let listed = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(user)).then(|| fields.nth(4).map(PathBuf::from))?
    });
    // Accounts of a directory service stand in no file.
    let mut names = ["USER", "LOGNAME"].into_iter();
    let is_own = |name: &str| {
        surroundings
            .variables
            .get(name)
            .is_some_and(|own| own == user)
    };
    listed.or_else(|| names.any(is_own).then(|| surroundings.home.clone()))
}

#[cfg(test)]
mod tests {
    use aegis_types::Span;

    use super::*;

    fn check(parts: &[WordPart], expected: Shape, is_assumed: bool) {
        let surroundings = Surroundings {
            home: PathBuf::from("/home/ada"),
            variables: [("D", "/data"), ("USER", "ada-of-a-service")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Surroundings::default()
        };
        let word = Word {
            span: Span::default(),
            parts: parts.to_vec(),
            ..Word::default()
        };
        let shaped = shape(&word, &surroundings, Path::new("/work"));
        assert_eq!(
            shaped,
            Shaped {
                shape: expected,
                is_assumed
            }
        );
    }

    fn text(text: &str) -> WordPart {
        WordPart::Literal(text.to_owned())
    }

    fn variable(name: &str) -> WordPart {
        WordPart::Unknown(UnknownCause::Variable(name.to_owned()))
    }

    #[test]
    fn a_word_is_a_path_a_pattern_or_has_a_gap() {
        let path = |text: &str| Shape::Path(text.to_owned());
        check(
            &[WordPart::Home(None), text("/x")],
            path("/home/ada/x"),
            false,
        );
        let of = |user: &str| WordPart::Home(Some(user.to_owned()));
        check(
            &[of("ada-of-a-service"), text("/x")],
            path("/home/ada/x"),
            false,
        );
        let unknown = Shape::Gap {
            before: String::new(),
            after: "/x".to_owned(),
            is_below: false,
        };
        check(&[of("nobody-here"), text("/x")], unknown, false);
        check(&[variable("PWD"), text("/x")], path("/work/x"), false);
        check(&[variable("D"), text("/x")], path("/data/x"), true);
        check(
            &[text("a[b]/"), WordPart::Pattern("*.c".to_owned())],
            Shape::Pattern("a\\[b\\]/*.c".to_owned()),
            false,
        );
        let gap = Shape::Gap {
            before: "a/".to_owned(),
            after: "/c".to_owned(),
            is_below: false,
        };
        check(
            &[
                text("a/"),
                variable("NONE"),
                text("b"),
                variable("NONE"),
                text("/c"),
            ],
            gap,
            true,
        );
    }
}
