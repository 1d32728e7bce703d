//! The little of HTTP/1.1 that a client of the Messages API needs.
//!
//! Every length is bounded, and a request that goes over a bound, or is not
//! HTTP, ends its connection.

use std::io::{self, BufRead, Read, Write};

use serde_json::Value;

/// The longest request line and headers, in bytes.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request as it was read.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct HttpRequest {
    /// The method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Reads the next request; `None` at the end of the connection.
pub(super) fn read(stream: &mut impl BufRead) -> io::Result<Option<HttpRequest>> {
    let mut head = stream.by_ref().take(HEAD_BYTES_MAX);
    let mut first = String::new();
    if head.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(malformed("the request line has no path"));
    };
    let length = body_length(&mut head)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(HttpRequest {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        body,
    }))
}

fn body_length(head: &mut impl BufRead) -> io::Result<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(malformed("the headers do not end"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(malformed("a header has no colon"));
        };
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(malformed("the body has no length"));
        }
        if name.eq_ignore_ascii_case("content-length") {
            length = value
                .trim()
                .parse()
                .map_err(|_| malformed("the length is not a number"))?;
        }
    }
    if length > BODY_BYTES_MAX {
        return Err(malformed("the body is too long"));
    }
    Ok(length)
}

fn malformed(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Writes an answer of one JSON value; `HEAD` gets the headers alone.
pub(super) fn write_json(
    stream: &mut impl Write,
    status: u16,
    body: &Value,
    method: &str,
) -> io::Result<()> {
    let body = body.to_string();
    let mut answer = format!(
        "HTTP/1.1 {status} {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    if method != "HEAD" {
        answer.push_str(&body);
    }
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}

/// Opens an answer that is a stream of events.
pub(super) fn open_events(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 200\r\ncontent-type: text/event-stream\r\n\
          cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n",
    )
}

/// Writes one event, named by its own `type`.
pub(super) fn write_event(stream: &mut impl Write, event: &Value) -> io::Result<()> {
    let name = event.get("type").and_then(Value::as_str).unwrap_or("ping");
    let text = format!("event: {name}\ndata: {event}\n\n");
    write!(stream, "{:x}\r\n{text}\r\n", text.len())?;
    stream.flush()
}

/// Ends a stream of events.
pub(super) fn close_events(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(b"0\r\n\r\n")?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: Option<(&str, &str, &str)>) {
        let found = read(&mut bytes.as_bytes()).ok().flatten();
        let expected = expected.map(|(method, path, body)| HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.as_bytes().to_vec(),
        });
        assert_eq!(found, expected, "{bytes}");
    }

    #[test]
    fn a_request_is_read_up_to_its_length() {
        check(
            "POST /v1/messages?beta=true HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}rest",
            Some(("POST", "/v1/messages", "{}")),
        );
        check(
            "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n",
            Some(("HEAD", "/", "")),
        );
    }

    #[test]
    fn what_is_not_a_bounded_request_is_refused() {
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(70_000));
        for bytes in [
            "",
            "\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x",
            "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n{}",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            &long,
        ] {
            check(bytes, None);
        }
    }
}
