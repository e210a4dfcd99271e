//! HTTP/1.1 over TLS, as little of it as the web services of a front end need: one connection, one request
//! at a time, answers with a length or in chunks.

use std::pin::Pin;
use std::time::Duration;

use openssl::ssl::SslConnector;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

/// Until a connection stands, or an answer is whole.
const WAIT: Duration = Duration::from_secs(15);
/// Longest head of an answer.
const MAX_HEAD: usize = 16 << 10;
/// Longest body.
const MAX_BODY: usize = 256 << 10;

/// An `https:` URI taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub host: String,
    pub port: u16,
    pub path: String,
}

impl Place {
    /// None: it is no `https:` URI.
    pub fn of(uri: &str) -> Option<Self> {
        let rest =
            uri.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")).map(|_| &uri[8..])?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => (host, port.parse().ok()?),
            _ => (authority, 443),
        };
        let clean = |text: &str| !text.chars().any(|c| c.is_control() || c.is_whitespace());
        let path = if path.is_empty() { "/" } else { path };
        (!host.is_empty() && clean(uri)).then(|| Self { host: host.to_owned(), port, path: path.to_owned() })
    }
}

/// What is asked besides the place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// SOAPAction and body of a POST; none: a GET.
    pub post: Option<(&'a str, &'a str)>,
    /// Authorization.
    pub authorization: Option<&'a str>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The values of a header.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(move |(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// One connection.
pub(super) struct Connection {
    stream: SslStream<TcpStream>,
    place: Place,
}

impl Connection {
    pub async fn open(tls: &SslConnector, verifies: bool, place: Place) -> Result<Self, String> {
        let Place { host, port, .. } = &place;
        let at = format!("{host}:{port}");
        let connecting = async {
            let stream = TcpStream::connect(&at).await.map_err(|error| format!("{at}: {error}"))?;
            // Requests and answers alternate.
            let _ = stream.set_nodelay(true);
            let words = |error: openssl::error::ErrorStack| error.to_string();
            let ssl =
                tls.configure().map_err(words)?.verify_hostname(verifies).into_ssl(host).map_err(words)?;
            let mut stream = SslStream::new(ssl, stream).map_err(words)?;
            let connected = Pin::new(&mut stream).connect().await;
            connected.map_err(|error| match stream.ssl().verify_result() {
                openssl::x509::X509VerifyResult::OK => format!("TLS with {at}: {error}"),
                why => format!("the certificate of {at} is not accepted: {}", why.error_string()),
            })?;
            Ok::<_, String>(stream)
        };
        let late = || format!("{at} does not answer within {} s", WAIT.as_secs());
        let stream = timeout(WAIT, connecting).await.map_err(|_| late())??;
        Ok(Self { stream, place })
    }

    pub async fn ask(&mut self, path: &str, request: Request<'_>) -> Result<Answer, String> {
        let at = format!("{}:{}", self.place.host, self.place.port);
        let late = || format!("{at} does not answer within {} s", WAIT.as_secs());
        timeout(WAIT, self.exchange(path, request)).await.map_err(|_| late())?
    }

    async fn exchange(&mut self, path: &str, request: Request<'_>) -> Result<Answer, String> {
        let Place { host, port, .. } = &self.place;
        let method = if request.post.is_some() { "POST" } else { "GET" };
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: Kirkwall\r\n");
        if let Some(value) = request.authorization {
            text += &format!("Authorization: {value}\r\n");
        }
        if let Some((action, body)) = request.post {
            let length = body.len();
            text += &format!(
                "Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"{action}\"\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        } else {
            text += "\r\n";
        }
        let failed = |error: std::io::Error| format!("{host}:{port}: {error}");
        self.stream.write_all(text.as_bytes()).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        let mut read = Vec::new();
        loop {
            if let Some(answer) = take(&read, false)? {
                return Ok(answer);
            }
            match self.stream.read_buf(&mut read).await.map_err(failed)? {
                0 => {
                    return take(&read, true)?
                        .ok_or_else(|| format!("{host}:{port} hangs up amid its answer"));
                }
                _ if read.len() > MAX_HEAD + MAX_BODY => return Err("the answer is too long".into()),
                _ => {}
            }
        }
    }
}

/// The answer, once it is whole.
fn take(read: &[u8], closed: bool) -> Result<Option<Answer>, String> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if read.len() > MAX_HEAD {
            Err("the head of the answer is too long".into())
        } else {
            Ok(None)
        };
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let status = head.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or("the answer is no HTTP")?;
    let answer = Answer { status, head, body: Vec::new() };
    let (rest, length) = (&read[end + 4..], answer.headers("Content-Length").next().map(str::to_owned));
    let chunked = answer.headers("Transfer-Encoding").any(|coding| coding.eq_ignore_ascii_case("chunked"));
    let body = match length {
        _ if chunked => chunks(rest)?,
        Some(length) => {
            let length = length.parse().ok().filter(|length| *length <= MAX_BODY);
            let length = length.ok_or("the body of the answer is too long")?;
            rest.get(..length).map(<[u8]>::to_vec)
        }
        None if matches!(status, 204 | 304) => Some(Vec::new()),
        None => closed.then(|| rest.to_vec()),
    };
    Ok(body.map(|body| Answer { body, ..answer }))
}

fn chunks(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&rest[..line]).ok().and_then(|text| text.split(';').next());
        let size = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let size =
            size.filter(|size| body.len() + size <= MAX_BODY).ok_or("a chunk of the answer is broken")?;
        let Some(chunk) = rest.get(line + 2..line + 4 + size) else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        rest = &rest[line + 4 + size..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_uris_are_taken_apart_and_others_are_none() {
        let place = |host: &str, port, path: &str| Some(Place { host: host.into(), port, path: path.into() });
        assert_eq!(Place::of("https://fe1.x/a/b.svc"), place("fe1.x", 443, "/a/b.svc"));
        assert_eq!(Place::of("HTTPS://fe1.x:4443"), place("fe1.x", 4_443, "/"));
        for bad in ["http://fe1.x/", "https://", "https://a b/", "https://a:x/", "https://a/\r\nX: y", "é"] {
            assert_eq!(Place::of(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn answers_are_whole_by_length_or_by_chunks() {
        let body =
            |text: &[u8], closed| take(text, closed).unwrap().map(|answer| (answer.status, answer.body));
        assert_eq!(
            body(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false),
            Some((200, b"ab".to_vec()))
        );
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false), None);
        let chunked =
            b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n";
        assert_eq!(body(chunked, false), Some((401, b"abc".to_vec())));
        assert_eq!(body(&chunked[..chunked.len() - 6], false), None);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\nabc", false), None);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\nabc", true), Some((200, b"abc".to_vec())));
        assert!(take(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", false).is_err());
        assert!(take(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false).is_err());
        assert!(take(b"hello\r\n\r\n", false).is_err());
    }
}
