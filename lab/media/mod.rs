//! Sound for emulators: G.711, RTP, SDP and voices that can be told apart at the far end.

mod ears;
pub mod g711;
pub mod g722;
pub mod g726;
pub mod meter;
pub mod mixer;
pub mod mouth;
pub mod numbers;
pub mod sdp;
pub mod sparkle;
pub mod srtp;
pub mod stream;
pub mod traits;
pub mod voice;
mod walk;

pub use g711::Codec;
pub use mixer::{Mixer, Seat};
pub use mouth::Mouth;
pub use sdp::Protection;
pub use stream::{Heard, Stream};
pub use traits::Traits;
pub use voice::Voice;

/// Samples in a second.
pub const RATE: usize = 8_000;
/// Samples in a packet of 20 ms.
pub const FRAME: usize = 160;
