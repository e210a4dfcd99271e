//! Which speech codecs a side offers (`<<CODEC-LIST>>`, 7.7.54).

use super::code::codes;
use super::{BadContent, Coding, Tag, octet};

codes! {
    /// A speech codec.
    CodecName {
        USER_32 = 0x01 "user specific, 32 kbit/s",
        G726 = 0x02 "G.726, 32 kbit/s",
        G722 = 0x03 "G.722, 64 kbit/s",
        PCMA = 0x04 "G.711 A law",
        PCMU = 0x05 "G.711 µ law",
        G729_1 = 0x06 "G.729.1, 32 kbit/s",
        AAC_LD_32 = 0x07 "AAC-LD, 32 kbit/s",
        AAC_LD_64 = 0x08 "AAC-LD, 64 kbit/s",
        USER_64 = 0x09 "user specific, 64 kbit/s",
    }

    /// How long the slot on the air is.
    SlotSize {
        HALF = 0x0 "half slot",
        LONG_640 = 0x1 "long slot, j = 640",
        LONG_672 = 0x2 "long slot, j = 672",
        FULL = 0x4 "full slot",
        DOUBLE = 0x5 "double slot",
    }
}

/// One codec and what it rides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    /// The codec.
    pub name: CodecName,
    /// MAC and DLC service, four bits; 0 is LU1 with minimum delay.
    pub service: u8,
    /// C-plane routing, three bits; 0 is CS only.
    pub routing: u8,
    /// The slot.
    pub slot: SlotSize,
}

impl Codec {
    /// G.726 in a full slot: what every handset speaks.
    pub const G726: Self = Self { name: CodecName::G726, service: 0, routing: 0, slot: SlotSize::FULL };
    /// G.722 in a long slot.
    pub const G722: Self = Self { name: CodecName::G722, service: 0, routing: 0, slot: SlotSize::LONG_640 };
}

/// Codecs, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecList {
    /// 0 not possible, 1 codec negotiation; three bits.
    pub negotiation: u8,
    /// The codecs, at most 84 of them (what an element holds).
    pub codecs: Vec<Codec>,
}

impl CodecList {
    /// A list to choose from.
    pub fn negotiable(codecs: Vec<Codec>) -> Self {
        Self { negotiation: 1, codecs }
    }
}

impl Coding for CodecList {
    const TAG: Tag = Tag::CODEC_LIST;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let negotiation = octet(content, 3)? >> 4 & 7;
        let mut codecs = Vec::new();
        for codec in content[1..].chunks(3) {
            let [name, service, last] = codec else { return Err(BadContent::TooShort) };
            codecs.push(Codec {
                name: CodecName(name & 0x7F),
                service: service & 0x0F,
                routing: last >> 4 & 7,
                slot: SlotSize(last & 0x0F),
            });
            if last & 0x80 != 0 {
                return Ok(Self { negotiation, codecs });
            }
        }
        Err(BadContent::TooShort)
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = vec![0x80 | (self.negotiation & 7) << 4];
        for codec in self.codecs.iter().take(84) {
            let last = (codec.routing & 7) << 4 | codec.slot.0 & 0x0F;
            content.extend([codec.name.0 & 0x7F, codec.service & 0x0F, last]);
        }
        if let (true, Some(last)) = (content.len() > 1, content.last_mut()) {
            *last |= 0x80;
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn g722_then_g726_is_written_as_handsets_write_it() {
        let list = CodecList { negotiation: 1, codecs: vec![Codec::G722, Codec::G726] };
        there_and_back(&[0x90, 0x03, 0x00, 0x01, 0x02, 0x00, 0x84], list);
    }

    #[test]
    fn a_list_without_end_is_refused() {
        for content in [&[][..], &[0x90], &[0x90, 0x03, 0x00], &[0x90, 0x03, 0x00, 0x01]] {
            assert_eq!(CodecList::decode(content), Err(BadContent::TooShort));
        }
    }
}
