//! The pure rules of Kirkwall: no socket, clock, randomness or lock lives here.
//!
//! # Run contract
//!
//! A machine takes one input and the present moment, and answers with everything it wants done
//! ([`machine::Ready`]): first what is to be saved, then what is to be said. Nothing happens between
//! inputs; whoever drives a machine asks for its deadline and comes back then. The same inputs at the
//! same moments with the same seed give the same outputs, so every test runs in virtual time.
//!
//! # Table of contents, in the order of dependence
//!
//! * [`id`], [`pii`], [`timer`], [`machine`]: the vocabulary everything shares.
//! * [`dect`]: EN 300 175, from octets to calls and subscriptions of handsets. Knows nothing of SIP.
//! * [`radio`]: channels, sync tree and handover above the links of base stations.
//! * [`sip`]: RFC 3261 and friends, from bytes to dialogs. Knows nothing of DECT or calls.
//! * [`media`]: SDP, RTP, codecs, SRTP keys. Knows nothing of calls.
//! * [`lync`]: what Lync front ends want beyond SIP: sign-in, signatures, presence.
//! * [`call`]: the only room where radio and SIP meet: routing, admission, the call itself.
//! * [`directory`]: the phone book: search by name and keypad, callers by number. Knows nobody above.
//! * [`doctor`]: what a check found, why it matters, how it is mended. Uses the words of [`sip`] only.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]
// Tests read their data from files; the rule is about the rules.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod call;
pub mod dect;
pub mod directory;
pub mod doctor;
pub mod id;
pub mod lync;
pub mod machine;
pub mod media;
pub mod pii;
pub mod radio;
pub mod sip;
pub mod timer;
