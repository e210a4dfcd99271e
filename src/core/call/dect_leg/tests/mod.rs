use super::*;
use crate::dect::element::{ReleaseReason, Signal};
use crate::dect::portable::{Offer, Order};
use crate::dect::ss::Caller;
use crate::id::BaseStationId;
use crate::media::negotiate::{SrtpMode, SrtpPolicy};
use crate::media::{Codec, Direction};

mod bearer;
mod browse;
pub(in crate::call) mod parallel;

impl DectLeg {
    /// The line that is heard.
    pub fn front_of_test(&self) -> Option<LineNo> {
        self.front
    }
}

const CALL: CallNo = CallNo(77);
const OWNER: OwnerId = OwnerId(0x701);
const GAP: Duration = Duration::from_secs(4);

fn connection() -> Connection {
    Connection { base: BaseStationId("0080c7000001".into()), number: 3 }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], port))
}

fn abilities(mode: SrtpMode) -> Abilities {
    let srtp = SrtpPolicy { mode, ..SrtpPolicy::default() };
    Abilities { codecs: vec![Codec::G726, Codec::Pcma], srtp, digit_gap: GAP, codes: Default::default() }
}

/// The call's side of the negotiation: the media engine's.
fn call(mode: SrtpMode) -> OfferAnswer {
    let media = LocalMedia::new([192, 0, 2, 1].into(), 4_000, vec![Codec::Pcma, Codec::G722]);
    let srtp = SrtpPolicy { mode, ..SrtpPolicy::default() };
    OfferAnswer::new(LocalMedia { srtp, ..media }, &mut Tokens::new([2; 32]))
}

fn leg(mode: SrtpMode) -> DectLeg {
    DectLeg::new(CALL, abilities(mode), Tokens::new([1; 32]))
}

#[track_caller]
fn step(leg: &mut DectLeg, input: Input) -> Vec<Output> {
    leg.handle(input, Moment::default()).unwrap().then
}

fn order(leg: &mut DectLeg, order: LegOrder) -> Vec<Output> {
    step(leg, Input::Order(LineNo::FIRST, order))
}

fn heard(leg: &mut DectLeg, news: CallNews) -> Vec<Output> {
    step(leg, Input::Heard(news))
}

fn tell(fare: Fare) -> Output {
    Output::Handset(Order::Tell(CALL, fare))
}

fn ended(reason: ReleaseReason) -> CallNews {
    CallNews::Ended { reason, by: crate::dect::cc::Ender::Handset }
}

/// A handset that calls, as far as its offer.
fn calling(mode: SrtpMode) -> (DectLeg, Body) {
    let mut leg = leg(mode);
    let opens = step(&mut leg, Input::Started(Beginning::Asked(connection())));
    assert_eq!(opens, [Output::Open(connection())]);
    let begins = step(&mut leg, Input::Opened(address(5_000)));
    let [Output::Begin { body: offer, .. }] = &begins[..] else { panic!("{begins:?}") };
    let offer = offer.clone();
    assert_eq!(
        step(&mut leg, Input::Joined(LineNo::FIRST, OWNER)),
        [Output::News(LineNo::FIRST, LegNews::Invited)]
    );
    (leg, offer)
}

#[track_caller]
fn stream(out: &[Output]) -> &Stream {
    let stream = out.iter().find_map(|output| match output {
        Output::Modify(stream) => Some(stream),
        _ => None,
    });
    stream.unwrap_or_else(|| panic!("{out:?}"))
}

fn answered(call: &mut OfferAnswer, offer: &Body) -> Body {
    let tokens = &mut Tokens::new([3; 32]);
    Body::sdp(call.answer(&offer.content_type, &offer.bytes, None, tokens).unwrap().0)
}

#[test]
fn a_calling_handset_hears_ringing_early_media_and_the_answer() {
    let (mut leg, offer) = calling(SrtpMode::Off);
    let rings = order(&mut leg, LegOrder::Progress { status: 180, body: None });
    assert_eq!(rings, [tell(Fare::Alerting { in_band: false })]);
    let body = Some(answered(&mut call(SrtpMode::Off), &offer));
    let early = order(&mut leg, LegOrder::Progress { status: 183, body: body.clone() });
    assert_eq!(early.last(), Some(&tell(Fare::InBand)));
    let stream = stream(&early);
    assert_eq!((stream.remote, stream.codec), (Some("192.0.2.1:4000".parse().unwrap()), Codec::Pcma));
    assert_eq!((stream.direction, &stream.srtp), (Direction::SendRecv, &None));
    let accepted = order(&mut leg, LegOrder::Accept { body: body.clone() });
    let acknowledged = Output::News(LineNo::FIRST, LegNews::Acknowledged { body: None });
    assert_eq!(accepted, [tell(Fare::Connected), acknowledged]);
    assert_eq!(order(&mut leg, LegOrder::Accept { body }), [], "the order may come again");
    let over = heard(&mut leg, ended(ReleaseReason::NORMAL));
    let news = [LegNews::Ended { cause: Cause::normal() }, LegNews::Closed]
        .map(|news| Output::News(LineNo::FIRST, news));
    assert_eq!(over, [&[Output::CloseStream], &news[..]].concat());
    assert!(leg.is_over());
}

#[test]
fn keys_of_srtp_reach_the_base_station_each_for_its_direction() {
    let (mut leg, offer) = calling(SrtpMode::Required);
    let mut far = call(SrtpMode::Required);
    let body = answered(&mut far, &offer);
    let out = order(&mut leg, LegOrder::Accept { body: Some(body) });
    let (ours, theirs) = (stream(&out).srtp.clone().unwrap(), far.agreed().unwrap().srtp.clone().unwrap());
    assert_eq!((ours.local, ours.remote), (theirs.remote, theirs.local));
}

#[test]
fn a_base_station_without_a_channel_refuses_with_tone_and_reason() {
    let mut leg = leg(SrtpMode::Off);
    step(&mut leg, Input::Started(Beginning::Asked(connection())));
    let out = step(&mut leg, Input::NotOpened("no channel".into()));
    let [Output::Handset(Order::Release { call: CALL, reason, tone, words: Some(_) })] = &out[..] else {
        panic!("{out:?}")
    };
    let congestion = Some(Signal::NETWORK_CONGESTION);
    assert_eq!((*reason, *tone), (ReleaseReason::INSUFFICIENT_BEARERS, congestion));
    // Nobody else ever knew of it.
    assert_eq!(heard(&mut leg, ended(ReleaseReason::INSUFFICIENT_BEARERS)), [Output::CloseStream]);
}

#[test]
fn a_refused_caller_is_told_why() {
    let (mut leg, _) = calling(SrtpMode::Off);
    let out = order(&mut leg, LegOrder::Reject { cause: Cause::of_status(486, "Busy Here") });
    let text = Some(crate::pii::Pii("Busy Here".into()));
    let shown = crate::dect::portable::Shown { text, signal: Some(Signal::BUSY), caller: None };
    assert_eq!(out, [Output::Handset(Order::Show(CALL, Box::new(shown)))]);
    let later = Moment::default() + Duration::from_secs(3);
    assert_eq!(leg.deadline(), Some(later));
    let (reason, tone, words) = (ReleaseReason::BUSY, None, None);
    let out = leg.handle(Input::Deadline, later).unwrap().then;
    assert_eq!(out, [Output::Handset(Order::Release { call: CALL, reason, tone, words })]);
    assert_eq!(order(&mut leg, LegOrder::HangUp { cause: Cause::normal() }), [], "once is enough");
}

#[test]
fn a_handset_that_goes_before_its_call_stands_ends_it_then() {
    let mut leg = leg(SrtpMode::Off);
    step(&mut leg, Input::Started(Beginning::Asked(connection())));
    step(&mut leg, Input::Opened(address(5_000)));
    assert_eq!(heard(&mut leg, ended(ReleaseReason::NORMAL)), [Output::CloseStream]);
    let news = step(&mut leg, Input::Joined(LineNo::FIRST, OWNER));
    assert!(matches!(
        &news[..],
        [_, Output::News(LineNo::FIRST, LegNews::Ended { .. }), Output::News(LineNo::FIRST, LegNews::Closed)]
    ));
}

/// A handset that is called, as far as its page.
fn dialled() -> (DectLeg, OfferAnswer) {
    let (mut leg, mut far) = (leg(SrtpMode::Off), call(SrtpMode::Off));
    let body = Body::sdp(far.offer(&mut Tokens::new([4; 32])));
    let caller = Caller::new("4712", None);
    let offer = Offer { caller, ring: Signal::ALERTING_0, internal: false };
    let called = Called { owner: OWNER, body, offer: offer.clone(), waits: true };
    let out = step(&mut leg, Input::Started(Beginning::Dialled(Box::new(called))));
    assert_eq!(out, [Output::Handset(Order::Offer { call: CALL, offer: Box::new(offer) })]);
    (leg, far)
}

#[test]
fn a_handset_that_is_handed_over_while_it_rings_is_heard_when_it_answers() {
    let (mut leg, mut far) = dialled();
    heard(&mut leg, CallNews::Reached(connection()));
    heard(&mut leg, CallNews::Alerting);
    step(&mut leg, Input::Opened(address(5_000)));
    let out = step(&mut leg, Input::StreamMoved(address(7_000)));
    assert!(out.contains(&Output::Followed), "nothing is awaited: {out:?}");
    assert!(!out.iter().any(|output| matches!(output, Output::News(..))), "there is no session: {out:?}");
    let out = heard(&mut leg, CallNews::Answered);
    let Some(Output::News(_, LegNews::Answered { body: Some(body), .. })) = out.last() else {
        panic!("{out:?}")
    };
    far.accept_answer(&body.content_type, &body.bytes).unwrap();
    assert_eq!(far.agreed().unwrap().remote, Some(address(7_000)));
}

#[test]
fn a_handset_that_is_handed_over_before_it_is_answered_is_heard_afterwards() {
    let (mut leg, offer) = calling(SrtpMode::Off);
    let mut far = call(SrtpMode::Off);
    let body = answered(&mut far, &offer);
    order(&mut leg, LegOrder::Progress { status: 183, body: Some(body.clone()) });
    let out = step(&mut leg, Input::StreamMoved(address(7_000)));
    assert_eq!(out, [Output::Followed], "there is no session to change yet");
    let out = order(&mut leg, LegOrder::Accept { body: Some(body) });
    let Some(Output::News(_, LegNews::Reoffered { body: Some(body) })) = out.last() else {
        panic!("{out:?}")
    };
    answered(&mut far, body);
    assert_eq!(far.agreed().unwrap().remote, Some(address(7_000)));
}

#[test]
fn a_called_handset_rings_and_answers_with_the_base_stations_address() {
    for eager in [false, true] {
        let (mut leg, mut far) = dialled();
        assert_eq!(heard(&mut leg, CallNews::Reached(connection())), [Output::Open(connection())]);
        let rings = heard(&mut leg, CallNews::Alerting);
        let (status, fork) = (180, Text::from(""));
        assert_eq!(rings, [Output::News(LineNo::FIRST, LegNews::Progress { status, fork, body: None })]);
        let (first, second) = match eager {
            true => (Input::Heard(CallNews::Answered), Input::Opened(address(5_002))),
            false => (Input::Opened(address(5_002)), Input::Heard(CallNews::Answered)),
        };
        let out = [step(&mut leg, first), step(&mut leg, second)].concat();
        assert_eq!(stream(&out).codec, Codec::Pcma);
        let Some(Output::News(LineNo::FIRST, LegNews::Answered { body: Some(body), .. })) = out.last() else {
            panic!("{out:?}")
        };
        let agreed = far.accept_answer(&body.content_type, &body.bytes).unwrap();
        assert_eq!(agreed.remote, Some(address(5_002)));
    }
}

#[test]
fn a_called_handset_out_of_reach_or_without_channel_refuses_the_call() {
    let refused = |out: &[Output]| match out {
        [
            Output::CloseStream,
            Output::News(LineNo::FIRST, LegNews::Refused { cause, .. }),
            Output::News(LineNo::FIRST, LegNews::Closed),
        ] => (cause.status, cause.q850),
        other => panic!("{other:?}"),
    };
    let (mut leg, _) = dialled();
    assert_eq!(refused(&heard(&mut leg, ended(ReleaseReason::NOT_IN_RANGE))), (480, 20));
    let (mut leg, _) = dialled();
    heard(&mut leg, CallNews::Reached(connection()));
    step(&mut leg, Input::NotOpened("no free voice channel".into()));
    assert_eq!(refused(&heard(&mut leg, ended(ReleaseReason::INSUFFICIENT_BEARERS))), (486, 34));
}

/// In talk, with the call's side.
fn talking() -> (DectLeg, OfferAnswer) {
    let (mut leg, offer) = calling(SrtpMode::Off);
    let mut far = call(SrtpMode::Off);
    let body = answered(&mut far, &offer);
    order(&mut leg, LegOrder::Accept { body: Some(body) });
    (leg, far)
}

#[track_caller]
fn reoffer(out: &[Output]) -> Body {
    match out {
        [Output::News(LineNo::FIRST, LegNews::Reoffered { body: Some(body) })] => body.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_handover_gives_the_call_the_new_address() {
    let (mut leg, mut far) = talking();
    let offer = reoffer(&step(&mut leg, Input::StreamMoved(address(6_000))));
    let body = answered(&mut far, &offer);
    assert_eq!(far.agreed().unwrap().remote, Some(address(6_000)));
    let out = order(&mut leg, LegOrder::AnswerReoffer { body });
    stream(&out);
    assert_eq!(out.last(), Some(&Output::Followed), "the old base station may go");
}

#[test]
fn a_handover_that_the_call_does_not_follow_is_told_of_all_the_same() {
    let (mut leg, _) = talking();
    reoffer(&step(&mut leg, Input::StreamMoved(address(6_000))));
    let cause = Cause::of_status(488, "no");
    assert_eq!(order(&mut leg, LegOrder::RefuseReoffer { cause }), [Output::Followed]);
    let (mut leg, _) = calling(SrtpMode::Off);
    assert_eq!(
        step(&mut leg, Input::StreamMoved(address(6_000))),
        [Output::Followed],
        "nothing is agreed on"
    );
    let (mut leg, _) = talking();
    step(&mut leg, Input::StreamMoved(address(6_000)));
    assert!(heard(&mut leg, ended(ReleaseReason::NORMAL)).contains(&Output::Followed));
}

#[test]
fn the_next_base_station_gets_keys_of_its_own() {
    let (mut leg, offer) = calling(SrtpMode::Required);
    let mut far = call(SrtpMode::Required);
    let body = answered(&mut far, &offer);
    let before = stream(&order(&mut leg, LegOrder::Accept { body: Some(body) })).srtp.clone().unwrap();
    let offer = reoffer(&step(&mut leg, Input::StreamMoved(address(6_000))));
    let answer = far.answer(&offer.content_type, &offer.bytes, None, &mut Tokens::new([8; 32]));
    let body = Body::sdp(answer.unwrap().0);
    let after = stream(&order(&mut leg, LegOrder::AnswerReoffer { body })).srtp.clone().unwrap();
    assert!(after.local != before.local && after.remote != before.remote);
}

#[test]
fn hold_is_granted_by_the_call_or_refused() {
    let (mut leg, mut far) = talking();
    let offer = reoffer(&heard(&mut leg, CallNews::HoldAsked));
    let body = answered(&mut far, &offer);
    assert!(far.agreed().unwrap().remote_held);
    let held = order(&mut leg, LegOrder::AnswerReoffer { body });
    assert_eq!(held.last(), Some(&Output::Handset(Order::AnswerHold(CALL, true))));
    reoffer(&heard(&mut leg, CallNews::RetrieveAsked));
    let cause = Cause::of_status(488, "no");
    let refused = order(&mut leg, LegOrder::RefuseReoffer { cause });
    assert_eq!(refused, [Output::Handset(Order::AnswerRetrieve(CALL, false))]);
}

#[test]
fn the_call_changes_the_stream_and_is_answered() {
    let (mut leg, mut far) = talking();
    far.set_direction(Direction::Inactive);
    let body = Body::sdp(far.offer(&mut Tokens::new([5; 32])));
    let out = order(&mut leg, LegOrder::Reoffer { body });
    assert_eq!(stream(&out).direction, Direction::Inactive);
    assert!(matches!(
        out.last(),
        Some(Output::News(LineNo::FIRST, LegNews::ReofferAnswered { body: Some(_) }))
    ));
    let body = Body { content_type: "application/sdp".into(), bytes: b"v=0\r\n".to_vec().into() };
    let out = order(&mut leg, LegOrder::Reoffer { body });
    assert_eq!(out, [Output::News(LineNo::FIRST, LegNews::ReofferAnswered { body: None })]);
}
