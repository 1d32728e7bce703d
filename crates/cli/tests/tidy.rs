//! The structure of the project, kept by tests: layers, sizes, words, pages.

#![allow(missing_docs, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aegis_types::Reason;

/// The layer of each crate; it may depend on lower ones only.
const LAYERS: &[(&str, u8)] = &[
    ("canon", 0),
    ("types", 1),
    ("shell", 2),
    ("redact", 2),
    ("policy", 3),
    ("engine", 4),
    ("log", 4),
    ("api", 4),
    ("gate", 5),
    ("tls", 5),
    ("hook", 6),
    ("mcp", 6),
    ("server", 6),
    ("script", 6),
    ("sim", 6),
    ("python", 6),
    ("host", 6),
    ("channel", 6),
    ("telemetry", 6),
    ("scan", 6),
    ("cli", 7),
];

/// The greatest number of lines of a file before its tests.
const LINES_MAX: usize = 600;

/// What the small program must not grow: argument parsers, async runtimes, other engines.
const NOT_IN_HOOK: &[&str] = &[
    "anstream",
    "anyhow",
    "clap",
    "regorus",
    "reqwest",
    "ring",
    "rustls",
    "starlark",
    "tokio",
    "tracing",
    "annotate-snippets",
];

/// The greatest number of packages that the small program is built of.
const HOOK_PACKAGES_MAX: usize = 90;

/// The most inputs of a fuzz target that are kept, and their bytes together.
const INPUTS_MAX: usize = 300;
const INPUT_BYTES_MAX: usize = 256 * 1024;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Returns the files that git tracks, or would, relative to the root.
fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git lists the files");
    let text = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<PathBuf> = text
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|name| root().join(name).is_file())
        .collect();
    assert!(files.len() > 50, "the list holds the project");
    files
}

fn rust_files() -> Vec<(PathBuf, String)> {
    tracked()
        .into_iter()
        .filter(|name| name.extension().is_some_and(|ending| ending == "rs"))
        .map(|name| {
            let text = fs::read_to_string(root().join(&name)).unwrap();
            (name, text)
        })
        .collect()
}

fn layer(name: &str) -> u8 {
    let found = LAYERS.iter().find(|(known, _)| *known == name);
    found
        .unwrap_or_else(|| panic!("the crate `{name}` has no layer"))
        .1
}

#[test]
fn every_crate_depends_on_lower_layers_only() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let normal = manifest.split("[dev-dependencies]").next().unwrap();
        for line in normal.lines() {
            let Some(dependency) = line.strip_prefix("aegis-") else {
                continue;
            };
            let dependency = dependency.split([' ', '=', '.']).next().unwrap();
            assert!(
                layer(dependency) < layer(&name),
                "`{name}` (layer {}) depends on `{dependency}` (layer {})",
                layer(&name),
                layer(dependency)
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "the manifests were read");
}

#[test]
fn nothing_above_the_gate_writes_the_log() {
    let writes = ["Batch {", "SqliteLog::open(", "MemoryLog::append("];
    let mut seen = 0;
    for (name, text) in rust_files() {
        let mut parts = name.components().map(|part| part.as_os_str());
        let (top, owner, kind) = (parts.next(), parts.next(), parts.next());
        if top != Some("crates".as_ref()) || kind != Some("src".as_ref()) {
            continue;
        }
        if layer(owner.unwrap().to_str().unwrap()) <= layer("gate") {
            continue;
        }
        seen += 1;
        for write in writes {
            assert!(
                !text.contains(write),
                "{} says `{write}`: only the gate writes",
                name.display()
            );
        }
    }
    assert!(seen > 50, "the edges were read");
}

#[test]
fn no_file_is_longer_than_it_may_be() {
    for (name, text) in rust_files() {
        let in_tests = name.components().any(|part| {
            matches!(
                part.as_os_str().to_str(),
                Some("tests" | "benches" | "examples" | "fuzz")
            )
        });
        if in_tests {
            continue;
        }
        let lines = text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .count();
        assert!(
            lines <= LINES_MAX,
            "{} has {lines} lines before its tests",
            name.display()
        );
    }
}

#[test]
fn no_path_of_a_crate_is_deeper_than_an_area_and_a_file() {
    for (name, _) in rust_files() {
        let parts: Vec<_> = name.components().collect();
        if name.starts_with("crates") && name.components().nth(2).unwrap().as_os_str() == "src" {
            assert!(parts.len() <= 5, "{} is too deep", name.display());
            assert!(
                !name.ends_with("mod.rs"),
                "{} is a `mod.rs`",
                name.display()
            );
        }
    }
}

#[test]
fn every_lib_file_holds_no_code() {
    for (name, text) in rust_files() {
        if !(name.starts_with("crates") && name.ends_with("src/lib.rs")) {
            continue;
        }
        for word in ["fn ", "struct ", "enum ", "impl ", "trait "] {
            let found = text
                .lines()
                .any(|line| line.starts_with(word) || line.starts_with(&format!("pub {word}")));
            assert!(!found, "{} holds a `{word}`", name.display());
        }
    }
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let banned: BTreeSet<&str> = [
        "util", "utils", "common", "helper", "helpers", "misc", "core", "base",
    ]
    .into_iter()
    .collect();
    for name in tracked() {
        let stem = name.file_stem().unwrap().to_str().unwrap();
        assert!(!banned.contains(stem), "{} names no idea", name.display());
    }
}

/// Returns the words of an identifier: `HookManager` has `Hook` and `Manager`.
fn type_names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        // What a trait calls a type of its own is not ours to name.
        let is_inner = line.starts_with(' ') && line.trim_start().starts_with("type ");
        let line = if is_inner { "" } else { line.trim_start() };
        let line = line
            .strip_prefix("pub(crate) ")
            .or(line.strip_prefix("pub "))
            .unwrap_or(line);
        ["struct ", "enum ", "trait ", "type "]
            .iter()
            .find_map(|keyword| line.strip_prefix(keyword))
            .map(|rest| {
                rest.split(|letter: char| !letter.is_alphanumeric())
                    .next()
                    .unwrap()
            })
    })
}

#[test]
fn no_type_has_a_name_that_says_nothing() {
    let endings = [
        "Manager",
        "Handler",
        "Service",
        "Processor",
        "Helper",
        "Util",
        "Info",
        "Data",
        "Impl",
    ];
    for (name, text) in rust_files() {
        for found in type_names(&text) {
            let banned = endings.iter().find(|ending| found.ends_with(*ending));
            assert!(
                banned.is_none(),
                "{} has the type `{found}`",
                name.display()
            );
        }
    }
}

#[test]
fn the_project_speaks_of_itself_only() {
    // Put together here, so that this file does not hold them.
    let banned: Vec<String> = [
        ["../sha", "red"],
        ["crates.", "io"],
        ["pypi.", "org"],
        ["npm", "js"],
        ["farm-", "studio"],
        ["farm-", "bench"],
    ]
    .iter()
    .map(|parts| parts.concat())
    .collect();
    for name in tracked() {
        let exempt = name.starts_with("xtask")
            || name.starts_with(".ci")
            || name.ends_with("Cargo.lock")
            || name.extension().is_some_and(|ending| ending == "db");
        if exempt {
            continue;
        }
        // What is no text may hold the words all the same.
        let text = fs::read(root().join(&name)).unwrap();
        let text = String::from_utf8_lossy(&text);
        for word in &banned {
            assert!(
                !text.contains(word.as_str()),
                "{} says `{word}`",
                name.display()
            );
        }
    }
}

#[test]
fn kept_inputs_are_few_small_texts() {
    let mut kept: BTreeMap<PathBuf, (usize, usize)> = BTreeMap::new();
    for name in tracked() {
        if !name.starts_with("fuzz/corpus") {
            continue;
        }
        let text = fs::read_to_string(root().join(&name));
        let text = text.unwrap_or_else(|_| panic!("{} is no text", name.display()));
        let (files, bytes) = kept.entry(name.parent().unwrap().into()).or_default();
        *files += 1;
        *bytes += text.len();
    }
    assert!(!kept.is_empty(), "inputs are kept");
    for (folder, (files, bytes)) in kept {
        let is_small = files <= INPUTS_MAX && bytes <= INPUT_BYTES_MAX;
        assert!(is_small, "{}: {files}, {bytes} bytes", folder.display());
    }
}

#[test]
fn every_reason_has_a_page_and_every_page_a_reason() {
    let mut pages: BTreeSet<String> = fs::read_dir(root().join("docs/reasons"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    for reason in Reason::ALL {
        assert!(pages.remove(reason.as_str()), "{reason} has no page");
        let page = root().join("docs/reasons").join(format!("{reason}.md"));
        let text = fs::read_to_string(page).unwrap();
        for part in [
            "## Meaning",
            "## Why it fires",
            "## What the agent can do",
            "## What the person can do",
        ] {
            assert!(text.contains(part), "the page of {reason} lacks `{part}`");
        }
    }
    assert!(pages.is_empty(), "pages without a reason: {pages:?}");
}

#[test]
fn nothing_is_left_to_do_without_an_issue() {
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["todo", "!("].concat(),
    ];
    for (name, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            let left = marks.iter().any(|mark| line.contains(mark.as_str()))
                && !line.contains(&format!("{}(#", marks[0]));
            assert!(!left, "{}:{}: {line}", name.display(), number + 1);
        }
    }
}

#[test]
fn no_test_is_ignored() {
    let mark = ["#[", "ignore"].concat();
    for (name, text) in rust_files() {
        assert!(!text.contains(&mark), "{} ignores a test", name.display());
    }
}

#[test]
fn the_hook_program_stays_small() {
    let listed = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "aegis-hook",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        listed.status.success(),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let text = String::from_utf8(listed.stdout).unwrap();
    let packages: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for banned in NOT_IN_HOOK {
        assert!(
            !packages.contains(banned),
            "the hook program holds `{banned}`"
        );
    }
    assert!(
        packages.len() <= HOOK_PACKAGES_MAX,
        "the hook program is built of {} packages: {packages:?}",
        packages.len()
    );
}

#[test]
fn every_document_named_in_a_document_exists() {
    let mut missing = BTreeMap::new();
    for name in tracked() {
        if name.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = fs::read_to_string(root().join(&name)).unwrap();
        for reference in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
        {
            if reference.is_empty() || reference.contains("://") || reference.contains(' ') {
                continue;
            }
            let place = root().join(&name).parent().unwrap().join(reference);
            if !place.exists() {
                missing.insert(reference.to_owned(), name.clone());
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Returns what stands in backticks in `text` and could be the name of a test.
fn named_tests(text: &str) -> impl Iterator<Item = &str> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.len() > 16 && name.matches('_').count() > 2)
        .filter(|name| {
            name.chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
        })
}

#[test]
fn every_test_named_in_a_document_exists() {
    let sources: String = rust_files().into_iter().map(|(_, text)| text).collect();
    let mut missing = Vec::new();
    let mut seen = 0;
    for page in ["threat-model.md", "weaknesses.md", "hook-failures.md"] {
        let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
        for name in named_tests(&text) {
            seen += 1;
            if !sources.contains(&format!("fn {name}(")) {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(seen > 60, "the documents name tests");
    assert!(missing.is_empty(), "{missing:#?}");
}
