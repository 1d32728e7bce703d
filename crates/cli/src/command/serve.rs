//! `aegis serve`: the service, in the foreground.

use std::sync::Arc;

use aegis_api::HookReply;
use aegis_gate::{Caller, DurabilityLevel, Gates};
use aegis_server::{
    AccessLog, BindError, Bound, Daemon, Door, Hooks, Limits, router, serve as answer,
};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::arguments::{AccessLogForm, ServeArguments};
use crate::here::Here;
use crate::output::say;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Serves until it is told to stop.
pub(crate) fn serve(here: &Here, arguments: &ServeArguments) -> Result<Report, Failure> {
    let limits = Limits::default();
    let gates = Gates::open(here.surroundings.clone(), DurabilityLevel::Full).map_err(|error| {
        Failure::environment(causes(&error)).remedy("`aegis doctor` names the cause")
    })?;
    let access_log = match arguments.access_log {
        AccessLogForm::Off => AccessLog::Off,
        AccessLogForm::Text => AccessLog::Text,
        AccessLogForm::Json => AccessLog::Json,
    };
    let daemon = Daemon::new(gates, ClaudeCode, limits).with_access_log(access_log);
    let daemon = Arc::new(daemon);
    runtime(&limits)?.block_on(async {
        let mut doors = Vec::new();
        for door in doors_of(here, arguments) {
            doors.push(Bound::open(&door).await.map_err(|error| unopened(&error))?);
        }
        let stop = stop_on_signals()?;
        announce(&doors)?;
        answer(doors, router(daemon), limits, stop).await;
        Ok(Report::silent())
    })
}

fn doors_of(here: &Here, arguments: &ServeArguments) -> Vec<Door> {
    let socket = arguments.socket.as_ref();
    let mut doors = vec![Door::Socket {
        path: socket.unwrap_or(&here.places.socket).clone(),
        mode: arguments.socket_mode,
    }];
    doors.extend(arguments.listen.map(Door::Port));
    doors
}

fn unopened(error: &BindError) -> Failure {
    let failure = Failure::environment(causes(error));
    match error {
        BindError::InUse(_) => {
            failure.remedy("a service runs there already; stop it, or name another place")
        }
        BindError::NoSocket(_) | BindError::System { .. } => failure,
    }
}

fn runtime(limits: &Limits) -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .max_blocking_threads(limits.requests.saturating_add(limits.waits))
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("the system gives no threads: {error}")))
}

/// Returns what tells that the process was asked to stop.
fn stop_on_signals() -> Result<watch::Receiver<bool>, Failure> {
    let (told, stop) = watch::channel(false);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind).map_err(|error| {
            Failure::environment(format!("the system lets no signal be handled: {error}"))
        })?;
        let told = told.clone();
        tokio::spawn(async move {
            signals.recv().await;
            let _ = told.send(true);
        });
    }
    Ok(stop)
}

fn announce(doors: &[Bound]) -> Result<(), Failure> {
    let mut page = Page::default();
    for door in doors {
        page.line(&[
            piece(Tone::Good, "listening"),
            piece(Tone::Plain, format!(" at {}", door.place())),
        ]);
    }
    say(&page.into_text())
}

/// Answers the events of Claude Code as its hook would.
struct ClaudeCode;

impl Hooks for ClaudeCode {
    fn answer(&self, gates: &Gates, caller: Caller, event: &[u8]) -> HookReply {
        let (tenant, is_guest) = (caller.tenant, caller.is_guest);
        let reply = aegis_hook::run_at(event, &caller.surroundings, |surroundings| {
            gates.at(Caller {
                surroundings,
                tenant,
                is_guest,
            })
        });
        HookReply {
            stdout: reply.stdout,
            exit_code: reply.exit_code,
        }
    }
}
