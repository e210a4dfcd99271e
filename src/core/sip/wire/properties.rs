//! What holds for any bytes at all, and for what Lync front ends really send.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Frame, Framer, HeaderName, Message, NameAddr, Text, Uri, Via};
use crate::sip::door::{DoorRules, response_destination, verdict, via_stamp};
use crate::sip::{Facing, Peer, Transport};

/// A front end's redirect after sign-in: folded lines, a value that begins on the continuation line,
/// quoted blanks, a Contact without brackets ([MS-SIP] §4.1 has the like).
const REDIRECT: &str = "SIP/2.0 301 Redirect request to Home Server\r\n\
    Authentication-Info: Kerberos\r\n rspauth=\"602306092A\", srand=\"8C489988\",\r\n\tsnum=1, realm=\"SIP Service\"\r\n\
    Via: SIP/2.0/TLS 192.0.2.7:1677;branch=z9hG4bKA1.B2;branched=FALSE;ms-received-port=1677;ms-received-cid=13000\r\n\
    From: \"Ward 3\"<sip:ward3@example.com>;tag=dd35c0b2;epid=62ccbeb808\r\n\
    To: <sip:ward3@example.com>;tag=9c4ef275\r\n\
    Call-ID: 91c6c88de3c04d5180d9a2e1434a18dd\r\n\
    CSeq: 2 REGISTER\r\n\
    Contact: sip:home.example.com:5061;transport=\"tls\";q=0.7\r\n\
    Expires: 2592000\r\n\
    Content-Length: 0\r\n\r\n";

/// A call from a client, as the front end hands it on: signed Record-Route, GRUU with colons in a
/// parameter, instance with quotes, names of its own.
const CALL: &str = "INVITE sip:192.0.2.7:51233;transport=tls;ms-opaque=a1b2;ms-received-cid=13000 SIP/2.0\r\n\
    Record-Route: <sip:fe.example.com:5061;transport=tls;opaque=state:T:F;lr;ms-route-sig=dzAb0_-~x=>;tag=F1\r\n\
    Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK5086.D409A;branched=TRUE;ms-internal-info=\"ck,a;b\"\r\n\
    Authentication-Info: TLS-DSK qop=\"auth\", opaque=\"B2\", srand=\"01\", snum=\"13\", rspauth=\"602306\"\r\n\
    Max-Forwards: 69\r\n\
    From: \"Nurse, Night\"<sip:night@example.com>;tag=c1;epid=aa11\r\n\
    To: \"\" <sip:ward3@example.com>;epid=62ccbeb808\r\n\
    CALL-ID: f00dcafe\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:night@example.com;opaque=user:epid:Xy-Z_1AA;gruu>;+sip.instance=\"<urn:uuid:1;2>\"\r\n\
    User-Agent: UCCAPI/15.0.4420.1017 OC/15.0.4420.1017 (client)\r\n\
    Ms-Conversation-ID: Ac==\r\n\
    Supported: timer\r\nSupported: ms-early-media\r\nk: gruu-10\r\n\
    Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

/// Every header value that stands on one line, as it stands there.
fn raw_values(text: &str) -> Vec<(&str, &str)> {
    let head = text.split("\r\n\r\n").next().unwrap();
    let lines = head.split("\r\n").skip(1).filter(|line| !line.starts_with([' ', '\t']));
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect()
}

fn value_of<'a>(message: &'a Message, name: &str) -> Vec<&'a str> {
    let name = HeaderName::from_text(name.into());
    message.headers.iter().filter(|h| h.name == name).map(|h| h.value.as_str()).collect()
}

#[test]
fn what_front_ends_send_passes_and_every_value_is_kept_to_the_byte() {
    for sample in [REDIRECT, CALL] {
        let message = Message::parse_datagram(Bytes::from(sample)).unwrap();
        let written = Message::parse_datagram(message.encode()).unwrap();
        for (name, value) in raw_values(sample).into_iter().filter(|(_, value)| !value.contains("Kerberos")) {
            assert!(value_of(&message, name).contains(&value), "{name}: {value}");
            assert!(value_of(&written, name).contains(&value), "{name}: {value} after writing");
        }
        assert_eq!(verdict(&Ok(message), &rules(), &peer()), crate::sip::door::Verdict::Pass);
    }
}

#[test]
fn folds_of_a_front_end_read_as_one_space() {
    let redirect = Message::parse_datagram(Bytes::from(REDIRECT)).unwrap();
    assert_eq!(
        redirect.header(&HeaderName::AuthenticationInfo).unwrap(),
        r#"Kerberos rspauth="602306092A", srand="8C489988", snum=1, realm="SIP Service""#
    );
    assert_eq!(redirect.contacts()[0].uri.host.as_ref().unwrap().to_string(), "home.example.com");
}

fn rules() -> DoorRules {
    DoorRules::new([1; 32])
}

fn peer() -> Peer {
    Peer {
        transport: Transport::Tls,
        remote: "192.0.2.1:5061".parse().unwrap(),
        local: "192.0.2.7:5061".parse().unwrap(),
        facing: Facing::North,
        connection: None,
        tls_names: Vec::new(),
    }
}

/// Calls everything that reads what a stranger sent.
fn handle_all(bytes: Bytes) {
    let parsed = Message::parse_datagram(bytes.clone());
    let _ = verdict(&parsed, &rules(), &peer());
    if let Ok(message) = &parsed {
        let _ = (message.method(), message.request_uri(), message.cseq(), message.top_via());
        let _ = (message.from_tag(), message.to_tag(), message.contacts(), message.typed_body());
        let _ = message.request_uri().map(|uri| (uri.aor(), uri.user_text()));
        let mut stamped = message.clone();
        via_stamp(&mut stamped, &peer());
        let _ = response_destination(&stamped, &peer());
        let written = message.encode();
        let again = Message::parse_datagram(written.clone()).expect("what we write, we read");
        assert_eq!(again.encode(), written, "writing is stable");
        assert_eq!(again.body, message.body);
    }
    let (mut framer, mut buffer) = (Framer::new(), BytesMut::from(&bytes[..]));
    while let Ok(Some(frame)) = framer.push(&mut buffer) {
        if let Frame::Sip(parsed) = frame {
            let _ = verdict(&parsed, &rules(), &peer());
        }
    }
    let _ = framer.finish(&mut buffer);
}

/// Text made of the pieces that grammars trip over.
fn tricky() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "sip:",
        "sips:",
        "tel:",
        "a",
        "b.c",
        "@",
        ":",
        ";",
        "=",
        ",",
        "?",
        "&",
        "<",
        ">",
        "\"",
        "\\",
        " ",
        "\t",
        "%",
        "%41",
        "%0",
        "[",
        "]",
        "[::1]",
        "1.2.3.4",
        "5060",
        "99999",
        "tag",
        "branch=z9hG4bK",
        "SIP/2.0/UDP ",
        "/",
        "\u{e9}",
        "\u{1f600}",
        "\r\n ",
        "\r",
        "\n",
        "\0",
        "*",
        "rport",
        "received=",
    ]);
    vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn names() -> impl Strategy<Value = &'static str> {
    select(vec![
        "Via",
        "v",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Contact",
        "Route",
        "Record-Route",
        "Require",
        "Accept",
        "Max-Forwards",
        "Content-Length",
        "Content-Type",
        "Content-Disposition",
        "X-Other",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..600)) {
        handle_all(Bytes::from(bytes));
    }

    #[test]
    fn no_spoilt_message_panics(
        sample in select(vec![REDIRECT, CALL]),
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut bytes = sample.as_bytes().to_vec();
        changes.iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = *byte);
        handle_all(Bytes::from(bytes.clone()));
        bytes.truncate(cut.index(bytes.len()));
        handle_all(Bytes::from(bytes));
    }

    #[test]
    fn no_tricky_header_panics(lines in vec((names(), tricky()), 0..8)) {
        let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n";
        handle_all(Bytes::from(format!("{head}{lines}\r\n")));
    }

    #[test]
    fn no_tricky_value_panics(text in tricky()) {
        let text = Text::from(text);
        let _ = (Uri::parse(&text), NameAddr::parse(&text), Via::parse(&text));
        let _ = NameAddr::parse(&text).map(|address| (address.tag(), address.uri.aor()));
        let _ = Via::parse(&text).map(|via| (via.branch(), via.received(), via.rport(), via.sent_by()));
    }

    #[test]
    fn frames_do_not_depend_on_how_the_stream_is_cut(
        sizes in vec(1..200usize, 1..40),
        samples in vec(select(vec![CALL, "\r\n\r\n", REDIRECT]), 1..4),
    ) {
        let stream = samples.concat();
        let (mut framer, mut buffer, mut read, mut at) = (Framer::new(), BytesMut::new(), 0, 0);
        for size in sizes.iter().cycle() {
            let end = (at + size).min(stream.len());
            buffer.extend_from_slice(&stream.as_bytes()[at..end]);
            at = end;
            while let Some(frame) = framer.push(&mut buffer).expect("the samples are sound") {
                prop_assert!(matches!(frame, Frame::Ping | Frame::Sip(Ok(_))));
                read += 1;
            }
            if at == stream.len() {
                break;
            }
        }
        prop_assert_eq!(read, samples.len());
    }
}
