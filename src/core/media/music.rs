//! Music on hold, as a file has it: WAV of G.711 A-law (format 6) or of 16-bit samples (format 1), or bare
//! A-law octets; one channel of 8000 samples a second.

use super::codec::g711::encode_alaw;

/// Longest music, in samples: ten minutes.
pub const LONGEST: usize = 10 * 60 * 8_000;

/// Why a file is no music for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MusicFault {
    /// Nothing in it.
    #[error("holds no sound")]
    Empty,
    /// More than [`LONGEST`].
    #[error("is longer than ten minutes; cut it")]
    TooLong,
    /// A WAV file that ends in the middle.
    #[error("is a WAV file without a whole format and data chunk")]
    Broken,
    /// A WAV file of another kind.
    #[error(
        "is a WAV file of format {format}, {channels} channels, {rate} samples a second, {bits} bits; \
         convert it to format 6 (A-law, 8 bits) or 1 (16 bits), 1 channel, 8000 samples a second"
    )]
    Kind {
        /// Format tag.
        format: u16,
        /// Channels.
        channels: u16,
        /// Samples a second.
        rate: u32,
        /// Bits of a sample.
        bits: u16,
    },
}

/// Reads a file; gives G.711 A-law.
pub fn read(file: &[u8]) -> Result<Vec<u8>, MusicFault> {
    let samples = match file.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..)) {
        Some(rest) if rest.starts_with(b"WAVE") => wav(&rest[4..])?,
        _ => file.to_vec(),
    };
    match samples.len() {
        0 => Err(MusicFault::Empty),
        length if length > LONGEST => Err(MusicFault::TooLong),
        _ => Ok(samples),
    }
}

fn wav(chunks: &[u8]) -> Result<Vec<u8>, MusicFault> {
    let word = |at: &[u8], from: usize| at.get(from..from + 2).map(|w| u16::from_le_bytes([w[0], w[1]]));
    let (mut rest, mut kind) = (chunks, None);
    while let Some((head, tail)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        // Writers that stream leave the length of the last chunk at its greatest.
        let chunk = tail.get(..length.min(tail.len())).unwrap_or_default();
        match &head[..4] {
            b"fmt " => {
                let rate = word(chunk, 4).zip(word(chunk, 6));
                let rate = rate.map(|(low, high)| u32::from(high) << 16 | u32::from(low));
                let fields = word(chunk, 0).zip(word(chunk, 2)).zip(rate).zip(word(chunk, 14));
                kind = Some(fields.ok_or(MusicFault::Broken)?);
            }
            b"data" => {
                let (((format, channels), rate), bits) = kind.ok_or(MusicFault::Broken)?;
                return match (format, channels, rate, bits) {
                    (6, 1, 8_000, 8) => Ok(chunk.to_vec()),
                    (1, 1, 8_000, 16) => Ok(chunk
                        .as_chunks()
                        .0
                        .iter()
                        .map(|pair| encode_alaw(i16::from_le_bytes(*pair)))
                        .collect()),
                    _ => Err(MusicFault::Kind { format, channels, rate, bits }),
                };
            }
            _ => {}
        }
        // Chunks begin at even places.
        rest = tail.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    Err(MusicFault::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(format: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        file.extend(format.to_le_bytes());
        file.extend(1u16.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend([0; 6]);
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn a_law_is_taken_as_it_is_and_samples_are_coded() {
        assert_eq!(read(&file(6, 8_000, 8, &[1, 2, 3])).unwrap(), [1, 2, 3]);
        assert_eq!(
            read(&file(1, 8_000, 16, &[0, 0, 0, 0x40])).unwrap(),
            [encode_alaw(0), encode_alaw(0x4000)]
        );
        assert_eq!(read(&[0xD5; 4]).unwrap(), [0xD5; 4]);
    }

    #[test]
    fn what_cannot_be_played_is_told_with_its_mend() {
        let fault = read(&file(1, 44_100, 16, &[0; 8])).unwrap_err();
        assert!(fault.to_string().contains("44100 samples a second"), "{fault}");
        assert_eq!(read(&[]), Err(MusicFault::Empty));
        assert_eq!(read(&vec![0; LONGEST + 1]), Err(MusicFault::TooLong));
        let whole = file(6, 8_000, 8, &[1, 2, 3]);
        assert_eq!(read(&whole[..30]), Err(MusicFault::Broken));
        assert_eq!(read(&whole[..whole.len() - 3]), Err(MusicFault::Empty));
        (0..whole.len()).for_each(|cut| drop(read(&whole[..cut])));
    }
}
