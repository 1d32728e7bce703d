//! The arguments of a command, read against what is said of its program.

use std::borrow::Cow;
use std::slice::Iter;

use aegis_types::{EffectKind, Word, WordPart};

use super::glob;
use super::row::{Entry, OptionRow, Resource, Role, Roles, Takes, Text, WhenRow};
use crate::option::{first_text, shown_text, without_start};

/// An option that is given.
#[derive(Clone, Debug)]
pub(crate) struct Chosen<'w> {
    /// What is said of it; nothing if it is in no table.
    pub(crate) row: Option<&'static OptionRow>,
    /// Its value.
    pub(crate) value: Option<Cow<'w, Word>>,
    /// What the value sets, where that has the role and not the whole of it.
    set: Option<Word>,
}

/// A word that is no option, and what it is to the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand<'r> {
    pub(crate) word: &'r Word,
    pub(crate) role: Role,
}

/// The arguments of a command, told apart.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'w> {
    /// The program, and the subcommands that follow.
    pub(crate) entries: Vec<Entry>,
    /// The words that name subcommands.
    pub(crate) subcommands: Vec<&'w Word>,
    /// The options, in order.
    pub(crate) options: Vec<Chosen<'w>>,
    /// What is neither, in order.
    pub(crate) operands: Vec<&'w Word>,
    /// The commands that options are given as the words behind them.
    pub(crate) commands: Vec<Vec<Word>>,
    /// Whether a word stands for a subcommand that is not in the table.
    pub(crate) is_unlisted: bool,
    /// Whether options that are in no table are taken to have a value.
    takes_unknown: bool,
    /// Whether a word that is taken for an operand may be the value of such an option.
    is_doubtful: bool,
}

/// Reads `words`, the arguments of the program of `entry`.
pub(crate) fn read<'w>(entry: Entry, words: &'w [Word]) -> Reading<'w> {
    read_so(entry, words, false)
}

/// Reads `words` once more where `reading` took words for operands that may be
/// values of options that are in no table.
pub(crate) fn read_otherwise<'w>(
    entry: Entry,
    words: &'w [Word],
    reading: &Reading<'w>,
) -> Option<Reading<'w>> {
    reading.is_doubtful.then(|| read_so(entry, words, true))
}

fn read_so<'w>(entry: Entry, words: &'w [Word], takes_unknown: bool) -> Reading<'w> {
    let mut reading = Reading {
        entries: vec![entry],
        subcommands: Vec::new(),
        options: Vec::new(),
        operands: Vec::new(),
        commands: Vec::new(),
        is_unlisted: false,
        takes_unknown,
        is_doubtful: false,
    };
    let mut rest = words.iter();
    let mut deepest = entry;
    while let Some(word) = rest.next() {
        let text = first_text(word);
        if text == "--" && word.parts.len() == 1 {
            reading.operands.extend(rest);
            break;
        }
        let is_plus = || reading.row(text).is_some() || reading.row("+").is_some();
        if text.len() > 1 && (text.starts_with('-') || text.starts_with('+') && is_plus()) {
            reading.option(word, text, &mut rest);
            reading.command(&mut rest);
            reading.is_doubtful |= reading.may_have_value(text) && may_be_value(&rest);
            continue;
        }
        if reading.operands.is_empty() && deepest.has_subcommands() {
            let inner = word.literal().and_then(|name| deepest.subcommand(&name));
            if let Some(inner) = inner {
                reading.entries.push(inner);
                reading.subcommands.push(word);
                deepest = inner;
                continue;
            }
            deepest = reading.step_back(entry);
            reading.is_unlisted = !deepest.has_operands();
        }
        reading.operands.push(word);
        if deepest.ends_at_operand() {
            reading.operands.extend(rest);
            break;
        }
    }
    reading
}

impl<'w> Reading<'w> {
    /// Takes words that only begin the name of a subcommand for operands, and
    /// returns what is said without them.
    fn step_back(&mut self, entry: Entry) -> Entry {
        while self.subcommands.len() < self.entries.len()
            && self.entries.last().is_some_and(|last| last.is_bare())
            && let Some(word) = self.subcommands.pop()
        {
            self.entries.pop();
            self.operands.insert(0, word);
        }
        self.deepest().unwrap_or(entry)
    }

    /// Returns what is said of the deepest subcommand.
    pub(crate) fn deepest(&self) -> Option<Entry> {
        self.entries.last().copied()
    }

    /// Returns whether the option with this normal form is given.
    pub(crate) fn has(&self, normal: &str) -> bool {
        self.options.iter().any(|option| option.is(normal))
    }

    /// Returns the values of the option with this normal form.
    pub(crate) fn values<'a>(&'a self, normal: &'a str) -> impl Iterator<Item = &'a Word> {
        let given = self.options.iter().filter(move |it| it.is(normal));
        given.filter_map(|option| option.value.as_deref())
    }

    /// Returns the values of options, with their roles.
    pub(crate) fn values_with_roles(&self) -> impl Iterator<Item = Operand<'_>> {
        self.options.iter().filter_map(|option| {
            let row = option.row?;
            let word = match row.of() {
                [] => option.value.as_deref()?,
                _ => option.set.as_ref()?,
            };
            Some(Operand {
                word,
                role: row.role,
            })
        })
    }

    /// Returns the operands that have a role.
    pub(crate) fn operands_with_roles(&self) -> impl Iterator<Item = Operand<'_>> {
        let roles = self.operand_roles();
        let count = self.operands.len();
        let operands = self.operands.iter().enumerate();
        operands.filter_map(move |(index, word)| {
            let role = roles?.at(index, count)?;
            Some(Operand { word, role })
        })
    }

    /// Returns what is stated of it as it is given.
    pub(crate) fn stated(&self) -> impl Iterator<Item = &'static (EffectKind, Resource)> {
        let deepest = self.deepest();
        let always = deepest.into_iter().flat_map(Entry::effects);
        let whens = deepest
            .into_iter()
            .flat_map(|deepest| self.whens_of(deepest));
        always.chain(whens.flat_map(WhenRow::effects))
    }

    /// Returns the role of the operand `index`.
    pub(crate) fn role_of(&self, index: usize) -> Option<Role> {
        self.operand_roles()?.at(index, self.operands.len())
    }

    fn operand_roles(&self) -> Option<Roles> {
        let deepest = self.deepest()?;
        let differing = self.whens_of(deepest).filter_map(WhenRow::operands).last();
        differing.or_else(|| deepest.has_operands().then(|| deepest.operands()))
    }

    /// Returns whether what lies beneath a folder is meant too.
    pub(crate) fn is_beneath(&self) -> bool {
        let Some(deepest) = self.deepest() else {
            return false;
        };
        let differing = self.whens_of(deepest).filter_map(WhenRow::beneath).last();
        let (always, options) =
            differing.unwrap_or_else(|| (deepest.is_always_beneath(), deepest.beneath()));
        always || options.iter().any(|condition| self.meets(condition))
    }

    /// Returns the conditions of `entry` that hold.
    pub(crate) fn whens_of(&self, entry: Entry) -> impl Iterator<Item = &'static WhenRow> {
        entry.whens().iter().filter(|when| {
            when.given().iter().all(|condition| self.meets(condition))
                && !when.without().iter().any(|condition| self.meets(condition))
                && when.words().iter().all(|glob| self.has_operand(*glob))
        })
    }

    fn meets(&self, (option, value): &(Text, Text)) -> bool {
        let value = value.as_str();
        let is_so = |word: &Word| glob::matches(value, &shown_text(word));
        self.options.iter().any(|given| {
            given.is(option.as_str())
                && (value.is_empty() || given.value.as_deref().is_some_and(is_so))
        })
    }

    fn has_operand(&self, glob: Text) -> bool {
        let glob = glob.as_str();
        let mut operands = self.operands.iter();
        operands.any(|word| glob::matches(glob, &shown_text(word)))
    }

    /// Returns what is said of an option, in the subcommand first.
    fn row(&self, spelling: &str) -> Option<&'static OptionRow> {
        let mut entries = self.entries.iter().rev();
        entries.find_map(|entry| entry.option(spelling))
    }

    fn is_long_single(&self) -> bool {
        self.entries.iter().any(|entry| entry.is_long_single())
    }

    fn option(&mut self, word: &'w Word, text: &'w str, rest: &mut Iter<'w, Word>) {
        let (name, has_value) = match text.split_once('=') {
            Some((name, _)) => (name, true),
            None => (text, false),
        };
        let plus = || text.starts_with('+').then(|| self.row("+"))?;
        let exact = self
            .row(text)
            .or_else(plus)
            .map(|row| (row, text.len(), false));
        let found = exact.or_else(|| self.long(name).map(|row| (row, name.len(), has_value)));
        let Some((row, end, has_value)) = found else {
            if text.starts_with("--") {
                let value = has_value.then(|| Cow::Owned(without_start(word, name.len() + 1)));
                self.push(None, value);
                self.take_unknown(text, rest);
            } else {
                self.letters(word, text, rest);
            }
            return;
        };
        let value = match row.takes {
            _ if has_value => Some(Cow::Owned(without_start(word, end + 1))),
            Takes::Value if word.parts.len() == 1 => rest.next().map(Cow::Borrowed),
            Takes::Value => Some(Cow::Owned(without_start(word, end))),
            Takes::Pair => rest.nth(1).map(Cow::Borrowed),
            Takes::Nothing | Takes::Attached => None,
        };
        self.push(Some(row), value);
    }

    /// Takes the words behind an option that is given a command: to the end, or to `;`.
    fn command(&mut self, rest: &mut Iter<'w, Word>) {
        let given = self.options.last().filter(|given| {
            let role = given.row.map(|row| row.role);
            role == Some(Role::Command)
        });
        let Some(first) = given.and_then(|given| given.value.as_deref()) else {
            return;
        };
        let is_end = |word: &&Word| matches!(word.literal().as_deref(), Some(";"));
        let mut command = vec![first.clone()];
        command.extend(rest.by_ref().take_while(|word| !is_end(word)).cloned());
        self.commands.push(command);
    }

    /// Returns the option that a word names as a whole, be it by its start.
    fn long(&self, name: &str) -> Option<&'static OptionRow> {
        if let Some(row) = self.row(name) {
            return Some(row);
        }
        if !name.starts_with("--") {
            return None;
        }
        if self.is_long_single()
            && let Some(row) = self.row(name.get(1..)?)
        {
            return Some(row);
        }
        let mut entries = self.entries.iter().rev();
        entries.find_map(|entry| entry.abbreviated(name).filter(|_| name.len() > 3))
    }

    fn letters(&mut self, word: &'w Word, text: &'w str, rest: &mut Iter<'w, Word>) {
        let mut spelling = String::with_capacity(4);
        for (index, letter) in text.char_indices().skip(1) {
            spelling.clear();
            spelling.push('-');
            spelling.push(letter);
            let Some(row) = self.row(&spelling) else {
                self.push(None, None);
                // Where long options have one dash, these are no letters.
                if self.is_long_single() {
                    self.take_unknown(text, rest);
                    return;
                }
                if index + letter.len_utf8() == text.len() {
                    self.take_unknown(text, rest);
                }
                continue;
            };
            let end = index + letter.len_utf8();
            let is_last = end == text.len() && word.parts.len() == 1;
            let value = match row.takes {
                Takes::Nothing => None,
                Takes::Value if is_last => rest.next().map(Cow::Borrowed),
                Takes::Pair => rest.nth(1).map(Cow::Borrowed),
                Takes::Attached if is_last => None,
                Takes::Value | Takes::Attached => Some(Cow::Owned(without_start(word, end))),
            };
            self.push(Some(row), value);
            if row.takes != Takes::Nothing {
                return;
            }
        }
    }

    /// Returns whether the option of the word that was read last may have a
    /// value in the next word: it is in no table, and nothing says that it has none.
    fn may_have_value(&self, text: &str) -> bool {
        let last = self.options.last();
        last.is_some_and(|last| last.row.is_none() && last.value.is_none())
            && !text.starts_with("--no-")
    }

    /// Takes the next word for the value of an option that is in no table, if
    /// this reading does so.
    fn take_unknown(&mut self, text: &str, rest: &mut Iter<'w, Word>) {
        if self.takes_unknown && self.may_have_value(text) && may_be_value(rest) {
            let value = rest.next().map(Cow::Borrowed);
            if let Some(last) = self.options.last_mut() {
                last.value = value;
            }
        }
    }

    fn push(&mut self, row: Option<&'static OptionRow>, value: Option<Cow<'w, Word>>) {
        let of = row.map(OptionRow::of).unwrap_or_default();
        let set = value.as_deref().filter(|_| !of.is_empty());
        let set = set.and_then(|value| set_by(value, of));
        self.options.push(Chosen { row, value, set });
    }
}

/// Returns a value without the quotes in which a file of settings has it.
fn unquoted(value: Word) -> Word {
    let text = value.literal();
    let inner = text.as_deref().and_then(|text| {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        (!inner.contains('"')).then_some(inner)
    });
    match inner {
        Some(inner) => Word {
            parts: vec![WordPart::Literal(inner.to_owned())],
            ..value
        },
        None => value,
    }
}

/// Returns what a setting, `name=value`, sets if it is one of `of`, without what
/// marks it as text for a shell.
fn set_by(setting: &Word, of: &[Text]) -> Option<Word> {
    let text = first_text(setting);
    let (name, value) = text.split_once(['=', ':'])?;
    let lower = name.trim().to_ascii_lowercase();
    let is_one = |glob: &Text| glob::matches(glob.as_str(), &lower);
    let blanks = value.len() - value.trim_start_matches([' ', '!']).len();
    let value = unquoted(without_start(setting, name.len() + 1 + blanks));
    of.iter().any(is_one).then_some(value)
}

/// Returns whether the next word may be the value of an option.
fn may_be_value(rest: &Iter<'_, Word>) -> bool {
    let next = rest.as_slice().first();
    next.is_some_and(|next| !first_text(next).starts_with('-'))
}

impl Chosen<'_> {
    /// Returns whether it is the option with this normal form.
    pub(crate) fn is(&self, normal: &str) -> bool {
        self.row.is_some_and(|row| row.normal() == normal)
    }
}
