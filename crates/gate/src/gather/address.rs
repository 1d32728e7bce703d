//! IP addresses in every form that programs accept, and what kind they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aegis_types::NetworkClass;

/// Names under which clouds serve their metadata.
const METADATA_NAMES: [&str; 10] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.azure.com",
    "metadata.tencentyun.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Addresses at which clouds serve metadata and credentials to their machines.
const METADATA_V4: [Ipv4Addr; 8] = [
    Ipv4Addr::new(169, 254, 169, 253),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same of version 6.
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// What a host in lower case without its last dot is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Named {
    /// An address.
    Address(IpAddr, NetworkClass),
    /// A name that is looked up.
    Name(NetworkClass),
    /// Neither: readers of addresses refuse it, or do not agree.
    Neither,
}

/// Returns what `host` is.
pub(crate) fn named(host: &str) -> Named {
    let last = host.rsplit('.').next().unwrap_or_default();
    if !is_like_a_number(last) {
        return Named::Name(class_of_name(host));
    }
    // What ends in a number is an address or nothing, as in the standard of URLs.
    let Some(address) = v4(host, Zeros::Octal) else {
        return Named::Neither;
    };
    let class = class_of_v4(address);
    // Some readers take `010` for ten and not for eight.
    let other = v4(host, Zeros::Ignored).map(class_of_v4);
    let differs = class == NetworkClass::Global && other.is_some_and(|other| other != class);
    if differs {
        return Named::Neither;
    }
    Named::Address(IpAddr::V4(address), class)
}

/// Returns the address of version 6 that a text is, without a zone (`%eth0`).
pub(crate) fn v6(text: &str) -> Option<Ipv6Addr> {
    let without_zone = text.split_once('%').map_or(text, |(address, _)| address);
    without_zone.parse().ok()
}

/// How zeros at the beginning of a number are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Zeros {
    /// As the sign of an octal number.
    Octal,
    /// As nothing.
    Ignored,
}

fn is_like_a_number(text: &str) -> bool {
    let is_hexadecimal = text
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hexadecimal || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads an IPv4 address in any form that libraries accept: one to four
/// numbers, each decimal, octal or hexadecimal.
fn v4(host: &str, zeros: Zeros) -> Option<Ipv4Addr> {
    let number = |text| number(text, zeros);
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

fn number(text: &str, zeros: Zeros) -> Option<u64> {
    if !is_like_a_number(text) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).ok();
    }
    if zeros == Zeros::Octal && text.len() > 1 && text.starts_with('0') {
        return u64::from_str_radix(text, 8).ok();
    }
    text.parse().ok()
}

fn class_of_name(host: &str) -> NetworkClass {
    if host == "localhost" || host.ends_with(".localhost") {
        NetworkClass::Loopback
    } else if METADATA_NAMES.contains(&host) {
        NetworkClass::Metadata
    } else {
        // A name that says its address is looked up as nothing else.
        let said = said_address(host).into_iter().chain(turned_to(host));
        let classes: Vec<NetworkClass> = said.map(class_of_v4).collect();
        let is_metadata = classes.contains(&NetworkClass::Metadata);
        let mut told = classes
            .into_iter()
            .filter(|class| *class != NetworkClass::Global);
        match told.next() {
            Some(_) if is_metadata => NetworkClass::Metadata,
            Some(class) => class,
            None => NetworkClass::Name,
        }
    }
}

/// Domains whose names say the address they lead to: `app.10.0.0.1.nip.io`,
/// `10-0-0-1.sslip.io`, `0a000001.nip.io`.
const SAYING: [&str; 3] = [".nip.io", ".sslip.io", ".xip.io"];

/// Returns the address that a name of such a domain says.
fn said_address(host: &str) -> Option<Ipv4Addr> {
    let said = SAYING.iter().find_map(|domain| host.strip_suffix(domain))?;
    let last = said.rsplit(['.', '-']).next()?;
    if last.len() == 8
        && let Ok(number) = u32::from_str_radix(last, 16)
    {
        return Some(number.into());
    }
    let numbers: Vec<&str> = said.rsplit(['.', '-']).take(4).collect();
    let numbers: Vec<u8> = numbers
        .iter()
        .rev()
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let octets: [u8; 4] = numbers.try_into().ok()?;
    Some(octets.into())
}

/// Domains whose names lead to one address after another, all of which they say:
/// `make-1-2-3-4-rebind-10-0-0-1-rr.1u.ms`, `01020304.0a000001.rbndr.us`.
const TURNING: [&str; 2] = [".1u.ms", ".rbndr.us"];

/// Returns the addresses that a name of such a domain says.
fn turned_to(host: &str) -> Vec<Ipv4Addr> {
    let Some(said) = TURNING.iter().find_map(|domain| host.strip_suffix(domain)) else {
        return Vec::new();
    };
    let parts: Vec<&str> = said.split(['.', '-']).collect();
    let octets = |four: &[&str]| {
        let numbers: Vec<u8> = four
            .iter()
            .map(|it| it.parse().ok())
            .collect::<Option<_>>()?;
        let octets: [u8; 4] = numbers.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    };
    let whole = parts.iter().filter(|part| part.len() == 8);
    let whole = whole.filter_map(|part| u32::from_str_radix(part, 16).ok());
    let in_four = parts.windows(4).filter_map(octets);
    in_four.chain(whole.map(Ipv4Addr::from)).collect()
}

/// Returns the class of an address of version 4.
pub(crate) fn class_of_v4(address: Ipv4Addr) -> NetworkClass {
    if METADATA_V4.contains(&address) {
        return NetworkClass::Metadata;
    }
    match address.octets() {
        [127, ..] => NetworkClass::Loopback,
        [169, 254, ..] => NetworkClass::LinkLocal,
        [100, 64..=127, ..] => NetworkClass::Private,
        _ if address.is_private() => NetworkClass::Private,
        [224..=239, ..] => NetworkClass::Multicast,
        // Unspecified, reserved and broadcast; what is kept for protocols, for
        // measuring, for documents, and for relays that are no more.
        [0 | 240..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => NetworkClass::Unspecified,
        _ => NetworkClass::Global,
    }
}

/// Returns the class of an address of version 6; of one that carries an address
/// of version 4, the class of that.
pub(crate) fn class_of_v6(address: Ipv6Addr) -> NetworkClass {
    if address.is_loopback() {
        return NetworkClass::Loopback;
    }
    if METADATA_V6.contains(&address) {
        return NetworkClass::Metadata;
    }
    if let Some(class) = class_of_carried(address.segments()) {
        return class;
    }
    match address.segments() {
        [0xff00..=0xffff, ..] => NetworkClass::Multicast,
        [0xfe80..=0xfebf, ..] => NetworkClass::LinkLocal,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => NetworkClass::Private,
        // For measuring, for identifiers, and for documents.
        [0x2001, 0x2, 0, ..] | [0x2001, 0x10..=0x2f | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            NetworkClass::Unspecified
        }
        [0x2000..=0x3fff, ..] => NetworkClass::Global,
        _ => NetworkClass::Unspecified,
    }
}

fn class_of_carried(segments: [u16; 8]) -> Option<NetworkClass> {
    let class = |high: u16, low: u16| class_of_v4(joined(high, low));
    match segments {
        // Compatible, mapped, and translated.
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        // The well-known prefix of NAT64.
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4.
        | [0x2002, high, low, ..] => Some(class(high, low)),
        // A Teredo address carries that of the client with every bit turned over.
        [0x2001, 0, .., high, low] => Some(class(!high, !low)),
        // The prefix of NAT64 for use within a network: where the address lies
        // depends on how that network divides it, so that every place counts.
        [0x64, 0xff9b, 1, a, b, c, d, e] => {
            let places = [
                joined(d, e),
                joined(a, (b << 8) | (c >> 8)),
                joined(((a & 0xff) << 8) | (b & 0xff), c),
                joined(((b & 0xff) << 8) | (c >> 8), ((c & 0xff) << 8) | (d >> 8)),
            ];
            let classes = places.map(class_of_v4);
            let told = |class: &NetworkClass| {
                !matches!(class, NetworkClass::Global | NetworkClass::Unspecified)
            };
            Some(classes.into_iter().find(told).unwrap_or_else(|| class(d, e)))
        }
        _ => None,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(text: &str) -> NetworkClass {
        match v6(text) {
            Some(address) => class_of_v6(address),
            None => match named(text) {
                Named::Address(_, class) | Named::Name(class) => class,
                Named::Neither => NetworkClass::Unknown,
            },
        }
    }

    #[test]
    fn every_range_has_its_class() {
        for (class_of, addresses) in [
            (
                NetworkClass::Loopback,
                "127.0.0.1 127.255.1.2 ::1 localhost a.localhost a-127-0-0-1.sslip.io",
            ),
            (
                NetworkClass::Private,
                "10.0.0.1 172.31.0.1 192.168.1.1 100.64.0.1 100.127.1.1 fd12::1 fec0::1 x.10.0.0.1.nip.io app-0a000001.nip.io",
            ),
            (
                NetworkClass::LinkLocal,
                "169.254.1.1 169.254.169.123 fe80::1 fe80::1%eth0 febf::1",
            ),
            (
                NetworkClass::Metadata,
                "169.254.169.254 169.254.169.253 169.254.170.2 100.100.100.200 168.63.129.16 fd00:ec2::254 metadata.google.internal metadata.packet.net make-8.8.8.8-rebind-169.254.169.254-rr.1u.ms 08080808.a9fea9fe.rbndr.us",
            ),
            (NetworkClass::Multicast, "224.0.0.1 239.1.1.1 ff02::1"),
            (
                NetworkClass::Unspecified,
                "0.0.0.0 0.1.2.3 :: 240.0.0.1 255.255.255.255 192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 192.0.0.8 2001:db8::1 3fff::1 100::1 2001:2::1 4000::1",
            ),
            (
                NetworkClass::Global,
                "8.8.8.8 172.32.0.1 100.128.0.1 192.0.1.1 198.20.0.1 2606:4700::1111 2001:4860:4860::8888",
            ),
            (
                NetworkClass::Name,
                "example.org localhost.example.org mylocalhost a-1 1.example 8.8.8.8.nip.io www.nip.io",
            ),
            (
                NetworkClass::Unknown,
                "1.2.3.4.5 256.1.1.1 4294967296 08.8.8.8 example.1 a.0x7f 1..2",
            ),
        ] {
            for text in addresses.split(' ') {
                assert_eq!(class(text), class_of, "{text}");
            }
        }
    }

    #[test]
    fn addresses_that_carry_another_are_what_they_carry() {
        for (carried, texts) in [
            (
                "127.0.0.1",
                "::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b:1::127.0.0.1 64:ff9b:1:7f00:0:100:: 64:ff9b:1:7f:0:1:: 2002:7f00:1::1 2001:0:4136:e378:8000:63bf:80ff:fffe",
            ),
            (
                "169.254.169.254",
                "::ffff:a9fe:a9fe 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::",
            ),
            (
                "8.8.8.8",
                "::ffff:8.8.8.8 64:ff9b::8.8.8.8 64:ff9b:1::8.8.8.8 2002:808:808::1",
            ),
            ("10.0.0.1", "64:ff9b:1:a00:0:100:: 2002:a00:1::"),
        ] {
            for text in texts.split(' ') {
                assert_eq!(class(text), class(carried), "{text}");
            }
        }
    }

    #[test]
    fn a_number_that_readers_do_not_agree_on_is_not_taken_for_a_global_address() {
        assert_eq!(class("0177.0.0.1"), NetworkClass::Loopback);
        assert_eq!(class("010.0.0.1"), NetworkClass::Unknown);
        assert_eq!(class("010.8.8.8"), NetworkClass::Unknown);
        assert_eq!(class("012.0.0.1"), NetworkClass::Private);
    }

    fn spelled(part: u64, style: u8) -> String {
        match style {
            0 => format!("{part}"),
            1 => format!("{part:#x}"),
            2 => format!("0x{part:08x}"),
            _ if part == 0 => "0".to_owned(),
            _ => format!("0{part:o}"),
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_address_has_one_class(
            bits in prop_oneof![any::<u32>(), (0_u32..0x0100_0000).prop_map(|low| 0x7f00_0000 | low),
                (0_u32..0x1_0000).prop_map(|low| 0xa9fe_0000 | low)],
            styles in [0_u8..4, 0..4, 0..4, 0..4],
            parts in 1_usize..=4,
        ) {
            let address = Ipv4Addr::from(bits);
            let octets = address.octets().map(u64::from);
            let mut texts: Vec<String> = octets
                .iter()
                .take(parts - 1)
                .zip(styles)
                .map(|(part, style)| spelled(*part, style))
                .collect();
            let rest = octets.iter().skip(parts - 1).fold(0, |sum, part| (sum << 8) | part);
            texts.push(spelled(rest, styles[3]));
            let text = texts.join(".");
            let plain = class_of_v4(address);
            match named(&text) {
                Named::Address(IpAddr::V4(found), class) => {
                    prop_assert_eq!(found, address, "{}", text);
                    prop_assert_eq!(class, plain, "{}", text);
                }
                // Octal numbers that another reader takes for something else.
                Named::Neither => prop_assert!(plain == NetworkClass::Global && text.contains('0')),
                other @ (Named::Address(IpAddr::V6(_), _) | Named::Name(_)) => {
                    prop_assert!(false, "{text}: {other:?}");
                }
            }
            let [a, b, c, d] = address.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for carrying in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 1, 2, 3, 4, !high, !low),
            ] {
                prop_assert_eq!(class_of_v6(carrying), plain, "{}", carrying);
            }
        }

        #[test]
        fn a_name_is_never_taken_for_an_address(name in "[a-z0-9.-]{0,30}[a-z]\\.?[a-z]{1,6}") {
            prop_assume!(!name.rsplit('.').next().unwrap().starts_with("0x"));
            match named(&name) {
                Named::Name(class) => prop_assert!(matches!(
                    class,
                    NetworkClass::Name | NetworkClass::Loopback | NetworkClass::Metadata
                )),
                other @ (Named::Address(..) | Named::Neither) => {
                    prop_assert!(false, "{name}: {other:?}");
                }
            }
        }
    }
}
