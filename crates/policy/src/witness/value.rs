//! Values of parameters on both sides of conditions on them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::text;
use crate::matcher::{Bound, ParamCondition, ParamTest, Scalar};

/// The most values of one parameter.
const VALUES_MAX: usize = 6;

/// The most conditions of other rules that are looked at.
const BESIDE_MAX: usize = 8;

/// Where a parameter stands, and its value; nothing for one that is absent.
pub(super) type Choice<'c> = Vec<(&'c [Arc<str>], Option<Value>)>;

/// Returns parameters for conditions: all met, each in turn absent or of another
/// type, and those of other rules met and not met besides.
pub(super) fn choices<'c>(
    own: &'c [ParamCondition],
    beside: &[&'c ParamCondition],
) -> Vec<Choice<'c>> {
    let met: Vec<Vec<Option<Value>>> = own.iter().map(|it| meeting(&it.test)).collect();
    let most = met.iter().map(Vec::len).max().unwrap_or(0);
    let all_met = |number: usize| -> Choice<'c> {
        let pairs = own.iter().zip(&met);
        let chosen = pairs.filter_map(|(condition, values)| {
            let value = values.get(number).or(values.last())?;
            Some((&*condition.path, value.clone()))
        });
        chosen.collect()
    };
    let mut choices: Vec<Choice<'c>> = (0..most).map(all_met).collect();
    let is_own = |path: &[Arc<str>]| own.iter().any(|it| it.path == path);
    let others = beside.iter().filter(|it| !own.contains(it));
    for condition in own {
        for value in [None, Some(other_type(&condition.test))] {
            choices.push(with(all_met(0), &condition.path, value));
        }
    }
    // Nearest are conditions on the same parameters.
    let mut others: Vec<&ParamCondition> = others.copied().collect();
    others.sort_by_key(|it| !is_own(&it.path));
    for condition in others.into_iter().take(BESIDE_MAX) {
        let values = meeting(&condition.test).into_iter();
        for value in values.chain(failing(&condition.test)) {
            choices.push(with(all_met(0), &condition.path, value));
        }
    }
    choices
}

fn with<'c>(mut choice: Choice<'c>, path: &'c [Arc<str>], value: Option<Value>) -> Choice<'c> {
    choice.retain(|(other, _)| *other != path);
    choice.push((path, value));
    choice
}

/// Returns values of which a test holds, or which lie beside its bound.
fn meeting(test: &ParamTest) -> Vec<Option<Value>> {
    let mut values: Vec<Option<Value>> = match test {
        ParamTest::Equals(scalar) | ParamTest::Contains(scalar) => vec![Some(value(scalar))],
        ParamTest::OneOf(scalars) => scalars.iter().map(|it| Some(value(it))).collect(),
        ParamTest::Gt(bound) => steps(bound, [1, 0]),
        ParamTest::Lt(bound) => steps(bound, [-1, 0]),
        ParamTest::Gte(bound) => steps(bound, [0, 1]),
        ParamTest::Lte(bound) => steps(bound, [0, -1]),
        ParamTest::Glob(glob) => some(text::of_name(glob, &[])),
        ParamTest::Regex(pattern) => some(text::of_expression(pattern)),
        ParamTest::Present(true) => vec![Some(json!("x"))],
        ParamTest::Present(false) => vec![None],
    };
    values.truncate(VALUES_MAX);
    if values.is_empty() {
        values.push(Some(json!("x")));
    }
    values
}

fn some(texts: Vec<String>) -> Vec<Option<Value>> {
    texts.into_iter().map(|it| Some(json!(it))).collect()
}

fn steps<const N: usize>(bound: &Bound, steps: [i32; N]) -> Vec<Option<Value>> {
    steps.map(|step| Some(beyond(bound, step))).into()
}

/// Returns values of its type of which a test does not hold.
fn failing(test: &ParamTest) -> Vec<Option<Value>> {
    let value = match test {
        ParamTest::Equals(Scalar::Bool(is)) => json!(!is),
        ParamTest::Equals(Scalar::Integer(number)) => json!(number.wrapping_add(1)),
        ParamTest::Gt(bound) | ParamTest::Gte(bound) => beyond(bound, -1),
        ParamTest::Lt(bound) | ParamTest::Lte(bound) => beyond(bound, 1),
        ParamTest::Present(true) => return vec![None],
        ParamTest::Equals(_)
        | ParamTest::OneOf(_)
        | ParamTest::Contains(_)
        | ParamTest::Glob(_)
        | ParamTest::Regex(_)
        | ParamTest::Present(false) => json!("~"),
    };
    vec![Some(value)]
}

/// Returns a value of a type that a test cannot compare.
fn other_type(test: &ParamTest) -> Value {
    match test {
        ParamTest::Equals(Scalar::Text(_))
        | ParamTest::Contains(_)
        | ParamTest::Glob(_)
        | ParamTest::Gt(Bound::Text(_))
        | ParamTest::Gte(Bound::Text(_))
        | ParamTest::Lt(Bound::Text(_))
        | ParamTest::Lte(Bound::Text(_)) => json!(7),
        ParamTest::Equals(_)
        | ParamTest::Gt(_)
        | ParamTest::Gte(_)
        | ParamTest::Lt(_)
        | ParamTest::Lte(_) => json!("7"),
        ParamTest::OneOf(_) | ParamTest::Regex(_) | ParamTest::Present(_) => Value::Null,
    }
}

/// Returns what lies a step beyond a bound.
fn beyond(bound: &Bound, step: i32) -> Value {
    match bound {
        Bound::Integer(number) => json!(number.saturating_add(step.into())),
        Bound::Decimal(number) => json!(number + f64::from(step)),
        Bound::Text(text) if step > 0 => json!(format!("{text}x")),
        Bound::Text(_) if step < 0 => json!(""),
        Bound::Text(text) => json!(text),
    }
}

/// Puts the values of a choice where they stand.
pub(super) fn put_all(params: &mut Value, choice: &Choice<'_>) {
    for (path, value) in choice {
        match value {
            Some(value) => put(params, path, value.clone()),
            None => remove(params, path),
        }
    }
}

fn put(params: &mut Value, path: &[Arc<str>], value: Value) {
    match path {
        [] => *params = value,
        [key, rest @ ..] => {
            if !params.is_object() {
                *params = Value::Object(Map::new());
            }
            put(&mut params[&**key], rest, value);
        }
    }
}

fn remove(params: &mut Value, path: &[Arc<str>]) {
    match path {
        [] => {}
        [key] => {
            let members = params.as_object_mut();
            members.and_then(|it| it.remove(&**key));
        }
        [key, rest @ ..] => {
            if let Some(inner) = params.get_mut(&**key) {
                remove(inner, rest);
            }
        }
    }
}

fn value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(is) => json!(is),
        Scalar::Integer(number) => json!(number),
        Scalar::Text(text) => json!(text),
    }
}
