//! What actors are given to reach the world. Handed in, never looked up, so a test passes recorders.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use kirkwall_core::sip::wire::Message;
use kirkwall_core::sip::{Destination, Facing, Transport};
use kirkwall_data::Journal;
use kirkwall_integration::media::Engine;

use crate::clock::Clock;

/// Sends SIP messages.
pub trait SipPort: Send + Sync {
    /// Sends, or reports a failure later as an arrival. Never blocks.
    fn send(&self, message: Message, to: Destination);
    /// The address of ours that `remote` would see, for Via, Contact and media.
    fn local(&self, facing: Facing, transport: Transport, remote: IpAddr) -> Option<SocketAddr>;
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
}
