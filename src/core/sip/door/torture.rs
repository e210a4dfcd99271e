//! RFC 4475: every message gets the verdict that `tests/torture/verdicts.txt` states.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};

use super::{DoorRules, Verdict, verdict};
use crate::sip::wire::{Frame, FrameFault, Framer, HeaderName, Message, NameAddr, ParseFault};
use crate::sip::{Peer, Transport};

struct Row {
    name: String,
    datagram: String,
    stream: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/torture")
}

fn rows() -> Vec<Row> {
    let table = std::fs::read_to_string(folder().join("verdicts.txt")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let fields: Vec<_> = line.split('|').map(|field| field.trim().to_owned()).collect();
        let [name, datagram, stream, section, why] = &fields[..] else { panic!("five fields: {line}") };
        assert!(section.starts_with('3') && why.ends_with('.'), "{line}");
        Row { name: name.clone(), datagram: datagram.clone(), stream: stream.clone() }
    })
    .collect()
}

fn bytes(name: &str) -> Bytes {
    Bytes::from(std::fs::read(folder().join(format!("{name}.dat"))).unwrap())
}

fn message(name: &str) -> Message {
    Message::parse_datagram(bytes(name)).unwrap()
}

fn door() -> DoorRules {
    DoorRules::new([7; 32])
}

fn judged(parsed: &Result<Message, ParseFault>, transport: Transport) -> Verdict {
    verdict(parsed, &door(), &Peer { transport, ..super::tests::peer() })
}

fn in_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Pass => "accept".into(),
        Verdict::Reply(response) => response.status().unwrap().to_string(),
        Verdict::Drop(_) => "silence".into(),
    }
}

/// The first frame when the bytes arrive `step` at a time.
fn first_frame(bytes: &[u8], step: usize) -> Result<Option<Frame>, FrameFault> {
    let (mut framer, mut buffer) = (Framer::new(), BytesMut::new());
    for part in bytes.chunks(step) {
        buffer.extend_from_slice(part);
        match framer.push(&mut buffer) {
            Ok(None) => {}
            done => return done,
        }
    }
    Ok(None)
}

fn over_a_stream(bytes: &[u8], step: usize) -> String {
    match first_frame(bytes, step) {
        Ok(None) => "silence".into(),
        Ok(Some(Frame::Sip(parsed))) => in_words(&judged(&parsed, Transport::Tcp)),
        Ok(Some(frame)) => panic!("no keep-alive was sent: {frame:?}"),
        Err(fault) => format!("{}+close", in_words(&judged(&Err(fault.fault), Transport::Tcp))),
    }
}

#[test]
fn every_message_has_a_row_and_every_row_a_message() {
    let in_table: BTreeSet<_> = rows().into_iter().map(|row| row.name).collect();
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let in_folder: BTreeSet<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "dat"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!((in_table.len(), &in_table), (49, &in_folder));
}

#[test]
fn each_datagram_gets_its_verdict() {
    let wrong: Vec<_> = rows()
        .into_iter()
        .map(|row| {
            let got = in_words(&judged(&Message::parse_datagram(bytes(&row.name)), Transport::Udp));
            (row.name, row.datagram, got)
        })
        .filter(|(_, expected, got)| expected != got)
        .collect();
    assert!(wrong.is_empty(), "name, expected, got: {wrong:?}");
}

#[test]
fn each_stream_gets_its_verdict_however_it_is_cut() {
    for row in rows() {
        for step in [1, 7, 1000, 10_000] {
            assert_eq!(over_a_stream(&bytes(&row.name), step), row.stream, "{} by {step}", row.name);
        }
    }
}

#[test]
fn each_answer_reads_back_and_is_the_same_for_a_retransmission() {
    for row in rows() {
        let parsed = Message::parse_datagram(bytes(&row.name));
        let Verdict::Reply(response) = judged(&parsed, Transport::Udp) else { continue };
        assert_eq!(judged(&parsed, Transport::Udp), Verdict::Reply(response.clone()), "{}", row.name);
        let again = Message::parse_datagram(response.encode()).unwrap();
        assert_eq!(again.status(), response.status(), "{}", row.name);
        let has_to = again.header(&HeaderName::To).is_some_and(|to| to.contains(";tag="));
        assert!(has_to || row.name == "insuf", "{}", row.name);
    }
}

#[test]
fn what_is_accepted_is_stable_when_written_and_read() {
    for row in rows().iter().filter(|row| row.datagram == "accept") {
        let first = message(&row.name);
        let second = Message::parse_datagram(first.encode()).unwrap();
        assert_eq!((second.encode(), &second.body), (first.encode(), &first.body), "{}", row.name);
    }
}

#[test]
fn the_tortuous_invite_is_understood_in_full() {
    let invite = message("wsinv");
    assert_eq!(invite.to_tag().unwrap(), "1918181833n");
    assert_eq!(invite.from().unwrap().display.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(invite.cseq().unwrap().number, 9);
    let vias = invite.headers.list(&HeaderName::Via);
    let vias: Vec<_> = vias.iter().map(|via| crate::sip::wire::Via::parse(via).unwrap()).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(vias[0].branch().unwrap(), "390skdjuw");
    assert_eq!((vias[1].transport.as_str(), vias[1].sent_by().as_str()), ("TCP", "spindle.example.com"));
    assert_eq!(vias[1].branch().unwrap(), "z9hG4bK9ikj8");
    assert_eq!(vias[2].branch().unwrap(), "z9hG4bK30239");
    let contact = &invite.contacts()[0];
    assert_eq!(contact.params.get("q").unwrap(), "0.33");
    assert_eq!(contact.params.get("newparam").unwrap(), "newvalue");
    assert_eq!(invite.header(&HeaderName::Subject).unwrap(), "");
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn odd_values_keep_their_meaning() {
    assert_eq!(message("semiuri").request_uri().unwrap().user_text(), "user;par=u@example.net");
    assert_eq!(message("esc01").request_uri().unwrap().user_text(), "sips:user@example.com");
    assert_eq!(message("escnull").contacts()[1].uri.user_text(), "\0\0");
    assert_eq!(message("intmeth").from_tag().unwrap(), "_token~1'+`*%!-.");
    assert!(message("cparam01").contacts()[0].params.has("unknownparam"));
    assert!(message("cparam02").contacts()[0].uri.params.has("unknownparam"));
    assert!(message("regescrt").contacts()[0].uri.headers.is_some());
    assert_eq!(message("mpart01").body.len(), 553);
    assert_eq!(message("noreason").reason(), "");
    assert_eq!(message("lwsdisp").from().unwrap().display.as_deref(), Some("caller"));
    assert_eq!(message("dblreq").body.len(), 0);
    let unnamed = NameAddr::parse(message("inv2543").header(&HeaderName::To).unwrap()).unwrap();
    assert!(unnamed.params.has("user"), "without brackets, parameters are the header's");
}

#[test]
fn the_refusals_carry_what_helps_the_sender() {
    let refused = |name: &str| match judged(&Message::parse_datagram(bytes(name)), Transport::Udp) {
        Verdict::Reply(response) => response,
        other => panic!("{name}: {other:?}"),
    };
    let unsupported = refused("bext01");
    assert_eq!(
        unsupported.header(&HeaderName::Unsupported).unwrap(),
        "nothingSupportsThis, nothingSupportsThisEither, noProxiesSupportThis, norDoAnyProxiesSupportThis"
    );
    assert!(refused("invut").header(&HeaderName::Accept).unwrap().contains("application/sdp"));
    assert!(refused("intmeth").header(&HeaderName::Allow).unwrap().contains("INVITE"));
    assert!(refused("sdp01").header(&HeaderName::Warning).unwrap().starts_with("399 "));
    assert_eq!(refused("multi01").reason(), "Multiple CSeq Header Fields");
    assert_eq!(refused("insuf").reason(), "Missing From Header Field");
}
