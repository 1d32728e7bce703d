//! Doors of the service, and the connections through them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

use crate::crowd::Crowd;
use crate::identity::Peer;
use crate::limits::Limits;
use crate::secure::{Keeper, OpenSecureError, SecureDoor};

/// How long the service waits when the system gives no more connections.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// How many connections wait to be accepted; the system drops what is beyond,
/// and whoever connects tries again a second later.
const BACKLOG: u32 = 4_096;

/// How many bytes the head of a request may have.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Where a service listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Door {
    /// At a socket of this machine.
    Socket {
        /// The socket.
        path: PathBuf,
        /// Its mode: who may connect.
        mode: u32,
    },
    /// At a port, in clear text.
    Port(SocketAddr),
    /// At a port, behind TLS.
    Secure(SocketAddr, SecureDoor),
}

/// Why a door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("another process listens at `{0}`")]
    InUse(String),
    /// Something else than a socket lies there.
    #[error("`{}` is no socket; remove it, or name another path", .0.display())]
    NoSocket(PathBuf),
    /// What a port needs for TLS cannot be used.
    #[error("the service cannot speak TLS")]
    Credentials(#[from] OpenSecureError),
    /// The system refuses.
    #[error("the service cannot listen at `{place}`")]
    System {
        /// Where.
        place: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A door that is open.
#[derive(Debug)]
pub enum Bound {
    /// A socket of this machine.
    Socket(UnixListener, PathBuf),
    /// A port.
    Port(TcpListener, SocketAddr),
    /// A port that speaks TLS.
    Secure(TcpListener, SocketAddr, Arc<Keeper>),
}

impl Bound {
    /// Opens `door`.
    ///
    /// A socket that a dead process left behind is replaced; one at which
    /// somebody listens is not.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub async fn open(door: &Door) -> Result<Self, BindError> {
        match door {
            Door::Socket { path, mode } => {
                let listener = bind_socket(path, *mode)?;
                Ok(Self::Socket(listener, path.clone()))
            }
            Door::Port(address) => {
                let (listener, address) = bind_port(*address)?;
                Ok(Self::Port(listener, address))
            }
            Door::Secure(address, door) => {
                let keeper = Arc::new(Keeper::open(door.clone())?);
                let (listener, address) = bind_port(*address)?;
                Ok(Self::Secure(listener, address, keeper))
            }
        }
    }

    /// Returns where it is, as a client writes it.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Socket(_, path) => format!("unix:{}", path.display()),
            Self::Port(_, address) => format!("http://{address}"),
            Self::Secure(_, address, _) => format!("https://{address}"),
        }
    }

    async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Socket(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok(Connection::Socket(stream))
            }
            Self::Port(listener, _) => Ok(Connection::Port(stream_at(listener).await?)),
            Self::Secure(listener, _, keeper) => {
                let stream = stream_at(listener).await?;
                Ok(Connection::Secure(stream, Arc::clone(keeper)))
            }
        }
    }
}

enum Connection {
    Socket(UnixStream),
    Port(TcpStream),
    Secure(TcpStream, Arc<Keeper>),
}

async fn stream_at(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // A reply is written at once; waiting for more only delays it.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn bind_port(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source: io::Error| {
        let place = address.to_string();
        if source.kind() == io::ErrorKind::AddrInUse {
            BindError::InUse(place)
        } else {
            BindError::System { place, source }
        }
    };
    let listener = listen_at(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A port whose last connections are still closing may be taken again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn bind_socket(path: &Path, mode: u32) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::System {
        place: path.display().to_string(),
        source,
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::NoSocket(path.to_path_buf()));
        }
        Ok(_) => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(BindError::InUse(path.display().to_string()));
            }
            fs::remove_file(path).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // The folder keeps others out until the mode is set.
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}

/// Tells requests that wait that the service is about to end.
#[derive(Clone, Debug)]
pub(crate) struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Returns once the service is told to stop.
    pub(crate) async fn told(&self) {
        let mut stop = self.0.clone();
        if stop.wait_for(|is_told| *is_told).await.is_err() {
            // Nobody is left who could say so.
            std::future::pending::<()>().await;
        }
    }
}

/// The connections of the service.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
}

impl Connections {
    /// Returns how many are open.
    pub(crate) fn open(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }
}

/// Answers what comes in through `doors` until `stop` says so; then finishes
/// what is in hand, within the limits.
pub async fn serve(doors: Vec<Bound>, router: Router, limits: Limits, stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let handshakes = Arc::new(Semaphore::new(limits.handshakes));
    let crowd = Arc::new(Crowd::default());
    let graceful = Arc::new(GracefulShutdown::new());
    let mut sockets = Vec::new();
    let mut loops = Vec::new();
    for door in doors {
        if let Bound::Socket(_, path) = &door {
            sockets.push(path.clone());
        }
        let hall = Hall {
            router: router.clone(),
            limits,
            places: Arc::clone(&places),
            handshakes: Arc::clone(&handshakes),
            crowd: Arc::clone(&crowd),
            graceful: Arc::clone(&graceful),
            closing: Closing(stop.clone()),
        };
        loops.push(tokio::spawn(hall.receive(door, stop.clone())));
    }
    for each in loops {
        let _ = each.await;
    }
    for path in sockets {
        let _ = fs::remove_file(path);
    }
    if let Ok(graceful) = Arc::try_unwrap(graceful) {
        let _ = tokio::time::timeout(limits.drain_time, graceful.shutdown()).await;
    }
}

/// What every connection of a door shares.
struct Hall {
    router: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    graceful: Arc<GracefulShutdown>,
    closing: Closing,
}

impl Hall {
    async fn receive(self, door: Bound, mut stop: watch::Receiver<bool>) {
        loop {
            let connection = tokio::select! {
                _ = stop.wait_for(|is_told| *is_told) => return,
                connection = door.accept() => connection,
            };
            match connection {
                // One too many is closed at once: who waits behind it is served.
                Ok(connection) => {
                    if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                        self.welcome(connection, place);
                    } else {
                        let most = self.limits.connections;
                        self.crowd
                            .refuse(&format!("{most} are open, which is the limit"));
                    }
                }
                Err(error) => {
                    self.crowd
                        .refuse(&format!("the system gives no more: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, connection: Connection, place: OwnedSemaphorePermit) {
        match connection {
            Connection::Socket(stream) => {
                let Some(peer) = process_at(&stream) else {
                    return;
                };
                tokio::spawn(self.visit(peer, place).talk(stream));
            }
            Connection::Port(stream) => {
                tokio::spawn(self.visit(Peer::Port(None), place).talk(stream));
            }
            Connection::Secure(stream, keeper) => {
                // Who does not say who they are keeps nobody out who has.
                let Ok(shaking) = Arc::clone(&self.handshakes).try_acquire_owned() else {
                    return;
                };
                let visit = self.visit(Peer::Port(None), place);
                tokio::spawn(visit.talk_safely(stream, keeper, shaking));
            }
        }
    }

    fn visit(&self, peer: Peer, place: OwnedSemaphorePermit) -> Visit {
        Visit {
            router: self.router.clone(),
            limits: self.limits,
            watcher: self.graceful.watcher(),
            closing: self.closing.clone(),
            connections: Connections {
                places: Arc::clone(&self.places),
                most: self.limits.connections,
            },
            peer,
            place,
        }
    }
}

/// One connection, from its beginning to its end.
struct Visit {
    router: Router,
    limits: Limits,
    watcher: Watcher,
    closing: Closing,
    connections: Connections,
    peer: Peer,
    place: OwnedSemaphorePermit,
}

impl Visit {
    /// Agrees with the other end on who both are, and goes on as [`Self::talk`].
    async fn talk_safely(
        mut self,
        stream: TcpStream,
        keeper: Arc<Keeper>,
        shaking: OwnedSemaphorePermit,
    ) {
        let shaken = tokio::time::timeout(self.limits.head_time, keeper.shake(stream));
        let shaken = tokio::select! {
            () = self.closing.told() => return,
            shaken = shaken => shaken,
        };
        drop(shaking);
        if let Ok(Some((stream, certificate))) = shaken {
            self.peer = Peer::Port(certificate);
            self.talk(stream).await;
        }
    }

    /// Answers what comes in, until one of both ends it.
    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            router,
            limits,
            watcher,
            closing,
            connections,
            peer,
            place,
        } = self;
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            request.extensions_mut().insert(closing.clone());
            request.extensions_mut().insert(connections.clone());
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), answer);
        // What fails here fails for the caller, who is gone.
        let _ = watcher.watch(connection).await;
        drop(place);
    }
}

fn process_at(stream: &UnixStream) -> Option<Peer> {
    let peer = stream.peer_cred().ok()?;
    Some(Peer::Process {
        user: peer.uid(),
        process: u32::try_from(peer.pid()?).ok()?,
    })
}
