//! The TLS of a port, and the files it is made of.
//!
//! Certificates are renewed by exchanging their files. They are looked at with
//! every connection, and read again when they have changed; what cannot be used
//! then leaves the connections to come as they were, and is told once.

use std::fs::{File, Metadata};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aegis_api::{Problem, ProblemKind};
use aegis_gate::{
    Clock as _, GuardError, Secrecy, Stamped, SystemClock, open_guarded, open_regular, with_causes,
};
use aegis_tls::{
    Authorities, Certificate, ClientRule, Credentials, Demand, ReadCredentialsError,
    server_settings,
};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::notice::{Gravity, notice};
use crate::request_log::{RequestLevel, RequestLog};

/// The first byte of a stream that begins with a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// How much of what a refused client still sends is passed over: more than a
/// request may have.
const REST_BYTES_MAX: u64 = 8 << 20;

/// What a port needs to speak TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecureDoor {
    /// The file of its certificate, with those that lead to an authority.
    pub chain: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// Which certificates of clients are believed; none are asked for if absent.
    pub clients: Option<ClientDoor>,
    /// What is written down of requests; of clients that are refused as much is.
    pub log: Option<RequestLog>,
}

/// Which certificates of clients are believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientDoor {
    /// The file of their authorities.
    pub authorities: PathBuf,
    /// Whether a client must show one.
    pub demand: Demand,
}

/// Why a port cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum OpenSecureError {
    /// A file cannot be used.
    #[error(transparent)]
    Read(#[from] ReadCredentialsError),
    /// A file that gives power is in others' hands.
    #[error("`{}` cannot be believed", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        #[source]
        source: GuardError,
    },
    /// What the files hold cannot be used.
    #[error("certificate and key cannot be used")]
    Unusable(#[from] rustls::Error),
}

/// Keeps the settings of a port as its files are.
#[derive(Debug)]
pub struct Keeper {
    door: SecureDoor,
    last: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    settings: Stamped<Arc<ServerConfig>>,
    /// Why newer files could not be used, if they could not.
    fault: Option<String>,
}

/// A stream whose client showed this certificate, if it showed any.
type Shaken = (TlsStream<TcpStream>, Option<Arc<Certificate>>);

impl Keeper {
    /// Reads the files of `door`.
    pub(crate) fn open(door: SecureDoor) -> Result<Self, OpenSecureError> {
        let settings = door.read()?;
        Ok(Self {
            door,
            last: Mutex::new(Kept {
                settings,
                fault: None,
            }),
        })
    }

    /// Returns the settings for one more connection.
    fn settings(&self) -> Arc<ServerConfig> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // What could not be used is read again, and told of once.
        if last.fault.is_some() || !last.settings.holds() {
            match self.door.read() {
                Ok(settings) => {
                    last.settings = settings;
                    last.fault = None;
                    let message = "the certificates of the port were read again";
                    self.tell(Gravity::Info, message);
                }
                Err(error) => {
                    let fault = Some(with_causes(&error));
                    if let Some(cause) = fault.as_ref().filter(|_| last.fault != fault) {
                        let message = format!("the port goes on as before: {cause}");
                        self.tell(Gravity::Error, &message);
                    }
                    last.fault = fault;
                }
            }
        }
        Arc::clone(last.settings.value())
    }

    fn tell(&self, gravity: Gravity, message: &str) {
        let is_json = self.door.log.is_some_and(|log| log.is_json);
        notice(is_json, gravity, "tls", message);
    }

    /// Tells who was refused, if requests that are refused are written down.
    fn tell_refused(&self, peer: SocketAddr, cause: &str) {
        if self
            .door
            .log
            .is_some_and(|log| log.level <= RequestLevel::Warn)
        {
            self.tell(Gravity::Warn, &format!("{peer} was refused: {cause}"));
        }
    }

    /// Agrees with a client on who both are; nothing if they do not.
    pub(crate) async fn shake(&self, mut stream: TcpStream) -> Option<Shaken> {
        let peer = stream.peer_addr().ok()?;
        let mut first = [0_u8];
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        if first != [HANDSHAKE] {
            self.tell_refused(peer, "it speaks no TLS");
            let _ = stream.write_all(&in_the_clear()).await;
            part(stream).await;
            return None;
        }
        let acceptor = TlsAcceptor::from(self.settings());
        match acceptor.accept(stream).into_fallible().await {
            Ok(stream) => {
                let (_, connection) = stream.get_ref();
                let shown = connection.peer_certificates().and_then(<[_]>::first);
                let certificate = match shown {
                    Some(shown) => Some(Arc::new(Certificate::parse(shown).ok()?)),
                    None => None,
                };
                Some((stream, certificate))
            }
            Err((error, stream)) => {
                self.tell_refused(peer, &error.to_string());
                part(stream).await;
                None
            }
        }
    }
}

impl SecureDoor {
    fn files(&self) -> impl Iterator<Item = &Path> {
        let clients = self.clients.as_ref().map(|it| it.authorities.as_path());
        [self.chain.as_path(), self.key.as_path()]
            .into_iter()
            .chain(clients)
    }

    fn read(&self) -> Result<Stamped<Arc<ServerConfig>>, OpenSecureError> {
        Stamped::read(self.files(), || self.read_files())
    }

    fn read_files(&self) -> Result<Arc<ServerConfig>, OpenSecureError> {
        // The chain is no secret and gives no power without its key.
        let chain = open_regular(&self.chain)
            .map_err(|source| ReadCredentialsError::unread(&self.chain, source))?;
        let (chain, key) = ((&*self.chain, chain), (&*self.key, opened(&self.key)?));
        let credentials = Credentials::read(chain, key, SystemClock.now())?;
        let clients = match &self.clients {
            None => None,
            Some(clients) => Some(ClientRule {
                authorities: {
                    let path = &clients.authorities;
                    Authorities::read(path, opened(path)?)?
                },
                demand: clients.demand,
            }),
        };
        Ok(server_settings(&credentials, clients.as_ref())?)
    }
}

/// Opens a file that gives power; whoever reads it reads the file that was judged.
fn opened(path: &Path) -> Result<(File, Metadata), OpenSecureError> {
    open_guarded(path, Secrecy::Open).map_err(|error| match error {
        GuardError::System(source) => ReadCredentialsError::unread(path, source).into(),
        source @ GuardError::Exposed(_) => OpenSecureError::Exposed {
            path: path.to_path_buf(),
            source,
        },
    })
}

/// Returns the reply to who speaks HTTP without TLS.
fn in_the_clear() -> Vec<u8> {
    let detail = "this port speaks TLS; write `https://` before its address";
    let problem = Problem::new(ProblemKind::InvalidRequest, detail);
    let body = json!(problem).to_string();
    let (kind, length) = (Problem::MEDIA_TYPE, body.len());
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Ends a stream so that the other side reads what was said last: a system that
/// closes before it took what was sent throws that away.
async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = stream.shutdown().await;
    let mut rest = stream.take(REST_BYTES_MAX);
    let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
}
