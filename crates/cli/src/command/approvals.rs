//! `aegis approvals`: what waits for a person.

use std::io::{BufRead as _, IsTerminal as _};
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use aegis_api::{AnswerRequest, ApprovalReply, Client, ProblemKind};
use aegis_gate::{
    AnswerError, ApprovalFilter, ApprovalView, AskedFor, Gate, ReadApprovalError, Reply,
    told_arguments,
};
use aegis_redact::visible;
use aegis_types::{ApprovalId, ApprovalStatus, ApproverId, Assurance, DurationMs, Otherwise};
use serde_json::{Value, json};

use crate::arguments::{AnswerArguments, ApprovalsArguments, ApprovalsCommand};
use crate::command::remote;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::output::say;
use crate::page::{Page, Piece, Tone, piece, whole};
use crate::report::{Failure, Report, causes};

/// The greatest number of characters of a request in a list.
const SUMMARY_CHARS: usize = 60;

/// How often `watch` looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Where approvals are looked up and answered.
enum Place {
    /// In the log of this machine; absent where nothing was ever recorded.
    Log(Option<Box<Gate>>),
    /// At a service.
    Service(Client),
}

/// Answers one of the commands on approvals.
pub(crate) fn answer(here: &Here, arguments: ApprovalsArguments) -> Result<Report, Failure> {
    let place = match remote::client(here, &arguments.server)? {
        Some(client) => Place::Service(client),
        // Where nothing was ever recorded, looking makes no log.
        None => Place::Log(match here.log_if_any()? {
            Some(_) => Some(Box::new(here.gate()?)),
            None => None,
        }),
    };
    match arguments.command {
        ApprovalsCommand::List { all } => list(&place, all),
        ApprovalsCommand::Show { id } => show(&place, &place.find(&id)?),
        ApprovalsCommand::Approve(arguments) => reply(&place, &arguments, true),
        ApprovalsCommand::Refuse(arguments) => reply(&place, &arguments, false),
        ApprovalsCommand::Watch { idle } => watch(here, place, idle.as_deref()),
    }
}

impl Place {
    fn views(&self, status: Option<ApprovalStatus>) -> Result<Vec<ApprovalView>, Failure> {
        match self {
            Self::Log(Some(gate)) => gate
                .approvals(&ApprovalFilter {
                    tenant: None,
                    session: None,
                    status,
                })
                .map_err(|error| unreadable(&error)),
            Self::Log(None) => Ok(Vec::new()),
            Self::Service(client) => {
                let list = client.approvals(status);
                let list = list.map_err(|error| remote::failure(&error))?;
                Ok(list.approvals.into_iter().map(view_of).collect())
            }
        }
    }

    /// Returns the approval of exactly this name.
    fn approval(&self, id: &ApprovalId) -> Result<Option<ApprovalView>, Failure> {
        match self {
            Self::Log(Some(gate)) => gate.approval(id, None).map_err(|error| unreadable(&error)),
            Self::Log(None) => Ok(None),
            Self::Service(client) => match client.approval(id) {
                Ok(found) => Ok(Some(view_of(found))),
                Err(error) if remote::is(&error, ProblemKind::NotFound) => Ok(None),
                Err(error) => Err(remote::failure(&error)),
            },
        }
    }

    /// Finds the approval whose name is `text`, or begins with it if only one does.
    fn find(&self, text: &str) -> Result<ApprovalView, Failure> {
        if let Ok(id) = ApprovalId::from_str(text)
            && let Some(view) = self.approval(&id)?
        {
            return Ok(view);
        }
        let mut found: Vec<ApprovalView> = self
            .views(None)?
            .into_iter()
            .filter(|view| view.approval.id.as_str().starts_with(text))
            .collect();
        match (found.pop(), found.len()) {
            (Some(view), 0) => Ok(view),
            (Some(_), more) => Err(Failure::usage(format!(
                "`{text}` is the beginning of {} approvals; write more of the name",
                more + 1
            ))),
            (None, _) => Err(unknown(text)),
        }
    }

    /// Returns what `view` was asked for.
    fn asked_for(&self, view: &ApprovalView) -> Result<AskedFor, Failure> {
        let approval = &view.approval;
        match self {
            Self::Log(Some(gate)) => gate
                .asked_for(approval)
                .map_err(|error| Failure::environment(causes(&error))),
            Self::Log(None) => Err(unknown(approval.id.as_str())),
            Self::Service(client) => {
                let shown = client.approval(&approval.id);
                let shown = shown.map_err(|error| remote::failure(&error))?;
                let hidden = || "the service shows it to who has the role approver".to_owned();
                let is_hidden = shown.request.is_none();
                Ok(AskedFor {
                    left_out: shown.left_out.or_else(|| is_hidden.then(hidden)),
                    request: shown.request,
                })
            }
        }
    }

    fn give(
        &self,
        view: &ApprovalView,
        is_granted: bool,
        note: Option<String>,
    ) -> Result<ApprovalView, Failure> {
        let id = &view.approval.id;
        match self {
            Self::Log(Some(gate)) => {
                let reply = Reply {
                    is_granted,
                    approver: approver()?,
                    assurance: Assurance::Low,
                    channel: "terminal".to_owned(),
                    note,
                    process: Some(std::process::id()),
                };
                gate.answer(id, reply).map_err(|error| refused(&error))
            }
            Self::Log(None) => Err(unknown(id.as_str())),
            Self::Service(client) => {
                let approved = is_granted;
                let answered = client.answer(id, &AnswerRequest { approved, note });
                answered
                    .map(view_of)
                    .map_err(|error| remote::failure(&error))
            }
        }
    }
}

fn view_of(reply: ApprovalReply) -> ApprovalView {
    ApprovalView {
        approval: reply.approval,
        status: reply.status,
        answers: reply.answers,
    }
}

fn unreadable(error: &ReadApprovalError) -> Failure {
    Failure::environment(causes(error))
}

fn list(place: &Place, all: bool) -> Result<Report, Failure> {
    let found = place.views((!all).then_some(ApprovalStatus::Pending))?;
    let mut page = Page::default();
    if found.is_empty() {
        page.plain(if all {
            "Nothing was ever asked."
        } else {
            "Nothing waits for an answer."
        });
    } else {
        let rows: Vec<_> = found
            .iter()
            .map(|view| {
                vec![
                    piece(Tone::Strong, short(&view.approval.id)),
                    piece(tone(view.status), view.status.as_str()),
                    piece(Tone::Plain, view.approval.risk.as_str()),
                    piece(Tone::Quiet, describe::time(view.approval.expires_at)),
                    piece(Tone::Plain, visible(&view.approval.summary, SUMMARY_CHARS)),
                ]
            })
            .collect();
        page.table(&["id", "status", "risk", "expires (UTC)", "request"], &rows);
    }
    if found
        .iter()
        .any(|view| view.status == ApprovalStatus::Pending)
    {
        page.blank()
            .plain("Answer with `aegis approvals approve ID` or `aegis approvals refuse ID`.");
    }
    Ok(Report::done(
        page,
        json!({"approvals": found.iter().map(to_json).collect::<Vec<_>>()}),
    ))
}

fn show(place: &Place, view: &ApprovalView) -> Result<Report, Failure> {
    let asked = place.asked_for(view)?;
    let mut page = Page::default();
    describe_view(&mut page, view);
    describe_asked(&mut page, &asked);
    let mut shown = to_json(view);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("request".to_owned(), json!(asked.request));
        fields.insert("left_out".to_owned(), json!(asked.left_out));
    }
    Ok(Report::done(page, shown))
}

fn describe_view(page: &mut Page, view: &ApprovalView) {
    let approval = &view.approval;
    let otherwise = match approval.terms.otherwise {
        Otherwise::Deny => "silence means no",
        Otherwise::Allow => "silence means yes",
    };
    let needed = Assurance::needed_for(approval.risk);
    let approvers = describe::count(approval.terms.approvers, "approver", "approvers");
    page.heading(&approval.summary);
    let mut fields = vec![
        ("id", piece(Tone::Plain, approval.id.as_str())),
        ("status", piece(tone(view.status), view.status.as_str())),
        (
            "why",
            piece(Tone::Plain, approval.message.as_deref().unwrap_or("–")),
        ),
        ("risk", piece(Tone::Plain, approval.risk.as_str())),
        (
            "needs",
            piece(
                Tone::Plain,
                format!("{approvers}, assurance {} or higher", needed.as_str()),
            ),
        ),
        ("session", piece(Tone::Plain, approval.session.as_str())),
        ("request", piece(Tone::Plain, approval.request.as_str())),
        (
            "asked",
            piece(
                Tone::Plain,
                format!("{} UTC", describe::time(approval.asked_at)),
            ),
        ),
        (
            "expires",
            piece(
                Tone::Plain,
                format!("{} UTC; {otherwise}", describe::time(approval.expires_at)),
            ),
        ),
    ];
    for answer in &view.answers {
        let word = if answer.is_granted {
            "approved"
        } else {
            "refused"
        };
        let note = answer.note.as_deref().map(|note| format!(": {note}"));
        let text = format!(
            "{word} by {} (assurance {}){}",
            answer.approver,
            answer.assurance.as_str(),
            note.unwrap_or_default()
        );
        fields.push(("answer", piece(Tone::Plain, text)));
    }
    page.fields(&fields);
}

/// Adds the whole of what an answer allows: the line above it may be cut.
fn describe_asked(page: &mut Page, asked: &AskedFor) {
    page.heading("What an answer is about");
    if let Some(request) = &asked.request {
        let text = |place: &str| request.pointer(place).and_then(Value::as_str);
        let said = [
            ("agent", text("/principal/agent")),
            ("subagent", text("/principal/subagent")),
            ("user", text("/principal/user")),
            ("directory", text("/context/directory")),
            ("tool", text("/tool_name")),
        ];
        let fields: Vec<(&str, Piece)> = said
            .into_iter()
            .filter_map(|(name, text)| Some((name, whole(Tone::Plain, text?))))
            .collect();
        page.fields(&fields);
        // The names are the agent's: none of them may set how wide all others are.
        for (name, value) in told_arguments(request.get("args").unwrap_or(&Value::Null)) {
            let name = if name.is_empty() {
                String::new()
            } else {
                format!("{name}: ")
            };
            page.line(&[
                piece(Tone::Quiet, "  "),
                whole(Tone::Quiet, name),
                whole(Tone::Plain, value),
            ]);
        }
    }
    if let Some(left_out) = &asked.left_out {
        page.line(&[piece(Tone::Careful, format!("Not shown: {left_out}."))]);
    }
}

fn to_json(view: &ApprovalView) -> Value {
    json!({"approval": view.approval, "status": view.status, "answers": view.answers})
}

const fn tone(status: ApprovalStatus) -> Tone {
    match status {
        ApprovalStatus::Pending => Tone::Careful,
        ApprovalStatus::Granted => Tone::Good,
        ApprovalStatus::Refused => Tone::Bad,
        ApprovalStatus::Expired => Tone::Quiet,
    }
}

/// Returns the beginning of a name, enough to tell it from others.
fn short(id: &ApprovalId) -> String {
    id.as_str().chars().take(12).collect()
}

fn unknown(text: &str) -> Failure {
    Failure::usage(format!("there is no approval `{text}`"))
        .remedy("`aegis approvals list --all` shows their names")
}

fn reply(place: &Place, arguments: &AnswerArguments, is_granted: bool) -> Result<Report, Failure> {
    let view = place.find(&arguments.id)?;
    let answered = place.give(&view, is_granted, arguments.note.clone())?;
    let mut page = Page::default();
    page.line(&[
        piece(tone(answered.status), answered.status.as_str()),
        piece(Tone::Plain, format!("  {}", answered.approval.summary)),
    ]);
    if answered.status == ApprovalStatus::Pending {
        page.plain("Another approver must agree before the action may happen.");
    }
    Ok(Report::done(page, to_json(&answered)))
}

fn refused(error: &AnswerError) -> Failure {
    let exit = match error {
        AnswerError::Missing { .. } => Exit::Usage,
        AnswerError::Settled { .. }
        | AnswerError::AnsweredAlready { .. }
        | AnswerError::Assurance { .. }
        | AnswerError::Agent { .. }
        | AnswerError::Unseen => Exit::No,
        AnswerError::Read(_) | AnswerError::Append(_) | AnswerError::Write(_) => Exit::Environment,
    };
    Failure {
        message: causes(error),
        remedy: None,
        exit,
    }
}

/// Returns the user who answers, by the number that the system knows: a name in
/// the environment could be anybody's.
pub(super) fn approver() -> Result<ApproverId, Failure> {
    let user = rustix::process::getuid().as_raw();
    ApproverId::from_str(&format!("local:uid-{user}"))
        .map_err(|error| Failure::environment(format!("the user has no usable name: {error}")))
}

/// Shows approvals as they come and asks for each one, until Ctrl-C or until idle.
fn watch(here: &Here, place: Place, idle: Option<&str>) -> Result<Report, Failure> {
    let idle = idle
        .map(DurationMs::from_str)
        .transpose()
        .map_err(|error| {
            Failure::usage(format!("`--idle`: {error}")).remedy("write for example `5m`")
        })?;
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("`watch` asks at a terminal, and there is none")
                .remedy("use `aegis approvals list`, `approve` and `refuse`"),
        );
    }
    let place = match place {
        Place::Log(None) => Place::Log(Some(Box::new(here.gate()?))),
        found @ (Place::Log(Some(_)) | Place::Service(_)) => found,
    };
    say("Waiting for approvals. Ctrl-C ends.\n")?;
    let mut seen: Vec<ApprovalId> = Vec::new();
    let mut last_news = Instant::now();
    loop {
        let pending = place.views(Some(ApprovalStatus::Pending))?;
        for view in pending
            .iter()
            .rev()
            .filter(|view| !seen.contains(&view.approval.id))
        {
            ask(&place, view)?;
            last_news = Instant::now();
        }
        seen = pending.into_iter().map(|view| view.approval.id).collect();
        if idle.is_some_and(|idle| last_news.elapsed() >= idle.to_std()) {
            let mut page = Page::default();
            page.plain("Nothing came for a while.");
            return Ok(Report::done(page, json!({"idle": true})).with(Exit::TimedOut));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn ask(place: &Place, view: &ApprovalView) -> Result<(), Failure> {
    let mut page = Page::default();
    page.blank();
    describe_view(&mut page, view);
    describe_asked(&mut page, &place.asked_for(view)?);
    say(&page.into_text())?;
    loop {
        say("Approve? [y/n/skip] ")?;
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let is_granted = match line.trim() {
            _ if read.as_ref().is_ok_and(|bytes| *bytes == 0) || read.is_err() => return Ok(()),
            "y" | "yes" => true,
            "n" | "no" => false,
            "s" | "skip" => return Ok(()),
            _ => continue,
        };
        match place.give(view, is_granted, None) {
            Ok(answered) => say(&format!("{}\n", answered.status.as_str()))?,
            Err(failure) => say(&format!("{}\n", failure.message))?,
        }
        return Ok(());
    }
}
