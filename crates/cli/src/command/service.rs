//! `aegis install service` and `aegis uninstall service`: the service of a machine.

use std::path::{Path, PathBuf};

use aegis_gate::{Clock as _, SystemClock};
use aegis_host::{
    DaemonWanted, Deed, Keep, Plan, ServiceError, Start, Tree, Wanted, Word, plan_daemon,
    plan_daemon_removal, plan_service, plan_service_removal,
};
use serde_json::{Value, json};

use crate::arguments::{DaemonUnitArguments, InstallServiceArguments, UninstallServiceArguments};
use crate::command::install::hook_program;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Puts the service under an account of its own.
pub(crate) fn install(here: &Here, arguments: InstallServiceArguments) -> Result<Report, Failure> {
    if !arguments.dry_run {
        here.refuse_agents()?;
    }
    let tree = tree(&arguments.root)?;
    let programs = hook_program()?;
    let wanted = Wanted {
        tree: tree.clone(),
        user: arguments.user,
        programs: programs.parent().unwrap_or(Path::new("/")).to_path_buf(),
        longest_approval: here.settings()?.approval_wait_max.value,
        start: if arguments.no_start || !tree.is_machine() {
            Start::No
        } else {
            Start::Now
        },
    };
    let plan = plan_service(&wanted).map_err(|error| refused(&error))?;
    let next = "Next: `aegis doctor` verifies each part and prints the grade.";
    carried_out(&plan, arguments.dry_run, next)
}

/// Takes the service away.
pub(crate) fn uninstall(
    here: &Here,
    arguments: &UninstallServiceArguments,
) -> Result<Report, Failure> {
    if !arguments.dry_run {
        here.refuse_agents()?;
    }
    let tree = tree(&arguments.root)?;
    let keep = if arguments.purge {
        Keep::Nothing
    } else {
        Keep::Written
    };
    let stop = if arguments.no_stop || !tree.is_machine() {
        Start::No
    } else {
        Start::Now
    };
    let plan = plan_service_removal(&tree, keep, stop).map_err(|error| refused(&error))?;
    carried_out(&plan, arguments.dry_run, "")
}

/// The variables that say where files of this user lie.
const PLACES: [&str; 3] = ["AEGIS_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"];

/// Lets systemd start the service of this user.
pub(crate) fn install_daemon(
    here: &Here,
    arguments: &DaemonUnitArguments,
) -> Result<Report, Failure> {
    if !arguments.dry_run {
        here.refuse_agents()?;
    }
    let plan = plan_daemon(&daemon(here, arguments)?).map_err(|error| refused(&error))?;
    let next = "Next: `aegis daemon status` says whether it answers.";
    carried_out(&plan, arguments.dry_run, next)
}

/// Takes the service of this user out of systemd.
pub(crate) fn uninstall_daemon(
    here: &Here,
    arguments: &DaemonUnitArguments,
) -> Result<Report, Failure> {
    if !arguments.dry_run {
        here.refuse_agents()?;
    }
    let plan = plan_daemon_removal(&daemon(here, arguments)?).map_err(|error| refused(&error))?;
    carried_out(&plan, arguments.dry_run, "")
}

fn daemon(here: &Here, arguments: &DaemonUnitArguments) -> Result<DaemonWanted, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::environment(format!("this program cannot be found: {error}")))?;
    let folder = |name| here.surroundings.variables.get(name).map(PathBuf::from);
    let variables = PLACES.iter().filter_map(|name| {
        let value = here.surroundings.variables.get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    Ok(DaemonWanted {
        config: folder("XDG_CONFIG_HOME")
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| here.surroundings.home.join(".config")),
        runtime: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        program,
        variables: variables.collect(),
        start: if arguments.no_start {
            Start::No
        } else {
            Start::Now
        },
    })
}

/// Returns the tree below `root`, in which no link stands for a folder.
fn tree(root: &Path) -> Result<Tree, Failure> {
    let root = root
        .canonicalize()
        .map_err(|error| Failure::usage(format!("`{}`: {error}", root.display())))?;
    Ok(Tree::below(&root))
}

fn carried_out(plan: &Plan, is_dry: bool, next: &str) -> Result<Report, Failure> {
    if !is_dry {
        plan.apply(SystemClock.now())
            .map_err(|error| refused(&error))?;
    }
    let mut page = Page::default();
    for deed in plan.deeds() {
        page.line(&[
            piece(tone(deed.word), format!("{:<9}", deed.word.as_str())),
            piece(Tone::Plain, &deed.text),
        ]);
    }
    if plan.deeds().next().is_none() {
        page.plain("There is no service here, so there is nothing to remove.");
    } else if is_dry {
        page.blank()
            .plain("This is what would be done; nothing was changed.");
    } else if !next.is_empty() {
        page.blank().plain(next);
    }
    let deeds: Vec<Value> = plan.deeds().map(to_json).collect();
    Ok(Report::done(
        page,
        json!({"applied": !is_dry, "deeds": deeds}),
    ))
}

const fn tone(word: Word) -> Tone {
    match word {
        Word::Made | Word::Changed | Word::Started => Tone::Good,
        Word::Removed | Word::Stopped => Tone::Bad,
        Word::Left | Word::Skipped => Tone::Careful,
        Word::Kept => Tone::Quiet,
    }
}

fn to_json(deed: &Deed) -> Value {
    json!({"word": deed.word.as_str(), "text": deed.text})
}

fn refused(error: &ServiceError) -> Failure {
    let failure = Failure {
        message: causes(error),
        remedy: None,
        exit: Exit::No,
    };
    match error {
        ServiceError::NotRoot => {
            failure.remedy("run it as root; --root FOLDER shows in a folder what it makes")
        }
        ServiceError::Name(_) => Failure::usage(failure.message),
        ServiceError::LoginAccount { .. } => failure.remedy("name another one with --user"),
        ServiceError::NoProgram(_) => {
            failure.remedy("start the `aegis` that lies beside its `aegis-hook`")
        }
        ServiceError::Exposed(_) => {
            failure.remedy("make it belong to root and take the right to write from all others")
        }
        ServiceError::Running(_) => failure.remedy("stop the process, then run this again"),
        ServiceError::NoAccountTool(_)
        | ServiceError::Link(_)
        | ServiceError::OtherService(_)
        | ServiceError::Settings { .. }
        | ServiceError::Record(_)
        | ServiceError::Host(_) => failure,
        ServiceError::Failed { .. } | ServiceError::System { .. } => Failure {
            exit: Exit::Environment,
            ..failure
        },
    }
}
