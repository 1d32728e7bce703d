//! The rules of one tool, or of one group of tools.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::{Key, Keys, text_key};
use super::request::{Looked, RequestKeys, Rest, number_key_of};
use super::screen::{ParamScreen, Screen, scalar_key};
use super::table::Filed;
use super::text::TextScreen;
use crate::holds::{Facts, Found, find};
use crate::matcher::Scalar;

/// Rules filed under the conditions of which each needs one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Bucket {
    /// Those that nothing is known of.
    always: Vec<u32>,
    params: Vec<Param>,
    programs: Group,
    paths: Group,
    hosts: Group,
    effects: Group,
}

/// Rules with the keys of which each needs one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Group {
    all: Vec<u32>,
    /// Those that count where it cannot be told whether they hold.
    unsure: Vec<u32>,
    keys: Keys,
}

/// Rules that look at one parameter.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Param {
    path: Vec<Arc<str>>,
    keys: Keys,
    text: TextScreen,
    /// By kind of value, the rules of which keys and literals say nothing.
    others: [Vec<u32>; ValueKind::COUNT],
    /// Those that count where there is no value.
    absent: Vec<u32>,
}

/// A kind of value, as far as it matters which rules are unknown of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ValueKind {
    Text,
    Number,
    Bool,
    /// `null`, a list or an object.
    Other,
}

impl ValueKind {
    const COUNT: usize = 4;
    const ALL: [Self; Self::COUNT] = [Self::Text, Self::Number, Self::Bool, Self::Other];

    const fn of(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Null => Self::Other,
            Scalar::Bool(_) => Self::Bool,
            Scalar::Integer(_) => Self::Number,
            Scalar::Text(_) => Self::Text,
        }
    }
}

/// A bucket that is being filled; rules come in order.
#[derive(Default)]
pub(super) struct Filling<'a> {
    bucket: Bucket,
    params: BTreeMap<&'a [Arc<str>], FillingParam>,
    programs: Vec<(Key, u32)>,
    paths: Vec<(Key, u32)>,
    hosts: Vec<(Key, u32)>,
    effects: Vec<(Key, u32)>,
}

#[derive(Default)]
struct FillingParam {
    keys: Vec<(Key, u32)>,
    literals: Vec<(u32, Vec<String>)>,
    others: [Vec<u32>; ValueKind::COUNT],
    absent: Vec<u32>,
}

impl<'a> Filling<'a> {
    /// Files a rule that may hold only where this condition does.
    pub(super) fn push(&mut self, rule: Filed<'a>, screen: Option<Screen<'a>>) {
        let Self { bucket, .. } = self;
        let (group, keyed, keys) = match screen {
            None => return push_once(&mut bucket.always, rule.place),
            Some(screen) => match screen {
                Screen::Param(path, screen) => {
                    return self.params.entry(path).or_default().push(rule, screen);
                }
                Screen::Programs(keys) => (&mut bucket.programs, &mut self.programs, keys),
                Screen::Paths(keys) => (&mut bucket.paths, &mut self.paths, keys),
                Screen::Hosts(keys) => (&mut bucket.hosts, &mut self.hosts, keys),
                Screen::Effects(keys) => (&mut bucket.effects, &mut self.effects, keys),
            },
        };
        push_once(&mut group.all, rule.place);
        if rule.counts_unknown {
            push_once(&mut group.unsure, rule.place);
        }
        keyed.extend(keys.into_iter().map(|key| (key, rule.place)));
    }

    pub(super) fn finish(self) -> Bucket {
        let mut bucket = self.bucket;
        bucket.programs.keys = Keys::new(self.programs);
        bucket.paths.keys = Keys::new(self.paths);
        bucket.hosts.keys = Keys::new(self.hosts);
        bucket.effects.keys = Keys::new(self.effects);
        bucket.params = self
            .params
            .into_iter()
            .map(|(path, param)| Param {
                path: path.to_vec(),
                keys: Keys::new(param.keys),
                text: TextScreen::new(param.literals),
                others: param.others,
                absent: param.absent,
            })
            .collect();
        bucket
    }
}

impl FillingParam {
    fn push(&mut self, filed: Filed<'_>, screen: ParamScreen) {
        let rule = filed.place;
        let mut known = vec![];
        match screen {
            ParamScreen::Equals(scalars) => {
                known.extend(scalars.iter().map(ValueKind::of));
                let keys = scalars.iter().filter_map(scalar_key);
                self.keys.extend(keys.map(|key| (key, rule)));
            }
            ParamScreen::Holds(literals) => {
                known.push(ValueKind::Text);
                self.literals.push((rule, literals));
            }
            ParamScreen::Present => {}
        }
        for (kind, others) in ValueKind::ALL.into_iter().zip(&mut self.others) {
            if kind == ValueKind::Other || !known.contains(&kind) {
                push_once(others, rule);
            }
        }
        if filed.counts_unknown {
            push_once(&mut self.absent, rule);
        }
    }
}

/// Adds a rule to a list of rules that come in order.
fn push_once(rules: &mut Vec<u32>, rule: u32) {
    if rules.last() != Some(&rule) {
        rules.push(rule);
    }
}

impl Bucket {
    /// Gives the rules that may hold, in lists each of which is in order.
    pub(super) fn search<'a>(
        &'a self,
        facts: &Facts<'_>,
        keys: &RequestKeys,
        found: &mut impl FnMut(&'a [u32]),
    ) {
        found(&self.always);
        for param in &self.params {
            param.search(&facts.request().params, found);
        }
        self.programs.search(|| keys.programs(facts), found);
        self.paths.search(|| keys.paths(facts), found);
        self.hosts.search(|| keys.hosts(facts), found);
        self.effects.search(|| keys.effects(facts), found);
    }
}

impl Group {
    fn search<'a, 'b>(
        &'a self,
        looked: impl FnOnce() -> &'b Looked,
        found: &mut impl FnMut(&'a [u32]),
    ) {
        if self.all.is_empty() {
            return;
        }
        let looked = looked();
        match looked.rest {
            Rest::Nothing => {}
            Rest::Untold => found(&self.unsure),
            Rest::Open => return found(&self.all),
        }
        looked
            .keys
            .iter()
            .for_each(|key| found(self.keys.get(*key)));
    }
}

impl Param {
    fn search<'a>(&'a self, params: &Value, found: &mut impl FnMut(&'a [u32])) {
        let value = match find(params, &self.path) {
            Found::Value(value) => value,
            Found::Tagged | Found::Absent => return found(&self.absent),
        };
        let kind = match value {
            Value::String(text) => {
                if !self.keys.is_empty() {
                    found(self.keys.get(text_key(text)));
                }
                self.text.search(text, found);
                ValueKind::Text
            }
            Value::Number(number) => {
                if let Some(key) = number_key_of(number) {
                    found(self.keys.get(key));
                }
                ValueKind::Number
            }
            Value::Bool(value) => {
                if let Some(key) = scalar_key(&Scalar::Bool(*value)) {
                    found(self.keys.get(key));
                }
                ValueKind::Bool
            }
            Value::Null | Value::Array(_) | Value::Object(_) => ValueKind::Other,
        };
        found(self.others(kind));
    }

    fn others(&self, kind: ValueKind) -> &[u32] {
        let [text, number, bool, other] = &self.others;
        match kind {
            ValueKind::Text => text,
            ValueKind::Number => number,
            ValueKind::Bool => bool,
            ValueKind::Other => other,
        }
    }
}
