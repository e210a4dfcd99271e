//! Rules of the radio side above one link: who gets a channel, who gives time to whom, who is handed over.
//!
//! # Terminology
//!
//! * A *radio* is a base station on the air, named by its radio number ([`Rpn`]) within the system.
//! * A *channel* is what one call takes of a base station; a *pair* is the slot pair it takes on the air.
//! * The *reserve* is what is kept free for handsets that come over in a call.
//!
//! # Table of contents
//!
//! * [`allocation`]: new calls, handovers and emergencies; why one is blocked. [`congestion`]: busy bits.
//! * [`sync`]: the tree by which radios take their time, and what the loss of each would do.
//! * [`handover`]: whether ([`handover::decision`]) and how ([`handover::procedure`]).
//! * [`statistics`]: what an administrator sees of one base station.

pub mod allocation;
pub mod congestion;
pub mod handover;
pub mod statistics;
pub mod sync;

/// Radio fixed part number: which radio of the system.
pub type Rpn = u8;
