//! Making our offers and answers.

use super::OfferAnswer;
use super::body::{COMFORT_NOISE, Draft, Stream};
use super::choose::Choice;
use super::offer_answer::Session;
use super::remote::{RemoteSide, Slot, TIMELESS};
use super::{SrtpMode, SrtpOfferForm};
use crate::id::Tokens;
use crate::media::sdp::{Encoding, Profile};
use crate::media::{Codec, CryptoLine, Direction, SrtpSuite};

/// Payload type of telephone events in our offers.
const TELEPHONE_EVENT: u8 = 101;
/// First and last dynamic payload type (RFC 3551 §6).
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;
/// Lifetime that we name when we name one, in packets (RFC 4568 §6.1 allows 2^48; Lync wants this).
const LIFETIME: u64 = 1 << 31;

/// Making offers.
impl OfferAnswer {
    pub(super) fn draft_offer(&self, tokens: &mut Tokens) -> Draft {
        let crypto = self.offer_keys(tokens);
        let (mut slots, streams) = match &self.session {
            Some(session) => {
                let stream = self.offer_stream(session.slot, self.re_offer_profile(session), crypto);
                // RFC 3264 §8: a re-offer has at least as many m= lines, in the same order.
                (session.spoken.draft.slots.clone(), vec![stream])
            }
            None => self.first_streams(crypto),
        };
        for stream in &streams {
            // Kept for the day this line is no more used.
            let format = stream.codecs.first().map_or(0, |(_, pt)| *pt).to_string();
            let protocol = stream.profile.name().to_owned();
            slots[stream.slot] = Slot { media: "audio".to_owned(), protocol, format };
        }
        let timing = self.session.as_ref().map_or(TIMELESS.to_owned(), |s| s.spoken.draft.timing.clone());
        Draft {
            local: self.local.clone(),
            slots,
            streams,
            direction: self.local.direction,
            timing,
            ice: self.local.ice_description().filter(|_| self.offers_ice()),
            bypass: self.local.bypass.clone(),
        }
    }

    /// A peer that did without is not asked again.
    fn offers_ice(&self) -> bool {
        match self.agreed() {
            Some(agreed) => agreed.ice.is_some(),
            None => self.local.ice.as_ref().is_some_and(|ice| ice.offers),
        }
    }

    fn first_streams(&self, crypto: Vec<CryptoLine>) -> (Vec<Slot>, Vec<Stream>) {
        let empty = Slot { media: String::new(), protocol: String::new(), format: String::new() };
        let policy = self.local.srtp;
        let streams = match (policy.mode, policy.offer_form) {
            (SrtpMode::Required, _) => vec![self.offer_stream(0, Profile::Savp, crypto)],
            (SrtpMode::Optional, SrtpOfferForm::TwoLines) => vec![
                self.offer_stream(0, Profile::Savp, crypto),
                self.offer_stream(1, Profile::Avp, Vec::new()),
            ],
            (SrtpMode::Off, _) | (SrtpMode::Optional, SrtpOfferForm::AvpWithCrypto) => {
                vec![self.offer_stream(0, Profile::Avp, crypto)]
            }
        };
        (vec![empty; streams.len()], streams)
    }

    /// A re-offer keeps the profile in force, except where it would break our own policy.
    fn re_offer_profile(&self, session: &Session) -> Profile {
        match self.local.srtp.mode {
            SrtpMode::Required => session.profile.secured(),
            SrtpMode::Off | SrtpMode::Optional => session.profile,
        }
    }

    fn offer_stream(&self, slot: usize, profile: Profile, crypto: Vec<CryptoLine>) -> Stream {
        let agreed = self.agreed();
        let mut codecs: Vec<(Codec, u8)> = Vec::new();
        let current = agreed.filter(|agreed| self.local.codecs.contains(&agreed.codec));
        // RFC 3264 §8.3.2: a dynamic payload type keeps its meaning, so the codec in force keeps its
        // number. It stands first, so that a re-offer changes it only when it must, or is to.
        let in_force = current.map(|agreed| (agreed.codec, agreed.recv_pt));
        codecs.extend(in_force.filter(|_| !self.local.asks));
        for codec in &self.local.codecs {
            let pt = in_force.filter(|(same, _)| same == codec).map_or(codec.payload_type(), |(_, pt)| pt);
            if codecs.iter().all(|(known, number)| known != codec && *number != pt) {
                codecs.push((*codec, pt));
            }
        }
        let taken = |pt: &u8| codecs.iter().any(|(_, number)| number == pt);
        let wanted = agreed.and_then(|agreed| agreed.dtmf_recv_pt).unwrap_or(TELEPHONE_EVENT);
        let dtmf = std::iter::once(wanted).chain(DYNAMIC).find(|pt| !taken(pt));
        let comfort_noise = self.local.comfort_noise && !taken(&COMFORT_NOISE);
        Stream { slot, profile, codecs, dtmf, comfort_noise, crypto }
    }

    /// The key lines of an offer: the former ones, and fresh ones for the forms they lack.
    fn offer_keys(&self, tokens: &mut Tokens) -> Vec<CryptoLine> {
        let policy = self.local.srtp;
        // Of two lines the one without keys was taken: SRTP has no line any more.
        let settled = policy.offer_form == SrtpOfferForm::TwoLines
            && self.session.as_ref().is_some_and(|session| session.key.is_none());
        if policy.mode == SrtpMode::Off || (policy.mode == SrtpMode::Optional && settled) {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        wanted.extend(policy.mki.then_some((SrtpSuite::AesCm128HmacSha1_80, Some(vec![1]))));
        wanted.push((SrtpSuite::AesCm128HmacSha1_80, None));
        wanted.extend(policy.sha1_32.then_some((SrtpSuite::AesCm128HmacSha1_32, None)));
        let lifetime = policy.lifetime.then_some(LIFETIME);
        let mut lines = self.former_keys();
        for (suite, mki) in wanted {
            if lines.iter().all(|line| line.key.suite != suite || line.key.mki != mki) {
                lines.push(CryptoLine::fresh(free_tag(&lines), suite, lifetime, mki, tokens));
            }
        }
        lines
    }

    /// Those of the offer that is out, else those in force.
    fn former_keys(&self) -> Vec<CryptoLine> {
        match (&self.pending, &self.session) {
            (Some(pending), _) => pending.draft.crypto(),
            (None, Some(session)) => session.keys.clone(),
            (None, None) => Vec::new(),
        }
    }
}

/// Making answers.
impl OfferAnswer {
    pub(super) fn draft_answer(&self, remote: &RemoteSide, stream: Stream, direction: Direction) -> Draft {
        let ice = remote.ice(stream.slot).and_then(|_| self.local.ice_description());
        // An id is told to who told the same; others would not know what to do with it.
        let bypass = self.local.bypass.clone().filter(|own| remote.is_at(stream.slot, Some(own)));
        Draft {
            local: self.local.clone(),
            ice,
            bypass,
            // RFC 3264 §6: "The answer MUST contain exactly the same number of "m=" lines as the
            // offer." and "The "t=" line in the answer MUST equal that of the offer."
            slots: remote.slots.clone(),
            streams: vec![stream],
            direction,
            timing: remote.timing.clone(),
        }
    }

    /// Our key for an answer: the one in force while suite and MKI stay, else a fresh one. It has the
    /// tag of the chosen line (RFC 4568 §5.1.2), and a lifetime and MKI if that has them.
    ///
    /// A peer that receives elsewhere and sends with another key is another receiver: it cannot know how
    /// often the sequence numbers of ours have rolled over (RFC 3711 §3.3.1), so ours begins anew too.
    pub(super) fn answer_key(&self, choice: &Choice<'_>, tokens: &mut Tokens) -> Option<CryptoLine> {
        let chosen = choice.crypto?;
        let before = self.agreed().and_then(|agreed| Some((agreed.remote?, &agreed.srtp.as_ref()?.remote)));
        let elsewhere = before
            .is_some_and(|(remote, key)| choice.stream.rtp_address() != Some(remote) && *key != chosen.key);
        let lifetime = chosen.lifetime.map(|_| LIFETIME);
        let form = |line: &CryptoLine| (line.key.suite, line.key.mki.as_ref().map(Vec::len));
        let former = self.session.as_ref().and_then(|session| session.key.as_ref());
        Some(match former.filter(|former| form(former) == form(chosen) && !elsewhere) {
            Some(former) => CryptoLine { tag: chosen.tag, lifetime, key: former.key.clone() },
            None => {
                let length = chosen.key.mki.as_ref().map(Vec::len);
                let mki = length.map(|length| [vec![0; length.saturating_sub(1)], vec![1]].concat());
                CryptoLine::fresh(chosen.tag, chosen.key.suite, lifetime, mki, tokens)
            }
        })
    }

    /// One codec, so that nobody switches in mid-call (RFC 3264 §10.2 gives the reason); payload types
    /// as the offer has them (§6.1).
    pub(super) fn answer_stream(&self, choice: &Choice<'_>, key: Option<CryptoLine>) -> Stream {
        let offered = choice.stream;
        let profile = match key.is_some() && self.local.srtp.answer_savp {
            true => offered.profile.secured(),
            false => offered.profile,
        };
        Stream {
            slot: offered.slot,
            profile,
            codecs: choice.codecs.first().copied().into_iter().collect(),
            dtmf: offered.payload_type(Encoding::TelephoneEvent),
            comfort_noise: self.local.comfort_noise && offered.payload_type(Encoding::ComfortNoise).is_some(),
            crypto: key.into_iter().collect(),
        }
    }
}

/// A tag that no line has, of at most nine digits.
fn free_tag(lines: &[CryptoLine]) -> u32 {
    let mut tags = 1..;
    tags.find(|tag| lines.iter().all(|line| line.tag != *tag)).expect("a list has an end, the numbers do not")
}
