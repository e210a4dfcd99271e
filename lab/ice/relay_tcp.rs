//! The media relay over TCP ([MS-TURN] §2.1): clients greet as TLS does, and get a TCP port that peers connect to.
//!
//! ```text
//! ClientHello ─► ServerHello+Done; then frames: 02 message, 03 data of the active destination
//! peers ─► the port that was allocated: packets after their length (RFC 4571)
//! ```
//!
//! Left out: connections that the relay opens to peers.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;

use super::relay::{Relay, attribute, bind, draft, finish, kind, message};
use super::stun::{Parsed, address, read_address};
use super::wire::framed;
use crate::sip::Failure;
use crate::sip::endpoint::locked;

/// Messages that may wait for a connection.
const QUEUE: usize = 64;
/// Between two looks whether the relay was muted.
const LOOK: Duration = Duration::from_millis(100);
const CONTROL: u8 = 2;
const DATA: u8 = 3;

/// What a client has.
struct Allocation {
    relayed: SocketAddr,
    connection: [u8; 20],
    client: mpsc::Sender<Vec<u8>>,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    /// Who was sent to.
    allowed: HashSet<IpAddr>,
    /// Who is connected.
    peers: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>,
    active: Option<SocketAddr>,
}

impl Relay {
    pub(super) async fn serve_tcp(self, listener: TcpListener) {
        while let Some(accepted) = self.0.stop.run_until_cancelled(listener.accept()).await {
            let Ok((stream, client)) = accepted else { continue };
            let relay = self.clone();
            tokio::spawn(async move {
                let served = relay.client(stream, client);
                relay.0.stop.run_until_cancelled(served).await;
            });
        }
    }

    async fn client(&self, stream: TcpStream, client: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let (mut read, mut write) = stream.into_split();
        let mut hello = [0; 50];
        if read.read_exact(&mut hello).await.is_err() || hello[..3] != [0x16, 3, 1] || hello[5] != 1 {
            return;
        }
        while self.is_mute() {
            tokio::time::sleep(LOOK).await;
        }
        if write.write_all(&server_hello()).await.is_err() {
            return;
        }
        let (out, mut words) = mpsc::channel::<Vec<u8>>(QUEUE);
        let writing = async {
            while let Some(word) = words.recv().await {
                if write.write_all(&word).await.is_err() {
                    return;
                }
            }
        };
        let mut allocation = None;
        let reading = async {
            let mut head = [0; 4];
            while read.read_exact(&mut head).await.is_ok() {
                let mut payload = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
                if read.read_exact(&mut payload).await.is_err() {
                    return;
                }
                if !self.is_mute() {
                    self.frame(head[0], &payload, client, &out, &mut allocation).await;
                }
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
        if allocation.is_some() {
            self.0.over_tcp.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn frame(
        &self,
        which: u8,
        payload: &[u8],
        client: SocketAddr,
        out: &mpsc::Sender<Vec<u8>>,
        allocation: &mut Option<Arc<Allocation>>,
    ) {
        if which == DATA {
            if let Some(allocation) = allocation {
                allocation.to_active(self, payload);
            }
            return;
        }
        let Some(message) = message(payload) else { return };
        let Some(key) = self.key_of(&message) else {
            if message.kind == kind::ALLOCATE {
                say(out, CONTROL, &self.challenge_of(&message));
            }
            return;
        };
        match message.kind {
            kind::ALLOCATE => {
                if allocation.is_none() {
                    *allocation = self.allocate_tcp(out).await;
                }
                let Some(standing) = allocation else { return };
                let addresses = (client, standing.relayed);
                say(out, CONTROL, &self.granted(&message, addresses, &standing.connection, &key));
                if message.number(attribute::LIFETIME) == Some(0) {
                    *allocation = None;
                    self.0.over_tcp.fetch_sub(1, Ordering::Relaxed);
                }
            }
            kind::SEND => allocation.iter().for_each(|standing| standing.send(self, &message)),
            kind::ACTIVATE => {
                let peer = message.get(attribute::DESTINATION_ADDRESS).and_then(read_address);
                let (Some(standing), Some(peer)) = (allocation, peer) else { return };
                locked(&standing.standing).active = Some(peer);
                say(out, CONTROL, &finish(draft(kind::ACTIVATED, &message.transaction), Some(&key)));
            }
            _ => {}
        }
    }

    async fn allocate_tcp(&self, client: &mpsc::Sender<Vec<u8>>) -> Option<Arc<Allocation>> {
        let listener = TcpListener::bind((self.address().ip(), 0)).await.ok()?;
        let allocation = Arc::new(Allocation {
            relayed: listener.local_addr().ok()?,
            connection: rand::random(),
            client: client.clone(),
            standing: Mutex::default(),
        });
        self.0.over_tcp.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(self.clone().peers(listener, Arc::downgrade(&allocation)));
        Some(allocation)
    }

    /// Takes connections of peers as long as the allocation stands.
    async fn peers(self, listener: TcpListener, allocation: std::sync::Weak<Allocation>) {
        while allocation.strong_count() > 0 {
            let Ok(accepted) = tokio::time::timeout(LOOK, listener.accept()).await else { continue };
            if let Ok((stream, peer)) = accepted {
                tokio::spawn(self.clone().peer(stream, peer, allocation.clone()));
            }
        }
    }

    async fn peer(self, stream: TcpStream, peer: SocketAddr, allocation: std::sync::Weak<Allocation>) {
        let _ = stream.set_nodelay(true);
        let (mut read, mut write) = stream.into_split();
        let (out, mut words) = mpsc::channel::<Vec<u8>>(QUEUE);
        let Some(standing) = allocation.upgrade() else { return };
        locked(&standing.standing).peers.insert(peer, out);
        drop(standing);
        let writing = async {
            while let Some(word) = words.recv().await {
                if write.write_all(&word).await.is_err() {
                    return;
                }
            }
        };
        let reading = async {
            while let Ok(length) = read.read_u16().await {
                let mut packet = vec![0; usize::from(length)];
                let (Ok(_), Some(standing)) = (read.read_exact(&mut packet).await, allocation.upgrade())
                else {
                    return;
                };
                if !self.is_mute() {
                    standing.to_client(&self, peer, &packet);
                }
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
        if let Some(standing) = allocation.upgrade() {
            locked(&standing.standing).peers.remove(&peer);
        }
    }

    fn count(&self, bare: bool) {
        self.0.forwarded.fetch_add(1, Ordering::Relaxed);
        self.0.bare.fetch_add(u64::from(bare), Ordering::Relaxed);
    }
}

impl Allocation {
    /// DATA has packets after their length in it, as they go on to the peer.
    fn send(&self, relay: &Relay, request: &Parsed<'_>) {
        let peer = request.get(attribute::DESTINATION_ADDRESS).and_then(read_address);
        let (Some(peer), Some(data)) = (peer, request.get(attribute::DATA)) else { return };
        let mut standing = locked(&self.standing);
        standing.allowed.insert(peer.ip());
        if standing.peers.get(&peer).is_some_and(|out| out.try_send(data.to_vec()).is_ok()) {
            relay.count(false);
        }
    }

    fn to_active(&self, relay: &Relay, data: &[u8]) {
        let standing = locked(&self.standing);
        let out = standing.active.and_then(|peer| standing.peers.get(&peer));
        if out.is_some_and(|out| out.try_send(data.to_vec()).is_ok()) {
            relay.count(true);
        }
    }

    fn to_client(&self, relay: &Relay, peer: SocketAddr, packet: &[u8]) {
        let standing = locked(&self.standing);
        if !standing.allowed.contains(&peer.ip()) {
            return;
        }
        let bare = standing.active == Some(peer);
        let went = match bare {
            true => say(&self.client, DATA, &framed(packet)),
            false => {
                let draft = draft(kind::DATA, &rand::random());
                let draft = draft.with_bare(attribute::REMOTE_ADDRESS, &address(peer, None));
                say(&self.client, CONTROL, &finish(draft.with_bare(attribute::DATA, &framed(packet)), None))
            }
        };
        if went {
            relay.count(bare);
        }
    }
}

/// The same port over UDP and over TCP.
pub(super) async fn bind_both(ip: IpAddr) -> Result<(UdpSocket, SocketAddr, TcpListener), Failure> {
    let mut tried = 0;
    loop {
        let (socket, address) = bind(ip).await?;
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok((socket, address, listener)),
            Err(_) if tried < 20 => tried += 1,
            Err(fault) => return Err(Failure::io(format!("opening a relay's TCP port on {address}"), fault)),
        }
    }
}

/// A full connection loses it.
fn say(out: &mpsc::Sender<Vec<u8>>, which: u8, payload: &[u8]) -> bool {
    let length = (payload.len() as u16).to_be_bytes();
    out.try_send([&[which, 0][..], &length, payload].concat()).is_ok()
}

/// A ServerHello of TLS 1.0 with a random of zeros, and a ServerHelloDone in the same record.
fn server_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 1, 0, 0x4E, 2, 0, 0, 0x46, 3, 1];
    hello.resize(0x4E + 1, 0);
    hello.extend_from_slice(&[14, 0, 0, 0]);
    hello
}
