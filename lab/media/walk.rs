//! A stream's side of ICE: its second socket, and the agent that looks for the way.

use std::net::SocketAddr;

use tokio::net::UdpSocket;
use tokio::sync::watch;

use crate::ice::{Agent, Found, Manner, Side};

/// The stream's side of ICE.
pub(super) struct Ice {
    pub(super) ours: Side,
    pub(super) theirs: watch::Sender<Option<(Side, bool)>>,
    pub(super) found: Found,
}

impl Ice {
    pub(super) fn new(ours: Side) -> Self {
        Self { ours, theirs: watch::Sender::new(None), found: Found::default() }
    }

    /// What the task of the stream needs; none for who checks nothing.
    pub(super) fn walks(&self, rtcp: UdpSocket, manner: Manner) -> Option<Walks> {
        let Manner::Full { dialect, behind_relays } = manner else { return None };
        let agent = Agent::new(self.ours.clone(), dialect, behind_relays, self.found.clone());
        Some(Walks { agent, rtcp, theirs: self.theirs.subscribe() })
    }
}

/// The agent at work, with the second socket.
pub(super) struct Walks {
    pub(super) agent: Agent,
    pub(super) rtcp: UdpSocket,
    pub(super) theirs: watch::Receiver<Option<(Side, bool)>>,
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
