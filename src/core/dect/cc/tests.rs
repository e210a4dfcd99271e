use super::*;
use crate::dect::element::{BasicService, FixedIdentity, MultiKeypad, PortableIdentity, Progress, Signal};
use crate::dect::identity::{Ari, Ipui, Park};
use crate::dect::message::{Protocol, Side, receive};

use State::*;

const STATES: [State; 9] = [
    Null,
    CallInitiated,
    OverlapSending,
    CallProceeding,
    CallDelivered,
    CallPresent,
    CallReceived,
    Active,
    ReleasePending,
];

fn at(seconds: u64) -> Moment {
    Moment::from_micros(1_000_000_000) + Duration::from_secs(seconds)
}

fn transaction(starter: Side) -> Transaction {
    Transaction::first(Protocol::Cc, starter)
}

fn whole(kind: Kind, from: Side, starter: Side) -> Message {
    let message = Message::new(kind, from, transaction(starter));
    match kind {
        Kind::CcSetup => message
            .with(&PortableIdentity::Ipui(Ipui::private(1, 16).unwrap()))
            .with(&FixedIdentity::Park(Park::of(&Ari::B { eic: 1, fpn_fps: 1 })))
            .with(&BasicService::SPEECH),
        _ => message,
    }
}

/// A call of either side, brought to a state by the shortest way.
fn call_in(state: State) -> Call {
    use Side::{Fixed, Portable};
    let starter = if matches!(state, CallPresent | CallReceived) { Fixed } else { Portable };
    let mut call = Call::new(transaction(starter));
    let said = |kind| Input::Send(whole(kind, Fixed, starter));
    let heard = |kind| Input::Received(whole(kind, Portable, starter));
    let way = match state {
        Null => vec![],
        CallInitiated => vec![heard(Kind::CcSetup)],
        OverlapSending => vec![heard(Kind::CcSetup), said(Kind::CcSetupAck)],
        CallProceeding => vec![heard(Kind::CcSetup), said(Kind::CcCallProc)],
        CallDelivered => vec![heard(Kind::CcSetup), said(Kind::CcAlerting)],
        CallPresent => vec![said(Kind::CcSetup)],
        CallReceived => vec![said(Kind::CcSetup), heard(Kind::CcAlerting)],
        Active => vec![heard(Kind::CcSetup), said(Kind::CcConnect)],
        ReleasePending => vec![heard(Kind::CcSetup), said(Kind::CcConnect), said(Kind::CcRelease)],
    };
    for input in way {
        call.handle(input, at(0)).unwrap();
    }
    assert_eq!(call.state(), state);
    call
}

/// Table B.2. A cell is the end state's number, `*` for no change, `.` for an empty cell.
/// Cells in brackets are empty in the table and filled by clauses 9.5.1, 9.5.2.2 and 17.4.1.
const TABLE: &str = "
    sent CC-SETUP        06   .    .   .   .   .    .   .   .
    rcvd CC-SETUP        01   .    .   .   .   .    .   .   .
    sent CC-SETUP-ACK    .    02   .   .   .   .    .   .   .
    sent CC-CALL-PROC    .    03   03  .   .   .    .   .   .
    sent CC-ALERTING     .    04   04  04  .   .    .   .   .
    rcvd CC-ALERTING     .    .    .   .   .   07   .   .   .
    sent CC-CONNECT      .    10   10  10  10  .    .   .   .
    rcvd CC-CONNECT      .    .    .   .   .   10   10  .   .
    sent CC-INFO         .    .    *   *   *   .    *   *   *
    rcvd CC-INFO         .    .    *   *   *   .    *   *   *
    sent CC-RELEASE      .    [00] 19  19  19  19   19  19  .
    rcvd CC-RELEASE      .    00   00  00  00  [00] 00  00  00
    rcvd CC-RELEASE-COM  .    00   00  00  00  00   00  00  00
    sent CC-RELEASE-COM  .    00   00 [00][00][00] [00][00] 00
    sent CC-NOTIFY       .    *    *   *   *   .    .   .   .
    time CC.01           .    .    19  .   .   .    .   .   .
    time CC.04           .    .    .   19  19  .    19  .   .
    time CC.03           .    .    .   .   .   00   .   .   .
    time CC.02           .    .    .   .   .   .    .   .   00
";

#[test]
fn every_cell_of_table_b2_is_obeyed() {
    let rows = TABLE.lines().filter(|line| !line.trim().is_empty());
    let mut cells = 0;
    for row in rows {
        let row = row.replace(['[', ']'], " ");
        let words: Vec<_> = row.split_whitespace().collect();
        let (direction, event, ends) = (words[0], words[1], &words[2..]);
        assert_eq!(ends.len(), STATES.len(), "{row}");
        for (state, end) in STATES.into_iter().zip(ends) {
            check(direction, event, state, end);
            cells += 1;
        }
    }
    assert_eq!(cells, 19 * 9);
}

fn check(direction: &str, event: &str, state: State, end: &str) {
    let mut call = call_in(state);
    let starter = call.transaction().starter;
    let kind = || *Kind::ALL.iter().find(|kind| kind.name() == event).unwrap();
    let result = match direction {
        "sent" => call.handle(Input::Send(whole(kind(), Side::Fixed, starter)), at(1)),
        "rcvd" => call.handle(Input::Received(whole(kind(), Side::Portable, starter)), at(1)),
        _ => {
            let seconds = match event {
                "CC.02" => 36,
                "CC.04" => 100,
                _ => 20,
            };
            let due = call.deadline() == Some(at(seconds));
            if end == "." {
                // Another timer of the same length may run: CC.01 and CC.03 do not, in each other's states.
                let other = matches!((event, state), ("CC.01", CallPresent) | ("CC.03", OverlapSending));
                assert!(!due || other, "{event} runs in {state:?}");
                return;
            }
            assert!(due, "{event} does not run in {state:?}");
            call.handle(Input::Deadline, at(seconds))
        }
    };
    let expected = match end {
        "." | "*" => state.number(),
        number => number.parse().unwrap(),
    };
    assert_eq!(call.state().number(), expected, "{direction} {event} in {state:?}");
    match (direction, end) {
        ("sent", ".") => assert_eq!(result.unwrap_err(), Refusal::NotNow { kind: kind(), state }),
        (_, ".") => assert_eq!(result.unwrap().then, [], "{direction} {event} in {state:?} is not ignored"),
        _ => {
            let ready = result.unwrap();
            assert!(!ready.then.is_empty(), "{direction} {event} in {state:?}");
            let ended = ready.then.iter().any(|order| matches!(order, Output::Ended { .. }));
            assert_eq!(ended, call.state() == Null);
            assert!(call.deadline().is_none() || call.state() != Null);
        }
    }
}

fn hers(kind: Kind) -> Message {
    whole(kind, Side::Portable, Side::Portable)
}

fn ours(kind: Kind) -> Message {
    whole(kind, Side::Fixed, Side::Portable)
}

#[test]
fn a_call_dialled_digit_by_digit_looks_on_the_air_as_it_should() {
    let mut call = Call::new(transaction(Side::Portable));
    let mut air = Vec::new();
    for input in [
        Input::Received(hers(Kind::CcSetup)),
        Input::Send(ours(Kind::CcSetupAck).with(&Progress::IN_BAND).with(&Signal::DIAL_TONE)),
        Input::Received(hers(Kind::CcInfo).with(&MultiKeypad::new(*b"5"))),
        Input::Send(ours(Kind::CcCallProc)),
        Input::Send(ours(Kind::CcAlerting).with(&Progress::IN_BAND)),
        Input::Send(ours(Kind::CcConnect)),
        Input::Received(hers(Kind::CcRelease).with(&ReleaseReason::NORMAL)),
    ] {
        let ready = call.handle(input, at(0)).unwrap();
        air.extend(ready.then.into_iter().filter_map(|order| match order {
            Output::Send(message) => Some(message.encode()),
            _ => None,
        }));
    }
    let expected: [&[u8]; 5] = [
        &[0x83, 0x0D, 0x1E, 0x02, 0x80, 0x88, 0xE4, 0x00],
        &[0x83, 0x02],
        &[0x83, 0x01, 0x1E, 0x02, 0x80, 0x88],
        &[0x83, 0x07],
        &[0x83, 0x5A],
    ];
    assert_eq!(air, expected);
}

#[test]
fn an_answered_handset_hears_before_it_is_acknowledged() {
    let mut call = call_in(CallReceived);
    let connect = whole(Kind::CcConnect, Side::Portable, Side::Fixed);
    let ready = call.handle(Input::Received(connect.clone()), at(1)).unwrap();
    let ack = whole(Kind::CcConnectAck, Side::Fixed, Side::Fixed);
    assert_eq!(ready.then, [Output::ConnectUPlane, Output::Send(ack.clone()), Output::Heard(connect)]);
    assert_eq!((ack.encode(), call.deadline()), (vec![0x03, 0x0F], None));
}

#[test]
fn each_digit_gives_twenty_seconds_for_the_next() {
    let mut call = call_in(OverlapSending);
    call.handle(Input::Received(hers(Kind::CcInfo)), at(15)).unwrap();
    assert_eq!(call.deadline(), Some(at(35)));
    assert_eq!(call.handle(Input::Deadline, at(34)).unwrap().then, []);
    let ready = call.handle(Input::Deadline, at(35)).unwrap();
    let release = ours(Kind::CcRelease).with(&ReleaseReason::TIMER_EXPIRY);
    assert_eq!(ready.then, [Output::Send(release)]);
    let ready = call.handle(Input::Received(hers(Kind::CcReleaseCom)), at(36)).unwrap();
    let reason = ReleaseReason::TIMER_EXPIRY;
    assert_eq!(ready.then[0], Output::Ended { reason, by: Ender::Timer });
}

#[test]
fn a_lost_link_ends_all_but_talking_calls_which_wait_for_it() {
    for state in STATES {
        let mut call = call_in(state);
        call.handle(Input::LinkFailed { normal: false }, at(1)).unwrap();
        assert_eq!(call.state(), if state == Active { Active } else { Null });
        call.handle(Input::LinkGone, at(6)).unwrap();
        assert_eq!(call.state(), Null);
        let mut call = call_in(state);
        call.handle(Input::LinkFailed { normal: true }, at(1)).unwrap();
        assert_eq!((call.state(), call.deadline()), (Null, None));
    }
}

#[test]
fn a_link_that_begins_anew_ends_only_a_call_whose_digits_may_be_lost() {
    for state in STATES {
        let mut call = call_in(state);
        let ready = call.handle(Input::LinkReset, at(1)).unwrap();
        let expected = if state == OverlapSending { ReleasePending } else { state };
        assert_eq!((call.state(), ready.then.is_empty()), (expected, state != OverlapSending));
    }
}

#[test]
fn a_service_change_without_answer_fails_and_leaves_the_call() {
    let mut call = call_in(Active);
    call.handle(Input::Send(ours(Kind::CcServiceChange)), at(0)).unwrap();
    let accept = Input::Received(hers(Kind::CcServiceAccept));
    assert_eq!(call.handle(accept.clone(), at(1)).unwrap().then.len(), 1);
    assert_eq!(call.handle(accept, at(2)).unwrap().then, [], "nobody asked for that one");
    call.handle(Input::Send(ours(Kind::CcServiceChange)), at(3)).unwrap();
    assert_eq!(call.handle(Input::Deadline, at(23)).unwrap().then, [Output::ServiceChangeFailed]);
    assert_eq!(call.state(), Active);
}

#[test]
fn a_message_of_another_call_is_refused() {
    let other = whole(Kind::CcInfo, Side::Portable, Side::Fixed);
    let refused = call_in(Active).handle(Input::Received(other), at(0));
    assert_eq!(refused, Err(Refusal::NotOurs(Kind::CcInfo)));
}

#[test]
fn messages_of_no_call_are_answered_or_not_as_17_3_says() {
    let talking = [(transaction(Side::Fixed), Active)];
    let answer = |message: &Message, calls: &[(Transaction, State)]| match route(message, calls) {
        Route::Answer { message, collision } => (message.encode(), collision),
        other => panic!("{other:?}"),
    };
    assert_eq!(route(&hers(Kind::CcSetup), &[]), Route::NewCall);
    assert_eq!(route(&hers(Kind::CcSetup), &[(transaction(Side::Portable), Active)]), Route::Call);
    assert_eq!(answer(&hers(Kind::CcSetup), &talking), (vec![0x83, 0x5A, 0xE2, 0x32], false));
    let ringing = [(transaction(Side::Fixed), CallPresent)];
    assert_eq!(answer(&hers(Kind::CcSetup), &ringing), (vec![0x83, 0x5A, 0xE2, 0x32], true));
    assert_eq!(answer(&hers(Kind::CcInfo), &talking), (vec![0x83, 0x5A, 0xE2, 0x02], false));
    for kind in [Kind::CcRelease, Kind::CcReleaseCom, Kind::CcServiceChange] {
        assert_eq!(route(&hers(kind), &talking), Route::Nowhere);
    }
    let gone = [(transaction(Side::Portable), Null)];
    assert_eq!(answer(&hers(Kind::CcInfo), &gone).0, [0x83, 0x5A, 0xE2, 0x02]);
    let fault = receive(&[0x03, 0x77], Side::Portable).unwrap_err();
    let crate::dect::message::Fault::Unrecognised { transaction, .. } = fault else { panic!("{fault}") };
    assert_eq!(route_unrecognised(transaction, &[(transaction, Active)]), Route::Nowhere);
    assert!(matches!(route_unrecognised(transaction, &talking), Route::Answer { .. }));
}
