//! Opening a gate on a machine's files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aegis_gate::{
    Caller, DurabilityLevel, Gate, Gates, OpenGateError, Proposal, Surroundings, WaitFor,
    with_causes,
};
use aegis_types::{ChainId, Outcome, PolicyStanding, Reason, Verdict};
use serde_json::json;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(home.path("app")).unwrap();
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn open(&self) -> Result<Gate, OpenGateError> {
        Gate::open(Surroundings {
            home: self.path("home"),
            directory: self.path("app"),
            managed: self.path("etc/aegis"),
            host_managed: self.path("etc/claude-code"),
            ..Surroundings::default()
        })
    }

    fn submit(&self, gate: &Gate, command: &str) -> aegis_gate::Submitted {
        let proposal = Proposal {
            id: "one".parse().unwrap(),
            session: "s".parse().unwrap(),
            agent: None,
            subagent: None,
            user: None,
            tool: "Bash".into(),
            params: json!({ "command": command }),
            tagged: 0,
            directory: self.path("app"),
            host_mode: None,
            skill: None,
        };
        gate.submit(&proposal, WaitFor::Nobody)
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o777
    }
}

const STATE: &str = "home/.local/share/aegis";
const KEY: &str = "home/.local/share/aegis/keys/redaction.key";

#[test]
fn a_first_gate_makes_what_it_needs_for_its_owner_only() {
    let home = Home::new();
    let gate = home.open().unwrap();
    let submitted = home.submit(&gate, "ls");
    assert!(submitted.is_recorded);
    assert_eq!(home.mode(STATE), 0o700);
    assert_eq!(home.mode(KEY), 0o600);
    let key = fs::read(home.path(KEY)).unwrap();
    assert_eq!(key.len(), 32);
    drop(gate);
    let gate = home.open().unwrap();
    assert_eq!(fs::read(home.path(KEY)).unwrap(), key);
    let chain = ChainId::Session {
        tenant: "local".parse().unwrap(),
        session: "s".parse().unwrap(),
    };
    assert_eq!(gate.log().read(&chain, 0, 10).unwrap().len(), 2);
}

#[test]
fn a_key_that_others_may_read_or_of_another_length_is_not_used() {
    let home = Home::new();
    drop(home.open().unwrap());
    fs::set_permissions(home.path(KEY), fs::Permissions::from_mode(0o644)).unwrap();
    let error = home.open().err().unwrap();
    assert!(matches!(error, OpenGateError::Key { .. }));
    assert!(with_causes(&error).contains("mode 0600"));
    fs::set_permissions(home.path(KEY), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(home.path(KEY), "short").unwrap();
    assert!(home.open().is_err());
}

#[test]
fn settings_and_lists_that_are_not_understood_keep_a_gate_from_opening() {
    let check = |path: &str, text: &str, expected: &str| {
        let home = Home::new();
        let path = home.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let error = with_causes(&home.open().err().unwrap());
        assert!(error.contains(expected), "{error}");
    };
    let settings: &Path = Path::new("home/.config/aegis/settings.toml");
    check(settings.to_str().unwrap(), "fallback = 1", "settings.toml");
    check("home/.local/share/aegis/trust.json", "[]", "trust.json");
    check("home/.local/share/aegis/log.db", "not a database", "log.db");
}

#[test]
fn a_policy_broken_midway_leaves_the_last_good_one_and_says_so() {
    let home = Home::new();
    let policy = home.path("home/.config/aegis/policy.yaml");
    fs::create_dir_all(policy.parent().unwrap()).unwrap();
    let text = "aegis: policy/v1\nname: mine\ndefault: allow\nrules:\n  - id: no\n    match: {shell: {program: rm}}\n    verdict: deny\n";
    fs::write(&policy, text).unwrap();
    let gate = home.open().unwrap();
    assert_eq!(home.submit(&gate, "rm x").decision.verdict, Verdict::Deny);
    fs::write(&policy, "default: [").unwrap();
    let submitted = home.submit(&gate, "rm x");
    assert_eq!(submitted.decision.reason, Reason::RuleMatched);
    assert_eq!(
        submitted.decision.policies[0].standing,
        PolicyStanding::LastGood
    );
    let fresh = home.open().unwrap();
    assert!(home.submit(&fresh, "ls").is_allowed());
}

#[test]
fn a_policy_that_was_never_good_denies_with_what_a_person_can_do() {
    let home = Home::new();
    let policy = home.path("app/.aegis/policy.yaml");
    fs::create_dir_all(policy.parent().unwrap()).unwrap();
    fs::write(&policy, "default: [").unwrap();
    let gate = home.open().unwrap();
    let submitted = home.submit(&gate, "ls");
    assert_eq!(submitted.decision.reason, Reason::CannotDecide);
    assert!(submitted.is_recorded);
    let message = submitted.decision.findings[0].message.clone().unwrap();
    assert!(message.contains("policy.yaml") && message.contains("aegis doctor"));
}

#[test]
fn a_log_that_cannot_be_written_denies() {
    let home = Home::new();
    drop(home.open().unwrap());
    let surroundings = home.open().unwrap().surroundings().clone();
    let places = aegis_gate::Places::of(&surroundings);
    let log = aegis_log::SqliteLog::open_read_only(&places.log).unwrap();
    let settings = aegis_gate::Settings::defaults().unwrap();
    let gate = Gate::new(aegis_gate::Parts {
        log: std::sync::Arc::new(log),
        clock: std::sync::Arc::new(aegis_gate::SystemClock),
        pause: std::sync::Arc::new(aegis_gate::SleepingPause),
        policies: std::sync::Arc::new(aegis_gate::ActivePolicies::new(
            places.clone(),
            aegis_types::Mode::Enforce,
        )),
        processes: std::sync::Arc::new(aegis_gate::ProcFs),
        approver: std::sync::Arc::new(aegis_gate::SilentApprover),
        redactor: aegis_redact::Redactor::new(aegis_canon::Key::new(&[1; 32]).unwrap()),
        protected: aegis_gate::Protected::of(&places, &surroundings),
        settings,
        surroundings,
        places,
    });
    let submitted = home.submit(&gate, "ls");
    assert_eq!(submitted.decision.reason, Reason::CannotDecide);
    assert!(!submitted.is_recorded);
}

#[test]
fn keys_of_sealed_results_lie_with_the_service_and_not_with_its_caller() {
    let home = Home::new();
    let own = Surroundings {
        home: home.path("service"),
        managed: home.path("etc/aegis"),
        ..Surroundings::default()
    };
    let gates = Gates::open(own, DurabilityLevel::Normal).unwrap();
    let mine = home.path("mine").to_string_lossy().into_owned();
    let caller = Caller {
        surroundings: Surroundings {
            home: home.path("home"),
            variables: [
                ("AEGIS_HOME".to_owned(), mine),
                ("AEGIS_SEAL".to_owned(), "results".to_owned()),
            ]
            .into(),
            directory: home.path("app"),
            managed: home.path("etc/aegis"),
            ..Surroundings::default()
        },
        tenant: None,
        is_guest: true,
    };
    let gate = gates.at(caller).unwrap();
    assert!(home.submit(&gate, "ls").is_allowed());
    let (session, request) = ("s".parse().unwrap(), "one".parse().unwrap());
    let content = json!("what the tool gave back");
    gate.record_outcome(&session, &request, Outcome::Completed, &content)
        .unwrap();
    let keys = &gates.places().payload_keys;
    assert_eq!(fs::read_dir(keys).unwrap().count(), 1);
    assert!(!home.path("mine").exists());
    let erased = gate.erase(&session, None, &"ana".parse().unwrap()).unwrap();
    assert_eq!((erased.payloads, erased.keys), (1, 1));
}
