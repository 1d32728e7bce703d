//! Rules and limits together with the text they are written in.

use std::collections::BTreeMap;
use std::ops::Range;

use aegis_types::Verdict;

use crate::matcher::Matcher;
use crate::parse::{Entry, Node, NodeValue, Walker};
use crate::permissions::KEY;
use crate::rule::{Limit, Place, Policy, Rule, Spelling};

/// A rule or a limit, and where its parts are written.
pub(super) struct Clause<'n, 'a> {
    /// The rule, unless it is a limit.
    pub(super) rule: Option<&'n Rule>,
    /// The limit, unless it is a rule.
    pub(super) limit: Option<&'n Limit>,
    /// What it says.
    pub(super) verdict: Verdict,
    /// Which requests it is about.
    pub(super) matcher: &'n Matcher,
    /// How its file is written.
    pub(super) spelling: Spelling,
    /// Its keys.
    pub(super) entries: &'n [Entry<'a>],
    /// The bytes of its name.
    pub(super) span: Range<usize>,
}

/// The keys of one `match`, or of one that stands in it.
#[derive(Clone, Copy)]
pub(super) struct Level<'n, 'a> {
    /// The keys.
    pub(super) entries: &'n [Entry<'a>],
    /// Whether it stands under `not`.
    pub(super) is_negated: bool,
    /// Whether it stands in another one.
    pub(super) is_inner: bool,
    /// Whether what it stands in, or stands beside, says more of what may be done.
    pub(super) is_narrowed: bool,
}

/// The keys of each rule and the bytes of its name, by its line and column.
type Written<'n, 'a> = BTreeMap<(u32, u32), (&'n [Entry<'a>], Range<usize>)>;

/// Returns the rules and limits of the policy's own text.
pub(super) fn clauses<'n, 'a>(
    walker: &Walker<'a>,
    root: &'n Node<'a>,
    policy: &'n Policy,
) -> Vec<Clause<'n, 'a>> {
    let (list, name) = match policy.spelling {
        Spelling::Native => ("rules", "id"),
        Spelling::Firewall => ("policies", "name"),
        Spelling::ActionRules => ("rules", "name"),
        Spelling::Permissions => return permissions(walker, root, policy),
    };
    let written = |list: &str| -> Written<'n, 'a> {
        let items = get(map(root), list).map_or(&[][..], items);
        let placed = items.iter().map(|item| {
            let entries = map(item);
            let at = get(entries, name).map_or(&item.span, |it| &it.span);
            let Place { line, column, .. } = walker.place(at.start);
            ((line, column), (entries, at.clone()))
        });
        placed.collect()
    };
    let (written, written_limits) = (written(list), written("limits"));
    let key = |place: Place| (place.line, place.column);
    let is_own = |place: Place| place.source == 0;
    let rules = policy.rules.iter().filter(|it| is_own(it.place));
    let rules = rules.filter_map(|rule| {
        let (entries, span) = written.get(&key(rule.place))?.clone();
        Some(Clause {
            rule: Some(rule),
            limit: None,
            verdict: rule.verdict,
            matcher: &rule.matcher,
            spelling: policy.spelling,
            entries,
            span,
        })
    });
    let limits = policy.limits.iter().filter(|it| is_own(it.place));
    let limits = limits.filter_map(|limit| {
        let (entries, span) = written_limits.get(&key(limit.place))?.clone();
        Some(Clause {
            rule: None,
            limit: Some(limit),
            verdict: limit.verdict,
            matcher: &limit.matcher,
            spelling: policy.spelling,
            entries,
            span,
        })
    });
    rules.chain(limits).collect()
}

/// Returns the rules of the lists of an agent host's permissions.
fn permissions<'n, 'a>(
    walker: &Walker<'a>,
    root: &'n Node<'a>,
    policy: &'n Policy,
) -> Vec<Clause<'n, 'a>> {
    let lists = get(map(root), KEY).map_or(&[][..], map);
    let written = lists.iter().flat_map(|list| items(&list.value));
    let placed = written.map(|item| {
        let Place { line, column, .. } = walker.place(item.span.start);
        ((line, column), item.span.clone())
    });
    let placed: BTreeMap<(u32, u32), Range<usize>> = placed.collect();
    let rules = policy.rules.iter().filter_map(|rule| {
        let span = placed.get(&(rule.place.line, rule.place.column))?;
        Some(Clause {
            rule: Some(rule),
            limit: None,
            verdict: rule.verdict,
            matcher: &rule.matcher,
            spelling: policy.spelling,
            entries: &[],
            span: span.clone(),
        })
    });
    rules.collect()
}

impl<'n, 'a> Clause<'n, 'a> {
    /// Returns its name.
    pub(super) fn id(&self) -> &'n str {
        let rule = self.rule.map(|it| it.id.as_str());
        rule.or(self.limit.map(|it| it.id.as_str()))
            .unwrap_or_default()
    }

    /// Returns the value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node<'a>> {
        get(self.entries, key)
    }

    /// Returns its `match` and all that stand in it.
    pub(super) fn levels(&self) -> Vec<Level<'n, 'a>> {
        let mut levels = Vec::new();
        let key = match self.spelling {
            Spelling::Native | Spelling::ActionRules => "match",
            Spelling::Firewall => "trigger",
            // A rule is one text, which has no keys.
            Spelling::Permissions => return levels,
        };
        if let Some(node) = self.get(key) {
            let outermost = Level {
                entries: &[],
                is_negated: false,
                is_inner: false,
                is_narrowed: false,
            };
            add_levels(node, outermost, &mut levels);
        }
        levels
    }
}

/// The keys that say who acts and with which tool, and not what is done.
const WHO: [&str; 5] = ["tool", "action", "agent", "skill", "risk"];

/// Adds the level that `node` is, of which `place` says all but its keys, and those in it.
///
/// The depth of the tree is bounded, so the recursion is.
fn add_levels<'n, 'a>(node: &'n Node<'a>, place: Level<'n, 'a>, levels: &mut Vec<Level<'n, 'a>>) {
    let entries = map(node);
    if entries.is_empty() {
        return;
    }
    levels.push(Level { entries, ..place });
    let says_more = |beside: &str| {
        let mut keys = entries.iter().map(|it| it.key.as_ref());
        keys.any(|key| key != beside && !WHO.contains(&key))
    };
    for entry in entries {
        let key = entry.key.as_ref();
        let turns = match key {
            "any" | "all" => false,
            "not" => true,
            _ => continue,
        };
        let inner = items(&entry.value);
        let is_narrowed = place.is_narrowed || says_more(key) || key == "all" && inner.len() > 1;
        for item in inner {
            let place = Level {
                is_negated: place.is_negated != turns,
                is_inner: true,
                is_narrowed,
                ..place
            };
            add_levels(item, place, levels);
        }
    }
}

impl<'n, 'a> Level<'n, 'a> {
    /// Returns the value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node<'a>> {
        get(self.entries, key)
    }

    /// Returns whether nothing but these keys, and those on who acts with which tool,
    /// says what it is about.
    pub(super) fn says_only(&self, keys: &[&str]) -> bool {
        let mut own = self.entries.iter().map(|it| it.key.as_ref());
        !self.is_narrowed && own.all(|key| keys.contains(&key) || WHO.contains(&key))
    }

    /// Returns the texts under a key: one, or those of a list.
    pub(super) fn texts(&self, key: &str) -> Vec<(&'n str, &'n Node<'a>)> {
        self.get(key).map_or_else(Vec::new, texts)
    }

    /// Returns the patterns on paths, whether they stand alone or with an access.
    pub(super) fn paths(&self) -> Vec<(&'n str, &'n Node<'a>)> {
        self.named("path", "glob")
    }

    /// Returns the names of hosts, whether they stand alone or with a scheme.
    pub(super) fn hosts(&self) -> Vec<(&'n str, &'n Node<'a>)> {
        self.named("host", "name")
    }

    /// Returns the schemes that are spoken.
    pub(super) fn schemes(&self) -> Vec<(&'n str, &'n Node<'a>)> {
        let hosts = self.get("host").map_or(&[][..], items).iter();
        hosts
            .filter_map(|host| get(map(host), "scheme"))
            .flat_map(texts)
            .collect()
    }

    fn named(&self, key: &str, inner: &str) -> Vec<(&'n str, &'n Node<'a>)> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        items(node)
            .iter()
            .flat_map(|item| match get(map(item), inner) {
                Some(named) => texts(named),
                None => texts(item),
            })
            .collect()
    }

    /// Returns the mappings under `shell`.
    pub(super) fn shells(&self) -> Vec<&'n [Entry<'a>]> {
        let Some(node) = self.get("shell") else {
            return Vec::new();
        };
        items(node).iter().map(map).collect()
    }

    /// Returns the conditions on parameters: the path to one, and what is said of it.
    pub(super) fn params(&self) -> &'n [Entry<'a>] {
        let node = self.get("params").or_else(|| self.get("params_match"));
        node.map_or(&[], map)
    }
}

/// Returns the keys of a mapping; none of anything else.
pub(super) fn map<'n, 'a>(node: &'n Node<'a>) -> &'n [Entry<'a>] {
    match &node.value {
        NodeValue::Map(entries) => entries,
        NodeValue::Scalar { .. } | NodeValue::List(_) => &[],
    }
}

/// Returns the values of a list, or the one that stands for it.
pub(super) fn items<'n, 'a>(node: &'n Node<'a>) -> &'n [Node<'a>] {
    match &node.value {
        NodeValue::List(items) => items,
        NodeValue::Scalar { .. } | NodeValue::Map(_) => std::slice::from_ref(node),
    }
}

/// Returns the value of a key.
pub(super) fn get<'n, 'a>(entries: &'n [Entry<'a>], key: &str) -> Option<&'n Node<'a>> {
    let found = entries.iter().find(|entry| entry.key == key);
    found.map(|entry| &entry.value)
}

/// Returns the text of a scalar.
pub(super) fn text<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match &node.value {
        NodeValue::Scalar { text, .. } => Some(text),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    }
}

/// Returns the texts of a scalar or of a list of them.
pub(super) fn texts<'n, 'a>(node: &'n Node<'a>) -> Vec<(&'n str, &'n Node<'a>)> {
    let items = items(node).iter();
    items.filter_map(|it| Some((text(it)?, it))).collect()
}
