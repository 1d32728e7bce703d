//! What the port of a service needs for TLS.

use std::path::PathBuf;

use super::section;
use crate::parse::{Map, NodeValue, Walker};
use crate::problem::ProblemCode;

const KEYS: [&str; 6] = [
    "enabled",
    "cert_file",
    "key_file",
    "ca_file",
    "client_auth",
    "principals_file",
];

/// Whether a certificate of the client need not be shown.
const DEMANDS: [(&str, bool); 2] = [("required", false), ("optional", true)];

/// What the port of a service needs for TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceTls {
    /// The file of the certificate, with those that lead to its authority.
    pub chain: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// Which clients show certificates too; none if absent.
    pub clients: Option<ServiceClients>,
}

/// Which certificates of clients are believed, and whom they name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceClients {
    /// The file of their authorities.
    pub authorities: PathBuf,
    /// Whether a client may come without one.
    pub is_optional: bool,
    /// The file that says whom they name; they name nobody if absent.
    pub principals: Option<PathBuf>,
}

pub(super) fn read<'a>(walker: &mut Walker<'a>, file: Map<'_, 'a>) -> Option<ServiceTls> {
    let tls = section(walker, file, "tls", &KEYS)?;
    let enabled = tls
        .get("enabled")
        .and_then(|it| walker.boolean(it, "`tls.enabled`"));
    let chain = path(walker, tls, "cert_file");
    let key = path(walker, tls, "key_file");
    let authorities = path(walker, tls, "ca_file");
    let principals = path(walker, tls, "principals_file");
    let is_optional = tls
        .get("client_auth")
        .and_then(|it| walker.choice(it, "`tls.client_auth`", &DEMANDS));
    if enabled != Some(true) {
        unused(walker, tls, &KEYS[1..], "`tls.enabled: true`");
        return None;
    }
    for (name, found) in [("cert_file", &chain), ("key_file", &key)] {
        // An empty text asks for nothing, so it is told like a key that lacks.
        if found.is_none() {
            let message = format!("`tls.enabled: true` needs `{name}`");
            walker
                .error(ProblemCode::MissingKey, tls.span, message)
                .help("name the files of the certificate and of its key");
        }
    }
    if authorities.is_none() {
        unused(
            walker,
            tls,
            &["client_auth", "principals_file"],
            "`tls.ca_file`",
        );
    }
    Some(ServiceTls {
        chain: chain?,
        key: key?,
        clients: authorities.map(|authorities| ServiceClients {
            authorities,
            is_optional: is_optional.unwrap_or_default(),
            principals,
        }),
    })
}

/// Refuses each of `keys` that asks for something while `lack` is not there.
fn unused<'a>(walker: &mut Walker<'a>, tls: Map<'_, 'a>, keys: &[&str], lack: &str) {
    for entry in tls.entries() {
        let is_empty =
            matches!(&entry.value.value, NodeValue::Scalar { text, .. } if text.is_empty());
        if keys.contains(&entry.key.as_ref()) && !is_empty {
            let message = format!("`tls.{}` has no effect without {lack}", entry.key);
            walker
                .error(ProblemCode::Unsupported, &entry.value.span, message)
                .help("say both, or take the key out");
        }
    }
}

/// Reads the path at `key`; the empty text names none.
fn path<'a>(walker: &mut Walker<'a>, tls: Map<'_, 'a>, key: &str) -> Option<PathBuf> {
    let node = tls.get(key)?;
    let text = walker.text(node, &format!("`tls.{key}`"))?;
    (!text.is_empty()).then(|| PathBuf::from(text))
}
