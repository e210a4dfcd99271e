//! The open base link, OBL/1: what the switch and a native base station say to each other.
//!
//! `docs/base-link.md` is the page another maker builds a base station from; the numbers here are that
//! page's. A [`frame::cut`] finds the frames in what a socket gave, [`hear`] makes a typed word of one.
//!
//! # Terminology
//!
//! * A *frame* is what has a length; its *head* has type, flags and sequence number; its *fields* follow.
//! * A *word* is a frame's meaning: [`FromBase`] or [`ToBase`].
//! * A *request* is a word that is answered with a [`Response`] of the same type and sequence number.
//! * A *connection* is a MAC connection of one handset on one base station, named by a [`ConnId`].
//!
//! # Table of contents
//!
//! * [`frame`]: lengths, heads and bounds. [`tag`]: the numbers of fields. [`value`]: their contents.
//! * [`code`]: enumerated values and reasons. [`word`]: one struct for each message.
//! * [`FromBase`], [`ToBase`], [`Response`]: which message may come from whom.
//! * [`greeting`]: what a connection may say before it is known whose it is. [`enrolment`]: one-time tokens.
//!   [`firmware`]: who is too old. [`session`]: the link of one base station, over all its connections.

pub mod code;
pub mod enrolment;
pub mod field;
pub mod firmware;
pub mod frame;
pub mod greeting;
pub mod session;
pub mod tag;
pub mod value;
pub mod word;

mod direction;

pub use direction::{FromBase, Heard, Response, ToBase, hear, hear_as_base};
pub use field::Fault;
pub use frame::{Flags, Frame, Head, Malformed, MessageType};
pub use value::{BaseId, ConnId, MediaId, Octets};

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;

/// The version of the protocol that this product speaks, lowest and highest.
pub const PROTOCOL: std::ops::RangeInclusive<u16> = 1..=1;
/// ALPN protocol name.
pub const ALPN: &[u8] = b"obl/1";
