//! Reading addresses: URLs, hosts, hosts with a port.

use std::net::{Ipv4Addr, Ipv6Addr};

use aegis_types::{HostFact, NetworkClass};

/// The ports that schemes stand for.
const PORTS: [(&str, u16); 10] = [
    ("http", 80),
    ("https", 443),
    ("ws", 80),
    ("wss", 443),
    ("ftp", 21),
    ("ssh", 22),
    ("git", 9418),
    ("rsync", 873),
    ("sftp", 22),
    ("scp", 22),
];

/// Names under which clouds serve their metadata.
const METADATA_NAMES: [&str; 3] = [
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
];

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
    let rest = rest.replace('\\', "/");
    if !is_scheme || !rest.starts_with("//") {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, after)| after);
    Some(of_host(written, Some(scheme), host_and_port))
}

/// Returns the host of an address without a scheme: `host`, `host:port`, `user@host:path`.
pub(crate) fn of_address(written: &str, scheme: Option<&str>) -> HostFact {
    let after = written.rsplit_once('@').map_or(written, |(_, after)| after);
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let host_and_port = after.get(..end).unwrap_or(after);
    of_host(written, scheme.map(str::to_owned), host_and_port)
}

fn of_host(written: &str, scheme: Option<String>, host_and_port: &str) -> HostFact {
    let (host, port) = split_port(host_and_port);
    let decoded = decode_percent(host).map(|host| host.trim_end_matches('.').to_ascii_lowercase());
    let (host, class) = match decoded {
        Some(host) if is_name(&host) => match ipv4(&host) {
            Some(address) => (Some(address.to_string()), class_of_v4(address)),
            None => {
                let class = class_of_name(&host);
                (Some(host), class)
            }
        },
        Some(host) => match host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .and_then(|inner| inner.split('%').next()?.parse::<Ipv6Addr>().ok())
        {
            Some(address) => (Some(address.to_string()), class_of_v6(address)),
            None => (None, NetworkClass::Unknown),
        },
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

fn split_port(text: &str) -> (&str, Option<u16>) {
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
    (host, port.parse().ok())
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

fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host
            .chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '-' | '.' | '_'))
}

/// Reads an IPv4 address in any form that libraries accept: one to four
/// numbers, each decimal, octal or hexadecimal.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u64> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let places = 4 - first.len();
    let limit = 1_u64 << (8 * places);
    if *last >= limit {
        return None;
    }
    let high = first.iter().fold(0_u64, |sum, part| (sum << 8) | part) << (8 * places);
    u32::try_from(high | last).ok().map(Ipv4Addr::from)
}

fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).ok();
    }
    if text.len() > 1 && text.starts_with('0') {
        return u64::from_str_radix(text, 8).ok();
    }
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

fn class_of_name(host: &str) -> NetworkClass {
    if host == "localhost" || host.ends_with(".localhost") {
        NetworkClass::Loopback
    } else if METADATA_NAMES.contains(&host) {
        NetworkClass::Metadata
    } else {
        NetworkClass::Name
    }
}

fn class_of_v4(address: Ipv4Addr) -> NetworkClass {
    let [first, second, ..] = address.octets();
    match (first, second) {
        _ if address == Ipv4Addr::new(169, 254, 169, 254) => NetworkClass::Metadata,
        _ if address == Ipv4Addr::new(100, 100, 100, 200) => NetworkClass::Metadata,
        (127, _) => NetworkClass::Loopback,
        (169, 254) => NetworkClass::LinkLocal,
        (100, 64..=127) => NetworkClass::Private,
        _ if address.is_private() => NetworkClass::Private,
        (0 | 240..=255, _) => NetworkClass::Unspecified,
        _ if address.is_multicast() => NetworkClass::Multicast,
        _ => NetworkClass::Global,
    }
}

fn class_of_v6(address: Ipv6Addr) -> NetworkClass {
    if let Some(inner) = address.to_ipv4_mapped() {
        return class_of_v4(inner);
    }
    let segments = address.segments();
    let [first, ..] = segments;
    match first {
        _ if address.is_loopback() => NetworkClass::Loopback,
        _ if address.is_unspecified() => NetworkClass::Unspecified,
        _ if address.is_multicast() => NetworkClass::Multicast,
        _ if segments == [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] => NetworkClass::Metadata,
        0xfe80..=0xfebf => NetworkClass::LinkLocal,
        0xfc00..=0xfdff => NetworkClass::Private,
        // NAT64 and 6to4 carry an IPv4 address that counts.
        0x0064 if segments.get(1) == Some(&0xff9b) => class_of_v4(embedded(&segments, 6)),
        0x2002 => class_of_v4(embedded(&segments, 1)),
        _ => NetworkClass::Global,
    }
}

fn embedded(segments: &[u16; 8], at: usize) -> Ipv4Addr {
    let part = |index: usize| u32::from(segments.get(index).copied().unwrap_or_default());
    Ipv4Addr::from((part(at) << 16) | part(at + 1))
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
    fn what_is_no_host_is_unknown() {
        for url in ["http:///", "http://a b/", "http://%zz/"] {
            check(url, None, Some(80), NetworkClass::Unknown);
        }
        assert_eq!(of_url("not a url"), None);
        assert_eq!(of_url("mailto:a@b.org"), None);
    }
}
