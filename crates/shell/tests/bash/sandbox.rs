//! Runs scripts where nothing they start is more than recorded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The source of the program that stands for all others.
const RECORDER: &str = include_str!("recorder.rs");

/// The names that are programs in the sandbox.
const PROGRAMS: &[&str] = &[
    "alpha", "beta", "gamma", "delta", "fail", "false", "true", "rm", "cp", "mv", "ls", "touch",
    "mkdir", "curl", "wget", "git", "make", "python3", "node", "grep", "sed", "awk", "tar", "id",
    "date", "sleep", "bash", "sh", "zsh", "dash", "ksh", "sudo", "doas", "su", "runuser", "script",
    "watch", "parallel", "ssh", "docker", "podman", "kubectl", "npx", "uvx", "pipx", "uv",
    "busybox", "time", "ionice", "rev", "cat", "tee", "base64", "env", "nohup", "nice", "timeout",
    "stdbuf", "setsid", "xargs", "find", "tr", "xxd", "head", "sort", "seq", "echo", "printf",
    "chmod", "test", "pwd",
];

/// The programs that do what they usually do once they are recorded.
const REAL: &[&str] = &[
    "bash", "kill", "cat", "tee", "base64", "env", "nohup", "nice", "timeout", "stdbuf", "setsid",
    "xargs", "find", "tr", "xxd", "head", "sort", "seq", "echo", "printf", "chmod", "test", "pwd",
];

/// How many sandboxes run at a time.
const WORKERS: usize = 2;

/// What one start of a program looked like.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Start {
    /// The program as it was called and its arguments.
    pub arguments: Vec<String>,
    /// The folder in which it ran.
    pub folder: String,
}

/// What a script did.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What it started, in order.
    pub starts: Vec<Start>,
    /// Whether it had to be ended.
    pub is_late: bool,
}

/// Returns what bash starts for each of `scripts`.
///
/// # Panics
///
/// When `bwrap` or `bash` is missing, or the sandbox cannot be made: a machine
/// on which nothing was compared must not look like one on which all agreed.
pub fn traces(scripts: &[String]) -> Vec<Trace> {
    let bwrap = program("bwrap").expect("`bwrap` is needed (Debian, Ubuntu: package bubblewrap)");
    program("bash").expect("`bash` is needed");
    let folder = tempfile::tempdir().expect("a folder for the sandbox");
    let recorder = recorder(folder.path());
    let share = scripts.len().div_ceil(WORKERS).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = scripts
            .chunks(share)
            .enumerate()
            .map(|(number, chunk)| {
                let (bwrap, recorder) = (&bwrap, &recorder);
                let folder = folder.path().join(number.to_string());
                scope.spawn(move || sandboxed(bwrap, recorder, &folder, chunk))
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a sandbox"))
            .collect()
    })
}

fn recorder(folder: &Path) -> PathBuf {
    let source = folder.join("recorder.rs");
    let program = folder.join("recorder");
    fs::write(&source, RECORDER).expect("the source of the recorder");
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(compiler)
        .args([
            "--edition",
            "2024",
            "-O",
            "-C",
            "target-feature=+crt-static",
        ])
        .args(["-C", "panic=abort", "-o"])
        .arg(&program)
        .arg(&source)
        .output()
        .expect("`rustc` is needed");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    program
}

fn sandboxed(bwrap: &Path, recorder: &Path, folder: &Path, scripts: &[String]) -> Vec<Trace> {
    let programs = folder.join("programs");
    let exchange = folder.join("exchange");
    for made in [&programs, &exchange] {
        fs::create_dir_all(made).expect("a folder of the sandbox");
    }
    for name in PROGRAMS.iter().chain(&["lost"]) {
        fs::hard_link(recorder, programs.join(name)).expect("a name of the recorder");
    }
    let mut text = scripts.join("\0");
    text.push('\0');
    fs::write(exchange.join("scripts"), text).expect("the scripts");
    let mut command = Command::new(bwrap);
    command.args("--unshare-all --die-with-parent --new-session --clearenv".split(' '));
    for (name, value) in [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/home/user"),
        ("USER", "user"),
        ("LC_ALL", "C.UTF-8"),
        // A name that is no program is recorded like one.
        (
            "BASH_FUNC_command_not_found_handle%%",
            "() { /usr/bin/lost \"$@\"; }",
        ),
    ] {
        command.args(["--setenv", name, value]);
    }
    for shared in ["/usr/lib", "/usr/lib64", "/usr/libexec", "/lib", "/lib64"] {
        command.args(["--ro-bind-try", shared, shared]);
    }
    command.arg("--ro-bind").arg(&programs).arg("/usr/bin");
    command.args(["--symlink", "usr/bin", "/bin"]);
    command.arg("--ro-bind").arg(recorder).arg("/driver");
    for name in REAL {
        let path = program(name).expect("a program of every system");
        let path = fs::canonicalize(path).expect("a program that is there");
        command
            .arg("--ro-bind")
            .arg(path)
            .arg(format!("/real/{name}"));
    }
    command.arg("--bind").arg(&exchange).arg("/exchange");
    command.args("--proc /proc --dev /dev --tmpfs /tmp --tmpfs /trace".split(' '));
    command.args("--tmpfs /home/user --tmpfs /work --chdir /work".split(' '));
    command.args("/driver /exchange/scripts /exchange/traces".split(' '));
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the sandbox starts");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the sandbox failed: {message}");
    let traces = fs::read(exchange.join("traces")).expect("the traces");
    let traces = read_traces(&traces);
    assert_eq!(traces.len(), scripts.len());
    traces
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn read_traces(mut bytes: &[u8]) -> Vec<Trace> {
    let mut traces = Vec::new();
    while !bytes.is_empty() {
        let number = take_number(&mut bytes);
        assert_eq!(number, traces.len());
        let is_late = take(&mut bytes, 1) == [1];
        let length = take_number(&mut bytes);
        let mut starts = take(&mut bytes, length);
        let mut trace = Trace {
            starts: Vec::new(),
            is_late,
        };
        while !starts.is_empty() {
            let count: usize = take_text(&mut starts).parse().expect("a count");
            let folder = take_text(&mut starts);
            let arguments = (0..count).map(|_| take_text(&mut starts)).collect();
            trace.starts.push(Start { arguments, folder });
        }
        traces.push(trace);
    }
    traces
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn take_number(bytes: &mut &[u8]) -> usize {
    let taken = take(bytes, 4).try_into().expect("four bytes");
    u32::from_le_bytes(taken) as usize
}

fn take_text(bytes: &mut &[u8]) -> String {
    let length = take_number(bytes);
    String::from_utf8_lossy(take(bytes, length)).into_owned()
}
