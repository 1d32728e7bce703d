//! The files that `init` makes for projects of several kinds.

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
