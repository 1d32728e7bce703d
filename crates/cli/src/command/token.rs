//! `aegis token`: by what callers of the service name themselves.

use aegis_gate::{Clock as _, SystemClock};
use aegis_server::{NewToken, Role, StoredToken, TokenError, Tokens};
use serde_json::{Value, json};

use crate::arguments::{NewTokenArguments, RoleName, TokenCommand};
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Answers one of the commands on tokens.
pub(crate) fn answer(here: &Here, command: TokenCommand) -> Result<Report, Failure> {
    let tokens = Tokens::at(&here.places.state);
    match command {
        TokenCommand::Create(arguments) => {
            here.refuse_agents()?;
            create(here, &tokens, arguments)
        }
        TokenCommand::List => list(&tokens),
        TokenCommand::Revoke { id } => {
            here.refuse_agents()?;
            revoke(&tokens, &id)
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
        )
        .map_err(|error| failure(&error))?;
    let mut page = Page::default();
    page.plain(&made.token).blank().line(&[piece(
        Tone::Quiet,
        "It is shown this one time. Callers send it as `Authorization: Bearer TOKEN`.",
    )]);
    Ok(Report::done(
        page,
        json!({"token": made.token, "id": made.id}),
    ))
}

fn list(tokens: &Tokens) -> Result<Report, Failure> {
    let found = tokens.list().map_err(|error| failure(&error))?;
    let mut page = Page::default();
    if found.is_empty() {
        page.plain("There are no tokens. `aegis token create` makes one.");
    } else {
        let rows: Vec<_> = found
            .iter()
            .map(|token| {
                let expires = token.expires_at.map_or("never".to_owned(), describe::time);
                vec![
                    piece(Tone::Strong, &token.id),
                    piece(Tone::Plain, &token.name),
                    piece(Tone::Plain, roles(token)),
                    piece(Tone::Plain, token.tenant.as_str()),
                    piece(Tone::Quiet, expires),
                ]
            })
            .collect();
        page.table(&["id", "name", "roles", "tenant", "expires (UTC)"], &rows);
    }
    let json: Vec<Value> = found.iter().map(to_json).collect();
    Ok(Report::done(page, json!({ "tokens": json })))
}

fn revoke(tokens: &Tokens, id: &str) -> Result<Report, Failure> {
    let mut page = Page::default();
    if tokens.revoke(id).map_err(|error| failure(&error))? {
        page.plain(format!("Token {id} holds no longer."));
        return Ok(Report::done(page, json!({"revoked": id})));
    }
    page.plain(format!(
        "There is no token {id}; `aegis token list` shows all."
    ));
    Ok(Report::done(page, json!({"revoked": null})).with(Exit::No))
}

const fn role(name: RoleName) -> Role {
    match name {
        RoleName::Agent => Role::Agent,
        RoleName::Approver => Role::Approver,
        RoleName::Auditor => Role::Auditor,
        RoleName::Operator => Role::Operator,
    }
}

fn roles(token: &StoredToken) -> String {
    let names: Vec<&str> = token.roles.iter().map(|role| role.as_str()).collect();
    names.join(", ")
}

fn to_json(token: &StoredToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "roles": token.roles,
        "tenant_id": token.tenant,
        "agents": token.agents,
        "created_unix_ms": token.created_at.unix_ms(),
        "expires_unix_ms": token.expires_at.map(|at| at.unix_ms()),
    })
}

fn failure(error: &TokenError) -> Failure {
    let text = causes(error);
    match error {
        TokenError::NoRole | TokenError::AgentApproves => Failure::usage(text),
        TokenError::Unknown
        | TokenError::Expired
        | TokenError::File { .. }
        | TokenError::Damaged { .. }
        | TokenError::Random => Failure::environment(text),
    }
}
