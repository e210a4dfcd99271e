//! Streams: connections over TCP and TLS, opened and accepted, with their framing.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

use super::endpoint::{Endpoint, locked};
use super::message::{MAX_BODY, MAX_HEAD};
use super::{Failure, Hop, Transport, tls};

/// Most connections of one endpoint.
const MAX_CONNECTIONS: usize = 8_192;
/// Most messages that wait to be written to one connection. All users of a switch come over one, and each has
/// a few answers under way: what does not fit is lost to them until a timer of 32 s ends.
const WRITE_QUEUE: usize = 32_768;
/// Messages written with one call.
const BATCH: usize = 64;
/// Longest wait for a connection or a TLS handshake.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// A connection that is silent for so long is closed.
const IDLE: Duration = Duration::from_secs(900);

/// The connections of one endpoint.
#[derive(Default)]
pub(super) struct Flows {
    open: Mutex<HashMap<u64, Flow>>,
    next: AtomicU64,
    /// One connection attempt at a time, so that two senders do not open two connections.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
pub(super) struct Flow {
    pub(super) transport: Transport,
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
    /// Names in the other end's certificate.
    pub(super) names: Arc<[String]>,
    writer: mpsc::Sender<Bytes>,
    pub(super) closed: CancellationToken,
}

impl Flows {
    /// The connection of `hop`: the named one, one to its address, or a new one.
    pub(super) async fn ensure(&self, endpoint: &Endpoint, hop: &Hop) -> Result<(u64, Flow), Failure> {
        if let Some(found) = self.find(hop) {
            return Ok(found);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(found) = self.find(hop) {
            return Ok(found);
        }
        self.open(endpoint, hop).await
    }

    /// A connection that has closed is in the table until its reader's task has run once more: what is sent
    /// over it then is lost.
    fn find(&self, hop: &Hop) -> Option<(u64, Flow)> {
        let open = locked(&self.open);
        let named = hop.connection.and_then(|id| Some((id, open.get(&id).filter(|flow| flow.is_open())?)));
        if let Some((id, flow)) = named {
            return Some((id, flow.clone()));
        }
        let fits =
            |flow: &Flow| flow.transport == hop.transport && flow.remote == hop.address && flow.is_open();
        open.iter().find(|(_, flow)| fits(flow)).map(|(id, flow)| (*id, flow.clone()))
    }

    pub(super) fn get(&self, id: u64) -> Option<Flow> {
        locked(&self.open).get(&id).cloned()
    }

    async fn open(&self, endpoint: &Endpoint, hop: &Hop) -> Result<(u64, Flow), Failure> {
        let doing = || format!("connecting to {} {}", hop.transport, hop.address);
        let connect = async {
            let stream = TcpStream::connect(hop.address).await.map_err(|e| Failure::io(doing(), e))?;
            let _ = stream.set_nodelay(true);
            let local = stream.local_addr().map_err(|e| Failure::io(doing(), e))?;
            if hop.transport == Transport::Tcp {
                let ends = Ends { transport: hop.transport, local, remote: hop.address, names: [].into() };
                return self.run(endpoint, ends, stream);
            }
            let config = endpoint.tls_client().ok_or_else(|| Failure::io(doing(), "no TLS settings"))?;
            let host = endpoint.0.hosts.iter().find(|(_, address)| *address == hop.address);
            let name = host.and_then(|(name, _)| ServerName::try_from(name.clone()).ok());
            let name = name.unwrap_or(ServerName::IpAddress(hop.address.ip().into()));
            let connecting = TlsConnector::from(config).connect(name, stream);
            let stream = connecting.await.map_err(|e| Failure::io(doing(), e))?;
            let names = tls::names(stream.get_ref().1.peer_certificates());
            let ends = Ends { transport: hop.transport, local, remote: hop.address, names };
            self.run(endpoint, ends, stream)
        };
        timeout(CONNECT_WAIT, connect).await.unwrap_or_else(|_| Err(Failure::io(doing(), "no answer in 5 s")))
    }

    fn run<S>(&self, endpoint: &Endpoint, ends: Ends, stream: S) -> Result<(u64, Flow), Failure>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let Ends { transport, local, remote, names } = ends;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (writer, queue) = mpsc::channel(WRITE_QUEUE);
        let closed = endpoint.stop_token().child_token();
        let flow = Flow { transport, remote, local, names, writer, closed: closed.clone() };
        {
            let mut open = locked(&self.open);
            if open.len() >= MAX_CONNECTIONS {
                return Err(Failure::Full("the table of connections"));
            }
            open.insert(id, flow.clone());
        }
        let hop = Hop { transport, address: remote, connection: Some(id) };
        let (read, write) = tokio::io::split(stream);
        endpoint.spawn(write_all(write, queue, closed.clone()));
        let reader = endpoint.clone();
        endpoint.spawn(async move {
            closed.run_until_cancelled(read_all(read, &reader, hop)).await;
            closed.cancel();
            reader.flows().forget(id);
        });
        Ok((id, flow))
    }

    fn forget(&self, id: u64) {
        locked(&self.open).remove(&id);
    }
}

/// The two ends of a new connection.
struct Ends {
    transport: Transport,
    local: SocketAddr,
    remote: SocketAddr,
    names: Arc<[String]>,
}

impl Flow {
    fn is_open(&self) -> bool {
        !self.closed.is_cancelled()
    }

    /// Queues octets; never waits.
    pub(super) fn send(&self, octets: Bytes) -> Result<(), Failure> {
        self.writer.try_send(octets).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Full("the queue of a connection"),
            mpsc::error::TrySendError::Closed(_) => {
                Failure::io(format!("writing to {}", self.remote), "connection is closed")
            }
        })
    }
}

/// Accepts connections until the endpoint stops.
pub(super) async fn accept(endpoint: Endpoint, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let stop = endpoint.stop_token().clone();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, remote)) => {
                let (endpoint, tls) = (endpoint.clone(), tls.clone());
                endpoint.clone().spawn(async move {
                    if let Err(error) = admit(&endpoint, stream, remote, tls).await {
                        tracing::debug!(%remote, %error, "connection not taken");
                    }
                });
            }
            // Out of file descriptors, mostly: wait a little instead of spinning.
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn admit(
    endpoint: &Endpoint,
    stream: TcpStream,
    remote: SocketAddr,
    tls: Option<TlsAcceptor>,
) -> Result<(), Failure> {
    let doing = || format!("accepting {remote}");
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().map_err(|e| Failure::io(doing(), e))?;
    let Some(acceptor) = tls else {
        let ends = Ends { transport: Transport::Tcp, local, remote, names: [].into() };
        return endpoint.flows().run(endpoint, ends, stream).map(drop);
    };
    // A machine that hangs takes connections, for its kernel does, and never says a word.
    if endpoint.is_muted() {
        endpoint.stop_token().cancelled().await;
        return Ok(());
    }
    let handshake = timeout(CONNECT_WAIT, acceptor.accept(stream)).await;
    let stream = handshake.map_err(|e| Failure::io(doing(), e))?.map_err(|e| Failure::io(doing(), e))?;
    let names = tls::names(stream.get_ref().1.peer_certificates());
    if endpoint.0.guard.as_ref().is_some_and(|guard| !guard.admits(&names)) {
        return Err(Failure::io(doing(), format!("{names:?} is not to be trusted")));
    }
    endpoint.flows().run(endpoint, Ends { transport: Transport::Tls, local, remote, names }, stream).map(drop)
}

async fn write_all<W>(mut to: W, mut queue: mpsc::Receiver<Bytes>, closed: CancellationToken)
where
    W: AsyncWrite + Unpin,
{
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(1..) = closed.run_until_cancelled(queue.recv_many(&mut batch, BATCH)).await {
        let octets = batch.concat();
        batch.clear();
        let wrote = timeout(CONNECT_WAIT, async {
            to.write_all(&octets).await?;
            to.flush().await
        });
        if !matches!(closed.run_until_cancelled(wrote).await, Some(Ok(Ok(())))) {
            break;
        }
    }
    closed.cancel();
    // close_notify is a courtesy; the peer may be gone already.
    let _ = timeout(Duration::from_millis(200), to.shutdown()).await;
}

async fn read_all<R: AsyncRead + Unpin>(mut from: R, endpoint: &Endpoint, hop: Hop) {
    let mut buffer = BytesMut::with_capacity(4096);
    loop {
        match take_frame(&mut buffer) {
            Ok(Frame::Whole(octets)) => endpoint.receive(octets, hop).await,
            // RFC 5626 §4.4.1: a double CRLF is a ping, answered by a single CRLF.
            Ok(Frame::Ping) if endpoint.0.swallows_pings => {}
            Ok(Frame::Ping) => drop(endpoint.send_raw(Bytes::from_static(b"\r\n"), &hop).await),
            Ok(Frame::Incomplete) => match timeout(IDLE, from.read_buf(&mut buffer)).await {
                Ok(Ok(1..)) => {}
                _ => return,
            },
            Err(error) => {
                tracing::debug!(remote = %hop.address, %error, "connection closed");
                return;
            }
        }
    }
}

enum Frame {
    Whole(Bytes),
    Ping,
    Incomplete,
}

/// Cuts one message off the front (RFC 3261 §18.3: Content-Length rules on streams).
fn take_frame(buffer: &mut BytesMut) -> Result<Frame, super::message::Malformed> {
    use super::message::Malformed;
    if buffer.starts_with(b"\r\n\r\n") {
        buffer.advance(4);
        return Ok(Frame::Ping);
    }
    while buffer.starts_with(b"\r\n") && buffer.len() > 2 && buffer[2] != b'\r' {
        buffer.advance(2);
    }
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if buffer.len() > MAX_HEAD {
            Err(Malformed("head is too long"))
        } else {
            Ok(Frame::Incomplete)
        };
    };
    if end > MAX_HEAD {
        return Err(Malformed("head is too long"));
    }
    let length = content_length(&buffer[..end])?;
    if buffer.len() < end + 4 + length {
        return Ok(Frame::Incomplete);
    }
    Ok(Frame::Whole(buffer.split_to(end + 4 + length).freeze()))
}

fn content_length(head: &[u8]) -> Result<usize, super::message::Malformed> {
    use super::message::Malformed;
    let head = std::str::from_utf8(head).map_err(|_| Malformed("head is not UTF-8"))?;
    let value = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim();
        (name.eq_ignore_ascii_case("Content-Length") || name.eq_ignore_ascii_case("l")).then_some(value)
    });
    let length = value.unwrap_or("0").trim().parse().map_err(|_| Malformed("Content-Length"))?;
    if length > MAX_BODY { Err(Malformed("Content-Length")) } else { Ok(length) }
}

/// Reads one datagram as a message.
pub(super) fn datagram(octets: &[u8]) -> Option<Bytes> {
    let octets = octets.trim_ascii_start();
    (!octets.is_empty() && octets.len() <= MAX_HEAD + MAX_BODY).then(|| Bytes::copy_from_slice(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_into_messages_wherever_it_was_split() {
        let whole = b"\r\n\r\nSIP/2.0 200 OK\r\nl: 3\r\n\r\nabcSIP/2.0 180 Ringing\r\n\r\n";
        let (mut buffer, mut pings, mut messages) = (BytesMut::new(), 0, Vec::new());
        for octet in whole {
            buffer.extend_from_slice(&[*octet]);
            loop {
                match take_frame(&mut buffer).unwrap() {
                    Frame::Whole(octets) => messages.push(octets),
                    Frame::Ping => pings += 1,
                    Frame::Incomplete => break,
                }
            }
        }
        assert_eq!((pings, messages.len()), (1, 2));
        assert!(messages[0].ends_with(b"abc"));
    }

    #[test]
    fn a_stream_that_never_ends_its_head_is_refused() {
        let mut buffer = BytesMut::from(&vec![b'a'; MAX_HEAD + 1][..]);
        assert!(take_frame(&mut buffer).is_err());
        let mut buffer = BytesMut::from(&b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n"[..]);
        assert!(take_frame(&mut buffer).is_err());
    }
}
