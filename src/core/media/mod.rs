//! Media without sockets: SDP, RTP, codecs, SRTP keys. Knows nothing of calls.

mod format;
pub mod negotiate;
pub mod sdp;
mod srtp_key;

pub use format::{Codec, Direction, SrtpKey, SrtpPair, SrtpSuite};
pub use srtp_key::{CryptoFault, CryptoLine, MASTER_LENGTH};
