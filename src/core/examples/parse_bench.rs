//! Nanoseconds to parse, judge and write a usual INVITE, beside rsip's parser in the same run.
//!
//! `cargo run --release -p kirkwall-core --example parse_bench`
//!
//! Figures are the best of several rounds: what the machine can do when nothing else disturbs it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads the clock; the core it measures does not"
)]
#![allow(clippy::unwrap_used, reason = "the sample is known to be sound")]

use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use kirkwall_core::sip::door::{DoorRules, verdict};
use kirkwall_core::sip::wire::{Framer, HeaderName, Message, Text};
use kirkwall_core::sip::{Facing, Peer, Transport};

const ROUNDS: usize = 20;
const TURNS: u32 = 20_000;

fn main() {
    let invite = Bytes::from(invite());
    let message = Message::parse_datagram(invite.clone()).unwrap();
    let from_rsip = rsip::SipMessage::try_from(&invite[..]).unwrap();
    println!(
        "INVITE of {} bytes, {} headers; nanoseconds, best of {ROUNDS}",
        invite.len(),
        message.headers.len()
    );

    report("parse, kirkwall", || Message::parse_datagram(black_box(invite.clone())).unwrap());
    report("parse, rsip", || rsip::SipMessage::try_from(black_box(&invite[..])).unwrap());
    report("parse and read Via, From, To, CSeq, Contact", || {
        let message = Message::parse_datagram(black_box(invite.clone())).unwrap();
        (message.top_via(), message.from(), message.to(), message.cseq(), message.contacts())
    });
    let (door, peer) = (DoorRules::new([1; 32]), peer());
    report("parse and verdict", || {
        verdict(&Message::parse_datagram(black_box(invite.clone())), &door, &peer)
    });
    report("frame from a stream, parse", || {
        Framer::new().push(&mut BytesMut::from(&black_box(&invite)[..])).unwrap()
    });
    report("encode, kirkwall", || black_box(&message).encode());
    report("encode, rsip", || black_box(&from_rsip).to_string());
    report("answer 180 and encode", || Message::response(&message, 180, "Ringing", Some("t")).encode());
    report("one header name", || HeaderName::from_text(black_box(Text::from_static("Content-Type"))));
}

fn report<T>(what: &str, mut work: impl FnMut() -> T) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..TURNS {
                black_box(work());
            }
            start.elapsed() / TURNS
        })
        .min();
    println!("{:>8}  {what}", best.map_or(0, |time| time.as_nanos()));
}

fn invite() -> String {
    let body = "v=0\r\no=ward3 3724394400 3724394405 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
        m=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";
    format!(
        "INVITE sip:nurse@pbx.example.com;transport=tls SIP/2.0\r\n\
         Via: SIP/2.0/TLS 192.0.2.10:5061;branch=z9hG4bK74bf92kqa;rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Ward 3\" <sip:ward3@pbx.example.com>;tag=9fxced76sl\r\n\
         To: <sip:nurse@pbx.example.com>\r\n\
         Call-ID: 3848276298220188511@192.0.2.10\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:ward3@192.0.2.10:5061;transport=tls>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, REFER\r\n\
         Supported: replaces, timer, 100rel\r\n\
         Session-Expires: 1800\r\n\
         Allow-Events: message-summary, refer, dialog, presence\r\n\
         P-Preferred-Identity: \"Ward 3\" <sip:ward3@pbx.example.com>\r\n\
         User-Agent: Handset 1.0\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn peer() -> Peer {
    Peer {
        transport: Transport::Tls,
        remote: "192.0.2.10:5061".parse().unwrap(),
        local: "192.0.2.1:5061".parse().unwrap(),
        facing: Facing::South,
        connection: None,
        tls_names: Vec::new(),
    }
}
