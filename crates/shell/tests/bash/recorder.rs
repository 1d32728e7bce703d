//! Stands for every program in the sandbox, and starts the scripts there.
//!
//! It is no module of the test: the test compiles it into a program of its own,
//! because a small program without libraries starts several times as fast.
//! Under the name `driver` it runs the scripts of a file one after the other.
//! Under any other name it records how it was started. Where the name is that
//! of a program that runs another one, it then does what that program would.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio, exit};
use std::time::{Duration, Instant};

/// Where starts are recorded.
const TRACE: &str = "/trace/starts";
/// The programs that are not replaced, once they are recorded.
const REAL: &str = "/real";
/// The folders in which each script starts afresh.
const FRESH: [&str; 3] = ["/work", "/home/user", "/tmp"];
/// The folders that are there when a script starts.
const FOLDERS: [&str; 5] = ["/work/a/b", "/work/src", "/work/my dir", "/home/user/x", "/tmp/t"];
/// The files that are there, with nothing in them.
const FILES: [&str; 4] = ["/work/one.txt", "/work/two.txt", "/work/a/in.txt", "/home/user/note"];
/// The longest that a script may take.
const LIMIT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let name = arguments.first().map_or("", String::as_str);
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    if name == "driver" {
        return match drive(&arguments[1], &arguments[2]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("driver: {error}");
                ExitCode::FAILURE
            }
        };
    }
    // A name that is no program reaches here with itself as the first argument.
    if name == "lost" {
        record(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    record(&arguments);
    act(&name, &arguments[1..])
}

/// Appends the arguments and the folder to the trace, in one write.
fn record(arguments: &[String]) {
    let folder = std::env::current_dir().unwrap_or_default();
    let mut bytes = Vec::new();
    let mut push = |text: &str| {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    push(&arguments.len().to_string());
    push(&folder.to_string_lossy());
    for argument in arguments {
        push(argument);
    }
    if let Ok(mut trace) = OpenOptions::new().append(true).create(true).open(TRACE) {
        let _ = trace.write_all(&bytes);
    }
}

/// Does what the program `name` would do.
fn act(name: &str, words: &[String]) -> ExitCode {
    match name {
        "bash" | "sh" | "zsh" | "dash" | "ksh" => replace(&format!("{REAL}/bash"), name, words),
        "false" | "fail" => ExitCode::FAILURE,
        "sudo" | "doas" => privileged(words),
        "su" | "runuser" => su(words),
        "script" => match option_value(words, 'c') {
            Some(text) => shell(&text),
            None => ExitCode::SUCCESS,
        },
        "watch" => shell(&after_options(words, "nq").join(" ")),
        "parallel" => parallel(words),
        "ssh" => match after_options(words, "lpio").get(1..) {
            Some(rest) if !rest.is_empty() => shell(&rest.join(" ")),
            _ => ExitCode::SUCCESS,
        },
        "docker" | "podman" => contained(words),
        "kubectl" => match words.iter().position(|word| word == "--") {
            Some(at) => start(&words[at + 1..]),
            None => ExitCode::SUCCESS,
        },
        "git" => git(words),
        "npx" | "uvx" => match words.iter().position(|word| word == "-c") {
            Some(at) => shell(words.get(at + 1).map_or("", String::as_str)),
            None => start(&after_options(words, "p")),
        },
        "pipx" | "uv" if words.first().is_some_and(|word| word == "run") => {
            start(&after_options(&words[1..], "p"))
        }
        "busybox" | "time" | "ionice" | "command" => start(&after_options(words, "cnfo")),
        "rev" => reversed(),
        _ if Path::new(REAL).join(name).exists() => replace(&format!("{REAL}/{name}"), name, words),
        _ => ExitCode::SUCCESS,
    }
}

fn replace(path: &str, name: &str, words: &[String]) -> ExitCode {
    let error = Command::new(path).arg0(name).args(words).exec();
    eprintln!("{name}: {error}");
    exit(126)
}

fn start(words: &[String]) -> ExitCode {
    match words.split_first() {
        Some((program, rest)) => {
            let _ = Command::new(program).args(rest).exec();
            exit(127)
        }
        None => ExitCode::SUCCESS,
    }
}

fn shell(text: &str) -> ExitCode {
    replace(&format!("{REAL}/bash"), "sh", &["-c".to_owned(), text.to_owned()])
}

/// Returns what follows the options, of which those in `valued` take a value.
fn after_options(words: &[String], valued: &str) -> Vec<String> {
    let mut rest = words.iter();
    while let Some(word) = rest.as_slice().first().filter(|word| word.starts_with('-')) {
        rest.next();
        if word == "--" {
            break;
        }
        let takes_value = word.len() == 2 && valued.contains(&word[1..]);
        if takes_value {
            rest.next();
        }
    }
    rest.cloned().collect()
}

/// Returns the value of an option that may end a group of letters.
fn option_value(words: &[String], letter: char) -> Option<String> {
    let at = words.iter().position(|word| {
        word.starts_with('-') && !word.starts_with("--") && word.ends_with(letter)
            || word == "--command"
    })?;
    words.get(at + 1).cloned()
}

fn privileged(words: &[String]) -> ExitCode {
    let mut rest = after_options(words, "ughpCDRrtTU");
    let mut variables = Vec::new();
    while let Some((name, value)) = rest.first().and_then(|word| word.split_once('=')) {
        variables.push((name.to_owned(), value.to_owned()));
        rest.remove(0);
    }
    let Some((program, arguments)) = rest.split_first() else {
        return ExitCode::SUCCESS;
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(variables);
    if let Some(at) = words.iter().position(|word| word == "-D") {
        command.current_dir(&words[at + 1]);
    }
    let _ = command.exec();
    exit(127)
}

fn su(words: &[String]) -> ExitCode {
    match option_value(words, 'c') {
        Some(text) => shell(&text),
        None => ExitCode::SUCCESS,
    }
}

fn parallel(words: &[String]) -> ExitCode {
    let words = after_options(words, "j");
    let end = words.iter().position(|word| word == ":::").unwrap_or(words.len());
    let text = words[..end].join(" ");
    for value in words.get(end + 1..).unwrap_or_default() {
        let line = if text.contains("{}") {
            text.replace("{}", &format!("'{value}'"))
        } else if text.is_empty() {
            value.clone()
        } else {
            format!("{text} '{value}'")
        };
        let _ = Command::new("/real/bash").arg("-c").arg(line).status();
    }
    ExitCode::SUCCESS
}

fn contained(words: &[String]) -> ExitCode {
    match words.split_first() {
        Some((verb, rest)) if verb == "exec" || verb == "run" => {
            let rest = after_options(rest, "uwev");
            start(rest.get(1..).unwrap_or_default())
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Runs an alias that is given with `-c`, or a pager.
fn git(words: &[String]) -> ExitCode {
    let [option, setting, name, rest @ ..] = words else {
        return ExitCode::SUCCESS;
    };
    if option != "-c" {
        return ExitCode::SUCCESS;
    }
    let Some((key, value)) = setting.split_once('=') else {
        return ExitCode::SUCCESS;
    };
    if let Some(text) = value.strip_prefix('!').filter(|_| key == format!("alias.{name}")) {
        return shell(&format!("{text} {}", rest.join(" ")));
    }
    if key == "core.pager" && name == "log" {
        return shell(value);
    }
    ExitCode::SUCCESS
}

fn reversed() -> ExitCode {
    for line in io::stdin().lines().map_while(Result::ok) {
        println!("{}", line.chars().rev().collect::<String>());
    }
    ExitCode::SUCCESS
}

/// Runs each script of `scripts` in a bash of its own, and writes what it started.
///
/// Scripts end in a zero byte. For each one the number, whether it took too
/// long and the length of its trace stand before the trace.
fn drive(scripts: &str, output: &str) -> io::Result<()> {
    let mut output = File::create(output)?;
    let scripts = fs::read(scripts)?;
    for (number, script) in scripts.split(|byte| *byte == 0).enumerate() {
        if script.is_empty() {
            continue;
        }
        prepare()?;
        let is_late = run(script)?;
        let trace = fs::read(TRACE)?;
        output.write_all(&(number as u32).to_le_bytes())?;
        output.write_all(&[u8::from(is_late)])?;
        output.write_all(&(trace.len() as u32).to_le_bytes())?;
        output.write_all(&trace)?;
    }
    Ok(())
}

fn prepare() -> io::Result<()> {
    for folder in FRESH {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
    }
    for folder in FOLDERS {
        fs::create_dir_all(folder)?;
    }
    for file in FILES {
        fs::write(file, "")?;
    }
    fs::write(TRACE, "")
}

/// Runs one script and whatever it leaves behind; returns whether it took too long.
fn run(script: &[u8]) -> io::Result<bool> {
    use std::os::unix::ffi::OsStrExt;
    // A reader that has ended must not end what writes to it: when is chance.
    let mut child = Command::new("/real/env")
        .args(["--ignore-signal=PIPE", "/real/bash"])
        .arg("-c")
        .arg(std::ffi::OsStr::from_bytes(script))
        .current_dir("/work")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    let mut is_late = false;
    loop {
        let has_ended = child.try_wait()?.is_some();
        if has_ended && others()?.is_empty() {
            return Ok(is_late);
        }
        if start.elapsed() > LIMIT {
            is_late = true;
            for process in others()? {
                let kill = ["-KILL".to_owned(), process.to_string()];
                let _ = Command::new("/real/kill").args(kill).status();
            }
            let _ = child.wait();
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// Returns the processes beside this one and the first of the sandbox.
fn others() -> io::Result<Vec<u32>> {
    let mut others = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let process = name.to_str().and_then(|name| name.parse::<u32>().ok());
        others.extend(process.filter(|process| *process != 1 && *process != std::process::id()));
    }
    Ok(others)
}
