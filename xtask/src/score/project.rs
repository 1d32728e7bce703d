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
    "shop/.claude",
    "shop/.git/hooks",
    "shop/.git/objects",
    "shop/.git/refs/heads",
    "shop/.github/workflows",
    "shop/build",
    "shop/dist",
    "shop/docs",
    "shop/node_modules/.bin",
    "shop/node_modules/left-pad",
    "shop/scripts",
    "shop/src",
    "shop/target/debug",
    "shop/tests",
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
    ("shop/.env", "TOKEN=none\n"),
    ("shop/.env.example", "TOKEN=\n"),
    ("shop/.git/HEAD", "ref: refs/heads/main\n"),
    (
        "shop/.git/config",
        "[core]\n\trepositoryformatversion = 0\n",
    ),
    ("shop/.github/workflows/ci.yml", "on: push\n"),
    ("shop/.gitignore", "target\nnode_modules\n.env\n"),
    ("shop/Cargo.lock", "version = 4\n"),
    (
        "shop/Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n",
    ),
    ("shop/Dockerfile", "FROM scratch\n"),
    ("shop/Makefile", "build:\n\tcargo build\n"),
    ("shop/README.md", "A project.\n"),
    ("shop/data.csv", "a,b\n1,2\n"),
    ("shop/docker-compose.yml", "services: {}\n"),
    ("shop/docs/guide.md", "A guide.\n"),
    ("shop/file.txt", "text\n"),
    ("shop/node_modules/left-pad/index.js", "\n"),
    (
        "shop/package.json",
        "{\"name\": \"shop\", \"scripts\": {\"build\": \"tsc\", \"test\": \"jest\"}}\n",
    ),
    ("shop/package-lock.json", "{}\n"),
    ("shop/pyproject.toml", "[project]\nname = \"shop\"\n"),
    ("shop/requirements.txt", "requests\n"),
    ("shop/scripts/release.sh", "#!/bin/sh\necho release\n"),
    ("shop/src/app.py", "print('hello')\n"),
    ("shop/src/index.ts", "export {};\n"),
    ("shop/src/lib.rs", "\n"),
    ("shop/src/main.rs", "fn main() {}\n"),
    ("shop/target/debug/shop", ""),
    ("shop/tests/test_app.py", "def test_app():\n    pass\n"),
];

/// Makes the home and the project in `root`, and returns what a process there finds.
///
/// The folder must not lie below `/tmp`, where policies are lenient.
pub fn make(root: &Path) -> Result<Surroundings> {
    let root = fs::canonicalize(root)?;
    let home = root.join("home/ada");
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
        ("USER".to_owned(), "ada".to_owned()),
    ]);
    Ok(Surroundings {
        directory: home.join("shop"),
        home,
        variables,
        managed: root.join("etc/aegis"),
        host_managed: root.join("etc/claude-code"),
        programs: vec![PathBuf::from("/usr/local/bin/aegis-hook")],
        ..Surroundings::default()
    })
}
