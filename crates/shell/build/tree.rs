//! YAML text as a tree in which everything knows its line.

use std::collections::BTreeSet;
use std::fmt;

use granit_parser::{Event, Options, Parser};

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) struct Fault {
    file: String,
    line: usize,
    message: String,
}

impl Fault {
    /// Returns a fault in the line `line` of `file`.
    pub(crate) fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        let (file, message) = (file.to_owned(), message.into());
        Self {
            file,
            line,
            message,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            message,
        } = self;
        write!(formatter, "crates/shell/{file}:{line}: {message}")
    }
}

/// A text and its line.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A value and its line.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A value.
#[derive(Debug)]
pub(crate) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Text, Node)>),
}

/// What is open while a file is read.
enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<(Text, Node)>, Option<Text>),
}

/// A file that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
}

impl Source<'_> {
    /// Returns a fault in this file.
    pub(crate) fn fault<T>(self, line: usize, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::new(self.file, line, message))
    }

    /// Reads the text of the file.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the remaining events of the reader carry no values"
    )]
    pub(crate) fn read(self, text: &str) -> Result<Node, Fault> {
        let mut open = Vec::new();
        let mut root = None;
        for item in Parser::new_from_str_with_options(text, Options::default()) {
            let (event, span) = item
                .map_err(|error| Fault::new(self.file, error.marker().line(), error.to_string()))?;
            let line = span.start.line();
            match event {
                Event::Scalar(text, ..) => {
                    let node = Node {
                        line,
                        value: Value::Scalar(text.into_owned()),
                    };
                    self.place(&mut open, &mut root, node)?;
                }
                Event::SequenceStart(..) => open.push(Open::List(line, Vec::new())),
                Event::MappingStart(..) => open.push(Open::Map(line, Vec::new(), None)),
                Event::SequenceEnd | Event::MappingEnd => {
                    let node = match open.pop() {
                        Some(Open::List(line, items)) => Node {
                            line,
                            value: Value::List(items),
                        },
                        Some(Open::Map(line, entries, _)) => {
                            self.check_keys(&entries)?;
                            Node {
                                line,
                                value: Value::Map(entries),
                            }
                        }
                        None => return self.fault(line, "nothing is open here"),
                    };
                    self.place(&mut open, &mut root, node)?;
                }
                Event::Alias(_) => return self.fault(line, "aliases are not supported"),
                _ => {}
            }
        }
        match root {
            Some(node) => Ok(node),
            None => self.fault(1, "the file is empty"),
        }
    }

    fn place(self, open: &mut [Open], root: &mut Option<Node>, node: Node) -> Result<(), Fault> {
        match open.last_mut() {
            None => *root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, key)) => match (key.take(), node.value) {
                (Some(name), value) => entries.push((name, Node { value, ..node })),
                (None, Value::Scalar(text)) => {
                    *key = Some(Text {
                        text,
                        line: node.line,
                    });
                }
                (None, Value::List(_) | Value::Map(_)) => {
                    return self.fault(node.line, "a key is a text");
                }
            },
        }
        Ok(())
    }

    fn check_keys(self, entries: &[(Text, Node)]) -> Result<(), Fault> {
        let mut known = BTreeSet::new();
        match entries.iter().find(|(key, _)| !known.insert(&key.text)) {
            Some((key, _)) => self.fault(key.line, format!("`{}` stands twice", key.text)),
            None => Ok(()),
        }
    }

    /// Returns the items of a list.
    pub(crate) fn list(self, node: Node) -> Result<Vec<Node>, Fault> {
        match node.value {
            Value::List(items) => Ok(items),
            Value::Scalar(_) | Value::Map(_) => self.fault(node.line, "expected a list"),
        }
    }

    /// Returns the keys and values of a mapping.
    pub(crate) fn map(self, node: Node) -> Result<Vec<(Text, Node)>, Fault> {
        match node.value {
            Value::Map(entries) => Ok(entries),
            Value::Scalar(_) | Value::List(_) => self.fault(node.line, "expected a mapping"),
        }
    }

    /// Returns a text.
    pub(crate) fn text(self, node: Node) -> Result<Text, Fault> {
        let line = node.line;
        match node.value {
            Value::Scalar(text) => Ok(Text { text, line }),
            Value::List(_) | Value::Map(_) => self.fault(line, "expected a text"),
        }
    }

    /// Returns the texts of a list.
    pub(crate) fn texts(self, node: Node) -> Result<Vec<Text>, Fault> {
        let items = self.list(node)?;
        items.into_iter().map(|item| self.text(item)).collect()
    }
}
