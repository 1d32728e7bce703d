//! One HTTP/1.1 exchange over a stream, within a deadline.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// How large the head of a reply may be.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How large the body of a reply may be.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long the line before a part of a body may be.
const CHUNK_LINE_MAX: usize = 256;

/// How many header fields a reply may have.
const FIELDS_MAX: usize = 64;

/// Where a service listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A port.
    Tcp {
        /// Host name or address.
        host: String,
        /// The port.
        port: u16,
        /// Whether it speaks TLS.
        is_tls: bool,
    },
}

/// Why a text names no service.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` names no service; write `unix:/path/to/aegis.sock`, `http://127.0.0.1:8080` or \
     `https://host:8443`"
)]
pub struct ParseAddressError(String);

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        let error = || ParseAddressError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(error())
            };
        }
        let (is_tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            (None, None) => return Err(error()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() || rest.contains(['/', '?', '#', '@']) {
            return Err(error());
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| error())?)
            }
            Some(_) | None => (rest, if is_tls { 443 } else { 80 }),
        };
        Ok(Self::Tcp {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            is_tls,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Tcp { host, port, is_tls } => {
                let scheme = if *is_tls { "https" } else { "http" };
                if host.contains(':') {
                    write!(formatter, "{scheme}://[{host}]:{port}")
                } else {
                    write!(formatter, "{scheme}://{host}:{port}")
                }
            }
        }
    }
}

/// A stream whose calls end by a deadline.
pub trait Stream: Read + Write + Send {
    /// Lets each call that follows take at most `left`.
    ///
    /// # Errors
    ///
    /// When the system cannot bound them.
    fn bound(&self, left: Duration) -> io::Result<()>;
}

impl Stream for UnixStream {
    fn bound(&self, left: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(left))?;
        self.set_write_timeout(Some(left))
    }
}

impl Stream for TcpStream {
    fn bound(&self, left: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(left))?;
        self.set_write_timeout(Some(left))
    }
}

/// Returns `text` as it stands in the path or the parameters of a request.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Makes streams to a service.
pub trait Connect: Send + Sync {
    /// Returns a stream to `address`.
    ///
    /// # Errors
    ///
    /// When there is no way there.
    fn connect(&self, address: &Address, left: Duration) -> io::Result<Box<dyn Stream>>;
}

/// Whose process must listen at a socket of this machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PeerRule {
    /// Anybody's.
    #[default]
    Anybody,
    /// That of the user with this number, or of the system's own.
    User(u32),
}

/// Makes plain streams; it does not speak TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemConnector {
    /// Whose process must listen.
    pub peer: PeerRule,
}

impl Connect for SystemConnector {
    fn connect(&self, address: &Address, left: Duration) -> io::Result<Box<dyn Stream>> {
        match address {
            Address::Unix(path) => {
                let stream = connect_unix(path, left)?;
                self.check_peer(&stream)?;
                Ok(Box::new(stream))
            }
            Address::Tcp {
                host,
                port,
                is_tls: false,
            } => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
                let patience = Patience::Until(Instant::now() + left);
                for socket in (host.as_str(), *port).to_socket_addrs()? {
                    match TcpStream::connect_timeout(&socket, patience.left()?) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Ok(Box::new(stream));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            Address::Tcp { is_tls: true, .. } => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this client speaks no TLS",
            )),
        }
    }
}

/// Returns a stream to the socket at `path`, whose queue may be full.
fn connect_unix(path: &Path, left: Duration) -> io::Result<UnixStream> {
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // On Linux it bounds the wait for a place in the queue as well.
    set_socket_timeout(&socket, Timeout::Send, Some(left))?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => Ok(UnixStream::from(socket)),
        Err(rustix::io::Errno::AGAIN) => Err(late()),
        Err(error) => Err(error.into()),
    }
}

impl SystemConnector {
    /// Checks whose process listens: the path of a socket alone proves nothing.
    fn check_peer(self, stream: &UnixStream) -> io::Result<()> {
        let PeerRule::User(expected) = self.peer else {
            return Ok(());
        };
        let peer = rustix::net::sockopt::socket_peercred(stream)?;
        let found = peer.uid.as_raw();
        if found == expected || found == 0 {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("a process of user {found} listens there, and not one of user {expected}"),
        ))
    }
}

/// A reply.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its header fields, the names in lower case.
    pub fields: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the value of the header field `name`, in lower case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// How long a reply may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// All of it until then.
    Until(Instant),
    /// As long as it takes, as long as something comes at least so often.
    Silence(Duration),
}

impl Patience {
    /// Returns how long the next step may take.
    ///
    /// # Errors
    ///
    /// When the time is over.
    pub(crate) fn left(self) -> io::Result<Duration> {
        let left = match self {
            Self::Until(deadline) => deadline.saturating_duration_since(Instant::now()),
            Self::Silence(silence) => silence,
        };
        if left.is_zero() {
            return Err(late());
        }
        Ok(left)
    }
}

/// Sends `request` and reads one reply.
pub(crate) fn exchange(
    stream: &mut dyn Stream,
    request: &[u8],
    patience: Patience,
    sign_of_life: &dyn Fn(),
) -> io::Result<Response> {
    bound(stream, patience)?;
    stream.write_all(request)?;
    stream.flush()?;
    let mut incoming = Incoming {
        stream,
        patience,
        sign_of_life,
        buffer: Vec::with_capacity(4096),
    };
    let mut response = incoming.head()?;
    if response.status != 204 && response.status != 304 {
        response.body = incoming.body(&response)?;
    }
    Ok(response)
}

/// What comes in of a reply.
struct Incoming<'a> {
    stream: &'a mut dyn Stream,
    patience: Patience,
    /// Called whenever something comes.
    sign_of_life: &'a dyn Fn(),
    /// What came and is not taken yet.
    buffer: Vec<u8>,
}

impl Incoming<'_> {
    fn head(&mut self) -> io::Result<Response> {
        loop {
            if let Some((response, length)) = read_head(&self.buffer)? {
                self.take(length)?;
                return Ok(response);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(malformed("its head is too large"));
            }
            self.more()?;
        }
    }

    fn body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let coding = response.field("transfer-encoding");
        match (coding, response.field("content-length")) {
            (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => self.chunks(),
            (Some(_), _) => Err(malformed("it is encoded in another way")),
            (None, Some(length)) => {
                let length = length
                    .parse()
                    .ok()
                    .filter(|length| *length <= BODY_BYTES_MAX);
                self.take(length.ok_or_else(|| malformed("its length is no number, or too great"))?)
            }
            (None, None) => Err(malformed("it does not say how long it is")),
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (start, length) = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete(found)) => break found,
                    Ok(httparse::Status::Partial) if self.buffer.len() < CHUNK_LINE_MAX => {
                        self.more()?;
                    }
                    Ok(httparse::Status::Partial) | Err(_) => {
                        return Err(malformed("a part of it does not say how long it is"));
                    }
                }
            };
            self.take(start)?;
            let length = usize::try_from(length)
                .ok()
                .filter(|length| body.len().saturating_add(*length) <= BODY_BYTES_MAX)
                .ok_or_else(|| malformed("it is too large"))?;
            if length == 0 {
                return Ok(body);
            }
            body.extend(self.take(length)?);
            self.take(2)?;
        }
    }

    /// Takes the next `length` bytes.
    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more()?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Waits for more to come.
    fn more(&mut self) -> io::Result<()> {
        bound(self.stream, self.patience)?;
        let mut chunk = [0_u8; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "it closed the connection before its reply was whole",
                    ));
                }
                Ok(count) => {
                    (self.sign_of_life)();
                    self.buffer
                        .extend_from_slice(chunk.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(late()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reads the head of a reply; returns it with its length, if it is whole.
fn read_head(buffer: &[u8]) -> io::Result<Option<(Response, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Response::new(&mut fields);
    match head.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let response = Response {
                status: head.code.unwrap_or_default(),
                fields: head
                    .headers
                    .iter()
                    .map(|field| (field.name.to_ascii_lowercase(), text(field.value)))
                    .collect(),
                body: Vec::new(),
            };
            Ok(Some((response, length)))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

fn bound(stream: &dyn Stream, patience: Patience) -> io::Result<()> {
    stream.bound(patience.left()?)
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time")
}

fn malformed(cause: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("its reply is not valid: {cause}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_whose_queue_is_full_costs_no_more_than_the_time_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let address = SocketAddrUnix::new(&path).unwrap();
        let listener = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&listener, &address).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let left = Duration::from_millis(50);
        let connect = || connect_unix(&path, left);
        let waiting = connect().unwrap();
        let began = Instant::now();
        let error = connect().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
        assert!(began.elapsed() >= left);
        drop(waiting);
    }

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in [
            "unix:/run/aegis/aegis.sock",
            "http://127.0.0.1:8080",
            "https://host.example:443",
            "http://[::1]:80",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        for wrong in [
            "",
            "unix:",
            "unix:here",
            "localhost:8080",
            "http://",
            "http://h:x",
            "http://u@h:1",
            "http://h:1/path",
            "ftp://h",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_means_something_in_an_address_is_escaped() {
        assert_eq!(escaped("a&session_id=b/ü"), "a%26session_id%3Db%2F%C3%BC");
        assert_eq!(escaped("aZ09-._~"), "aZ09-._~");
    }

    /// A service that says `reply` in pieces of one byte, whatever it is asked.
    struct Scripted(Vec<u8>);

    impl Read for Scripted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.0.remove(0);
            Ok(1)
        }
    }

    impl Write for Scripted {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Stream for Scripted {
        fn bound(&self, _: Duration) -> io::Result<()> {
            Ok(())
        }
    }

    fn read(reply: &str) -> io::Result<Response> {
        let patience = Patience::Silence(Duration::from_secs(60));
        exchange(
            &mut Scripted(reply.as_bytes().to_vec()),
            b"",
            patience,
            &|| {},
        )
    }

    #[test]
    fn a_reply_is_read_to_its_length_and_no_further() {
        let found = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nokHTTP").unwrap();
        assert_eq!((found.status, found.body.as_slice()), (200, &b"ok"[..]));
        assert_eq!(found.field("x"), Some("y"));
    }

    #[test]
    fn a_reply_in_parts_is_read_to_its_last_part() {
        let parts = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let found = read(&format!("{parts}1\r\n\n\r\n5\r\nhello\r\n0\r\n\r\n")).unwrap();
        assert_eq!(found.body, b"\nhello");
        for cut in ["5\r\nhel", "5\r\nhello\r\n", "x\r\n", ""] {
            assert!(read(&format!("{parts}{cut}")).is_err(), "{cut:?}");
        }
    }

    #[test]
    fn a_reply_that_is_cut_off_or_says_no_length_is_none() {
        for reply in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "nonsense\r\n\r\n",
        ] {
            assert!(read(reply).is_err(), "{reply:?}");
        }
    }
}
