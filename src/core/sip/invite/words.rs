//! What a [`Leg`](super::Leg) is told and what it tells.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{BodyPart, LegRecord};
use crate::id::{OwnerId, Username};
use crate::sip::door::Onward;
use crate::sip::offer_answer::Meaning;
use crate::sip::wire::{HeaderName, Message, Method, Text};
use crate::sip::{Destination, Peer, Transport};
use crate::timer::Moment;

/// A message body with its type. Its contents mean nothing to a leg, and `Debug` does not show them:
/// a session description may hold SRTP keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// Content-Type as written.
    pub content_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl Body {
    /// A session description (RFC 4566).
    pub fn sdp(bytes: impl Into<Bytes>) -> Self {
        Self { content_type: "application/sdp".into(), bytes: bytes.into() }
    }

    /// The session description of a message: `application/sdp`, or a multipart that holds one.
    pub fn of(message: &Message) -> Option<Self> {
        let (kind, bytes) = message.typed_body()?;
        let lower = kind.to_ascii_lowercase();
        let session = lower.starts_with("application/sdp") || lower.starts_with("multipart/");
        session.then(|| Self { content_type: kind.to_owned(), bytes: bytes.clone() })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

/// How this end names itself in what it sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalEnd {
    /// `host:port` for Via (RFC 3261 §18.1.1).
    pub sent_by: String,
    /// URI for Contact.
    pub contact: String,
    /// This end is the focus of a conference, and its Contact says so (RFC 3840 §9, RFC 4579 §5.1).
    #[serde(default)]
    pub focus: bool,
    /// Transport of requests that go by no known connection.
    pub transport: Transport,
    /// Text of User-Agent and Server.
    pub product: String,
    /// Option tags that others implement (`replaces`, …), beside our own `100rel` and `timer`.
    pub supported: Vec<String>,
    /// Session interval to ask for, seconds; none: we ask for no session timer.
    pub session_expires: Option<u32>,
    /// The user by whose line everything leaves, where lines sign what is said over them; none: messages
    /// leave as they are.
    #[serde(default)]
    pub line: Option<Username>,
}

/// An outgoing call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// Request-URI.
    pub request_uri: String,
    /// From without tag: `"Anna" <sip:anna@example.com>`.
    pub from: String,
    /// To without tag.
    pub to: String,
    /// Contact URI, when it is not the one of [`LocalEnd`].
    pub contact: Option<String>,
    /// Route values, in order.
    pub route: Vec<String>,
    /// Where the INVITE goes.
    pub destination: Destination,
    /// The offer; none: the other end shall offer.
    pub body: Option<Body>,
    /// What the first INVITE carries beside it. Offers that follow do not repeat them.
    pub parts: Vec<BodyPart>,
    /// Further headers (P-Asserted-Identity, Diversion, credentials known beforehand, …).
    pub headers: Vec<(HeaderName, Text)>,
    /// What goes on of the request that it is made for.
    pub onward: Onward,
}

/// One input of a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegInput {
    /// First and only after [`Leg::restore`](super::Leg::restore): arm timers, say again what is owed.
    Started,
    /// A message that belongs to it.
    Received(Message, Peer),
    /// The call's order.
    Order(LegOrder),
    /// This message of ours could not leave the node.
    TransportFailed(Message),
    /// The handset that is called by this Contact has registered over another way: what the dialog sends
    /// goes there from now on. A stream that it lost would not reach it any more.
    Moved {
        /// The Contact of its binding.
        contact: String,
        /// The way.
        destination: Destination,
    },
    /// The moment of `deadline()` has come.
    Deadline,
}

/// What the call orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegOrder {
    /// Call somebody.
    Dial(Box<Dial>),
    /// UAS: a provisional response, 101 to 199.
    Progress {
        /// Status.
        status: u16,
        /// Early answer, or offer when the INVITE had none.
        body: Option<Body>,
        /// Send it reliably if the peer can (RFC 3262). It is sent so anyway if the peer requires it.
        reliable: bool,
    },
    /// UAS: this Alert-Info goes with each 180 from now on (RFC 3261 §20.4, RFC 7462).
    Alert(Text),
    /// UAS: answer the call. The body is the answer, or the offer when the INVITE had none; it is
    /// not sent when a reliable provisional response already carried the answer.
    Accept {
        /// Session description.
        body: Option<Body>,
    },
    /// Be the focus of a conference: Contact has this user part and `isfocus` from now on.
    Focus {
        /// User part of the conference's URI.
        user: String,
    },
    /// UAS: refuse the call.
    Reject {
        /// 300 to 699.
        status: u16,
        /// Reason phrase.
        reason: String,
        /// Reason, Retry-After, Contact, Warning, ….
        headers: Vec<(HeaderName, Text)>,
    },
    /// End it in whatever way its state asks for: CANCEL, 480, or BYE.
    HangUp {
        /// Reason (RFC 3326) and the like.
        headers: Vec<(HeaderName, Text)>,
    },
    /// Change the session: re-INVITE, or UPDATE in an early dialog.
    Reoffer {
        /// The offer; none (confirmed only): the other end shall offer.
        body: Option<Body>,
    },
    /// Answer [`LegEvent::Reoffered`], or an offer that came in a response.
    AnswerReoffer(ReofferAnswer),
    /// Any other request in the dialog: INFO, REFER, NOTIFY, MESSAGE, ….
    Request {
        /// The call's own number for it, given back in [`LegEvent::Replied`].
        number: u32,
        /// Method.
        method: Method,
        /// Its headers.
        headers: Vec<(HeaderName, Text)>,
        /// Its body.
        body: Option<Body>,
    },
    /// The final answer to [`LegEvent::Requested`].
    Reply {
        /// From the event.
        handle: u32,
        /// 200 to 699.
        status: u16,
        /// Reason phrase.
        reason: String,
        /// Its headers.
        headers: Vec<(HeaderName, Text)>,
        /// Its body.
        body: Option<Body>,
    },
    /// Answer to [`LegEvent::Challenged`]: send the request again with these credentials.
    Retry {
        /// Authorization or Proxy-Authorization.
        headers: Vec<(HeaderName, Text)>,
    },
}

/// How an offer of the other end is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReofferAnswer {
    /// With this description (an offer, if the other end asked for one).
    Agree(Option<Body>),
    /// With this one, in which stands what an order of ours that waits for the end of a glare was to ask: it is
    /// asked no more.
    Settle(Body),
    /// Not at all; the session stays as it was. 488 is the usual status.
    Refuse {
        /// 300 to 699.
        status: u16,
        /// Reason phrase.
        reason: String,
    },
}

/// What a leg orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegOutput {
    /// To the transports.
    Send {
        /// The message.
        message: Message,
        /// Where it goes.
        destination: Destination,
        /// When set, RFC 3263 must resolve this URI first, and `destination` is the last resort: it
        /// tells transport, facing and the connection on which the peer was heard.
        resolve: Option<Text>,
    },
    /// To the call.
    Event(LegEvent),
}

/// What the call is told. [`Refused`](LegEvent::Refused) or [`Ended`](LegEvent::Ended) comes exactly
/// once for a leg that dialled or was [`Invited`](LegEvent::Invited); after it only `Challenged` (for a
/// BYE) and `Closed` follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegEvent {
    /// UAS: somebody calls. Answer with Progress, Accept or Reject.
    Invited {
        /// The INVITE.
        invite: Message,
        /// Who sent it.
        peer: Peer,
        /// The offer; none: Accept must bring one.
        offer: Option<Body>,
    },
    /// After the end: our BYE did not get through to a handset. It is kept until the handset registers again,
    /// or till then.
    Unheard {
        /// When it is given up.
        until: Moment,
    },
    /// UAC: a provisional response.
    Progress {
        /// The response.
        response: Message,
        /// Its session description: early media.
        body: Option<Body>,
        /// `None`: a preview of the answer. `Offer`: answer it with `AnswerReoffer`.
        meaning: Option<Meaning>,
    },
    /// UAC: the call is answered.
    Answered {
        /// The 2xx.
        response: Message,
        /// Its session description, unless the answer came before.
        body: Option<Body>,
        /// `Offer`: the ACK waits for `AnswerReoffer`.
        meaning: Option<Meaning>,
    },
    /// UAC: refused with 300 to 699. Contact, Retry-After, Reason and Warning stand in it.
    Refused {
        /// The response.
        response: Message,
    },
    /// 401 or 407: answer with `Retry`, or hang up.
    Challenged {
        /// What was asked.
        request: Message,
        /// The challenge.
        response: Message,
    },
    /// The other end wants to change the session. Answer with `AnswerReoffer`.
    Reoffered {
        /// Its offer; none: it wants ours.
        body: Option<Body>,
    },
    /// It does not want to any more, or the answer was too late.
    ReofferWithdrawn,
    /// Our `Reoffer` is through.
    ReofferAnswered(ReofferOutcome),
    /// The other end asks something. Answer with `Reply`.
    Requested {
        /// For the reply.
        handle: u32,
        /// The request.
        request: Message,
    },
    /// Our `Request` is answered.
    Replied {
        /// As in the order.
        number: u32,
        /// The final response, if any came.
        outcome: Result<Message, Failure>,
    },
    /// UAS: the other end has confirmed our 2xx.
    Acknowledged {
        /// The answer, when our 2xx held the offer.
        body: Option<Body>,
    },
    /// The session is over.
    Ended {
        /// Why.
        cause: EndCause,
        /// The BYE or CANCEL that ended it, if one did.
        message: Option<Message>,
    },
    /// Every transaction is done; the owner may drop the leg.
    Closed,
}

/// What became of our offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReofferOutcome {
    /// Accepted.
    Agreed {
        /// The answer, or an offer that wants `AnswerReoffer`.
        body: Option<Body>,
        /// Which of the two.
        meaning: Option<Meaning>,
    },
    /// Refused; the session stays as it was.
    Refused {
        /// Status; 503 when the request could not be sent.
        status: u16,
    },
}

/// No final response came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// In 64*T1 (RFC 3261 §8.1.3.1: as a 408).
    Timeout,
    /// The request could not be sent (as a 503).
    Unreachable,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// BYE or CANCEL of the other end.
    ByPeer,
    /// Our order.
    ByUs,
    /// No ACK, no PRACK, or no response in time.
    Timeout,
    /// RFC 4028: nobody refreshed.
    SessionExpired,
    /// The INVITE could not be sent.
    TransportLost,
    /// A response that ends the dialog (RFC 5057 §5: 481, 408, …).
    Status(u16),
    /// The other end left out the answer it owed.
    AnswerMissing,
}

/// What a leg asks to have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegSave {
    /// The record of a confirmed dialog, new or changed, until its BYE is answered.
    Put(Box<LegRecord>),
    /// The dialog is over and both ends know; its record goes.
    Delete(OwnerId),
}

/// An order that a leg cannot follow in its present state. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LegRefusal {
    /// Wrong state for this order.
    #[error("{order} is not possible while {state}")]
    NotNow {
        /// The order's name.
        order: &'static str,
        /// The state in words.
        state: &'static str,
    },
    /// An exchange is open; wait for its end.
    #[error("{order}: an offer or request of the same kind is still open; wait for its answer")]
    Busy {
        /// The order's name.
        order: &'static str,
    },
    /// A description has no place there.
    #[error("{order}: no session description may stand there (RFC 6337 §2.2)")]
    BodyMisplaced {
        /// The order's name.
        order: &'static str,
    },
    /// A description must stand there.
    #[error("{order}: a session description is missing")]
    BodyMissing {
        /// The order's name.
        order: &'static str,
    },
    /// A leg sends these by itself.
    #[error("Request: INVITE, ACK, BYE, CANCEL, PRACK and UPDATE have orders of their own")]
    OwnOrder,
    /// Status outside the range of the order.
    #[error("{order}: status {status} is out of range")]
    Status {
        /// The order's name.
        order: &'static str,
        /// What was given.
        status: u16,
    },
    /// Nothing open goes by that handle, or nothing was challenged.
    #[error("{order}: nothing waits for it")]
    Unknown {
        /// The order's name.
        order: &'static str,
    },
}
