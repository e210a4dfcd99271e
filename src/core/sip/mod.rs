//! SIP, from bytes to dialogs. Knows nothing of DECT or of calls.

mod base_station;
pub mod digest;
mod peer;
pub mod registrar;
pub mod registration;
pub mod transaction;
pub mod wire;

pub use base_station::{BaseRole, Certainty, ChannelBudget, DisplayLimits, SipBaseProfile, Vendor};
pub use peer::{ConnectionId, Destination, Facing, Peer, Transport};
