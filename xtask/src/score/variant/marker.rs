//! Shows in a real bash that a transformation starts what the original starts.
//!
//! Harmless marker commands run under bubblewrap, without a network and with
//! nothing writable but a folder made for it. The programs they name are
//! replaced by recorders, so nothing they say is done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Place, Proof, Variant, in_parts};
use crate::bench::machine;
use crate::setup;

/// The programs that are replaced by recorders.
const RECORDED: [&str; 3] = ["mv", "rm", "rmdir"];

/// The commands that are transformed: of one part and of several, with every kind of word.
const MARKERS: &[&str] = &[
    "rm -rf gone",
    "rm -rf /nowhere/gone",
    "mv -f one.txt two.txt",
    "rmdir -p shared/folder && rm gone.txt",
    "rm -f \"a b\" 'c$d' e\\ f",
    "cd / && rm -rf nowhere/gone",
    "rmdir \"$HOME/.gone\"; mv a b",
    "echo one | rm -v -- gone > out.txt 2>&1",
    "X=1 rm gone",
    "if true; then rm a; else mv b c; fi",
    "for f in a b; do rm \"$f\"; done",
    "rm one\nmv two three\n",
    "rm -v one | rmdir two",
    "rm -v one > out.txt",
    "rm -v one >> ~/out.txt",
    "mv -f old ~/.new",
    "rm -rf build/old",
    "rm /tmp",
    "rm -r -f build/list.txt build/old.txt",
];

/// Where the folder lies for what runs.
pub const INSIDE: &str = "/tmp/m";

/// Shows that every variant starts what the original starts.
///
/// # Errors
///
/// Names each variant that starts something else, or that takes no marker.
pub fn prove(variants: &[Variant]) -> Result<()> {
    let originals: Vec<String> = MARKERS.iter().map(|&marker| marker.to_owned()).collect();
    let scratch = machine::scratch()?;
    let expected = traces(scratch.path(), &originals, &[])?;
    if let Some((_, said)) = expected.iter().find(|(trace, _)| trace.is_empty()) {
        bail!("a marker starts nothing: {said}");
    }
    let wrong = in_parts(variants, |part| {
        let wrong = part
            .iter()
            .filter(|variant| is_shown(variant, Proof::Started));
        let wrong = wrong.map(|variant| difference(scratch.path(), variant, &expected));
        wrong.filter_map(Result::transpose).collect()
    })?;
    refuse(&wrong)
}

/// Fails with every transformation that does something else.
pub fn refuse(wrong: &[String]) -> Result<()> {
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!(
            "{} transformations do something else:\n  {}",
            wrong.len(),
            wrong.join("\n  ")
        ),
    }
}

/// Reports whether a variant is shown so, and the machine has the program that it makes use of.
pub fn is_shown(variant: &Variant, proof: Proof) -> bool {
    let has_tool = |tool: &str| setup::find(tool).is_some();
    variant.proof == proof && variant.tool.as_deref().is_none_or(has_tool)
}

/// Returns how a variant differs from the markers, if it does.
fn difference(
    parent: &Path,
    variant: &Variant,
    expected: &[(Vec<String>, String)],
) -> Result<Option<String>> {
    let mut texts = Vec::new();
    let mut wanted = Vec::new();
    let place = Place {
        home: format!("{INSIDE}/home"),
        home_at: None,
        directory: PathBuf::new(),
    };
    for (marker, (trace, _)) in MARKERS.iter().zip(expected) {
        if let Some(text) = variant.of(marker, &place) {
            texts.push(text);
            wanted.push(trace.as_slice());
        }
    }
    if texts.is_empty() {
        return Ok(Some(format!("`{}` takes no marker", variant.name)));
    }
    let seen = traces(parent, &texts, &wanted)?;
    let mut cases = texts.iter().zip(seen).zip(wanted);
    let different = cases.find(|((_, (trace, _)), wanted)| trace != wanted);
    Ok(different.map(|((text, (trace, said)), wanted)| {
        let name = &variant.name;
        let said = said.trim();
        format!("`{name}` starts {trace:?} for {wanted:?}: {text}\n    {said}")
    }))
}

/// Returns what each text starts of the recorded programs, in order of the
/// alphabet, and what it says on its error output.
///
/// What runs in the background is waited for as long as less was started than is wanted.
fn traces(
    parent: &Path,
    texts: &[String],
    wanted: &[&[String]],
) -> Result<Vec<(Vec<String>, String)>> {
    let folder = tempfile::tempdir_in(parent)?;
    let root = folder.path();
    prepare(root)?;
    for (number, text) in texts.iter().enumerate() {
        fs::write(root.join(format!("case{number}")), text)?;
        let least = wanted.get(number).map_or(0, |trace| trace.len());
        fs::write(root.join(format!("least{number}")), least.to_string())?;
    }
    let status = bubblewrap(root)
        .args([
            "/bin/bash",
            &format!("{INSIDE}/driver"),
            &texts.len().to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot start `bwrap`")?;
    if !status.success() {
        bail!("the marker commands cannot run under bubblewrap");
    }
    let mut traces = Vec::new();
    for number in 0..texts.len() {
        let trace = fs::read_to_string(root.join(format!("log{number}")))?;
        let folder = format!("{INSIDE}/cwd{number}/");
        let mut trace: Vec<String> = trace.lines().map(|line| plain(line, &folder)).collect();
        trace.sort();
        let said = fs::read(root.join(format!("said{number}")))?;
        traces.push((trace, String::from_utf8_lossy(&said).into_owned()));
    }
    Ok(traces)
}

/// Returns a line of a trace with its paths in their shortest form.
fn plain(line: &str, folder: &str) -> String {
    let mut line = line
        .replace(folder, "")
        .replace("/proc/self/root/", "/")
        .replace("/usr/../", "/")
        .replace("/./", "/")
        .replace("|./", "|");
    while line.contains("//") {
        line = line.replace("//", "/");
    }
    line
}

/// Runs every case in a folder of its own, one after another.
const DRIVER: &str = r#"cd /tmp/m
for ((number = 0; number < $1; number++)); do
    : > log
    mkdir "cwd$number"
    least=$(< "least$number")
    (cd "cwd$number" && exec timeout 10 bash "../case$number" < /dev/null > /dev/null 2> "../said$number")
    for ((wait = 0; wait < 40; wait++)); do
        mapfile -t lines < log
        ((${#lines[@]} >= least)) && break
        sleep 0.02
    done
    cat log > "log$number"
done
true
"#;

/// Writes down its name and arguments as one line, in one piece.
const RECORDER: &str = r#"#!/bin/sh
line=NAME
for word; do line="$line|$word"; done
printf '%s\n' "$line" >> /tmp/m/log
"#;

fn prepare(root: &Path) -> Result<()> {
    fs::create_dir(root.join("programs"))?;
    fs::create_dir(root.join("home"))?;
    fs::write(root.join("driver"), DRIVER)?;
    for program in RECORDED {
        let path = root.join("programs").join(program);
        fs::write(&path, RECORDER.replace("NAME", program))?;
        make_executable(&path)?;
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// Returns bubblewrap around what is added: no network, nothing writable but the folder.
pub fn sandbox(root: &Path) -> Command {
    let mut command = Command::new("bwrap");
    command
        .args([
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--clearenv",
        ])
        .args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"])
        .args(["--tmpfs", "/tmp", "--bind"])
        .arg(root)
        .args([INSIDE, "--chdir", INSIDE]);
    command
}

/// Returns the sandbox with a recorder in the place of each program that is recorded.
fn bubblewrap(root: &Path) -> Command {
    let mut command = sandbox(root);
    for program in RECORDED {
        let recorder = root.join("programs").join(program);
        command
            .arg("--ro-bind")
            .arg(recorder)
            .arg(format!("/usr/bin/{program}"));
    }
    command
        .args(["--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin"])
        .args(["--setenv", "HOME", "/tmp/m/home", "--"]);
    command
}
