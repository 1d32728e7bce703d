//! A service in a folder of its own, at a socket and at a port.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use aegis_api::{Address, Client, HookReply, SystemConnector};
use aegis_gate::{Approver, Caller, DurabilityLevel, EventOrder, Gates, LogPlace, Surroundings};
use aegis_server::{
    Bound, Certificates, Daemon, Door, Hooks, Limits, NewToken, Role, SecureDoor, StoredToken,
    Tokens, router, serve,
};
use aegis_types::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

/// Within what time everything ends, on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A service that runs until it is dropped.
pub struct Stage {
    folder: TempDir,
    port: SocketAddr,
    secure_port: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What is not as usual.
#[derive(Default)]
struct Setup {
    limits: Limits,
    order: EventOrder,
    place: Option<LogPlace>,
    secure: Option<Secure>,
    held: Option<Held>,
}

/// One more port, which speaks TLS, and the file that says whom certificates name.
pub struct Secure {
    pub door: SecureDoor,
    pub principals: Option<PathBuf>,
}

/// Says what it was asked, once whoever holds it lets it.
struct Echo(Option<Held>);

/// The end of [`Hold`] at which the work is.
struct Held {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

/// Holds the work on hook events.
pub struct Hold {
    begun: Receiver<()>,
    go_on: Sender<()>,
}

impl Hold {
    /// Waits until the work on one event has begun.
    pub fn begun(&self) {
        self.begun.recv_timeout(PATIENCE).unwrap();
    }

    /// Lets the work on one event go on.
    pub fn let_go(&self) {
        self.go_on.send(()).unwrap();
    }
}

impl Hooks for Echo {
    fn answer(&self, _: &Gates, _: Caller, _: Arc<dyn Approver>, event: &[u8]) -> HookReply {
        if let Some(held) = &self.0 {
            let _ = held.begun.send(());
            // Whoever held it may be gone.
            let _ = held.go_on.lock().unwrap().recv();
        }
        HookReply {
            stdout: event.to_vec(),
            exit_code: 0,
        }
    }
}

impl Stage {
    /// Starts a service with the limits of everyday.
    pub fn new() -> Self {
        // Some of the work is done where requests are read, the rest elsewhere.
        Self::with(Limits {
            at_once: 1,
            ..Limits::default()
        })
    }

    /// Starts a service with `limits`.
    pub fn with(limits: Limits) -> Self {
        Self::start(
            tempfile::tempdir().unwrap(),
            Setup {
                limits,
                ..Setup::default()
            },
        )
    }

    /// Starts a service with `limits` whose work on hook events is held.
    pub fn holding(limits: Limits) -> (Self, Hold) {
        let (begin, begun) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let held = Held {
            begun: begin,
            go_on: Mutex::new(told),
        };
        let setup = Setup {
            limits,
            held: Some(held),
            ..Setup::default()
        };
        let stage = Self::start(tempfile::tempdir().unwrap(), setup);
        (stage, Hold { begun, go_on })
    }

    /// Starts a service that enforces the order of events.
    pub fn with_order(order: EventOrder) -> Self {
        Self::start(
            tempfile::tempdir().unwrap(),
            Setup {
                order,
                ..Setup::default()
            },
        )
    }

    /// Stops the service, and starts it again with what it left.
    pub fn restarted(mut self) -> Self {
        self.stop();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Self::start(folder, Setup::default())
    }

    /// Starts a service that keeps its log in memory.
    pub fn in_memory() -> Self {
        let place = Some(LogPlace::Memory);
        Self::start(
            tempfile::tempdir().unwrap(),
            Setup {
                place,
                ..Setup::default()
            },
        )
    }

    /// Starts a service in `folder` that has a port with TLS as well.
    pub fn with_secure(folder: TempDir, limits: Limits, secure: Secure) -> Self {
        let setup = Setup {
            limits,
            secure: Some(secure),
            ..Setup::default()
        };
        Self::start(folder, setup)
    }

    fn start(folder: TempDir, setup: Setup) -> Self {
        let Setup {
            limits,
            order,
            place,
            secure,
            held,
        } = setup;
        let (stop, told) = watch::channel(false);
        let (tell, bound) = mpsc::channel();
        let surroundings = surroundings(folder.path());
        let socket = folder.path().join("aegis.sock");
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let gates = Gates::open_at(surroundings, DurabilityLevel::Normal, place);
                let gates = gates.unwrap();
                let (door, principals) = match secure {
                    Some(secure) => (Some(secure.door), secure.principals),
                    None => (None, None),
                };
                let certificates = principals.map(|path| Certificates::open(path, false).unwrap());
                let daemon = Daemon::new(gates, Echo(held), limits)
                    .with_event_order(order)
                    .with_certificates(certificates);
                let mut doors = Vec::new();
                if let Some(door) = door {
                    let door = Door::Secure("127.0.0.1:0".parse().unwrap(), door);
                    doors.push(Bound::open(&door).await.unwrap());
                }
                let secure_port = doors.iter().find_map(|door| match door {
                    Bound::Secure(_, address, _) => Some(*address),
                    Bound::Port(..) | Bound::Socket(..) => None,
                });
                let door = Door::Socket {
                    path: socket,
                    mode: 0o600,
                };
                let socket = Bound::open(&door).await.unwrap();
                let port = Bound::open(&Door::Port("127.0.0.1:0".parse().unwrap()))
                    .await
                    .unwrap();
                let Bound::Port(_, address) = &port else {
                    unreachable!("a port was asked for");
                };
                tell.send((*address, secure_port)).unwrap();
                doors.extend([socket, port]);
                serve(doors, router(Arc::new(daemon)), limits, told).await;
            });
        });
        let (port, secure_port) = bound.recv().unwrap();
        Self {
            folder,
            port,
            secure_port,
            stop,
            thread: Some(thread),
        }
    }

    /// Sends a request to the port and returns the stream of its reply.
    pub fn open(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        extra: &str,
        body: &str,
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.port).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        let name = token.map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{name}{extra}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Sends a hook event to the socket and returns the stream of its reply.
    pub fn hook(&self) -> UnixStream {
        let body = "{\"directory\":\"/\",\"variables\":{}}\nevent";
        let length = body.len();
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = "POST /v1/hooks/claude-code HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
        let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Returns the status of a reply, which need not end.
    pub fn status(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> u16 {
        let stream = self.open(method, path, token, "", body);
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// A connection of another program to its log, which obeys none of our rules.
    pub fn intruder(&self) -> rusqlite::Connection {
        let sqlite = rusqlite::Connection::open(self.folder.path().join("state/log.db")).unwrap();
        let triggers: Vec<String> = sqlite
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for trigger in triggers {
            sqlite
                .execute_batch(&format!("DROP TRIGGER {trigger}"))
                .unwrap();
        }
        sqlite
    }

    /// Returns the folder of all its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns its port.
    pub fn port(&self) -> SocketAddr {
        self.port
    }

    /// Returns its port that speaks TLS.
    pub fn secure_port(&self) -> SocketAddr {
        self.secure_port.expect("the service has a port with TLS")
    }

    /// Returns its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("aegis.sock")
    }

    /// Returns a client at the socket.
    pub fn local(&self) -> Client {
        Client::new(SystemConnector::default(), Address::Unix(self.socket()))
    }

    /// Returns a client at the port with `token`.
    pub fn remote(&self, token: Option<&str>) -> Client {
        let address = Address::Tcp {
            host: self.port.ip().to_string(),
            port: self.port.port(),
            is_tls: false,
        };
        Client::new(SystemConnector::default(), address).with_token(token.map(str::to_owned))
    }

    /// Adds events of half a megabyte to the session `large`.
    pub fn add_large_events(&self, agent: &str, count: usize) {
        let text = "word ".repeat(100_000);
        let event = json!({
            "session_id": "large", "event_type": "MEMORY_READ", "payload": {"text": text},
        });
        for _ in 0..count {
            let status = self.status("POST", "/v1/events", Some(agent), &event.to_string());
            assert_eq!(status, 201);
        }
    }

    /// Makes a token for `roles` in `tenant`.
    pub fn token(&self, tenant: &str, roles: &[Role]) -> String {
        self.made(&format!("of {tenant}"), tenant, roles, &[])
    }

    /// Makes a token called `name`.
    pub fn token_named(&self, name: &str, tenant: &str, roles: &[Role]) -> String {
        self.made(name, tenant, roles, &[])
    }

    /// Makes a token for `roles` in `tenant` that is bound to `agents`.
    pub fn token_for(&self, tenant: &str, roles: &[Role], agents: &[&str]) -> String {
        self.made(&format!("of {tenant}"), tenant, roles, agents)
    }

    fn made(&self, name: &str, tenant: &str, roles: &[Role], agents: &[&str]) -> String {
        let new = NewToken {
            name: name.to_owned(),
            tenant: tenant.parse().unwrap(),
            roles: roles.to_vec(),
            agents: agents.iter().map(|agent| agent.parse().unwrap()).collect(),
            expires_at: None,
        };
        let file = self.folder.path().join("state/tokens.json");
        let now = Timestamp::from_unix_ms(0);
        let record = |_: &StoredToken| Ok(());
        Tokens::at(&file).create(new, now, record).unwrap().token
    }
}

impl Stage {
    fn stop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn surroundings(folder: &Path) -> Surroundings {
    Surroundings {
        home: folder.join("home"),
        variables: [(
            "AEGIS_HOME".to_owned(),
            folder.join("state").to_string_lossy().into_owned(),
        )]
        .into(),
        directory: folder.to_path_buf(),
        managed: folder.join("managed"),
        host_managed: folder.join("host-managed"),
        ..Surroundings::default()
    }
}
