//! The file that says whom the certificates of clients name.
//!
//! Whoever it does not name is nobody. An entry goes by one name of a
//! certificate, written out: no pattern makes a principal of a stranger.

use aegis_canon::Digest;
use aegis_types::{AgentId, Role, TenantId, UserId};

use crate::parse::{Map, Node, NodeValue, SOURCE_BYTES_MAX, Walker, read_tree};
use crate::problem::{ProblemCode, Problems, Severity, quoted};
use crate::source::Source;

/// What the format of such a file begins with.
pub(crate) const FORMAT: &str = "principals";

/// The version of the format.
const VERSION: &str = "principals/v1";

const ENTRY_KEYS: [&str; 9] = [
    "name", "tenant", "roles", "agents", "uri", "dns", "email", "subject", "sha256",
];

/// The keys that name a certificate, of which an entry has one.
const NAMES: [&str; 5] = ["uri", "dns", "email", "subject", "sha256"];

const ROLES: [(&str, Role); 4] = [
    (Role::Agent.as_str(), Role::Agent),
    (Role::Approver.as_str(), Role::Approver),
    (Role::Auditor.as_str(), Role::Auditor),
    (Role::Operator.as_str(), Role::Operator),
];

/// Who shows a certificate with one of its names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedPrincipal {
    /// Its name, for the record.
    pub name: UserId,
    /// Whose sessions it may see and add to.
    pub tenant: TenantId,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The agents in whose name it may act; any if empty.
    pub agents: Vec<AgentId>,
    /// The name by which its certificate is known.
    pub certificate: CertificateName,
}

/// One of the names of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateName {
    /// An address of the form `scheme:…`, such as that of SPIFFE.
    Uri(String),
    /// A name of a host, in lower case.
    Host(String),
    /// An address of mail.
    Mail(String),
    /// The whole subject, as RFC 4514 writes it.
    Subject(String),
    /// SHA-256 of the certificate: this one and no other.
    Fingerprint(Digest),
}

/// Parses a file of principals.
///
/// # Errors
///
/// All [`Problems`] of the file, in the order of its lines.
pub fn parse_principals_file(source: &Source) -> Result<Vec<NamedPrincipal>, Problems> {
    let mut walker = Walker::new(0, &source.text);
    let principals = file(&mut walker);
    let mut problems = walker.into_problems();
    problems.sort_by_key(|it| it.span.start);
    let has_error = problems.iter().any(|it| it.severity == Severity::Error);
    let principals = principals.filter(|_| !has_error);
    principals.ok_or_else(|| Problems(problems, vec![source.clone()]))
}

fn file(walker: &mut Walker<'_>) -> Option<Vec<NamedPrincipal>> {
    if walker.text.len() > SOURCE_BYTES_MAX {
        let message = format!("the file is larger than {} MiB", SOURCE_BYTES_MAX >> 20);
        walker.error(ProblemCode::TooLarge, &(0..0), message);
        return None;
    }
    let root = read_tree(walker)?;
    let map = walker.map(&root, "a file of principals", &["aegis", "principals"])?;
    let version = walker.required(map, "aegis");
    version.and_then(|it| check_version(walker, it));
    let listed = walker.required(map, "principals")?;
    let mut known: Vec<NamedPrincipal> = Vec::new();
    walker.list(listed, "`principals`", |walker, item| {
        let principal = principal(walker, item)?;
        check_apart(walker, item, &principal, &known);
        known.push(principal);
        Some(())
    });
    Some(known)
}

fn check_version(walker: &mut Walker<'_>, node: &Node<'_>) -> Option<()> {
    if matches!(&node.value, NodeValue::Scalar { text, .. } if text == VERSION) {
        return Some(());
    }
    walker
        .error(
            ProblemCode::UnknownVersion,
            &node.span,
            "unknown format of principals",
        )
        .help(format!("this program reads `{VERSION}`"))
        .suggest(VERSION);
    None
}

fn principal<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<NamedPrincipal> {
    let map = walker.map(node, "a principal", &ENTRY_KEYS)?;
    let name = walker.required(map, "name");
    let name = name.and_then(|it| walker.name(it, "the name of a principal"));
    let tenant = walker.required(map, "tenant");
    let tenant = tenant.and_then(|it| walker.name(it, "the name of a tenant"));
    let roles = roles(walker, map);
    let agents = map.get("agents").map_or_else(Vec::new, |it| {
        walker.one_or_many(it, "`agents`", |walker, item| {
            walker.name(item, "the name of an agent")
        })
    });
    let certificate = certificate(walker, map);
    Some(NamedPrincipal {
        name: name?,
        tenant: tenant?,
        roles: roles?,
        agents,
        certificate: certificate?,
    })
}

fn roles<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<Vec<Role>> {
    let node = walker.required(map, "roles")?;
    let roles = walker.one_or_many(node, "`roles`", |walker, item| {
        walker.choice(item, "a role", &ROLES)
    });
    if let Some(barred) = Role::beside_agent(&roles) {
        let barred = barred.as_str();
        let message = format!("nobody has both roles, agent and {barred}");
        walker
            .error(ProblemCode::Contradiction, &node.span, message)
            .help(format!(
                "an agent must not answer for itself; give the {barred} another certificate"
            ));
    }
    Some(roles)
}

/// Reads the one name of a certificate that an entry has.
fn certificate<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<CertificateName> {
    let named = |entry: &&crate::parse::Entry<'a>| NAMES.contains(&entry.key.as_ref());
    let mut entries = map.entries().iter().filter(named);
    let Some(entry) = entries.next() else {
        walker
            .error(
                ProblemCode::MissingKey,
                map.span,
                "a principal has no certificate",
            )
            .help("name it by `uri`, `dns`, `email`, `subject` or `sha256`");
        return None;
    };
    if let Some(other) = entries.next() {
        let message = "a principal is known by one name of its certificate";
        walker
            .error(ProblemCode::Contradiction, &other.key_span, message)
            .help("write an entry for each name");
    }
    let text = walker.some_text(&entry.value, &format!("`{}`", entry.key))?;
    if text.contains('*') && entry.key != "subject" {
        let message = format!("{} is a pattern", quoted(text));
        walker
            .error(ProblemCode::Unsupported, &entry.value.span, message)
            .help("write each name out: an entry is for one holder");
        return None;
    }
    Some(match entry.key.as_ref() {
        "uri" => CertificateName::Uri(text.to_owned()),
        "dns" => CertificateName::Host(text.to_ascii_lowercase()),
        "email" => CertificateName::Mail(text.to_owned()),
        "subject" => CertificateName::Subject(text.to_owned()),
        _ => {
            let digits: String = text.chars().filter(|it| *it != ':').collect();
            let Ok(digest) = digits.to_ascii_lowercase().parse() else {
                walker
                    .error(
                        ProblemCode::UnknownValue,
                        &entry.value.span,
                        format!("{} is no SHA-256", quoted(text)),
                    )
                    .help("`openssl x509 -noout -fingerprint -sha256 -in FILE` shows it");
                return None;
            };
            CertificateName::Fingerprint(digest)
        }
    })
}

/// Reports a principal whose name or certificate another entry has: which of
/// both is meant cannot be told.
fn check_apart(
    walker: &mut Walker<'_>,
    node: &Node<'_>,
    principal: &NamedPrincipal,
    known: &[NamedPrincipal],
) {
    for other in known {
        let message = if other.name == principal.name {
            format!(
                "there are two principals with the name `{}`",
                principal.name
            )
        } else if other.certificate == principal.certificate {
            format!("`{}` has the same certificate", other.name)
        } else {
            continue;
        };
        walker
            .error(ProblemCode::Contradiction, &node.span, message)
            .help("each entry has a name and a certificate of its own");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<NamedPrincipal>, String> {
        let text = format!("aegis: principals/v1\nprincipals: {text}\n");
        parse_principals_file(&Source::new("principals.yaml", &text)).map_err(|it| it.to_string())
    }

    #[test]
    fn every_name_of_a_certificate_is_read() {
        let digest = Digest::of(b"x");
        let colons: Vec<String> = digest
            .as_bytes()
            .iter()
            .map(|it| format!("{it:02X}"))
            .collect();
        for (written, expected) in [
            (
                "uri: 'spiffe://a/b'".to_owned(),
                CertificateName::Uri("spiffe://a/b".to_owned()),
            ),
            (
                "dns: Build.Example".to_owned(),
                CertificateName::Host("build.example".to_owned()),
            ),
            (
                "email: ana@acme.example".to_owned(),
                CertificateName::Mail("ana@acme.example".to_owned()),
            ),
            (
                "subject: 'CN=ana,O=acme'".to_owned(),
                CertificateName::Subject("CN=ana,O=acme".to_owned()),
            ),
            (
                format!("sha256: '{digest}'"),
                CertificateName::Fingerprint(digest),
            ),
            (
                format!("sha256: '{}'", colons.join(":")),
                CertificateName::Fingerprint(digest),
            ),
        ] {
            let text = format!("[{{name: a, tenant: t, roles: agent, agents: [b], {written}}}]");
            let found = read(&text).unwrap();
            let expected = NamedPrincipal {
                name: "a".parse().unwrap(),
                tenant: "t".parse().unwrap(),
                roles: vec![Role::Agent],
                agents: vec!["b".parse().unwrap()],
                certificate: expected,
            };
            assert_eq!(found, [expected]);
        }
    }

    #[test]
    fn what_could_name_a_stranger_is_refused() {
        let entry = |rest: &str| format!("[{{name: a, tenant: t, roles: [agent], {rest}}}]");
        for (text, cause) in [
            (entry("agents: [b]"), "no certificate"),
            (entry("dns: '*.example'"), "pattern"),
            (entry("dns: a, uri: b"), "one name"),
            (entry("sha256: '12'"), "SHA-256"),
            (entry("dns: a, common_name: a"), "common_name"),
            (entry("dns: ''"), "empty"),
            (
                "[{name: a, tenant: t, roles: [agent, operator], dns: a}]".to_owned(),
                "agent and operator",
            ),
            (
                "[{name: a, tenant: t, roles: [], dns: a}]".to_owned(),
                "empty",
            ),
            (
                "[{name: a, tenant: t, roles: [root], dns: a}]".to_owned(),
                "root",
            ),
            ("[{name: a, roles: [agent], dns: a}]".to_owned(), "tenant"),
            ("[{tenant: t, roles: [agent], dns: a}]".to_owned(), "name"),
            (
                "[{name: a, tenant: t, roles: agent, dns: A}, \
                 {name: b, tenant: t, roles: agent, dns: a}]"
                    .to_owned(),
                "same certificate",
            ),
            (
                "[{name: a, tenant: t, roles: agent, dns: a}, \
                 {name: a, tenant: t, roles: agent, dns: b}]"
                    .to_owned(),
                "two principals",
            ),
            ("[]".to_owned(), "empty"),
        ] {
            let said = read(&text).unwrap_err();
            assert!(said.contains(cause), "{text}: {said}");
        }
        let other = Source::new("p.yaml", "aegis: principals/v2\nprincipals: []\n");
        assert!(parse_principals_file(&other).is_err());
    }
}
