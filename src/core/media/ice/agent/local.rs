//! Our own candidates.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::media::ice::candidate::{Candidate, Component, Kind, Transport, priority};

/// A candidate of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// As it stands in SDP.
    pub candidate: Candidate,
    /// Where its packets leave from.
    pub base: SocketAddr,
}

impl Local {
    /// An own socket. `foundation` counts our addresses from 1, the preferred one first; RTP and RTCP of
    /// one address have the same (RFC 5245 §4.1.1.3).
    pub fn host(component: Component, base: SocketAddr, foundation: u16) -> Self {
        Self { candidate: candidate(Kind::Host, Transport::Udp, component, base, None, foundation), base }
    }

    /// What a server or relay saw of the socket `base`. Its foundation is not that of the socket.
    pub fn server_reflexive(
        component: Component,
        address: SocketAddr,
        base: SocketAddr,
        foundation: u16,
    ) -> Self {
        let kind = Kind::ServerReflexive;
        Self { candidate: candidate(kind, Transport::Udp, component, address, Some(base), foundation), base }
    }

    /// An address of a relay that sees us as `reflexive`.
    pub fn relayed(
        component: Component,
        transport: Transport,
        address: SocketAddr,
        reflexive: SocketAddr,
        foundation: u16,
    ) -> Self {
        let candidate = candidate(Kind::Relayed, transport, component, address, Some(reflexive), foundation);
        Self { candidate, base: address }
    }

    /// Whether checks are sent from it. RFC 5245 §5.7.3: a reflexive candidate is replaced by its base.
    pub(super) fn is_base(&self) -> bool {
        matches!(self.candidate.kind, Kind::Host | Kind::Relayed)
    }
}

fn candidate(
    kind: Kind,
    transport: Transport,
    component: Component,
    address: SocketAddr,
    related: Option<SocketAddr>,
    foundation: u16,
) -> Candidate {
    Candidate {
        foundation: foundation.to_string(),
        component,
        transport,
        priority: priority(kind, transport, foundation, component),
        address,
        kind,
        related,
        // Lync ends its lines so.
        rest: " ".to_owned(),
    }
}
