//! Which settings file decides whether the client runs any hook at all.
//!
//! A file of the project counts for more than one of the user, so a pin in the
//! user's settings holds only until a project says otherwise.

use std::fs;
use std::path::Path;

use aegis_host::{Mode, Script, ScriptedModel, Turn};
use serde_json::{Value, json};

use super::contract::{Fate, denying, hooked, one_step};
use super::stage::{CLOSED, OPEN, Stage, check, shell};

const PROJECT: &str = ".claude/settings.json";
const LOCAL: &str = ".claude/settings.local.json";

fn put(folder: &Path, name: &str, settings: &Value) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, settings.to_string()).unwrap();
}

/// Settings that deny the one step, and pin hooks on.
fn pinned() -> Value {
    let mut settings = hooked(denying("started.txt"));
    settings["disableAllHooks"] = false.into();
    settings
}

fn fate(stage: &Stage, model: &ScriptedModel) -> Fate {
    let session = stage.session(model).mode(Mode::BypassPermissions);
    session.play("go").unwrap();
    match stage.read("started.txt") {
        Some(_) => Fate::Ran,
        None => Fate::Refused,
    }
}

#[test]
fn the_closest_settings_file_says_whether_hooks_are_on() {
    use Fate::{Ran, Refused};
    let off = json!({"disableAllHooks": true});
    let on = json!({"disableAllHooks": false});
    for (user, project, local, expected) in [
        (pinned(), json!({}), json!({}), Refused),
        (pinned(), off.clone(), json!({}), Ran),
        (pinned(), json!({}), off.clone(), Ran),
        (pinned(), off.clone(), on, Refused),
        (off.clone(), pinned(), json!({}), Refused),
        (json!({}), pinned(), off, Ran),
    ] {
        check([(OPEN, expected), (CLOSED, expected)], |stage| {
            put(&stage.home(), PROJECT, &user);
            put(&stage.work(), PROJECT, &project);
            put(&stage.work(), LOCAL, &local);
            fate(stage, &one_step())
        });
    }
}

#[test]
fn a_change_midway_switches_hooks_off_unless_a_hook_blocks_it() {
    use Fate::{Ran, Refused};
    let block = json!({
        "type": "command",
        "command": r#"printf '{"decision": "block", "reason": "hooks stay on"}'"#,
    });
    for (hook, open, closed) in [(None, Refused, Ran), (Some(block), Refused, Refused)] {
        check([(OPEN, open), (CLOSED, closed)], |stage| {
            let mut settings = pinned();
            if let Some(hook) = &hook {
                settings["hooks"]["ConfigChange"] = json!([{"hooks": [hook]}]);
            }
            put(&stage.home(), PROJECT, &settings);
            // The client looks at its files now and then; the tool gives it time.
            let off = format!("mkdir .claude && echo '{{\"disableAllHooks\": true}}' > {LOCAL}");
            let turns = [
                Turn::uses([shell(&format!("{off}; sleep 2.5"))]),
                Turn::uses([shell("echo started > started.txt")]),
                Turn::says("finished"),
            ];
            fate(stage, &ScriptedModel::start(Script::of(turns)).unwrap())
        });
    }
}
