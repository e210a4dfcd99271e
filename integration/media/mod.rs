//! The media engine: relays RTP between the two legs of a call, in threads of its own.
//!
//! ```text
//!            leg A (calling)                                  leg B (called)
//!  peer A ──► rtp socket ─ latch ─ unprotect ─ count ─ DTMF ─ translate ─ renumber ─ protect ──► peer B
//!  peer A ◄── …the same the other way… ◄───────────────────────────────────────────────────────── peer B
//!  peer A ◄─► rtcp socket: our own reports, ended here              rtcp socket, likewise ◄─► peer B
//! ```
//!
//! An actor opens a channel, sets each side as offer and answer settle, and closes it; the engine
//! reports what it hears ([`Report`]). Packets never pass a mailbox: a channel lives on one thread,
//! which owns its sockets, keys and counters, so no packet waits for a lock and none allocates.
//!
//! * Who is listened to, and where we send: [`latch`].
//! * What numbers a packet carries when it leaves: [`outgoing`].
//! * What is heard in place of the other leg, tones and key presses: `insert`.
//! * How a leg goes over to another channel: `adopt`; how a channel goes over to another thread: `migrate`.
//! * Conferences: `mixer`.
//! * Media relays that are reached over TCP alone: `relay_stream`.
//! * SRTP: [`srtp`]; the calls into libsrtp lie in `srtp_session` alone, those to epoll in `poll`.
//!
//! Out of scope here: ICE; jitter buffers outside of conferences.

mod adopt;
pub mod bench;
mod channel;
mod control;
mod counters;
mod engine;
mod fault;
mod flow;
mod insert;
pub mod latch;
mod leg;
mod migrate;
mod mixer;
pub mod outgoing;
mod poll;
mod ports;
mod relay_stream;
pub mod srtp;
mod srtp_session;
mod stun;
mod translate;
mod worker;

#[cfg(test)]
mod tests;

pub use counters::{ChannelCounters, SideCounters};
pub use engine::{Engine, EngineConfig};
pub use fault::EngineFault;
pub use flow::{Flow, Ports, Position, Report, Side, Standing};
pub use mixer::{Chair, MOST_MIXERS, MOST_PARTIES};
pub use relay_stream::{RelayHeard, RelayListener, RelayStream};
pub use stun::{Stun, StunListener};
