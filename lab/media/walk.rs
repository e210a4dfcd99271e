//! A stream's side of ICE: its second socket, and the agent that looks for the way.

use std::net::SocketAddr;

use tokio::net::UdpSocket;
use tokio::sync::watch;

use crate::ice::wire::Wires;
use crate::ice::{Agent, Found, Manner, Reach, Side};

/// The stream's side of ICE.
pub(super) struct Ice {
    pub(super) ours: Side,
    pub(super) theirs: watch::Sender<Option<(Side, bool)>>,
    pub(super) found: Found,
}

impl Ice {
    pub(super) fn new(mut ours: Side, manner: Manner) -> Self {
        if matches!(manner, Manner::Full { reach: Reach::OverOwnRelay, .. }) {
            ours = ours.with_own_relay();
        }
        ours.draft6 = manner == Manner::Draft6;
        let over_tcp = matches!(manner, Manner::Full { reach: Reach::RelaysOverTcp, .. });
        ours.candidates.iter_mut().for_each(|one| one.tcp = over_tcp);
        Self { ours, theirs: watch::Sender::new(None), found: Found::default() }
    }

    /// What the task of the stream needs; none for who checks nothing.
    pub(super) fn walks(&self, rtcp: UdpSocket, manner: Manner) -> Option<Walks> {
        let Manner::Full { dialect, reach } = manner else { return None };
        let agent = Agent::new(self.ours.clone(), dialect, reach, self.found.clone());
        Some(Walks { agent, rtcp, wires: Wires::default(), theirs: self.theirs.subscribe() })
    }
}

/// The agent at work, with the second socket.
pub(super) struct Walks {
    pub(super) agent: Agent,
    pub(super) rtcp: UdpSocket,
    /// Connections to addresses of the other end that are of TCP.
    pub(super) wires: Wires,
    pub(super) theirs: watch::Receiver<Option<(Side, bool)>>,
}

impl Walks {
    /// Takes the other end's side up.
    pub(super) fn meet(&mut self, theirs: Side, controls: bool, now: tokio::time::Instant) {
        self.agent.meet(theirs, controls, now);
        self.wires.dial(&self.agent.dials());
    }
}

/// Waits for a packet; for ever when there is no socket.
pub(super) async fn from_maybe(
    socket: Option<&UdpSocket>,
    buffer: &mut [u8],
) -> std::io::Result<(usize, SocketAddr)> {
    match socket {
        Some(socket) => socket.recv_from(buffer).await,
        None => std::future::pending().await,
    }
}

/// Waits for a packet over TCP; for ever when there is no agent.
pub(super) async fn heard(wires: Option<Wires>) -> crate::ice::wire::Heard {
    match wires {
        Some(wires) => wires.next().await,
        None => std::future::pending().await,
    }
}
