//! From one codec to another, in place: among G.711 and G.726, sample by sample, without allocation.

use std::ops::Range;

use kirkwall_core::media::Codec;
use kirkwall_core::media::codec::{g711, g726};

/// Longest payload that is translated, in samples: 100 ms.
const LONGEST: usize = 800;

/// Towards one leg: what its codecs remember of the stream that is translated.
#[derive(Debug, Default)]
pub(super) struct Translator {
    stream: Option<Stream>,
}

/// G.726 adapts to the signal: each direction of each stream has a coder of its own.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    codecs: (Codec, Codec),
    decoder: g726::Decoder,
    encoder: g726::Encoder,
}

impl Translator {
    /// Rewrites the payload at `place` of a packet of the source `ssrc`; gives where it ends now. `None`
    /// for a pair of codecs without a way, and for a payload too long.
    pub(super) fn translate(
        &mut self,
        codecs: (Codec, Codec),
        ssrc: u32,
        packet: &mut [u8],
        place: Range<usize>,
    ) -> Option<usize> {
        match codecs {
            (from, to) if from == to => return Some(place.end),
            (Codec::Pcmu, Codec::Pcma) => g711::ulaw_to_alaw(&mut packet[place.clone()]),
            (Codec::Pcma, Codec::Pcmu) => g711::alaw_to_ulaw(&mut packet[place.clone()]),
            (Codec::G726, Codec::Pcma | Codec::Pcmu) => return self.expand(codecs, ssrc, packet, place),
            (Codec::Pcma | Codec::Pcmu, Codec::G726) => return self.compress(codecs, ssrc, packet, place),
            _ => return None,
        }
        Some(place.end)
    }

    fn expand(
        &mut self,
        codecs: (Codec, Codec),
        ssrc: u32,
        packet: &mut [u8],
        place: Range<usize>,
    ) -> Option<usize> {
        let (samples, end) = (place.len() * 2, place.start + place.len() * 2);
        if samples > LONGEST || end > packet.len() {
            return None;
        }
        let decoder = &mut self.stream(codecs, ssrc).decoder;
        let mut spoken = [0; LONGEST];
        let words = packet[place.clone()].iter().flat_map(|octet| g726::unpack(*octet));
        for (octet, code) in spoken.iter_mut().zip(words) {
            *octet = match codecs.1 {
                Codec::Pcma => decoder.decode_alaw(code),
                _ => decoder.decode_ulaw(code),
            };
        }
        packet[place.start..end].copy_from_slice(&spoken[..samples]);
        Some(end)
    }

    fn compress(
        &mut self,
        codecs: (Codec, Codec),
        ssrc: u32,
        packet: &mut [u8],
        place: Range<usize>,
    ) -> Option<usize> {
        if place.len() > LONGEST {
            return None;
        }
        let encoder = &mut self.stream(codecs, ssrc).encoder;
        let mut code = |octet: u8| match codecs.0 {
            Codec::Pcma => encoder.encode(g711::decode_alaw(octet)),
            _ => encoder.encode(g711::decode_ulaw(octet)),
        };
        // An odd last sample has no codeword beside it and goes; nobody sends one.
        let octets = place.len() / 2;
        for at in 0..octets {
            let [first, second] = [packet[place.start + 2 * at], packet[place.start + 2 * at + 1]];
            packet[place.start + at] = g726::pack([code(first), code(second)]);
        }
        Some(place.start + octets)
    }

    /// What is remembered of this stream; another source or codec begins anew.
    fn stream(&mut self, codecs: (Codec, Codec), ssrc: u32) -> &mut Stream {
        let fresh =
            || Stream { ssrc, codecs, decoder: g726::Decoder::default(), encoder: g726::Encoder::default() };
        let same = |stream: &Stream| (stream.ssrc, stream.codecs) == (ssrc, codecs);
        if !self.stream.as_ref().is_some_and(same) {
            self.stream = None;
        }
        self.stream.get_or_insert_with(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty milliseconds of 1 kHz in A-law.
    fn tone() -> Vec<u8> {
        let period = [0, 5657, 8000, 5657, 0, -5657, -8000, -5657];
        period.into_iter().cycle().take(160).map(g711::encode_alaw).collect()
    }

    #[test]
    fn a_tone_comes_back_from_g726_as_itself() {
        let (mut there, mut back) = (Translator::default(), Translator::default());
        let mut packet = [0; 1500];
        for packet_no in 0..10 {
            packet[12..172].copy_from_slice(&tone());
            let end = there.translate((Codec::Pcma, Codec::G726), 1, &mut packet, 12..172).unwrap();
            assert_eq!(end, 12 + 80, "half as long");
            let end = back.translate((Codec::G726, Codec::Pcma), 1, &mut packet, 12..end).unwrap();
            assert_eq!(end, 172);
            let error = packet[12..172].iter().zip(tone()).map(|(heard, said)| {
                (i32::from(g711::decode_alaw(*heard)) - i32::from(g711::decode_alaw(said))).abs()
            });
            let worst = error.max().unwrap();
            assert!(packet_no < 2 || worst < 800, "{worst} in packet {packet_no}");
        }
    }

    #[test]
    fn what_is_too_long_or_has_no_way_is_left_alone() {
        let mut translator = Translator::default();
        let mut packet = [0; 1500];
        assert_eq!(translator.translate((Codec::G726, Codec::Pcma), 1, &mut packet, 12..1000), None);
        assert_eq!(translator.translate((Codec::G722, Codec::Pcma), 1, &mut packet, 12..172), None);
        assert_eq!(translator.translate((Codec::G722, Codec::G722), 1, &mut packet, 12..172), Some(172));
    }

    #[test]
    fn another_source_begins_with_a_fresh_coder() {
        let (mut used, mut fresh) = (Translator::default(), Translator::default());
        let mut packet = [0; 1500];
        packet[12..172].copy_from_slice(&tone());
        used.translate((Codec::Pcma, Codec::G726), 1, &mut packet, 12..172).unwrap();
        let mut again = [0; 1500];
        for (translator, packet) in [(&mut used, &mut packet), (&mut fresh, &mut again)] {
            packet[12..172].copy_from_slice(&tone());
            translator.translate((Codec::Pcma, Codec::G726), 2, packet, 12..172).unwrap();
        }
        assert_eq!(packet[12..92], again[12..92]);
    }
}
