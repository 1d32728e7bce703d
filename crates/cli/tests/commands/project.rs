//! The files of a project, and the trust in them.

use super::stage::Stage;

#[test]
fn a_project_is_begun_once_and_begun_anew_only_by_force() {
    let stage = Stage::new();
    let first = stage.aegis(&["init"]).exits(0);
    stage.write("work/.aegis/policy.yaml", "# mine\n");
    let second = stage.aegis(&["init"]).exits(0);
    assert_eq!(stage.read("work/.aegis/policy.yaml"), "# mine\n");
    let third = stage.aegis(&["init", "--force"]).exits(0);
    assert!(
        stage
            .read("work/.aegis/policy.yaml")
            .contains("aegis: policy/v1")
    );
    stage.shows("init", &[&first, &second, &third]);
    for folder in ["scenarios", "reports"] {
        assert!(stage.path("work/.aegis").join(folder).is_dir());
    }
}

#[test]
fn what_init_makes_can_be_used_as_it_is() {
    let stage = Stage::new();
    stage.aegis(&["init"]).exits(0);
    stage.aegis(&["policy", "check"]).exits(0);
    stage.aegis(&["validate", ".aegis"]).exits(0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let stage = Stage::new();
    stage.write("work/.aegis", "a file where the folder should be");
    let told = stage.aegis(&["init"]).exits(3);
    stage.shows("init-no-folder", &[&told]);
}

#[test]
fn trust_is_given_listed_and_withdrawn() {
    let stage = Stage::new();
    stage.aegis(&["init"]).exits(0);
    let told = [
        stage.aegis(&["trust", "--list"]).exits(0),
        stage.aegis(&["trust"]).exits(0),
        stage.aegis(&["trust", ".aegis/policy.yaml"]).exits(0),
        stage.aegis(&["trust", "--list"]).exits(0),
        stage.aegis(&["trust", "--revoke"]).exits(0),
        stage.aegis(&["trust", "--revoke"]).exits(0),
        stage.aegis(&["trust", "--list"]).exits(0),
    ];
    stage.shows("trust", &told.iter().collect::<Vec<_>>());
}

#[test]
fn trust_ends_with_the_first_changed_byte() {
    let stage = Stage::new();
    stage.write(
        "work/.aegis/policy.yaml",
        "aegis: policy/v1\nname: here\ndefault: allow\nrules:\n  \
         - {id: lists, match: {tool: Bash, shell: {program: ls}}, verdict: allow}\n",
    );
    let standing = || {
        let json = stage.aegis(&["policy", "show", "--json"]).exits(0).json();
        json["policies"][0]["only_tightens"].as_bool().unwrap()
    };
    assert!(standing());
    stage.aegis(&["trust"]).exits(0);
    assert!(!standing());
    let text = stage.read("work/.aegis/policy.yaml");
    stage.write("work/.aegis/policy.yaml", &(text + "\n"));
    assert!(standing());
}

#[test]
fn what_is_broken_or_missing_cannot_be_trusted() {
    let stage = Stage::new();
    let nothing = stage.aegis(&["trust"]).exits(2);
    stage.write("work/.aegis/policy.yaml", "aegis: policy/v1\nrulez: []\n");
    let broken = stage.aegis(&["trust"]).exits(2);
    let missing = stage.aegis(&["trust", "missing.toml"]).exits(2);
    let both = stage.aegis(&["trust", "--list", "--revoke"]).exits(2);
    stage.shows("trust-refused", &[&nothing, &broken, &missing, &both]);
    assert_eq!(
        stage.aegis(&["trust", "--list"]).out,
        "No file is trusted.\n"
    );
}

#[test]
fn settings_that_cannot_be_read_stop_what_depends_on_them() {
    let stage = Stage::new();
    stage.write("home/.config/aegis/settings.toml", "headles = \"wait\"\n");
    let told = [
        stage
            .aegis(&["policy", "explain", "--command", "ls"])
            .exits(2),
        stage.aegis(&["policy", "show"]).exits(2),
    ];
    stage.shows("settings-broken", &told.iter().collect::<Vec<_>>());
}
