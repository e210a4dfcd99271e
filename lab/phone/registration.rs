//! Registering a phone, once or for as long as it lives (RFC 3261 §10.2).

use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{ALLOW, Phone};
use crate::sip::digest::Challenge;
use crate::sip::{Failure, Hop, Message, address, fresh_token};

/// First wait after a failure; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// Longest wait after a failure.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Where a registration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not yet asked.
    Unknown,
    /// Accepted; to be renewed within this time.
    Registered(Duration),
    /// Refused with this status; tried again later.
    Refused(u16),
    /// No answer, or no way there; tried again later.
    Unreachable(String),
    /// Ended by us.
    Ended,
}

/// The stable parts of a phone's REGISTERs.
pub struct Registrar {
    phone: Phone,
    hop: Hop,
    /// The hop of the last REGISTER, with its connection.
    taken: Option<Hop>,
    call_id: String,
    tag: String,
    cseq: u32,
    /// The last challenge, answered at once next time, with its header's status.
    challenge: Option<(u16, Challenge)>,
}

impl Registrar {
    /// Registers `phone` at this hop.
    pub fn new(phone: Phone, hop: Hop) -> Self {
        Self { phone, hop, taken: None, call_id: fresh_token(), tag: fresh_token(), cseq: 0, challenge: None }
    }

    /// One REGISTER, with its challenge answered. Zero `expires` ends the registration.
    ///
    /// # Errors
    /// When the hop cannot be reached.
    pub async fn register(&mut self, expires: Duration) -> Result<Standing, Failure> {
        let endpoint = self.phone.0.endpoint.clone();
        let hop = endpoint.connect(&self.hop).await?;
        self.taken = Some(hop);
        for _ in 0..3 {
            let request = self.request(expires, &hop)?;
            let answer = endpoint.request(request, &hop).await?.outcome();
            let answer = tokio::select! {
                biased;
                answer = answer => answer,
                // RFC 3261 §17.1.4: no answer comes over a connection that is gone.
                () = self.disconnected() => None,
            };
            let Some(response) = answer else {
                return Ok(Standing::Unreachable("no answer to REGISTER".into()));
            };
            let code = response.code().unwrap_or(0);
            match (code, Challenge::of(&response)) {
                (200..300, _) if expires.is_zero() => return Ok(Standing::Ended),
                (200..300, _) => return Ok(Standing::Registered(granted(&response, expires))),
                (401 | 407, Some(challenge)) if self.phone.0.config.credentials.is_some() => {
                    // The second challenge in a row can only mean a nonce that had grown old.
                    self.challenge = Some((code, challenge));
                }
                _ => return Ok(Standing::Refused(code)),
            }
        }
        Ok(Standing::Refused(401))
    }

    fn request(&mut self, expires: Duration, hop: &Hop) -> Result<Message, Failure> {
        self.cseq += 1;
        let config = self.phone.config();
        let mut request = Message::request(Method::REGISTER, format!("sip:{}", config.domain));
        request.push("Max-Forwards", "70");
        request.push("From", format!("{};tag={}", self.phone.identity(), self.tag));
        request.push("To", self.phone.identity());
        request.push("Call-ID", &self.call_id);
        request.push("CSeq", format!("{} REGISTER", self.cseq));
        request.push("Contact", self.phone.contact(hop)?);
        request.push("Expires", expires.as_secs().to_string());
        request.push("Allow", ALLOW);
        request.push("User-Agent", &config.product);
        if let (Some((code, challenge)), Some(credentials)) = (&self.challenge, &config.credentials) {
            challenge.sign(&mut request, *code, credentials);
        }
        Ok(request)
    }

    /// Registers until `stop`, renews at half time, tries again after failures and at once when its
    /// connection closes; then ends the registration.
    pub async fn keep(
        mut self,
        expires: Duration,
        standing: watch::Sender<Standing>,
        stop: CancellationToken,
    ) {
        let mut retry = FIRST_RETRY;
        loop {
            let Some(outcome) = stop.run_until_cancelled(self.register(expires)).await else { break };
            let now = outcome.unwrap_or_else(|error| Standing::Unreachable(error.to_string()));
            let wait = match &now {
                Standing::Registered(granted) => {
                    retry = FIRST_RETRY;
                    *granted / 2
                }
                _ => {
                    let wait = retry;
                    retry = (retry * 2).min(LAST_RETRY);
                    wait
                }
            };
            let registered = matches!(now, Standing::Registered(_));
            standing.send_replace(now);
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(wait) => {}
                () = self.disconnected(), if registered => {}
            }
        }
        if matches!(*standing.borrow(), Standing::Registered(_)) {
            let _ = tokio::time::timeout(Duration::from_secs(1), self.register(Duration::ZERO)).await;
        }
        standing.send_replace(Standing::Ended);
    }

    /// Ends when the connection of the registration closes; never over UDP.
    async fn disconnected(&self) {
        let Some(hop) = self.taken.filter(|hop| hop.connection.is_some()) else {
            return std::future::pending().await;
        };
        if let Some(closed) = self.phone.0.endpoint.closed(&hop) {
            closed.cancelled().await;
        }
    }
}

/// What the registrar granted to our Contact (RFC 3261 §10.2.4).
fn granted(response: &Message, asked: Duration) -> Duration {
    let of_contact = response.headers_named("Contact").flat_map(address::list);
    let seconds = of_contact.filter_map(|c| address::param(c, "expires")?.parse().ok()).max();
    let seconds = seconds.or_else(|| response.header("Expires")?.trim().parse().ok());
    seconds.map_or(asked, Duration::from_secs).max(Duration::from_secs(1))
}

/// Waits until a registration stands, at most so long.
///
/// # Errors
/// With the last standing.
pub async fn registered_within(
    standing: &mut watch::Receiver<Standing>,
    limit: Duration,
) -> Result<(), Standing> {
    let end = Instant::now() + limit;
    let fits = standing.wait_for(|now| matches!(now, Standing::Registered(_)));
    let fits = tokio::time::timeout_at(end, fits).await.is_ok_and(|found| found.is_ok());
    if fits { Ok(()) } else { Err(standing.borrow().clone()) }
}
