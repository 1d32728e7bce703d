//! A client of the service that blocks.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use aegis_types::{ApprovalId, ApprovalStatus};

use crate::approval::{AnswerRequest, ApprovalList, ApprovalReply};
use crate::decision::{DecisionReply, DecisionRequest, OutcomeReply, OutcomeReport};
use crate::hook::{HookCall, HookReply};
use crate::http::{Address, Connect, Patience, Response, escaped, exchange};
use crate::problem::Problem;
use crate::reading::SessionList;
use crate::record::{RecordList, RecordQuery, VerificationView, VerifyRequest};
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

impl ClientError {
    /// Returns whether the other side ended the connection before its reply was whole.
    #[must_use]
    pub fn is_broken_off(&self) -> bool {
        let ends = [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::UnexpectedEof,
        ];
        matches!(self, Self::Unreachable { source, .. } if ends.contains(&source.kind()))
    }
}

/// The most bytes of the random part of a request's name.
const KEY_BYTES: usize = 16;

/// How long recomputing a whole log may take.
const VERIFY_PATIENCE: Duration = Duration::from_secs(600);

/// What is sent.
struct Request<'a> {
    /// The name of the request, under which it is answered once.
    key: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    media_type: &'a str,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    const fn json(method: &'a str, path: &'a str, body: &'a [u8]) -> Self {
        Self {
            key: None,
            method,
            path,
            media_type: "application/json",
            body,
        }
    }
}

/// Returns a name that no other request has; nothing without random bits.
fn new_key() -> Option<String> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A client of the service.
pub struct Client {
    connector: Box<dyn Connect>,
    address: Address,
    token: Option<String>,
    patience: Duration,
    names_requests: bool,
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
            names_requests: false,
        }
    }

    /// Returns the client as one that submits each proposal and each outcome under
    /// a name, and once more if the connection ends before the answer.
    ///
    /// The service answers a name once, however often it comes, and keeps a record
    /// of it beside what it records anyway.
    #[must_use]
    pub const fn naming_requests(mut self) -> Self {
        self.names_requests = true;
        self
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
        self.submit("/v1/decisions", request)
    }

    /// Reports what became of an action.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn report(&self, report: &OutcomeReport) -> Result<OutcomeReply, ClientError> {
        self.submit("/v1/outcomes", report)
    }

    /// Hands one hook event over.
    ///
    /// While a person is asked, the service shows every now and then that it
    /// is there, and `sign_of_life` is called. So a silence as long as the
    /// client's patience means that it hangs.
    ///
    /// # Errors
    ///
    /// [`ClientError`]. The hook must then answer by itself.
    pub fn hook(
        &self,
        call: &HookCall<'_>,
        sign_of_life: &dyn Fn(),
    ) -> Result<HookReply, ClientError> {
        let request = Request {
            method: "POST",
            path: "/v1/hooks/claude-code",
            media_type: HookCall::MEDIA_TYPE,
            body: &call.to_bytes()?,
            key: None,
        };
        let response = self.send(&request, Patience::Silence(self.patience), sign_of_life)?;
        let reply = HookReply::from_bytes(&response.body);
        match (response.status, reply) {
            (200, Some(reply)) => Ok(reply),
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
        self.ask("GET", path, &[])
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
        self.ask("POST", path, &serde_json::to_vec(body)?)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<T, ClientError> {
        let request = Request::json(method, path, body);
        let deadline = Instant::now() + self.patience;
        let response = self.send(&request, Patience::Until(deadline), &|| {})?;
        self.read(&response)
    }

    /// Sends `body` to `path`; if under a name, once more if no answer came for it.
    fn submit<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let key = if self.names_requests { new_key() } else { None };
        let body = serde_json::to_vec(body)?;
        let request = Request {
            key: key.as_deref(),
            ..Request::json("POST", path, &body)
        };
        let response = self.send_named(&request, Instant::now() + self.patience)?;
        self.read(&response)
    }

    /// Sends `request`, which has until `deadline` also if it is sent once more.
    fn send_named(
        &self,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Response, ClientError> {
        let send = || self.send(request, Patience::Until(deadline), &|| {});
        match send() {
            // Without a name it could be recorded twice.
            Err(error) if request.key.is_some() && error.is_broken_off() => send(),
            answered => answered,
        }
    }

    /// Returns records of the caller's tenant, newest first.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn records(&self, query: &RecordQuery<'_>) -> Result<RecordList, ClientError> {
        let mut path = format!("/v1/records?limit={}", query.limit);
        let given = [
            ("session_id", query.session),
            ("event_type", query.event_type),
            ("subject", query.subject),
            ("page_token", query.page_token),
        ];
        if let Some(since) = query.since {
            path.push_str(&format!("&since={since}"));
        }
        for (name, value) in given {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", escaped(value)));
            }
        }
        self.get(&path)
    }

    /// Returns the sessions of the caller's tenant, from a page on.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn sessions(&self, page_token: Option<&str>) -> Result<SessionList, ClientError> {
        match page_token {
            Some(token) => self.get(&format!(
                "/v1/sessions?limit=1000&page_token={}",
                escaped(token)
            )),
            None => self.get("/v1/sessions?limit=1000"),
        }
    }

    /// Has the service recompute the log of the caller's tenant.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn verify_log(&self, request: &VerifyRequest) -> Result<VerificationView, ClientError> {
        let body = serde_json::to_vec(request)?;
        let request = Request::json("POST", "/v1/log/verify", &body);
        let deadline = Instant::now() + VERIFY_PATIENCE;
        let response = self.send(&request, Patience::Until(deadline), &|| {})?;
        self.read(&response)
    }

    /// Removes what is at `path`, which must be escaped already.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn delete(&self, path: &str) -> Result<(), ClientError> {
        let request = Request::json("DELETE", path, &[]);
        let deadline = Instant::now() + self.patience;
        let response = self.send(&request, Patience::Until(deadline), &|| {})?;
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
        request: &Request<'_>,
        patience: Patience,
        sign_of_life: &dyn Fn(),
    ) -> Result<Response, ClientError> {
        let Request {
            method,
            path,
            media_type,
            body,
            key,
        } = request;
        let host = match &self.address {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp { host, port, .. } => format!("{host}:{port}"),
        };
        let length = body.len();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Accept: application/json\r\nContent-Length: {length}\r\n"
        );
        if !body.is_empty() {
            head.push_str(&format!("Content-Type: {media_type}\r\n"));
        }
        if let Some(key) = key {
            head.push_str(&format!("Idempotency-Key: {key}\r\n"));
        }
        if let Some(token) = &self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        patience
            .left()
            .and_then(|left| self.connector.connect(&self.address, left))
            .and_then(|mut stream| exchange(&mut *stream, &bytes, patience, sign_of_life))
            .map_err(|source| ClientError::Unreachable {
                address: self.address.clone(),
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::http::Stream;

    /// Notes what time it was given to connect, and breaks off.
    struct BrokenOff(Arc<Mutex<Vec<Duration>>>);

    impl Connect for BrokenOff {
        fn connect(&self, _: &Address, left: Duration) -> io::Result<Box<dyn Stream>> {
            self.0.lock().unwrap().push(left);
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }

    #[test]
    fn connecting_once_more_has_only_the_time_that_is_left() {
        let now = Instant::now();
        let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
        for (deadline, key, times) in [
            (now + day, Some("key"), 2),
            (now + day, None, 1),
            (now, Some("key"), 0),
        ] {
            let given = Arc::new(Mutex::new(Vec::new()));
            let connector = BrokenOff(Arc::clone(&given));
            let client = Client::new(connector, "http://127.0.0.1:1".parse().unwrap())
                .with_patience(10 * day);
            let request = Request {
                key,
                ..Request::json("POST", "/x", b"{}")
            };
            assert!(client.send_named(&request, deadline).is_err());
            let given = given.lock().unwrap();
            assert_eq!(given.len(), times, "{given:?}");
            let until_deadline = day - hour..=day;
            assert!(
                given.iter().all(|given| until_deadline.contains(given)),
                "{given:?}"
            );
        }
    }

    #[test]
    fn a_step_of_a_path_is_no_more_than_one_step() {
        assert_eq!(escaped("toolu_01-a.b~"), "toolu_01-a.b~");
        assert_eq!(escaped("a/b?c&d=%#e f"), "a%2Fb%3Fc%26d%3D%25%23e%20f");
    }
}
