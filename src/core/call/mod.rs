//! The only room where radio and SIP meet: routing, admission, the call itself.
//!
//! The way of one call: [`route`] says where to, [`admission`] takes the channels, [`Call`] dials, rings,
//! joins and releases the legs, [`cause`] says why it ended.

pub mod admission;
// mod call;
pub mod cause;
mod cdr;
pub mod ladder;
mod leg;
mod party;
pub mod route;

// pub use call::{Admitted, Call, Input, NewCall, Output, Side};
pub use cdr::{CallSummary, Phase};
pub use leg::{Body, LegNews, LegNo, LegOrder};
pub use party::{Party, Target};
