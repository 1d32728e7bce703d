//! Doors of the service, and the connections through them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::connections::{Connection, Connections, Holder, InHand, Notice, holder_at};
use crate::crowd::Crowd;
use crate::identity::{Peer, user_name};
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
    Socket(UnixListener, OwnSocket),
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
                let (listener, socket) = bind_socket(path, *mode)?;
                Ok(Self::Socket(listener, socket))
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
            Self::Socket(_, socket) => format!("unix:{}", socket.path.display()),
            Self::Port(_, address) => format!("http://{address}"),
            Self::Secure(_, address, _) => format!("https://{address}"),
        }
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Socket(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted::Socket(stream))
            }
            Self::Port(listener, _) => {
                let (stream, holder) = stream_at(listener).await?;
                Ok(Accepted::Port(stream, holder))
            }
            Self::Secure(listener, _, keeper) => {
                let (stream, holder) = stream_at(listener).await?;
                Ok(Accepted::Secure(stream, holder, Arc::clone(keeper)))
            }
        }
    }

    /// Removes what the door left in the file system, and closes it.
    fn close(self) {
        match &self {
            Self::Socket(_, socket) => socket.remove(),
            Self::Port(..) | Self::Secure(..) => {}
        }
    }
}

/// A socket in the file system that this service made.
#[derive(Debug)]
pub struct OwnSocket {
    path: PathBuf,
    /// The device and the number of its file. While somebody listens at the
    /// socket no other file has that number, wherever the name was moved.
    file: (u64, u64),
}

impl OwnSocket {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            file: file_at(path)?,
        })
    }

    /// Removes it, unless something else lies at its place by now.
    fn remove(&self) {
        // The system removes names, not files: what takes the place between these
        // two calls is removed.
        if file_at(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

enum Accepted {
    Socket(UnixStream),
    Port(TcpStream, Holder),
    Secure(TcpStream, Holder, Arc<Keeper>),
}

async fn stream_at(listener: &TcpListener) -> io::Result<(TcpStream, Holder)> {
    let (stream, address) = listener.accept().await?;
    // A reply is written at once; waiting for more only delays it.
    stream.set_nodelay(true)?;
    Ok((stream, holder_at(address.ip())))
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

fn bind_socket(path: &Path, mode: u32) -> Result<(UnixListener, OwnSocket), BindError> {
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
    let socket = OwnSocket::at(path).map_err(failed)?;
    Ok((listener, socket))
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

/// The connections of all doors.
#[derive(Clone, Debug)]
pub(crate) struct AllConnections(Arc<[Connections]>);

impl AllConnections {
    /// Returns how many are open.
    pub(crate) fn open(&self) -> usize {
        self.0.iter().map(Connections::open).sum()
    }
}

/// Answers what comes in through `doors` until `stop` says so; then finishes
/// what is in hand, within the limits.
pub async fn serve(doors: Vec<Bound>, router: Router, limits: Limits, stop: watch::Receiver<bool>) {
    // Each door has a part that no other one takes.
    let part = (limits.connections / doors.len().max(1)).max(1);
    let parts: Vec<Connections> = doors.iter().map(|_| Connections::new(part)).collect();
    let all = AllConnections(parts.clone().into());
    let crowd = Arc::new(Crowd::default());
    let graceful = Arc::new(GracefulShutdown::new());
    let mut loops = Vec::new();
    for (door, connections) in doors.into_iter().zip(parts) {
        let hall = Hall {
            router: router.clone(),
            limits,
            connections,
            handshakes: Connections::new(limits.handshakes),
            all: all.clone(),
            crowd: Arc::clone(&crowd),
            graceful: Arc::clone(&graceful),
            closing: Closing(stop.clone()),
        };
        loops.push(tokio::spawn(hall.receive(door, stop.clone())));
    }
    for each in loops {
        if let Ok(door) = each.await {
            door.close();
        }
    }
    if let Ok(graceful) = Arc::try_unwrap(graceful) {
        let _ = tokio::time::timeout(limits.drain_time, graceful.shutdown()).await;
    }
}

/// What every connection of a door shares.
struct Hall {
    router: Router,
    limits: Limits,
    connections: Connections,
    handshakes: Connections,
    all: AllConnections,
    crowd: Arc<Crowd>,
    graceful: Arc<GracefulShutdown>,
    closing: Closing,
}

impl Hall {
    /// Lets in who comes, until `stop` says so; the door is open still.
    async fn receive(self, door: Bound, mut stop: watch::Receiver<bool>) -> Bound {
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|is_told| *is_told) => return door,
                accepted = door.accept() => accepted,
            };
            match accepted {
                Ok(accepted) => self.welcome(accepted, &door),
                Err(error) => {
                    self.crowd
                        .count(&format!("the system gives no more: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, accepted: Accepted, door: &Bound) {
        match accepted {
            Accepted::Socket(stream) => {
                let Some((user, peer)) = process_at(&stream) else {
                    return;
                };
                if let Some(visit) = self.visit(user_name(user).into(), peer, door) {
                    tokio::spawn(visit.talk(stream));
                }
            }
            Accepted::Port(stream, holder) => {
                if let Some(visit) = self.visit(holder, Peer::Port(None), door) {
                    tokio::spawn(visit.talk(stream));
                }
            }
            Accepted::Secure(stream, holder, keeper) => {
                // Nobody makes room for a connection that then cannot shake hands.
                let Some(shaking) = self.handshakes.enter(Arc::clone(&holder)) else {
                    return;
                };
                if let Some(visit) = self.visit(holder, Peer::Port(None), door) {
                    tokio::spawn(visit.talk_safely(stream, keeper, shaking));
                }
            }
        }
    }

    /// Lets one connection in, if somebody makes room where that is needed.
    fn visit(&self, holder: Holder, peer: Peer, door: &Bound) -> Option<Visit> {
        let connections = &self.connections;
        if connections.open() >= connections.most() {
            self.crowd.count(&format!(
                "{} are open at {}, which is its part",
                connections.most(),
                door.place()
            ));
        }
        let (connection, notice) = connections.enter(holder)?;
        Some(Visit {
            router: self.router.clone(),
            limits: self.limits,
            watcher: self.graceful.watcher(),
            closing: self.closing.clone(),
            all: self.all.clone(),
            peer,
            connection: Arc::new(connection),
            notice,
        })
    }
}

/// One connection, from its beginning to its end.
struct Visit {
    router: Router,
    limits: Limits,
    watcher: Watcher,
    closing: Closing,
    all: AllConnections,
    peer: Peer,
    connection: Arc<Connection>,
    notice: Notice,
}

impl Visit {
    /// Agrees with the other end on who both are, and goes on as [`Self::talk`].
    async fn talk_safely(
        mut self,
        stream: TcpStream,
        keeper: Arc<Keeper>,
        (shaking, crowded): (Connection, Notice),
    ) {
        let shaken = tokio::time::timeout(self.limits.head_time, keeper.shake(stream));
        let shaken = tokio::select! {
            () = self.closing.told() => return,
            _ = crowded => return,
            _ = &mut self.notice => return,
            shaken = shaken => shaken,
        };
        drop(shaking);
        if let Ok(Some((stream, certificate))) = shaken {
            self.peer = Peer::Port(certificate);
            self.talk(stream).await;
        }
    }

    /// Answers what comes in, until one of both ends it or it has to make room.
    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            router,
            limits,
            watcher,
            closing,
            all,
            peer,
            connection,
            notice,
        } = self;
        let answer = service_fn(move |request: Request<Incoming>| {
            let in_hand = connection.begin();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            request.extensions_mut().insert(closing.clone());
            request.extensions_mut().insert(all.clone());
            request.extensions_mut().insert(Arc::clone(&connection));
            let answered = router.clone().oneshot(request);
            async { answered.await.map(|response| held(response, in_hand)) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), answer);
        tokio::select! {
            _ = notice => {}
            // What fails here fails for the caller, who is gone.
            _ = watcher.watch(connection) => {}
        }
    }
}

/// Returns `response` as one whose request is in hand until its body is handed over.
fn held(response: Response<Body>, in_hand: InHand) -> Response<HeldBody> {
    response.map(|body| HeldBody {
        body,
        _in_hand: in_hand,
    })
}

struct HeldBody {
    body: Body,
    _in_hand: InHand,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn process_at(stream: &UnixStream) -> Option<(u32, Peer)> {
    let credentials = stream.peer_cred().ok()?;
    let user = credentials.uid();
    let peer = Peer::Process {
        user,
        process: u32::try_from(credentials.pid()?).ok()?,
    };
    Some((user, peer))
}
