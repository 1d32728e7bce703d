//! A developer's home and project, so that what a command names can be found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aegis_gate::Surroundings;
use anyhow::Result;

/// The folders, below the home folder.
const FOLDERS: &[&str] = &[
    ".aws",
    ".cache/pip",
    ".cargo/bin",
    ".claude/projects",
    ".config/aegis",
    ".config/gh",
    ".config/systemd/user",
    ".docker",
    ".gnupg",
    ".kube",
    ".local/bin",
    ".local/share/aegis/keys",
    ".ssh",
    "Documents/notes",
    "Downloads",
    "other-project/src",
    "project/.claude",
    "project/.git/hooks",
    "project/.git/objects",
    "project/.git/refs/heads",
    "project/.github/workflows",
    "project/build",
    "project/dist",
    "project/docs",
    "project/node_modules/.bin",
    "project/node_modules/left-pad",
    "project/scripts",
    "project/src",
    "project/target/debug",
    "project/tests",
];

/// The files with what they hold, below the home folder.
const FILES: &[(&str, &str)] = &[
    (".aws/credentials", "[default]\n"),
    (".bash_history", "ls\n"),
    (".bashrc", "# shell\n"),
    (".cargo/config.toml", ""),
    (".claude/settings.json", "{}"),
    (".claude/history.jsonl", "{}\n"),
    (".config/aegis/settings.toml", ""),
    (".config/gh/hosts.yml", ""),
    (".docker/config.json", "{}"),
    (".gitconfig", "[user]\n\tname = Ada\n"),
    (".kube/config", "apiVersion: v1\n"),
    (".local/share/aegis/log.db", ""),
    (".local/share/aegis/keys/redaction.key", ""),
    (".netrc", ""),
    (".npmrc", ""),
    (".profile", "# shell\n"),
    (".ssh/authorized_keys", ""),
    (".ssh/config", ""),
    (".ssh/id_ed25519", ""),
    (".ssh/id_ed25519.pub", ""),
    (".ssh/known_hosts", ""),
    (".zshrc", "# shell\n"),
    ("Documents/notes/today.md", "- write\n"),
    ("other-project/README.md", "Another project.\n"),
    ("project/.env", "TOKEN=none\n"),
    ("project/.env.example", "TOKEN=\n"),
    ("project/.git/HEAD", "ref: refs/heads/main\n"),
    (
        "project/.git/config",
        "[core]\n\trepositoryformatversion = 0\n",
    ),
    ("project/.github/workflows/ci.yml", "on: push\n"),
    ("project/.gitignore", "target\nnode_modules\n.env\n"),
    ("project/Cargo.lock", "version = 4\n"),
    (
        "project/Cargo.toml",
        "[package]\nname = \"project\"\nversion = \"0.1.0\"\n",
    ),
    ("project/Dockerfile", "FROM scratch\n"),
    ("project/Makefile", "build:\n\tcargo build\n"),
    ("project/README.md", "A project.\n"),
    ("project/data.csv", "a,b\n1,2\n"),
    ("project/docker-compose.yml", "services: {}\n"),
    ("project/docs/guide.md", "A guide.\n"),
    ("project/file.txt", "text\n"),
    ("project/node_modules/left-pad/index.js", "\n"),
    (
        "project/package.json",
        "{\"name\": \"project\", \"scripts\": {\"build\": \"tsc\", \"test\": \"jest\"}}\n",
    ),
    ("project/package-lock.json", "{}\n"),
    ("project/pyproject.toml", "[project]\nname = \"project\"\n"),
    ("project/requirements.txt", "requests\n"),
    ("project/scripts/release.sh", "#!/bin/sh\necho release\n"),
    ("project/src/app.py", "print('hello')\n"),
    ("project/src/index.ts", "export {};\n"),
    ("project/src/lib.rs", "\n"),
    ("project/src/main.rs", "fn main() {}\n"),
    ("project/target/debug/project", ""),
    ("project/tests/test_app.py", "def test_app():\n    pass\n"),
];

/// Makes the home and the project in `root`, and returns what a process there finds.
///
/// The folder must not lie below `/tmp`, where policies are lenient.
pub fn make(root: &Path) -> Result<Surroundings> {
    let root = fs::canonicalize(root)?;
    let home = root.join("home/dev");
    for folder in FOLDERS {
        fs::create_dir_all(home.join(folder))?;
    }
    for (file, text) in FILES {
        fs::write(home.join(file), text)?;
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let variables = BTreeMap::from([
        ("HOME".to_owned(), text(&home)),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        (
            "PATH".to_owned(),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
        ("SHELL".to_owned(), "/bin/bash".to_owned()),
        ("TERM".to_owned(), "xterm-256color".to_owned()),
        ("USER".to_owned(), "dev".to_owned()),
    ]);
    Ok(Surroundings {
        directory: home.join("project"),
        home,
        variables,
        managed: root.join("etc/aegis"),
        host_managed: root.join("etc/claude-code"),
        programs: vec![PathBuf::from("/usr/local/bin/aegis-hook")],
        ..Surroundings::default()
    })
}
