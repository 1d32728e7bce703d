//! What an agent tries as an ordinary user against a service under an account
//! of its own. Every attempt fails, or is recorded.

use serde_json::{Value, json};

use super::stage::{AGENT, Machine, OTHER, SOCKET};

/// Runs each script as the agent; every one must fail.
#[track_caller]
fn all_fail(machine: &Machine, scripts: &[&str]) {
    for script in scripts {
        machine.agent(script).fails();
    }
}

#[test]
fn nobody_else_changes_policy_settings_programs_or_unit() {
    let machine = Machine::served();
    let before = machine.tree();
    for path in [
        "/etc/aegis/policy.yaml",
        "/etc/aegis/settings.toml",
        "/etc/claude-code/managed-settings.json",
        "/etc/systemd/system/aegis.service",
        "/usr/local/lib/aegis/aegis",
        "/usr/local/lib/aegis/aegis-hook",
        "/usr/local/lib/aegis/installed.json",
    ] {
        all_fail(
            &machine,
            &[
                &format!("echo x >> {path}"),
                &format!("truncate --size 0 {path}"),
                &format!("chmod 666 {path}"),
                &format!("unlink {path}"),
                &format!("mv {path} /tmp/taken"),
                &format!("touch mine && mv mine {path}"),
                &format!("ln -sf /home/mallory/mine {path}"),
            ],
        );
    }
    all_fail(
        &machine,
        &[
            "mkdir /etc/systemd/system/aegis.service.d",
            "mkdir /etc/claude-code/managed-settings.d",
            "touch /etc/aegis/other.toml",
            "mv /etc/aegis /etc/taken",
        ],
    );
    let after: Vec<String> = machine.tree();
    let changed = |line: &&String| !line.starts_with("home/") && !before.contains(line);
    assert_eq!(after.iter().find(changed), None);
}

#[test]
fn the_policy_of_the_machine_holds_whatever_the_agent_writes_for_itself() {
    let machine = Machine::served();
    let policy = "aegis: policy/v1\nname: mine\ndefault: allow\nrules:\n  - id: all\n    \
                  match: {tool: Bash}\n    verdict: allow\n";
    machine.put("/tmp/policy.yaml", policy);
    machine
        .agent(
            "mkdir -p .config/aegis .aegis other && for folder in .config/aegis .aegis other; do \
             cp /tmp/policy.yaml $folder; echo 'mode = \"observe\"' > $folder/settings.toml; done",
        )
        .succeeds();
    for variables in [
        json!({}),
        json!({"AEGIS_MODE": "observe", "AEGIS_HOME": "/home/mallory/other"}),
        json!({"XDG_CONFIG_HOME": "/home/mallory", "HOME": "/home/mallory/other"}),
        json!({"CLAUDE_PROJECT_DIR": "/home/mallory"}),
    ] {
        let body = json!({
            "session_id": "monday", "call_id": format!("call-{variables}").replace(['"', '{', '}', ' '], ""),
            "tool_name": "Bash", "args": {"command": "git push --force origin main"},
            "directory": "/home/mallory", "home": "/home/mallory/other", "variables": variables,
        });
        let (_, reply) = machine.ask(AGENT, "/v1/decisions/rehearse", Some(&body), "");
        assert!(
            ["ask", "deny"].contains(&reply["verdict"].as_str().unwrap_or("none")),
            "{variables}: {reply}"
        );
    }
}

#[test]
fn nobody_else_reads_or_changes_log_tokens_or_keys() {
    let machine = Machine::served();
    machine.propose("call-1", "git status");
    let token = ["token", "create", "--name", "ci", "--role", "agent"];
    machine.aegis(&token).succeeds();
    let before = machine.recorded();
    for path in [
        "/var/lib/aegis/log.db",
        "/var/lib/aegis/log.db-wal",
        "/var/lib/aegis/keys/redaction.key",
        "/var/lib/aegis/tokens.json",
    ] {
        machine.root(&["test", "-e", path]).succeeds();
        all_fail(
            &machine,
            &[
                &format!("cat {path}"),
                &format!("stat {path}"),
                &format!("echo x >> {path}"),
                &format!("truncate --size 0 {path}"),
                &format!("unlink {path}"),
                &format!("ln {path} mine"),
                &format!("touch mine && mv mine {path}"),
            ],
        );
    }
    all_fail(
        &machine,
        &[
            "ls /var/lib/aegis",
            "mv /var/lib/aegis /var/lib/taken",
            "mount --bind /home/mallory /var/lib/aegis",
        ],
    );
    assert_eq!(machine.recorded(), before);
}

#[test]
fn nobody_else_takes_the_place_of_the_socket() {
    let mut machine = Machine::served();
    let own = format!("/usr/local/lib/aegis/aegis serve --socket {SOCKET}");
    let attempts = [
        &*format!("unlink {SOCKET}"),
        &*format!("mv {SOCKET} /run/aegis/taken"),
        &*format!("chmod 600 {SOCKET}"),
        &*format!("ln -sf /home/mallory/mine {SOCKET}"),
        "touch /run/aegis/mine",
        "mv /run/aegis /run/taken",
        &*own,
    ];
    all_fail(&machine, &attempts);
    machine.propose("call-1", "git status");
    // Where the service has died, its place is still its own.
    machine.stop();
    all_fail(&machine, &attempts);
    machine.start();
    machine.propose("call-2", "git status");
}

#[test]
fn nobody_else_ends_stops_or_looks_into_the_process() {
    let machine = Machine::served();
    let process = machine.daemon_process();
    for signal in ["KILL", "TERM", "STOP", "SEGV", "HUP"] {
        machine.agent(&format!("kill -{signal} {process}")).fails();
    }
    for file in ["environ", "mem", "maps", "fd", "root", "cwd"] {
        let script = format!("ls /proc/{process}/{file}/ || head -c 1 /proc/{process}/{file}");
        machine.agent(&script).fails();
    }
    let told = machine.agent(&format!("timeout 5 strace -p {process} -o /dev/null"));
    assert!(told.err.contains("not permitted"), "{told:?}");
    all_fail(
        &machine,
        &[
            &format!("prlimit --pid {process} --nofile=1"),
            &format!("renice 19 {process}"),
        ],
    );
    machine.propose("call-1", "git status");
}

#[test]
fn the_agent_does_not_approve_itself() {
    let machine = Machine::served();
    let asked = machine.propose("call-1", "npm publish");
    assert_eq!(asked["verdict"], "ask", "{asked}");
    let id = asked["approval"]["approval_token"].as_str().unwrap();
    // By the program, which finds no log of the service and may not open it.
    for variables in ["", "AEGIS_HOME=/var/lib/aegis "] {
        let script = format!("{variables}/usr/local/lib/aegis/aegis approvals approve {id}");
        machine.agent(&script).fails();
    }
    // By the socket: an ordinary user is an agent there, and no more.
    for (path, body) in [
        ("/v1/approvals", None),
        ("/v1/approvals/pending", None),
        (
            &*format!("/v1/approvals/{id}"),
            Some(json!({"approved": true})),
        ),
        (
            &*format!("/v1/approvals/{id}/answer"),
            Some(json!({"approved": true})),
        ),
        (&*format!("/v1/approvals/{id}/grant"), Some(json!({}))),
        (&*format!("/v1/approvals/{id}/approve"), Some(json!({}))),
    ] {
        let (status, reply) = machine.ask(AGENT, path, body.as_ref(), "");
        assert!((401..500).contains(&status), "{path}: {status} {reply}");
    }
    assert_eq!(machine.propose("call-1", "npm publish")["verdict"], "ask");
    // Whoever has an account of the service's trust may.
    machine.aegis(&["approvals", "approve", id]).succeeds();
}

#[test]
fn guessed_and_stolen_tokens_open_nothing() {
    let machine = Machine::served();
    let token = [
        "token", "create", "--name", "boss", "--role", "approver", "--json",
    ];
    let made = machine.aegis(&token).succeeds().json();
    let token = made["token"].as_str().unwrap();
    let (id, _) = token.rsplit_once('_').unwrap();
    let stored = machine.read("/var/lib/aegis/tokens.json");
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let digest = stored["tokens"][0]["digest"].as_str().unwrap();
    let body = json!({"session_id": "monday", "call_id": "call-1", "tool_name": "Bash",
        "args": {"command": "git status"}});
    for guess in [
        "aegis_",
        "aegis__",
        "aegis_000000000000_0000000000000000000000000000000000000000000000000000000000000000",
        &format!("{id}_{}", "0".repeat(64)),
        &format!("{id}_{digest}"),
        digest,
        token.get(..token.len() - 1).unwrap(),
    ] {
        let header = format!("--header 'authorization: Bearer {guess}'");
        let (status, reply) = machine.ask(AGENT, "/v1/decisions", Some(&body), &header);
        assert_eq!(status, 401, "{guess}: {reply}");
        assert!(!reply.to_string().contains(digest), "{reply}");
    }
}

#[test]
fn nobody_speaks_for_another_user_tenant_or_home() {
    let machine = Machine::served();
    let user = |name| machine.user(name, "id -u").succeeds().out.trim().to_owned();
    let (agent, other) = (user(AGENT), user(OTHER));
    let mut body = json!({
        "session_id": "monday", "call_id": "call-1", "tool_name": "Bash",
        "args": {"command": "cat notes"}, "directory": "/home/ada", "home": "/home/ada",
        "user_id": format!("user:{other}"), "variables": {"HOME": "/home/ada", "USER": "ada"},
    });
    let (status, reply) = machine.ask(AGENT, "/v1/decisions", Some(&body), "");
    assert_eq!(status, 200, "{reply}");
    let recorded = machine.recorded();
    assert!(recorded.contains(&format!("\"user\":\"user:{agent}\"")));
    assert!(!recorded.contains(&format!("user:{other}")));
    assert!(recorded.contains("\"home\":\"/home/mallory\""));
    assert!(!recorded.contains("\"home\":\"/home/ada\""));
    body["tenant_id"] = json!("other");
    let (status, reply) = machine.ask(AGENT, "/v1/decisions", Some(&body), "");
    assert_eq!(status, 403, "{reply}");
    let more = "--header 'x-forwarded-user: root' --header 'x-aegis-user: root' \
                --header 'x-aegis-role: operator'";
    let (status, reply) = machine.ask(AGENT, "/v1/decisions", Some(&body), more);
    assert_eq!(status, 403, "{reply}");
}

#[test]
fn a_client_beside_aegis_is_denied_and_recorded() {
    let machine = Machine::served();
    for (number, command) in [
        "claude --bare -p hello",
        "HOME=/tmp claude --settings '{}' -p hello",
        "npx @openai/codex exec hello",
    ]
    .iter()
    .enumerate()
    {
        let reply = machine.propose(&format!("call-{number}"), command);
        assert_eq!(reply["verdict"], "deny", "{command}: {reply}");
        assert_eq!(reply["reason"], "UNGOVERNED_AGENT", "{command}: {reply}");
    }
    let recorded = machine.recorded();
    assert_eq!(
        recorded
            .matches("\"reason\":\"UNGOVERNED_AGENT\",\"request_digest\"")
            .count(),
        3
    );
}

/// Returns the answer of the registered hook to a shell command, asked as the
/// agent's host asks.
fn hooked(machine: &Machine, before: &str, command: &str) -> Value {
    let event = json!({
        "session_id": "tuesday", "transcript_path": "/home/mallory/transcript.jsonl",
        "cwd": "/home/mallory", "permission_mode": "default", "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "call-1",
    });
    machine.put("/tmp/event.json", &event.to_string());
    let script = format!("{before} /usr/local/lib/aegis/aegis-hook < /tmp/event.json");
    let told = machine.agent(&script).succeeds();
    serde_json::from_str(&told.out).unwrap_or(Value::Null)
}

#[test]
fn the_hook_asks_the_service_alone_and_denies_without_it() {
    let mut machine = Machine::served();
    let verdict = |answer: &Value| {
        let verdict = &answer["hookSpecificOutput"]["permissionDecision"];
        verdict.as_str().unwrap_or("none").to_owned()
    };
    // The first question makes the service read the policy.
    machine.propose("call-0", "git status");
    let answer = hooked(&machine, "", "claude --bare -p hello");
    assert!(answer.to_string().contains("UNGOVERNED_AGENT"), "{answer}");
    let recorded = machine.recorded();
    assert!(recorded.contains("\"session_id\":\"tuesday\""), "{answer}");
    // A service of the agent's own, that would allow everything, is not asked.
    machine.put(
        "/tmp/policy.yaml",
        "aegis: policy/v1\nname: mine\ndefault: allow\n",
    );
    let own = "mkdir -p .config/aegis && cp /tmp/policy.yaml .config/aegis && \
               (AEGIS_HOME=$HOME/own setsid /usr/local/lib/aegis/aegis serve >said 2>&1 &); \
               until grep -q listening said; do :; done";
    machine.agent(own).succeeds();
    let named = "printf '[service]\\nsocket = \"/home/mallory/own/aegis.sock\"\\n' \
                 > .config/aegis/settings.toml";
    machine.agent(named).succeeds();
    for before in [
        "",
        "AEGIS_HOME=$HOME/own",
        "XDG_CONFIG_HOME=$HOME/.config HOME=/tmp",
    ] {
        let answer = hooked(&machine, before, "claude --bare -p hello");
        assert_eq!(verdict(&answer), "deny", "{before}: {answer}");
    }
    machine.stop();
    for before in ["", "AEGIS_HOME=$HOME/own"] {
        let answer = hooked(&machine, before, "git status");
        assert_eq!(verdict(&answer), "deny", "{before}: {answer}");
        assert!(
            answer.to_string().contains("CANNOT_DECIDE"),
            "{before}: {answer}"
        );
    }
}

#[test]
fn a_fake_service_is_not_believed() {
    let mut machine = Machine::served();
    machine.stop();
    // Even where root lets another user listen in its place.
    let script = "rm -rf /run/aegis; install --directory --owner=mallory --mode=755 /run/aegis";
    machine.root(&["/bin/sh", "-c", script]).succeeds();
    let fake = format!(
        "(setsid /usr/local/lib/aegis/aegis serve --socket {SOCKET} >said 2>&1 &); \
         until grep -q listening said; do :; done"
    );
    machine.agent(&fake).succeeds();
    let answer = hooked(&machine, "", "git status");
    let decision = &answer["hookSpecificOutput"]["permissionDecision"];
    assert_eq!(decision, "deny", "{answer}");
    assert!(answer.to_string().contains("CANNOT_DECIDE"), "{answer}");
}

#[test]
fn what_the_service_may_read_it_does_not_read_out_to_others() {
    let machine = Machine::served();
    // The service may read every file; the agent may not have it do so.
    machine
        .root(&[
            "/bin/sh",
            "-c",
            "umask 077; echo 'secret = KEYWORD-7731' > /home/ada/private",
        ])
        .succeeds();
    let targets = [
        "/etc/shadow",
        "/home/ada/private",
        "/var/lib/aegis/keys/redaction.key",
    ];
    for (number, target) in targets.iter().enumerate() {
        for place in [".config/aegis/settings.toml", ".config/aegis/policy.yaml"] {
            machine
                .agent(&format!(
                    "mkdir -p .config/aegis && rm -f .config/aegis/*.* && ln -s {target} {place}"
                ))
                .succeeds();
            let body = json!({"session_id": "monday", "call_id": format!("call-{number}"),
                "tool_name": "Bash", "args": {"command": "git status"}, "directory": "/home/mallory"});
            let (_, reply) = machine.ask(AGENT, "/v1/decisions", Some(&body), "");
            let text = reply.to_string();
            for secret in ["KEYWORD-7731", "root:", "daemon:"] {
                assert!(!text.contains(secret), "{target} as {place}: {text}");
            }
            assert_ne!(reply["verdict"], "allow", "{target} as {place}: {text}");
        }
    }
    let recorded = machine.recorded();
    assert!(!recorded.contains("KEYWORD-7731"), "{recorded}");
}

#[test]
fn links_lead_the_service_to_write_nowhere() {
    let machine = Machine::served();
    machine
        .agent(
            "mkdir -p .local/share && ln -s /etc/aegis .local/share/aegis && mkdir .aegis && \
             ln -s /etc/aegis/policy.yaml .aegis/policy.yaml",
        )
        .succeeds();
    let before = machine.tree();
    let reply = machine.propose("call-1", "git status");
    assert_eq!(reply["recorded"], true, "{reply}");
    let changed: Vec<String> = machine
        .tree()
        .into_iter()
        .filter(|line| !before.contains(line) && !line.starts_with("var/lib/aegis"))
        .collect();
    assert_eq!(changed, Vec::<String>::new());
    // A write through a link to what governs the agent is one to what it leads to.
    machine
        .agent("ln -sf /etc/aegis/policy.yaml /tmp/plain")
        .succeeds();
    let reply = machine.propose("call-2", "echo x >> /tmp/plain");
    assert_eq!(reply["verdict"], "deny", "{reply}");
}

#[test]
fn too_much_is_refused_and_the_service_goes_on() {
    let machine = Machine::served();
    machine
        .agent("head -c 8388608 /dev/zero | tr '\\0' x > big && echo '{\"a\": \"' > open.json")
        .succeeds();
    let send = |file: &str, more: &str| {
        let script = format!(
            "curl --silent --output /dev/null --write-out '%{{http_code}}' --max-time 60 {more} \
             --unix-socket {SOCKET} --data-binary @{file} http://localhost/v1/decisions"
        );
        machine.agent(&script).out
    };
    assert_eq!(send("big", ""), "413");
    assert_eq!(send("big", "--header 'transfer-encoding: chunked'"), "413");
    assert_eq!(send("open.json", ""), "400");
    // Nothing of it lands on the disk, and what comes afterwards is decided.
    let size = "du --bytes --summarize /var/lib/aegis";
    let size: Vec<&str> = size.split(' ').collect();
    let told = machine.root(&size).succeeds().out;
    let bytes: u64 = told.split_whitespace().next().unwrap().parse().unwrap();
    assert!(bytes < 4 << 20, "{bytes}");
    assert_eq!(machine.propose("call-1", "git status")["recorded"], true);
}
