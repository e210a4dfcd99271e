//! SIP, from bytes to dialogs. Knows nothing of DECT or of calls.

mod peer;
pub mod transaction;
pub mod wire;

pub use peer::{ConnectionId, Destination, Facing, Peer, Transport};
