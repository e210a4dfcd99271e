//! A relay over TCP: the greeting that looks like TLS, and frames in the stream (\[MS-TURN\] §2.1).
//!
//! ```text
//! ClientHello ──►   ◄── ServerHello + ServerHelloDone, one record
//! 02 00 LEN LEN <message>      03 00 LEN LEN <data of the active destination>
//! ```

/// The greeting of the client. Nothing in it is secret and nothing is encrypted afterwards: it leads
/// firewalls that look for TLS past the port 443. Relays compare it, so its "random" octets are fixed.
pub(super) const CLIENT_HELLO: [u8; 50] = [
    0x16, 0x03, 0x01, 0x00, 0x2D, 0x01, 0x00, 0x00, 0x29, 0x03, 0x01, 0xC1, 0xFC, 0xD5, 0xA3, 0x6D, 0x93,
    0xDD, 0x7E, 0x0B, 0x45, 0x67, 0x3F, 0xEC, 0x79, 0x85, 0xFB, 0xBC, 0x3F, 0xD6, 0x60, 0xC2, 0xCE, 0x84,
    0x85, 0x08, 0x1B, 0x81, 0x21, 0xBC, 0xAA, 0x10, 0xFB, 0x00, 0x00, 0x02, 0x00, 0x18, 0x01, 0x00,
];

/// Longest greeting of a relay that is waited for.
const MAX_HELLO: usize = 1024;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// 02: a message.
    Control,
    /// 03: data from or to the active destination.
    Data,
}

/// Why a stream cannot be read on (the relay's fault).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("TURN over TCP: {0}")]
pub struct FrameFault(pub &'static str);

/// Wraps a frame.
pub(super) fn frame(kind: FrameKind, payload: &[u8]) -> Vec<u8> {
    let kind = match kind {
        FrameKind::Control => 2,
        FrameKind::Data => 3,
    };
    let mut frame = vec![kind, 0];
    frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// RFC 4571 §2: two octets of length before each packet.
pub(super) fn packet(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// Cuts a stream into frames. It holds at most one unfinished frame.
#[derive(Debug, Default)]
pub(super) struct Reader {
    greeted: bool,
    buffer: Vec<u8>,
}

impl Reader {
    /// Whether the relay's greeting has come.
    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Whether a part of something waits for its rest.
    pub fn is_inside(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Takes the next octets and gives the frames that are whole now.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<(FrameKind, Vec<u8>)>, FrameFault> {
        self.buffer.extend_from_slice(bytes);
        if !self.greeted && !self.greeting()? {
            return Ok(Vec::new());
        }
        let (mut frames, mut at) = (Vec::new(), 0);
        while let Some(&[kind, _, high, low]) = self.buffer[at..].first_chunk::<4>() {
            let kind = match kind {
                2 => FrameKind::Control,
                3 => FrameKind::Data,
                _ => return Err(FrameFault("a frame is neither control nor data")),
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(payload) = self.buffer.get(at + 4..at + 4 + length) else { break };
            frames.push((kind, payload.to_vec()));
            at += 4 + length;
        }
        self.buffer.drain(..at);
        Ok(frames)
    }

    /// "The ServerHello and ServerHelloDone messages MUST be sent in the same TLS record."
    fn greeting(&mut self) -> Result<bool, FrameFault> {
        let Some(&[kind, major, _, high, low]) = self.buffer.first_chunk::<5>() else { return Ok(false) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if (kind, major) != (0x16, 3) || length > MAX_HELLO {
            return Err(FrameFault("the greeting is no handshake record"));
        }
        let Some(record) = self.buffer.get(5..5 + length) else { return Ok(false) };
        // RFC 2246 §7.4: a ServerHello is type 2, a ServerHelloDone type 14 and empty.
        if record.first() != Some(&2) || !record.ends_with(&[14, 0, 0, 0]) {
            return Err(FrameFault("the greeting is no ServerHello with ServerHelloDone"));
        }
        self.buffer.drain(..5 + length);
        self.greeted = true;
        Ok(true)
    }
}

/// Puts the packets of one peer together again: a relay may cut the stream anywhere.
#[derive(Debug, Default)]
pub(super) struct Packets {
    buffer: Vec<u8>,
}

impl Packets {
    /// Takes the next octets and gives the packets that are whole now. It holds less than one packet.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.buffer.extend_from_slice(bytes);
        let (mut packets, mut at) = (Vec::new(), 0);
        while let Some(&[high, low]) = self.buffer[at..].first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(packet) = self.buffer.get(at + 2..at + 2 + length) else { break };
            packets.push(packet.to_vec());
            at += 2 + length;
        }
        self.buffer.drain(..at);
        packets
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The greeting of a relay: a ServerHello of zeros and a ServerHelloDone.
    pub(in super::super) fn server_hello() -> Vec<u8> {
        let mut hello = vec![0x16, 3, 1, 0, 0x4E, 2, 0, 0, 0x46, 3, 1];
        hello.resize(5 + 0x4E - 4, 0);
        hello.extend_from_slice(&[14, 0, 0, 0]);
        hello
    }

    #[test]
    fn a_stream_is_cut_wherever_it_breaks() {
        let stream = [
            server_hello(),
            frame(FrameKind::Control, b"one"),
            frame(FrameKind::Data, b""),
            frame(FrameKind::Data, b"two"),
        ];
        let stream = stream.concat();
        for step in 1..stream.len() {
            let mut reader = Reader::default();
            let frames: Vec<_> = stream.chunks(step).flat_map(|part| reader.take(part).unwrap()).collect();
            let expected = [
                (FrameKind::Control, b"one".to_vec()),
                (FrameKind::Data, vec![]),
                (FrameKind::Data, b"two".to_vec()),
            ];
            assert_eq!(frames, expected, "step {step}");
        }
    }

    #[test]
    fn another_greeting_or_frame_ends_the_stream() {
        assert!(Reader::default().take(b"HTTP/1.1 400 Bad Request").is_err());
        assert!(Reader::default().take(&[0x16, 3, 1, 0xFF, 0xFF]).is_err());
        assert!(Reader::default().take(&[0x16, 3, 1, 0, 2, 2, 0]).is_err());
        let mut reader = Reader::default();
        reader.take(&server_hello()).unwrap();
        assert!(reader.take(&[9, 0, 0, 0]).is_err());
    }

    #[test]
    fn the_client_greeting_is_a_whole_record() {
        assert_eq!(usize::from(CLIENT_HELLO[4]), CLIENT_HELLO.len() - 5);
        assert_eq!(usize::from(CLIENT_HELLO[8]), CLIENT_HELLO.len() - 9);
    }

    proptest! {
        #[test]
        fn no_stream_panics(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8), greeted in any::<bool>()) {
            let (mut reader, mut packets) = (Reader::default(), Packets::default());
            if greeted {
                reader.take(&server_hello()).unwrap();
            }
            for part in parts {
                let _ = reader.take(&part);
                packets.take(&part);
                prop_assert!(packets.buffer.len() < 2 + 65_536);
            }
        }
    }
}
