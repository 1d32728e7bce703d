//! The programs of the table whose words are told by their roles.

use aegis_types::{Access, Command, EffectKind, Word};

use super::transfer::{is_remote, is_web_address};
use super::{CHANGE, Extent, Touched, here, network, other};
use crate::option::first_text;
use crate::programs::{self, Entry, Reading, Role};

/// Adds what a program of the table is given.
pub(super) fn touched(name: &str, entry: Entry, command: &Command, list: &mut Vec<Touched>) {
    let words = &command.arguments;
    let reading = programs::read(entry, words);
    if reading.deepest().is_some_and(Entry::is_code) {
        other::by_name(name, command, list);
        return;
    }
    as_read(name, entry, &reading, command, list);
    network::placed(name, &reading, list);
    if let Some(otherwise) = programs::read_otherwise(entry, words, &reading) {
        let mut others = Vec::new();
        as_read(name, entry, &otherwise, command, &mut others);
        others.retain(|other| !list.contains(other));
        list.append(&mut others);
    }
}

fn as_read(
    name: &str,
    entry: Entry,
    reading: &Reading<'_>,
    command: &Command,
    list: &mut Vec<Touched>,
) {
    let recursive = reading.is_beneath();
    let values = reading.values_with_roles();
    let given = values.filter_map(|value| by_role(value.word, value.role));
    let only_reads = only_reads(name, reading);
    list.extend(given.map(|mut found| {
        found.access.write &= !only_reads;
        found
    }));
    let extent = extent_of(name, reading);
    let mut names_path = false;
    for operand in reading.operands_with_roles() {
        names_path |= matches!(operand.role, Role::Path(_) | Role::Project);
        if let Some(found) = by_role(operand.word, operand.role) {
            // What rewrites files in place (formatters, checkers that mend) leaves
            // hidden folders alone.
            let rewrites = recursive && found.access == CHANGE && extent == Extent::Said;
            let extent = if rewrites {
                Extent::Visible
            } else {
                extent.clone()
            };
            list.push(found.beneath(recursive).over(extent));
        }
    }
    if entry.starts_here() && recursive && !names_path && command.place.position == 0 {
        // A search without a folder begins where it runs.
        let searched = Touched::new(&here(command), Access::READ).beneath(true);
        list.push(searched.over(extent));
    }
    if may_do_anything(reading) {
        if reading.subcommands.is_empty() {
            other::by_name(name, command, list);
        } else {
            other::any_path(&command.arguments, list);
        }
    }
}

/// Returns whether what a program does with its arguments cannot be told.
fn may_do_anything(reading: &Reading<'_>) -> bool {
    reading.is_unlisted
        || reading
            .stated()
            .any(|(kind, _)| *kind == EffectKind::Unknown)
        || reading
            .operands_with_roles()
            .any(|operand| matches!(operand.role, Role::Code | Role::Shell | Role::Command))
}

fn by_role(word: &Word, role: Role) -> Option<Touched> {
    match role {
        Role::Path(ways) if ways.access().read && is_web_address(word) => None,
        Role::Path(ways) => Some(Touched::new(word, ways.access())),
        Role::Send | Role::Project => Some(Touched::new(word, Access::READ)),
        Role::Body => network::sent_file(word),
        Role::Remote(ways) => {
            let is_here = !is_remote(word) && ways.access() != Access::default();
            is_here.then(|| Touched::new(word, ways.access()))
        }
        Role::Url => {
            let is_here = first_text(word).starts_with("file:");
            is_here.then(|| Touched::new(&network::local_path(word), Access::READ))
        }
        Role::Text
        | Role::Host
        | Role::Command
        | Role::Code
        | Role::Shell
        | Role::Program
        | Role::Process
        | Role::Package
        | Role::Service
        | Role::Named => None,
    }
}

/// Returns whether a program that else changes the file which an option names only
/// shows something of it.
fn only_reads(name: &str, reading: &Reading<'_>) -> bool {
    let shows = ["-l", "-B", "-L", "-F", "-y", "-e", "-i"];
    name == "ssh-keygen" && shows.iter().any(|option| reading.has(option))
}

/// Returns what a few programs mean beside the files they are given.
fn extent_of(name: &str, reading: &Reading<'_>) -> Extent {
    match name {
        // Whoever no longer owns a folder may be kept out of it.
        "chown" | "gchown" | "setfacl" => Extent::Sealed,
        "rg" | "ag" | "ack" | "ugrep" | "ug" => {
            // `-u` and `-a` say other things to `ugrep`.
            let sees_all: &[&str] = match name {
                "ugrep" | "ug" => &["--hidden"],
                _ => &["--hidden", "-u", "-a"],
            };
            if sees_all.iter().any(|option| reading.has(option)) {
                Extent::Said
            } else {
                Extent::Visible
            }
        }
        _ => Extent::Said,
    }
}
