//! `aegis log`: looking into the record.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use aegis_canon::Digest;
use aegis_log::{Anchor, Log, MemoryLog, Query, ReadLogError};
use aegis_types::{
    ActionRequest, ChainId, Decision, Envelope, Event, EventKind, SessionId, Timestamp, Verdict,
};
use serde_json::{Value, json};

use crate::arguments::{ListArguments, LogArguments, LogCommand, ServerArguments};
use crate::command::remote::{client, of_environment, refuse_service};
use crate::command::served::{Records, Served};
use crate::command::{backup, erase, export, prune, replay, restore, unchained, verify};
use crate::describe;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// The greatest number of characters of a summary in a list.
pub(super) const SUMMARY_CHARS: usize = 60;

/// What a list without a verdict shows; decisions come first.
const LISTED_KINDS: [EventKind; 3] = [
    EventKind::DecisionMade,
    EventKind::TokenCreated,
    EventKind::TokenRevoked,
];

/// The greatest number of records that are looked through for a list.
const LOOKED_THROUGH_MAX: usize = 100_000;

/// The greatest number of requests of one name that are looked through.
const SAME_NAME_MAX: usize = 1_000;

/// Answers one of the commands on the log, or looks into the database of another
/// system.
pub(crate) fn answer(arguments: LogArguments) -> Result<Report, Failure> {
    if let Some(path) = &arguments.db {
        return unchained::list(path, &arguments.list);
    }
    let here = &Here::look()?;
    if let Some(command) = arguments.command.as_ref().and_then(of_machine) {
        refuse_service(here, command)?;
    }
    match arguments.command {
        Some(LogCommand::List(arguments)) => list(here, &arguments.list, &arguments.server),
        Some(LogCommand::Show(arguments)) => match client(here, &arguments.server)? {
            Some(client) => show(&Served(&client), &arguments.id, None),
            None => show(&here.log()?, &arguments.id, Some(here)),
        },
        Some(LogCommand::Export(arguments)) => export::export(here, &arguments),
        Some(LogCommand::Verify(arguments)) => verify::verify(here, &arguments),
        Some(LogCommand::Replay(arguments)) => replay::replay(here, &arguments),
        Some(LogCommand::Backup(arguments)) => backup::backup(here, &arguments),
        Some(LogCommand::Restore(arguments)) => restore::restore(here, &arguments),
        Some(LogCommand::Erase(arguments)) => erase::erase(here, &arguments),
        Some(LogCommand::Prune(arguments)) => prune::prune(here, &arguments),
        None => list(here, &arguments.list, &of_environment()?),
    }
}

/// Returns the name of a command that no service can do, if it is one.
fn of_machine(command: &LogCommand) -> Option<&'static str> {
    match command {
        LogCommand::Backup(_) => Some("log backup"),
        LogCommand::Restore(_) => Some("log restore"),
        LogCommand::Erase(_) => Some("log erase"),
        LogCommand::Prune(_) => Some("log prune"),
        LogCommand::Export(_) => Some("log export"),
        LogCommand::Replay(_) => Some("log replay"),
        LogCommand::List(_) | LogCommand::Show(_) | LogCommand::Verify(_) => None,
    }
}

/// Lists decisions or sessions; a log that is not there yet holds none.
fn list(
    here: &Here,
    arguments: &ListArguments,
    server: &ServerArguments,
) -> Result<Report, Failure> {
    if let Some(client) = client(here, server)? {
        return list_of(&Served(&client), arguments);
    }
    let empty = MemoryLog::default();
    match here.log_if_any()? {
        Some(log) => list_of(&log, arguments),
        None => list_of(&empty, arguments),
    }
}

fn list_of<R: Records + ?Sized>(log: &R, arguments: &ListArguments) -> Result<Report, Failure> {
    if arguments.sessions {
        sessions(log)
    } else {
        decisions(log, arguments)
    }
}

/// Turns a failure to read the log into one of the command.
pub(crate) fn unreadable(error: &ReadLogError) -> Failure {
    Failure::environment(causes(error)).remedy("`aegis log verify` names what is damaged")
}

/// Reads a session's name as given on the command line.
pub(crate) fn session(text: &str) -> Result<SessionId, Failure> {
    SessionId::from_str(text).map_err(|error| {
        Failure::usage(format!("`{text}` is no name of a session: {error}"))
            .remedy("`aegis log list --sessions` shows their names")
    })
}

/// Returns the chains of the session called `text`, of which there is at least one.
pub(crate) fn chains_of(log: &dyn Log, text: &str) -> Result<Vec<ChainId>, Failure> {
    let only = session(text)?;
    let all = log.chains().map_err(|error| unreadable(&error))?;
    let found: Vec<ChainId> = all
        .into_iter()
        .map(|summary| summary.chain)
        .filter(|chain| chain.session() == Some(&only))
        .collect();
    if found.is_empty() {
        return Err(Failure::usage(format!("there is no session `{text}`"))
            .remedy("`aegis log list --sessions` shows their names"));
    }
    Ok(found)
}

/// Returns the event that an envelope holds.
pub(crate) fn event(envelope: &Envelope) -> Result<Event, Failure> {
    Event::from_recorded(
        envelope.kind,
        envelope.subject.as_deref(),
        &envelope.payload,
    )
    .map_err(|error| Failure::environment(causes(&error)))
}

/// Returns the recorded request that `decision` decided, which several may share
/// a name with.
fn request_of<R: Records + ?Sized>(
    log: &R,
    decision: &Envelope,
    digest: Digest,
) -> Result<Option<ActionRequest>, Failure> {
    let query = Query {
        tenant: Some(decision.chain.tenant()),
        session: decision.chain.session(),
        kinds: &[EventKind::ActionRequested],
        subject: decision.subject.as_deref(),
        limit: SAME_NAME_MAX,
        ..Query::default()
    };
    let found = log.newest_records(&query)?;
    let decided = found
        .iter()
        .find(|envelope| Digest::of(&envelope.payload.to_canonical()) == digest);
    match decided.map(event).transpose()? {
        Some(Event::ActionRequested(request)) => Ok(Some(*request)),
        Some(_) | None => Ok(None),
    }
}

fn sessions<R: Records + ?Sized>(log: &R) -> Result<Report, Failure> {
    let chains = log.all_chains()?;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    for summary in &chains {
        let ChainId::Session { tenant, session } = &summary.chain else {
            continue;
        };
        rows.push(vec![
            piece(Tone::Plain, session.as_str()),
            piece(Tone::Quiet, describe::time(summary.first_at)),
            piece(Tone::Quiet, describe::time(summary.last_at)),
            piece(Tone::Plain, summary.records().to_string()),
        ]);
        let anchor = Anchor::of(&summary.chain, &summary.head);
        listed.push(json!({
            "tenant": tenant,
            "session": session,
            "first_unix_ms": summary.first_at,
            "last_unix_ms": summary.last_at,
            "records": summary.records(),
            "seq": anchor.as_ref().map(|anchor| anchor.seq),
            "head": summary.head.hash,
            "anchor": anchor.map(|anchor| anchor.to_string()),
        }));
    }
    let mut page = Page::default();
    if rows.is_empty() {
        page.plain("No session is recorded yet.");
    } else {
        page.table(&["session", "began (UTC)", "last record", "records"], &rows);
    }
    Ok(Report::done(page, json!({"sessions": listed})))
}

fn decisions<R: Records + ?Sized>(log: &R, arguments: &ListArguments) -> Result<Report, Failure> {
    let only = arguments.session.as_deref().map(session).transpose()?;
    let limit = if arguments.verdict.is_some() {
        LOOKED_THROUGH_MAX
    } else {
        arguments.limit.get()
    };
    // A token has no verdict.
    let kinds = match arguments.verdict {
        Some(_) => &LISTED_KINDS[..1],
        None => &LISTED_KINDS[..],
    };
    let query = Query {
        session: only.as_ref(),
        kinds,
        limit,
        ..Query::default()
    };
    let envelopes = log.newest_records(&query)?;
    let mut rows = Vec::new();
    let (mut listed, mut tokens) = (Vec::new(), Vec::new());
    for envelope in &envelopes {
        if rows.len() == arguments.limit.get() {
            break;
        }
        let (request_digest, decision) = match event(envelope)? {
            Event::DecisionMade {
                request_digest,
                decision,
                ..
            } => (request_digest, decision),
            Event::Observed { detail, .. } => {
                rows.push(token_row(envelope, &detail));
                tokens.push(envelope.to_json());
                continue;
            }
            Event::ActionRequested(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalAnswered(_)
            | Event::ApprovalExpired { .. }
            | Event::OutcomeRecorded { .. } => continue,
        };
        if arguments
            .verdict
            .is_some_and(|only| Verdict::from(only) != decision.verdict)
        {
            continue;
        }
        let request = request_of(log, envelope, request_digest)?;
        rows.push(row(envelope, request.as_ref(), &decision));
        listed.push(line(envelope, request.as_ref(), &decision));
    }
    let mut page = Page::default();
    if rows.is_empty() {
        let is_narrowed = only.is_some() || arguments.verdict.is_some();
        page.plain(if is_narrowed {
            "No such decision is recorded."
        } else {
            "No decision is recorded yet."
        });
    } else {
        page.table(&["time (UTC)", "", "tool", "request", "cause", "id"], &rows);
    }
    Ok(Report::done(
        page,
        json!({"decisions": listed, "tokens": tokens}),
    ))
}

fn row(envelope: &Envelope, request: Option<&ActionRequest>, decision: &Decision) -> Vec<Piece> {
    let tool = request.map_or("", |request| &*request.tool);
    let summary = request.map(|request| describe::summary(request, SUMMARY_CHARS));
    let tone = Tone::of(decision.verdict);
    vec![
        piece(Tone::Quiet, describe::time(envelope.at)),
        piece(
            tone,
            format!("{} {}", describe::sign(decision.verdict), decision.verdict),
        ),
        piece(Tone::Plain, tool),
        piece(Tone::Plain, summary.unwrap_or_default()),
        piece(Tone::Quiet, describe::cause(decision)),
        piece(Tone::Quiet, envelope.subject.as_deref().unwrap_or_default()),
    ]
}

/// Returns the line of a token that was made or revoked, and by whom.
fn token_row(envelope: &Envelope, detail: &Value) -> Vec<Piece> {
    let text = |place: &str| detail.pointer(place).and_then(Value::as_str);
    let roles = detail.pointer("/token/roles").and_then(Value::as_array);
    let roles: Vec<&str> = roles
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let expires = detail
        .pointer("/token/expires_unix_ms")
        .and_then(Value::as_i64);
    let expires = expires.map(|at| {
        let at = describe::time(Timestamp::from_unix_ms(at));
        format!(", until {at}")
    });
    let told = format!(
        "{}: {}{}",
        text("/token/name").unwrap_or_default(),
        roles.join(", "),
        expires.unwrap_or_default()
    );
    let word = if envelope.kind == EventKind::TokenRevoked {
        "– revoked"
    } else {
        "+ made"
    };
    vec![
        piece(Tone::Quiet, describe::time(envelope.at)),
        piece(Tone::Careful, word),
        piece(Tone::Plain, "token"),
        piece(Tone::Plain, describe::cut(&told, SUMMARY_CHARS)),
        piece(Tone::Quiet, format!("by {}", text("/by").unwrap_or("–"))),
        piece(Tone::Quiet, envelope.subject.as_deref().unwrap_or_default()),
    ]
}

fn line(envelope: &Envelope, request: Option<&ActionRequest>, decision: &Decision) -> Value {
    json!({
        "id": envelope.subject,
        "session": envelope.chain.session(),
        "seq": envelope.seq,
        "ts_unix_ms": envelope.at,
        "tool": request.map(|request| &request.tool),
        "request": request.map(describe::request),
        "verdict": decision.verdict,
        "reason": decision.reason,
        "rule": decision.deciding().and_then(|finding| finding.rule.as_ref()),
        "policy": describe::policy(decision),
    })
}

/// Shows everything recorded about a request or an approval, in order; what is
/// sealed, if the keys are `here`.
fn show<R: Records + ?Sized>(log: &R, id: &str, here: Option<&Here>) -> Result<Report, Failure> {
    let envelopes = about(log, id)?;
    if envelopes.is_empty() {
        return Err(Failure::usage(format!("nothing is recorded about `{id}`"))
            .remedy("`aegis log list` shows the names of the newest requests"));
    }
    let mut page = Page::default();
    for envelope in &envelopes {
        let session = envelope.chain.session().map_or("", SessionId::as_str);
        page.heading(envelope.kind.as_str());
        let mut fields = vec![
            (
                "time",
                piece(Tone::Plain, format!("{} UTC", describe::time(envelope.at))),
            ),
            ("session", piece(Tone::Plain, session)),
            ("record", piece(Tone::Plain, envelope.seq.to_string())),
            ("hash", piece(Tone::Quiet, envelope.hash.to_string())),
        ];
        fields.extend(details(&event(envelope)?));
        match here {
            Some(here) => fields.extend(erase::sealed(here, envelope)?),
            None if envelope.sealed.is_some() => {
                fields.push((
                    "sealed",
                    piece(Tone::Careful, "where the service has its keys"),
                ));
            }
            None => {}
        }
        page.fields(&fields);
    }
    let json: Vec<Value> = envelopes.iter().map(Envelope::to_json).collect();
    Ok(Report::done(page, json!({"envelopes": json})))
}

/// Returns the records about `id` and about the approvals that belong to it, in order.
pub(crate) fn about<R: Records + ?Sized>(log: &R, id: &str) -> Result<Vec<Envelope>, Failure> {
    let named = |subject: &str| {
        let query = Query {
            subject: Some(subject),
            limit: 1_000,
            ..Query::default()
        };
        log.newest_records(&query)
    };
    let mut found = named(id)?;
    let others: BTreeSet<String> = found
        .iter()
        .filter_map(|envelope| {
            let other = |key: &str| Some(envelope.payload.get(key)?.as_str()?.to_owned());
            other("approval_token").or_else(|| other("call_id"))
        })
        .filter(|other| other != id)
        .collect();
    for other in others {
        found.extend(named(&other)?);
    }
    found.sort_by_key(|envelope| (envelope.chain.clone(), envelope.seq));
    found.dedup_by_key(|envelope| envelope.hash);
    Ok(found)
}

/// Returns what is worth showing of an event.
fn details(event: &Event) -> Vec<(&'static str, Piece)> {
    match event {
        Event::ActionRequested(request) => of_request(request),
        Event::DecisionMade { decision, .. } => of_decision(decision),
        Event::ApprovalRequested(approval) => vec![
            ("approval", piece(Tone::Plain, approval.id.as_str())),
            ("risk", piece(Tone::Plain, approval.risk.as_str())),
            (
                "expires",
                piece(Tone::Plain, describe::time(approval.expires_at)),
            ),
        ],
        Event::ApprovalAnswered(answer) => {
            let (tone, word) = if answer.is_granted {
                (Tone::Good, "granted")
            } else {
                (Tone::Bad, "refused")
            };
            vec![
                ("answer", piece(tone, word)),
                ("by", piece(Tone::Plain, answer.approver.as_str())),
                ("assurance", piece(Tone::Plain, answer.assurance.as_str())),
                (
                    "note",
                    piece(Tone::Plain, answer.note.as_deref().unwrap_or("–")),
                ),
            ]
        }
        Event::ApprovalExpired { cause, .. } => vec![("cause", piece(Tone::Careful, cause))],
        Event::OutcomeRecorded {
            outcome, content, ..
        } => vec![
            ("outcome", piece(Tone::Plain, outcome.as_str())),
            ("content", piece(Tone::Quiet, json_text(content))),
        ],
        Event::Observed { detail, .. } => vec![("detail", piece(Tone::Quiet, json_text(detail)))],
    }
}

pub(super) fn json_text(value: &Value) -> String {
    String::from_utf8_lossy(&aegis_canon::canonical(value)).into_owned()
}

fn of_request(request: &ActionRequest) -> Vec<(&'static str, Piece)> {
    let mut fields = vec![
        ("tool", piece(Tone::Plain, &*request.tool)),
        ("request", piece(Tone::Strong, describe::request(request))),
        ("directory", piece(Tone::Plain, &request.context.directory)),
    ];
    for touch in &request.context.protected {
        let text = format!(
            "{} ({}) by {}",
            touch.kind.noun(),
            touch.path,
            touch.through
        );
        fields.push(("touches", piece(Tone::Bad, text)));
    }
    fields
}

fn of_decision(decision: &Decision) -> Vec<(&'static str, Piece)> {
    let mut fields = vec![
        (
            "verdict",
            piece(Tone::of(decision.verdict), decision.verdict.as_str()),
        ),
        ("cause", piece(Tone::Plain, describe::cause(decision))),
    ];
    if let Some(policy) = describe::policy(decision) {
        fields.push(("policy", piece(Tone::Plain, policy)));
    }
    if let Some(message) = decision
        .deciding()
        .and_then(|finding| finding.message.as_deref())
    {
        fields.push(("message", piece(Tone::Plain, message)));
    }
    if let Some(observed) = decision.observed {
        let text = format!("{} if it were enforced", observed.as_str());
        fields.push(("observed", piece(Tone::Careful, text)));
    }
    // A single finding is the cause, which is shown already.
    let findings = match decision.findings.as_slice() {
        [_] => &[][..],
        several => several,
    };
    for finding in findings {
        let rule = finding.rule.as_ref().map(|rule| format!(" {rule}"));
        let tone = match finding.verdict {
            Verdict::Allow => Tone::Quiet,
            Verdict::Ask | Verdict::Deny => Tone::Plain,
        };
        let check = finding.check.as_str();
        let text = format!(
            "{check} {} {}{}",
            finding.verdict,
            finding.reason,
            rule.unwrap_or_default()
        );
        fields.push(("finding", piece(tone, text)));
    }
    fields
}
