//! Calls that a rule is likely to be about, made from its own patterns and from
//! those of the rules beside it.

mod circumstances;
mod text;
mod value;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cases::Circumstances;
use crate::lint::alternatives;
use crate::matcher::{HostPattern, Matcher, ParamCondition, PathPattern, ShellPattern};
use crate::pattern::Glob;
use crate::rule::{Example, Place, Rule};
use crate::sql::SqlKind;

/// The most calls made of one rule.
const CALLS_MAX: usize = 160;

/// The most calls of one choice of patterns whose parameters are varied.
const VARIED_MAX: usize = 12;

/// The most commands, and the most paths and addresses, that are put together.
const JOINED_MAX: usize = 6;

/// A word of which no rule can tell what it stands for.
const UNKNOWN: &str = "\"$ANY\"";

/// A call, and under which circumstances it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The call.
    pub call: Example,
    /// The circumstances.
    pub circumstances: Circumstances,
}

/// The patterns of the rules among which one stands: where they cut through what
/// it is about, calls are made on both sides.
#[derive(Debug, Default)]
pub struct Beside<'r> {
    tools: Vec<&'r Glob>,
    programs: Vec<&'r Glob>,
    subcommands: Vec<&'r Glob>,
    arguments: Vec<&'r Glob>,
    lines: Vec<&'r Glob>,
    paths: Vec<&'r Glob>,
    hosts: Vec<&'r Glob>,
    params: Vec<&'r ParamCondition>,
}

impl<'r> Beside<'r> {
    /// Takes the patterns of these rules.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = &'r Rule>) -> Self {
        let mut beside = Self::default();
        for rule in rules {
            for matcher in inner(&rule.matcher) {
                beside.add(matcher);
            }
        }
        for globs in [
            &mut beside.tools,
            &mut beside.programs,
            &mut beside.subcommands,
            &mut beside.arguments,
            &mut beside.lines,
            &mut beside.paths,
            &mut beside.hosts,
        ] {
            globs.sort();
            globs.dedup();
        }
        beside
    }

    fn add(&mut self, matcher: &'r Matcher) {
        self.tools.extend(&matcher.tool);
        for pattern in &matcher.shell {
            self.programs.extend(&pattern.program);
            self.subcommands.extend(&pattern.subcommand);
            self.arguments.extend(&pattern.arguments);
            self.lines.extend(&pattern.line);
        }
        self.paths
            .extend(matcher.path.iter().flat_map(|it| &it.glob));
        self.hosts
            .extend(matcher.host.iter().flat_map(|it| &it.name));
        for condition in &matcher.params {
            if !self.params.contains(&condition) {
                self.params.push(condition);
            }
        }
    }
}

/// Returns a matcher and all within it, those that must not hold included.
///
/// The depth of a policy's text is bounded, so the recursion is.
fn inner(matcher: &Matcher) -> Vec<&Matcher> {
    let within = matcher.any.iter().chain(&matcher.all);
    let within = within.chain(matcher.not.as_deref());
    std::iter::once(matcher)
        .chain(within.flat_map(inner))
        .collect()
}

/// Returns calls that a rule is likely to be about: one for each way in which
/// its patterns can be read, in a narrow choice, and for each region that those
/// of the rules beside it cut out of them; with its parameters as they are asked
/// for, absent and of another type; under the circumstances it asks for.
///
/// Whether it is about them, only deciding tells.
#[must_use]
pub fn witnesses(rule: &Rule, beside: &Beside<'_>) -> Vec<Probe> {
    let mut calls = Vec::new();
    let spread = alternatives(&rule.matcher, 0);
    let spread = spread.iter().filter(|it| **it != rule.matcher);
    for matcher in inner(&rule.matcher).into_iter().chain(spread) {
        let outer = match matcher.tool.as_slice() {
            [] => &rule.matcher.tool,
            own => own,
        };
        let tools: Vec<String> = outer
            .iter()
            .flat_map(|it| text::of_name(it, &beside.tools))
            .collect();
        let made = calls_of(matcher, &tools, beside);
        calls.extend(varied(&matcher.params, made, beside));
    }
    let mut seen = Vec::new();
    calls.retain(|it| {
        let is_new = !seen.contains(it);
        seen.push(it.clone());
        is_new
    });
    calls.truncate(CALLS_MAX);
    let circumstances = circumstances::of(rule);
    let probes = calls.iter().flat_map(|call| {
        circumstances.iter().map(|it| Probe {
            call: call.clone(),
            circumstances: it.clone(),
        })
    });
    probes.collect()
}

/// Returns calls for the commands, paths and hosts of a matcher, or of its tools.
fn calls_of(matcher: &Matcher, tools: &[String], beside: &Beside<'_>) -> Vec<Example> {
    let mut calls: Vec<Example> = Vec::new();
    for pattern in &matcher.shell {
        let lines = lines(pattern, beside);
        calls.extend(lines.iter().map(|line| shell(line)));
        let unknown = lines.first().map(|line| format!("{line} {UNKNOWN}"));
        calls.extend(unknown.map(|line| shell(&line)));
    }
    for pattern in &matcher.path {
        calls.extend(path_calls(pattern, tools, beside));
    }
    for pattern in &matcher.host {
        calls.extend(host_calls(pattern, beside));
    }
    calls.extend(joined(matcher, beside).iter().map(|line| shell(line)));
    if calls.is_empty() {
        calls.extend(tools.iter().map(|tool| call(tool, &json!({}))));
    }
    if calls.is_empty() && !matcher.params.is_empty() {
        calls.push(call("Bash", &json!({})));
    }
    calls
}

/// Returns lines of commands with the paths and addresses that are asked for as well.
fn joined(matcher: &Matcher, beside: &Beside<'_>) -> Vec<String> {
    let commands = matcher.shell.iter().flat_map(|it| lines(it, beside));
    let commands: Vec<String> = commands.take(JOINED_MAX).collect();
    let globs = matcher.path.iter().flat_map(|it| &it.glob);
    let paths = globs.flat_map(|it| text::of_path(it, &beside.paths));
    let hosts = matcher.host.iter().flat_map(|it| urls(it, beside));
    let words: Vec<String> = paths.chain(hosts).take(JOINED_MAX).collect();
    let pairs = commands
        .iter()
        .flat_map(|line| words.iter().map(move |word| format!("{line} {word}")));
    pairs.collect()
}

/// Returns the calls with every choice of parameters that conditions suggest.
fn varied(own: &[ParamCondition], calls: Vec<Example>, beside: &Beside<'_>) -> Vec<Example> {
    let choices = value::choices(own, &beside.params);
    if choices.is_empty() {
        return calls;
    }
    let mut made = Vec::new();
    for call in calls.iter().take(VARIED_MAX) {
        for choice in &choices {
            let mut params = serde_json::from_str(&call.params).unwrap_or(Value::Null);
            value::put_all(&mut params, choice);
            made.push(Example {
                params: Arc::from(params.to_string()),
                ..call.clone()
            });
        }
    }
    // What the rule does not ask of them stays as it was.
    let rest = calls.into_iter().filter(|_| own.is_empty());
    rest.chain(made).collect()
}

/// Returns command lines for a pattern.
fn lines(pattern: &ShellPattern, beside: &Beside<'_>) -> Vec<String> {
    let one_or_none = |globs: &[Glob]| match globs {
        [] => vec![String::new()],
        globs => of_all(globs, &beside.subcommands),
    };
    let lines = of_all(&pattern.line, &beside.lines);
    if !lines.is_empty() {
        return lines;
    }
    let mut lines = Vec::new();
    let programs = match pattern.program.as_slice() {
        [] => vec!["tool".to_owned()],
        programs => of_all(programs, &beside.programs),
    };
    let given = pattern.flags.iter().chain(pattern.words.iter().flatten());
    let mut given: Vec<String> = given.map(|it| it.to_string()).collect();
    given.extend(pattern.options.iter().flat_map(|option| {
        let value = option
            .value
            .first()
            .into_iter()
            .flat_map(|it| text::of_name(it, &[]))
            .next();
        [option.name.to_string()].into_iter().chain(value)
    }));
    given.extend(pattern.sql.first().map(|kind| quoted(statement(*kind))));
    let flags = given.join(" ");
    for program in &programs {
        for subcommand in one_or_none(&pattern.subcommand) {
            let arguments = pattern.arguments.iter();
            let arguments: Vec<Vec<String>> = arguments
                .map(|it| text::of_name(it, &beside.arguments))
                .collect();
            let choices = arguments.iter().map(Vec::len).max().unwrap_or(1);
            for choice in 0..choices {
                let chosen = arguments
                    .iter()
                    .filter_map(|it| it.get(choice.min(it.len().saturating_sub(1))));
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

fn path_calls(pattern: &PathPattern, tools: &[String], beside: &Beside<'_>) -> Vec<Example> {
    let access = pattern.access;
    let is_any = !(access.read || access.write || access.delete || access.execute);
    let mut calls = Vec::new();
    let paths = pattern.glob.iter();
    for path in paths.flat_map(|it| text::of_path(it, &beside.paths)) {
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

fn host_calls(pattern: &HostPattern, beside: &Beside<'_>) -> Vec<Example> {
    let calls = urls(pattern, beside).into_iter().flat_map(|url| {
        let fetch = call("WebFetch", &json!({"url": url, "prompt": "x"}));
        [fetch, shell(&format!("curl {url}"))]
    });
    calls.collect()
}

/// Returns addresses of a host.
fn urls(pattern: &HostPattern, beside: &Beside<'_>) -> Vec<String> {
    let names: Vec<String> = match pattern.name.as_slice() {
        [] => vec![
            "example.org".to_owned(),
            "127.0.0.1".to_owned(),
            "169.254.169.254".to_owned(),
        ],
        names => of_all(names, &beside.hosts),
    };
    let scheme = pattern.scheme.first().map_or("https", |scheme| scheme);
    let port = pattern
        .port
        .first()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    names
        .into_iter()
        .map(|name| format!("{scheme}://{name}{port}/"))
        .collect()
}

/// Returns texts for every one of several globs.
fn of_all(globs: &[Glob], beside: &[&Glob]) -> Vec<String> {
    globs
        .iter()
        .flat_map(|it| text::of_name(it, beside))
        .collect()
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::{MemorySources, Source, parse};

    /// Returns the parameters of the calls made of a rule.
    fn made(rule: &str, beside: &str) -> Vec<String> {
        let text = format!(
            "aegis: policy/v1\nname: a\ndefault: ask\nrules: [{{id: a, {rule}, verdict: deny}}{beside}]\n"
        );
        let parsed = parse(&Source::new("a.yaml", &text), &MemorySources::default());
        let rules = parsed.unwrap().policy.rules;
        let probes = witnesses(&rules[0], &Beside::new(&rules[1..]));
        probes.iter().map(|it| it.call.params.to_string()).collect()
    }

    #[test]
    fn a_parameter_is_tried_as_asked_for_absent_and_of_another_type() {
        let matcher = "match: {tool: mcp__shop__buy, params: {order.total: {gt: 100}}}";
        let made: BTreeSet<String> = made(matcher, "").into_iter().collect();
        for params in [
            json!({"order": {"total": 101}}),
            json!({"order": {"total": 100}}),
            json!({"order": {"total": "7"}}),
            json!({}),
        ] {
            assert!(made.contains(&params.to_string()), "{params}: {made:?}");
        }
    }

    #[test]
    fn parameters_stand_in_the_calls_that_other_conditions_ask_for() {
        let matcher = "match: {tool: Write, path: ./x/**, params: {content: {regex: '^#!k'}}}";
        let made = made(matcher, "");
        let whole = json!({"content": "#!k", "file_path": "./x/x", "path": "./x/x"});
        assert!(made.contains(&whole.to_string()), "{made:?}");
    }

    #[test]
    fn a_rule_beside_parts_the_calls_of_another_one() {
        let matcher = "match: {shell: {program: ls, arguments: 'only-*'}}";
        let beside = ", {id: b, match: {shell: {program: ls, arguments: 'only-x*'}}, verdict: ask}";
        let lines = made(matcher, beside);
        for line in ["ls only-x", "ls only-q7", "ls only-x \"$ANY\""] {
            assert!(
                lines.contains(&json!({"command": line}).to_string()),
                "{line}: {lines:?}"
            );
        }
    }

    #[test]
    fn commands_stand_with_the_paths_and_hosts_that_a_rule_asks_for() {
        for (matcher, line) in [
            ("{shell: {program: rm}, path: ./build/**}", "rm ./build/x"),
            (
                "{shell: {program: wget}, host: '*.example.org'}",
                "wget https://x.example.org/",
            ),
        ] {
            let lines = made(&format!("match: {matcher}"), "");
            let line = json!({"command": line}).to_string();
            assert!(lines.contains(&line), "{line}: {lines:?}");
        }
    }

    #[test]
    fn circumstances_are_those_that_the_rule_asks_for() {
        let text = "aegis: policy/v1\nname: a\ndefault: ask\nrules:\n  - id: a\n    match: {tool: Read}\n    \
                    when: {environment: [one, two], time: {from: '22:00', to: '06:00', zone: UTC}}\n    \
                    verdict: deny\n";
        let parsed = parse(&Source::new("a.yaml", text), &MemorySources::default());
        let rules = parsed.unwrap().policy.rules;
        let probes = witnesses(&rules[0], &Beside::default());
        let labels: Vec<_> = probes
            .iter()
            .filter_map(|it| it.circumstances.environment.as_deref())
            .collect();
        assert_eq!(labels, ["one", "two"]);
        let request = probes[0].circumstances.at.unwrap();
        assert_eq!(rules[0].when.time[0].holds(request), crate::Truth::Yes);
    }
}
