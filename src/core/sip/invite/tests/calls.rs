//! Calls that go as they should, and refusals.

use super::super::*;
use super::pair::*;
use crate::sip::Transport;
use crate::sip::offer_answer::Meaning;
use crate::sip::wire::{HeaderName, Message, Method, Text};

#[test]
fn a_basic_call_is_set_up_and_hung_up_by_the_caller() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut pair = Pair::talking(transport);
        assert_eq!(pair.a.said(), ["INVITE", "ACK"]);
        assert_eq!(pair.b.said(), ["100 INVITE", "180 INVITE", "200 INVITE"]);
        pair.order(A, hang_up());
        pair.drive();
        assert_eq!(pair.a.story(), ["Progress", "Answered", "Ended", "Closed"]);
        assert_eq!(pair.b.story(), ["Invited", "Acknowledged", "Ended", "Closed"]);
        assert_eq!((pair.a.cause(), pair.b.cause()), (Some(EndCause::ByUs), Some(EndCause::ByPeer)));
        let bye = pair.a.sent.iter().find(|m| line(m) == "BYE").unwrap();
        assert_eq!(bye.header(&HeaderName::Reason).unwrap(), "Q.850;cause=16");
        pair.both_closed();
    }
}

#[test]
fn the_callee_hangs_up() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(B, hang_up());
    pair.drive();
    assert_eq!((pair.a.cause(), pair.b.cause()), (Some(EndCause::ByPeer), Some(EndCause::ByUs)));
    pair.both_closed();
}

#[test]
fn tags_and_branches_carry_the_owner() {
    let pair = Pair::talking(Transport::Udp);
    let invite = &pair.a.sent[0];
    let branch = invite.top_via().unwrap().branch().unwrap();
    assert!(branch.starts_with("z9hG4bK000000000000a."), "{branch}");
    assert!(invite.from_tag().unwrap().starts_with("000000000000a."));
    assert!(pair.b.sent[2].to_tag().unwrap().starts_with("000000000000b."));
    assert!(invite.call_id().unwrap().ends_with("@192.0.2.1"));
}

#[test]
fn a_record_is_saved_before_the_2xx_goes_and_deleted_at_the_end() {
    let mut pair = Pair::talking(Transport::Udp);
    let put = |save: &LegSave| matches!(save, LegSave::Put(_));
    assert!(pair.a.saves.iter().all(put) && !pair.a.saves.is_empty());
    let LegSave::Put(first) = &pair.b.saves[1] else { panic!() };
    assert!(first.unacknowledged.is_some());
    let LegSave::Put(last) = pair.b.saves.last().unwrap() else { panic!() };
    assert!(last.unacknowledged.is_none());
    pair.order(A, hang_up());
    pair.drive();
    assert!(matches!(pair.a.saves.last(), Some(LegSave::Delete(_))));
    assert!(matches!(pair.b.saves.last(), Some(LegSave::Delete(_))));
}

#[test]
fn early_media_is_a_preview_and_the_2xx_brings_the_answer() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(183, Some("early b"), false));
    pair.ms(50);
    let LegEvent::Progress { body, meaning, .. } = &pair.a.events[0] else { panic!() };
    assert_eq!((body, *meaning), (&Some(sdp("early b")), None));
    pair.order(B, accept(Some("answer b")));
    pair.ms(100);
    let LegEvent::Answered { body, meaning, .. } = &pair.a.events[1] else { panic!() };
    assert_eq!((body, *meaning), (&Some(sdp("answer b")), Some(Meaning::Answer)));
}

#[test]
fn a_busy_callee_is_told_with_its_reason() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, reject(486));
    pair.drive();
    let LegEvent::Refused { response } = &pair.a.events[0] else { panic!() };
    assert_eq!(response.status(), Some(486));
    assert_eq!(response.header(&HeaderName::Reason).unwrap(), "Q.850;cause=17");
    assert_eq!(pair.a.story(), ["Refused", "Closed"]);
    pair.both_closed();
}

#[test]
fn a_redirection_keeps_its_contacts() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    let headers = vec![(HeaderName::Contact, Text::from("<sip:c@x>, <sip:d@y>"))];
    pair.order(B, LegOrder::Reject { status: 302, reason: "Moved".into(), headers });
    pair.drive();
    let LegEvent::Refused { response } = &pair.a.events[0] else { panic!() };
    assert_eq!(response.contacts().len(), 2);
}

#[test]
fn an_offerless_invite_gets_the_offer_in_the_2xx_and_the_answer_in_the_ack() {
    let mut pair = Pair::new();
    pair.order(A, dial(None));
    pair.ms(50);
    assert_eq!(
        pair.input(B, LegInput::Order(accept(None))),
        Err(LegRefusal::BodyMissing { order: "Accept" })
    );
    pair.order(B, accept(Some("offer b")));
    pair.ms(100);
    assert_eq!(pair.a.count("ACK"), 0);
    let Some(LegEvent::Answered { meaning: Some(Meaning::Offer), .. }) = pair.a.events.last() else {
        panic!("{:?}", pair.a.story());
    };
    pair.order(A, agree("answer a"));
    pair.ms(100);
    assert_eq!(pair.b.events.last(), Some(&LegEvent::Acknowledged { body: Some(sdp("answer a")) }));
}

#[test]
fn a_reliable_progress_is_acknowledged_and_the_2xx_waits_for_it() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(183, Some("answer b"), true));
    pair.order(B, progress(180, None, true));
    pair.order(B, accept(None));
    assert_eq!(pair.b.said(), ["100 INVITE", "183 INVITE"]);
    pair.drive();
    assert_eq!(pair.a.said()[..2], ["INVITE", "PRACK"]);
    assert_eq!(pair.a.story()[0], "Progress");
    let LegEvent::Progress { meaning, .. } = &pair.a.events[0] else { panic!() };
    assert_eq!(*meaning, Some(Meaning::Answer));
    let answered = pair.a.events.iter().find_map(|e| match e {
        LegEvent::Answered { body, .. } => Some(body.clone()),
        _ => None,
    });
    assert_eq!(answered, Some(None));
    pair.same_dialog();
}

#[test]
fn a_reliable_offer_is_answered_in_the_prack() {
    let mut pair = Pair::new();
    pair.order(A, dial(None));
    pair.ms(50);
    pair.order(B, progress(183, Some("offer b"), true));
    pair.ms(50);
    assert_eq!(pair.a.count("PRACK"), 0);
    pair.order(A, agree("answer a"));
    pair.ms(50);
    assert_eq!(pair.b.told("ReofferAnswered"), 1);
    pair.order(B, accept(None));
    pair.drive();
    pair.same_dialog();
    assert_eq!(pair.a.count("ACK"), 1);
}

#[test]
fn a_lost_prack_is_repeated_and_no_prack_at_all_ends_the_call() {
    let mut pair = Pair::new();
    pair.a.lose = vec![1, 2];
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(183, Some("answer b"), true));
    pair.ms(5000);
    assert!(pair.b.count("200 PRACK") >= 1);
    assert_eq!(pair.a.told("Progress"), 1);
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.a.silent = true;
    pair.order(B, progress(183, Some("answer b"), true));
    pair.drive();
    assert_eq!(pair.b.cause(), Some(EndCause::Timeout));
    assert_eq!(pair.b.count("504 INVITE"), pair.b.said().iter().filter(|l| l.starts_with('5')).count());
    assert!(pair.b.leg.is_closed());
}

#[test]
fn an_update_changes_an_early_session() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    assert_eq!(pair.input(B, LegInput::Order(reoffer("x"))), Err(LegRefusal::Busy { order: "Reoffer" }));
    pair.order(B, progress(183, Some("answer b"), true));
    pair.ms(100);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    assert_eq!(pair.b.events.last(), Some(&LegEvent::Reoffered { body: Some(sdp("offer 2")) }));
    pair.order(B, agree("answer 2"));
    pair.ms(50);
    assert_eq!(pair.a.count("UPDATE"), 1);
    assert_eq!(pair.a.story().last(), Some(&"ReofferAnswered"));
    pair.order(B, accept(None));
    pair.drive();
    pair.same_dialog();
}

#[test]
fn info_goes_through_and_its_answer_comes_back() {
    let mut pair = Pair::talking(Transport::Udp);
    let body = Some(Body { content_type: "application/dtmf-relay".into(), bytes: "Signal=1".into() });
    pair.order(A, LegOrder::Request { number: 7, method: Method::Info, headers: vec![], body });
    pair.ms(50);
    let Some(LegEvent::Requested { handle, request }) = pair.b.events.last().cloned() else { panic!() };
    assert_eq!(&request.body[..], b"Signal=1");
    let reply = LegOrder::Reply { handle, status: 200, reason: "OK".into(), headers: vec![], body: None };
    pair.order(B, reply.clone());
    pair.ms(50);
    let Some(LegEvent::Replied { number: 7, outcome: Ok(response) }) = pair.a.events.last() else { panic!() };
    assert_eq!(response.status(), Some(200));
    assert_eq!(pair.input(B, LegInput::Order(reply)), Err(LegRefusal::Unknown { order: "Reply" }));
}

#[test]
fn a_call_that_does_not_answer_a_request_is_answered_for() {
    let mut pair = Pair::talking(Transport::Udp);
    let order = LegOrder::Request { number: 1, method: Method::Refer, headers: vec![], body: None };
    pair.order(A, order);
    pair.drive();
    assert_eq!(pair.b.count("500 REFER"), 1);
    pair.same_dialog();
}

#[test]
fn many_short_requests_are_all_answered_and_a_flood_of_open_ones_is_not() {
    let mut pair = Pair::talking(Transport::Udp);
    let info = LegOrder::Request { number: 1, method: Method::Info, headers: vec![], body: None };
    for _ in 0..100 {
        pair.order(A, info.clone());
        pair.ms(200);
        let Some(LegEvent::Requested { handle, .. }) = pair.b.events.last() else { panic!() };
        let (handle, reason) = (*handle, "OK".into());
        pair.order(B, LegOrder::Reply { handle, status: 200, reason, headers: vec![], body: None });
        pair.ms(50);
    }
    assert_eq!(pair.a.told("Replied"), 100);
    for _ in 0..32 {
        pair.order(A, info.clone());
    }
    assert_eq!(pair.input(A, LegInput::Order(info.clone())), Err(LegRefusal::Busy { order: "Request" }));
    pair.ms(100);
    let mut one_more = pair.a.sent.last().unwrap().clone();
    one_more.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKmore");
    pair.deliver(B, one_more);
    assert_eq!(pair.b.sent.last().unwrap().status(), Some(503));
}

#[test]
fn unknown_and_unwanted_methods_get_their_status() {
    let mut pair = Pair::talking(Transport::Udp);
    for (method, status) in [("OPTIONS", 200), ("REGISTER", 405), ("FOO", 501)] {
        let order =
            LegOrder::Request { number: 1, method: Method::from(method), headers: vec![], body: None };
        pair.order(A, order);
        pair.ms(100);
        let Some(LegEvent::Replied { outcome: Ok(response), .. }) = pair.a.events.last() else { panic!() };
        assert_eq!(response.status(), Some(status), "{method}");
    }
}

#[test]
fn a_challenge_is_answered_with_the_next_number_and_the_ack_keeps_the_credentials() {
    let mut pair = Pair::new();
    pair.dial();
    let invite = pair.a.sent[0].clone();
    let mut challenge = Message::response(&invite, 407, "Proxy Authentication Required", Some("p"));
    challenge.headers.push(HeaderName::ProxyAuthenticate, "Digest realm=\"x\"");
    pair.deliver(A, challenge);
    assert_eq!(pair.a.story(), ["Challenged"]);
    let headers = vec![(HeaderName::ProxyAuthorization, Text::from("Digest y"))];
    // The end B stands for the proxy from here on: it must not see the first INVITE.
    pair.fresh_b();
    pair.order(A, LegOrder::Retry { headers });
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.ms(50);
    let ack = pair.a.sent.iter().rfind(|m| line(m) == "ACK").unwrap();
    assert_eq!(ack.header(&HeaderName::CSeq).unwrap(), "2 ACK");
    assert_eq!(ack.header(&HeaderName::ProxyAuthorization).unwrap(), "Digest y");
    pair.same_dialog();
}

#[test]
fn a_challenge_without_credentials_is_a_refusal() {
    let mut pair = Pair::new();
    pair.b.silent = true;
    pair.dial();
    let invite = pair.a.sent[0].clone();
    pair.deliver(A, Message::response(&invite, 401, "Unauthorized", Some("p")));
    pair.drive();
    assert_eq!(pair.a.story(), ["Challenged", "Refused", "Closed"]);
}

#[test]
fn what_an_invite_must_have_is_checked() {
    for (header, value, status) in [
        (HeaderName::Require, "100rel, nonsense", "420 INVITE"),
        (HeaderName::Contact, "*", "400 INVITE"),
        (HeaderName::SessionExpires, "30", "422 INVITE"),
        (HeaderName::To, "<sip:b@example.com>;tag=old", "481 INVITE"),
    ] {
        let (mut pair, mut source) = (Pair::new(), Pair::new());
        source.order(A, dial(Some("offer")));
        let mut invite = source.a.sent[0].clone();
        invite.headers.set(header, value);
        pair.deliver(B, invite);
        assert_eq!(pair.b.said().last().unwrap(), status);
        pair.drive();
        assert_eq!(pair.b.story(), ["Closed"]);
    }
}

#[test]
fn orders_in_the_wrong_state_are_refused_and_change_nothing() {
    let mut pair = Pair::new();
    let refused = |pair: &mut Pair, order| pair.input(A, LegInput::Order(order)).unwrap_err();
    assert_eq!(refused(&mut pair, accept(None)), LegRefusal::NotNow { order: "Accept", state: "idle" });
    pair.dial();
    let invite = LegOrder::Request { number: 1, method: Method::Invite, headers: vec![], body: None };
    assert_eq!(refused(&mut pair, invite), LegRefusal::OwnOrder);
    assert!(matches!(refused(&mut pair, reject(486)), LegRefusal::NotNow { .. }));
    assert!(matches!(refused(&mut pair, dial(None)), LegRefusal::NotNow { .. }));
    pair.ms(50);
    assert_eq!(
        pair.input(B, LegInput::Order(reject(200))),
        Err(LegRefusal::Status { order: "Reject", status: 200 })
    );
    assert_eq!(
        pair.input(B, LegInput::Order(progress(200, None, false))),
        Err(LegRefusal::Status { order: "Progress", status: 200 })
    );
}

#[test]
fn nobody_answering_ends_in_time() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(180, None, false));
    pair.drive();
    assert!(pair.b.count("180 INVITE") >= 9, "repeated every minute");
    assert_eq!((pair.a.cause(), pair.b.cause()), (Some(EndCause::Timeout), Some(EndCause::ByPeer)));
    pair.both_closed();
}
