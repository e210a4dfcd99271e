//! The client of a Microsoft media relay (\[MS-TURN\]), over UDP or TCP.
//!
//! ```text
//!             ClientHello        Allocate           with credentials
//! [Idle] ──► [AwaitingHello] ──► [Allocating] ──────► [Allocated] ── refresh, reservations
//!     TCP only   │                   │ refused, silent     │ Release
//!                └──── [Ended] ◄─────┴─────────────────────┘
//! ```
//!
//! The first Allocate goes without credentials and is refused with nonce and realm; the second goes with
//! MESSAGE-INTEGRITY under MD5(username ":" realm ":" password) of the MRAS credentials. Data to a peer is
//! wrapped into Send requests, which are not answered, until one destination is made the active one.
//!
//! An [`Agent`](super::agent::Agent) uses it so: the relayed address is a candidate and its own base; what
//! it orders to transmit from there becomes [`Input::Send`], and [`Output::Data`] becomes a packet to there.
//!
//! Out of scope: two address families in one allocation, multiplexed sessions (versions 4 to 6 of the
//! protocol), and integrity by SHA-256 (version 3): we call ourselves version 2.

pub mod bandwidth;
mod frame;
mod record;
pub mod reservation;
mod step;
pub mod stream;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub use frame::FrameFault;
pub use record::Record;

use crate::id::Tokens;
use crate::media::ice::stun::Transaction;
use crate::pii::Pii;
use crate::timer::{Moment, TimerTable};
use bandwidth::{Answer, Reservation};

/// How the relay is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayTransport {
    /// Port 3478 by default.
    Udp,
    /// Port 443 by default.
    Tcp,
}

/// What MRAS gave us (\[MS-AVEDGEA\]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Opaque octets.
    pub username: Pii<Vec<u8>>,
    /// Opaque octets.
    pub password: Pii<Vec<u8>>,
}

impl Access {
    /// From the texts of an MRAS response; `None` when they are no base64 or longer than 512 octets.
    pub fn from_mras(username: &str, password: &str) -> Option<Self> {
        let decode = |text: &str| STANDARD.decode(text.trim()).ok().filter(|octets| octets.len() <= 512);
        Some(Self { username: Pii(decode(username)?), password: Pii(decode(password)?) })
    }
}

/// What happens to a client.
#[derive(Debug)]
pub enum Input<'a> {
    /// The way to the relay is open: allocate.
    Started,
    /// A datagram of the relay, or the next octets of its stream.
    Received(&'a [u8]),
    /// [`Turn::deadline`] has come.
    Deadline,
    /// Data for a peer.
    Send {
        /// The peer.
        to: SocketAddr,
        /// At most [`MAX_DATA`] octets.
        bytes: &'a [u8],
    },
    /// Make this peer the active destination, so that its data goes unwrapped.
    Activate(SocketAddr),
    /// Is the allocation still there? Nothing has come over it for a while.
    Probe,
    /// Ask for bandwidth.
    Reserve(Box<Reservation>),
    /// Give the allocation back.
    Release,
    /// Give it back, and a reservation with it, by one word.
    GiveBack(Box<Reservation>),
    /// The connection to the relay broke.
    Closed,
}

/// What a client orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send to the relay.
    Transmit(Vec<u8>),
    /// We have an address at the relay.
    Allocated {
        /// The relayed candidate.
        relayed: SocketAddr,
        /// How the relay sees us: a server-reflexive candidate.
        reflexive: SocketAddr,
        /// How long it lasts unless refreshed; the client refreshes it.
        lifetime: Duration,
    },
    /// Data of a peer.
    Data {
        /// The peer.
        from: SocketAddr,
        /// What it sent.
        bytes: Vec<u8>,
    },
    /// The peer is the active destination.
    Activated(SocketAddr),
    /// It is not; data goes on wrapped. With the relay's error code.
    NotActivated(SocketAddr, u16),
    /// The relay's answer to a reservation.
    Reserved(Answer),
    /// There is no room: 274 for the candidate, 275 for the pair (\[MS-TURNBWM\]), or another error code.
    NotReserved(u16),
    /// Ask this relay instead. The client has ended.
    Redirected(SocketAddr),
    /// The allocation was given back. The client has ended.
    Released,
    /// It does not work. The client has ended.
    Failed(Failure),
}

/// Why a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The credentials are wrong or too old.
    #[error("the relay refuses the credentials (error {0}); ask MRAS for new ones")]
    Credentials(u16),
    /// Another refusal.
    #[error("the relay refuses the allocation (error {0})")]
    Refused(u16),
    /// No answer.
    #[error("the relay does not answer")]
    Silent,
    /// The relay answers what is no answer.
    #[error("the relay's answer lacks {0}")]
    Incomplete(&'static str),
    /// The stream is not what it should be.
    #[error(transparent)]
    Stream(#[from] FrameFault),
    /// The connection broke.
    #[error("the connection to the relay broke")]
    Closed,
}

/// Why an input was not taken. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no allocation.
    #[error("there is no allocation at the relay")]
    NotAllocated,
    /// It was started before.
    #[error("the client was started before; make a new one")]
    Started,
    /// Too much data at once.
    #[error("{0} octets are more than the 4096 that fit into one message")]
    TooLong(usize),
    /// Too many orders wait.
    #[error("8 orders wait for the relay already")]
    Busy,
}

/// Longest data in one message, in octets.
pub const MAX_DATA: usize = 4096;
/// Orders that may wait for the relay.
const MAX_ORDERS: usize = 8;

/// Where the client is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not started.
    Idle,
    /// Greets over TCP.
    AwaitingHello,
    /// Allocates.
    Allocating,
    /// Has an address.
    Allocated,
    /// Is over.
    Ended,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Turn {
    transport: RelayTransport,
    access: Access,
    state: State,
    /// What the relay challenged us with.
    challenge: Option<Challenge>,
    /// \[MS-TURN\] §2.2.2.21: the connection, and the number of the last request.
    sequence: Option<([u8; 20], u32)>,
    active: Option<SocketAddr>,
    /// The request on its way.
    pending: Option<Pending>,
    orders: VecDeque<Order>,
    reader: frame::Reader,
    /// Unfinished packets of peers, over TCP; the one that spoke last is at the end.
    streams: Vec<(SocketAddr, frame::Packets)>,
    timers: TimerTable<Timer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Challenge {
    nonce: Vec<u8>,
    realm: Vec<u8>,
    key: Pii<[u8; 16]>,
}

#[derive(Debug)]
struct Pending {
    order: Order,
    transaction: Transaction,
    bytes: Vec<u8>,
    sent: u32,
    interval: Duration,
    next: Moment,
    /// How often it was asked anew because of the nonce.
    rounds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Order {
    Allocate,
    Refresh,
    Probe,
    Release,
    GiveBack(Box<Reservation>),
    Activate(SocketAddr),
    Reserve(Box<Reservation>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The relay's greeting is overdue.
    Hello,
    /// The allocation must be refreshed.
    Refresh,
}

impl Turn {
    /// A client that has not begun.
    pub fn new(transport: RelayTransport, access: Access) -> Self {
        Self {
            transport,
            access,
            state: State::Idle,
            challenge: None,
            sequence: None,
            active: None,
            pending: None,
            orders: VecDeque::new(),
            reader: frame::Reader::default(),
            streams: Vec::new(),
            timers: TimerTable::default(),
        }
    }

    /// Takes one input; the answer is to be carried out in order.
    ///
    /// # Errors
    ///
    /// When the input does not fit; nothing has changed then.
    pub fn handle(
        &mut self,
        input: Input<'_>,
        now: Moment,
        tokens: &mut Tokens,
    ) -> Result<Vec<Output>, Refusal> {
        let mut out = Vec::new();
        match input {
            Input::Started => self.start(now, tokens, &mut out)?,
            Input::Received(bytes) => self.receive(bytes, now, tokens, &mut out),
            Input::Deadline => self.expire(now, tokens, &mut out),
            Input::Send { to, bytes } => self.send(to, bytes, tokens, &mut out)?,
            Input::Activate(peer) => self.order(Order::Activate(peer), now, tokens, &mut out)?,
            Input::Reserve(reservation) => self.order(Order::Reserve(reservation), now, tokens, &mut out)?,
            Input::Probe => self.probe(now, tokens, &mut out),
            Input::Release => self.order(Order::Release, now, tokens, &mut out)?,
            Input::GiveBack(update) => self.order(Order::GiveBack(update), now, tokens, &mut out)?,
            Input::Closed if self.state == State::Ended => {}
            Input::Closed => self.end(Output::Failed(Failure::Closed), &mut out),
        }
        Ok(out)
    }

    /// When [`Input::Deadline`] is wanted.
    pub fn deadline(&self) -> Option<Moment> {
        self.pending.iter().map(|pending| pending.next).chain(self.timers.next()).min()
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.state
    }

    /// The active destination.
    pub fn active(&self) -> Option<SocketAddr> {
        self.active
    }
}
