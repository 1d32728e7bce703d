//! Letting sessions go that are long over.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aegis_api::{Client, SystemConnector};
use aegis_canon::Digest;
use aegis_log::{Batch, Log as _, Options, PruneOrder, Query, SqliteLog};
use aegis_types::{ChainId, Entry, Envelope, EventKind, SealedPayload, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::keep::{section, walk};
use super::stage::Stage;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn days_ago(days: u32) -> Timestamp {
    let at = SystemTime::now() - DAY * days;
    let since = at.duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap())
}

/// Copies what is recorded of a session into one that happened days ago, in a log of its own.
fn age(log: &SqliteLog, envelopes: &[Envelope], session: &str, days: u32) {
    for envelope in envelopes {
        let chain = ChainId::Session {
            tenant: envelope.chain.tenant().clone(),
            session: session.parse().unwrap(),
        };
        let mut payload = envelope.payload.value().clone();
        payload["call_id"] = Value::from(format!("{session}-call"));
        let entry = Entry {
            at: days_ago(days),
            kind: envelope.kind,
            subject: Some(format!("{session}-call")),
            payload: payload.into(),
            sealed: None,
        };
        let batch = Batch {
            chain,
            expected: None,
            entries: vec![entry],
            documents: Vec::new(),
        };
        log.append(batch).unwrap();
    }
}

/// A log with two sessions of last year and those of today.
fn old_stage() -> Stage {
    let stage = older_stage();
    stage.propose("spanning", "call-5", "git status");
    stage.propose("young", "call-6", "git push origin main --force");
    stage
}

/// A log with the sessions of last year alone.
fn older_stage() -> Stage {
    let template = Stage::with_policy();
    template.propose("first", "call-1", "git status");
    let recorded = SqliteLog::open_read_only(template.log()).unwrap();
    let chains = recorded.chains().unwrap();
    let first = chains.iter().find(|one| one.chain.session().is_some());
    let envelopes = recorded.read(&first.unwrap().chain, 0, 100).unwrap();
    let stage = Stage::with_policy();
    fs::create_dir_all(stage.log().parent().unwrap()).unwrap();
    {
        let log = SqliteLog::open(stage.log(), Options::default()).unwrap();
        let decided: Vec<Envelope> = envelopes
            .into_iter()
            .filter(|one| [EventKind::ActionRequested, EventKind::DecisionMade].contains(&one.kind))
            .collect();
        assert_eq!(decided.len(), 2);
        age(&log, &decided, "summer", 300);
        age(&log, &decided, "autumn", 200);
        age(&log, &decided, "spanning", 150);
        age(&log, &decided[..1], "autumn", 140);
    }
    stage
}

/// Returns the newest head, as people keep it.
fn head_of(stage: &Stage) -> String {
    let log = SqliteLog::open_read_only(stage.log()).unwrap();
    let tenant = log.chains().unwrap()[0].chain.tenant().clone();
    let head = log.head(&ChainId::Heads { tenant }).unwrap();
    format!("local@{}:{}", head.next - 1, head.hash.unwrap())
}

#[test]
fn a_pruning_that_was_killed_has_its_head_told_by_the_next() {
    let stage = older_stage();
    let log = SqliteLog::open(stage.log(), Options::default()).unwrap();
    let tenant = log.chains().unwrap()[0].chain.tenant().clone();
    let order = PruneOrder {
        tenant: &tenant,
        before: days_ago(90),
        stays: &|_| false,
    };
    let plan = log.plan_pruning(&order).unwrap().unwrap();
    log.record_pruning(plan, "ada", days_ago(0)).unwrap();
    drop(log);
    let head = head_of(&stage);
    let told = stage.aegis(&["log", "prune", "--before", "90d"]).exits(0);
    assert!(told.out.contains(&head), "{}", told.out);
    let again = stage.aegis(&["log", "prune", "--before", "90d"]).exits(0);
    assert!(!again.out.contains(&head), "{}", again.out);
}

#[test]
fn the_procedure_of_retention_does_and_prints_what_it_shows() {
    let stage = old_stage();
    assert_eq!(
        walk(&stage, &section("Retention"), &AtomicBool::new(false)),
        4
    );
}

#[test]
fn every_command_on_a_pruned_log_does_what_it_did() {
    let stage = old_stage();
    let agent = stage.aegis_with(&["log", "prune", "--before", "90d"], &[("CLAUDECODE", "1")]);
    assert!(agent.exits(1).err.contains("an agent may not change"));
    let before = stage.aegis(&["log", "list", "--json"]).exits(0).json();
    let pruned = stage.aegis(&["log", "prune", "--before", "90d", "--json"]);
    let pruned = pruned.exits(0).json();
    assert_eq!(pruned["pruned"][0]["sessions"], json!(["autumn", "summer"]));
    assert_eq!(pruned["pruned"][0]["records"], 5 + 7);
    assert_eq!(pruned["deleted"], 12);

    let listed = stage.aegis(&["log", "list", "--json"]).exits(0).json();
    let of = |json: &Value, name: &str| json[name].as_array().unwrap().clone();
    let stays: Vec<Value> = of(&before, "decisions")
        .into_iter()
        .filter(|one| one["session"] == "spanning" || one["session"] == "young")
        .collect();
    assert_eq!(of(&listed, "decisions"), stays);
    stage.aegis(&["log", "list", "--sessions"]).exits(0);
    stage.aegis(&["log", "show", "call-5"]).exits(0);
    stage.aegis(&["log", "show", "summer-call"]).exits(2);
    let again = stage.aegis(&["log", "replay", "--json"]).exits(0).json();
    assert_eq!(again["decided"], 3, "{again}");
    stage.aegis(&["log", "verify", "--canonical"]).exits(0);
    let head = pruned["heads"][0]["head"].as_str().unwrap();
    stage.aegis(&["log", "verify", "--anchor", head]).exits(0);
    let old = format!("local@1:{}", "0".repeat(64));
    let told = stage.aegis(&["log", "verify", "--anchor", &old]).exits(1);
    assert!(
        told.out.contains("was pruned, so nothing can be held"),
        "{}",
        told.out
    );

    stage.aegis(&["log", "export", "-o", "log.jsonl"]).exits(0);
    let file = ["log", "verify", "--file", "log.jsonl", "--json"];
    let verified = stage.aegis(&file).exits(0).json();
    assert_eq!(verified["pruned"][0]["records"], 12);
    let one = ["log", "export", "--session", "spanning", "-o", "one.jsonl"];
    stage.aegis(&one).exits(0);
    stage
        .aegis(&["log", "verify", "--file", "one.jsonl"])
        .exits(0);
    stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    stage
        .aegis(&["log", "verify", "--file", "keep.db"])
        .exits(0);
    stage.aegis(&["log", "restore", "keep.db"]).exits(0);
    // What was pruned goes on with its numbers when it is taken up again.
    stage.propose("summer", "call-7", "git status");
    let shown = stage
        .aegis(&["log", "show", "call-7", "--json"])
        .exits(0)
        .json();
    assert_eq!(shown["envelopes"][0]["seq"], 2);
    let listed = stage.aegis(&["log", "list", "--sessions", "--json"]);
    let listed = listed.exits(0).json();
    let sessions = listed["sessions"].as_array().unwrap();
    let summer = sessions.iter().find(|one| one["session"] == "summer");
    let summer = summer.unwrap();
    assert_eq!((&summer["records"], &summer["seq"]), (&json!(2), &json!(3)));
    let kept = format!("local/summer@3:{}", summer["head"].as_str().unwrap());
    assert_eq!(summer["anchor"], kept.as_str());
    let held = ["log", "verify", "--anchor", &kept, "--anchor", head];
    stage.aegis(&held).exits(0);
    let compact = ["log", "prune", "--before", "90d", "--compact", "--json"];
    assert_eq!(stage.aegis(&compact).exits(0).json()["free_bytes"], 0);
    stage.aegis(&["log", "verify", "--canonical"]).exits(0);
    // No agent's host is set up here, and the log is sound.
    let told = stage.aegis(&["doctor"]).exits(1).out;
    assert!(
        told.contains("their newest records hold together"),
        "{told}"
    );
}

#[test]
fn a_head_that_was_kept_before_a_pruning_does_not_vouch_for_it() {
    let stage = old_stage();
    let kept_before = head_of(&stage);
    stage
        .aegis(&["log", "verify", "--anchor", &kept_before])
        .exits(0);
    let pruned = stage.aegis(&["log", "prune", "--before", "90d", "--json"]);
    let pruned = pruned.exits(0).json();
    let before_it = stage.aegis(&["log", "verify", "--anchor", &kept_before]);
    let told = before_it.exits(1).out;
    assert!(
        told.contains(
            "nothing vouches for it: verify with the head that `aegis log prune` printed"
        ),
        "{told}"
    );
    let head = pruned["heads"][0]["head"].as_str().unwrap();
    stage.aegis(&["log", "verify", "--anchor", head]).exits(0);
}

#[test]
fn a_service_goes_on_while_its_log_is_pruned() {
    let stage = old_stage();
    let socket = stage.path("home/aegis.sock");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_aegis"));
    let words = ["serve", "--socket", socket.to_str().unwrap()];
    let _running = super::running::Running::start(&stage, program, &words, "unix:");
    let token = [
        "token", "create", "--name", "x", "--role", "auditor", "--json",
    ];
    let token = stage.aegis(&token).exits(0).json();
    let server = format!("unix:{}", socket.display());
    let variables = [
        ("AEGIS_SERVER", server.as_str()),
        ("AEGIS_TOKEN", token["token"].as_str().unwrap()),
    ];
    let client = Client::new(SystemConnector::default(), server.parse().unwrap())
        .with_token(Some(token["token"].as_str().unwrap().to_owned()));
    let get = |path: &str| client.get::<Value>(path).unwrap();
    let first = get("/v2/events?limit=3");
    let next = first["next_token"].as_str().unwrap().to_owned();
    stage.aegis(&["log", "prune", "--before", "90d"]).exits(0);
    // A page goes on behind what went, and the sessions that stay hold.
    let rest = get(&format!("/v2/events?limit=100&page_token={next}"));
    let rest = rest["events"].as_array().unwrap();
    assert!(rest.iter().any(|event| event["session_id"] == "young"));
    assert!(rest.iter().all(|event| event["session_id"] != "summer"));
    for session in ["spanning", "young", "aegis-retention"] {
        let path = format!("/v1/sessions/{session}/verify?tenant_id=local");
        assert_eq!(get(&path)["valid"], true, "{session}");
        get(&format!("/v1/sessions/{session}/snapshot?tenant_id=local"));
    }
    assert!(
        client
            .get::<Value>("/v1/sessions/summer?tenant_id=local")
            .is_err()
    );
    // It decides on, also in a session that went, and its log verifies.
    stage.propose("summer", "call-8", "git status");
    for words in [
        &["log", "list"][..],
        &["log", "list", "--sessions"],
        &["log", "list", "--sessions", "--json"],
        &["log", "verify"],
    ] {
        let here = stage.aegis(words).exits(0);
        assert_eq!(stage.aegis_with(words, &variables).exits(0).out, here.out);
    }
    assert_eq!(
        get("/v1/sessions/summer/verify?tenant_id=local")["valid"],
        true
    );
}

#[test]
fn what_policies_count_is_never_pruned_and_a_date_is_one() {
    let stage = old_stage();
    for wrong in ["30d", "1h", "tomorrow", "2026-13-01", "2999-01-01"] {
        let told = stage.aegis(&["log", "prune", "--before", wrong]).exits(2);
        assert!(!told.err.is_empty(), "{wrong}");
    }
    let day = days_ago(100).unix_ms();
    let date = jiff::Timestamp::from_millisecond(day).unwrap();
    let date = date.strftime("%Y-%m-%d").to_string();
    let dry = ["log", "prune", "--before", &date, "--dry-run", "--json"];
    let would = stage.aegis(&dry).exits(0).json();
    assert_eq!(would["pruned"][0]["records"], 12);
    let other = [
        "log", "prune", "--before", &date, "--tenant", "nobody", "--json",
    ];
    assert_eq!(stage.aegis(&other).exits(0).json()["pruned"], json!([]));
    let told = stage.aegis(&["log", "verify", "--json"]).exits(0).json();
    assert_eq!(told["pruned"], json!([]));
}

#[test]
fn a_session_in_which_an_approval_is_pending_stays() {
    let template = Stage::with_policy();
    template.write("home/.config/aegis/settings.toml", "headless = \"wait\"\n");
    let hook = template.hook(&template.event("first", "call-1", "git push origin v1.0"));
    let id = super::approvals::pending(&template, "call-1");
    let log = SqliteLog::open_read_only(template.log()).unwrap();
    let asked = log.newest(&Query {
        kinds: &[EventKind::ApprovalRequested],
        limit: 1,
        ..Query::default()
    });
    let asked = asked.unwrap().remove(0);
    template.aegis(&["approvals", "refuse", &id]).exits(0);
    super::stage::decided(hook);

    let stage = older_stage();
    let log = SqliteLog::open(stage.log(), Options::default()).unwrap();
    // The clock was set back for it, else it would not be so old.
    for (session, expires_at) in [("waits", days_ago(0).unix_ms() + 3_600_000), ("silent", 0)] {
        let mut payload = asked.payload.value().clone();
        payload["session"] = Value::from(session);
        payload["approval_token"] = Value::from(session);
        payload["expires_unix_ms"] = Value::from(expires_at);
        let entry = Entry {
            at: days_ago(250),
            kind: EventKind::ApprovalRequested,
            subject: Some(session.to_owned()),
            payload: payload.into(),
            sealed: None,
        };
        log.append(Batch {
            chain: ChainId::Session {
                tenant: asked.chain.tenant().clone(),
                session: session.parse().unwrap(),
            },
            expected: None,
            entries: vec![entry],
            documents: Vec::new(),
        })
        .unwrap();
    }
    let listed = stage
        .aegis(&["approvals", "list", "--json"])
        .exits(0)
        .json();
    assert_eq!(listed["approvals"].as_array().unwrap().len(), 1);
    let dry = ["log", "prune", "--before", "90d", "--dry-run", "--json"];
    let would = stage.aegis(&dry).exits(0).json();
    let sessions = would["pruned"][0]["sessions"].to_string();
    assert!(
        sessions.contains("silent") && !sessions.contains("waits"),
        "{would}"
    );
}

#[test]
fn the_keys_of_sealed_results_go_with_them() {
    let stage = older_stage();
    let log = SqliteLog::open(stage.log(), Options::default()).unwrap();
    let name = "0123456789abcdef0123456789abcdef";
    let tenant = log.chains().unwrap()[0].chain.tenant().clone();
    let ciphertext = b"sealed".to_vec();
    let entry = Entry {
        at: days_ago(100),
        kind: EventKind::OutcomeRecorded,
        subject: None,
        payload: json!({}).into(),
        sealed: Some(SealedPayload {
            key_id: name.to_owned(),
            digest: Digest::of(&ciphertext),
            ciphertext: Some(ciphertext),
        }),
    };
    let file = Digest::of(format!("{tenant}\nwinter").as_bytes());
    log.append(Batch {
        chain: ChainId::Session {
            tenant,
            session: "winter".parse().unwrap(),
        },
        expected: None,
        entries: vec![entry],
        documents: Vec::new(),
    })
    .unwrap();
    let file = format!("home/.local/share/aegis/keys/payloads/{file}.v1");
    stage.write(&file, &format!("{name} {}\n", "ab".repeat(32)));
    let pruned = stage.aegis(&["log", "prune", "--before", "90d", "--json"]);
    assert_eq!(pruned.exits(0).json()["keys"], 1);
    assert_eq!(stage.read(&file), format!("{name} {}\n", "00".repeat(32)));
    stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn it_is_not_said_that_nothing_is_old_enough_where_not_all_was_looked_at() {
    let stage = Stage::with_policy();
    fs::create_dir_all(stage.log().parent().unwrap()).unwrap();
    let log = SqliteLog::open(stage.log(), Options::default()).unwrap();
    // More than one record can name, of a session that goes on.
    for (session, days, count) in [("long", 200, 14), ("over", 150, 1), ("long", 0, 1)] {
        for part in 0..count {
            let texts = (0..5_000).map(|number| format!("{session} {days} {part} {number}"));
            let entry = Entry {
                at: days_ago(days),
                kind: EventKind::PromptSubmitted,
                subject: None,
                payload: json!({}).into(),
                sealed: None,
            };
            let documents =
                texts.map(|text| (Digest::of(text.as_bytes()), text.into_bytes().into()));
            log.append(Batch {
                chain: ChainId::Session {
                    tenant: "local".parse().unwrap(),
                    session: session.parse().unwrap(),
                },
                expected: None,
                entries: vec![entry],
                documents: documents.collect(),
            })
            .unwrap();
        }
    }
    drop(log);
    for words in [
        &["log", "prune", "--before", "90d"][..],
        &["log", "prune", "--before", "90d", "--dry-run"],
    ] {
        let told = stage.aegis(words).exits(0).out;
        assert!(
            told.contains("not all of tenant local could be looked at"),
            "{told}"
        );
        assert!(!told.contains("There is no session"), "{told}");
    }
    let told = stage.aegis(&["log", "verify", "--json"]).exits(0).json();
    assert_eq!(told["pruned"], json!([]));
}

#[test]
fn rows_that_are_simply_deleted_are_named() {
    let stage = old_stage();
    let sqlite = Connection::open(stage.log()).unwrap();
    let refused = sqlite.execute("DELETE FROM records", []);
    assert!(refused.unwrap_err().to_string().contains("never deleted"));
    super::tampering::intrude_at(
        &stage.log(),
        &["DELETE FROM records WHERE chain = (SELECT id FROM chains WHERE session = 'summer')"],
    );
    let told = stage.aegis(&["log", "verify"]).exits(1);
    assert!(told.out.contains("session `summer`"), "{}", told.out);
    assert!(!told.out.contains("pruned"), "{}", told.out);
}
