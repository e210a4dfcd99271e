//! A long slot for G.722, and none where there is no room.

use super::*;

const WIDE: [Output; 2] = [Output::Handset(Order::Speak(CALL, true)), Output::Slot { long: true }];
const NARROW: [Output; 2] = [Output::Handset(Order::Speak(CALL, false)), Output::Slot { long: false }];

fn able() -> DectLeg {
    let codecs = vec![Codec::G722, Codec::Pcma];
    let mut leg = DectLeg::new(CALL, Abilities { codecs, ..abilities(SrtpMode::Off) }, Tokens::new([1; 32]));
    step(&mut leg, Input::Carried { able: true, long: false });
    leg
}

fn far(codecs: &[Codec]) -> OfferAnswer {
    let media = LocalMedia::new([192, 0, 2, 1].into(), 4_000, codecs.to_vec());
    OfferAnswer::new(media, &mut Tokens::new([2; 32]))
}

/// In talk with a far end of these codecs; what was said when it answered.
fn connected(mut leg: DectLeg, far: &mut OfferAnswer) -> (DectLeg, Vec<Output>) {
    step(&mut leg, Input::Started(Beginning::Asked(connection())));
    let begins = step(&mut leg, Input::Opened(address(5_000)));
    let [Output::Begin { body: offer, .. }] = &begins[..] else { panic!("{begins:?}") };
    step(&mut leg, Input::Joined(LineNo::FIRST, OWNER));
    let body = Some(answered(far, offer));
    let out = order(&mut leg, LegOrder::Accept { body });
    (leg, out)
}

fn said(out: &[Output], pair: &[Output; 2]) -> bool {
    out.windows(2).any(|said| said == pair)
}

/// The far end changes to these codecs.
fn changes(leg: &mut DectLeg, far: &mut OfferAnswer, codecs: &[Codec]) -> Vec<Output> {
    far.set_codecs(codecs.to_vec());
    let body = Body::sdp(far.offer(&mut Tokens::new([6; 32])));
    let out = order(leg, LegOrder::Reoffer { body });
    let answer = out.iter().find_map(|output| match output {
        Output::News(_, LegNews::ReofferAnswered { body: Some(body) }) => Some(body.clone()),
        _ => None,
    });
    let answer = answer.unwrap_or_else(|| panic!("{out:?}"));
    far.accept_answer(&answer.content_type, &answer.bytes).unwrap();
    out
}

#[test]
fn g722_gets_a_long_slot_before_the_handset_hears_of_the_answer() {
    let (mut leg, out) = connected(able(), &mut far(&[Codec::G722]));
    assert!(said(&out, &WIDE), "{out:?}");
    let told = out.iter().position(|output| *output == tell(Fare::Connected));
    assert!(out.iter().position(|output| *output == WIDE[0]) < told, "{{CC-CONNECT}} names the codec");
    assert_eq!((stream(&out).codec, leg.is_wide()), (Codec::G722, true));
    assert_eq!(step(&mut leg, Input::SlotChanged { long: true }), []);
    assert!(leg.is_wide());
}

#[test]
fn a_narrow_far_end_and_a_narrow_connection_need_none() {
    let (leg, out) = connected(able(), &mut far(&[Codec::Pcma]));
    assert!(!said(&out, &WIDE) && !leg.is_wide());
    let codecs = vec![Codec::G722, Codec::Pcma];
    let leg = DectLeg::new(CALL, Abilities { codecs, ..abilities(SrtpMode::Off) }, Tokens::new([1; 32]));
    let (leg, out) = connected(leg, &mut far(&[Codec::G722, Codec::Pcma]));
    assert_eq!((stream(&out).codec, leg.is_wide()), (Codec::Pcma, false), "it was not offered");
}

#[test]
fn without_room_the_call_goes_on_in_a_full_slot_and_does_not_ask_again() {
    let mut far = far(&[Codec::G722]);
    let (mut leg, _) = connected(able(), &mut far);
    let out = step(&mut leg, Input::SlotChanged { long: false });
    assert_eq!(out, [Output::Handset(Order::Speak(CALL, false))]);
    let out = changes(&mut leg, &mut far, &[Codec::G722, Codec::Pcma]);
    assert_eq!((stream(&out).codec, said(&out, &WIDE), leg.is_wide()), (Codec::G722, false, false));
}

#[test]
fn the_slot_follows_a_far_end_that_changes_its_codec() {
    let mut far = far(&[Codec::G722]);
    let (mut leg, _) = connected(able(), &mut far);
    step(&mut leg, Input::SlotChanged { long: true });
    assert!(said(&changes(&mut leg, &mut far, &[Codec::Pcma]), &NARROW));
    // It changes its mind before the slot has followed.
    let out = changes(&mut leg, &mut far, &[Codec::G722]);
    assert!(!said(&out, &WIDE), "one change at a time");
    assert_eq!(step(&mut leg, Input::SlotChanged { long: false }), WIDE);
}

#[test]
fn a_handset_that_does_not_want_g722_gets_its_full_slot_back() {
    let (mut leg, _) = connected(able(), &mut far(&[Codec::G722]));
    step(&mut leg, Input::SlotChanged { long: true });
    assert_eq!(heard(&mut leg, CallNews::StaysNarrow), NARROW);
    assert_eq!(step(&mut leg, Input::SlotChanged { long: false }), []);
}

#[test]
fn a_handover_keeps_g722_where_it_can_be_and_offers_g711_where_not() {
    let mut far = far(&[Codec::G722, Codec::Pcma]);
    let (mut leg, _) = connected(able(), &mut far);
    step(&mut leg, Input::SlotChanged { long: true });
    // The next one takes it with a long slot at once, the second has none, the third has, and nobody changes a
    // call for that alone.
    for (able, long, codec) in
        [(true, true, Codec::G722), (false, false, Codec::Pcma), (true, false, Codec::Pcma)]
    {
        let was = leg.is_wide();
        let out = step(&mut leg, Input::Carried { able, long });
        assert_eq!(out == NARROW[..1], was && !long, "the handset is told: {out:?}");
        let offer = reoffer(&step(&mut leg, Input::StreamMoved(address(6_000))));
        let body = answered(&mut far, &offer);
        let out = order(&mut leg, LegOrder::AnswerReoffer { body });
        assert_eq!((stream(&out).codec, leg.is_wide()), (codec, long));
        assert!(!said(&out, &WIDE) && !said(&out, &NARROW), "{out:?}");
    }
}

#[test]
fn a_handover_into_a_full_slot_asks_for_a_long_one_there() {
    let mut far = far(&[Codec::G722]);
    let (mut leg, _) = connected(able(), &mut far);
    step(&mut leg, Input::SlotChanged { long: true });
    step(&mut leg, Input::Carried { able: true, long: false });
    let offer = reoffer(&step(&mut leg, Input::StreamMoved(address(6_000))));
    let body = answered(&mut far, &offer);
    assert!(said(&order(&mut leg, LegOrder::AnswerReoffer { body }), &WIDE));
}
