//! Conferences of a pool: made by its factory, run by a focus, mixed by its audio MCU ([MS-CONFBAS], [MS-CONFAV]).
//!
//! ```text
//!  factory ◄─SERVICE addConference─┐
//!  focus   ◄─INVITE addUser────────┤ Focus ──► Joined: where the mixer is called, by an ordinary call
//!          ◄─SUBSCRIBE conference──┤       ──► Roster: who is there, who is muted
//!          ◄─INFO addUser, modifyEndpointMedia
//!  mixer   ◄─INVITE with SDP: a leg of a call, none of this module's business
//! ```
//!
//! [`c3p`] writes and reads the documents of the conference control protocol, [`roster`] keeps the state that the focus
//! tells (RFC 4575), [`invitation`] reads `ms-conf-invite`, and [`Focus`] is the client of one conference.
//!
//! Out of scope: video, instant messages and application sharing of the conference, which a telephone does not have.

pub mod c3p;
mod focus;
pub mod invitation;
pub mod roster;

pub use focus::{Begin, Callee, Focus, FocusInput, FocusOutput, FocusRefusal};
