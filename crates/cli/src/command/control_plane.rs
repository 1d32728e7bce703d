//! `aegisd` and `aegisctl`: this program under the names of the control plane's.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::Duration;

use aegis_api::{Client, ClientError, PlainEventPage, escaped};
use aegis_policy::{TrustMode, parse_address, parse_store};
use serde_json::{Value, json};

use crate::arguments::{AegisctlCommand, AegisdArguments, ManifestCommand, SessionArguments};
use crate::command::doors::Doors;
use crate::command::remote;
use crate::command::serve::{self, ServePlan};
use crate::exit::Exit;
use crate::here::Here;
use crate::output;
use crate::page::Page;
use crate::report::{Failure, Report, causes};

/// How many events are asked for at a time.
const PAGE_EVENTS: usize = 500;

/// What to do where a session is not known.
const OTHER_SESSION: &str =
    "`aegis log list --sessions --server ADDRESS` shows the sessions that a service has";

/// Serves as `aegisd`.
pub(crate) fn aegisd(here: &Here, arguments: AegisdArguments) -> Result<Report, Failure> {
    let lacking = [
        ("--manifest", arguments.manifest, "no check of manifests"),
        (
            "--mcp-addr",
            arguments.mcp_addr,
            "no MCP proxy in the service",
        ),
        (
            "--telemetry-path",
            arguments.telemetry_path,
            "no file of traces",
        ),
    ];
    for (flag, given, lack) in lacking {
        let is_asked_for = given.is_some_and(|given| !given.is_empty());
        let is_off = flag == "--telemetry-path" && arguments.telemetry_disabled;
        if is_asked_for && !is_off {
            let message = format!("`{flag}` cannot have effect: this version has {lack}");
            return Err(Failure::usage(message));
        }
    }
    let mut file = serve::settings(arguments.config.as_deref())?;
    if let Some(dsn) = arguments.dsn.filter(|dsn| !dsn.is_empty()) {
        let store =
            parse_store(&dsn).map_err(|cause| Failure::usage(format!("`--dsn`: {cause}")))?;
        file.store = Some(store);
    }
    if let Some(text) = arguments.addr.filter(|text| !text.is_empty()) {
        let address = parse_address(&text).ok_or_else(|| {
            Failure::usage(format!("`--addr` is no address: `{text}`"))
                .remedy("write an IP address and a port, such as `127.0.0.1:8080`")
        })?;
        file.address = Some(address);
    }
    match arguments.trust_mode.as_deref() {
        Some("prod") => file.trust_mode = TrustMode::Prod,
        Some(_) => file.trust_mode = TrustMode::Dev,
        None => {}
    }
    if let Ok(limit) = u32::try_from(arguments.rate_limit) {
        file.rate_limit = (limit > 0).then_some(limit);
    }
    let address = file.address.or_else(|| parse_address("127.0.0.1:8080"));
    serve::run(
        here,
        ServePlan {
            file,
            doors: Doors {
                socket: None,
                address,
                is_clear_text_meant: arguments.clear_text,
            },
            event_order: arguments.event_order.into(),
        },
    )
}

/// Answers as `aegisctl`.
pub(crate) fn aegisctl(command: AegisctlCommand) -> Result<Report, Failure> {
    match command {
        AegisctlCommand::Verify(session) => verify(&session),
        AegisctlCommand::Export { session, out } => export(&session, &out),
        AegisctlCommand::Manifest(
            ManifestCommand::Validate(manifest)
            | ManifestCommand::Install(manifest)
            | ManifestCommand::Show(manifest),
        ) => {
            let file = manifest.file.display();
            let message = format!("this version has no check of manifests; `{file}` was not read");
            Err(Failure::environment(message))
        }
    }
}

fn verify(asked: &SessionArguments) -> Result<Report, Failure> {
    let path = format!(
        "/v1/sessions/{}/verify?tenant_id={}",
        escaped(&asked.session),
        escaped(&asked.tenant)
    );
    let found: Value = client(asked)?.get(&path).map_err(|error| failure(&error))?;
    let session = &asked.session;
    let mut page = Page::default();
    if found.get("valid").and_then(Value::as_bool) == Some(true) {
        page.plain(format!("OK: chain valid for session {session}"));
        return Ok(Report::done(page, json!({"valid": true})));
    }
    let seq = found.get("first_bad_seq").and_then(Value::as_u64);
    let seq = seq.unwrap_or_default();
    let cause = found.get("error").and_then(Value::as_str);
    let cause = cause.unwrap_or("the service does not say");
    page.plain(format!("INVALID: first bad seq={seq} error={cause}"));
    let json = json!({"valid": false, "first_bad_seq": seq, "error": cause});
    Ok(Report::done(page, json).with(Exit::No))
}

fn export(asked: &SessionArguments, out: &str) -> Result<Report, Failure> {
    let client = client(asked)?;
    let mut file = match out {
        "-" => None,
        path => {
            let file = File::create(path)
                .map_err(|error| Failure::environment(format!("cannot write `{path}`: {error}")))?;
            Some(BufWriter::new(file))
        }
    };
    let mut token = String::new();
    let mut count = 0;
    loop {
        let path = format!(
            "/v1/events?tenant_id={}&session_id={}&limit={PAGE_EVENTS}&page_token={}",
            escaped(&asked.tenant),
            escaped(&asked.session),
            escaped(&token)
        );
        let page: PlainEventPage = client.get(&path).map_err(|error| failure(&error))?;
        for event in page.events.unwrap_or_default() {
            let line = serde_json::to_string(&event)
                .map_err(|error| Failure::environment(causes(&error)))?;
            let line = format!("{line}\n");
            count += 1;
            match &mut file {
                None => output::say(&line)?,
                Some(file) => file
                    .write_all(line.as_bytes())
                    .map_err(|error| unwritten(&error))?,
            }
        }
        if page.next_token.is_empty() {
            break;
        }
        token = page.next_token;
    }
    if let Some(mut file) = file {
        file.flush().map_err(|error| unwritten(&error))?;
    }
    if count == 0 {
        return Err(Failure::usage(format!(
            "there is no event of the session `{}`",
            asked.session
        ))
        .remedy(OTHER_SESSION));
    }
    Ok(Report::silent())
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot write the export: {error}"))
}

fn client(asked: &SessionArguments) -> Result<Client, Failure> {
    let server = asked.server.trim_end_matches('/');
    let address = server
        .parse()
        .map_err(|error| Failure::usage(causes(&error)))?;
    Ok(remote::reach(address, &asked.tls)?
        .with_token(asked.token.clone().filter(|token| !token.is_empty()))
        .with_patience(Duration::from_secs(asked.timeout)))
}

fn failure(error: &ClientError) -> Failure {
    let failure = remote::failure(error);
    match error {
        ClientError::Problem(problem) if problem.status == 401 => {
            failure.remedy("set `AEGIS_TOKEN`; `aegis token create` makes one")
        }
        ClientError::Problem(problem) if problem.status == 404 => failure.remedy(OTHER_SESSION),
        ClientError::Unreachable { .. }
        | ClientError::Problem(_)
        | ClientError::Foreign { .. }
        | ClientError::Write(_) => failure,
    }
}
