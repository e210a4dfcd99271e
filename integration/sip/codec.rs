//! Messages out of a byte stream (RFC 3261 §7.5, §18.3; keep-alives RFC 5626 §3.5.1).

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use kirkwall_core::sip::wire::{Message, ParseFault};
use tokio_util::codec::{Decoder, Encoder};

/// Longest head of a message: start line and headers.
pub const MAX_HEAD: usize = 64 << 10;
/// Longest body of a message.
pub const MAX_BODY: usize = 256 << 10;

/// What a stream carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message, or one whose fault leaves the framing whole, so that the next can be read.
    Message(Result<Message, ParseFault>),
    /// A fault that loses the framing: nothing after it can be read.
    Lost(ParseFault),
    /// The second of two CRLFs: a keep-alive that wants an answer.
    Ping,
    /// One CRLF: the answer to a keep-alive, or the first half of one.
    Pong,
}

/// Cuts a stream into [`Frame`]s. Feed it the same buffer again and again.
#[derive(Debug, Default)]
pub struct Framer {
    /// A head that waits for this many bytes of body.
    awaiting_body: Option<(Result<Message, ParseFault>, usize)>,
    /// Bytes already searched for the end of the head, so that a dribbled head is searched once.
    searched: usize,
    /// Whether the last thing read was a lone CRLF.
    half_ping: bool,
    /// Whether the framing is lost.
    lost: bool,
}

impl Framer {
    /// Whether a message has begun and not ended.
    pub fn is_amid(&self, buffer: &[u8]) -> bool {
        self.awaiting_body.is_some() || !buffer.is_empty()
    }

    /// Whether nothing more will be read.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    fn body(&mut self, source: &mut BytesMut) -> Option<Frame> {
        let length = self.awaiting_body.as_ref()?.1;
        if source.len() < length {
            return None;
        }
        let (mut parsed, _) = self.awaiting_body.take()?;
        // Copied out, so that a header kept for the life of a dialog pins its own bytes only and not
        // the whole of the read buffer.
        let body = Bytes::copy_from_slice(&source[..length]);
        source.advance(length);
        match &mut parsed {
            Ok(message) => message.body = body,
            Err(ParseFault::Malformed { salvaged, .. } | ParseFault::Version { salvaged }) => {
                salvaged.body = body;
            }
            Err(ParseFault::NotSip(_)) => {}
        }
        Some(Frame::Message(parsed))
    }

    /// "Implementations processing SIP messages over stream-oriented transports MUST ignore any CRLF
    /// appearing before the start-line" (RFC 3261 §7.5), but for what RFC 5626 makes of it.
    fn line_end(&mut self, source: &mut BytesMut) -> Option<Frame> {
        loop {
            match source[..] {
                [b'\r', b'\n', ..] => {
                    source.advance(2);
                    self.half_ping = !self.half_ping;
                    return Some(if self.half_ping { Frame::Pong } else { Frame::Ping });
                }
                [b'\n', ..] | [b'\r', _, ..] => source.advance(1),
                _ => return None,
            }
        }
    }

    fn head(&mut self, source: &mut BytesMut) -> Option<Frame> {
        let Some((head_len, body_at)) = find_head(source, self.searched) else {
            // An empty line may be cut anywhere within its three bytes.
            self.searched = source.len().saturating_sub(3);
            return (source.len() > MAX_HEAD).then(|| self.too_long(source));
        };
        if head_len > MAX_HEAD {
            return Some(self.too_long(source));
        }
        self.searched = 0;
        let head = Bytes::copy_from_slice(&source[..head_len]);
        source.advance(body_at);
        let parsed = Message::parse_head(head);
        match body_length(&parsed) {
            Ok(length) => {
                self.awaiting_body = Some((parsed, length));
                self.body(source)
            }
            // A fault of the head itself says more than what follows from it.
            Err(fault) => Some(self.lose(source, parsed.err().unwrap_or(fault))),
        }
    }

    fn too_long(&mut self, source: &mut BytesMut) -> Frame {
        let cut = source[..MAX_HEAD].iter().rposition(|b| *b == b'\n').unwrap_or(0);
        let fault = match Message::parse_head(Bytes::copy_from_slice(&source[..cut])) {
            Ok(message) => malformed("headers are longer than 64 KiB", message),
            Err(fault) => fault,
        };
        self.lose(source, fault)
    }

    fn lose(&mut self, source: &mut BytesMut, fault: ParseFault) -> Frame {
        self.lost = true;
        source.clear();
        Frame::Lost(fault)
    }
}

impl Decoder for Framer {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Frame>> {
        if self.lost {
            source.clear();
            return Ok(None);
        }
        if self.awaiting_body.is_some() {
            return Ok(self.body(source));
        }
        if self.searched == 0 {
            if let Some(frame) = self.line_end(source) {
                return Ok(Some(frame));
            }
            match source[..] {
                [] | [b'\r'] => return Ok(None),
                _ => self.half_ping = false,
            }
        }
        Ok(self.head(source))
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

impl Encoder<Words> for Framer {
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

/// How much body follows a head, or why no one can know.
fn body_length(parsed: &Result<Message, ParseFault>) -> Result<usize, ParseFault> {
    let message = match parsed {
        Ok(message) => message,
        Err(ParseFault::Malformed { salvaged, .. } | ParseFault::Version { salvaged }) => salvaged,
        Err(fault) => return Err(fault.clone()),
    };
    match message.content_length()? {
        Some(length) if length <= MAX_BODY => Ok(length),
        Some(_) => Err(malformed("body is longer than 256 KiB", message.clone())),
        // RFC 3261 §20.14: "If a stream-based protocol (such as TCP) is used as transport, then the
        // header field MUST be used."
        None => Err(malformed("no Content-Length on a stream", message.clone())),
    }
}

fn malformed(what: &'static str, salvaged: Message) -> ParseFault {
    ParseFault::Malformed { what, salvaged: Box::new(salvaged) }
}

/// Length of the head and start of the body, searching from `from`.
fn find_head(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let from = from.min(bytes.len());
    memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|at| match bytes[at + 1..] {
        [b'\r', b'\n', ..] => Some((at + 1, at + 3)),
        [b'\n', ..] => Some((at + 1, at + 2)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use kirkwall_core::sip::wire::HeaderName;

    use super::*;

    const OPTIONS: &str = "OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nl: 3\r\n\r\nabc";

    fn frames(framer: &mut Framer, buffer: &mut BytesMut) -> Vec<Frame> {
        std::iter::from_fn(|| framer.decode(buffer).unwrap()).collect()
    }

    fn all(bytes: &[u8]) -> Vec<Frame> {
        frames(&mut Framer::default(), &mut BytesMut::from(bytes))
    }

    #[test]
    fn a_message_cut_anywhere_is_the_same_message() {
        let twice = format!("\r\n{OPTIONS}{OPTIONS}\r\n\r\n");
        let whole = all(twice.as_bytes());
        assert_eq!(whole.len(), 5);
        assert!(matches!(&whole[1], Frame::Message(Ok(m)) if &m.body[..] == b"abc"));
        for cut in 0..twice.len() {
            let (mut framer, mut buffer) = (Framer::default(), BytesMut::new());
            let mut seen = Vec::new();
            for part in [&twice[..cut], &twice[cut..]] {
                buffer.extend_from_slice(part.as_bytes());
                seen.extend(frames(&mut framer, &mut buffer));
            }
            assert_eq!(seen, whole, "cut at {cut}");
            assert!(!framer.is_amid(&buffer));
        }
    }

    #[test]
    fn byte_by_byte_is_the_same_too() {
        let (mut framer, mut buffer, mut seen) = (Framer::default(), BytesMut::new(), Vec::new());
        for byte in format!("{OPTIONS}\r\n\r\n{OPTIONS}").bytes() {
            buffer.extend_from_slice(&[byte]);
            seen.extend(frames(&mut framer, &mut buffer));
        }
        assert_eq!(seen, all(format!("{OPTIONS}\r\n\r\n{OPTIONS}").as_bytes()));
        assert_eq!(seen[1..3], [Frame::Pong, Frame::Ping]);
    }

    #[test]
    fn two_pings_are_two_pings() {
        assert_eq!(all(b"\r\n\r\n\r\n\r\n"), [Frame::Pong, Frame::Ping, Frame::Pong, Frame::Ping]);
    }

    #[test]
    fn a_missing_or_wrong_content_length_loses_the_framing() {
        for line in
            ["", "l: x\r\n", "l: -1\r\n", "l: 1\r\nl: 2\r\n", "l: 99999999999999999999\r\n", "l: 300000\r\n"]
        {
            let mut got = all(format!("OPTIONS sip:b@c SIP/2.0\r\ni: 1@x\r\n{line}\r\nrest").as_bytes());
            assert_eq!(got.len(), 1, "{line}");
            let Some(Frame::Lost(ParseFault::Malformed { salvaged, .. })) = got.pop() else {
                panic!("{line}: {got:?}")
            };
            assert_eq!(salvaged.call_id().unwrap(), "1@x");
        }
    }

    #[test]
    fn a_bad_header_with_good_framing_lets_the_next_message_through() {
        let got = all(format!("OPTIONS sip:b@c SIP/2.0\r\nbad line\r\nl: 2\r\n\r\nxy{OPTIONS}").as_bytes());
        assert!(
            matches!(&got[0], Frame::Message(Err(ParseFault::Malformed { salvaged, .. })) if salvaged.body == "xy")
        );
        assert!(matches!(&got[1], Frame::Message(Ok(_))));
        let got = all(format!("OPTIONS sip:b@c SIP/7.0\r\nl: 0\r\n\r\n{OPTIONS}").as_bytes());
        assert!(matches!(&got[0], Frame::Message(Err(ParseFault::Version { .. }))));
        assert!(matches!(&got[1], Frame::Message(Ok(_))));
    }

    #[test]
    fn an_endless_head_is_cut_off_and_what_was_read_is_salvaged() {
        let mut long = b"OPTIONS sip:b@c SIP/2.0\r\ni: 1@x\r\nSubject: ".to_vec();
        long.resize(MAX_HEAD + 1, b'a');
        let got = all(&long);
        let [Frame::Lost(ParseFault::Malformed { what, salvaged })] = &got[..] else { panic!("{got:?}") };
        assert!(what.contains("64 KiB"));
        assert_eq!(salvaged.header(&HeaderName::CallId).unwrap(), "1@x");
    }

    #[test]
    fn other_protocols_are_refused() {
        assert!(matches!(
            all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[..],
            [Frame::Lost(ParseFault::NotSip(_))]
        ));
        assert!(matches!(all(&[0x16; MAX_HEAD + 1])[..], [Frame::Lost(ParseFault::NotSip(_))]));
    }
}
