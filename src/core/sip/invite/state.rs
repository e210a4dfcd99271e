//! The states of a leg and what is true in each.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Body, EndCause, Failure, LegOrder};
use crate::sip::dialog::Dialog;
use crate::sip::offer_answer::OfferAnswer;
use crate::sip::session_timer::{SessionTimer, has_option};
use crate::sip::transaction::{ClientTransaction, ServerKey, ServerTransaction};
use crate::sip::wire::{HeaderName, Message, Method, Text};
use crate::sip::{Destination, Peer};
use crate::timer::Moment;

/// Most early dialogs of one INVITE (forks); further ones are heard but not kept.
pub(super) const MAX_FORKS: usize = 16;
/// Most requests a leg has unanswered in one direction; beyond it requests get 503.
pub(super) const MAX_OPEN: usize = 32;
/// Most transactions in one direction, answered ones that only swallow repetitions included.
pub(super) const MAX_TRANSACTIONS: usize = 256;
/// Most provisional responses that wait for a PRACK.
pub(super) const MAX_PROGRESS: usize = 8;
/// Most credentials tried for one request, and most 422 and 491 followed in a row.
pub(super) const MAX_RETRIES: u8 = 3;
/// How long a call may ring when its Expires says no less.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(600);
/// RFC 3261 §13.3.1.1: a ringing UAS repeats itself "every minute".
pub(super) const REMINDER: Duration = Duration::from_secs(60);
/// How long a re-INVITE of ours may stay without a final response; its transaction knows no limit once
/// a provisional one has come.
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(60);
/// How long the call may think over a request or challenge before the leg answers for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Where a leg is in its life.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Neither dialled nor invited.
    Idle,
    /// UAC: INVITE out, no final response.
    Calling(Box<Calling>),
    /// UAS: INVITE in, no final response.
    Ringing(Box<Ringing>),
    /// 2xx sent or received. (UAS: `usage.unacknowledged` tells whether the ACK has come.)
    Confirmed(Box<Confirmed>),
    /// No session any more; transactions run out.
    Ending(Option<Box<Usage>>),
    /// Nothing more to do.
    Closed,
}

impl State {
    pub(super) const fn words(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Calling(_) => "calling",
            Self::Ringing(_) => "ringing",
            Self::Confirmed(_) => "confirmed",
            Self::Ending(_) => "ending",
            Self::Closed => "closed",
        }
    }
}

/// The INVITE usage of one dialog, early or confirmed (RFC 5057 §3).
#[derive(Debug, Clone)]
pub(super) struct Usage {
    pub(super) dialog: Dialog,
    pub(super) exchange: OfferAnswer,
    /// Where the other end was last heard.
    pub(super) towards: Destination,
    /// Whether the peer's Allow names UPDATE (RFC 3311 §4).
    pub(super) peer_updates: bool,
    pub(super) session: Option<SessionTimer>,
    /// The answer that the call owes, and where it must stand.
    pub(super) owed: Option<Owed>,
    /// Our own re-INVITE or UPDATE.
    pub(super) asked: Option<Asked>,
    /// Our 2xx that waits for its ACK.
    pub(super) unacknowledged: Option<Unacknowledged>,
    /// Our last description, for a refresh by re-INVITE.
    pub(super) last_local: Option<Body>,
    /// Whether the Call-ID is ours: it decides who waits longer after a 491 (RFC 3261 §14.1).
    pub(super) our_call_id: bool,
    /// Until the 2xx.
    pub(super) early: bool,
}

impl Usage {
    pub(super) fn new(dialog: Dialog, towards: Destination, our_call_id: bool) -> Self {
        Self {
            dialog,
            exchange: OfferAnswer::default(),
            towards,
            peer_updates: false,
            session: None,
            owed: None,
            asked: None,
            unacknowledged: None,
            last_local: None,
            our_call_id,
            early: true,
        }
    }

    /// The INVITE makes a dialog without a session: there is nothing to offer or to answer.
    pub(super) fn without_session(mut self, invite_body: Option<&str>) -> Self {
        if invite_body.is_some_and(is_sessionless) {
            self.exchange = OfferAnswer::agreed();
        }
        self
    }

    /// Whether we may send an UPDATE with an offer in this early dialog (RFC 3311 §5.1).
    pub(super) fn may_update(&self) -> bool {
        let free = self.asked.is_none() && self.owed.is_none();
        self.early && free && self.peer_updates && self.exchange.is_stable() && self.exchange.is_settled()
    }

    /// RFC 3311 §4, RFC 3261 §20.5: the last Allow counts; a message without one changes nothing.
    pub(super) fn learn(&mut self, message: &Message) {
        if message.header(&HeaderName::Allow).is_some() {
            self.peer_updates = has_option(message, &HeaderName::Allow, "UPDATE");
        }
    }
}

/// Bodies of INVITEs that make no session: an invitation to a conference, and C3P with its focus ([MS-CONFBAS] §3.3,
/// §3.6). Media are agreed on elsewhere.
const SESSIONLESS: [&str; 2] = ["application/ms-conf-invite+xml", "application/cccp+xml"];

/// Whether an INVITE with a body of this type makes a dialog without a session.
pub(super) fn is_sessionless(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    SESSIONLESS.iter().any(|known| known.eq_ignore_ascii_case(kind))
}

/// UAC before the final response.
#[derive(Debug, Clone)]
pub(super) struct Calling {
    pub(super) hop: Hop,
    pub(super) offer: Option<Body>,
    pub(super) early: Vec<Early>,
    pub(super) cancel: Cancel,
    /// Headers for CANCEL or BYE.
    pub(super) farewell: Vec<(HeaderName, Text)>,
}

/// One early dialog of the UAC.
#[derive(Debug, Clone)]
pub(super) struct Early {
    pub(super) usage: Usage,
    /// RSeq taken last (RFC 3262 §4).
    pub(super) rseq: Option<u32>,
}

/// How far a wish to cancel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    No,
    /// "If no provisional response has been received, the CANCEL request MUST NOT be sent" (§9.1).
    Wanted,
    Sent,
}

/// UAS before the final response.
#[derive(Debug, Clone)]
pub(super) struct Ringing {
    pub(super) key: ServerKey,
    pub(super) invite: Message,
    pub(super) usage: Usage,
    pub(super) next_rseq: u32,
    /// The reliable response that waits for its PRACK.
    pub(super) unproven: Option<Unproven>,
    pub(super) waiting: VecDeque<(u16, Option<Body>, bool)>,
    /// The 2xx that waits for a PRACK (RFC 3262 §3).
    pub(super) accept: Option<Option<Body>>,
    /// Alert-Info of each 180.
    pub(super) alert: Option<Text>,
    /// P-Asserted-Identity of the 2xx: user part or URI, and name.
    pub(super) asserts: Option<(String, String)>,
    /// The unreliable response to repeat every minute.
    pub(super) reminder: Option<Message>,
}

/// A reliable provisional response in flight (RFC 3262 §3).
#[derive(Debug, Clone)]
pub(super) struct Unproven {
    pub(super) rseq: u32,
    pub(super) response: Message,
    pub(super) described: bool,
    pub(super) interval: Duration,
}

/// A session.
#[derive(Debug, Clone)]
pub(super) struct Confirmed {
    pub(super) usage: Usage,
    /// BYE as soon as the ACK is there (RFC 3261 §15).
    pub(super) farewell: Option<Vec<(HeaderName, Text)>>,
}

/// A 2xx to INVITE that waits for its ACK (RFC 3261 §13.3.1.4).
#[derive(Debug, Clone)]
pub(super) struct Unacknowledged {
    pub(super) cseq: u32,
    pub(super) response: Message,
    pub(super) back: Destination,
    pub(super) interval: Duration,
    pub(super) since: Moment,
}

/// Where the answer that we owe must stand.
#[derive(Debug, Clone)]
pub(super) enum Owed {
    /// In the response to a re-INVITE, UPDATE or PRACK.
    Response(ServerKey),
    /// In the ACK to the 2xx of this INVITE of ours.
    Ack(Message),
    /// In the PRACK to a reliable 1xx: value of RAck.
    Prack(String),
}

/// Our own offer or refresh within the dialog.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) body: Option<Body>,
    /// A session refresh: nobody waits for its outcome.
    pub(super) refresh: bool,
    pub(super) phase: AskPhase,
    pub(super) retries: u8,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskPhase {
    /// Until the ACK of the INVITE before it.
    Held,
    /// Request out.
    Out,
    /// 491: until timer Glare.
    Glare,
}

/// Where a request of ours goes.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) destination: Destination,
    pub(super) resolve: Option<Text>,
}

/// An open client transaction.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) transaction: ClientTransaction,
    pub(super) used_for: ClientUse,
    pub(super) hop: Hop,
    pub(super) retries: u8,
}

/// An open server transaction.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) transaction: ServerTransaction,
    pub(super) back: Destination,
    /// Handle, when the call is asked.
    pub(super) handle: Option<u32>,
    /// When the leg answers in place of a silent call.
    pub(super) give_up: Option<Moment>,
}

/// Whether no more requests are taken from the other end.
pub(super) fn servers_full(servers: &[Server]) -> bool {
    let open = servers.iter().filter(|server| server.transaction.is_pending()).count();
    open >= MAX_OPEN || servers.len() >= MAX_TRANSACTIONS
}

/// Whether no more requests are sent but those that end something.
pub(super) fn clients_full(clients: &[Client]) -> bool {
    let open = clients.iter().filter(|client| client.transaction.is_pending()).count();
    open >= MAX_OPEN || clients.len() >= MAX_TRANSACTIONS
}

/// What a client transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientUse {
    Invite,
    Reoffer,
    Bye,
    Cancel,
    Prack,
    /// BYE in a fork that lost.
    Stray,
    /// The call's own.
    Order(u32),
}

/// A request that waits for credentials.
#[derive(Debug, Clone)]
pub(super) struct Challenged {
    pub(super) used_for: ClientUse,
    pub(super) request: Message,
    pub(super) response: Message,
    pub(super) hop: Hop,
    pub(super) retries: u8,
}

/// An ACK that was sent for a 2xx, kept for the 2xx that comes again.
#[derive(Debug, Clone)]
pub(super) struct SentAck {
    pub(super) remote_tag: String,
    pub(super) ack: Message,
    pub(super) hop: Hop,
}

/// Timers of a leg beside those of its transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LegTimer {
    /// Give up an INVITE that answers no CANCEL (RFC 3261 §9.1).
    CancelLimit,
    /// Nobody answers at all.
    AnswerLimit,
    /// 2xx again (RFC 3261 §13.3.1.4).
    AcceptAgain,
    /// No ACK in 64*T1.
    AcceptLimit,
    /// Reliable 1xx again (RFC 3262 §3).
    ProgressAgain,
    /// No PRACK in 64*T1.
    ProgressLimit,
    /// Ringing again, every minute.
    Reminder,
    /// Our re-INVITE has no final response.
    AskLimit,
    /// Try again after 491 (RFC 3261 §14.1).
    Glare,
    /// RFC 4028 §7.2.
    Refresh,
    /// RFC 4028 §10.
    SessionEnd,
    /// No credentials came.
    Challenge,
    /// Nobody will hear our BYE any more.
    Unheard,
}

/// What the states are told, after transactions have removed repetitions.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Response { used_for: ClientUse, request: Message, response: Message, hop: Hop, retries: u8 },
    Failed { used_for: ClientUse, failure: Failure },
    Request { key: ServerKey, request: Message, peer: Peer },
    Cancelled { key: ServerKey, cancel: Message },
    Ack(Message),
    Order(LegOrder),
    Unanswered(ServerKey),
    Expired(LegTimer),
}

impl From<Failure> for EndCause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Timeout => Self::Timeout,
            Failure::Unreachable => Self::TransportLost,
        }
    }
}
