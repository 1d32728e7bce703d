//! Under which condition a rule is filed.

use std::sync::Arc;

use aegis_types::EffectKind;

use super::key::{Key, Kind, key, number_key, pair_key, text_key};
use super::literals;
use super::path::path_keys;
use crate::matcher::{Matcher, ParamCondition, ParamTest, Scalar, ShellPattern};
use crate::pattern::Glob;

/// How deep the members of a condition are looked into.
const DEPTH_MAX: u8 = 8;

/// How many bytes of a name are its start.
const PROGRAM_START_BYTES: usize = 2;

/// A way in which a rule may hold: one of its tools is called, and its screen
/// holds or is unknown.
#[derive(Clone)]
pub(super) struct Way<'a> {
    /// What names the tools or actions; any tool where nothing does.
    pub(super) named: &'a Matcher,
    /// A condition that must hold then, if one can be looked up.
    pub(super) screen: Option<Screen<'a>>,
}

impl<'a> Way<'a> {
    /// Returns the ways in which `matcher` may hold: there are no others.
    pub(super) fn all_of(matcher: &'a Matcher) -> Vec<Self> {
        Self::within(matcher, matcher, 0)
    }

    /// Returns the ways of `matcher`, which stands so deep within one whose tools
    /// `outer` names.
    fn within(matcher: &'a Matcher, outer: &'a Matcher, depth: u8) -> Vec<Self> {
        let named = match names_tools(matcher) && !names_tools(outer) {
            true => matcher,
            false => outer,
        };
        let one = |screen: Option<Screen<'a>>| vec![Self { named, screen }];
        let own = Screen::of(matcher);
        if own.is_some() || depth == DEPTH_MAX {
            return one(own);
        }
        let members = |list: &'a [Matcher]| {
            list.iter()
                .map(|member| Self::within(member, named, depth + 1))
        };
        let of_any: Vec<Self> = members(&matcher.any).flatten().collect();
        let narrows = |ways: &Vec<Self>| {
            let mut ways = ways.iter();
            ways.all(|way| way.screen.is_some() || names_tools(way.named))
        };
        if !of_any.is_empty() && narrows(&of_any) {
            return of_any;
        }
        let of_all = members(&matcher.all).filter(narrows);
        let weakness = |ways: &Vec<Self>| ways.iter().filter(|way| way.tells_little()).count();
        of_all
            .min_by_key(weakness)
            .unwrap_or_else(|| one(Screen::of_little(matcher)))
    }

    /// Returns whether most calls of these tools are looked at nevertheless.
    const fn tells_little(&self) -> bool {
        matches!(
            self.screen,
            None | Some(Screen::Effects(_) | Screen::Param(_, ParamScreen::Present))
        )
    }
}

fn names_tools(matcher: &Matcher) -> bool {
    !(matcher.tool.is_empty() && matcher.action.is_empty())
}

/// A condition that can be looked up.
#[derive(Clone)]
pub(super) enum Screen<'a> {
    /// A parameter passes this test.
    Param(&'a [Arc<str>], ParamScreen),
    /// One of these programs is run, directly or by another one.
    Programs(Vec<Key>),
    /// A path with one of these keys is touched.
    Paths(Vec<Key>),
    /// A host with one of these keys is spoken to.
    Hosts(Vec<Key>),
    /// One of these effects.
    Effects(Vec<Key>),
}

/// What is looked up of a parameter.
#[derive(Clone)]
pub(super) enum ParamScreen {
    /// It is equal to one of these.
    Equals(Vec<Scalar>),
    /// It is text that holds one of these, letter case aside.
    Holds(Vec<String>),
    /// It is there.
    Present,
}

impl<'a> Screen<'a> {
    /// Returns the most selective of the conditions that `matcher` has itself, but
    /// for those that tell little.
    fn of(matcher: &'a Matcher) -> Option<Self> {
        if let Some((condition, scalars)) = first(&matcher.params, equal_to) {
            return Some(Self::Param(&condition.path, ParamScreen::Equals(scalars)));
        }
        if let Some(keys) = all(&matcher.shell, program_keys) {
            return Some(Self::Programs(keys));
        }
        if let Some((condition, literals)) = first(&matcher.params, holding) {
            return Some(Self::Param(&condition.path, ParamScreen::Holds(literals)));
        }
        if let Some(screen) = Self::of_effects(matcher)
            && !matcher.effect.iter().copied().any(is_common)
        {
            return Some(screen);
        }
        if !matcher.path.is_empty() {
            return Some(Self::Paths(
                matcher.path.iter().flat_map(path_keys).collect(),
            ));
        }
        if matcher.host.is_empty() {
            return None;
        }
        let keys = all(&matcher.host, |host| all(&host.name, host_keys));
        Some(Self::Hosts(
            keys.unwrap_or_else(|| vec![key(Kind::AnyHost, "")]),
        ))
    }

    /// Returns a condition that `matcher` has itself, and that tells little.
    fn of_little(matcher: &'a Matcher) -> Option<Self> {
        let needs_value = |test: &ParamTest| (*test != ParamTest::Present(false)).then_some(());
        let of_param = |(condition, ()): (&'a ParamCondition, ())| {
            Self::Param(&condition.path, ParamScreen::Present)
        };
        Self::of_effects(matcher).or_else(|| first(&matcher.params, needs_value).map(of_param))
    }

    fn of_effects(matcher: &Matcher) -> Option<Self> {
        let effect_key = |effect: &EffectKind| key(Kind::Effect, effect.as_str());
        let keys: Vec<Key> = matcher.effect.iter().map(effect_key).collect();
        (!keys.is_empty()).then_some(Self::Effects(keys))
    }
}

/// Returns whether most calls have an effect of this kind.
const fn is_common(kind: EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::Read | EffectKind::Write | EffectKind::Execute | EffectKind::Unknown
    )
}

fn first<T>(
    conditions: &[ParamCondition],
    screen: impl Fn(&ParamTest) -> Option<T>,
) -> Option<(&ParamCondition, T)> {
    conditions
        .iter()
        .find_map(|condition| Some((condition, screen(&condition.test)?)))
}

/// Returns the keys of all `parts`; nothing if there are none, or one has none.
fn all<T>(parts: &[T], keys: impl Fn(&T) -> Option<Vec<Key>>) -> Option<Vec<Key>> {
    let mut all = Vec::new();
    for part in parts {
        all.extend(keys(part)?);
    }
    (!all.is_empty()).then_some(all)
}

fn equal_to(test: &ParamTest) -> Option<Vec<Scalar>> {
    match test {
        ParamTest::Equals(scalar) => Some(vec![scalar.clone()]),
        ParamTest::OneOf(scalars) => Some(scalars.clone()),
        ParamTest::Glob(glob) if glob.is_literal() => {
            Some(vec![Scalar::Text(Arc::from(glob.as_str()))])
        }
        ParamTest::Gt(_)
        | ParamTest::Gte(_)
        | ParamTest::Lt(_)
        | ParamTest::Lte(_)
        | ParamTest::Contains(_)
        | ParamTest::Glob(_)
        | ParamTest::Regex(_)
        | ParamTest::Present(_) => None,
    }
}

fn holding(test: &ParamTest) -> Option<Vec<String>> {
    match test {
        ParamTest::Regex(pattern) => literals::of_regex(pattern.as_str()),
        ParamTest::Glob(glob) => literals::of_glob(glob.as_str()),
        ParamTest::Contains(Scalar::Text(part)) => literals::of_part(part),
        ParamTest::Contains(Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_))
        | ParamTest::Equals(_)
        | ParamTest::OneOf(_)
        | ParamTest::Gt(_)
        | ParamTest::Gte(_)
        | ParamTest::Lt(_)
        | ParamTest::Lte(_)
        | ParamTest::Present(_) => None,
    }
}

/// A pattern that names subcommands is filed under each of them, and once more
/// under its program, for command lines whose subcommand cannot be told.
fn program_keys(pattern: &ShellPattern) -> Option<Vec<Key>> {
    let first_word = |glob: &Glob| {
        let word = glob.as_str().split_whitespace().next()?;
        glob.is_literal().then(|| word.to_owned())
    };
    let subcommands: Option<Vec<String>> = pattern.subcommand.iter().map(first_word).collect();
    let subcommands = subcommands.filter(|words| !words.is_empty());
    all(&pattern.program, |glob| {
        if !glob.is_literal() {
            let start = program_start(literal_prefix(glob))?;
            return Some(vec![key(Kind::ProgramStart, start)]);
        }
        let program = glob.as_str();
        let Some(subcommands) = &subcommands else {
            return Some(vec![key(Kind::Program, program)]);
        };
        let of_word = |word: &String| pair_key(Kind::Subcommand, program, word);
        let mut keys: Vec<Key> = subcommands.iter().map(of_word).collect();
        keys.push(key(Kind::AnySubcommand, program));
        Some(keys)
    })
}

/// Returns what a glob begins with for sure.
pub(super) fn literal_prefix(glob: &Glob) -> &str {
    let text = glob.as_str();
    let end = text.find(['*', '?', '[', '{', '\\', '!']);
    end.map_or(text, |end| text.get(..end).unwrap_or_default())
}

/// Returns the start of a program's name under which patterns for it are filed.
pub(super) fn program_start(name: &str) -> Option<&str> {
    name.get(..PROGRAM_START_BYTES)
}

fn host_keys(glob: &Glob) -> Option<Vec<Key>> {
    let text = glob.as_str().to_ascii_lowercase();
    let is_plain = |text: &str| !text.contains(['*', '?', '[', '{', '\\', '!']);
    if is_plain(&text) {
        return Some(vec![key(Kind::Host, &text)]);
    }
    // A glob keeps its case; only its literal form is compared without.
    let suffix = glob.as_str().strip_prefix("*.")?;
    is_plain(suffix).then(|| vec![key(Kind::HostSuffix, suffix)])
}

/// Returns the key of a value that a parameter may equal.
pub(super) fn scalar_key(scalar: &Scalar) -> Option<Key> {
    match scalar {
        Scalar::Null => None,
        Scalar::Bool(value) => Some(number_key(Kind::Bool, u64::from(*value))),
        Scalar::Integer(value) => Some(number_key(Kind::Integer, value.cast_unsigned())),
        Scalar::Text(text) => Some(text_key(text)),
    }
}
