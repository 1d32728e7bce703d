//! Installing into settings files that people wrote, and taking it away again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use aegis_host::{
    EVENTS, InstallError, Note, Registration, SettingsFileError, Target, plan_install,
    plan_uninstall, registration,
};
use aegis_types::{DurationMs, Timestamp};
use serde_json::{Value, json};

const AT: Timestamp = Timestamp::from_unix_ms(1_795_000_000_123);

/// Settings that a person wrote: an order of their own, other hooks, a link end style.
const WRITTEN: &str = r#"{
    "model": "opus",
    "permissions": { "allow": ["Bash(ls:*)"], "deny": [] },
    "hooks": {
        "Stop": [],
        "PreToolUse": [
            {
                "matcher": "Bash",
                "hooks": [{ "type": "command", "command": "./lint.sh" }]
            }
        ],
        "Notification": [{"hooks": [{"type": "command", "command": "say done"}]}]
    },
    "env": {"A": "1"}
}
"#;

struct Desk {
    folder: tempfile::TempDir,
    target: Target,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = Target {
            settings: folder.path().join("project/.claude/settings.json"),
            within: Some(folder.path().join("project")),
            state: folder.path().join("state"),
        };
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, target }
    }

    fn with(text: &str) -> Self {
        let desk = Self::new();
        fs::create_dir(desk.target.settings.parent().unwrap()).unwrap();
        fs::write(&desk.target.settings, text).unwrap();
        desk
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.target.settings).unwrap()
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    fn install(&self) -> Option<PathBuf> {
        let change = plan_install(&self.target, &ours(660)).unwrap();
        change.apply_install(AT).unwrap()
    }

    fn uninstall(&self) {
        plan_uninstall(&self.target)
            .unwrap()
            .apply_uninstall(AT)
            .unwrap();
    }

    fn refused(&self) -> SettingsFileError {
        let error = plan_install(&self.target, &ours(660)).unwrap_err();
        let InstallError::Settings(error) = error else {
            panic!("{error}");
        };
        error
    }
}

fn ours(seconds: u64) -> Registration {
    Registration {
        program: "/opt/aegis/bin/aegis-hook".to_owned(),
        decision_timeout: std::time::Duration::from_secs(seconds),
        is_alone: false,
    }
}

/// Returns the settings without what is ours, by value.
fn without(mut settings: Value) -> Value {
    let object = settings.as_object_mut().unwrap();
    object.remove("disableAllHooks");
    for event in EVENTS {
        let list = object["hooks"][event].as_array_mut().unwrap();
        list.retain(|group| group["hooks"][0]["command"] != "/opt/aegis/bin/aegis-hook");
        if list.is_empty() && event != "Stop" {
            object["hooks"].as_object_mut().unwrap().remove(event);
        }
    }
    settings
}

fn check_round_trip(text: &str) {
    let desk = Desk::with(text);
    desk.install();
    assert_ne!(desk.text(), text);
    desk.uninstall();
    assert_eq!(desk.text(), text);
    assert!(!desk.folder.path().join("state/installs").join("x").exists());
}

#[test]
fn every_event_is_registered_and_everything_else_stays() {
    let desk = Desk::with(WRITTEN);
    desk.install();
    let settings = desk.value();
    for event in EVENTS {
        let list = settings["hooks"][event].as_array().unwrap();
        let hook = &list.last().unwrap()["hooks"][0];
        assert_eq!(hook["command"], "/opt/aegis/bin/aegis-hook", "{event}");
        assert_eq!(hook["args"], json!([]), "{event}");
    }
    assert_eq!(
        settings["hooks"]["PreToolUse"][1]["hooks"][0]["timeout"],
        660
    );
    assert_eq!(
        settings["hooks"]["PreToolUse"][1]["hooks"][0]["onFailure"],
        "block"
    );
    assert_eq!(settings["disableAllHooks"], false);
    assert_eq!(
        without(settings),
        serde_json::from_str::<Value>(WRITTEN).unwrap()
    );
}

#[test]
fn lines_that_were_there_are_untouched() {
    let desk = Desk::with(WRITTEN);
    let change = plan_install(&desk.target, &ours(660)).unwrap();
    let gone: Vec<String> = change
        .difference()
        .lines()
        .filter(|line| line.starts_with('-'))
        .map(str::to_owned)
        .collect();
    // A line goes only where a comma or an element must follow it.
    let expected = [
        "-        \"Stop\": [],",
        "-        \"Notification\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}]",
        "-    \"env\": {\"A\": \"1\"}",
    ];
    assert_eq!(gone, expected);
}

#[test]
fn taking_it_away_gives_the_file_back_byte_for_byte() {
    check_round_trip(WRITTEN);
    check_round_trip(&WRITTEN.replace('\n', "\r\n"));
    check_round_trip("{}");
    check_round_trip("{ }\n");
    check_round_trip("");
    check_round_trip("{\"hooks\":{}}");
    check_round_trip("{\"hooks\":{\"Stop\":[ ]},\"disableAllHooks\":true}");
    check_round_trip("{\n\t\"a\": 1\n}");
    check_round_trip("{\"disableAllHooks\": false}\n");
}

#[test]
fn line_ends_of_the_file_are_kept() {
    let desk = Desk::with(&WRITTEN.replace('\n', "\r\n"));
    desk.install();
    let text = desk.text();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn a_file_that_was_not_there_goes_with_its_folder() {
    let desk = Desk::new();
    assert_eq!(desk.install(), None);
    assert_eq!(desk.value()["disableAllHooks"], false);
    let mode = fs::metadata(&desk.target.settings)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    desk.uninstall();
    assert!(!desk.target.settings.parent().unwrap().exists());
}

#[test]
fn a_folder_that_was_there_stays() {
    let desk = Desk::new();
    fs::create_dir(desk.target.settings.parent().unwrap()).unwrap();
    desk.install();
    desk.uninstall();
    assert!(!desk.target.settings.exists());
    assert!(desk.target.settings.parent().unwrap().exists());
}

#[test]
fn installing_twice_changes_nothing() {
    let desk = Desk::with(WRITTEN);
    desk.install();
    let text = desk.text();
    let change = plan_install(&desk.target, &ours(660)).unwrap();
    assert!(change.is_empty());
    assert_eq!(change.difference(), "");
    assert_eq!(desk.install(), None);
    assert_eq!(desk.text(), text);
    desk.uninstall();
    assert_eq!(desk.text(), WRITTEN);
}

#[test]
fn installing_is_recognised_after_a_formatter_ran() {
    let desk = Desk::with(WRITTEN);
    desk.install();
    let formatted = serde_json::to_string(&desk.value()).unwrap();
    fs::write(&desk.target.settings, &formatted).unwrap();
    assert!(plan_install(&desk.target, &ours(660)).unwrap().is_empty());
    desk.uninstall();
    assert_eq!(
        desk.value(),
        serde_json::from_str::<Value>(WRITTEN).unwrap()
    );
}

#[test]
fn another_registration_takes_the_place_of_an_older_one() {
    let desk = Desk::with(WRITTEN);
    desk.install();
    let longer = plan_install(&desk.target, &ours(900)).unwrap();
    longer.apply_install(AT).unwrap();
    let list = desk.value()["hooks"]["PreToolUse"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[1]["hooks"][0]["timeout"], 900);
    desk.uninstall();
    assert_eq!(desk.text(), WRITTEN);
}

#[test]
fn what_others_changed_since_survives() {
    let desk = Desk::with(WRITTEN);
    desk.install();
    fs::write(&desk.target.settings, desk.text().replace("opus", "haiku")).unwrap();
    let change = plan_uninstall(&desk.target).unwrap();
    assert_eq!(change.notes(), [Note::ChangedSince]);
    change.apply_uninstall(AT).unwrap();
    assert_eq!(desk.text(), WRITTEN.replace("opus", "haiku"));
}

#[test]
fn managed_settings_keep_other_hooks_from_running_unless_they_say_otherwise() {
    let alone = Registration {
        is_alone: true,
        ..ours(660)
    };
    for (text, key) in [
        ("{\"model\": \"opus\"}\n", json!(true)),
        (
            "{\"model\": \"opus\", \"allowManagedHooksOnly\": false}\n",
            json!(false),
        ),
    ] {
        let desk = Desk::with(text);
        let change = plan_install(&desk.target, &alone).unwrap();
        change.apply_install(AT).unwrap();
        assert_eq!(desk.value()["allowManagedHooksOnly"], key);
        assert!(plan_install(&desk.target, &alone).unwrap().is_empty());
        fs::write(&desk.target.settings, desk.text().replace("opus", "haiku")).unwrap();
        desk.uninstall();
        assert_eq!(desk.text(), text.replace("opus", "haiku"));
    }
}

#[test]
fn without_a_record_only_our_entries_go() {
    let desk = Desk::with(WRITTEN);
    desk.install();
    fs::remove_dir_all(&desk.target.state).unwrap();
    desk.uninstall();
    let mut expected: Value = serde_json::from_str(WRITTEN).unwrap();
    // Nobody knows any more whose the switch is, and whether the list was there.
    expected["disableAllHooks"] = json!(false);
    expected["hooks"].as_object_mut().unwrap().remove("Stop");
    assert_eq!(desk.value(), expected);
}

#[test]
fn a_hook_of_ours_is_cut_out_of_an_entry_that_a_person_merged() {
    let desk = Desk::with(
        r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [
            {"type": "command", "command": "/opt/aegis-hook", "args": []},
            {"type": "command", "command": "./mine"}]}]}}"#,
    );
    desk.uninstall();
    let expected = json!({"hooks": {"PreToolUse": [{"matcher": "Bash",
        "hooks": [{"type": "command", "command": "./mine"}]}]}});
    assert_eq!(desk.value(), expected);
}

#[test]
fn hooks_that_were_switched_off_are_on_while_installed() {
    let text = "{\n  \"disableAllHooks\": true\n}\n";
    let desk = Desk::with(text);
    let change = plan_install(&desk.target, &ours(660)).unwrap();
    assert_eq!(change.notes(), [Note::HooksWereOff]);
    change.apply_install(AT).unwrap();
    assert_eq!(desk.value()["disableAllHooks"], false);
    fs::write(&desk.target.settings, format!("{}\n", desk.text())).unwrap();
    desk.uninstall();
    assert_eq!(desk.text(), format!("{text}\n"));
}

#[test]
fn a_plan_writes_nothing_and_shows_what_it_would_do() {
    let desk = Desk::with(WRITTEN);
    let change = plan_install(&desk.target, &ours(660)).unwrap();
    assert!(
        change
            .difference()
            .contains("+    \"disableAllHooks\": false")
    );
    assert_eq!(change.notes(), [Note::OtherHooks { count: 2 }]);
    assert_eq!(desk.text(), WRITTEN);
    assert!(!desk.target.state.exists());
}

#[test]
fn a_backup_holds_the_file_as_it_was() {
    let desk = Desk::with(WRITTEN);
    let backup = desk.install().unwrap();
    assert_eq!(fs::read_to_string(&backup).unwrap(), WRITTEN);
    let name = backup.file_name().unwrap().to_str().unwrap();
    assert!(name.ends_with("-20261118T110640.123Z.json"), "{name}");
    let mode = fs::metadata(backup.parent().unwrap())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_file_that_changed_between_plan_and_write_is_left_alone() {
    let desk = Desk::with(WRITTEN);
    let change = plan_install(&desk.target, &ours(660)).unwrap();
    fs::write(&desk.target.settings, "{\"theirs\": 1}").unwrap();
    let error = change.apply_install(AT).unwrap_err();
    assert!(
        matches!(
            error,
            InstallError::Settings(SettingsFileError::ChangedMeanwhile { .. })
        ),
        "{error}"
    );
    assert_eq!(desk.text(), "{\"theirs\": 1}");
}

#[test]
fn text_that_is_no_json_is_refused_with_its_place() {
    for (text, place) in [
        ("{\n  // mine\n  \"a\": 1\n}", "line 2, column 3"),
        ("{\n  \"a\": 1,\n}", "line 3, column 1"),
        ("{\"a\": 1, \"a\": 2}", "line 1, column 10"),
    ] {
        let desk = Desk::with(text);
        let error = desk.refused();
        assert!(
            matches!(error, SettingsFileError::NotJson { .. }),
            "{error}"
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.ends_with(place), "{cause}");
        assert_eq!(desk.text(), text);
    }
}

#[test]
fn parts_of_another_kind_are_refused_with_their_line() {
    for (text, key, line) in [
        ("[]", "the whole", 1),
        ("{\n\"hooks\": []}", "hooks", 2),
        ("{\"hooks\": {\n\n\"Stop\": {}}}", "hooks.Stop", 3),
        ("{\"disableAllHooks\": \"no\"}", "disableAllHooks", 1),
    ] {
        let error = Desk::with(text).refused();
        let SettingsFileError::WrongKind {
            key: found,
            line: at,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((found.as_str(), at), (key, line));
    }
}

#[test]
fn nothing_is_kept_where_a_link_leads() {
    for name in ["installs", "backups", "."] {
        let desk = Desk::with(WRITTEN);
        let elsewhere = desk.folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let link: PathBuf = desk.target.state.join(name).components().collect();
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&elsewhere, &link).unwrap();
        match plan_install(&desk.target, &ours(660)) {
            Err(InstallError::Link { path }) => assert_eq!(path, link),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        assert_eq!(desk.text(), WRITTEN);
    }
}

#[test]
fn links_are_not_followed() {
    let desk = Desk::new();
    let elsewhere = desk.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("settings.json"), "{}").unwrap();
    let claude = desk.target.settings.parent().unwrap();
    symlink(&elsewhere, claude).unwrap();
    assert!(matches!(desk.refused(), SettingsFileError::Link { .. }));

    fs::remove_file(claude).unwrap();
    fs::create_dir(claude).unwrap();
    symlink(elsewhere.join("settings.json"), &desk.target.settings).unwrap();
    assert!(matches!(desk.refused(), SettingsFileError::Link { .. }));
    assert_eq!(
        fs::read_to_string(elsewhere.join("settings.json")).unwrap(),
        "{}"
    );
}

#[test]
fn what_is_not_ours_or_read_only_is_refused() {
    let desk = Desk::with("{}");
    let is_root = fs::metadata("/proc/self").is_ok_and(|found| {
        use std::os::unix::fs::MetadataExt;
        found.uid() == 0
    });
    if is_root {
        std::os::unix::fs::chown(&desk.target.settings, Some(65_534), None).unwrap();
        assert!(matches!(
            desk.refused(),
            SettingsFileError::NotOurs { owner: 65_534, .. }
        ));
        std::os::unix::fs::chown(&desk.target.settings, Some(0), None).unwrap();
    }
    fs::set_permissions(&desk.target.settings, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(matches!(desk.refused(), SettingsFileError::ReadOnly { .. }));
}

#[test]
fn the_time_out_is_longer_than_the_longest_approval() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("aegis-hook");
    let longest = DurationMs::from_ms(600_001);
    let error = registration(&program, longest).unwrap_err();
    assert!(matches!(error, InstallError::NoProgram { .. }), "{error}");
    fs::write(&program, "").unwrap();
    assert!(registration(&program, longest).is_err());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let registration = registration(&program, longest).unwrap();
    assert_eq!(registration.decision_timeout.as_secs(), 661);
    let error = aegis_host::registration(Path::new("aegis-hook"), longest).unwrap_err();
    assert!(matches!(error, InstallError::Path { .. }), "{error}");
}
