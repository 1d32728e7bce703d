//! The developer commands; `cargo xtask` lists them.
//!
//! They need nothing but cargo: what else a command needs, [`setup`] installs
//! where it can and names where it cannot. Continuous integration runs
//! `cargo xtask ci` and nothing else.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer command speaks to a terminal"
)]

mod bench;
mod cargo;
mod check;
mod corpora;
mod demo;
mod fuzz;
mod rate;
mod score;
mod setup;
mod size;
mod soak;
mod test;

use std::process::ExitCode;

use anyhow::Result;

/// One developer command.
struct Command {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    perform: fn(&[String]) -> Result<()>,
}

const COMMANDS: [Command; 10] = [
    Command {
        name: "demo",
        arguments: "",
        summary: "the one-minute tour",
        perform: demo::demo,
    },
    Command {
        name: "check",
        arguments: "",
        summary: "format, lints, tidy tests",
        perform: check::check,
    },
    Command {
        name: "test",
        arguments: "[name]",
        summary: "all tests, or those matching",
        perform: test::test,
    },
    Command {
        name: "ci",
        arguments: "",
        summary: "check, test, docs and the corpora that are there",
        perform: check::ci,
    },
    Command {
        name: "bless",
        arguments: "[name]",
        summary: "accept fixtures and snapshots",
        perform: test::bless,
    },
    Command {
        name: "bench",
        arguments: "[name]",
        summary: "figures, side by side with peers",
        perform: bench::bench,
    },
    Command {
        name: "soak",
        arguments: "[name]",
        summary: "what only shows when much happens, or often",
        perform: soak::soak,
    },
    Command {
        name: "fuzz",
        arguments: "[target]... [--seconds n] [--minimise]",
        summary: "inputs that are made up, held against the laws",
        perform: fuzz::fuzz,
    },
    Command {
        name: "corpora",
        arguments: "<dir> [set]... [--show word]",
        summary: "score public corpora",
        perform: corpora::corpora,
    },
    Command {
        name: "score",
        arguments: "[--quick] [--show word]",
        summary: "our own labelled sets, and other spellings",
        perform: score::score,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        list();
        return ExitCode::SUCCESS;
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("xtask: no command `{}`", name.escape_debug());
        list();
        return ExitCode::from(2);
    };
    match (command.perform)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("cargo xtask <command>\n");
    for command in &COMMANDS {
        let usage = format!("{} {}", command.name, command.arguments);
        println!("  {usage:<48} {}", command.summary);
    }
}
