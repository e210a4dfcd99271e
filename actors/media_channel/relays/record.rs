//! What of a side's allocations survives the process.

use std::net::SocketAddr;

use kirkwall_core::media::ice::turn::reservation::BandwidthReservation;
use kirkwall_core::media::ice::turn::{self, RelayTransport, Turn};
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use super::super::bandwidth::SidePolicy;
use super::{Client, SideRelay};

/// Allocations of one side that survive the process. They hold a password: the record is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayRecord {
    server: SocketAddr,
    clients: [ClientRecord; 2],
    /// What is reserved there.
    #[serde(default)]
    reservation: Option<BandwidthReservation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClientRecord {
    turn: turn::Record,
    address: (SocketAddr, SocketAddr),
    wanted: Option<SocketAddr>,
}

impl SideRelay {
    /// What survives; none of what cannot.
    pub(in super::super) fn record(&self) -> Option<RelayRecord> {
        let client = |client: &Client| {
            let (turn, address, wanted) = (client.turn.record()?, client.address?, client.wanted);
            Some(ClientRecord { turn, address, wanted })
        };
        let [rtp, rtcp] = &self.clients;
        let (clients, reservation) = ([client(rtp)?, client(rtcp)?], Some(self.policy.record()));
        Some(RelayRecord { server: self.server, clients, reservation })
    }

    /// As it was.
    pub(in super::super) fn restore(record: RelayRecord, now: Moment) -> Self {
        let client = |ClientRecord { turn, address, wanted }| Client {
            turn: Turn::restore(turn, now),
            stream: None,
            address: Some(address),
            ended: false,
            wanted,
        };
        let policy = record.reservation.map(|reserved| SidePolicy::resumed(reserved, now));
        let (transport, policy) = (RelayTransport::Udp, policy.unwrap_or_default());
        Self {
            transport,
            server: record.server,
            clients: record.clients.map(client),
            policy,
            reserve: None,
            number: 0,
        }
    }
}
