//! The file in which the control plane keeps the settings of its service.
//!
//! Every key has effect. What this program cannot do yet is refused by name,
//! so that nobody believes in a protection that is not there.

mod store;
mod tls;

use std::net::SocketAddr;

use crate::parse::{Map, Node, SOURCE_BYTES_MAX, Walker, read_tree};
use crate::problem::{ProblemCode, Problems, Severity, quoted};
use crate::source::Source;

pub use store::StorePlace;
pub use tls::{ServiceClients, ServiceTls};

pub(crate) const KEYS: [&str; 9] = [
    "dsn",
    "addr",
    "manifest",
    "trust_mode",
    "mcp_addr",
    "rate_limit",
    "telemetry",
    "tls",
    "log",
];

const TRUST_MODES: [(&str, TrustMode); 2] = [("dev", TrustMode::Dev), ("prod", TrustMode::Prod)];

const LEVELS: [(&str, LogLevel); 4] = [
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
];

const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

/// How much must be in order before the service starts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TrustMode {
    /// What a developer needs.
    #[default]
    Dev,
    /// Callers name themselves by tokens, and nothing goes in clear text over a network.
    Prod,
}

/// Which requests are written down, from all to those that failed here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// Every request, when it comes and when it is answered.
    Debug,
    /// Every request when it is answered.
    Info,
    /// Those that were refused.
    Warn,
    /// Those at which the service failed.
    Error,
}

/// How requests are written down.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// As lines for people.
    #[default]
    Text,
    /// As one JSON object a line.
    Json,
}

/// The settings of a service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServiceFile {
    /// Where the log is kept.
    pub store: Option<StorePlace>,
    /// The port.
    pub address: Option<SocketAddr>,
    /// What the port needs for TLS; it speaks in clear text if absent.
    pub tls: Option<ServiceTls>,
    /// How much must be in order before it starts.
    pub trust_mode: TrustMode,
    /// How many requests one caller may make in a minute; absent for any number.
    pub rate_limit: Option<u32>,
    /// Which requests are written down; none if absent.
    pub log_level: Option<LogLevel>,
    /// How they are written down.
    pub log_format: LogFormat,
}

impl ServiceFile {
    /// Returns whether who may write the file decides where the log is, or who
    /// callers are.
    #[must_use]
    pub fn gives_power(&self) -> bool {
        let clients = self.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
        self.store.is_some() || clients
    }
}

/// Parses the settings of a service.
///
/// # Errors
///
/// All [`Problems`] of the file, in the order of its lines.
pub fn parse_service_file(source: &Source) -> Result<ServiceFile, Problems> {
    let mut walker = Walker::new(0, &source.text);
    let file = file(&mut walker);
    let mut problems = walker.into_problems();
    problems.sort_by_key(|it| it.span.start);
    let has_error = problems.iter().any(|it| it.severity == Severity::Error);
    let file = file.filter(|_| !has_error);
    file.ok_or_else(|| Problems(problems, vec![source.clone()]))
}

/// Returns the store that `text` names, as it stands on a command line.
///
/// # Errors
///
/// Why it names none that this program has.
pub fn parse_store(text: &str) -> Result<StorePlace, String> {
    StorePlace::read(text)
}

/// Returns the address that `text` names: `HOST:PORT` with an IP address or
/// `localhost`, or `:PORT` for every address of the machine.
#[must_use]
pub fn parse_address(text: &str) -> Option<SocketAddr> {
    let full = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.starts_with(':') => format!("0.0.0.0{text}"),
        None => text.to_owned(),
    };
    full.parse().ok()
}

fn file(walker: &mut Walker<'_>) -> Option<ServiceFile> {
    if walker.text.len() > SOURCE_BYTES_MAX {
        let message = format!("the file is larger than {} MiB", SOURCE_BYTES_MAX >> 20);
        walker.error(ProblemCode::TooLarge, &(0..0), message);
        return None;
    }
    let root = read_tree(walker)?;
    let map = walker.map(&root, "a file of service settings", &KEYS)?;
    refuse(walker, map, "manifest", "no check of manifests");
    refuse(walker, map, "mcp_addr", "no MCP proxy in the service");
    let log = section(walker, map, "log", &["level", "format"]);
    telemetry(walker, map);
    Some(ServiceFile {
        store: map.get("dsn").and_then(|it| store(walker, it)),
        address: map.get("addr").and_then(|it| address(walker, it)),
        tls: tls::read(walker, map),
        trust_mode: map
            .get("trust_mode")
            .and_then(|it| walker.choice(it, "`trust_mode`", &TRUST_MODES))
            .unwrap_or_default(),
        rate_limit: map
            .get("rate_limit")
            .and_then(|it| walker.integer(it, "`rate_limit`", 0..=1_000_000))
            .and_then(|it| u32::try_from(it).ok())
            .filter(|it| *it > 0),
        log_level: log
            .and_then(|log| log.get("level"))
            .and_then(|it| walker.choice(it, "`log.level`", &LEVELS)),
        log_format: log
            .and_then(|log| log.get("format"))
            .and_then(|it| walker.choice(it, "`log.format`", &FORMATS))
            .unwrap_or_default(),
    })
}

fn section<'n, 'a>(
    walker: &mut Walker<'a>,
    map: Map<'n, 'a>,
    key: &'static str,
    keys: &'n [&'static str],
) -> Option<Map<'n, 'a>> {
    let node = map.get(key)?;
    walker.map(node, key, keys)
}

/// Refuses the text at `key`, which asks for what this version does not have.
fn refuse<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, key: &'static str, lack: &str) {
    let Some(node) = map.get(key) else {
        return;
    };
    let name = format!("`{key}`");
    let Some(text) = walker.text(node, &name) else {
        return;
    };
    if !text.is_empty() {
        unsupported(walker, node, &name, lack);
    }
}

fn unsupported(walker: &mut Walker<'_>, node: &Node<'_>, key: &str, lack: &str) {
    let message = format!("{key} cannot have effect: this version has {lack}");
    walker
        .error(ProblemCode::Unsupported, &node.span, message)
        .help("take the key out, knowing that what it asks for is not done");
}

fn telemetry<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) {
    let Some(telemetry) = section(walker, map, "telemetry", &["disabled", "path"]) else {
        return;
    };
    let disabled = telemetry
        .get("disabled")
        .and_then(|it| walker.boolean(it, "`telemetry.disabled`"));
    let path = telemetry.get("path");
    let is_asked_for = match path {
        Some(node) => walker
            .text(node, "`telemetry.path`")
            .is_some_and(|it| !it.is_empty()),
        None => false,
    };
    if let Some(node) = path
        && is_asked_for
        && disabled != Some(true)
    {
        unsupported(walker, node, "`telemetry.path`", "no file of traces");
    }
    if let Some(node) = telemetry.get("disabled")
        && disabled == Some(false)
    {
        unsupported(walker, node, "`telemetry.disabled: false`", "no telemetry");
    }
}

fn store<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<StorePlace> {
    let text = walker.some_text(node, "`dsn`")?;
    match StorePlace::read(text) {
        Ok(place) => Some(place),
        Err(cause) => {
            // A place may hold a password, so it is not repeated.
            let message = format!("`dsn`: {cause}");
            walker
                .error(ProblemCode::Unsupported, &node.span, message)
                .help("name a file, such as `/var/lib/aegis/log.db`");
            None
        }
    }
}

fn address<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<SocketAddr> {
    let text = walker.some_text(node, "`addr`")?;
    let found = parse_address(text);
    if found.is_none() {
        let message = format!("`addr` is no address: {}", quoted(text));
        walker
            .error(ProblemCode::UnknownValue, &node.span, message)
            .help("write an IP address and a port, such as `127.0.0.1:8080`");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServiceFile, String> {
        parse_service_file(&Source::new("aegis.yaml", text)).map_err(|it| it.to_string())
    }

    #[test]
    fn every_key_that_has_effect_is_read() {
        let found = read(
            "dsn: file:/srv/log.db?mode=rwc&cache=shared\naddr: localhost:9000\ntrust_mode: prod\n\
             rate_limit: 120\nmanifest: ''\nmcp_addr: ''\ntelemetry: {disabled: true, path: x}\n\
             tls: {enabled: false, cert_file: ''}\nlog: {level: warn, format: json}\n",
        );
        let expected = ServiceFile {
            store: Some(StorePlace::File("/srv/log.db".into())),
            address: Some("127.0.0.1:9000".parse().unwrap()),
            tls: None,
            trust_mode: TrustMode::Prod,
            rate_limit: Some(120),
            log_level: Some(LogLevel::Warn),
            log_format: LogFormat::Json,
        };
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn what_would_have_no_effect_is_refused_by_name() {
        for (text, name) in [
            ("manifest: m.json", "manifest"),
            ("mcp_addr: :9090", "mcp_addr"),
            ("tls: {cert_file: a}", "tls.cert_file"),
            ("tls: {enabled: false, key_file: a}", "tls.key_file"),
            ("tls: {enabled: true}", "cert_file"),
            ("tls: {enabled: true, cert_file: a}", "key_file"),
            ("tls: {ca_file: a}", "tls.ca_file"),
            ("telemetry: {path: t.jsonl}", "telemetry.path"),
            ("telemetry: {disabled: false}", "telemetry.disabled"),
            ("dsn: postgres://u:p@h/d", "dsn"),
            ("dsn: mysql://h/d", "dsn"),
            ("dsn: file:a.db?mode=ro", "dsn"),
            ("addr: everywhere", "addr"),
            ("trust_mode: staging", "trust_mode"),
            ("rate_limit: -1", "rate_limit"),
            ("log: {level: loud}", "log.level"),
            ("log: {file: x}", "file"),
            ("surprise: 1", "surprise"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(name), "{text}: {said}");
        }
        let said = read("dsn: postgres://user:hunter2@h/d").unwrap_err();
        assert!(
            said.contains("PostgreSQL") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_its_place() {
        let source = Source::new(
            "aegis.yaml",
            "manifest: m\nlog:\n  level: x\ntls: {enabled: yes}\n",
        );
        let Problems(problems, _) = parse_service_file(&source).unwrap_err();
        let lines: Vec<_> = problems.iter().map(|it| it.place.line).collect();
        assert_eq!(lines, [1, 3, 4]);
    }
}
