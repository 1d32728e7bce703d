//! Installing into a real client, proving it there, and taking it out again.

use std::fs;
use std::path::PathBuf;

use super::governed::Governed;
use super::stage::{CLOSED, OPEN, Stage, check};

/// Settings as a person wrote them.
const OWN: &str = "{\n    \"model\": \"opus\",   \"permissions\": {\"allow\": [\"Bash(ls)\"]}\n}";

fn settings(stage: &Stage) -> PathBuf {
    stage.home().join(".claude/settings.json")
}

fn with_own_settings(stage: &Stage) -> Governed<'_> {
    let governed = Governed::prepared(stage, "");
    fs::create_dir_all(settings(stage).parent().unwrap()).unwrap();
    fs::write(settings(stage), OWN).unwrap();
    governed
}

#[test]
fn a_client_that_fails_open_is_installed_into_only_by_consent() {
    check([(OPEN, false), (CLOSED, true)], |stage| {
        let governed = with_own_settings(stage);
        let is_installed = governed.install(&["--no-proof"]).status.success();
        let is_changed = fs::read_to_string(settings(stage)).unwrap() != OWN;
        assert_eq!(is_installed, is_changed);

        let consented = governed.install(&["--no-proof", "--accept-fail-open"]);
        assert!(consented.status.success(), "{consented:?}");
        is_installed
    });
}

#[test]
fn an_installation_proves_itself_in_the_client_and_comes_out_whole() {
    check(
        [(OPEN, OWN.to_owned()), (CLOSED, OWN.to_owned())],
        |stage| {
            let governed = with_own_settings(stage);
            let installed = governed.install(&["--accept-fail-open", "--json"]);
            assert!(installed.status.success(), "{installed:?}");
            let text = fs::read_to_string(settings(stage)).unwrap();
            assert!(text.contains("aegis-hook"), "{text}");
            // The proof leaves nothing in the folder it was started from.
            assert_eq!(fs::read_dir(stage.work()).unwrap().count(), 0);

            let removed = governed.aegis(&["uninstall", "claude-code", "--user"]);
            assert!(removed.status.success(), "{removed:?}");
            fs::read_to_string(settings(stage)).unwrap()
        },
    );
}

#[test]
fn doctor_finds_the_project_that_switches_the_hooks_of_the_user_off() {
    check([(OPEN, [false, true]), (CLOSED, [false, true])], |stage| {
        let governed = Governed::on(stage, "");
        let is_found = || {
            let output = governed.aegis(&["doctor"]);
            let text = String::from_utf8(output.stdout).unwrap();
            text.contains("switches every hook off")
        };
        let before = is_found();
        let closer = stage.work().join(".claude/settings.json");
        fs::create_dir_all(closer.parent().unwrap()).unwrap();
        fs::write(closer, "{\"disableAllHooks\": true}").unwrap();
        [before, is_found()]
    });
}
