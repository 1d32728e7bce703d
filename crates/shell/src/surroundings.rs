//! What a shell knows at a place of the text: variables, functions, directory.
//!
//! Every change is noted, so that it can be taken back at the end of a
//! subshell, or be called uncertain at the end of a branch.

mod join;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aegis_types::{Directory, UnknownCause, Word, WordPart};

use crate::expand::is_plain_text;
use crate::file::{Content, Files, Writing};
use crate::syntax::Node;
use value::{VALUES_MAX, is_computed, outer_value};

pub(crate) use join::Ending;
pub(crate) use value::Value;

/// How many bodies of one function are followed; one more shows that there are more.
pub(crate) const BODIES_MAX: usize = 8;

/// The state of the shell at a place of the text.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    variables: BTreeMap<String, Variable>,
    functions: BTreeMap<String, Function>,
    aliases: BTreeMap<String, Vec<Rc<str>>>,
    places: Places,
    positional: Option<Rc<[Word]>>,
    process: u32,
    files: Files,
    changes: Vec<Change>,
    watched: Option<Watched>,
    /// Whether some variable may stand for another one.
    has_references: bool,
    /// Whether something may have set any variable, unseen.
    is_open: bool,
    fixed: BTreeSet<String>,
    /// Variables that are not what they are set to.
    loose: BTreeSet<String>,
}

/// What variables have been since they are watched.
#[derive(Debug, Default)]
struct Watched {
    before: BTreeMap<String, Variable>,
    since: BTreeMap<String, Vec<Value>>,
}

/// A variable that the text sets.
#[derive(Clone, Debug, PartialEq)]
struct Variable {
    value: Value,
    is_exported: bool,
    process: u32,
}

/// What a variable was.
#[derive(Debug)]
pub(crate) struct Saved {
    name: String,
    variable: Option<Variable>,
    /// The place of the change that comes next.
    at: usize,
}

/// What a name means that the text defines as a function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// The bodies it may have.
    pub(crate) bodies: Vec<Rc<Node>>,
    /// Whether it is one at all.
    pub(crate) is_certain: bool,
}

/// The directories the shell remembers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Places {
    /// That in which commands run.
    pub(crate) current: Rc<Directory>,
    /// That before the last move, if the text shows it.
    pub(crate) previous: Option<Rc<Directory>>,
    /// Those `pushd` left, the last one at the end.
    pub(crate) stack: Vec<Rc<Directory>>,
}

#[derive(Debug)]
enum Change {
    Variable(String, Option<Variable>),
    Function(String, Option<Function>),
    Functions(BTreeMap<String, Function>),
    Places(Places),
    Positional(Option<Rc<[Word]>>),
    File(String, Option<Content>),
    Process(u32),
}

/// A place to which changes can be taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

impl Surroundings {
    /// Returns a mark of the present state.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.changes.len())
    }

    /// Returns whether anything but files has changed since `mark`.
    pub(crate) fn has_changed_since(&self, mark: Mark) -> bool {
        let mut changes = self.changes.get(mark.0..).unwrap_or_default().iter();
        changes.any(|change| match change {
            Change::Variable(..)
            | Change::Function(..)
            | Change::Functions(_)
            | Change::Places(_)
            | Change::Positional(_)
            | Change::Process(_) => true,
            Change::File(..) => false,
        })
    }

    /// Takes back every change since `mark`, except those of files.
    pub(crate) fn restore(&mut self, mark: Mark) {
        let mut kept = Vec::new();
        self.take_back(mark, &mut kept);
        self.changes.extend(kept.into_iter().rev());
    }

    fn take_back(&mut self, mark: Mark, kept: &mut Vec<Change>) {
        while self.changes.len() > mark.0 {
            match self.changes.pop() {
                Some(Change::Variable(name, before)) => put(&mut self.variables, name, before),
                Some(Change::Function(name, before)) => put(&mut self.functions, name, before),
                Some(Change::Functions(before)) => self.functions = before,
                Some(Change::Places(before)) => self.places = before,
                Some(Change::Positional(before)) => self.positional = before,
                Some(Change::Process(before)) => self.process = before,
                Some(change @ Change::File(..)) => kept.push(change),
                None => return,
            }
        }
    }

    /// Returns the value that the text gives to `name`; `None` if it gives none.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        let variable = self.variables.get(name)?;
        let is_seen = variable.process == self.process || variable.is_exported;
        if !is_seen || self.has_references {
            return Some(Value::Unknown);
        }
        Some(variable.value.clone())
    }

    /// Makes every variable uncertain from now on: one of them stands for another.
    pub(crate) fn add_reference(&mut self) {
        self.has_references = true;
    }

    /// Makes what is set later to a variable no more than possible.
    pub(crate) fn fix(&mut self, name: &str) {
        self.fixed.insert(name.to_owned());
    }

    /// Returns whether setting a variable may fail.
    pub(crate) fn is_fixed(&self, name: &str) -> bool {
        self.fixed.contains(name)
    }

    /// Makes uncertain whatever a variable is and will be: it is not what it is set to.
    pub(crate) fn loosen(&mut self, name: &str) {
        self.loose.insert(name.to_owned());
        self.forget(name);
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let value = match self.variables.get(name) {
            _ if self.loose.contains(name) || is_computed(name) => Value::Unknown,
            Some(known) if self.fixed.contains(name) => Value::one_of([known.value.clone(), value]),
            _ => value,
        };
        self.note(name, &value);
        let before = self.variables.get(name);
        let is_exported = before.map_or_else(|| is_usually_exported(name), |old| old.is_exported);
        let variable = Variable {
            value,
            is_exported,
            process: self.process,
        };
        let before = self.variables.insert(name.to_owned(), variable);
        self.changes.push(Change::Variable(name.to_owned(), before));
    }

    /// Remembers from now on whatever variables are set to.
    pub(crate) fn watch(&mut self) {
        if self.watched.is_none() {
            self.watched = Some(Watched {
                before: self.variables.clone(),
                since: BTreeMap::new(),
            });
        }
    }

    fn note(&mut self, name: &str, value: &Value) {
        let Some(watched) = &mut self.watched else {
            return;
        };
        let values = watched.since.entry(name.to_owned()).or_default();
        if values.len() <= VALUES_MAX && !values.contains(value) {
            values.push(value.clone());
        }
    }

    /// Makes each variable one of all that it has been since it is watched.
    pub(crate) fn set_to_any_watched(&mut self) {
        let Some(watched) = self.watched.take() else {
            return;
        };
        for (name, values) in &watched.since {
            let before = watched.before.get(name);
            let before = before.map_or_else(|| outer_value(name), |known| known.value.clone());
            let values = std::iter::once(before).chain(values.iter().cloned());
            self.set(name, Value::one_of(values));
        }
        self.watched = Some(watched);
    }

    /// Returns what a variable is, to give it back later.
    pub(crate) fn saved(&self, name: &str) -> Saved {
        Saved {
            name: name.to_owned(),
            variable: self.variables.get(name).cloned(),
            at: self.changes.len(),
        }
    }

    /// Gives a variable back what it was, as if it had been nothing else since.
    pub(crate) fn put_back(&mut self, saved: Saved) {
        let since = self.changes.split_off(saved.at.min(self.changes.len()));
        let is_other = |change: &Change| match change {
            Change::Variable(name, _) => *name != saved.name,
            Change::Function(..)
            | Change::Functions(_)
            | Change::Places(_)
            | Change::Positional(_)
            | Change::File(..)
            | Change::Process(_) => true,
        };
        self.changes.extend(since.into_iter().filter(is_other));
        put(&mut self.variables, saved.name, saved.variable);
    }

    /// Makes uncertain whether a variable is what it was.
    pub(crate) fn perhaps_put_back(&mut self, saved: &Saved) {
        self.forget(&saved.name);
    }

    /// Returns the value that programs see in the variable `name`, if the text sets one.
    pub(crate) fn exported(&self, name: &str) -> Option<Value> {
        let variable = self.variables.get(name)?;
        variable.is_exported.then(|| variable.value.clone())
    }

    /// Returns whether nothing that the text gives programs in variables could be code.
    pub(crate) fn exports_plain_text(&self) -> bool {
        let is_plain = |part: &WordPart| match part {
            WordPart::Literal(text) => is_plain_text(text),
            WordPart::Home(_) | WordPart::Unknown(UnknownCause::Variable(_)) => true,
            WordPart::Pattern(_) | WordPart::Stream(_) | WordPart::Unknown(_) => false,
        };
        let exported = self.variables.values().filter(|it| it.is_exported);
        let mut values = exported.map(|variable| &variable.value);
        values.all(|value| match value {
            Value::Unset => true,
            Value::Parts(parts) => parts.iter().all(is_plain),
            Value::Elements(_) | Value::Either(_) | Value::Unknown => false,
        })
    }

    /// Makes programs see none of the variables, that of the home directory included.
    pub(crate) fn clear_environment(&mut self) {
        let names: Vec<String> = self.variables.keys().cloned().collect();
        for name in names {
            if let Some(variable) = self.variables.get_mut(&name) {
                let before = variable.clone();
                variable.value = Value::Unset;
                self.changes.push(Change::Variable(name, Some(before)));
            }
        }
        self.set("HOME", Value::Unset);
    }

    /// Makes the value of a variable uncertain.
    pub(crate) fn forget(&mut self, name: &str) {
        let known = self.variables.get(name);
        if !known.is_some_and(|variable| matches!(variable.value, Value::Unknown)) {
            self.set(name, Value::Unknown);
        }
    }

    /// Returns whether variables that the text does not set are those of the environment.
    pub(crate) fn is_closed(&self) -> bool {
        !self.is_open && !self.has_references
    }

    /// Makes every variable uncertain that the text has set.
    pub(crate) fn forget_all(&mut self) {
        self.is_open = true;
        let names: Vec<String> = self
            .variables
            .iter()
            .filter(|(_, variable)| !matches!(variable.value, Value::Unknown))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.set(&name, Value::Unknown);
        }
    }

    /// Makes a variable visible to programs.
    pub(crate) fn export(&mut self, name: &str) {
        if let Some(variable) = self.variables.get(name).cloned() {
            let exported = Variable {
                is_exported: true,
                ..variable.clone()
            };
            self.variables.insert(name.to_owned(), exported);
            self.changes
                .push(Change::Variable(name.to_owned(), Some(variable)));
        }
    }

    /// Enters a process of its own, which sees exported variables only, and no functions.
    pub(crate) fn enter_process(&mut self) {
        self.changes.push(Change::Process(self.process));
        self.process = self.process.wrapping_add(1);
        if !self.functions.is_empty() {
            let functions = std::mem::take(&mut self.functions);
            self.changes.push(Change::Functions(functions));
        }
    }

    /// Returns what `name` means as a function.
    pub(crate) fn function(&self, name: &str) -> Option<Function> {
        if self.functions.is_empty() {
            return None;
        }
        self.functions.get(name).cloned()
    }

    /// Defines a function.
    pub(crate) fn define(&mut self, name: &str, body: Rc<Node>) {
        let function = Function {
            bodies: vec![body],
            is_certain: true,
        };
        self.set_function(name, Some(function));
    }

    /// Sets what `name` means as a function; `None` if it is none.
    pub(crate) fn set_function(&mut self, name: &str, function: Option<Function>) {
        let before = match function {
            Some(function) => self.functions.insert(name.to_owned(), function),
            None => self.functions.remove(name),
        };
        self.changes.push(Change::Function(name.to_owned(), before));
    }

    /// Returns the functions that are defined, with their bodies.
    pub(crate) fn functions_defined(&self) -> Vec<(String, Rc<Node>)> {
        let mut defined = Vec::new();
        for (name, function) in &self.functions {
            for body in &function.bodies {
                defined.push((name.clone(), Rc::clone(body)));
            }
        }
        defined
    }

    /// Returns the texts that an alias may have.
    pub(crate) fn alias(&self, name: &str) -> Vec<Rc<str>> {
        if self.aliases.is_empty() {
            return Vec::new();
        }
        self.aliases.get(name).cloned().unwrap_or_default()
    }

    /// Defines an alias. It is never taken back: an alias that may be defined counts.
    pub(crate) fn define_alias(&mut self, name: &str, text: &str) {
        let texts = self.aliases.entry(name.to_owned()).or_default();
        if texts.len() < VALUES_MAX && !texts.iter().any(|known| &**known == text) {
            texts.push(text.into());
        }
    }

    /// Forgets an alias, wherever it is.
    pub(crate) fn forget_alias(&mut self, name: &str) {
        self.aliases.remove(name);
    }

    /// Returns the files that the text writes.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// Writes `text`, or what cannot be told, to a file.
    pub(crate) fn write_file(&mut self, path: &str, text: Option<&str>, writing: Writing) {
        let before = self.files.get(path).cloned();
        self.files.write(path, text, writing);
        self.changes.push(Change::File(path.to_owned(), before));
    }

    /// Writes what cannot be told to every file whose path begins so.
    pub(crate) fn write_files(&mut self, begin: String) {
        self.files.write_all(begin);
    }

    /// Makes open what a file holds that some program may change.
    pub(crate) fn change_file(&mut self, path: &str) {
        self.files.change(path);
    }

    /// Copies a file that is known to another path.
    pub(crate) fn copy_file(&mut self, from: &str, to: &str) {
        let before = self.files.get(to).cloned();
        self.files.copy(from, to);
        self.changes.push(Change::File(to.to_owned(), before));
    }

    /// Returns the directories.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Changes the directories.
    pub(crate) fn set_places(&mut self, places: Places) {
        let before = std::mem::replace(&mut self.places, places);
        self.changes.push(Change::Places(before));
    }

    /// Moves to a directory that cannot be told.
    pub(crate) fn move_to_unknown(&mut self) {
        let unknown = Rc::new(Directory::Unknown);
        let nowhere = Places {
            previous: Some(Rc::clone(&unknown)),
            current: unknown,
            stack: Vec::new(),
        };
        if self.places != nowhere {
            self.set_places(nowhere);
        }
    }

    /// Returns the positional parameters, if the text shows them.
    pub(crate) fn positional(&self) -> Option<Rc<[Word]>> {
        self.positional.clone()
    }

    /// Sets the positional parameters; `None` if they cannot be told.
    pub(crate) fn set_positional(&mut self, words: Option<Rc<[Word]>>) {
        let before = std::mem::replace(&mut self.positional, words);
        self.changes.push(Change::Positional(before));
    }
}

fn put<T>(map: &mut BTreeMap<String, T>, name: String, value: Option<T>) {
    match value {
        Some(value) => map.insert(name, value),
        None => map.remove(&name),
    };
}

/// Returns whether programs nearly always see this variable, so that setting it reaches them.
fn is_usually_exported(name: &str) -> bool {
    matches!(
        name,
        "HOME" | "PATH" | "PWD" | "OLDPWD" | "USER" | "LOGNAME" | "SHELL" | "TMPDIR" | "LANG"
    ) || name.starts_with("XDG_")
}
