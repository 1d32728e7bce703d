//! `aegis log restore`: a backup in the place of the log.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use aegis_log::{Ahead, BackupError, Restore, RestoreError, restore as put_back};
use serde_json::{Value, json};

use crate::arguments::RestoreArguments;
use crate::command::backup::{contents, show_heads, to_json};
use crate::command::progress::Progress;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Puts a backup in the place of the log here, and keeps what was there aside.
pub(crate) fn restore(here: &Here, arguments: &RestoreArguments) -> Result<Report, Failure> {
    here.refuse_agents()?;
    refuse_beside_a_service(here)?;
    let aside = aside(here);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&here.places.state)
        .map_err(|error| {
            let folder = here.places.state.display();
            Failure::environment(format!("cannot make `{folder}`: {error}"))
        })?;
    let wanted = Restore {
        from: &arguments.file,
        to: &here.places.log,
        aside: &aside,
        force: arguments.force,
    };
    let mut progress = Progress::begin();
    let restored = put_back(&wanted, &mut |step| progress.tell(step))
        .map_err(|error| failed(error, &wanted))?;
    let found = &restored.verification;
    let mut page = Page::default();
    page.line(&[
        piece(Tone::Good, "restored  "),
        piece(
            Tone::Plain,
            format!(
                "{} from {}, verified",
                contents(found),
                arguments.file.display()
            ),
        ),
    ]);
    show_heads(&mut page, found);
    let kept = restored.kept.as_ref();
    if let Some(kept) = kept {
        let what = if *kept == aside {
            "the log that was there"
        } else {
            "no log was there; what was left of one"
        };
        let text = format!("  {what} is kept as {}", kept.display());
        page.line(&[piece(Tone::Quiet, text)]);
    }
    let mut json = to_json(found);
    json.insert("file".to_owned(), json!(arguments.file));
    json.insert("kept".to_owned(), json!(kept));
    Ok(Report::done(page, Value::Object(json)))
}

/// Fails while a service answers, which would go on with a log that was removed.
fn refuse_beside_a_service(here: &Here) -> Result<(), Failure> {
    let socket = &here.places.socket;
    if UnixStream::connect(socket).is_err() {
        return Ok(());
    }
    let socket = socket.display();
    Err(Failure::environment(format!(
        "a service answers at `{socket}` and has the log open"
    ))
    .remedy("stop it, with `aegis daemon stop` if that started it, and restore again"))
}

/// Returns a name beside the log, with the present time in it.
fn aside(here: &Here) -> PathBuf {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ");
    here.places.log.with_file_name(format!("log-{now}.db"))
}

fn failed(error: RestoreError, wanted: &Restore<'_>) -> Failure {
    let from = wanted.from.display();
    let no = |message: String| Failure {
        exit: Exit::No,
        ..Failure::usage(message)
    };
    let force = "`--force` restores all the same and keeps the present log aside";
    match error {
        RestoreError::Open(error) => Failure::usage(format!("`{from}`: {}", causes(&error)))
            .remedy("name a file that `aegis log backup` wrote"),
        RestoreError::Backup(BackupError::Unsound(found)) => no(format!(
            "`{from}` has {}, so nothing was restored",
            describe::count(found.fault_count, "fault", "faults")
        ))
        .remedy(format!(
            "`aegis log verify --file {from}` names what is wrong with it"
        )),
        RestoreError::Itself => Failure::usage(format!("`{from}` is the log itself")),
        RestoreError::InUse => Failure::environment("another process has the log open")
            .remedy("end the agents that are at work, and whatever else reads or writes the log"),
        RestoreError::Ahead(ahead) => no(lacking(&ahead)).remedy(force),
        RestoreError::Unreadable(_) => no(causes(&error)).remedy(force),
        RestoreError::Backup(_)
        | RestoreError::Present(_)
        | RestoreError::Aside(_)
        | RestoreError::Write(_) => Failure::environment(causes(&error)),
    }
}

/// Says how much the log holds that the backup lacks.
fn lacking(ahead: &[Ahead]) -> String {
    let of_sessions = ahead.iter().filter(|one| one.chain.session().is_some());
    let (mut sessions, mut records) = (0_u64, 0_u64);
    for one in of_sessions {
        sessions += 1;
        records += one.to.saturating_add(1).saturating_sub(one.from);
    }
    format!(
        "the log holds {} of {} that the backup lacks",
        describe::count(records, "record", "records"),
        describe::count(sessions, "session", "sessions")
    )
}
