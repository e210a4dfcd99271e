use proptest::prelude::*;

use super::code::*;
use super::frame::{HEADER, LONGEST, LONGEST_UNKNOWN, cut};
use super::tag::Tag;
use super::value::{Counters, Neighbour, PagePdu, Pdu, Pmid, Value};
use super::word::*;
use super::*;
use crate::dect::identity::{Ari, Rfpi};
use crate::pii::Pii;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn hello() -> Hello {
    Hello {
        proto_min: 1,
        proto_max: 1,
        base_id: BaseId([0, 0x19, 0x92, 0xAB, 0xCD, 0xEF]),
        hw_model: "RFP 1".into(),
        fw_version: "PCS12A_".into(),
        role: Role::Base,
        slot_pairs: Some(12),
        codecs: Some(Codecs(vec![Codec::G726, Codec::Pcma])),
        features: Some(feature::SRTP | feature::DSC2),
        boot_reason: Some(BootReason::Power),
        resume_token: Some(Pii([7; 16])),
        live: vec![ConnId(1), ConnId(0x0203)],
    }
}

fn first(octets: &[u8]) -> Frame<'_> {
    let (frame, length) = cut(octets, LONGEST).unwrap().unwrap();
    assert_eq!(length, octets.len());
    frame
}

fn heard(word: impl Into<FromBase>) -> Heard {
    let mut octets = Vec::new();
    word.into().encode(9, &mut octets);
    hear(first(&octets))
}

fn with_fields(kind: u16, flags: Flags, fields: &[u8]) -> Heard {
    hear(Frame { head: Head { kind: MessageType(kind), flags, seq: 5 }, body: fields })
}

fn capacity() -> Capacity {
    let (pairs_total, pairs_free, voice_used, voice_max) = (12, 7, 5, 11);
    let (wideband_cost, srtp_active) = (2, 0);
    Capacity {
        pairs_total,
        pairs_free,
        voice_used,
        voice_max,
        wideband_cost,
        srtp_active,
        blind_map: Some(0x0801),
    }
}

fn radio_config() -> RadioConfig {
    let pari = Ari::B { eic: 0x02AF, fpn_fps: 0x12C };
    RadioConfig {
        rfpi: Rfpi { sari_list: false, pari, rpn: 3 },
        rpn: 3,
        carrier_mask: 0x03FF,
        tx_power: -4,
        hlc: [0x22, 0x10],
        ext_hlc: [1, 2, 3, 4],
        ext_hlc2: [0; 4],
        voice_max: 11,
        voice_max_srtp: 6,
        ho_reserve: 1,
        dlc_mode: 0,
        sari: vec![Rfpi { sari_list: false, pari, rpn: 0 }],
        timezone: Some(-90),
    }
}

#[test]
fn a_hello_has_the_octets_of_the_page_for_makers() {
    let mut octets = Vec::new();
    FromBase::from(hello()).encode(1, &mut octets);
    let fields = [
        "0001 0002 0001",
        "0002 0002 0001",
        "0004 0006 001992abcdef",
        "0005 0005 5246502031",
        "0006 0007 5043533132415f",
        "0007 0001 01",
        "0008 0001 0c",
        "0009 0002 0102",
        "000a 0004 00000003",
        "001a 0001 01",
        "000c 0010 07070707070707070707070707070707",
        "0050 0002 0001",
        "0050 0002 0203",
    ];
    let expected = ["0000 006f 0101 0000 00000001", &fields.concat()].concat().replace(' ', "");
    assert_eq!(hex(&octets), expected);
}

#[test]
fn words_of_base_stations_come_back_as_they_went() {
    let neighbour = Neighbour { rpn: 4, rssi: -71, offset_ns: -120, quality: 98 };
    let words: [FromBase; 9] = [
        hello().into(),
        capacity().into(),
        Neighbours { heard: vec![neighbour; 3] }.into(),
        SyncTold {
            state: SyncState::Locked,
            source: Some(1),
            rssi: Some(-60),
            offset_ns: Some(-3),
            hops: Some(2),
            since: Some(1 << 40),
        }
        .into(),
        ConnInd {
            conn: ConnId(7),
            pmid: Pmid::new(0xE1234).unwrap(),
            slot_type: SlotType::Long,
            ho_flag: true,
            page_id: Some(1),
            rssi: Some(-80),
            enc_wanted: Some(false),
        }
        .into(),
        NwkData { conn: ConnId(7), sapi: Sapi::Co, pdu: Pdu::new(vec![0x83, 0x5A]).unwrap() }.into(),
        Goodbye { reason: GoodbyeReason(77), retry_s: Some(5) }.into(),
        Pong { timestamp: 5 }.into(),
        MediaTold { media_id: MediaId(9), event: MediaHappening::Dtmf, digit: Some(b'#') }.into(),
    ];
    for word in words {
        assert_eq!(heard(word.clone()), Heard::Word { seq: 9, word });
    }
}

#[test]
fn words_of_the_switch_come_back_as_they_went() {
    let key: SrtpKey = Pii([3; 30]);
    let remote = "192.0.2.7:30000".parse().unwrap();
    let words: [ToBase; 6] = [
        radio_config().into(),
        PageOrder {
            pdu: PagePdu::new(&[0x0B, 0x12, 0x34]).unwrap(),
            page_id: Some(4),
            repeats: None,
            cluster: None,
        }
        .into(),
        MediaOpen {
            media_id: MediaId(1),
            conn: ConnId(2),
            codec: Codec::G722,
            pt: 9,
            ptime: 20,
            remote,
            dir: dir::BOTH,
            srtp_suite: Some(SrtpSuite::AesCm80),
            tx_key: Some(key.clone()),
            rx_key: Some(key),
            dtmf_pt: Some(101),
            jitter_ms: None,
        }
        .into(),
        SyncConfig {
            mode: Some(SyncMode::Air),
            role: Some(SyncRole::Slave),
            source: vec![1],
            alternatives: vec![2, 3],
            ptp_domain: None,
        }
        .into(),
        CipherKey {
            conn: ConnId(2),
            alg: CipherAlgorithm::Dsc2,
            ck_num: 8,
            dck: Pii(Octets::new(vec![1; 16]).unwrap()),
        }
        .into(),
        Led { pattern: Lamp::Find }.into(),
    ];
    for word in words {
        let mut octets = Vec::new();
        word.encode(3, &mut octets);
        assert_eq!(hear_as_base(first(&octets)), Ok(word));
    }
}

#[test]
fn responses_find_their_request_and_keep_what_they_say() {
    let counters = Counters::new([(1, 2), (32, u64::MAX)]);
    let local = "[2001:db8::1]:4000".parse().unwrap();
    let responses = [
        (0x0201, Response::Done),
        (0x0901, Response::MediaOpened(MediaOpened { local })),
        (0x0903, Response::Counted(Counted { counters: Some(counters) })),
        (0x0802, Response::HoPrepared(HoPrepared { dlc_state: None, frame_no: Some(8) })),
    ];
    for (kind, response) in responses {
        let mut octets = Vec::new();
        response.encode(MessageType(kind), 6, &mut octets);
        let kind = Some(MessageType(kind));
        assert_eq!(hear(first(&octets)), Heard::Response { seq: 6, kind, response });
    }
    let (mut octets, response) = (Vec::new(), Response::Refused(ErrorCode::NO_CHANNEL));
    response.encode(MessageType(0x0901), 6, &mut octets);
    assert_eq!(hear(first(&octets)), Heard::Response { seq: 6, kind: None, response });
}

#[test]
fn half_a_frame_waits_and_a_bad_length_ends_the_link() {
    let mut octets = Vec::new();
    FromBase::from(hello()).encode(1, &mut octets);
    (0..octets.len()).for_each(|end| assert_eq!(cut(&octets[..end], LONGEST), Ok(None)));
    for (length, longest) in [(7, LONGEST), (65_536, LONGEST), (2049, LONGEST_UNKNOWN)] {
        let wrong = [&u32::to_be_bytes(length)[..], &[0; 8]].concat();
        assert_eq!(cut(&wrong, longest), Err(Malformed::Length { length, longest }));
    }
    let mut twice = octets.clone();
    twice.extend(&octets);
    assert_eq!(cut(&twice, LONGEST).unwrap().unwrap().1, octets.len());
}

#[test]
fn a_field_that_runs_over_its_frame_ends_the_link() {
    let frame = [&[0, 0, 0, 13, 1, 6, 0, 0, 0, 0, 0, 1][..], &[0, 0x17, 0, 8, 1]].concat();
    let kind = MessageType(0x0106);
    assert_eq!(cut(&frame, LONGEST), Err(Malformed::Overrun { kind, tag: 0x17 }));
    let frame = [0, 0, 0, 9, 1, 6, 0, 0, 0, 0, 0, 1, 9];
    assert_eq!(cut(&frame, LONGEST), Err(Malformed::Overrun { kind, tag: 0 }));
}

#[test]
fn unknown_fields_are_skipped_unless_they_must_be_understood() {
    let timestamp = [0, 0x17, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1];
    let ping = |unknown: &[u8]| with_fields(0x0106, Flags::NONE, &[unknown, &timestamp].concat());
    let good = Heard::Word { seq: 5, word: Ping { timestamp: 1 }.into() };
    assert_eq!(ping(&[0x7F, 0, 0, 1, 9]), good);
    assert_eq!(ping(&[0x80, 0x22, 0, 1, 9]), good, "known, and out of place");
    let critical = ping(&[0xFF, 0, 0, 1, 9]);
    assert_eq!(critical.complaint().unwrap().code, ErrorCode::UNKNOWN_CRITICAL);
    let marked = [&[0x80][..], &timestamp[1..]].concat();
    assert_eq!(with_fields(0x0106, Flags::NONE, &marked), good);
}

#[test]
fn bad_words_are_complained_of_by_number_and_answers_never() {
    let complaint = |kind, flags, fields: &[u8]| {
        with_fields(kind, flags, fields).complaint().map(|error| (error.code, error.seq))
    };
    let (bad, unknown) = (Some((ErrorCode::BAD_TLV, Some(5))), Some((ErrorCode::UNKNOWN_TYPE, Some(5))));
    assert_eq!(complaint(0x0106, Flags::NONE, &[]), bad, "a mandatory field is missing");
    assert_eq!(complaint(0x0106, Flags::NONE, &[0, 0x17, 0, 1, 1]), bad, "too short");
    assert_eq!(complaint(0x0204, Flags::EVENT, &[0, 0x29, 0, 1, 99]), bad, "no such state");
    assert_eq!(complaint(0x7777, Flags::NONE, &[]), unknown);
    assert_eq!(complaint(0x0102, Flags::NONE, &[]), unknown, "the switch's own word");
    assert_eq!(complaint(0x7777, Flags::EVENT, &[]), None);
    assert_eq!(complaint(0x0901, Flags::RESPONSE, &[]), None);
    assert_eq!(complaint(0x0109, Flags::ERROR, &[]), None);
}

#[test]
fn every_value_has_its_bounds() {
    assert_eq!(Pdu::read(&[1]), None);
    assert!(Pdu::read(&[1; 4096]).is_some() && Pdu::read(&[1; 4097]).is_none());
    assert_eq!(Pmid::read(&[0, 0x10, 0, 0]), None);
    assert_eq!(String::read(&[b'a'; 256]), None);
    assert_eq!(String::read(&[0xFF]), None);
    assert_eq!(std::net::SocketAddr::read(&[4, 1, 2, 3, 0, 80]), None);
    assert_eq!(Counters::read(&[0; 11]), None);
    assert_eq!(PagePdu::read(&[0; 4]), None);
    let mut long = Vec::new();
    "\u{e4}".repeat(200).write(&mut long);
    assert_eq!(long.len(), 254, "cut between characters");
    let many: Vec<u8> = [0, 0x50, 0, 2, 0, 1].repeat(super::field::MOST_REPEATED + 1);
    let fields = super::field::Fields::of(&many).unwrap();
    let found: Result<Vec<ConnId>, _> = super::field::Carried::take(fields, Tag::CONN_ID);
    assert_eq!(found, Err(Fault::TooMany(Tag::CONN_ID)));
}

#[test]
fn no_key_or_token_shows_in_debug() {
    let shown =
        format!("{:?}", Enrol { enrol_token: Pii("geheim".into()), csr: Octets::new(vec![1]).unwrap() });
    assert!(!shown.contains("geheim"), "{shown}");
    assert!(!format!("{:?}", hello()).contains("7, 7"));
}

#[test]
fn a_base_id_is_read_as_people_write_it() {
    for text in ["001992ABCDEF", "00:19:92:ab:cd:ef", "0019.92ab.cdef", "00-19-92-AB-CD-EF"] {
        assert_eq!(text.parse(), Ok(hello().base_id), "{text}");
    }
    for text in ["", "00199", "001992ABCDEX", "001992ABCDEF00", "+0+1+9+9+2+A"] {
        assert!(text.parse::<BaseId>().is_err(), "{text}");
    }
}

/// A frame that has something of a right one.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop::sample::select(Tag::ALL).prop_map(|tag| tag.0);
    let length = prop::sample::select(&[0usize, 1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 10, 16, 30, 32, 20]);
    let value = length.prop_flat_map(|length| {
        prop_oneof![prop::collection::vec(0u8..8, length), prop::collection::vec(any::<u8>(), length),]
    });
    let field = (tag, prop::bool::weighted(0.05), value).prop_map(|(tag, critical, value)| {
        let tag = tag | u16::from(critical) << 15;
        [&tag.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), &value].concat()
    });
    let kind = prop::sample::select(&[
        0x0101u16, 0x0104, 0x0106, 0x0107, 0x0108, 0x0109, 0x0204, 0x0302, 0x0303, 0x0401, 0x0502, 0x0506,
        0x0507, 0x0508, 0x0602, 0x0801, 0x0802, 0x0805, 0x0806, 0x0901, 0x0903, 0x0904, 0x0A01, 0x0A02,
    ]);
    (kind, 0u16..8, any::<u32>(), prop::collection::vec(field, 0..40)).prop_map(
        |(kind, flags, seq, fields)| {
            let fields = fields.concat();
            let mut octets = (fields.len() as u32 + 8).to_be_bytes().to_vec();
            octets.extend(kind.to_be_bytes());
            octets.extend(flags.to_be_bytes());
            octets.extend(seq.to_be_bytes());
            [octets, fields].concat()
        },
    )
}

proptest! {
    #[test]
    fn no_octets_upset_the_reader(octets in prop::collection::vec(any::<u8>(), 0..200), length in 0u32..220) {
        let framed = [&length.to_be_bytes()[..], &octets].concat();
        for octets in [&octets, &framed] {
            if let Ok(Some((frame, whole))) = cut(octets, LONGEST) {
                prop_assert!((HEADER..=octets.len()).contains(&whole));
                let _ = (hear(frame).complaint(), hear_as_base(frame).is_ok());
            }
        }
    }

    #[test]
    fn what_is_read_is_written_again_and_never_grows(octets in likely()) {
        let (frame, _) = cut(&octets, LONGEST).unwrap().unwrap();
        let mut again = Vec::new();
        match hear(frame) {
            Heard::Word { seq, word } => {
                word.encode(seq, &mut again);
                prop_assert_eq!(hear(first(&again)), Heard::Word { seq, word });
            }
            Heard::Response { seq, kind: Some(kind), response } => {
                response.encode(kind, seq, &mut again);
                prop_assert_eq!(hear(first(&again)), Heard::Response { seq, kind: Some(kind), response });
            }
            _ => {}
        }
        prop_assert!(again.len() <= octets.len());
        if let Ok(word) = hear_as_base(frame) {
            again.clear();
            word.encode(1, &mut again);
            prop_assert_eq!(hear_as_base(first(&again)), Ok(word));
            prop_assert!(again.len() <= octets.len());
        }
    }
}
