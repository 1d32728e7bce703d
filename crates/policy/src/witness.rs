//! Calls that a rule is likely to be about, made from its own patterns.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::matcher::{Bound, HostPattern, Matcher, ParamTest, PathPattern, Scalar, ShellPattern};
use crate::pattern::Glob;
use crate::rule::{Example, Place};
use crate::sql::SqlKind;

/// The most texts made of one pattern.
const TEXTS_MAX: usize = 3;

/// The most calls made of one rule.
const CALLS_MAX: usize = 64;

/// Returns calls that a matcher is likely to be about: one for each way in which
/// its patterns can be read, in a narrow choice.
///
/// Whether it is about them, only deciding tells.
#[must_use]
pub fn witnesses(matcher: &Matcher) -> Vec<Example> {
    let mut calls = Vec::new();
    let tools: Vec<String> = matcher.tool.iter().flat_map(texts).collect();
    for matcher in ways(matcher) {
        calls.extend(
            matcher
                .shell
                .iter()
                .flat_map(lines)
                .map(|line| shell(&line)),
        );
        for pattern in &matcher.path {
            calls.extend(path_calls(pattern, &tools));
        }
        calls.extend(matcher.host.iter().flat_map(host_calls));
        if !matcher.params.is_empty() {
            calls.extend(param_calls(matcher, &tools));
        }
    }
    if calls.is_empty() {
        calls.extend(tools.iter().map(|tool| call(tool, &json!({}))));
    }
    calls.truncate(CALLS_MAX);
    calls
}

/// Returns the matchers of which the conditions stand in one place: itself, and
/// those it joins.
fn ways(matcher: &Matcher) -> Vec<&Matcher> {
    let inner = matcher.any.iter().chain(&matcher.all);
    std::iter::once(matcher)
        .chain(inner.flat_map(ways))
        .collect()
}

/// Returns command lines for a pattern.
fn lines(pattern: &ShellPattern) -> Vec<String> {
    let one_or_none = |globs: &[Glob]| match globs {
        [] => vec![String::new()],
        globs => globs.iter().flat_map(texts).collect(),
    };
    let mut lines: Vec<String> = pattern.line.iter().flat_map(texts).collect();
    if !lines.is_empty() {
        return lines;
    }
    let programs = match pattern.program.as_slice() {
        [] => vec!["tool".to_owned()],
        programs => programs.iter().flat_map(texts).collect(),
    };
    let given = pattern.flags.iter().chain(pattern.words.iter().flatten());
    let mut given: Vec<String> = given.map(|it| it.to_string()).collect();
    given.extend(pattern.options.iter().flat_map(|option| {
        let value = option.value.first().into_iter().flat_map(texts).next();
        [option.name.to_string()].into_iter().chain(value)
    }));
    given.extend(pattern.sql.first().map(|kind| quoted(statement(*kind))));
    let flags = given.join(" ");
    for program in &programs {
        for subcommand in one_or_none(&pattern.subcommand) {
            let arguments: Vec<Vec<String>> = pattern.arguments.iter().map(texts).collect();
            let choices = arguments.iter().map(Vec::len).max().unwrap_or(1);
            for choice in 0..choices {
                let chosen = arguments
                    .iter()
                    .filter_map(|it| it.get(choice.min(it.len() - 1)));
                let words = [program.as_str(), &subcommand, &flags].into_iter();
                let words = words.chain(chosen.map(String::as_str));
                let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
                lines.push(words.join(" "));
            }
        }
    }
    lines
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// Returns a statement that does this.
const fn statement(kind: SqlKind) -> &'static str {
    match kind {
        SqlKind::Drop => "drop table users",
        SqlKind::Truncate => "truncate users",
        SqlKind::DeleteAll => "delete from users",
        SqlKind::UpdateAll => "update users set a = 1",
        SqlKind::Grant => "grant all on users to ada",
        SqlKind::Outside => "select load_file(1)",
        SqlKind::Secret => "select * from pg_shadow",
        SqlKind::Server => "shutdown",
    }
}

fn path_calls(pattern: &PathPattern, tools: &[String]) -> Vec<Example> {
    let access = pattern.access;
    let is_any = !(access.read || access.write || access.delete || access.execute);
    let mut calls = Vec::new();
    for path in pattern.glob.iter().flat_map(texts) {
        if is_any || access.read {
            calls.push(call("Read", &json!({"file_path": path})));
            calls.push(shell(&format!("cat {path}")));
        }
        if is_any || access.write {
            calls.push(call("Write", &json!({"file_path": path, "content": "x"})));
        }
        if access.delete {
            calls.push(shell(&format!("rm -r {path}")));
        }
        if access.execute {
            calls.push(shell(&path));
        }
        calls.extend(tools.iter().map(|tool| {
            call(
                tool,
                &json!({"path": path, "file_path": path, "content": "x"}),
            )
        }));
    }
    calls
}

fn host_calls(pattern: &HostPattern) -> Vec<Example> {
    let names: Vec<String> = match pattern.name.as_slice() {
        [] => vec![
            "example.org".to_owned(),
            "127.0.0.1".to_owned(),
            "169.254.169.254".to_owned(),
        ],
        names => names.iter().flat_map(texts).collect(),
    };
    let scheme = pattern.scheme.first().map_or("https", |scheme| scheme);
    let port = pattern
        .port
        .first()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let addresses = names
        .into_iter()
        .map(|name| format!("{scheme}://{name}{port}/"));
    addresses
        .flat_map(|url| {
            let fetch = call("WebFetch", &json!({"url": url, "prompt": "x"}));
            [fetch, shell(&format!("curl {url}"))]
        })
        .collect()
}

fn param_calls(matcher: &Matcher, tools: &[String]) -> Vec<Example> {
    let mut params = Value::Object(Map::new());
    for condition in &matcher.params {
        let value = match &condition.test {
            ParamTest::Equals(scalar) | ParamTest::Contains(scalar) => value(scalar),
            ParamTest::OneOf(scalars) => scalars.first().map_or(Value::Null, value),
            ParamTest::Gt(bound) => beyond(bound, 1),
            ParamTest::Lt(bound) => beyond(bound, -1),
            ParamTest::Gte(bound) | ParamTest::Lte(bound) => beyond(bound, 0),
            ParamTest::Glob(glob) => json!(texts(glob).first()),
            // What a regular expression matches is not made up.
            ParamTest::Regex(_) | ParamTest::Present(true) => json!("x"),
            ParamTest::Present(false) => continue,
        };
        put(&mut params, &condition.path, value);
    }
    let usual = ["Bash".to_owned()];
    let tools = match tools {
        [] => &usual,
        tools => tools,
    };
    tools.iter().map(|tool| call(tool, &params)).collect()
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

/// Puts a value where a path of keys leads.
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

fn value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(is) => json!(is),
        Scalar::Integer(number) => json!(number),
        Scalar::Text(text) => json!(text),
    }
}

/// Returns texts that a glob matches: for each alternative one, in which every
/// open place holds something plain.
fn texts(glob: &Glob) -> Vec<String> {
    let mut made = alternatives(glob.as_str());
    made.truncate(TEXTS_MAX);
    let plain = made.iter().map(|text| plain(text));
    plain.filter(|text| glob.matches(text)).collect()
}

/// Returns what a glob becomes with each member of its first `{a,b}` in turn.
fn alternatives(glob: &str) -> Vec<String> {
    let Some((before, rest)) = glob.split_once('{') else {
        return vec![glob.to_owned()];
    };
    let mut depth = 1;
    let mut members = vec![String::new()];
    let mut end = rest.len();
    for (index, letter) in rest.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (letter, depth) {
            ('}', 0) => {
                end = index + 1;
                break;
            }
            (',', 1) => members.push(String::new()),
            _ => members
                .last_mut()
                .into_iter()
                .for_each(|it| it.push(letter)),
        }
    }
    let after = rest.get(end..).unwrap_or_default();
    let whole = members
        .iter()
        .map(|member| format!("{before}{member}{after}"));
    whole.flat_map(|text| alternatives(&text)).collect()
}

/// Returns a glob without braces with something plain in its open places.
fn plain(glob: &str) -> String {
    let mut text = String::new();
    let mut letters = glob.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => {
                while letters.next_if_eq(&'*').is_some() {}
                text.push('x');
            }
            '?' => text.push('x'),
            '\\' => text.extend(letters.next()),
            '[' => {
                let first = letters.next();
                text.extend(first.filter(|it| !matches!(it, '!' | '^')).or(Some('x')));
                letters.by_ref().find(|it| *it == ']');
            }
            letter => text.push(letter),
        }
    }
    text
}

fn shell(line: &str) -> Example {
    call("Bash", &json!({"command": line}))
}

fn call(tool: &str, params: &Value) -> Example {
    Example {
        place: Place::default(),
        tool: Arc::from(tool),
        params: Arc::from(params.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::ParamCondition;

    #[test]
    fn texts_are_made_of_every_alternative_and_match() {
        let made = |glob: &str| texts(&Glob::new(glob));
        assert_eq!(made("main"), ["main"]);
        assert_eq!(made("release/*"), ["release/x"]);
        assert_eq!(made("{a,b{c,d}}-?"), ["a-x", "bc-x", "bd-x"]);
        assert_eq!(made("mcp__*__[a-z]**"), ["mcp__x__ax"]);
        assert_eq!(made("[!a]b"), ["xb"]);
        assert_eq!(made("\\*.log"), ["*.log"]);
    }

    #[test]
    fn calls_have_all_that_a_matcher_asks_for() {
        let matcher = Matcher {
            tool: vec![Glob::new("mcp__shop__*")],
            params: vec![ParamCondition {
                path: vec![Arc::from("order"), Arc::from("total")],
                test: ParamTest::Gt(Bound::Integer(100)),
            }],
            ..Matcher::default()
        };
        let calls = witnesses(&matcher);
        let params: Value = serde_json::from_str(&calls[0].params).unwrap();
        assert_eq!(&*calls[0].tool, "mcp__shop__x");
        assert_eq!(params, json!({"order": {"total": 101}}));
    }
}
