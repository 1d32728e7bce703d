//! Shells that are bound to a connection.

use aegis_types::{EffectKind, EffectResource, Plan, RedirectionKind, Span};

use super::Found;
use super::command::{Told, is_socket};
use super::flow::Flow;
use super::interpreter;
use crate::option::first_text;
use crate::program::program_name;

/// Programs that carry bytes between a host and their input and output.
const CONNECTIONS: [&str; 7] = [
    "nc", "ncat", "netcat", "socat", "telnet", "websocat", "s_client",
];

/// What code of several languages says when it opens a connection.
const OPENS: [&str; 16] = [
    "socket",
    "Socket",
    "SOCKET",
    "fsockopen",
    "net.connect",
    "require('net')",
    "require(\"net\")",
    "net.Dial",
    "Deno.connect",
    "createConnection",
    "/inet/tcp",
    "TCPClient",
    "/dev/tcp/",
    "/dev/udp/",
    "nc -e",
    "ncat -e",
];

/// What it says when it starts a shell.
const STARTS: [&str; 22] = [
    "dup2",
    "pty",
    "subprocess",
    "/bin/sh",
    "/bin/bash",
    "/bin/zsh",
    "sh -i",
    "bash -i",
    "cmd.exe",
    "powershell",
    "child_process",
    "popen",
    "proc_open",
    "os.system",
    "system$",
    "system(",
    "spawn(",
    "Deno.Command",
    "exec.Command",
    "exec {",
    "iex ",
    "nc -e",
];

/// Returns whether a command is a plain connection.
pub(super) fn is_connection(told: &Told<'_>) -> bool {
    if told.name() == "openssl" {
        return told
            .command
            .arguments
            .iter()
            .any(|word| first_text(word) == "s_client");
    }
    CONNECTIONS.contains(&told.name())
}

/// Adds that a command binds a shell to a connection, and notes connections it opens.
pub(super) fn opened(flow: &mut Flow, told: &Told<'_>, found: &mut Found) {
    let mut redirections = told.command.redirections.iter();
    let socket = redirections.find(|redirection| {
        redirection.kind != RedirectionKind::Text && is_socket(first_text(&redirection.target))
    });
    if let Some(socket) = socket {
        let span = socket.target.span;
        if interpreter::is_shell(told.name()) && told.name() != "eval" {
            add(found, &[told.program_span(), span]);
        } else if matches!(told.name(), "exec" | "") {
            flow.has_socket = Some(span);
        }
    }
    if told.name() == "xterm"
        && told
            .command
            .arguments
            .iter()
            .any(|word| first_text(word) == "-display")
    {
        add(found, &[told.program_span()]);
    }
    interpreter::shown(told, found);
    if let Some(code) = interpreter::shown_code(told)
        && OPENS.iter().any(|mark| code.contains(mark))
        && (code.contains("/inet/tcp") || STARTS.iter().any(|mark| code.contains(mark)))
    {
        add(found, &[told.command.span]);
    }
}

/// Adds that something that runs commands uses a connection which the shell holds open.
pub(super) fn by_descriptor(plan: &Plan, flow: &Flow, found: &mut Found) {
    let Some(socket) = flow.has_socket else {
        return;
    };
    for command in &plan.commands {
        let uses = command.redirections.iter().any(|redirection| {
            redirection.kind == RedirectionKind::Descriptor
                && first_text(&redirection.target)
                    .parse::<u32>()
                    .is_ok_and(|number| number > 2)
        });
        let runs = match program_name(command) {
            Some(name) => interpreter::is_shell(&name),
            None => command.program.is_some(),
        };
        if uses && runs {
            add(found, &[socket, command.span]);
        }
    }
}

fn add(found: &mut Found, causes: &[Span]) {
    found.add(EffectKind::RemoteShell, EffectResource::Unknown, causes);
}
