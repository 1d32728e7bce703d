//! Action rules: each file is read, or refused for a listed cause; each decision
//! is that of the system the files come from, or stricter because something is
//! unknown. What differs is listed, and nothing that does not is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aegis_canon::canonical;
use aegis_engine::{Attached, Explanation, Settings, explain};
use aegis_policy::{Compiled, MemorySources, ProblemCode, Source, Truth, parse, policy_digest};
use aegis_types::{ActionRequest, PolicyStanding, State, Verdict};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Bar, Score, member, rows};
use crate::cargo::workspace;

/// Where the rows are listed that are decided otherwise.
const DIFFERENCES: &str = "fixtures/policy/action-rules-differences.jsonl";

/// The files that are no action rules, and the first problem of each.
const REFUSED: [(&str, ProblemCode); 6] = [
    // Settings of a server.
    (
        "agent-aegis-1.0.0/aegis-server.example.yaml",
        ProblemCode::WrongKind,
    ),
    // Settings of a library.
    (
        "agent-aegis-1.0.0/examples/aegis.yaml",
        ProblemCode::WrongKind,
    ),
    // Examples of decisions, without a policy.
    (
        "agent-aegis-1.0.0/examples/github-action/policy_tests.yaml",
        ProblemCode::WrongKind,
    ),
    (
        "agent-aegis-1.0.0/examples/policy-ci/tests.yaml",
        ProblemCode::WrongKind,
    ),
    // Expressions that texts are searched for, under `rules` as well.
    (
        "agent-aegis-1.0.0/src/aegis/packs/builtin/injection.yaml",
        ProblemCode::UnknownKey,
    ),
    (
        "agent-aegis-1.0.0/src/aegis/packs/builtin/pii.yaml",
        ProblemCode::UnknownKey,
    ),
];

/// Scores the files and the decisions.
pub fn scores(folder: &Path) -> Result<Vec<Score>> {
    Ok(vec![files(folder)?, decisions(folder)?])
}

fn files(folder: &Path) -> Result<Score> {
    let mut names = Vec::new();
    find(folder, folder, &mut names)?;
    let mut failures = Vec::new();
    for name in &names {
        let refused = REFUSED.iter().find(|(refused, _)| refused == name);
        let expected = refused.map(|(_, code)| *code);
        let found = policy(folder, name)?.err();
        if found != expected {
            failures.push(format!("{name}: {}", said(found)));
        }
    }
    let gone = REFUSED
        .iter()
        .filter(|(name, _)| !names.iter().any(|it| it == name));
    failures.extend(gone.map(|(name, _)| format!("{name} is listed and not there")));
    Ok(Score {
        set: "09-policies files",
        measure: "every file read, or refused for its listed cause",
        cases: names.len(),
        failures,
        bar: Bar::All,
    })
}

fn said(found: Option<ProblemCode>) -> String {
    found.map_or("it is read".to_owned(), |code| {
        format!("it is refused: {code}")
    })
}

/// Adds the names of the YAML files below `folder`, seen from `root`.
fn find(root: &Path, folder: &Path, names: &mut Vec<String>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(root, &path, names)?;
        } else if path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml")
        {
            names.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// Reads a file; the inner error is its first problem.
fn policy(folder: &Path, name: &str) -> Result<Result<Compiled, ProblemCode>> {
    let path = folder.join(name);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let read = parse(&Source::new(name, &text), &MemorySources::default());
    Ok(match read {
        Ok(parsed) => Ok(Compiled::new(parsed.policy, policy_digest(&parsed.texts))),
        Err(problems) => Err(problems.0.first().context("no problem is told")?.code),
    })
}

/// What a row comes to.
enum Outcome {
    /// The same verdict, by the same rule at the same risk.
    Same,
    /// Another one, which is right for a cause that is listed.
    Differs(Value),
    /// One that cannot be right.
    Wrong(String),
}

fn decisions(folder: &Path) -> Result<Score> {
    let rows = rows(&folder.join("agent-aegis-decisions.jsonl"))?;
    let mut policies = BTreeMap::new();
    let mut failures = Vec::new();
    let mut found = BTreeMap::new();
    for (number, row) in (1_u64..).zip(&rows) {
        let name = match member(row, "policy")?.split_once(':') {
            Some((folder, name)) => format!("{folder}/{name}.yaml"),
            None => member(row, "policy")?.to_owned(),
        };
        if !policies.contains_key(&name) {
            let read = policy(folder, &name)?;
            let read = read.map_err(|code| anyhow::anyhow!("{name} is refused: {code}"))?;
            policies.insert(name.clone(), read);
        }
        let policy = policies.get(&name).context("the policy was just read")?;
        match outcome(number, row, policy)? {
            Outcome::Same => {}
            Outcome::Differs(difference) => {
                found.insert(number, difference);
            }
            Outcome::Wrong(failure) => failures.push(failure),
        }
    }
    println!(
        "09-policies: {} decisions are the same, {} differ as listed",
        rows.len() - found.len() - failures.len(),
        found.len()
    );
    failures.extend(unlisted(&found)?);
    Ok(Score {
        set: "09-policies decisions",
        measure: "every one the same, or stricter for its listed cause",
        cases: rows.len(),
        failures,
        bar: Bar::All,
    })
}

fn outcome(number: u64, row: &Value, policy: &Compiled) -> Result<Outcome> {
    let expect = row.get("expect").context("a row has no `expect`")?;
    let explanation = explained(row, policy)?;
    let decision = &explanation.decision;
    let deciding = decision.deciding().context("nothing decides")?;
    let theirs = match expect.get("raises").and_then(Value::as_str) {
        Some(error) => Err(error),
        None => Ok(verdict(member(expect, "approval")?)?),
    };
    let rule = deciding
        .rule
        .as_ref()
        .map_or("<default>", |rule| rule.as_str());
    let is_same = theirs == Ok(decision.verdict)
        && member(expect, "rule")? == rule
        && member(expect, "risk")? == decision.risk.as_str();
    if theirs.is_ok() && is_same {
        return Ok(Outcome::Same);
    }
    let is_as_strict = match theirs {
        Ok(theirs) => decision.verdict >= theirs,
        Err(_) => decision.verdict > Verdict::Allow,
    };
    match unknown(&explanation) {
        Some(cause) if is_as_strict => Ok(Outcome::Differs(json!({
            "row": number,
            "theirs": theirs.map_or_else(|error| format!("raises {error}"), |it| it.to_string()),
            "ours": decision.verdict,
            "by": rule,
            "cause": cause,
        }))),
        Some(_) | None => Ok(Outcome::Wrong(format!(
            "row {number}: {} by {rule}, expected {expect}",
            decision.verdict
        ))),
    }
}

fn verdict(approval: &str) -> Result<Verdict> {
    match approval {
        "auto" => Ok(Verdict::Allow),
        "approve" => Ok(Verdict::Ask),
        "block" => Ok(Verdict::Deny),
        other => anyhow::bail!("a row expects `{other}`"),
    }
}

/// Decides the action of a row: its type is the tool, its target what the action
/// is done to.
fn explained(row: &Value, policy: &Compiled) -> Result<Explanation> {
    let action = row.get("action").context("a row has no `action`")?;
    let now: jiff::Timestamp = member(row, "now")?.parse()?;
    let request: ActionRequest = serde_json::from_value(json!({
        "call_id": "call-1",
        "at": now.as_millisecond(),
        "principal": {"tenant": "local", "session": "session-1", "agent": "agent-1"},
        "action": "tool.call",
        "tool_name": member(action, "type")?,
        "resource": {"named": member(action, "target")?},
        "args": action.get("params").context("an action has no `params`")?,
        "context": {"directory": "/home/ann/shop", "home": "/home/ann"},
    }))?;
    let attached = Attached {
        policy,
        standing: PolicyStanding::Current,
        only_tightens: false,
    };
    Ok(explain(
        &request,
        &[attached],
        &State::default(),
        &Settings::default(),
    ))
}

/// Returns the first rule that was asked in vain whether it holds, and why.
fn unknown(explanation: &Explanation) -> Option<String> {
    let rules = explanation.policies.iter().flat_map(|policy| &policy.rules);
    let mut asked = rules.filter(|rule| !rule.is_shadowed);
    asked.find_map(|rule| match &rule.truth {
        Truth::Unknown(why) => Some(format!("{}: {why}", rule.id)),
        Truth::Yes | Truth::No(_) => None,
    })
}

/// Returns how the differences found differ from those that are listed.
///
/// With `AEGIS_BLESS=1`, those found are listed instead.
fn unlisted(found: &BTreeMap<u64, Value>) -> Result<Vec<String>> {
    let file = workspace().join(DIFFERENCES);
    if std::env::var_os("AEGIS_BLESS").is_some() {
        let mut text = Vec::new();
        for difference in found.values() {
            text.extend(canonical(difference));
            text.push(b'\n');
        }
        fs::write(&file, text)?;
    }
    let mut listed = BTreeMap::new();
    for difference in rows(&file)? {
        let number = difference.get("row").and_then(Value::as_u64);
        listed.insert(number.context("a difference has no `row`")?, difference);
    }
    let unlisted = found
        .iter()
        .filter(|(number, difference)| listed.get(number) != Some(difference))
        .map(|(number, difference)| format!("row {number} is not listed so: {difference}"));
    let same = listed
        .keys()
        .filter(|number| !found.contains_key(number))
        .map(|number| format!("row {number} is listed and does not differ"));
    Ok(unlisted.chain(same).collect())
}
