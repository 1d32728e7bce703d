//! Commands that ask a service, at its real socket.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aegis_api::{Address, Client, DecisionRequest, SystemConnector};
use serde_json::{Value, json};

use super::running::Running;
use super::stage::Stage;

/// A service in a process of its own; it ends with the stage.
struct Served {
    _running: Running,
    stage: Stage,
    address: String,
}

impl Served {
    fn new() -> Self {
        let stage = Stage::with_policy();
        let socket = stage.path("home/aegis.sock");
        let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
        let words = ["serve", "--socket", socket.to_str().unwrap()];
        Self {
            address: format!("unix:{}", socket.display()),
            _running: Running::start(&stage, program, &words, "unix:"),
            stage,
        }
    }

    /// Makes a token and returns it, by the files of the machine.
    fn token(&self, role: &str) -> String {
        let words = ["token", "create", "--name", role, "--role", role, "--json"];
        let made = self.stage.aegis(&words).exits(0).json();
        made["token"].as_str().unwrap().to_owned()
    }

    fn client(&self, token: &str) -> Client {
        let address: Address = self.address.parse().unwrap();
        Client::new(SystemConnector::default(), address).with_token(Some(token.to_owned()))
    }

    fn ask(&self, words: &[&str], token: Option<&str>) -> super::stage::Told {
        let mut variables = vec![("AEGIS_SERVER", self.address.as_str())];
        variables.extend(token.map(|token| ("AEGIS_TOKEN", token)));
        self.stage.aegis_with(words, &variables)
    }
}

#[test]
fn approvals_are_listed_and_answered_at_a_service() {
    let service = Served::new();
    let agent = service.client(&service.token("agent"));
    let request = DecisionRequest {
        session_id: "s".to_owned(),
        call_id: "one".to_owned(),
        tool_name: "Bash".to_owned(),
        args: json!({"command": "git push origin v1"}),
        ..DecisionRequest::default()
    };
    assert_eq!(agent.decide(&request).unwrap().verdict, "ask");
    let approver = service.token("approver");
    let listed = service.ask(&["approvals", "list", "--json"], Some(&approver));
    let listed: Value = listed.exits(0).json();
    let id = listed["approvals"][0]["approval"]["approval_token"]
        .as_str()
        .unwrap();
    let shown = service.ask(&["approvals", "show", &id[..12], "--json"], Some(&approver));
    assert_eq!(shown.exits(0).json()["status"], "pending");
    let wrong = service.token("auditor");
    service
        .ask(&["approvals", "approve", id], Some(&wrong))
        .exits(2);
    let words = ["approvals", "approve", id, "--note", "fine", "--json"];
    let answered = service.ask(&words, Some(&approver)).exits(0).json();
    assert_eq!(answered["status"], "granted");
    assert_eq!(answered["answers"][0]["note"], "fine");
    assert_eq!(agent.decide(&request).unwrap().verdict, "allow");
    service
        .ask(&["approvals", "refuse", id], Some(&approver))
        .exits(1);
    service
        .ask(&["approvals", "show", "nothing"], Some(&approver))
        .exits(2);
}

#[test]
fn tokens_are_made_listed_and_revoked_at_a_service() {
    let service = Served::new();
    let operator = service.token("operator");
    service.stage.write("home/token", &format!("{operator}\n"));
    let file = service.stage.path("home/token").display().to_string();
    let server = service.address.clone();
    let at = |words: &[&str]| {
        let place = ["--server", server.as_str(), "--token-file", file.as_str()];
        service.stage.aegis(&[words, &place].concat())
    };
    let words = [
        "token", "create", "--name", "ci", "--role", "auditor", "--json",
    ];
    let made = at(&words).exits(0).json();
    let id = made["id"].as_str().unwrap();
    let listed = at(&["token", "list", "--json"]).exits(0).json();
    let listed = listed["tokens"].as_array().unwrap();
    assert!(
        listed
            .iter()
            .any(|token| token["id"] == id && token["name"] == "ci")
    );
    at(&["token", "revoke", id]).exits(0);
    at(&["token", "revoke", id]).exits(1);
    at(&[
        "token", "create", "--name", "x", "--role", "agent", "--role", "approver",
    ])
    .exits(2);
}

/// Makes a file that others may do with what `mode` says.
fn open_to(stage: &Stage, file: &str, mode: u32) {
    fs::set_permissions(stage.path(file), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn tokens_that_others_may_read_are_told_of_at_the_start_and_by_the_doctor() {
    let stage = Stage::with_policy();
    let words = ["token", "create", "--name", "x", "--role", "auditor"];
    let token = stage.aegis(&words).exits(0).out;
    let file = "home/.local/share/aegis/tokens.json";
    open_to(&stage, file, 0o644);
    let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
    let words = ["serve", "--listen", "127.0.0.1:0"];
    let running = Running::start(&stage, program, &words, "http:");
    let server = format!("http://127.0.0.1:{}", running.port());
    let variables = [("AEGIS_SERVER", &*server), ("AEGIS_TOKEN", token.trim())];
    let told = stage.aegis_with(&["log", "list"], &variables).exits(3);
    assert!(
        told.err.contains("the tokens cannot be read"),
        "{}",
        told.whole()
    );
    let remedy = format!("chmod go= '{}'", stage.path(file).display());
    let told = stage.aegis(&["doctor"]);
    assert!(told.out.contains(&remedy), "{}", told.whole());
    open_to(&stage, file, 0o600);
    stage.aegis_with(&["log", "list"], &variables).exits(0);
    let err = running.stop();
    assert!(
        err.contains("no token is believed") && err.contains(&remedy),
        "{err}"
    );
}

#[test]
fn settings_that_others_may_write_name_neither_log_nor_callers() {
    let stage = Stage::new();
    let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
    for (text, counts) in [("rate_limit: 5\n", true), ("dsn: own.db\n", false)] {
        stage.write("work/aegis.yaml", text);
        open_to(&stage, "work/aegis.yaml", 0o666);
        let words = ["serve", "--config", "aegis.yaml"];
        if counts {
            Running::start(&stage, program, &words, "unix:").stop();
            continue;
        }
        let told = stage.aegis(&words).exits(3);
        assert!(told.err.contains("chmod go-w"), "{}", told.whole());
        open_to(&stage, "work/aegis.yaml", 0o644);
        Running::start(&stage, program, &words, "unix:").stop();
    }
}

#[test]
fn what_is_wrong_with_an_anchor_is_answered_with_what_to_do() {
    let service = Served::new();
    let auditor = service.token("auditor");
    let hash = "0".repeat(64);
    for (anchor, step) in [
        ("garbage".to_owned(), "write TENANT@SEQ:HASH"),
        (format!("other@0:{hash}"), "the log of one tenant"),
    ] {
        let words = ["log", "verify", "--anchor", &anchor];
        let told = service.ask(&words, Some(&auditor)).exits(2);
        assert!(told.err.contains(step), "{}", told.whole());
    }
}

#[test]
fn what_is_done_to_tokens_is_in_the_log() {
    let stage = Stage::with_policy();
    let words = [
        "token", "create", "--name", "ci", "--tenant", "acme", "--role", "auditor", "--json",
    ];
    let made = stage.aegis(&words).exits(0).json();
    let id = made["id"].as_str().unwrap();
    stage.aegis(&["token", "revoke", id]).exits(0);
    let listed = stage.aegis(&["log", "list", "--json"]).exits(0).json();
    let told: Vec<_> = listed["tokens"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 2, "{listed}");
    for (record, kind) in told.into_iter().zip(["TOKEN_REVOKED", "TOKEN_CREATED"]) {
        assert_eq!(record["event_type"], kind);
        assert_eq!(record["tenant_id"], "acme");
        assert_eq!(record["subject"], id);
        assert!(
            record["payload"]["by"]
                .as_str()
                .unwrap()
                .starts_with("local:uid-")
        );
    }
    let shown = stage.aegis(&["log", "list"]).exits(0);
    for text in ["+ made", "– revoked", "ci: auditor", id] {
        assert!(shown.out.contains(text), "{}", shown.whole());
    }
    let exported = stage.aegis(&["log", "export"]).exits(0);
    let secret = made["token"].as_str().unwrap().rsplit('_').next().unwrap();
    assert!(!exported.out.contains(secret));
    stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn the_log_is_looked_into_at_a_service_as_it_is_here() {
    let service = Served::new();
    for (session, id, command) in [
        ("first", "call-1", "git status"),
        ("first", "call-2", "git push --force origin main"),
        ("second", "call-3", "ls -l"),
    ] {
        service.stage.propose(session, id, command);
    }
    let auditor = service.token("auditor");
    for words in [
        &["log", "list"][..],
        &["log", "list", "--json"],
        &["log"],
        &["log", "list", "--sessions"],
        &["log", "list", "--sessions", "--json"],
        &["log", "list", "--session", "first", "--verdict", "deny"],
        &["log", "list", "--limit", "1", "--json"],
        &["log", "show", "call-2"],
        &["log", "show", "call-2", "--json"],
        &["log", "verify"],
        &["log", "verify", "--json", "--canonical"],
    ] {
        let here = service.stage.aegis(words).exits(0);
        let there = service.ask(words, Some(&auditor)).exits(0);
        assert_eq!(there.out, here.out, "{words:?}");
    }
    let listed = service.ask(&["log", "list", "--json"], Some(&auditor));
    let listed = listed.exits(0).json();
    assert_eq!(listed["decisions"].as_array().unwrap().len(), 3);
    // The head of a session, kept elsewhere.
    let sessions = service
        .stage
        .aegis(&["log", "list", "--sessions", "--json"]);
    let sessions = sessions.exits(0).json();
    let anchor = sessions["sessions"][0]["anchor"].as_str().unwrap();
    let held = service.ask(&["log", "verify", "--anchor", anchor], Some(&auditor));
    assert!(held.exits(0).out.contains("anchored"));
    let wrong = format!("local/first@1:{}", "0".repeat(64));
    for words in [
        &["log", "verify", "--anchor", &wrong][..],
        &["log", "verify", "--anchor", &wrong, "--json"],
    ] {
        let here = service.stage.aegis(words).exits(1);
        let there = service.ask(words, Some(&auditor)).exits(1);
        assert_eq!(there.out, here.out);
    }
    for words in [
        &["log", "verify", "--anchor", "x"][..],
        &["log", "show", "nothing"],
        &["log", "list", "--session", "a b"],
    ] {
        service.stage.aegis(words).exits(2);
        service.ask(words, Some(&auditor)).exits(2);
    }
    // A file is verified here, whatever the environment names.
    service.stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    let file = ["log", "verify", "--file", "keep.db"];
    service.ask(&file, Some("aegis_x_y")).exits(0);
}

#[test]
fn a_changed_log_of_a_service_is_named_as_beside_the_file() {
    let service = Served::new();
    service.stage.propose("first", "call-1", "git status");
    let auditor = service.token("auditor");
    let told = service.ask(&["log", "verify"], Some(&service.token("agent")));
    assert!(told.exits(2).err.contains("`auditor`"));
    super::tampering::intrude_at(
        &service.stage.log(),
        &["UPDATE records SET at = at + 1 WHERE kind = 'POLICY_DECISION'"],
    );
    let words = ["log", "verify"];
    let here = service.stage.aegis(&words).exits(1);
    let there = service.ask(&words, Some(&auditor)).exits(1);
    assert!(
        there.out.contains("the time beside record"),
        "{}",
        there.out
    );
    assert_eq!(there.out, here.out);
    let nowhere = ["log", "verify", "--server", "unix:/nowhere/aegis.sock"];
    service.stage.aegis(&nowhere).exits(3);
}

#[test]
fn a_service_that_is_not_there_or_knows_nobody_is_told() {
    let service = Served::new();
    service
        .ask(&["approvals", "list"], Some("aegis_x_y"))
        .exits(2);
    service.ask(&["approvals", "list"], Some("a b")).exits(2);
    let nowhere = ["approvals", "list", "--server", "unix:/nowhere/aegis.sock"];
    service.stage.aegis(&nowhere).exits(3);
    service
        .stage
        .aegis(&["approvals", "list", "--server", "nowhere"])
        .exits(2);
    service
        .stage
        .aegis(&["token", "list", "--token-file", "x"])
        .exits(2);
}

#[test]
fn the_description_of_the_service_is_a_schema() {
    let stage = Stage::new();
    let document = stage
        .aegis(&["schema", "openapi", "--json"])
        .exits(0)
        .json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/v1/approvals/{id}/answer"]["post"].is_object());
}
