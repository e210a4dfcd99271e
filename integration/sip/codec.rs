//! core's [`Framer`] as a `tokio-util` codec: messages in, messages and keep-alives out.

use std::io;

use bytes::{Bytes, BytesMut};
use kirkwall_core::sip::wire::{Frame, FrameFault, Framer};
use tokio_util::codec::{Decoder, Encoder};

/// What a stream carries, or why it can carry no more.
pub(super) type Framed = Result<Frame, FrameFault>;

/// Cuts one connection's bytes into frames and writes ours.
#[derive(Debug, Default)]
pub(super) struct Codec {
    framer: Framer,
}

impl Codec {
    /// A keep-alive of ours waits for its answer, so a lone CRLF is that answer.
    pub fn expect_pong(&mut self) {
        self.framer.ping_sent();
    }

    /// Whether a message has begun and not ended.
    pub fn is_amid_message(&self, buffer: &BytesMut) -> bool {
        !self.framer.is_between_messages(buffer)
    }

    /// No more will be read: the fault of a message that was begun.
    pub fn finish(&mut self, buffer: &mut BytesMut) -> Option<FrameFault> {
        self.framer.finish(buffer).err()
    }
}

impl Decoder for Codec {
    type Item = Framed;
    type Error = io::Error;

    /// Lost framing is an item and not an error, for the reader answers it like a message.
    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Framed>> {
        Ok(self.framer.push(source).transpose())
    }
}

/// What we write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    /// An encoded message.
    Message(Bytes),
    /// "a double-CRLF (the "ping")" (RFC 5626 §3.5.1).
    Ping,
    /// "responds with a single CRLF (the "pong")".
    Pong,
}

impl Encoder<Words> for Codec {
    type Error = io::Error;

    fn encode(&mut self, words: Words, into: &mut BytesMut) -> io::Result<()> {
        match words {
            Words::Message(bytes) => into.extend_from_slice(&bytes),
            Words::Ping => into.extend_from_slice(b"\r\n\r\n"),
            Words::Pong => into.extend_from_slice(b"\r\n"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nl: 3\r\n\r\nabc";

    fn frames(codec: &mut Codec, buffer: &mut BytesMut) -> Vec<Framed> {
        std::iter::from_fn(|| codec.decode(buffer).unwrap()).collect()
    }

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_frames() {
        let text = format!("{OPTIONS}\r\n\r\n{OPTIONS}");
        let whole = frames(&mut Codec::default(), &mut BytesMut::from(text.as_str()));
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1], Ok(Frame::Ping));
        for cut in 0..text.len() {
            let (mut codec, mut buffer, mut seen) = (Codec::default(), BytesMut::new(), Vec::new());
            for part in [&text[..cut], &text[cut..]] {
                buffer.extend_from_slice(part.as_bytes());
                seen.extend(frames(&mut codec, &mut buffer));
            }
            assert_eq!(seen, whole, "cut at {cut}");
            assert!(!codec.is_amid_message(&buffer));
        }
    }

    #[test]
    fn lost_framing_is_told_once_and_the_rest_is_thrown_away() {
        let mut buffer =
            BytesMut::from(format!("OPTIONS sip:b@c SIP/2.0\r\ni: 1@x\r\n\r\n{OPTIONS}").as_str());
        let seen = frames(&mut Codec::default(), &mut buffer);
        assert!(matches!(&seen[..], [Err(fault)] if fault.fault.salvaged().is_some()), "{seen:?}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (mut codec, mut buffer) = (Codec::default(), BytesMut::new());
        for words in [Words::Ping, Words::Message(OPTIONS.into()), Words::Pong] {
            codec.encode(words, &mut buffer).unwrap();
        }
        assert_eq!(codec.decode(&mut buffer).unwrap(), Some(Ok(Frame::Ping)));
        assert!(matches!(codec.decode(&mut buffer).unwrap(), Some(Ok(Frame::Sip(Ok(_))))));
        codec.expect_pong();
        assert_eq!(codec.decode(&mut buffer).unwrap(), Some(Ok(Frame::Pong)));
    }
}
