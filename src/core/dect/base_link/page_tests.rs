//! `docs/base-link.md` says what the code does: its tables name every field and message, and its examples
//! are the octets that are read and written.

use super::code::*;
use super::frame::{LONGEST, cut};
use super::tag::Tag;
use super::value::{Octets, PagePdu};
use super::word::*;
use super::*;
use crate::pii::Pii;

const PAGE: &str = include_str!("../../../../docs/base-link.md");

/// Octets of an example: each line up to the two spaces before its words.
fn example(name: &str) -> Vec<u8> {
    let start = format!("```hex {name}\n");
    let (_, rest) = PAGE.split_once(&start).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let digits: String =
        block.lines().map(|line| line.split("  ").next().unwrap().replace(' ', "")).collect();
    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(octet).collect()
}

/// Octets as the page prints them; for whoever writes an example anew.
fn printed(octets: &[u8]) -> String {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let mut text = format!(
        "{} {} {} {}\n",
        hex(&octets[..4]),
        hex(&octets[4..6]),
        hex(&octets[6..8]),
        hex(&octets[8..12])
    );
    let mut rest = &octets[12..];
    while let [t, u, l, m, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l, *m]));
        let tag = Tag(u16::from_be_bytes([*t, *u]));
        let (value, after) = more.split_at(length);
        text += &format!("{:04x} {length:04x} {}  {tag}\n", tag.0, hex(value));
        rest = after;
    }
    text
}

#[track_caller]
fn shows(name: &str, octets: &[u8]) {
    assert_eq!(example(name), octets, "docs/base-link.md, {name}, should read:\n{}", printed(octets));
    assert_eq!(cut(octets, LONGEST).unwrap().unwrap().1, octets.len());
}

fn from_base(seq: u32, word: impl Into<FromBase>) -> Vec<u8> {
    let mut octets = Vec::new();
    word.into().encode(seq, &mut octets);
    octets
}

fn to_base(seq: u32, word: impl Into<ToBase>) -> Vec<u8> {
    let mut octets = Vec::new();
    word.into().encode(seq, &mut octets);
    octets
}

#[test]
fn the_page_names_every_field_with_its_number() {
    for tag in Tag::ALL {
        let row = format!("| {:04X} | {tag} |", tag.0);
        assert!(PAGE.contains(&row), "no row {row:?}");
    }
    let rows = PAGE.lines().filter(|line| {
        let mut cells = line.split(" | ");
        let number = cells.next().is_some_and(|cell| cell.len() == 6 && cell.starts_with("| "));
        number && cells.next().is_some_and(|cell| Tag::ALL.iter().any(|tag| tag.to_string() == cell))
    });
    // SYNC_STATE and TONE are names of messages too.
    assert_eq!(rows.count(), Tag::ALL.len() + 2);
}

#[test]
fn the_page_marks_mandatory_fields_as_the_code_reads_them() {
    use super::field::Fields;
    let faults = |row: &str| -> Vec<String> {
        let bold = row.split(';').next().unwrap().split("**").skip(1).step_by(2);
        bold.map(str::to_owned).collect()
    };
    let first = |kind: u16, body: Result<(), Fault>| {
        let start = format!("| {kind:04X} | ");
        let row = PAGE.lines().find(|line| line.starts_with(&start) && line.matches(" | ").count() == 5);
        let bold = faults(row.unwrap_or_else(|| panic!("message {kind:04X} has no row")));
        match body {
            Err(Fault::Missing(tag)) => assert_eq!(bold.first(), Some(&tag.to_string()), "{kind:04X}"),
            other => assert_eq!((other, bold.len()), (Ok(()), 0), "{kind:04X}"),
        }
    };
    macro_rules! look {
        ($($word:ident)*) => {$(first($word::TYPE.0, $word::read(Fields::of(&[]).unwrap()).map(drop));)*};
    }
    look! {
        Hello Welcome Refuse Enrol EnrolCfm Ping Pong Goodbye LinkError RadioConfig RadioStart RadioStop
        RadioStateTold BroadcastUpdate SyncConfig SyncTold Neighbours Capacity Busy PageOrder ConnInd ConnAccept
        ConnReject ConnRelease ConnDown NwkData NwkFlow NwkBcast CipherKey CipherTold SlotChange HoInd HoPrepare
        HoAccept HoReject HoComplete HoFailed HoSuggest MediaOpen MediaModify MediaClose MediaTold Tone Stats Log
        FwOffer Reboot Led
    }
}

#[test]
fn the_examples_are_the_octets_of_the_code() {
    let hello = Hello {
        proto_min: 1,
        proto_max: 1,
        base_id: "00:19:92:ab:cd:ef".parse().unwrap(),
        hw_model: "RFP 1".into(),
        fw_version: "PCS12A_".into(),
        role: Role::Base,
        slot_pairs: Some(12),
        codecs: Some(Codecs(vec![Codec::G726, Codec::Pcma, Codec::Pcmu])),
        features: Some(feature::SRTP | feature::DSC2),
        boot_reason: Some(BootReason::Power),
        resume_token: None,
        live: Vec::new(),
    };
    shows("hello", &from_base(1, hello));
    let welcome = Welcome {
        proto: 1,
        session_id: *b"session of today",
        resume_token: Some(Pii(*b"nobody else's!!!")),
        ping_ms: 5000,
        dead_ms: 15_000,
        server_time: 1_795_514_400_000,
        policy: 10_000,
        resume_ok: Some(false),
        live: Vec::new(),
    };
    shows("welcome", &to_base(1, welcome));
    let csr = Octets::new(vec![0x30, 0x82, 0, 0]).unwrap();
    shows("enrol", &from_base(1, Enrol { enrol_token: Pii("k7m2q9x4".into()), csr }));
    let page = PagePdu::new(&[0x0B, 0x2C, 0x07]).unwrap();
    let page = PageOrder { pdu: page, page_id: Some(17), repeats: Some(3), cluster: None };
    let kind = ToBase::from(page.clone()).message_type();
    shows("page", &to_base(9, page));
    let mut refused = Vec::new();
    Response::Refused(ErrorCode::NOT_SYNCED).encode(kind, 9, &mut refused);
    shows("refused", &refused);
}
