//! Asking a service that decides for many.
//!
//! Where settings name a service, nothing else decides. Where they do not, one
//! of the same user may listen beside the log; it writes the same log with the
//! same files, so what it does not answer is decided here.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aegis_api::{Address, Client, ClientError, HookCall, HookReply, PeerRule, SystemConnector};
use aegis_gate::{Places, ServiceAt, ServiceUser, Surroundings, with_causes};

use crate::guard::Guard;
use crate::output::Reply;

/// What came of asking a service.
#[derive(Debug)]
pub(crate) enum Asked {
    /// It answered.
    Answered(Reply),
    /// There is none to ask.
    Nobody,
    /// One is there and does not answer, and what it would decide may be decided here.
    Silent(String),
    /// It alone may decide, and does not answer.
    Refused(String),
}

/// Asks the service that decides about `event`, if there is one.
pub(crate) fn ask(event: &[u8], surroundings: &Surroundings, guard: &Guard) -> Asked {
    let places = Places::of(surroundings);
    let named = match ServiceAt::load(&places) {
        Ok(named) => named,
        Err(error) => return Asked::Refused(with_causes(&error)),
    };
    let own = rustix::process::geteuid().as_raw();
    let Some(socket) = &named.socket else {
        if !places.socket.exists() {
            return Asked::Nobody;
        }
        return match talk(&places.socket, own, &named, event, surroundings, guard) {
            Ok(reply) => Asked::Answered(reply),
            Err(error) => Asked::Silent(with_causes(&error)),
        };
    };
    let user = match named.user.as_ref().map(ServiceUser::number) {
        None => own,
        Some(Some(user)) => user,
        Some(None) => {
            return Asked::Refused("the user of the service is not known here".to_owned());
        }
    };
    match talk(socket, user, &named, event, surroundings, guard) {
        Ok(reply) => Asked::Answered(reply),
        Err(error) => Asked::Refused(with_causes(&error)),
    }
}

/// Starts the service of the user beside the log, if a setting wants one there.
///
/// Nobody waits for it: until it answers, events are decided here by the same
/// log. The program that starts it sees by itself whether one runs.
pub(crate) fn start_with_session(surroundings: &Surroundings) {
    let Ok(named) = ServiceAt::load(&Places::of(surroundings)) else {
        return;
    };
    if !named.start_with_session || named.socket.is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    // What cannot be started is no cause to stop anybody, and shows in `aegis daemon status`.
    let _ = Command::new(program.with_file_name("aegis"))
        .args(["daemon", "start"])
        .current_dir("/")
        // The host reads the hook's output to its end, and so must nobody else hold it.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // It outlives the hook, whose group the host may end.
        .process_group(0)
        .spawn();
}

fn talk(
    socket: &Path,
    user: u32,
    named: &ServiceAt,
    event: &[u8],
    surroundings: &Surroundings,
    guard: &Guard,
) -> Result<Reply, ClientError> {
    let connector = SystemConnector {
        peer: PeerRule::User(user),
    };
    let deadline = named.deadline.to_std();
    let client = Client::new(connector, Address::Unix(PathBuf::from(socket)));
    let call = HookCall {
        variables: surroundings.variables.clone(),
        directory: surroundings.directory.to_string_lossy().into_owned(),
        event,
    };
    let HookReply { stdout, exit_code } = client
        .with_patience(deadline)
        .hook(&call, &|| guard.postpone(deadline))?;
    Ok(Reply { stdout, exit_code })
}
