//! Keys under which rules are filed: hashes, so that two things may share one.
//! That only brings up a rule too many.

use aegis_types::Access;
use serde::{Deserialize, Serialize};

/// How many bytes of a long text its key looks at.
const TEXT_BYTES_MAX: usize = 64;

/// A key.
pub(super) type Key = u64;

/// What a key is made of; equal texts of different kinds have different keys.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Tool = 1,
    ToolPrefix,
    Action,
    Text,
    Integer,
    Bool,
    Program,
    ProgramStart,
    Subcommand,
    AnySubcommand,
    Root,
    Home,
    HomeStart,
    InHome,
    Directory,
    InDirectory,
    FileName,
    Ending,
    AnyPath,
    UnsurePath,
    Host,
    HostSuffix,
    AnyHost,
    Effect,
}

/// FNV-1a, which is short, and of which no more is asked than to spread.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(PRIME)
}

/// Returns the key of a text.
pub(super) fn key(kind: Kind, text: &str) -> Key {
    let bytes = text.as_bytes();
    let length = bytes.len() as u64;
    let start = step(BASIS, kind as u8);
    let hash = bytes
        .iter()
        .take(TEXT_BYTES_MAX)
        .fold(start, |hash, byte| step(hash, *byte));
    (hash ^ length).wrapping_mul(PRIME)
}

/// Returns the key of two texts together.
pub(super) fn pair_key(kind: Kind, one: &str, other: &str) -> Key {
    (key(kind, one).rotate_left(32) ^ key(kind, other)).wrapping_mul(PRIME)
}

/// Returns the key of a path together with a way in which it is reached for.
pub(super) const fn way_key(path: Key, way: u64) -> Key {
    (path ^ way).wrapping_mul(PRIME)
}

/// Returns the ways of `access`; each of them if it names none.
pub(super) fn ways(access: Access) -> impl Iterator<Item = u64> {
    let is_any = access == Access::default();
    let given = [access.read, access.write, access.delete, access.execute];
    let numbered = (1..).zip(given);
    numbered.filter_map(move |(way, is_given)| (is_any || is_given).then_some(way))
}

/// Returns the key of a text that a parameter may equal.
pub(super) fn text_key(text: &str) -> Key {
    key(Kind::Text, text)
}

/// Returns the key of a number.
pub(super) const fn number_key(kind: Kind, number: u64) -> Key {
    (BASIS ^ number.wrapping_mul(PRIME) ^ ((kind as u64) << 56)).wrapping_mul(PRIME)
}

/// Rules by key.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Keys {
    /// Sorted; equal keys stand side by side.
    keys: Vec<Key>,
    /// For each key, a rule; those of equal keys are in order.
    rules: Vec<u32>,
}

impl Keys {
    pub(super) fn new(mut pairs: Vec<(Key, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        Self {
            keys: pairs.iter().map(|(key, _)| *key).collect(),
            rules: pairs.iter().map(|(_, rule)| *rule).collect(),
        }
    }

    /// Returns the rules filed under `key`, in order.
    pub(super) fn get(&self, key: Key) -> &[u32] {
        let first = self.keys.partition_point(|other| *other < key);
        let count = self
            .keys
            .iter()
            .skip(first)
            .take_while(|other| **other == key)
            .count();
        self.rules.get(first..first + count).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
