//! Joins what several ways through a part of the text come to.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aegis_types::Word;

use super::value::{VALUES_MAX, outer_value};
use super::{
    BODIES_MAX, Change, Function, Mark, Places, Surroundings, Value, Variable, is_usually_exported,
};

/// What a way through a part of the text comes to.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    variables: BTreeMap<String, Option<Variable>>,
    functions: BTreeMap<String, Option<Function>>,
    places: Option<Places>,
    positional: Option<Option<Rc<[Word]>>>,
}

impl Ending {
    /// Returns how many things it changes.
    pub(crate) fn size(&self) -> usize {
        self.variables.len() + self.functions.len() + 1
    }
}

impl Surroundings {
    /// Makes uncertain whether the changes since `mark` happened.
    pub(crate) fn blur(&mut self, mark: Mark) {
        // Whatever was there since then may be what is there at the end.
        let mut variables: BTreeMap<String, Vec<Option<Variable>>> = BTreeMap::new();
        let mut functions = Vec::new();
        let mut moves = false;
        let mut shifts = false;
        let mut files = Vec::new();
        for change in self.changes.get(mark.0..).unwrap_or_default() {
            match change {
                Change::Variable(name, before) => {
                    let values = variables.entry(name.clone()).or_default();
                    if values.len() <= VALUES_MAX && !values.contains(before) {
                        values.push(before.clone());
                    }
                }
                Change::Places(before) => moves |= *before != self.places,
                Change::Positional(before) => shifts |= *before != self.positional,
                Change::Function(name, before) => functions.push((name.clone(), before.clone())),
                Change::File(path, before) => files.push((path.clone(), before.clone())),
                Change::Functions(_) | Change::Process(_) => {}
            }
        }
        for (path, before) in files {
            self.files.add(&path, before);
        }
        for (name, mut values) in variables {
            let is_unset = |known: &Variable| matches!(known.value, Value::Unset);
            let now = self.variables.get(&name).cloned();
            let was_outside = values.as_slice() == [None];
            if was_outside && now.as_ref().is_some_and(is_unset) {
                // It is what it was outside, or nothing.
                let before = self.variables.remove(&name);
                self.changes.push(Change::Variable(name, before));
            } else if values != [now.clone()] {
                values.push(now);
                self.set_one_of(&name, &values);
            }
        }
        for (name, before) in functions {
            self.add_meanings(&name, before);
        }
        if moves {
            self.move_to_unknown();
        }
        if shifts && self.positional.is_some() {
            self.set_positional(None);
        }
    }

    /// Takes back every change since `mark`, except those of files, and returns
    /// what they came to.
    pub(crate) fn ending(&mut self, mark: Mark) -> Ending {
        let ending = self.ending_here(mark);
        let mut files = Vec::new();
        for change in self.changes.get(mark.0..).unwrap_or_default() {
            if let Change::File(path, before) = change {
                files.push((path.clone(), before.clone()));
            }
        }
        for (path, before) in files {
            self.files.add(&path, before);
        }
        self.restore(mark);
        ending
    }

    /// Returns what the changes since `mark` come to, those of files apart.
    pub(crate) fn ending_here(&self, mark: Mark) -> Ending {
        let mut ending = Ending::default();
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
                Change::File(..) | Change::Functions(_) | Change::Process(_) => {}
            }
        }
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

    /// Adds what a function meant before changes that may not have happened.
    fn add_meanings(&mut self, name: &str, before: Option<Function>) {
        let now = self.functions.get(name).cloned();
        let is_certain = [&before, &now]
            .iter()
            .all(|function| function.as_ref().is_some_and(|known| known.is_certain));
        let mut bodies = now.map(|function| function.bodies).unwrap_or_default();
        let known = bodies.len();
        for body in before.map(|function| function.bodies).unwrap_or_default() {
            let is_new = !bodies.iter().any(|other| Rc::ptr_eq(other, &body));
            if is_new && bodies.len() <= BODIES_MAX {
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
}
