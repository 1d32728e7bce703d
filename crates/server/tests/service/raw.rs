//! Requests as any program writes them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::stage::Stage;

/// A reply.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub body: Value,
}

impl Stage {
    /// Sends `body` to the port with `token` and further header `fields`.
    pub fn ask(&self, token: &str, line: &str, fields: &[(&str, &str)], body: &str) -> Raw {
        let mut stream = TcpStream::connect(self.port()).unwrap();
        let mut request = format!(
            "{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\
             Authorization: Bearer {token}\r\n",
            body.len()
        );
        for (name, value) in fields {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        Raw {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }

    /// Sends JSON to `path`.
    pub fn post(&self, token: &str, path: &str, body: &Value) -> Raw {
        self.ask(token, &format!("POST {path}"), &[], &body.to_string())
    }

    /// Asks for `path`.
    pub fn get(&self, token: &str, path: &str) -> Raw {
        self.ask(token, &format!("GET {path}"), &[], "")
    }
}
