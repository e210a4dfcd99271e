//! The phone book and the call log in the call on the air.

use std::sync::Arc;

use super::*;
use crate::call::menu::{Catalogue, IDLE, Topic};
use crate::dect::portable::Shown;
use crate::dect::ss::Key;
use crate::directory::{Book, Draft, EntryId, Kind, NumberRules, Source};

fn catalogue() -> Result<Box<Catalogue>, Cause> {
    let draft = Draft {
        name: "John Smith".to_owned(),
        numbers: vec![(Kind::Internal, "2001".to_owned())],
        ..Draft::default()
    };
    let entry = draft.strict(EntryId("1".into()), Source::Local, &NumberRules::default()).unwrap();
    Ok(Box::new(Catalogue::new(Arc::new(Book::new([entry])), [])))
}

fn keys(leg: &mut DectLeg, keys: &str) -> Vec<Output> {
    let key = |key| if key == 'R' { Key::Recall } else { Key::Character(key) };
    heard(leg, CallNews::Keys(keys.chars().map(key).collect()))
}

fn show(text: &str, signal: Option<Signal>) -> Output {
    let text = Some(Pii(text.to_owned()));
    Output::Handset(Order::Show(CALL, Box::new(Shown { text, signal, caller: None })))
}

fn browsing() -> DectLeg {
    let mut leg = leg(SrtpMode::Off);
    let beginning = leg.abilities.beginning(connection(), "*50#", false);
    assert_eq!(beginning, Beginning::Browses(connection(), Topic::PhoneBook));
    assert_eq!(step(&mut leg, Input::Started(beginning)), [Output::Browse]);
    leg
}

fn opened() -> DectLeg {
    let mut leg = browsing();
    let out = step(&mut leg, Input::Catalogue(catalogue()));
    assert_eq!(out, [tell(Fare::Connected), show("Phone book\rtype a name", None)]);
    leg
}

#[test]
fn codes_in_use_begin_a_look_and_everything_else_is_a_call() {
    let abilities = abilities(SrtpMode::Off);
    let topic = |digits: &str| abilities.topic_of(digits);
    assert_eq!(topic("*50"), Some(Topic::PhoneBook));
    assert_eq!(topic("*51#"), Some(Topic::CallLog));
    assert_eq!(["2001", "*66", "#50#", "*5", "*511"].map(topic), [None; 5]);
    let emergency = abilities.beginning(connection(), "*50#", true);
    assert_eq!(emergency, Beginning::Asked(connection()));
}

#[test]
fn whoever_is_found_is_called_with_a_stream_that_is_opened_then() {
    let mut leg = opened();
    assert_eq!(keys(&mut leg, "5646").last(), Some(&show("John Smith\r2001\r1/1", None)));
    let out = keys(&mut leg, "#");
    let calling = show("Calling\rJohn Smith\r2001", Some(Signal::TONES_OFF));
    assert_eq!(out, [calling, Output::Open(connection())]);
    let begins = step(&mut leg, Input::Opened(address(5_000)));
    let [Output::Begin { line: LineNo::FIRST, digits: Some(digits), body }] = &begins[..] else {
        panic!("{begins:?}")
    };
    assert_eq!(digits.0, "2001");
    let body = Some(answered(&mut call(SrtpMode::Off), body));
    step(&mut leg, Input::Joined(LineNo::FIRST, OWNER));
    let rings = order(&mut leg, LegOrder::Progress { status: 180, body: None });
    assert_eq!(rings, [show("Ringing\rJohn Smith\r2001", Some(Signal::RING_BACK))]);
    let out = order(&mut leg, LegOrder::Accept { body });
    assert!(out.contains(&show("John Smith\r2001", Some(Signal::TONES_OFF))), "{out:?}");
    assert!(out.contains(&Output::News(LineNo::FIRST, LegNews::Acknowledged { body: None })));
    // From now on keys are for the far end.
    let (digit, millis) = ('5', 160);
    let key = Output::News(LineNo::FIRST, LegNews::KeyPressed { digit, millis });
    assert_eq!(keys(&mut leg, "5"), [key]);
}

#[test]
fn who_is_busy_is_told_by_tone_and_words() {
    let mut leg = opened();
    keys(&mut leg, "5#");
    step(&mut leg, Input::Opened(address(5_000)));
    step(&mut leg, Input::Joined(LineNo::FIRST, OWNER));
    let out = order(&mut leg, LegOrder::Reject { cause: Cause::of_status(486, "Busy Here") });
    assert_eq!(out, [show("Busy Here", Some(Signal::BUSY))]);
}

#[test]
fn a_handset_that_was_handed_over_meanwhile_calls_where_it_is() {
    let mut leg = opened();
    let elsewhere = Connection { base: BaseStationId("0080c7000002".into()), number: 9 };
    heard(&mut leg, CallNews::Moved(elsewhere.clone()));
    assert_eq!(keys(&mut leg, "5#").last(), Some(&Output::Open(elsewhere)));
}

#[test]
fn who_belongs_to_nobody_is_told_so() {
    let mut leg = browsing();
    let refusal = Cause::of_status(403, "the handset is linked to no user");
    let (_, tone) = reason_of(&refusal);
    let words = refusal.plain_words();
    let out = step(&mut leg, Input::Catalogue(Err(refusal)));
    assert_eq!(out, [show(&words, tone)]);
    assert_eq!(leg.deadline(), Some(Moment::default() + TELLS));
}

#[test]
fn on_hook_a_long_pause_and_r_all_end_it() {
    let mut leg = opened();
    assert_eq!(heard(&mut leg, ended(ReleaseReason::NORMAL)), [Output::CloseStream]);
    assert!(leg.is_over());
    let (reason, tone, words) = (ReleaseReason::NORMAL, None, None);
    let released = [Output::Handset(Order::Release { call: CALL, reason, tone, words })];
    let mut leg = opened();
    assert_eq!(keys(&mut leg, "R"), released);
    let mut leg = opened();
    let idle = Moment::default() + IDLE;
    assert_eq!(leg.deadline(), Some(idle));
    assert_eq!(leg.handle(Input::Deadline, idle).unwrap().then, released);
    assert_eq!(leg.deadline(), None);
}

#[test]
fn another_call_finds_the_user_busy_meanwhile() {
    let mut leg = opened();
    let (body, caller) = (Body::sdp(String::new()), Caller::new("4712", None));
    let offer = Offer { caller, ring: Signal::ALERTING_0, internal: false };
    let called = Box::new(Called { owner: OWNER, body, offer, waits: true });
    let no = leg.next_line();
    let out = step(&mut leg, Input::Knocks(no, called));
    assert!(matches!(&out[..], [Output::News(_, LegNews::Refused { cause, .. }), _] if cause.status == 486));
}

#[test]
fn beside_a_call_it_is_looked_up_whom_to_call_next() {
    let (mut leg, offer) = calling(SrtpMode::Off);
    let mut far = call(SrtpMode::Off);
    let body = Some(answered(&mut far, &offer));
    order(&mut leg, LegOrder::Accept { body });
    assert_eq!(keys(&mut leg, "R*50#").last(), Some(&Output::Browse));
    let out = step(&mut leg, Input::Catalogue(catalogue()));
    assert_eq!(out.last(), Some(&show("Phone book\rtype a name", None)));
    let out = keys(&mut leg, "5#");
    assert!(
        matches!(out.last(), Some(Output::Begin { line: LineNo(1), digits: Some(digits), .. }) if digits.0 == "2001"),
        "{out:?}"
    );
    // Given up, the first call comes back, as with a number that was typed.
    let (mut leg, offer) = calling(SrtpMode::Off);
    let body = Some(answered(&mut call(SrtpMode::Off), &offer));
    order(&mut leg, LegOrder::Accept { body });
    keys(&mut leg, "R*50#");
    step(&mut leg, Input::Catalogue(catalogue()));
    keys(&mut leg, "R");
    assert_eq!((leg.front, leg.behind()), (Some(LineNo::FIRST), None));
}
