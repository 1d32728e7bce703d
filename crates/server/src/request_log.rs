//! What is written down of requests, for who runs the service.
//!
//! Bodies, header fields and parameters are not: they may hold secrets. What
//! was decided is in the log, and this is none.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;

/// Which requests are written down, from all to those that failed here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RequestLevel {
    /// Every request, when it comes and when it is answered.
    Debug,
    /// Every request when it is answered.
    Info,
    /// Those that were refused.
    Warn,
    /// Those at which the service failed.
    Error,
}

impl RequestLevel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn of(status: StatusCode) -> Self {
        if status.is_server_error() {
            Self::Error
        } else if status.is_client_error() {
            Self::Warn
        } else {
            Self::Info
        }
    }
}

/// What is written down of requests, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestLog {
    /// The least of what is written down.
    pub level: RequestLevel,
    /// Whether each line is a JSON object.
    pub is_json: bool,
}

/// One line.
struct Line<'a> {
    level: RequestLevel,
    request: u64,
    method: &'a str,
    path: &'a str,
    answered: Option<(StatusCode, u128)>,
}

/// The number of the last request.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Writes a request down, and the reply to it.
pub(crate) async fn write_down(
    State(log): State<RequestLog>,
    request: Request,
    next: Next,
) -> Response {
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let line = |level, answered| {
        if level >= log.level {
            let line = Line {
                level,
                request: number,
                method: method.as_str(),
                path: &path,
                answered,
            };
            // Who runs the service without an output wants none of this.
            let _ = writeln!(std::io::stderr(), "{}", line.text(log.is_json));
        }
    };
    line(RequestLevel::Debug, None);
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status();
    let took = started.elapsed().as_micros();
    line(RequestLevel::of(status), Some((status, took)));
    response
}

impl Line<'_> {
    fn text(&self, is_json: bool) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_ms = now.map_or(0, |now| now.as_millis() as u64);
        let (status, took) = self.answered.unzip();
        let status = status.map(|status| status.as_u16());
        if is_json {
            return json!({
                "ts_unix_ms": unix_ms,
                "level": self.level.as_str(),
                "request": self.request,
                "method": self.method,
                "path": self.path,
                "status": status,
                "took_us": took.map(|took| took as u64),
            })
            .to_string();
        }
        let ending = match (status, took) {
            (Some(status), Some(took)) => format!("{status} in {took} µs"),
            (None, _) | (_, None) => "begins".to_owned(),
        };
        format!(
            "{unix_ms} {} request {} {} {} {ending}",
            self.level.as_str(),
            self.request,
            self.method,
            self.path
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_text_or_one_object() {
        let line = Line {
            level: RequestLevel::of(StatusCode::FORBIDDEN),
            request: 7,
            method: "GET",
            path: "/v1/events",
            answered: Some((StatusCode::FORBIDDEN, 12)),
        };
        let text = line.text(false);
        assert!(
            text.ends_with("warn request 7 GET /v1/events 403 in 12 µs"),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&line.text(true)).unwrap();
        assert_eq!(
            (&json["level"], &json["status"]),
            (&json!("warn"), &json!(403))
        );
    }
}
