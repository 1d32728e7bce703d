//! One name and one line for every request.
//!
//! The name is in the reply, in a problem that it holds, and in the line that
//! the service writes, so that a complaint leads to what happened. The line
//! holds no token, no header field and no value of a query.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_api::Problem;
use aegis_types::Timestamp;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;

use crate::daemon::Daemon;
use crate::identity::Peer;
use crate::problem::response_of;

/// The header field with the name of a request.
const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name that is taken from a caller.
const NAME_BYTES_MAX: usize = 128;

/// How the service writes down what it answered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AccessLog {
    /// It writes nothing.
    #[default]
    Off,
    /// Lines for people.
    Text,
    /// Lines of JSON.
    Json,
}

/// Answers a request, names it, counts it and writes it down.
pub(crate) async fn followed(
    State(daemon): State<Arc<Daemon>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let name = request
        .headers()
        .get(&NAME)
        .and_then(|name| name.to_str().ok())
        .filter(|name| is_sane(name))
        .map_or_else(new_name, str::to_owned);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("unknown", MatchedPath::as_str).to_owned();
    let peer = request.extensions().get::<Peer>().copied();
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        let problem = Problem {
            instance: Some(format!("urn:aegis:request:{name}")),
            ..problem.clone()
        };
        response = response_of(&problem, response);
    }
    if let Ok(value) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(NAME, value);
    }
    let line = Line {
        at: daemon.gates().now(),
        name,
        peer,
        method,
        path,
        status: response.status().as_u16(),
        took: begun.elapsed(),
    };
    // Methods and routes are few, so what is counted stays small.
    let method = match line.method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "DELETE") => known,
        _ => "other",
    };
    let refusal = problem.as_ref().and_then(Problem::code);
    daemon
        .figures()
        .answered(method, &route, line.status, refusal, line.took);
    line.write(daemon.access_log());
    response
}

/// Returns whether a name given by a caller can stand in lines and replies.
fn is_sane(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

fn new_name() -> String {
    let mut bytes = [0_u8; 12];
    // Without random bits the request is served all the same.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Line {
    at: Timestamp,
    name: String,
    peer: Option<Peer>,
    method: Method,
    path: String,
    status: u16,
    took: Duration,
}

impl Line {
    fn write(&self, form: AccessLog) {
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        let line = match form {
            AccessLog::Off => return,
            AccessLog::Text => format!(
                "{} {} {} {} {} {micros}us {}\n",
                self.at.unix_ms(),
                self.from(),
                self.method,
                self.path,
                self.status,
                self.name
            ),
            AccessLog::Json => {
                let line = json!({
                    "ts_unix_ms": self.at.unix_ms(),
                    "from": self.from(),
                    "method": self.method.as_str(),
                    "path": self.path,
                    "status": self.status,
                    "micros": micros,
                    "request_id": self.name,
                });
                format!("{line}\n")
            }
        };
        // Where nobody reads, there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }

    fn from(&self) -> String {
        match self.peer {
            Some(Peer::Process { user, process }) => format!("user:{user}/{process}"),
            Some(Peer::Port) | None => "port".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_break_a_line_is_not_taken() {
        for sane in ["a", "3f-2_b.c:d/e+f=", &"x".repeat(128)] {
            assert!(is_sane(sane), "{sane}");
        }
        for strange in ["", "a b", "a\"b", "ä", "a\n", &"x".repeat(129)] {
            assert!(!is_sane(strange), "{strange}");
        }
        assert!(is_sane(&new_name()));
        assert_ne!(new_name(), new_name());
    }
}
