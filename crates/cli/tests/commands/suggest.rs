//! Rules suggested from what was approved.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::stage::{Stage, decided, keys};

/// What asks about everything but looking, and lets nobody force a push.
const OWN: &str = "# Mine.
aegis: policy/v1
name: own
default: ask
rules:
  - id: no-force
    match: {shell: {program: git, subcommand: push, flags: [--force]}}
    verdict: deny
  - id: status
    match: {shell: {program: git, subcommand: status}}
    verdict: allow
";

const POLICY: &str = "home/.config/aegis/policy.yaml";
const TESTS: &str = "home/.config/aegis/policy.suggested.yaml";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write(POLICY, OWN);
    stage
}

/// Lets a client with a person before it tell an event; returns the decision.
fn tell(stage: &Stage, event: &Value) -> Option<String> {
    let mut hook = stage
        .command(Path::new(env!("CARGO_BIN_EXE_aegis")))
        .arg("hook")
        .env("CLAUDE_CODE_SESSION_ATTENDED", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = hook.stdin.take().unwrap();
    input.write_all(event.to_string().as_bytes()).unwrap();
    drop(input);
    decided(hook)
}

/// Lets the agent call a tool; returns the decision.
fn ask(stage: &Stage, session: &str, id: &str, tool: &str, params: &Value) -> Option<String> {
    let mut event = stage.event(session, id, "");
    event["tool_name"] = json!(tool);
    event["tool_input"] = params.clone();
    tell(stage, &event)
}

/// Lets the agent call a tool, and the person let it happen.
#[track_caller]
fn used(stage: &Stage, session: &str, id: &str, tool: &str, params: &Value) {
    let answer = ask(stage, session, id, tool, params);
    assert_eq!(answer.as_deref(), Some("ask"), "{params}");
    let mut event = stage.event(session, id, "");
    event["hook_event_name"] = json!("PostToolUse");
    event["tool_name"] = json!(tool);
    event["tool_input"] = params.clone();
    event["tool_response"] = json!({"stdout": "done"});
    let said = tell(stage, &event);
    assert!(said.is_none(), "{said:?}");
}

fn shell(command: &str) -> Value {
    json!({ "command": command })
}

/// A week of two sessions: commands, files, a host and a tool of a server.
fn week() -> Stage {
    let stage = stage();
    let file = stage.path("work/notes.md");
    for (session, id, tool, params) in [
        ("first", "call-1", "Bash", shell("cargo test --workspace")),
        (
            "second",
            "call-2",
            "Bash",
            shell("git status && cargo test --workspace"),
        ),
        ("second", "call-3", "Bash", shell("npm run build")),
        (
            "first",
            "call-4",
            "Write",
            json!({"file_path": file, "content": "a"}),
        ),
        (
            "first",
            "call-5",
            "WebFetch",
            json!({"url": "https://docs.rs/serde", "prompt": "read"}),
        ),
        (
            "first",
            "call-6",
            "mcp__tracker__close",
            json!({"issue": 7}),
        ),
    ] {
        used(&stage, session, id, tool, &params);
    }
    // Asked about and never approved, in a session of its own.
    ask(&stage, "third", "call-7", "Bash", &shell("npm run deploy"));
    stage
}

#[test]
fn each_rule_is_told_with_its_use_and_what_else_it_allows() {
    let stage = week();
    let narrow = stage.aegis(&["policy", "suggest"]).exits(0);
    let wide = stage
        .aegis(&[
            "policy",
            "suggest",
            "--widen",
            "arguments",
            "--session",
            "second",
        ])
        .exits(0);
    assert_eq!(stage.read(POLICY), OWN);
    stage.shows("policy-suggest", &[&narrow, &wide]);
    let json = stage
        .aegis(&["policy", "suggest", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        keys(&json),
        [
            "already_allowed",
            "approved",
            "covered",
            "examples",
            "file",
            "left_out",
            "recorded",
            "rules",
            "tests",
            "written",
        ]
    );
    let first = &json["rules"][0];
    assert_eq!(first["calls"], 2);
    assert_eq!(first["sessions"], 2);
    assert_eq!(json["covered"], 6);
    assert_eq!(json["recorded"]["changes"], json!([]));
}

#[test]
fn what_is_written_decides_from_then_on_and_its_tests_hold() {
    let stage = week();
    let agent = stage
        .aegis_with(&["policy", "suggest", "--write"], &[("CLAUDECODE", "1")])
        .exits(1);
    assert!(agent.err.contains("an agent may not"), "{}", agent.whole());
    assert_eq!(stage.read(POLICY), OWN);
    stage
        .aegis(&["policy", "suggest", "--write", "--yes"])
        .exits(0);
    let folder = stage.path("home/.config/aegis");
    stage
        .aegis(&["policy", "test", folder.to_str().unwrap()])
        .exits(0);
    assert_eq!(stage.read(TESTS).matches("was approved").count(), 5);
    for (id, command, expected) in [
        ("call-11", "cargo test --workspace", Some("allow")),
        (
            "call-12",
            "git status && cargo test --workspace",
            Some("allow"),
        ),
        ("call-13", "cargo test --workspace --release", Some("ask")),
        ("call-14", "npm run deploy", Some("ask")),
    ] {
        let found = ask(&stage, "later", id, "Bash", &shell(command));
        assert_eq!(found.as_deref(), expected, "{command}");
    }
    let again = stage
        .aegis(&["policy", "suggest", "--json"])
        .exits(0)
        .json();
    assert_eq!(again["already_allowed"], 6);
    assert_eq!(again["rules"], json!([]));
}

#[test]
fn no_rule_takes_in_the_folder_of_a_file_where_secrets_lie_below_it() {
    let stage = stage();
    let params = json!({"file_path": stage.path("home/notes.md"), "content": "a"});
    used(&stage, "first", "call-1", "Write", &params);
    let text = |arguments: &[&str]| {
        let json = stage.aegis(arguments).exits(0).json();
        json["rules"][0]["text"].as_str().unwrap().to_owned()
    };
    let narrow = text(&["policy", "suggest", "--json"]);
    assert!(narrow.contains("home/notes.md}"), "{narrow}");
    let wide = text(&["policy", "suggest", "--widen", "path", "--json"]);
    assert_eq!(wide, narrow);
    // Who asks for one rule sees what it would allow.
    let always = ["policy", "always", "call-1", "--widen", "path", "--json"];
    let always = stage.aegis(&always).exits(0).json();
    let rule = always["text"].as_str().unwrap();
    assert!(rule.contains("home/**'"), "{rule}");
    assert_ne!(always["examples"], json!([]));
}

#[test]
fn the_home_folder_is_not_taken_in_as_a_working_directory() {
    let stage = stage();
    let mut event = stage.event("first", "call-1", "touch notes.md");
    event["cwd"] = json!(stage.path("home"));
    assert_eq!(tell(&stage, &event).as_deref(), Some("ask"));
    let always = |more: &[&str]| {
        let words = ["policy", "always", "call-1", "--json"];
        stage.aegis(&[&words, more].concat())
    };
    let rule = always(&[]).exits(0).json();
    assert!(
        rule["text"].as_str().unwrap().contains("./notes.md}"),
        "{rule}"
    );
    always(&["--widen", "path"]).exits(1);
}

#[test]
fn a_copy_leaves_the_policy_alone_and_replaces_nothing() {
    let stage = week();
    stage
        .aegis(&["policy", "suggest", "-o", "copy.yaml", "--yes"])
        .exits(0);
    assert_eq!(stage.read(POLICY), OWN);
    stage
        .aegis(&["policy", "test", "copy.yaml", "copy.suggested.yaml"])
        .exits(0);
    let twice = stage
        .aegis(&["policy", "suggest", "-o", "copy.yaml", "--yes"])
        .exits(2);
    assert!(twice.err.contains("is there already"), "{}", twice.whole());
}

#[test]
fn tests_that_are_there_get_more_cases() {
    let stage = stage();
    used(&stage, "first", "call-1", "Bash", &shell("npm run build"));
    let suggest = ["policy", "suggest", "--write", "--yes"];
    stage.aegis(&suggest).exits(0);
    let first = stage.read(TESTS);
    let mine = format!("{first}  # Mine.\n  - {{name: mine, command: git status, verdict: allow}}");
    stage.write(TESTS, &mine);
    used(&stage, "first", "call-2", "Bash", &shell("npm run lint"));
    stage.aegis(&suggest).exits(0);
    let both = stage.read(TESTS);
    assert!(both.starts_with(&format!("{mine}\n")), "{both}");
    assert_eq!(both.matches("was approved").count(), 2, "{both}");
    let folder = stage.path("home/.config/aegis");
    stage
        .aegis(&["policy", "test", folder.to_str().unwrap()])
        .exits(0);
    // A file that is no tests is left alone, and the policy with it.
    stage.write(TESTS, "policy: elsewhere\n");
    let policy = stage.read(POLICY);
    used(&stage, "first", "call-3", "Bash", &shell("npm run docs"));
    let told = stage.aegis(&suggest).exits(2);
    assert!(told.err.contains("cannot take a case"), "{}", told.whole());
    assert_eq!(stage.read(TESTS), "policy: elsewhere\n");
    assert_eq!(stage.read(POLICY), policy);
}

#[test]
fn rules_for_the_project_go_into_its_policy_and_wait_for_trust() {
    let stage = week();
    let suggest = ["policy", "suggest", "--project", "--write", "--yes"];
    let none = stage.aegis(&suggest).exits(2);
    assert!(none.err.contains("aegis init"), "{}", none.whole());
    stage.write("work/.aegis/policy.yaml", OWN);
    let told = stage.aegis(&suggest);
    assert!(told.out.contains("aegis trust"), "{}", told.whole());
    let project = stage.read("work/.aegis/policy.yaml");
    assert!(project.contains("always-npm"), "{project}");
    assert!(stage.path("work/.aegis/policy.suggested.yaml").is_file());
    assert_eq!(stage.read(POLICY), OWN);
    let found = ask(&stage, "later", "call-11", "Bash", &shell("npm run build"));
    assert_eq!(found.as_deref(), Some("ask"));
}

#[test]
fn nothing_is_made_of_what_is_unknown_or_denied() {
    let stage = stage();
    used(&stage, "first", "call-1", "Bash", &shell("ls \"$FOLDER\""));
    used(
        &stage,
        "first",
        "call-3",
        "Bash",
        &shell("git push origin main"),
    );
    let strict = OWN.replace("flags: [--force]", "arguments: [origin]");
    stage.write(POLICY, &strict);
    let told = stage.aegis(&["policy", "suggest"]).exits(1);
    stage.shows("policy-suggest-left", &[&told]);
}

#[test]
fn what_a_rule_cannot_change_is_left_as_it_is() {
    let stage = stage();
    let mandatory = "  - id: no-builds\n    match: {shell: {program: npm}}\n    verdict: ask\n    \
                     mandatory: true\n";
    stage.write(POLICY, &format!("{OWN}{mandatory}"));
    used(&stage, "first", "call-1", "Bash", &shell("npm run build"));
    let told = stage
        .aegis(&["policy", "suggest", "--json"])
        .exits(1)
        .json();
    assert_eq!(told["rules"], json!([]));
    assert_eq!(told["left_out"][0]["id"], "call-1");
}

#[test]
fn a_log_with_nothing_to_suggest_says_so() {
    let stage = stage();
    let none = stage.aegis(&["policy", "suggest"]).exits(3);
    ask(&stage, "first", "call-1", "Bash", &shell("npm run build"));
    let unanswered = stage.aegis(&["policy", "suggest"]).exits(1);
    let session = stage
        .aegis(&["policy", "suggest", "--session", "other"])
        .exits(2);
    let missing = stage
        .aegis(&["policy", "suggest", "--log", "no.db"])
        .exits(2);
    fs::write(stage.path("work/broken.db"), "no log at all").unwrap();
    let broken = stage
        .aegis(&["policy", "suggest", "--log", "broken.db"])
        .exits(2);
    stage.shows(
        "policy-suggest-nothing",
        &[&none, &unanswered, &session, &missing, &broken],
    );
}

#[test]
fn always_tells_files_hosts_and_tools_by_what_they_touch() {
    let stage = week();
    let told: Vec<_> = ["call-2", "call-4", "call-5", "call-6"]
        .iter()
        .map(|id| stage.aegis(&["policy", "always", id]).exits(0))
        .collect();
    stage.shows("policy-always-tools", &told.iter().collect::<Vec<_>>());
    let wide = stage
        .aegis(&["policy", "always", "call-4", "--widen", "path", "--json"])
        .exits(0)
        .json();
    assert!(
        wide["text"].as_str().unwrap().contains("/work/**"),
        "{wide}"
    );
    for id in ["call-4", "call-5", "call-6"] {
        stage.aegis(&["policy", "always", id, "--write"]).exits(0);
        let twice = stage.aegis(&["policy", "always", id]).exits(1);
        assert!(twice.err.contains("allow it already"), "{}", twice.whole());
    }
    let same = ask(
        &stage,
        "later",
        "call-8",
        "mcp__tracker__close",
        &json!({"issue": 7}),
    );
    let other = ask(
        &stage,
        "later",
        "call-9",
        "mcp__tracker__close",
        &json!({"issue": 8}),
    );
    assert_eq!(
        [same.as_deref(), other.as_deref()],
        [Some("allow"), Some("ask")]
    );
}

#[test]
fn always_takes_the_name_of_an_approval_or_its_beginning() {
    let stage = week();
    let listed = stage
        .aegis(&["approvals", "list", "--all", "--json"])
        .exits(0)
        .json();
    let all = listed["approvals"].as_array().unwrap();
    let of = |call: &str| {
        let found = all.iter().find(|it| it["approval"]["call_id"] == call);
        found.unwrap()["approval"]["approval_token"]
            .as_str()
            .unwrap()
    };
    let by_approval = stage.aegis(&["policy", "always", of("call-3")]).exits(0);
    let by_request = stage.aegis(&["policy", "always", "call-3"]).exits(0);
    assert_eq!(by_approval.out, by_request.out);
    let whole = of("call-3");
    let length = (1..whole.len()).find(|length| {
        let start = &whole[..*length];
        let names = all
            .iter()
            .map(|it| it["approval"]["approval_token"].as_str().unwrap());
        names.filter(|name| name.starts_with(start)).count() == 1
    });
    let start = &whole[..length.unwrap()];
    let by_start = stage.aegis(&["policy", "always", start]).exits(0);
    assert_eq!(by_start.out, by_request.out);
    let several = stage.aegis(&["policy", "always", "apr_"]).exits(2);
    let is_told = several.err.contains("the beginning of 7 approvals");
    assert!(is_told, "{}", several.whole());
    let unknown = stage.aegis(&["policy", "always", "apr_none"]).exits(2);
    assert!(unknown.err.contains("apr_none"), "{}", unknown.whole());
}

#[test]
fn always_takes_no_name_that_requests_of_two_sessions_have() {
    let stage = stage();
    for (session, command) in [("first", "npm run build"), ("second", "npm run deploy")] {
        used(&stage, session, "call-1", "Bash", &shell(command));
    }
    let both = stage
        .aegis(&["policy", "always", "call-1", "--write"])
        .exits(2);
    assert!(both.err.contains("in several sessions"), "{}", both.whole());
    assert_eq!(stage.read(POLICY), OWN);
    let listed = stage
        .aegis(&["approvals", "list", "--all", "--json"])
        .exits(0)
        .json();
    let mut made = Vec::new();
    for view in listed["approvals"].as_array().unwrap() {
        let approval = view["approval"]["approval_token"].as_str().unwrap();
        let told = stage.aegis(&["policy", "always", approval]).exits(0);
        let is_of = |word: &str| told.out.contains(&format!("words: [run, {word}]"));
        made.push((is_of("build"), is_of("deploy")));
    }
    made.sort_unstable();
    assert_eq!(made, [(false, true), (true, false)]);
}

#[test]
fn always_writes_what_a_pack_asks_about_only_when_told_to() {
    let stage = stage();
    used(
        &stage,
        "first",
        "call-1",
        "Bash",
        &shell("git push origin v1.0"),
    );
    let words = [
        "policy",
        "always",
        "call-1",
        "--widen",
        "arguments",
        "--widen",
        "flags",
    ];
    let refused = stage.aegis(&[&words[..], &["--write"]].concat()).exits(1);
    assert!(refused.err.contains("--yes"), "{}", refused.whole());
    assert_eq!(stage.read(POLICY), OWN);
    stage
        .aegis(&[&words[..], &["--write", "--yes"]].concat())
        .exits(0);
    assert_ne!(stage.read(POLICY), OWN);
}

#[test]
fn always_writes_into_the_policy_of_the_project() {
    let stage = week();
    let none = stage
        .aegis(&["policy", "always", "call-3", "--project"])
        .exits(2);
    assert!(none.err.contains("aegis init"), "{}", none.whole());
    stage.write("work/.aegis/policy.yaml", OWN);
    let told = stage
        .aegis(&[
            "policy",
            "always",
            "call-3",
            "--project",
            "--write",
            "--yes",
        ])
        .exits(1);
    assert!(told.out.contains("aegis trust"), "{}", told.whole());
    assert!(stage.read("work/.aegis/policy.yaml").contains("always-npm"));
    assert_eq!(stage.read(POLICY), OWN);
}
