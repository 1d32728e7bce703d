//! Other spellings of arguments and paths, of which some depend on what is there.

use super::line::{Line, is_plain};
use super::rule::Rewrite;

/// The programs that do the same in every folder when their paths are absolute.
///
/// Each is shown by a marker, and so are those of [`OF_FOLDERS`].
const ANYWHERE: &[&str] = &[
    "base64", "cat", "chmod", "cp", "head", "less", "mv", "od", "rm", "rmdir", "shred", "strings",
    "tail", "touch", "truncate", "xxd",
];

/// The programs that take a slash behind a folder.
const OF_FOLDERS: &[&str] = &["chmod", "ls", "rm", "rmdir"];

/// Commands that show the rules.
pub const MARKERS: &[&str] = &[
    "cat /etc/passwd",
    "cat ~/notes",
    "cat notes/a.txt notes/b.txt",
    "cat notes/list.txt",
    "chmod -R 700 build/old",
    "chmod 600 ~/notes",
    "chmod 600 notes",
    "cp /tmp/m/work/one ~/copy",
    "head -n 1 /etc/passwd",
    "base64 ~/notes",
    "less /etc/passwd",
    "ls build/old",
    "mv /tmp/m/work/one ~/other",
    "mv ~/notes /tmp/m/work/other",
    "od -c /etc/hostname",
    "rm -rf /tmp/m/work/build/old",
    "rm -rf build/old",
    "rm -rf ~/folder",
    "rmdir /tmp/m/work/build/empty",
    "rmdir build/empty",
    "shred -u ~/notes",
    "strings /etc/passwd",
    "tail -n 1 /etc/passwd",
    "touch ~/notes",
    "truncate -s 0 /tmp/m/work/one",
    "xxd /etc/hostname",
];

/// What carries out the rules that leave the words of the program as they are.
pub const STARTED: &[(&str, Rewrite)] = &[
    ("argument-quoted-part", |line| {
        last(line, |body| {
            let length = body.len();
            let (first, rest) = body.split_at_checked(2).filter(|_| length > 5)?;
            let (second, rest) = rest.split_at_checked((length - 4) * 3 / 5)?;
            let (third, fourth) = rest.split_at_checked(rest.len() - 2)?;
            Some(format!("{first}\"{second}\"{third}'{fourth}'"))
        })
    }),
    ("argument-backslash", |line| {
        last(line, |body| {
            let (folder, name) = body.rsplit_once('/')?;
            let (first, rest) = folder.split_at_checked(1)?;
            Some(format!("{first}\\{rest}/\\{name}"))
        })
    }),
    ("argument-brace", |line| {
        let words = line.words()?;
        let [before @ .., one, other] = words.as_slice() else {
            return None;
        };
        let (one, other) = (is_argument(one)?, is_argument(other)?);
        let head = common(one.chars(), other.chars());
        let (start, one) = one.split_at_checked(head)?;
        let other = other.get(head..)?;
        let tail = common(one.chars().rev(), other.chars().rev());
        let (one, end) = one.split_at_checked(one.len() - tail)?;
        let other = other.get(..other.len() - tail)?;
        let is_list =
            !before.is_empty() && head + tail > 0 && !format!("{one}{other}").contains(',');
        is_list.then(|| format!("{} {start}{{{one},{other}}}{end}", before.join(" ")))
    }),
    ("argument-brace-single", |line| {
        last(line, |body| {
            let name_at = body.rfind('/').map_or(0, |slash| slash + 1);
            let name = body.get(name_at..)?;
            let stem = name.trim_start_matches('.');
            let dots = name.len() - stem.len();
            let stem = stem.split('.').next()?;
            let place = name_at + dots + stem.len() / 2;
            let letter = body.get(place..=place)?;
            let is_letter = letter.chars().all(|char| char.is_ascii_alphabetic());
            let (before, after) = (body.get(..place)?, body.get(place + 1..)?);
            is_letter.then(|| format!("{before}{{{letter}..{letter}}}{after}"))
        })
    }),
    ("path-tilde-to-absolute", |line| home(line, line.home())),
];

/// What carries out the rules whose programs are run to show them.
pub const DONE: &[(&str, Rewrite)] = &[
    ("argument-glob-question", |line| {
        existing(line, |path| {
            let name = name(path);
            let (folder, _) = path.split_at_checked(path.len() - name.len())?;
            let (head, rest) = name.split_at_checked(name.len().checked_sub(2)?)?;
            let (_, tail) = rest.split_at_checked(1)?;
            let names = line.siblings(path);
            let fitting = names.iter().filter(|other| {
                let has_length = other.len() == name.len();
                has_length && other.starts_with(head) && other.ends_with(tail)
            });
            let is_only = !head.is_empty() && fitting.count() < 2;
            is_only.then(|| format!("{folder}{head}?{tail}"))
        })
    }),
    ("argument-glob-set", |line| {
        existing(line, |path| {
            let (head, name) = path.split_at_checked(path.len() - name(path).len())?;
            let dots = name.len() - name.trim_start_matches('.').len();
            let (dots, rest) = name.split_at_checked(dots)?;
            let (letter, rest) = rest.split_at_checked(1)?;
            Some(format!("{head}{dots}[{letter}]{rest}"))
        })
    }),
    ("argument-glob-star", |line| {
        existing(line, |path| starred(line, path))
    }),
    ("argument-glob-extended", |line| {
        let spelled = existing(line, |path| {
            let (head, name) = path.split_at_checked(path.len() - name(path).len())?;
            // A name that begins with a dot is fitted by nothing but a dot.
            (!name.starts_with('.')).then(|| format!("{head}@({name})"))
        })?;
        Some(format!("shopt -s extglob\n{spelled}"))
    }),
    ("path-tilde-user", |line| {
        let (_, user) = line.home().rsplit_once('/')?;
        home(line, &format!("~{user}"))
    }),
    ("path-home-by-cd", |line| {
        let (before, word) = anywhere(line)?;
        let path = word.strip_prefix("~/").filter(|path| !path.is_empty())?;
        Some(format!("cd && {before} {path}"))
    }),
    ("path-relative-by-cd", |line| {
        let (before, folder, name) = in_folder(line)?;
        Some(format!("cd {folder} && {before} {name}"))
    }),
    ("path-pushd", |line| {
        let (before, folder, name) = in_folder(line)?;
        Some(format!(
            "pushd {folder} >/dev/null; {before} {name}; popd >/dev/null"
        ))
    }),
    ("path-climb", |line| {
        let (before, word) = parted(line)?;
        let path = word.strip_prefix('/')?;
        // What begins with a slash may be no path, such as a part of an address.
        let (top, _) = path.split_once('/')?;
        let is_path = line.is_folder(&format!("/{top}"));
        is_path.then(|| format!("{before} {}{path}", "../".repeat(10)))
    }),
    ("path-trailing-slash", |line| {
        let (before, word) = parted(line)?;
        let (program, _) = line.program()?;
        let is_known = OF_FOLDERS.contains(&program) && !tells_names(before);
        let is_folder = line.is_folder(word) && !word.ends_with('/');
        (is_known && is_folder).then(|| format!("{before} {word}/"))
    }),
    ("argument-find", |line| {
        let (before, word) = parted(line).filter(|(_, word)| line.exists(word))?;
        Some(format!("find {word} -maxdepth 0 -exec {before} {{}} +"))
    }),
    ("argument-arithmetic", |line| {
        number(line, |number| {
            let part = number.min(100);
            format!("$(({} + {part}))", number - part)
        })
    }),
    ("argument-octal-arithmetic", |line| {
        number(line, |number| format!("$((0x{number:x}))"))
    }),
];

/// Returns the last word of a simple command and what stands before it, if the
/// word is an argument whose characters stand for themselves but for a tilde.
fn parted<'a>(line: &Line<'a>) -> Option<(&'a str, &'a str)> {
    let words = line.words().filter(|words| words.len() > 1)?;
    let word = words.last()?;
    let before = line.text.trim_end_matches(' ').strip_suffix(word)?;
    is_argument(word.strip_prefix("~/").unwrap_or(word))?;
    Some((before.trim_end_matches(' '), word))
}

fn is_argument(word: &str) -> Option<&str> {
    (is_plain(word) && !word.starts_with('-')).then_some(word)
}

/// Returns a spelling of the last word; what stands behind a tilde is spelled otherwise.
fn last(line: &Line<'_>, spell: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (before, word) = parted(line)?;
    let body = word.strip_prefix("~/").unwrap_or(word);
    let (tilde, _) = word.split_at_checked(word.len() - body.len())?;
    Some(format!("{before} {tilde}{}", spell(body)?))
}

/// Returns a spelling of the last word, which is a path that is there.
fn existing(line: &Line<'_>, spell: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (before, word) = parted(line)?;
    let is_path = line.exists(word) && !word.ends_with('/');
    is_path.then(|| Some(format!("{before} {}", spell(word)?)))?
}

/// Returns a path with stars for letters of its first folder and of its name.
fn starred(line: &Line<'_>, path: &str) -> Option<String> {
    let fits = |path: &str, head: &str, tail: &str| {
        let names = line.siblings(path);
        let fitting = names.iter().filter(|other| {
            other.len() >= head.len() + tail.len()
                && other.starts_with(head)
                && other.ends_with(tail)
        });
        fitting.count() < 2
    };
    let name = name(path);
    let (folder, _) = path.split_at_checked(path.len() - name.len())?;
    let (head, tail) = name.split_at_checked(name.len().checked_sub(1)?)?;
    let is_only =
        !head.is_empty() && !head.chars().all(|char| char == '.') && fits(path, head, tail);
    let top = folder
        .strip_prefix('/')
        .and_then(|below| below.split_once('/'));
    let folder = match top.filter(|(top, _)| top.len() > 2) {
        None => folder.to_owned(),
        Some((top, below)) => {
            let (first, last) = (top.get(..1)?, top.get(top.len() - 1..)?);
            if !fits(&format!("/{top}"), first, last) {
                return None;
            }
            format!("/{first}*{last}/{below}")
        }
    };
    is_only.then(|| format!("{folder}{head}*{tail}"))
}

/// Returns the name of a path in its folder.
fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Returns how many characters are the same from the start on.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

/// Returns the line with `home` for each tilde that begins a word.
fn home(line: &Line<'_>, home: &str) -> Option<String> {
    let words = line.words()?;
    let spelled = words.iter().map(|word| match word.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
        _ => (*word).to_owned(),
    });
    let spelled: Vec<String> = spelled.collect();
    (spelled != words).then(|| spelled.join(" "))
}

/// Returns the last word and what stands before it, if the command does the
/// same in every folder.
fn anywhere<'a>(line: &Line<'a>) -> Option<(&'a str, &'a str)> {
    let (program, _) = line.program()?;
    let words = line.words()?;
    let (_, between) = words.get(1..)?.split_last()?;
    let is_anywhere = |word: &&str| {
        let is_option = word.starts_with('-') && is_plain(word) && !word.contains(['=', '/', '.']);
        let is_number = word.chars().all(|char| char.is_ascii_digit());
        is_option || is_number || word.starts_with(['/', '~'])
    };
    let is_known = ANYWHERE.contains(&program) && between.iter().all(is_anywhere);
    parted(line).filter(|(before, _)| is_known && !tells_names(before))
}

/// Reports whether a program may print the paths that it is given as they are spelled.
fn tells_names(before: &str) -> bool {
    let mut words = before.split(' ');
    words.any(|word| word.starts_with('-') && word.contains('v'))
}

/// Returns what stands before an absolute path, its folder, which is there, and its name.
fn in_folder<'a>(line: &Line<'a>) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, word) = anywhere(line).filter(|(_, word)| word.starts_with('/'))?;
    let name = name(word);
    let (folder, _) = word.split_at_checked(word.len() - name.len())?;
    let folder = match folder {
        "/" => folder,
        _ => folder.trim_end_matches('/'),
    };
    let is_name = !name.is_empty() && name != ".." && name != ".";
    (is_name && line.is_folder(folder)).then_some((before, folder, name))
}

/// Returns a spelling of the first word that is a number.
fn number(line: &Line<'_>, spell: impl Fn(u64) -> String) -> Option<String> {
    let words = line.words()?;
    let of = |word: &str| {
        let number: u64 = word.parse().ok()?;
        // A number with a nought before it is another one to some programs.
        (number.to_string() == word).then(|| spell(number))
    };
    let place = words.iter().skip(1).position(|word| of(word).is_some())? + 1;
    let spelled = of(words.get(place)?)?;
    let (before, rest) = words.split_at_checked(place)?;
    Some(
        [before, &[spelled.as_str()], rest.get(1..)?]
            .concat()
            .join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_program_is_shown_by_a_marker() {
        let check = |program: &str, takes: fn(&Line<'_>) -> bool| {
            let of_it = |marker: &&&str| {
                Line::new(marker)
                    .program()
                    .is_some_and(|(name, _)| name == program)
            };
            let mut markers = MARKERS.iter().filter(of_it);
            assert!(markers.any(|marker| takes(&Line::new(marker))), "{program}");
        };
        for program in ANYWHERE {
            check(program, |line| anywhere(line).is_some());
        }
        for program in OF_FOLDERS {
            check(program, |line| parted(line).is_some());
        }
    }
}
