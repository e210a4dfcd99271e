//! Everything that touches another system: SIP sockets, the base link, certificates, the media engine, the
//! directory, the doctor's probes. No rules and no actors live here.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod dect;
pub mod directory;
pub mod doctor;
pub mod lync;
pub mod media;
pub mod neighbour;
pub mod pki;
pub mod sip;
