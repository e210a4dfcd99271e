//! The server's side of a transaction (RFC 3261 §17.2): answers, repeats them, sees CANCEL and ACK.

use bytes::Bytes;
use ezk_sip_types::Method;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::endpoint::{Endpoint, Expired, PATIENCE, T1, T2};
use super::{Hop, Message, Transport, fresh_token};

/// What the endpoint keeps of it.
pub(super) struct Server {
    /// The last answer, repeated when the request is.
    pub(super) last: Option<Bytes>,
    /// Whether that was a 2xx: its ACK is not the transaction's (RFC 3261 §17.2.1).
    pub(super) accepted: bool,
    pub(super) cancelled: CancellationToken,
    pub(super) acked: CancellationToken,
}

/// A request to be answered. Dropped without a final answer, it is forgotten after 64·T1.
pub struct ServerTransaction {
    endpoint: Endpoint,
    key: String,
    /// The headers that answers copy.
    request: Message,
    hop: Hop,
    tag: String,
    cancelled: CancellationToken,
    acked: CancellationToken,
}

impl ServerTransaction {
    pub(super) fn new(endpoint: Endpoint, key: String, request: &Message, hop: Hop) -> Self {
        let mut request = request.clone();
        request.body = Bytes::new();
        let (cancelled, acked) = (CancellationToken::new(), CancellationToken::new());
        Self { endpoint, key, request, hop, tag: fresh_token(), cancelled, acked }
    }

    pub(super) fn record(&self) -> Server {
        Server { last: None, accepted: false, cancelled: self.cancelled.clone(), acked: self.acked.clone() }
    }

    /// The tag that our answers put into To when the request brought none.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The way back to who asks.
    pub fn hop(&self) -> Hop {
        self.hop
    }

    /// Cancelled when a CANCEL for this request arrived (it is answered already).
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// To be cancelled by the owner when the ACK to its 2xx arrived.
    pub fn acked(&self) -> &CancellationToken {
        &self.acked
    }

    /// An answer with the copied headers and our tag (RFC 3261 §8.2.6.2).
    pub fn reply(&self, code: u16, reason: &str) -> Message {
        let mut response = Message::response_to(&self.request, code, reason);
        if code > 100 && response.tag("To").is_none() {
            let to = response.header("To").unwrap_or("").to_owned();
            response.set("To", format!("{to};tag={}", self.tag));
        }
        response
    }

    /// Sends an answer. A refusal of INVITE is repeated over UDP until its ACK (timers G and H); a 2xx is
    /// sent once: see [`Self::accept`].
    pub async fn send(&self, mut response: Message) {
        self.say(&mut response).await;
        let refused = response.code() >= Some(300) && self.request.method() == Some(&Method::INVITE);
        if refused && self.hop.transport == Transport::Udp {
            self.repeat(response);
        }
    }

    /// Sends a 2xx to INVITE as its user agent, and repeats it until [`Self::acked`] (RFC 3261 §13.3.1.4).
    pub async fn accept(&self, mut response: Message) {
        self.say(&mut response).await;
        self.repeat(response);
    }

    async fn say(&self, response: &mut Message) {
        let octets = self.endpoint.seal(response, &self.hop);
        let accepted = response.code().is_some_and(|code| (200..300).contains(&code));
        self.endpoint.with_server(&self.key, |server| {
            (server.last, server.accepted) = (Some(octets.clone()), accepted);
        });
        if let Err(error) = self.endpoint.send_raw(octets, &self.hop).await {
            tracing::debug!(%error, "answer not sent");
        }
    }

    /// Says it again and again; who signs, signs each anew.
    fn repeat(&self, mut response: Message) {
        let (endpoint, hop, acked) = (self.endpoint.clone(), self.hop, self.acked.clone());
        self.endpoint.spawn(async move {
            let (end, mut interval) = (Instant::now() + PATIENCE, T1);
            while Instant::now() < end {
                let stop = endpoint.stop_token();
                let acked = acked.run_until_cancelled(stop.run_until_cancelled(sleep(interval)));
                if !matches!(acked.await, Some(Some(()))) {
                    return;
                }
                let octets = endpoint.seal(&mut response, &hop);
                let _ = endpoint.send_raw(octets, &hop).await;
                interval = (interval * 2).min(T2);
            }
        });
    }
}

impl Drop for ServerTransaction {
    fn drop(&mut self) {
        self.endpoint.expire(Expired::Server(std::mem::take(&mut self.key)));
    }
}
