//! The keys of a native handset, and a second call that waits there.

use super::*;

crate::call::town::scenes::observed! {
    r_holds_the_call: NativeKeys, Hold,
        "30 calls 90 and presses R",
        "90 is held", || {
            let (mut leg, mut far) = talking();
            let out = keys(&mut leg, "R", 0);
            agree(&mut leg, &mut far, LineNo::FIRST, &out);
            far_ends(&[("90", &far)])
        };
    r_twice_takes_the_call_back: NativeKeys, Hold,
        "30 calls 90, presses R, and R again",
        "90 talks", || {
            let (mut leg, mut far) = talking();
            for press in 0..2 {
                let out = keys(&mut leg, "R", press);
                agree(&mut leg, &mut far, LineNo::FIRST, &out);
            }
            far_ends(&[("90", &far)])
        };
    r2_swaps_two_calls: NativeKeys, Hold,
        "30 calls 90, presses R, calls 91, who answers, and presses R2",
        "90 talks; 91 is held", || {
            let (mut leg, mut first, mut second) = consulting(SrtpMode::Off);
            let out = keys(&mut leg, "R2", 2);
            agree(&mut leg, &mut second, SECOND, &out);
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            far_ends(&[("90", &first), ("91", &second)])
        };
    r2_takes_a_call_that_waits: NativeKeys, CallWaiting,
        "30 talks with 90; 91 calls 30, and 30 presses R2",
        "90 is held; 91 is answered", || {
            let (mut leg, mut first, _) = with_one_waiting();
            let out = keys(&mut leg, "R2", 0);
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            format!("{}; {}", far_ends(&[("90", &first)]), line_of("91", &out, SECOND))
        };
    r1_takes_a_call_that_waits_and_ends_the_other: NativeKeys, CallWaiting,
        "30 talks with 90; 91 calls 30, and 30 presses R1",
        "90's call is ended; 91 is answered", || {
            let (mut leg, ..) = with_one_waiting();
            let out = keys(&mut leg, "R1", 0);
            format!("{}; {}", line_of("90", &out, LineNo::FIRST), line_of("91", &out, SECOND))
        };
    r0_refuses_a_call_that_waits: NativeKeys, CallWaiting,
        "30 talks with 90; 91 calls 30, and 30 presses R0",
        "90 talks; 91 is told 486", || {
            let (mut leg, first, _) = with_one_waiting();
            let out = keys(&mut leg, "R0", 0);
            format!("{}; {}", far_ends(&[("90", &first)]), line_of("91", &out, SECOND))
        };
    a_third_call_at_a_native_handset_is_busy: CallWaiting, CallWaiting,
        "30 talks with 90, and 91 waits; 20 calls 30",
        "20 is told 486", || {
            let (mut leg, _, mut waiting) = with_one_waiting();
            let body = Body::sdp(waiting.offer(&mut Tokens::new([7; 32])));
            let offer = Offer { caller: Caller::new("20", None), ring: Signal::ALERTING_0, internal: true };
            let called = Called { owner: OTHER, body, offer, waits: true };
            let no = leg.next_line();
            let out = step(&mut leg, Input::Knocks(no, Box::new(called)));
            line_of("20", &out, no)
        };
    who_hangs_up_on_a_call_that_waited_is_rung_by_the_held_one: CallWaiting, Hold,
        "30 talks with 90; 91 calls 30, is taken with R2, and 30 hangs up",
        "91's call is ended; 30 rings", || {
            let (mut leg, mut first, _) = with_one_waiting();
            let out = keys(&mut leg, "R2", 0);
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            let out = on_hook(&mut leg);
            format!("{}; {}", line_of("91", &out, SECOND), bell(&out))
        };
    r3_asks_for_a_conference: NativeKeys, Conference,
        "30 calls 90, presses R, calls 91, who answers, and presses R3",
        "a conference is asked for", || {
            let (mut leg, ..) = consulting(SrtpMode::Off);
            let out = keys(&mut leg, "R3", 2);
            line_of("91", &out, SECOND)
        };
    r4_connects_two_calls: NativeKeys, AttendedTransfer,
        "30 calls 90, presses R, calls 91, who answers, and presses R4",
        "90 is transferred to the other call", || {
            let (mut leg, ..) = consulting(SrtpMode::Off);
            let out = keys(&mut leg, "R4", 2);
            line_of("90", &out, LineNo::FIRST)
        };
    a_number_after_r_and_on_hook_transfers: NativeKeys, BlindTransfer,
        "30 calls 90, presses R, dials 4712 and hangs up",
        "90 is transferred to tel:4712", || {
            let (mut leg, _) = talking();
            keys(&mut leg, "R4712", 0);
            let out = on_hook(&mut leg);
            line_of("90", &out, LineNo::FIRST)
        };
    a_lost_link_ends_both_calls: NativeKeys, Handover,
        "30 calls 90, presses R, calls 91, who answers, and comes out of range",
        "90's call is ended; 91's call is ended", || {
            let (mut leg, ..) = consulting(SrtpMode::Off);
            let lost = CallNews::Ended { reason: ReleaseReason::NOT_IN_RANGE, by: Ender::Link };
            let out = heard(&mut leg, lost);
            assert!(leg.is_over());
            format!("{}; {}", line_of("90", &out, LineNo::FIRST), line_of("91", &out, SECOND))
        };
    a_handover_leaves_a_call_that_waits: CallWaiting, Handover,
        "30 talks with 90, and 91 waits; 30 moves to another base station and presses R2",
        "90 is held; 91 is answered at the new base station", || {
            let (mut leg, mut first, mut waiting) = with_one_waiting();
            let out = step(&mut leg, Input::StreamMoved(address(6_000)));
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            let out = keys(&mut leg, "R2", 0);
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            format!("{}; {}", far_ends(&[("90", &first)]), answered_at(&mut waiting, &out))
        };
    nobody_waits_while_a_number_is_awaited: CallWaiting, Hold,
        "30 talks with 90 and presses R, for a number; 20 calls 30",
        "20 is told 486", || {
            let (mut leg, mut far) = talking();
            let out = keys(&mut leg, "R", 0);
            agree(&mut leg, &mut far, LineNo::FIRST, &out);
            let mut caller = call(SrtpMode::Off);
            let body = Body::sdp(caller.offer(&mut Tokens::new([7; 32])));
            let offer = Offer { caller: Caller::new("20", None), ring: Signal::ALERTING_0, internal: true };
            let called = Called { owner: OTHER, body, offer, waits: true };
            let no = leg.next_line();
            let out = step(&mut leg, Input::Knocks(no, Box::new(called)));
            line_of("20", &out, no)
        };
    r4_joins_a_call_that_waited: CallWaiting, AttendedTransfer,
        "30 talks with 90; 91 calls 30, is taken with R2, and 30 presses R4",
        "90 is transferred to the other call", || {
            let (mut leg, mut first, _) = with_one_waiting();
            let out = keys(&mut leg, "R2", 0);
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            let out = keys(&mut leg, "R4", 1);
            line_of("90", &out, LineNo::FIRST)
        };
    r3_joins_a_call_that_waited: CallWaiting, Conference,
        "30 talks with 90; 91 calls 30, is taken with R2, and 30 presses R3",
        "a conference is asked for", || {
            let (mut leg, mut first, _) = with_one_waiting();
            let out = keys(&mut leg, "R2", 0);
            agree(&mut leg, &mut first, LineNo::FIRST, &out);
            let out = keys(&mut leg, "R3", 1);
            line_of("91", &out, SECOND)
        };
    a_second_call_that_is_busy_leaves_the_first: NativeKeys, ForwardBusy,
        "30 calls 90, presses R, calls 21, which is busy and forwards nowhere, and presses R",
        "30 reads \"Busy Here\"; 90 talks", || {
            let (mut leg, mut far) = talking();
            let held = keys(&mut leg, "R", 0);
            agree(&mut leg, &mut far, LineNo::FIRST, &held);
            keys(&mut leg, "21#", 0);
            let reject = LegOrder::Reject { cause: Cause::of_status(486, "Busy Here") };
            let out = step(&mut leg, Input::Order(SECOND, reject));
            let read = shown(&out).into_iter().map(|(text, _)| text).next().unwrap_or_default();
            let back = keys(&mut leg, "R", 1);
            agree(&mut leg, &mut far, LineNo::FIRST, &back);
            format!("30 reads {read:?}; {}", far_ends(&[("90", &far)]))
        };
}

/// Where a call that waited is answered.
fn answered_at(waiting: &mut OfferAnswer, out: &[Output]) -> String {
    let Some(LegNews::Answered { body: Some(body), .. }) = news(out, SECOND).pop() else {
        return "91 is not answered".into();
    };
    waiting.accept_answer(&body.content_type, &body.bytes).unwrap();
    match waiting.agreed().and_then(|agreed| agreed.remote) {
        Some(at) if at == address(6_000) => "91 is answered at the new base station".into(),
        at => format!("91 is answered at {at:?}"),
    }
}

/// What far ends have agreed to.
fn far_ends(ends: &[(&str, &OfferAnswer)]) -> String {
    let word = |(who, far): &(&str, &OfferAnswer)| match far.agreed().map(|agreed| agreed.remote_held) {
        Some(true) => format!("{who} is held"),
        Some(false) => format!("{who} talks"),
        None => format!("{who} has agreed to nothing"),
    };
    ends.iter().map(word).collect::<Vec<_>>().join("; ")
}

/// What a line's call is told.
fn line_of(who: &str, out: &[Output], line: LineNo) -> String {
    let words = news(out, line).into_iter().find_map(|news| match news {
        LegNews::Answered { .. } => Some(format!("{who} is answered")),
        LegNews::Refused { cause, .. } => Some(format!("{who} is told {}", cause.status)),
        LegNews::ConferenceAsked => Some("a conference is asked for".into()),
        LegNews::TransferAsked(wish) if wish.replaces_own == Some(OTHER) => {
            Some(format!("{who} is transferred to the other call"))
        }
        LegNews::TransferAsked(wish) => Some(format!("{who} is transferred to {}", wish.to)),
        LegNews::Ended { .. } => Some(format!("{who}'s call is ended")),
        _ => None,
    });
    words.unwrap_or_else(|| format!("{who} is told nothing"))
}

fn bell(out: &[Output]) -> &'static str {
    let rings = out.iter().any(|output| matches!(output, Output::Handset(Order::Offer { .. })));
    if rings { "30 rings" } else { "30 is at rest" }
}
