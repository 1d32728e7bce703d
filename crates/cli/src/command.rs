//! One file for each command, or for each group of them.

mod about;
mod always;
mod approvals;
mod backtest;
mod backup;
mod changes;
mod checked;
mod control_plane;
mod coverage;
mod daemon;
mod diff;
mod doctor;
mod doors;
mod erase;
mod explain;
mod export;
mod hook;
mod init;
mod install;
mod junit;
mod lint;
mod log;
mod marked;
mod narrowed;
mod permissions;
mod plan;
mod policy;
mod progress;
mod prune;
mod recorded;
mod remote;
mod replay;
mod restore;
mod schema;
mod serve;
mod served;
mod service;
mod suggest;
mod suggested;
mod test;
mod tested;
mod token;
mod trust;
mod unchained;
mod validate;
pub(crate) mod verify;
mod watch;

use crate::arguments::{
    AegisctlArguments, AegisdArguments, Arguments, Command, InstallCommand, UninstallCommand,
};
use crate::demo;
use crate::here::Here;
use crate::report::{Failure, Report};

/// Does what the arguments of `aegisd` say.
pub(crate) fn run_aegisd(arguments: AegisdArguments) -> Result<Report, Failure> {
    control_plane::aegisd(&Here::look()?, arguments)
}

/// Does what the arguments of `aegisctl` say.
pub(crate) fn run_aegisctl(arguments: AegisctlArguments) -> Result<Report, Failure> {
    control_plane::aegisctl(arguments.command)
}

/// Does what the arguments say.
pub(crate) fn run(arguments: Arguments) -> Result<Report, Failure> {
    match arguments.command {
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Init(arguments) => init::init(&Here::look_anyhow()?, &arguments),
        Command::Install(command) => match command {
            InstallCommand::ClaudeCode(arguments) => install::install(&Here::look()?, &arguments),
            InstallCommand::Service(arguments) => {
                service::install(&Here::look_anyhow()?, arguments)
            }
            InstallCommand::Daemon(arguments) => {
                service::install_daemon(&Here::look()?, &arguments)
            }
        },
        Command::Uninstall(command) => match command {
            UninstallCommand::ClaudeCode(arguments) => {
                install::uninstall(&Here::look()?, &arguments)
            }
            UninstallCommand::Service(arguments) => {
                service::uninstall(&Here::look_anyhow()?, &arguments)
            }
            UninstallCommand::Daemon(arguments) => {
                service::uninstall_daemon(&Here::look()?, &arguments)
            }
        },
        Command::Doctor => doctor::doctor(&Here::look_anyhow()?),
        Command::Hook => hook::hook(),
        Command::Serve(arguments) => serve::serve(&Here::look()?, &arguments),
        Command::Daemon(command) => daemon::answer(&Here::look()?, command),
        Command::Token(arguments) => token::answer(&Here::look()?, arguments),
        Command::Trust(arguments) => trust::trust(&Here::look()?, &arguments),
        Command::Validate(arguments) => validate::validate(&arguments),
        Command::Schema(arguments) => schema::answer(&arguments),
        Command::Policy(command) => policy::answer(&Here::look()?, command),
        Command::Log(arguments) => log::answer(arguments),
        Command::Approvals(arguments) => approvals::answer(&Here::look()?, arguments),
        Command::Completions { shell } => Ok(about::completions(shell)),
        Command::Man { folder } => about::man(&folder),
        Command::Version => Ok(about::version()),
    }
}
