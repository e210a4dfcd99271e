//! The only room where radio and SIP meet: routing, admission, the call itself.
//!
//! The way of one call: [`route`] says where to, [`admission`] takes the channels, [`Call`] dials, rings,
//! joins and releases the legs, [`cause`] says why it ended.

/// Bits of an owner's number that count the legs of a call; the rest is the call's reference.
pub const OWNER_BITS: u32 = 8;

pub mod admission;
mod asked;
mod bandwidth;
// The room is called after what it is for, the machine after what it is.
#[allow(clippy::module_inception)]
mod call;
pub mod cause;
mod cdr;
pub mod conference;
pub mod dect_leg;
pub mod dialling;
pub mod forward;
pub mod house;
pub mod ladder;
mod leg;
pub mod location;
pub mod log;
pub mod mailbox;
pub mod menu;
pub mod message_waiting;
mod party;
pub mod pick_up;
pub mod preempt;
pub mod represented;
pub mod route;
pub mod sign_in;
pub mod text;
#[cfg(test)]
mod town;

pub use crate::sip::invite::Body;
pub use call::{
    About, Admitted, Call, Divert, Errand, Estate, HoldSignal, HoldSignals, Input, Joining, NewCall, Origin,
    Output, Save, Side, Sound,
};
pub use cdr::{CallSummary, HandedOver, Phase};
pub use leg::{CALL_WAITING, Heard, LegNews, LegNo, LegOrder, Ticket, TransferWish, hear, tell};
pub use party::{NativeTarget, Party, Target};
