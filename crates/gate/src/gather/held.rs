//! Secrets in a folder that a search or an archive puts out as a whole.
//!
//! `grep -r key .` names no file, and shows lines of whichever is there. So the
//! folder is looked through for files whose place says that they hold secrets, and
//! each that would be put out is a file that is read.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use aegis_shell::{ProgramOptions, Touched, is_place_of, program_name, written};
use aegis_types::{Access, Command, EffectKind, Word};

use super::git_ignore::is_ignored;
use super::glob::matches_name;
use super::resolve::Last;
use super::touches::Touches;
use crate::read_file::read_regular;
use crate::surroundings::Surroundings;

/// How many secrets are told of one folder.
const HELD_MAX: usize = 16;

/// How many names are looked at in one folder.
const NAMES_MAX: usize = 4_096;

/// How many names are looked at in a folder where others have used up what the
/// request has: its own files and some below are seen nevertheless.
const NAMES_MIN: usize = 256;

/// How much of the secrets in one folder is read for the text that is sought.
const FOLDER_BYTES_MAX: u64 = 8 << 20;

/// How far a file is read for the text that is sought.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// How many alternatives of a pattern with braces are looked at.
const ALTERNATIVES_MAX: usize = 32;

/// Folders whose files are a program's own business.
const PASSED_OVER: [&str; 3] = [".git", ".hg", "node_modules"];

/// What programs put out of the folders that they are given.
struct Showing {
    names: &'static [&'static str],
    /// The options that keep it to files with these names.
    only: &'static [&'static str],
    /// The options that leave out files and folders with these names.
    except: &'static [&'static str],
    /// The options with which it shows nothing that stands in a file.
    silent: &'static [&'static str],
    /// Whether the first operand is what it looks for.
    is_search: bool,
    /// Whether it passes over what is hidden or ignored, unless it is told otherwise.
    is_shy: bool,
    /// The options with which it reads what links lead to; always, if there are none.
    follows: &'static [&'static str],
}

const SHOWING: [Showing; 6] = [
    Showing {
        names: &["grep", "egrep", "fgrep", "zgrep", "ggrep"],
        only: &["--include"],
        except: &["--exclude", "--exclude-dir"],
        silent: &["-l", "-L", "-c", "-q"],
        is_search: true,
        is_shy: false,
        follows: &["-R", "--dereference-recursive"],
    },
    Showing {
        names: &["rg", "ag", "ack", "ack-grep", "ugrep", "ug"],
        only: &["-g", "--iglob"],
        except: &["--ignore", "--ignore-dir", "--ignore-file"],
        silent: &[
            "-l",
            "-c",
            "-q",
            "--files",
            "--files-without-match",
            "--count-matches",
            "--type-list",
        ],
        is_search: true,
        is_shy: true,
        follows: &["-L", "-R", "-f", "--follow"],
    },
    Showing {
        names: &["tar", "gtar", "bsdtar"],
        only: &[],
        except: &["--exclude", "-x"],
        silent: &[],
        is_search: false,
        is_shy: false,
        follows: &["-h", "-L", "--dereference"],
    },
    Showing {
        names: &["zip", "7z", "7za", "jar"],
        only: &[],
        except: &["--exclude", "-x"],
        silent: &[],
        is_search: false,
        is_shy: false,
        follows: &[],
    },
    Showing {
        names: &["diff", "gdiff", "colordiff"],
        only: &[],
        except: &["-x"],
        silent: &["-q"],
        is_search: false,
        is_shy: false,
        follows: &[],
    },
    Showing {
        names: &[
            "cat", "gcat", "tac", "nl", "head", "tail", "less", "more", "bat", "batcat", "strings",
            "xxd", "od", "hexdump", "base64", "sed", "awk", "gawk", "cut", "paste", "sort", "fold",
        ],
        only: &[],
        except: &[],
        silent: &[],
        is_search: false,
        is_shy: false,
        follows: &[],
    },
];

/// Which files of a folder are put out.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Only files with these names, if there are any.
    only: Vec<String>,
    except: Vec<String>,
    /// Whether what git ignores is left out.
    heeds_git: bool,
    /// Whether what is hidden is left out.
    passes_hidden: bool,
    /// Whether what links lead to is put out.
    follows: bool,
    /// Whether folders are put out by an option of which the table knows nothing.
    enters: bool,
    /// The plain text that a line must hold to be shown.
    sought: Option<String>,
}

impl Shown {
    /// Returns what a command puts out of the folders that it is given, if it does.
    pub(super) fn by(command: &Command) -> Option<Self> {
        let name = program_name(command)?;
        let showing = SHOWING.iter().find(|it| it.names.contains(&&*name))?;
        let given = Given::of(&name, command);
        if showing.silent.iter().any(|option| given.has(option)) {
            return None;
        }
        let mut follows = showing.follows.iter();
        let mut shown = Self {
            follows: showing.follows.is_empty() || follows.any(|it| given.is_spelled(it)),
            enters: showing.is_search && given.has_value("-d", "recurse"),
            ..Self::default()
        };
        for (option, value) in &given.options {
            if showing.only.contains(&option.as_str()) {
                // A name that cannot be told may be any.
                shown.keep_to(value.as_deref().unwrap_or("*"));
            } else if showing.except.contains(&option.as_str()) {
                shown.except.extend(value.clone());
            }
        }
        if showing.is_shy {
            let is_kept = !shown.only.is_empty();
            // `ugrep` heeds no lists of what is ignored unless it is told to, and its
            // `-u` means something else.
            let is_ugrep = matches!(&*name, "ugrep" | "ug");
            let unrestricted = if is_ugrep { 0 } else { given.count("-u") };
            let sees_ignored = unrestricted > 0
                || given.has_start("--no-ignore")
                || is_ugrep && !given.has("--ignore-files");
            let sees_hidden = given.has("--hidden") || unrestricted > usize::from(name == "rg");
            shown.heeds_git = !(is_kept || sees_ignored);
            shown.passes_hidden = !(is_kept || sees_hidden);
        }
        let is_turned = ["-v", "-e", "-f", "--passthru"];
        if showing.is_search && !is_turned.iter().any(|option| given.has(option)) {
            let pattern = given.operands.first().and_then(|word| word.literal());
            shown.sought = pattern.filter(|pattern| is_plain(pattern));
        }
        Some(shown)
    }

    /// Returns what a search for a pattern shows, which is kept to files with these names.
    pub(super) fn of_search(pattern: &str, glob: &str) -> Self {
        let mut shown = Self {
            heeds_git: glob.is_empty(),
            sought: Some(pattern.to_owned()).filter(|pattern| is_plain(pattern)),
            ..Self::default()
        };
        if !glob.is_empty() {
            shown.keep_to(glob);
        }
        shown
    }

    fn keep_to(&mut self, glob: &str) {
        match glob.strip_prefix('!') {
            Some(glob) => self.except.extend(alternatives(glob).unwrap_or_default()),
            None => {
                let any = || vec!["*".to_owned()];
                self.only.extend(alternatives(glob).unwrap_or_else(any));
            }
        }
    }

    /// Returns whether a file with this path below the folder is looked at.
    fn takes(&self, below: &Path) -> bool {
        let mut above = below.ancestors().filter(|it| !it.as_os_str().is_empty());
        let is_hidden = |it: &Path| {
            it.file_name()
                .is_some_and(|it| it.as_encoded_bytes().starts_with(b"."))
        };
        (self.only.is_empty() || self.only.iter().any(|glob| fits(glob, below)))
            && !above.any(|it| {
                self.passes_hidden && is_hidden(it) || self.except.iter().any(|glob| fits(glob, it))
            })
    }

    /// Returns whether a line of a file would be shown, as far as `bytes_left` shows.
    fn finds(&self, file: &Path, bytes_left: &mut u64) -> bool {
        let Some(sought) = &self.sought else {
            return true;
        };
        match read_regular(file, FILE_BYTES_MAX.min(*bytes_left)) {
            Ok(bytes) => {
                *bytes_left = bytes_left.saturating_sub(bytes.len() as u64);
                String::from_utf8_lossy(&bytes)
                    .to_lowercase()
                    .contains(&sought.to_lowercase())
            }
            Err(_) => true,
        }
    }
}

/// Adds the secrets that a command puts out of the folder `item`.
pub(super) fn touch(
    surroundings: &Surroundings,
    command: &Command,
    item: &Touched,
    folder: &Path,
    touches: &mut Touches<'_>,
) {
    if !item.access.read {
        return;
    }
    if let Some(shown) = Shown::by(command).filter(|shown| item.recursive || shown.enters) {
        add_all(
            surroundings,
            (folder, &written(&item.word)),
            &shown,
            touches,
        );
    }
}

/// Adds every secret that is put out of a folder, which is written as the second says.
pub(super) fn add_all(
    surroundings: &Surroundings,
    (folder, own): (&Path, &str),
    shown: &Shown,
    touches: &mut Touches<'_>,
) {
    add_selected(surroundings, (folder, own), shown, |_| true, touches);
}

/// Adds the secrets that are put out of a folder as far as their paths from there
/// are selected.
///
/// What of the folder was not looked at may hold others: that is an unknown path.
pub(super) fn add_selected(
    surroundings: &Surroundings,
    (folder, own): (&Path, &str),
    shown: &Shown,
    selects: impl Fn(&Path) -> bool,
    touches: &mut Touches<'_>,
) {
    let found = touches
        .resolver
        .follow(touches.base, folder, Last::Followed);
    let Some(root) = found.map(|found| found.path).filter(|path| path.is_dir()) else {
        return;
    };
    let walk = Walk {
        surroundings,
        root: &root,
        shown,
        selects,
    };
    let held = walk.held(&mut touches.names_left);
    let own = own.trim_end_matches('/');
    for below in &held.secrets {
        let named = format!("{own}/{}", below.display());
        let path = folder.join(below);
        touches.add_fact_only(&path, &named, Access::READ);
        // The name of a link may say what it leads to.
        if shown.follows {
            touches.add_fact_at((&path, Last::Kept), &named, Access::READ);
        }
    }
    if held.is_cut {
        touches.add_unresolved(&format!("{own}/…"), Access::READ);
    }
}

/// What is known of the secrets in a folder.
#[derive(Debug, Default)]
struct Held {
    /// Those that are put out, by their paths from the folder; near ones come first.
    secrets: Vec<PathBuf>,
    /// Whether some of the folder was not looked at.
    is_cut: bool,
}

/// A folder that is looked through for the secrets that are put out of it.
struct Walk<'w, S> {
    surroundings: &'w Surroundings,
    root: &'w Path,
    shown: &'w Shown,
    selects: S,
}

impl<S: Fn(&Path) -> bool> Walk<'_, S> {
    /// Looks at the names in the folder, level by level; `names_left` is what the
    /// request has for all of its folders.
    fn held(&self, names_left: &mut usize) -> Held {
        let mut held = Held::default();
        let mut own_left = (*names_left).clamp(NAMES_MIN, NAMES_MAX);
        let mut bytes_left = FOLDER_BYTES_MAX;
        let mut folders = VecDeque::from([self.root.to_owned()]);
        while let Some(folder) = folders.pop_front() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if own_left == 0 || held.secrets.len() >= HELD_MAX {
                    held.is_cut = true;
                    return held;
                }
                own_left -= 1;
                *names_left = names_left.saturating_sub(1);
                // A folder that a link leads to lies elsewhere, and is not looked through.
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => {
                        let name = entry.file_name();
                        if !PASSED_OVER.iter().any(|passed| name == *passed) {
                            folders.push_back(entry.path());
                        }
                    }
                    Ok(kind) if kind.is_file() || kind.is_symlink() && self.shown.follows => {
                        let below = self.put_out(&entry.path(), &mut bytes_left);
                        held.secrets.extend(below);
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        }
        held
    }

    /// Returns the path of a file from the folder, if it is a secret that is put out.
    fn put_out(&self, file: &Path, bytes_left: &mut u64) -> Option<PathBuf> {
        let home = self.surroundings.home.to_str();
        let below = file.strip_prefix(self.root).ok()?;
        let is_shown = is_place_of(EffectKind::Credential, file.to_str()?, Access::READ, home)
            && self.shown.takes(below)
            && (self.selects)(below)
            && !(self.shown.heeds_git && is_ignored(self.surroundings, file))
            && self.shown.finds(file, bytes_left);
        is_shown.then(|| below.to_owned())
    }
}

/// Returns whether a pattern of a search means nothing but its own letters.
fn is_plain(pattern: &str) -> bool {
    let is_sign = |character: char| ".*+?[](){}^$|\\\n".contains(character);
    !pattern.is_empty() && !pattern.contains(is_sign)
}

/// Returns whether a pattern names the last steps of a path.
fn fits(glob: &str, below: &Path) -> bool {
    let steps: Vec<&str> = glob
        .split('/')
        .filter(|step| !matches!(*step, "" | "." | "**"))
        .collect();
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    let Some(start) = names.len().checked_sub(steps.len()) else {
        return false;
    };
    let last = names.iter().skip(start);
    !steps.is_empty()
        && steps
            .iter()
            .zip(last)
            .all(|(step, name)| matches_name(step, name, true))
}

/// Returns the patterns that one with braces stands for, `*.{ts,js}`, unless they
/// are more than are looked at.
fn alternatives(glob: &str) -> Option<Vec<String>> {
    let mut open = vec![glob.to_owned()];
    let mut whole = Vec::new();
    while let Some(glob) = open.pop() {
        let group = glob
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        let Some((before, (group, after))) = group else {
            whole.push(glob);
            continue;
        };
        let each = group.split(',').map(|one| format!("{before}{one}{after}"));
        let room = ALTERNATIVES_MAX.saturating_sub(open.len() + whole.len());
        open.extend(each.take(room + 1));
        if open.len() + whole.len() > ALTERNATIVES_MAX {
            return None;
        }
    }
    Some(whole)
}

/// The words of a command, told apart.
struct Given<'w> {
    /// The options in their normal forms, as far as the table has them.
    options: Vec<(String, Option<String>)>,
    /// The options as they are spelled.
    spelled: Vec<String>,
    operands: Vec<&'w Word>,
}

impl<'w> Given<'w> {
    fn of(name: &str, command: &'w Command) -> Self {
        let mut given = Self {
            options: Vec::new(),
            spelled: Vec::new(),
            operands: Vec::new(),
        };
        let known = ProgramOptions::of(name, []);
        let mut words = command.arguments.iter();
        while let Some(word) = words.next() {
            let text = written(word);
            let told = word.literal();
            if text == "--" {
                given.operands.extend(words);
                break;
            }
            if text.len() < 2 || !text.starts_with('-') {
                given.operands.push(word);
            } else if text.starts_with("--") || known.is_some_and(|it| it.is_long_single()) {
                let (option, value) = match text.split_once('=') {
                    Some((option, value)) => (option, told.map(|_| value.to_owned())),
                    None if takes_value(known, &text) => {
                        (&*text, words.next().and_then(Word::literal))
                    }
                    None => (&*text, None),
                };
                given.add(known, option, value);
            } else {
                for (at, letter) in text.char_indices().skip(1) {
                    let option = format!("-{letter}");
                    let rest = text.get(at + letter.len_utf8()..).unwrap_or_default();
                    if !known.is_some_and(|it| it.ends_letters(&option)) {
                        given.add(known, &option, None);
                        continue;
                    }
                    let value = if rest.is_empty() && takes_value(known, &option) {
                        words.next().and_then(Word::literal)
                    } else {
                        told.as_ref().map(|_| rest.to_owned())
                    };
                    given.add(known, &option, value);
                    break;
                }
            }
        }
        given
    }

    fn add(&mut self, known: Option<ProgramOptions>, option: &str, value: Option<String>) {
        let normal = known.and_then(|it| it.normal(option)).unwrap_or(option);
        self.options.push((normal.to_owned(), value));
        self.spelled.push(option.to_owned());
    }

    fn is_spelled(&self, option: &str) -> bool {
        self.spelled.iter().any(|spelled| spelled == option)
    }

    fn has_value(&self, option: &str, value: &str) -> bool {
        let mut given = self.options.iter();
        given.any(|(known, of)| known == option && of.as_deref() == Some(value))
    }

    fn count(&self, option: &str) -> usize {
        let given = self.options.iter();
        given.filter(|(known, _)| known == option).count()
    }

    fn has(&self, option: &str) -> bool {
        self.count(option) > 0
    }

    fn has_start(&self, start: &str) -> bool {
        self.options
            .iter()
            .any(|(known, _)| known.starts_with(start))
    }
}

/// Returns whether an option has a value that may stand in the next word.
fn takes_value(known: Option<ProgramOptions>, option: &str) -> bool {
    known.is_some_and(|it| it.takes_value(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<Shown> {
        let plan = aegis_shell::plan(line);
        Shown::by(plan.commands.first().unwrap())
    }

    fn check(line: &str, files: &[(&str, bool)]) {
        let shown = shown(line).unwrap();
        for (file, expected) in files {
            assert_eq!(shown.takes(Path::new(file)), *expected, "{line}: {file}");
        }
    }

    #[test]
    fn names_that_a_search_is_kept_to_count() {
        check("grep -r x .", &[(".env", true), ("a/b.key", true)]);
        check("grep -r x . --include='*.rs'", &[(".env", false)]);
        check(
            "grep -r x . --include '.e*'",
            &[(".env", true), ("b.key", false)],
        );
        check("grep -r x . --include=$X", &[(".env", true)]);
        check(
            "grep -rx . --exclude-dir=secrets",
            &[("secrets/a.yaml", false), ("b.key", true)],
        );
        check(
            "rg --hidden x -g '*.{rs,env}'",
            &[("a.env", true), ("b.key", false)],
        );
        check(
            "rg --hidden x -g '!.env*'",
            &[(".env.local", false), ("b.key", true)],
        );
        check(
            "rg x",
            &[(".env", false), ("a/.k/b.key", false), ("b.key", true)],
        );
        check("ugrep -r x .", &[(".env", false), ("b.key", true)]);
        assert!(shown("rg x").unwrap().heeds_git);
        assert!(!shown("ugrep -r x .").unwrap().heeds_git);
        check("rg -u x", &[(".env", false), ("b.key", true)]);
        check("rg -uu x", &[(".env", true)]);
        check(
            "tar czf x.tgz --exclude=./.env .",
            &[(".env", false), ("a/.env", false)],
        );
    }

    #[test]
    fn a_search_that_shows_no_content_shows_nothing() {
        for line in ["grep -rl x .", "grep -rnc x .", "rg --files -uu", "ls -R"] {
            assert!(shown(line).is_none(), "{line}");
        }
    }

    #[test]
    fn the_text_that_is_sought_is_known_where_it_is_plain() {
        let sought = |line| shown(line).unwrap().sought;
        assert_eq!(sought("grep -rn NOTE ."), Some("NOTE".to_owned()));
        assert_eq!(sought("grep -r -m 3 NOTE ."), Some("NOTE".to_owned()));
        for line in [
            "grep -rv NOTE .",
            "grep -r 'a.c' .",
            "grep -r -e NOTE .",
            "grep -r $X .",
        ] {
            assert_eq!(sought(line), None, "{line}");
        }
    }

    #[test]
    fn braces_stand_for_each_of_their_parts() {
        let mut each = alternatives("*.{a,b}{c,d}").unwrap();
        each.sort();
        assert_eq!(each, ["*.ac", "*.ad", "*.bc", "*.bd"]);
        assert_eq!(alternatives("{a").unwrap(), ["{a"]);
    }

    #[test]
    fn a_pattern_of_too_many_parts_may_be_any_name() {
        for glob in ["{a,b}".repeat(40), format!("{{{}}}", ",".repeat(100_000))] {
            assert_eq!(alternatives(&glob), None);
        }
        let mut kept = Shown::default();
        kept.keep_to(&"{a,b}".repeat(40));
        assert!(kept.takes(Path::new(".env")));
        // What is left out by such a pattern may be nothing.
        let mut rest = Shown::default();
        rest.keep_to(&format!("!{}", "{a,b}".repeat(40)));
        assert!(rest.takes(Path::new(".env")));
    }
}
