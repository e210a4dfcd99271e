//! HTTP/1.1, as little of it as REST and metrics of the switch need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest answer that is read.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// From connect to the last octet.
const PATIENCE: Duration = Duration::from_secs(20);

/// Status and body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// As it came, when it is text.
    pub text: String,
    /// As it came.
    pub octets: Vec<u8>,
}

impl Answer {
    /// The body as JSON; a body that is none is a string.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }
}

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) authorization: Option<String>,
    pub(super) body: Option<&'a Value>,
}

/// Asks on a connection of its own, over TLS when there is a configuration for it. Errors are words.
pub(super) async fn ask(
    to: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    request: &Request<'_>,
) -> Result<Answer, String> {
    let asked = async {
        let socket = TcpStream::connect(to).await?;
        match tls {
            None => exchange(socket, to, request).await,
            Some(config) => {
                let stream =
                    TlsConnector::from(config).connect(ServerName::IpAddress(to.ip().into()), socket);
                exchange(stream.await?, to, request).await
            }
        }
    };
    let failed = |why: &dyn std::fmt::Display| format!("{} {} at {to}: {why}", request.method, request.path);
    let octets = timeout(PATIENCE, asked).await.map_err(|_| failed(&"no answer in time"))?;
    let octets = octets.map_err(|error| failed(&error))?;
    parse(&octets).ok_or_else(|| failed(&"the answer is no HTTP"))
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    to: SocketAddr,
    request: &Request<'_>,
) -> std::io::Result<Vec<u8>> {
    let body = request.body.map(Value::to_string).unwrap_or_default();
    let proof = request.authorization.as_ref().map(|proof| format!("Authorization: {proof}\r\n"));
    let proof = proof.unwrap_or_default();
    let patch = if request.method == "PATCH" { "merge-patch+json\r\nIf-Match: *" } else { "json" };
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: {to}\r\n{proof}Accept: application/json, */*\r\n\
         Content-Type: application/{patch}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        request.method,
        request.path,
        body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    // TLS keeps what the socket would not take at once, and reading does not send it.
    stream.flush().await?;
    let mut answer = Vec::new();
    match stream.take(MAX_ANSWER).read_to_end(&mut answer).await {
        // A server may close without close_notify; Content-Length says whether all has come.
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(answer),
    }
}

/// Head and body; chunks put together (RFC 9112 §7.1). None when it is incomplete.
fn parse(octets: &[u8]) -> Option<Answer> {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&octets[..end]).ok()?.to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let rest = &octets[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { unchunk(rest)? } else { rest.to_vec() };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if length.is_some_and(|length| length.trim().parse() != Ok(body.len())) {
        return None;
    }
    Some(Answer { status, text: String::from_utf8_lossy(&body).into_owned(), octets: body })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..(line + 2).checked_add(size)?)?);
        rest = rest.get(line + 4 + size..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!((plain.status, plain.json()), (200, serde_json::json!({})));
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"), None);
        let chunked = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(
            parse(chunked),
            Some(Answer { status: 404, text: "abcd".into(), octets: b"abcd".to_vec() })
        );
    }
}
