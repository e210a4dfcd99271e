//! Frames in a stream of octets.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::{Buf, BytesMut};
use kirkwall_core::dect::base_link::frame::{LONGEST, LONGEST_UNKNOWN, cut};
use kirkwall_core::dect::base_link::{Heard, Malformed, ToBase, hear};
use tokio_util::codec::{Decoder, Encoder};

/// What the stream gives.
#[derive(Debug)]
pub(super) enum Piece {
    /// The first octets of a frame are there and the rest is not: from now on its sender has
    /// [`super::Limits::frame`].
    Begun,
    /// A frame.
    Frame(Heard),
}

/// What ends the stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamFault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Reads [`Heard`] and writes [`ToBase`].
#[derive(Debug)]
pub(super) struct Frames {
    longest: Arc<AtomicU32>,
    begun: bool,
}

/// How long a frame of this stream may be.
#[derive(Debug, Clone)]
pub(super) struct Longest(Arc<AtomicU32>);

impl Longest {
    /// WELCOME was said.
    pub(super) fn known(&self) {
        self.0.store(LONGEST, Ordering::Relaxed);
    }
}

impl Frames {
    pub(super) fn new() -> (Self, Longest) {
        let longest = Arc::new(AtomicU32::new(LONGEST_UNKNOWN));
        (Self { longest: longest.clone(), begun: false }, Longest(longest))
    }
}

impl Decoder for Frames {
    type Item = Piece;
    type Error = StreamFault;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Piece>, StreamFault> {
        let found = cut(buffer, self.longest.load(Ordering::Relaxed))?;
        if let Some((frame, length)) = found {
            let heard = hear(frame);
            buffer.advance(length);
            self.begun = false;
            return Ok(Some(Piece::Frame(heard)));
        }
        if buffer.is_empty() || self.begun {
            return Ok(None);
        }
        self.begun = true;
        Ok(Some(Piece::Begun))
    }
}

impl Encoder<(u32, ToBase)> for Frames {
    type Error = StreamFault;

    fn encode(&mut self, (seq, word): (u32, ToBase), out: &mut BytesMut) -> Result<(), StreamFault> {
        let mut octets = Vec::new();
        word.encode(seq, &mut octets);
        out.extend_from_slice(&octets);
        Ok(())
    }
}
