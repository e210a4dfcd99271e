//! Who stands at an endpoint's door: judges what arrives, and has the last word on what leaves.
//!
//! A front end that signs every message cannot leave that to those who write the messages: CANCEL, the ACK
//! to a refusal and 100 are made by transactions. So it stands here, between transactions and sockets.

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::{Hop, Message, ServerTransaction};

/// See the module.
pub trait Guard: Send + Sync {
    /// Judges a message; `peer` are the names in the certificate that the other end showed.
    fn arriving(&self, message: &mut Message, hop: &Hop, peer: &[String]) -> Verdict;

    /// Completes a message that is about to leave.
    fn leaving(&self, message: &mut Message, hop: &Hop, peer: &[String]);

    /// Where a request of a dialog goes whose connection is gone: to where its endpoint is registered now.
    fn way_to(&self, request: &Message) -> Option<Hop>;

    /// Whether a TLS connection with this client certificate stays; none was shown when it is empty.
    fn admits(&self, peer: &[String]) -> bool;
}

/// What becomes of a message that arrived.
pub enum Verdict {
    /// It is what it says.
    Pass,
    /// It is forgotten.
    Drop,
    /// It is answered so. Only requests but ACK can be refused; others are forgotten.
    Refuse(Refusal),
}

/// An answer in place of the owner's.
pub struct Refusal {
    /// 300 to 699.
    pub code: u16,
    /// The words.
    pub reason: &'static str,
    /// Headers besides the copied ones.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn into_response(self, server: &ServerTransaction) -> Message {
        let mut response = server.reply(self.code, self.reason);
        self.headers.into_iter().for_each(|(name, value)| response.push(name, value));
        response
    }
}

impl Endpoint {
    /// The octets of a message for the wire, with the guard's last word.
    pub(super) fn seal(&self, message: &mut Message, hop: &Hop) -> Bytes {
        if let Some(guard) = &self.0.guard {
            guard.leaving(message, hop, &self.peer_names(hop));
        }
        message.to_bytes()
    }

    pub(super) fn judge(&self, message: &mut Message, hop: &Hop) -> Verdict {
        let Some(guard) = &self.0.guard else { return Verdict::Pass };
        let verdict = guard.arriving(message, hop, &self.peer_names(hop));
        if let Verdict::Drop = verdict {
            tracing::debug!(from = %hop.address, call_id = message.call_id(), "dropped by the guard");
        }
        verdict
    }

    /// The names in the certificate of the other end of a connection.
    pub fn peer_names(&self, hop: &Hop) -> std::sync::Arc<[String]> {
        let flow = hop.connection.and_then(|id| self.flows().get(id));
        flow.map_or_else(|| [].into(), |flow| flow.names)
    }

    /// The hop of an open connection.
    pub fn hop_of(&self, connection: u64) -> Option<Hop> {
        let flow = self.flows().get(connection)?;
        Some(Hop { transport: flow.transport, address: flow.remote, connection: Some(connection) })
    }

    /// The address of a host that the configuration names.
    pub fn host(&self, name: &str) -> Option<std::net::SocketAddr> {
        let hosts = self.0.hosts.iter();
        hosts.clone().find(|(host, _)| host.eq_ignore_ascii_case(name)).map(|(_, address)| *address)
    }
}
