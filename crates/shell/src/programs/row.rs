//! The rows of the table.
//!
//! Rows hold places in one text and in other tables, and no addresses, so that
//! nothing of the table is touched when a program starts.

use aegis_types::{Access, EffectKind};

/// A text of the table: where it starts, and its length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text(pub(super) u32, pub(super) u8);

/// Rows of another table: the first, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run(pub(super) u32, pub(super) u16);

/// Ways of reaching for a path, as bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ways(pub(super) u8);

/// What a word is to a program.
#[allow(dead_code, reason = "the files of the table decide which are used")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Nothing in the world.
    Text,
    /// A path.
    Path(Ways),
    /// A folder, or a file of it, in which the program works as if it were started there.
    Project,
    /// A path whose content goes to a host.
    Send,
    /// A text that goes to a host, or `@` and such a path.
    Body,
    /// A URL, or a host and what follows it.
    Url,
    /// A host.
    Host,
    /// A host and a path there, or a path here.
    Remote(Ways),
    /// The first word of another command.
    Command,
    /// Text in a language, which the program runs.
    Code,
    /// Text for a shell, which the program runs.
    Shell,
    /// The name of a program, or a command line, which the program runs.
    Program,
    /// The name of a process.
    Process,
    /// The name of a package.
    Package,
    /// The name of a service.
    Service,
    /// The name of another thing.
    Named,
}

/// Where the value of an option stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Takes {
    /// It has none.
    Nothing,
    /// In the same word, or the next.
    Value,
    /// In the next word but one; what is between them says what it is for.
    Pair,
    /// In the same word, if at all.
    Attached,
}

/// What an effect that an entry states is done to.
#[allow(dead_code, reason = "the files of the table decide which are used")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource {
    /// It cannot be told, or has no name.
    Nothing,
    /// This.
    Text(Text),
    /// An operand, from 1.
    Operand(u8),
    /// Each operand.
    Operands,
    /// The value of an option.
    Option(Text),
}

/// An option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OptionRow {
    pub(super) normal: Text,
    pub(super) takes: Takes,
    pub(super) role: Role,
    pub(super) of: Run,
}

/// A program or a subcommand.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryRow {
    pub(super) flags: u16,
    pub(super) repeated: u8,
    pub(super) spellings: Run,
    pub(super) operands: Run,
    pub(super) beneath: Run,
    pub(super) effects: Run,
    pub(super) whens: Run,
    pub(super) subcommands: Run,
}

/// What differs under conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WhenRow {
    pub(super) flags: u16,
    pub(super) repeated: u8,
    pub(super) given: Run,
    pub(super) without: Run,
    pub(super) words: Run,
    pub(super) effects: Run,
    pub(super) operands: Run,
    pub(super) beneath: Run,
}

/// Places of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlaceRow {
    pub(super) kind: EffectKind,
    pub(super) access: Access,
    pub(super) paths: Run,
    pub(super) except: Run,
}

const LONG_SINGLE: u16 = 1;
const ENDS_AT_OPERAND: u16 = 2;
const IN_CODE: u16 = 4;
const HAS_OPERANDS: u16 = 8;
const BENEATH_ALWAYS: u16 = 16;
const HAS_BENEATH: u16 = 32;
const STARTS_HERE: u16 = 64;
const INPUT_SENT: u16 = 128;
const INPUT_RUN: u16 = 256;
const SETTINGS_PRINTED: u16 = 512;

/// The tables that the build writes.
pub(super) mod table {
    use aegis_types::{Access, EffectKind};

    use super::{EntryRow, OptionRow, PlaceRow, Resource, Role, Run, Takes, Text, Ways, WhenRow};

    include!(concat!(env!("OUT_DIR"), "/programs.rs"));
}

impl Text {
    /// Returns the text.
    pub(crate) fn as_str(self) -> &'static str {
        let start = usize::try_from(self.0).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(self.1));
        table::TEXT.get(start..end).unwrap_or_default()
    }
}

impl Run {
    /// Returns the rows.
    pub(super) fn of<T>(self, rows: &'static [T]) -> &'static [T] {
        let start = usize::try_from(self.0).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(self.1));
        rows.get(start..end).unwrap_or_default()
    }
}

impl Ways {
    /// Returns the ways as an access.
    pub(crate) fn access(self) -> Access {
        Access {
            read: self.0 & 1 != 0,
            write: self.0 & 2 != 0,
            delete: self.0 & 4 != 0,
            execute: self.0 & 8 != 0,
        }
    }
}

impl OptionRow {
    /// Returns the spelling that stands for all.
    pub(crate) fn normal(&self) -> &'static str {
        self.normal.as_str()
    }

    /// Returns what its value is.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Returns the settings to whose value the role belongs; none for any word.
    pub(super) fn of(&self) -> &'static [Text] {
        self.of.of(&table::TEXTS)
    }
}

/// The roles of operands, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roles {
    roles: &'static [Role],
    repeated: Option<usize>,
}

impl Roles {
    fn of(run: Run, repeated: u8) -> Self {
        let roles = run.of(&table::ROLES);
        let repeated = usize::from(repeated);
        Self {
            roles,
            repeated: (repeated < roles.len()).then_some(repeated),
        }
    }

    /// Returns the role of the operand `index` of `count`; nothing if it has none.
    pub(crate) fn at(self, index: usize, count: usize) -> Option<Role> {
        let Some(repeated) = self.repeated else {
            return self.roles.get(index).copied();
        };
        let after = self.roles.len() - repeated - 1;
        if index < repeated {
            return self.roles.get(index).copied();
        }
        // What stands before comes first, what stands after comes second.
        let from_end = count.saturating_sub(index);
        if from_end <= after && count > repeated {
            return self.roles.get(self.roles.len() - from_end).copied();
        }
        self.roles.get(repeated).copied()
    }
}

/// A program or a subcommand of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(&'static EntryRow);

impl Entry {
    /// Returns the entry with this number.
    pub(super) fn at(index: u16) -> Option<Self> {
        table::ENTRIES.get(usize::from(index)).map(Self)
    }

    /// Returns whether long options begin with one dash.
    pub(crate) fn is_long_single(self) -> bool {
        self.0.flags & LONG_SINGLE != 0
    }

    /// Returns whether options end at the first operand.
    pub(crate) fn ends_at_operand(self) -> bool {
        self.0.flags & ENDS_AT_OPERAND != 0
    }

    /// Returns whether code tells which words name files.
    pub(crate) fn is_code(self) -> bool {
        self.0.flags & IN_CODE != 0
    }

    /// Returns whether the folder in which it runs is meant where none is named.
    pub(crate) fn starts_here(self) -> bool {
        self.0.flags & STARTS_HERE != 0
    }

    /// Returns whether standard input goes to the host it speaks to.
    pub(crate) fn sends_input(self) -> bool {
        self.0.flags & INPUT_SENT != 0
    }

    /// Returns whether standard input is run.
    pub(crate) fn runs_input(self) -> bool {
        self.0.flags & INPUT_RUN != 0
    }

    /// Returns whether what it prints is settings for the shell that evaluates it.
    pub(crate) fn prints_settings(self) -> bool {
        self.0.flags & SETTINGS_PRINTED != 0
    }

    /// Returns whether it says anything of operands.
    pub(crate) fn has_operands(self) -> bool {
        self.0.flags & HAS_OPERANDS != 0
    }

    /// Returns whether nothing is said of it but its subcommands.
    pub(crate) fn is_bare(self) -> bool {
        let Self(row) = self;
        !self.has_operands() && row.spellings.1 + row.effects.1 + row.whens.1 == 0
    }

    /// Returns whether it has subcommands.
    pub(crate) fn has_subcommands(self) -> bool {
        self.0.subcommands.1 > 0
    }

    /// Returns the subcommand `word`.
    pub(crate) fn subcommand(self, word: &str) -> Option<Self> {
        let rows = self.0.subcommands.of(&table::SUBCOMMANDS);
        let found = rows.binary_search_by(|(known, _)| known.as_str().cmp(word));
        let (_, entry) = rows.get(found.ok()?)?;
        Self::at(*entry)
    }

    /// Returns the names of its subcommands.
    pub(crate) fn named(self) -> impl Iterator<Item = &'static str> {
        let rows = self.0.subcommands.of(&table::SUBCOMMANDS).iter();
        rows.map(|(name, _)| name.as_str())
    }

    /// Returns the spellings of its options.
    pub(crate) fn spelled(self) -> impl Iterator<Item = &'static str> {
        self.spellings().iter().map(|(name, _)| name.as_str())
    }

    /// Returns the option with this spelling.
    pub(crate) fn option(self, spelling: &str) -> Option<&'static OptionRow> {
        let rows = self.spellings();
        let found = rows.binary_search_by(|(known, _)| known.as_str().cmp(spelling));
        option_at(rows, found.ok()?)
    }

    /// Returns the one option of which a spelling starts so.
    pub(crate) fn abbreviated(self, start: &str) -> Option<&'static OptionRow> {
        let rows = self.spellings();
        let first = rows.partition_point(|(known, _)| known.as_str() < start);
        let matching = rows.get(first..)?.iter();
        let mut matching =
            matching.take_while(|(known, _)| super::compare_start(known.as_str(), start).is_eq());
        let (_, option) = matching.next()?;
        matching
            .all(|(_, other)| other == option)
            .then(|| option_at(rows, first))?
    }

    fn spellings(self) -> &'static [(Text, u16)] {
        self.0.spellings.of(&table::SPELLINGS)
    }

    /// Returns the roles of its operands.
    pub(crate) fn operands(self) -> Roles {
        Roles::of(self.0.operands, self.0.repeated)
    }

    /// Returns whether whatever lies beneath a folder is always meant.
    pub(crate) fn is_always_beneath(self) -> bool {
        self.0.flags & BENEATH_ALWAYS != 0
    }

    /// Returns the options with which what lies beneath a folder is meant.
    pub(crate) fn beneath(self) -> &'static [(Text, Text)] {
        self.0.beneath.of(&table::CONDITIONS)
    }

    /// Returns what it does whatever it is given.
    pub(crate) fn effects(self) -> &'static [(EffectKind, Resource)] {
        self.0.effects.of(&table::EFFECTS)
    }

    /// Returns what differs under conditions.
    pub(crate) fn whens(self) -> &'static [WhenRow] {
        self.0.whens.of(&table::WHENS)
    }
}

fn option_at(rows: &'static [(Text, u16)], at: usize) -> Option<&'static OptionRow> {
    let (_, option) = rows.get(at)?;
    table::OPTIONS.get(usize::from(*option))
}

impl WhenRow {
    /// Returns the options that are to be given.
    pub(crate) fn given(&self) -> &'static [(Text, Text)] {
        self.given.of(&table::CONDITIONS)
    }

    /// Returns the options that are not to be given.
    pub(crate) fn without(&self) -> &'static [(Text, Text)] {
        self.without.of(&table::CONDITIONS)
    }

    /// Returns the globs of which each is to match an operand.
    pub(crate) fn words(&self) -> &'static [Text] {
        self.words.of(&table::TEXTS)
    }

    /// Returns the effects that are added.
    pub(crate) fn effects(&self) -> &'static [(EffectKind, Resource)] {
        self.effects.of(&table::EFFECTS)
    }

    /// Returns the roles of operands, if they differ.
    pub(crate) fn operands(&self) -> Option<Roles> {
        let differs = self.flags & HAS_OPERANDS != 0;
        differs.then(|| Roles::of(self.operands, self.repeated))
    }

    /// Returns whether what lies beneath is meant, if that differs.
    pub(crate) fn beneath(&self) -> Option<(bool, &'static [(Text, Text)])> {
        let differs = self.flags & HAS_BENEATH != 0;
        differs.then(|| {
            (
                self.flags & BENEATH_ALWAYS != 0,
                self.beneath.of(&table::CONDITIONS),
            )
        })
    }
}

impl PlaceRow {
    /// Returns the globs of the places.
    pub(super) fn paths(&self) -> &'static [Text] {
        self.paths.of(&table::TEXTS)
    }

    /// Returns the globs of what is not meant.
    pub(super) fn except(&self) -> &'static [Text] {
        self.except.of(&table::TEXTS)
    }
}
