//! Permission rules of a host, written in the native spelling.

use std::collections::BTreeMap;
use std::ops::Range;

use aegis_types::{Access, Verdict};
use serde_json::{Map, Value, json};

use super::{KEY, LISTS, read_form};
use crate::extend::Reading;
use crate::lint::tool_names;
use crate::matcher::{HostPattern, Matcher, ParamTest, PathPattern, Scalar, ShellPattern};
use crate::parse::{Walker, permissions_in};
use crate::pattern::Glob;
use crate::problem::{Problem, ProblemCode, Problems, Severity};
use crate::rule::{Place, Rule};
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
        (Some(mut reading), mut left_out) if !reading.rules.is_empty() => {
            let narrowed = leave_out_narrowed(&mut reading, source, &left_out);
            left_out.extend(narrowed);
            if reading.rules.is_empty() {
                return Err(Problems(left_out, vec![source.clone()]));
            }
            Ok(Imported {
                text: text_of(&reading, source),
                left_out,
            })
        }
        (_, problems) => Err(Problems(problems, vec![source.clone()])),
    }
}

/// Takes out every allow that a denial or question which means nothing here may
/// have narrowed, and tells of each: alone, it would allow more than the host does.
fn leave_out_narrowed(
    reading: &mut Reading,
    source: &Source,
    left_out: &[Problem],
) -> Vec<Problem> {
    let has_error = left_out.iter().any(|it| it.severity == Severity::Error);
    let lost = if has_error {
        lost(&source.text)
    } else {
        Vec::new()
    };
    let is_narrowed = |rule: &Rule| {
        let is_allow = rule.verdict == Verdict::Allow;
        is_allow && lost.iter().any(|it| it.may_narrow(&rule.matcher))
    };
    let mut walker = Walker::new(0, &source.text);
    for rule in reading.rules.iter().filter(|rule| is_narrowed(rule)) {
        let message = "this allow is left out: what denies or asks before it is left out as well";
        walker
            .error(
                ProblemCode::UnknownValue,
                &span_at(&source.text, rule.place),
                message,
            )
            .help("mend or remove what stands before it, and import again");
    }
    reading.rules.retain(|rule| !is_narrowed(rule));
    walker.into_problems()
}

/// A denial or question that cannot be carried over.
enum Lost {
    /// It is about this tool.
    Tool(String),
    /// It may be about any.
    Any,
}

impl Lost {
    fn may_narrow(&self, allow: &Matcher) -> bool {
        match self {
            // Commands read and edit files as well.
            Self::Tool(tool) => match tool.as_str() {
                "Read" | "Edit" | "Write" | "MultiEdit" | "NotebookEdit" => true,
                "Bash" | "Monitor" => allow.names_tool("Bash") || allow.names_tool("Monitor"),
                tool => allow.names_tool(tool),
            },
            Self::Any => true,
        }
    }
}

/// Returns the denials and questions of a settings file that mean nothing here.
fn lost(text: &str) -> Vec<Lost> {
    let Ok(settings) = serde_json::from_str::<Value>(text) else {
        // What cannot be read again may hold any.
        return vec![Lost::Any];
    };
    let restricting = LISTS
        .iter()
        .filter(|(_, verdict)| *verdict != Verdict::Allow);
    let entries = restricting.flat_map(|(list, verdict)| {
        let found = settings.get(KEY).and_then(|it| it.get(list));
        let entries = found.and_then(Value::as_array).into_iter().flatten();
        entries.map(|entry| (entry.as_str(), *verdict))
    });
    entries
        .filter_map(|(entry, verdict)| match entry {
            Some(entry) if read_form(entry, verdict).is_some() => None,
            Some(entry) => Some(lost_by(entry)),
            None => Some(Lost::Any),
        })
        .collect()
}

fn lost_by(entry: &str) -> Lost {
    let tool = entry.split('(').next().unwrap_or_default().trim();
    match tool_names().any(|name| name == tool) {
        true => Lost::Tool(tool.to_owned()),
        false => Lost::Any,
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
    text.get(span_at(text, place)).unwrap_or_default()
}

/// Returns the bytes of the entry that stands at `place`.
fn span_at(text: &str, place: Place) -> Range<usize> {
    let index = |number: u32| {
        usize::try_from(number)
            .unwrap_or_default()
            .saturating_sub(1)
    };
    let mut lines = text.split_inclusive('\n');
    let above: usize = lines.by_ref().take(index(place.line)).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    let column = line.char_indices().nth(index(place.column));
    let start = above + column.map_or(line.len(), |(at, _)| at);
    let rest = text.get(start..).unwrap_or_default();
    let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let is_text = texts.next().is_some_and(|text| text.is_ok());
    start..start + if is_text { texts.byte_offset() } else { 0 }
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
