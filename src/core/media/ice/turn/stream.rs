//! The stream of a relay over TCP, taken apart where packets flow: what is for the client, and what is voice.
//!
//! ```text
//! stream ──► Splitter ──► Piece::Client ──► Turn (greeting, messages, checks of the peer)
//!                     └─► Piece::Voice  ──► the media's own socket, past every mailbox
//! ```

use super::frame::{self, FrameFault, FrameKind};

/// A part of what a relay sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// For the client, as it came: [`Input::Received`](super::Input::Received).
    Client(Vec<u8>),
    /// A packet of the active destination that is no STUN.
    Voice(Vec<u8>),
}

/// Takes a stream apart. It holds at most one unfinished frame and one unfinished packet.
#[derive(Debug, Default)]
pub struct Splitter {
    reader: frame::Reader,
    packets: frame::Packets,
}

impl Splitter {
    /// Takes the next octets and gives the parts that are whole now.
    ///
    /// # Errors
    ///
    /// When the relay sends what is no stream of \[MS-TURN\].
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, FrameFault> {
        let greeted = self.reader.greeted();
        let frames = self.reader.take(bytes)?;
        if !greeted {
            // [MS-TURN] §2.1: the client speaks first after the greeting, so nothing can follow it yet.
            return match self.reader.greeted() && (!frames.is_empty() || self.reader.is_inside()) {
                true => Err(FrameFault("something follows the greeting before it was asked for")),
                false => Ok(vec![Piece::Client(bytes.to_vec())]),
            };
        }
        let mut pieces = Vec::new();
        for (kind, payload) in frames {
            match kind {
                FrameKind::Control => pieces.push(Piece::Client(frame::frame(kind, &payload))),
                FrameKind::Data => pieces.extend(self.packets.take(&payload).into_iter().map(piece)),
            }
        }
        Ok(pieces)
    }
}

/// A packet for the active destination, as the relay wants it on the stream.
pub fn wrapped(packet: &[u8]) -> Vec<u8> {
    frame::frame(FrameKind::Data, &frame::packet(packet))
}

/// RFC 7983 §7: a first octet of 0 to 3 is STUN's.
fn piece(packet: Vec<u8>) -> Piece {
    match packet.first() {
        Some(0..=3) => Piece::Client(wrapped(&packet)),
        _ => Piece::Voice(packet),
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::server_hello;
    use super::*;

    #[test]
    fn the_client_gets_all_but_voice_wherever_the_stream_breaks() {
        let check = wrapped(&[0, 1, 0, 0]);
        let told = frame::frame(FrameKind::Control, b"told");
        let stream = [told.clone(), wrapped(&[0x80; 20]), check.clone(), wrapped(&[0x81; 3])].concat();
        for step in 1..=stream.len() {
            let mut splitter = Splitter::default();
            assert_eq!(splitter.take(&server_hello()).unwrap(), [Piece::Client(server_hello())]);
            let pieces: Vec<_> = stream.chunks(step).flat_map(|part| splitter.take(part).unwrap()).collect();
            let expected = [
                Piece::Client(told.clone()),
                Piece::Voice(vec![0x80; 20]),
                Piece::Client(check.clone()),
                Piece::Voice(vec![0x81; 3]),
            ];
            assert_eq!(pieces, expected, "step {step}");
        }
    }

    #[test]
    fn a_packet_cut_over_two_frames_is_put_together() {
        let mut splitter = Splitter::default();
        splitter.take(&server_hello()).unwrap();
        let packet = frame::packet(&[0x80; 10]);
        let (first, last) = packet.split_at(5);
        assert_eq!(splitter.take(&frame::frame(FrameKind::Data, first)).unwrap(), []);
        let pieces = splitter.take(&frame::frame(FrameKind::Data, last)).unwrap();
        assert_eq!(pieces, [Piece::Voice(vec![0x80; 10])]);
    }

    #[test]
    fn a_greeting_in_parts_goes_to_the_client_and_one_with_more_behind_it_is_refused() {
        let mut splitter = Splitter::default();
        let hello = server_hello();
        let (first, last) = hello.split_at(30);
        assert_eq!(splitter.take(first).unwrap(), [Piece::Client(first.to_vec())]);
        assert_eq!(splitter.take(last).unwrap(), [Piece::Client(last.to_vec())]);
        let more = [server_hello(), vec![2]].concat();
        assert!(Splitter::default().take(&more).is_err());
        assert!(Splitter::default().take(b"HTTP/1.1 400 Bad Request").is_err());
    }
}
