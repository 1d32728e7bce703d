//! A service with a port that speaks TLS, its authority and its clients.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use aegis_api::{Address, Client, Connect as _, Stream};
use aegis_gate::open_regular;
use aegis_server::{ClientDoor, Demand, Limits, SecureDoor};
use aegis_tls::{Authorities, Credentials, SecureConnector};

use crate::authority::{Authority, Issued};
use crate::stage::{Secure, Stage};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service with a port that speaks TLS.
pub struct Secured {
    pub stage: Stage,
    /// Signs the certificates of the service and of its clients.
    pub authority: Authority,
}

impl Secured {
    /// Starts a service for which `entries` say whom certificates name.
    pub fn new(demand: Demand, entries: &str) -> Self {
        Self::start(Limits::default(), Some(demand), Some(entries))
    }

    /// Starts a service that asks for no certificates, or whose file of
    /// principals is absent.
    pub fn start(limits: Limits, demand: Option<Demand>, entries: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("tests");
        fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
        authority
            .service(&["localhost"])
            .write(folder.path(), "server");
        let file = |name: &str| folder.path().join(name);
        let door = SecureDoor {
            chain: file("server.pem"),
            key: file("server.key"),
            clients: demand.map(|demand| ClientDoor {
                authorities: file("ca.pem"),
                demand,
            }),
            log: None,
        };
        let principals = entries.map(|entries| {
            fs::write(file("principals.yaml"), principals(entries)).unwrap();
            file("principals.yaml")
        });
        let secure = Secure { door, principals };
        Self {
            stage: Stage::with_secure(folder, limits, secure),
            authority,
        }
    }

    /// Returns the path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.stage.folder().join(name)
    }

    /// Lets the file of principals say `entries` from now on.
    pub fn name(&self, entries: &str) {
        // A file that is moved into place is another one, however fast it is.
        fs::write(self.file("principals.new"), principals(entries)).unwrap();
        fs::rename(self.file("principals.new"), self.file("principals.yaml")).unwrap();
    }

    pub fn address(&self) -> Address {
        Address::Tcp {
            host: "localhost".to_owned(),
            port: self.stage.secure_port().port(),
            is_tls: true,
        }
    }

    /// Returns what connects as the holder of `shown`.
    pub fn connector(&self, shown: Option<&Issued>) -> SecureConnector {
        let authorities = {
            let path = self.file("ca.pem");
            Authorities::read(&path, open_regular(&path).unwrap()).unwrap()
        };
        let own = shown.map(|shown| {
            let folder = tempfile::tempdir().unwrap();
            shown.write(folder.path(), "own");
            let (chain, key) = (folder.path().join("own.pem"), folder.path().join("own.key"));
            // What has ended is shown all the same.
            let then = aegis_tls::Certificate::parse(&shown.der).unwrap().begins_at;
            let open = |path| open_regular(path).unwrap();
            Credentials::read((&chain, open(&chain)), (&key, open(&key)), then).unwrap()
        });
        SecureConnector::new(&authorities, own.as_ref()).unwrap()
    }

    /// Returns a client that shows `shown` and has `token`.
    pub fn client(&self, shown: Option<&Issued>, token: Option<&str>) -> Client {
        let client = Client::new(self.connector(shown), self.address());
        client.with_token(token.map(str::to_owned))
    }

    /// Opens a connection as the holder of `shown`.
    pub fn connect(&self, shown: Option<&Issued>) -> Box<dyn Stream> {
        let stream = self.connector(shown).connect(&self.address(), PATIENCE);
        let stream = stream.unwrap();
        stream.bound(PATIENCE).unwrap();
        stream
    }

    /// Returns the status of a reply, which need not end.
    pub fn status(
        &self,
        method: &str,
        path: &str,
        shown: Option<&Issued>,
        token: Option<&str>,
        body: &str,
    ) -> u16 {
        let mut stream = self.connect(shown);
        let token = token.map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let fields = format!("Connection: close\r\n{token}");
        send(&mut stream, method, path, &fields, body);
        status_of(&mut BufReader::new(stream))
    }
}

fn principals(entries: &str) -> String {
    format!("aegis: principals/v1\nprincipals: [{entries}]\n")
}

/// Sends a request with further header `fields`, each with its end of line.
pub fn send(stream: &mut dyn Write, method: &str, path: &str, fields: &str, body: &str) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: h\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
}

/// Reads the first line of a reply, and returns its status.
pub fn status_of(reader: &mut BufReader<impl Read>) -> u16 {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}
