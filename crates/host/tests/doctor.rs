//! What the doctor finds, and what it does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aegis_gate::{HomeOrigin, Places, Surroundings};
use aegis_host::{
    Client, FindClientError, Level, Part, Patient, Registration, Report, Symptom, Target, Tree,
    examine_at, plan_install, registration,
};
use aegis_log::{Batch, Log, SqliteLog};
use aegis_types::{ChainId, DurationMs, Entry, EventKind, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

struct Ward {
    folder: tempfile::TempDir,
    surroundings: Surroundings,
    registration: Registration,
}

impl Ward {
    /// A machine on which everything is as it should be.
    fn sound() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "home/.claude",
            "home/.local/share/aegis",
            "project",
            "bin",
            "etc",
        ] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let state = root.join("home/.local/share/aegis");
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        let program = root.join("bin/aegis-hook");
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let ward = Self {
            surroundings: Surroundings {
                home: root.join("home"),
                directory: root.join("project"),
                managed: root.join("etc/aegis"),
                host_managed: root.join("etc/claude-code"),
                ..Surroundings::default()
            },
            registration: registration(&program, DurationMs::from_secs(600)).unwrap(),
            folder,
        };
        let target = Target {
            settings: ward.settings(),
            within: None,
            state,
        };
        let change = plan_install(&target, &ward.registration).unwrap();
        change.apply_install(Timestamp::from_unix_ms(0)).unwrap();
        ward
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> PathBuf {
        self.path("home/.claude/settings.json")
    }

    fn client(&self, version: &str) -> Client {
        let program = self.path("bin/claude");
        fs::write(
            &program,
            format!("#!/bin/sh\necho '{version} (Claude Code)'\n"),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Client::at(&program).unwrap()
    }

    fn change(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.settings()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.settings(), text.replacen(from, to, 1)).unwrap();
    }

    fn report(&self) -> Report {
        self.report_with(Ok(&self.client("2.1.329")))
    }

    fn report_with(&self, client: Result<&Client, &FindClientError>) -> Report {
        let patient = Patient {
            surroundings: &self.surroundings,
            places: &Places::of(&self.surroundings),
            client,
            tree: &Tree::below(&self.surroundings.managed),
            registration: &self.registration,
        };
        examine_at(&patient, NOW)
    }
}

/// Returns what is not as it should be.
fn bad(report: &Report) -> Vec<&Symptom> {
    report
        .symptoms
        .iter()
        .filter(|symptom| symptom.level >= Level::Warning)
        .collect()
}

#[track_caller]
fn check(report: &Report, level: Level, part: Part, text: &str) {
    let found = bad(report);
    let hit = found
        .iter()
        .find(|symptom| symptom.part == part && symptom.text.contains(text));
    let hit = hit.unwrap_or_else(|| panic!("no {part} with `{text}` in {found:#?}"));
    assert_eq!(hit.level, level, "{hit:#?}");
    assert!(hit.remedy.is_some(), "{hit:#?}");
}

#[test]
fn a_sound_installation_has_nothing_wrong() {
    let report = Ward::sound().report();
    assert_eq!(bad(&report), Vec::<&Symptom>::new());
    let grade = report
        .symptoms
        .iter()
        .find(|symptom| symptom.part == Part::Grade);
    assert!(grade.unwrap().text.starts_with("G0: "), "{grade:?}");
}

#[test]
fn a_home_directory_that_is_not_known_by_the_variable_is_told() {
    let mut ward = Ward::sound();
    ward.surroundings.home_origin = HomeOrigin::UserDatabase;
    check(
        &ward.report(),
        Level::Warning,
        Part::Files,
        "the list of users names",
    );
    ward.surroundings.home_origin = HomeOrigin::Nowhere;
    check(
        &ward.report(),
        Level::Fault,
        Part::Files,
        "every action is denied",
    );
}

#[test]
fn a_link_among_the_own_files_is_a_fault() {
    let ward = Ward::sound();
    let cache = ward.path("home/.local/share/aegis/cache");
    std::os::unix::fs::symlink(ward.path("nowhere"), cache).unwrap();
    check(
        &ward.report(),
        Level::Fault,
        Part::Files,
        "cache` is a link",
    );
}

#[test]
fn a_missing_or_old_client_is_a_warning() {
    let ward = Ward::sound();
    check(
        &ward.report_with(Ok(&ward.client("2.1.197"))),
        Level::Warning,
        Part::Client,
        "2.1.197",
    );
    let report = ward.report_with(Err(&FindClientError::NotOnPath));
    check(&report, Level::Warning, Part::Client, "no `claude`");
}

#[test]
fn hooks_that_would_not_decide_are_faults() {
    for (from, to, text) in [
        (
            "\"PreToolUse\"",
            "\"Other\"",
            "not registered, so nothing is decided",
        ),
        (
            "\"onFailure\": \"block\"",
            "\"note\": 1",
            "a failing hook lets the call run",
        ),
        (
            "\"timeout\": 660",
            "\"timeout\": 600",
            "shorter than an approval",
        ),
        ("\"args\": []", "\"x\": []", "through a shell"),
        (
            "\"timeout\": 660",
            "\"timeout\": 660, \"async\": true",
            "asynchronous",
        ),
        (
            "\"timeout\": 660",
            "\"timeout\": 660, \"if\": \"Bash\"",
            "under a condition",
        ),
        (
            "{\n        \"hooks\"",
            "{\"matcher\": \"Bash\", \"hooks\"",
            "only for `Bash`",
        ),
        ("/bin/aegis-hook", "/bin/gone/aegis-hook", "is not there"),
        (
            "\"disableAllHooks\": false",
            "\"disableAllHooks\": true",
            "switches every hook off",
        ),
    ] {
        let ward = Ward::sound();
        ward.change(from, to);
        check(&ward.report(), Level::Fault, Part::Hooks, text);
    }
}

#[test]
fn an_event_that_only_records_is_a_warning_when_it_is_missing() {
    let ward = Ward::sound();
    ward.change("\"SubagentStop\"", "\"Later\"");
    check(
        &ward.report(),
        Level::Warning,
        Part::Hooks,
        "SubagentStop: not registered",
    );
}

#[test]
fn where_nothing_is_registered_one_fault_says_so() {
    let ward = Ward::sound();
    fs::remove_file(ward.settings()).unwrap();
    let report = ward.report();
    let hooks: Vec<&Symptom> = report
        .symptoms
        .iter()
        .filter(|symptom| symptom.part == Part::Hooks)
        .collect();
    assert_eq!(hooks.len(), 1, "{hooks:#?}");
    check(&report, Level::Fault, Part::Hooks, "nothing is decided");
}

#[test]
fn settings_that_cannot_be_used_are_a_fault() {
    let ward = Ward::sound();
    fs::create_dir_all(ward.path("project/.claude")).unwrap();
    fs::write(ward.path("project/.claude/settings.local.json"), "{,}").unwrap();
    check(
        &ward.report(),
        Level::Fault,
        Part::Hooks,
        "line 1, column 2",
    );
}

#[test]
fn other_settings_can_switch_hooks_off() {
    let ward = Ward::sound();
    fs::create_dir_all(ward.path("project/.claude")).unwrap();
    let local = ward.path("project/.claude/settings.local.json");
    fs::write(&local, r#"{"disableAllHooks": true}"#).unwrap();
    check(
        &ward.report(),
        Level::Fault,
        Part::Hooks,
        "settings.local.json",
    );

    let ward = Ward::sound();
    fs::create_dir_all(ward.path("etc/claude-code")).unwrap();
    let managed = ward.path("etc/claude-code/managed-settings.json");
    fs::write(&managed, r#"{"allowManagedHooksOnly": true}"#).unwrap();
    check(
        &ward.report(),
        Level::Fault,
        Part::Hooks,
        "only managed hooks",
    );
}

#[test]
fn other_hooks_are_named_and_no_fault() {
    let ward = Ward::sound();
    fs::create_dir_all(ward.path("project/.claude")).unwrap();
    let hooks = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}"#;
    fs::write(ward.path("project/.claude/settings.json"), hooks).unwrap();
    let report = ward.report();
    assert_eq!(bad(&report), Vec::<&Symptom>::new());
    let named = |symptom: &Symptom| symptom.text.starts_with("Stop: 1 other");
    assert!(report.symptoms.iter().any(named));
}

#[test]
fn files_that_others_can_reach_are_faults() {
    let ward = Ward::sound();
    let state = ward.path("home/.local/share/aegis");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&state, 0o755);
    check(
        &ward.report(),
        Level::Fault,
        Part::Files,
        "read or changed by others (mode 755)",
    );
    mode(&state, 0o700);
    mode(&ward.path("bin/aegis-hook"), 0o775);
    check(
        &ward.report(),
        Level::Fault,
        Part::Program,
        "changed by others (mode 775)",
    );
    mode(&ward.path("bin/aegis-hook"), 0o644);
    check(&ward.report(), Level::Fault, Part::Program, "cannot be run");
    fs::remove_file(ward.path("bin/aegis-hook")).unwrap();
    check(&ward.report(), Level::Fault, Part::Program, "is not there");
}

#[test]
fn every_setting_is_listed_with_its_origin() {
    let ward = Ward::sound();
    fs::create_dir_all(ward.path("home/.config/aegis")).unwrap();
    let settings = ward.path("home/.config/aegis/settings.toml");
    let text = "headless = \"wait\"\nmode = \"observe\"\n\
                [mcp.files]\npath = [\"a\", \"b\"]\naccess = {see = \"read\"}\n";
    fs::write(&settings, text).unwrap();
    let report = ward.report();
    let lines: Vec<&str> = report
        .symptoms
        .iter()
        .filter(|symptom| symptom.part == Part::Settings && symptom.level == Level::Note)
        .map(|symptom| symptom.text.as_str())
        .collect();
    let expected = [
        "durability = normal (default)",
        "seal = off (default)",
        "fallback = host (default)",
        "headless = wait (user)",
        "environment = none (default)",
        "mode = observe (user)",
        "approval_wait_max = 10m (default)",
        "tenant = local (default)",
        "agent = agent (default)",
        "service = none (default)",
        "mcp.files = path: a b, see: r (user)",
    ];
    assert_eq!(lines, expected);
    check(&report, Level::Warning, Part::Settings, "only watch");
    fs::write(&settings, "headless = 1\n").unwrap();
    check(
        &ward.report(),
        Level::Fault,
        Part::Settings,
        "settings.toml",
    );
}

#[test]
fn a_project_that_would_loosen_is_named() {
    let ward = Ward::sound();
    fs::create_dir_all(ward.path("project/.aegis")).unwrap();
    fs::write(
        ward.path("project/.aegis/settings.toml"),
        "headless = \"wait\"\n",
    )
    .unwrap();
    check(
        &ward.report(),
        Level::Warning,
        Part::Settings,
        "`headless` from the project",
    );
}

fn logged(ward: &Ward, at: Timestamp) {
    let options = aegis_log::Options::default();
    let log = SqliteLog::open(Places::of(&ward.surroundings).log, options).unwrap();
    let entry = Entry {
        at,
        kind: EventKind::SessionStarted,
        subject: None,
        payload: serde_json::json!({"n": "original"}).into(),
        sealed: None,
    };
    log.append(Batch {
        chain: ChainId::Session {
            tenant: "local".parse().unwrap(),
            session: "s-1".parse().unwrap(),
        },
        expected: None,
        entries: vec![entry; 3],
        documents: Vec::new(),
    })
    .unwrap();
}

#[test]
fn a_log_that_was_changed_or_is_none_is_a_fault() {
    let ward = Ward::sound();
    logged(&ward, NOW);
    assert_eq!(bad(&ward.report()), Vec::<&Symptom>::new());
    let path = Places::of(&ward.surroundings).log;
    let tamper = rusqlite::Connection::open(&path).unwrap();
    tamper
        .execute_batch(
            "DROP TRIGGER records_keep; UPDATE records SET bytes = \
             CAST(replace(CAST(bytes AS TEXT), 'original', 'forgery!') AS BLOB) WHERE seq = 1",
        )
        .unwrap();
    drop(tamper);
    check(
        &ward.report(),
        Level::Fault,
        Part::Log,
        "record 1 of session `s-1` of tenant `local` was edited",
    );
    fs::write(&path, "no database").unwrap();
    check(&ward.report(), Level::Fault, Part::Log, "cannot be used");
}

#[test]
fn a_clock_that_cannot_be_right_is_told() {
    let ward = Ward::sound();
    logged(&ward, NOW.plus(DurationMs::from_secs(3_600)));
    check(&ward.report(), Level::Warning, Part::Clock, "set back");
    let near = Ward::sound();
    logged(&near, NOW.plus(DurationMs::from_secs(30)));
    assert_eq!(bad(&near.report()), Vec::<&Symptom>::new());
}

#[test]
fn policies_are_listed_and_broken_ones_are_faults() {
    let ward = Ward::sound();
    let line = |report: &Report| {
        let found = report
            .symptoms
            .iter()
            .find(|symptom| symptom.part == Part::Policy);
        found.unwrap().text.clone()
    };
    assert!(
        line(&ward.report()).contains("built in"),
        "{}",
        line(&ward.report())
    );

    fs::create_dir_all(ward.path("home/.config/aegis")).unwrap();
    let policy = ward.path("home/.config/aegis/policy.yaml");
    fs::write(&policy, "aegis: policy/v1\nname: mine\ndefault: ask\n").unwrap();
    assert!(
        line(&ward.report()).starts_with("`mine` (user, "),
        "{}",
        line(&ward.report())
    );

    fs::write(&policy, "aegis: policy/v1\nrules: [").unwrap();
    check(
        &ward.report(),
        Level::Fault,
        Part::Policy,
        "the last good one stays in force",
    );

    let fresh = Ward::sound();
    fs::create_dir_all(fresh.path("project/.aegis")).unwrap();
    fs::write(fresh.path("project/.aegis/policy.yaml"), "rules: [").unwrap();
    check(
        &fresh.report(),
        Level::Fault,
        Part::Policy,
        "every action is denied",
    );
}

#[test]
fn a_project_policy_that_nobody_trusts_is_named() {
    let ward = Ward::sound();
    fs::create_dir_all(ward.path("project/.aegis")).unwrap();
    let text = "aegis: policy/v1\nname: theirs\ndefault: allow\n";
    fs::write(ward.path("project/.aegis/policy.yaml"), text).unwrap();
    let report = ward.report();
    assert_eq!(bad(&report), Vec::<&Symptom>::new());
    let named = |symptom: &Symptom| symptom.text.contains("it may only tighten");
    assert!(report.symptoms.iter().any(named), "{report:#?}");
}
