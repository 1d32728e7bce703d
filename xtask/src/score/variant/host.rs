//! Other spellings of the address that a line names.

use std::net::Ipv4Addr;

use super::line::Line;
use super::rule::Rewrite;

/// Commands that show the rules: what answers them is in the sandbox.
pub const MARKERS: &[&str] = &[
    "curl -s http://localhost/x",
    "curl -s http://www.shop.example/x",
    "curl -s 'http://www.shop.example/x?y=1'",
    "curl -s https://www.shop.example/x",
    "curl -s http://127.0.0.1/x",
    "curl -s -d @one http://127.8.9.10/x",
    "wget -qO- http://www.shop.example/x",
    "wget -qO- https://www.shop.example/x",
    "wget -qO- http://127.8.9.10/x",
    "git clone -q http://www.shop.example/x",
    "git clone -q https://www.shop.example/x",
    "git clone -q http://127.8.9.10/x",
];

/// The programs whose addresses are spelled otherwise.
const PROGRAMS: &[&str] = &["curl", "git", "wget"];

/// What carries out the rules.
pub const DONE: &[(&str, Rewrite)] = &[
    ("host-case", |line| {
        host(line, |host| Some(host.to_ascii_uppercase()))
    }),
    ("host-port", |line| {
        let address = Address::of(line)?;
        let port = match address.scheme {
            "http" => "80",
            _ => "443",
        };
        let has_port = !address.port.is_empty();
        (!has_port).then(|| {
            address.with(
                address.scheme,
                address.user,
                address.host,
                &format!(":{port}"),
            )
        })
    }),
    ("host-trailing-dot", |line| {
        host(line, |host| {
            let is_named = host.contains('.') && !host.ends_with('.') && numbers(host).is_none();
            is_named.then(|| format!("{host}."))
        })
    }),
    ("host-decimal", |line| {
        host(line, |host| Some(u32::from(numbers(host)?).to_string()))
    }),
    ("host-hex", |line| {
        host(line, |host| {
            Some(format!("0x{:x}", u32::from(numbers(host)?)))
        })
    }),
    ("host-user", |line| {
        let address = Address::of(line).filter(|address| address.user.is_empty())?;
        Some(address.with(address.scheme, "a@", address.host, address.port))
    }),
    ("scheme-case", |line| {
        let address = Address::of(line)?;
        // Git starts a program that is called after the scheme.
        let is_git = line.text.starts_with("git ");
        let scheme = address.scheme.to_ascii_uppercase();
        (!is_git).then(|| address.with(&scheme, address.user, address.host, address.port))
    }),
];

/// A line with one address, in parts.
struct Address<'a> {
    before: &'a str,
    scheme: &'a str,
    /// The user with the sign behind it.
    user: &'a str,
    host: &'a str,
    /// The port with the sign before it.
    port: &'a str,
    after: &'a str,
}

impl<'a> Address<'a> {
    fn of(line: &Line<'a>) -> Option<Self> {
        let (program, _) = line.program().filter(|_| line.is_simple())?;
        let (head, rest) = line.text.split_once("://")?;
        let scheme = ["https", "http"]
            .into_iter()
            .find(|scheme| head.ends_with(scheme))?;
        let (before, scheme) = head.split_at_checked(head.len() - scheme.len())?;
        let end = rest.find(['/', '?', '#', ' ', '\'', '"', '\\']);
        let (authority, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        let host_at = authority.rfind('@').map_or(0, |sign| sign + 1);
        let (user, place) = authority.split_at_checked(host_at)?;
        let (host, port) = place.split_at_checked(place.find(':').unwrap_or(place.len()))?;
        let is_host = |char: char| char.is_ascii_alphanumeric() || ".-".contains(char);
        let is_known = PROGRAMS.contains(&program)
            && before.ends_with([' ', '\'', '"'])
            && !host.is_empty()
            && host.chars().all(is_host)
            && !after.contains("://");
        is_known.then_some(Self {
            before,
            scheme,
            user,
            host,
            port,
            after,
        })
    }

    fn with(&self, scheme: &str, user: &str, host: &str, port: &str) -> String {
        let Self { before, after, .. } = self;
        format!("{before}{scheme}://{user}{host}{port}{after}")
    }
}

/// Returns the line with another spelling of its host.
fn host(line: &Line<'_>, spell: impl Fn(&str) -> Option<String>) -> Option<String> {
    let address = Address::of(line)?;
    let host = spell(address.host)?;
    Some(address.with(address.scheme, address.user, &host, address.port))
}

fn numbers(host: &str) -> Option<Ipv4Addr> {
    host.parse().ok()
}
