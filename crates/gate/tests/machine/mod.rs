//! A whole machine in a temporary folder, with a gate on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_canon::{Digest, Key};
use aegis_gate::{
    Approver, ClockPause, FixedClock, FixedPolicies, FixedProcesses, Gate, InForce, Origin, Parts,
    Places, PolicyInForce, Proposal, Protected, Setting, Settings, SilentApprover, Surroundings,
    WaitFor,
};
use aegis_log::{Log, MemoryLog};
use aegis_policy::{Compiled, MemorySources, Source, parse, policy_document};
use aegis_redact::Redactor;
use aegis_types::{Envelope, PolicyStanding, RequestId, SessionId, Timestamp, Verdict};
use serde_json::{Value, json};

pub const START: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

pub struct Machine {
    pub folder: tempfile::TempDir,
    pub log: Arc<dyn Log>,
    pub clock: Arc<FixedClock>,
    pub policies: Arc<FixedPolicies>,
    pub processes: FixedProcesses,
    pub approver: Arc<dyn Approver>,
    pub settings: Settings,
}

/// Returns a policy in force with this text.
pub fn policy(text: &str) -> PolicyInForce {
    let parsed = match parse(&Source::new("policy.yaml", text), &MemorySources::default()) {
        Ok(parsed) => parsed,
        Err(problems) => panic!("{problems}"),
    };
    let document = policy_document(&parsed.texts);
    PolicyInForce {
        compiled: Arc::new(Compiled::new(parsed.policy, Digest::of(&document))),
        document: Arc::from(document),
        standing: PolicyStanding::Current,
        only_tightens: false,
        origin: Origin::User,
        path: None,
    }
}

pub fn in_force(texts: &[&str]) -> InForce {
    InForce {
        policies: texts.iter().map(|text| policy(text)).collect(),
        ..InForce::default()
    }
}

pub const ALLOW: &str = "aegis: policy/v1\nname: open\ndefault: allow\n";

/// Returns the calls that one rule, `match` and `verdict`, takes for others than
/// those it `matches` and `misses`; `unknown` is that of the rule.
pub fn misjudged(case: &Value) -> Vec<String> {
    let verdict = case["verdict"].as_str().unwrap();
    let (default, expected) = match verdict {
        "allow" => ("deny", Verdict::Allow),
        _ => ("allow", Verdict::Deny),
    };
    let mut rule = json!({"id": "rule", "match": case["match"], "verdict": verdict});
    if let Some(unknown) = case.get("unknown") {
        rule["unknown"] = unknown.clone();
    }
    let policy = json!({
        "aegis": "policy/v1", "name": "one", "default": default, "closed": true,
        "rules": [rule],
    });
    let machine = Machine::new(&[&policy.to_string()]);
    let mut wrong = Vec::new();
    for (kind, is_meant) in [("matches", true), ("misses", false)] {
        for (place, call) in (0..).zip(case[kind].as_array().unwrap()) {
            let id = format!("{kind}-{place}");
            let (tool, params) = (call[0].as_str().unwrap(), call[1].clone());
            let proposal = machine.proposal(&id, tool, params);
            let submitted = machine.gate().submit(&proposal, WaitFor::Nobody);
            if (submitted.decision.verdict == expected) != is_meant {
                wrong.push(format!("{} {kind} {call}", case["match"]));
            }
        }
    }
    wrong
}

impl Machine {
    /// Returns a machine on which these policies are in force.
    pub fn new(texts: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "home/.config/aegis",
            "home/.local/share/aegis/keys",
            "home/.claude/commands",
            "app/.aegis/scenarios",
            "app/.claude/commands",
            "app/src",
            "bin",
        ] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for (path, text) in [
            ("home/.config/aegis/policy.yaml", "p"),
            ("home/.config/aegis/settings.toml", "s"),
            ("home/.local/share/aegis/log.db", "l"),
            ("home/.local/share/aegis/trust.json", "t"),
            ("home/.local/share/aegis/keys/redaction.key", "k"),
            ("home/.claude/settings.json", "{}"),
            ("app/.aegis/policy.yaml", "p"),
            ("app/.aegis/settings.toml", "s"),
            ("app/.claude/settings.json", "{}"),
            ("app/.claude/commands/x.md", "x"),
            ("app/.env", "API_TOKEN=x"),
            ("app/README.md", "r"),
            ("app/src/main.rs", "fn main() {}"),
            ("bin/aegis", "#! aegis"),
            ("bin/aegis-hook", "#! aegis-hook"),
        ] {
            fs::write(folder.path().join(path), text).unwrap();
        }
        let mut settings = Settings::defaults().unwrap();
        settings.approval_wait_max = Setting {
            value: aegis_types::DurationMs::from_secs(600),
            origin: Origin::Default,
        };
        Self {
            folder,
            log: Arc::new(MemoryLog::new()),
            clock: Arc::new(FixedClock::new(START)),
            policies: Arc::new(FixedPolicies::new(in_force(texts))),
            processes: FixedProcesses::default(),
            approver: Arc::new(SilentApprover),
            settings,
        }
    }

    pub fn root(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap()
    }

    pub fn surroundings(&self) -> Surroundings {
        let root = self.root();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Surroundings {
            home: root.join("home"),
            directory: root.join("app"),
            managed: root.join("etc/aegis"),
            host_managed: root.join("etc/claude-code"),
            programs: vec![root.join("bin/aegis"), root.join("bin/aegis-hook")],
            variables: [
                ("HOME".to_owned(), text(&root.join("home"))),
                (
                    "PATH".to_owned(),
                    format!("{}:/usr/bin:/bin", text(&root.join("bin"))),
                ),
            ]
            .into(),
            ..Surroundings::default()
        }
    }

    pub fn gate(&self) -> Gate {
        let surroundings = self.surroundings();
        let places = Places::of(&surroundings);
        Gate::new(Parts {
            log: Arc::clone(&self.log),
            clock: Arc::clone(&self.clock) as _,
            pause: Arc::new(ClockPause(Arc::clone(&self.clock))),
            policies: Arc::clone(&self.policies) as _,
            processes: Arc::new(self.processes.clone()),
            approver: Arc::clone(&self.approver),
            settings: self.settings.clone(),
            redactor: Redactor::new(Key::new(&[7; 32]).unwrap()),
            protected: Protected::of(&places, &surroundings),
            places,
            surroundings,
        })
    }

    pub fn proposal(&self, id: &str, tool: &str, params: Value) -> Proposal {
        Proposal {
            id: id.parse().unwrap(),
            session: session(),
            agent: None,
            subagent: None,
            user: None,
            tool: Arc::from(tool),
            params,
            tagged: 0,
            directory: self.root().join("app"),
            host_mode: None,
            skill: None,
        }
    }

    pub fn bash(&self, id: &str, command: &str) -> Proposal {
        self.proposal(id, "Bash", json!({ "command": command }))
    }

    /// Returns what the log holds of the session, as wire name and subject.
    pub fn events(&self) -> Vec<String> {
        self.envelopes()
            .iter()
            .map(|envelope| {
                let text = |key: &str| envelope.payload.get(key).and_then(Value::as_str);
                let verdict = text("verdict").unwrap_or_default();
                format!("{} {verdict}", envelope.kind).trim_end().to_owned()
            })
            .collect()
    }

    pub fn envelopes(&self) -> Vec<Envelope> {
        let chain = aegis_types::ChainId::Session {
            tenant: "local".parse().unwrap(),
            session: session(),
        };
        self.log.read(&chain, 0, 10_000).unwrap()
    }
}

pub fn session() -> SessionId {
    "session-1".parse().unwrap()
}

pub fn request(id: &str) -> RequestId {
    id.parse().unwrap()
}
