use bytes::Bytes;

use super::*;
use crate::lync::hex::decode;
use crate::lync::ntlm::{End, Flags, MacKeys};
use crate::sip::wire::Method;

fn message(lines: &[&str]) -> Message {
    let text = format!("{}\r\n\r\n", lines.join("\r\n"));
    Message::parse_datagram(Bytes::from(text)).unwrap()
}

fn server_text(version: Version, message: &Message) -> String {
    ServerSignature::all_of(message)[0].text(version, message).unwrap()
}

/// A 180 of an OCS 2007 R2, as its client computed the text (version 4).
#[test]
fn a_response_with_an_asserted_identity_has_sixteen_fields() {
    let ringing = message(&[
        "SIP/2.0 180 Ringing",
        "Authentication-Info: NTLM rspauth=\"010000003EA8D688BA51D5CD64000000\", srand=\"1B6D47A1\", \
         snum=\"11\", opaque=\"357E6F72\", qop=\"auth\", targetname=\"FE03.COMPANY.COM\", \
         realm=\"SIP Communications Service\"",
        "Via: SIP/2.0/tls 192.168.44.10:50230;received=10.117.245.254;ms-received-port=50230",
        "FROM: \"Sender\"<sip:sender@company.com>;tag=2420628112;epid=54392f1bbf01",
        "TO: \"recipient\"<sip:recipient@company.com>;tag=7aee15546a;epid=3102EB8BD1",
        "CSEQ: 1 INVITE",
        "CALL-ID: 41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x",
        "P-ASSERTED-IDENTITY: \"recipient\"<SIP:recipient@company.com>",
        "CONTENT-LENGTH: 0",
    ]);
    assert_eq!(
        server_text(Version::V4, &ringing),
        "<NTLM><1B6D47A1><11><SIP Communications Service><FE03.COMPANY.COM>\
         <41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x><1><INVITE><sip:sender@company.com><2420628112>\
         <sip:recipient@company.com><7aee15546a><SIP:recipient@company.com><><><180>"
    );
}

#[test]
fn addresses_without_brackets_give_the_same_fields() {
    let ringing = message(&[
        "SIP/2.0 180 Ringing",
        "Authentication-Info: NTLM srand=\"1B6D47A1\", snum=\"11\", targetname=\"bar\", realm=\"foo\"",
        "From: sip:sender@company.com;tag=2420628112;epid=54392f1bbf01",
        "To: sip:recipient@company.com;tag=7aee15546a;epid=3102EB8BD1",
        "CSeq: 1 INVITE",
        "Call-ID: x",
        "P-Asserted-Identity: <SIP:recipient@company.com>, <tel:+15550100>",
        "Content-Length: 0",
    ]);
    assert_eq!(
        server_text(Version::V3, &ringing),
        "<NTLM><1B6D47A1><11><foo><bar><x><1><INVITE><sip:sender@company.com><2420628112>\
         <sip:recipient@company.com><7aee15546a><SIP:recipient@company.com><tel:+15550100><><180>"
    );
}

/// A 200 of a real OCS 2007: no URI of To, no identities, signed with the older MAC.
#[test]
fn version_two_signs_fewer_fields_and_verifies() {
    let ok = message(&[
        "SIP/2.0 200 OK",
        "Authentication-Info: NTLM rspauth=\"0100000000000000BF2E52667DDF6DED\", srand=\"0878F41B\", snum=\"1\", \
         opaque=\"4452DFB0\", qop=\"auth\", targetname=\"ocs1.ocs.provo.novell.com\", \
         realm=\"SIP Communications Service\"",
        "From: \"Gabriel Burt\"<sip:gabriel@ocs.provo.novell.com>;tag=2947328781;epid=1234567890",
        "To: <sip:gabriel@ocs.provo.novell.com>;tag=B816D65C2300A32CFA6D371F2AF537FD",
        "Call-ID: 8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx",
        "CSeq: 3 REGISTER",
        "Contact: <sip:164.99.195.20:10409;transport=tls;ms-received-cid=1E00>;expires=900",
        "Expires: 900",
        "Content-Length: 0",
    ]);
    let text = server_text(Version::V2, &ok);
    let keys =
        MacKeys::new(decode("5F029153BC025058969548615E7099BA").unwrap().try_into().unwrap(), Flags(0));
    let signature = &ServerSignature::all_of(&ok)[0];
    assert!(keys.verify(End::Server, text.as_bytes(), &decode(signature.get("rspauth")).unwrap()));
}

#[test]
fn a_request_has_no_status_and_what_it_lacks_stays_empty() {
    let mut ack = Message::request(Method::Ack, "sip:bob@contoso.com");
    ack.headers.push(HeaderName::From, "<sip:alice@contoso.com;x=1>;epid=1");
    ack.headers.push(HeaderName::To, "<sip:bob@contoso.com>;tag=t");
    ack.headers.push(HeaderName::CallId, "c");
    ack.headers.push(HeaderName::CSeq, "1 ACK");
    ack.headers.push(HeaderName::PPreferredIdentity, "<sip:alice@contoso.com>, <tel:+1;ext=2>");
    let stamp = Stamp { scheme: "NTLM", rand: "a", num: "2", realm: "r", target_name: "t" };
    assert_eq!(
        text(Version::V4, stamp, &ack).unwrap(),
        "<NTLM><a><2><r><t><c><1><ACK><sip:alice@contoso.com;x=1><><sip:bob@contoso.com><t>\
         <sip:alice@contoso.com><tel:+1;ext=2><>"
    );
    ack.headers.push(HeaderName::PAssertedIdentity, "<tel:+3>");
    assert!(text(Version::V4, stamp, &ack).unwrap().ends_with("<><tel:+3><>"));
    ack.headers.remove(&HeaderName::From);
    assert_eq!(text(Version::V4, stamp, &ack), Err(Unsignable { header: "From" }));
}

#[test]
fn the_offered_version_is_read_and_capped() {
    let offered = |text: &str| Version::offered(&AuthParams::parse(text).unwrap());
    assert_eq!(offered("NTLM realm=\"x\", version=4"), Version::V4);
    assert_eq!(offered("NTLM version=\"3\""), Version::V3);
    assert_eq!(offered("NTLM version=9"), Version::V4);
    assert_eq!(offered("NTLM realm=\"x\""), Version::V2);
    assert_eq!(offered("NTLM version=x"), Version::V2);
}

#[test]
fn a_value_cannot_break_out_of_its_quotes() {
    let value =
        CredentialsValue::new("NTLM").quoted("opaque", "a\", x=\"b\r\n").version(Version::V4).finish();
    assert_eq!(value, "NTLM qop=\"auth\", opaque=\"a, x=b\", version=4");
}

#[test]
fn the_window_takes_each_number_once_and_none_too_old() {
    let mut window = Window::default();
    assert!(!window.is_new(0));
    for number in [1, 3, 2, 300] {
        assert!(window.is_new(number), "{number}");
        window.note(number);
        assert!(!window.is_new(number), "{number}");
    }
    assert!(window.is_new(45) && window.is_new(299) && !window.is_new(44));
    window.note(u32::MAX);
    assert!(!window.is_new(300) && window.is_new(u32::MAX - 255) && !window.is_new(u32::MAX - 256));
}

proptest::proptest! {
    #[test]
    fn the_window_agrees_with_a_plain_set(numbers in proptest::collection::vec(1u32..900, 0..200)) {
        let (mut window, mut seen) = (Window::default(), std::collections::BTreeSet::new());
        for number in numbers {
            let highest = seen.last().copied().unwrap_or(0u32);
            let fresh = !seen.contains(&number) && number + Window::SIZE > highest;
            proptest::prop_assert_eq!(window.is_new(number), fresh);
            if fresh {
                window.note(number);
                seen.insert(number);
            }
        }
    }
}
