//! The client's side of a transaction (RFC 3261 §17.1). Its owner drives it by asking for the next
//! response; timers run while it asks.

use std::time::Duration;

use bytes::Bytes;
use ezk_sip_types::Method;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::endpoint::{Endpoint, Expired, PATIENCE, T1, T2};
use super::{Failure, Hop, Message, Transport};

/// Timer C of RFC 3261 §16.6: how long a provisional response keeps an INVITE waiting.
const TIMER_C: Duration = Duration::from_secs(185);
/// Most responses that wait for their owner.
const QUEUE: usize = 16;

/// What the endpoint does with a response.
pub(super) enum Client {
    /// Give it to the owner.
    Waiting(mpsc::Sender<Message>),
    /// The final answer was acknowledged: say the same again.
    Acknowledged { ack: Bytes, hop: Hop },
}

/// A request on its way.
pub struct ClientTransaction {
    endpoint: Endpoint,
    key: String,
    /// The request as sent, with its Via.
    request: Message,
    octets: Bytes,
    hop: Hop,
    responses: mpsc::Receiver<Message>,
    /// Timers A and E: when to send again, and the interval; none on streams and after a response.
    resend: Option<(Instant, Duration)>,
    deadline: Instant,
    finished: bool,
    acknowledged: bool,
}

impl ClientTransaction {
    pub(super) async fn start(
        endpoint: Endpoint,
        mut request: Message,
        branch: String,
        hop: Hop,
    ) -> Result<Self, Failure> {
        let key = format!("{branch} {}", request.cseq_method());
        let (owner, responses) = mpsc::channel(QUEUE);
        endpoint.add_client(&key, Client::Waiting(owner))?;
        let octets = endpoint.seal(&mut request, &hop);
        let now = Instant::now();
        let resend = (hop.transport == Transport::Udp).then_some((now + T1, T1));
        let transaction = Self {
            endpoint,
            key,
            request,
            octets: octets.clone(),
            hop,
            responses,
            resend,
            deadline: now + PATIENCE,
            finished: false,
            acknowledged: false,
        };
        transaction.endpoint.send_raw(octets, &hop).await?;
        Ok(transaction)
    }

    /// The next response; `None` after the final one, or when no answer came in time. Non-2xx answers to
    /// INVITE are acknowledged here (RFC 3261 §17.1.1.3). Safe to drop between polls.
    pub async fn next(&mut self) -> Option<Message> {
        while !self.finished {
            let resend_at = self.resend.map_or(self.deadline, |(at, _)| at.min(self.deadline));
            match timeout_at(resend_at, self.responses.recv()).await {
                Ok(Some(response)) => {
                    self.take(&response).await;
                    return Some(response);
                }
                Ok(None) => self.finished = true,
                Err(_) if Instant::now() >= self.deadline => self.finished = true,
                Err(_) => self.send_again().await,
            }
        }
        None
    }

    /// The final response; `None` when none came in time.
    pub async fn outcome(mut self) -> Option<Message> {
        loop {
            match self.next().await {
                Some(response) if response.code() < Some(200) => {}
                last => return last,
            }
        }
    }

    /// The request as it went out.
    pub fn request(&self) -> &Message {
        &self.request
    }

    /// The hop it took, with its connection.
    pub fn hop(&self) -> Hop {
        self.hop
    }

    /// Sends CANCEL for this INVITE (RFC 3261 §9.1) and sees it through. Call it only after a provisional
    /// response; the INVITE's final answer still comes out of [`Self::next`].
    pub async fn cancel(&mut self) {
        self.cancel_because(None).await;
    }

    /// The same, with a Reason (RFC 3326).
    pub async fn cancel_because(&mut self, reason: Option<&str>) {
        // RFC 3261 §9.1: once the final answer is there, a CANCEL would only harm what comes next.
        if self.finished {
            return;
        }
        let mut cancel = self.sibling(Method::CANCEL);
        for name in ["Authorization", "Proxy-Authorization"] {
            self.request.headers_named(name).for_each(|value| cancel.push(name, value));
        }
        if let Some(reason) = reason {
            cancel.push("Reason", reason);
        }
        let branch = self.key.split(' ').next().unwrap_or("").to_owned();
        match Self::start(self.endpoint.clone(), cancel, branch, self.hop).await {
            Ok(transaction) => self.endpoint.spawn(async move { drop(transaction.outcome().await) }),
            Err(error) => tracing::debug!(%error, "CANCEL not sent"),
        }
        // RFC 3261 §9.1: without a final answer 64·T1 after the CANCEL, the INVITE counts as cancelled.
        self.deadline = Instant::now() + PATIENCE;
    }

    /// Sends the ACK to a 2xx, and again for every repetition of the 2xx.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub async fn acknowledge(&mut self, ack: Message, hop: &Hop) -> Result<(), Failure> {
        let hop = self.endpoint.connect(&self.endpoint.way_now(&ack, hop)).await?;
        let octets = self.endpoint.send_once(ack, &hop).await?;
        self.remember(octets, hop);
        Ok(())
    }

    async fn take(&mut self, response: &Message) {
        let invite = self.request.cseq_method() == "INVITE";
        match response.code().unwrap_or(0) {
            // RFC 3261 §17.1.2.2: in "Proceeding" a non-INVITE request goes on at intervals of T2.
            0..200 if !invite => self.resend = self.resend.map(|_| (Instant::now() + T2, T2)),
            0..200 => {
                self.resend = None;
                self.deadline = self.deadline.max(Instant::now() + TIMER_C);
            }
            200..300 => self.finished = true,
            _ => {
                self.finished = true;
                if invite {
                    self.acknowledge_refusal(response).await;
                }
            }
        }
    }

    async fn acknowledge_refusal(&mut self, response: &Message) {
        let mut ack = self.sibling(Method::ACK);
        ack.set("To", response.header("To").unwrap_or(""));
        let octets = self.endpoint.seal(&mut ack, &self.hop);
        if let Err(error) = self.endpoint.send_raw(octets.clone(), &self.hop).await {
            tracing::debug!(%error, "ACK not sent");
        }
        self.remember(octets, self.hop);
    }

    fn remember(&mut self, ack: Bytes, hop: Hop) {
        self.acknowledged = self.endpoint.add_client(&self.key, Client::Acknowledged { ack, hop }).is_ok();
    }

    /// ACK and CANCEL of the same branch: single Via, Route as in the request (RFC 3261 §9.1, §17.1.1.3).
    fn sibling(&self, method: Method) -> Message {
        let name = method.to_string();
        let mut message = Message::request(method, self.request.uri());
        message.push("Via", self.request.header("Via").unwrap_or(""));
        self.request.headers_named("Route").for_each(|route| message.push("Route", route));
        message.push("Max-Forwards", "70");
        for header in ["From", "To", "Call-ID"] {
            message.push(header, self.request.header(header).unwrap_or(""));
        }
        message.push("CSeq", format!("{} {name}", self.request.cseq_number()));
        message
    }

    async fn send_again(&mut self) {
        let Some((_, interval)) = self.resend else { return sleep_until(self.deadline).await };
        let invite = self.request.cseq_method() == "INVITE";
        let next = if invite { interval * 2 } else { (interval * 2).min(T2) };
        self.resend = Some((Instant::now() + next, next));
        let _ = self.endpoint.send_raw(self.octets.clone(), &self.hop).await;
    }
}

impl Drop for ClientTransaction {
    fn drop(&mut self) {
        if self.acknowledged {
            self.endpoint.expire(Expired::Client(std::mem::take(&mut self.key)));
        } else {
            self.endpoint.remove_client(&self.key);
        }
    }
}
