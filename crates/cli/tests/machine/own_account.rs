//! The same attempts where everything runs under the agent's own account
//! (grade G0): most of them succeed. What is mediated is decided all the same; a
//! program that the agent was allowed to run is not.

use serde_json::{Value, json};

use super::stage::{Machine, programs};

/// A service of the agent's own user, as `aegis serve` starts it.
struct OwnAccount {
    machine: Machine,
}

impl OwnAccount {
    fn new() -> Self {
        let machine = Machine::new();
        let program = programs();
        let words = ["install", "--mode=755", "--target-directory=/usr/local/bin"];
        let copied = ["aegis", "aegis-hook"].map(|name| program.join(name));
        let copied = copied.iter().map(|path| path.to_str().unwrap());
        let words: Vec<&str> = words.into_iter().chain(copied).collect();
        machine.root(&words).succeeds();
        let own = Self { machine };
        own.start();
        own
    }

    fn start(&self) {
        self.run("(setsid aegis serve >said 2>&1 &); until grep -q listening said; do :; done");
    }

    /// Runs a script as the agent; it must succeed.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let script = format!("PATH=/usr/local/bin:$PATH; {script}");
        self.machine.agent(&script).succeeds().out
    }

    /// Returns the verdict of the hook on a shell command, and why.
    fn propose(&self, id: &str, command: &str) -> (String, String) {
        let event = json!({
            "session_id": "monday", "transcript_path": "/home/mallory/transcript.jsonl",
            "cwd": "/home/mallory", "permission_mode": "default", "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": id,
        });
        self.machine.put("/tmp/event.json", &event.to_string());
        let out = self.run("CLAUDE_CODE_SESSION_ATTENDED=0 aegis-hook < /tmp/event.json");
        let answer: Value = serde_json::from_str(&out).unwrap_or(Value::Null);
        let said = &answer["hookSpecificOutput"]["permissionDecision"];
        (said.as_str().unwrap_or("none").to_owned(), out)
    }
}

#[test]
fn in_the_same_account_what_is_mediated_is_decided_all_the_same() {
    let own = OwnAccount::new();
    for (number, command) in [
        "claude --bare -p hello",
        "echo x >> ~/.config/aegis/policy.yaml",
        "truncate --size 0 ~/.local/share/aegis/log.db",
        "cat ~/.local/share/aegis/keys/redaction.key",
        "ln -sf /tmp/mine ~/.local/share/aegis/aegis.sock",
        "aegis approvals approve apr_1",
    ]
    .iter()
    .enumerate()
    {
        let (said, answer) = own.propose(&format!("call-{number}"), command);
        assert_eq!(said, "deny", "{command}: {answer}");
    }
}

#[test]
fn in_the_same_account_a_program_changes_the_policy() {
    let own = OwnAccount::new();
    assert_eq!(
        own.propose("call-1", "git push --force origin main").0,
        "deny"
    );
    let policy = "aegis: policy/v1\\nname: mine\\ndefault: allow\\n";
    own.run(&format!(
        "mkdir -p .config/aegis && printf '{policy}' > .config/aegis/policy.yaml"
    ));
    assert_ne!(
        own.propose("call-2", "git push --force origin main").0,
        "deny"
    );
}

#[test]
fn in_the_same_account_a_program_reads_keys_and_replaces_the_log() {
    let own = OwnAccount::new();
    own.propose("call-1", "git status");
    let key = own.run("wc --bytes < .local/share/aegis/keys/redaction.key");
    assert_eq!(key.trim(), "32");
    own.run("kill -KILL $(pgrep --exact aegis); cd .local/share/aegis && unlink log.db && rm -f log.db-*");
    own.propose("call-2", "git status");
    let log = own.run("aegis log export");
    assert!(!log.contains("call-1") && log.contains("call-2"), "{log}");
    // The new log holds together; only a head kept elsewhere shows the loss.
    own.run("aegis log verify");
}

#[test]
fn in_the_same_account_a_program_ends_and_replaces_the_service() {
    let own = OwnAccount::new();
    let socket = ".local/share/aegis/aegis.sock";
    own.run("kill -KILL $(pgrep --exact aegis)");
    // The hook goes on by itself, with the same files and the same log.
    assert_eq!(own.propose("call-1", "claude --bare -p hello").0, "deny");
    assert!(own.run("aegis log export").contains("call-1"));
    // One that decides by other files is believed: it is the same user.
    let policy = "aegis: policy/v1\\nname: mine\\ndefault: allow\\n";
    own.run(&format!(
        "mkdir -p fake/.config/aegis && printf '{policy}' > fake/.config/aegis/policy.yaml && \
         unlink {socket}; (HOME=$PWD/fake setsid aegis serve --socket $PWD/{socket} >fake/said 2>&1 &); \
         until grep -qs listening fake/said; do :; done"
    ));
    own.propose("call-2", "git status");
    assert!(!own.run("aegis log export").contains("call-2"));
}

#[test]
fn in_the_same_account_a_program_approves_what_it_asked_for() {
    let own = OwnAccount::new();
    own.run(
        "mkdir -p .config/aegis && printf 'headless = \"wait\"\\n' > .config/aegis/settings.toml",
    );
    let body = json!({
        "session_id": "monday", "call_id": "call-1", "tool_name": "Bash",
        "args": {"command": "npm publish"}, "directory": "/home/mallory",
    });
    own.machine.put("/tmp/body.json", &body.to_string());
    let reply = own.run(
        "curl --silent --unix-socket .local/share/aegis/aegis.sock --header \
         'content-type: application/json' --data-binary @/tmp/body.json \
         http://localhost/v1/decisions",
    );
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(reply["verdict"], "ask", "{reply}");
    let id = reply["approval"]["approval_token"].as_str().unwrap();
    // A process that does not descend from the agent's host counts as a person's.
    own.run(&format!("setsid aegis approvals approve {id}"));
}

#[test]
fn in_the_same_account_the_doctor_says_what_does_not_hold() {
    let own = OwnAccount::new();
    let told = own.machine.agent("PATH=/usr/local/bin:$PATH; aegis doctor");
    assert!(
        told.out
            .contains("· G0: every mediated call is decided and recorded"),
        "{told:?}"
    );
    assert!(told.out.contains("could rewrite the log"), "{told:?}");
}
