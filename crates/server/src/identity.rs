//! Who asks, and what they may do.
//!
//! A caller is known before its request is looked at: by the account of its
//! process on a socket of this machine, or by a token or a certificate. Nobody
//! is taken at their word: tenant, agent and role follow from what the service knows.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use aegis_api::ProblemKind;
use aegis_gate::agent_above;
use aegis_tls::Certificate;
use aegis_types::{AgentId, Envelope, Event, Role, TenantId, UserId};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};

use crate::certificates::NameError;
use crate::connections::Connection;
use crate::daemon::Daemon;
use crate::places::Asker;
use crate::problem::Refusal;
use crate::token::TokenError;

/// Some roles.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Roles(u8);

impl Roles {
    /// Returns these roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | 1 << *role as u8))
    }

    /// Returns whether `role` is among them.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// Returns those that are among `others` as well.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Returns them in order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Role::as_str).collect();
        formatter.pad(&names.join(", "))
    }
}

/// Where a connection comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Peer {
    /// A process of this machine, on a socket.
    Process {
        /// The number of its user.
        user: u32,
        /// Its own number.
        process: u32,
    },
    /// Somewhere, on a port, with the certificate that it showed there.
    Port(Option<Arc<Certificate>>),
}

/// Who asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Principal {
    /// Its name, for the record.
    pub(crate) name: String,
    /// Whose sessions it may see and add to.
    pub(crate) tenant: TenantId,
    /// What it may do.
    pub(crate) rights: Rights,
    /// The agents in whose name it may act; any if empty.
    pub(crate) agents: Vec<AgentId>,
    /// The process it is, if it is one of this machine and names no token.
    pub(crate) local: Option<Local>,
    /// By what it names itself, if it does.
    pub(crate) proof: Option<Proof>,
    /// The number of its process, if that is seen.
    pub(crate) process: Option<u32>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rights {
    /// What these roles may.
    Of(Roles),
    /// What a person may, unless this process descends from an agent. That takes
    /// so long to find out that it is looked at only where it matters.
    OfProcess(u32),
}

/// By what somebody names themselves who is no process of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    /// The token with this record.
    Token(String),
    /// A certificate that names this principal.
    Certificate(UserId),
}

/// A process of this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Local {
    /// The number of its user.
    pub(crate) user: u32,
    /// Whether it runs as another user than the service, which then cannot
    /// take that user's files for anybody's will but the agent's.
    pub(crate) is_guest: bool,
}

/// How the names begin that only the service gives.
pub(crate) const SERVICE_NAMES: [&str; 3] = ["user:", "token:", "certificate:"];

/// Returns the name of a process of this machine that names no token.
pub(crate) fn user_name(user: u32) -> String {
    format!("user:{user}")
}

/// What stands between the name of a caller and that of the user for whom it asks.
const BEHALF: char = '|';

/// By what a caller shows who it is.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    authorization: Option<HeaderValue>,
    /// Whether more than one token was named.
    is_ambiguous: bool,
    peer: Option<Peer>,
}

impl FromRequestParts<Arc<Daemon>> for Shown {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Daemon>) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl Shown {
    fn of(parts: &Parts) -> Self {
        Self {
            authorization: parts.headers.get(header::AUTHORIZATION).cloned(),
            is_ambiguous: parts.headers.get_all(header::AUTHORIZATION).iter().count() > 1,
            peer: parts.extensions.get().cloned(),
        }
    }
}

impl Principal {
    /// Returns who a process of this machine is.
    ///
    /// The service's own user and the system's are people, unless the process
    /// descends from an agent. Every other user runs agents.
    fn of_process(daemon: &Daemon, user: u32, process: u32) -> Self {
        let own = rustix::process::geteuid().as_raw();
        let is_guest = user != own && user != 0;
        Self {
            name: user_name(user),
            tenant: daemon.gates().tenant().clone(),
            rights: if is_guest {
                Rights::Of(Roles::of(&[Role::Agent]))
            } else {
                Rights::OfProcess(process)
            },
            agents: Vec::new(),
            local: Some(Local { user, is_guest }),
            proof: None,
            process: Some(process),
        }
    }

    /// Returns what it may do.
    pub(crate) fn roles(&self) -> Roles {
        match self.rights {
            Rights::Of(roles) => roles,
            // Who has ended already cannot be told from an agent.
            Rights::OfProcess(process)
                if agent_above(process).is_some() || !is_running(process) =>
            {
                Roles::of(&[Role::Agent])
            }
            Rights::OfProcess(_) => Roles::of(&[Role::Approver, Role::Auditor, Role::Operator]),
        }
    }

    /// Returns whether it may propose actions: an agent may, and so may a
    /// person at this machine, who could do the action as well.
    fn may_propose(&self) -> bool {
        self.local.is_some() || self.roles().has(Role::Agent)
    }

    /// Refuses to go on for who may not propose actions.
    pub(crate) fn must_propose(&self) -> Result<(), Refusal> {
        if self.may_propose() {
            return Ok(());
        }
        Err(self.lacks(Role::Agent))
    }

    /// Refuses to go on for who has not `role`.
    pub(crate) fn must_be(&self, role: Role) -> Result<(), Refusal> {
        if self.roles().has(role) {
            return Ok(());
        }
        Err(self.lacks(role))
    }

    /// Refuses to go on for who has none of `roles`.
    pub(crate) fn must_be_one_of(&self, roles: &[Role]) -> Result<(), Refusal> {
        let own = self.roles();
        if roles.iter().any(|role| own.has(*role)) {
            return Ok(());
        }
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let detail = format!(
            "this needs one of the roles {}, and {} has {}",
            names.join(", "),
            self.name,
            self.roles()
        );
        Err(Refusal::new(ProblemKind::Forbidden, detail))
    }

    /// Returns whether it may read whatever its tenant has recorded.
    pub(crate) fn is_reader(&self) -> bool {
        let own = self.roles();
        own.has(Role::Auditor) || own.has(Role::Operator)
    }

    /// Refuses to go on for who may not read.
    pub(crate) fn must_read(&self) -> Result<(), Refusal> {
        self.must_be_one_of(&[Role::Auditor, Role::Operator])
    }

    /// Returns the name under which the log has its proposals: nobody but the
    /// service gives one that begins like this.
    pub(crate) fn recorded_name(&self) -> String {
        match &self.proof {
            Some(Proof::Token(id)) => format!("token:{id}"),
            Some(Proof::Certificate(name)) => {
                format!("certificate:{}", name.as_str().replace(BEHALF, "%7C"))
            }
            None => self.name.clone(),
        }
    }

    /// Returns the name under which the log has what it proposes for `user`: who
    /// that is rests on its word, and so its own name stands before.
    pub(crate) fn recorded_name_for(&self, user: &str) -> String {
        format!("{}{BEHALF}{user}", self.recorded_name())
    }

    /// Returns whose places its requests take.
    pub(crate) fn asker(&self) -> Asker {
        // Whether a process of this machine descends from an agent takes too long
        // to find out here.
        let is_owner = match self.rights {
            Rights::Of(roles) => roles.has(Role::Operator),
            Rights::OfProcess(_) => true,
        };
        Asker {
            name: self.recorded_name(),
            tenant: self.tenant.to_string(),
            is_owner,
        }
    }

    /// Returns whether a proposal that `who` made is its own.
    pub(crate) fn may_act_as(&self, who: &aegis_types::Principal) -> bool {
        let is_its_agent = self.agents.is_empty() || self.agents.contains(&who.agent);
        let own = self.recorded_name();
        let user = who.user.as_ref().map_or("", UserId::as_str);
        let named = user.split_once(BEHALF).map_or(user, |(named, _)| named);
        let is_its_user = named == own;
        who.tenant == self.tenant && is_its_agent && is_its_user
    }

    /// Returns whether `request` is the record of what it proposed.
    pub(crate) fn proposed(&self, request: &Envelope) -> bool {
        let event =
            Event::from_recorded(request.kind, request.subject.as_deref(), &request.payload);
        matches!(event, Ok(Event::ActionRequested(request)) if self.may_act_as(&request.principal))
    }

    fn lacks(&self, role: Role) -> Refusal {
        let detail = format!(
            "this needs the role {}, and {} has {}",
            role.as_str(),
            self.name,
            self.roles()
        );
        Refusal::new(ProblemKind::Forbidden, detail)
    }

    /// Returns its tenant, and refuses to go on where another one is named.
    pub(crate) fn tenant_named(&self, named: Option<&str>) -> Result<TenantId, Refusal> {
        match named {
            Some(named) if named != self.tenant.as_str() => Err(Refusal::new(
                ProblemKind::Forbidden,
                format!("{} belongs to another tenant", self.name),
            )),
            Some(_) | None => Ok(self.tenant.clone()),
        }
    }

    /// Returns the agent in whose name it acts.
    pub(crate) fn agent_named(&self, named: Option<&str>) -> Result<Option<AgentId>, Refusal> {
        let wrong = |detail: String| Refusal::new(ProblemKind::InvalidRequest, detail);
        let Some(named) = named else {
            return match self.agents.as_slice() {
                [] => Ok(None),
                [only] => Ok(Some(only.clone())),
                [_, ..] => Err(wrong(format!(
                    "{} may act for several agents; `agent_id` must name one",
                    self.name
                ))),
            };
        };
        let agent: AgentId = named
            .parse()
            .map_err(|error| wrong(format!("`agent_id`: {error}")))?;
        if self.agents.is_empty() || self.agents.contains(&agent) {
            return Ok(Some(agent));
        }
        Err(Refusal::new(
            ProblemKind::Forbidden,
            format!("{} may not act for the agent `{agent}`", self.name),
        ))
    }
}

impl FromRequestParts<Arc<Daemon>> for Principal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        let principal = Self::named(&Shown::of(parts), daemon)?;
        // Two tokens may have one name; each is a caller of its own.
        match daemon
            .rate()
            .admit(&principal.recorded_name(), Instant::now())
        {
            Ok(()) => {
                if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
                    connection.is_of(&principal.recorded_name());
                }
                parts.extensions.insert(principal.asker());
                Ok(principal)
            }
            Err(wait) => {
                let detail = format!("{} asks too often; try again later", principal.name);
                let seconds = wait.as_secs().saturating_add(1);
                Err(Refusal::new(ProblemKind::RateLimited, detail).with_retry_after(seconds))
            }
        }
    }
}

impl Principal {
    /// Returns who shows this.
    pub(crate) fn named(shown: &Shown, daemon: &Daemon) -> Result<Self, Refusal> {
        if shown.is_ambiguous {
            let detail = "several headers `Authorization` name several callers; send one";
            return Err(Refusal::new(ProblemKind::InvalidRequest, detail));
        }
        let by_certificate = Self::by_certificate(shown, daemon)?;
        if let Some(given) = &shown.authorization {
            let by_token = Self::by_token(shown, daemon, given)?;
            return match by_certificate {
                Some(other) => by_token.bounded_by(&other),
                None => Ok(by_token),
            };
        }
        match shown.peer {
            Some(Peer::Process { user, process }) => Ok(Self::of_process(daemon, user, process)),
            Some(Peer::Port(_)) | None => by_certificate.ok_or_else(|| {
                let or = match daemon.certificates() {
                    Some(_) => ", or a certificate that the file of principals names",
                    None => "; an operator makes one with `aegis token create`",
                };
                unknown(&format!("a port needs a token{or}"))
            }),
        }
    }

    fn by_token(shown: &Shown, daemon: &Daemon, given: &HeaderValue) -> Result<Self, Refusal> {
        let token = given
            .to_str()
            .ok()
            .and_then(|given| given.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token)
            .ok_or_else(|| unknown("the header `Authorization` holds no bearer token"))?;
        let mut principal = daemon
            .tokens()
            .principal(token.trim(), daemon.gates().now())
            .map_err(|error| unproven(&error))?;
        principal.process = match shown.peer {
            Some(Peer::Process { process, .. }) => Some(process),
            Some(Peer::Port(_)) | None => None,
        };
        Ok(principal)
    }

    /// Returns whom the certificate of the connection names, if one was shown.
    ///
    /// Where no file says whom certificates name, they only open the port.
    fn by_certificate(shown: &Shown, daemon: &Daemon) -> Result<Option<Self>, Refusal> {
        let (Some(Peer::Port(Some(certificate))), Some(certificates)) =
            (&shown.peer, daemon.certificates())
        else {
            return Ok(None);
        };
        match certificates.principal(certificate, daemon.gates().now()) {
            Ok(principal) => Ok(Some(principal)),
            Err(NameError::Unknown) => Err(unknown(&format!(
                "{}; its SHA-256 is {}",
                NameError::Unknown,
                certificate.fingerprint
            ))),
            Err(error) => Err(unknown(&error.to_string())),
        }
    }

    /// Returns who it is whom both name: one tenant, and what both may do.
    ///
    /// Neither a token that was stolen nor a certificate adds to what the other allows.
    fn bounded_by(mut self, other: &Self) -> Result<Self, Refusal> {
        if self.tenant != other.tenant {
            return Err(unknown(
                "the token and the certificate belong to different tenants",
            ));
        }
        self.rights = Rights::Of(self.roles().and(other.roles()));
        if self.agents.is_empty() {
            self.agents.clone_from(&other.agents);
        } else if !other.agents.is_empty() {
            self.agents.retain(|agent| other.agents.contains(agent));
            // No agent at all must not become any agent.
            if self.agents.is_empty() {
                return Err(unknown(
                    "the token and the certificate are for different agents",
                ));
            }
        }
        Ok(self)
    }
}

/// Returns the refusal of a token, which tells who is not known nothing of our files.
fn unproven(error: &TokenError) -> Refusal {
    match error {
        TokenError::File { .. } | TokenError::Damaged { .. } => Refusal::new(
            ProblemKind::Unavailable,
            "the tokens cannot be read; `aegis token list` at the service's machine says why",
        ),
        TokenError::Unknown
        | TokenError::Expired
        | TokenError::NoName
        | TokenError::NoTime
        | TokenError::NoRole
        | TokenError::BesideAgent(_)
        | TokenError::Record(_)
        | TokenError::Random => unknown(&error.to_string()),
    }
}

/// Returns whether a process is still there; where nothing shows processes, it is.
fn is_running(process: u32) -> bool {
    let processes = Path::new("/proc");
    processes.join(process.to_string()).exists() || !processes.join("self").exists()
}

fn unknown(detail: &str) -> Refusal {
    Refusal::new(ProblemKind::Unauthenticated, detail)
}
