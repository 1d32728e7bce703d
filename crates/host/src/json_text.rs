//! The text of a JSON document as a tree of places, to change it by small edits.
//!
//! A settings file belongs to a person: what is not ours keeps its order, its
//! spacing and its line ends, so an edit replaces ranges of the text and never
//! writes the document anew.

use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// A value and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Node {
    /// The bytes of the value.
    pub(crate) span: Range<usize>,
    /// What it holds.
    pub(crate) kind: NodeKind,
}

/// What a value holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NodeKind {
    /// Members in the order of the text.
    Object(Vec<Member>),
    /// Elements in the order of the text.
    Array(Vec<Node>),
    /// A string, a number, a literal.
    Scalar,
}

/// A member of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// Its key, with escapes resolved.
    pub(crate) key: String,
    /// The bytes from the quote of its key to the end of its value.
    pub(crate) span: Range<usize>,
    /// Its value.
    pub(crate) value: Node,
}

/// A range of the text and what takes its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Edit {
    /// The bytes that go.
    pub(crate) range: Range<usize>,
    /// The text that comes.
    pub(crate) replacement: String,
}

/// How a document is laid out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Layout {
    /// One step of indentation; absent when the document stands on one line.
    unit: Option<String>,
    /// How lines end.
    line_end: &'static str,
}

impl Node {
    /// Returns the tree of `text`, which must be JSON that was read before.
    ///
    /// The result is absent only for text that is no JSON.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Scanner { text, at: 0 }.value()
    }

    /// Returns the member `key`, if this is an object that has it.
    pub(crate) fn member(&self, key: &str) -> Option<&Member> {
        match &self.kind {
            NodeKind::Object(members) => members.iter().find(|member| member.key == key),
            NodeKind::Array(_) | NodeKind::Scalar => None,
        }
    }

    /// Returns the elements, if this is an array.
    pub(crate) fn elements(&self) -> &[Self] {
        match &self.kind {
            NodeKind::Array(elements) => elements,
            NodeKind::Object(_) | NodeKind::Scalar => &[],
        }
    }

    /// Returns where the children stand, in order.
    fn children(&self) -> Vec<Range<usize>> {
        match &self.kind {
            NodeKind::Object(members) => members.iter().map(|member| member.span.clone()).collect(),
            NodeKind::Array(elements) => elements.iter().map(|node| node.span.clone()).collect(),
            NodeKind::Scalar => Vec::new(),
        }
    }

    /// Returns the edits that take away the children that `goes` names by index.
    pub(crate) fn remove(&self, goes: impl Fn(usize) -> bool) -> Vec<Edit> {
        let children = self.children();
        let stays = (0..children.len()).filter(|index| !goes(*index)).count();
        if stays == children.len() {
            return Vec::new();
        }
        if stays == 0 {
            return vec![Edit {
                range: self.span.start + 1..self.span.end - 1,
                replacement: String::new(),
            }];
        }
        let mut edits = Vec::new();
        let mut stood_before = false;
        for (index, child) in children.iter().enumerate() {
            if !goes(index) {
                stood_before = true;
                continue;
            }
            let before = index.checked_sub(1).and_then(|index| children.get(index));
            let range = match (stood_before, before, children.get(index + 1)) {
                (true, Some(before), _) => before.end..child.end,
                (_, _, Some(after)) => child.start..after.start,
                (_, _, None) => child.clone(),
            };
            edits.push(Edit {
                range,
                replacement: String::new(),
            });
        }
        edits
    }

    /// Returns the edit that puts members at the end of this object.
    pub(crate) fn append_members<T: Serialize>(
        &self,
        text: &str,
        layout: &Layout,
        members: &[(&str, T)],
    ) -> Option<Edit> {
        self.append(text, layout, |indent| {
            members
                .iter()
                .map(|(key, value)| {
                    let key = serde_json::to_string(key).ok()?;
                    let gap = if indent.is_some() { " " } else { "" };
                    Some(format!("{key}:{gap}{}", layout.write(value, indent)?))
                })
                .collect()
        })
    }

    /// Returns the edit that puts an element at the end of this array.
    pub(crate) fn append_element<T: Serialize>(
        &self,
        text: &str,
        layout: &Layout,
        element: &T,
    ) -> Option<Edit> {
        self.append(text, layout, |indent| {
            Some(vec![layout.write(element, indent)?])
        })
    }

    fn append(
        &self,
        text: &str,
        layout: &Layout,
        write: impl Fn(Option<&str>) -> Option<Vec<String>>,
    ) -> Option<Edit> {
        let children = self.children();
        let Some((first, last)) = children.first().zip(children.last()) else {
            let outer = indent_of_line(text, self.span.start);
            let indent = layout.unit.as_ref().map(|unit| format!("{outer}{unit}"));
            let written = write(indent.as_deref())?;
            let interior = match &indent {
                Some(indent) => {
                    let line = format!("{}{indent}", layout.line_end);
                    let body = written.join(&format!(",{line}"));
                    format!("{line}{body}{}{outer}", layout.line_end)
                }
                None => written.join(","),
            };
            return Some(Edit {
                range: self.span.start + 1..self.span.end - 1,
                replacement: interior,
            });
        };
        let lead = text.get(self.span.start + 1..first.start)?;
        let indent = lead.rfind('\n').and_then(|end| lead.get(end + 1..));
        let separator = match indent {
            Some(indent) => format!(",{}{indent}", layout.line_end),
            None if lead.is_empty() => ",".to_owned(),
            None => ", ".to_owned(),
        };
        let written = write(indent)?;
        Some(Edit {
            range: last.end..last.end,
            replacement: format!("{separator}{}", written.join(&separator)),
        })
    }
}

impl Layout {
    /// Returns the layout of `text`, whose tree is `root`.
    pub(crate) fn of(text: &str, root: &Node) -> Self {
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let two = || Some("  ".to_owned());
        let unit = match root.children().first() {
            None => two(),
            Some(first) => text
                .get(root.span.start + 1..first.start)
                .and_then(|lead| lead.rfind('\n').and_then(|end| lead.get(end + 1..)))
                .map(|indent| if indent.is_empty() { "  " } else { indent }.to_owned()),
        };
        Self { unit, line_end }
    }

    /// Returns `value` as text whose further lines stand at `indent`.
    fn write<T: Serialize>(&self, value: &T, indent: Option<&str>) -> Option<String> {
        let (Some(unit), Some(indent)) = (&self.unit, indent) else {
            return serde_json::to_string(value).ok();
        };
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(unit.as_bytes());
        value
            .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(text.replace('\n', &format!("{}{indent}", self.line_end)))
    }
}

/// Returns `text` after the edits, which must not overlap.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| edit.range.start);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        result.push_str(text.get(at..edit.range.start)?);
        result.push_str(&edit.replacement);
        at = edit.range.end;
    }
    result.push_str(text.get(at..)?);
    Some(result)
}

/// Returns the white space at the beginning of the line that holds `at`.
fn indent_of_line(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let end = line.find(|found: char| !matches!(found, ' ' | '\t'));
    line.get(..end.unwrap_or(line.len())).unwrap_or_default()
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.white_space();
        let is_there = self.peek() == Some(byte);
        if is_there {
            self.at += 1;
        }
        is_there
    }

    /// Reads a value; the depth was bounded when the text was first read.
    fn value(&mut self) -> Option<Node> {
        self.white_space();
        let start = self.at;
        let kind = match self.peek()? {
            b'{' => NodeKind::Object(self.object()?),
            b'[' => NodeKind::Array(self.array()?),
            b'"' => {
                self.string()?;
                NodeKind::Scalar
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                {
                    self.at += 1;
                }
                NodeKind::Scalar
            }
        };
        (self.at > start).then_some(Node {
            span: start..self.at,
            kind,
        })
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    fn object(&mut self) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        self.at += 1;
        if self.take(b'}') {
            return Some(members);
        }
        loop {
            self.white_space();
            let start = self.at;
            let key = self.string()?;
            if !self.take(b':') {
                return None;
            }
            let value = self.value()?;
            let span = start..value.span.end;
            members.push(Member { key, span, value });
            if self.take(b'}') {
                return Some(members);
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn array(&mut self) -> Option<Vec<Node>> {
        let mut elements = Vec::new();
        self.at += 1;
        if self.take(b']') {
            return Some(elements);
        }
        loop {
            elements.push(self.value()?);
            if self.take(b']') {
                return Some(elements);
            }
            if !self.take(b',') {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn appended(text: &str) -> String {
        let root = Node::of(text).unwrap();
        let layout = Layout::of(text, &root);
        let edit = root
            .append_members(text, &layout, &[("n", json!([1]))])
            .unwrap();
        apply(text, vec![edit]).unwrap()
    }

    #[test]
    fn a_member_is_appended_in_the_layout_of_the_document() {
        assert_eq!(appended("{}"), "{\n  \"n\": [\n    1\n  ]\n}");
        assert_eq!(appended(r#"{"a":1}"#), r#"{"a":1,"n":[1]}"#);
        assert_eq!(
            appended("{\r\n\t\"a\": 1\r\n}\r\n"),
            "{\r\n\t\"a\": 1,\r\n\t\"n\": [\r\n\t\t1\r\n\t]\r\n}\r\n"
        );
        assert_eq!(appended("\n { \"a\": {} }"), "\n { \"a\": {}, \"n\":[1] }");
    }

    #[test]
    fn removing_what_was_appended_gives_the_text_back() {
        for text in [
            "{\"a\":1}",
            "{\n    \"a\": \"}\\\"]\"\n}\n",
            "{\r\n \"a\": 2\r\n}",
        ] {
            let changed = appended(text);
            let root = Node::of(&changed).unwrap();
            let edits = root.remove(|index| index == 1);
            assert_eq!(apply(&changed, edits).unwrap(), text);
        }
    }

    #[test]
    fn any_children_can_be_removed() {
        let text = "[1, 2, 3, 4]";
        let without = |goes: &[usize]| {
            let edits = Node::of(text)
                .unwrap()
                .remove(|index| goes.contains(&index));
            apply(text, edits).unwrap()
        };
        assert_eq!(without(&[]), text);
        assert_eq!(without(&[0]), "[2, 3, 4]");
        assert_eq!(without(&[0, 1]), "[3, 4]");
        assert_eq!(without(&[1, 2]), "[1, 4]");
        assert_eq!(without(&[0, 3]), "[2, 3]");
        assert_eq!(without(&[2, 3]), "[1, 2]");
        assert_eq!(without(&[0, 1, 2, 3]), "[]");
    }

    #[test]
    fn what_is_no_json_has_no_tree() {
        for text in ["", "{", "{\"a\" 1}", "[1", "{\"a\": }"] {
            assert_eq!(Node::of(text), None, "{text}");
        }
    }
}
