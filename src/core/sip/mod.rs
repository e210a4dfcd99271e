//! SIP, from bytes to dialogs. Knows nothing of DECT or of calls.

pub mod dialog;
pub mod invite;
pub mod offer_answer;
mod peer;
pub mod session_timer;
pub mod transaction;
pub mod wire;

pub use peer::{ConnectionId, Destination, Facing, Peer, Transport};
