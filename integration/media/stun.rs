//! STUN on the media ports: it goes past the engine to whoever keeps the ICE agents, and back.
//!
//! RFC 7983 §7: a datagram whose first octet is 0 to 3 is STUN. Without a listener such datagrams are what
//! they were before: malformed RTP.

use std::net::SocketAddr;
use std::sync::Arc;

use kirkwall_core::id::ChannelId;
use kirkwall_core::timer::Moment;

use super::channel::Channel;
use super::counters::Count;
use super::engine::Engine;
use super::fault::EngineFault;
use super::flow::Side;
use super::leg::Leg;
use super::worker::Order;

/// Datagrams of a side that are handed on in a second; a check list of a full agent sends fewer than 50.
const PER_SECOND: u32 = 200;

/// A STUN datagram that came to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stun {
    /// On which side.
    pub side: Side,
    /// On the RTCP port; else on the RTP port.
    pub control: bool,
    /// Who sent it.
    pub from: SocketAddr,
    /// The datagram.
    pub bytes: Vec<u8>,
}

/// Who hears a channel's STUN. Called on a media thread: it must not block.
pub type StunListener = Arc<dyn Fn(Stun) + Send + Sync>;

/// How much STUN a side may still hand on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowance {
    second: u64,
    used: u32,
}

impl Allowance {
    fn take(&mut self, now: Moment) -> bool {
        let second = now.as_micros() / 1_000_000;
        if self.second != second {
            *self = Self { second, used: 0 };
        }
        self.used += 1;
        self.used <= PER_SECOND
    }
}

impl Engine {
    /// Names who hears the STUN that comes to a channel; its ports are STUN's too from then on.
    ///
    /// # Errors
    /// When the channel is not open, or its thread takes no orders.
    pub fn listen_stun(&self, channel: ChannelId, listener: StunListener) -> Result<(), EngineFault> {
        self.tell(channel, Order::Listen(channel, listener))
    }

    /// Sends a STUN datagram from a side's RTP or RTCP port.
    ///
    /// # Errors
    /// As [`listen_stun`](Self::listen_stun).
    pub fn send_stun(
        &self,
        channel: ChannelId,
        (side, control): (Side, bool),
        to: SocketAddr,
        bytes: Vec<u8>,
    ) -> Result<(), EngineFault> {
        let stun = Stun { side, control, from: to, bytes };
        self.tell(channel, Order::SendStun(channel, Box::new(stun)))
    }
}

impl Channel {
    /// `stun.from` is where it goes to.
    pub(super) fn send_stun(&mut self, stun: &Stun) {
        let leg = &mut self.legs[stun.side.index()];
        let socket = if stun.control { &leg.rtcp } else { &leg.rtp };
        if socket.send_to(&stun.bytes, stun.from).is_err() {
            leg.cells.one(Count::SendFailed);
        }
    }
}

/// Whether the datagram was STUN and went to the listener, or over the limit.
pub(super) fn pass(
    listener: Option<&StunListener>,
    leg: &mut Leg,
    control: bool,
    datagram: &[u8],
    from: SocketAddr,
    now: Moment,
) -> bool {
    let stun = datagram.first().is_some_and(|first| *first < 4);
    let Some(listener) = listener.filter(|_| stun) else { return false };
    match leg.allowance.take(now) {
        true => listener(Stun { side: leg.side, control, from, bytes: datagram.to_vec() }),
        false => leg.cells.one(Count::Strangers),
    }
    true
}
