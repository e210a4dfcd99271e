//! Call admission control of Lync: reservations inside Allocate requests (\[MS-TURNBWM\]).
//!
//! A call is checked before it rings and committed when its pair is known; the commitment is updated
//! while it lasts. The relay answers by site: between which addresses there is room.

use std::net::SocketAddr;

use crate::media::ice::stun::Message;
use crate::media::ice::turn::wire::{Writer, attr};

const ADMISSION: u16 = 0x8056;
const RESERVATION: u16 = 0x8057;
const AMOUNT: u16 = 0x8058;
const REMOTE_SITE: u16 = 0x8059;
const REMOTE_RELAY: u16 = 0x805A;
const LOCAL_SITE: u16 = 0x805B;
const LOCAL_RELAY: u16 = 0x805C;
const REMOTE_SITE_ANSWER: u16 = 0x805D;
const REMOTE_RELAY_ANSWER: u16 = 0x805E;
const LOCAL_SITE_ANSWER: u16 = 0x805F;
const LOCAL_RELAY_ANSWER: u16 = 0x8060;
const DIALOG_ID: u16 = 0x8061;
const CALL_ID: u16 = 0x8062;
const LOCATION: u16 = 0x8068;

/// Longest call or dialog identifier that is sent, in octets; a longer one is left out.
const MAX_ID: usize = 512;

/// \[MS-TURNBWM\] §2.2.1: what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Is there room? 0.
    Check,
    /// Keep it for me: 1.
    Commit,
    /// I still use it, or another amount; all zero gives it back: 2.
    Update,
}

/// \[MS-TURNBWM\] §2.2.3. The unit is that of the policy server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Least that we must be able to send.
    pub min_send: u32,
    /// Most that we may send.
    pub max_send: u32,
    /// Least that we must be able to receive.
    pub min_receive: u32,
    /// Most that we may receive.
    pub max_receive: u32,
}

/// \[MS-TURNBWM\] §2.2.14: where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Location {
    /// 0.
    #[default]
    Unknown,
    /// 1.
    Internet,
    /// 2.
    Intranet,
}

/// A request for bandwidth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What is asked.
    pub step: Step,
    /// The reservation that is updated.
    pub id: Option<[u8; 16]>,
    /// How much.
    pub amount: Option<Amount>,
    /// The peer's own address; a check and a commitment must have it.
    pub remote_site: Option<SocketAddr>,
    /// The peer's relayed address, if it uses one.
    pub remote_relay: Option<SocketAddr>,
    /// Our own address.
    pub local_site: Option<SocketAddr>,
    /// Our relayed address, if we use it.
    pub local_relay: Option<SocketAddr>,
    /// The SIP Call-ID, for a check.
    pub call_id: Option<String>,
    /// Call-ID and tags, for commitment and update.
    pub dialog_id: Option<String>,
    /// Where the peer is.
    pub peer_location: Location,
    /// Where we are.
    pub own_location: Location,
    /// 0: none, 1: with an enterprise, 2: with a public provider.
    pub federation: u8,
}

/// What the relay says of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteAnswer {
    /// It may be used.
    pub valid: bool,
    /// If not, the call may be tried by way of the PSTN. Only said of sites, not of relays.
    pub pstn_failover: bool,
    /// Most that may be sent.
    pub max_send: u32,
    /// Most that may be received.
    pub max_receive: u32,
}

/// The relay's answer to a [`Reservation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answer {
    /// The reservation, once committed.
    pub id: Option<[u8; 16]>,
    /// What is reserved now.
    pub amount: Option<Amount>,
    /// Of the peer's own address.
    pub remote_site: Option<SiteAnswer>,
    /// Of the peer's relayed address.
    pub remote_relay: Option<SiteAnswer>,
    /// Of our own address.
    pub local_site: Option<SiteAnswer>,
    /// Of our relayed address.
    pub local_relay: Option<SiteAnswer>,
}

impl Answer {
    /// \[MS-TURNBWM\] §3.2.5.1: the way between the two own addresses "is only available if both … are flagged
    /// as valid".
    pub fn direct_way(&self) -> bool {
        let valid = |site: Option<SiteAnswer>| site.is_some_and(|site| site.valid);
        valid(self.remote_site) && valid(self.local_site)
    }

    /// Whether a call that has no room may be tried by way of the PSTN.
    pub fn pstn_failover(&self) -> bool {
        [self.remote_site, self.local_site]
            .into_iter()
            .flatten()
            .any(|site| !site.valid && site.pstn_failover)
    }

    pub(super) fn read(message: &Message<'_>) -> Self {
        let amount = |value: &[u8]| {
            let [min_send, max_send, min_receive, max_receive] = numbers(value)?;
            Some(Amount { min_send, max_send, min_receive, max_receive })
        };
        let site = |attribute| {
            let [flags, max_send, max_receive] = numbers(message.get(attribute)?)?;
            let (valid, pstn_failover) = (flags & 1 << 31 != 0, flags & 1 << 30 != 0);
            Some(SiteAnswer { valid, pstn_failover, max_send, max_receive })
        };
        Self {
            id: message.get(RESERVATION).and_then(|value| value.try_into().ok()),
            amount: message.get(AMOUNT).and_then(amount),
            remote_site: site(REMOTE_SITE_ANSWER),
            remote_relay: site(REMOTE_RELAY_ANSWER),
            local_site: site(LOCAL_SITE_ANSWER),
            local_relay: site(LOCAL_RELAY_ANSWER),
        }
    }
}

impl Reservation {
    /// The attributes, behind those of the Allocate request.
    pub(super) fn write(&self, writer: Writer) -> Writer {
        let step = match self.step {
            Step::Check => 0,
            Step::Commit => 1,
            Step::Update => 2,
        };
        let amount = self
            .amount
            .map(|a| [a.min_send, a.max_send, a.min_receive, a.max_receive].map(u32::to_be_bytes).concat());
        let id = |text: &Option<String>| text.clone().filter(|text| text.len() <= MAX_ID);
        let location = [self.peer_location as u8, self.own_location as u8, self.federation, 0];
        writer
            // [MS-TURN] §2.2.2.22: an audio stream (1), best effort (0).
            .octets(attr::MS_SERVICE_QUALITY, &[0, 1, 0, 0])
            .octets(ADMISSION, &[0, 0, 0, step])
            .maybe(RESERVATION, self.id.as_ref().map(|id| &id[..]))
            .maybe(AMOUNT, amount.as_deref())
            .covered(REMOTE_SITE, self.remote_site)
            .covered(REMOTE_RELAY, self.remote_relay)
            .covered(LOCAL_SITE, self.local_site)
            .covered(LOCAL_RELAY, self.local_relay)
            .maybe(DIALOG_ID, id(&self.dialog_id).as_deref().map(str::as_bytes))
            .maybe(CALL_ID, id(&self.call_id).as_deref().map(str::as_bytes))
            .octets(LOCATION, &location)
    }
}

fn numbers<const N: usize>(value: &[u8]) -> Option<[u32; N]> {
    let mut words =
        value.chunks_exact(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    let fits = value.len() == 4 * N;
    let numbers = std::array::from_fn(|_| words.next().unwrap_or_default());
    fits.then_some(numbers)
}
