//! A media relay as an Edge server has it ([MS-TURN]), over UDP; over TCP: `relay_tcp`.
//!
//! ```text
//!  client ── Allocate ──► a port of its own ◄── peers that the client has sent to
//!         ── Send(peer, data) ──►          ◄── Data(peer, data)
//!         ── Set Active Destination ──► from then on data of that peer goes bare, both ways
//! ```
//!
//! Who may allocate shows it with credentials of MRAS: the password is made from the user name and a key that
//! the front end and the relay share.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use md5::{Digest, Md5};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::policy::{Detour, Policed, Policy};
use super::relay_tcp::bind_both;
use super::stun::{Draft, HEADER, Parsed, address, prove, read_address};
use crate::front_end::lync::password_of;
use crate::sip::Failure;
use crate::sip::endpoint::locked;

/// Most allocations.
const MAX_ALLOCATIONS: usize = 1_000;
/// Longest datagram that is read.
const PACKET: usize = 4_200;
/// Seconds that an allocation is said to last. Nothing here ends one that is not refreshed.
const LIFETIME: u32 = 600;
const REALM: &[u8] = b"lab";

/// The first attribute of every message ([MS-TURN] §2.2.2.8).
const COOKIE: [u8; 4] = [0x72, 0xC6, 0x4B, 0xC6];

pub(super) mod kind {
    pub const ALLOCATE: u16 = 0x0003;
    pub const ALLOCATED: u16 = 0x0103;
    pub const REFUSED: u16 = 0x0113;
    pub const SEND: u16 = 0x0004;
    pub const DATA: u16 = 0x0115;
    pub const ACTIVATE: u16 = 0x0006;
    pub const ACTIVATED: u16 = 0x0106;
}

pub(super) mod attribute {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const LIFETIME: u16 = 0x000D;
    pub const MAGIC_COOKIE: u16 = 0x000F;
    pub const DESTINATION_ADDRESS: u16 = 0x0011;
    pub const REMOTE_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const NONCE: u16 = 0x0014;
    pub const REALM: u16 = 0x0015;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x8020;
    pub const SEQUENCE_NUMBER: u16 = 0x8050;
}

/// A running relay. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Relay(pub(super) Arc<Shared>);

pub(super) struct Shared {
    socket: UdpSocket,
    address: SocketAddr,
    key: Vec<u8>,
    nonce: [u8; 16],
    allocations: Mutex<HashMap<SocketAddr, Arc<Allocation>>>,
    mute: AtomicBool,
    /// A firewall lets no UDP of clients through.
    no_udp: AtomicBool,
    users: Mutex<Users>,
    pub(super) over_tcp: AtomicUsize,
    pub(super) forwarded: AtomicU64,
    pub(super) bare: AtomicU64,
    refused: AtomicU64,
    policy: Mutex<Option<Policy>>,
    pub(super) stop: CancellationToken,
}

/// Whose credentials were seen.
#[derive(Default)]
struct Users {
    shown: HashSet<Vec<u8>>,
    /// Those of before it started anew.
    refused: HashSet<Vec<u8>>,
}

struct Allocation {
    socket: UdpSocket,
    relayed: SocketAddr,
    peers: Mutex<HashSet<IpAddr>>,
    active: Mutex<Option<SocketAddr>>,
    connection: [u8; 20],
}

/// What a relay has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Allocations that stand.
    pub allocations: usize,
    /// Datagrams that went on, either way.
    pub forwarded: u64,
    /// Those of them that were not wrapped.
    pub bare: u64,
    /// Requests with wrong credentials.
    pub refused: u64,
}

impl Relay {
    /// Binds a free port of `ip` and serves. `key`: what it shares with MRAS.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(ip: IpAddr, key: &[u8]) -> Result<Self, Failure> {
        let (socket, address, listener) = bind_both(ip).await?;
        let relay = Self(Arc::new(Shared {
            socket,
            address,
            key: key.to_vec(),
            nonce: rand::random(),
            allocations: Mutex::default(),
            mute: AtomicBool::new(false),
            no_udp: AtomicBool::new(false),
            users: Mutex::default(),
            over_tcp: AtomicUsize::new(0),
            forwarded: AtomicU64::new(0),
            bare: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            policy: Mutex::default(),
            stop: CancellationToken::new(),
        }));
        tokio::spawn(relay.clone().serve());
        tokio::spawn(relay.clone().serve_tcp(listener));
        Ok(relay)
    }

    /// Forgets every allocation, and refuses whoever has shown himself so far: it was set up anew.
    pub fn start_anew(&self) {
        locked(&self.0.allocations).clear();
        let mut users = locked(&self.0.users);
        let shown = std::mem::take(&mut users.shown);
        users.refused.extend(shown);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Hears nothing and says nothing from now on; or wakes again.
    pub fn mute(&self, muted: bool) {
        self.0.mute.store(muted, Ordering::Relaxed);
    }

    /// Hears nothing over UDP from now on.
    pub fn block_udp(&self, blocked: bool) {
        self.0.no_udp.store(blocked, Ordering::Relaxed);
    }

    pub(super) fn is_mute(&self) -> bool {
        self.0.mute.load(Ordering::Relaxed)
    }

    /// A bandwidth policy has room for so many calls from now on.
    pub fn admits(&self, most: usize, detour: Detour) {
        *locked(&self.0.policy) = Some(Policy::new(most, detour));
    }

    /// What the policy has seen; nothing without one.
    pub fn policed(&self) -> Policed {
        locked(&self.0.policy).as_ref().map(Policy::policed).unwrap_or_default()
    }

    /// What it has done.
    pub fn work(&self) -> Work {
        let counted = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Work {
            allocations: locked(&self.0.allocations).len() + self.0.over_tcp.load(Ordering::Relaxed),
            forwarded: counted(&self.0.forwarded),
            bare: counted(&self.0.bare),
            refused: counted(&self.0.refused),
        }
    }

    /// Ends it, and its allocations.
    pub fn stop(&self) {
        self.0.stop.cancel();
        locked(&self.0.allocations).clear();
    }

    async fn serve(self) {
        let mut buffer = [0; PACKET];
        while let Some(read) = self.0.stop.run_until_cancelled(self.0.socket.recv_from(&mut buffer)).await {
            // An error here is an ICMP answer to something sent before.
            let Ok((length, client)) = read else { continue };
            if !self.is_mute() && !self.0.no_udp.load(Ordering::Relaxed) {
                self.take(client, &buffer[..length]).await;
            }
        }
    }

    async fn take(&self, client: SocketAddr, octets: &[u8]) {
        let known = locked(&self.0.allocations).get(&client).cloned();
        let Some(message) = message(octets) else {
            // Bare data is for the active destination.
            if let Some(allocation) = known
                && let Some(peer) = *locked(&allocation.active)
            {
                self.forward(&allocation.socket, octets, peer, true);
            }
            return;
        };
        let Some(key) = self.key_of(&message) else { return self.challenge(client, &message) };
        match (message.kind, known) {
            (kind::ALLOCATE, Some(allocation)) => self.refresh(client, &message, &allocation, &key),
            (kind::ALLOCATE, None) => self.allocate(client, &message, &key).await,
            (kind::SEND, Some(allocation)) => self.send(&message, &allocation),
            (kind::ACTIVATE, Some(allocation)) => self.activate(client, &message, &allocation, &key),
            _ => {}
        }
    }

    /// The key of who proves himself; none for who does not.
    pub(super) fn key_of(&self, message: &Parsed<'_>) -> Option<[u8; 16]> {
        let username = message.get(attribute::USERNAME)?;
        let mut hash = Md5::new();
        for part in [username, b":", REALM, b":", &password_of(&self.0.key, username)] {
            hash.update(part);
        }
        let key: [u8; 16] = hash.finalize().into();
        let (_, at, proof) =
            message.attributes.iter().find(|(name, ..)| *name == attribute::MESSAGE_INTEGRITY)?;
        let right = prove(&message.octets[..*at], at + 24 - HEADER, &key)[..] == **proof;
        if !right {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
        }
        let mut users = locked(&self.0.users);
        if users.refused.contains(username) {
            return None;
        }
        if right && users.shown.len() < MAX_ALLOCATIONS {
            users.shown.insert(username.to_vec());
        }
        right.then_some(key)
    }

    fn challenge(&self, client: SocketAddr, request: &Parsed<'_>) {
        if request.kind == kind::ALLOCATE {
            let _ = self.0.socket.try_send_to(&self.challenge_of(request), client);
        }
    }

    /// The refusal that says how to prove oneself.
    pub(super) fn challenge_of(&self, request: &Parsed<'_>) -> Vec<u8> {
        let code = [&[0, 0, 4, 1][..], b"Unauthorized"].concat();
        let refusal = draft(kind::REFUSED, &request.transaction)
            .with_bare(attribute::ERROR_CODE, &code)
            .with_bare(attribute::REALM, REALM)
            .with_bare(attribute::NONCE, &self.0.nonce);
        finish(refusal, None)
    }

    async fn allocate(&self, client: SocketAddr, request: &Parsed<'_>, key: &[u8; 16]) {
        let Ok((socket, relayed)) = bind(self.0.address.ip()).await else { return };
        let allocation = Arc::new(Allocation {
            socket,
            relayed,
            peers: Mutex::default(),
            active: Mutex::default(),
            connection: rand::random(),
        });
        {
            let mut allocations = locked(&self.0.allocations);
            if allocations.len() >= MAX_ALLOCATIONS {
                return;
            }
            allocations.insert(client, allocation.clone());
        }
        tokio::spawn(self.clone().listen(client, Arc::downgrade(&allocation)));
        self.refresh(client, request, &allocation, key);
    }

    fn refresh(&self, client: SocketAddr, request: &Parsed<'_>, allocation: &Allocation, key: &[u8; 16]) {
        let released = request.number(attribute::LIFETIME) == Some(0);
        if released {
            locked(&self.0.allocations).remove(&client);
        }
        let (relayed, connection) = (allocation.relayed, &allocation.connection);
        let answer = self.granted(request, (client, relayed), connection, key);
        let _ = self.0.socket.try_send_to(&answer, client);
    }

    /// The answer to who has an allocation, or gives it back.
    pub(super) fn granted(
        &self,
        request: &Parsed<'_>,
        (client, relayed): (SocketAddr, SocketAddr),
        connection: &[u8; 20],
        key: &[u8; 16],
    ) -> Vec<u8> {
        let released = request.number(attribute::LIFETIME) == Some(0);
        let lifetime = if released { 0 } else { LIFETIME };
        let sequence = [&connection[..], &0_u32.to_be_bytes()].concat();
        let answer = draft(kind::ALLOCATED, &request.transaction)
            .with_bare(attribute::MAPPED_ADDRESS, &address(relayed, None))
            .with_bare(attribute::XOR_MAPPED_ADDRESS, &address(client, Some(&request.transaction)))
            .with_bare(attribute::LIFETIME, &lifetime.to_be_bytes())
            .with_bare(attribute::SEQUENCE_NUMBER, &sequence)
            .with_bare(attribute::NONCE, &self.0.nonce);
        let policed = locked(&self.0.policy).as_mut().map(|policy| policy.take(request)).unwrap_or_default();
        let answer = policed.into_iter().fold(answer, |answer, (name, value)| answer.with_bare(name, &value));
        finish(answer, Some(key))
    }

    fn send(&self, request: &Parsed<'_>, allocation: &Allocation) {
        let peer = request.get(attribute::DESTINATION_ADDRESS).and_then(read_address);
        let (Some(peer), Some(data)) = (peer, request.get(attribute::DATA)) else { return };
        locked(&allocation.peers).insert(peer.ip());
        self.forward(&allocation.socket, data, peer, false);
    }

    fn activate(&self, client: SocketAddr, request: &Parsed<'_>, allocation: &Allocation, key: &[u8; 16]) {
        let peer = request.get(attribute::DESTINATION_ADDRESS).and_then(read_address);
        let Some(peer) = peer else { return };
        locked(&allocation.peers).insert(peer.ip());
        *locked(&allocation.active) = Some(peer);
        self.answer(client, draft(kind::ACTIVATED, &request.transaction), Some(key));
    }

    /// What peers send to an allocation, as long as it stands.
    async fn listen(self, client: SocketAddr, allocation: std::sync::Weak<Allocation>) {
        let mut buffer = [0; PACKET];
        while let Some(standing) = allocation.upgrade() {
            let wait = standing.socket.recv_from(&mut buffer);
            // From time to time, whether it still stands.
            let wait = tokio::time::timeout(std::time::Duration::from_millis(200), wait);
            let Some(read) = self.0.stop.run_until_cancelled(wait).await else { return };
            let Ok(Ok((length, peer))) = read else { continue };
            let known = locked(&standing.peers).contains(&peer.ip());
            if !known || self.0.mute.load(Ordering::Relaxed) {
                continue;
            }
            let bare = *locked(&standing.active) == Some(peer);
            let octets = match bare {
                true => buffer[..length].to_vec(),
                false => {
                    let draft = draft(kind::DATA, &rand::random());
                    let draft = draft.with_bare(attribute::REMOTE_ADDRESS, &address(peer, None));
                    finish(draft.with_bare(attribute::DATA, &buffer[..length]), None)
                }
            };
            self.forward(&self.0.socket, &octets, client, bare);
        }
    }

    fn forward(&self, socket: &UdpSocket, octets: &[u8], to: SocketAddr, bare: bool) {
        // A full socket buffer loses it, as a network would.
        if socket.try_send_to(octets, to).is_ok() {
            self.0.forwarded.fetch_add(1, Ordering::Relaxed);
            self.0.bare.fetch_add(u64::from(bare), Ordering::Relaxed);
        }
    }

    fn answer(&self, client: SocketAddr, draft: Draft, key: Option<&[u8; 16]>) {
        let _ = self.0.socket.try_send_to(&finish(draft, key), client);
    }
}

pub(super) async fn bind(ip: IpAddr) -> Result<(UdpSocket, SocketAddr), Failure> {
    let doing = || format!("opening a relay's port on {ip}");
    let socket = UdpSocket::bind((ip, 0)).await.map_err(|e| Failure::io(doing(), e))?;
    let address = socket.local_addr().map_err(|e| Failure::io(doing(), e))?;
    Ok((socket, address))
}

/// A message of [MS-TURN]: the cookie is its first attribute, and attributes are not filled up.
pub(super) fn message(octets: &[u8]) -> Option<Parsed<'_>> {
    let parsed = Parsed::read(octets, false)?;
    let first = parsed.attributes.first()?;
    (first.0 == attribute::MAGIC_COOKIE && *first.2 == COOKIE).then_some(parsed)
}

pub(super) fn draft(kind: u16, transaction: &[u8; 16]) -> Draft {
    Draft::new(kind, transaction).with_bare(attribute::MAGIC_COOKIE, &COOKIE)
}

/// In the manner of RFC 3489, and nothing behind MESSAGE-INTEGRITY.
pub(super) fn finish(draft: Draft, key: Option<&[u8; 16]>) -> Vec<u8> {
    draft.finish(super::Dialect::Rfc3489, key.map(|key| &key[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"shared";

    async fn client() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").await.unwrap()
    }

    async fn ask(client: &UdpSocket, relay: &Relay, octets: Vec<u8>) -> Vec<u8> {
        client.send_to(&octets, relay.address()).await.unwrap();
        receive(client).await
    }

    async fn receive(socket: &UdpSocket) -> Vec<u8> {
        let mut buffer = [0; PACKET];
        let read = tokio::time::timeout(std::time::Duration::from_secs(10), socket.recv_from(&mut buffer));
        let (length, _) = read.await.unwrap().unwrap();
        buffer[..length].to_vec()
    }

    fn proved(draft: Draft, username: &[u8]) -> Vec<u8> {
        let mut hash = Md5::new();
        for part in [username, b":lab:", &password_of(KEY, username)] {
            hash.update(part);
        }
        let key: [u8; 16] = hash.finalize().into();
        finish(draft.with_bare(attribute::USERNAME, username), Some(&key))
    }

    #[tokio::test]
    async fn who_has_credentials_gets_a_port_and_peers_that_he_has_sent_to_reach_him() {
        let relay = Relay::start([127, 0, 0, 1].into(), KEY).await.unwrap();
        let (anna, bob) = (client().await, client().await);
        let asked = || draft(kind::ALLOCATE, &rand::random());
        let refusal = ask(&anna, &relay, finish(asked(), None)).await;
        assert_eq!(message(&refusal).unwrap().kind, kind::REFUSED);
        let wrong = ask(&anna, &relay, finish(asked().with_bare(attribute::USERNAME, b"x"), Some(&[7; 16])));
        assert_eq!(message(&wrong.await).unwrap().kind, kind::REFUSED);

        let allocated = ask(&anna, &relay, proved(asked(), b"anna")).await;
        let allocated = message(&allocated).unwrap();
        assert_eq!(allocated.kind, kind::ALLOCATED);
        let relayed = allocated.get(attribute::MAPPED_ADDRESS).and_then(read_address).unwrap();

        // Nobody reaches her before she has sent something to his address.
        bob.send_to(b"early", relayed).await.unwrap();
        let to_bob = address(bob.local_addr().unwrap(), None);
        let send = |data: &[u8]| {
            let draft = draft(kind::SEND, &rand::random()).with_bare(attribute::DESTINATION_ADDRESS, &to_bob);
            proved(draft.with_bare(attribute::DATA, data), b"anna")
        };
        anna.send_to(&send(b"hello"), relay.address()).await.unwrap();
        assert_eq!(receive(&bob).await, b"hello");
        bob.send_to(b"yes", relayed).await.unwrap();
        let told = receive(&anna).await;
        let told = message(&told).unwrap();
        assert_eq!((told.kind, told.get(attribute::DATA)), (kind::DATA, Some(&b"yes"[..])));

        let activate = draft(kind::ACTIVATE, &rand::random());
        let activate = activate.with_bare(attribute::DESTINATION_ADDRESS, &to_bob);
        let activated = ask(&anna, &relay, proved(activate, b"anna")).await;
        assert_eq!(message(&activated).unwrap().kind, kind::ACTIVATED);
        anna.send_to(&[0x80; 20], relay.address()).await.unwrap();
        assert_eq!(receive(&bob).await, [0x80; 20]);
        bob.send_to(&[0x81; 20], relayed).await.unwrap();
        assert_eq!(receive(&anna).await, [0x81; 20]);
        let work = relay.work();
        assert_eq!((work.allocations, work.forwarded, work.bare, work.refused), (1, 4, 2, 1));
        relay.stop();
    }
}
