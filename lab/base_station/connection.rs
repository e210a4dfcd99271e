//! The connections of one base: handsets by the number that the link knows them by.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use crate::radio::{Bearer, Handover};

/// A connection of a handset.
#[derive(Debug)]
pub(super) struct Connection {
    /// The radio side of it.
    pub bearer: Arc<Bearer>,
    /// As the medium access layer knows the handset.
    pub pmid: u32,
    /// How far it is.
    pub state: State,
    /// Its media stream.
    pub media: Option<u32>,
    /// Whether it is ciphered.
    pub ciphered: bool,
    /// Messages sent and received: what a base tells its successor of the data link.
    pub messages: (u16, u16),
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// CONN_IND or HO_IND is sent.
    Asked {
        /// The handover that it is.
        handover: Option<Handover>,
        /// Since when.
        since: Instant,
    },
    /// The switch took it.
    Up,
}

impl Connection {
    /// What the next base is told: PMID and the counts of the data link.
    pub(super) fn dlc_state(&self) -> [u8; 8] {
        let mut blob = [0; 8];
        blob[..4].copy_from_slice(&self.pmid.to_be_bytes());
        blob[4..6].copy_from_slice(&self.messages.0.to_be_bytes());
        blob[6..].copy_from_slice(&self.messages.1.to_be_bytes());
        blob
    }

    /// Takes over what the old base told; false when it is of another handset.
    pub(super) fn take_dlc_state(&mut self, blob: &[u8]) -> bool {
        let Ok([a, b, c, d, sent_high, sent_low, got_high, got_low]) = <[u8; 8]>::try_from(blob) else {
            return false;
        };
        self.messages = (u16::from_be_bytes([sent_high, sent_low]), u16::from_be_bytes([got_high, got_low]));
        u32::from_be_bytes([a, b, c, d]) == self.pmid
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Connections {
    by_id: BTreeMap<u16, Connection>,
    next: u16,
}

impl Connections {
    /// Adds one under a number that none has.
    pub(super) fn add(&mut self, connection: Connection) -> u16 {
        loop {
            self.next = self.next.wrapping_add(1).max(1);
            if !self.by_id.contains_key(&self.next) {
                self.by_id.insert(self.next, connection);
                return self.next;
            }
        }
    }

    pub(super) fn get(&self, id: u16) -> Option<&Connection> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u16) -> Option<&mut Connection> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: u16) -> Option<Connection> {
        self.by_id.remove(&id)
    }

    /// The number of a bearer's connection.
    pub(super) fn of_bearer(&self, bearer: u64) -> Option<u16> {
        self.by_id.iter().find(|(_, connection)| connection.bearer.number == bearer).map(|(id, _)| *id)
    }

    pub(super) fn ids(&self) -> Vec<u16> {
        self.by_id.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Slot pairs in use: a long slot takes two.
    pub(super) fn pairs(&self) -> usize {
        self.by_id.len() + self.long()
    }

    /// How many have a long slot.
    pub(super) fn long(&self) -> usize {
        self.by_id.values().filter(|connection| connection.bearer.is_long()).count()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, &Connection)> {
        self.by_id.iter().map(|(id, connection)| (*id, connection))
    }
}
