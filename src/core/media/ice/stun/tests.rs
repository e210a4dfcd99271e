//! Vectors of RFC 5769 and of messages exchanged with libnice.

use proptest::prelude::*;

use super::attribute as attr;
use super::*;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

// RFC 5769 §2.1
const REQUEST: &str = "00010058 2112a442 b7e7a701bc34d686fa87dfae
    80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36
    00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf";
// RFC 5769 §2.2
const RESPONSE_4: &str = "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
    00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96";
// RFC 5769 §2.3
const RESPONSE_6: &str = "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
    00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c";
// RFC 5769 §2.4
const LONG_TERM: &str = "00010060 2112a442 78ad3433c6ad72c029da412e
    00060012 e3839ee38388e383aae38383e382afe382b90000 0015001c 662f2f3439396b39353464364f4c33346f4c3946535476793634734
    1 0014000b 6578616d706c652e6f726700 00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";

#[test]
fn the_sample_request_of_rfc_5769_is_read_and_believed() {
    let bytes = hex(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, attr::BINDING));
    assert_eq!(message.get(attr::SOFTWARE), Some(&b"STUN test client"[..]));
    assert_eq!(message.number(attr::PRIORITY), Some(0x6E00_01FF));
    assert_eq!(message.long(attr::ICE_CONTROLLED), Some(0x932F_F9B1_5126_3B36));
    assert_eq!(message.username(), Some(&b"evtj:h6vY"[..]));
    assert_eq!(message.integrity(PASSWORD, IntegrityRule::Rfc5389), Integrity::Right);
    assert_eq!(message.integrity(b"other", IntegrityRule::Rfc5389), Integrity::Wrong);
    assert_eq!(message.dialect(PASSWORD), Some(Dialect::Rfc5389));
    assert_eq!(message.fingerprint(), Fingerprint::Right);
}

#[test]
fn the_sample_responses_of_rfc_5769_give_their_addresses() {
    for (text, address) in
        [(RESPONSE_4, "192.0.2.1:32853"), (RESPONSE_6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let bytes = hex(text);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.xor_address(attr::XOR_MAPPED_ADDRESS), Some(address.parse().unwrap()));
        assert_eq!(message.integrity(PASSWORD, IntegrityRule::Rfc5389), Integrity::Right);
        assert_eq!(message.fingerprint(), Fingerprint::Right);
    }
}

#[test]
fn long_term_credentials_of_rfc_5769_verify() {
    let bytes = hex(LONG_TERM);
    let message = Message::parse(&bytes).unwrap();
    let key = long_term_key("マトリックス".as_bytes(), b"example.org", b"TheMatrIX");
    assert_eq!(message.integrity(&key, IntegrityRule::Rfc5389), Integrity::Right);
    assert_eq!(message.fingerprint(), Fingerprint::Missing);
}

#[test]
fn the_builder_writes_the_sample_response_of_rfc_5769_byte_by_byte() {
    let bytes = hex(RESPONSE_4);
    let transaction = Message::parse(&bytes).unwrap().transaction();
    let built = Builder::new(Class::Success, attr::BINDING, &transaction, Dialect::Rfc5389)
        .octets(attr::SOFTWARE, b"test vector")
        .xor_address(attr::XOR_MAPPED_ADDRESS, "192.0.2.1:32853".parse().unwrap());
    // The RFC fills with a blank where we fill with zero, so only what stands before can be the same.
    let ours = built.finish(Some(PASSWORD));
    assert_eq!(ours.len(), bytes.len());
    assert_eq!(ours[..35], bytes[..35]);
    assert_eq!(ours[36..48], bytes[36..48]);
    assert_eq!(Message::parse(&ours).unwrap().dialect(PASSWORD), Some(Dialect::Rfc5389));
}

/// Name, password, message. Exchanged with libnice in its OC2007R2 mode.
const MS_ICE2: [(&str, &str, &str); 4] = [
    (
        "request",
        "OjyZ/pr8oLuDPWcmj9gDMEav",
        "000100542112a442425c32e31964644fd5103c91002400046effffff802a00080123456789abcdef0006000c3073664f3a4d2b3778000000805400043100000080700004000000020008001\
        4fab3030f5fd122edeafae684651603a13e9412df8028000416e0f8c4",
    ),
    (
        "response",
        "OjyZ/pr8oLuDPWcmj9gDMEav",
        "010100442112a442425c32e31964644fd5103c91002000080001e242e112a6430006000c3073664f3a4d2b377800000080700004000000020008001\
        42b4acabbfaafcff82d7b6f60f677d2f68706e8da80280004b8c05838",
    ),
    (
        "request that nominates",
        "OjyZ/pr8oLuDPWcmj9gDMEav",
        "000100582112a442a6bcd5b320a43c36b49c031a00250000002400046effffff802a00080123456789abcdef0006000c3073664f3a4d2b377800000080540004310000008070000400000002\
        000800147cfbbcd0c3e9993d4ecb0f1494146fdcebbb6c5f80280004148e7797",
    ),
    (
        "request of the second component",
        "6Reg6MCWqobA/CK+Shh445",
        "000100542112a442562bb33cb6f761f00c1e049f002400046efffffe8029000844339909ff3db14c0006000c71556e613a325078560000008054000431000000807000040000000200080014\
        771f70b619459ebae217cbc17f5d5a2897f052518028000449c63a81",
    ),
];

const OLD_FINGERPRINT: &str = "000100582112a442d69bf9befd4fd0ec6f06716f00250000002400046ef000ff802a0008ca308833583469390006000c325078563a71556e61000000805400043100000080700004000000020008\
    00148de1303133b38df040e6b56374d199946cf66c8b80280004df892812";
const INDICATION: &str = "001100082112a44216481146b277ae49302948f080280004c2e12517";

#[test]
fn messages_of_libnice_verify_in_the_microsoft_dialect() {
    for (name, password, text) in MS_ICE2 {
        let bytes = hex(text);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.dialect(password.as_bytes()), Some(Dialect::MsIce2), "{name}");
        assert_eq!(message.fingerprint(), Fingerprint::Right, "{name}");
        assert_eq!(message.number(attr::IMPLEMENTATION_VERSION), Some(2), "{name}");
        let known = [attr::USERNAME, attr::MESSAGE_INTEGRITY, attr::XOR_MAPPED_ADDRESS, attr::USE_CANDIDATE];
        let unknown = if message.class() == Class::Request { vec![attr::PRIORITY] } else { vec![] };
        assert_eq!(message.unknown(&known), unknown, "{name}");
    }
}

#[test]
fn messages_of_libnice_are_written_byte_by_byte() {
    let (_, password, text) = MS_ICE2[2];
    let bytes = hex(text);
    let built = Builder::new(
        Class::Request,
        attr::BINDING,
        &Message::parse(&bytes).unwrap().transaction(),
        Dialect::MsIce2,
    )
    .octets(attr::USE_CANDIDATE, &[])
    .number(attr::PRIORITY, 0x6EFF_FFFF)
    .long(attr::ICE_CONTROLLING, 0x0123_4567_89AB_CDEF)
    .text(attr::USERNAME, b"0sfO:M+7x")
    .text(attr::CANDIDATE_IDENTIFIER, b"1")
    .number(attr::IMPLEMENTATION_VERSION, 2);
    assert_eq!(built.finish(Some(password.as_bytes())), bytes);
    let indication = hex(INDICATION);
    let id = Message::parse(&indication).unwrap().transaction();
    assert_eq!(Builder::new(Class::Indication, attr::BINDING, &id, Dialect::MsIce2).finish(None), indication);
}

#[test]
fn the_fingerprint_of_old_stacks_is_told_from_a_wrong_one() {
    let bytes = hex(OLD_FINGERPRINT);
    assert_eq!(Message::parse(&bytes).unwrap().fingerprint(), Fingerprint::Old);
    let mut right = bytes.clone();
    let end = right.len();
    right[end - 4..].copy_from_slice(&[0; 4]);
    assert_eq!(Message::parse(&right).unwrap().fingerprint(), Fingerprint::Wrong);
    assert_eq!(with_old_fingerprint(&right), Some(bytes));
    assert_eq!(with_old_fingerprint(&hex(LONG_TERM)), None);
}

#[test]
fn an_error_is_read_as_it_was_written() {
    for dialect in [Dialect::Rfc5389, Dialect::MsIce2, Dialect::Rfc3489] {
        let bytes = Builder::new(Class::Error, attr::BINDING, &[7; 16], dialect)
            .error(487, "Role Conflict")
            .finish(Some(b"key"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.class(), message.error_code()), (Class::Error, Some(487)));
        assert_eq!(message.integrity(b"key", dialect.rule()), Integrity::Right);
    }
}

#[test]
fn what_is_cut_short_or_lies_about_its_length_is_a_fault() {
    let whole = hex(REQUEST);
    for end in 0..whole.len() {
        assert!(Message::parse(&whole[..end]).is_err(), "{end}");
    }
    let overrun = [&[0, 1, 0, 4][..], &[0; 16], &[0, 6, 0, 1]].concat();
    assert_eq!(Message::parse(&overrun).unwrap_err(), StunFault::Overrun(6));
    let many = [&[0, 1, 0, 196][..], &[0; 16], &[0x80, 1, 0, 0].repeat(49)].concat();
    assert_eq!(Message::parse(&many).unwrap_err(), StunFault::TooMany);
    assert_eq!(Message::parse(&[0x80; 20]).unwrap_err(), StunFault::NoHeader);
    assert!(!is_stun(&[0x80; 20]) && is_stun(&whole));
}

#[test]
fn attributes_behind_the_integrity_are_not_believed() {
    let mut bytes =
        Builder::new(Class::Request, attr::BINDING, &[1; 16], Dialect::Rfc3489).finish(Some(b"key"));
    bytes.extend_from_slice(&[0, 0x25, 0, 0]);
    bytes[3] += 4;
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.get(attr::USE_CANDIDATE), None);
    assert_eq!(message.integrity(b"key", IntegrityRule::Rfc3489), Integrity::Right);
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), honest in any::<bool>()) {
        if honest && bytes.len() >= HEADER {
            bytes[0] &= 0x3F;
            let length = (bytes.len() - HEADER) as u16;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
        }
        for alignment in [Alignment::Four, Alignment::None] {
            if let Ok(message) = Message::parse_aligned(&bytes, alignment) {
                let _ = (message.class(), message.method(), message.fingerprint(), message.dialect(b"key"));
                let _ = (message.username(), message.error_code(), message.unknown(&[]));
                for kind in 0..0x30 {
                    let _ = (message.address(kind), message.xor_address(kind), message.long(kind));
                }
            }
        }
        let _ = with_old_fingerprint(&bytes);
    }

    #[test]
    fn a_changed_octet_is_noticed(at in 0usize..116, bit in 0u8..8) {
        let mut bytes = hex(MS_ICE2[0].2);
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert_ne!(message.fingerprint(), Fingerprint::Right);
        }
    }
}
