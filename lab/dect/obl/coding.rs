//! Frames on the wire.

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::Frame;

/// Shortest length: type, flags and sequence number.
const SHORTEST: usize = 8;
/// Longest frame once WELCOME has passed.
const LONGEST: usize = 65_535;
/// Octets of the length field.
const LENGTH: usize = 4;

/// Why the link cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LinkFault {
    /// The socket.
    #[error("the link: {0}")]
    Io(#[from] std::io::Error),
    /// The length field is out of its bounds.
    #[error("a frame of {0} octets; expected 8 to 65535")]
    Length(usize),
    /// A field reaches over the end of its frame.
    #[error("field {tag:04x} has {length} octets, the frame has {left} left")]
    Field {
        /// Its tag.
        tag: u16,
        /// What its length says.
        length: usize,
        /// What there is.
        left: usize,
    },
}

/// Cuts a stream into frames, and puts them together.
#[derive(Debug, Default, Clone, Copy)]
pub struct Coding;

impl Decoder for Coding {
    type Item = Frame;
    type Error = LinkFault;

    fn decode(&mut self, from: &mut BytesMut) -> Result<Option<Frame>, LinkFault> {
        let Some(length) = from.get(..LENGTH) else { return Ok(None) };
        let length = length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(LinkFault::Length(length));
        }
        if from.len() < LENGTH + length {
            from.reserve(LENGTH + length - from.len());
            return Ok(None);
        }
        let mut frame = from.split_to(LENGTH + length);
        frame.advance(LENGTH);
        let (kind, flags, seq) = (frame.get_u16(), frame.get_u16(), frame.get_u32());
        fields(&mut frame).map(|fields| Some(Frame { kind, flags, seq, fields }))
    }
}

fn fields(from: &mut BytesMut) -> Result<Vec<(u16, Vec<u8>)>, LinkFault> {
    let mut fields = Vec::new();
    while !from.is_empty() {
        if from.len() < 4 {
            return Err(LinkFault::Field { tag: 0, length: 4, left: from.len() });
        }
        let (tag, length) = (from.get_u16(), usize::from(from.get_u16()));
        if length > from.len() {
            return Err(LinkFault::Field { tag, length, left: from.len() });
        }
        fields.push((tag, from.split_to(length).to_vec()));
    }
    Ok(fields)
}

impl Encoder<Frame> for Coding {
    type Error = LinkFault;

    fn encode(&mut self, frame: Frame, to: &mut BytesMut) -> Result<(), LinkFault> {
        let length = SHORTEST + frame.fields.iter().map(|(_, value)| 4 + value.len()).sum::<usize>();
        if length > LONGEST || frame.fields.iter().any(|(_, value)| value.len() > usize::from(u16::MAX)) {
            return Err(LinkFault::Length(length));
        }
        to.reserve(LENGTH + length);
        to.put_u32(length as u32);
        to.put_u16(frame.kind);
        to.put_u16(frame.flags);
        to.put_u32(frame.seq);
        for (tag, value) in &frame.fields {
            to.put_u16(*tag);
            to.put_u16(value.len() as u16);
            to.put_slice(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::obl::number::{kind, tag};

    #[test]
    fn a_frame_has_the_octets_of_the_description() {
        let mut wire = BytesMut::new();
        let frame = Frame { seq: 7, ..Frame::event(kind::NWK_DATA) };
        let frame = frame.u16(tag::CONN_ID, 0x0102).u8(tag::SAPI, 0).bytes(tag::PDU, &[0x83, 0x0D]);
        Coding.encode(frame.clone(), &mut wire).unwrap();
        let expected = [
            0, 0, 0, 25, 0x05, 0x07, 0, 4, 0, 0, 0, 7, // length, type, event, seq
            0, 0x50, 0, 2, 1, 2, 0, 0x57, 0, 1, 0, 0, 0x56, 0, 2, 0x83, 0x0D,
        ];
        assert_eq!(wire[..], expected);
        assert_eq!(Coding.decode(&mut wire).unwrap(), Some(frame));
        assert!(wire.is_empty());
    }

    #[test]
    fn half_a_frame_waits_and_a_wrong_length_ends_the_link() {
        let mut half = BytesMut::from(&[0, 0, 0, 9, 1, 6, 0, 0, 0][..]);
        assert!(matches!(Coding.decode(&mut half), Ok(None)));
        for length in [7_u32, 65_536] {
            let mut wrong = BytesMut::from(&length.to_be_bytes()[..]);
            assert!(matches!(Coding.decode(&mut wrong), Err(LinkFault::Length(_))));
        }
        let mut long_field = BytesMut::from(&[0, 0, 0, 13, 1, 6, 0, 0, 0, 0, 0, 1, 0, 1, 0, 2, 9][..]);
        assert!(matches!(
            Coding.decode(&mut long_field),
            Err(LinkFault::Field { tag: 1, length: 2, left: 1 })
        ));
    }

    #[test]
    fn a_critical_field_is_found_by_its_tag_and_told_when_unknown() {
        let frame = Frame::request(kind::PING).u8(0x8007, 1).u8(0x8999, 1).u8(0x0998, 1);
        assert_eq!(frame.number(tag::ROLE), Some(1));
        assert_eq!(frame.unknown_critical(&[tag::ROLE]), Some(0x0999));
        assert_eq!(frame.unknown_critical(&[tag::ROLE, 0x0999]), None);
    }
}
