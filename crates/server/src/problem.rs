//! Problems as replies.

use aegis_api::{Problem, ProblemKind};
use aegis_gate::{OpenGateError, ReadApprovalError, RecordError, with_causes};
use aegis_log::{AppendError, ReadLogError};
use aegis_types::ParseEventError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A reply that says what went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    problem: Box<Problem>,
    /// After how many seconds it is worth trying again.
    retry_after: Option<u64>,
}

impl Refusal {
    /// Returns a refusal for a cause that the caller may know.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem::new(kind, detail)),
            retry_after: kind.is_passing().then_some(1),
        }
    }

    /// Returns the refusal as one after which it is worth trying again in `seconds`.
    pub(crate) const fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            retry_after: None,
        }
    }
}

impl From<ReadLogError> for Refusal {
    fn from(error: ReadLogError) -> Self {
        Self::new(ProblemKind::Unavailable, with_causes(&error))
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        Self::new(ProblemKind::Unavailable, with_causes(&error))
    }
}

impl From<ReadApprovalError> for Refusal {
    fn from(error: ReadApprovalError) -> Self {
        Self::new(ProblemKind::Unavailable, with_causes(&error))
    }
}

impl From<ParseEventError> for Refusal {
    fn from(error: ParseEventError) -> Self {
        Self::new(ProblemKind::Unavailable, with_causes(&error))
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        let kind = match error {
            RecordError::Reserved => ProblemKind::InvalidRequest,
            RecordError::Read(_)
            | RecordError::Append(_)
            | RecordError::Event(_)
            | RecordError::Approvals(_)
            | RecordError::Seal(_)
            | RecordError::Write(_) => ProblemKind::Unavailable,
        };
        Self::new(kind, with_causes(&error))
    }
}

impl From<OpenGateError> for Refusal {
    fn from(error: OpenGateError) -> Self {
        Self::new(ProblemKind::Failed, with_causes(&error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut reply = Response::default();
        let status = self.problem.status;
        *reply.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let fields = reply.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            fields.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"aegis\""),
            );
        }
        if let Some(seconds) = self.retry_after {
            fields.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let mut reply = response_of(&self.problem, reply);
        reply.extensions_mut().insert(*self.problem);
        reply
    }
}

/// Returns `reply` with `problem` as its body.
pub(crate) fn response_of(problem: &Problem, reply: Response) -> Response {
    let (mut head, _) = reply.into_parts();
    let (body_head, body) = Json(problem).into_response().into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(body_head.headers);
    head.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(Problem::MEDIA_TYPE),
    );
    Response::from_parts(head, body)
}
