//! What the commands need beside cargo, and how to get it.

mod client;
mod contract;
mod editor;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

pub use client::clients;
pub use contract::schemathesis;
pub use editor::yaml_service;

/// A program that a command needs.
pub struct Need {
    program: &'static str,
    /// The package of Debian and its kin that holds the program.
    package: &'static str,
    purpose: &'static str,
}

/// What building needs.
pub const BUILD: &[Need] = &[Need {
    program: "cc",
    package: "build-essential",
    purpose: "builds the database that the log is kept in",
}];

/// What testing needs as well.
pub const TEST: &[Need] = &[
    Need {
        program: "bash",
        package: "bash",
        purpose: "is the shell that plans are compared with",
    },
    Need {
        program: "bwrap",
        package: "bubblewrap",
        purpose: "keeps the scripts apart that are run to compare plans",
    },
    Need {
        program: "curl",
        package: "curl",
        purpose: "speaks with the service as another user",
    },
    Need {
        program: "git",
        package: "git",
        purpose: "is a program whose effects the tests look at",
    },
    Need {
        program: "npm",
        package: "npm",
        purpose: "fetches the clients that the tests drive",
    },
    Need {
        program: "node",
        package: "nodejs",
        purpose: "runs the YAML service of editors",
    },
    Need {
        program: "python3",
        package: "python3-venv",
        purpose: "runs what holds the service against its description",
    },
    Need {
        program: "pgrep",
        package: "procps",
        purpose: "finds the process of the service",
    },
    Need {
        program: "strace",
        package: "strace",
        purpose: "counts the syncs of a hook",
    },
    Need {
        program: "systemd-analyze",
        package: "systemd",
        purpose: "says how exposed the unit of the service is",
    },
    Need {
        program: "unshare",
        package: "util-linux",
        purpose: "gives a test mounts of its own",
    },
    Need {
        program: "useradd",
        package: "passwd",
        purpose: "makes the accounts of a machine in which agents are hostile",
    },
    Need {
        program: "xxd",
        package: "xxd",
        purpose: "is a filter that scripts hide commands with",
    },
];

/// What fuzzing needs.
pub const FUZZ: &[Need] = &[Need {
    program: "c++",
    package: "g++",
    purpose: "builds the fuzzer",
}];

/// What seeing where time goes needs.
pub const PROFILE: &[Need] = &[Need {
    program: "perf",
    package: "linux-perf",
    purpose: "samples what the service does",
}];

/// What scoring needs: the programs that other spellings of a command make use of.
pub const SCORE: &[Need] = &[
    Need {
        program: "bwrap",
        package: "bubblewrap",
        purpose: "keeps in what shows that two spellings do the same",
    },
    Need {
        program: "curl",
        package: "curl",
        purpose: "is run to compare spellings of options and addresses",
    },
    Need {
        program: "ed",
        package: "ed",
        purpose: "starts commands",
    },
    Need {
        program: "git",
        package: "git",
        purpose: "is run to compare spellings of options",
    },
    Need {
        program: "less",
        package: "less",
        purpose: "is run to compare spellings of paths",
    },
    Need {
        program: "make",
        package: "make",
        purpose: "starts commands",
    },
    Need {
        program: "openssl",
        package: "openssl",
        purpose: "reads base64",
    },
    Need {
        program: "perl",
        package: "perl",
        purpose: "starts commands",
    },
    Need {
        program: "python3",
        package: "python3",
        purpose: "starts commands",
    },
    Need {
        program: "rev",
        package: "util-linux",
        purpose: "turns text around",
    },
    Need {
        program: "script",
        package: "bsdutils",
        purpose: "starts commands",
    },
    Need {
        program: "strings",
        package: "binutils",
        purpose: "is run to compare spellings of paths",
    },
    Need {
        program: "wget",
        package: "wget",
        purpose: "is run to compare spellings of options and addresses",
    },
    Need {
        program: "xxd",
        package: "xxd",
        purpose: "reads hexadecimal digits",
    },
];

/// Makes sure that every program is there, and installs it where that is possible.
///
/// # Errors
///
/// Names every program that is missing, and the package that would bring it.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let packages: Vec<&str> = absent(needs).iter().map(|need| need.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    install(&packages);
    let absent = absent(needs);
    if absent.is_empty() {
        return Ok(());
    }
    bail!("please install:{}", described(&absent))
}

fn absent(needs: &[Need]) -> Vec<&Need> {
    needs
        .iter()
        .filter(|need| find(need.program).is_none())
        .collect()
}

fn described(needs: &[&Need]) -> String {
    needs
        .iter()
        .map(|need| {
            format!(
                "\n  `{}`, which {} (Debian, Ubuntu: apt-get install {})",
                need.program, need.purpose, need.package
            )
        })
        .collect()
}

/// Installs packages if this is Debian or its kin and the user may.
///
/// Whether it worked shows in whether the programs are there afterwards.
fn install(packages: &[&str]) {
    if find("apt-get").is_none() || !is_superuser() {
        return;
    }
    println!("xtask: apt-get install {}", packages.join(" "));
    let _ = quietly("apt-get", &["update"]);
    let words = [&["install", "-y", "--no-install-recommends"], packages].concat();
    let _ = quietly("apt-get", &words);
}

fn is_superuser() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}

/// Starts a program whose output names hosts that are nobody's business.
fn quietly(program: &str, words: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start `{program}`"))?;
    if !status.success() {
        bail!("`{program} {}` failed", words.join(" "));
    }
    Ok(())
}

/// Installs a package of npm into `folder`, without starting anything of it.
fn npm_install(folder: &Path, wanted: &str) -> Result<()> {
    println!("xtask: npm install {wanted}");
    fs::create_dir_all(folder)?;
    let prefix = folder.display().to_string();
    let words = ["install", "--prefix", &prefix, "--no-audit", "--no-fund"];
    let kept = ["--no-package-lock", "--ignore-scripts", wanted];
    quietly("npm", &[&words[..], &kept].concat())
        .with_context(|| format!("cannot fetch a package; try: npm install {wanted}"))
}

/// Returns the first program of this name on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
}

/// Returns the folder that outlives builds: `$XDG_CACHE_HOME/aegis`, or its default.
pub fn cache_folder() -> Result<PathBuf> {
    let set = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let folder = match set.filter(|folder| folder.is_absolute()) {
        Some(folder) => folder,
        None => std::env::home_dir()
            .context("no home folder to keep downloads in")?
            .join(".cache"),
    };
    Ok(folder.join("aegis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Need = Need {
        program: "no-such-program-of-aegis",
        package: "no-such-package-of-aegis",
        purpose: "shows what a message says",
    };
    const PRESENT: Need = Need {
        program: "sh",
        package: "dash",
        purpose: "is always there",
    };

    #[test]
    fn only_what_is_missing_is_named() {
        let needs = [ABSENT, PRESENT];
        let message = described(&absent(&needs));
        assert!(message.contains("no-such-program-of-aegis"), "{message}");
        assert!(!message.contains("`sh`"), "{message}");
        assert!(absent(&[PRESENT]).is_empty());
    }
}
