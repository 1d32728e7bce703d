//! Follows the working directory.

use std::rc::Rc;

use aegis_types::{Directory, UnknownCause, Word, WordPart};

use super::Draft;
use crate::surroundings::{Places, Value};
use crate::walk::Walk;

impl Walk<'_> {
    /// Follows `cd`, `pushd` or `popd`.
    pub(super) fn move_directory(&mut self, name: &str, draft: &Draft) {
        let arguments = draft.words.get(1..).unwrap_or_default();
        let mut own = draft.assignments.iter();
        let has_search = own.any(|assignment| assignment.name == "CDPATH")
            || self.around.value("CDPATH").is_some();
        match name {
            "pushd" => self.push_directory(arguments, has_search),
            "popd" => self.pop_directory(arguments),
            _ => self.change_directory(arguments, has_search),
        }
    }

    fn change_directory(&mut self, arguments: &[Word], has_search: bool) {
        let mut operands = Vec::new();
        let mut is_physical = false;
        for word in arguments {
            match word.literal().as_deref() {
                Some("-P") => is_physical = true,
                Some("-L" | "-e" | "-@" | "--") if operands.is_empty() => {}
                _ => operands.push(word),
            }
        }
        let places = self.around.places().clone();
        let target = match operands.as_slice() {
            [] => self.home_directory(),
            [word] if word.literal().as_deref() == Some("-") => places
                .previous
                .as_deref()
                .cloned()
                .unwrap_or(Directory::Unknown),
            [word] => self.reached(&places.current, word, is_physical, has_search),
            _ => Directory::Unknown,
        };
        self.around.set_places(Places {
            current: Rc::new(target),
            previous: Some(places.current),
            stack: places.stack,
        });
    }

    fn push_directory(&mut self, arguments: &[Word], has_search: bool) {
        let [word] = arguments else {
            return self.around.move_to_unknown();
        };
        if crate::option::first_text(word).starts_with(['+', '-']) {
            return self.around.move_to_unknown();
        }
        let mut places = self.around.places().clone();
        let target = self.reached(&places.current, word, false, has_search);
        let before = std::mem::replace(&mut places.current, Rc::new(target));
        if places.stack.len() >= STACK_MAX {
            // What is popped beyond the others is unknown.
            places.stack.remove(0);
        }
        places.stack.push(Rc::clone(&before));
        places.previous = Some(before);
        self.around.set_places(places);
    }

    fn pop_directory(&mut self, arguments: &[Word]) {
        let mut places = self.around.places().clone();
        let target = places.stack.pop().filter(|_| arguments.is_empty());
        let target = target.unwrap_or_else(|| Rc::new(Directory::Unknown));
        places.previous = Some(std::mem::replace(&mut places.current, target));
        self.around.set_places(places);
    }

    fn home_directory(&self) -> Directory {
        match self.around.value("HOME") {
            None => Directory::Moved("~".to_owned()),
            Some(Value::Parts(parts)) => match parts.as_ref() {
                [WordPart::Literal(path)] => join(&self.around.places().current, path),
                _ => Directory::Unknown,
            },
            Some(Value::Elements(_) | Value::Unset | Value::Either(_) | Value::Unknown) => {
                Directory::Unknown
            }
        }
    }

    fn reached(
        &mut self,
        from: &Directory,
        word: &Word,
        is_physical: bool,
        has_search: bool,
    ) -> Directory {
        let Some(path) = path_text(word) else {
            return Directory::Unknown;
        };
        let first = path.split('/').next().unwrap_or_default();
        let is_searched = !matches!(first, "" | "." | "..") && !path.starts_with('~');
        if is_physical && path.contains("..") {
            return Directory::Unknown;
        }
        if is_searched && has_search {
            // Which folder has such a name, only the file system shows.
            let construct = UnknownCause::Construct("CDPATH".to_owned());
            self.note(word.span, construct);
            return Directory::Unknown;
        }
        join(from, &path)
    }
}

/// Returns the directory that `word` names, seen from `from`.
pub(super) fn from_word(from: &Directory, word: &Word) -> Directory {
    path_text(word).map_or(Directory::Unknown, |path| join(from, &path))
}

/// Returns the path of the file that `word` names, seen from the start of the text.
pub(crate) fn path_from(from: &Directory, word: &Word) -> Option<String> {
    let start = Directory::Start;
    let (from, mark) = match from {
        // Two names there mean one file, whatever folder it is.
        Directory::Unknown => (&start, "?/"),
        Directory::Start | Directory::Moved(_) => (from, ""),
    };
    match from_word(from, word) {
        Directory::Moved(path) if !path.starts_with("/dev/") => {
            let mark = if path.starts_with(['/', '~']) {
                ""
            } else {
                mark
            };
            Some(format!("{mark}{}", without_steps_back(&path)))
        }
        Directory::Moved(_) | Directory::Start | Directory::Unknown => None,
    }
}

/// Returns a path in which no `..` follows a name.
fn without_steps_back(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match kept.last() {
            Some(last) if component == ".." && !matches!(*last, "" | ".." | "~") => {
                kept.pop();
            }
            _ => kept.push(component),
        }
    }
    kept.join("/")
}

/// Returns the path a word gives, with `~` for a home directory.
fn path_text(word: &Word) -> Option<String> {
    match word.parts.split_first()? {
        (WordPart::Home(user), rest) => {
            let mut path = format!("~{}", user.as_deref().unwrap_or_default());
            for part in rest {
                match part {
                    WordPart::Literal(text) => path.push_str(text),
                    WordPart::Pattern(_)
                    | WordPart::Home(_)
                    | WordPart::Stream(_)
                    | WordPart::Unknown(_) => return None,
                }
            }
            Some(path)
        }
        (WordPart::Unknown(cause), rest) if is_start(cause) => {
            let mut path = String::new();
            for part in rest {
                match part {
                    WordPart::Literal(text) => path.push_str(text),
                    WordPart::Pattern(_)
                    | WordPart::Home(_)
                    | WordPart::Stream(_)
                    | WordPart::Unknown(_) => return None,
                }
            }
            // The directory of the start is where relative paths begin.
            path.strip_prefix('/').map_or_else(
                || path.is_empty().then(|| START.to_owned()),
                |rest| Some(format!("{START}/{rest}")),
            )
        }
        (
            WordPart::Literal(_)
            | WordPart::Pattern(_)
            | WordPart::Stream(_)
            | WordPart::Unknown(_),
            _,
        ) => {
            let text = word.literal()?;
            // A folder whose name is a tilde is no home directory.
            Some(if text.starts_with('~') {
                format!("./{text}")
            } else {
                text
            })
        }
    }
}

/// The longest path of a directory that is followed.
const PATH_BYTES_MAX: usize = 1_024;

/// The most directories that `pushd` left and that are remembered.
const STACK_MAX: usize = 16;

/// Marks a path that begins at the start whatever directory is current.
const START: &str = "\u{0}";

fn is_start(cause: &UnknownCause) -> bool {
    matches!(cause, UnknownCause::Variable(name) if name == "PWD")
}

/// Returns the directory reached by `path` from `from`, as the shell joins them: by name.
fn join(from: &Directory, path: &str) -> Directory {
    if let Some(rest) = path.strip_prefix(START) {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        return join(&Directory::Start, rest);
    }
    if path.starts_with(['/', '~']) {
        return bounded(tidy(path));
    }
    match from {
        Directory::Unknown => Directory::Unknown,
        Directory::Start => from_start(tidy(path)),
        Directory::Moved(before) => from_start(tidy(&format!("{before}/{path}"))),
    }
}

fn from_start(path: String) -> Directory {
    if path.is_empty() || path == "." {
        Directory::Start
    } else {
        bounded(path)
    }
}

/// Returns the directory at `path`. Every command there holds a copy of it.
fn bounded(path: String) -> Directory {
    if path.len() > PATH_BYTES_MAX {
        Directory::Unknown
    } else {
        Directory::Moved(path)
    }
}

/// Removes empty components and `.`.
///
/// `..` stays: whether the component before it exists, so that the move
/// succeeds at all, only the file system can tell.
fn tidy(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let is_home = path.starts_with('~');
    let components = path.split('/');
    let kept: Vec<&str> = components
        .filter(|component| !matches!(*component, "" | "."))
        .collect();
    let joined = kept.join("/");
    if is_absolute {
        format!("/{joined}")
    } else if joined.starts_with('~') && !is_home {
        format!("./{joined}")
    } else {
        joined
    }
}
