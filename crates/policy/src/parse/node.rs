//! YAML and JSON text as a tree in which everything knows where it stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::syntax;
use super::walker::Walker;
use crate::problem::{ProblemCode, Related, quoted};

/// How deep lists and mappings may be nested.
const DEPTH_MAX: usize = 64;
/// How many values a text may hold.
const NODES_MAX: usize = 200_000;

/// What to do instead of an anchor, an alias or a merge key.
const WRITE_OUT: &str = "write the value out where it is used";

/// A value and the bytes it is written in.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// The bytes; those of the key if the value is not written.
    pub span: Range<usize>,
    /// The value.
    pub value: NodeValue<'a>,
}

/// A value.
#[derive(Debug)]
pub(crate) enum NodeValue<'a> {
    /// Text, a number, a boolean or nothing.
    Scalar {
        /// The text, escapes resolved.
        text: Cow<'a, str>,
        /// Whether it is written without quotes, so that it may be no text.
        is_plain: bool,
    },
    /// A list.
    List(Vec<Node<'a>>),
    /// A mapping.
    Map(Vec<Entry<'a>>),
}

/// A key of a mapping with its value.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node<'a>,
}

/// What a plain scalar means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meaning {
    /// Nothing is written.
    Nothing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number,
    /// Text.
    Text,
}

/// Returns what a plain scalar means, as the core schema of YAML 1.2 says.
pub(crate) fn meaning(text: &str) -> Meaning {
    match text {
        "" => Meaning::Nothing,
        "~" | "null" | "Null" | "NULL" => Meaning::Null,
        "true" | "True" | "TRUE" => Meaning::Bool(true),
        "false" | "False" | "FALSE" => Meaning::Bool(false),
        _ if is_number(text) => Meaning::Number,
        _ => Meaning::Text,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return true;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|it| matches!(it, b'0'..=b'7'));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = !whole.is_empty() || !fraction.is_empty();
    let exponent = exponent.map(|it| it.strip_prefix(['-', '+']).unwrap_or(it));
    has_digit
        && is_digits(whole)
        && is_digits(fraction)
        && exponent.is_none_or(|it| !it.is_empty() && is_digits(it))
}

impl Node<'_> {
    /// Returns what it is, for people.
    pub fn noun(&self) -> &'static str {
        match &self.value {
            NodeValue::Scalar { text, is_plain } => match (is_plain, meaning(text)) {
                (true, Meaning::Nothing) => "nothing",
                (true, Meaning::Null) => "null",
                (true, Meaning::Bool(_)) => "a boolean",
                (true, Meaning::Number) => "a number",
                (true, Meaning::Text) | (false, _) => "text",
            },
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }
}

/// An open list or mapping.
enum Open<'a> {
    List {
        start: Range<usize>,
        items: Vec<Node<'a>>,
    },
    Map {
        start: Range<usize>,
        entries: Vec<Entry<'a>>,
        key: Option<(Cow<'a, str>, Range<usize>)>,
    },
}

/// Reads `text`; nothing if it is not well formed.
///
/// Reading goes on after what is well formed and not supported, so that all
/// such problems are found at once.
pub(crate) fn read<'a>(walker: &mut Walker<'a>) -> Option<Node<'a>> {
    let text = walker.text;
    let mut options = granit_parser::Options::default();
    options.strict_indentation = true;
    options.disallow_directives = true;
    options.emit_unresolved_aliases = true;
    options.emit_anchor_events = true;
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    let mut builder = Builder {
        walker,
        open: Vec::new(),
        root: None,
        nodes: 0,
        is_broken: false,
    };
    for item in Parser::new_from_str_with_options(text, options) {
        match item {
            Ok((event, span)) => builder.take(event, &span)?,
            Err(error) => {
                syntax::report(builder.walker, &error);
                return None;
            }
        }
    }
    match (builder.is_broken, builder.root) {
        (true, _) => None,
        (false, Some(root)) => Some(root),
        (false, None) => {
            walker.error(ProblemCode::Empty, &(0..0), "the file is empty");
            None
        }
    }
}

struct Builder<'w, 'a> {
    walker: &'w mut Walker<'a>,
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    nodes: usize,
    /// Whether something was found without which the tree means nothing.
    is_broken: bool,
}

fn bytes(span: &Span) -> Range<usize> {
    let range = span.byte_range().unwrap_or_default();
    range.start..range.end.max(range.start)
}

impl<'a> Builder<'_, 'a> {
    /// Takes an event; nothing when reading cannot go on.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the remaining events of the reader carry no values"
    )]
    fn take(&mut self, event: Event<'a>, span: &Span) -> Option<()> {
        if let Some(tag) = span.tag_span() {
            self.unsupported(bytes(&tag), "tags are not supported", "leave the tag out");
        }
        let range = bytes(span);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                let message = "a policy is one document, and here a second one begins";
                self.walker
                    .error(ProblemCode::UnsupportedYaml, &range, message)
                    .help("put each policy into a file of its own");
                return None;
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.unsupported(range.clone(), "aliases are not supported", WRITE_OUT);
                self.place(range, NodeValue::null())?;
            }
            Event::Anchor(..) => {
                self.unsupported(range, "anchors are not supported", WRITE_OUT);
            }
            Event::Scalar(text, style, ..) => {
                let is_plain = style == ScalarStyle::Plain;
                // The reader says `~` where nothing is written.
                let is_written = !is_plain || !range.is_empty();
                let text = if is_written { text } else { Cow::Borrowed("") };
                self.place(range, NodeValue::Scalar { text, is_plain })?;
            }
            Event::SequenceStart(..) => self.open_list(range)?,
            Event::MappingStart(..) => self.open_map(range)?,
            Event::SequenceEnd | Event::MappingEnd => self.close(&range)?,
            _ => {}
        }
        Some(())
    }

    fn unsupported(&mut self, range: Range<usize>, message: &str, help: &str) {
        self.is_broken = true;
        self.walker
            .error(ProblemCode::UnsupportedYaml, &range, message)
            .help(help);
    }

    /// Puts a value where it belongs.
    fn place(&mut self, span: Range<usize>, value: NodeValue<'a>) -> Option<()> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the file holds more than {NODES_MAX} values");
            self.walker.error(ProblemCode::TooLarge, &span, message);
            return None;
        }
        match self.open.last_mut() {
            None => self.root = Some(Node { span, value }),
            Some(Open::List { items, .. }) => items.push(Node { span, value }),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                Some((key, key_span)) => {
                    let is_written = !matches!(&value,
                        NodeValue::Scalar { text, is_plain: true } if text.is_empty());
                    let span = if is_written { span } else { key_span.clone() };
                    let value = Node { span, value };
                    entries.push(Entry {
                        key,
                        key_span,
                        value,
                    });
                }
                None => self.take_key(span, value),
            },
        }
        Some(())
    }

    fn take_key(&mut self, span: Range<usize>, value: NodeValue<'a>) {
        const QUOTE: &str = "keys are text; put others into quotes";
        let (text, fault) = match value {
            NodeValue::Scalar { text, is_plain } => {
                let fault = match meaning(&text) {
                    _ if is_plain && text == "<<" => Some("merge keys are not supported"),
                    Meaning::Text => None,
                    Meaning::Nothing | Meaning::Null => Some("this key is not text"),
                    Meaning::Bool(_) | Meaning::Number if is_plain => Some("this key is not text"),
                    Meaning::Bool(_) | Meaning::Number => None,
                };
                (text, fault)
            }
            NodeValue::List(_) | NodeValue::Map(_) => {
                (Cow::Borrowed(""), Some("this key is not text"))
            }
        };
        if let Some(fault) = fault {
            let help = if text == "<<" { WRITE_OUT } else { QUOTE };
            self.unsupported(span.clone(), fault, help);
        }
        if let Some(Open::Map { key, .. }) = self.open.last_mut() {
            *key = Some((text, span));
        }
    }

    fn open_list(&mut self, start: Range<usize>) -> Option<()> {
        self.check_depth(&start)?;
        let items = Vec::new();
        self.open.push(Open::List { start, items });
        Some(())
    }

    fn open_map(&mut self, start: Range<usize>) -> Option<()> {
        self.check_depth(&start)?;
        self.open.push(Open::Map {
            start,
            entries: Vec::new(),
            key: None,
        });
        Some(())
    }

    fn check_depth(&mut self, span: &Range<usize>) -> Option<()> {
        if self.open.len() < DEPTH_MAX {
            return Some(());
        }
        let message = format!("nesting deeper than {DEPTH_MAX}");
        self.walker.error(ProblemCode::TooLarge, span, message);
        None
    }

    fn close(&mut self, end: &Range<usize>) -> Option<()> {
        let (start, last, value) = match self.open.pop()? {
            Open::List { start, items } => {
                let last = items.last().map(|it| it.span.end);
                (start, last, NodeValue::List(items))
            }
            Open::Map { start, entries, .. } => {
                self.refuse_duplicates(&entries);
                let last = entries.last().map(|it| it.value.span.end);
                (start, last, NodeValue::Map(entries))
            }
        };
        // A flow collection ends with its bracket, a block with its last value.
        let end = if end.is_empty() { last } else { Some(end.end) };
        let end = end.unwrap_or(start.end).max(start.start);
        self.place(start.start..end, value)
    }

    fn refuse_duplicates(&mut self, entries: &[Entry<'a>]) {
        let mut first: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        for entry in entries {
            let Some(earlier) = first.insert(&entry.key, &entry.key_span) else {
                continue;
            };
            let related = Related {
                place: self.walker.place(earlier.start),
                span: earlier.clone(),
                message: "it stands here already".to_owned(),
            };
            first.insert(&entry.key, earlier);
            let message = format!("the key {} stands twice in one mapping", quoted(&entry.key));
            self.walker
                .error(ProblemCode::DuplicateKey, &entry.key_span, message)
                .related = Some(related);
        }
    }
}

impl NodeValue<'_> {
    fn null() -> Self {
        NodeValue::Scalar {
            text: Cow::Borrowed("null"),
            is_plain: true,
        }
    }
}
