//! Reading addresses: URLs, hosts, hosts with a port.
//!
//! Where readers of addresses do not agree on the host, or refuse it, the host
//! is unknown: an allow never holds of it, a restriction does.

use std::net::IpAddr;

use aegis_shell::{ascii_host, plain_host};
use aegis_types::{HostFact, NetworkClass};

use super::address::{Named, class_of_v6, named, v6};

/// The ports that schemes stand for.
const PORTS: [(&str, u16); 26] = [
    ("http", 80),
    ("https", 443),
    ("ws", 80),
    ("wss", 443),
    ("ftp", 21),
    ("ftps", 990),
    ("ssh", 22),
    ("git", 9418),
    ("rsync", 873),
    ("sftp", 22),
    ("scp", 22),
    ("telnet", 23),
    ("ldap", 389),
    ("ldaps", 636),
    ("smtp", 25),
    ("smtps", 465),
    ("gopher", 70),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("redis", 6379),
    ("rediss", 6379),
    ("mongodb", 27017),
    ("amqp", 5672),
    ("socks4", 1080),
    ("socks5", 1080),
];

/// Schemes of URLs that are read without their slashes as well, and with
/// backslashes in their place.
const LENIENT: [&str; 5] = ["http", "https", "ws", "wss", "ftp"];

/// Schemes that name a socket or a file of this machine.
const LOCAL: [&str; 5] = ["unix", "npipe", "fd", "http+unix", "file"];

/// Returns the host of a text with a scheme: `https://…`; nothing if it has none.
pub(crate) fn of_url(written: &str) -> Option<HostFact> {
    // Readers of URLs drop tabs and line ends, and the space around.
    let text: String = written
        .trim_matches(|character: char| character <= ' ')
        .chars()
        .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
        .collect();
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    let scheme = scheme.to_ascii_lowercase();
    let is_lenient = LENIENT.contains(&&*scheme);
    let turned = rest.replace('\\', "/");
    // A reader that needs no slashes takes what follows for the host at once.
    let is_bare = is_lenient && !rest.is_empty() && !rest.contains(char::is_whitespace);
    if !is_scheme || !(turned.starts_with("//") || is_bare) {
        return None;
    }
    if LOCAL.contains(&&*scheme) {
        return Some(this_machine(written, Some(scheme)));
    }
    let fact = of_authority(written, &scheme, authority_of(&turned));
    // Readers that take a backslash for any other character see another host.
    let is_told_alike = !authority_of(rest).contains('\\')
        || !rest.starts_with("//")
        || of_authority(written, &scheme, authority_of(rest)).host == fact.host;
    if is_told_alike {
        return Some(fact);
    }
    Some(HostFact {
        host: None,
        class: NetworkClass::Unknown,
        ..fact
    })
}

/// Returns what a URL names between its slashes and its path.
fn authority_of(rest: &str) -> &str {
    let rest = rest.trim_start_matches('/');
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn of_authority(written: &str, scheme: &str, authority: &str) -> HostFact {
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, after)| after);
    of_host(written, Some(scheme.to_owned()), host_and_port)
}

/// Returns the host of an address without a scheme: `host`, `host:port`, `user@host:path`.
pub(crate) fn of_address(written: &str, scheme: Option<&str>) -> HostFact {
    let end = written.find(['/', '?', '#', '\\']).unwrap_or(written.len());
    let authority = written.get(..end).unwrap_or(written);
    let fact = of_authority(written, scheme.unwrap_or_default(), authority);
    // In `user@host:path` the path may hold an `@`; in `user:secret@host` the secret a colon.
    let in_copy = authority
        .split_once('@')
        .map_or(authority, |(_, after)| after);
    let host_in_copy = in_copy.split(':').next().unwrap_or_default();
    let after = written.get(end..).unwrap_or_default();
    let is_cut_alike = !(after.starts_with('\\') && after.contains('@'));
    let is_told_alike = authority.matches('@').count() < 2
        || of_host(written, None, host_in_copy).host == fact.host;
    HostFact {
        scheme: scheme.map(str::to_owned),
        host: fact.host.filter(|_| is_told_alike && is_cut_alike),
        class: if is_told_alike && is_cut_alike {
            fact.class
        } else {
            NetworkClass::Unknown
        },
        ..fact
    }
}

/// Returns the fact that something of this machine is spoken to: a socket, a file.
pub(crate) fn this_machine(written: &str, scheme: Option<String>) -> HostFact {
    HostFact {
        written: written.to_owned(),
        scheme,
        host: None,
        port: None,
        class: NetworkClass::Loopback,
        causes: Vec::new(),
    }
}

/// Returns the fact that a host is spoken to of which nothing can be told.
pub(crate) fn somewhere(written: &str) -> HostFact {
    HostFact {
        written: written.to_owned(),
        scheme: None,
        host: None,
        port: None,
        class: NetworkClass::Unknown,
        causes: Vec::new(),
    }
}

fn of_host(written: &str, scheme: Option<String>, host_and_port: &str) -> HostFact {
    let (host, port) = split_port(host_and_port);
    let told = in_brackets(host)
        .or_else(|| v6(host).map(|address| (address.to_string(), class_of_v6(address))))
        .or_else(|| of_name(host));
    let (host, class) = match told {
        Some((host, class)) => (Some(host), class),
        None => (None, NetworkClass::Unknown),
    };
    let usual = || {
        let scheme = scheme.as_deref()?;
        PORTS
            .iter()
            .find(|(known, _)| *known == scheme)
            .map(|(_, port)| *port)
    };
    HostFact {
        written: written.to_owned(),
        port: port.or_else(usual),
        scheme,
        host,
        class,
        causes: Vec::new(),
    }
}

fn in_brackets(host: &str) -> Option<(String, NetworkClass)> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    let address = v6(inner)?;
    Some((address.to_string(), class_of_v6(address)))
}

fn of_name(host: &str) -> Option<(String, NetworkClass)> {
    let host = ascii_host(&plain_host(&decode_percent(host)?))?;
    let host = host.strip_suffix('.').unwrap_or(&host);
    if !is_name(host) {
        return None;
    }
    match named(host) {
        Named::Address(IpAddr::V4(address), class) => Some((address.to_string(), class)),
        Named::Address(IpAddr::V6(address), class) => Some((address.to_string(), class)),
        Named::Name(class) => Some((host.to_owned(), class)),
        Named::Neither => None,
    }
}

fn split_port(text: &str) -> (&str, Option<u16>) {
    // An address of version 6 that stands without brackets has no port.
    if v6(text).is_some() {
        return (text, None);
    }
    let after_bracket = text.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = text
        .get(after_bracket..)
        .and_then(|rest| rest.rfind(':'))
        .map(|at| at + after_bracket)
    else {
        return (text, None);
    };
    let host = text.get(..colon).unwrap_or_default();
    let port = text.get(colon + 1..).unwrap_or_default();
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    (host, port.parse().ok().filter(|_| is_number))
}

/// Returns the text with `%41` turned into `A`; nothing if that is no text.
pub(crate) fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Returns whether a text in lower case can be the name of a host, or an address.
fn is_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && !host.starts_with('.') && !host.contains("..") && host.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host: Option<&str>, port: Option<u16>, class: NetworkClass) {
        let fact = of_url(url).unwrap_or_else(|| of_address(url, None));
        assert_eq!(fact.host.as_deref(), host, "{url}");
        assert_eq!(fact.port, port, "{url}");
        assert_eq!(fact.class, class, "{url}");
    }

    #[test]
    fn the_host_of_a_url_is_what_comes_after_the_user() {
        let name = NetworkClass::Name;
        check(
            "https://Example.org/x",
            Some("example.org"),
            Some(443),
            name,
        );
        check(
            "http://a@b@evil.org:8080/@x",
            Some("evil.org"),
            Some(8080),
            name,
        );
        check("https:\\\\evil.org\\x", Some("evil.org"), Some(443), name);
        check(
            "https://good.org%2eevil.org",
            Some("good.org.evil.org"),
            Some(443),
            name,
        );
        check("git@github.com:org/repo", Some("github.com"), None, name);
        check(
            "localhost:3000",
            Some("localhost"),
            Some(3000),
            NetworkClass::Loopback,
        );
    }

    #[test]
    fn an_address_without_a_scheme_has_the_host_it_has_with_one() {
        let metadata = NetworkClass::Metadata;
        let address = Some("169.254.169.254");
        for text in [
            "169.254.169.254/@good.example",
            "169.254.169.254/a/b@good.example",
            "169.254.169.254?@good.example",
            "169.254.169.254#@good.example",
            "good.example@169.254.169.254/x",
            "169.254.169.254",
        ] {
            check(text, address, None, metadata);
            check(&format!("http://{text}"), address, Some(80), metadata);
        }
        for text in ["evil.org\\@good.example", "a@evil.org:x@good.example"] {
            check(text, None, None, NetworkClass::Unknown);
        }
    }

    #[test]
    fn an_address_is_known_in_every_spelling() {
        let loopback = NetworkClass::Loopback;
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
        ] {
            check(
                &format!("http://{host}/"),
                Some("127.0.0.1"),
                Some(80),
                loopback,
            );
        }
        check(
            "http://[::ffff:127.0.0.1]/",
            Some("::ffff:127.0.0.1"),
            Some(80),
            loopback,
        );
        check("http://[::1]:9/", Some("::1"), Some(9), loopback);
        check(
            "http://169.254.169.254/",
            Some("169.254.169.254"),
            Some(80),
            NetworkClass::Metadata,
        );
        check(
            "http://10.1.2.3/",
            Some("10.1.2.3"),
            Some(80),
            NetworkClass::Private,
        );
        check(
            "http://8.8.8.8/",
            Some("8.8.8.8"),
            Some(80),
            NetworkClass::Global,
        );
        check(
            "http://[64:ff9b::7f00:1]/",
            Some("64:ff9b::7f00:1"),
            Some(80),
            loopback,
        );
    }

    #[test]
    fn tricks_with_users_slashes_dots_and_letters_show_the_host_that_is_reached() {
        let name = NetworkClass::Name;
        for (url, host) in [
            ("http://good.example@evil.example/", "evil.example"),
            ("http://good.example:80@evil.example/", "evil.example"),
            ("http://evil.example#@good.example", "evil.example"),
            ("http://evil.example?@good.example", "evil.example"),
            ("http:evil.example", "evil.example"),
            ("http:/evil.example/x", "evil.example"),
            ("http:////evil.example/x", "evil.example"),
            ("http:\\/evil.example", "evil.example"),
            (" ht\ntp://evil.example", "evil.example"),
            ("http://EVIL.example./", "evil.example"),
            ("http://%65vil.example/", "evil.example"),
            ("http://münchen.example/", "xn--mnchen-3ya.example"),
            ("http://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example"),
        ] {
            check(url, Some(host), Some(80), name);
        }
        let loopback = NetworkClass::Loopback;
        for (url, host) in [
            ("http://localhost./", "localhost"),
            ("http://app.LocalHost/", "app.localhost"),
            ("http://127.0.0.1./", "127.0.0.1"),
            ("http://%31%32%37.1/", "127.0.0.1"),
            ("http://[::1%25lo]/", "::1"),
            ("http://[0:0:0:0:0:0:0:1]/", "::1"),
            ("http://[64:ff9b:1::7f00:1]/", "64:ff9b:1::7f00:1"),
        ] {
            check(url, Some(host), Some(80), loopback);
        }
    }

    #[test]
    fn addresses_of_version_six_need_no_brackets_outside_of_urls() {
        check("user@::1", Some("::1"), None, NetworkClass::Loopback);
        check(
            "fe80::1%eth0",
            Some("fe80::1"),
            None,
            NetworkClass::LinkLocal,
        );
        check(
            "[fe80::1%eth0]:22",
            Some("fe80::1"),
            Some(22),
            NetworkClass::LinkLocal,
        );
    }

    #[test]
    fn sockets_and_files_are_of_this_machine() {
        for url in [
            "unix:///var/run/docker.sock",
            "file:///etc/passwd",
            "npipe:////./pipe/x",
        ] {
            check(url, None, None, NetworkClass::Loopback);
        }
    }

    #[test]
    fn what_readers_do_not_agree_on_is_unknown() {
        for url in [
            "http://evil.example\\@good.example/",
            "http://010.0.0.1/",
            "http://1.2.3.4.5/",
            "http://good.example%2f@x%00y/",
            "http://a..b/",
        ] {
            check(url, None, Some(80), NetworkClass::Unknown);
        }
    }

    #[test]
    fn what_is_no_host_is_unknown() {
        for url in ["http:///", "http://a b/", "http://%zz/"] {
            check(url, None, Some(80), NetworkClass::Unknown);
        }
        assert_eq!(of_url("not a url"), None);
        assert_eq!(of_url("mailto:a@b.org"), None);
    }
}
