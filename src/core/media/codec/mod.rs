//! Codecs, as pure functions over samples and octets.

pub mod g711;
pub mod g722;
pub mod g726;
