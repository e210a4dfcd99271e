//! Media without sockets: SDP, RTP, codecs, SRTP keys. Knows nothing of calls.

pub mod codec;
pub mod dtmf;
mod format;
pub mod ice;
pub mod mix;
pub mod music;
pub mod negotiate;
pub mod playout;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
mod srtp_key;
pub mod tone;

pub use format::{Codec, Direction, SrtpKey, SrtpPair, SrtpSuite};
pub use srtp_key::{CryptoFault, CryptoLine, MASTER_LENGTH};
