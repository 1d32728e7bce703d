//! Requests made of a policy's examples.

use std::path::PathBuf;

use aegis_policy::Example;
use aegis_types::{ActionRequest, Timestamp};
use serde_json::Value;

use crate::gather::{Scene, gather};
use crate::proposal::Proposal;
use crate::protected::Protected;
use crate::settings::Settings;
use crate::surroundings::Surroundings;

/// Where examples happen: a place that no machine has, so that an example
/// means the same everywhere.
const HOME: &str = "/nonexistent/home";
const DIRECTORY: &str = "/nonexistent/home/project";

/// Returns the request that an example stands for, as the gate would gather it
/// in an empty project of a user without any files.
///
/// An example that cannot be read becomes a request without parameters, which
/// no example that must match survives.
#[must_use]
pub fn example_request(example: &Example) -> ActionRequest {
    let surroundings = Surroundings {
        home: PathBuf::from(HOME),
        directory: PathBuf::from(DIRECTORY),
        ..Surroundings::default()
    };
    let params = aegis_canon::parse(example.params.as_bytes()).unwrap_or(Value::Null);
    let names = ("example".parse(), "example".parse(), Settings::defaults());
    let (Ok(id), Ok(session), Ok(settings)) = names else {
        unreachable!("`example` is an identifier");
    };
    let proposal = Proposal {
        id,
        session,
        agent: None,
        subagent: None,
        user: None,
        tool: example.tool.clone(),
        params,
        tagged: 0,
        directory: PathBuf::from(DIRECTORY),
        host_mode: None,
        skill: None,
    };
    gather(&Scene {
        proposal: &proposal,
        at: Timestamp::from_unix_ms(0),
        settings: &settings,
        surroundings: &surroundings,
        protected: &Protected::default(),
        pending: &[],
    })
}
