//! The tree of a service in a folder, as for a package.

use super::stage::Stage;

#[test]
fn a_tree_in_a_folder_comes_and_goes() {
    let stage = Stage::new();
    stage.write("root/etc/claude-code/managed-settings.json", "{}\n");
    let root = stage.path("root");
    let root = root.to_str().unwrap();
    let words = |verb| [verb, "service", "--root", root];
    let preview = stage
        .aegis_beside_hook(&[&words("install")[..], &["--dry-run"]].concat())
        .exits(0);
    assert!(!stage.path("root/usr").exists());
    let made = stage.aegis_beside_hook(&words("install")).exits(0);
    let unit = stage.read("root/etc/systemd/system/aegis.service");
    let again = stage.aegis_beside_hook(&words("install")).exits(0);
    let removed = stage.aegis_beside_hook(&words("uninstall")).exits(0);
    let nothing = stage.aegis_beside_hook(&words("uninstall")).exits(0);
    stage.shows("service", &[&preview, &made, &again, &removed, &nothing]);
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("service-unit", unit);
    });
    let left: Vec<_> = std::fs::read_dir(stage.path("root"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["etc"]);
    assert_eq!(
        stage.read("root/etc/claude-code/managed-settings.json"),
        "{}\n"
    );
}

#[test]
fn the_unit_of_a_user_comes_and_goes() {
    let stage = Stage::new();
    let agent = stage.aegis_with(&["install", "daemon"], &[("CLAUDECODE", "1")]);
    assert!(agent.exits(1).err.contains("an agent may not change"));
    let told = [
        stage.aegis(&["install", "daemon", "--dry-run"]).exits(0),
        stage.aegis(&["install", "daemon"]).exits(0),
        stage.aegis(&["install", "daemon", "--no-start"]).exits(0),
        stage.aegis(&["uninstall", "daemon"]).exits(0),
        stage.aegis(&["uninstall", "daemon"]).exits(0),
    ];
    stage.shows("service-of-user", &told.iter().collect::<Vec<_>>());
    let unit = stage.path("home/.config/systemd/user/aegis.service");
    assert!(!unit.exists());
    let home = stage.path("home/elsewhere");
    let variables = [("AEGIS_HOME", home.to_str().unwrap())];
    stage
        .aegis_with(&["install", "daemon"], &variables)
        .exits(0);
    let text = std::fs::read_to_string(&unit).unwrap();
    let line = format!("Environment=\"AEGIS_HOME={}\"", home.display());
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[test]
fn what_the_unit_of_a_user_starts_answers_beside_the_log() {
    let stage = Stage::with_policy();
    stage.aegis(&["install", "daemon"]).exits(0);
    let unit = stage.read("home/.config/systemd/user/aegis.service");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let words: Vec<&str> = line.unwrap().split('"').collect();
    let ["", program, " serve"] = words.as_slice() else {
        panic!("{line:?}");
    };
    let program = std::path::Path::new(program);
    let _running = super::running::Running::start(&stage, program, &["serve"], "unix:");
    stage.aegis(&["daemon", "status"]).exits(0);
}
