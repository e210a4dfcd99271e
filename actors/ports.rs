//! What actors are given to reach the world. Handed in, never looked up, so a test passes recorders.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix::Addr;
use kirkwall_core::dect::base_link::ToBase;
use kirkwall_core::dect::base_link::session::LinkNo;
use kirkwall_core::sip::wire::Message;
use kirkwall_core::sip::{ConnectionId, Destination, Facing, Transport};
use kirkwall_data::Journal;
use kirkwall_integration::media::Engine;

use crate::air::Air;
use crate::clock::Clock;

/// Sends SIP messages.
pub trait SipPort: Send + Sync {
    /// Sends, or reports a failure later as an arrival. Never blocks.
    fn send(&self, message: Message, to: Destination);
    /// The address of ours that `remote` would see, for Via, Contact and media.
    fn local(&self, facing: Facing, transport: Transport, remote: IpAddr) -> Option<SocketAddr>;
    /// Ends a connection that brought what it should not, at once.
    fn cut(&self, connection: ConnectionId);
}

/// Sends frames on base links.
pub trait LinkPort: Send + Sync {
    /// Sends a word as frame number `seq`. Never blocks; a link that takes no more is closed and reported.
    fn send(&self, link: LinkNo, seq: u32, word: ToBase);
    /// Closes a link once what was sent is out.
    fn close(&self, link: LinkNo);
}

/// Everything an actor may reach.
#[derive(Clone)]
pub struct Ports {
    /// SIP transports.
    pub sip: Arc<dyn SipPort>,
    /// The media engine.
    pub media: Engine,
    /// The store.
    pub journal: Journal,
    /// The clock.
    pub clock: Clock,
    /// Native base stations and their handsets; none: this switch has no DECT identity.
    pub air: Option<Addr<Air>>,
}
