//! Permission rules of a host, written in the native spelling.

use std::collections::BTreeMap;

use aegis_types::Access;
use serde_json::{Map, Value, json};

use crate::extend::Reading;
use crate::matcher::{HostPattern, Matcher, ParamTest, PathPattern, Scalar, ShellPattern};
use crate::parse::permissions_in;
use crate::pattern::Glob;
use crate::problem::{Problem, Problems};
use crate::rule::Place;
use crate::source::Source;

/// A native policy made of a host's permission rules.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The text of the policy.
    pub text: String,
    /// What it does not hold, and why.
    pub left_out: Vec<Problem>,
}

/// Returns the native policy that means what the permissions in `source` mean.
///
/// What means nothing is left out and told.
///
/// # Errors
///
/// The [`Problems`] of a text without any permission rule that means something.
pub fn import_permissions(source: &Source) -> Result<Imported, Problems> {
    match permissions_in(source) {
        (Some(reading), left_out) if !reading.rules.is_empty() => Ok(Imported {
            text: text_of(&reading, source),
            left_out,
        }),
        (_, problems) => Err(Problems(problems, vec![source.clone()])),
    }
}

fn text_of(reading: &Reading, source: &Source) -> String {
    let name = &source.name;
    let mut text = format!(
        "# From the permissions in {name}.\naegis: policy/v1\nname: {}\ndefault: none\nrules:\n",
        reading.name
    );
    for rule in &reading.rules {
        let written = entry_at(&source.text, rule.place);
        text.push_str(&format!(
            "  # {name}:{}:{}  {written}\n  - id: {}\n    match: {}\n    verdict: {}\n{}",
            rule.place.line,
            rule.place.column,
            rule.id,
            flow(&matcher(&rule.matcher)),
            rule.verdict.as_str(),
            if rule.unknown {
                "    unknown: true\n"
            } else {
                ""
            },
        ));
    }
    text
}

/// Returns the entry that stands at `place`, as it is written; nothing of what
/// stands beside it, which may be a secret.
fn entry_at(text: &str, place: Place) -> &str {
    let index = |number: u32| {
        usize::try_from(number)
            .unwrap_or_default()
            .saturating_sub(1)
    };
    let line = text.lines().nth(index(place.line)).unwrap_or_default();
    let start = line.char_indices().nth(index(place.column));
    let rest = start.and_then(|(start, _)| line.get(start..));
    let rest = rest.unwrap_or_default();
    let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let is_text = texts.next().is_some_and(|text| text.is_ok());
    let end = if is_text { texts.byte_offset() } else { 0 };
    rest.get(..end).unwrap_or_default()
}

/// Returns what a rule is about as `match` says it.
fn matcher(about: &Matcher) -> Value {
    let Matcher {
        tool,
        params,
        shell,
        path,
        host,
        not,
        ..
    } = about;
    let mut keys = Map::new();
    if !tool.is_empty() {
        keys.insert("tool".to_owned(), texts(tool));
    }
    let mut conditions: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for condition in params {
        let (test, value) = test(&condition.test);
        let tests = conditions.entry(condition.path.join(".")).or_default();
        tests.insert(test.to_owned(), value);
    }
    if !conditions.is_empty() {
        keys.insert("params".to_owned(), json!(conditions));
    }
    let line = |it: &ShellPattern| json!({"line": texts(&it.line)});
    let glob = |it: &PathPattern| json!({"glob": texts(&it.glob), "access": ways(it.access)});
    let name = |it: &HostPattern| json!({"name": texts(&it.name)});
    let many: [(&str, Vec<Value>); 3] = [
        ("shell", shell.iter().map(line).collect()),
        ("path", path.iter().map(glob).collect()),
        ("host", host.iter().map(name).collect()),
    ];
    for (key, values) in many.into_iter().filter(|(_, values)| !values.is_empty()) {
        keys.insert(key.to_owned(), Value::Array(values));
    }
    if let Some(not) = not {
        keys.insert("not".to_owned(), matcher(not));
    }
    Value::Object(keys)
}

fn texts(globs: &[Glob]) -> Value {
    globs.iter().map(Glob::as_str).collect()
}

fn ways(access: Access) -> Value {
    let ways = [
        (access.read, "read"),
        (access.write, "write"),
        (access.delete, "delete"),
        (access.execute, "execute"),
    ];
    ways.iter()
        .filter(|(is_way, _)| *is_way)
        .map(|(_, way)| *way)
        .collect()
}

/// Returns a test by its key, and what it compares with.
fn test(test: &ParamTest) -> (&'static str, Value) {
    match test {
        ParamTest::Equals(value) => ("equals", scalar(value)),
        ParamTest::OneOf(values) => ("one_of", values.iter().map(scalar).collect()),
        ParamTest::Contains(value) => ("contains", scalar(value)),
        ParamTest::Glob(glob) => ("glob", json!(glob.as_str())),
        ParamTest::Regex(pattern) => ("regex", json!(pattern.as_str())),
        ParamTest::Present(is_present) => ("present", json!(is_present)),
        ParamTest::Gt(bound) => ("gt", json!(bound)),
        ParamTest::Gte(bound) => ("gte", json!(bound)),
        ParamTest::Lt(bound) => ("lt", json!(bound)),
        ParamTest::Lte(bound) => ("lte", json!(bound)),
    }
}

fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => json!(value),
        Scalar::Integer(value) => json!(value),
        Scalar::Text(text) => json!(&**text),
    }
}

/// Returns a value in the flow style of YAML, on one line; every text is quoted.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(keys) => {
            let keys: Vec<String> = keys
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)))
                .collect();
            format!("{{{}}}", keys.join(", "))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(flow).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
