use super::*;
use crate::dect::element::*;
use crate::dect::identity::{Ari, Ipei, Ipui, Park};

use Side::{Fixed, Portable};

fn octets(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    (0..hex.len()).step_by(2).map(|place| u8::from_str_radix(&hex[place..place + 2], 16).unwrap()).collect()
}

/// Captured from a live system, and the chain of EN 300 175-7, annex K.
const CAPTURED: [(Side, Kind, &str); 22] = [
    (Portable, Kind::CcSetup, "0305050880b01002869965170606a0a0102af12ce0b02c02188b7b06810031560106"),
    (
        Fixed,
        Kind::CcSetup,
        "0305050880b01002869965170606a0a0102af12ce080e4406c1380393935363932393820444543542054656d70",
    ),
    (Fixed, Kind::AuthenticationRequest, "05400a030118180c08cf0b74164913db200e08ad256f18dff1af8d"),
    (Portable, Kind::AuthenticationReply, "85410d04948d45b0"),
    (
        Portable,
        Kind::AccessRightsRequest,
        "0544050780a800e02ae5c30a03014800630e35151a0120061081330114b004877803003141",
    ),
    (Fixed, Kind::KeyAllocate, "05420b0201880c089e6f24f242c0b13b0e089e6f24f242c0253b"),
    (Portable, Kind::LcePageResponse, "0071050880b01002869965170606a0a0102af12c"),
    (Portable, Kind::LocateRequest, "0554050880b0100286996517060781a8902af12c2507015f7b09810031520102530101"),
    (Fixed, Kind::CipherRequest, "054c19028198"),
    (Fixed, Kind::CcSetupAck, "830d"),
    (Fixed, Kind::CcConnect, "8307"),
    (Portable, Kind::CcRelease, "034de200"),
    (Fixed, Kind::MmInfoSuggest, "0552010180"),
    (Fixed, Kind::LocateReject, "8557600106"),
    (Fixed, Kind::CcInfo, "837b280e0c4c6f67696e206661696c656402"),
    (Portable, Kind::AccessRightsRequest, "0544050780a80004ffffff0a03014800"),
    (Fixed, Kind::KeyAllocate, "05420b0201880c08d01ff9e2116804210e080000000000000000"),
    (Portable, Kind::AuthenticationRequest, "85400a030148000c08a03ff2c523d008420d04f28cf911"),
    (Fixed, Kind::AuthenticationReply, "05410d04eeba4db9"),
    (Fixed, Kind::AccessRightsAccept, "8545050580941261200606a0a01000903407015f0a0301180f"),
    (Fixed, Kind::AuthenticationRequest, "05400a030118180c089b114f25545188590e080000000000000000"),
    (Portable, Kind::AuthenticationReply, "85410d04961b3a9f"),
];

/// Reads contents by type and writes them again.
fn rewritten(element: &Element) -> Option<Vec<u8>> {
    fn by<T: Coding>(element: &Element) -> Option<Vec<u8>> {
        element.read::<T>().map(|read| read.unwrap().encode())
    }
    [
        by::<PortableIdentity>,
        by::<FixedIdentity>,
        by::<LocationArea>,
        by::<AuthType>,
        by::<AllocationType>,
        by::<Rand>,
        by::<Res>,
        by::<Rs>,
        by::<CipherInfo>,
        by::<BasicService>,
        by::<ReleaseReason>,
        by::<RejectReason>,
        by::<Signal>,
        by::<InfoType>,
        by::<CallingNumber>,
        by::<MultiDisplay>,
        by::<MultiKeypad>,
        by::<TerminalCapability>,
        by::<Model>,
        by::<Proprietary>,
    ]
    .iter()
    .find_map(|by| by(element))
}

#[test]
fn captured_messages_are_read_whole_and_written_octet_for_octet() {
    for (from, kind, hex) in CAPTURED {
        let message = receive(&octets(hex), from).unwrap();
        assert_eq!((message.from, message.kind), (from, kind));
        assert_eq!(message.set_aside(), [], "{message:?}");
        assert_eq!(message.encode(), octets(hex), "{message:?}");
        for element in message.elements() {
            assert_eq!(rewritten(element).as_ref(), Some(&element.content), "{element:?} of {message:?}");
        }
    }
}

#[test]
fn what_is_read_again_is_the_same() {
    for (from, _, hex) in CAPTURED {
        let message = receive(&octets(hex), from).unwrap();
        assert_eq!(receive(&message.encode(), from), Ok(message));
    }
}

#[test]
fn any_captured_message_cut_anywhere_is_survived() {
    for (from, _, hex) in CAPTURED {
        let whole = octets(hex);
        for length in 0..whole.len() {
            if let Ok(message) = receive(&whole[..length], from) {
                assert_eq!(message.missing(), None);
            }
        }
    }
}

fn park() -> FixedIdentity {
    FixedIdentity::Park(Park::of(&Ari::B { eic: 0x02AF, fpn_fps: 0x12C }))
}

fn setup() -> Message {
    let ipui = PortableIdentity::Ipui(Ipui::N(Ipei::new(0x0BA8, 0xA_782A).unwrap()));
    Message::begin(Kind::CcSetup).with(&BasicService::SPEECH).with(&park()).with(&ipui)
}

#[test]
fn elements_are_put_in_the_order_of_the_table_whatever_order_they_come_in() {
    let message = setup().with(&CallingNumber::plain("5")).with(&Signal::ALERTING_0);
    let hex = "0305 050780A800BA8A782A 0606A0A0102AF12C E080 E440 6C028035";
    assert_eq!(message.encode(), octets(hex));
    assert_eq!(receive(&octets(hex), Fixed), Ok(message));
}

#[test]
fn lists_stand_behind_their_indicator() {
    let list =
        Message::begin(Kind::IdentityRequest).with_list(Tag::LIST, &[IdentityType::IPEI, IdentityType::IPUI]);
    assert_eq!(list.encode(), octets("0558 D1 02028090 02028080"));
    let read = receive(&list.encode(), Fixed).unwrap();
    assert_eq!(read.all::<IdentityType>().collect::<Vec<_>>(), [IdentityType::IPEI, IdentityType::IPUI]);
    assert_eq!(read, list);
    let reject = receive(&octets("8543 D2 0A03021800 0A03011800 600112"), Portable).unwrap();
    assert_eq!(reject.all::<AuthType>().count(), 2);
    assert_eq!(reject.get(), Some(RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED));
    let before = Message::begin(Kind::AuthenticationReject)
        .with(&RejectReason::OVERLOAD)
        .with_list(Tag::PRIORITISED_LIST, &reject.all::<AuthType>().collect::<Vec<_>>());
    assert_eq!(before.encode(), octets("0543 D2 0A03021800 0A03011800 600130"));
}

#[test]
fn the_example_call_of_a_handset_reads_as_told() {
    for (from, kind, hex) in [
        (Portable, Kind::CcSetup, "0305 050780A800BA8A782A 0606A0A0102AF12C E080"),
        (Fixed, Kind::CcSetupAck, "830D 1E028088 E400"),
        (Portable, Kind::CcInfo, "037B 2C0135"),
        (Fixed, Kind::CcCallProc, "8302"),
        (Fixed, Kind::CcAlerting, "8301 1E028088"),
        (Portable, Kind::CcRelease, "034D E200"),
        (Fixed, Kind::CcReleaseCom, "835A"),
        (Fixed, Kind::CcConnectAck, "030F"),
    ] {
        let message = receive(&octets(hex), from).unwrap();
        assert_eq!((message.kind, message.encode()), (kind, octets(hex)));
        let starter = if from == Portable || hex.starts_with('8') { Portable } else { Fixed };
        assert_eq!(message.transaction.starter, starter);
    }
}

#[test]
fn messages_waiting_go_in_a_facility_of_the_independent_services() {
    let transaction = Transaction { protocol: Protocol::Ciss, value: 6, starter: Fixed };
    let facility = Message::new(Kind::Facility, Fixed, transaction);
    let facility = facility.with(&Events(vec![Event::voice_messages(3)]));
    assert_eq!(facility.encode(), octets("64 62 7D 03 00 81 83"));
    assert_eq!(receive(&facility.encode(), Fixed), Ok(facility));
}

fn ignored(hex: &str) -> Ignored {
    match receive(&octets(hex), Portable) {
        Err(Fault::Ignored(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_message_of_ours_is_ignored() {
    assert_eq!(ignored(""), Ignored::TooShort);
    assert_eq!(ignored("03"), Ignored::TooShort);
    assert_eq!(ignored("0805"), Ignored::Protocol(8));
    assert_eq!(ignored("0F"), Ignored::Protocol(15));
    assert_eq!(ignored("7305 00"), Ignored::TransactionValue(7));
    assert_eq!(ignored("1554"), Ignored::TransactionValue(1));
    assert_eq!(ignored("8305"), Ignored::Flag(Kind::CcSetup));
    assert_eq!(ignored("8071"), Ignored::Flag(Kind::LcePageResponse));
}

#[test]
fn what_is_not_for_that_side_to_say_is_not_recognised() {
    for (hex, from) in [("0542", Portable), ("0544", Fixed), ("0577", Portable), ("0381", Portable)] {
        let fault = receive(&octets(hex), from).unwrap_err();
        assert!(matches!(fault, Fault::Unrecognised { .. }), "{hex}: {fault:?}");
        assert_eq!(fault.answer(), None);
    }
}

#[test]
fn a_missing_or_bad_mandatory_element_is_answered_as_17_6_says() {
    for (hex, answer) in [
        ("0305 050780A800BA8A782A E080", Some("835A E203")),
        ("1305 050780A800BA8A782A 0605A0A0102AF1 E080", Some("935A E204")),
        ("0305 050780A800BA8A782A 0606F0A0102AF12C E080", Some("835A E204")),
        ("0554", Some("8557 600160")),
        ("0554 0500", Some("8557 600160")),
        ("0554 05028080", Some("8557 600164")),
        ("0544 050780A800", Some("8547 600164")),
        ("0540 0A03011800", Some("8543 600160")),
        ("8540 0A03011800 0C0412345678", Some("0543 600164")),
        ("0548", Some("854B 600160")),
        ("0550", Some("8553 600160")),
        ("0071", Some("8072 0500 600160")),
        ("0320 050780A800BA8A782A", None),
        ("0556", None),
        ("054E", None),
        ("8541", None),
    ] {
        let fault = receive(&octets(hex), Portable).unwrap_err();
        assert_eq!(fault.answer().map(|a| a.encode()), answer.map(octets), "{hex}: {fault}");
    }
}

#[test]
fn bad_unknown_and_repeated_elements_are_set_aside_and_the_rest_is_used() {
    let hex = "0305 050780A800BA8A782A 0606A0A0102AF12C E080 \
               2C0135 2C0136 E440 300112 7D0100 630191 7B0181";
    let message = receive(&octets(hex), Portable).unwrap();
    assert_eq!(message.get(), Some(MultiKeypad::new(*b"5")));
    assert!(message.get::<TerminalCapability>().is_some());
    let set_aside: Vec<_> = message.set_aside().iter().map(|set| (set.tag.0, set.why)).collect();
    assert_eq!(
        set_aside,
        [
            (0x2C, Why::Repeated),
            (0xE4, Why::NotAllowed),
            (0x30, Why::NotAllowed),
            (0x7D, Why::NotAllowed),
            (0x7B, Why::Content(BadContent::TooShort)),
        ]
    );
    assert_eq!(message.missing(), None);
}

#[test]
fn an_announced_list_is_read_up_to_its_limit_and_an_empty_announcement_is_forgotten() {
    let many = format!("0560 D1{}", "77028041".repeat(3));
    assert!(receive(&octets(&many), Portable).is_err());
    let info = format!("037B D1 {} ", "77028041".repeat(20));
    let message = receive(&octets(&info), Portable).unwrap();
    assert_eq!(message.all::<IwuToIwu>().count(), 16);
    assert_eq!(message.set_aside().len(), 4);
    let unlisted = receive(&octets("037B 77028041 77028042"), Portable).unwrap();
    assert_eq!(unlisted.all::<IwuToIwu>().count(), 1);
    let lone = receive(&octets("037B D1 D2 E440 D1"), Portable).unwrap();
    assert_eq!(lone.encode(), octets("037B"));
}

#[test]
fn an_empty_identity_in_a_locate_accept_says_keep_yours() {
    let accept = receive(&octets("8555 0500 07015F"), Fixed).unwrap();
    assert_eq!(accept.get::<PortableIdentity>(), None);
    assert!(accept.has(Tag::PORTABLE_IDENTITY));
    let without = receive(&octets("8555 07015F"), Fixed).unwrap_err();
    assert!(matches!(without, Fault::Mandatory { missing: true, .. }));
}

proptest::proptest! {
    #[test]
    fn no_octets_upset_the_reader_and_what_it_reads_it_reads_again(
        octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
        head in 0usize..CAPTURED.len(),
    ) {
        let start = self::octets(&CAPTURED[head].2[..4]);
        for side in [Fixed, Portable] {
            let whole = [start.as_slice(), &octets].concat();
            for octets in [&octets, &whole] {
                if let Ok(message) = receive(octets, side) {
                    let mut again = receive(&message.encode(), side).unwrap();
                    assert_eq!(again.set_aside(), []);
                    again.set_aside.clone_from(&message.set_aside);
                    assert_eq!(again, message);
                }
            }
        }
    }
}
