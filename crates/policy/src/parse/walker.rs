//! Reading values out of a tree while collecting every problem.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lines::Lines;
use super::node::{Entry, Meaning, Node, NodeValue, meaning};
use super::suggest::nearest;
use crate::problem::{Problem, ProblemCode, Severity, quoted};
use crate::rule::Place;
use crate::when::Zone;

/// Collects the problems of one source.
///
/// Every method that reads a value reports what is wrong with it and returns
/// nothing; the caller goes on with the next one.
pub(crate) struct Walker<'a> {
    /// The text that is read.
    pub text: &'a str,
    source: u16,
    lines: Lines,
    problems: Vec<Problem>,
    /// How many problems are kept.
    pub most: usize,
    /// How many problems there are beyond those that are kept, and the last of them.
    beyond: (usize, Option<Problem>),
    /// The zones that were looked up, by their spelling.
    pub zones: BTreeMap<String, Zone>,
    /// How many expressions were compiled because their size was in doubt.
    pub compiled: usize,
}

/// How many problems of one source are told.
const PROBLEMS_MAX: usize = 200;

/// A mapping whose keys were checked.
#[derive(Clone, Copy)]
pub(crate) struct Map<'n, 'a> {
    /// What it is, with its article.
    pub noun: &'static str,
    /// Its bytes.
    pub span: &'n Range<usize>,
    entries: &'n [Entry<'a>],
    /// The keys that are known; none if they are free to choose.
    keys: &'n [&'static str],
}

impl<'n, 'a> Map<'n, 'a> {
    /// Returns the value of `key`.
    pub fn get(self, key: &str) -> Option<&'n Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns `key` with its value.
    pub fn entry(self, key: &str) -> Option<&'n Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Returns every key with its value.
    pub fn entries(self) -> &'n [Entry<'a>] {
        self.entries
    }
}

impl<'a> Walker<'a> {
    /// Returns a walker over the text of the source with this number.
    pub fn new(source: u16, text: &'a str) -> Self {
        Self {
            text,
            source,
            lines: Lines::of(text),
            problems: Vec::new(),
            most: PROBLEMS_MAX,
            beyond: (0, None),
            zones: BTreeMap::new(),
            compiled: 0,
        }
    }

    /// Returns the problems found.
    pub fn into_problems(mut self) -> Vec<Problem> {
        for problem in &mut self.problems {
            keep_quotes(self.text, problem);
            problem.make_visible();
        }
        if let (count, Some(last)) = self.beyond {
            self.problems.push(Problem {
                severity: Severity::Error,
                code: ProblemCode::TooLarge,
                message: format!("{count} more problems are not told"),
                help: Some("mend these first".to_owned()),
                suggestion: None,
                related: None,
                ..last
            });
        }
        self.problems
    }

    /// Returns whether an error was found.
    pub fn has_error(&self) -> bool {
        let is_error = |it: &Problem| it.severity == Severity::Error;
        self.problems.iter().any(is_error) || self.beyond.0 > 0
    }

    /// Returns the place of the byte `at`.
    pub fn place(&self, at: usize) -> Place {
        let (line, column) = self.lines.locate(self.text, at);
        Place {
            source: self.source,
            line,
            column,
        }
    }

    /// Reports an error.
    pub fn error(
        &mut self,
        code: ProblemCode,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.problem(Severity::Error, code, span, message.into())
    }

    /// Reports what is sound and probably not meant.
    pub fn warn(
        &mut self,
        code: ProblemCode,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.problem(Severity::Warning, code, span, message.into())
    }

    fn problem(
        &mut self,
        severity: Severity,
        code: ProblemCode,
        span: &Range<usize>,
        message: String,
    ) -> &mut Problem {
        let place = self.place(span.start);
        let problem = Problem {
            severity,
            code,
            place,
            span: span.clone(),
            message,
            help: None,
            suggestion: None,
            related: None,
        };
        if self.problems.len() < self.most {
            return self.problems.push_mut(problem);
        }
        self.beyond.0 += 1;
        self.beyond.1.insert(problem)
    }

    /// Reports that `node` is of another type than expected.
    pub fn wrong_type(&mut self, node: &Node<'_>, what: &str, expected: &str) -> &mut Problem {
        let message = match node.noun() {
            "nothing" => format!("{what} has no value; expected {expected}"),
            noun => format!("{what} is {expected}, found {noun}"),
        };
        self.error(ProblemCode::WrongType, &node.span, message)
    }

    /// Reads a mapping that holds no other keys than `keys`.
    pub fn map<'n>(
        &mut self,
        node: &'n Node<'a>,
        noun: &'static str,
        keys: &'n [&'static str],
    ) -> Option<Map<'n, 'a>> {
        let map = Map {
            keys,
            ..self.free_map(node, noun)?
        };
        for entry in map.entries {
            if !keys.contains(&entry.key.as_ref()) {
                self.unknown_key(entry, noun, keys);
            }
        }
        Some(map)
    }

    /// Reads a mapping whose keys are free to choose.
    pub fn free_map<'n>(&mut self, node: &'n Node<'a>, noun: &'static str) -> Option<Map<'n, 'a>> {
        match &node.value {
            NodeValue::Map(entries) if entries.is_empty() => {
                let message = format!("{noun} holds nothing");
                self.error(ProblemCode::Nothing, &node.span, message);
                None
            }
            NodeValue::Map(entries) => Some(Map {
                noun,
                span: &node.span,
                entries,
                keys: &[],
            }),
            NodeValue::Scalar { .. } | NodeValue::List(_) => {
                self.wrong_type(node, noun, "a mapping");
                None
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry<'_>, noun: &str, keys: &[&'static str]) {
        let message = format!("unknown key {} in {noun}", quoted(&entry.key));
        let near = nearest(&entry.key, keys.iter().copied());
        let problem = self.error(ProblemCode::UnknownKey, &entry.key_span, message);
        match (near, misplaced(&entry.key, noun)) {
            (Some(near), _) => {
                problem.suggest_nearest(Some(near));
            }
            (None, Some(help)) => {
                problem.help(help);
            }
            (None, None) => {
                problem.help(format!("the keys here are {}", listed(keys)));
            }
        }
    }

    /// Returns the value of `key`, reporting when it is not given.
    pub fn required<'n>(&mut self, map: Map<'n, 'a>, key: &str) -> Option<&'n Node<'a>> {
        let found = map.get(key);
        // A slip of the pen has its own problem.
        let is_slip = |it: &Entry<'_>| {
            !map.keys.contains(&it.key.as_ref())
                && nearest(&it.key, map.keys.iter().copied()) == Some(key)
        };
        if found.is_none() && !map.entries.iter().any(is_slip) {
            let message = format!("{} has no `{key}`", map.noun);
            let at = map.entries.first().map_or(map.span, |it| &it.key_span);
            let problem = self.error(ProblemCode::MissingKey, at, message);
            if key == "verdict" {
                problem.help("say what follows: `verdict: allow`, `ask` or `deny`");
            }
        }
        found
    }

    /// Reads text.
    pub fn text<'n>(&mut self, node: &'n Node<'a>, what: &str) -> Option<&'n str> {
        match &node.value {
            NodeValue::Scalar { text, is_plain } => match meaning(text) {
                Meaning::Text => Some(text),
                _ if !is_plain => Some(text),
                Meaning::Nothing | Meaning::Null => {
                    self.wrong_type(node, what, "text");
                    None
                }
                Meaning::Bool(_) | Meaning::Number => {
                    self.wrong_type(node, what, "text")
                        .help("put it into quotes")
                        .suggest(format!("\"{text}\""));
                    None
                }
            },
            NodeValue::List(_) | NodeValue::Map(_) => {
                self.wrong_type(node, what, "text");
                None
            }
        }
    }

    /// Reads text that is not empty.
    pub fn some_text<'n>(&mut self, node: &'n Node<'a>, what: &str) -> Option<&'n str> {
        let text = self.text(node, what)?;
        if text.trim().is_empty() {
            self.error(ProblemCode::Nothing, &node.span, format!("{what} is empty"));
            return None;
        }
        Some(text)
    }

    /// Reads `true` or `false`.
    pub fn boolean(&mut self, node: &Node<'_>, what: &str) -> Option<bool> {
        if let NodeValue::Scalar {
            text,
            is_plain: true,
        } = &node.value
            && let Meaning::Bool(value) = meaning(text)
        {
            return Some(value);
        }
        let meant = match &node.value {
            NodeValue::Scalar { text, .. } => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" | "1" => Some("true"),
                "no" | "off" | "n" | "false" | "0" => Some("false"),
                _ => None,
            },
            NodeValue::List(_) | NodeValue::Map(_) => None,
        };
        self.wrong_type(node, what, "`true` or `false`")
            .suggest_nearest(meant);
        None
    }

    /// Reads a whole number within bounds.
    pub fn integer(
        &mut self,
        node: &Node<'_>,
        what: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = self.whole_number(node, what)?;
        if bounds.contains(&number) {
            return Some(number);
        }
        let (least, most) = bounds.into_inner();
        let message = format!("{what} is {number}, expected {least} to {most}");
        self.error(ProblemCode::OutOfRange, &node.span, message);
        None
    }

    fn whole_number(&mut self, node: &Node<'_>, what: &str) -> Option<i64> {
        let NodeValue::Scalar {
            text,
            is_plain: true,
        } = &node.value
        else {
            self.wrong_type(node, what, "a whole number");
            return None;
        };
        if text.is_empty() {
            self.wrong_type(node, what, "a whole number");
            return None;
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_whole = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        let has_zero = digits.len() > 1 && digits.starts_with('0');
        if is_whole && !has_zero {
            // Beyond this, other readers of the log would round the number.
            const MOST: i64 = (1 << 53) - 1;
            let number = text.parse::<i64>().ok();
            let number = number.filter(|it| (-MOST..=MOST).contains(it));
            if number.is_none() {
                let message = format!("{what} is beyond what can be counted exactly");
                self.error(ProblemCode::OutOfRange, &node.span, message);
            }
            return number;
        }
        let message = format!("{what} is a whole number, found {}", quoted(text));
        let bare: String = text.chars().filter(|it| *it != '_').collect();
        let bare = bare.trim_start_matches('0');
        let meant = bare.parse::<u32>().is_ok().then_some(bare);
        let help = match meaning(text) {
            Meaning::Number if meant.is_none() => {
                "numbers are whole and decimal: no fraction, no exponent"
            }
            Meaning::Nothing
            | Meaning::Null
            | Meaning::Bool(_)
            | Meaning::Number
            | Meaning::Text => "write the digits only",
        };
        let problem = self.error(ProblemCode::WrongType, &node.span, message);
        problem.help(help);
        if let Some(meant) = meant {
            problem.suggest(meant);
        }
        None
    }

    /// Reads one of several words.
    pub fn choice<T: Copy>(
        &mut self,
        node: &Node<'a>,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        let text = match &node.value {
            // A number or a boolean where a word is wanted is no matter of quotes.
            NodeValue::Scalar { text, .. } if !text.is_empty() => text.as_ref(),
            NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => {
                let listed = listed(&words().collect::<Vec<_>>());
                self.wrong_type(node, what, &format!("one of {listed}"));
                return None;
            }
        };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let message = format!("{what} cannot be {}", quoted(text));
        let near = nearest(text, words()).or_else(|| synonym(text, choices));
        let problem = self.error(ProblemCode::UnknownValue, &node.span, message);
        match near {
            Some(near) => problem.suggest_nearest(Some(near)),
            None => problem.help(format!(
                "write one of {}",
                listed(&words().collect::<Vec<_>>())
            )),
        };
        None
    }

    /// Reads one value or a list of them, with `read` for each.
    pub fn one_or_many<'n, T>(
        &mut self,
        node: &'n Node<'a>,
        what: &str,
        mut read: impl FnMut(&mut Self, &'n Node<'a>) -> Option<T>,
    ) -> Vec<T> {
        match &node.value {
            NodeValue::List(items) if items.is_empty() => {
                let message = format!("{what} is an empty list");
                self.error(ProblemCode::Nothing, &node.span, message)
                    .help("leave the key out if it says nothing");
                Vec::new()
            }
            NodeValue::List(items) => {
                let values = items.iter().filter_map(|item| read(self, item));
                values.collect()
            }
            NodeValue::Scalar { .. } | NodeValue::Map(_) => read(self, node).into_iter().collect(),
        }
    }

    /// Reads a list, with `read` for each.
    pub fn list<'n, T>(
        &mut self,
        node: &'n Node<'a>,
        what: &str,
        read: impl FnMut(&mut Self, &'n Node<'a>) -> Option<T>,
    ) -> Vec<T> {
        match &node.value {
            NodeValue::List(_) => self.one_or_many(node, what, read),
            NodeValue::Scalar { .. } | NodeValue::Map(_) => {
                self.wrong_type(node, what, "a list");
                Vec::new()
            }
        }
    }
}

/// Puts a suggested word into the quotes of the one it replaces, as JSON wants.
fn keep_quotes(text: &str, problem: &mut Problem) {
    // A value of the wrong type may be so because of its quotes.
    if problem.code == ProblemCode::WrongType {
        return;
    }
    let Some(suggestion) = &mut problem.suggestion else {
        return;
    };
    let written = text.get(suggestion.span.clone()).unwrap_or_default();
    let is_word = |it: char| it.is_ascii_alphanumeric() || "_-./:*".contains(it);
    for quote in ['"', '\''] {
        if written.starts_with(quote) && suggestion.replacement.chars().all(is_word) {
            suggestion.replacement = format!("{quote}{}{quote}", suggestion.replacement);
            return;
        }
    }
}

/// Returns words of other tools for one of ours.
fn synonym<T>(word: &str, choices: &[(&'static str, T)]) -> Option<&'static str> {
    let ours = match word.to_ascii_lowercase().as_str() {
        "block" | "forbid" | "reject" | "refuse" | "denied" => "deny",
        "auto" | "permit" | "accept" | "pass" | "allowed" => "allow",
        "approve" | "escalate" | "confirm" | "prompt" | "require_approval" => "ask",
        _ => return None,
    };
    choices.iter().map(|(it, _)| *it).find(|it| *it == ours)
}

/// Returns where a key belongs that stands in the wrong mapping, or what to
/// write for one of another system.
fn misplaced(key: &str, noun: &str) -> Option<String> {
    let home = match (noun, key) {
        (
            "a rule",
            "tool" | "shell" | "path" | "host" | "effect" | "params" | "agent" | "skill" | "any"
            | "all" | "not",
        )
        | ("an action rule", "type" | "target" | "agent") => "match",
        ("a rule", "environment" | "tier" | "calls" | "time" | "taint") => "when",
        ("a rule", "timeout" | "output" | "redact" | "sandbox" | "notify") => "obligations",
        ("a rule", "within" | "otherwise" | "approvers" | "channels") => "approval",
        ("an action rule", "time_after" | "time_before" | "weekdays") => "conditions",
        ("an action rule", key) if key.starts_with("param_") => "conditions",
        (_, key) => return instead(noun, key).map(str::to_owned),
    };
    Some(format!("`{key}:` stands under `{home}:`"))
}

/// Returns what to write instead of a key of another system.
fn instead(noun: &str, key: &str) -> Option<&'static str> {
    Some(match (noun, key) {
        ("a rule", "action" | "decision" | "effects") => "what a rule says stands under `verdict:`",
        ("a rule" | "an action rule", "priority") => {
            "rules are asked in the order in which they are written"
        }
        ("an action rules file", "plan_rules") => {
            "actions are decided one by one; `limits:` of a native policy counts them"
        }
        ("`conditions`", "semantic") => {
            "what an action is about is told by its type and its parameters: write `param_matches:`"
        }
        _ => return None,
    })
}

/// Returns the words in backticks with commas between them.
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
