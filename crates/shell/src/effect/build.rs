//! What compilers, test runners and deployments make a program of.

use aegis_types::{Word, WordPart};

use super::command::{Told, is_dash};
use crate::option::first_text;

/// Compilers: what they are given becomes a program.
const COMPILERS: [&str; 15] = [
    "c++", "cc", "clang", "clang++", "crystal", "g++", "gcc", "gfortran", "ghc", "go", "java",
    "javac", "nim", "rustc", "zig",
];

/// Returns the files whose code a command builds, or runs without being told their names.
///
/// They are looked at for what came from a host: that the text writes one of them
/// is ordinary work.
pub(super) fn sources(told: &Told<'_>) -> Vec<Word> {
    let name = told.name();
    if COMPILERS.contains(&name) {
        return told.command.arguments.clone();
    }
    if name.starts_with("python") {
        return modules(told);
    }
    let first = told.command.arguments.first().map(first_text);
    let usual: &[&str] = match (name, first) {
        (
            "npm" | "pnpm" | "yarn" | "bun",
            Some("run" | "test" | "t" | "start" | "install" | "ci"),
        ) => &["package.json"],
        ("pytest" | "py.test", _) => &["conftest.py"],
        ("tox" | "nox", _) => &["tox.ini", "noxfile.py"],
        ("make" | "gmake", _) => &["GNUmakefile", "makefile"],
        ("ninja", _) => &["build.ninja"],
        ("cmake", _) => &["CMakeLists.txt"],
        ("cargo", Some("build" | "run" | "test" | "check" | "b" | "r" | "t")) => {
            &["build.rs", "src/main.rs", "src/lib.rs"]
        }
        ("gradle" | "gradlew", _) => &["build.gradle", "build.gradle.kts"],
        ("docker" | "podman" | "nerdctl", Some("build" | "buildx")) => &["Dockerfile"],
        ("docker" | "podman" | "nerdctl", Some("compose")) => {
            &["compose.yaml", "docker-compose.yml", "compose.yml"]
        }
        ("uv" | "poetry" | "pipenv" | "pdm", Some("run")) => return told.command.arguments.clone(),
        _ => &[],
    };
    usual.iter().map(|file| here(told, file)).collect()
}

/// Returns whether a command makes what it reads run, elsewhere or in containers.
pub(super) fn takes_input(told: &Told<'_>) -> bool {
    let is_meant = matches!(
        told.name(),
        "kubectl" | "oc" | "k" | "docker" | "podman" | "docker-compose" | "nomad"
    );
    is_meant && told.command.arguments.iter().any(is_dash)
}

/// Returns the files of the modules that Python is told to run.
fn modules(told: &Told<'_>) -> Vec<Word> {
    let mut words = told.command.arguments.iter();
    let named = words.find(|word| first_text(word) == "-m");
    let module = named.and_then(|_| words.next()).and_then(Word::literal);
    let path = module.map(|module| module.replace('.', "/"));
    path.iter()
        .flat_map(|path| [format!("{path}.py"), format!("{path}/__main__.py")])
        .map(|path| here(told, &path))
        .collect()
}

fn here(told: &Told<'_>, file: &str) -> Word {
    Word {
        span: told.program_span(),
        parts: vec![WordPart::Literal(file.to_owned())],
        ..Word::default()
    }
}
