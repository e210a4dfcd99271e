//! Why the engine does not take an order.

use std::io;

use kirkwall_core::id::{ChannelId, MixerId};

use super::mixer::{MOST_MIXERS, MOST_PARTIES};
use super::srtp::BadKey;

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EngineFault {
    /// Not now: every pair of ports is taken, by channels or by other programs.
    #[error("no RTP ports left; widen [media] ports, or wait for calls to end")]
    NoPorts,
    /// The channel is open already.
    #[error("media channel {0} is open already")]
    Exists(ChannelId),
    /// No such channel is open.
    #[error("media channel {0} is not open")]
    Unknown(ChannelId),
    /// The flow cannot be used as it stands.
    #[error("media flow of channel {channel}: {field} is {got}, expected {expected}")]
    BadFlow {
        /// Which channel.
        channel: ChannelId,
        /// The field of [`Flow`].
        field: &'static str,
        /// What stands there.
        got: u8,
        /// What may stand there.
        expected: &'static str,
    },
    /// A key of the flow cannot be used.
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// Not now: everybody who can has a seat in this conference.
    #[error("the conference has {MOST_PARTIES} parties already")]
    MixerFull(MixerId),
    /// Not now.
    #[error("there are {MOST_MIXERS} conferences already")]
    NoMixers,
    /// We could not: the media thread is so far behind that its queue of orders is full.
    #[error("media thread is overloaded")]
    Overloaded,
    /// We could not: the media thread has ended.
    #[error("media thread has stopped")]
    Stopped,
    /// We could not: the system refused a socket or randomness.
    #[error("media sockets: {0}")]
    System(#[from] io::Error),
}
