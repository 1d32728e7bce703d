//! A service that many talk to at once, or at length: who asks plainly is
//! answered all the same, and what is too much costs no more than its limit.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::running::Running;
use super::stage::{Stage, programs};

/// Within what time a plain request is answered, whatever else is going on.
const BOUND: Duration = Duration::from_secs(2);

/// How many connections say nothing.
const IDLE: usize = 10_000;

/// How large a body is that nobody should send.
const HUGE: usize = 16 << 20;

/// A service at a port, with a token for it.
struct Served {
    running: Running,
    token: String,
    stage: Stage,
}

impl Served {
    fn new() -> Self {
        Self::started(Path::new("/usr/bin/env"), &[])
    }

    /// Starts it by `program`, which gets `words` and then the command line.
    fn started(program: &Path, words: &[&str]) -> Self {
        let stage = Stage::with_policy();
        let made = stage.aegis(&[
            "token", "create", "--name", "t", "--role", "agent", "--json",
        ]);
        let token = made.exits(0).json()["token"].as_str().unwrap().to_owned();
        let aegis = programs().join("aegis");
        let own = [aegis.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"];
        let running = Running::start(&stage, program, &[words, &own].concat(), "http:");
        Self {
            running,
            token,
            stage,
        }
    }

    fn connect(&self) -> TcpStream {
        let port = self.running.port().parse().unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(10 * BOUND)).unwrap();
        stream
    }

    /// Returns the head of a decision whose body has these `fields`.
    fn head(&self, fields: &str) -> String {
        format!(
            "POST /v1/decisions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n{fields}\r\n",
            self.token
        )
    }

    /// Asks whether the service is ready; returns the status, if it answers within the bound.
    fn is_ready(&self) -> Option<u16> {
        let begun = Instant::now();
        let mut stream = self.connect();
        let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n");
        let status = asked.ok().and_then(|()| status(&stream));
        assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
        status
    }

    /// Returns the most memory that the service ever had, in bytes.
    fn most_memory(&self) -> usize {
        let process = self.running.id().as_raw_nonzero();
        let told = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<usize>().unwrap() * 1_024
    }
}

/// Reads the status of a reply; none if the connection ends without one.
fn status(stream: &TcpStream) -> Option<u16> {
    let mut line = String::new();
    match BufReader::new(stream).read_line(&mut line) {
        Ok(0) => None,
        Ok(_) => Some(line.split(' ').nth(1).unwrap().parse().unwrap()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
        Err(error) => panic!("{error}"),
    }
}

/// Lets this process have as many files open as the system allows.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let needed = Some(IDLE as u64 + 512);
    assert!(
        limit.maximum.is_none() || limit.maximum >= needed,
        "this test opens {IDLE} connections: raise the hard limit of open files (`ulimit -Hn`)"
    );
    let raised = Rlimit {
        current: limit.maximum.or(needed),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

#[test]
fn a_huge_body_is_refused_before_it_comes() {
    let served = Served::new();
    let before = served.most_memory();
    let mut announced = served.connect();
    let head = served.head(&format!("Content-Length: {HUGE}\r\n"));
    announced.write_all(head.as_bytes()).unwrap();
    assert_eq!(status(&announced), Some(413));

    // What is not announced is read up to the limit, by no more than are let in.
    let senders: Vec<TcpStream> = (0..64).map(|_| served.connect()).collect();
    let statuses: Vec<Option<u16>> = std::thread::scope(|scope| {
        let sending: Vec<_> = senders
            .iter()
            .map(|sender| scope.spawn(|| send_in_parts(&served, sender)))
            .collect();
        sending
            .into_iter()
            .map(|each| each.join().unwrap())
            .collect()
    });
    for status in &statuses {
        assert!(
            matches!(status, Some(413 | 429 | 503) | None),
            "{statuses:?}"
        );
    }
    assert!(statuses.contains(&Some(413)), "{statuses:?}");
    let grown = served.most_memory() - before;
    assert!(grown < 160 << 20, "{grown} bytes for 64 bodies of {HUGE}");
    assert_eq!(served.is_ready(), Some(200));
    assert_eq!(served.running.stop(), "");
}

/// Sends a huge body in parts, until the service wants no more of it.
fn send_in_parts(served: &Served, mut sender: &TcpStream) -> Option<u16> {
    let head = served.head("Transfer-Encoding: chunked\r\n");
    let part = [b"10000\r\n", [b' '; 0x1_0000].as_slice(), b"\r\n"].concat();
    let mut sent = sender.write_all(head.as_bytes());
    for _ in 0..HUGE / 0x1_0000 {
        sent = sent.and_then(|()| sender.write_all(&part));
    }
    status(sender)
}

#[test]
fn ten_thousand_idle_connections_keep_nobody_from_an_answer() {
    raise_open_files();
    let served = Served::new();
    // Connecting to a socket waits until it is the turn of whoever connects; at
    // a port the system would drop what comes too fast, and try again later.
    let socket = served.stage.path("home/.local/share/aegis/aegis.sock");
    let connect = |_| UnixStream::connect(&socket).unwrap();
    let idle: Vec<UnixStream> = (0..IDLE).map(connect).collect();
    for _ in 0..3 {
        assert_eq!(served.is_ready(), Some(200));
    }
    assert!(served.most_memory() < 256 << 20, "{}", served.most_memory());
    drop(idle);
    assert_eq!(served.running.stop(), "");
}

#[test]
fn one_connection_too_many_is_refused_and_told_of() {
    let served = Served::started(Path::new("/usr/bin/prlimit"), &["--nofile=400:400"]);
    let mut idle: Vec<TcpStream> = (0..200).map(|_| served.connect()).collect();
    assert_eq!(served.is_ready(), None);
    let mut refused = served.connect();
    assert_eq!(refused.read(&mut [0]).unwrap_or(0), 0);
    idle.clear();
    let begun = Instant::now();
    while served.is_ready() != Some(200) {
        assert!(begun.elapsed() < BOUND, "the places are not given back");
    }
    let said = served.running.stop();
    assert!(said.contains("warning: connections are refused"), "{said}");
    assert!(said.contains("200 are open, which is the limit"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
