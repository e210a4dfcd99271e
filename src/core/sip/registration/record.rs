//! What a registration remembers over restarts, and what it is told from outside.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{OwnerId, Tokens};
use crate::sip::Destination;
use crate::sip::digest::Credentials;
use crate::timer::Moment;

/// What one user's registration is made of. Not saved: it comes from configuration and the user.
#[derive(Debug, Clone)]
pub struct Account {
    /// Stands in our branches, so that answers find us.
    pub owner: OwnerId,
    /// Address-of-record for From and To, as a URI: `sip:4711@example.com`.
    pub aor: String,
    /// Request-URI: the domain of the registrar, `sip:example.com` (RFC 3261 §10.2: no user part).
    pub registrar: String,
    /// URI under which we are reached, `sip:4711@192.0.2.1:5060;transport=udp`.
    pub contact: String,
    /// Parameters of Contact behind the URI, without `expires`: `;+sip.instance="<urn:uuid:…>"`, or "".
    pub contact_params: String,
    /// `host:port` for Via, of the socket that will be used.
    pub sent_by: String,
    /// Name and password.
    pub credentials: Credentials,
    /// Lifetime to ask for.
    pub expires: Duration,
    /// `User-Agent`.
    pub user_agent: String,
    /// The registrar or proxy to begin with.
    pub proxy: Destination,
}

/// What is saved before every REGISTER. With it the machine goes on after `kill -9` as if nothing had
/// been: RFC 3261 §10.2.4: "A UA SHOULD use the same Call-ID for all registrations during a single
/// boot cycle"; ours last longer, so that the registrar's CSeq rule keeps protecting us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationRecord {
    /// Call-ID of all REGISTERs.
    pub call_id: String,
    /// Tag of From.
    pub from_tag: String,
    /// Number of the last REGISTER that may have been sent.
    pub cseq: u32,
    /// Whether the user shall be registered.
    pub wanted: bool,
    /// How long the registrar holds us, by its last word; none when it does not.
    pub registered_until: Option<Moment>,
    /// Lifetime to ask for, when the registrar wants a longer one than the account (423).
    pub min_expires: Option<Duration>,
    /// Service-Route of the last 200 (RFC 3608), for requests of this user; at most eight.
    #[serde(default)]
    pub service_route: Vec<String>,
    /// Endpoint identifier that a front end knows this line by (`lync::endpoint`); none with plain SIP.
    #[serde(default)]
    pub epid: Option<String>,
}

impl RegistrationRecord {
    /// Of a user who was never registered.
    pub fn new(tokens: &mut Tokens) -> Self {
        Self {
            call_id: format!("{}{}", tokens.word(), tokens.word()),
            from_tag: tokens.word(),
            cseq: 0,
            wanted: false,
            registered_until: None,
            min_expires: None,
            service_route: Vec::new(),
            epid: None,
        }
    }

    /// The next CSeq. "The sequence number value MUST be … less than 2**31" (RFC 3261 §8.1.1.5): then
    /// a new Call-ID begins from 1.
    pub(super) fn next_cseq(&mut self, tokens: &mut Tokens) -> u32 {
        if self.cseq >= (1 << 31) - 1 {
            *self = Self { call_id: Self::new(tokens).call_id, cseq: 0, ..self.clone() };
        }
        self.cseq += 1;
        self.cseq
    }
}
