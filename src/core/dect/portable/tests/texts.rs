//! Texts over the connection oriented message service.

use super::*;
use crate::dect::coms;

fn offer(number: u64, text: &str) -> Order {
    Order::Text(TextOffer { number, heading: Pii("Desk".into()), text: Pii(text.into()) })
}

fn shown(air: &Air) -> Vec<(u64, Result<(), TextFault>)> {
    let shown = air.outputs.iter().filter_map(|output| match output {
        Output::News(News::TextShown(number, outcome)) => Some((*number, *outcome)),
        _ => None,
    });
    shown.collect()
}

fn page_response() -> Message {
    let transaction = Transaction::first(Protocol::Lce, Side::Portable);
    let response = Message::new(Kind::LcePageResponse, Side::Portable, transaction);
    response.with(&PortableIdentity::Ipui(ipui()))
}

/// Paged, connected, and asked for the first part.
fn reached(text: &str) -> (Air, Message) {
    let mut air = Air::located(false);
    air.order(offer(1, text));
    assert!(air.outputs.iter().any(|output| matches!(output, Output::Page(_))));
    air.opens(1, &page_response());
    let setup = air.heard().pop().unwrap();
    assert_eq!((setup.kind, setup.missing()), (Kind::ComsSetup, None));
    air.says(&setup.answer(Kind::ComsConnect));
    (air, setup)
}

#[test]
fn a_text_counts_as_shown_when_its_last_part_is_acknowledged() {
    let (mut air, setup) = reached(&"x".repeat(300));
    for last in [false, true] {
        let info = air.heard().pop().unwrap();
        assert_eq!(coms::read(&info).map(|(_, last)| last), Some(last));
        assert_eq!(shown(&air), []);
        air.says(&setup.answer(Kind::ComsAck));
    }
    assert_eq!(shown(&air), [(1, Ok(()))]);
    assert_eq!(air.heard().pop().map(|message| message.kind), Some(Kind::ComsRelease));
    air.says(&setup.answer(Kind::ComsReleaseCom));
    assert_eq!(shown(&air), [(1, Ok(()))]);
    assert!(!air.machine.texts.is_busy());
}

#[test]
fn texts_go_one_after_the_other_and_no_more_than_sixteen_wait() {
    let (mut air, setup) = reached("one");
    (2..=20).for_each(|number| air.order(offer(number, "more")));
    let full: Vec<_> = shown(&air).into_iter().map(|(number, _)| number).collect();
    assert_eq!(full, [18, 19, 20]);
    air.heard();
    air.says(&setup.answer(Kind::ComsAck));
    air.heard();
    air.says(&setup.answer(Kind::ComsReleaseCom));
    assert_eq!(air.heard().pop().map(|message| message.kind), Some(Kind::ComsSetup));
}

#[test]
fn a_handset_that_is_off_away_silent_or_unwilling_has_not_shown_it() {
    let mut off = Air::stranger();
    off.order(offer(1, "Fire"));
    assert_eq!(shown(&off), [(1, Err(TextFault::Off))]);

    let mut away = Air::located(false);
    away.order(offer(1, "Fire"));
    away.order(offer(2, "Fire"));
    away.wait(at(60_000));
    assert_eq!(shown(&away), [(1, Err(TextFault::Unreachable)), (2, Err(TextFault::Unreachable))]);

    let (mut silent, _) = reached("Fire");
    silent.wait(at(60_000));
    assert_eq!(shown(&silent), [(1, Err(TextFault::Silent))]);
    assert!(!silent.machine.texts.is_busy());

    let (mut unwilling, setup) = reached("Fire");
    let service = ReleaseReason::SERVICE_NOT_IMPLEMENTED;
    unwilling.says(&setup.answer(Kind::ComsReleaseCom).with(&service));
    assert_eq!(shown(&unwilling), [(1, Err(TextFault::Refused(service)))]);

    let (mut lost, _) = reached("Fire");
    lost.step(Input::Closed { connection: connection(1), normal: false });
    assert_eq!(shown(&lost), [(1, Err(TextFault::Unreachable))]);
}

#[test]
fn a_text_is_said_ciphered_where_calls_are() {
    let mut air = Air::located(true);
    air.order(offer(1, "Fire"));
    air.opens(1, &page_response());
    let setup = air.heard().pop().unwrap();
    air.says(&setup.answer(Kind::ComsConnect));
    assert!(air.heard().iter().all(|message| message.kind != Kind::ComsInfo));
}

fn writes(to: Option<&str>) -> Message {
    let transaction = Transaction { protocol: Protocol::Coms, value: 1, starter: Side::Portable };
    let called = to.map(|to| CalledNumber {
        kind: NumberType::UNKNOWN,
        plan: Plan::UNKNOWN,
        number: Pii(to.as_bytes().to_vec()),
    });
    Message::new(Kind::ComsSetup, Side::Portable, transaction)
        .with(&PortableIdentity::Ipui(ipui()))
        .with(&FixedIdentity::Park(rules(false).park))
        .with_element(Element { tag: Tag::IWU_ATTRIBUTES, content: vec![0x88, 0x80, 0xC0, 0x80] })
        .with_some(called.as_ref())
}

#[test]
fn what_a_handset_writes_is_acknowledged_once_it_is_kept() {
    let mut air = Air::located(false);
    let setup = writes(Some("2002"));
    air.opens(1, &setup);
    assert_eq!(air.heard().pop().map(|message| message.kind), Some(Kind::ComsConnect));
    let info = Message::new(Kind::ComsInfo, Side::Portable, setup.transaction);
    air.says(&info.with(&Alphanumeric::dect(*b"On my way")));
    assert_eq!(air.heard(), []);
    let written = News::TextWritten { to: Pii("2002".into()), text: Pii("On my way".into()) };
    assert!(air.outputs.contains(&Output::News(written)));
    air.order(Order::AnswerText(true));
    assert_eq!(air.heard().pop().map(|message| message.kind), Some(Kind::ComsAck));
    air.says(&Message::new(Kind::ComsRelease, Side::Portable, setup.transaction));
    assert_eq!(air.heard().pop().map(|message| message.kind), Some(Kind::ComsReleaseCom));
    assert!(!air.machine.texts.is_busy());
}

#[test]
fn a_text_to_nobody_or_without_end_is_refused() {
    let mut nobody = Air::located(false);
    nobody.opens(1, &writes(None));
    let refusal = nobody.heard().pop().unwrap();
    assert_eq!(refusal.get::<ReleaseReason>(), Some(ReleaseReason::MANDATORY_MISSING));

    let mut endless = Air::located(false);
    let setup = writes(Some("2002"));
    endless.opens(1, &setup);
    for _ in 0..6 {
        let more = Segment { first: false, remaining: 9, element: Tag::ALPHANUMERIC };
        let info = Message::new(Kind::ComsInfo, Side::Portable, setup.transaction);
        endless.says(&info.with(&more).with(&Alphanumeric::dect([b'x'; 250])));
    }
    let kinds: Vec<_> = endless.heard().iter().map(|message| message.kind).collect();
    assert!(kinds.ends_with(&[Kind::ComsRelease, Kind::ComsReleaseCom]), "{kinds:?}");
    assert!(!endless.machine.texts.is_busy());
}
