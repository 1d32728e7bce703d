//! Tokens by which callers name themselves.
//!
//! A token is `aegis_`, the name of its record, `_` and 256 random bits. Only
//! their digest is kept, so who reads the file cannot use what it holds.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aegis_api::TokenView;
use aegis_canon::Digest;
use aegis_gate::{Gate, Secrecy, Stamped, make_private_folder, read_guarded, write_private};
use aegis_types::{AgentId, EventKind, Role, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::identity::{Principal, Proof, Rights, Roles};

/// The version of the file's form.
const VERSION: u32 = 1;

/// The most bytes that the file may have.
const BYTES_MAX: u64 = 16 << 20;

/// Opens no link.
const O_NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// How a token begins.
const PREFIX: &str = "aegis_";

/// How many characters the name of a record has.
const ID_LENGTH: usize = 12;

/// The longest name of who uses a token.
const NAME_BYTES_MAX: usize = 256;

/// The tokens of a service.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    last: Mutex<Option<Stamped<Arc<Vec<StoredToken>>>>>,
}

/// What is kept of a token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoredToken {
    /// The name of the record.
    pub id: String,
    /// The name of who uses it, for the record.
    pub name: String,
    /// SHA-256 of the token.
    pub digest: Digest,
    /// Whose sessions it opens.
    pub tenant: TenantId,
    /// What it lets do.
    pub roles: Vec<Role>,
    /// The agents in whose name it lets act; any if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl StoredToken {
    /// Records at `gate` that `by` made or revoked it: never the token itself, and
    /// not its digest either.
    ///
    /// # Errors
    ///
    /// [`TokenError::Record`].
    pub fn record(&self, gate: &Gate, kind: EventKind, by: &str) -> Result<(), TokenError> {
        let detail = json!(self.view());
        let recorded = gate.record_token((&self.tenant, &self.id), kind, by, &detail);
        recorded.map_err(|error| TokenError::Record(Box::new(error)))
    }

    /// Returns what anybody may know of it who may see it.
    #[must_use]
    pub fn view(&self) -> TokenView {
        TokenView {
            id: self.id.clone(),
            name: self.name.clone(),
            tenant_id: self.tenant.to_string(),
            roles: self
                .roles
                .iter()
                .map(|role| role.as_str().to_owned())
                .collect(),
            agents: self.agents.iter().map(ToString::to_string).collect(),
            created_unix_ms: self.created_at.unix_ms(),
            expires_unix_ms: self.expires_at.map(Timestamp::unix_ms),
        }
    }
}

/// A token to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewToken {
    /// The name of who uses it.
    pub name: String,
    /// Whose sessions it opens.
    pub tenant: TenantId,
    /// What it lets do.
    pub roles: Vec<Role>,
    /// The agents in whose name it lets act; any if empty.
    pub agents: Vec<AgentId>,
    /// When it ends; never if absent.
    pub expires_at: Option<Timestamp>,
}

/// A token that was made.
#[derive(Clone, Eq, PartialEq)]
pub struct MadeToken {
    /// The name of its record.
    pub id: String,
    /// The token, which is kept nowhere.
    pub token: String,
}

/// Why a token cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is none of ours.
    #[error("the token is not known here")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Nobody is named.
    #[error("a token needs a name of 1 to {NAME_BYTES_MAX} bytes, which says who uses it")]
    NoName,
    /// It would never hold.
    #[error("a token that ends when it is made is of no use; give it a longer time")]
    NoTime,
    /// No role is named.
    #[error("a token needs at least one role")]
    NoRole,
    /// It would let an agent answer its own questions, or make who does.
    #[error(
        "no token has both roles, agent and {}: an agent must not answer for itself", .0.as_str()
    )]
    BesideAgent(Role),
    /// The file cannot be read or written.
    #[error("the tokens in `{}` cannot be read or written", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is no such list.
    #[error("the file of tokens `{}` is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// What was done cannot be recorded: no token was made, but a revoked one is gone.
    #[error("what is done to tokens cannot be recorded; none is made, and a revoked one is gone")]
    Record(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system gives no random bits.
    #[error("the system gives no random bits")]
    Random,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u32,
    tokens: Vec<StoredToken>,
}

impl Tokens {
    /// Returns the tokens that are kept in the file `path`.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            last: Mutex::default(),
        }
    }

    /// Returns every token.
    ///
    /// # Errors
    ///
    /// [`TokenError::File`] and [`TokenError::Damaged`].
    pub fn list(&self) -> Result<Arc<Vec<StoredToken>>, TokenError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = last.as_ref().filter(|known| known.holds()) {
            return Ok(Arc::clone(known.value()));
        }
        let read = Stamped::read([&*self.path], || self.read().map(Arc::new))?;
        let tokens = Arc::clone(read.value());
        *last = Some(read);
        Ok(tokens)
    }

    fn read(&self) -> Result<Vec<StoredToken>, TokenError> {
        let bytes =
            match read_guarded(&self.path, BYTES_MAX, Secrecy::Secret).map_err(io::Error::from) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(source) => {
                    return Err(TokenError::File {
                        path: self.path.clone(),
                        source,
                    });
                }
            };
        match serde_json::from_slice::<Written>(&bytes) {
            Ok(written) if written.v == VERSION => Ok(written.tokens),
            Ok(_) | Err(_) => Err(TokenError::Damaged {
                path: self.path.clone(),
            }),
        }
    }

    fn write(&self, tokens: Vec<StoredToken>) -> Result<(), TokenError> {
        let failed = |source| TokenError::File {
            path: self.path.clone(),
            source,
        };
        let written = Written { v: VERSION, tokens };
        let bytes =
            serde_json::to_vec_pretty(&written).map_err(|error| failed(io::Error::other(error)))?;
        write_private(&self.path, &bytes).map_err(failed)
    }

    /// Keeps every other writer out until what it returns is dropped.
    fn lock(&self) -> Result<File, TokenError> {
        let path = self.path.with_extension("lock");
        let locked = || {
            make_private_folder(path.parent().unwrap_or(Path::new(".")))?;
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .custom_flags(O_NOFOLLOW)
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        locked().map_err(|source| TokenError::File {
            path: path.clone(),
            source,
        })
    }

    /// Makes a token, and returns it: it is kept nowhere. `record` is told of it
    /// before it holds.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn create(
        &self,
        new: NewToken,
        now: Timestamp,
        record: impl FnOnce(&StoredToken) -> Result<(), TokenError>,
    ) -> Result<MadeToken, TokenError> {
        if new.name.is_empty() || new.name.len() > NAME_BYTES_MAX {
            return Err(TokenError::NoName);
        }
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(TokenError::NoTime);
        }
        if new.roles.is_empty() {
            return Err(TokenError::NoRole);
        }
        if let Some(barred) = Role::beside_agent(&new.roles) {
            return Err(TokenError::BesideAgent(barred));
        }
        let _lock = self.lock()?;
        let mut tokens = self.read()?;
        let id = random_hex::<{ ID_LENGTH / 2 }>()?;
        let token = format!("{PREFIX}{id}_{}", random_hex::<32>()?);
        let made = MadeToken {
            id: id.clone(),
            token: token.clone(),
        };
        let stored = StoredToken {
            id,
            name: new.name,
            digest: Digest::of(token.as_bytes()),
            tenant: new.tenant,
            roles: new.roles,
            agents: new.agents,
            created_at: now,
            expires_at: new.expires_at,
        };
        record(&stored)?;
        tokens.push(stored);
        self.write(tokens)?;
        Ok(made)
    }

    /// Removes the token whose record is called `id`; returns whether there was one.
    /// `record` is told of it before it holds no longer.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn revoke(
        &self,
        id: &str,
        record: impl FnOnce(&StoredToken) -> Result<(), TokenError>,
    ) -> Result<bool, TokenError> {
        let _lock = self.lock()?;
        let mut tokens = self.read()?;
        let Some(place) = tokens.iter().position(|token| token.id == id) else {
            return Ok(false);
        };
        let revoked = tokens.remove(place);
        // Who takes a right away is not held up by a log that is full.
        let recorded = record(&revoked);
        self.write(tokens)?;
        recorded.map(|()| true)
    }

    /// Returns who names themselves by `token` at `now`.
    pub(crate) fn principal(&self, token: &str, now: Timestamp) -> Result<Principal, TokenError> {
        let id = token
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .map(|(id, _)| id)
            .ok_or(TokenError::Unknown)?;
        let tokens = self.list()?;
        // The digest is of 256 random bits: how long its comparison takes
        // tells nothing of the token.
        let digest = Digest::of(token.as_bytes());
        let stored = tokens
            .iter()
            .find(|stored| stored.id == id && stored.digest == digest)
            .ok_or(TokenError::Unknown)?;
        if stored.expires_at.is_some_and(|end| now >= end) {
            return Err(TokenError::Expired);
        }
        Ok(Principal {
            name: format!("token:{}", stored.name),
            tenant: stored.tenant.clone(),
            rights: Rights::Of(Roles::of(&stored.roles)),
            agents: stored.agents.clone(),
            local: None,
            proof: Some(Proof::Token(stored.id.clone())),
            process: None,
        })
    }
}

fn random_hex<const BYTES: usize>() -> Result<String, TokenError> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|_| TokenError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
