//! `aegis daemon`: the service of this user, in the background.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aegis_api::{Address, Client, SystemConnector};
use aegis_gate::make_private_folder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::arguments::DaemonCommand;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

/// How long the service may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The variables that the service is started with; those of an agent's host are
/// none of its business.
const VARIABLES: [&str; 9] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "AEGIS_HOME",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
];

/// Answers one of the commands on the service of this user.
pub(crate) fn answer(here: &Here, command: DaemonCommand) -> Result<Report, Failure> {
    match command {
        DaemonCommand::Start => start(here),
        DaemonCommand::Stop => {
            here.refuse_agents()?;
            stop(here)
        }
        DaemonCommand::Status => Ok(status(here)),
    }
}

fn start(here: &Here) -> Result<Report, Failure> {
    if let Some(process) = running(here) {
        return Ok(told(here, "runs already", Some(process)));
    }
    let output = here.places.state.join("daemon.log");
    let program = std::env::current_exe()
        .map_err(|error| Failure::environment(format!("this program cannot be found: {error}")))?;
    let failed = |error| Failure::environment(format!("the service cannot be started: {error}"));
    make_private_folder(&here.places.state).map_err(failed)?;
    let output_file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&output)
        .map_err(failed)?;
    let mut child = Command::new(program)
        .arg("serve")
        .env_clear()
        .envs(
            VARIABLES
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output_file.try_clone().map_err(failed)?)
        .stderr(output_file)
        // A Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(process) = running(here).filter(|_| health(here) == Health::Good) {
            return Ok(told(here, "started", Some(process)));
        }
        if child.try_wait().map_err(failed)?.is_some() {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(Failure::environment("the service did not begin to answer")
        .remedy(format!("`{}` holds what it said", output.display())))
}

fn stop(here: &Here) -> Result<Report, Failure> {
    let Some(process) = running(here) else {
        return Ok(told(here, "does not run", None));
    };
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    let failed = |cause: &dyn std::fmt::Display| {
        Failure::environment(format!("process {process} cannot be told to stop: {cause}"))
    };
    let pid = pid.ok_or_else(|| failed(&"it has no number of a process"))?;
    kill_process(pid, Signal::TERM).map_err(|error| failed(&error))?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if running(here).is_none() {
            return Ok(told(here, "stopped", None));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(Failure {
        message: format!("process {process} was told to stop and still answers"),
        remedy: Some("look again in a while; it finishes what it has in hand".to_owned()),
        exit: Exit::TimedOut,
    })
}

fn status(here: &Here) -> Report {
    match running(here) {
        Some(process) => match health(here) {
            Health::Good => told(here, "runs", Some(process)),
            Health::Hangs => {
                let what = format!("process {process} listens and does not answer.");
                let advice = "End it with `aegis daemon stop`, then `aegis daemon start`.";
                let body = body(here, "hangs", Some(process));
                unwell("The service hangs: ", what, advice, body).with(Exit::TimedOut)
            }
            Health::Full => {
                let what = format!("process {process} lets nobody in.");
                let advice = "All of its connections are in use. Try again in a while; `aegis \
                              daemon stop` lets it finish what it has in hand, and ends it.";
                let body = body(here, "full", Some(process));
                unwell("The service is full: ", what, advice, body).with(Exit::Environment)
            }
        },
        None => {
            let mut told = told(here, "does not run", None).with(Exit::No);
            told.page.plain("`aegis daemon start` starts it.");
            told
        }
    }
}

fn unwell(how: &'static str, what: String, advice: &str, body: Value) -> Report {
    let mut page = Page::default();
    page.line(&[piece(Tone::Bad, how), piece(Tone::Plain, what)]);
    page.plain(advice);
    Report::done(page, body)
}

/// Returns the process that listens at the socket of this user, if one does.
fn running(here: &Here) -> Option<u32> {
    let stream = UnixStream::connect(&here.places.socket).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// How a service is that listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Health {
    Good,
    Hangs,
    /// It ends connections before it answers, for want of places.
    Full,
}

fn health(here: &Here) -> Health {
    let address = Address::Unix(here.places.socket.clone());
    let client = Client::new(SystemConnector::default(), address);
    let patient = client.with_patience(Duration::from_secs(2));
    match patient.get::<Value>("/healthz") {
        Ok(_) => Health::Good,
        Err(error) if error.is_broken_off() => Health::Full,
        Err(_) => Health::Hangs,
    }
}

fn told(here: &Here, state: &str, process: Option<u32>) -> Report {
    let mut page = Page::default();
    let process_told = process.map_or(String::new(), |id| format!(" as process {id}"));
    page.plain(format!("The service {state}{process_told}."));
    page.line(&[piece(
        Tone::Quiet,
        format!("socket {}", here.places.socket.display()),
    )]);
    Report::done(page, body(here, state, process))
}

fn body(here: &Here, state: &str, process: Option<u32>) -> Value {
    json!({
        "state": state.replace(' ', "_"),
        "pid": process,
        "socket": here.places.socket,
    })
}
