//! Files that are named by an archive or a patch, and not by the command.
//!
//! The list is read where that can be done without writing anything. Where it
//! cannot, any file below the folder may be meant: near a protected object a
//! person is asked.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use aegis_shell::{Listing, Touched, program_name};
use aegis_types::{Access, Command, RedirectionKind, Word};

use super::archive::{self, Format, NAMES_MAX};
use super::git_index::work_tree_of;
use super::near;
use super::resolve::{Found, Last};
use super::shell::{Line, path_of, text_of};
use super::touches::Touches;
use crate::protected::{Reach, Relation};
use crate::read_file::read_regular;
use aegis_shell::written;

/// How large a patch is read.
const PATCH_BYTES_MAX: u64 = 8 << 20;

/// The names that a list holds, and whether each may lose steps at its start.
struct Names {
    names: Vec<String>,
    is_stripped: bool,
}

/// Judges what is written below `folder` by names that `listing` holds.
pub(crate) fn touch(
    line: &Line<'_>,
    command: &Command,
    item: &Touched,
    (folder, listing): (&Path, &Listing),
    touches: &mut Touches<'_>,
) {
    let mut folders: Vec<Found> = Vec::new();
    let found = touches
        .resolver
        .follow(touches.base, folder, Last::Followed);
    if let Some(found) = &found
        && item.work_tree
        && let Some(root) = work_tree_of(&found.path).filter(|root| *root != found.path)
    {
        folders.extend(touches.resolver.follow(touches.base, &root, Last::Followed));
    }
    folders.extend(found);
    folders.retain(|found| touches.protected.relation(found).is_some());
    if folders.is_empty() {
        return;
    }
    let through = text_of(line, command);
    let names = names(line, command, listing, touches);
    for folder in folders {
        match &names {
            Some(names) => touch_named(&folder.path, names, through, touches),
            None => {
                let object = touches.protected.below(&folder.path).next();
                let object = object.or(match touches.protected.relation(&folder) {
                    Some(Relation::In(object) | Relation::Home(object)) => Some(object),
                    Some(Relation::Above(object)) => Some(object),
                    None => None,
                });
                // A project is unpacked into every day, a home folder is not.
                let is_usual =
                    folder.path.starts_with(touches.base) && !names_own(command, touches);
                match object {
                    Some(object) if is_usual => touches.may_be_listed(object, through),
                    Some(_) | None => touches.come_near(object, through),
                }
            }
        }
    }
}

/// Returns whether a word of the command ends like the path of a protected object.
fn names_own(command: &Command, touches: &Touches<'_>) -> bool {
    let steps = |word: &Word| {
        let text = written(word);
        let mut parts = text.split(['=', ',', ':', '|']);
        parts.any(|part| near::by_last_steps(touches.protected, part).is_some())
    };
    command.arguments.iter().any(steps)
}

fn touch_named(folder: &Path, names: &Names, through: &str, touches: &mut Touches<'_>) {
    // Most files of a list lie in few folders, so each of those is followed once.
    let mut places: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
    let mut reached = Vec::new();
    for name in &names.names {
        for (index, path) in readings(name, names.is_stripped).iter().enumerate() {
            let (Some(above), Some(last)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let place = places.entry(above.to_path_buf()).or_insert_with(|| {
                let found = touches.resolver.follow(folder, above, Last::Followed);
                found.map(|found| found.path)
            });
            let Some(place) = place else { continue };
            let object = touches.protected.holding(&place.join(last), None);
            // How many steps a name loses is not read: one at most is usual.
            reached.extend(object.map(|object| (object.kind, object.path.clone(), index <= 1)));
        }
    }
    reached.sort();
    reached.dedup();
    for (kind, path, is_certain) in reached {
        let reach = Reach::certain(Access::WRITE).if_certain(is_certain);
        touches.touch(kind, &path, reach, through);
    }
}

/// Returns the paths that a name may mean, with and without its first steps.
fn readings(name: &str, is_stripped: bool) -> Vec<PathBuf> {
    let steps: Vec<Component<'_>> = Path::new(name)
        .components()
        .filter(|step| !matches!(step, Component::RootDir | Component::CurDir))
        .collect();
    let most = if is_stripped { steps.len() } else { 1 };
    (0..most.min(8))
        .filter_map(|start| Some(steps.get(start..)?.iter().collect()))
        .collect()
}

/// Returns the names that a list holds; `None` if they cannot be told.
fn names(
    line: &Line<'_>,
    command: &Command,
    listing: &Listing,
    touches: &Touches<'_>,
) -> Option<Names> {
    let real = |word: &Word| {
        let path = path_of(line, command, word, touches)?;
        let found = touches
            .resolver
            .follow(touches.base, &path, Last::Followed)?;
        Some(found.path)
    };
    match listing {
        Listing::Archive { file, is_stripped } => Some(Names {
            names: archive::names(&real(file)?, format_of(command))?,
            is_stripped: *is_stripped,
        }),
        Listing::Patches(files) => {
            let mut text = String::new();
            for file in files {
                text.push_str(&read_patch(&real(file)?)?);
                text.push('\n');
            }
            if files.is_empty() {
                text = input_of(line, command, &real)?;
            }
            Some(Names {
                names: patched_by(&text)?,
                is_stripped: true,
            })
        }
        Listing::Unknown => None,
    }
}

/// Returns which archives the program of a command reads.
fn format_of(command: &Command) -> Format {
    match program_name(command).as_deref() {
        Some("tar" | "gtar") => Format::Tar,
        Some("unzip") => Format::Zip,
        Some(_) | None => Format::Any,
    }
}

/// Returns what a command reads from its standard input, if that can be told.
fn input_of(
    line: &Line<'_>,
    command: &Command,
    real: &dyn Fn(&Word) -> Option<PathBuf>,
) -> Option<String> {
    if let Some(redirection) = command.redirections.iter().rfind(|it| it.is_input()) {
        return match redirection.kind {
            RedirectionKind::Text => redirection.target.literal(),
            RedirectionKind::Read | RedirectionKind::ReadWrite => {
                read_patch(&real(&redirection.target)?)
            }
            RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::Descriptor => None,
        };
    }
    let before = command.place.position.checked_sub(1)?;
    let mut upstream = line.plan.commands.iter().filter(|other| {
        other.place.pipeline == command.place.pipeline
            && other.place.position == before
            && other.place.length == command.place.length
    });
    let source = upstream.next()?;
    let is_cat = program_name(source).as_deref() == Some("cat");
    if !is_cat || upstream.next().is_some() || source.arguments.is_empty() {
        return None;
    }
    let mut text = String::new();
    for file in &source.arguments {
        text.push_str(&read_patch(&real(file)?)?);
    }
    Some(text)
}

fn read_patch(path: &Path) -> Option<String> {
    let bytes = read_regular(path, PATCH_BYTES_MAX).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the names in a patch of the files that it changes.
fn patched_by(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for line in text.lines() {
        if let Some(both) = line.strip_prefix("diff --git ") {
            names.extend(
                both.split(' ')
                    .map(|name| name.trim_matches('"').to_owned()),
            );
        }
        let starts = [
            "+++ ",
            "--- ",
            "*** ",
            "rename to ",
            "rename from ",
            "copy to ",
            "Index: ",
        ];
        let Some(name) = starts.iter().find_map(|start| line.strip_prefix(start)) else {
            continue;
        };
        let name = name.split('\t').next().unwrap_or(name);
        names.push(name.trim_matches('"').to_owned());
        // A time may stand after the name with nothing but a blank between.
        names.extend(name.split(' ').next().map(str::to_owned));
        // Names in quotes may hold escapes, which are not followed.
        if name.starts_with('"') && name.contains('\\') || names.len() > NAMES_MAX {
            return None;
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_the_files_it_changes() {
        let text = "diff --git a/x b/x\n--- a/x\t2020\n+++ \"b/x y\"\nrename to z\n text\n";
        let names = patched_by(text).unwrap();
        for name in ["a/x", "b/x", "b/x y", "z"] {
            assert!(names.contains(&name.to_owned()), "{name}");
        }
        assert!(!names.iter().any(|name| name.contains("text")));
        assert_eq!(patched_by("+++ \"b/\\056x\"\n"), None);
    }

    #[test]
    fn a_name_may_lose_its_first_steps() {
        let paths = |name, is_stripped| {
            readings(name, is_stripped)
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(paths("/a/./b", false), ["a/b"]);
        assert_eq!(paths("a/b/c", true), ["a/b/c", "b/c", "c"]);
    }
}
