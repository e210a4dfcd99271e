use std::collections::VecDeque;

use super::*;
use crate::pii::Pii;
use crate::sip::wire::Via;
use crate::sip::{Facing, Transport};

fn proxy(address: &str) -> Destination {
    let address = address.parse().unwrap();
    Destination {
        transport: Transport::Tcp,
        address,
        facing: Facing::North,
        connection: None,
        server_name: None,
    }
}

fn subscriber() -> Subscriber {
    Subscriber {
        owner: OwnerId(0xab),
        aor: "sip:4711@example.com".into(),
        target: "sip:4711@example.com".into(),
        contact: "sip:4711@192.0.2.1:5060".into(),
        contact_params: String::new(),
        sent_by: "192.0.2.1:5060".into(),
        credentials: Credentials { username: "anna".into(), password: Pii("secret".into()) },
        user_agent: "Kirkwall".into(),
        route: vec!["<sip:edge.example.com;lr>".into()],
        proxy: proxy("192.0.2.10:5060"),
    }
}

fn package(expires: u64) -> Package {
    Package {
        event: "message-summary".into(),
        accept: vec!["application/simple-message-summary".into()],
        expires: Duration::from_secs(expires),
        headers: Vec::new(),
        body: None,
    }
}

/// The machine in virtual time and what it has said.
struct Bench {
    machine: Subscription,
    now: Moment,
    sent: VecDeque<Message>,
    answers: Vec<u16>,
    news: Vec<Message>,
    standing: Option<Standing>,
}

impl Bench {
    fn asked(expires: u64) -> Self {
        let mut bench = Self {
            machine: Subscription::new(subscriber(), package(expires), Tokens::new([5; 32])),
            now: Moment::from_micros(1_000_000_000_000),
            sent: VecDeque::new(),
            answers: Vec::new(),
            news: Vec::new(),
            standing: None,
        };
        bench.give(SubscriptionInput::Wanted(true));
        bench
    }

    /// Subscribed for an hour.
    fn active() -> (Self, Message) {
        let mut bench = Self::asked(3_600);
        let subscribe = bench.answer(200, &[(HeaderName::Expires, "3600")]);
        (bench, subscribe)
    }

    fn give(&mut self, input: SubscriptionInput) {
        let Ready { then, .. } = self.machine.handle(input, self.now).unwrap();
        for output in then {
            match output {
                SubscriptionOutput::Send { request, .. } => self.sent.push_back(request),
                SubscriptionOutput::Answer(answer) => self.answers.push(answer.status().unwrap()),
                SubscriptionOutput::Notified(message) => self.news.push(message),
                SubscriptionOutput::Changed(status) => self.standing = Some(status.standing),
            }
        }
    }

    fn next(&mut self) -> Message {
        assert_eq!(self.sent.len(), 1, "exactly one SUBSCRIBE is under way");
        self.sent.pop_front().unwrap()
    }

    /// Answers the one request that is under way.
    fn answer(&mut self, status: u16, headers: &[(HeaderName, &str)]) -> Message {
        let request = self.next();
        let mut answer = Message::response(&request, status, "x", Some("notifier"));
        answer.headers.push(HeaderName::Contact, "<sip:vm@192.0.2.30>");
        headers.iter().for_each(|(name, value)| answer.headers.push(name.clone(), *value));
        self.give(SubscriptionInput::Received(answer));
        request
    }

    fn notify(&mut self, subscribe: &Message, number: u32, state: &str) -> u16 {
        self.give(SubscriptionInput::Notified(notification(subscribe, "NOTIFY", number, state)));
        self.answers.pop().expect("a NOTIFY is answered")
    }

    /// Lets time pass, but not beyond the moment in which it says something.
    fn pass(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        let mut wakes = 0;
        while let Some(due) = self.machine.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.give(SubscriptionInput::Deadline);
            wakes += 1;
            assert!(wakes < 100, "it does not spin");
            if !self.sent.is_empty() {
                return;
            }
        }
        self.now = end;
    }
}

fn notification(subscribe: &Message, method: &str, number: u32, state: &str) -> Message {
    let swap = |name: &HeaderName| subscribe.header(name).unwrap().to_string();
    let to = subscribe.to().unwrap();
    let from = match to.tag() {
        Some(_) => swap(&HeaderName::To),
        None => format!("{};tag=notifier", swap(&HeaderName::To)),
    };
    let mut notify =
        Message::request(crate::sip::wire::Method::from_text(method.into()), "sip:4711@192.0.2.1:5060");
    for (name, value) in [
        (HeaderName::Via, "SIP/2.0/TCP 192.0.2.30;branch=z9hG4bKn".to_owned()),
        (HeaderName::From, from),
        (HeaderName::To, swap(&HeaderName::From)),
        (HeaderName::CallId, swap(&HeaderName::CallId)),
        (HeaderName::CSeq, format!("{number} {method}")),
        (HeaderName::Event, "message-summary".to_owned()),
        (HeaderName::SubscriptionState, state.to_owned()),
    ] {
        notify.headers.push(name, value);
    }
    notify.set_body("application/simple-message-summary", "Messages-Waiting: yes\r\n");
    notify
}

#[test]
fn a_subscription_asks_hears_and_refreshes_in_its_dialog() {
    let mut bench = Bench::asked(3_600);
    let first = bench.answer(200, &[(HeaderName::Expires, "600")]);
    assert_eq!(first.header(&HeaderName::Event).unwrap(), "message-summary");
    assert_eq!(first.header(&HeaderName::Route).unwrap(), "<sip:edge.example.com;lr>");
    assert!(first.top_via().unwrap().branch().unwrap().starts_with(Via::COOKIE));
    assert_eq!(OwnerId::in_word(&first.from_tag().unwrap()), Some(OwnerId(0xab)));
    assert!(matches!(bench.standing, Some(Standing::Active { .. })));
    assert_eq!(bench.notify(&first, 1, "active;expires=600"), 200);
    assert_eq!(bench.news.len(), 1);
    bench.pass(590);
    let refresh = bench.next();
    assert_eq!(refresh.call_id(), first.call_id());
    assert_eq!(refresh.to_tag().unwrap(), "notifier");
    assert_eq!(refresh.cseq().unwrap().number, 2);
    let uri = refresh.request_uri().unwrap();
    assert_eq!(uri.raw, "sip:vm@192.0.2.30", "the remote target of the dialog");
}

#[test]
fn a_notify_may_come_before_the_answer_and_a_repetition_is_heard_once() {
    let mut bench = Bench::asked(3_600);
    let first = bench.sent[0].clone();
    assert_eq!(bench.notify(&first, 7, "active;expires=3600"), 200);
    assert_eq!(bench.notify(&first, 7, "active;expires=3600"), 200);
    assert_eq!(bench.news.len(), 1, "the repetition is answered and not heard");
    bench.answer(200, &[(HeaderName::Expires, "3600")]);
    assert_eq!(bench.notify(&first, 6, "active"), 500, "older than one that was taken");
    assert_eq!(bench.notify(&first, 8, "active"), 200);
}

#[test]
fn a_stranger_and_another_event_are_refused() {
    let (mut bench, first) = Bench::active();
    let mut other = notification(&first, "NOTIFY", 1, "active");
    other.headers.set(HeaderName::CallId, "somebody-else");
    bench.give(SubscriptionInput::Notified(other));
    assert_eq!(bench.answers.pop(), Some(481));
    let mut other = notification(&first, "NOTIFY", 1, "active");
    other.headers.set(HeaderName::Event, "presence");
    bench.give(SubscriptionInput::Notified(other));
    assert_eq!(bench.answers.pop(), Some(489));
    assert!(bench.news.is_empty());
    let refusal = bench.machine.handle(SubscriptionInput::Received(first), bench.now).unwrap_err();
    assert_eq!(refusal, SubscriptionRefusal::Unexpected { status: None });
}

#[test]
fn a_benotify_is_taken_and_never_answered() {
    let (mut bench, first) = Bench::active();
    bench.give(SubscriptionInput::Notified(notification(&first, "BENOTIFY", 1, "active;expires=3600")));
    assert_eq!((bench.news.len(), bench.answers.len()), (1, 0));
}

#[test]
fn a_first_notification_may_come_with_the_answer() {
    let mut bench = Bench::asked(3_600);
    let request = bench.next();
    let mut answer = Message::response(&request, 200, "OK", Some("fe"));
    answer.set_body("application/simple-message-summary", "Messages-Waiting: no\r\n");
    bench.give(SubscriptionInput::Received(answer));
    assert_eq!(bench.news.len(), 1);
}

#[test]
fn an_event_that_is_not_offered_is_asked_for_again_in_an_hour() {
    let mut bench = Bench::asked(3_600);
    bench.answer(489, &[]);
    assert_eq!(bench.standing, Some(Standing::Refused));
    bench.pass(1_700);
    assert!(bench.sent.is_empty());
    bench.pass(2_000);
    assert_eq!(bench.next().cseq().unwrap().number, 1, "a new subscription");
}

#[test]
fn a_lifetime_too_brief_is_made_longer() {
    let mut bench = Bench::asked(60);
    bench.answer(423, &[(HeaderName::MinExpires, "900")]);
    let longer = bench.next();
    assert_eq!(longer.header(&HeaderName::Expires).unwrap(), "900");
    assert_eq!(longer.cseq().unwrap().number, 2, "the same request, repeated");
}

#[test]
fn a_challenge_is_answered_and_a_wrong_password_waits() {
    let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    let mut bench = Bench::asked(3_600);
    let first = bench.answer(401, &[(HeaderName::WwwAuthenticate, challenge)]);
    let second = bench.answer(401, &[(HeaderName::WwwAuthenticate, challenge)]);
    assert!(second.header(&HeaderName::Authorization).is_some());
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(bench.standing, Some(Standing::Refused));
    let credentials = Credentials { username: "anna".into(), password: Pii("new".into()) };
    bench.give(SubscriptionInput::CredentialsChanged(credentials));
    bench.next();
}

#[test]
fn a_refresh_that_meets_no_subscription_makes_a_new_one_at_once() {
    let (mut bench, first) = Bench::active();
    bench.give(SubscriptionInput::Refresh);
    bench.answer(481, &[]);
    let anew = bench.next();
    assert_ne!(anew.call_id(), first.call_id());
    assert!(anew.to_tag().is_none());
}

#[test]
fn a_refresh_that_fails_leaves_the_subscription_until_its_end() {
    let (mut bench, first) = Bench::active();
    bench.give(SubscriptionInput::Refresh);
    bench.answer(503, &[(HeaderName::RetryAfter, "30")]);
    assert!(bench.machine.active_until().is_some());
    assert_eq!(bench.notify(&first, 1, "active"), 200);
    bench.pass(40);
    assert_eq!(bench.next().to_tag().unwrap(), "notifier", "asked again in the dialog");
}

#[test]
fn what_the_notifier_says_when_it_ends_decides_when_it_is_asked_again() {
    for (state, soonest, latest) in [
        ("terminated;reason=deactivated", 0, 10),
        ("terminated;reason=probation;retry-after=60", 59, 70),
        ("terminated;reason=noresource", 1_700, 3_601),
    ] {
        let (mut bench, first) = Bench::active();
        assert_eq!(bench.notify(&first, 1, state), 200);
        bench.pass(soonest);
        assert!(bench.sent.is_empty(), "{state}: not yet");
        bench.pass(latest - soonest);
        assert_ne!(bench.next().call_id(), first.call_id(), "{state}");
    }
}

#[test]
fn a_notifier_that_ends_everything_is_not_asked_in_a_circle() {
    let mut bench = Bench::asked(3_600);
    let mut asked = 0;
    for _ in 0..200 {
        let Some(request) = bench.sent.front().cloned() else {
            bench.pass(1);
            continue;
        };
        asked += 1;
        bench.answer(200, &[(HeaderName::Expires, "3600")]);
        bench.notify(&request, 1, "terminated;reason=deactivated");
    }
    assert!(asked < 10, "{asked} subscriptions in about three minutes");
}

#[test]
fn who_is_no_longer_interested_says_so() {
    let (mut bench, first) = Bench::active();
    bench.give(SubscriptionInput::Wanted(false));
    let last = bench.answer(200, &[]);
    assert_eq!(last.header(&HeaderName::Expires).unwrap(), "0");
    assert_eq!(bench.standing, Some(Standing::Off));
    assert!(bench.machine.is_idle());
    assert_eq!(bench.notify(&first, 1, "terminated;reason=timeout"), 200, "the last word is answered");
    assert_eq!(bench.machine.deadline(), None);
}

#[test]
fn a_question_asked_once_is_over_with_its_first_notification() {
    let mut bench = Bench::asked(0);
    let first = bench.answer(200, &[(HeaderName::Expires, "0")]);
    assert!(bench.machine.is_idle());
    assert_eq!(bench.notify(&first, 1, "terminated;reason=timeout"), 200);
    assert_eq!(bench.news.len(), 1);
    assert_eq!(bench.machine.deadline(), None);
}

#[test]
fn silence_is_followed_by_a_growing_wait() {
    let mut bench = Bench::asked(3_600);
    let mut gaps = Vec::new();
    for _ in 0..4 {
        bench.sent.clear();
        bench.give(SubscriptionInput::TransportFailed);
        assert_eq!(bench.standing, Some(Standing::Failing));
        let before = bench.now;
        bench.now = bench.machine.deadline().unwrap();
        gaps.push(bench.now.since(before));
        bench.give(SubscriptionInput::Deadline);
    }
    assert!(gaps[3] > gaps[0] * 2, "{gaps:?}");
}

#[test]
fn another_proxy_means_another_subscription() {
    let (mut bench, first) = Bench::active();
    bench.give(SubscriptionInput::WayChanged(proxy("192.0.2.10:5060"), Vec::new()));
    assert!(bench.sent.is_empty(), "the same machine by another connection");
    bench.give(SubscriptionInput::WayChanged(proxy("192.0.2.20:5060"), Vec::new()));
    let anew = bench.next();
    assert_ne!(anew.call_id(), first.call_id());
    assert!(anew.header(&HeaderName::Route).is_none());
}
