//! Rules on the parameters of a tool.

use serde_json::{Map, Value, json};

use super::{CannotNarrow, NarrowExample, NarrowRule, Widening, id};
use crate::holds::Facts;

/// How deep parameters are looked into.
const DEPTH_MAX: usize = 16;

/// Returns the narrowest rule that allows a tool by its parameters.
pub(super) fn narrowest(facts: &Facts<'_>, wider: Widening) -> Result<NarrowRule, CannotNarrow> {
    let request = facts.request();
    let tool = &*request.tool;
    let mut found = Map::new();
    if !wider.arguments {
        add(&mut found, "", &request.params, 0)?;
    }
    let mut about = vec![("tool", json!(super::literal(tool)))];
    if !found.is_empty() {
        about.push(("params", Value::Object(found)));
    }
    let example = |params: Value| NarrowExample {
        tool: tool.to_owned(),
        params,
    };
    let members = request.params.as_object().into_iter().flatten();
    let changed = members.filter_map(|(key, value)| {
        let mut params = request.params.clone();
        *params.get_mut(key)? = other(value)?;
        Some(example(params))
    });
    Ok(NarrowRule {
        id: id(&[tool]),
        about,
        matches: vec![example(request.params.clone())],
        misses: changed.take(2).collect(),
    })
}

/// Adds every plain value below `path`.
fn add(
    found: &mut Map<String, Value>,
    path: &str,
    value: &Value,
    depth: usize,
) -> Result<(), CannotNarrow> {
    let refused = || CannotNarrow::Parameter {
        path: path.to_owned(),
    };
    if depth > DEPTH_MAX {
        return Err(refused());
    }
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let step = step(path, key).ok_or_else(refused)?;
                add(found, &step, value, depth + 1)?;
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                add(found, &format!("{path}[{place}]"), value, depth + 1)?;
            }
        }
        Value::Number(number) if !number.is_i64() => return Err(refused()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.to_owned(), value.clone());
        }
    }
    Ok(())
}

/// Returns the path to a member of what lies at `path`.
fn step(path: &str, key: &str) -> Option<String> {
    let is_plain = !key.is_empty() && !key.contains(['.', '[', ']', '\\']);
    if is_plain && path.is_empty() {
        return Some(key.to_owned());
    }
    if is_plain {
        return Some(format!("{path}.{key}"));
    }
    let quote = ['"', '\''].into_iter().find(|it| !key.contains(*it))?;
    Some(format!("{path}[{quote}{key}{quote}]"))
}

/// Returns another plain value of the same kind.
fn other(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(is) => Some(json!(!is)),
        Value::Number(number) => Some(json!(number.as_i64()?.checked_add(1)?)),
        Value::String(text) => Some(json!(format!("{text}-other"))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
