//! The options of a program, for whoever compares them in any spelling.

use super::entry_for;
use super::row::{Entry, OptionRow, Role, Takes};

/// How deep subcommands are followed.
const DEPTH_MAX: usize = 4;

/// The options of a program, and of the subcommand that its words name.
#[derive(Clone, Copy, Debug)]
pub struct ProgramOptions {
    /// The program first, its subcommands after it.
    entries: [Option<Entry>; DEPTH_MAX],
}

impl ProgramOptions {
    /// Returns what is known of the options of `program` with these first words;
    /// `None` if the table does not hold it.
    pub fn of<'w>(program: &str, words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut deepest = entry_for(program)?;
        let mut entries = [None; DEPTH_MAX];
        let mut words = words.into_iter();
        for slot in &mut entries {
            *slot = Some(deepest);
            match words.next().and_then(|word| deepest.subcommand(word)) {
                Some(inner) => deepest = inner,
                None => break,
            }
        }
        Some(Self { entries })
    }

    /// Returns whether the program has subcommands.
    #[must_use]
    pub fn has_subcommands(&self) -> bool {
        let first = self.entries.first().copied().flatten();
        first.is_some_and(Entry::has_subcommands)
    }

    /// Returns the spelling that stands for all spellings of an option.
    #[must_use]
    pub fn normal(&self, spelling: &str) -> Option<&'static str> {
        self.row(spelling).map(OptionRow::normal)
    }

    /// Returns whether the value of an option stands in the next word, if not in its own.
    #[must_use]
    pub fn takes_value(&self, spelling: &str) -> bool {
        self.row(spelling)
            .is_some_and(|row| matches!(row.takes, Takes::Value | Takes::Pair))
    }

    /// Returns whether what follows the letter of an option in the same word is its value.
    #[must_use]
    pub fn ends_letters(&self, spelling: &str) -> bool {
        self.row(spelling)
            .is_some_and(|row| row.takes != Takes::Nothing)
    }

    /// Returns whether long options begin with one dash, so that letters are not joined.
    #[must_use]
    pub fn is_long_single(&self) -> bool {
        let mut entries = self.entries.iter().flatten();
        entries.any(|entry| entry.is_long_single())
    }

    /// Returns whether the option has two values, in the two words after it.
    #[must_use]
    pub fn takes_pair(&self, spelling: &str) -> bool {
        self.row(spelling)
            .is_some_and(|row| row.takes == Takes::Pair)
    }

    /// Returns whether the value of an option is the folder, or a file of it, in
    /// which the program works as if it were started there.
    #[must_use]
    pub fn names_project(&self, spelling: &str) -> bool {
        self.row(spelling)
            .is_some_and(|row| row.role == Role::Project)
    }

    /// Returns every spelling of the options, those of the subcommand first.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> {
        let entries = self.entries.iter().rev().flatten();
        entries.flat_map(|entry| entry.spelled())
    }

    /// Returns the names of the subcommands that may follow.
    pub fn subcommands(&self) -> impl Iterator<Item = &'static str> {
        let deepest = self.entries.iter().rev().flatten().next();
        deepest.into_iter().flat_map(|entry| entry.named())
    }

    fn row(&self, spelling: &str) -> Option<&'static OptionRow> {
        let entries = self.entries.iter().rev().flatten();
        entries.filter_map(|entry| entry.option(spelling)).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_option_have_one_normal_form() {
        let remove = ProgramOptions::of("rm", []).unwrap();
        assert_eq!(remove.normal("-R"), remove.normal("--recursive"));
        assert_eq!(remove.normal("--no-such-option"), None);
        let branch = ProgramOptions::of("git", ["branch", "x"]).unwrap();
        assert_ne!(branch.normal("-D"), branch.normal("-d"));
        assert_eq!(branch.normal("-d"), branch.normal("--delete"));
        assert!(branch.takes_value("-C") || branch.normal("-C").is_some());
        let checkout = ProgramOptions::of("git", ["checkout"]).unwrap();
        assert!(checkout.ends_letters("-b"));
        assert!(ProgramOptions::of("no-such-program", []).is_none());
    }
}
