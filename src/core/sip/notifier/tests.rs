use std::time::Duration;

use super::*;
use crate::sip::wire::{HeaderName, Method, Text};
use crate::sip::{Facing, Transport};

const MOST: usize = 10;
const BODY: &str = "Messages-Waiting: yes\r\n";

fn peer() -> Peer {
    Peer {
        transport: Transport::Tcp,
        remote: "192.0.2.7:5062".parse().unwrap(),
        local: "192.0.2.1:5060".parse().unwrap(),
        facing: Facing::South,
        connection: None,
        tls_names: Vec::new(),
    }
}

fn local() -> LocalName {
    LocalName { contact: "sip:anna@192.0.2.1:5060;transport=tcp".into(), sent_by: "192.0.2.1:5060".into() }
}

fn place(contact: &str, registration: &str) -> Place {
    let (contact, registration) = (contact.to_owned(), registration.to_owned());
    Place { contact, destination: peer().back(), registration, local: local() }
}

const DESK: &str = "sip:anna@192.0.2.7:5062";

/// The machine in virtual time and what it has said.
struct Bench {
    machine: Notifier,
    now: Moment,
    sent: Vec<Message>,
    replies: Vec<Message>,
}

impl Bench {
    fn new(state: Option<&str>, record: Vec<Subscribed>) -> Self {
        let package = Package {
            event: "message-summary",
            content_type: "application/simple-message-summary",
            unknown: "Messages-Waiting: no\r\n",
            most: MOST,
            write: None,
        };
        let who = (OwnerId(0xab), "sip:anna@example.com".to_owned(), "Kirkwall".to_owned());
        let machine = Notifier::new(package, who, (state.map(str::to_owned), record), Tokens::new([3; 32]));
        Self { machine, now: Moment::from_micros(1_000_000_000_000), sent: Vec::new(), replies: Vec::new() }
    }

    fn give(&mut self, input: NotifierInput) {
        for output in self.machine.handle(input, self.now).unwrap().then {
            match output {
                NotifierOutput::Reply(answer) => self.replies.push(answer),
                NotifierOutput::Send { request, .. } => self.sent.push(request),
            }
        }
    }

    fn subscribe(&mut self, tag: Option<&str>, cseq: u32, headers: &[(HeaderName, &str)]) -> u16 {
        let mut request = Message::request(Method::Subscribe, "sip:anna@example.com");
        let to = tag.map_or(String::new(), |tag| format!(";tag={tag}"));
        let mut push = |name: HeaderName, value: &str| request.headers.push(name, value);
        push(HeaderName::Via, &format!("SIP/2.0/TCP 192.0.2.7:5062;branch=z9hG4bK{cseq}"));
        push(HeaderName::From, "<sip:anna@example.com>;tag=theirs");
        push(HeaderName::To, &format!("<sip:anna@example.com>{to}"));
        push(HeaderName::CallId, "mwi-1");
        push(HeaderName::CSeq, &format!("{cseq} SUBSCRIBE"));
        push(HeaderName::Contact, &format!("<{DESK}>"));
        headers.iter().for_each(|(name, value)| push(name.clone(), value));
        let input = NotifierInput::Subscribe(Subscribe {
            request: Box::new(request),
            peer: peer(),
            local: local(),
            to_tag: "ours".into(),
            who: "anna".into(),
        });
        self.give(input);
        self.replies.last().unwrap().status().unwrap()
    }

    fn subscribed(state: Option<&str>) -> Self {
        let mut bench = Self::new(state, Vec::new());
        assert_eq!(bench.subscribe(None, 1, &[(HeaderName::Event, "message-summary;id=7")]), 200);
        bench
    }

    fn tag(&self) -> String {
        self.machine.record()[0].dialog.id.local_tag.clone()
    }

    /// Answers the only NOTIFY under way.
    fn answer(&mut self, status: u16) -> Message {
        assert_eq!(self.sent.len(), 1, "exactly one NOTIFY is under way");
        let request = self.sent.pop().unwrap();
        self.give(NotifierInput::Received(Message::response(&request, status, "", Some("x"))));
        request
    }

    fn after(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.give(NotifierInput::Deadline);
    }
}

fn says(request: &Message) -> (String, String) {
    let header = |name| request.header(&name).map_or(String::new(), Text::to_string);
    (header(HeaderName::SubscriptionState), String::from_utf8_lossy(&request.body).into_owned())
}

#[test]
fn a_subscriber_is_told_at_once_and_with_every_change() {
    let mut bench = Bench::subscribed(None);
    let first = bench.answer(200);
    assert_eq!(says(&first), ("active;expires=3600".into(), "Messages-Waiting: no\r\n".into()));
    assert_eq!(first.header(&HeaderName::Event).unwrap(), "message-summary;id=7");
    assert_eq!(first.to_tag().unwrap(), "theirs");
    bench.give(NotifierInput::State(BODY.into()));
    assert_eq!(says(&bench.answer(200)).1, BODY);
    bench.give(NotifierInput::State(BODY.into()));
    assert!(bench.sent.is_empty(), "the same again is no news");
}

#[test]
fn what_changes_while_a_notify_is_under_way_goes_together_in_the_next() {
    let mut bench = Bench::subscribed(None);
    bench.give(NotifierInput::State("one".into()));
    bench.give(NotifierInput::State("two".into()));
    bench.answer(200);
    assert_eq!(says(&bench.answer(200)).1, "two");
    assert!(bench.sent.is_empty());
}

#[test]
fn a_refresh_prolongs_and_zero_ends_with_a_last_notify() {
    let mut bench = Bench::subscribed(Some(BODY));
    bench.answer(200);
    let event = (HeaderName::Event, "message-summary");
    let tag = bench.tag();
    assert_eq!(bench.subscribe(Some(&tag), 2, &[event.clone(), (HeaderName::Expires, "600")]), 200);
    assert_eq!(says(&bench.answer(200)).0, "active;expires=600");
    assert_eq!(bench.subscribe(Some(&tag), 1, std::slice::from_ref(&event)), 500);
    assert_eq!(bench.subscribe(Some(&tag), 3, &[event, (HeaderName::Expires, "0")]), 200);
    assert_eq!(says(&bench.answer(200)).0, "terminated;reason=timeout");
    assert!(bench.machine.record().is_empty());
}

#[test]
fn a_subscription_that_is_not_refreshed_ends_and_says_so() {
    let mut bench = Bench::subscribed(Some(BODY));
    bench.answer(200);
    bench.after(3_601);
    assert_eq!(says(&bench.answer(200)).0, "terminated;reason=timeout");
    assert!(bench.machine.record().is_empty() && bench.machine.deadline().is_none());
}

#[test]
fn time_that_runs_out_while_a_notify_is_under_way_does_not_spin() {
    let mut bench = Bench::new(Some(BODY), Vec::new());
    let headers = [(HeaderName::Event, "message-summary"), (HeaderName::Expires, "60")];
    bench.subscribe(None, 1, &headers);
    bench.answer(200);
    bench.now = bench.now + Duration::from_secs(50);
    bench.give(NotifierInput::State("new".into()));
    bench.after(10);
    assert!(bench.machine.deadline().is_some_and(|at| at > bench.now));
    bench.answer(200);
    assert_eq!(says(&bench.answer(200)).0, "terminated;reason=timeout");
}

#[test]
fn an_end_that_refuses_or_is_silent_is_forgotten() {
    let mut bench = Bench::subscribed(Some(BODY));
    bench.answer(481);
    assert!(bench.machine.record().is_empty());
    let mut silent = Bench::subscribed(Some(BODY));
    silent.after(33);
    assert!(silent.machine.record().is_empty() && silent.machine.deadline().is_none());
}

#[test]
fn a_repeated_subscribe_gets_the_same_answer_and_no_second_dialog() {
    let mut bench = Bench::subscribed(Some(BODY));
    assert_eq!(bench.subscribe(None, 1, &[(HeaderName::Event, "message-summary")]), 200);
    assert_eq!(bench.replies[0].to_tag(), bench.replies[1].to_tag());
    assert_eq!((bench.machine.record().len(), bench.sent.len()), (1, 1));
}

#[test]
fn what_cannot_be_subscribed_to_is_refused_by_its_own_status() {
    let mut bench = Bench::new(None, Vec::new());
    let event = (HeaderName::Event, "message-summary");
    assert_eq!(bench.subscribe(None, 1, &[]), 489);
    assert_eq!(bench.subscribe(None, 2, &[(HeaderName::Event, "presence")]), 489);
    assert_eq!(bench.replies[1].header(&HeaderName::AllowEvents).unwrap(), "message-summary");
    assert_eq!(bench.subscribe(None, 3, &[event.clone(), (HeaderName::Accept, "text/plain")]), 406);
    assert_eq!(bench.subscribe(None, 4, &[event.clone(), (HeaderName::Expires, "5")]), 423);
    assert_eq!(bench.subscribe(Some("stranger"), 5, std::slice::from_ref(&event)), 481);
    assert!(bench.machine.record().is_empty() && bench.sent.is_empty());
    for number in 0..MOST as u32 {
        assert_eq!(bench.subscribe(None, 100 + number, std::slice::from_ref(&event)), 200);
    }
    assert_eq!(bench.subscribe(None, 200, &[event]), 503);
}

#[test]
fn a_contact_is_told_unasked_once_for_each_registration_and_change() {
    let mut bench = Bench::new(None, Vec::new());
    bench.give(NotifierInput::Places(vec![place(DESK, "reg-1")]));
    assert!(bench.sent.is_empty(), "nothing is known");
    bench.give(NotifierInput::State(BODY.into()));
    let told = bench.answer(200);
    assert_eq!(told.request_uri().unwrap().raw, DESK);
    assert_eq!((says(&told), told.to_tag()), (("active".into(), BODY.into()), None));
    bench.give(NotifierInput::Places(vec![place(DESK, "reg-1")]));
    assert!(bench.sent.is_empty(), "a refresh is no news");
    bench.give(NotifierInput::Places(vec![place(DESK, "reg-2")]));
    bench.answer(489);
    bench.give(NotifierInput::State("more".into()));
    assert!(bench.sent.is_empty(), "it does not want to hear of it");
    bench.give(NotifierInput::Places(vec![place(DESK, "reg-3")]));
    bench.answer(200);
    bench.give(NotifierInput::Places(Vec::new()));
    bench.give(NotifierInput::State(BODY.into()));
    assert!(bench.sent.is_empty(), "it is gone");
}

#[test]
fn a_contact_that_subscribed_is_told_in_its_dialog_alone() {
    let mut bench = Bench::subscribed(Some(BODY));
    bench.answer(200);
    bench.give(NotifierInput::Places(vec![place(DESK, "reg-1")]));
    bench.give(NotifierInput::State("more".into()));
    assert_eq!(bench.answer(200).to_tag().unwrap(), "theirs");
}

#[test]
fn subscriptions_survive_a_restart_and_go_on_counting() {
    let mut bench = Bench::subscribed(Some(BODY));
    let first = bench.answer(200).cseq().unwrap().number;
    let text = serde_json::to_string(&bench.machine.record()).unwrap();
    let mut again = Bench::new(Some(BODY), serde_json::from_str(&text).unwrap());
    again.give(NotifierInput::Started);
    let told = again.answer(200);
    assert_eq!((told.cseq().unwrap().number, told.to_tag().unwrap()), (first + 1, "theirs".into()));
}

proptest::proptest! {
    #[test]
    fn no_order_of_events_makes_it_panic_or_spin(steps in proptest::collection::vec(0u8..8, 0..60)) {
        let mut bench = Bench::new(None, Vec::new());
        let event = (HeaderName::Event, "message-summary");
        for (at, step) in steps.into_iter().enumerate() {
            let cseq = at as u32 + 1;
            match step {
                0 => _ = bench.subscribe(None, cseq, std::slice::from_ref(&event)),
                1 => if let Some(known) = bench.machine.record().first() {
                    let tag = known.dialog.id.local_tag.clone();
                    _ = bench.subscribe(Some(&tag), cseq, &[event.clone(), (HeaderName::Expires, "0")]);
                },
                2 => bench.give(NotifierInput::State(format!("state {at}"))),
                3 => bench.give(NotifierInput::Places(vec![place(DESK, &at.to_string())])),
                4 => bench.give(NotifierInput::Places(Vec::new())),
                5 | 6 => if let Some(request) = bench.sent.pop() {
                    let status = if step == 5 { 200 } else { 481 };
                    let answer = Message::response(&request, status, "", Some("x"));
                    _ = bench.machine.handle(NotifierInput::Received(answer), bench.now);
                },
                _ => bench.after(20),
            }
            proptest::prop_assert!(bench.machine.record().len() <= MOST);
        }
        let mut turns = 0;
        while let Some(at) = bench.machine.deadline() {
            bench.now = bench.now.max(at);
            bench.give(NotifierInput::Deadline);
            turns += 1;
            proptest::prop_assert!(turns < 1_000, "it spins");
        }
    }
}

/// Says what it was written from.
fn edition(edition: &Edition<'_>) -> String {
    format!("{} {:?} {}", edition.version, edition.before, edition.now)
}

impl Bench {
    fn editions() -> Self {
        let mut bench = Self::new(Some("one"), Vec::new());
        bench.machine.package.write = Some(edition);
        assert_eq!(bench.subscribe(None, 1, &[(HeaderName::Event, "message-summary")]), 200);
        bench
    }
}

#[test]
fn each_subscriber_is_told_what_has_changed_since_it_was_told_last() {
    let mut bench = Bench::editions();
    assert_eq!(says(&bench.answer(200)).1, "0 None one");
    bench.give(NotifierInput::State("two".into()));
    bench.give(NotifierInput::State("three".into()));
    assert_eq!(says(&bench.answer(200)).1, "1 Some(\"one\") two");
    assert_eq!(says(&bench.answer(200)).1, "2 Some(\"two\") three");
    // Who asks again is told all.
    let tag = bench.tag();
    bench.subscribe(Some(&tag), 2, &[(HeaderName::Event, "message-summary")]);
    assert_eq!(says(&bench.answer(200)).1, "3 None three");
    // So is everybody after a restart, and the numbers go on.
    let mut again = Bench::new(Some("four"), bench.machine.record());
    again.machine.package.write = Some(edition);
    again.give(NotifierInput::Started);
    assert_eq!(says(&again.answer(200)).1, "4 None four");
}

#[test]
fn a_refresh_while_a_notify_is_under_way_is_told_all_after_it() {
    let mut bench = Bench::editions();
    let tag = bench.tag();
    bench.subscribe(Some(&tag), 2, &[(HeaderName::Event, "message-summary")]);
    assert_eq!(says(&bench.answer(200)).1, "0 None one");
    assert_eq!(says(&bench.answer(200)).1, "1 None one");
}

#[test]
fn who_may_not_know_any_more_is_told_so_and_nothing_else() {
    let mut bench = Bench::editions();
    bench.answer(200);
    bench.give(NotifierInput::Only(vec!["anna".into(), "bert".into()]));
    assert!(bench.sent.is_empty());
    bench.give(NotifierInput::Only(vec!["bert".into()]));
    bench.give(NotifierInput::Only(Vec::new()));
    let tag = bench.tag();
    assert_eq!(bench.subscribe(Some(&tag), 2, &[(HeaderName::Event, "message-summary")]), 481);
    assert_eq!(says(&bench.answer(200)).0, "terminated;reason=rejected");
    assert!(bench.machine.is_idle());
}

#[test]
fn the_end_of_what_is_told_of_waits_for_the_word_before() {
    let mut bench = Bench::editions();
    bench.give(NotifierInput::Gone);
    assert_eq!(says(&bench.answer(200)).0, "active;expires=3600");
    assert_eq!(says(&bench.answer(481)).0, "terminated;reason=noresource");
    assert!(bench.machine.is_idle());
}
