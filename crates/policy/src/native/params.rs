//! Conditions on parameters.

use std::sync::Arc;

use crate::matcher::{Bound, ParamCondition, ParamTest, Scalar};
use crate::parse::{Entry, Meaning, Node, NodeValue, Walker, meaning};
use crate::problem::{ProblemCode, quoted};

const TESTS: [&str; 10] = [
    "equals", "one_of", "gt", "gte", "lt", "lte", "contains", "glob", "regex", "present",
];

/// Reads conditions on parameters, all of which must hold.
pub(super) fn conditions<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Vec<ParamCondition> {
    let Some(map) = walker.free_map(node, "`params`") else {
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for entry in map.entries() {
        let path = path(walker, entry);
        let tests = tests(walker, &entry.value);
        let path = path.unwrap_or_default();
        conditions.extend(tests.into_iter().map(|test| ParamCondition {
            path: path.clone(),
            test,
        }));
    }
    conditions
}

fn tests<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Vec<ParamTest> {
    match &node.value {
        NodeValue::Scalar { .. } => {
            let value = scalar(walker, node, "the value of a parameter");
            value.map(ParamTest::Equals).into_iter().collect()
        }
        NodeValue::List(_) => vec![ParamTest::OneOf(walker.one_or_many(
            node,
            "the value of a parameter",
            |walker, item| scalar(walker, item, "the value of a parameter"),
        ))],
        NodeValue::Map(_) => {
            let Some(map) = walker.map(node, "a condition on a parameter", &TESTS) else {
                return Vec::new();
            };
            let entries = map.entries().iter();
            entries.filter_map(|entry| test(walker, entry)).collect()
        }
    }
}

fn test<'a>(walker: &mut Walker<'a>, entry: &Entry<'a>) -> Option<ParamTest> {
    let node = &entry.value;
    let what = quoted(&entry.key);
    Some(match entry.key.as_ref() {
        "equals" => ParamTest::Equals(match &node.value {
            NodeValue::List(_) => {
                walker
                    .wrong_type(node, "`equals`", "one value")
                    .help("write `one_of:` for several");
                return None;
            }
            NodeValue::Scalar { .. } | NodeValue::Map(_) => scalar(walker, node, &what)?,
        }),
        "one_of" => ParamTest::OneOf(walker.list(node, &what, |walker, item| {
            scalar(walker, item, "a value of `one_of`")
        })),
        "gt" => ParamTest::Gt(bound(walker, node, &what)?),
        "gte" => ParamTest::Gte(bound(walker, node, &what)?),
        "lt" => ParamTest::Lt(bound(walker, node, &what)?),
        "lte" => ParamTest::Lte(bound(walker, node, &what)?),
        "contains" => ParamTest::Contains(part(walker, node, &what)?),
        "glob" => ParamTest::Glob(walker.glob(node, &what)?),
        "regex" => ParamTest::Regex(walker.regex(node, &what)?),
        "present" => ParamTest::Present(walker.boolean(node, &what)?),
        // Other keys are reported already.
        _ => return None,
    })
}

/// Reads the whole number that a parameter is compared with.
fn bound(walker: &mut Walker<'_>, node: &Node<'_>, what: &str) -> Option<Bound> {
    let number = walker.integer(node, what, i64::MIN..=i64::MAX)?;
    Some(Bound::Integer(number))
}

/// Reads what a parameter must contain.
pub(crate) fn part<'a>(walker: &mut Walker<'a>, node: &Node<'a>, what: &str) -> Option<Scalar> {
    match scalar(walker, node, what)? {
        Scalar::Text(text) if text.is_empty() => {
            let message = "every text contains the empty one";
            walker.error(ProblemCode::Nothing, &node.span, message);
            None
        }
        value @ (Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Text(_)) => {
            Some(value)
        }
    }
}

/// Reads a plain value.
pub(crate) fn scalar<'a>(walker: &mut Walker<'a>, node: &Node<'a>, what: &str) -> Option<Scalar> {
    let NodeValue::Scalar { text, is_plain } = &node.value else {
        walker.wrong_type(node, what, "text, a whole number, a boolean or null");
        return None;
    };
    if !is_plain {
        return Some(Scalar::Text(Arc::from(text.as_ref())));
    }
    match meaning(text) {
        Meaning::Nothing => {
            walker
                .wrong_type(node, what, "a value")
                .help("write `null`, or `{present: false}` for a parameter that is not given");
            None
        }
        Meaning::Null => Some(Scalar::Null),
        Meaning::Bool(value) => Some(Scalar::Bool(value)),
        Meaning::Number => {
            let number = walker.integer(node, what, i64::MIN..=i64::MAX)?;
            Some(Scalar::Integer(number))
        }
        Meaning::Text => Some(Scalar::Text(Arc::from(text.as_ref()))),
    }
}

/// Reads the path to a parameter.
pub(crate) fn path(walker: &mut Walker<'_>, entry: &Entry<'_>) -> Option<Vec<Arc<str>>> {
    match steps(&entry.key) {
        Ok(steps) => Some(steps),
        Err(fault) => {
            let message = format!("{} is no path to a parameter: {fault}", quoted(&entry.key));
            walker
                .error(ProblemCode::BadParameter, &entry.key_span, message)
                .help("write keys with `.` between them, places in a list as `[0]`, and a key that holds such characters as `[\"a.b\"]`");
            None
        }
    }
}

/// Returns the steps of a path such as `a.b[0]["c.d"]`.
fn steps(path: &str) -> Result<Vec<Arc<str>>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        let (step, after) = if let Some(inner) = rest.strip_prefix('[') {
            bracket(inner)?
        } else {
            plain(rest)?
        };
        steps.push(Arc::from(step));
        rest = match after.strip_prefix('.') {
            Some(next) if next.is_empty() || next.starts_with('[') => {
                return Err("a key is missing");
            }
            Some(next) => next,
            None if after.is_empty() => return Ok(steps),
            None if after.starts_with('[') => after,
            None => return Err("a `.` is missing"),
        };
    }
}

/// Reads a key up to the next `.` or `[`; a backslash takes what follows as it is.
fn plain(text: &str) -> Result<(String, &str), &'static str> {
    let mut step = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, escaped)) => step.push(escaped),
                None => return Err("it ends with a backslash"),
            },
            '.' | '[' => {
                let (_, after) = text.split_at(at);
                return finish(step, after);
            }
            ']' => return Err("a `[` is missing"),
            _ => step.push(letter),
        }
    }
    finish(step, "")
}

fn finish(step: String, after: &str) -> Result<(String, &str), &'static str> {
    match step.is_empty() {
        true => Err("a key is missing"),
        false => Ok((step, after)),
    }
}

/// Reads what stands between brackets: a place in a list, or a quoted key.
fn bracket(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quote) = text.chars().next().filter(|it| matches!(it, '"' | '\'')) else {
        let (place, after) = text.split_once(']').ok_or("a `]` is missing")?;
        let is_place = !place.is_empty()
            && place.len() <= 9
            && place.bytes().all(|it| it.is_ascii_digit())
            && (place.len() == 1 || !place.starts_with('0'));
        return match is_place {
            true => Ok((place.to_owned(), after)),
            false => Err("brackets hold a whole number or a quoted key"),
        };
    };
    let inner = text.strip_prefix(quote).unwrap_or_default();
    let (key, after) = inner.split_once(quote).ok_or("a quote is missing")?;
    let after = after.strip_prefix(']').ok_or("a `]` is missing")?;
    Ok((key.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&[&str]>) {
        let found = steps(path).ok();
        let found: Option<Vec<&str>> = found.as_ref().map(|it| it.iter().map(|it| &**it).collect());
        assert_eq!(found.as_deref(), expected, "{path}");
    }

    #[test]
    fn a_path_goes_through_keys_and_places() {
        check("command", Some(&["command"]));
        check("a.b.c", Some(&["a", "b", "c"]));
        check("edits[0].old", Some(&["edits", "0", "old"]));
        check("[0][1]", Some(&["0", "1"]));
        check(r#"a["b.c"].d"#, Some(&["a", "b.c", "d"]));
        check(r"a\.b", Some(&["a.b"]));
        check(r"file path", Some(&["file path"]));
    }

    #[test]
    fn a_path_with_a_gap_is_refused() {
        for path in [
            "", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[0]b", "a]", "a.[0]", r"a\",
            "a[01]", "a['x]",
        ] {
            check(path, None);
        }
    }
}
