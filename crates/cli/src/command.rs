//! One file for each command, or for each group of them.

mod about;
mod always;
mod approvals;
mod backtest;
mod changes;
mod checked;
mod coverage;
mod diff;
mod doctor;
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
mod recorded;
mod remote;
mod replay;
mod schema;
mod serve;
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

use crate::arguments::{Arguments, Command};
use crate::demo;
use crate::here::Here;
use crate::report::{Failure, Report};

/// Does what the arguments say.
pub(crate) fn run(arguments: Arguments) -> Result<Report, Failure> {
    match arguments.command {
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Init(arguments) => init::init(&Here::look_anyhow()?.directory, &arguments),
        Command::Install(arguments) => install::install(&Here::look()?, &arguments),
        Command::Uninstall(arguments) => install::uninstall(&Here::look()?, &arguments),
        Command::Doctor => doctor::doctor(&Here::look_anyhow()?),
        Command::Hook => hook::hook(),
        Command::Serve(arguments) => serve::serve(&Here::look()?, &arguments),
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
