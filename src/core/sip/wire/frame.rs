//! Messages and keep-alives out of a byte stream (RFC 3261 §18.3, RFC 5626 §3.5.1).
//!
//! ```text
//! bytes ──► Framer::push ──► Frame::Ping | Frame::Pong | Frame::Sip(message or its fault)
//!                       └──► FrameFault: boundaries are lost; answer it, then close the connection
//! ```
//!
//! A message that is malformed but whose end is certain does not cost the connection: it comes as
//! `Frame::Sip(Err(…))` and goes to the door like any other. A [`FrameFault`] is final: no attempt is
//! made to find the next message, and everything that follows is thrown away.
//!
//! Memory held is bounded by [`MAX_HEAD`] and [`MAX_BODY`]; time is bounded by whoever reads the
//! socket ([`Framer::is_between_messages`] tells an idle connection from a stalled one).

use bytes::{Buf, Bytes, BytesMut};

use super::parse::malformed;
use super::{Message, ParseFault};

/// Most bytes of start line and headers together: 64 KiB.
pub const MAX_HEAD: usize = 64 * 1024;
/// Most bytes of a body: 256 KiB.
pub const MAX_BODY: usize = 256 * 1024;

/// What a stream brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// CRLFCRLF: the far side asks whether we live; answer with CRLF (RFC 5626 §4.4.1).
    Ping,
    /// CRLF: the far side's answer to our ping.
    Pong,
    /// A message, or why it is none; the stream goes on behind it.
    Sip(Result<Message, ParseFault>),
}

/// The stream cannot be cut into messages any more. Close the connection once `fault` is answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stream closed: {reason:?}: {fault}")]
pub struct FrameFault {
    /// Why, as a closed list to count by.
    pub reason: FrameFaultReason,
    /// For the door, which makes the 400 out of what could be read.
    pub fault: ParseFault,
}

/// Why a stream was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameFaultReason {
    /// More than [`MAX_HEAD`] bytes and no empty line.
    HeadTooLong,
    /// Content-Length above [`MAX_BODY`].
    BodyTooLong,
    /// No Content-Length, which a stream needs (RFC 3261 §18.3).
    NoContentLength,
    /// Content-Length is no number, or there are two.
    BadContentLength,
    /// The first line is not SIP.
    NotSip,
    /// The stream ended within a message.
    CutShort,
}

impl FrameFaultReason {
    /// The name of its counter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HeadTooLong => "head_too_long",
            Self::BodyTooLong => "body_too_long",
            Self::NoContentLength => "no_content_length",
            Self::BadContentLength => "bad_content_length",
            Self::NotSip => "not_sip",
            Self::CutShort => "cut_short",
        }
    }
}

/// Cuts one connection's bytes into frames.
#[derive(Debug, Default)]
pub struct Framer {
    awaits: Awaits,
    /// Whether we pinged and the answer is out: then a lone CRLF is that answer.
    pinged: bool,
}

#[derive(Debug)]
enum Awaits {
    /// The end of a head; the first `searched` bytes hold none.
    Head { searched: usize },
    /// This many bytes of body for the head already read.
    Body { head: Result<Message, ParseFault>, length: usize },
    /// Nothing: the stream is given up.
    Close,
}

impl Default for Awaits {
    fn default() -> Self {
        Self::Head { searched: 0 }
    }
}

impl Framer {
    /// At the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// We have sent CRLFCRLF, so the next lone CRLF is a [`Frame::Pong`]. Otherwise a lone CRLF is held:
    /// it is half a ping, or padding before a message (RFC 3261 §7.5).
    pub fn ping_sent(&mut self) {
        self.pinged = true;
    }

    /// Whether no message has begun: an idle connection may stay so, one within a message may not.
    pub fn is_between_messages(&self, buffer: &BytesMut) -> bool {
        matches!(self.awaits, Awaits::Head { .. }) && buffer.iter().all(|b| matches!(b, b'\r' | b'\n'))
    }

    /// The next frame in `buffer`, which keeps what is not used yet. `Ok(None)`: more bytes are needed.
    /// Call until it says so after each read.
    pub fn push(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameFault> {
        loop {
            match &mut self.awaits {
                Awaits::Head { searched: 0 } if matches!(buffer.first(), Some(b'\r' | b'\n')) => {
                    match line_ends(buffer, &mut self.pinged) {
                        Ends::Frame(frame) => return Ok(Some(frame)),
                        Ends::Skipped => {}
                        Ends::Unclear => return Ok(None),
                    }
                }
                Awaits::Head { searched } => match take_head(buffer, searched) {
                    Ok(Some(head)) => self.awaits = self.body_of(head)?,
                    Ok(None) => return Ok(None),
                    Err(fault) => return self.give_up(fault),
                },
                Awaits::Body { length, .. } if buffer.len() < *length => {
                    buffer.reserve(*length - buffer.len());
                    return Ok(None);
                }
                Awaits::Body { .. } => return Ok(self.take_body(buffer)),
                Awaits::Close => {
                    buffer.clear();
                    return Ok(None);
                }
            }
        }
    }

    /// The stream has ended: a fault when it ended within a message (RFC 3261 §18.3).
    pub fn finish(&mut self, buffer: &mut BytesMut) -> Result<(), FrameFault> {
        let rest = buffer.split().freeze();
        match std::mem::replace(&mut self.awaits, Awaits::Close) {
            Awaits::Close => Ok(()),
            Awaits::Head { .. } if rest.iter().all(|b| matches!(b, b'\r' | b'\n')) => Ok(()),
            Awaits::Head { .. } => Err(fault_in(FrameFaultReason::CutShort, "Message Cut Short", rest)),
            Awaits::Body { head, .. } => Err(fault_of(FrameFaultReason::CutShort, "Body Cut Short", head)),
        }
    }

    /// What to await behind `head`. RFC 3261 §18.3: "If a transport is stream-oriented, the
    /// Content-Length header field indicates the size of the body. The Content-Length header field
    /// MUST be used with stream oriented transports."
    fn body_of(&mut self, head: Bytes) -> Result<Awaits, FrameFault> {
        use FrameFaultReason::{BadContentLength, BodyTooLong, NoContentLength, NotSip};
        self.awaits = Awaits::Close;
        let head = Message::parse_head(head);
        let length = match readable(&head).map(Message::content_length) {
            None => return Err(fault_of(NotSip, "", head)),
            Some(Err(_)) => return Err(fault_of(BadContentLength, "Bad Content-Length", head)),
            Some(Ok(None)) => return Err(fault_of(NoContentLength, "Missing Content-Length", head)),
            Some(Ok(Some(length))) => length,
        };
        match length > MAX_BODY {
            true => Err(fault_of(BodyTooLong, "Body Too Long", head)),
            false => Ok(Awaits::Body { head, length }),
        }
    }

    fn take_body(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        let Awaits::Body { mut head, length } = std::mem::take(&mut self.awaits) else { return None };
        let body = buffer.split_to(length).freeze();
        if let Ok(message) = &mut head {
            message.body = body;
        }
        Some(Frame::Sip(head))
    }

    fn give_up(&mut self, fault: FrameFault) -> Result<Option<Frame>, FrameFault> {
        self.awaits = Awaits::Close;
        Err(fault)
    }
}

/// What line ends between messages mean.
enum Ends {
    Frame(Frame),
    /// Padding was taken away.
    Skipped,
    /// It depends on what follows.
    Unclear,
}

/// RFC 5626 §3.5.1: "the client periodically sends a double-CRLF (the "ping") then waits to receive
/// a single CRLF (the "pong")". RFC 3261 §7.5: "Implementations … MUST ignore any CRLF appearing
/// before the start-line".
fn line_ends(buffer: &mut BytesMut, pinged: &mut bool) -> Ends {
    if buffer.starts_with(b"\r\n\r\n") {
        buffer.advance(4);
        return Ends::Frame(Frame::Ping);
    }
    let part_of_ping = b"\r\n\r\n".starts_with(buffer);
    if *pinged && buffer.starts_with(b"\r\n") {
        *pinged = false;
        buffer.advance(2);
        return Ends::Frame(Frame::Pong);
    }
    if part_of_ping {
        return Ends::Unclear;
    }
    buffer.advance(1);
    Ends::Skipped
}

/// Takes the head off, empty line included, and gives it without that line.
fn take_head(buffer: &mut BytesMut, searched: &mut usize) -> Result<Option<Bytes>, FrameFault> {
    let window = buffer.len().min(MAX_HEAD + 4);
    if let Some((head, body)) = super::parse::find_head_from(&buffer[..window], *searched) {
        let bytes = buffer.split_to(body).freeze();
        return Ok(Some(bytes.slice(..head)));
    }
    if window > MAX_HEAD {
        let head = buffer.split_to(MAX_HEAD).freeze();
        return Err(fault_in(FrameFaultReason::HeadTooLong, "Headers Too Long", head));
    }
    // The end is at most "\n\r\n": its first two bytes may already be here.
    *searched = window.saturating_sub(2);
    Ok(None)
}

fn readable(head: &Result<Message, ParseFault>) -> Option<&Message> {
    match head {
        Ok(message) => Some(message),
        Err(fault) => fault.salvaged(),
    }
}

/// A fault in an unfinished head: what can be read of it is kept.
fn fault_in(reason: FrameFaultReason, what: &'static str, head: Bytes) -> FrameFault {
    fault_of(reason, what, Message::parse_head(head))
}

fn fault_of(reason: FrameFaultReason, what: &'static str, head: Result<Message, ParseFault>) -> FrameFault {
    let fault = match head {
        Ok(message) => malformed(what, message),
        Err(fault) => fault,
    };
    FrameFault { reason, fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::HeaderName;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody";

    /// All frames of `bytes`, arriving `step` at a time.
    fn frames(bytes: &[u8], step: usize) -> (Vec<Frame>, Option<FrameFaultReason>) {
        let (mut framer, mut buffer, mut frames) = (Framer::new(), BytesMut::new(), Vec::new());
        for part in bytes.chunks(step) {
            buffer.extend_from_slice(part);
            loop {
                match framer.push(&mut buffer) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(fault) => return (frames, Some(fault.reason)),
                }
            }
        }
        (frames, None)
    }

    fn fault(bytes: &[u8]) -> FrameFault {
        let (mut framer, mut buffer) = (Framer::new(), BytesMut::from(bytes));
        let fault = framer.push(&mut buffer).unwrap_err();
        buffer.extend_from_slice(OPTIONS.as_bytes());
        assert_eq!((framer.push(&mut buffer), buffer.len()), (Ok(None), 0), "nothing is read after a fault");
        fault
    }

    #[test]
    fn messages_come_out_however_the_stream_is_cut() {
        let stream = [OPTIONS, "\r\n", OPTIONS, "\r\n\r\n", OPTIONS].concat();
        for step in 1..stream.len() {
            let (frames, fault) = frames(stream.as_bytes(), step);
            assert_eq!(fault, None);
            let kinds: Vec<_> = frames.iter().map(|frame| matches!(frame, Frame::Ping)).collect();
            assert_eq!(kinds, [false, false, true, false], "by {step}");
            assert!(frames.iter().all(|frame| match frame {
                Frame::Sip(Ok(message)) => &message.body[..] == b"body",
                _ => *frame == Frame::Ping,
            }));
        }
    }

    #[test]
    fn a_lone_crlf_is_a_pong_only_when_we_pinged() {
        let (mut framer, mut buffer) = (Framer::new(), BytesMut::from("\r\n"));
        assert_eq!(framer.push(&mut buffer), Ok(None));
        assert!(framer.is_between_messages(&buffer));
        framer.ping_sent();
        assert_eq!(framer.push(&mut buffer), Ok(Some(Frame::Pong)));
        buffer.extend_from_slice(b"\r\n");
        assert_eq!(framer.push(&mut buffer), Ok(None), "one ping, one pong");
        buffer.extend_from_slice(b"\r\n");
        assert_eq!(framer.push(&mut buffer), Ok(Some(Frame::Ping)));
    }

    #[test]
    fn a_malformed_message_with_a_sure_end_keeps_the_connection() {
        let stream = ["OPTIONS sip:a@b SIP/2.0\r\n???\r\nl: 2\r\n\r\nxx", OPTIONS].concat();
        let (frames, fault) = frames(stream.as_bytes(), 5);
        assert!(matches!(&frames[..], [Frame::Sip(Err(ParseFault::Malformed { .. })), Frame::Sip(Ok(_))]));
        assert_eq!(fault, None);
    }

    #[test]
    fn without_a_sure_end_the_stream_is_given_up_and_can_be_answered() {
        use FrameFaultReason::{BadContentLength, BodyTooLong, NoContentLength, NotSip};
        for (line, reason) in [
            ("X: y", NoContentLength),
            ("Content-Length: -1", BadContentLength),
            ("Content-Length: 1x", BadContentLength),
            ("Content-Length: 99999999999999999999999", BadContentLength),
            ("Content-Length: 4\r\nl: 5", BadContentLength),
            ("Content-Length: 262145", BodyTooLong),
        ] {
            let text = OPTIONS.replace("Content-Length: 4", line);
            let fault = fault(text.as_bytes());
            assert_eq!(fault.reason, reason);
            assert!(fault.fault.salvaged().unwrap().call_id().is_some());
        }
        assert_eq!(fault(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").reason, NotSip);
    }

    #[test]
    fn a_head_of_64_kib_is_taken_and_a_longer_one_is_not() {
        let with =
            |filler: usize| format!("OPTIONS sip:a@b SIP/2.0\r\nl: 0\r\nX: {}\r\n\r\n", "x".repeat(filler));
        let spare = MAX_HEAD - (with(0).len() - 2);
        let (frames_read, fault_seen) = frames(with(spare).as_bytes(), 1000);
        assert_eq!((frames_read.len(), fault_seen), (1, None));
        let too_long = fault(with(spare + 100).as_bytes());
        assert_eq!(too_long.reason, FrameFaultReason::HeadTooLong);
        assert!(too_long.fault.salvaged().is_some());
        let (_, dripping) = frames(&[b'x'; MAX_HEAD + 1], 1);
        assert_eq!(dripping, Some(FrameFaultReason::HeadTooLong));
    }

    #[test]
    fn the_end_of_the_stream_within_a_message_is_a_fault() {
        let end = |bytes: &str| {
            let (mut framer, mut buffer) = (Framer::new(), BytesMut::from(bytes));
            while let Ok(Some(_)) = framer.push(&mut buffer) {}
            framer.finish(&mut buffer).map_err(|fault| (fault.reason, fault.fault))
        };
        assert_eq!(end(OPTIONS), Ok(()));
        assert_eq!(end("\r\n"), Ok(()));
        for cut in [OPTIONS.len() - 1, 40] {
            let (reason, fault) = end(&OPTIONS[..cut]).unwrap_err();
            assert_eq!(reason, FrameFaultReason::CutShort);
            assert!(fault.salvaged().unwrap().header(&HeaderName::CallId).is_some());
        }
    }
}
