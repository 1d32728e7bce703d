//! `aegis serve`: the service, in the foreground.

use std::io::{self, Write as _};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;

use aegis_api::HookReply;
use aegis_gate::{
    Approver, Caller, DurabilityLevel, EventOrder, Gates, LogPlace, OpenGateError, Secrecy,
    read_guarded,
};
use aegis_policy::{
    LogFormat, LogLevel, Paint, Problems, ServiceFile, ServiceTls, Source, StorePlace, TrustMode,
    parse_service_file, render,
};
use aegis_redact::visible;
use aegis_server::{
    Bound, Certificates, Daemon, Hooks, Limits, OpenCertificatesError, RequestLevel, RequestLog,
    Tokens, router, serve as answer,
};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::arguments::{AccessLogForm, ServeArguments};
use crate::command::checked;
use crate::command::doors::{self, Doors};
use crate::here::Here;
use crate::output::say;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The most bytes that the file of settings may have; the parser has its own bound.
const SETTINGS_BYTES_MAX: u64 = 16 << 20;

/// How many characters a warning has.
const WARNING_MAX: usize = 1_000;

/// A service that is to be started.
pub(crate) struct ServePlan {
    /// Its settings.
    pub(crate) file: ServiceFile,
    /// Where it listens.
    pub(crate) doors: Doors,
    /// Which events of clients may follow which.
    pub(crate) event_order: EventOrder,
}

/// Serves until it is told to stop.
pub(crate) fn serve(here: &Here, arguments: &ServeArguments) -> Result<Report, Failure> {
    let mut file = settings(arguments.config.as_deref())?;
    match arguments.access_log {
        Some(AccessLogForm::Off) => file.log_level = None,
        Some(form) => {
            file.log_level = file.log_level.or(Some(LogLevel::Info));
            file.log_format = match form {
                AccessLogForm::Json => LogFormat::Json,
                AccessLogForm::Text | AccessLogForm::Off => LogFormat::Text,
            };
        }
        None => {}
    }
    file.tls = doors::tls(file.tls, &arguments.tls)?;
    let socket = arguments.socket.as_ref().unwrap_or(&here.places.socket);
    let doors = Doors {
        socket: Some((socket.clone(), arguments.socket_mode)),
        address: arguments.listen.or(file.address),
        is_clear_text_meant: arguments.clear_text,
    };
    let event_order = arguments.event_order.into();
    run(
        here,
        ServePlan {
            file,
            doors,
            event_order,
        },
    )
}

/// Reads the file of settings, if one is named.
pub(crate) fn settings(file: Option<&Path>) -> Result<ServiceFile, Failure> {
    let Some(file) = file else {
        return Ok(ServiceFile::default());
    };
    // Judged as it is read: what it names is worth no more than who may write it.
    let judged = read_guarded(file, SETTINGS_BYTES_MAX, Secrecy::Open);
    let (text, exposed) = match judged.map(String::from_utf8) {
        Ok(Ok(text)) => (text, None),
        Ok(Err(_)) => (checked::read_text(file)?, None),
        Err(error) => (checked::read_text(file)?, Some(error)),
    };
    let source = Source::new(&file.display().to_string(), &text);
    let settings = parse_service_file(&source)
        .map_err(|problems| broken(&problems, "the settings", &source, "service"))?;
    match exposed {
        Some(error) if settings.gives_power() => Err(Failure::environment(format!(
            "`{}` says where the log is or who callers are, and cannot be believed: {error}",
            file.display()
        ))),
        Some(_) | None => Ok(settings),
    }
}

fn broken(
    Problems(problems, sources): &Problems,
    what: &str,
    file: &Source,
    kind: &str,
) -> Failure {
    let told = render(problems, sources, Paint::Plain);
    let message = format!("{what} in `{}` do not hold\n{told}", file.name);
    Failure::usage(message).remedy(format!(
        "`aegis validate` checks the file; `aegis schema {kind}` describes it"
    ))
}

/// Returns whom certificates of clients name, if a file says it.
fn certificates(
    here: &Here,
    tls: Option<&ServiceTls>,
    is_json: bool,
) -> Result<Option<Certificates>, Failure> {
    let clients = tls.and_then(|tls| tls.clients.as_ref());
    let Some(path) = clients.and_then(|clients| clients.principals.as_ref()) else {
        return Ok(None);
    };
    let path = here.directory.join(path);
    match Certificates::open(path, is_json) {
        Ok(certificates) => Ok(Some(certificates)),
        Err(OpenCertificatesError::Wrong { file, problems }) => {
            Err(broken(&problems, "the principals", &file, "principals"))
        }
        Err(error @ OpenCertificatesError::Unread { .. }) => {
            Err(Failure::environment(causes(&error)).remedy(
                "`--principals` or `principals_file` names a file that says whom certificates \
                 name; `aegis schema principals` describes it",
            ))
        }
        Err(error @ OpenCertificatesError::NoText(_)) => {
            Err(Failure::environment(causes(&error)).remedy("save it as UTF-8"))
        }
    }
}

/// Serves until it is told to stop.
pub(crate) fn run(here: &Here, service: ServePlan) -> Result<Report, Failure> {
    check(here, &service)?;
    let ServePlan {
        file,
        doors,
        event_order,
    } = service;
    let limits = Limits {
        per_minute: file.rate_limit.and_then(NonZeroU32::new),
        at_once: 2 * threads_of_machine() - 1,
        ..Limits::default()
    }
    .within(open_files());
    let runtime = runtime(&limits)?;
    let _entered = runtime.enter();
    let stop = stop_on_signals()?;
    outlive_limits()?;
    let store = file.store.map(|store| match store {
        StorePlace::File(path) => LogPlace::File(here.directory.join(path)),
        StorePlace::Memory => LogPlace::Memory,
    });
    let surroundings = here.surroundings.clone();
    let gates = Gates::open_at(surroundings, DurabilityLevel::Full, store)
        .map_err(|error| unopened_gates(&error))?;
    prepare(&gates)?;
    if let Err(error) = Tokens::at(&here.places.tokens).list() {
        let cause = causes(&error);
        warn(&format!(
            "no token is believed until this is mended: {cause}"
        ));
    }
    let log = Arc::clone(gates.log());
    let request_log = file.log_level.map(|level| RequestLog {
        level: match level {
            LogLevel::Debug => RequestLevel::Debug,
            LogLevel::Info => RequestLevel::Info,
            LogLevel::Warn => RequestLevel::Warn,
            LogLevel::Error => RequestLevel::Error,
        },
        is_json: file.log_format == LogFormat::Json,
    });
    let is_json = request_log.is_some_and(|log| log.is_json);
    let certificates = certificates(here, file.tls.as_ref(), is_json)?;
    let daemon = Daemon::new(gates, ClaudeCode, limits)
        .with_event_order(event_order)
        .with_request_log(request_log)
        .with_certificates(certificates);
    runtime.block_on(async {
        let mut open = Vec::new();
        for door in doors.list(file.tls.as_ref(), &here.directory, request_log) {
            let bound = Bound::open(&door).await;
            open.push(bound.map_err(|error| doors::unopened(&error))?);
        }
        announce(&open)?;
        answer(open, router(Arc::new(daemon)), limits, stop).await;
        Ok::<_, Failure>(())
    })?;
    // What was acknowledged is durable whether or not this succeeds.
    if let Err(error) = log.close() {
        let cause = causes(&error);
        warn(&format!(
            "the log was left for the next process to fold back: {cause}"
        ));
    }
    Ok(Report::silent())
}

/// Refuses to start what would be less safe than it was told to be.
fn check(here: &Here, service: &ServePlan) -> Result<(), Failure> {
    let is_prod = service.file.trust_mode == TrustMode::Prod;
    service.doors.check(service.file.tls.as_ref(), is_prod)?;
    if !is_prod {
        return Ok(());
    }
    if service.file.store == Some(StorePlace::Memory) {
        let message = "`trust_mode: prod` needs a log that outlives the service";
        return Err(Failure::usage(message).remedy("name a file in `dsn`"));
    }
    let clients = service
        .file
        .tls
        .as_ref()
        .and_then(|tls| tls.clients.as_ref());
    if clients.is_some_and(|clients| clients.principals.is_some()) {
        return Ok(());
    }
    let tokens = Tokens::at(&here.places.tokens).list();
    let tokens = tokens.map_err(|error| Failure::environment(causes(&error)))?;
    if tokens.is_empty() {
        let message =
            "`trust_mode: prod` needs callers that name themselves, and there is no token";
        return Err(Failure::usage(message).remedy("`aegis token create` makes one"));
    }
    Ok(())
}

fn unopened_gates(error: &OpenGateError) -> Failure {
    Failure::environment(causes(error)).remedy("`aegis doctor` names the cause")
}

/// Returns how many threads the machine runs at a time.
fn threads_of_machine() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Returns the threads of the service: some that read requests, of which one at
/// least is always free, and more for work that blocks beside them.
fn runtime(limits: &Limits) -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(limits.at_once.saturating_add(1))
        .max_blocking_threads(limits.requests.saturating_add(limits.waits))
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("the system gives no threads: {error}")))
}

/// Returns what tells that the process was asked to stop.
fn stop_on_signals() -> Result<watch::Receiver<bool>, Failure> {
    let (told, stop) = watch::channel(false);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind).map_err(|error| unhandled(&error))?;
        let told = told.clone();
        tokio::spawn(async move {
            signals.recv().await;
            let _ = told.send(true);
        });
    }
    Ok(stop)
}

fn unhandled(error: &io::Error) -> Failure {
    Failure::environment(format!("the system lets no signal be handled: {error}"))
}

/// Lets the process have as many files open as the system allows, and returns
/// how many that are.
fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Without it there is room for fewer connections.
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => limit.current,
    };
    allowed.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    })
}

/// Sees to it that a file which may not grow is a failed write, and not the end
/// of the process: the signal of that does nothing once somebody takes it.
fn outlive_limits() -> Result<(), Failure> {
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))
        .map(drop)
        .map_err(|error| unhandled(&error))
}

/// Reads and compiles the policies of the service itself, so that no caller
/// waits for that, and tells of those that cannot be used.
fn prepare(gates: &Gates) -> Result<(), Failure> {
    let gate = gates.of(gates.tenant());
    let policies = gate.map_err(|error| unopened_gates(&error))?.policies();
    if let Some(fault) = &policies.fault {
        warn(&format!(
            "every action is denied until this is mended: {fault}"
        ));
    }
    for rejected in policies.rejected.iter().filter(|it| it.last_good.is_some()) {
        let path = rejected.path.display();
        let cause = &rejected.cause;
        warn(&format!(
            "the last good policy is in force in place of `{path}`: {cause}"
        ));
    }
    Ok(())
}

/// Tells whoever started the service. What a file holds is not shown as it is:
/// somebody else wrote it.
fn warn(text: &str) {
    // Where nobody reads, there is nobody to tell.
    let text = visible(text, WARNING_MAX);
    let _ = writeln!(anstream::stderr().lock(), "warning: {text}");
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
    fn answer(
        &self,
        gates: &Gates,
        caller: Caller,
        approver: Arc<dyn Approver>,
        event: &[u8],
    ) -> HookReply {
        let (tenant, is_guest) = (caller.tenant, caller.is_guest);
        let reply = aegis_hook::run_at(event, &caller.surroundings, |surroundings| {
            let caller = Caller {
                surroundings,
                tenant,
                is_guest,
            };
            gates.watched(caller, approver)
        });
        HookReply {
            stdout: reply.stdout,
            exit_code: reply.exit_code,
        }
    }
}
