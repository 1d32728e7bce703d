//! What the clients do with the answers of a hook, whatever wrote them.
//!
//! Aegis relies on every line of these tables: `docs/hook-failures.md` says
//! what the client does then, and here it is seen. The hooks are one-line
//! shell commands, so nothing of Aegis takes part.

use aegis_host::{Mode, Script, ScriptedModel, ToolUse, Turn};
use serde_json::{Value, json};

use super::mcp::McpServer;
use super::stage::{CLOSED, OPEN, Stage, check, shell};

const STEP: &str = "echo started > started.txt; cat started.txt";

/// What became of one tool use, and what the model was told.
#[derive(Debug, PartialEq)]
struct Seen {
    fate: Fate,
    told: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// The tool did not run.
    Refused,
    /// The tool ran.
    Ran,
    /// The tool ran, and the client said that the hook gave no verdict.
    RanWithWarning,
}

fn seen(fate: Fate, told: &str) -> Seen {
    Seen {
        fate,
        told: told.to_owned(),
    }
}

pub fn hooked(handler: Value) -> Value {
    json!({"hooks": {"PreToolUse": [{"hooks": [handler]}]}})
}

/// A hook that writes `output` and nothing else.
fn answering(output: &Value) -> Value {
    let text = output.to_string().replace('\'', "'\\''");
    json!({"type": "command", "command": format!("printf %s '{text}'")})
}

fn verdict(verdict: &str) -> Value {
    json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": verdict,
        "permissionDecisionReason": "the reason of the hook",
    }})
}

fn model(turns: impl IntoIterator<Item = Turn>) -> ScriptedModel {
    ScriptedModel::start(Script::of(turns)).unwrap()
}

/// A model that takes one step and ends.
pub fn one_step() -> ScriptedModel {
    model([Turn::uses([shell(STEP)]), Turn::says("finished")])
}

/// Plays one step under a hook and returns what became of it.
fn under(stage: &Stage, handler: Value, mode: Mode) -> Seen {
    let model = one_step();
    let transcript = stage
        .session(&model)
        .settings(&hooked(handler))
        .allowed_tools(&["Bash"])
        .mode(mode)
        .play("go")
        .unwrap();
    let has_run = stage.read("started.txt").is_some();
    Seen {
        fate: match (has_run, transcript.hooks_without_verdict().is_empty()) {
            (false, true) => Fate::Refused,
            (true, true) => Fate::Ran,
            (true, false) => Fate::RanWithWarning,
            (false, false) => panic!("a hook without a verdict stopped the tool"),
        },
        told: last_told(&model),
    }
}

/// Returns the latest tool result that the model was told.
fn last_told(model: &ScriptedModel) -> String {
    let last = model.requests().pop();
    let told = last.and_then(|request| request.tool_results().pop());
    told.map(|result| result.text).unwrap_or_default()
}

#[test]
fn a_verdict_of_a_hook_holds_in_every_mode() {
    use Fate::{Ran, Refused};
    let reason = "the reason of the hook";
    let error = "PreToolUse:Bash hook error: the reason of the hook";
    for mode in [Mode::Default, Mode::BypassPermissions] {
        for (word, open, closed) in [
            ("allow", seen(Ran, "started"), seen(Ran, "started")),
            ("deny", seen(Refused, reason), seen(Refused, error)),
            ("ask", seen(Refused, reason), seen(Refused, reason)),
        ] {
            check([(OPEN, open), (CLOSED, closed)], |stage| {
                under(stage, answering(&verdict(word)), mode)
            });
        }
    }
}

/// The ways in which a hook fails, and the hook that fails in each.
fn faults() -> [(&'static str, Value); 8] {
    let command = |text: &str| json!({"type": "command", "command": text, "timeout": 1});
    let missing = json!({"type": "command", "command": "/nonexistent/hook", "args": []});
    [
        ("says nothing", command("true")),
        ("exits with 2", command("echo refused >&2; exit 2")),
        ("exits with 1", command("exit 1")),
        ("is killed", command("kill -9 $$")),
        ("hangs", command("exec sleep 60")),
        ("is missing", missing),
        ("breaks the schema", answering(&verdict("forbid"))),
        (
            "breaks the JSON",
            command("printf '{\"hookSpecificOutput\": '"),
        ),
    ]
}

#[test]
fn a_failed_hook_lets_the_tool_run() {
    use Fate::{Ran, RanWithWarning, Refused};
    #[rustfmt::skip]
    let rows = [
        //                      2.1.197  2.1.329
        ("says nothing",        Ran,     Ran),
        ("exits with 2",        Refused, Refused),
        ("exits with 1",        Ran,     Ran),
        ("is killed",           Ran,     RanWithWarning),
        ("hangs",               Ran,     RanWithWarning),
        ("is missing",          Ran,     RanWithWarning),
        ("breaks the schema",   Ran,     RanWithWarning),
        ("breaks the JSON",     Ran,     Ran),
    ];
    check_faults(rows, |handler| handler);
}

#[test]
fn a_failed_hook_that_blocks_stops_the_tool_where_the_client_knows_how() {
    use Fate::{Ran, Refused};
    #[rustfmt::skip]
    let rows = [
        //                      2.1.197  2.1.329
        ("says nothing",        Ran,     Ran),
        ("exits with 2",        Refused, Refused),
        ("exits with 1",        Ran,     Refused),
        ("is killed",           Ran,     Refused),
        ("hangs",               Ran,     Refused),
        ("is missing",          Ran,     Refused),
        ("breaks the schema",   Ran,     Refused),
        // Nothing stops this one, so a hook must never write half an answer.
        ("breaks the JSON",     Ran,     Ran),
    ];
    check_faults(rows, |mut handler| {
        handler["onFailure"] = "block".into();
        handler
    });
}

fn check_faults(rows: [(&str, Fate, Fate); 8], registered: impl Fn(Value) -> Value) {
    for ((fault, open, closed), (name, handler)) in rows.into_iter().zip(faults()) {
        assert_eq!(fault, name);
        check(
            [(OPEN, (fault, open)), (CLOSED, (fault, closed))],
            |stage| {
                let handler = registered(handler.clone());
                (fault, under(stage, handler, Mode::Default).fate)
            },
        );
    }
}

/// The events beside `PreToolUse` that Aegis registers a hook for.
const OTHER_EVENTS: [&str; 15] = [
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "PermissionRequest",
    "PermissionDenied",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "InstructionsLoaded",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "ConfigChange",
];

#[test]
fn a_failed_hook_of_another_event_stops_no_session() {
    // To exit with 2 is an answer and not a fault: it blocks.
    let chosen = ["is killed", "hangs", "breaks the schema"];
    for (fault, handler) in faults() {
        if !chosen.contains(&fault) {
            continue;
        }
        check([(OPEN, fault), (CLOSED, fault)], |stage| {
            let model = one_step();
            let entry = json!([{"hooks": [handler]}]);
            let hooks: serde_json::Map<_, _> = OTHER_EVENTS
                .iter()
                .map(|event| ((*event).to_owned(), entry.clone()))
                .collect();
            let session = stage.session(&model).settings(&json!({"hooks": hooks}));
            let transcript = session.allowed_tools(&["Bash"]).play("go").unwrap();
            assert_eq!(transcript.final_text(), "finished");
            assert!(stage.read("started.txt").is_some());
            fault
        });
    }
}

#[test]
fn a_hook_replaces_the_input_of_a_tool() {
    let mut answer = verdict("allow");
    answer["hookSpecificOutput"]["updatedInput"] =
        json!({"command": "echo replaced", "description": "another step"});
    check(
        [
            (OPEN, "replaced".to_owned()),
            (CLOSED, "replaced".to_owned()),
        ],
        |stage| under(stage, answering(&answer), Mode::Default).told,
    );
}

#[test]
fn a_deferred_tool_use_is_held_until_the_session_is_resumed() {
    check([(OPEN, true), (CLOSED, true)], |stage| {
        let model = model([
            Turn::uses([shell(STEP).with_id("toolu_held")]),
            Turn::says("finished"),
        ]);
        let session = |word| {
            stage
                .session(&model)
                .settings(&hooked(answering(&verdict(word))))
        };
        let held = session("defer").play("go").unwrap();
        let deferred = held.deferred_tool_use().unwrap();
        assert_eq!(deferred.id.as_deref(), Some("toolu_held"));
        assert_eq!(stage.read("started.txt"), None);

        let resumed = session("allow").resume(held.session_id().unwrap());
        let resumed = resumed.play("go on").unwrap();
        assert_eq!(resumed.tool_result("toolu_held").unwrap().text, "started");
        stage.read("started.txt").is_some()
    });
}

/// A hook that denies what its input mentions.
pub fn denying(text: &str) -> Value {
    let answer = verdict("deny").to_string();
    let command = format!("grep -q '{text}' && printf %s '{answer}' || true");
    json!({"type": "command", "command": command})
}

#[test]
fn of_four_tool_uses_at_once_each_gets_its_own_verdict() {
    let expected = vec![false, false, true, false];
    check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
        let steps = ["one", "two", "three", "four"];
        let uses = steps.map(|step| shell(&format!("echo {step} > {step}.txt")));
        let model = model([Turn::uses(uses), Turn::says("finished")]);
        let session = stage
            .session(&model)
            .settings(&hooked(denying("three.txt")));
        let transcript = session.allowed_tools(&["Bash"]).play("go").unwrap();
        let results = transcript.tool_results();
        assert_eq!(results.len(), 4);
        for (step, result) in steps.iter().zip(&results) {
            let is_there = stage.read(&format!("{step}.txt")).is_some();
            assert_eq!(is_there, !result.is_error, "{result:?}");
        }
        results.iter().map(|result| result.is_error).collect()
    });
}

#[test]
fn a_hook_decides_the_tools_of_an_mcp_server() {
    let arrived = json!({"to": "ann@example.org"});
    check(
        [
            (OPEN, vec![arrived.clone()]),
            (CLOSED, vec![arrived.clone()]),
        ],
        |stage| {
            let server = McpServer::start();
            let send = |to: &str| ToolUse::new("mcp__mail__send", json!({"to": to}));
            let model = model([
                Turn::uses([send("ann@example.org")]),
                Turn::uses([send("eve@example.org")]),
                Turn::says("finished"),
            ]);
            let session = stage.session(&model).settings(&hooked(denying("eve@")));
            session
                .mcp_servers(&server.config())
                .allowed_tools(&["mcp__mail__*"])
                .play("go")
                .unwrap();
            assert!(last_told(&model).ends_with("the reason of the hook"));
            server.sent()
        },
    );
}

#[test]
fn a_hook_decides_the_tools_of_a_sub_agent() {
    check([(OPEN, None), (CLOSED, None)], |stage| {
        let delegate = ToolUse::new(
            "Agent",
            json!({
                "description": "look",
                "prompt": "SUBTASK do it",
                "subagent_type": "general-purpose",
                "run_in_background": false,
            }),
        );
        let script = Script::default()
            .with(
                "SUBTASK",
                [Turn::uses([shell(STEP)]), Turn::says("{{last_result}}")],
            )
            .with(
                "MAIN",
                [Turn::uses([delegate]), Turn::says("{{last_result}}")],
            );
        let model = ScriptedModel::start(script).unwrap();
        let session = stage
            .session(&model)
            .settings(&hooked(denying("started.txt")));
        let transcript = session
            .allowed_tools(&["Bash", "Agent"])
            .play("MAIN")
            .unwrap();
        let text = transcript.final_text();
        assert!(text.contains("the reason of the hook"), "{text}");
        stage.read("started.txt")
    });
}

#[test]
fn a_time_out_alone_only_moves_a_command_to_the_background() {
    let late = Some("late\n".to_owned());
    for (stays, expected) in [(false, late), (true, None)] {
        check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
            let command = "echo begun; sleep 3; echo late > late.txt";
            let input = json!({"command": command, "timeout": 1_000});
            let model = model([
                Turn::uses([ToolUse::new("Bash", input)]),
                Turn::says("finished"),
            ]);
            let mut session = stage.session(&model).allowed_tools(&["Bash"]);
            if stays {
                session = session.variable("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1");
            }
            session.play("go").unwrap();
            stage.read("late.txt")
        });
    }
}
