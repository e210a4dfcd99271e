use super::*;
use crate::sip::{Facing, Transport};

const GIGASET: &str = "Gigaset N870 IP PRO/83.V2.43.0;7C2F8000000";

fn at(secs: u64) -> Moment {
    Moment::from_micros((1_289_690_940 + secs) * 1_000_000)
}

fn peer(remote: &str) -> Peer {
    Peer {
        transport: Transport::Udp,
        remote: remote.parse().unwrap(),
        local: "10.0.0.1:5060".parse().unwrap(),
        facing: Facing::South,
        connection: None,
        tls_names: Vec::new(),
    }
}

fn register(call_id: &str, cseq: u32, headers: &[(HeaderName, &str)]) -> Message {
    let mut request = Message::request(Method::Register, "sip:example.com");
    request.headers.push(HeaderName::Via, "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1");
    request.headers.push(HeaderName::From, "<sip:4711@example.com>;tag=f");
    request.headers.push(HeaderName::To, "<sip:4711@example.com>");
    request.headers.push(HeaderName::CallId, call_id);
    request.headers.push(HeaderName::CSeq, format!("{cseq} REGISTER"));
    headers.iter().for_each(|(name, value)| request.headers.push(name.clone(), *value));
    request
}

/// A registrar with a short way to talk to it.
struct Desk {
    registrar: Registrar,
    saved: Bindings,
    changes: Vec<BindingChange>,
}

impl Desk {
    fn new() -> Self {
        let none = Bindings::none("4711@example.com");
        Self { registrar: Registrar::new(none.clone(), Limits::default()), saved: none, changes: Vec::new() }
    }

    fn give(&mut self, input: RegistrarInput, now: Moment) -> Option<Message> {
        let Ready { save, then } = self.registrar.handle(input, now).unwrap();
        if let Some(SaveBindings(saved)) = save.into_iter().next_back() {
            self.saved = saved;
        }
        // Save, then say: what is answered is what is saved.
        assert_eq!(self.saved, self.registrar.bindings);
        let mut reply = None;
        self.changes.clear();
        for output in then {
            match output {
                RegistrarOutput::Reply(message) => assert!(reply.replace(message).is_none()),
                RegistrarOutput::Changed(change) => self.changes.push(change),
            }
        }
        reply
    }

    fn send(&mut self, request: Message, from: &str, now: Moment) -> Message {
        let input =
            RegistrarInput::Register { request: Box::new(request), peer: peer(from), to_tag: "tt".into() };
        self.give(input, now).unwrap()
    }

    fn add(&mut self, call_id: &str, cseq: u32, contact: &str, now: Moment) -> Message {
        self.send(register(call_id, cseq, &[(HeaderName::Contact, contact)]), "10.0.0.7:5060", now)
    }

    /// As a Gigaset manager does.
    fn base(&mut self, manager: u8, cseq: u32, expires: &str, now: Moment) -> Message {
        let (contact, agent) = (format!("<sip:4711@10.0.0.{manager}:5060>"), format!("{GIGASET}{manager}"));
        let headers = [
            (HeaderName::Contact, contact.as_str()),
            (HeaderName::Expires, expires),
            (HeaderName::UserAgent, agent.as_str()),
        ];
        self.send(register(&format!("m{manager}"), cseq, &headers), &format!("10.0.0.{manager}:5060"), now)
    }

    fn contacts(&self) -> Vec<&str> {
        self.saved.list.iter().map(|binding| binding.contact.as_str()).collect()
    }
}

fn contacts_of(answer: &Message) -> Vec<String> {
    answer.headers.list(&HeaderName::Contact).iter().map(|text| text.to_string()).collect()
}

#[test]
fn a_contact_is_bound_saved_and_listed_with_date() {
    let mut desk = Desk::new();
    let answer = desk.add("c", 1, "<sip:4711@10.0.0.7>;q=0.5;+sip.instance=\"<urn:uuid:1>\"", at(0));
    assert_eq!(answer.status(), Some(200));
    let contact = "<sip:4711@10.0.0.7>;q=0.500;+sip.instance=\"<urn:uuid:1>\";expires=300";
    assert_eq!(contacts_of(&answer), [contact]);
    assert_eq!(answer.header(&HeaderName::Date).unwrap().as_str(), "Sat, 13 Nov 2010 23:29:00 GMT");
    assert_eq!(answer.to_tag().unwrap().as_str(), "tt");
    assert_eq!(desk.registrar.deadline(), Some(at(300)));
    assert!(matches!(&desk.changes[..], [BindingChange::Added(_)]));
}

#[test]
fn a_query_tells_and_changes_nothing() {
    let mut desk = Desk::new();
    desk.add("c", 1, "<sip:4711@10.0.0.7>", at(0));
    let saved = desk.saved.clone();
    let answer = desk.send(register("other", 1, &[]), "10.0.0.9:5060", at(100));
    assert_eq!(contacts_of(&answer), ["<sip:4711@10.0.0.7>;expires=200"]);
    assert_eq!((desk.saved, desk.changes.len()), (saved, 0));
}

#[test]
fn lifetimes_are_given_by_contact_then_header_then_default_within_limits() {
    for (contact, header, wanted) in [
        (";expires=120", Some("600"), 120),
        ("", Some("600"), 600),
        ("", None, 300),
        (";expires=999999999999", None, 7200),
        (";expires=soon", Some("100"), 3600),
        (";expires=60", None, 60),
    ] {
        let mut desk = Desk::new();
        let contact = format!("<sip:4711@10.0.0.7>{contact}");
        let mut headers = vec![(HeaderName::Contact, contact.as_str())];
        headers.extend(header.map(|value| (HeaderName::Expires, value)));
        let answer = desk.send(register("c", 1, &headers), "10.0.0.7:5060", at(0));
        assert_eq!(contacts_of(&answer), [format!("<sip:4711@10.0.0.7>;expires={wanted}")]);
    }
}

#[test]
fn too_brief_a_lifetime_is_told_the_minimum_and_binds_nothing() {
    let mut desk = Desk::new();
    let answer = desk.add("c", 1, "<sip:a@10.0.0.7>, <sip:b@10.0.0.7>;expires=59", at(0));
    assert_eq!(answer.status(), Some(423));
    assert_eq!(answer.header(&HeaderName::MinExpires).unwrap().as_str(), "60");
    assert!(desk.contacts().is_empty());
}

#[test]
fn bindings_end_by_deadline() {
    let mut desk = Desk::new();
    desk.add("c", 1, "<sip:a@10.0.0.7>;expires=60, <sip:b@10.0.0.7>;expires=120", at(0));
    assert_eq!(desk.registrar.deadline(), Some(at(60)));
    desk.give(RegistrarInput::Deadline, at(60));
    assert_eq!(desk.contacts(), ["sip:b@10.0.0.7"]);
    assert!(matches!(&desk.changes[..], [BindingChange::Removed { why: RemovalCause::Expired, .. }]));
    desk.give(RegistrarInput::Deadline, at(120));
    assert_eq!(desk.registrar.deadline(), None);
}

#[test]
fn after_a_restart_the_bindings_are_there_and_the_ended_ones_are_not() {
    let mut desk = Desk::new();
    desk.add("c", 1, "<sip:a@10.0.0.7>;expires=60, <sip:b@10.0.0.7>;expires=120", at(0));
    let json = serde_json::to_string(&desk.saved).unwrap();
    desk.registrar = Registrar::new(serde_json::from_str(&json).unwrap(), Limits::default());
    desk.give(RegistrarInput::Started, at(90));
    assert_eq!(desk.contacts(), ["sip:b@10.0.0.7"]);
    assert_eq!(desk.add("c", 2, "<sip:b@10.0.0.7>", at(91)).status(), Some(200));
}

#[test]
fn a_lower_or_equal_cseq_of_the_same_call_id_changes_nothing_at_all() {
    let mut desk = Desk::new();
    desk.add("c", 5, "<sip:a@10.0.0.7>", at(0));
    for (cseq, contact) in [
        (5, "<sip:a@10.0.0.7>;expires=600"),
        (4, "<sip:a@10.0.0.7>;expires=0"),
        (5, "<sip:new@10.0.0.7>, <sip:a@10.0.0.7>"),
    ] {
        assert_eq!(desk.add("c", cseq, contact, at(1)).status(), Some(500), "{contact}");
        assert_eq!(desk.contacts(), ["sip:a@10.0.0.7"]);
        assert_eq!(desk.saved.list[0].expires, at(300));
    }
    // "If the Call-ID … differs, the binding is updated", whatever the CSeq.
    assert_eq!(desk.add("rebooted", 1, "<sip:a@10.0.0.7>", at(2)).status(), Some(200));
    assert_eq!(desk.saved.list.len(), 1);
}

#[test]
fn a_handset_that_roams_has_two_contacts_for_60_seconds() {
    let mut desk = Desk::new();
    desk.base(1, 1, "180", at(0));
    desk.base(2, 1, "180", at(10));
    assert_eq!(desk.contacts(), ["sip:4711@10.0.0.1:5060", "sip:4711@10.0.0.2:5060"]);
    assert_eq!(desk.registrar.deadline(), Some(at(70)));
    desk.give(RegistrarInput::Deadline, at(70));
    assert_eq!(desk.contacts(), ["sip:4711@10.0.0.2:5060"]);
}

#[test]
fn the_late_good_bye_of_the_old_base_removes_only_its_own_contact() {
    let mut desk = Desk::new();
    desk.base(1, 1, "180", at(0));
    desk.base(2, 1, "180", at(10));
    let answer = desk.base(1, 2, "0", at(12));
    assert_eq!(contacts_of(&answer), ["<sip:4711@10.0.0.2:5060>;expires=178"]);
    assert!(matches!(&desk.changes[..], [BindingChange::Removed { why: RemovalCause::Requested, .. }]));
}

#[test]
fn a_good_bye_of_an_older_registration_does_not_remove_the_newer_one_at_the_same_place() {
    let mut desk = Desk::new();
    desk.add("first", 1, "<sip:4711@10.0.0.1>", at(0));
    desk.add("second", 1, "<sip:4711@10.0.0.1>", at(5));
    let answer = desk.add("first", 2, "<sip:4711@10.0.0.1>;expires=0", at(6));
    assert_eq!(answer.status(), Some(200));
    assert_eq!(desk.contacts(), ["sip:4711@10.0.0.1"]);
    desk.add("second", 2, "<sip:4711@10.0.0.1>;expires=0", at(7));
    assert!(desk.contacts().is_empty());
}

#[test]
fn an_instance_may_leave_under_a_new_call_id() {
    let mut desk = Desk::new();
    let contact = |expires: u32| format!("<sip:a@10.0.0.7>;+sip.instance=\"<urn:uuid:1>\";expires={expires}");
    desk.add("before", 9, &contact(300), at(0));
    desk.add("after", 1, &contact(0), at(1));
    assert!(desk.contacts().is_empty());
}

#[test]
fn two_phones_of_one_user_stay_side_by_side() {
    let mut desk = Desk::new();
    let contact = |n: u32| format!("<sip:4711@10.0.0.{n}>;+sip.instance=\"<urn:uuid:{n}>\"");
    desk.add("a", 1, &contact(1), at(0));
    desk.add("b", 1, &contact(2), at(1));
    desk.add("softphone", 1, "<sip:4711@10.0.0.3>", at(2));
    desk.give(RegistrarInput::Deadline, at(200));
    assert_eq!(desk.saved.list.len(), 3);
}

#[test]
fn contacts_of_one_request_do_not_push_each_other_out() {
    let mut desk = Desk::new();
    desk.add("c", 1, "<sip:a@10.0.0.7>, <sip:b@10.0.0.7>", at(0));
    assert!(desk.saved.list.iter().all(|binding| binding.expires == at(300)));
}

#[test]
fn a_star_removes_all_and_needs_expires_zero_alone() {
    let mut desk = Desk::new();
    desk.add("c", 1, "<sip:a@10.0.0.7>, <sip:b@10.0.0.7>", at(0));
    let star = |cseq: u32, contact: &str, expires: Option<&str>| {
        let mut headers = vec![(HeaderName::Contact, contact)];
        headers.extend(expires.map(|value| (HeaderName::Expires, value)));
        register("c", cseq, &headers)
    };
    for (contact, expires) in
        [("*", None), ("*", Some("60")), ("*", Some("x")), ("*, <sip:a@b>", Some("0")), ("*, *", Some("0"))]
    {
        let answer = desk.send(star(2, contact, expires), "10.0.0.7:5060", at(1));
        assert_eq!((answer.status(), desk.contacts().len()), (Some(400), 2), "{contact} {expires:?}");
    }
    assert_eq!(desk.send(star(1, "*", Some("0")), "10.0.0.7:5060", at(1)).status(), Some(500));
    let answer = desk.send(star(2, "*", Some("0")), "10.0.0.7:5060", at(1));
    assert_eq!((answer.status(), contacts_of(&answer).len()), (Some(200), 0));
    assert_eq!((desk.contacts().len(), desk.changes.len()), (0, 2));
}

#[test]
fn the_eleventh_contact_pushes_out_the_one_refreshed_longest_ago() {
    let mut desk = Desk::new();
    for n in 0..10 {
        desk.add(&format!("c{n}"), 1, &format!("<sip:{n}@10.0.0.7>"), at(n));
    }
    desk.add("c0", 2, "<sip:0@10.0.0.7>", at(20));
    desk.add("c10", 1, "<sip:10@10.0.0.7>", at(21));
    assert_eq!(desk.saved.list.len(), 10);
    assert!(!desk.contacts().contains(&"sip:1@10.0.0.7"));
    assert!(desk.contacts().contains(&"sip:0@10.0.0.7"));
    let many = (0..11).map(|n| format!("<sip:{n}@x>")).collect::<Vec<_>>().join(", ");
    assert_eq!(desk.add("c", 1, &many, at(22)).status(), Some(400));
}

#[test]
fn bad_requests_are_refused_with_the_right_status() {
    let mut desk = Desk::new();
    let long = format!("<sip:{}@x>", "a".repeat(600));
    for bad in ["<sip:a@b", "<tel:+1555>", "<mailto:a@b>", "sip:", long.as_str()] {
        assert_eq!(desk.add("c", 1, bad, at(0)).status(), Some(400), "{bad}");
    }
    let outbound = register("c", 1, &[(HeaderName::Require, "outbound, path")]);
    let answer = desk.send(outbound, "10.0.0.7:5060", at(0));
    assert_eq!(answer.status(), Some(420));
    assert_eq!(answer.header(&HeaderName::Unsupported).unwrap().as_str(), "outbound, path");
    let mut no_cseq = register("c", 1, &[]);
    no_cseq.headers.set(HeaderName::CSeq, "x REGISTER");
    assert_eq!(desk.send(no_cseq, "10.0.0.7:5060", at(0)).status(), Some(400));
    assert!(desk.contacts().is_empty());
}

#[test]
fn what_is_no_register_is_refused_and_changes_nothing() {
    let mut desk = Desk::new();
    let options = Message::request(Method::Options, "sip:a");
    let answer = Message::response(&register("c", 1, &[]), 200, "OK", None);
    for (request, got) in [(options, "OPTIONS"), (answer, "a response")] {
        let input = RegistrarInput::Register {
            request: Box::new(request),
            peer: peer("10.0.0.7:1"),
            to_tag: "t".into(),
        };
        let refusal = desk.registrar.handle(input, at(0)).unwrap_err();
        assert_eq!(refusal, RegistrarRefusal::NotRegister { got: got.into() });
    }
}

#[test]
fn a_lost_connection_leaves_the_binding_and_takes_the_way() {
    let mut desk = Desk::new();
    let mut tls = peer("10.0.0.7:40000");
    (tls.transport, tls.connection) = (Transport::Tls, Some(ConnectionId(3)));
    let request = register("c", 1, &[(HeaderName::Contact, "<sip:a@10.0.0.7:5062;transport=tls>")]);
    let input = RegistrarInput::Register { request: Box::new(request), peer: tls, to_tag: "t".into() };
    desk.give(input, at(0));
    assert_eq!(desk.saved.list[0].destination().connection, Some(ConnectionId(3)));
    desk.registrar.handle(RegistrarInput::ConnectionClosed(ConnectionId(3)), at(1)).unwrap();
    let way = desk.registrar.bindings().list[0].destination();
    assert_eq!((way.connection, way.address), (None, "10.0.0.7:5062".parse().unwrap()));
}

#[test]
fn targets_come_by_preference_then_by_freshness() {
    let mut desk = Desk::new();
    desk.add("c", 1, "<sip:low@10.0.0.7>;q=0.1;expires=600, <sip:old@10.0.0.7>;expires=600", at(0));
    desk.add("d", 1, "<sip:new@10.0.0.8>", at(5));
    let names = |now| desk.saved.targets(now).iter().map(|b| b.contact.clone()).collect::<Vec<_>>();
    assert_eq!(names(at(6)), ["sip:new@10.0.0.8", "sip:old@10.0.0.7", "sip:low@10.0.0.7"]);
    assert_eq!(names(at(400)), ["sip:old@10.0.0.7", "sip:low@10.0.0.7"]);
}
