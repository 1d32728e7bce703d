//! What programs do: the table, and commands read against it.
//!
//! The table is written in `programs/` and checked when the crate is built.

mod glob;
mod options;
mod place;
mod reading;
mod row;

use std::cmp::Ordering;

use aegis_types::{Command, Word};

pub(crate) use glob::matches;
pub use options::ProgramOptions;
pub use place::{is_place_of, place_kinds};
pub(crate) use reading::{Operand, Reading, read, read_otherwise};
pub(crate) use row::{Entry, Resource, Role};

use row::table;

/// The version of the table, recorded with what is derived from it.
///
/// It rises when what a key or a role of the table means changes.
pub const PROGRAMS_VERSION: u32 = 4;

/// Returns what is said of the program `name`, its folder not included.
pub(crate) fn entry_for(name: &str) -> Option<Entry> {
    let by_name = |rows: &'static [(row::Text, u16)], name: &str| {
        let found = rows.binary_search_by(|(known, _)| known.as_str().cmp(name));
        let (_, entry) = rows.get(found.ok()?)?;
        Entry::at(*entry)
    };
    by_name(&table::EXACT, name).or_else(|| by_name(&table::VERSIONED, unversioned(name)))
}

/// Returns whether what `command` prints is settings for the shell that evaluates it.
pub(crate) fn prints_settings(command: &Command) -> bool {
    let name = command.program.as_ref().and_then(Word::literal);
    let Some(entry) = name.as_deref().and_then(entry_for) else {
        return false;
    };
    let reading = read(entry, &command.arguments);
    let prints = reading.deepest().is_some_and(Entry::prints_settings);
    let mut operands = reading.operands_with_roles();
    // What runs another program prints what that does.
    prints && !reading.is_unlisted && !operands.any(|operand| operand.role == Role::Command)
}

/// Returns the names of all programs in the table.
pub fn program_names() -> impl Iterator<Item = &'static str> {
    let rows = table::EXACT.iter().chain(&table::VERSIONED);
    rows.map(|(name, _)| name.as_str())
}

/// Returns the name of a program without the version at its end: `python3.11`.
fn unversioned(name: &str) -> &str {
    let stem = name.trim_end_matches(|end: char| end.is_ascii_digit() || matches!(end, '.' | '-'));
    if stem.is_empty() { name } else { stem }
}

/// Compares a text of the table with the first letters of another text.
fn compare_start(known: &str, start: &str) -> Ordering {
    if known.starts_with(start) {
        Ordering::Equal
    } else {
        known.cmp(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_under_each_name_and_version() {
        for name in ["rm", "grm", "cat"] {
            assert!(entry_for(name).is_some(), "{name}");
        }
        for name in ["", "rm2", "3", "no-such-program"] {
            assert!(entry_for(name).is_none(), "{name}");
        }
        assert_eq!(unversioned("python3.11"), "python");
        assert_eq!(unversioned("clang-17"), "clang");
    }

    #[test]
    fn the_table_holds_what_agents_use() {
        let names = table::EXACT.iter().chain(&table::VERSIONED);
        let entries: std::collections::BTreeSet<u16> = names.map(|(_, entry)| *entry).collect();
        assert!(entries.len() >= 500, "{} entries", entries.len());
        for name in [
            "git",
            "kubectl",
            "terraform",
            "npm",
            "psql",
            "systemctl",
            "python3.12",
        ] {
            assert!(entry_for(name).is_some(), "{name}");
        }
    }
}
