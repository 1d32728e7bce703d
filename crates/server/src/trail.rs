//! One name and one line for every request.
//!
//! The name is in the reply, in a problem that it holds, and in the line that
//! the service writes, so that a complaint leads to what happened. The line
//! holds no token, no header field and no value of a query.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use aegis_api::Problem;
use aegis_types::Timestamp;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;

use crate::daemon::Daemon;
use crate::identity::Peer;
use crate::problem::response_of;
use crate::request_log::{RequestLevel, RequestLog};

/// The header field with the name of a request.
const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name that is taken from a caller.
const NAME_BYTES_MAX: usize = 128;

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
    let peer = request.extensions().get::<Peer>().cloned();
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
        status: response.status(),
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
        .answered(method, &route, line.status.as_u16(), refusal, line.took);
    if let Some(log) = daemon.request_log() {
        line.write(log);
    }
    response
}

/// Returns whether a name given by a caller can stand in lines and replies.
fn is_sane(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Returns a name that no other request of this or of another service has.
fn new_name() -> String {
    static SERVICE: LazyLock<u64> = LazyLock::new(|| {
        let mut bytes = [0_u8; 6];
        // Without random bits requests are served all the same.
        let _ = getrandom::fill(&mut bytes);
        bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:012x}{count:012x}", *SERVICE)
}

struct Line {
    at: Timestamp,
    name: String,
    peer: Option<Peer>,
    method: Method,
    path: String,
    status: StatusCode,
    took: Duration,
}

impl Line {
    /// Writes the line, if `log` is for lines of its level.
    fn write(&self, log: RequestLog) {
        if self.level() < log.level {
            return;
        }
        // Where nobody reads, there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{}", self.text(log.is_json));
    }

    fn level(&self) -> RequestLevel {
        let is_probe = ["/healthz", "/readyz"].contains(&self.path.as_str());
        let level = RequestLevel::of(self.status);
        if is_probe && level == RequestLevel::Info {
            return RequestLevel::Debug;
        }
        level
    }

    fn text(&self, is_json: bool) -> String {
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        let level = self.level().as_str();
        if is_json {
            return json!({
                "ts_unix_ms": self.at.unix_ms(),
                "level": level,
                "from": self.from(),
                "method": self.method.as_str(),
                "path": self.path,
                "status": self.status.as_u16(),
                "took_us": micros,
                "request_id": self.name,
            })
            .to_string();
        }
        format!(
            "{} {level} {} {} {} {} in {micros} µs, {}",
            self.at.unix_ms(),
            self.from(),
            self.method,
            self.path,
            self.status.as_u16(),
            self.name
        )
    }

    fn from(&self) -> String {
        match &self.peer {
            Some(Peer::Process { user, process }) => format!("user:{user}/{process}"),
            Some(Peer::Port(_)) | None => "port".to_owned(),
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

    #[test]
    fn a_line_is_text_or_one_object_and_has_the_level_of_its_status() {
        let line = |path: &str, status| Line {
            at: Timestamp::from_unix_ms(7),
            name: "n".to_owned(),
            peer: Some(Peer::Port(None)),
            method: Method::GET,
            path: path.to_owned(),
            status,
            took: Duration::from_micros(12),
        };
        let refused = line("/v1/events", StatusCode::FORBIDDEN);
        let text = "7 warn port GET /v1/events 403 in 12 µs, n";
        assert_eq!(refused.text(false), text);
        let json: serde_json::Value = serde_json::from_str(&refused.text(true)).unwrap();
        assert_eq!(
            (&json["level"], &json["status"]),
            (&json!("warn"), &json!(403))
        );
        let probe = line("/healthz", StatusCode::OK);
        assert_eq!(probe.level(), RequestLevel::Debug);
        assert_eq!(
            line("/v1/events", StatusCode::OK).level(),
            RequestLevel::Info
        );
    }
}
