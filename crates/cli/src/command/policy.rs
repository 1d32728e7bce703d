//! `aegis policy`: checking, explaining, testing, comparing, showing.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use aegis_engine::explain;
use aegis_gate::{Gate, InForce, Origin, PolicyInForce, Proposal};
use aegis_policy::{Compiled, pack, policy_digest, policy_document};
use aegis_types::{ActionRequest, PolicyStanding, RequestId, SessionId, State};
use serde_json::{Value, json};

use crate::arguments::{ExplainArguments, PolicyCommand};
use crate::command::checked::{check_file, check_named, each, no_pack, report};
use crate::command::{
    always, backtest, diff, explain as page_of, lint, permissions, recorded, suggest, test,
};
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Answers one of the commands on policies.
pub(crate) fn answer(here: &Here, command: PolicyCommand) -> Result<Report, Failure> {
    match command {
        PolicyCommand::Check { files } => check(here, &files),
        PolicyCommand::Explain(arguments) => explained(here, &arguments),
        PolicyCommand::Test(arguments) => test::answer(here, &arguments),
        PolicyCommand::Lint(arguments) => lint::answer(here, &arguments),
        PolicyCommand::Diff(arguments) => diff::answer(here, &arguments),
        PolicyCommand::Backtest(arguments) => backtest::answer(here, &arguments),
        PolicyCommand::Import(arguments) => permissions::import(&arguments),
        PolicyCommand::Export(arguments) => permissions::export(&arguments),
        PolicyCommand::Always(arguments) => always::answer(here, &arguments),
        PolicyCommand::Suggest(arguments) => suggest::answer(here, &arguments),
        PolicyCommand::Show { policy } => show(here, policy.as_deref()),
    }
}

fn check(here: &Here, files: &[PathBuf]) -> Result<Report, Failure> {
    let files = if files.is_empty() {
        own_files(here)?
    } else {
        files.to_vec()
    };
    let named = |file: &Path| check_named(&file.to_string_lossy());
    Ok(report(&each(&files, named, |it| it)?))
}

/// Returns the policy files in force here that are files.
pub(crate) fn own_files(here: &Here) -> Result<Vec<PathBuf>, Failure> {
    let places = &here.places;
    let project = places
        .project
        .as_ref()
        .map(|project| project.policy.clone());
    let found: Vec<PathBuf> = [
        Some(places.managed_policy.clone()),
        Some(places.user_policy.clone()),
        project,
    ]
    .into_iter()
    .flatten()
    .filter(|path| path.is_file())
    .map(|path| here.shown(&path))
    .collect();
    if found.is_empty() {
        return Err(Failure::usage("there is no policy file here")
            .remedy("name a file, or run `aegis init`; without one, `aegis:developer` holds"));
    }
    Ok(found)
}

/// Explains how a call would be decided, or how a recorded one was.
fn explained(here: &Here, arguments: &ExplainArguments) -> Result<Report, Failure> {
    if let Some(id) = &arguments.log {
        return recorded::explained(here, id, arguments.all);
    }
    let gate = here.gate_in_memory()?;
    let mut request = request(here, &gate, arguments)?;
    if let Some(environment) = &arguments.environment {
        request.context.environment = Some(environment.clone());
    }
    let policies = policies(&gate, &arguments.policy)?;
    let attached = policies.attached();
    let explanation = explain(
        &request,
        &attached,
        &State::default(),
        &gate.engine_settings(),
    );
    let mut report = page_of::report(&request, &attached, &explanation, arguments.all);
    if !policies.rejected.is_empty() {
        report.page.blank();
        show_rejected(here, &policies, &mut report.page);
    }
    Ok(report)
}

fn request(
    here: &Here,
    gate: &Gate,
    arguments: &ExplainArguments,
) -> Result<ActionRequest, Failure> {
    let params = match (&arguments.command, &arguments.params) {
        (Some(command), _) => json!({"command": command}),
        (None, Some(text)) => {
            let read = aegis_canon::parse_tagging(text.as_bytes())
                .map_err(|error| Failure::usage(format!("the parameters are no JSON: {error}")))?;
            if !read.value.is_object() {
                return Err(Failure::usage("the parameters are no JSON object").remedy(
                    "write them as the agent would: --params '{\"file_path\": \"notes.md\"}'",
                ));
            }
            read.value
        }
        (None, None) => {
            return Err(Failure::usage("there is no call to explain")
                .remedy("give --command 'COMMAND LINE', --params JSON or --log ID"));
        }
    };
    let named = |text: &str| Failure::environment(format!("`{text}` is no name"));
    let proposal = Proposal {
        id: RequestId::from_str("explained").map_err(|_| named("explained"))?,
        session: SessionId::from_str("explained").map_err(|_| named("explained"))?,
        agent: None,
        subagent: None,
        user: None,
        tool: Arc::from(arguments.tool.as_str()),
        params,
        tagged: 0,
        directory: here.directory.clone(),
        host_mode: None,
        skill: None,
    };
    gate.gather(&proposal)
        .map_err(|error| Failure::environment(causes(&error)))
}

/// Returns the policies given, files or packs, else those in force here.
pub(crate) fn policies(gate: &Gate, files: &[PathBuf]) -> Result<InForce, Failure> {
    if files.is_empty() {
        let in_force = gate.policies();
        if let Some(fault) = &in_force.fault {
            return Err(
                Failure::usage(fault.clone()).remedy("`aegis policy check` shows what is wrong")
            );
        }
        return Ok((*in_force).clone());
    }
    let mut policies = Vec::new();
    for file in files {
        let checked = check_named(&file.to_string_lossy())?;
        let Some(parsed) = checked.parsed.filter(|_| checked.failures.is_empty()) else {
            return Err(
                Failure::usage(format!("`{}` cannot be used", file.display())).remedy(format!(
                    "`aegis policy check {}` shows what is wrong",
                    file.display()
                )),
            );
        };
        let digest = policy_digest(&parsed.texts);
        policies.push(PolicyInForce {
            document: Arc::from(policy_document(&parsed.texts)),
            compiled: Arc::new(Compiled::new(parsed.policy, digest)),
            standing: PolicyStanding::Current,
            only_tightens: false,
            origin: Origin::User,
            path: Some(file.clone()),
        });
    }
    Ok(InForce {
        policies,
        ..InForce::default()
    })
}

/// Shows a pack, a file, or what is in force here.
fn show(here: &Here, name: Option<&str>) -> Result<Report, Failure> {
    let Some(name) = name else {
        return in_force(here);
    };
    if let Some(text) = pack(name) {
        let mut page = Page::default();
        page.block(text);
        return Ok(Report::done(page, json!({"name": name, "text": text})));
    }
    if name.starts_with("aegis:") {
        return Err(no_pack(name));
    }
    let checked = check_file(Path::new(name))?;
    let Some(parsed) = &checked.parsed else {
        return Ok(report(&[checked]));
    };
    let mut page = Page::default();
    page.heading(parsed.policy.name.as_str());
    show_rules(&mut page, &parsed.policy);
    let json = json!({"name": parsed.policy.name, "sources": parsed.policy.sources, "policy": parsed.policy});
    Ok(Report::done(page, json))
}

fn in_force(here: &Here) -> Result<Report, Failure> {
    let gate = here.gate_in_memory()?;
    let policies = gate.policies();
    let mut page = Page::default();
    if let Some(fault) = &policies.fault {
        page.line(&[piece(
            Tone::Bad,
            "Nothing can be decided until this is mended.",
        )]);
        if policies.rejected.is_empty() {
            page.plain(format!("  {fault}"));
        }
    }
    show_rejected(here, &policies, &mut page);
    for policy in &policies.policies {
        let place = policy
            .path
            .as_ref()
            .map_or("built in".to_owned(), |path| path.display().to_string());
        page.heading(policy.compiled.policy().name.as_str());
        page.fields(&[
            ("from", piece(Tone::Plain, place)),
            ("origin", piece(Tone::Plain, policy.origin.as_str())),
            (
                "digest",
                piece(Tone::Quiet, policy.compiled.digest().to_string()),
            ),
            ("standing", standing(policy)),
        ]);
        page.blank();
        show_rules(&mut page, policy.compiled.policy());
    }
    let json: Vec<Value> = policies
        .policies
        .iter()
        .map(|policy| {
            json!({
                "name": policy.compiled.policy().name,
                "origin": policy.origin.as_str(),
                "path": policy.path,
                "digest": policy.compiled.digest(),
                "standing": policy.standing,
                "only_tightens": policy.only_tightens,
                "rules": policy.compiled.policy().rules.len(),
            })
        })
        .collect();
    let exit = if policies.fault.is_some() {
        Exit::No
    } else {
        Exit::Done
    };
    Ok(Report::done(page, json!({"policies": json, "fault": policies.fault})).with(exit))
}

/// Shows which files cannot be used, and what holds instead.
fn show_rejected(here: &Here, policies: &InForce, page: &mut Page) {
    for rejected in &policies.rejected {
        let path = here.shown(&rejected.path);
        let then = match rejected.last_good {
            Some(_) => "cannot be used; the last good one stays in force",
            None => "cannot be used, and no earlier good one is known",
        };
        page.line(&[
            piece(Tone::Bad, "✗ "),
            piece(Tone::Plain, path.display().to_string()),
            piece(Tone::Bad, format!("  {then}")),
        ]);
        page.plain(format!("  {}", rejected.cause));
    }
}

fn standing(policy: &PolicyInForce) -> crate::page::Piece {
    match (policy.standing, policy.only_tightens) {
        (PolicyStanding::LastGood, _) => {
            piece(Tone::Careful, "last good one; the file cannot be used")
        }
        (PolicyStanding::Current, true) => piece(Tone::Careful, "not trusted: it only tightens"),
        (PolicyStanding::Current, false) => piece(Tone::Good, "current"),
    }
}

fn show_rules(page: &mut Page, policy: &aegis_policy::Policy) {
    // Where all rules come from one text, a column that repeats its name says nothing.
    let first = policy.rules.first().map(|rule| rule.place.source);
    let is_mixed = policy
        .rules
        .iter()
        .any(|rule| Some(rule.place.source) != first);
    let mut heading = vec!["rule", "says", "risk"];
    if is_mixed {
        heading.push("from");
    }
    heading.push("message");
    let rows: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| {
            let mut row = vec![
                piece(Tone::Strong, rule.id.as_str()),
                piece(Tone::of(rule.verdict), rule.verdict.as_str()),
                piece(Tone::Plain, rule.risk.map_or("–", |risk| risk.as_str())),
            ];
            if is_mixed {
                let source = policy.sources.get(usize::from(rule.place.source));
                row.push(piece(Tone::Quiet, source.map_or("", |source| &source.name)));
            }
            row.push(piece(Tone::Plain, rule.message.as_deref().unwrap_or("–")));
            row
        })
        .collect();
    if !rows.is_empty() {
        page.table(&heading, &rows);
    }
    if let Some(default) = policy.default {
        let closed = if policy.closed {
            " (closed: it counts as explicit)"
        } else {
            ""
        };
        page.line(&[
            piece(Tone::Quiet, "  when no rule holds: "),
            piece(Tone::of(default), default.as_str()),
            piece(Tone::Quiet, closed),
        ]);
    }
}
