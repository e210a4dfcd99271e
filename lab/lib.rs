//! The world, emulated.
#![cfg_attr(test, allow(clippy::unwrap_used))]
pub mod front_end;
pub mod handset;
pub mod media;
pub mod phone;
pub mod sip;
