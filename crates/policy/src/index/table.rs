//! Rules filed by tool, and the few of them that a request brings up.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, Filling};
use super::key::{Key, Kind, key};
use super::screen::{Way, literal_prefix};
use crate::holds::{Facts, other_name};
use crate::matcher::Matcher;

/// Up to this length, lists are copied rather than kept side by side.
const COPIED_MAX: usize = 8;

/// A rule that is filed.
#[derive(Clone, Copy)]
pub(super) struct Filed<'a> {
    /// Its place.
    pub(super) place: u32,
    /// What it is about.
    pub(super) matcher: &'a Matcher,
    /// Whether it counts where it cannot be told whether it holds.
    pub(super) counts_unknown: bool,
}

/// Rules filed by tool.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Table {
    /// Buckets with their keys, sorted.
    buckets: Vec<(Key, Bucket)>,
    /// Rules about any tool.
    any: Bucket,
    /// The lengths of the prefixes under which rules are filed, sorted.
    prefixes: Vec<u32>,
    /// The places of the buckets by their keys.
    #[serde(skip)]
    places: OnceLock<Places>,
}

type Places = HashMap<Key, usize, BuildHasherDefault<Spread>>;

impl Table {
    /// Returns the table of rules given in order.
    pub(super) fn new<'a>(rules: impl Iterator<Item = Filed<'a>>) -> Self {
        let mut prefixes = Vec::new();
        let mut any = Filling::default();
        let mut buckets: BTreeMap<Key, Filling<'a>> = BTreeMap::new();
        for rule in rules {
            for way in Way::all_of(rule.matcher) {
                let Some(keys) = keys_of(way.named, &mut prefixes) else {
                    any.push(rule, way.screen);
                    continue;
                };
                for key in keys {
                    let filling = buckets.entry(key).or_default();
                    filling.push(rule, way.screen.clone());
                }
            }
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        Self {
            buckets: buckets
                .into_iter()
                .map(|(key, filling)| (key, filling.finish()))
                .collect(),
            any: any.finish(),
            prefixes,
            places: OnceLock::new(),
        }
    }

    /// Returns the rules that may hold, in order.
    pub(crate) fn candidates<'a>(&'a self, facts: &Facts<'_>) -> Candidates<'a> {
        let mut candidates = Candidates::default();
        let mut found = |rules: &'a [u32]| candidates.add(rules);
        let mut search = |bucket: &'a Bucket| bucket.search(facts, facts.keys(), &mut found);
        search(&self.any);
        if !self.buckets.is_empty() {
            let request = facts.request();
            let tool = &*request.tool;
            self.of_tool(tool, &mut search);
            if let Some(other) = other_name(tool) {
                self.of_tool(other, &mut search);
            }
            if let Some(bucket) = self.bucket(key(Kind::Action, request.action.as_str())) {
                search(bucket);
            }
        }
        candidates.few.sort_unstable();
        candidates
    }

    fn of_tool<'a>(&'a self, tool: &str, search: &mut impl FnMut(&'a Bucket)) {
        if let Some(bucket) = self.bucket(key(Kind::Tool, tool)) {
            search(bucket);
        }
        for length in &self.prefixes {
            let Some(prefix) = tool.get(..*length as usize) else {
                continue;
            };
            if let Some(bucket) = self.bucket(key(Kind::ToolPrefix, prefix)) {
                search(bucket);
            }
        }
    }

    fn bucket(&self, key: Key) -> Option<&Bucket> {
        let places = self.places.get_or_init(|| {
            (0..)
                .zip(&self.buckets)
                .map(|(place, (key, _))| (*key, place))
                .collect()
        });
        let place = places.get(&key)?;
        self.buckets.get(*place).map(|(_, bucket)| bucket)
    }
}

/// Returns the keys of the tools or actions that a rule names; nothing if it is
/// about any tool.
fn keys_of(matcher: &Matcher, prefixes: &mut Vec<u32>) -> Option<Vec<Key>> {
    if matcher.tool.is_empty() {
        let of_action = |action: &aegis_types::Action| key(Kind::Action, action.as_str());
        let keys: Vec<Key> = matcher.action.iter().map(of_action).collect();
        return (!keys.is_empty()).then_some(keys);
    }
    let mut keys = Vec::with_capacity(matcher.tool.len());
    for glob in &matcher.tool {
        if glob.is_literal() {
            keys.push(key(Kind::Tool, glob.as_str()));
            continue;
        }
        let prefix = literal_prefix(glob);
        if prefix.is_empty() {
            return None;
        }
        prefixes.push(u32::try_from(prefix.len()).ok()?);
        keys.push(key(Kind::ToolPrefix, prefix));
    }
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// The rules that a request brings up, in order, each once.
#[derive(Debug, Default)]
pub(crate) struct Candidates<'a> {
    /// From short lists, sorted.
    few: Vec<u32>,
    /// How many of them were given.
    given: usize,
    /// What is left of long lists, each sorted.
    lists: Vec<&'a [u32]>,
}

impl<'a> Candidates<'a> {
    fn add(&mut self, rules: &'a [u32]) {
        if rules.len() <= COPIED_MAX {
            self.few.extend_from_slice(rules);
        } else {
            self.lists.push(rules);
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let of_lists = self.lists.iter().filter_map(|list| list.first()).min();
        let next = match (self.few.get(self.given), of_lists) {
            (Some(few), Some(list)) => *few.min(list),
            (Some(one), None) | (None, Some(one)) => *one,
            (None, None) => return None,
        };
        while self.few.get(self.given) == Some(&next) {
            self.given += 1;
        }
        for list in &mut self.lists {
            let given = list.iter().take_while(|rule| **rule == next).count();
            *list = list.get(given..).unwrap_or_default();
        }
        Some(next)
    }
}

/// Uses a key as its own hash.
#[derive(Clone, Copy, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
