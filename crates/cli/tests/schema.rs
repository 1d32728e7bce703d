//! The JSON Schemas agree with the readers.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use aegis_policy::{
    Kind, MemorySources, Source, detect, pack, pack_names, parse, parse_principals_file,
    parse_service_file, parse_tests,
};
use jsonschema::Validator;
use serde_json::Value;

fn schema(name: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schemas")
        .join(name);
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// Reads YAML as a schema sees it: by the plain types of its values.
fn value(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn policies(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let mut found: Vec<(PathBuf, String)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn the_schemas_accept_what_the_reader_accepts() {
    let native = schema("policy.schema.json");
    let mut texts: Vec<(String, String)> = pack_names()
        .map(|name| (name.to_owned(), pack(name).unwrap().to_owned()))
        .collect();
    for (path, text) in policies("crates/cli/templates")
        .into_iter()
        .chain(policies("crates/cli/demo"))
        .filter(|(_, text)| detect(text) == Some(Kind::NativePolicy))
    {
        texts.push((path.display().to_string(), text));
    }
    assert!(texts.len() >= 3);
    for (name, text) in texts {
        let source = Source::new("policy.yaml", &text);
        assert!(
            parse(&source, &MemorySources::default()).is_ok(),
            "{name} is read"
        );
        let faults: Vec<String> = native
            .iter_errors(&value(&text))
            .map(|it| it.to_string())
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn the_schema_of_tests_agrees_with_their_reader() {
    let schema = schema("policy-tests.schema.json");
    let head = "aegis: policy-tests/v1, policy: a.yaml";
    let check = |text: String, expected: bool| {
        assert_eq!(schema.is_valid(&value(&text)), expected, "{text}");
        let read = parse_tests(&Source::new("tests.yaml", &text));
        assert_eq!(read.is_ok(), expected, "{text}: {read:?}");
    };
    let all = policies("fixtures/policy/tests");
    assert!(!all.is_empty());
    for (_, text) in all.into_iter().chain(policies("crates/cli/templates")) {
        if detect(&text) == Some(Kind::PolicyTests) {
            check(text, true);
        }
    }
    check(
        format!("{{{head}, tests: [{{command: ls, verdict: allow}}]}}"),
        true,
    );
    for wrong in [
        "tests: []",
        "tests: [{command: ls}]",
        "tests: [{verdict: allow}]",
        "tests: [{command: ls, verdict: block}]",
        "tests: [{command: ls, verdict: allow, tier: great}]",
        "tests: [{command: ls, verdict: allow, workspace: work}]",
        "tests: [{command: ls, verdict: allow, efect: read}]",
        "tests: [{command: ls, verdict: allow, earlier_calls: -1}]",
        "mode: watch, tests: [{command: ls, verdict: allow}]",
    ] {
        check(format!("{{{head}, {wrong}}}"), false);
    }
}

#[test]
fn the_schema_of_action_rules_accepts_what_the_reader_accepts() {
    let schema = schema("action-rules.schema.json");
    let mut texts = vec![(
        "valid".to_owned(),
        include_str!("../../../fixtures/policy/valid/action-rules.yaml").to_owned(),
    )];
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/decide/action_rules");
    for case in fs::read_dir(cases).unwrap() {
        let file = case.unwrap().path().join("policy.yaml");
        texts.push((
            file.display().to_string(),
            fs::read_to_string(file).unwrap(),
        ));
    }
    assert!(texts.len() > 40);
    for (name, text) in texts {
        let faults: Vec<String> = schema
            .iter_errors(&value(&text))
            .map(|it| it.to_string())
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn the_schema_of_action_rules_refuses_what_the_reader_refuses() {
    let schema = schema("action-rules.schema.json");
    let rule = |body: &str| format!("{{version: '1', rules: [{{match: {{type: x}}, {body}}}]}}");
    let condition = |body: &str| rule(&format!("conditions: {{{body}}}"));
    for text in [
        "{rules: [{match: {type: x}}]}".to_owned(),
        "{version: '2', rules: [{match: {type: x}}]}".to_owned(),
        "{version: '1', rules: []}".to_owned(),
        "{version: '1', rules: [{approval: auto}]}".to_owned(),
        "{version: '1', rules: [{match: {}}]}".to_owned(),
        "{version: '1', rules: [{match: {typ: x}}]}".to_owned(),
        "{version: '1', rules: [{match: {type: '{a,b}*'}}]}".to_owned(),
        "{version: '1', rules: [{match: {type: []}}]}".to_owned(),
        "{defaults: {}, rules: []}".to_owned(),
        rule("name: ''"),
        rule("approval: BLOCK"),
        rule("approvel: block"),
        rule("risk_level: 3"),
        condition("time_after: '25:00'"),
        condition("time_after: 1080"),
        condition("weekdays: [0]"),
        condition("weekdays: []"),
        condition("parm_lt: {n: 1}"),
        condition("param_gt: {n: '1'}"),
        condition("param_eq: {n: null}"),
        condition("param_eq: {}"),
        condition("param_contains: {n: ''}"),
        condition("param_matches: {n: 1}"),
    ] {
        let source = Source::new("rules.yaml", &text);
        let is_read = parse(&source, &MemorySources::default()).is_ok();
        assert!(!is_read && !schema.is_valid(&value(&text)), "{text}");
    }
    for text in [
        "{version: 1, rules: [{match: {type: x}}]}",
        "{defaults: {approval: block}, rules: []}",
    ] {
        assert!(schema.is_valid(&value(text)), "{text}");
    }
}

#[test]
fn the_schemas_refuse_unknown_keys_and_values() {
    let native = schema("policy.schema.json");
    let firewall = schema("firewall.schema.json");
    for text in [
        "{aegis: policy/v1, name: a, defualt: allow}",
        "{aegis: policy/v2, name: a, default: allow}",
        "{aegis: policy/v1, name: a, rules: [{id: r, match: all, verdict: block}]}",
        "{aegis: policy/v1, name: a, rules: [{id: r, verdict: deny}]}",
    ] {
        assert!(!native.is_valid(&value(text)), "{text}");
    }
    assert!(native.is_valid(&value("{aegis: policy/v1, name: a, default: allow}")));
    for text in [
        "{policies: [{trigger: {tool: Bash}, action: block}]}",
        "{policies: [{triger: {tool: Bash}, action: deny}]}",
        "{polices: []}",
    ] {
        assert!(!firewall.is_valid(&value(text)), "{text}");
    }
    assert!(firewall.is_valid(&value(
        "{policies: [{trigger: {tool: Bash}, action: deny}]}"
    )));
}

#[test]
fn the_schema_of_service_settings_agrees_with_the_reader() {
    let service = schema("service.schema.json");
    for (text, is_sound) in [
        ("addr: 127.0.0.1:8080\ndsn: file:a.db?mode=rwc\n", true),
        ("trust_mode: prod\nrate_limit: 0\nmanifest: ''\n", true),
        ("telemetry: {disabled: true, path: t}\n", true),
        ("tls: {enabled: false, cert_file: ''}\n", true),
        ("tls: {enabled: false, cert_file: c}\n", false),
        ("tls: {enabled: false, client_auth: optional}\n", false),
        ("tls: {enabled: true, cert_file: c, key_file: k}\n", true),
        (
            "tls: {enabled: true, cert_file: c, key_file: k, ca_file: a, client_auth: optional, \
             principals_file: p}\n",
            true,
        ),
        ("tls: {enabled: true, cert_file: c, key_file: ''}\n", false),
        (
            "tls: {enabled: true, cert_file: c, key_file: k, client_auth: optional}\n",
            false,
        ),
        (
            "tls: {enabled: true, cert_file: c, key_file: k, principals_file: p}\n",
            false,
        ),
        (
            "tls: {enabled: true, cert_file: c, key_file: k, ca_file: a, client_auth: maybe}\n",
            false,
        ),
        ("log: {level: debug, format: json}\n", true),
        ("manifest: m.json\n", false),
        ("mcp_addr: ':9'\n", false),
        ("tls: {enabled: true}\n", false),
        ("tls: {cert_file: c}\n", false),
        ("telemetry: {path: t}\n", false),
        ("telemetry: {disabled: false}\n", false),
        ("dsn: postgres://h/d\n", false),
        ("rate_limit: -1\n", false),
        ("trust_mode: staging\n", false),
        ("log: {level: loud}\n", false),
        ("surprise: 1\n", false),
    ] {
        let read = parse_service_file(&Source::new("aegis.yaml", text));
        assert_eq!(read.is_ok(), is_sound, "{text}");
        assert_eq!(service.is_valid(&value(text)), is_sound, "{text}");
    }
}

#[test]
fn the_schema_of_principals_agrees_with_their_reader() {
    let schema = schema("principals.schema.json");
    let entry = |rest: &str| format!("{{name: a, tenant: t, {rest}}}");
    let digest = "0a:".repeat(32);
    for (entries, is_sound) in [
        (entry("roles: agent, agents: b, uri: 'spiffe://a/b'"), true),
        (entry("roles: [auditor, operator], dns: a.example"), true),
        (entry("roles: [approver], agents: [b, c], email: a@b"), true),
        (entry("roles: [agent], subject: 'CN=*,O=b'"), true),
        (entry(&format!("roles: [agent], sha256: '{digest}'")), true),
        (entry("roles: [agent]"), false),
        (entry("roles: [agent], uri: a, dns: b"), false),
        (entry("roles: [agent], dns: '*.example'"), false),
        (entry("roles: [agent], dns: ' '"), false),
        (entry("roles: [agent], sha256: 0a"), false),
        (entry("roles: [agent, approver], dns: a"), false),
        (entry("roles: [], dns: a"), false),
        (entry("roles: [root], dns: a"), false),
        (entry("roles: [agent], agents: [], dns: a"), false),
        (entry("roles: [agent], agents: ['b c'], dns: a"), false),
        (entry("role: [agent], dns: a"), false),
        ("{name: a, roles: [agent], dns: a}".to_owned(), false),
        ("{tenant: a, roles: [agent], dns: a}".to_owned(), false),
        (String::new(), false),
    ] {
        let text = format!("{{aegis: principals/v1, principals: [{entries}]}}");
        let read = parse_principals_file(&Source::new("principals.yaml", &text));
        assert_eq!(read.is_ok(), is_sound, "{text}: {read:?}");
        assert_eq!(schema.is_valid(&value(&text)), is_sound, "{text}");
    }
    assert!(!schema.is_valid(&value("{principals: []}")));
}
