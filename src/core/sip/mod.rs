//! SIP, from bytes to dialogs. Knows nothing of DECT or of calls.

pub mod door;
mod peer;
pub mod wire;

pub use peer::{ConnectionId, Destination, Facing, Peer, Transport};
