//! A service in a process of its own, and clients of it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::mix;
use crate::cargo::target_folder;

/// What tells this program to be the handler that does nothing.
pub const EMPTY: &str = "--empty-server";

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in a process of its own, ended when it is dropped.
pub struct Process {
    child: Child,
    address: String,
    token: String,
}

impl Process {
    /// Starts the service of `home` at `port` of this machine; at any if that is 0.
    pub fn service(home: &Path, port: u16) -> Result<Self> {
        Self::service_of(&target_folder()?.join("release/aegis"), home, port)
    }

    /// As [`Process::service`], where `program` is the service.
    pub fn service_of(program: &Path, home: &Path, port: u16) -> Result<Self> {
        let config = home.join(".config/aegis");
        fs::create_dir_all(&config)?;
        fs::write(config.join("policy.yaml"), mix::policy_text(101))?;
        // Whoever measures may be an agent, for whom no token is made.
        let token = format!("aegis_{}_{}", "b".repeat(12), "e".repeat(64));
        let kept = json!({"v": 1, "tokens": [{
            "id": "b".repeat(12),
            "name": "bench",
            "digest": aegis_canon::Digest::of(token.as_bytes()).to_string(),
            "tenant": "local",
            "roles": ["agent", "auditor"],
            "created_at": 0,
        }]});
        let mut child = Command::new(program)
            .env_clear()
            .env("HOME", home)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("its output")?;
        let mut lines = BufReader::new(out).lines();
        let address = loop {
            let line = lines.next().context("the service said no port")??;
            if let Some((_, address)) = line.split_once("http://") {
                break address.to_owned();
            }
        };
        let tokens = home.join(".local/share/aegis/tokens.json");
        fs::write(&tokens, kept.to_string())?;
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            child,
            address,
            token,
        })
    }

    /// Starts the handler that does nothing.
    pub fn empty() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bench", EMPTY])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("its output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        Ok(Self {
            child,
            address: line.trim().to_owned(),
            token: String::new(),
        })
    }

    /// Returns where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns a token that it knows.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Ends it as the system does when memory is short: without a word.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Returns the number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the port at which it listens.
    pub fn port(&self) -> Result<u16> {
        let (_, port) = self.address.rsplit_once(':').context("its port")?;
        Ok(port.parse()?)
    }

    /// Returns the time that it spent on the processor.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("a line of /proc")?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        // Linux counts in hundredths of a second for programs.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Returns how many bytes of memory it holds.
    pub fn resident(&self) -> Result<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        Ok(kib.context("its memory")? * 1_024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client over one connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Client {
    /// Connects to `process`.
    pub fn new(process: &Process) -> Result<Self> {
        Self::at(&process.address, &process.token)
    }

    /// Connects to `address`, where `token` is known.
    pub fn at(address: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
            token: token.to_owned(),
        })
    }

    /// Sends `body` to `path`, and returns what is answered.
    pub fn post(&mut self, path: &str, body: &str) -> Result<Vec<u8>> {
        self.ask(&format!("POST {path}"), body)
    }

    /// Asks for `path`, and returns what is answered.
    pub fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        self.ask(&format!("GET {path}"), "")
    }

    fn ask(&mut self, line: &str, body: &str) -> Result<Vec<u8>> {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n\
             {body}",
            self.token,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 20") {
            bail!("the server answered {line}");
        }
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the server ended within a head");
            }
            let field = line.to_ascii_lowercase();
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}
