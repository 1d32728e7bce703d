//! Who may do what: every route, role and tenant.

use std::cell::Cell;
use std::collections::BTreeSet;

use aegis_server::{Demand, Role, openapi};
use serde_json::{Value, json};

use crate::authority::{Issued, uri};
use crate::decisions::{bash, refused};
use crate::secured::Secured;
use crate::stage::Stage;

/// Whose tenant a request names.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Named {
    Nobodys,
    Own,
    Others,
}

/// Where a route takes the name of a tenant.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    /// Behind the path.
    Query,
    /// In the body.
    Body,
    /// Nowhere: it is that of who asks.
    Nothing,
}

struct Route {
    method: &'static str,
    path: &'static str,
    takes: Takes,
    body: fn() -> Value,
    /// The status for each role, in the order of `Role::ALL`, of the own tenant.
    roles: [u16; 4],
    /// The status without a token.
    nobody: u16,
}

const fn read(path: &'static str, roles: [u16; 4]) -> Route {
    Route {
        method: "GET",
        path,
        takes: Takes::Query,
        body: || Value::Null,
        roles,
        nobody: 401,
    }
}

const fn send(path: &'static str, takes: Takes, body: fn() -> Value, roles: [u16; 4]) -> Route {
    Route {
        method: "POST",
        path,
        takes,
        body,
        roles,
        nobody: 401,
    }
}

fn proposal() -> Value {
    json!(bash("again", "ls"))
}

fn outcome() -> Value {
    json!({"session_id": "s", "call_id": "unproposed", "outcome": "completed"})
}

fn event() -> Value {
    json!({"session_id": "s", "event_type": "PROMPT_SUBMITTED", "payload": {}})
}

fn dry_run() -> Value {
    let payload = json!({"tool_name": "Bash", "args": {"command": "ls"}});
    json!({"event": {"event_type": "TOOL_CALL_PROPOSED", "payload": payload}})
}

fn new_token() -> Value {
    json!({"name": "n", "roles": ["auditor"]})
}

/// An entry for each role of both tenants.
fn principals() -> String {
    let entry = |tenant: &str, role: Role| {
        let role = role.as_str();
        format!(
            "{{name: {tenant}-{role}, tenant: {tenant}, roles: [{role}], \
             uri: 'spiffe://{tenant}/{role}'}}"
        )
    };
    let all = ["acme", "other"].map(|tenant| Role::ALL.map(|role| entry(tenant, role)).join(", "));
    all.join(", ")
}

/// Agent, approver, auditor, operator; `{id}` and the like stand for what the
/// own tenant has.
fn routes() -> Vec<Route> {
    let open = |path| Route {
        nobody: 200,
        takes: Takes::Nothing,
        ..read(path, [200; 4])
    };
    vec![
        open("/healthz"),
        open("/readyz"),
        open("/openapi.json"),
        // The tenants of the table are not the service's own.
        Route {
            takes: Takes::Nothing,
            ..read("/metrics", [403; 4])
        },
        send("/v1/decisions", Takes::Body, proposal, [200, 403, 403, 403]),
        send(
            "/v1/decisions/rehearse",
            Takes::Body,
            proposal,
            [200, 403, 403, 403],
        ),
        send("/v1/outcomes", Takes::Body, outcome, [201, 403, 403, 403]),
        read("/v1/decisions", [403, 403, 200, 200]),
        read("/v1/decisions/{session}/{call}", [403, 403, 200, 200]),
        read("/v1/approvals", [403, 200, 200, 200]),
        // Another agent of the tenant asked; whoever asked sees it.
        read("/v1/approvals/{id}", [404, 200, 200, 200]),
        send(
            "/v1/approvals/{id}/answer",
            Takes::Nothing,
            || json!({"approved": false}),
            [403, 200, 403, 403],
        ),
        send("/v1/events", Takes::Body, event, [201, 403, 403, 403]),
        read("/v1/events", [403, 403, 200, 403]),
        read("/v2/events", [403, 403, 200, 403]),
        read("/v1/sessions/{id}/snapshot", [403, 403, 200, 403]),
        read("/v1/sessions/{id}/verify", [403, 403, 200, 403]),
        send(
            "/v1/policy/decide",
            Takes::Nothing,
            dry_run,
            [200, 403, 403, 403],
        ),
        read("/v1/events/stream", [400, 403, 200, 200]),
        read("/v1/sessions", [403, 403, 200, 200]),
        read("/v1/sessions/{id}", [403, 403, 200, 200]),
        read("/v1/records", [403, 403, 200, 403]),
        send(
            "/v1/log/verify",
            Takes::Nothing,
            || json!({}),
            [403, 403, 200, 403],
        ),
        read("/v1/policies", [403, 403, 200, 200]),
        read("/v1/policies/{digest}", [403, 403, 200, 200]),
        read("/v1/agents", [403, 403, 200, 200]),
        read("/v1/tokens", [403, 403, 403, 200]),
        send("/v1/tokens", Takes::Body, new_token, [403, 403, 403, 201]),
        Route {
            method: "DELETE",
            ..read("/v1/tokens/{id}", [403, 403, 403, 204])
        },
        send(
            "/v1/hooks/claude-code",
            Takes::Nothing,
            || Value::Null,
            [403; 4],
        ),
    ]
}

/// Who asks.
#[derive(Clone, Copy)]
enum Who<'a> {
    Nobody,
    Token(&'a str),
    Certificate(&'a Issued),
}

/// A service with one of everything in the tenant `acme`.
struct World {
    secured: Secured,
    agent: String,
    asked: Cell<u32>,
    digest: String,
}

impl World {
    fn new() -> Self {
        let secured = Secured::new(Demand::Optional, &principals());
        let stage = &secured.stage;
        let token = stage.token("acme", &[Role::Agent]);
        let agent = stage.remote(Some(&token));
        agent.decide(&bash("one", "ls")).unwrap();
        let auditor = stage.remote(Some(&stage.token("acme", &[Role::Auditor])));
        let policies: Value = auditor.get("/v1/policies").unwrap();
        Self {
            digest: policies["in_force"][0]["digest"]
                .as_str()
                .unwrap()
                .to_owned(),
            agent: token,
            asked: Cell::new(0),
            secured,
        }
    }

    /// Returns the name of an approval that waits.
    fn approval(&self) -> String {
        self.asked.set(self.asked.get() + 1);
        let number = self.asked.get();
        let line = format!("git push --force origin b{number}");
        let mut request = bash(&format!("ask-{number}"), &line);
        // No session may wait for too many answers.
        request.session_id = format!("asks-{number}");
        let agent = self.secured.stage.remote(Some(&self.agent));
        let asked = agent.decide(&request).unwrap();
        let approval = asked.approval.unwrap();
        approval["approval_token"].as_str().unwrap().to_owned()
    }

    /// Returns the status with which `route` answers who has `token`.
    fn ask(&self, route: &Route, who: Who<'_>, own: &str, named: Named) -> u16 {
        let mut path = route.path.replace("{session}/{call}", "s/one");
        path = path.replace("{digest}", &self.digest);
        let id = if path.starts_with("/v1/approvals") {
            self.approval()
        } else if path.starts_with("/v1/tokens") {
            let new = self.secured.stage.token("acme", &[Role::Auditor]);
            new.split('_').nth(1).unwrap().to_owned()
        } else {
            "s".to_owned()
        };
        path = path.replace("{id}", &id);
        let tenant = match named {
            Named::Nobodys => None,
            Named::Own => Some(own),
            Named::Others => Some("somebody-else"),
        };
        let mut body = (route.body)();
        if own != "acme" && !body["session_id"].is_null() {
            body["session_id"] = json!("theirs");
        }
        match (tenant, route.takes) {
            (Some(tenant), Takes::Query) => path = format!("{path}?tenant_id={tenant}"),
            (Some(tenant), Takes::Body) => body["tenant_id"] = json!(tenant),
            (Some(_), Takes::Nothing) | (None, _) => {}
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let stage = &self.secured.stage;
        match who {
            Who::Nobody => stage.status(route.method, &path, None, &body),
            Who::Token(token) => stage.status(route.method, &path, Some(token), &body),
            Who::Certificate(shown) => {
                self.secured
                    .status(route.method, &path, Some(shown), None, &body)
            }
        }
    }

    /// Returns the certificate that names whoever has `role` in `tenant`.
    fn certificate(&self, tenant: &str, role: Role) -> Issued {
        let name = format!("spiffe://{tenant}/{}", role.as_str());
        self.secured.authority.client(&[uri(&name)])
    }
}

#[test]
fn the_table_names_every_route_of_the_description() {
    let described = openapi();
    let mut expected = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            expected.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let named: BTreeSet<String> = routes()
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(named, expected);
}

#[test]
fn every_route_answers_each_role_of_the_own_tenant_as_the_table_says() {
    for (role, place) in Role::ALL.into_iter().zip(0..) {
        let world = World::new();
        let token = world.secured.stage.token("acme", &[role]);
        let shown = world.certificate("acme", role);
        for route in routes() {
            for (named, who) in [Named::Others, Named::Nobodys, Named::Own]
                .into_iter()
                .flat_map(|it| [(it, Who::Token(&token)), (it, Who::Certificate(&shown))])
            {
                let found = world.ask(&route, who, "acme", named);
                let expected = match (named, route.takes, route.roles[place]) {
                    (Named::Others, Takes::Query | Takes::Body, _) => 403,
                    (_, _, expected) => expected,
                };
                assert_eq!(
                    found, expected,
                    "{role:?} {} {} {named:?}",
                    route.method, route.path
                );
            }
        }
    }
}

#[test]
fn every_route_hides_what_another_tenant_has() {
    let world = World::new();
    for role in Role::ALL {
        let token = world.secured.stage.token("other", &[role]);
        let shown = world.certificate("other", role);
        let who = [Who::Token(&token), Who::Certificate(&shown)];
        for ((route, place), who) in routes()
            .iter()
            .zip(0..)
            .flat_map(|it| who.map(|who| (it, who)))
        {
            let allowed = route.roles[Role::ALL.iter().position(|it| *it == role).unwrap()];
            let found = world.ask(route, who, "other", Named::Nobodys);
            // The built-in policy is in force for everybody.
            let is_own = route.path.contains('{') && !route.path.contains("{digest}");
            let expected = match allowed {
                403 => 403,
                _ if is_own => 404,
                allowed => allowed,
            };
            assert_eq!(
                found, expected,
                "{place} {role:?} {} {}",
                route.method, route.path
            );
        }
    }
}

#[test]
fn every_route_knows_who_asks() {
    let world = World::new();
    for route in routes() {
        let found = world.ask(&route, Who::Nobody, "acme", Named::Nobodys);
        assert_eq!(found, route.nobody, "{} {}", route.method, route.path);
        let expected = if route.nobody == 200 { 200 } else { 401 };
        let unnamed = world.secured.authority.client(&[uri("spiffe://acme/else")]);
        for who in [Who::Token("aegis_x_y"), Who::Certificate(&unnamed)] {
            let found = world.ask(&route, who, "acme", Named::Nobodys);
            assert_eq!(found, expected, "{} {}", route.method, route.path);
        }
    }
}

#[test]
fn lists_of_another_tenant_are_empty() {
    let world = World::new();
    let token = world.secured.stage.token("other", &[Role::Auditor]);
    let other = world.secured.stage.remote(Some(&token));
    for (path, key) in [
        ("/v1/decisions", "decisions"),
        ("/v1/sessions", "sessions"),
        ("/v1/approvals", "approvals"),
        ("/v1/agents", "agents"),
        ("/v1/policies", "versions"),
    ] {
        let list: Value = other.get(path).unwrap();
        assert_eq!(list[key], json!([]), "{path}");
    }
    let operator = world.secured.stage.token("other", &[Role::Operator]);
    let list: Value = world
        .secured
        .stage
        .remote(Some(&operator))
        .get("/v1/tokens")
        .unwrap();
    for listed in list["tokens"].as_array().unwrap() {
        assert_eq!(listed["tenant_id"], "other");
    }
}

#[test]
fn two_tokens_in_one_request_name_nobody() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Auditor]);
    let second = format!("Authorization: Bearer {token}\r\n");
    let mut stream = stage.open("GET", "/v1/sessions", Some(&token), &second, "");
    let mut reply = String::new();
    std::io::Read::read_to_string(&mut stream, &mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
}

#[test]
fn tokens_that_cannot_be_read_are_told_without_their_place() {
    use std::os::unix::fs::PermissionsExt as _;

    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Auditor]);
    assert_eq!(stage.status("GET", "/v1/sessions", Some(&token), ""), 200);
    let path = stage.folder().join("state/tokens.json");
    let told = || {
        let mut stream = stage.open("GET", "/v1/sessions", Some(&token), "", "");
        let mut reply = String::new();
        std::io::Read::read_to_string(&mut stream, &mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 503 "), "{reply}");
        assert!(!reply.contains("tokens.json"), "{reply}");
    };
    let mode = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // Others could have added a token of their own.
    mode(0o666);
    told();
    mode(0o600);
    assert_eq!(stage.status("GET", "/v1/sessions", Some(&token), ""), 200);
    std::fs::write(&path, "{").unwrap();
    told();
}

#[test]
fn a_token_without_a_name_or_a_time_is_not_made() {
    let stage = Stage::new();
    let made = |name: &str, expires_in: Option<&str>| {
        let request = serde_json::json!({
            "name": name, "roles": ["auditor"], "agents": [], "expires_in": expires_in,
        });
        let operator = stage.local();
        let request: aegis_api::TokenRequest = serde_json::from_value(request).unwrap();
        operator.create_token(&request).map(|_| ())
    };
    assert!(made("ci", Some("1s")).is_ok());
    assert_eq!(refused(made("", None)), 400);
    assert_eq!(refused(made("ci", Some("0s"))), 400);
}
