//! SRTP and SRTCP (RFC 3711) of one direction of a leg, keyed by SDES (RFC 4568).
//!
//! Works in place on the engine's buffers. A packet that is refused leaves the state as it was.

use std::fmt;

use kirkwall_core::media::rtp::Header;
use kirkwall_core::media::{SrtpKey, SrtpSuite};

use super::flow::Position;
use super::srtp_session::{MASTER, MKI_MAX, Session, TRAILER, Way, Work};

/// Room that must be free behind a packet to be protected, in octets.
pub const ROOM: usize = TRAILER;

/// Sources that one key opens before further ones are refused. A peer that holds the key cannot make
/// us keep a replay list for each of 2^32 sources; none is forgotten, so none can be replayed.
pub const SOURCES: usize = 32;

/// Why a key cannot be used. Whoever negotiated it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// RFC 4568 §6.2: both suites take 16 octets of key and 14 of salt.
    #[error("SRTP master key and salt have {0} octets, expected 30")]
    Length(usize),
    /// An MKI of no octets, or more than RFC 4568 §6.1 allows.
    #[error("SRTP MKI has {0} octets, expected 1 to 128")]
    Mki(usize),
    /// libsrtp made no session of it.
    #[error("libsrtp refused the key: {0}")]
    Library(srtp::Error),
}

/// Why a packet was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Came before, or is older than the replay window (RFC 3711 §3.3.2).
    Replayed,
    /// Not protected by the peer's key: other key, other MKI, altered, or in clear.
    Unauthentic,
    /// One source too many for this key ([`SOURCES`]).
    TooManySources,
}

/// Opens what the peer sends.
#[derive(Debug)]
pub struct Inbound {
    keyed: Keyed,
    sources: [u32; SOURCES],
    known: usize,
    /// A source taken up after a restart, until its first packet has come.
    restored: Option<Position>,
}

impl Inbound {
    /// For the peer's key.
    pub fn new(key: &SrtpKey) -> Result<Inbound, BadKey> {
        Ok(Inbound { keyed: Keyed::new(Way::In, key)?, sources: [0; SOURCES], known: 0, restored: None })
    }

    /// Opens the SRTP packet `packet` with this `header`; gives its length in clear.
    pub fn open(&mut self, packet: &mut [u8], header: &Header) -> Result<usize, Refused> {
        // libsrtp does not check this itself; see `srtp_session`.
        if packet.len() < header.payload_at + self.keyed.overhead() {
            return Err(Refused::Unauthentic);
        }
        self.admit(header.ssrc)?;
        if let Some(position) = self.restored.filter(|position| position.ssrc == header.ssrc) {
            let roc = roc_at(position, header.sequence);
            self.keyed.media.set_roc(position.ssrc, roc).map_err(refused)?;
        }
        let len = packet.len();
        let opened = self.keyed.media.run(Work::Unprotect, packet, len).map_err(refused)?;
        self.restored = None;
        self.remember(header.ssrc);
        Ok(opened)
    }

    /// Opens an SRTCP packet; gives its length in clear.
    pub fn open_control(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let len = packet.len();
        let Some(&[a, b, c, d]) = packet.get(4..8).and_then(|ssrc| ssrc.first_chunk()) else {
            return Err(Refused::Unauthentic);
        };
        // Header of 8 octets, E bit and index of 4 (RFC 3711 §3.4), MKI, tag of 80 bits.
        if len < 8 + 4 + self.keyed.mki_len + LONG_TAG {
            return Err(Refused::Unauthentic);
        }
        let ssrc = u32::from_be_bytes([a, b, c, d]);
        self.admit(ssrc)?;
        let opened = self.keyed.control().run(Work::UnprotectControl, packet, len).map_err(refused)?;
        self.remember(ssrc);
        Ok(opened)
    }

    /// Roll-over counter of a source of the peer.
    pub fn roc(&self, ssrc: u32) -> Option<u32> {
        self.keyed.media.roc(ssrc)
    }

    /// Takes up the peer's source where it stood before a restart of this node. What it sends within
    /// half the sequence space from there is opened, also past a wrap. The replay list starts anew.
    pub fn restore(&mut self, position: Position) {
        self.remember(position.ssrc);
        self.restored = Some(position);
    }

    fn admit(&self, ssrc: u32) -> Result<(), Refused> {
        let room = self.known < SOURCES || self.sources.contains(&ssrc);
        if room { Ok(()) } else { Err(Refused::TooManySources) }
    }

    fn remember(&mut self, ssrc: u32) {
        if !self.sources[..self.known].contains(&ssrc) && self.known < SOURCES {
            self.sources[self.known] = ssrc;
            self.known += 1;
        }
    }
}

/// Protects what we send.
#[derive(Debug)]
pub struct Outbound(Keyed);

impl Outbound {
    /// For our key.
    pub fn new(key: &SrtpKey) -> Result<Outbound, BadKey> {
        Keyed::new(Way::Out, key).map(Outbound)
    }

    /// Protects the RTP packet in the first `len` octets of `packet`, which has [`ROOM`] octets
    /// behind them; gives the new length. Fails rather than use an index twice.
    pub fn protect(&mut self, packet: &mut [u8], len: usize) -> Result<usize, srtp::Error> {
        self.0.media.run(Work::Protect, packet, len)
    }

    /// The same for an RTCP packet.
    pub fn protect_control(&mut self, packet: &mut [u8], len: usize) -> Result<usize, srtp::Error> {
        self.0.control().run(Work::ProtectControl, packet, len)
    }

    /// Roll-over counter of our source.
    pub fn roc(&self, ssrc: u32) -> Option<u32> {
        self.0.media.roc(ssrc)
    }

    /// Takes up our source where it stood before a restart of this node; its next packet will carry
    /// the sequence number `next`.
    pub fn restore(&mut self, position: Position, next: u16) -> Result<(), BadKey> {
        self.0.media.set_roc(position.ssrc, roc_at(position, next)).map_err(BadKey::Library)
    }
}

/// Roll-over counter of `sequence` by the nearest index to a known one (RFC 3711 §3.3.1).
fn roc_at(known: Position, sequence: u16) -> u32 {
    match (known.sequence, sequence) {
        (old, new) if old >= 0x8000 && new < old - 0x8000 => known.roc.wrapping_add(1),
        (old, new) if old < 0x8000 && new > old + 0x8000 => known.roc.saturating_sub(1),
        _ => known.roc,
    }
}

/// Octets of a tag of 80 bits.
const LONG_TAG: usize = 10;
/// Octets of a tag of 32 bits.
const SHORT_TAG: usize = 4;

struct Keyed {
    media: Session,
    /// A session for RTCP alone, where libsrtp 2.3.0 needs it: it looks for the MKI before a tag of
    /// the length that RTP has, which is wrong for RTCP with `AES_CM_128_HMAC_SHA1_32`.
    control: Option<Session>,
    tag_len: usize,
    mki_len: usize,
}

impl Keyed {
    fn new(way: Way, key: &SrtpKey) -> Result<Keyed, BadKey> {
        let master: &[u8; MASTER] =
            key.master.0.as_slice().try_into().map_err(|_| BadKey::Length(key.master.0.len()))?;
        let mki = key.mki.as_deref().unwrap_or_default();
        if key.mki.is_some() && !(1..=MKI_MAX).contains(&mki.len()) {
            return Err(BadKey::Mki(mki.len()));
        }
        let short = key.suite == SrtpSuite::AesCm128HmacSha1_32;
        let session = |short| Session::new(way, short, master, mki).map_err(BadKey::Library);
        Ok(Keyed {
            media: session(short)?,
            control: if short && !mki.is_empty() { Some(session(false)?) } else { None },
            tag_len: if short { SHORT_TAG } else { LONG_TAG },
            mki_len: mki.len(),
        })
    }

    fn control(&mut self) -> &mut Session {
        self.control.as_mut().unwrap_or(&mut self.media)
    }

    fn overhead(&self) -> usize {
        self.tag_len + self.mki_len
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyed {{ tag_len: {}, mki_len: {} }}", self.tag_len, self.mki_len)
    }
}

fn refused(error: srtp::Error) -> Refused {
    match error {
        srtp::Error::REPLAY_FAIL | srtp::Error::REPLAY_OLD => Refused::Replayed,
        _ => Refused::Unauthentic,
    }
}

#[cfg(test)]
mod tests {
    use kirkwall_core::pii::Pii;

    use super::*;

    fn key(suite: SrtpSuite, fill: u8, mki: Option<&[u8]>) -> SrtpKey {
        SrtpKey { suite, master: Pii(vec![fill; 30]), mki: mki.map(<[u8]>::to_vec) }
    }

    fn packet(sequence: u16) -> Vec<u8> {
        let header = Header {
            marker: false,
            payload_type: 8,
            sequence,
            timestamp: 160,
            ssrc: 0xCAFE_BABE,
            payload_at: 12,
            padding: false,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend([0xD5; 160]);
        bytes
    }

    fn protect(out: &mut Outbound, packet: &[u8]) -> Vec<u8> {
        let mut bytes = packet.to_vec();
        bytes.resize(packet.len() + ROOM, 0);
        let len = out.protect(&mut bytes, packet.len()).unwrap();
        bytes.truncate(len);
        bytes
    }

    fn open(inbound: &mut Inbound, packet: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut bytes = packet.to_vec();
        let header = Header::parse(&bytes).unwrap();
        let len = inbound.open(&mut bytes, &header)?;
        bytes.truncate(len);
        Ok(bytes)
    }

    const LONG: SrtpSuite = SrtpSuite::AesCm128HmacSha1_80;
    const SHORT: SrtpSuite = SrtpSuite::AesCm128HmacSha1_32;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// RFC 3711 B.3: master key and salt give cipher key and salt; with them, and index and SSRC of
    /// B.2's form, the first keystream block is computed here by hand from AES alone.
    #[test]
    fn key_derivation_and_keystream_follow_rfc_3711_appendix_b() {
        let master = hex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6");
        let wanted = SrtpKey { suite: LONG, master: Pii(master), mki: None };
        let mut out = Outbound::new(&wanted).unwrap();
        let mut clear = packet(0);
        clear.truncate(12);
        clear.extend([0; 16]);
        let sealed = protect(&mut out, &clear);
        // Cipher key C61E7A93744F39EE10734AFE3FF7A087, salt 30CBBC08863D8C85D49DB34A9AE1;
        // counter block: (salt << 16) XOR (SSRC << 64) XOR (index << 16), index 0.
        assert_eq!(sealed[12..28], hex(KEYSTREAM)[..]);
        assert_eq!(sealed.len(), 28 + 10);
    }

    /// AES-128 of 30CBBC084CC3363BD49DB34A9AE10000 under the cipher key of B.3.
    const KEYSTREAM: &str = "8983C0987864967803260FF7B92F35AC";

    #[test]
    fn both_suites_with_and_without_mki_go_there_and_back() {
        for (suite, mki, grown) in [
            (LONG, None, 10),
            (SHORT, None, 4),
            (LONG, Some(&[1][..]), 11),
            (SHORT, Some(&[0, 0, 0, 1][..]), 8),
        ] {
            let key = key(suite, 7, mki);
            let (mut out, mut inbound) = (Outbound::new(&key).unwrap(), Inbound::new(&key).unwrap());
            let sealed = protect(&mut out, &packet(9));
            assert_eq!(sealed.len(), 172 + grown);
            assert_eq!(open(&mut inbound, &sealed), Ok(packet(9)));
            assert_eq!(open(&mut inbound, &sealed), Err(Refused::Replayed));
        }
    }

    #[test]
    fn control_packets_carry_80_bits_in_both_suites() {
        for (suite, mki, grown) in [(LONG, None, 14), (SHORT, None, 14), (SHORT, Some(&[9, 9][..]), 16)] {
            let key = key(suite, 7, mki);
            let (mut out, mut inbound) = (Outbound::new(&key).unwrap(), Inbound::new(&key).unwrap());
            let mut report = hex("80C90001CAFEBABE");
            let clear = report.clone();
            report.resize(8 + ROOM, 0);
            let len = out.protect_control(&mut report, 8).unwrap();
            assert_eq!(len, 8 + grown);
            report.truncate(len);
            let mut again = report.clone();
            assert_eq!(inbound.open_control(&mut report), Ok(8));
            assert_eq!(report[..8], clear[..]);
            assert_eq!(inbound.open_control(&mut again), Err(Refused::Replayed));
        }
    }

    #[test]
    fn clear_altered_short_and_foreign_packets_are_refused() {
        let (ours, other) = (key(LONG, 7, None), key(LONG, 8, None));
        let mut inbound = Inbound::new(&ours).unwrap();
        assert_eq!(open(&mut inbound, &packet(1)), Err(Refused::Unauthentic));
        let foreign = protect(&mut Outbound::new(&other).unwrap(), &packet(1));
        assert_eq!(open(&mut inbound, &foreign), Err(Refused::Unauthentic));
        let mut altered = protect(&mut Outbound::new(&ours).unwrap(), &packet(1));
        altered[20] ^= 1;
        assert_eq!(open(&mut inbound, &altered), Err(Refused::Unauthentic));
        for len in 12..22 {
            assert_eq!(open(&mut inbound, &altered[..len]), Err(Refused::Unauthentic));
            assert_eq!(inbound.open_control(&mut altered.clone()[..len]), Err(Refused::Unauthentic));
        }
    }

    #[test]
    fn a_restored_pair_goes_on_after_a_wrap() {
        let key = key(LONG, 7, None);
        let (mut out, mut inbound) = (Outbound::new(&key).unwrap(), Inbound::new(&key).unwrap());
        for n in 0..70_000u32 {
            let sealed = protect(&mut out, &packet(n as u16));
            open(&mut inbound, &sealed).unwrap();
        }
        let ssrc = 0xCAFE_BABE;
        assert_eq!((out.roc(ssrc), inbound.roc(ssrc)), (Some(1), Some(1)));
        let (mut out_2, mut inbound_2) = (Outbound::new(&key).unwrap(), Inbound::new(&key).unwrap());
        let next = (70_000u32 + 1) as u16;
        let blind = protect(&mut out_2, &packet(next));
        assert_eq!(open(&mut inbound, &blind), Err(Refused::Unauthentic), "without the counter");
        let mut out_2 = Outbound::new(&key).unwrap();
        let position = Position { ssrc, sequence: 70_000u32 as u16, timestamp: 0, roc: 1 };
        out_2.restore(position, next).unwrap();
        inbound_2.restore(position);
        let sealed = protect(&mut out_2, &packet(next));
        assert!(open(&mut inbound, &sealed).is_ok());
        assert!(open(&mut inbound_2, &sealed).is_ok());
    }

    #[test]
    fn a_restored_receiver_finds_its_place_past_a_wrap_and_forgeries_do_not_shift_it() {
        let key = key(LONG, 7, None);
        let (mut out, mut inbound) = (Outbound::new(&key).unwrap(), Inbound::new(&key).unwrap());
        let position = Position { ssrc: 0xCAFE_BABE, sequence: 65_500, timestamp: 0, roc: 3 };
        out.restore(position, 20).unwrap();
        let sealed = protect(&mut out, &packet(20));
        inbound.restore(position);
        assert_eq!(open(&mut inbound, &packet(65_510)), Err(Refused::Unauthentic));
        assert!(open(&mut inbound, &sealed).is_ok());
        assert_eq!((out.roc(0xCAFE_BABE), inbound.roc(0xCAFE_BABE)), (Some(4), Some(4)));
    }

    #[test]
    fn an_index_is_never_used_twice() {
        let mut out = Outbound::new(&key(LONG, 7, None)).unwrap();
        protect(&mut out, &packet(5));
        let mut again = packet(5);
        again.resize(172 + ROOM, 0);
        assert!(out.protect(&mut again, 172).is_err());
        assert!(out.protect(&mut packet(6), 172).is_err(), "no room for the tag");
    }

    #[test]
    fn one_source_too_many_is_refused_and_the_known_ones_stay() {
        let key = key(LONG, 7, None);
        let (mut out, mut inbound) = (Outbound::new(&key).unwrap(), Inbound::new(&key).unwrap());
        for source in 0..=SOURCES as u32 {
            let mut clear = packet(1);
            clear[8..12].copy_from_slice(&source.to_be_bytes());
            let sealed = protect(&mut out, &clear);
            let wanted = if (source as usize) < SOURCES { Ok(clear) } else { Err(Refused::TooManySources) };
            assert_eq!(open(&mut inbound, &sealed), wanted);
        }
    }

    /// Lengths and header bits of every kind reach libsrtp only where it can bear them.
    #[test]
    fn no_datagram_gets_past_or_upsets_a_session() {
        let mut random = 1u64;
        let mut draw = move || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize
        };
        for (suite, mki) in [(LONG, None), (SHORT, None), (SHORT, Some(&[1, 2, 3][..]))] {
            let mut inbound = Inbound::new(&key(suite, 7, mki)).unwrap();
            for _ in 0..20_000 {
                let mut bytes: Vec<u8> = (0..draw() % 80).map(|_| draw() as u8).collect();
                if let Some(first) = bytes.first_mut() {
                    *first = 0x80 | (*first & 0x33);
                }
                if let Ok(header) = Header::parse(&bytes) {
                    assert_eq!(inbound.open(&mut bytes.clone(), &header), Err(Refused::Unauthentic));
                }
                assert_eq!(inbound.open_control(&mut bytes), Err(Refused::Unauthentic));
            }
        }
    }

    #[test]
    fn a_bad_key_says_what_is_wrong() {
        let mut short = key(LONG, 7, None);
        short.master.0.pop();
        assert_eq!(Outbound::new(&short).err(), Some(BadKey::Length(29)));
        assert_eq!(Inbound::new(&key(LONG, 7, Some(&[]))).err(), Some(BadKey::Mki(0)));
        assert_eq!(Inbound::new(&key(LONG, 7, Some(&[1; 129]))).err(), Some(BadKey::Mki(129)));
        assert!(!format!("{:?}", Inbound::new(&key(LONG, 7, None)).unwrap()).contains('7'));
    }
}
