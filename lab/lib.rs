//! The world, emulated.
#![cfg_attr(test, allow(clippy::unwrap_used))]
pub mod media;
pub mod sip;
