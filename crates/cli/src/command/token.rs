//! `aegis token`: by what callers of the service name themselves.

use std::io::Write as _;

use aegis_api::{Client, ClientError, ProblemKind, TokenRequest, TokenView};
use aegis_gate::{Clock as _, SystemClock};
use aegis_server::{NewToken, Role, StoredToken, TokenError, Tokens};
use aegis_types::{EventKind, Timestamp};
use serde_json::json;

use crate::arguments::{NewTokenArguments, RoleName, TokenArguments, TokenCommand};
use crate::command::approvals::approver;
use crate::command::remote;
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Answers one of the commands on tokens.
pub(crate) fn answer(here: &Here, arguments: TokenArguments) -> Result<Report, Failure> {
    let command = arguments.command;
    if let Some(client) = remote::client(here, &arguments.server)? {
        return at_service(&client, command);
    }
    let tokens = Tokens::at(&here.places.tokens);
    match command {
        TokenCommand::Create(arguments) => {
            here.refuse_agents()?;
            create(here, &tokens, arguments)
        }
        TokenCommand::List => list(&tokens),
        TokenCommand::Revoke { id } => {
            here.refuse_agents()?;
            revoke(here, &tokens, &id)
        }
    }
}

fn create(here: &Here, tokens: &Tokens, new: NewTokenArguments) -> Result<Report, Failure> {
    let now = SystemClock.now();
    let tenant = match new.tenant {
        Some(tenant) => tenant,
        None => here.settings()?.tenant.value,
    };
    let expires_at = new.expires_in.map(|within| now.plus(within));
    let (gate, by) = (here.gate()?, approver()?);
    let made = tokens
        .create(
            NewToken {
                name: new.name,
                tenant,
                roles: new.roles.into_iter().map(role).collect(),
                agents: new.agents,
                expires_at,
            },
            now,
            |token| token.record(&gate, EventKind::TokenCreated, by.as_str()),
        )
        .map_err(|error| failure(&error))?;
    Ok(shown(&made.token, &made.id))
}

/// Shows a token that was made.
fn shown(token: &str, id: &str) -> Report {
    let mut page = Page::default();
    page.plain(token);
    // Beside the token, which is taken into a variable or a file as it stands.
    let _ = writeln!(
        anstream::stderr().lock(),
        "The token is shown this one time. Callers send it as `Authorization: Bearer TOKEN`."
    );
    Report::done(page, json!({"token": token, "id": id}))
}

/// Answers a command on the tokens of a service.
fn at_service(client: &Client, command: TokenCommand) -> Result<Report, Failure> {
    let refused = |error: ClientError| remote::failure(&error);
    match command {
        TokenCommand::Create(new) => {
            let roles = new
                .roles
                .into_iter()
                .map(|name| role(name).as_str().to_owned());
            let made = client.create_token(&TokenRequest {
                tenant_id: new.tenant.map(|tenant| tenant.to_string()),
                name: new.name,
                roles: roles.collect(),
                agents: new.agents.iter().map(ToString::to_string).collect(),
                expires_in: new.expires_in.map(|within| within.to_string()),
            });
            let made = made.map_err(refused)?;
            Ok(shown(&made.token, &made.id))
        }
        TokenCommand::List => Ok(listed(&client.tokens().map_err(refused)?.tokens)),
        TokenCommand::Revoke { id } => match client.revoke_token(&id) {
            Ok(()) => Ok(revoked(&id, true)),
            Err(error) if remote::is(&error, ProblemKind::NotFound) => Ok(revoked(&id, false)),
            Err(error) => Err(refused(error)),
        },
    }
}

fn list(tokens: &Tokens) -> Result<Report, Failure> {
    let found = tokens.list().map_err(|error| failure(&error))?;
    let views: Vec<TokenView> = found.iter().map(StoredToken::view).collect();
    Ok(listed(&views))
}

fn listed(found: &[TokenView]) -> Report {
    let mut page = Page::default();
    if found.is_empty() {
        page.plain("There are no tokens. `aegis token create` makes one.");
    } else {
        let rows: Vec<_> = found
            .iter()
            .map(|token| {
                let expires = token.expires_unix_ms.map(Timestamp::from_unix_ms);
                vec![
                    piece(Tone::Strong, &token.id),
                    piece(Tone::Plain, &token.name),
                    piece(Tone::Plain, token.roles.join(", ")),
                    piece(Tone::Plain, &token.tenant_id),
                    piece(
                        Tone::Quiet,
                        expires.map_or("never".to_owned(), describe::time),
                    ),
                ]
            })
            .collect();
        page.table(&["id", "name", "roles", "tenant", "expires (UTC)"], &rows);
    }
    Report::done(page, json!({ "tokens": found }))
}

fn revoke(here: &Here, tokens: &Tokens, id: &str) -> Result<Report, Failure> {
    let (gate, by) = (here.gate()?, approver()?);
    let record = |token: &StoredToken| token.record(&gate, EventKind::TokenRevoked, by.as_str());
    let is_found = tokens.revoke(id, record).map_err(|error| failure(&error))?;
    Ok(revoked(id, is_found))
}

fn revoked(id: &str, is_found: bool) -> Report {
    let mut page = Page::default();
    if is_found {
        page.plain(format!("Token {id} holds no longer."));
        return Report::done(page, json!({"revoked": id}));
    }
    page.plain(format!(
        "There is no token {id}; `aegis token list` shows all."
    ));
    Report::done(page, json!({"revoked": null})).with(Exit::No)
}

const fn role(name: RoleName) -> Role {
    match name {
        RoleName::Agent => Role::Agent,
        RoleName::Approver => Role::Approver,
        RoleName::Auditor => Role::Auditor,
        RoleName::Operator => Role::Operator,
    }
}

fn failure(error: &TokenError) -> Failure {
    let text = causes(error);
    match error {
        TokenError::NoName => Failure::usage(text).remedy("say whose it is, as in `--name ci`"),
        TokenError::NoTime => {
            Failure::usage(text).remedy("say for how long, as in `--expires-in 30d`")
        }
        TokenError::NoRole => Failure::usage(text).remedy("name one with `--role`"),
        TokenError::BesideAgent(_) => {
            Failure::usage(text).remedy("make two tokens, each with one of the roles")
        }
        TokenError::Unknown
        | TokenError::Expired
        | TokenError::File { .. }
        | TokenError::Damaged { .. }
        | TokenError::Record(_)
        | TokenError::Random => Failure::environment(text),
    }
}
