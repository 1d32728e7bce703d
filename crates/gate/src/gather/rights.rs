//! Whether `chmod -R` and `chown -R` change anything of what Aegis stands on.
//!
//! A project's rights are put right as a whole (`chmod -R u+rwX .`), and mostly
//! the protected files in it have them already. What stays as it is, is not
//! touched; that is read off the files themselves.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use aegis_shell::{Touched, program_name};
use aegis_types::{Command, Word, WordPart};

use super::resolve::Found;
use super::shell::Line;
use crate::protected::Protected;
use crate::user_database;

/// How many files of one object are looked at; where there are more, it is touched.
const FILES_MAX: usize = 1_024;

/// The bits by which the owner, the group and all others may read, write and enter.
const RIGHTS: u32 = 0o777;

/// What a command makes of the rights of every file.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Rights {
    /// Exactly these.
    Exact(u32),
    /// What each clause says, in order.
    Clauses(Vec<Clause>),
    /// This owner and this group.
    Owner(Option<u32>, Option<u32>),
}

/// A clause of a mode in letters, such as `u+rwX`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Clause {
    /// Whose rights: a bit of each of owner, group and others.
    who: u32,
    /// How they change: `+`, `-` or `=`.
    sign: char,
    /// Which, as the bits of one of these.
    what: u32,
    /// Whether entering is meant only of folders and of what somebody may run.
    only_where_run: bool,
}

/// Returns whether a command that reaches for `found` with everything below it
/// leaves each protected object there as it is.
pub(crate) fn keeps_all(
    line: &Line<'_>,
    command: &Command,
    item: &Touched,
    found: &Found,
    protected: &Protected,
) -> bool {
    if !item.recursive {
        return false;
    }
    let Some((rights, objects)) =
        rights_of(line, command).zip(protected.plainly_below(&found.path, found.identity))
    else {
        return false;
    };
    let mut left = FILES_MAX;
    objects
        .iter()
        .all(|object| is_kept(&object.path, &rights, &mut left))
}

fn is_kept(path: &Path, rights: &Rights, left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return true;
    };
    // A link has no rights, and is not followed.
    if metadata.is_symlink() {
        return true;
    }
    if *left == 0 || !rights.keep(&metadata) {
        return false;
    }
    if !metadata.is_dir() {
        return true;
    }
    fs::read_dir(path).is_ok_and(|entries| {
        entries
            .into_iter()
            .all(|entry| entry.is_ok_and(|entry| is_kept(&entry.path(), rights, left)))
    })
}

fn rights_of(line: &Line<'_>, command: &Command) -> Option<Rights> {
    let is_mode = match program_name(command).as_deref()? {
        "chmod" | "gchmod" => true,
        "chown" | "gchown" => false,
        _ => return None,
    };
    let mut words = command.arguments.iter().filter(|word| {
        let text = word.literal();
        !text.is_some_and(|text| is_plain_option(&text))
    });
    let text = value_of(line, words.next()?)?;
    if text.starts_with('-') {
        return None;
    }
    match is_mode {
        true => mode(&text),
        false => owner(&text),
    }
}

/// Returns whether a word changes nothing of what is done but how far and how loud.
fn is_plain_option(text: &str) -> bool {
    let short = text.strip_prefix('-').filter(|it| !it.is_empty());
    text == "--recursive"
        || short.is_some_and(|it| it.chars().all(|letter| "Rcfv".contains(letter)))
}

/// Returns what a word says, if it is text or the name of whoever is logged in.
fn value_of(line: &Line<'_>, word: &Word) -> Option<String> {
    let parts = word.parts.iter().map(|part| match part {
        WordPart::Literal(text) => Some(text.clone()),
        WordPart::Unknown(aegis_types::UnknownCause::Variable(name))
            if matches!(name.as_str(), "USER" | "LOGNAME") =>
        {
            line.surroundings.variables.get(name).cloned()
        }
        WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => {
            None
        }
    });
    parts.collect()
}

fn mode(text: &str) -> Option<Rights> {
    if let Ok(bits) = u32::from_str_radix(text, 8) {
        return (bits <= RIGHTS).then_some(Rights::Exact(bits));
    }
    text.split(',')
        .map(clause)
        .collect::<Option<_>>()
        .map(Rights::Clauses)
}

fn clause(text: &str) -> Option<Clause> {
    let at = text.find(['+', '-', '='])?;
    let (who, rest) = text.split_at_checked(at)?;
    let mut whose = 0;
    for letter in who.chars() {
        whose |= match letter {
            'u' => 0o100,
            'g' => 0o010,
            'o' => 0o001,
            'a' => 0o111,
            _ => return None,
        };
    }
    let mut letters = rest.chars();
    let sign = letters.next()?;
    let (mut what, mut only_where_run) = (0, false);
    for letter in letters {
        match letter {
            'r' => what |= 4,
            'w' => what |= 2,
            'x' => what |= 1,
            'X' => only_where_run = true,
            _ => return None,
        }
    }
    // Without letters before the sign, what the shell leaves out counts as well.
    (whose != 0).then_some(Clause {
        who: whose,
        sign,
        what,
        only_where_run,
    })
}

fn owner(text: &str) -> Option<Rights> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let known =
        |name: &str, find: fn(&str) -> Option<u32>| name.parse().ok().or_else(|| find(name));
    let user = match user {
        "" => None,
        name => Some(known(name, user_database::number_of)?),
    };
    let group = match group {
        None => None,
        // `ada:` is the group of that user, which the list of users tells.
        Some("") => return None,
        Some(name) => Some(known(name, user_database::group_of)?),
    };
    Some(Rights::Owner(user, group))
}

impl Rights {
    /// Returns whether a file has them already.
    fn keep(&self, metadata: &Metadata) -> bool {
        let before = metadata.permissions().mode() & 0o7777;
        match self {
            Self::Exact(bits) => before == *bits,
            Self::Clauses(clauses) => {
                let after = clauses
                    .iter()
                    .fold(before, |bits, it| it.applied(bits, metadata.is_dir()));
                after == before
            }
            Self::Owner(user, group) => {
                user.is_none_or(|it| it == metadata.uid())
                    && group.is_none_or(|it| it == metadata.gid())
            }
        }
    }
}

impl Clause {
    fn applied(&self, bits: u32, is_folder: bool) -> u32 {
        let runs = self.only_where_run && (is_folder || bits & 0o111 != 0);
        let what = self.who * (self.what | u32::from(runs));
        match self.sign {
            '+' => bits | what,
            '-' => bits & !what,
            _ => bits & !(self.who * 7) | what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_in_letters_says_what_becomes_of_the_bits() {
        let after = |text: &str, bits, is_folder| match mode(text) {
            Some(Rights::Clauses(clauses)) => clauses
                .iter()
                .fold(bits, |bits, it| it.applied(bits, is_folder)),
            other => panic!("{other:?}"),
        };
        assert_eq!(after("u+rwX", 0o644, false), 0o644);
        assert_eq!(after("u+rwX", 0o744, false), 0o744);
        assert_eq!(after("u+rwX", 0o644, true), 0o744);
        assert_eq!(after("go-w,a+r", 0o620, false), 0o644);
        assert_eq!(after("o=", 0o647, false), 0o640);
        assert_eq!(after("g=rX", 0o677, true), 0o657);
    }

    #[test]
    fn a_mode_that_is_not_told_by_its_text_alone_is_none() {
        for text in ["+x", "u+s", "u=g", "4755", "x", ""] {
            assert_eq!(mode(text), None, "{text}");
        }
        assert_eq!(mode("0644"), Some(Rights::Exact(0o644)));
    }
}
