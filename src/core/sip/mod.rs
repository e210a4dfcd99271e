//! SIP, from bytes to dialogs. Knows nothing of DECT or of calls.

mod base_station;
pub mod dialog;
pub mod digest;
pub mod door;
pub mod invite;
mod next_hop;
pub mod notifier;
pub mod offer_answer;
pub mod pace;
mod peer;
pub mod proxies;
pub mod proxy_watch;
pub mod refer;
pub mod registrar;
pub mod registration;
pub mod replaces;
pub mod session_timer;
pub mod subscription;
pub mod transaction;
pub mod wire;

pub use base_station::provisioning;
pub use base_station::{BaseRole, Certainty, ChannelBudget, DisplayLimits, SipBaseProfile, Vendor};
pub use next_hop::next_hop;
pub use peer::{ConnectionId, Destination, Facing, Peer, Transport};
