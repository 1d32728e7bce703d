//! Shows in a real bash that a transformation does what the original does.
//!
//! Where a spelling changes the words that a program is given, what is started
//! is no proof. The real programs run under bubblewrap on a small tree that is
//! made for each command; what is left of the tree, what is printed, how it
//! ended and what reached which address must be the same. Nothing outside the
//! tree can be written, and the only network is loopback, where a server answers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::marker::{INSIDE, is_shown, refuse, sandbox};
use super::{Place, Proof, Variant, argument, host, in_parts, known, structure};
use crate::bench::machine;

/// The home folder, which belongs to an account of that name.
const HOME: &str = "/tmp/m/home/ada";

/// The folders and files that commands are run on: a path below the folder that
/// is made, and the text; no text is a folder.
const TREE: &[(&str, Option<&str>)] = &[
    ("trees/home/folder/a", Some("first\n")),
    ("trees/home/notes", Some("of ada\n")),
    ("trees/work/build/empty", None),
    ("trees/work/build/old/a", Some("a\n")),
    ("trees/work/build/old/b", Some("b\n")),
    ("trees/work/notes/a.txt", Some("a\n")),
    ("trees/work/notes/b.txt", Some("b\n")),
    ("trees/work/notes/b64", Some("YQo=\n")),
    ("trees/work/notes/list.txt", Some("second\nfirst\n")),
    (
        "trees/work/notes/script",
        Some("echo \"in $PWD\"; rm -f one\n"),
    ),
    ("trees/work/one", Some("1\n")),
    ("trees/work/two", Some("2\n")),
];

/// Shows that every variant that is to be shown so does what the original does.
///
/// # Errors
///
/// Names each variant that does something else, or that takes no marker.
pub fn prove(variants: &[Variant]) -> Result<()> {
    let mut markers: Vec<&str> = [argument::MARKERS, host::MARKERS, structure::MARKERS].concat();
    markers.extend(known::PROGRAMS.iter().flat_map(|program| program.markers));
    let scratch = machine::scratch()?;
    let texts: Vec<String> = markers.iter().map(|&marker| marker.to_owned()).collect();
    let done = deeds(scratch.path(), &texts)?;
    let again = deeds(scratch.path(), &texts)?;
    let expected: BTreeMap<&str, Deed> = markers.iter().copied().zip(done).collect();
    for (marker, again) in markers.iter().zip(&again) {
        let deed = expected.get(marker).context("a marker was not run")?;
        if deed.done != again.done || deed.is_nothing() {
            bail!("`{marker}` shows nothing: {} {}", deed.done, deed.said);
        }
    }
    let chosen = |variant: &&Variant| is_shown(variant, Proof::Done);
    let wrong = in_parts(variants, |part| {
        let part: Vec<&Variant> = part.iter().filter(chosen).collect();
        differences(scratch.path(), &part, &expected)
    })?;
    refuse(&wrong)
}

/// Returns how variants differ from the markers, where they do.
fn differences(
    parent: &Path,
    variants: &[&Variant],
    expected: &BTreeMap<&str, Deed>,
) -> Result<Vec<String>> {
    let folder = tempfile::tempdir_in(parent)?;
    make_tree(folder.path())?;
    let place = Place {
        home: HOME.to_owned(),
        home_at: Some(folder.path().join("trees/home")),
        directory: folder.path().join("trees/work"),
    };
    let mut wrong = Vec::new();
    let mut cases = Vec::new();
    for variant in variants {
        let before = cases.len();
        let made = expected.iter().filter_map(|(marker, deed)| {
            let text = variant.of(marker, &place)?;
            Some((variant.name.as_str(), deed, text))
        });
        cases.extend(made);
        if cases.len() == before {
            wrong.push(format!("`{}` takes no marker", variant.name));
        }
    }
    let texts: Vec<String> = cases.iter().map(|(_, _, text)| text.clone()).collect();
    let seen = deeds(parent, &texts)?;
    for ((name, expected, text), seen) in cases.iter().zip(seen) {
        if seen.done != expected.done {
            let lines = changes(&expected.done, &seen.done);
            wrong.push(format!("`{name}` {text}\n{lines}\n{}", seen.said.trim()));
        }
    }
    Ok(wrong)
}

/// Returns the lines in which two accounts differ.
fn changes(expected: &str, seen: &str) -> String {
    let lacks = |text: &str, line: &str| !text.lines().any(|other| other == line);
    let gone = expected.lines().filter(|line| lacks(seen, line));
    let more = seen.lines().filter(|line| lacks(expected, line));
    let gone = gone.map(|line| format!("    - {line}"));
    let more = more.map(|line| format!("    + {line}"));
    gone.chain(more).collect::<Vec<_>>().join("\n")
}

/// What a command did.
struct Deed {
    /// How it ended, what it printed, what reached which address, and the tree afterwards.
    done: String,
    /// What it said on its error output.
    said: String,
}

impl Deed {
    /// Reports whether the command could not do what it is for.
    fn is_nothing(&self) -> bool {
        let has_ended_well = self.done.starts_with("status 0\n");
        // An encrypted connection is closed by the server.
        let has_reached = self.done.contains("\nreached ");
        !has_ended_well && !has_reached
    }
}

/// Returns what each text does.
fn deeds(parent: &Path, texts: &[String]) -> Result<Vec<Deed>> {
    let folder = tempfile::tempdir_in(parent)?;
    let root = folder.path();
    make_tree(root)?;
    fs::write(root.join("driver"), DRIVER)?;
    fs::write(root.join("server.py"), include_str!("server.py"))?;
    for (number, text) in texts.iter().enumerate() {
        fs::write(root.join(format!("case{number}")), text)?;
    }
    let mut sandbox = sandbox(root);
    settle(&mut sandbox, root)?;
    let status = sandbox
        .args(["--", "/bin/bash", &format!("{INSIDE}/driver")])
        .arg(texts.len().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot start `bwrap`")?;
    if !status.success() {
        bail!("the marker commands cannot run under bubblewrap");
    }
    let read = |name: String| -> Result<String> {
        let bytes = fs::read(root.join(name))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let numbers = 0..texts.len();
    let deed = |number| {
        let done = read(format!("done{number}"))?;
        let said = read(format!("said{number}"))?;
        Ok(Deed { done, said })
    };
    numbers.map(deed).collect()
}

fn make_tree(root: &Path) -> Result<()> {
    for (path, text) in TREE {
        let path = root.join(path);
        match text {
            None => fs::create_dir_all(path)?,
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap_or(root))?;
                fs::write(path, text)?;
            }
        }
    }
    Ok(())
}

/// Gives the sandbox an account, a server for names, and the rights to be one.
fn settle(sandbox: &mut std::process::Command, root: &Path) -> Result<()> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    let ada = format!("{accounts}ada:x:4242:4242::{HOME}:/bin/bash\n");
    fs::write(root.join("passwd"), ada)?;
    fs::write(root.join("names"), "nameserver 127.0.0.1\n")?;
    for (file, path) in [("passwd", "/etc/passwd"), ("names", "/etc/resolv.conf")] {
        let path = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        sandbox.arg("--ro-bind").arg(root.join(file)).arg(path);
    }
    if !is_root(root)? {
        sandbox.args(["--cap-add", "CAP_NET_BIND_SERVICE"]);
    }
    for name in ["GIT_AUTHOR", "GIT_COMMITTER"] {
        sandbox.args(["--setenv", &format!("{name}_NAME"), "ada"]);
        sandbox.args(["--setenv", &format!("{name}_EMAIL"), "ada@shop.example"]);
        sandbox.args(["--setenv", &format!("{name}_DATE"), "2026-01-01T00:00:00Z"]);
    }
    sandbox.args(["--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin"]);
    sandbox.args(["--setenv", "HOME", HOME, "--setenv", "LC_ALL", "C"]);
    Ok(())
}

/// Reports whether root runs this: whom what was made belongs to.
#[cfg(unix)]
fn is_root(made: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata(made)?.uid() == 0)
}

#[cfg(not(unix))]
fn is_root(_: &Path) -> Result<bool> {
    Ok(false)
}

/// Makes a repository, then runs every case on a copy of the tree.
const DRIVER: &str = r#"cd /tmp/m
umask 022
{
    mkdir -p home/ada
    tar -C trees/work -cf trees/work/notes/in.tar --mtime=@0 two
    git config --global init.defaultBranch main
    git init --bare trees/remote.git
    mkdir repository
    cd repository
    cp -a ../trees/work/notes .
    git init
    git add notes && git commit -m first
    git branch topic
    git tag begun
    echo more >> notes/list.txt
    git commit -am second
    git remote add origin "$HOME/remote.git"
    git push ../trees/remote.git main topic
    cd ..
    mv home made
} > prepared 2>&1
python3 server.py 2> server-said &
for ((wait = 0; wait < 200; wait++)); do
    [[ -e ready ]] && break
    sleep 0.02
done
touch -d @0 trees/work/* trees/work/*/* trees/home/*
for ((number = 0; number < $1; number++)); do
    mkdir home
    cp -a trees/home home/ada
    cp -a trees/work work
    if grep -q git "case$number"; then
        cp -a made/ada/.gitconfig home/ada
        cp -a trees/remote.git home/ada
        cp -a repository/.git work
        cp repository/notes/list.txt work/notes
    fi
    : > requests
    (cd work && exec timeout 20 bash "../case$number" < /dev/null > ../printed 2> "../said$number")
    {
        echo "status $(($? > 0))"
        sed 's/^/printed /' printed
        sed 's/^/reached /' requests
        find home work \( -name logs -o -name index -o -name .wget-hsts \) -prune -o -printf '%p %y %m %l\n' | sort
        find home work \( -name logs -o -name index -o -name .wget-hsts \) -prune -o -type f -exec sha256sum {} + | sort
    } > "done$number"
    mkdir "after$number"
    mv home work "after$number"
done
kill %1
true
"#;
