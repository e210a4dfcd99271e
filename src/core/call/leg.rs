//! What a call hears from its legs and tells them. The legs' own machine is [`crate::sip::invite`].

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::cause::Cause;

/// A leg of one call: 0 is the caller's, the others count up as they are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegNo(pub u32);

impl LegNo {
    /// The caller's leg.
    pub const CALLER: LegNo = LegNo(0);
}

/// A message body with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Content-Type.
    pub kind: String,
    /// The octets.
    pub bytes: Bytes,
}

impl Body {
    /// An SDP body.
    pub fn sdp(text: impl Into<Bytes>) -> Self {
        Self { kind: "application/sdp".into(), bytes: text.into() }
    }
}

/// What happened on a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegNews {
    /// A dialled leg made progress (1xx above 100).
    Progress {
        /// 180, 183, ….
        status: u16,
        /// An answer to our offer, when it carried one.
        body: Option<Body>,
    },
    /// A dialled leg was answered (2xx).
    Answered {
        /// The answer to our offer.
        body: Option<Body>,
    },
    /// A dialled leg ended before it was answered.
    Refused {
        /// Why.
        cause: Cause,
        /// Contacts of a 3xx, best first.
        contacts: Vec<String>,
        /// Whether another way to the same callee may do better (time-out, transport, 503).
        route_failed: bool,
    },
    /// The far end of a leg that we accepted has acknowledged.
    Acknowledged {
        /// The answer to an offer that we made in the 2xx.
        body: Option<Body>,
    },
    /// The far end proposes another session description.
    Reoffered {
        /// The offer; none asks us for ours (offerless re-INVITE).
        body: Option<Body>,
    },
    /// The answer to a [`LegOrder::Reoffer`]; none when it was refused.
    ReofferAnswered {
        /// The answer.
        body: Option<Body>,
    },
    /// The leg's dialog, or the attempt at one, is over.
    Ended {
        /// Why.
        cause: Cause,
    },
    /// All its transactions are done; nothing more will come.
    Closed,
}

/// What a call wants of a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegOrder {
    /// Tell the caller that something happens.
    Progress {
        /// 180 or 183.
        status: u16,
        /// Our answer to its offer, for early media.
        body: Option<Body>,
    },
    /// Answer the caller.
    Accept {
        /// Our answer, or our offer when it made none.
        body: Option<Body>,
    },
    /// Refuse the caller.
    Reject {
        /// Why.
        cause: Cause,
    },
    /// End it, in whatever way its state asks for: CANCEL, BYE, or a final response.
    HangUp {
        /// Why.
        cause: Cause,
    },
    /// Answer a [`LegNews::Reoffered`].
    AnswerReoffer {
        /// The answer, or our offer to an offerless one.
        body: Body,
    },
    /// Refuse a [`LegNews::Reoffered`]; the session stays as it was (RFC 3261 §14.2).
    RefuseReoffer {
        /// Why.
        cause: Cause,
    },
    /// Propose another session description.
    Reoffer {
        /// The offer.
        body: Body,
    },
}
