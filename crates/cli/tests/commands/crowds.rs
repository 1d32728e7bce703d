//! A service that many talk to at once, or at length: who asks plainly is
//! answered all the same, and what is too much costs no more than its limit.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::running::Running;
use super::stage::{Stage, programs};

/// Within what time a plain request is answered, whatever else is going on.
const BOUND: Duration = Duration::from_secs(2);

/// How many connections say nothing.
const IDLE: usize = 10_000;

/// How a service is started that may have few connections at each of its two doors.
const FEW: [&str; 2] = ["/usr/bin/prlimit", "--nofile=400:400"];

/// How many those are.
const PART: usize = 100;

/// How many come at once.
const CROWD: usize = 150;

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
        Self::started(&["/usr/bin/env"], &[])
    }

    /// Returns one that may have [`PART`] connections at each of its doors.
    fn few() -> Self {
        Self::started(&FEW, &[])
    }

    /// Starts it by the words of `before`, with `own` words besides.
    fn started(before: &[&str], own: &[&str]) -> Self {
        let (program, before) = before.split_first().unwrap();
        let stage = Stage::with_policy();
        let made = stage.aegis(&[
            "token", "create", "--name", "t", "--role", "agent", "--json",
        ]);
        let token = made.exits(0).json()["token"].as_str().unwrap().to_owned();
        let aegis = programs().join("aegis");
        let serve = [aegis.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"];
        let words = [before, &serve, own].concat();
        let running = Running::start(&stage, Path::new(program), &words, "http:");
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

    fn socket(&self) -> PathBuf {
        self.stage.path("home/.local/share/aegis/aegis.sock")
    }

    /// Asks with the token for a decision; returns the status.
    fn decides(&self) -> Option<u16> {
        let body = r#"{"session_id":"s","call_id":"c","tool_name":"Bash","args":{"command":"ls"}}"#;
        let mut stream = self.connect();
        let head = self.head(&format!("Content-Length: {}\r\n", body.len()));
        stream.write_all((head + body).as_bytes()).unwrap();
        status(&stream)
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
    let socket = served.socket();
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
fn silence_at_one_door_keeps_nobody_out_at_any() {
    let served = Served::few();
    let socket = served.socket();
    let at_port = || -> Vec<TcpStream> { (0..CROWD).map(|_| served.connect()).collect() };
    let at_socket = || -> Vec<UnixStream> {
        let connect = |_| UnixStream::connect(&socket).unwrap();
        (0..CROWD).map(connect).collect()
    };
    for crowd in ["port", "socket", "both"] {
        let _silent = (
            (crowd != "socket").then(at_port),
            (crowd != "port").then(at_socket),
        );
        assert_eq!(served.is_ready(), Some(200), "{crowd}");
        assert_eq!(served.decides(), Some(200), "{crowd}");
        served.stage.aegis(&["daemon", "status"]).exits(0);
    }
    assert!(served.running.stop().contains("is its part"));
}

#[test]
fn a_new_connection_ends_the_oldest_silent_one_and_is_told_of() {
    let served = Served::few();
    let mut spoken = served.connect();
    let request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    spoken.write_all(request).unwrap();
    assert_eq!(status(&spoken), Some(200));
    let mut silent: Vec<TcpStream> = (0..PART).map(|_| served.connect()).collect();
    assert_eq!(silent[0].read(&mut [0]).unwrap_or(0), 0);
    // Who asked before may ask again, and so may the last that came.
    spoken.write_all(request).unwrap();
    assert_eq!(status(&spoken), Some(200));
    let last = silent.last_mut().unwrap();
    last.write_all(request).unwrap();
    assert_eq!(status(last), Some(200));
    let said = served.running.stop();
    assert!(
        said.contains("warning: connections are refused or closed, 1 so"),
        "{said}"
    );
    assert!(
        said.contains(&format!("{PART} are open at http://")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// Opens as many connections as another account, each with a request in hand,
/// and holds them until its input ends.
const HOLD: &str = r#"
import os, socket, sys
os.setuid(int(sys.argv[1]))
held = []
for _ in range(int(sys.argv[3])):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[2])
    try:
        held[-1].sendall(b'POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{')
    except OSError:
        pass
print('held', flush=True)
sys.stdin.read()
"#;

/// Asks as another account whether the service is there.
const ASK: &str = r#"
import os, socket, sys
os.setuid(int(sys.argv[1]))
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[2])
asked.sendall(b'GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n')
print(asked.recv(12).decode())
"#;

#[test]
fn an_account_that_takes_a_whole_socket_keeps_no_other_out() {
    if !rustix::process::geteuid().is_root() {
        // Only root may become other accounts.
        return;
    }
    let folder = tempfile::Builder::new()
        .prefix("aegis-run-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    let socket = folder.path().join("aegis.sock");
    let socket = socket.to_str().unwrap();
    let served = Served::started(&FEW, &["--socket", socket, "--socket-mode", "666"]);
    let mut hold = Command::new("python3")
        .args(["-c", HOLD, "65534", socket, &CROWD.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let out = hold.stdout.as_mut().unwrap();
    BufReader::new(out).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    for user in ["65533", "0"] {
        let asked = Command::new("python3")
            .args(["-c", ASK, user, socket])
            .output()
            .unwrap();
        assert_eq!(asked.stdout, b"HTTP/1.1 200\n", "{user}: {asked:?}");
    }
    assert_eq!(served.is_ready(), Some(200));
    drop(hold.stdin.take());
    hold.wait().unwrap();
    served.running.stop();
}
