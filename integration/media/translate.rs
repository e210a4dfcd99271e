//! From one codec to another, in place, without allocation: each of ours to each other.
//!
//! ```text
//!            G.711 A ◄─ table ─► G.711 µ      one octet for one
//!   G.722 ◄─ lower band ─► G.711              one octet for one
//!   G.726 ◄─ two codewords an octet ─► all    two octets for one
//! ```
//!
//! All of them take 8000 samples a second: an octet of G.722 holds one of each band (`codec::g722`), and its lower
//! band is telephone speech. So a packet's duration stays what it was, and no sample waits for another packet.

use std::ops::Range;

use kirkwall_core::media::Codec;
use kirkwall_core::media::codec::{g711, g722, g726};

/// Longest payload that is translated, in samples: 100 ms.
const LONGEST: usize = 800;

/// Towards one leg: what its codecs remember of the stream that is translated.
#[derive(Debug, Default)]
pub(super) struct Translator {
    stream: Option<Stream>,
}

/// G.726 and G.722 adapt to the signal: each direction of each stream has coders of its own.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    codecs: (Codec, Codec),
    decoder: Decoder,
    encoder: Encoder,
}

#[derive(Debug)]
enum Decoder {
    Alaw,
    Ulaw,
    G722(g722::Decoder),
    G726(g726::Decoder),
}

#[derive(Debug)]
enum Encoder {
    Alaw,
    Ulaw,
    G722(g722::Encoder),
    G726(g726::Encoder),
}

impl Translator {
    /// Rewrites the payload at `place` of a packet of the source `ssrc`; gives where it ends now. `None`
    /// for a payload too long.
    pub(super) fn translate(
        &mut self,
        codecs: (Codec, Codec),
        ssrc: u32,
        packet: &mut [u8],
        place: Range<usize>,
    ) -> Option<usize> {
        match codecs {
            (from, to) if from == to => Some(place.end),
            (Codec::Pcmu, Codec::Pcma) => {
                g711::ulaw_to_alaw(&mut packet[place.clone()]);
                Some(place.end)
            }
            (Codec::Pcma, Codec::Pcmu) => {
                g711::alaw_to_ulaw(&mut packet[place.clone()]);
                Some(place.end)
            }
            (Codec::G726, _) => self.expand(codecs, ssrc, packet, place),
            (_, Codec::G726) => self.compress(codecs, ssrc, packet, place),
            // G.722 at one end.
            _ => self.recode(codecs, ssrc, packet, place),
        }
    }

    /// One octet for one.
    fn recode(
        &mut self,
        codecs: (Codec, Codec),
        ssrc: u32,
        packet: &mut [u8],
        place: Range<usize>,
    ) -> Option<usize> {
        if place.len() > LONGEST {
            return None;
        }
        let end = place.end;
        let Stream { decoder, encoder, .. } = self.stream(codecs, ssrc);
        for octet in &mut packet[place] {
            *octet = encoder.encode(decoder.decode(*octet));
        }
        Some(end)
    }

    /// Two octets for one of G.726.
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
        let Stream { decoder, encoder, .. } = self.stream(codecs, ssrc);
        let mut spoken = [0; LONGEST];
        let words = packet[place.clone()].iter().flat_map(|octet| g726::unpack(*octet));
        for (octet, code) in spoken.iter_mut().zip(words) {
            *octet = match (&mut *decoder, &mut *encoder) {
                // G.726 §4.2.8: its own way to G.711, which adds nothing when the way is gone twice.
                (Decoder::G726(decoder), Encoder::Alaw) => decoder.decode_alaw(code),
                (Decoder::G726(decoder), Encoder::Ulaw) => decoder.decode_ulaw(code),
                (decoder, encoder) => encoder.encode(decoder.decode(code)),
            };
        }
        packet[place.start..end].copy_from_slice(&spoken[..samples]);
        Some(end)
    }

    /// One octet of G.726 for two.
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
        let Stream { decoder, encoder, .. } = self.stream(codecs, ssrc);
        let mut code = |octet: u8| encoder.encode(decoder.decode(octet));
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
        let (decoder, encoder) = (|| Decoder::of(codecs.0), || Encoder::of(codecs.1));
        let fresh = || Stream { ssrc, codecs, decoder: decoder(), encoder: encoder() };
        let same = |stream: &Stream| (stream.ssrc, stream.codecs) == (ssrc, codecs);
        if !self.stream.as_ref().is_some_and(same) {
            self.stream = None;
        }
        self.stream.get_or_insert_with(fresh)
    }
}

impl Decoder {
    fn of(codec: Codec) -> Self {
        match codec {
            Codec::Pcma => Self::Alaw,
            Codec::Pcmu => Self::Ulaw,
            Codec::G722 => Self::G722(g722::Decoder::default()),
            Codec::G726 => Self::G726(g726::Decoder::default()),
        }
    }

    /// The sample of an octet, of G.726 of a codeword.
    fn decode(&mut self, octet: u8) -> i16 {
        match self {
            Self::Alaw => g711::decode_alaw(octet),
            Self::Ulaw => g711::decode_ulaw(octet),
            Self::G722(decoder) => decoder.decode(octet).low,
            Self::G726(decoder) => decoder.decode(octet),
        }
    }
}

impl Encoder {
    fn of(codec: Codec) -> Self {
        match codec {
            Codec::Pcma => Self::Alaw,
            Codec::Pcmu => Self::Ulaw,
            Codec::G722 => Self::G722(g722::Encoder::default()),
            Codec::G726 => Self::G726(g726::Encoder::default()),
        }
    }

    /// The octet of a sample, of G.726 the codeword.
    fn encode(&mut self, sample: i16) -> u8 {
        match self {
            Self::Alaw => g711::encode_alaw(sample),
            Self::Ulaw => g711::encode_ulaw(sample),
            Self::G722(encoder) => encoder.encode(g722::Bands { low: sample, high: 0 }),
            Self::G726(encoder) => encoder.encode(sample),
        }
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

    /// A tone of 1 kHz goes there and back; of the first packets the adaptive codecs still learn.
    fn error_there_and_back(by: Codec) -> i32 {
        let (mut there, mut back) = (Translator::default(), Translator::default());
        let (mut packet, mut worst) = ([0; 1500], 0);
        for packet_no in 0..20 {
            packet[12..172].copy_from_slice(&tone());
            let end = there.translate((Codec::Pcma, by), 1, &mut packet, 12..172).unwrap();
            let end = back.translate((by, Codec::Pcma), 1, &mut packet, 12..end).unwrap();
            assert_eq!(end, 172);
            let sample = |octet: u8| i32::from(g711::decode_alaw(octet));
            let (heard, said): (Vec<_>, Vec<_>) = (
                packet[12..172].iter().map(|o| sample(*o)).collect(),
                tone().into_iter().map(sample).collect(),
            );
            let error = heard.iter().zip(&said).map(|(heard, said)| (heard - said).abs()).max().unwrap();
            worst = if packet_no < 4 { 0 } else { error.max(worst) };
        }
        worst
    }

    #[test]
    fn speech_keeps_its_level_and_its_phase_whatever_it_goes_through() {
        assert_eq!(error_there_and_back(Codec::Pcma), 0);
        for by in [Codec::Pcmu, Codec::G722, Codec::G726] {
            let worst = error_there_and_back(by);
            assert!(worst < 900, "{worst} of 8000 by {by:?}");
        }
    }

    #[test]
    fn g722_and_g726_meet_with_as_many_samples() {
        let (mut there, mut back) = (Translator::default(), Translator::default());
        let mut packet = [0; 1500];
        packet[12..172].copy_from_slice(&tone());
        let end = there.translate((Codec::G722, Codec::G726), 1, &mut packet, 12..172).unwrap();
        assert_eq!(end, 12 + 80);
        assert_eq!(back.translate((Codec::G726, Codec::G722), 1, &mut packet, 12..end), Some(172));
    }

    #[test]
    fn what_is_too_long_is_left_alone() {
        let mut translator = Translator::default();
        let mut packet = [0; 1500];
        assert_eq!(translator.translate((Codec::G726, Codec::Pcma), 1, &mut packet, 12..1000), None);
        assert_eq!(translator.translate((Codec::G722, Codec::Pcma), 1, &mut packet, 12..1000), None);
        assert_eq!(translator.translate((Codec::Pcma, Codec::G726), 1, &mut packet, 12..1000), None);
        assert_eq!(translator.translate((Codec::G722, Codec::G722), 1, &mut packet, 12..1000), Some(1000));
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
