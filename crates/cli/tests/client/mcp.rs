//! A small MCP server inside the test, over HTTP on the loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A server with one tool, `send`, that remembers what it was asked to send.
pub struct McpServer {
    port: u16,
    sent: Arc<Mutex<Vec<Value>>>,
}

impl McpServer {
    /// Starts the server; it lives as long as the test's process.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(&stream, &kept));
            }
        });
        Self { port, sent }
    }

    /// Returns the server as a client is told of it, under the name `mail`.
    pub fn config(&self) -> Value {
        let url = format!("http://127.0.0.1:{}/mcp", self.port);
        json!({"mail": {"type": "http", "url": url}})
    }

    /// Returns the arguments of every use of `send` that arrived.
    pub fn sent(&self) -> Vec<Value> {
        self.sent.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, sent: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream);
    while let Some((is_post, body)) = request(&mut reader) {
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (status, answer) = if !is_post {
            ("405 Method Not Allowed", String::new())
        } else if message["id"].is_null() {
            ("202 Accepted", String::new())
        } else {
            ("200 OK", answer(&message, sent).to_string())
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let mut writer = stream;
        if writer.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<(bool, Vec<u8>)> {
    let mut first = String::new();
    reader
        .read_line(&mut first)
        .ok()
        .filter(|count| *count > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first.starts_with("POST"), body))
}

fn answer(message: &Value, sent: &Mutex<Vec<Value>>) -> Value {
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "mail", "version": "1"},
        }),
        Some("tools/list") => json!({"tools": [{
            "name": "send",
            "description": "Sends a message",
            "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}}},
        }]}),
        Some("tools/call") => {
            sent.lock()
                .unwrap()
                .push(message["params"]["arguments"].clone());
            json!({"content": [{"type": "text", "text": "sent"}]})
        }
        _ => json!({}),
    };
    json!({"jsonrpc": "2.0", "id": message["id"], "result": result})
}
