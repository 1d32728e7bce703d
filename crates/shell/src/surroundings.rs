//! What a shell knows at a place of the text: variables, functions, directory.
//!
//! Every change is noted, so that it can be taken back at the end of a
//! subshell, or be called uncertain at the end of a branch.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aegis_types::{Directory, UnknownCause, Word, WordPart};

use crate::file::{Content, Files, Writing};
use crate::syntax::Node;

/// The most values that a variable is taken to have one of.
const VALUES_MAX: usize = 8;

/// The state of the shell at a place of the text.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    variables: BTreeMap<String, Variable>,
    functions: BTreeMap<String, Function>,
    aliases: BTreeMap<String, Rc<str>>,
    places: Places,
    positional: Option<Rc<[Word]>>,
    process: u32,
    files: Files,
    changes: Vec<Change>,
    watched: Option<Watched>,
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

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// One value.
    Parts(Rc<[WordPart]>),
    /// The elements of an array.
    Elements(Rc<[Word]>),
    /// One of these, none of which is such a choice again.
    Either(Rc<[Value]>),
    /// It is not set.
    Unset,
    /// It cannot be told.
    Unknown,
}

impl Value {
    /// Returns what is one of `values`.
    pub(crate) fn one_of(values: impl IntoIterator<Item = Self>) -> Self {
        let mut different: Vec<Self> = Vec::new();
        for value in values {
            let alternatives = match &value {
                Self::Either(values) => values.as_ref(),
                Self::Parts(_) | Self::Elements(_) | Self::Unset | Self::Unknown => {
                    std::slice::from_ref(&value)
                }
            };
            for value in alternatives {
                if !different.contains(value) {
                    different.push(value.clone());
                }
            }
        }
        match different.as_slice() {
            [only] => only.clone(),
            [] => Self::Unknown,
            several if several.len() > VALUES_MAX => Self::Unknown,
            several => Self::Either(several.into()),
        }
    }
}

/// What a variable was.
#[derive(Debug)]
pub(crate) struct Saved {
    name: String,
    variable: Option<Variable>,
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
    pub(crate) current: Directory,
    /// That before the last move, if the text shows it.
    pub(crate) previous: Option<Directory>,
    /// Those `pushd` left, the last one at the end.
    pub(crate) stack: Vec<Directory>,
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

/// What a way through a part of the text comes to.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    variables: BTreeMap<String, Option<Variable>>,
    functions: BTreeMap<String, Option<Function>>,
    places: Option<Places>,
    positional: Option<Option<Rc<[Word]>>>,
}

/// A place to which changes can be taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

impl Surroundings {
    /// Returns a mark of the present state.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.changes.len())
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

    /// Makes uncertain whether the changes since `mark` happened.
    pub(crate) fn blur(&mut self, mark: Mark) {
        // What was before the first change of each kind may be what is there again.
        let mut names = Vec::new();
        let mut seen = BTreeSet::new();
        let mut functions = Vec::new();
        let mut moves = None;
        let mut shifts = None;
        let mut files = Vec::new();
        for change in self.changes.get(mark.0..).unwrap_or_default() {
            match change {
                Change::Variable(name, before) => {
                    if seen.insert(name.as_str()) && self.variables.get(name) != before.as_ref() {
                        names.push((name.clone(), before.clone()));
                    }
                }
                Change::Places(before) => {
                    moves.get_or_insert(*before != self.places);
                }
                Change::Positional(before) => {
                    shifts.get_or_insert(*before != self.positional);
                }
                Change::Function(name, before) => functions.push((name.clone(), before.clone())),
                Change::File(path, before) => files.push((path.clone(), before.clone())),
                Change::Functions(_) | Change::Process(_) => {}
            }
        }
        for (path, before) in files {
            self.files.add(&path, before);
        }
        for (name, before) in names {
            let is_unset = |known: &Variable| matches!(known.value, Value::Unset);
            if before.is_none() && self.variables.get(&name).is_some_and(is_unset) {
                // It is what it was outside, or nothing.
                let before = self.variables.remove(&name);
                self.changes.push(Change::Variable(name, before));
            } else {
                let now = self.variables.get(&name).cloned();
                self.set_one_of(&name, &[before, now]);
            }
        }
        for (name, before) in functions {
            self.add_meanings(&name, before);
        }
        if moves == Some(true) {
            self.move_to_unknown();
        }
        if shifts == Some(true) && self.positional.is_some() {
            self.set_positional(None);
        }
    }

    /// Takes back every change since `mark`, except those of files, and returns
    /// what they came to.
    pub(crate) fn ending(&mut self, mark: Mark) -> Ending {
        let mut ending = Ending::default();
        let mut files = Vec::new();
        for change in self.changes.get(mark.0..).unwrap_or_default() {
            match change {
                Change::Variable(name, _) => {
                    let now = self.variables.get(name).cloned();
                    ending.variables.insert(name.clone(), now);
                }
                Change::Function(name, _) => {
                    let now = self.functions.get(name).cloned();
                    ending.functions.insert(name.clone(), now);
                }
                Change::Places(_) => ending.places = Some(self.places.clone()),
                Change::Positional(_) => ending.positional = Some(self.positional.clone()),
                Change::File(path, before) => files.push((path.clone(), before.clone())),
                Change::Functions(_) | Change::Process(_) => {}
            }
        }
        for (path, before) in files {
            self.files.add(&path, before);
        }
        self.restore(mark);
        ending
    }

    /// Goes on as after one of `endings`, each of which began here.
    pub(crate) fn join(&mut self, endings: &[Ending]) {
        let variables: BTreeSet<&String> = endings
            .iter()
            .flat_map(|ending| ending.variables.keys())
            .collect();
        for name in variables {
            let here = self.variables.get(name).cloned();
            let ends = endings.iter().map(|ending| ending.variables.get(name));
            let values: Vec<_> = ends
                .map(|end| end.cloned().unwrap_or_else(|| here.clone()))
                .collect();
            self.set_one_of(name, &values);
        }
        let functions: BTreeSet<&String> = endings
            .iter()
            .flat_map(|ending| ending.functions.keys())
            .collect();
        for name in functions {
            let here = self.functions.get(name).cloned();
            let ends = endings.iter().map(|ending| ending.functions.get(name));
            let mut ends = ends.map(|end| end.cloned().unwrap_or_else(|| here.clone()));
            self.set_function(name, ends.next().flatten());
            for end in ends {
                self.add_meanings(name, end);
            }
        }
        let places = |ending: &Ending| ending.places.clone().unwrap_or_else(|| self.places.clone());
        let mut ends = endings.iter().map(places);
        if let Some(first) = ends.next() {
            if !ends.all(|end| end == first) {
                self.move_to_unknown();
            } else if first != self.places {
                self.set_places(first);
            }
        }
        let words = |ending: &Ending| match &ending.positional {
            Some(words) => words.clone(),
            None => self.positional.clone(),
        };
        let mut ends = endings.iter().map(words);
        if let Some(first) = ends.next() {
            let is_same = ends.all(|end| end == first);
            self.set_positional(first.filter(|_| is_same));
        }
    }

    /// Sets a variable to what one of `variables` is; `None` is what it is outside.
    fn set_one_of(&mut self, name: &str, variables: &[Option<Variable>]) {
        let known = |variable: &Option<Variable>| match variable {
            Some(variable) => variable.value.clone(),
            None => outer_value(name),
        };
        let mut values = variables.iter().flatten();
        let first = values.next();
        // Whether a program sees it is open where that differs.
        let is_alike = values.all(|other| {
            first.is_some_and(|first| {
                first.is_exported == other.is_exported && first.process == other.process
            })
        });
        let value = if is_alike {
            Value::one_of(variables.iter().map(known))
        } else {
            Value::Unknown
        };
        let (is_exported, process) = match first {
            Some(first) => (first.is_exported, first.process),
            None => (is_usually_exported(name), self.process),
        };
        self.note(name, &value);
        let variable = Variable {
            value,
            is_exported: is_exported || !is_alike,
            process,
        };
        let before = self.variables.insert(name.to_owned(), variable);
        self.changes.push(Change::Variable(name.to_owned(), before));
    }

    /// Returns the value that the text gives to `name`; `None` if it gives none.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        let variable = self.variables.get(name)?;
        if variable.process != self.process && !variable.is_exported {
            return Some(Value::Unknown);
        }
        Some(variable.value.clone())
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
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
        }
    }

    /// Gives a variable back what it was.
    pub(crate) fn put_back(&mut self, saved: Saved) {
        let before = self.variables.get(&saved.name).cloned();
        put(&mut self.variables, saved.name.clone(), saved.variable);
        self.changes.push(Change::Variable(saved.name, before));
    }

    /// Returns the value that programs see in the variable `name`, if the text sets one.
    pub(crate) fn exported(&self, name: &str) -> Option<Value> {
        let variable = self.variables.get(name)?;
        variable.is_exported.then(|| variable.value.clone())
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

    /// Makes every variable uncertain that the text has set.
    pub(crate) fn forget_all(&mut self) {
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

    /// Adds what a function meant before changes that may not have happened.
    fn add_meanings(&mut self, name: &str, before: Option<Function>) {
        let now = self.functions.get(name).cloned();
        let is_certain = [&before, &now]
            .iter()
            .all(|function| function.as_ref().is_some_and(|known| known.is_certain));
        let mut bodies = now.map(|function| function.bodies).unwrap_or_default();
        let known = bodies.len();
        for body in before.map(|function| function.bodies).unwrap_or_default() {
            if !bodies.iter().any(|other| Rc::ptr_eq(other, &body)) {
                bodies.push(body);
            }
        }
        let had = self
            .functions
            .get(name)
            .is_none_or(|known| known.is_certain);
        if bodies.len() > known || (had && !is_certain) {
            self.set_function(name, Some(Function { bodies, is_certain }));
        }
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

    /// Returns the text of an alias.
    pub(crate) fn alias(&self, name: &str) -> Option<Rc<str>> {
        if self.aliases.is_empty() {
            return None;
        }
        self.aliases.get(name).cloned()
    }

    /// Defines an alias. It is never taken back: an alias that may be defined counts.
    pub(crate) fn define_alias(&mut self, name: &str, text: &str) {
        self.aliases.insert(name.to_owned(), text.into());
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
        let nowhere = Places {
            current: Directory::Unknown,
            previous: Some(Directory::Unknown),
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

/// Returns the value of a variable that the text does not set.
fn outer_value(name: &str) -> Value {
    match name {
        // These have values that are told from where they are used.
        "HOME" | "IFS" | "PWD" | "OLDPWD" => Value::Unknown,
        _ => {
            let cause = UnknownCause::Variable(name.to_owned());
            Value::Parts(Rc::new([WordPart::Unknown(cause)]))
        }
    }
}

/// Returns whether programs nearly always see this variable, so that setting it reaches them.
fn is_usually_exported(name: &str) -> bool {
    matches!(
        name,
        "HOME" | "PATH" | "PWD" | "OLDPWD" | "USER" | "LOGNAME" | "SHELL" | "TMPDIR" | "LANG"
    ) || name.starts_with("XDG_")
}
