//! Decides every case of `fixtures/decide`.
//!
//! A case is a folder with `request.json`, any number of `policy*.yaml`, attached
//! in the order of their names (one with `untrusted` in its name only tightens),
//! optionally `log.jsonl` and `settings.json`, and `expected.json`: the whole
//! decision. With `AEGIS_BLESS=1` the expected decisions are written, and the
//! plan of a command line is added to a request that has none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};

use aegis_canon::Digest;
use aegis_engine::{Attached, Fallback, Settings, decide, explain, reduce};
use aegis_policy::{Compiled, MemorySources, Source, parse, policy_digest};
use aegis_types::{
    Action, ActionRequest, ChainId, Decision, Envelope, EventKind, PolicyStanding, State,
};
use serde_json::{Value, json};

struct Case {
    folder: PathBuf,
    policies: Vec<(Compiled, bool)>,
    request: ActionRequest,
    state: State,
    settings: Settings,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("policy") && name.ends_with(".yaml"))
            .collect();
        names.sort();
        let policies = names
            .iter()
            .map(|name| (compile(&folder.join(name)), name.contains("untrusted")))
            .collect();
        Self {
            policies,
            request: read_request(folder),
            state: read_state(&folder.join("log.jsonl")),
            settings: read_settings(&folder.join("settings.json")),
            folder: folder.to_owned(),
        }
    }

    fn attached(&self) -> Vec<Attached<'_>> {
        self.policies
            .iter()
            .map(|(policy, only_tightens)| Attached {
                policy,
                standing: PolicyStanding::Current,
                only_tightens: *only_tightens,
            })
            .collect()
    }

    fn decide(&self) -> Decision {
        decide(&self.request, &self.attached(), &self.state, &self.settings)
    }
}

fn compile(path: &Path) -> Compiled {
    let source = Source::new("policy.yaml", &fs::read_to_string(path).unwrap());
    match parse(&source, &MemorySources::default()) {
        Ok(parsed) => Compiled::new(parsed.policy, policy_digest(&parsed.texts)),
        Err(problems) => panic!("{}: {}", path.display(), problems.0[0].message),
    }
}

fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write_json(path: &Path, value: &Value) {
    let text = serde_json::to_string_pretty(value).unwrap();
    fs::write(path, text + "\n").unwrap();
}

fn is_blessing() -> bool {
    std::env::var_os("AEGIS_BLESS").is_some()
}

fn read_request(folder: &Path) -> ActionRequest {
    let path = folder.join("request.json");
    let value = read_json(&path);
    let mut request: ActionRequest = serde_json::from_value(value).unwrap();
    let command = request.params.get("command").and_then(Value::as_str);
    if let (true, Action::ShellExec, None, Some(command)) = (
        is_blessing(),
        request.action,
        &request.context.plan,
        command,
    ) {
        request.context.plan = Some(aegis_shell::plan(command));
        write_json(&path, &serde_json::to_value(&request).unwrap());
    }
    request
}

fn read_state(path: &Path) -> State {
    let mut state = State::default();
    let Ok(text) = fs::read_to_string(path) else {
        return state;
    };
    for (seq, line) in (0..).zip(text.lines()) {
        reduce(
            &mut state,
            &envelope(seq, &serde_json::from_str(line).unwrap()),
        );
    }
    state
}

fn envelope(seq: u64, line: &Value) -> Envelope {
    let payload = line["payload"].clone();
    Envelope {
        chain: ChainId::Session {
            tenant: "local".parse().unwrap(),
            session: "session-1".parse().unwrap(),
        },
        seq,
        at: aegis_types::Timestamp::from_unix_ms(payload["at"].as_i64().unwrap()),
        kind: EventKind::from_wire(line["event_type"].as_str().unwrap()).unwrap(),
        subject: None,
        payload: payload.into(),
        sealed: None,
        previous: None,
        hash: Digest::of(b""),
    }
}

fn read_settings(path: &Path) -> Settings {
    let is_host = path.exists() && read_json(path)["fallback"] == json!("host");
    Settings {
        fallback: if is_host {
            Fallback::Host
        } else {
            Fallback::Deny
        },
    }
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/decide");
    let folders = |folder: &Path| {
        let mut folders: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders
    };
    folders(&root)
        .iter()
        .flat_map(|check| folders(check))
        .map(|folder| Case::read(&folder))
        .collect()
}

#[test]
fn every_case_is_decided_as_expected() {
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let found = serde_json::to_value(case.decide()).unwrap();
        let path = case.folder.join("expected.json");
        if is_blessing() {
            write_json(&path, &found);
        } else if found != read_json(&path) {
            wrong.push(format!("{}: found {found:#}", case.folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn deciding_twice_agrees() {
    for case in cases() {
        assert_eq!(case.decide(), case.decide(), "{}", case.folder.display());
    }
}

#[test]
fn a_policy_from_the_cache_decides_the_same() {
    for mut case in cases() {
        let first = case.decide();
        for (policy, _) in &mut case.policies {
            *policy = Compiled::from_cache(&policy.to_cache()).unwrap();
        }
        assert_eq!(case.decide(), first, "{}", case.folder.display());
    }
}

#[test]
fn a_recorded_request_is_decided_the_same() {
    for mut case in cases() {
        let first = case.decide();
        let recorded = aegis_canon::canonical(&serde_json::to_value(&case.request).unwrap());
        case.request = serde_json::from_slice(&recorded).unwrap();
        assert_eq!(case.decide(), first, "{}", case.folder.display());
    }
}

#[test]
fn explaining_finds_the_rules_that_deciding_found() {
    for case in cases() {
        let attached = case.attached();
        let explanation = explain(&case.request, &attached, &case.state, &case.settings);
        assert_eq!(explanation.decision, case.decide());
        for (place, policy) in (0_u16..).zip(&explanation.policies) {
            let mut told: Vec<String> = policy
                .rules
                .iter()
                .filter(|rule| rule.speaks)
                .map(|rule| rule.id.to_string())
                .collect();
            let mut found: Vec<String> = explanation
                .decision
                .findings
                .iter()
                .filter(|finding| finding.policy == Some(place))
                .filter_map(|finding| Some(finding.rule.as_ref()?.to_string()))
                .collect();
            told.sort();
            found.sort();
            assert_eq!(told, found, "{}", case.folder.display());
        }
    }
}
