//! The real client under the managed settings that were put in place: whatever
//! it is started with, the service decides and records.

use std::path::PathBuf;

use aegis_host::{Script, ScriptedModel, ToolUse, Turn};
use serde_json::json;

use super::stage::{AGENT, Machine};

/// The version of the client that fails closed.
const VERSION: &str = "2.1.329";

/// What is not named here is allowed.
const POLICY: &str = r#"
aegis: policy/v1
name: machine
default: allow
rules:
  - id: no-forbidden-files
    match: {tool: Bash, params: {command: {contains: forbidden}}}
    verdict: deny
    message: forbidden files are for nobody
  - id: shell
    match: {tool: Bash}
    verdict: allow
"#;

/// Every way of starting the client in which it would leave hooks out.
const STARTS: [&str; 5] = [
    "",
    "--bare",
    "--safe-mode",
    "--settings '{\"disableAllHooks\": true}'",
    "--setting-sources user",
];

/// A machine on which the client lies beside a service that decides.
fn machine() -> Machine {
    let folder = std::env::var_os("AEGIS_TEST_CLAUDE_CODE").unwrap_or_else(|| {
        panic!(
            "this test drives a real client: start it with `cargo xtask test`, which fetches the \
             client and sets AEGIS_TEST_CLAUDE_CODE to the folder it is in"
        )
    });
    let client = PathBuf::from(folder).join(VERSION).join("claude");
    let client = client.canonicalize().unwrap();
    let mut machine = Machine::installed();
    machine.root(&["touch", "/usr/local/bin/claude"]).succeeds();
    let words = [
        "mount",
        "--bind",
        client.to_str().unwrap(),
        "/usr/local/bin/claude",
    ];
    machine.root(&words).succeeds();
    machine.put("/etc/aegis/policy.yaml", POLICY);
    machine.start();
    // The first question makes the service read the policy.
    machine.propose("call-0", "git status");
    machine
}

/// Lets the client make two files, of which the second is forbidden; returns
/// which of them are there afterwards.
fn play(machine: &Machine, start: &str) -> String {
    let shell = |command: &str| {
        ToolUse::new(
            "Bash",
            json!({"command": command, "description": "a step of the task"}),
        )
    };
    let turns = [
        Turn::uses([shell("touch plain")]),
        Turn::uses([shell("touch forbidden")]),
        Turn::says("finished"),
    ];
    let model = ScriptedModel::start(Script::of(turns)).unwrap();
    machine
        .agent(
            "rm -f plain forbidden; echo '{\"disableAllHooks\": true}' > switch.json; \
                mkdir -p .claude && cp switch.json .claude/settings.json",
        )
        .succeeds();
    machine.agent(&format!(
        "DISABLE_TELEMETRY=1 DISABLE_ERROR_REPORTING=1 DISABLE_AUTOUPDATER=1 \
         CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 ANTHROPIC_API_KEY=test-key \
         ANTHROPIC_BASE_URL={} timeout 60 /usr/local/bin/claude -p go \
         --permission-mode bypassPermissions {start}",
        model.base_url()
    ));
    machine.agent("ls plain forbidden 2>/dev/null").out
}

#[test]
fn the_real_client_is_governed_however_it_is_started() {
    let mut machine = machine();
    for start in STARTS {
        assert_eq!(play(&machine, start), "plain\n", "claude {start}");
    }
    let recorded = machine.recorded();
    let denied = "\"reason\":\"RULE_MATCHED\",\"rule\":\"no-forbidden-files\"";
    assert_eq!(recorded.matches(denied).count(), STARTS.len(), "{recorded}");
    // Without the service nothing runs, and nothing runs undecided.
    machine.stop();
    assert_eq!(play(&machine, ""), "");
    let id = machine.user(AGENT, "id -u").succeeds().out;
    let user = format!("\"user\":\"user:{}\"", id.trim());
    assert!(recorded.contains(&user), "{recorded}");
}
