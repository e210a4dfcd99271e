//! What a call hears from its legs and tells them. The legs' own machine is [`crate::sip::invite`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asked::{accept_transfer, asked, refuse_transfer, tell_transfer};
use super::cause::{Cause, reason_phrase};
use super::{OWNER_BITS, Party};
use crate::id::{CallRef, OwnerId};
use crate::sip::invite::{self, Body, EndCause, LegEvent, ReofferAnswer, ReofferOutcome};
use crate::sip::refer::Referral;
use crate::sip::wire::{HeaderName, Message, NameAddr, Text};
use crate::timer::Moment;

/// RFC 7462 §4.2.1: `service:call-waiting`, "call waiting was initiated at the other side of the call". It goes to
/// the caller in the 180, as 3GPP TS 24.615 §4.5.5.3 wants, and to the handset in the INVITE.
pub const CALL_WAITING: &str = "<urn:alert:service:call-waiting>";
/// Most contacts of one redirection that are looked at.
const MAX_CONTACTS: usize = 10;

/// A leg of one call: 0 is the caller's, the others count up as they are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegNo(pub u32);

impl LegNo {
    /// The caller's leg.
    pub const CALLER: LegNo = LegNo(0);

    /// The owner's name of this leg of `call`, as it stands in our tags and branches.
    pub const fn owner(self, call: CallRef) -> OwnerId {
        OwnerId(call.0 << OWNER_BITS | self.0 as u64)
    }

    /// The call and leg that an owner's name means.
    pub const fn of_owner(OwnerId(owner): OwnerId) -> (CallRef, LegNo) {
        (CallRef(owner >> OWNER_BITS), LegNo((owner & ((1 << OWNER_BITS) - 1)) as u32))
    }
}

/// What happened on a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegNews {
    /// The caller's leg has taken the INVITE. Without it the leg refused the INVITE by itself, and only
    /// [`Closed`](LegNews::Closed) follows.
    Invited,
    /// A dialled leg made progress (1xx above 100).
    Progress {
        /// 180, 183, ….
        status: u16,
        /// Which of its forks: the remote tag.
        fork: Text,
        /// An answer to our offer, when it carried one.
        body: Option<Body>,
    },
    /// A dialled leg was answered (2xx).
    Answered {
        /// Which of its forks.
        fork: Text,
        /// The answer to our offer, unless a reliable 1xx of this fork brought it.
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
    /// It does not any more, and has not heard our answer.
    ReofferWithdrawn,
    /// The answer to a [`LegOrder::Reoffer`], none when it was refused; or to a session refresh.
    ReofferAnswered {
        /// The answer.
        body: Option<Body>,
    },
    /// Its user wants the other end of the call to be connected with somebody else.
    TransferAsked(Box<TransferWish>),
    /// Its user wants all its calls in one conference.
    ConferenceAsked,
    /// Its user pressed a key, told beside the voice.
    KeyPressed {
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// For how long, in milliseconds.
        millis: u32,
    },
    /// The leg's dialog, or the attempt at one, is over.
    Ended {
        /// Why.
        cause: Cause,
    },
    /// It has ended, and its handset does not know: the leg stays to tell it, till then at most.
    Unheard {
        /// When it gives up.
        until: Moment,
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
    /// Tell the caller, with the ringing that follows, that its call waits.
    CallWaits,
    /// Answer the caller.
    Accept {
        /// Our answer, or our offer when it made none.
        body: Option<Body>,
    },
    /// Name itself as a conference from now on: Contact is its URI, with `isfocus` (RFC 4579 §5.1).
    Focus {
        /// User part of that URI.
        user: String,
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
    /// Who is at the other end of the call, or is being called for it: for a display.
    Partner(Box<Party>),
    /// Tell its far end of a key, beside the voice: it takes no telephone events.
    Key {
        /// `0`-`9`, `*`, `#`, `A`-`D`; `!` is a flash.
        digit: char,
        /// For how long it was pressed, in milliseconds.
        millis: u32,
    },
    /// What a handset asked of the switch is done: for a display, with the tone that goes with it.
    Confirmed {
        /// What.
        words: String,
    },
    /// Take a [`LegNews::TransferAsked`]: it will be tried, and how it goes will be told.
    AcceptTransfer {
        /// Which one.
        ticket: Ticket,
    },
    /// Refuse it.
    RefuseTransfer {
        /// Which one.
        ticket: Ticket,
        /// Why.
        cause: Cause,
    },
    /// How a transfer goes that was taken.
    TellTransfer {
        /// Which one.
        ticket: Ticket,
        /// Status of the new call, 100 to 699.
        status: u16,
        /// How long it may still go on; none: that was the last word.
        left: Option<Duration>,
    },
}

/// A transfer that a leg's user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferWish {
    /// For the answers to it.
    pub ticket: Ticket,
    /// Whom to connect the other end with: a URI.
    pub to: String,
    /// Not somebody new but who is talking in this leg of ours, or rings for it; whether it is ours is
    /// still to be proved.
    pub replaces_own: Option<OwnerId>,
    /// What the new call tells of who asked, and in whose place it comes.
    pub referral: Referral,
}

/// Names one transfer to the leg that asked for it. Means nothing to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Of the request, while it waits for its answer.
    #[serde(default)]
    pub(crate) handle: u32,
    /// Of the request, for good.
    pub(crate) number: u32,
    /// The leg wants no news of it.
    pub(crate) quiet: bool,
}

impl Ticket {
    /// Of a handset, which asks for one transfer at a time.
    pub(crate) const fn of_handset() -> Self {
        Self { handle: 0, number: 0, quiet: false }
    }
}

/// What a leg's event means to whoever drives the leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// For the call.
    News(LegNews),
    /// 401 or 407: answer with credentials, or hang up.
    Challenged {
        /// What was asked.
        request: Box<Message>,
        /// The challenge.
        response: Box<Message>,
    },
    /// The far end asks something in the dialog; reply so.
    Asked(invite::LegOrder),
    /// Both: the reply, and news for the call.
    Told(invite::LegOrder, LegNews),
    /// Nothing to do.
    Nothing,
}

/// Reads an event of a leg. `why` is the cause of our own hanging up, if we did.
pub fn hear(event: LegEvent, why: Option<&Cause>) -> Heard {
    match event {
        LegEvent::Invited { .. } => Heard::News(LegNews::Invited),
        LegEvent::Progress { response, body, .. } => {
            let (status, fork) = (response.status().unwrap_or(183), fork_of(&response));
            Heard::News(LegNews::Progress { status, fork, body })
        }
        LegEvent::Answered { response, body, .. } => {
            Heard::News(LegNews::Answered { fork: fork_of(&response), body })
        }
        LegEvent::Refused { response } => Heard::News(refused(&response)),
        LegEvent::Challenged { request, response } => {
            Heard::Challenged { request: Box::new(request), response: Box::new(response) }
        }
        LegEvent::Reoffered { body } => Heard::News(LegNews::Reoffered { body }),
        LegEvent::ReofferWithdrawn => Heard::News(LegNews::ReofferWithdrawn),
        LegEvent::ReofferAnswered(ReofferOutcome::Agreed { body, .. }) => {
            Heard::News(LegNews::ReofferAnswered { body })
        }
        LegEvent::ReofferAnswered(ReofferOutcome::Refused { .. }) => {
            Heard::News(LegNews::ReofferAnswered { body: None })
        }
        LegEvent::Acknowledged { body } => Heard::News(LegNews::Acknowledged { body }),
        LegEvent::Ended { cause, message } => Heard::News(ended(cause, message.as_ref(), why)),
        LegEvent::Unheard { until } => Heard::News(LegNews::Unheard { until }),
        LegEvent::Closed => Heard::News(LegNews::Closed),
        LegEvent::Requested { handle, request } => asked(handle, &request),
        LegEvent::Replied { .. } => Heard::Nothing,
    }
}

/// Puts a call's order into a leg's words; none: its far end has no words for it.
pub fn tell(order: LegOrder) -> Option<invite::LegOrder> {
    Some(match order {
        LegOrder::Partner(_) | LegOrder::Confirmed { .. } => return None,
        LegOrder::Progress { status, body } => {
            let reliable = body.is_some();
            invite::LegOrder::Progress { status, body, reliable }
        }
        LegOrder::CallWaits => invite::LegOrder::Alert(CALL_WAITING.into()),
        LegOrder::Accept { body } => invite::LegOrder::Accept { body },
        LegOrder::Focus { user } => invite::LegOrder::Focus { user },
        LegOrder::Reject { cause } => {
            let status = cause.status_for_caller();
            let mut headers = vec![(HeaderName::Reason, Text::from(cause.reason_header()))];
            if let Some(seconds) = cause.retry_after() {
                headers.push((HeaderName::RetryAfter, Text::from(seconds.to_string())));
            }
            if cause.lacks_bandwidth().is_some() {
                headers.extend(super::bandwidth::headers(&cause));
            } else if status == 488 {
                // RFC 3261 §21.4.26: a 488 "SHOULD" say why in a Warning; 399 is for people (§20.43).
                let warning = format!("399 kirkwall \"{}\"", cause.plain_words());
                headers.push((HeaderName::Warning, Text::from(warning)));
            }
            invite::LegOrder::Reject { status, reason: reason_phrase(status).to_owned(), headers }
        }
        LegOrder::HangUp { cause } => invite::LegOrder::HangUp {
            headers: vec![(HeaderName::Reason, Text::from(cause.reason_header()))],
        },
        LegOrder::AnswerReoffer { body } => invite::LegOrder::AnswerReoffer(ReofferAnswer::Settle(body)),
        LegOrder::RefuseReoffer { cause } => invite::LegOrder::AnswerReoffer(ReofferAnswer::Refuse {
            status: cause.status,
            reason: reason_phrase(cause.status).to_owned(),
        }),
        LegOrder::Reoffer { body } => invite::LegOrder::Reoffer { body: Some(body) },
        LegOrder::Key { digit, millis } => super::asked::tell_key(digit, millis),
        LegOrder::AcceptTransfer { ticket } => accept_transfer(ticket),
        LegOrder::RefuseTransfer { ticket, cause } => refuse_transfer(ticket, &cause),
        LegOrder::TellTransfer { ticket, status, left } => tell_transfer(ticket, status, left),
    })
}

fn fork_of(response: &Message) -> Text {
    response.to_tag().unwrap_or_default()
}

fn refused(response: &Message) -> LegNews {
    let status = response.status().unwrap_or(500);
    let phrase = response.reason();
    let words = if phrase.is_empty() { reason_phrase(status) } else { phrase };
    let told = Cause::of_status(status, words).told_by(response);
    // RFC 3263 §4.3: failure "occurs if the transaction layer reports a 503 error response or a
    // transport failure of some sort": the next server is tried.
    LegNews::Refused {
        route_failed: status == 503,
        cause: Cause { status, ..told }.diagnosed_by(response),
        contacts: contacts(response),
    }
}

/// RFC 3261 §8.1.3.4: ordered by "q", an absent one counting as 1.
fn contacts(response: &Message) -> Vec<String> {
    let mut contacts: Vec<_> = response.contacts().into_iter().take(MAX_CONTACTS).collect();
    let quality = |contact: &NameAddr| {
        let q =
            contact.params.get("q").and_then(|q| q.parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
        (q.unwrap_or(1.0) * 1_000.0) as u32
    };
    contacts.sort_by_key(|contact| std::cmp::Reverse(quality(contact)));
    contacts.into_iter().map(|contact| contact.uri.raw.to_string()).collect()
}

fn ended(cause: EndCause, message: Option<&Message>, why: Option<&Cause>) -> LegNews {
    let cause = match cause {
        EndCause::ByPeer => message.map_or_else(Cause::normal, |message| Cause::normal().told_by(message)),
        EndCause::ByUs => why.cloned().unwrap_or_else(Cause::normal),
        EndCause::Timeout => {
            let cause = Cause::of_status(408, "no answer from the far end");
            return LegNews::Refused { cause, contacts: Vec::new(), route_failed: true };
        }
        EndCause::TransportLost => {
            let cause = Cause::of_status(503, "the far end cannot be reached");
            return LegNews::Refused { cause, contacts: Vec::new(), route_failed: true };
        }
        EndCause::SessionExpired => Cause::of_status(408, "the session was not refreshed"),
        EndCause::Status(status) => Cause::of_status(status, "the far end no longer knows the call"),
        EndCause::AnswerMissing => Cause::of_status(488, "the far end left out its session description"),
    };
    LegNews::Ended { cause }
}
