//! Cancellation, forks, losses and crossings. Every race of RFC 5407 section 3 has a test that bears its number:
//! 3.1.1 to 3.1.6, 3.2.1 to 3.2.4, 3.3.1 to 3.3.3.

use super::super::*;
use super::pair::*;
use crate::sip::Transport;
use crate::sip::wire::{HeaderName, Message, Method, StartLine};

#[test]
fn cancel_before_any_response_waits_for_the_first_one() {
    let mut pair = Pair::new();
    pair.dial();
    pair.order(A, hang_up());
    assert_eq!(pair.a.said(), ["INVITE"]);
    pair.drive();
    assert_eq!(pair.a.said()[..2], ["INVITE", "CANCEL"]);
    assert_eq!((pair.a.cause(), pair.b.cause()), (Some(EndCause::ByUs), Some(EndCause::ByPeer)));
    assert_eq!(pair.b.count("487 INVITE"), 1);
    pair.both_closed();
}

#[test]
fn cancel_while_ringing() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(180, None, false));
    pair.ms(50);
    pair.order(A, hang_up());
    pair.order(A, hang_up());
    pair.drive();
    assert_eq!(pair.a.count("CANCEL"), 1);
    let cancel = pair.a.sent.iter().find(|m| line(m) == "CANCEL").unwrap();
    assert_eq!(cancel.header(&HeaderName::Reason).unwrap(), "Q.850;cause=16");
    pair.both_closed();
}

#[test]
fn cancel_crosses_the_2xx_rfc_5407_3_1_2() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.order(A, hang_up());
    pair.drive();
    assert_eq!(pair.a.count("CANCEL"), 1);
    assert_eq!(pair.b.count("200 CANCEL"), 1);
    assert_eq!((pair.a.count("ACK"), pair.a.count("BYE")), (1, 1));
    assert_eq!(pair.a.told("Answered"), 0);
    pair.both_closed();
}

#[test]
fn cancel_with_no_final_response_is_given_up() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.b.silent = true;
    pair.order(A, hang_up());
    pair.drive();
    pair.both_closed();
}

#[test]
fn an_unreachable_peer_ends_the_call_at_once() {
    let mut pair = Pair::new();
    pair.dial();
    let invite = pair.a.sent[0].clone();
    pair.input(A, LegInput::TransportFailed(invite)).unwrap();
    assert_eq!(pair.a.story(), ["Ended", "Closed"]);
    assert_eq!(pair.a.cause(), Some(EndCause::TransportLost));
}

#[test]
fn a_peer_that_never_speaks_is_given_up_after_64_t1() {
    let mut pair = Pair::new();
    pair.a.silent = true;
    pair.dial();
    pair.drive();
    assert_eq!(pair.a.cause(), Some(EndCause::Timeout));
    assert_eq!(pair.a.count("INVITE"), 7);
    assert!(pair.a.leg.is_closed());
}

#[test]
fn of_several_forks_the_first_2xx_wins_and_the_others_are_hung_up() {
    let mut pair = Pair::new();
    pair.b.silent = true;
    pair.dial();
    let invite = pair.a.sent[0].clone();
    let response = |status: u16, tag: &str| {
        let mut response = Message::response(&invite, status, "x", Some(tag));
        response.headers.push(HeaderName::Contact, format!("<sip:{tag}@192.0.2.1:5070>"));
        response.headers.push(HeaderName::RecordRoute, format!("<sip:192.0.2.9;lr;fork={tag}>"));
        if status == 200 {
            response.set_body("application/sdp", format!("answer {tag}"));
        }
        response
    };
    for (status, tag) in
        [(180, "f1"), (180, "f2"), (200, "f2"), (200, "f1"), (200, "f3"), (200, "f2"), (200, "f1")]
    {
        pair.deliver(A, response(status, tag));
    }
    assert_eq!(pair.a.leg.dialog_id().unwrap().remote_tag, "f2");
    assert_eq!(pair.a.told("Answered"), 1);
    // Each of the three is acknowledged once, two of them again; the losers are hung up once.
    assert_eq!((pair.a.count("ACK"), pair.a.count("BYE")), (5, 2));
    let bye = pair.a.sent.iter().find(|m| line(m) == "BYE").unwrap();
    assert_eq!(bye.to_tag().unwrap(), "f1");
    assert_eq!(bye.header(&HeaderName::Route).unwrap(), "<sip:192.0.2.9;lr;fork=f1>");
}

#[test]
fn a_lost_ack_is_said_again_on_udp_and_tcp() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut pair = Pair::over(transport);
        pair.a.lose = vec![1, 2];
        pair.dial();
        pair.ms(50);
        pair.order(B, accept(Some("answer")));
        pair.drive();
        assert_eq!(pair.b.count("200 INVITE"), 3);
        assert_eq!(pair.a.count("ACK"), 3);
        assert_eq!((pair.a.told("Answered"), pair.b.told("Acknowledged")), (1, 1));
        pair.same_dialog();
    }
}

#[test]
fn a_lost_200_is_said_again() {
    let mut pair = Pair::new();
    pair.b.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.drive();
    assert_eq!(pair.a.told("Answered"), 1);
    pair.same_dialog();
}

#[test]
fn without_any_ack_the_callee_says_bye() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.a.silent = true;
    pair.order(B, accept(Some("answer")));
    pair.ms(31_000);
    assert_eq!(pair.b.count("BYE"), 0);
    pair.drive();
    assert_eq!(pair.b.cause(), Some(EndCause::Timeout));
    assert!(pair.b.count("BYE") > 1);
    assert_eq!(pair.a.cause(), Some(EndCause::ByPeer));
    pair.both_closed();
}

#[test]
fn a_callee_who_hangs_up_before_the_ack_waits_for_it() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.order(B, hang_up());
    assert_eq!(pair.b.count("BYE"), 0);
    pair.drive();
    assert_eq!(pair.b.count("BYE"), 1);
    pair.both_closed();
}

#[test]
fn both_reoffer_at_once_rfc_5407_3_3_1() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer a2"));
    pair.order(B, reoffer("offer b2"));
    pair.ms(100);
    assert_eq!((pair.a.count("491 INVITE"), pair.b.count("491 INVITE")), (1, 1));
    // B does not own the Call-ID and tries first, within two seconds.
    pair.ms(2050);
    assert_eq!(pair.a.events.last(), Some(&LegEvent::Reoffered { body: Some(sdp("offer b2")) }));
    pair.order(A, agree("answer a2"));
    pair.ms(5000);
    assert_eq!(pair.b.events.last(), Some(&LegEvent::Reoffered { body: Some(sdp("offer a2")) }));
    pair.order(B, agree("answer b2"));
    pair.drive();
    assert_eq!((pair.a.told("ReofferAnswered"), pair.b.told("ReofferAnswered")), (1, 1));
    pair.same_dialog();
}

#[test]
fn an_update_crosses_a_reinvite_rfc_5407_3_3_2() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(B, LegOrder::Request { number: 1, method: "INFO".into(), headers: vec![], body: None });
    let mut update = pair.b.sent.last().unwrap().clone();
    update.start = StartLine::Request { method: Method::Update, uri: "sip:enda@192.0.2.1:5060".into() };
    update.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKupdate;rport");
    update.headers.set(HeaderName::CSeq, "9 UPDATE");
    update.set_body("application/sdp", "offer b");
    pair.order(A, reoffer("offer a"));
    pair.deliver(A, update);
    assert_eq!(line(pair.a.sent.last().unwrap()), "491 UPDATE");
    pair.ms(50);
    pair.order(B, agree("answer b"));
    pair.ms(50);
    assert_eq!(pair.a.told("ReofferAnswered"), 1);
}

#[test]
fn a_reinvite_overtakes_a_lost_ack_rfc_5407_3_1_4() {
    let mut pair = Pair::new();
    pair.a.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.ms(50);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    assert_eq!(pair.b.story()[1..], ["Acknowledged", "Reoffered"]);
    pair.order(B, agree("answer 2"));
    pair.drive();
    assert_eq!(pair.a.told("ReofferAnswered"), 1);
    pair.same_dialog();
}

#[test]
fn a_reinvite_while_the_answer_is_missing_gets_491_rfc_5407_3_1_5() {
    let mut pair = Pair::new();
    pair.order(A, dial(None));
    pair.ms(50);
    pair.order(B, accept(Some("offer b")));
    pair.ms(50);
    pair.a.lose = vec![1];
    pair.order(A, agree("answer a"));
    pair.order(A, reoffer("offer a"));
    pair.ms(50);
    assert_eq!(pair.b.count("491 INVITE"), 1);
    pair.ms(5000);
    pair.order(B, agree("answer b"));
    pair.drive();
    assert_eq!(pair.a.told("ReofferAnswered"), 1);
    pair.same_dialog();
}

#[test]
fn an_invite_that_comes_again_after_the_2xx_is_swallowed_rfc_5407_3_1_1() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    let (invite, said) = (pair.a.sent[0].clone(), pair.b.sent.len());
    pair.deliver(B, invite);
    assert_eq!(pair.b.sent.len(), said);
    pair.ms(100);
    pair.same_dialog();
}

#[test]
fn a_bye_overtakes_a_lost_ack_rfc_5407_3_1_6() {
    let mut pair = Pair::new();
    pair.a.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.ms(50);
    pair.order(A, hang_up());
    pair.ms(100);
    assert_eq!(pair.b.cause(), Some(EndCause::ByPeer));
    let said = pair.b.count("200 INVITE");
    pair.drive();
    assert_eq!(pair.b.count("200 INVITE"), said, "nothing is repeated after the end");
    pair.both_closed();
}

#[test]
fn an_offer_held_for_the_ack_gives_way_to_an_update_of_the_other_end() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(183, Some("answer b"), true));
    pair.ms(100);
    pair.order(A, reoffer("update a"));
    pair.order(B, accept(None));
    pair.order(B, reoffer("reinvite b"));
    pair.ms(100);
    assert_eq!(pair.b.count("INVITE"), 0);
    pair.order(B, agree("answer to update"));
    pair.ms(1000);
    pair.order(A, agree("answer to reinvite"));
    pair.ms(100);
    assert_eq!((pair.a.told("ReofferAnswered"), pair.b.told("ReofferAnswered")), (1, 1));
    pair.drive();
    pair.same_dialog();
}

#[test]
fn a_session_lost_before_the_ack_waits_with_its_bye() {
    let mut pair = Pair::new();
    pair.b.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    // It overtakes the 2xx, and A knows no dialog yet.
    pair.order(B, LegOrder::Request { number: 1, method: "INFO".into(), headers: vec![], body: None });
    pair.ms(100);
    assert_eq!((pair.b.cause(), pair.b.count("BYE")), (Some(EndCause::Status(481)), 0));
    pair.drive();
    assert_eq!((pair.a.count("ACK"), pair.b.count("BYE")), (1, 1));
    pair.both_closed();
}

#[test]
fn an_unknown_extension_in_a_dialog_gets_420() {
    let mut pair = Pair::talking(Transport::Udp);
    let headers = vec![(HeaderName::Require, "nonsense".into())];
    pair.order(A, LegOrder::Request { number: 1, method: "INFO".into(), headers, body: None });
    pair.ms(50);
    let refusal = pair.b.sent.last().unwrap();
    assert_eq!(refusal.status(), Some(420));
    assert_eq!(refusal.header(&HeaderName::Unsupported).unwrap(), "nonsense");
}

#[test]
fn a_notify_that_a_later_request_overtook_is_said_again() {
    let mut pair = Pair::talking(Transport::Udp);
    let notify = |number| LegOrder::Request { number, method: "NOTIFY".into(), headers: vec![], body: None };
    let reply = |handle| LegOrder::Reply {
        handle,
        status: 200,
        reason: "OK".into(),
        headers: Vec::new(),
        body: None,
    };
    // The first one stays on the way; its transaction says it again when the second has been heard.
    pair.a.lose = vec![pair.a.sent.len()];
    pair.order(A, notify(1));
    pair.order(A, notify(2));
    pair.ms(100);
    pair.order(B, reply(1));
    pair.ms(600);
    assert_eq!(pair.b.count("500 NOTIFY"), 1, "it came too late");
    pair.order(B, reply(2));
    pair.ms(100);
    assert_eq!((pair.b.told("Requested"), pair.a.told("Replied")), (2, 2), "and again, in its turn");
    assert_eq!(pair.b.count("200 NOTIFY"), 2);
}

/// A request of A's that its own machine would not make, in the dialog that the INVITE began.
fn in_early_dialog(pair: &Pair, method: &str, cseq: u32) -> Message {
    let (invite, ringing) = (&pair.a.sent[0], pair.b.sent.last().unwrap());
    let mut request = Message::request(method.into(), "sip:b@192.0.2.1:5070");
    request.headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKearly;rport");
    request.headers.push(HeaderName::MaxForwards, "70");
    for (name, from) in [(HeaderName::From, invite), (HeaderName::To, ringing), (HeaderName::CallId, invite)]
    {
        request.headers.push(name.clone(), from.header(&name).unwrap().clone());
    }
    request.headers.push(HeaderName::CSeq, format!("{cseq} {method}"));
    request
}

#[test]
fn a_bye_of_the_early_dialog_crosses_the_2xx_rfc_5407_3_1_3() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    pair.order(B, progress(180, None, false));
    let bye = in_early_dialog(&pair, "BYE", 2);
    pair.order(B, accept(Some("answer")));
    // The callee is in its moratorium: 200 is out, the ACK has not come.
    pair.deliver(B, bye);
    assert_eq!((pair.b.count("200 BYE"), pair.b.cause()), (1, Some(EndCause::ByPeer)));
    pair.drive();
    // The 2xx got its ACK all the same, and then the caller learns that there is no dialog any more.
    assert!(pair.a.count("ACK") >= 1 && pair.b.leg.is_closed());
    assert_eq!(pair.b.count("BYE"), 0, "nobody says BYE in answer to one");
}

#[test]
fn an_ack_that_comes_after_the_bye_is_ignored_rfc_5407_3_2_4() {
    let mut pair = Pair::new();
    pair.a.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.ms(50);
    let ack = pair.a.sent[1].clone();
    pair.order(A, hang_up());
    pair.ms(50);
    let (said, story) = (pair.b.sent.len(), pair.b.story());
    pair.deliver(B, ack);
    assert_eq!((pair.b.sent.len(), pair.b.story()), (said, story));
    pair.drive();
    pair.both_closed();
}

#[test]
fn a_refer_that_crosses_the_bye_gets_481_rfc_5407_3_3_3() {
    let mut pair = Pair::talking(Transport::Udp);
    let headers = vec![(HeaderName::ReferTo, "<sip:c@example.com>".into())];
    pair.order(A, LegOrder::Request { number: 1, method: "REFER".into(), headers, body: None });
    pair.order(B, hang_up());
    pair.drive();
    assert_eq!((pair.b.count("481 REFER"), pair.b.told("Requested")), (1, 0));
    assert_eq!((pair.a.told("Ended"), pair.b.told("Ended")), (1, 1));
    pair.both_closed();
}

#[test]
fn a_merged_invite_gets_482() {
    let mut pair = Pair::new();
    pair.dial();
    pair.ms(50);
    let mut twin = pair.a.sent[0].clone();
    twin.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtwin;rport");
    pair.deliver(B, twin);
    assert_eq!(pair.b.sent.last().unwrap().status(), Some(482));
    assert_eq!(pair.b.story(), ["Invited"]);
}

#[test]
fn bye_from_both_ends_at_once_rfc_5407_3_2_1() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, hang_up());
    pair.order(B, hang_up());
    pair.drive();
    assert_eq!((pair.a.count("200 BYE"), pair.b.count("200 BYE")), (1, 1));
    assert_eq!((pair.a.told("Ended"), pair.b.told("Ended")), (1, 1));
    pair.both_closed();
}

#[test]
fn bye_crosses_a_reinvite_rfc_5407_3_2_2() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer 2"));
    pair.order(B, hang_up());
    pair.drive();
    assert_eq!(pair.b.count("481 INVITE"), 1);
    pair.both_closed();
}

#[test]
fn bye_crosses_the_200_to_a_reinvite_rfc_5407_3_2_3() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    pair.order(B, agree("answer 2"));
    pair.order(A, hang_up());
    let acks = pair.a.count("ACK");
    pair.drive();
    assert_eq!(pair.a.count("ACK"), acks + 1, "the 2xx still gets its ACK");
    pair.both_closed();
}

#[test]
fn bye_in_the_middle_of_an_unanswered_reinvite_gives_487() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    pair.order(A, hang_up());
    pair.drive();
    assert_eq!(pair.b.count("487 INVITE"), 1);
    pair.both_closed();
}

#[test]
fn a_second_reinvite_before_the_first_is_answered_gets_500() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    let mut second = pair.a.sent.last().unwrap().clone();
    second.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKother;rport");
    second.headers.set(HeaderName::CSeq, "3 INVITE");
    pair.deliver(B, second);
    let refusal = pair.b.sent.last().unwrap();
    assert_eq!(refusal.status(), Some(500));
    assert!(refusal.header(&HeaderName::RetryAfter).unwrap().parse::<u32>().unwrap() <= 10);
}

#[test]
fn a_lower_cseq_gets_500_and_a_foreign_tag_481() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, LegOrder::Request { number: 1, method: "INFO".into(), headers: vec![], body: None });
    let info = pair.a.sent.last().unwrap().clone();
    pair.ms(50);
    let mut old = info.clone();
    old.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKo");
    old.headers.set(HeaderName::CSeq, "1 INFO");
    pair.deliver(B, old);
    assert_eq!(pair.b.sent.last().unwrap().status(), Some(500));
    let mut foreign = info;
    foreign.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp");
    foreign.headers.set(HeaderName::From, "<sip:a@example.com>;tag=foreign");
    pair.deliver(B, foreign);
    assert_eq!(pair.b.sent.last().unwrap().status(), Some(481));
}

#[test]
fn a_481_to_a_request_ends_the_session() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.b.silent = true;
    pair.order(A, reoffer("offer"));
    let invite = pair.a.sent.last().unwrap().clone();
    pair.deliver(A, Message::response(&invite, 481, "x", None));
    assert_eq!(pair.a.cause(), Some(EndCause::Status(481)));
    assert_eq!(pair.a.count("BYE"), 1);
    pair.drive();
    assert!(pair.a.leg.is_closed());
}

#[test]
fn a_request_without_any_response_ends_the_session() {
    let mut pair = Pair::talking(Transport::Tcp);
    pair.b.silent = true;
    pair.order(A, LegOrder::Request { number: 1, method: "INFO".into(), headers: vec![], body: None });
    pair.drive();
    assert_eq!(pair.a.cause(), Some(EndCause::Timeout));
    assert!(pair.a.leg.is_closed());
}

#[test]
fn a_refused_reoffer_leaves_the_session() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    let refuse = ReofferAnswer::Refuse { status: 488, reason: "Not Acceptable Here".into() };
    pair.order(B, LegOrder::AnswerReoffer(refuse));
    pair.ms(50);
    assert_eq!(
        pair.a.events.last(),
        Some(&LegEvent::ReofferAnswered(ReofferOutcome::Refused { status: 488 }))
    );
    pair.order(B, reoffer("offer 3"));
    pair.ms(50);
    pair.order(A, agree("answer 3"));
    pair.drive();
    assert_eq!(pair.b.told("ReofferAnswered"), 1);
    pair.same_dialog();
}

#[test]
fn a_reoffer_that_cannot_be_sent_leaves_the_session() {
    let mut pair = Pair::talking(Transport::Tcp);
    pair.a.silent = true;
    pair.order(A, reoffer("offer 2"));
    let invite = pair.a.sent.last().unwrap().clone();
    pair.input(A, LegInput::TransportFailed(invite)).unwrap();
    assert_eq!(
        pair.a.events.last(),
        Some(&LegEvent::ReofferAnswered(ReofferOutcome::Refused { status: 503 }))
    );
    pair.a.silent = false;
    pair.order(A, reoffer("offer 3"));
    pair.ms(50);
    pair.order(B, agree("answer 3"));
    pair.drive();
    assert_eq!(pair.a.told("ReofferAnswered"), 2);
    pair.same_dialog();
}

#[test]
fn a_reinvite_that_is_cancelled_or_never_answered_by_the_call_is_withdrawn() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, reoffer("offer 2"));
    pair.ms(50);
    let cancel = crate::sip::transaction::cancel_of(pair.a.sent.last().unwrap());
    pair.deliver(B, cancel);
    assert_eq!(pair.b.events.last(), Some(&LegEvent::ReofferWithdrawn));
    pair.ms(100);
    pair.order(A, reoffer("offer 3"));
    pair.drive();
    assert_eq!((pair.b.count("487 INVITE"), pair.b.count("500 INVITE")), (1, 1));
    assert_eq!((pair.a.told("ReofferAnswered"), pair.b.told("ReofferWithdrawn")), (2, 2));
    pair.same_dialog();
}

#[test]
fn a_reinvite_without_sdp_asks_for_an_offer() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.order(A, LegOrder::Reoffer { body: None });
    pair.ms(50);
    assert_eq!(pair.b.events.last(), Some(&LegEvent::Reoffered { body: None }));
    pair.order(B, agree("offer b"));
    pair.ms(50);
    pair.order(A, agree("answer a"));
    pair.ms(50);
    assert_eq!(pair.b.events.last(), Some(&LegEvent::Acknowledged { body: Some(sdp("answer a")) }));
    pair.drive();
    pair.same_dialog();
}
