//! A second ICE: the checks of [MS-ICE2] and of RFC 3489 as an emulated end needs them, and a media relay
//! ([MS-TURN]). libnice, driven by pidgin-sipe, is the judge of both.
//!
//! ```text
//! Side (what SDP says) ──► Agent ── checks ──► nominated pairs ──► where media goes
//! ```
//!
//! Left out, since nobody here needs it: TCP candidates other than those of relays, IPv6, freezing, and everything about several streams.

pub mod agent;
pub mod lines;
pub mod policy;
pub mod relay;
mod relay_tcp;
pub mod stun;
pub mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

pub use agent::{Agent, Component};
pub use lines::{Candidate, Side};

use crate::sip::endpoint::locked;

/// How checks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub enum Dialect {
    /// [MS-ICE2], as libnice writes it for Office Communicator 2007 R2 and later.
    #[default]
    MsIce2,
    /// RFC 3489: no magic cookie, no FINGERPRINT. Checks written otherwise are not answered.
    Rfc3489,
}

/// What an emulated end does about ICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// Nothing: its SDP has no line of it.
    #[default]
    Off,
    /// It offers and answers candidates of today's form.
    Full {
        /// How it writes checks, and which it reads.
        dialect: Dialect,
        /// Whom it reaches.
        reach: Reach,
    },
    /// Its offers have the candidates of draft 06 (OCS 2007 R2), and nothing else; it checks nothing.
    Draft6,
}

/// Where an emulated end stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// It reaches everybody over UDP.
    #[default]
    All,
    /// It reaches relays over UDP: it hears and answers nobody else.
    Relays,
    /// It reaches everybody, and its own sockets are a relay's to others too: a relay that passes on at once.
    OverOwnRelay,
    /// It reaches relays over TCP, and nobody over UDP.
    RelaysOverTcp,
}

impl Manner {
    /// The ordinary one.
    pub const FULL: Self = Self::Full { dialect: Dialect::MsIce2, reach: Reach::All };
}

/// What ICE has found, to be asked while it works. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Found(Arc<Mutex<Paths>>);

/// See [`Found`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// Where RTP and RTCP go, when that is settled.
    pub chosen: [Option<Chosen>; 2],
    /// Checks of the other end that were right, and those that were not.
    pub checks: (u64, u64),
    /// Offers with `a=remote-candidates` that were made or answered here.
    pub final_offers: u64,
}

/// The other end of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Its address.
    pub remote: SocketAddr,
    /// Whether it is one of a relay.
    pub relayed: bool,
}

impl Paths {
    /// Every component has its pair.
    pub fn are_settled(&self) -> bool {
        self.chosen.iter().all(Option::is_some)
    }
}

impl Found {
    /// What is known now.
    pub fn paths(&self) -> Paths {
        locked(&self.0).clone()
    }

    pub(crate) fn note<T>(&self, change: impl FnOnce(&mut Paths) -> T) -> T {
        change(&mut locked(&self.0))
    }
}
