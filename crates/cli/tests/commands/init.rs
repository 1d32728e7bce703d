//! The files that `init` makes for projects of several kinds.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::stage::Stage;

/// Projects by their files, each with a text of its own.
const PROJECTS: [(&str, &[(&str, &str)]); 6] = [
    (
        "python",
        &[("pyproject.toml", "[project]\nname = 'shop'\n")],
    ),
    (
        "node",
        &[
            ("package.json", "{\"name\": \"shop\"}\n"),
            (".github/workflows/build.yml", "on: push\n"),
        ],
    ),
    (
        "rust-and-go",
        &[
            ("Cargo.toml", "[workspace]\n"),
            ("go.mod", "module shop\n"),
            (
                "Makefile",
                "build:\n\tcargo build\n\ndeploy: build\n\t./deploy\n",
            ),
        ],
    ),
    (
        "dotnet",
        &[
            ("shop.sln", "\n"),
            (".gitlab-ci.yml", "build: {script: dotnet build}\n"),
            ("azure-pipelines.yml", "steps: []\n"),
        ],
    ),
    (
        "with-permissions",
        &[
            ("Gemfile", "source 'x'\n"),
            (
                ".claude/settings.json",
                "{\"permissions\": {\"allow\": [\"Bash(ls:*)\"]}}\n",
            ),
        ],
    ),
    ("empty", &[("notes.txt", "nothing\n")]),
];

#[test]
fn what_it_makes_fits_the_project_and_passes_its_own_tests() {
    let mut told = Vec::new();
    let stages: Vec<Stage> = PROJECTS.iter().map(|_| Stage::new()).collect();
    for ((_, files), stage) in PROJECTS.iter().zip(&stages) {
        for (file, text) in *files {
            stage.write(&format!("work/{file}"), text);
        }
        told.push(stage.aegis(&["init"]).exits(0));
        stage.aegis(&["policy", "check"]).exits(0);
        stage
            .aegis(&["policy", "lint", ".aegis/policy.yaml"])
            .exits(0);
        stage.aegis(&["policy", "test"]).exits(0);
        told.push(stage.aegis(&["policy", "test", "--coverage"]).exits(0));
    }
    stages[0].shows("init-projects", &told.iter().collect::<Vec<_>>());
}

#[test]
fn what_a_project_brings_has_no_say_in_what_is_written() {
    let stage = Stage::new();
    stage.write(
        "work/x\nmode: observe\ndefault: allow\ndescription: |\n  .sln",
        "",
    );
    stage.write("work/package.json/index", "");
    stage.aegis(&["init"]).exits(0);
    let policy = stage.read("work/.aegis/policy.yaml");
    assert!(policy.contains("# *.sln is there") && !policy.contains("mode:"));
    assert!(!policy.contains("aegis:node"));
    stage.aegis(&["policy", "test"]).exits(0);

    let stage = Stage::new();
    stage.write("home/victim/policy.yaml", "theirs\n");
    symlink(stage.path("home/victim"), stage.path("work/.aegis")).unwrap();
    let refused = stage.aegis(&["init", "--force"]).exits(3);
    assert_eq!(stage.read("home/victim/policy.yaml"), "theirs\n");
    fs::remove_file(stage.path("work/.aegis")).unwrap();
    fs::create_dir(stage.path("work/.aegis")).unwrap();
    let link = stage.path("work/.aegis/policy.yaml");
    symlink(stage.path("home/victim/policy.yaml"), link).unwrap();
    let again = stage.aegis(&["init", "--force"]).exits(3);
    assert_eq!(stage.read("home/victim/policy.yaml"), "theirs\n");
    stage.shows("init-links", &[&refused, &again]);
}

#[test]
fn a_file_that_says_more_of_the_project_and_cannot_be_read_is_told() {
    let stage = Stage::new();
    stage.write("work/Makefile", "deploy:\n\t./deploy\n");
    let makefile = stage.path("work/Makefile");
    fs::set_permissions(&makefile, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads it all the same.
    let is_read = fs::read(&makefile).is_ok();
    let told = stage.aegis(&["init", "--json"]).exits(0);
    let unread: &[&str] = if is_read { &[] } else { &["Makefile"] };
    assert_eq!(told.json()["unread"], serde_json::json!(unread));
}
