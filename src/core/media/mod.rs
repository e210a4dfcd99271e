//! Media without sockets: SDP, RTP, codecs, SRTP keys. Knows nothing of calls.

mod format;

pub use format::{Codec, Direction, SrtpKey, SrtpPair, SrtpSuite};
