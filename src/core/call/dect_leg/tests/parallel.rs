//! Two lines of one handset, and the keypad.

pub(in crate::call) mod scenes;

use super::*;
use crate::call::leg::TransferWish;
use crate::dect::cc::Ender;
use crate::dect::portable::Shown;
use crate::dect::ss::Key;

const SECOND: LineNo = LineNo(1);
const OTHER: OwnerId = OwnerId(0x801);

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

#[track_caller]
fn step_at(leg: &mut DectLeg, seconds: u64, input: Input) -> Vec<Output> {
    leg.handle(input, at(seconds)).unwrap().then
}

/// Keys as people name them: R, digits.
fn keys(leg: &mut DectLeg, keys: &str, seconds: u64) -> Vec<Output> {
    let key = |key| if key == 'R' { Key::Recall } else { Key::Character(key) };
    step_at(leg, seconds, Input::Heard(CallNews::Keys(keys.chars().map(key).collect())))
}

fn on_hook(leg: &mut DectLeg) -> Vec<Output> {
    heard(leg, CallNews::Ended { reason: ReleaseReason::NORMAL, by: Ender::Handset })
}

/// All that is shown, and the tones.
fn shown(out: &[Output]) -> Vec<(String, Option<Signal>)> {
    let of = |output: &Output| match output {
        Output::Handset(Order::Show(CALL, shown)) => {
            let Shown { text, signal, .. } = &**shown;
            Some((text.as_ref().map_or(String::new(), |text| text.0.clone()), *signal))
        }
        _ => None,
    };
    out.iter().filter_map(of).collect()
}

fn news(out: &[Output], line: LineNo) -> Vec<LegNews> {
    let of = |output: &Output| match output {
        Output::News(of, news) if *of == line => Some(news.clone()),
        _ => None,
    };
    out.iter().filter_map(of).collect()
}

/// The call agrees to what a line proposed.
fn agree(leg: &mut DectLeg, far: &mut OfferAnswer, line: LineNo, out: &[Output]) -> Vec<Output> {
    let proposed = news(out, line).into_iter().find_map(|news| match news {
        LegNews::Reoffered { body } => body,
        _ => None,
    });
    let body = answered(far, &proposed.unwrap_or_else(|| panic!("nothing proposed: {out:?}")));
    step(leg, Input::Order(line, LegOrder::AnswerReoffer { body }))
}

/// In talk with the first, who is held, and with a second one that was called.
fn consulting(mode: SrtpMode) -> (DectLeg, OfferAnswer, OfferAnswer) {
    let (mut leg, offer) = calling(mode);
    let (mut first, mut second) = (call(mode), call(mode));
    let body = answered(&mut first, &offer);
    order(&mut leg, LegOrder::Accept { body: Some(body) });
    let held = keys(&mut leg, "R", 0);
    agree(&mut leg, &mut first, LineNo::FIRST, &held);
    assert!(first.agreed().unwrap().remote_held);
    let out = keys(&mut leg, "4712#", 1);
    let Some(Output::Begin { line: SECOND, digits: Some(digits), body }) = out.last() else {
        panic!("{out:?}")
    };
    assert_eq!(digits.0, "4712");
    let body = answered(&mut second, body);
    step(&mut leg, Input::Joined(SECOND, OTHER));
    let out = step(&mut leg, Input::Order(SECOND, LegOrder::Accept { body: Some(body) }));
    assert_eq!(stream(&out).direction, Direction::SendRecv);
    (leg, first, second)
}

fn wish(out: &[Output], line: LineNo) -> TransferWish {
    match &news(out, line)[..] {
        [.., LegNews::TransferAsked(wish)] => (**wish).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_go_to_the_far_end_and_stars_too() {
    let (mut leg, _) = talking();
    let pressed = |digit| LegNews::KeyPressed { digit, millis: 160 };
    assert_eq!(news(&keys(&mut leg, "1*a", 0), LineNo::FIRST), ['1', '*', 'A'].map(pressed));
    assert_eq!(keys(&mut leg, "x", 0), [], "no key of a keypad");
}

#[test]
fn r_holds_and_r_takes_back() {
    let (mut leg, mut far) = talking();
    let held = keys(&mut leg, "R", 0);
    assert_eq!(shown(&held)[0].1, Some(Signal::DIAL_TONE));
    assert_eq!(stream(&held).direction, Direction::Inactive);
    agree(&mut leg, &mut far, LineNo::FIRST, &held);
    assert!(far.agreed().unwrap().remote_held);
    let back = keys(&mut leg, "R", 1);
    agree(&mut leg, &mut far, LineNo::FIRST, &back);
    assert!(!far.agreed().unwrap().remote_held);
    assert_eq!(shown(&back)[0].1, Some(Signal::TONES_OFF));
    // Nobody dials: the first call comes back by itself.
    keys(&mut leg, "R", 2);
    assert_eq!(leg.deadline(), Some(at(22)));
    step_at(&mut leg, 22, Input::Deadline);
    assert_eq!((leg.front, &leg.keying), (Some(LineNo::FIRST), &Keying::Speech));
}

#[test]
fn a_second_number_is_whole_after_a_pause_or_by_the_dial_plan() {
    let dialled =
        |out: &[Output]| out.iter().any(|output| matches!(output, Output::Begin { line: SECOND, .. }));
    let (mut leg, _) = talking();
    let typed = keys(&mut leg, "R47", 0);
    assert_eq!(typed.last(), Some(&Output::Digits(Pii("47".into()))));
    assert_eq!(leg.deadline(), Some(at(4)));
    assert!(dialled(&step_at(&mut leg, 4, Input::Deadline)));
    let (mut leg, _) = talking();
    keys(&mut leg, "R47", 0);
    assert_eq!(step_at(&mut leg, 1, Input::Whole(Pii("4".into()))), [], "more came meanwhile");
    assert!(dialled(&step_at(&mut leg, 1, Input::Whole(Pii("47".into())))));
}

#[test]
fn swapping_holds_the_one_and_resumes_the_other() {
    let (mut leg, mut first, mut second) = consulting(SrtpMode::Off);
    let out = keys(&mut leg, "R2", 2);
    agree(&mut leg, &mut second, SECOND, &out);
    let resumed = agree(&mut leg, &mut first, LineNo::FIRST, &out);
    assert!(second.agreed().unwrap().remote_held && !first.agreed().unwrap().remote_held);
    assert_eq!(stream(&resumed).direction, Direction::SendRecv);
    let pressed = LegNews::KeyPressed { digit: '5', millis: 160 };
    assert_eq!(news(&keys(&mut leg, "5", 3), LineNo::FIRST), [pressed]);
}

#[test]
fn a_held_call_comes_back_with_another_key() {
    let (mut leg, mut first, _) = consulting(SrtpMode::Required);
    let before = first.agreed().unwrap().srtp.clone().unwrap().remote;
    let out = keys(&mut leg, "R1", 2);
    agree(&mut leg, &mut first, LineNo::FIRST, &out);
    assert_ne!(first.agreed().unwrap().srtp.clone().unwrap().remote, before);
    assert!(matches!(&news(&out, SECOND)[..], [LegNews::Ended { .. }, LegNews::Closed]));
}

#[test]
fn on_hook_connects_the_held_call_with_the_second_one() {
    let (mut leg, ..) = consulting(SrtpMode::Off);
    let out = on_hook(&mut leg);
    assert_eq!(out[0], Output::CloseStream);
    let asked = wish(&out, LineNo::FIRST);
    assert_eq!((asked.replaces_own, asked.to.as_str()), (Some(OTHER), ""));
    assert!(!leg.is_on_air());
    let ticket = asked.ticket;
    order(&mut leg, LegOrder::AcceptTransfer { ticket });
    order(&mut leg, LegOrder::TellTransfer { ticket, status: 200, left: None });
    let cause = Cause::normal();
    let out = order(&mut leg, LegOrder::HangUp { cause: cause.clone() });
    assert!(news(&out, SECOND).is_empty(), "its own call ends it: its far end lives on");
    let out = step(&mut leg, Input::Order(SECOND, LegOrder::HangUp { cause }));
    assert!(news(&out, SECOND).contains(&LegNews::Closed) && leg.is_over());
}

#[test]
fn on_hook_while_dialling_transfers_to_the_number() {
    let (mut leg, _) = talking();
    keys(&mut leg, "R4712", 0);
    let asked = wish(&on_hook(&mut leg), LineNo::FIRST);
    assert_eq!((asked.replaces_own, asked.to.as_str()), (None, "tel:4712"));
}

#[test]
fn a_transfer_that_nobody_takes_rings_at_the_handset_again() {
    let (mut leg, mut far) = talking();
    let held = keys(&mut leg, "R", 0);
    agree(&mut leg, &mut far, LineNo::FIRST, &held);
    keys(&mut leg, "4712", 0);
    let ticket = wish(&on_hook(&mut leg), LineNo::FIRST).ticket;
    let out = order(&mut leg, LegOrder::TellTransfer { ticket, status: 486, left: None });
    assert!(matches!(&out[..], [Output::Handset(Order::Offer { call: CALL, .. })]), "{out:?}");
    assert_eq!(heard(&mut leg, CallNews::Reached(connection())), [Output::Open(connection())]);
    heard(&mut leg, CallNews::Alerting);
    step(&mut leg, Input::Opened(address(7_000)));
    let out = heard(&mut leg, CallNews::Answered);
    agree(&mut leg, &mut far, LineNo::FIRST, &out);
    let agreed = far.agreed().unwrap();
    assert!(!agreed.remote_held && agreed.remote == Some(address(7_000)));
}

#[test]
fn a_transfer_by_key_that_fails_leaves_all_as_it_was() {
    let (mut leg, ..) = consulting(SrtpMode::Off);
    let ticket = wish(&keys(&mut leg, "R4", 2), LineNo::FIRST).ticket;
    let cause = Cause::of_status(403, "not allowed");
    let out = order(&mut leg, LegOrder::RefuseTransfer { ticket, cause });
    assert_eq!(shown(&out), [("not allowed".to_owned(), Some(Signal::NEGATIVE))]);
    assert_eq!((leg.front, leg.lines.len()), (Some(SECOND), 2));
}

#[test]
fn a_second_call_that_is_refused_gives_the_first_one_back() {
    let (mut leg, mut far) = talking();
    let held = keys(&mut leg, "R", 0);
    agree(&mut leg, &mut far, LineNo::FIRST, &held);
    keys(&mut leg, "4712#", 0);
    // There is no such call: the switch would not make it.
    let cause = Cause::of_status(486, "Busy Here");
    let out = step(&mut leg, Input::Order(SECOND, LegOrder::Reject { cause }));
    assert_eq!(shown(&out), [("Busy Here".to_owned(), Some(Signal::BUSY))]);
    assert!(news(&out, SECOND).is_empty());
    let back = keys(&mut leg, "R", 1);
    agree(&mut leg, &mut far, LineNo::FIRST, &back);
    assert!(!far.agreed().unwrap().remote_held);
}

#[test]
fn the_far_end_of_the_second_call_hangs_up_and_the_first_is_back() {
    let (mut leg, mut first, _) = consulting(SrtpMode::Off);
    let out = step(&mut leg, Input::Order(SECOND, LegOrder::HangUp { cause: Cause::normal() }));
    assert!(news(&out, SECOND).contains(&LegNews::Closed));
    agree(&mut leg, &mut first, LineNo::FIRST, &out);
    assert!(!first.agreed().unwrap().remote_held);
    let out = order(&mut leg, LegOrder::HangUp { cause: Cause::normal() });
    assert!(matches!(&out[..], [Output::Handset(Order::Release { .. })]));
}

/// In talk, and another call waits.
fn with_one_waiting() -> (DectLeg, OfferAnswer, OfferAnswer) {
    let (mut leg, first) = talking();
    let mut waiting = call(SrtpMode::Off);
    let body = Body::sdp(waiting.offer(&mut Tokens::new([6; 32])));
    let offer = Offer { caller: Caller::new("4713", Some("Bo")), ring: Signal::ALERTING_0, internal: false };
    let called = Box::new(Called { owner: OTHER, body, offer, waits: true });
    let no = leg.next_line();
    let out = step(&mut leg, Input::Knocks(no, called));
    assert!(matches!(news(&out, SECOND)[..], [LegNews::Progress { status: 180, .. }]));
    assert_eq!(shown(&out), [("Call waiting\rBo\r4713".to_owned(), Some(Signal::CALL_WAITING))]);
    (leg, first, waiting)
}

#[test]
fn a_call_that_waits_is_taken_and_swapped() {
    let (mut leg, mut first, mut waiting) = with_one_waiting();
    let out = keys(&mut leg, "R2", 0);
    agree(&mut leg, &mut first, LineNo::FIRST, &out);
    assert!(first.agreed().unwrap().remote_held);
    let Some(LegNews::Answered { body: Some(body), .. }) = news(&out, SECOND).pop() else {
        panic!("{out:?}")
    };
    waiting.accept_answer(&body.content_type, &body.bytes).unwrap();
    assert_eq!(waiting.agreed().unwrap().remote, Some(address(5_000)));
    // Whoever hangs up now is done with the one in front: nobody is connected with a stranger.
    let out = on_hook(&mut leg);
    assert!(news(&out, SECOND).contains(&LegNews::Closed));
    assert!(matches!(out.last(), Some(Output::Handset(Order::Offer { .. }))), "{out:?}");
    assert_eq!(leg.front, Some(LineNo::FIRST));
}

#[test]
fn a_call_that_waits_is_refused_or_rings_when_the_handset_is_free() {
    let (mut leg, ..) = with_one_waiting();
    let out = keys(&mut leg, "R0", 0);
    assert!(
        matches!(&news(&out, SECOND)[..], [LegNews::Refused { cause, .. }, LegNews::Closed] if cause.q850 == 17)
    );
    let (mut leg, ..) = with_one_waiting();
    let out = on_hook(&mut leg);
    assert!(news(&out, LineNo::FIRST).contains(&LegNews::Closed));
    assert!(matches!(out.last(), Some(Output::Handset(Order::Offer { call: CALL, .. }))), "{out:?}");
    // The far end of the first hangs up: the same.
    let (mut leg, ..) = with_one_waiting();
    order(&mut leg, LegOrder::HangUp { cause: Cause::normal() });
    let out = heard(&mut leg, CallNews::Ended { reason: ReleaseReason::NORMAL, by: Ender::Switch });
    assert!(matches!(out.last(), Some(Output::Handset(Order::Offer { .. }))), "{out:?}");
}

#[test]
fn a_third_call_and_one_while_it_rings_are_told_busy() {
    let (mut leg, _, mut waiting) = with_one_waiting();
    let body = Body::sdp(waiting.offer(&mut Tokens::new([7; 32])));
    let offer = Offer { caller: Caller::new("4714", None), ring: Signal::ALERTING_0, internal: false };
    let called = Called { owner: OTHER, body, offer, waits: true };
    let no = leg.next_line();
    let out = step(&mut leg, Input::Knocks(no, Box::new(called.clone())));
    assert!(
        matches!(&news(&out, no)[..], [LegNews::Refused { cause, .. }, LegNews::Closed] if cause.q850 == 17)
    );
    let (mut leg, _) = dialled();
    let no = leg.next_line();
    assert_eq!(news(&step(&mut leg, Input::Knocks(no, Box::new(called))), no).len(), 2);
}

#[test]
fn a_lost_link_ends_both() {
    let (mut leg, ..) = consulting(SrtpMode::Off);
    let lost = CallNews::Ended { reason: ReleaseReason::NOT_IN_RANGE, by: Ender::Link };
    let out = heard(&mut leg, lost);
    assert!([LineNo::FIRST, SECOND].iter().all(|line| news(&out, *line).contains(&LegNews::Closed)));
    assert!(leg.is_over());
}

#[test]
fn the_display_says_who_is_there_and_how_the_call_fares() {
    let (mut leg, offer) = calling(SrtpMode::Off);
    let party = |number: &str, display: &str| {
        Box::new(crate::call::Party { number: number.into(), display: display.into(), ..Default::default() })
    };
    let says = |out: &[Output]| shown(out).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    let called = order(&mut leg, LegOrder::Partner(party("4711", "Anna Berg")));
    assert_eq!(says(&called), ["Calling\rAnna Berg\r4711"]);
    let rings = order(&mut leg, LegOrder::Progress { status: 180, body: None });
    assert_eq!(says(&rings), ["Ringing\rAnna Berg\r4711"]);
    let body = answered(&mut call(SrtpMode::Off), &offer);
    let talks = order(&mut leg, LegOrder::Accept { body: Some(body) });
    assert_eq!(says(&talks), ["Anna Berg\r4711"]);
    let after = order(&mut leg, LegOrder::Partner(party("+49301234", "")));
    assert_eq!(says(&after), ["+49301234"]);
    assert_eq!(order(&mut leg, LegOrder::Partner(party("+49301234", ""))), [], "nothing new");
}

#[test]
fn a_caller_whose_call_waits_reads_so() {
    let (mut leg, _) = calling(SrtpMode::Off);
    let says = |out: &[Output]| shown(out).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    let partner = crate::call::Party { number: "4711".into(), ..Default::default() };
    order(&mut leg, LegOrder::Partner(Box::new(partner)));
    assert_eq!(order(&mut leg, LegOrder::CallWaits), []);
    let rings = order(&mut leg, LegOrder::Progress { status: 180, body: None });
    assert_eq!(says(&rings), ["Call waits\r4711"]);
}
