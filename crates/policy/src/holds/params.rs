//! Conditions on parameters.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use aegis_canon::{canonical, is_tagged};
use serde_json::{Number, Value};

use crate::matcher::{Bound, ParamCondition, ParamTest, Scalar};
use crate::truth::{Truth, WhyNot, WhyUnknown};

/// What stands at a path within the parameters.
pub(crate) enum Found<'a> {
    /// This value.
    Value(&'a Value),
    /// A part, or one above it, that is not I-JSON.
    Tagged,
    /// Nothing.
    Absent,
}

/// Follows a path of keys and list positions.
pub(crate) fn find<'a>(params: &'a Value, path: &[Arc<str>]) -> Found<'a> {
    let mut value = params;
    for step in path {
        if is_tagged(value) {
            return Found::Tagged;
        }
        let next = match value {
            Value::Object(members) => members.get(&**step),
            Value::Array(items) => step
                .parse::<usize>()
                .ok()
                .and_then(|position| items.get(position)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        match next {
            Some(next) => value = next,
            None => return Found::Absent,
        }
    }
    if is_tagged(value) {
        Found::Tagged
    } else {
        Found::Value(value)
    }
}

/// The answer of one test on one value.
enum Answer {
    Holds(bool),
    WrongType,
    Tagged,
    NoPattern,
}

impl ParamCondition {
    /// Returns what of `text` it is about, if that is the parameter it looks at.
    pub(super) fn found_in(&self, text: &str, params: &Value) -> Option<Range<usize>> {
        let Found::Value(Value::String(value)) = find(params, &self.path) else {
            return None;
        };
        if value != text {
            return None;
        }
        match &self.test {
            ParamTest::Regex(pattern) => pattern.find(text),
            ParamTest::Contains(Scalar::Text(part)) => {
                let start = text.find(&**part)?;
                Some(start..start + part.len())
            }
            ParamTest::Contains(Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_))
            | ParamTest::Equals(_)
            | ParamTest::OneOf(_)
            | ParamTest::Gt(_)
            | ParamTest::Gte(_)
            | ParamTest::Lt(_)
            | ParamTest::Lte(_)
            | ParamTest::Glob(_)
            | ParamTest::Present(_) => None,
        }
    }

    /// Returns whether the condition holds of `params`.
    pub(crate) fn holds(&self, params: &Value) -> Truth {
        let found = find(params, &self.path);
        if let ParamTest::Present(wanted) = self.test {
            let is_present = !matches!(found, Found::Absent);
            return Truth::of(is_present == wanted, || self.other_value());
        }
        let value = match found {
            Found::Value(value) => value,
            Found::Tagged => return Truth::Unknown(WhyUnknown::Tagged { path: self.name() }),
            Found::Absent => return Truth::Unknown(WhyUnknown::Absent { path: self.name() }),
        };
        match self.test.answer(value) {
            Answer::Holds(true) => Truth::Yes,
            Answer::Holds(false) => Truth::No(self.other_value()),
            Answer::WrongType => Truth::Unknown(WhyUnknown::WrongType { path: self.name() }),
            Answer::Tagged => Truth::Unknown(WhyUnknown::Tagged { path: self.name() }),
            Answer::NoPattern => Truth::Unknown(WhyUnknown::Pattern),
        }
    }

    fn name(&self) -> Arc<str> {
        match self.path.as_slice() {
            [only] => Arc::clone(only),
            path => Arc::from(path.join(".")),
        }
    }

    fn other_value(&self) -> WhyNot {
        WhyNot::Parameter { path: self.name() }
    }
}

impl ParamTest {
    fn answer(&self, value: &Value) -> Answer {
        match self {
            Self::Equals(scalar) => equals(scalar, value),
            Self::OneOf(scalars) => one_of(scalars, value),
            Self::Gt(bound) => ordered(value, bound, Ordering::is_gt),
            Self::Gte(bound) => ordered(value, bound, Ordering::is_ge),
            Self::Lt(bound) => ordered(value, bound, Ordering::is_lt),
            Self::Lte(bound) => ordered(value, bound, Ordering::is_le),
            Self::Contains(scalar) => contains(scalar, value),
            Self::Glob(glob) => match value {
                Value::String(text) => Answer::Holds(glob.matches(text)),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => Answer::WrongType,
            },
            Self::Regex(pattern) => match value {
                Value::String(text) => searched(pattern.is_match(text)),
                Value::Null => Answer::WrongType,
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    searched_in_json(pattern, value)
                }
            },
            Self::Present(wanted) => Answer::Holds(*wanted),
        }
    }
}

fn searched(found: Option<bool>) -> Answer {
    found.map_or(Answer::NoPattern, Answer::Holds)
}

fn searched_in_json(pattern: &crate::pattern::Pattern, value: &Value) -> Answer {
    match String::from_utf8(canonical(value)) {
        Ok(json) => match pattern.is_match(&json) {
            // The text of a tagged part is not what its receiver reads.
            Some(false) if holds_tagged(value) => Answer::Tagged,
            found => searched(found),
        },
        Err(_) => Answer::WrongType,
    }
}

fn holds_tagged(value: &Value) -> bool {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        if is_tagged(value) {
            return true;
        }
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    false
}

fn equals(scalar: &Scalar, value: &Value) -> Answer {
    match (scalar, value) {
        (Scalar::Null, value) => Answer::Holds(value.is_null()),
        (Scalar::Bool(wanted), Value::Bool(found)) => Answer::Holds(wanted == found),
        (Scalar::Integer(wanted), Value::Number(found)) => {
            Answer::Holds(compare(found, *wanted) == Some(Ordering::Equal))
        }
        (Scalar::Text(wanted), Value::String(found)) => Answer::Holds(**wanted == **found),
        (Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Text(_), _) => Answer::WrongType,
    }
}

fn one_of(scalars: &[Scalar], value: &Value) -> Answer {
    let mut best = Answer::WrongType;
    for scalar in scalars {
        match equals(scalar, value) {
            Answer::Holds(true) => return Answer::Holds(true),
            Answer::Holds(false) => best = Answer::Holds(false),
            Answer::WrongType | Answer::Tagged | Answer::NoPattern => {}
        }
    }
    best
}

fn ordered(value: &Value, bound: &Bound, holds: fn(Ordering) -> bool) -> Answer {
    let order = match (value, bound) {
        (Value::Number(number), Bound::Integer(bound)) => compare(number, *bound),
        (Value::Number(number), Bound::Decimal(bound)) => compare_decimal(number, *bound),
        (Value::String(text), Bound::Text(bound)) => Some((**text).cmp(bound)),
        (_, Bound::Integer(_) | Bound::Decimal(_) | Bound::Text(_)) => None,
    };
    order.map_or(Answer::WrongType, |order| Answer::Holds(holds(order)))
}

fn contains(scalar: &Scalar, value: &Value) -> Answer {
    match (scalar, value) {
        (Scalar::Text(part), Value::String(text)) => Answer::Holds(text.contains(&**part)),
        (_, Value::Array(items)) => {
            let is_member = |item| matches!(equals(scalar, item), Answer::Holds(true));
            if items.iter().any(is_member) {
                Answer::Holds(true)
            } else if items.iter().any(is_tagged) {
                Answer::Tagged
            } else {
                Answer::Holds(false)
            }
        }
        _ => Answer::WrongType,
    }
}

/// Compares a JSON number with a whole one, exactly.
fn compare(number: &Number, bound: i64) -> Option<Ordering> {
    /// 2^63, the first whole number above all of `i64`.
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if let Some(integer) = number.as_i64() {
        return Some(integer.cmp(&bound));
    }
    if number.is_u64() {
        return Some(Ordering::Greater);
    }
    let double = number.as_f64()?;
    if double >= ABOVE {
        return Some(Ordering::Greater);
    }
    if double < -ABOVE {
        return Some(Ordering::Less);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the whole part lies within i64, as was just checked"
    )]
    let whole = double.trunc() as i64;
    let fraction = double.fract().partial_cmp(&0.0)?;
    Some(whole.cmp(&bound).then(fraction))
}

/// Compares a JSON number with a double.
fn compare_decimal(number: &Number, bound: f64) -> Option<Ordering> {
    match number.as_i64() {
        Some(integer) => compare(&Number::from_f64(bound)?, integer).map(Ordering::reverse),
        None => number.as_f64()?.partial_cmp(&bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Glob, Pattern};
    use serde_json::json;

    fn text(text: &str) -> Scalar {
        Scalar::Text(Arc::from(text))
    }

    fn check(path: &str, test: ParamTest, params: &Value) -> Truth {
        ParamCondition {
            path: path.split('.').map(Arc::from).collect(),
            test,
        }
        .holds(params)
    }

    #[test]
    fn a_path_follows_keys_and_list_positions() {
        let params = json!({"a": {"b": [{"c": "x"}]}});
        assert_eq!(
            check("a.b.0.c", ParamTest::Equals(text("x")), &params),
            Truth::Yes
        );
        assert!(check("a.b.1.c", ParamTest::Equals(text("x")), &params).is_unknown());
        assert!(check("a.b.c", ParamTest::Equals(text("x")), &params).is_unknown());
    }

    #[test]
    fn an_absent_or_wrongly_typed_parameter_is_unknown_and_never_an_error() {
        let gt = || ParamTest::Gt(Bound::Integer(100));
        assert_eq!(
            check("count", gt(), &json!({"count": "5000"})),
            Truth::Unknown(WhyUnknown::WrongType {
                path: "count".into()
            })
        );
        for params in [
            json!({}),
            json!(null),
            json!({"count": null}),
            json!({"nested": {"count": 5}}),
            json!({"count": [5000]}),
            json!({"count": {"$json": "1e999"}}),
        ] {
            assert!(check("count", gt(), &params).is_unknown(), "{params}");
        }
        assert_eq!(check("count", gt(), &json!({"count": 101})), Truth::Yes);
        assert!(!check("count", gt(), &json!({"count": 100})).is_possible());
    }

    #[test]
    fn numbers_compare_exactly_whatever_their_spelling() {
        let big = json!({"n": 9_007_199_254_740_993_u64});
        let below = ParamTest::Gt(Bound::Integer(9_007_199_254_740_992));
        assert_eq!(check("n", below, &big), Truth::Yes);
        assert_eq!(
            check(
                "n",
                ParamTest::Gt(Bound::Integer(i64::MAX)),
                &json!({"n": u64::MAX})
            ),
            Truth::Yes
        );
        assert_eq!(
            check("n", ParamTest::Lt(Bound::Integer(0)), &json!({"n": -0.5})),
            Truth::Yes
        );
        assert_eq!(
            check(
                "n",
                ParamTest::Equals(Scalar::Integer(2)),
                &json!({"n": 2.0})
            ),
            Truth::Yes
        );
        assert!(!check("n", ParamTest::Gte(Bound::Integer(3)), &json!({"n": 2.999})).is_possible());
        assert_eq!(
            check(
                "n",
                ParamTest::Lt(Bound::Integer(i64::MIN)),
                &json!({"n": -1e300})
            ),
            Truth::Yes
        );
    }

    #[test]
    fn a_decimal_is_compared_as_its_nearest_double_and_text_by_code_points() {
        let gte = |bound: f64| ParamTest::Gte(Bound::Decimal(bound));
        assert_eq!(check("n", gte(99.99), &json!({"n": 99.99})), Truth::Yes);
        assert_eq!(check("n", gte(99.99), &json!({"n": 100})), Truth::Yes);
        assert!(!check("n", gte(99.99), &json!({"n": 99})).is_possible());
        assert!(!check("n", gte(-0.5), &json!({"n": -1})).is_possible());
        assert_eq!(check("n", gte(0.5), &json!({"n": u64::MAX})), Truth::Yes);
        assert!(check("n", gte(0.5), &json!({"n": "1"})).is_unknown());
        let day = || ParamTest::Lt(Bound::Text("2026-02-01".into()));
        assert_eq!(check("d", day(), &json!({"d": "2026-01-31"})), Truth::Yes);
        assert!(!check("d", day(), &json!({"d": "2026-02-01"})).is_possible());
        assert!(check("d", day(), &json!({"d": 20260131})).is_unknown());
    }

    #[test]
    fn one_of_is_unknown_only_if_no_member_has_the_type() {
        let test = || ParamTest::OneOf(vec![text("a"), Scalar::Integer(5)]);
        assert!(!check("x", test(), &json!({"x": "b"})).is_possible());
        assert_eq!(check("x", test(), &json!({"x": 5})), Truth::Yes);
        assert!(check("x", test(), &json!({"x": true})).is_unknown());
    }

    #[test]
    fn a_regex_searches_text_as_it_is_and_the_rest_as_json() {
        let regex = |expression: &str| ParamTest::Regex(Pattern::new(expression));
        assert_eq!(
            check("q", regex("^DROP"), &json!({"q": "DROP TABLE"})),
            Truth::Yes
        );
        assert_eq!(
            check("q", regex(r#""a":1"#), &json!({"q": {"b": 2, "a": 1}})),
            Truth::Yes
        );
        assert_eq!(check("q", regex("^17$"), &json!({"q": 17})), Truth::Yes);
        assert!(check("q", regex("x"), &json!({"q": null})).is_unknown());
        assert!(check("q", regex("x"), &json!({"q": [{"$json": "1e999"}]})).is_unknown());
        assert!(!check("q", regex("x"), &json!({"q": [1]})).is_possible());
    }

    #[test]
    fn padding_does_not_hide_what_a_regex_looks_for() {
        let padded = format!("{}DROP TABLE", "x".repeat(100_000));
        let test = ParamTest::Regex(Pattern::new("DROP TABLE"));
        assert_eq!(check("q", test, &json!({ "q": padded })), Truth::Yes);
    }

    #[test]
    fn a_pattern_that_backtracking_engines_choke_on_takes_linear_time() {
        let text = format!("{}!", "a".repeat(50_000));
        let test = ParamTest::Regex(Pattern::new("^(a+)+$"));
        assert!(!check("q", test, &json!({ "q": text })).is_possible());
    }

    #[test]
    fn contains_looks_into_text_and_lists() {
        let holds = |scalar, params: Value| check("x", ParamTest::Contains(scalar), &params);
        assert_eq!(holds(text("b"), json!({"x": "abc"})), Truth::Yes);
        assert_eq!(holds(text("b"), json!({"x": ["a", "b"]})), Truth::Yes);
        assert!(!holds(text("b"), json!({"x": ["abc"]})).is_possible());
        assert!(holds(text("b"), json!({"x": [{"$json": "1e999"}]})).is_unknown());
        assert!(holds(Scalar::Integer(1), json!({"x": "1"})).is_unknown());
    }

    #[test]
    fn presence_is_never_unknown() {
        let present = |wanted, params: Value| check("x", ParamTest::Present(wanted), &params);
        assert_eq!(present(true, json!({"x": null})), Truth::Yes);
        assert_eq!(present(false, json!({"y": 1})), Truth::Yes);
        assert!(!present(false, json!({"x": {"$json": "1e999"}})).is_possible());
    }

    #[test]
    fn a_glob_matches_the_whole_text() {
        let glob = || ParamTest::Glob(Glob::new("prod-*"));
        assert_eq!(check("x", glob(), &json!({"x": "prod-1"})), Truth::Yes);
        assert!(!check("x", glob(), &json!({"x": "preprod-1"})).is_possible());
    }
}
