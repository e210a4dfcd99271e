//! Figures of a channel. One thread writes them, anyone reads them, nobody waits.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident $count:ident,)*) => {
        /// Figures of one side since the channel was opened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct SideCounters {
            $($(#[$doc])* pub $field: u64,)*
        }

        /// Names the cells of [`Cells`], one per field of [`SideCounters`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Count {
            $($count,)*
        }

        const CELLS: usize = [$(Count::$count,)*].len();

        impl Cells {
            /// All figures. Each is exact; a packet in flight may be in one and not yet in another.
            pub(super) fn read(&self) -> SideCounters {
                SideCounters { $($field: self.get(Count::$count),)* }
            }
        }
    };
}

counters! {
    /// Packets taken from this peer: from the right source, authentic, well-formed.
    packets_in PacketsIn,
    /// Their payload octets.
    octets_in OctetsIn,
    /// Packets sent to this peer.
    packets_out PacketsOut,
    /// Their payload octets.
    octets_out OctetsOut,
    /// Lost between the peer and us (RFC 3550 A.3); duplicates count against it, but never below zero.
    lost Lost,
    /// Interarrival jitter of the present source, in microseconds (RFC 3550 A.8).
    jitter_us Jitter,
    /// Lost between us and the peer, by its last report.
    remote_lost RemoteLost,
    /// Jitter that the peer reported last, in microseconds.
    remote_jitter_us RemoteJitter,
    /// Round-trip time by the last report, in microseconds; 0 until there is one.
    round_trip_us RoundTrip,
    /// Key presses heard.
    digits Digits,
    /// Refused: no RTP or RTCP, cut short, or too long.
    malformed Malformed,
    /// Refused: from somebody else than the peer.
    strangers Strangers,
    /// Refused: did not authenticate, or was in clear on an SRTP flow.
    unauthentic Unauthentic,
    /// Refused: an SRTP packet that had come before, or is older than the replay window.
    replayed Replayed,
    /// Not passed on: payload type that this leg did not agree on.
    unknown_payload UnknownPayload,
    /// Not passed on: the other leg does not take this (no such event or noise type, other codec).
    untranslatable Untranslatable,
    /// Not passed on: this side is not to be listened to, or the other one not to be sent to.
    paused Paused,
    /// Not passed on: sequence number far from the stream, or of a source that has been replaced.
    stray Stray,
    /// Not sent to this peer: no address known yet, or the flow is not set.
    no_destination NoDestination,
    /// Not sent to this peer: SRTP would have used an index twice, or failed.
    unprotected Unprotected,
    /// Not sent to this peer: the socket refused.
    send_failed SendFailed,
}

/// Figures of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelCounters {
    /// The calling leg.
    pub a: SideCounters,
    /// The called leg.
    pub b: SideCounters,
}

/// The live figures of a side. Written by its media thread only, so a plain load and store add up.
#[derive(Debug, Default)]
pub(super) struct Cells([AtomicU64; CELLS]);

impl Cells {
    pub(super) fn add(&self, count: Count, by: u64) {
        self.set(count, self.get(count).wrapping_add(by));
    }

    pub(super) fn one(&self, count: Count) {
        self.add(count, 1);
    }

    pub(super) fn set(&self, count: Count, value: u64) {
        self.0[count as usize].store(value, Ordering::Relaxed);
    }

    pub(super) fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }
}
