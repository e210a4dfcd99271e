//! What of an allocation survives a restart of the node.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Access, Challenge, RelayTransport, State, Timer, Turn};
use crate::timer::Moment;

/// An allocation that stands, with what proves that it is ours. It holds a password: seal it at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    access: Access,
    challenge: Option<Challenge>,
    sequence: Option<([u8; 20], u32)>,
    active: Option<SocketAddr>,
}

/// \[MS-TURN\] §2.2.2.21 has the number of a request grow. Those sent between the last record and the end of
/// the process are fewer than this.
const LEAP: u32 = 10_000;

impl Turn {
    /// A copy of what must survive; none when there is nothing, or nothing that can: an allocation made over
    /// TCP ends with its connection.
    pub fn record(&self) -> Option<Record> {
        let stands = self.state == State::Allocated && self.transport == RelayTransport::Udp;
        stands.then(|| Record {
            access: self.access.clone(),
            challenge: self.challenge.clone(),
            sequence: self.sequence,
            active: self.active,
        })
    }

    /// The client of a record. It refreshes at once: how much of the allocation's time has passed meanwhile is
    /// not known, and a relay that was started anew has forgotten it.
    pub fn restore(record: Record, now: Moment) -> Self {
        let mut turn = Self::new(RelayTransport::Udp, record.access);
        turn.state = State::Allocated;
        turn.challenge = record.challenge;
        turn.sequence = record.sequence.map(|(id, number)| (id, number.wrapping_add(LEAP)));
        turn.active = record.active;
        turn.timers.set(Timer::Refresh, now + Duration::ZERO);
        turn
    }
}
