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
