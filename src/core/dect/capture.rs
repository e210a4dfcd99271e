//! Messages of the network layer as a capture that Wireshark reads (its protocol `dect_nwk`).
//!
//! The file is a classic pcap, nanosecond-free, of link type 252 (Wireshark "exported PDU"): before each
//! message stand tagged values that name its protocol and direction.

use crate::timer::Moment;

/// LINKTYPE_WIRESHARK_UPPER_PDU.
const LINK_TYPE: u32 = 252;
/// Tag of the protocol's name.
const TAG_PROTOCOL: u16 = 12;
/// Tag of the direction: 0 sent, 1 received.
const TAG_DIRECTION: u16 = 35;
/// Longest packet that is promised in the head of the file.
const SNAP: u32 = 65_535;

/// A capture of messages: when, whether this side sent it, and its octets.
pub fn pcap<'a>(messages: impl Iterator<Item = (Moment, bool, &'a [u8])>) -> Vec<u8> {
    let mut file = Vec::new();
    // Magic of big-endian microseconds, version 2.4, no zone, no accuracy.
    file.extend(0xA1B2_C3D4_u32.to_be_bytes());
    file.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(SNAP.to_be_bytes());
    file.extend(LINK_TYPE.to_be_bytes());
    for (at, sent, octets) in messages {
        let mut packet = Vec::new();
        tag(TAG_PROTOCOL, b"dect_nwk", &mut packet);
        tag(TAG_DIRECTION, &u32::from(!sent).to_be_bytes(), &mut packet);
        tag(0, &[], &mut packet);
        packet.extend_from_slice(octets);
        let length = packet.len() as u32;
        let (seconds, micros) = (at.as_secs() as u32, (at.as_micros() % 1_000_000) as u32);
        [seconds, micros, length, length].iter().for_each(|number| file.extend(number.to_be_bytes()));
        file.append(&mut packet);
    }
    file
}

/// A tagged value, filled up to four octets.
fn tag(tag: u16, value: &[u8], packet: &mut Vec<u8>) {
    packet.extend(tag.to_be_bytes());
    packet.extend((value.len() as u16).to_be_bytes());
    packet.extend_from_slice(value);
    packet.extend(std::iter::repeat_n(0, value.len().next_multiple_of(4) - value.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_has_a_head_and_a_record_for_each_message() {
        let at = Moment::from_micros(1_000_002);
        let file = pcap([(at, true, &[0x05, 0x42][..]), (at, false, &[0x85])].into_iter());
        assert_eq!(file[..4], [0xA1, 0xB2, 0xC3, 0xD4]);
        assert_eq!(file[20..24], [0, 0, 0, 252]);
        let record = &file[24..];
        assert_eq!(record[..8], [0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(record[8..12], record[12..16]);
        assert_eq!(record[11] as usize, 12 + 8 + 4 + 2);
        assert_eq!(record[20..28], *b"dect_nwk");
        assert_eq!(record[16 + 24..16 + 26], [0x05, 0x42]);
        assert_eq!(file.len(), 24 + 16 + 26 + 16 + 25);
    }
}
