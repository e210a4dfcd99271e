use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::authenticate::{Chosen, filetime};
use super::rc4::Rc4;
use super::response::Proof;
use super::*;
use crate::id::Tokens;
use crate::lync::hex::decode;
use crate::timer::Moment;

/// CHALLENGE of an OCS 2007 R2 and the AUTHENTICATE of a Communicator to it; password Pa$$word.
const CHALLENGE: &str = "TlRMTVNTUAACAAAAAAAAADgAAADzgpji3Ruq9OfiGNEAAAAAAAAAAJYAlgA4AAAABQLODgAAAA8CAAoAQwBPAFMATQBPAAEAGABDAE8AUwBNAE8ALQBPAEMAUwAtAFIAMgAEABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAMAMABjAG8AcwBtAG8ALQBvAGMAcwAtAHIAMgAuAGMAbwBzAG0AbwAuAGwAbwBjAGEAbAAFABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAAAAAA=";
const AUTHENTICATE: &str = "TlRMTVNTUAADAAAAGAAYAHIAAADGAMYAigAAAAoACgBIAAAACAAIAFIAAAAYABgAWgAAABAAEABQAQAAVYKYYgUCzg4AAAAPQwBPAFMATQBPAFUAcwBlAHIAQwBPAFMATQBPAC0ATwBDAFMALQBSADIAoeku/k4Hi/fFwASazGFmwtauh1yw/apBjcDIAK527KYG0rn769BHMQEBAAAAAAAAWVGaFye5ygHWrodcsP2qQQAAAAACAAoAQwBPAFMATQBPAAEAGABDAE8AUwBNAE8ALQBPAEMAUwAtAFIAMgAEABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAMAMABjAG8AcwBtAG8ALQBvAGMAcwAtAHIAMgAuAGMAbwBzAG0AbwAuAGwAbwBjAGEAbAAFABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAAAAAAAAAAAMctznhyoCkmFkeiueXEV5A==";
/// CHALLENGE of a Lync 2013 front end, with a timestamp.
const CHALLENGE_2013: &str = "TlRMTVNTUAACAAAAAAAAADgAAADzgpjiyggGf8bkagEAAAAAAAAAAJoAmgA4AAAABgGxHQAAAA8CAAgATABZAE4AQwABAB4ATABZAE4AQwAyADAAMQAzAC0AUwBFAFIAVgBFAFIABAAQAGwAeQBuAGMALgBsAG8AYwADADAATABZAE4AQwAyADAAMQAzAC0AUwBFAFIAVgBFAFIALgBsAHkAbgBjAC4AbABvAGMABQAQAGwAeQBuAGMALgBsAG8AYwAHAAgA3Uju/zZR0gEAAAAA";

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    decode(hex).unwrap().try_into().unwrap()
}

/// What Communicator chose in that run.
fn chosen() -> Chosen<'static> {
    Chosen {
        client_challenge: array("D6AE875CB0FDAA41"),
        exported_key: exported_key(),
        time: array("59519A1727B9CA01"),
        workstation: "COSMO-OCS-R2",
    }
}

fn exported_key() -> [u8; 16] {
    let proof = Authenticate::parse(&bytes(AUTHENTICATE)).unwrap();
    let challenge = Challenge::parse(&bytes(CHALLENGE)).unwrap();
    let base = Proof {
        server_challenge: challenge.server_challenge,
        client_challenge: array("D6AE875CB0FDAA41"),
        time: array("59519A1727B9CA01"),
        target_info: &challenge.target_info,
    }
    .respond(&NtHash::of_password("Pa$$word").v2("User", "COSMO"));
    assert_eq!(base.nt, proof.nt_response.0);
    assert_eq!(base.lm.to_vec(), proof.lm_response);
    Rc4::new(&base.session_base_key).apply(&proof.session_key.0).try_into().unwrap()
}

/// [MS-NLMP] §4.2.4.
#[test]
fn the_vectors_of_the_standard_come_out() {
    let hash = NtHash::of_password("Password");
    assert_eq!(hash.bytes(), array("A4F49C406510BDCAB6824EE7C30FD852"));
    let key = hash.v2("User", "Domain");
    assert_eq!(key, array("0C868A403BFD7A93A3001EF22EF02E3F"));
    let info = decode("02000C0044006F006D00610069006E0001000C0053006500720076006500720000000000").unwrap();
    let made = Proof {
        server_challenge: array("0123456789abcdef"),
        client_challenge: [0xaa; 8],
        time: [0; 8],
        target_info: &info,
    }
    .respond(&key);
    assert_eq!(made.nt[..16], array::<16>("68CD0AB851E51C96AABC927BEBEF6A1C"));
    assert_eq!(made.lm, array("86C35097AC9CEC102554764A57CCCC19AAAAAAAAAAAAAAAA"));
    assert_eq!(made.session_base_key, array("8DE40CCADBC14A82F15CB0AD0DE95CA3"));
    let sealed = Rc4::new(&made.session_base_key).apply(&[0x55; 16]);
    assert_eq!(sealed, decode("C5DAD2544FC9799094CE1CE90BC9D03E").unwrap());
    let keys = MacKeys::new([0x55; 16], Flags::OURS);
    let (sign, seal) = keys.keys_of(End::Client);
    assert_eq!(sign, array("4788DC861B4782F35D43FD98FE1A2D39"));
    assert_eq!(seal, array("59F600973CC4960A25480A7C196E4C58"));
}

/// [MS-NLMP] §4.2.4.4: GSS_WrapEx seals first, and encrypts the checksum further on in the stream.
#[test]
fn the_sealed_example_comes_out_of_cipher_and_hash() {
    let (sign, seal) = MacKeys::new([0x55; 16], Flags::OURS).keys_of(End::Client);
    let text = super::wire::utf16("Plaintext");
    let mut stream = Rc4::new(&seal);
    assert_eq!(stream.apply(&text), decode("54E50165BF1936DC996020C1811B0F06FB5F").unwrap());
    let checksum = response::hmac_md5(&sign, &[&[0; 4], &text]);
    assert_eq!(stream.apply(&checksum[..8]), decode("7FB38EC5C55D4976").unwrap());
    // The checksum itself, which is what stands there when no key was exchanged.
    assert_eq!(checksum[..8], array::<8>("70352851F2564309"));
}

/// [MS-NLMP] §4.2.3.4, and the example of Davenport: no key exchange, so the checksum stays open.
#[test]
fn without_key_exchange_the_checksum_is_not_encrypted() {
    let flags = Flags(Flags::EXTENDED_SESSION_SECURITY.0 | Flags::KEY_56.0);
    let keys = MacKeys::new(array("EB93429A8BD952F8B89C55B87F475EDC"), flags);
    let (sign, seal) = keys.keys_of(End::Client);
    assert_eq!(sign, array("60E799BE5C72FC92922AE8EBE961FB8D"));
    assert_eq!(seal, array("04DD7F014D8504D265A25CC86A3A7C06"));
    let mac = keys.mac(End::Client, &super::wire::utf16("Plaintext"), 0);
    assert_eq!(mac, array("01000000FF2AEB52F681793A00000000"));
    let keys = MacKeys::new(array("0102030405060708090a0b0c0d0e0f00"), flags);
    assert_eq!(keys.keys_of(End::Client).0, array("F7F97A82EC390F9C903DAC4F6ACEB132"));
    assert_eq!(keys.mac(End::Client, b"jCIFS", 0), array("010000000A003602317A759A00000000"));
}

/// A signature of a real OCS 2007, protocol version 2.
#[test]
fn a_plain_signature_verifies_whatever_its_pad() {
    let text = b"<NTLM><0878F41B><1><SIP Communications Service><ocs1.ocs.provo.novell.com>\
        <8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx><3><REGISTER><sip:gabriel@ocs.provo.novell.com>\
        <2947328781><B816D65C2300A32CFA6D371F2AF537FD><900><200>";
    let keys = MacKeys::new(array("5F029153BC025058969548615E7099BA"), Flags(0));
    let mut mac: [u8; 16] = array("0100000000000000BF2E52667DDF6DED");
    assert_eq!(keys.sign(End::Server, text), mac);
    mac[4..8].fill(0x77);
    assert!(keys.verify(End::Server, text, &mac));
    mac[8] ^= 1;
    assert!(!keys.verify(End::Server, text, &mac));
    assert!(!keys.verify(End::Server, text, &mac[..15]));
}

#[test]
fn the_challenge_of_a_real_front_end_is_read_and_written_back() {
    for (base64, ids) in [(CHALLENGE, vec![2, 1, 4, 3, 5]), (CHALLENGE_2013, vec![2, 1, 4, 3, 5, 7])] {
        let wire = bytes(base64);
        let challenge = Challenge::parse(&wire).unwrap();
        assert_eq!((challenge.flags, challenge.target_name.as_str()), (Flags(0xe298_82f3), ""));
        let found: Vec<_> = challenge.av_pairs().unwrap().iter().map(|pair| pair.id).collect();
        assert_eq!(found, ids);
        assert_eq!(challenge.encode(), wire);
    }
    let challenge = Challenge::parse(&bytes(CHALLENGE_2013)).unwrap();
    assert_eq!(challenge.av_text(AvPair::DNS_COMPUTER).unwrap(), "LYNC2013-SERVER.lync.loc");
    assert!(challenge.timestamp().is_some());
}

#[test]
fn the_answer_of_a_real_client_is_made_byte_for_byte() {
    let who = ("COSMO", "User", &NtHash::of_password("Pa$$word"));
    let (made, keys) =
        Authenticate::answer_with(&bytes(CHALLENGE), who, NtlmPolicy::default(), chosen()).unwrap();
    assert_eq!(made, bytes(AUTHENTICATE));
    let request = b"<NTLM><13317733><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local>\
        <4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52>\
        <sip:user@cosmo.local><><><><>";
    assert_eq!(keys.sign(End::Client, request), array("0100000029618e9651b65a7764000000"));
    let answer = b"<NTLM><9616454F><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local>\
        <4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52>\
        <sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664><><><7200><200>";
    assert!(keys.verify(End::Server, answer, &decode("01000000E615438A917661BE64000000").unwrap()));
    assert!(!keys.verify(End::Client, answer, &decode("01000000E615438A917661BE64000000").unwrap()));
}

#[test]
fn what_is_parsed_is_written_back() {
    let message = Authenticate::parse(&bytes(AUTHENTICATE)).unwrap();
    assert_eq!((message.domain.as_str(), message.user.as_str()), ("COSMO", "User"));
    assert_eq!((message.flags, message.mic), (Flags(0x6298_8255), None));
    assert_eq!(message.encode(), bytes(AUTHENTICATE));
}

#[test]
fn a_timestamp_is_used_and_silences_lmv2_and_a_mic_covers_both_messages() {
    let who = ("", "anna", &NtHash::of_password("secret"));
    let challenge = bytes(CHALLENGE_2013);
    let now = Moment::from_micros(1_700_000_000_000_000);
    for mic in [false, true] {
        let policy = NtlmPolicy { mic, ..NtlmPolicy::default() };
        let mut tokens = Tokens::new([7; 32]);
        let (mut wire, _) = Authenticate::answer(&challenge, who, policy, now, &mut tokens).unwrap();
        let message = Authenticate::parse(&wire).unwrap();
        assert_eq!(message.lm_response, [0; 24]);
        let stamp = Challenge::parse(&challenge).unwrap().timestamp().unwrap();
        assert_eq!(message.nt_response.0[24..32], stamp);
        assert_eq!(message.mic.is_some(), mic);
        if let Some(sent) = message.mic {
            let base = response::hmac_md5(&who.2.v2("anna", ""), &[&message.nt_response.0[..16]]);
            let key = Rc4::new(&base).apply(&message.session_key.0);
            wire[72..88].fill(0);
            assert_eq!(response::hmac_md5(&key, &[&challenge, &wire]), sent);
        }
    }
}

#[test]
fn time_counts_from_1601() {
    // 2009-02-13 23:31:30 UTC.
    let filetime = u64::from_le_bytes(filetime(Moment::from_micros(1_234_567_890_000_000)));
    assert_eq!(filetime, 128_790_414_900_000_000);
}

#[test]
fn a_server_without_session_security_is_refused_unless_allowed() {
    let mut challenge = Challenge::parse(&bytes(CHALLENGE)).unwrap();
    challenge.flags = challenge.flags.without(Flags::EXTENDED_SESSION_SECURITY);
    let (wire, who) = (challenge.encode(), ("", "anna", &NtHash::of_password("secret")));
    let answer = |policy| Authenticate::answer_with(&wire, who, policy, chosen());
    let refused = answer(NtlmPolicy::default()).unwrap_err();
    assert!(refused.to_string().contains("EXTENDED_SESSIONSECURITY"), "{refused}");
    let (wire, _) = answer(NtlmPolicy { plain_signatures: true, ..NtlmPolicy::default() }).unwrap();
    assert_eq!(Authenticate::parse(&wire).unwrap().flags, Flags(0x6290_8255));
}

#[test]
fn names_are_raised_character_by_character() {
    let hash = NtHash::of_password("x");
    assert_eq!(hash.v2("strauß", "d"), hash.v2("STRAUß", "d"));
    assert_ne!(hash.v2("strauß", "d"), hash.v2("STRAUSS", "d"));
    assert_ne!(hash.v2("a", "d"), hash.v2("a", "D"), "the domain stays as it is typed");
}

#[test]
fn a_key_never_shows() {
    let shown = format!("{:?}", MacKeys::new([1; 16], Flags::OURS));
    assert_eq!(shown, "MacKeys(<redacted>)");
    let shown = format!("{:?}", Authenticate::parse(&bytes(AUTHENTICATE)).unwrap());
    assert!(shown.contains("session_key: <redacted>"), "{shown}");
}

proptest::proptest! {
    #[test]
    fn damaged_messages_are_refused_or_read_but_never_panic(
        at in 0usize..400, to in proptest::prelude::any::<u8>(), len in 0usize..400,
    ) {
        for base64 in [CHALLENGE, AUTHENTICATE, CHALLENGE_2013] {
            let mut wire = bytes(base64);
            if let Some(byte) = wire.get_mut(at) {
                *byte = to;
            }
            wire.truncate(len);
            let _ = Challenge::parse(&wire).map(|challenge| challenge.av_pairs());
            let _ = Authenticate::parse(&wire).map(|message| message.encode());
        }
    }
}
