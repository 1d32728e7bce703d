//! What an action does to the world, told from its facts.

use aegis_shell::program_name;
use aegis_types::{
    Access, Effect, EffectKind, EffectResource, HostFact, NetworkClass, PathFact, Plan, Span, Word,
};

use super::host;
use aegis_shell::written;

/// How many effects of one request are told.
const EFFECTS_MAX: usize = 512;

/// Programs that speak to a host, and how they are told which one.
const NETWORK: [(&str, Speaks); 24] = [
    ("curl", Speaks::Url("http")),
    ("wget", Speaks::Url("http")),
    ("http", Speaks::Url("http")),
    ("https", Speaks::Url("https")),
    ("xh", Speaks::Url("http")),
    ("aria2c", Speaks::Url("http")),
    ("lynx", Speaks::Url("http")),
    ("w3m", Speaks::Url("http")),
    ("ssh", Speaks::FirstOperand("ssh")),
    ("sftp", Speaks::FirstOperand("sftp")),
    ("mosh", Speaks::FirstOperand("ssh")),
    ("telnet", Speaks::FirstOperand("telnet")),
    ("nc", Speaks::FirstOperand("tcp")),
    ("ncat", Speaks::FirstOperand("tcp")),
    ("netcat", Speaks::FirstOperand("tcp")),
    ("ftp", Speaks::FirstOperand("ftp")),
    ("ping", Speaks::FirstOperand("icmp")),
    ("dig", Speaks::FirstOperand("dns")),
    ("nslookup", Speaks::FirstOperand("dns")),
    ("host", Speaks::FirstOperand("dns")),
    ("scp", Speaks::RemotePath("scp")),
    ("rsync", Speaks::RemotePath("rsync")),
    ("socat", Speaks::Somewhere),
    ("git", Speaks::Git),
];

#[derive(Clone, Copy, Debug)]
enum Speaks {
    /// Each operand is a URL; one without a scheme has this one.
    Url(&'static str),
    /// The first operand is a host.
    FirstOperand(&'static str),
    /// Operands of the form `host:path`.
    RemotePath(&'static str),
    /// Some subcommands speak to a remote.
    Git,
    /// Where to cannot be told.
    Somewhere,
}

/// Returns the effects that facts on paths show.
pub(crate) fn of_paths(paths: &[PathFact]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for fact in paths {
        // A program that may do anything is told as one unknown effect.
        if fact.access == Access::ANY {
            continue;
        }
        let ways = [
            (fact.access.read, EffectKind::Read),
            (fact.access.write, EffectKind::Write),
            (fact.access.delete, EffectKind::Delete),
            (fact.access.execute, EffectKind::Execute),
        ];
        for (is_so, kind) in ways {
            if is_so && effects.len() < EFFECTS_MAX {
                effects.push(Effect {
                    kind,
                    resource: EffectResource::Path(fact.written.clone()),
                    causes: Vec::new(),
                });
            }
        }
    }
    effects.dedup();
    effects
}

/// Returns the effects that a plan shows besides those on paths, and its hosts.
pub(crate) fn of_plan(plan: &Plan) -> (Vec<Effect>, Vec<HostFact>) {
    let mut effects = Vec::new();
    let mut hosts = Vec::new();
    for command in &plan.commands {
        let Some(word) = &command.program else {
            continue;
        };
        if effects.len() >= EFFECTS_MAX {
            break;
        }
        effects.push(Effect {
            kind: EffectKind::Execute,
            resource: EffectResource::Program(written(word)),
            causes: vec![word.span],
        });
        let Some(name) = program_name(command) else {
            effects.push(unknown(command.span));
            continue;
        };
        let Some((_, speaks)) = NETWORK.iter().find(|(known, _)| *known == name) else {
            continue;
        };
        for (fact, span) in spoken_to(*speaks, &command.arguments, command.span) {
            effects.push(Effect {
                kind: EffectKind::Network,
                resource: EffectResource::Host(fact.written.clone()),
                causes: vec![span],
            });
            hosts.push(fact);
        }
    }
    for found in &plan.unknowns {
        if effects.len() < EFFECTS_MAX {
            effects.push(unknown(found.span));
        }
    }
    (effects, hosts)
}

fn unknown(span: Span) -> Effect {
    Effect {
        kind: EffectKind::Unknown,
        resource: EffectResource::Unknown,
        causes: vec![span],
    }
}

fn spoken_to(speaks: Speaks, arguments: &[Word], whole: Span) -> Vec<(HostFact, Span)> {
    let nowhere = |span| {
        let fact = HostFact {
            written: "…".to_owned(),
            scheme: None,
            host: None,
            port: None,
            class: NetworkClass::Unknown,
        };
        (fact, span)
    };
    match speaks {
        Speaks::Url(scheme) => {
            let found: Vec<_> = operands_of_fetchers(arguments)
                .filter(|word| word.is_unknown() || looks_like_address(&written(word)))
                .map(|word| (address(word, scheme), word.span))
                .collect();
            if found.is_empty() {
                return vec![nowhere(whole)];
            }
            found
        }
        Speaks::FirstOperand(scheme) => match operands(arguments).next() {
            Some(word) => vec![(address(word, scheme), word.span)],
            None => Vec::new(),
        },
        Speaks::RemotePath(scheme) => operands(arguments)
            .filter(|word| {
                let text = written(word);
                text.split('/')
                    .next()
                    .is_some_and(|start| start.contains(':'))
            })
            .map(|word| (address(word, scheme), word.span))
            .collect(),
        Speaks::Git => git(arguments, whole, nowhere),
        Speaks::Somewhere => vec![nowhere(whole)],
    }
}

fn git(
    arguments: &[Word],
    whole: Span,
    nowhere: impl Fn(Span) -> (HostFact, Span),
) -> Vec<(HostFact, Span)> {
    let speaks = operands(arguments).next().is_some_and(|word| {
        matches!(
            word.literal().as_deref(),
            Some("clone" | "fetch" | "pull" | "push" | "ls-remote" | "submodule" | "remote")
        )
    });
    if !speaks {
        return Vec::new();
    }
    let named: Vec<_> = operands(arguments)
        .skip(1)
        .filter(|word| {
            let text = written(word);
            host::of_url(&text).is_some()
                || text
                    .split_once(':')
                    .is_some_and(|(before, after)| before.contains('@') && !after.is_empty())
        })
        .map(|word| (address(word, "ssh"), word.span))
        .collect();
    if named.is_empty() {
        return vec![nowhere(whole)];
    }
    named
}

fn operands(arguments: &[Word]) -> impl Iterator<Item = &Word> {
    arguments
        .iter()
        .filter(|word| !written(word).starts_with('-'))
}

/// Options of programs that fetch whose value is a word of its own and no address.
const FETCH_VALUES: [&str; 44] = [
    "-d",
    "--data",
    "--data-raw",
    "--data-binary",
    "--data-urlencode",
    "--data-ascii",
    "--json",
    "-F",
    "--form",
    "--form-string",
    "-H",
    "--header",
    "-o",
    "--output",
    "-O",
    "--output-document",
    "-A",
    "--user-agent",
    "-U",
    "-e",
    "--referer",
    "-b",
    "--cookie",
    "-c",
    "--cookie-jar",
    "-u",
    "--user",
    "-T",
    "--upload-file",
    "--post-file",
    "--post-data",
    "--body-file",
    "--body-data",
    "-X",
    "--request",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-w",
    "--write-out",
    "-P",
    "--directory-prefix",
    "--cacert",
    "--retry",
];

fn operands_of_fetchers(arguments: &[Word]) -> impl Iterator<Item = &Word> {
    let mut is_value = false;
    arguments.iter().filter(move |word| {
        let text = written(word);
        let was_value = std::mem::replace(&mut is_value, FETCH_VALUES.contains(&text.as_str()));
        // `-O` takes a value only for wget: what is a URL is never taken for a value.
        (!was_value || host::of_url(&text).is_some()) && !text.starts_with('-')
    })
}

fn looks_like_address(text: &str) -> bool {
    host::of_url(text).is_some()
        || text.split('/').next().is_some_and(|start| {
            start.contains('.') && !start.starts_with('.') || start.starts_with("localhost")
        })
}

fn address(word: &Word, scheme: &str) -> HostFact {
    let text = written(word);
    if word.is_unknown() {
        return HostFact {
            written: text,
            scheme: None,
            host: None,
            port: None,
            class: NetworkClass::Unknown,
        };
    }
    host::of_url(&text).unwrap_or_else(|| host::of_address(&text, Some(scheme)))
}
