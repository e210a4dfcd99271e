//! Everything that touches another system: SIP sockets, certificates. No rules and no actors live here.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod pki;
pub mod sip;
