//! Requests made of a policy's examples and of the cases of its tests.

use std::path::{Path, PathBuf};

use aegis_policy::{Asked, Case, Circumstances, Example, Probe};
use aegis_types::{ActionRequest, Scope, State, Timestamp};
use serde_json::Value;

use crate::gather::{Scene, gather};
use crate::proposal::Proposal;
use crate::protected::Protected;
use crate::settings::Settings;
use crate::surroundings::Surroundings;

/// Where examples happen: a place that no machine has, so that an example
/// means the same everywhere.
const HOME: &str = "/nonexistent/home";
const DIRECTORY: &str = "~/project";

/// Returns the request that an example stands for, as the gate would gather it
/// in an empty project of a user without any files.
///
/// An example that cannot be read becomes a request without parameters, which
/// no example that must match survives.
#[must_use]
pub fn example_request(example: &Example) -> ActionRequest {
    example_request_in(example, Path::new(HOME))
}

/// As [`example_request`], for a user with this home folder.
#[must_use]
pub fn example_request_in(example: &Example, home: &Path) -> ActionRequest {
    request_under(example, &Circumstances::default(), home)
}

/// Returns the request that a case stands for: as its author wrote it, or
/// gathered like that of an example.
#[must_use]
pub fn case_request(case: &Case) -> ActionRequest {
    match &case.asked {
        Asked::Call(call) => request_under(call, &case.circumstances, Path::new(HOME)),
        Asked::Request(request) => (**request).clone(),
    }
}

/// Returns what came before the request of a case: earlier calls of its tool.
#[must_use]
pub fn case_state(case: &Case, request: &ActionRequest) -> State {
    state_under(&case.circumstances, request)
}

/// Returns the request that a made-up call stands for, and what came before it.
#[must_use]
pub fn probe_request(probe: &Probe) -> (ActionRequest, State) {
    let request = request_under(&probe.call, &probe.circumstances, Path::new(HOME));
    let state = state_under(&probe.circumstances, &request);
    (request, state)
}

fn state_under(circumstances: &Circumstances, request: &ActionRequest) -> State {
    let principal = &request.principal;
    let scopes = [
        Scope::Session(principal.session.clone()),
        Scope::Agent(principal.agent.clone()),
        Scope::Tenant(principal.tenant.clone()),
    ];
    let mut state = State::default();
    for scope in scopes {
        let tools = state.calls.entry(scope).or_default();
        let times = tools.entry(request.tool.clone()).or_default();
        for _ in 0..circumstances.earlier_calls.unwrap_or(0) {
            times.push(request.at);
        }
    }
    state
}

fn request_under(example: &Example, circumstances: &Circumstances, home: &Path) -> ActionRequest {
    let workspace = circumstances.workspace.as_deref().unwrap_or(DIRECTORY);
    let directory = directory(workspace, home);
    let surroundings = Surroundings {
        home: home.to_path_buf(),
        directory: directory.clone(),
        ..Surroundings::default()
    };
    let params = aegis_canon::parse(example.params.as_bytes()).unwrap_or(Value::Null);
    let names = ("example".parse(), "example".parse(), Settings::defaults());
    let (Ok(id), Ok(session), Ok(settings)) = names else {
        unreachable!("`example` is an identifier");
    };
    let text = |it: &Option<std::sync::Arc<str>>| it.as_deref().map(str::to_owned);
    let proposal = Proposal {
        id,
        session,
        agent: circumstances.agent.clone(),
        subagent: circumstances.subagent.clone(),
        user: circumstances.user.clone(),
        tool: example.tool.clone(),
        params,
        tagged: 0,
        directory,
        host_mode: None,
        skill: text(&circumstances.skill),
    };
    let mut request = gather(&Scene {
        proposal: &proposal,
        at: circumstances.at.unwrap_or(Timestamp::from_unix_ms(0)),
        settings: &settings,
        surroundings: &surroundings,
        protected: &Protected::default(),
        pending: &[],
    });
    let context = &mut request.context;
    context.environment = text(&circumstances.environment);
    context.tier = circumstances.tier;
    let origins = circumstances.taint.iter().map(|it| it.to_string());
    context.taint.extend(origins);
    request
}

/// Returns the folder that `text` names, in the home folder if it says so.
fn directory(text: &str, home: &Path) -> PathBuf {
    match text.strip_prefix('~') {
        Some(rest) => home.join(rest.trim_start_matches('/')),
        None => PathBuf::from(text),
    }
}

#[cfg(test)]
mod tests {
    use aegis_policy::{Source, parse_tests};
    use aegis_types::Tier;

    use super::*;

    fn case(keys: &str) -> Case {
        let text = format!(
            "aegis: policy-tests/v1\npolicy: a.yaml\ntests: [{{command: cat a/b, verdict: ask{keys}}}]\n"
        );
        let tests = parse_tests(&Source::new("tests.yaml", &text)).unwrap();
        tests.cases.first().unwrap().clone()
    }

    #[test]
    fn a_case_without_circumstances_is_like_an_example() {
        let case = case("");
        let Asked::Call(call) = &case.asked else {
            panic!("{case:?}");
        };
        assert_eq!(case_request(&case), example_request(call));
    }

    #[test]
    fn circumstances_become_facts_of_the_request() {
        let case = case(
            ", workspace: /srv/nowhere, agent: builder, subagent: reviewer, user: ada, skill: release, \
             environment: production, tier: guided, taint: untrusted, at: 1970-01-01T00:00:09Z, earlier_calls: 2",
        );
        let request = case_request(&case);
        let context = &request.context;
        assert_eq!(context.directory, "/srv/nowhere");
        let path = context.paths.first().unwrap();
        assert_eq!(path.resolved.as_deref(), Some("/srv/nowhere/a/b"));
        assert_eq!(request.principal.agent.as_str(), "builder");
        assert_eq!(request.principal.subagent.as_deref(), Some("reviewer"));
        assert_eq!(request.principal.user.as_ref().unwrap().as_str(), "ada");
        assert_eq!(context.skill.as_deref(), Some("release"));
        assert_eq!(context.environment.as_deref(), Some("production"));
        assert_eq!(context.tier, Some(Tier::Guided));
        assert!(context.taint.contains("untrusted"));
        assert_eq!(request.at, Timestamp::from_unix_ms(9_000));
        let state = case_state(&case, &request);
        let scope = Scope::Agent(request.principal.agent.clone());
        let times = &state.calls[&scope]["Bash"];
        assert_eq!(times.iter().collect::<Vec<_>>(), [request.at, request.at]);
    }
}
