//! A client of the service that blocks.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use aegis_types::{ApprovalId, ApprovalStatus};

use crate::approval::{AnswerRequest, ApprovalList, ApprovalReply};
use crate::decision::{DecisionReply, DecisionRequest, OutcomeReply, OutcomeReport};
use crate::hook::{HookCall, HookReply};
use crate::http::{Address, Connect, Response, exchange};
use crate::problem::Problem;
use crate::token::{TokenList, TokenReply, TokenRequest};

/// How long a request may take, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It cannot be reached.
    #[error("the service at {address} cannot be reached")]
    Unreachable {
        /// Where it should listen.
        address: Address,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It answered with a problem.
    #[error("the service refused: {}", .0.detail)]
    Problem(Box<Problem>),
    /// It answered with something else.
    #[error("the service at {address} answered {status} with something else than was asked for")]
    Foreign {
        /// Where it listens.
        address: Address,
        /// The status.
        status: u16,
    },
    /// What is asked cannot be written.
    #[error("the request cannot be written as JSON")]
    Write(#[from] serde_json::Error),
}

/// A client of the service.
pub struct Client {
    connector: Box<dyn Connect>,
    address: Address,
    token: Option<String>,
    patience: Duration,
}

impl Client {
    /// Returns a client of the service at `address`.
    #[must_use]
    pub fn new(connector: impl Connect + 'static, address: Address) -> Self {
        Self {
            connector: Box::new(connector),
            address,
            token: None,
            patience: PATIENCE,
        }
    }

    /// Returns the client as one that names itself by `token`.
    #[must_use]
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// Returns the client as one whose requests take at most `patience`.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns where the service listens.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Submits a proposal; it is decided and recorded when this returns.
    ///
    /// # Errors
    ///
    /// [`ClientError`]. The action must then not run.
    pub fn decide(&self, request: &DecisionRequest) -> Result<DecisionReply, ClientError> {
        self.post("/v1/decisions", request)
    }

    /// Reports what became of an action.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn report(&self, report: &OutcomeReport) -> Result<OutcomeReply, ClientError> {
        self.post("/v1/outcomes", report)
    }

    /// Hands one hook event over.
    ///
    /// # Errors
    ///
    /// [`ClientError`]. The hook must then answer by itself.
    pub fn hook(&self, call: &HookCall<'_>) -> Result<HookReply, ClientError> {
        let body = call.to_bytes()?;
        let response = self.send("POST", "/v1/hooks/claude-code", HookCall::MEDIA_TYPE, &body)?;
        let exit_code = response.field("x-aegis-exit").map(str::parse);
        match (response.status, exit_code) {
            (200, Some(Ok(exit_code))) => Ok(HookReply {
                stdout: response.body,
                exit_code,
            }),
            _ => Err(self.refusal(&response)),
        }
    }

    /// Returns the approvals that stand like `status`, or all, newest first.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn approvals(&self, status: Option<ApprovalStatus>) -> Result<ApprovalList, ClientError> {
        match status {
            Some(status) => self.get(&format!("/v1/approvals?status={}", status.as_str())),
            None => self.get("/v1/approvals"),
        }
    }

    /// Returns the approval called `id`.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn approval(&self, id: &ApprovalId) -> Result<ApprovalReply, ClientError> {
        self.get(&format!("/v1/approvals/{}", escaped(id.as_str())))
    }

    /// Answers the approval called `id`; the answer is in the log when this returns.
    ///
    /// # Errors
    ///
    /// [`ClientError`]. The answer does not count then.
    pub fn answer(
        &self,
        id: &ApprovalId,
        answer: &AnswerRequest,
    ) -> Result<ApprovalReply, ClientError> {
        self.post(
            &format!("/v1/approvals/{}/answer", escaped(id.as_str())),
            answer,
        )
    }

    /// Returns the tokens of the caller's tenant.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn tokens(&self) -> Result<TokenList, ClientError> {
        self.get("/v1/tokens")
    }

    /// Makes a token.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn create_token(&self, new: &TokenRequest) -> Result<TokenReply, ClientError> {
        self.post("/v1/tokens", new)
    }

    /// Lets the token whose record is called `id` hold no longer.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn revoke_token(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/tokens/{}", escaped(id)))
    }

    /// Asks for what is at `path`, which must be escaped already.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let response = self.send("GET", path, "application/json", &[])?;
        self.read(&response)
    }

    /// Sends `body` to `path`, which must be escaped already.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body)?;
        let response = self.send("POST", path, "application/json", &body)?;
        self.read(&response)
    }

    /// Removes what is at `path`, which must be escaped already.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn delete(&self, path: &str) -> Result<(), ClientError> {
        let response = self.send("DELETE", path, "application/json", &[])?;
        match response.status {
            200..300 => Ok(()),
            _ => Err(self.refusal(&response)),
        }
    }

    fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<T, ClientError> {
        if !(200..300).contains(&response.status) {
            return Err(self.refusal(response));
        }
        serde_json::from_slice(&response.body).map_err(|_| ClientError::Foreign {
            address: self.address.clone(),
            status: response.status,
        })
    }

    fn refusal(&self, response: &Response) -> ClientError {
        match serde_json::from_slice::<Problem>(&response.body) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => ClientError::Foreign {
                address: self.address.clone(),
                status: response.status,
            },
        }
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> Result<Response, ClientError> {
        let deadline = Instant::now() + self.patience;
        let host = match &self.address {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp { host, port, .. } => format!("{host}:{port}"),
        };
        let length = body.len();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Accept: application/json\r\nContent-Length: {length}\r\n"
        );
        if !body.is_empty() {
            request.push_str(&format!("Content-Type: {media_type}\r\n"));
        }
        if let Some(token) = &self.token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.connector
            .connect(&self.address, self.patience)
            .and_then(|mut stream| exchange(&mut *stream, &bytes, deadline))
            .map_err(|source| ClientError::Unreachable {
                address: self.address.clone(),
                source,
            })
    }
}

/// Returns `text` as one step of a path.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut step = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            step.push(char::from(byte));
        } else {
            step.push_str(&format!("%{byte:02X}"));
        }
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_path_is_no_more_than_one_step() {
        assert_eq!(escaped("toolu_01-a.b~"), "toolu_01-a.b~");
        assert_eq!(escaped("a/b?c&d=%#e f"), "a%2Fb%3Fc%26d%3D%25%23e%20f");
    }
}
