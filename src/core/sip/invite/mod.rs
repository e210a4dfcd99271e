//! One leg of a call: the INVITE usage of one dialog (RFC 5057), as caller or as callee.
//!
//! ```text
//!            Dial                     2xx                    BYE, either way
//!  Idle ───────────► Calling ─────────────────┐
//!    │                  │ 3xx-6xx, cancel      ▼
//!    │ INVITE           │                  Confirmed ─────────────► Ending ──► Closed
//!    └─────────────► Ringing ─────Accept──────┘                       ▲
//!                       └────────Reject, CANCEL───────────────────────┘
//! ```
//!
//! *Happy path, caller.* `Dial` → `Progress` → `Answered`; the ACK goes by itself unless the 2xx holds an
//! offer. *Callee.* `Invited` → `Progress`, `Accept` → `Acknowledged`. Either: `HangUp` or `Ended`, `Closed`.
//!
//! *How it fails.* Refused (3xx–6xx), no answer in time, no ACK in 64*T1 (BYE follows), a request answered
//! with 481 or 408 (RFC 5057 §5.1: BYE follows), the session timer (RFC 4028), or a transport that cannot
//! carry the INVITE. Each is said once, by `Refused` or `Ended`.
//!
//! Session descriptions pass through unread: only the order of offers and answers is kept here
//! ([`super::offer_answer`]). A file per verb; [`leg`] holds the one `match` on the state.
//!
//! Out of scope: more than one call per leg (a fork that loses is hung up at once, RFC 3261 §13.2.2.4),
//! an offer in a PRACK that answers no offer (RFC 3262 §5 allows and RFC 6337 §2.2 advises against it),
//! SDP in INFO, overlap dialling.

mod accept;
mod ack;
mod bye;
mod cancel;
mod challenge;
mod dial;
mod door;
mod info;
mod leg;
mod open;
mod parts;
mod prack;
mod receive;
mod record;
mod reinvite;
mod replaced;
mod ring;
mod send;
mod session;
mod state;
mod unheard;
mod update;
mod usage;
mod words;

pub use leg::Leg;
pub use open::OpenInvite;
pub use parts::BodyPart;
pub use record::LegRecord;
pub use words::{
    Body, Dial, EndCause, Failure, LegEvent, LegInput, LegOrder, LegOutput, LegRefusal, LegSave, LocalEnd,
    ReofferAnswer, ReofferOutcome,
};

#[cfg(test)]
mod tests;
