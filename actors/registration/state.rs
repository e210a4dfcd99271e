//! How a line stands, and what it is made from.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use actix::prelude::*;
use kirkwall_core::id::{OwnerId, Tokens, Username};
use kirkwall_core::sip::Destination;
use kirkwall_core::sip::digest::Credentials;
use kirkwall_core::sip::pace::Pace;
use kirkwall_core::timer::Moment;
use kirkwall_integration::lync::Provisioner;

use crate::ports::Ports;
use crate::supervisor::Supervisor;

/// How a line stands, as the supervisor keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineState {
    /// `registered`, `registering`, `waiting`, `failed`, `off`.
    pub name: &'static str,
    /// Last cause in words, when not registered.
    pub cause: Option<String>,
    /// The registrar in use, as transport and address.
    pub registrar: Option<String>,
    /// Whose connection an answer is awaited over.
    pub awaits: Option<SocketAddr>,
    /// Until when.
    pub expires: Option<Moment>,
    /// How calls go out over it, while it is up.
    pub way: Option<LineWay>,
    /// Whether it is up at another proxy than the first.
    pub away: bool,
    /// What people should know of it while it is up.
    pub notes: Vec<String>,
    /// Whether the actor is gone.
    pub gone: bool,
}

/// How calls go out over a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineWay {
    /// Next hop.
    pub destination: Destination,
    /// Service-Route of the registrar (RFC 3608 §6.1).
    pub service_route: Vec<String>,
}

impl Default for LineState {
    fn default() -> Self {
        Self {
            name: "registering",
            cause: None,
            registrar: None,
            awaits: None,
            expires: None,
            way: None,
            away: false,
            notes: Vec::new(),
            gone: false,
        }
    }
}

impl LineState {
    /// In words, for people.
    pub fn words(&self) -> String {
        match &self.cause {
            Some(cause) if self.way.is_none() => format!("{}: {cause}", self.name),
            _ => self.name.to_owned(),
        }
    }
}

/// What a line is made from.
pub struct LineSeed {
    /// Whose.
    pub user: Username,
    /// Its name in branches.
    pub owner: OwnerId,
    /// Address of record, as a URI.
    pub aor: String,
    /// Domain of the registrar.
    pub registrar: String,
    /// Expiry to ask for, in seconds.
    pub expires: u32,
    /// What we call ourselves.
    pub user_agent: String,
    /// Name and password.
    pub credentials: Credentials,
    /// Proxies in order of preference, at least one.
    pub proxies: Vec<Destination>,
    /// Those of them that are known not to serve.
    pub avoid: Vec<Destination>,
    /// What makes it a line of Lync's; none: a plain registration.
    pub lync: Option<LyncSeed>,
    /// Turns of the node's registrations.
    pub pace: SharedPace,
    /// The world.
    pub ports: Ports,
    /// Who routes by it.
    pub supervisor: Addr<Supervisor>,
    /// Its own words.
    pub tokens: Tokens,
}

/// Turns that all lines of the node share.
pub type SharedPace = Arc<Mutex<Pace>>;

/// What makes a line one of Lync's.
#[derive(Debug, Clone)]
pub struct LyncSeed {
    /// IPEI of the user's handset, if known.
    pub ipei: Option<String>,
    /// Name of the node.
    pub node: String,
    /// This switch is a trusted server.
    pub trusted_server: bool,
    /// Own name for Via and Contact; none: the address.
    pub own_name: Option<String>,
    /// Network address for `ms-subnet`.
    pub subnet: Option<Ipv4Addr>,
    /// Whether to ask for a lifetime.
    pub ask_expires: bool,
    /// Who fetches certificates of users, where they may sign in by TLS-DSK.
    pub tls_dsk: Option<Arc<Provisioner>>,
}
