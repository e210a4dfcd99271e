//! ICE: finding a way for media through NATs, as Lync does it (\[MS-ICE2\]) and as RFC 5245 does.
//!
//! ```text
//! SDP ── Description::read ──► credentials, candidates ──► Agent ──► checks on the wire
//!                                                            │
//!     final offer with a=remote-candidates ◄── Completed ◄───┘── Selected: where media goes
//! ```
//!
//! * [`stun`]: the messages.
//! * [`candidate`], [`description`]: what stands in SDP, in today's and in the legacy form.
//! * [`agent`]: the machine of one stream with its components.
//! * [`turn`]: the client of a Microsoft media relay.

pub mod agent;
pub mod candidate;
pub mod description;
pub mod stun;
pub mod turn;
