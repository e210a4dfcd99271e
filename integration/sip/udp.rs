//! SIP over UDP: one socket per listener.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use kirkwall_core::sip::wire::Message;
use kirkwall_core::sip::{Peer, Transport};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::debug;

use super::fault::{count, setting};
use super::table::Outgoing;
use super::transports::Shared;
use super::{Arrival, Listen, SendFault};

/// Largest UDP payload over IPv4 (RFC 768, RFC 791).
const MAX_DATAGRAM: usize = 65_507;
/// Datagrams read before others get their turn.
const BATCH: usize = 64;
/// Datagrams that wait while the socket's send buffer is full.
const QUEUE: usize = 1_024;

/// One UDP socket and what waits to leave by it.
#[derive(Debug)]
pub(super) struct Outlet {
    listen: Listen,
    socket: Arc<UdpSocket>,
    queue: mpsc::Sender<Outgoing>,
}

/// The tasks' share of a new [`Outlet`].
pub(super) struct Inlet {
    listen: Listen,
    socket: Arc<UdpSocket>,
    queue: mpsc::Receiver<Outgoing>,
}

/// An outlet and its inlet; `listen` carries the bound address.
pub(super) fn pair(listen: Listen, socket: UdpSocket) -> (Outlet, Inlet) {
    let socket = Arc::new(socket);
    let (sender, receiver) = mpsc::channel(QUEUE);
    let outlet = Outlet { listen: listen.clone(), socket: socket.clone(), queue: sender };
    (outlet, Inlet { listen, socket, queue: receiver })
}

impl Outlet {
    fn suits(&self, outgoing: &Outgoing) -> bool {
        self.listen.facing == outgoing.to.facing
            && self.listen.bind.is_ipv4() == outgoing.to.address.is_ipv4()
    }

    fn send(&self, outgoing: Outgoing) -> Result<(), (Box<Outgoing>, SendFault)> {
        match self.socket.try_send_to(&outgoing.bytes, outgoing.to.address) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self
                .queue
                .try_send(outgoing)
                .map_err(|refused| match refused {
                    TrySendError::Full(outgoing) => (outgoing, SendFault::NotNow("the UDP queue is full")),
                    TrySendError::Closed(outgoing) => (outgoing, SendFault::NotNow("shutting down")),
                })
                .map_err(|(outgoing, fault)| (Box::new(outgoing), fault)),
            Err(error) => match fault(&error) {
                Some(fault) => Err((Box::new(outgoing), fault)),
                None => Ok(()),
            },
        }
    }
}

/// Sends by the first socket of that side and address family.
pub(super) fn send(outlets: &[Outlet], outgoing: Outgoing) -> Result<(), (Box<Outgoing>, SendFault)> {
    if outgoing.bytes.len() > MAX_DATAGRAM {
        let fault = SendFault::TooLarge(outgoing.bytes.len());
        return Err((Box::new(outgoing), fault));
    }
    match outlets.iter().find(|outlet| outlet.suits(&outgoing)) {
        Some(outlet) => outlet.send(outgoing),
        None => {
            let transport = Transport::Udp;
            let key = setting(outgoing.to.facing, transport);
            Err((Box::new(outgoing), SendFault::NoSocket { transport, key }))
        }
    }
}

/// Reads datagrams until shutdown, and writes those that had to wait.
pub(super) async fn run(shared: Arc<Shared>, mut inlet: Inlet) {
    let (listen, socket) = (inlet.listen.clone(), inlet.socket.clone());
    let mut buffer = vec![0; MAX_DATAGRAM + 1];
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return last_words(&shared, inlet),
            _ = socket.readable() => read_batch(&shared, &listen, &socket, &mut buffer),
            Some(outgoing) = inlet.queue.recv() => {
                if let Err(error) = socket.send_to(&outgoing.bytes, outgoing.to.address).await
                    && let Some(fault) = fault(&error)
                {
                    shared.failed(outgoing, fault);
                }
            }
        }
    }
}

/// What had to wait gets one more chance.
fn last_words(shared: &Shared, mut inlet: Inlet) {
    inlet.queue.close();
    while let Ok(outgoing) = inlet.queue.try_recv() {
        if inlet.socket.try_send_to(&outgoing.bytes, outgoing.to.address).is_err() {
            shared.failed(outgoing, SendFault::NotNow("shutting down"));
        }
    }
}

fn read_batch(shared: &Shared, listen: &Listen, socket: &UdpSocket, buffer: &mut [u8]) {
    for _ in 0..BATCH {
        match socket.try_recv_from(buffer) {
            Ok((length, remote)) => take(shared, listen, remote, &buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // An ICMP error about something sent before; its sender's timers tell it.
            Err(error) => {
                count("udp_receive");
                return debug!(%error, address = %listen.bind, "UDP receive");
            }
        }
    }
}

fn take(shared: &Shared, listen: &Listen, remote: SocketAddr, datagram: &[u8]) {
    // Keep-alives of NATed peers: CRLFs, or nothing, or a few zero bytes.
    if datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return;
    }
    let parsed = Message::parse_datagram(Bytes::copy_from_slice(datagram));
    if parsed.is_err() {
        count("malformed");
    }
    let local = shared.seen(listen.bind, remote.ip()).unwrap_or(listen.bind);
    let peer = Peer {
        transport: Transport::Udp,
        remote,
        local,
        facing: listen.facing,
        connection: None,
        tls_names: Vec::new(),
    };
    shared.arrive(Arrival::Message { parsed, peer });
}

/// What an error of sending means; none when it is only the echo of an earlier datagram.
fn fault(error: &io::Error) -> Option<SendFault> {
    match error.kind() {
        // An ICMP port-unreachable about an earlier datagram.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => None,
        _ => Some(SendFault::Unreachable(error.to_string())),
    }
}
