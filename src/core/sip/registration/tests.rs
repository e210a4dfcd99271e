use std::collections::VecDeque;

use super::*;
use crate::id::OwnerId;
use crate::pii::Pii;
use crate::sip::digest::{DigestServer, Ha1, Offer, Role, Verdict};
use crate::sip::wire::{HeaderName, Via};
use crate::sip::{Facing, Transport};

const FIRST: &str = "192.0.2.10:5060";
const SECOND: &str = "192.0.2.20:5060";

fn proxy(address: &str, transport: Transport) -> Destination {
    let address = address.parse().unwrap();
    Destination { transport, address, facing: Facing::North, connection: None, server_name: None }
}

fn credentials(password: &str) -> Credentials {
    Credentials { username: "anna".into(), password: Pii(password.into()) }
}

fn account(transport: Transport) -> Account {
    Account {
        owner: OwnerId(0xab),
        aor: "sip:4711@example.com".into(),
        registrar: "sip:example.com".into(),
        contact: "sip:4711@192.0.2.1:5060".into(),
        contact_params: ";+sip.instance=\"<urn:uuid:1>\"".into(),
        sent_by: "192.0.2.1:5060".into(),
        credentials: credentials("secret"),
        expires: Duration::from_secs(300),
        user_agent: "Kirkwall".into(),
        proxy: proxy(FIRST, transport),
    }
}

/// The machine in virtual time, its disk, and what it has said.
struct Bench {
    machine: Registration,
    disk: RegistrationRecord,
    now: Moment,
    sent: VecDeque<(Message, Destination)>,
    events: Vec<RegistrationOutput>,
}

impl Bench {
    fn new(transport: Transport) -> Self {
        let mut tokens = Tokens::new([5; 32]);
        let record = RegistrationRecord::new(&mut tokens);
        let mut bench = Self {
            machine: Registration::new(account(transport), record.clone(), tokens),
            disk: record,
            now: Moment::from_micros(1_000_000_000_000),
            sent: VecDeque::new(),
            events: Vec::new(),
        };
        bench.give(RegistrationInput::Started);
        bench
    }

    fn wanted(transport: Transport) -> Self {
        let mut bench = Self::new(transport);
        bench.give(RegistrationInput::Wanted(true));
        bench
    }

    fn registered(transport: Transport) -> Self {
        let mut bench = Self::wanted(transport);
        bench.answer(200, &[]);
        bench.events.clear();
        bench
    }

    fn give(&mut self, input: RegistrationInput) {
        self.try_give(input).unwrap();
    }

    fn try_give(&mut self, input: RegistrationInput) -> Result<(), RegistrationRefusal> {
        let Ready { save, then } = self.machine.handle(input, self.now)?;
        save.into_iter().for_each(|SaveRegistration(record)| self.disk = record);
        assert_eq!(self.disk, self.machine.record, "what is in memory is on disk before it is said");
        for output in then {
            match output {
                RegistrationOutput::Send { request, to } => {
                    assert!(request.cseq().unwrap().number <= self.disk.cseq);
                    self.sent.push_back((request, to));
                }
                event => self.events.push(event),
            }
        }
        Ok(())
    }

    fn next(&mut self) -> (Message, Destination) {
        assert_eq!(self.sent.len(), 1, "exactly one REGISTER is under way");
        self.sent.pop_front().unwrap()
    }

    /// Answers the one request that is under way.
    fn answer(&mut self, status: u16, headers: &[(HeaderName, &str)]) -> Message {
        let (request, _) = self.next();
        self.give(RegistrationInput::Received(response(&request, status, headers)));
        request
    }

    /// Lets time pass, waking the machine as often as it asks.
    fn pass(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        let mut wakes = 0;
        while let Some(due) = self.machine.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.give(RegistrationInput::Deadline);
            wakes += 1;
            assert!(wakes < 1000, "it does not spin");
        }
        self.now = end;
    }

    /// Till the next wake only.
    fn pass_to_deadline(&mut self) -> Duration {
        let due = self.machine.deadline().unwrap();
        let waited = due.since(self.now);
        self.now = due;
        self.give(RegistrationInput::Deadline);
        waited
    }

    fn restart(&mut self) {
        let json = serde_json::to_string(&self.disk).unwrap();
        let record = serde_json::from_str(&json).unwrap();
        self.machine = Registration::new(account(Transport::Udp), record, Tokens::new([6; 32]));
        self.sent.clear();
        self.events.clear();
        self.give(RegistrationInput::Started);
    }

    fn last_cause(&self) -> &str {
        let status = self.events.iter().rev().find_map(|event| match event {
            RegistrationOutput::Changed(status) => Some(status),
            _ => None,
        });
        &status.unwrap().cause
    }

    fn asks_for_next_proxy(&self) -> bool {
        self.events.iter().any(|event| matches!(event, RegistrationOutput::NextProxy { .. }))
    }
}

fn response(request: &Message, status: u16, headers: &[(HeaderName, &str)]) -> Message {
    let mut response = Message::response(request, status, "Words", Some("t"));
    headers.iter().for_each(|(name, value)| response.headers.push(name.clone(), *value));
    response
}

fn expires(request: &Message) -> &str {
    request.header(&HeaderName::Expires).unwrap()
}

fn number(request: &Message) -> u32 {
    request.cseq().unwrap().number
}

const DIGEST: &str = r#"Digest realm="r", nonce="1", qop="auth""#;

#[test]
fn nothing_is_sent_until_it_is_wanted() {
    let mut bench = Bench::new(Transport::Udp);
    assert_eq!((bench.machine.state(), bench.machine.deadline()), (StateName::Idle, None));
    bench.give(RegistrationInput::Wanted(false));
    assert_eq!((bench.machine.state(), bench.sent.len()), (StateName::Stopped, 0));
    bench.give(RegistrationInput::Wanted(true));
    assert_eq!(bench.machine.state(), StateName::AwaitingAnswer);
}

#[test]
fn the_request_is_whole_and_its_branch_names_the_owner() {
    let mut bench = Bench::wanted(Transport::Udp);
    let (request, to) = bench.next();
    assert_eq!(to, proxy(FIRST, Transport::Udp));
    let branch = request.top_via().unwrap().branch().unwrap().to_string();
    let tail = branch.strip_prefix(Via::COOKIE).unwrap();
    assert_eq!(tail.split_once('.').unwrap().0, OwnerId(0xab).to_string());
    assert!(request.top_via().unwrap().params.has("rport"));
    let contact = "<sip:4711@192.0.2.1:5060>;+sip.instance=\"<urn:uuid:1>\"";
    assert_eq!(request.header(&HeaderName::Contact).unwrap().as_str(), contact);
    assert_eq!((expires(&request), number(&request)), ("300", 1));
    let (from, to) = (request.from().unwrap(), request.to().unwrap());
    assert_eq!((from.uri.raw.as_str(), &from.uri), ("sip:4711@example.com", &to.uri));
    assert!(from.params.has("tag") && to.tag().is_none());
    assert!(Message::parse_datagram(request.encode()).is_ok());
}

#[test]
fn a_200_registers_and_the_refresh_comes_a_minute_before_the_end() {
    let mut bench = Bench::wanted(Transport::Udp);
    let began = bench.now;
    let contact = "<sip:other@x>;expires=9, <sip:4711@192.0.2.1:5060>;expires=200";
    bench.answer(200, &[(HeaderName::Contact, contact), (HeaderName::ServiceRoute, "<sip:p;lr>")]);
    assert_eq!(bench.machine.state(), StateName::Registered);
    assert_eq!(bench.machine.registered_until(), Some(began + Duration::from_secs(200)));
    assert_eq!(bench.machine.service_route(), ["<sip:p;lr>"]);
    let due = bench.machine.deadline().unwrap().since(began);
    assert!(due <= Duration::from_secs(140) && due >= Duration::from_secs(126), "{due:?}");
    bench.pass_to_deadline();
    let (refresh, _) = bench.next();
    assert_eq!(number(&refresh), 2);
    // While the refresh is under way the registration lives on.
    assert_eq!(bench.machine.registered_until(), Some(began + Duration::from_secs(200)));
}

#[test]
fn a_short_lifetime_is_refreshed_after_its_half_and_never_in_a_rush() {
    let mut tokens = Tokens::new([1; 32]);
    let mut bounds = |secs| request::refresh_after(Duration::from_secs(secs), &mut tokens).as_millis();
    assert!((27_000..=30_000).contains(&bounds(60)));
    assert!((3_186_000..=3_540_000).contains(&bounds(3600)));
    assert_eq!(bounds(1), 5_000);
}

#[test]
fn the_lifetime_granted_is_read_from_contact_then_header_then_the_request() {
    for (headers, secs) in [
        (vec![(HeaderName::Contact, "<sip:4711@NAT:9>;expires=90")], 90),
        (vec![(HeaderName::Contact, "<sip:a@b>, <sip:c@d>"), (HeaderName::Expires, "120")], 120),
        (vec![], 300),
        (vec![(HeaderName::Expires, "4294967295")], 86_400),
    ] {
        let mut bench = Bench::wanted(Transport::Udp);
        bench.answer(200, &headers);
        let left = bench.machine.registered_until().unwrap().since(bench.now);
        assert_eq!(left, Duration::from_secs(secs));
    }
}

#[test]
fn a_challenge_is_answered_so_that_our_own_verifier_believes_it() {
    let mut bench = Bench::wanted(Transport::Udp);
    let mut server = DigestServer::new("example.com", Offer::Both, Tokens::new([1; 32])).unwrap();
    let source = "192.0.2.1".parse().unwrap();
    let (first, _) = bench.next();
    let demand = server.demand(&first, Role::UserAgent, source, false, "t", bench.now);
    bench.give(RegistrationInput::Received(demand));
    assert_eq!(bench.machine.state(), StateName::AwaitingAuthenticated);
    let (second, _) = bench.next();
    let lookup = |user: &str, algorithm| Some(Ha1::of(algorithm, user, "example.com", "secret"));
    let verdict = server.verify_request(&second, Role::UserAgent, source, lookup, bench.now);
    assert_eq!(verdict, Verdict::Authentic { username: "anna".into() });
    assert_eq!((first.call_id(), number(&first) + 1), (second.call_id(), number(&second)));
    assert_ne!(first.top_via(), second.top_via());
    bench.give(RegistrationInput::Received(response(&second, 200, &[])));
    // The refresh goes with credentials at once.
    bench.pass_to_deadline();
    let (refresh, _) = bench.next();
    let verdict = server.verify_request(&refresh, Role::UserAgent, source, lookup, bench.now);
    assert_eq!(verdict, Verdict::Authentic { username: "anna".into() });
}

#[test]
fn a_wrong_password_waits_long_and_new_credentials_end_the_wait() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.answer(401, &[(HeaderName::WwwAuthenticate, DIGEST)]);
    bench.answer(401, &[(HeaderName::WwwAuthenticate, DIGEST)]);
    assert_eq!((bench.machine.state(), bench.sent.len()), (StateName::Waiting, 0));
    assert!(bench.last_cause().contains("refused"), "{}", bench.last_cause());
    assert!(bench.machine.deadline().unwrap().since(bench.now) >= Duration::from_secs(300));
    bench.give(RegistrationInput::CredentialsChanged(credentials("better")));
    let (request, _) = bench.next();
    assert!(request.header(&HeaderName::Authorization).is_none(), "the old nonce is dropped");
}

#[test]
fn an_endless_challenger_is_given_up() {
    let mut bench = Bench::wanted(Transport::Udp);
    for n in 0..20 {
        if bench.sent.is_empty() {
            break;
        }
        let stale = format!(r#"Digest realm="r", nonce="{n}", stale=true"#);
        bench.answer(401, &[(HeaderName::WwwAuthenticate, stale.as_str())]);
    }
    assert_eq!((bench.machine.state(), bench.sent.len()), (StateName::Waiting, 0));
}

#[test]
fn too_brief_an_interval_is_lengthened_and_remembered() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.answer(423, &[(HeaderName::MinExpires, "1800")]);
    let request = bench.answer(200, &[]);
    assert_eq!((expires(&request), number(&request)), ("1800", 2));
    bench.restart();
    bench.pass_to_deadline();
    assert_eq!(expires(&bench.next().0), "1800");
}

#[test]
fn a_senseless_423_is_a_refusal_and_a_creeping_one_ends() {
    for bad in ["10", "300", "900000", "x"] {
        let mut bench = Bench::wanted(Transport::Udp);
        bench.answer(423, &[(HeaderName::MinExpires, bad)]);
        assert_eq!((bench.machine.state(), bench.sent.len()), (StateName::Waiting, 0), "{bad}");
    }
    let mut bench = Bench::wanted(Transport::Udp);
    let asked = (0..50).take_while(|n| {
        let under_way = !bench.sent.is_empty();
        if under_way {
            bench.answer(423, &[(HeaderName::MinExpires, (301 + n).to_string().as_str())]);
        }
        under_way
    });
    assert_eq!(asked.count(), 9);
}

#[test]
fn a_refusal_says_its_cause_and_waits_long() {
    for status in [400, 403, 404, 603] {
        let mut bench = Bench::wanted(Transport::Udp);
        bench.answer(status, &[(HeaderName::Warning, "399 x \"disabled\"")]);
        assert_eq!(bench.last_cause(), format!("{status} Words (399 x \"disabled\")"));
        let wait = bench.machine.deadline().unwrap().since(bench.now);
        assert!((300..=600).contains(&wait.as_secs()), "{wait:?}");
        assert!(!bench.asks_for_next_proxy());
    }
}

#[test]
fn a_503_waits_as_long_as_it_asks_and_calls_for_another_proxy() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.answer(503, &[(HeaderName::RetryAfter, "120 (busy);duration=60")]);
    assert!(bench.asks_for_next_proxy());
    assert_eq!(bench.machine.deadline().unwrap().since(bench.now), Duration::from_secs(120));
    bench.give(RegistrationInput::ProxyChanged(proxy(SECOND, Transport::Udp)));
    assert_eq!(bench.next().1, proxy(SECOND, Transport::Udp));
}

#[test]
fn silence_is_repeated_on_udp_then_calls_for_another_proxy() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.pass(31);
    // RFC 3261 §17.1.2.2: 0, 0.5, 1.5, 3.5, 7.5, then every 4 s up to 32 s.
    assert_eq!(bench.sent.len(), 10);
    let first = bench.sent[0].clone();
    assert!(bench.sent.iter().all(|sent| *sent == first));
    assert!(!bench.asks_for_next_proxy());
    bench.sent.clear();
    bench.pass(1);
    assert!(bench.asks_for_next_proxy());
    assert_eq!(bench.machine.state(), StateName::Waiting);
}

#[test]
fn a_reliable_transport_repeats_nothing() {
    let mut bench = Bench::wanted(Transport::Tls);
    bench.pass(31);
    assert_eq!(bench.sent.len(), 1);
    bench.give(RegistrationInput::TransportFailed);
    assert!(bench.asks_for_next_proxy());
    assert_eq!(bench.last_cause(), "the proxy cannot be reached");
}

#[test]
fn waits_double_from_five_seconds_to_five_minutes() {
    let mut bench = Bench::wanted(Transport::Tcp);
    let mut whole = 5;
    for _ in 0..12 {
        bench.sent.clear();
        bench.give(RegistrationInput::TransportFailed);
        let wait = bench.pass_to_deadline().as_millis();
        assert!((whole * 500..=whole * 1000).contains(&wait), "{wait} of {whole} s");
        whole = (whole * 2).min(300);
    }
    bench.answer(200, &[]);
    bench.pass_to_deadline();
    bench.sent.clear();
    bench.give(RegistrationInput::TransportFailed);
    assert!(bench.pass_to_deadline() <= Duration::from_secs(5), "success wipes the slate");
}

#[test]
fn two_dead_proxies_make_no_storm() {
    let mut bench = Bench::wanted(Transport::Tcp);
    let mut sends = 0;
    for n in 0..50 {
        sends += bench.sent.drain(..).count();
        bench.give(RegistrationInput::TransportFailed);
        let next = if n % 2 == 0 { SECOND } else { FIRST };
        bench.give(RegistrationInput::ProxyChanged(proxy(next, Transport::Tcp)));
    }
    assert_eq!((sends, bench.machine.state()), (2, StateName::Waiting));
    bench.pass_to_deadline();
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn a_redirection_is_told_and_followed_when_resolved() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.answer(302, &[(HeaderName::Contact, "<sip:pool2.example.com>;q=1, <sip:pool3.example.com>")]);
    let targets = bench.events.iter().find_map(|event| match event {
        RegistrationOutput::Redirected { targets } => Some(targets.len()),
        _ => None,
    });
    assert_eq!((targets, bench.sent.len()), (Some(2), 0));
    bench.give(RegistrationInput::ProxyChanged(proxy(SECOND, Transport::Udp)));
    assert_eq!(bench.next().1.address, SECOND.parse().unwrap());
}

#[test]
fn proxies_that_point_at_each_other_make_no_storm() {
    let mut bench = Bench::wanted(Transport::Udp);
    for n in 0..20 {
        if !bench.sent.is_empty() {
            bench.answer(302, &[(HeaderName::Contact, "<sip:x>")]);
        }
        let next = if n % 2 == 0 { SECOND } else { FIRST };
        bench.give(RegistrationInput::ProxyChanged(proxy(next, Transport::Udp)));
    }
    assert_eq!((bench.sent.len(), bench.disk.cseq), (0, 2));
}

#[test]
fn not_wanted_means_de_registered_with_credentials() {
    let mut bench = Bench::registered(Transport::Udp);
    bench.give(RegistrationInput::Wanted(false));
    assert_eq!(bench.machine.state(), StateName::Unregistering);
    let first = bench.answer(401, &[(HeaderName::WwwAuthenticate, DIGEST)]);
    let second = bench.answer(200, &[]);
    assert_eq!((expires(&first), expires(&second)), ("0", "0"));
    assert!(second.header(&HeaderName::Authorization).is_some());
    assert_eq!((bench.machine.state(), bench.machine.registered_until()), (StateName::Stopped, None));
    assert_eq!((bench.machine.deadline(), bench.disk.wanted), (None, false));
}

#[test]
fn what_changes_while_a_register_is_under_way_is_done_after_it() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.give(RegistrationInput::Wanted(false));
    bench.give(RegistrationInput::Wanted(true));
    bench.give(RegistrationInput::Wanted(false));
    bench.give(RegistrationInput::ProxyChanged(proxy(SECOND, Transport::Udp)));
    bench.answer(200, &[]);
    assert_eq!(bench.machine.state(), StateName::Unregistering);
    bench.give(RegistrationInput::Wanted(true));
    bench.answer(200, &[]);
    assert_eq!(bench.machine.state(), StateName::AwaitingAnswer);
    assert_eq!((expires(&bench.sent[0].0), bench.sent.len()), ("300", 1));
}

#[test]
fn a_new_proxy_is_registered_with_at_once() {
    let mut bench = Bench::registered(Transport::Udp);
    bench.give(RegistrationInput::ProxyChanged(proxy(FIRST, Transport::Udp)));
    assert_eq!(bench.sent.len(), 0, "it is the old one");
    bench.give(RegistrationInput::ProxyChanged(proxy(SECOND, Transport::Udp)));
    bench.give(RegistrationInput::ProxyChanged(proxy(FIRST, Transport::Udp)));
    bench.answer(200, &[]);
    // The answer came from the one that is no longer wanted.
    assert_eq!(bench.next().1.address, FIRST.parse().unwrap());
}

#[test]
fn a_stop_that_is_not_heard_stops_all_the_same() {
    let mut bench = Bench::registered(Transport::Udp);
    bench.give(RegistrationInput::Wanted(false));
    bench.pass(40);
    assert_eq!(bench.machine.state(), StateName::Stopped);
    assert!(bench.machine.registered_until().is_some(), "the registrar may still hold us");
    bench.pass(300);
    assert_eq!((bench.machine.registered_until(), bench.machine.deadline()), (None, None));
}

#[test]
fn an_old_registration_outlives_failed_refreshes_until_its_end() {
    let mut bench = Bench::registered(Transport::Udp);
    let end = bench.machine.registered_until().unwrap();
    bench.pass_to_deadline();
    bench.answer(403, &[]);
    assert_eq!(bench.machine.registered_until(), Some(end));
    bench.pass(120);
    assert_eq!(bench.machine.registered_until(), None);
    assert_eq!(bench.machine.state(), StateName::Waiting);
}

#[test]
fn after_kill_9_the_same_call_id_goes_on_with_a_higher_cseq() {
    let mut bench = Bench::wanted(Transport::Udp);
    let before = bench.answer(200, &[]);
    let end = bench.machine.registered_until();
    bench.restart();
    assert_eq!((bench.machine.registered_until(), bench.sent.len()), (end, 0));
    assert!(bench.pass_to_deadline() <= Duration::from_secs(5));
    let (after, _) = bench.next();
    assert_eq!(after.call_id(), before.call_id());
    assert_eq!((after.from_tag(), number(&after)), (before.from_tag(), number(&before) + 1));
}

#[test]
fn after_kill_9_in_the_middle_of_a_stop_it_leaves_again() {
    let mut bench = Bench::registered(Transport::Udp);
    bench.give(RegistrationInput::Wanted(false));
    bench.restart();
    assert_eq!(bench.machine.state(), StateName::Unregistering);
    bench.answer(200, &[]);
    bench.restart();
    assert_eq!((bench.machine.state(), bench.machine.deadline()), (StateName::Idle, None));
}

#[test]
fn strange_and_repeated_responses_are_refused_by_name() {
    let mut bench = Bench::wanted(Transport::Udp);
    let (request, _) = bench.next();
    let mut other = request.clone();
    other.headers.set(HeaderName::Via, "SIP/2.0/UDP x;branch=z9hG4bKother");
    let refusal = bench.try_give(RegistrationInput::Received(response(&other, 200, &[])));
    let state = StateName::AwaitingAnswer;
    assert_eq!(refusal, Err(RegistrationRefusal::Unexpected { status: Some(200), state }));
    assert!(bench.try_give(RegistrationInput::Received(request.clone())).is_err());
    bench.give(RegistrationInput::Received(response(&request, 200, &[])));
    assert!(bench.try_give(RegistrationInput::Received(response(&request, 200, &[]))).is_err());
    assert_eq!(bench.machine.state(), StateName::Registered);
}

#[test]
fn a_provisional_answer_slows_repetition_and_decides_nothing() {
    let mut bench = Bench::wanted(Transport::Udp);
    let request = bench.answer(100, &[]);
    bench.pass(9);
    assert_eq!(bench.sent.drain(..).count(), 3);
    bench.give(RegistrationInput::Received(response(&request, 200, &[])));
    assert_eq!(bench.machine.state(), StateName::Registered);
}

#[test]
fn a_lost_connection_is_registered_anew_soon_but_not_in_a_circle() {
    let mut bench = Bench::registered(Transport::Tls);
    for longest in [1, 30, 30] {
        bench.give(RegistrationInput::TransportFailed);
        let waited = bench.pass_to_deadline();
        assert!(waited.as_secs_f64().ceil() as u64 == longest, "{waited:?}, not {longest} s");
        bench.answer(200, &[]);
    }
    bench.pass(100);
    for _ in 0..2 {
        bench.sent.clear();
        bench.give(RegistrationInput::TransportFailed);
        assert!(bench.pass_to_deadline() <= Duration::from_secs(1), "it had lasted");
        assert_eq!(bench.sent.len(), 1);
        bench.answer(200, &[]);
    }
}

#[test]
fn the_same_proxy_by_another_connection_is_no_change() {
    let mut bench = Bench::registered(Transport::Tls);
    let connection = Some(crate::sip::ConnectionId(9));
    bench.give(RegistrationInput::ProxyChanged(Destination { connection, ..proxy(FIRST, Transport::Tls) }));
    assert_eq!(bench.sent.len(), 0);
    bench.pass_to_deadline();
    assert_eq!(bench.next().1.connection, connection);
}

#[test]
fn a_200_that_grants_nothing_is_a_refusal() {
    let mut bench = Bench::wanted(Transport::Udp);
    bench.answer(200, &[(HeaderName::Expires, "0")]);
    assert_eq!((bench.machine.state(), bench.machine.registered_until()), (StateName::Waiting, None));
}

#[test]
fn a_cseq_at_its_end_begins_a_new_call_id() {
    let mut record = RegistrationRecord::new(&mut Tokens::new([1; 32]));
    let old = record.call_id.clone();
    record.cseq = (1 << 31) - 2;
    assert_eq!(record.next_cseq(&mut Tokens::new([2; 32])), (1 << 31) - 1);
    assert_eq!(record.call_id, old);
    assert_eq!(record.next_cseq(&mut Tokens::new([2; 32])), 1);
    assert_ne!(record.call_id, old);
}

#[test]
fn a_thousand_users_of_one_restart_spread_out() {
    let moments: std::collections::BTreeSet<_> = (0..1000u64)
        .map(|n| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&n.to_be_bytes());
            let mut record = RegistrationRecord::new(&mut Tokens::new(seed));
            record.wanted = true;
            let mut machine = Registration::new(account(Transport::Udp), record, Tokens::new(seed));
            machine.handle(RegistrationInput::Started, Moment::from_micros(0)).unwrap();
            machine.deadline().unwrap().as_micros() / 1_000_000
        })
        .collect();
    assert!(moments.last() <= Some(&5));
    assert!(moments.len() >= 5);
}

#[test]
fn a_proxy_that_is_back_ends_a_wait_but_not_that_of_a_refusal() {
    let mut bench = Bench::wanted(Transport::Tls);
    bench.give(RegistrationInput::TransportFailed);
    assert_eq!(bench.machine.state(), StateName::Waiting);
    bench.sent.clear();
    bench.give(RegistrationInput::ProxyBack(proxy(FIRST, Transport::Tls)));
    assert_eq!(bench.sent.len(), 1);
    bench.answer(403, &[]);
    bench.sent.clear();
    bench.give(RegistrationInput::ProxyBack(proxy(FIRST, Transport::Tls)));
    assert!(bench.sent.is_empty(), "a wrong password locks the account out");
}
