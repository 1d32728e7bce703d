//! What a project is made of, as far as its files show.

pub(crate) mod policy;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// The most bytes of a file that are looked at.
const LOOK_BYTES_MAX: u64 = 1 << 20;

/// A language, by the files that its projects have.
struct Language {
    name: &'static str,
    /// The pack for it.
    pack: &'static str,
    files: &'static [&'static str],
    /// A command that the pack allows.
    test: &'static str,
}

const LANGUAGES: [Language; 7] = [
    Language {
        name: "Rust",
        pack: "aegis:rust",
        files: &["Cargo.toml"],
        test: "cargo test",
    },
    Language {
        name: "Python",
        pack: "aegis:python",
        files: &[
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "requirements.txt",
            "Pipfile",
            "tox.ini",
        ],
        test: "pytest -q",
    },
    Language {
        name: "JavaScript",
        pack: "aegis:node",
        files: &["package.json", "deno.json", "bunfig.toml"],
        test: "npm test",
    },
    Language {
        name: "Go",
        pack: "aegis:go",
        files: &["go.mod", "go.work"],
        test: "go test ./...",
    },
    Language {
        name: "Ruby",
        pack: "aegis:ruby",
        files: &["Gemfile", "Rakefile"],
        test: "bundle exec rspec",
    },
    Language {
        name: "Java",
        pack: "aegis:java",
        files: &["pom.xml", "build.gradle", "build.gradle.kts"],
        test: "mvn test",
    },
    Language {
        name: ".NET",
        pack: "aegis:dotnet",
        files: &["*.sln", "*.csproj", "*.fsproj", "global.json"],
        test: "dotnet test",
    },
];

/// Files that run by themselves when a change is pushed, with the globs that
/// tell them.
const PIPELINES: [(&str, &str); 6] = [
    (".github/workflows", "./.github/workflows/**"),
    (".gitlab-ci.yml", "./.gitlab-ci.yml"),
    (".circleci", "./.circleci/**"),
    ("Jenkinsfile", "./Jenkinsfile"),
    ("azure-pipelines.yml", "./azure-pipelines.yml"),
    (".drone.yml", "./.drone.yml"),
];

/// Files in which targets stand.
const MAKEFILES: [&str; 3] = ["Makefile", "makefile", "GNUmakefile"];

/// Settings of Claude Code that may hold permissions.
const HOST_SETTINGS: [&str; 2] = [".claude/settings.json", ".claude/settings.local.json"];

/// A language that was found.
pub(crate) struct Found {
    /// Its name.
    pub(crate) name: &'static str,
    /// The pack for it.
    pub(crate) pack: &'static str,
    /// The name, or the ending, of the file that shows it.
    pub(crate) file: &'static str,
    /// A command that the pack allows.
    pub(crate) test: &'static str,
}

/// What a project is made of.
#[derive(Default)]
pub(crate) struct Project {
    /// Its languages.
    pub(crate) languages: Vec<Found>,
    /// Its pipelines: what shows each, and a glob for its files.
    pub(crate) pipelines: Vec<(&'static str, &'static str)>,
    /// The file in which a target `deploy` stands.
    pub(crate) deploys: Option<&'static str>,
    /// Settings of Claude Code with permissions of their own.
    pub(crate) host_settings: Vec<&'static str>,
    /// Files that say more of it and cannot be read.
    pub(crate) unread: Vec<&'static str>,
}

impl Project {
    /// Looks at the top of `folder`.
    pub(crate) fn look(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        let fits = |name: &str, wanted: &str| match wanted.strip_prefix('*') {
            Some(ending) => name.ends_with(ending),
            None => name == wanted,
        };
        let languages = LANGUAGES.iter().filter_map(|language| {
            let mut wanted = language.files.iter();
            // Whoever named a file of the project has no say in what is written.
            let file = wanted.find(|wanted| names.iter().any(|name| fits(name, wanted)))?;
            Some(Found {
                name: language.name,
                pack: language.pack,
                file,
                test: language.test,
            })
        });
        let read = |file: &str| beginning(&folder.join(file));
        let has_target = |file: &&str| {
            let text = read(file).unwrap_or_default();
            text.lines().any(|line| line.starts_with("deploy:"))
        };
        let has_permissions =
            |file: &&str| read(file).is_ok_and(|text| text.contains("\"permissions\""));
        let looked_at = MAKEFILES.into_iter().chain(HOST_SETTINGS);
        Self {
            languages: languages.collect(),
            pipelines: PIPELINES
                .into_iter()
                .filter(|(shown, _)| folder.join(shown).exists())
                .collect(),
            deploys: MAKEFILES.into_iter().find(has_target),
            host_settings: HOST_SETTINGS.into_iter().filter(has_permissions).collect(),
            unread: looked_at.filter(|file| read(file).is_err()).collect(),
        }
    }
}

/// Returns the beginning of a regular file, as far as it is text; nothing where there
/// is none.
fn beginning(path: &Path) -> io::Result<String> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|kind| kind.is_file());
    let mut bytes = Vec::new();
    if is_file {
        File::open(path)?
            .take(LOOK_BYTES_MAX)
            .read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
