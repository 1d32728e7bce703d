//! Serving a script on a loopback port.

use std::io::{self, BufReader, BufWriter, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;

use super::choose::{self, Answer};
use super::http::{self, HttpRequest};
use super::message;
use super::request::{ModelRequest, Source, text_of};
use super::script::{Fault, Script};

/// The most connections at a time; one more is closed at once.
const CONNECTIONS_MAX: usize = 64;

/// The most requests that are remembered; one more is answered with an error.
const REQUESTS_MAX: usize = 10_000;

/// How long a connection may stay without a request.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// A model on a loopback port that answers as its script says.
///
/// It serves until it is dropped. Dropping it closes every connection.
#[derive(Debug)]
pub struct ScriptedModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

/// Why a scripted model could not start.
#[derive(Debug, Error)]
#[error("no loopback port to serve a scripted model on")]
pub struct StartModelError(#[source] io::Error);

#[derive(Debug)]
struct Shared {
    script: Script,
    is_stopped: Mutex<bool>,
    stop: Condvar,
    requests: Mutex<Vec<ModelRequest>>,
    connections: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl ScriptedModel {
    /// Starts to serve `script` on a free loopback port.
    ///
    /// # Errors
    ///
    /// [`StartModelError`] if no port can be opened.
    pub fn start(script: Script) -> Result<Self, StartModelError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(StartModelError)?;
        let address = listener.local_addr().map_err(StartModelError)?;
        let shared = Arc::new(Shared {
            script,
            is_stopped: Mutex::new(false),
            stop: Condvar::new(),
            requests: Mutex::default(),
            connections: Mutex::default(),
        });
        let listening = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || listen(&listener, &shared))
        };
        Ok(Self {
            address,
            shared,
            listening: Some(listening),
        })
    }

    /// Returns the address to give to a client as the API's base.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the requests so far, oldest first.
    pub fn requests(&self) -> Vec<ModelRequest> {
        locked(&self.shared.requests).clone()
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        *locked(&self.shared.is_stopped) = true;
        self.shared.stop.notify_all();
        // The listener waits in `accept`; a connection wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        for connection in locked(&self.shared.connections).drain(..) {
            let _ = connection.stream.shutdown(Shutdown::Both);
            let _ = connection.thread.join();
        }
    }
}

impl Shared {
    /// Waits for `delay`, or until the model stops.
    fn pause(&self, delay: Duration) {
        let is_stopped = locked(&self.is_stopped);
        let waited = self
            .stop
            .wait_timeout_while(is_stopped, delay, |is_stopped| !*is_stopped);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if *locked(&shared.is_stopped) {
            break;
        }
        // A connection that fails, or that is one too many, is dropped: its
        // client sees it closed and tries again.
        let _ = stream.and_then(|stream| admit(stream, shared));
    }
}

fn admit(stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let mut connections = locked(&shared.connections);
    connections.retain(|connection| !connection.thread.is_finished());
    if connections.len() >= CONNECTIONS_MAX {
        return Ok(());
    }
    stream.set_read_timeout(Some(IDLE_MAX))?;
    stream.set_write_timeout(Some(IDLE_MAX))?;
    stream.set_nodelay(true)?;
    let served = stream.try_clone()?;
    let shared = Arc::clone(shared);
    let thread = thread::spawn(move || {
        // An error ends the connection, which is all that the client can see.
        let _ = serve(&served, &shared);
        let _ = served.shutdown(Shutdown::Both);
    });
    connections.push(Connection { stream, thread });
    Ok(())
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = BufWriter::new(stream);
    while let Some(request) = http::read(&mut reader)? {
        if *locked(&shared.is_stopped) {
            break;
        }
        answer(&mut writer, request, shared)?;
    }
    Ok(())
}

fn answer(writer: &mut impl Write, request: HttpRequest, shared: &Shared) -> io::Result<()> {
    let HttpRequest { method, path, body } = request;
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let protocol = |status, answer: Value| {
        let request = ModelRequest {
            method: method.clone(),
            path: path.clone(),
            body: body.clone(),
            source: Source::Protocol,
        };
        (request, status, answer)
    };
    let (request, status, answer) = match (method.as_str(), path.as_str()) {
        ("POST", "/v1/messages") => return speak(writer, body, shared),
        ("POST", "/v1/messages/count_tokens") => {
            protocol(200, json!({"input_tokens": body.to_string().len() / 4 + 1}))
        }
        ("GET", "/v1/models") => protocol(200, json!({"data": [], "has_more": false})),
        ("HEAD", _) => protocol(200, json!({})),
        _ => protocol(404, message::error("not_found_error", "not found")),
    };
    if !remember(request, shared) {
        return http::write_json(writer, 503, &overfull(), &method);
    }
    http::write_json(writer, status, &answer, &method)
}

fn speak(writer: &mut impl Write, body: Value, shared: &Shared) -> io::Result<()> {
    let wants_events = body.get("stream").and_then(Value::as_bool) == Some(true);
    let model = text_of(body.get("model"));
    let Some((Answer { source, turn }, earlier)) = choose_and_remember(body, shared) else {
        return http::write_json(writer, 503, &overfull(), "POST");
    };
    shared.pause(turn.delay());
    let id = message_id(source, earlier);
    match &turn.fault {
        Some(Fault::Http {
            status,
            kind,
            message,
            times: _,
        }) => http::write_json(writer, *status, &message::error(kind, message), "POST"),
        Some(Fault::Disconnect) => {
            let events = message::events(&turn, &id, &model);
            write_events(writer, events.iter().take(events.len() / 2))?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        None if wants_events => {
            write_events(writer, &message::events(&turn, &id, &model))?;
            http::close_events(writer)
        }
        None => http::write_json(writer, 200, &message::whole(&turn, &id, &model), "POST"),
    }
}

/// Chooses the answer and counts how often its part of the script answered before.
///
/// Choosing and remembering are one step, so that of two requests at once only
/// one counts as the first. `None` when no more requests are remembered.
fn choose_and_remember(body: Value, shared: &Shared) -> Option<(Answer, u32)> {
    let mut requests = locked(&shared.requests);
    if requests.len() >= REQUESTS_MAX {
        return None;
    }
    let answered = |source| {
        let same = requests.iter().filter(|request| request.source == source);
        u32::try_from(same.count()).unwrap_or(u32::MAX)
    };
    let answer = choose::answer(&shared.script, &body, answered);
    let earlier = answered(answer.source);
    requests.push(ModelRequest {
        method: "POST".to_owned(),
        path: "/v1/messages".to_owned(),
        body,
        source: answer.source,
    });
    Some((answer, earlier))
}

fn write_events<'a>(
    writer: &mut impl Write,
    events: impl IntoIterator<Item = &'a Value>,
) -> io::Result<()> {
    http::open_events(writer)?;
    events
        .into_iter()
        .try_for_each(|event| http::write_event(writer, event))
}

/// Returns an id that no other message of the model has.
///
/// It depends on the place in the script and not on the order of requests, so
/// equal sessions carry equal ids and a resumed session repeats none.
fn message_id(source: Source, earlier: u32) -> String {
    match source {
        Source::Turn { conversation, turn } => format!("c{conversation}t{turn}r{earlier}"),
        Source::PastTheScript => format!("pastr{earlier}"),
        Source::NoConversation => format!("noner{earlier}"),
        Source::SideText => format!("sider{earlier}"),
        Source::Protocol => format!("protocolr{earlier}"),
    }
}

fn remember(request: ModelRequest, shared: &Shared) -> bool {
    let mut requests = locked(&shared.requests);
    let has_room = requests.len() < REQUESTS_MAX;
    if has_room {
        requests.push(request);
    }
    has_room
}

fn overfull() -> Value {
    message::error(
        "api_error",
        "the scripted model has answered too many requests",
    )
}

/// Locks a value; one that a panicking thread left behind is still whole.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
