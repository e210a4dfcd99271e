//! Messages of Lync's own clients, and the client against a relay of a few lines.

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha1::Sha1;

use super::bandwidth::{Amount, Location, Step};
use super::wire::{Writer, attr, kind, read};
use super::*;
use crate::media::ice::stun::attribute::ERROR_CODE;
use crate::media::ice::stun::{Alignment, Integrity, IntegrityRule, Message, long_term_key};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

// From Office Communicator, as github.com/vf1/turnmessage has them in its tests.
const ALLOCATE: &str = "0003009d30b8c9c7affcf4a24ddb6e2a0ae0ea5d000f000472c64bc68008000400000001000600340100002000000000\
    000000004c6f672e88c2f8deb84e72655c433149079446c219777392e02403081d8627a850451db5418ec6ca00140026\
    62623030656530322d316238382d343139352d393834342d39383639643738393033626178780015000f6f6666696365\
    7369702e6c6f63616c00080014294838d73762b1267095a313afa3be7886fe5308";
const SEND: &str = "0004010405051d39aa395849790d590b24790b4d000f000472c64bc6800800040000000180500018061cf910c43a3b08\
    60d5a700044b05a540f7739e00000001000600340100002000000000000000005ee327e3f4b5f8de638d3d7343f6d82c\
    6456e203cdbcca33ab03ef2dab01d6c8999de24e6c8eb6ed001100080001e19dc0a8010f00130078000100647f520422\
    1c5e73534ad74958ea221ff000060048ad2b146a3ff0cf0f916ede73d7baaaeabf6d9beb9a6d2621ed3e974bdb9561ca\
    3a323aba8f1c51ac35cf2153ed4291c9634d761c616e953f45c111508aad928e34f9a23a3200000000080014fda2220f\
    106b95fff1514d7b63f9170d9199042500080014ebb50c16ff816fec8f1aff41c980375136debf3b";

const ADDRESS: &str = "192.0.2.44:51000";
const NONCE: &[u8] = b"bb00ee02-1b88-4195-9844-9869d78903baxx";
const REALM: &[u8] = b"example.com";

fn access() -> Access {
    Access::from_mras("AQAAIAAAAAAAAAAATG9n", "oUU0sl7OCLQNpLUYuI1cX7OAwXE=").unwrap()
}

fn sock(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Type and value of each attribute.
fn attributes(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let (mut at, mut found) = (20, Vec::new());
    while at < bytes.len() {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let length = usize::from(word(at + 2));
        found.push((word(at), bytes[at + 4..at + 4 + length].to_vec()));
        at += 4 + length;
    }
    found
}

fn kinds(bytes: &[u8]) -> Vec<u16> {
    attributes(bytes).into_iter().map(|(kind, _)| kind).collect()
}

struct Bench {
    turn: Turn,
    tokens: Tokens,
    now: Moment,
    key: [u8; 16],
}

impl Bench {
    fn new(transport: RelayTransport) -> Self {
        let (tokens, now) = (Tokens::new([1; 32]), Moment::from_micros(1_000_000));
        let access = access();
        let key = long_term_key(&access.username.0, REALM, &access.password.0);
        Self { turn: Turn::new(transport, access), tokens, now, key }
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        self.turn.handle(input, self.now, &mut self.tokens).unwrap()
    }

    /// The one message that is sent.
    fn sent(&mut self, input: Input<'_>) -> Vec<u8> {
        let out = self.give(input);
        let [Output::Transmit(bytes)] = &out[..] else { panic!("{out:?}") };
        bytes.clone()
    }

    fn wait(&mut self) -> Vec<Output> {
        self.now = self.turn.deadline().unwrap();
        self.give(Input::Deadline)
    }

    fn answer(&self, kind: u16, request: &[u8]) -> Writer {
        Writer::new(kind, request[4..20].try_into().unwrap())
    }

    fn error(&self, request: &[u8], code: u16) -> Vec<u8> {
        let kind = u16::from_be_bytes([request[0], request[1]]) | 0x0110;
        self.answer(kind, request)
            .octets(ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8, b'n', b'o'])
            .octets(attr::NONCE, NONCE)
            .octets(attr::REALM, REALM)
            .address(attr::ALTERNATE_SERVER, sock("192.0.2.45:3478"))
            .finish(None)
    }

    fn success(&self, request: &[u8]) -> Writer {
        self.answer(kind::ALLOCATED, request)
            .address(attr::MAPPED_ADDRESS, sock(ADDRESS))
            .covered(attr::XOR_MAPPED_ADDRESS, Some(sock("203.0.113.7:40000")))
            .octets(attr::LIFETIME, &600u32.to_be_bytes())
            .octets(attr::MS_SEQUENCE_NUMBER, &[&[9; 20][..], &7u32.to_be_bytes()].concat())
    }

    /// Challenge and allocation over UDP.
    fn allocated() -> Self {
        let mut bench = Self::new(RelayTransport::Udp);
        let first = bench.sent(Input::Started);
        let refusal = bench.error(&first, 401);
        let second = bench.sent(Input::Received(&refusal));
        let success = bench.success(&second).finish(Some(&bench.key));
        let out = bench.give(Input::Received(&success));
        let [Output::Allocated { relayed, reflexive, lifetime }] = &out[..] else { panic!("{out:?}") };
        assert_eq!((*relayed, *reflexive), (sock(ADDRESS), sock("203.0.113.7:40000")));
        assert_eq!(*lifetime, Duration::from_secs(600));
        bench
    }
}

#[test]
fn an_allocate_of_communicator_verifies_with_its_mras_credentials() {
    let bytes = hex(ALLOCATE);
    let message = read(&bytes).unwrap();
    assert_eq!(message.kind(), kind::ALLOCATE);
    assert_eq!(message.get(attr::REALM), Some(&b"officesip.local"[..]));
    assert_eq!(message.get(attr::NONCE), Some(NONCE));
    let username = message.get(attr::USERNAME).unwrap();
    let mut mac = Hmac::<Sha1>::new_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 0].repeat(2)).unwrap();
    mac.update(username);
    let password = mac.finalize().into_bytes();
    let key = long_term_key(username, b"officesip.local", &password);
    assert_eq!(message.integrity(&key, IntegrityRule::Rfc3489), Integrity::Right);
    assert!(Message::parse_aligned(&bytes, Alignment::Four).is_err(), "it has no filling");
}

#[test]
fn our_send_request_has_the_attributes_of_communicators_in_their_order() {
    let theirs = hex(SEND);
    assert_eq!(read(&theirs).unwrap().kind(), kind::SEND);
    let mut bench = Bench::allocated();
    let ours = bench.sent(Input::Send { to: sock("192.168.1.15:57757"), bytes: b"check" });
    assert_eq!(kinds(&ours), kinds(&theirs));
    let value = |bytes: &[u8], kind| attributes(bytes).into_iter().find(|(k, _)| *k == kind).unwrap().1;
    assert_eq!(value(&ours, attr::DESTINATION_ADDRESS), value(&theirs, attr::DESTINATION_ADDRESS));
    assert_eq!(value(&ours, attr::MS_SEQUENCE_NUMBER).len(), value(&theirs, attr::MS_SEQUENCE_NUMBER).len());
    assert_eq!(value(&ours, attr::DATA), b"check");
    assert_eq!(read(&ours).unwrap().integrity(&bench.key, IntegrityRule::Rfc3489), Integrity::Right);
}

#[test]
fn a_data_indication_of_a_relay_over_tcp_gives_the_packet_inside() {
    let data = [&[0, 5][..], b"media"].concat();
    let indication = Writer::new(kind::DATA, &[3; 16])
        .address(attr::REMOTE_ADDRESS, sock("213.27.93.102:24911"))
        .octets(attr::DATA, &data)
        .finish(None);
    let mut bench = Bench::new(RelayTransport::Tcp);
    let out = allocate_over_tcp(&mut bench, usize::MAX);
    assert!(matches!(out[..], [Output::Allocated { .. }]), "{out:?}");
    let framed = [&[2, 0][..], &(indication.len() as u16).to_be_bytes(), &indication].concat();
    let out: Vec<_> = framed.chunks(7).flat_map(|part| bench.give(Input::Received(part))).collect();
    assert_eq!(out, [Output::Data { from: sock("213.27.93.102:24911"), bytes: b"media".to_vec() }]);
}

/// Greeting, challenge and allocation; the relay's octets come in parts of `step`.
fn allocate_over_tcp(bench: &mut Bench, step: usize) -> Vec<Output> {
    let hello = bench.sent(Input::Started);
    assert_eq!(hello[..6], [0x16, 3, 1, 0, 0x2D, 1]);
    let control = |message: Vec<u8>| [&[2, 0][..], &(message.len() as u16).to_be_bytes(), &message].concat();
    let feed = |bench: &mut Bench, bytes: &[u8]| -> Vec<Output> {
        bytes.chunks(step.min(bytes.len())).flat_map(|part| bench.give(Input::Received(part))).collect()
    };
    let out = feed(bench, &frame::tests::server_hello());
    let [Output::Transmit(first)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(first[..2], [2, 0]);
    let refusal = bench.error(&first[4..], 401);
    let out = feed(bench, &control(refusal));
    let [Output::Transmit(second)] = &out[..] else { panic!("{out:?}") };
    let success = bench.success(&second[4..]).finish(Some(&bench.key));
    feed(bench, &control(success))
}

#[test]
fn the_first_allocate_goes_bare_and_the_second_with_everything() {
    let mut bench = Bench::new(RelayTransport::Udp);
    let first = bench.sent(Input::Started);
    assert_eq!(kinds(&first), [attr::MAGIC_COOKIE, attr::MS_VERSION]);
    let refusal = bench.error(&first, 401);
    let second = bench.sent(Input::Received(&refusal));
    let expected =
        [attr::MAGIC_COOKIE, attr::MS_VERSION, attr::USERNAME, attr::NONCE, attr::REALM, attr::LIFETIME, 8];
    assert_eq!(kinds(&second), expected);
    assert_eq!(read(&second).unwrap().integrity(&bench.key, IntegrityRule::Rfc3489), Integrity::Right);
    assert_ne!(first[4..20], second[4..20], "a new transaction");
}

#[test]
fn a_stream_may_break_anywhere() {
    for step in [1, 3, 64] {
        let out = allocate_over_tcp(&mut Bench::new(RelayTransport::Tcp), step);
        assert!(matches!(out[..], [Output::Allocated { .. }]), "step {step}: {out:?}");
    }
}

#[test]
fn data_to_the_active_destination_goes_as_it_is() {
    let mut bench = Bench::allocated();
    let peer = sock("192.0.2.9:4000");
    let request = bench.sent(Input::Activate(peer));
    assert_eq!(read(&request).unwrap().kind(), kind::ACTIVATE);
    assert_eq!(bench.give(Input::Received(b"\x80media")), [], "nothing is active yet");
    let success = bench.answer(kind::ACTIVATED, &request).finish(Some(&bench.key));
    assert_eq!(bench.give(Input::Received(&success)), [Output::Activated(peer)]);
    assert_eq!(bench.sent(Input::Send { to: peer, bytes: b"\x80media" }), b"\x80media");
    let data = Output::Data { from: peer, bytes: b"\x80media".to_vec() };
    assert_eq!(bench.give(Input::Received(b"\x80media")), [data]);
    let other = bench.sent(Input::Send { to: sock("192.0.2.9:4001"), bytes: b"x" });
    assert_eq!(read(&other).unwrap().kind(), kind::SEND);
    let request = bench.sent(Input::Activate(sock("192.0.2.10:1")));
    let refusal = bench.error(&request, 440);
    assert_eq!(bench.give(Input::Received(&refusal)), [Output::NotActivated(sock("192.0.2.10:1"), 440)]);
    assert_eq!(bench.turn.active(), Some(peer));
}

#[test]
fn each_request_counts_the_sequence_up() {
    let mut bench = Bench::allocated();
    for expected in 8u32..11 {
        let sent = bench.sent(Input::Send { to: sock("192.0.2.9:4000"), bytes: b"x" });
        let sequence = read(&sent).unwrap().get(attr::MS_SEQUENCE_NUMBER).unwrap().to_vec();
        assert_eq!((&sequence[..20], &sequence[20..]), (&[9; 20][..], &expected.to_be_bytes()[..]));
    }
}

#[test]
fn the_allocation_is_refreshed_in_time_and_given_back() {
    let mut bench = Bench::allocated();
    let before = bench.now;
    let out = bench.wait();
    assert_eq!(bench.now.since(before), Duration::from_secs(540));
    let [Output::Transmit(refresh)] = &out[..] else { panic!("{out:?}") };
    let success = bench.success(refresh).finish(Some(&bench.key));
    assert_eq!(bench.give(Input::Received(&success)), []);
    assert_eq!(bench.turn.deadline().unwrap().since(bench.now), Duration::from_secs(540));
    let release = bench.sent(Input::Release);
    assert_eq!(read(&release).unwrap().number(attr::LIFETIME), Some(0));
    let success = bench.success(&release).finish(Some(&bench.key));
    assert_eq!(bench.give(Input::Received(&success)), [Output::Released]);
    assert_eq!((bench.turn.state(), bench.turn.deadline()), (State::Ended, None));
}

#[test]
fn a_stale_nonce_is_renewed_and_a_wrong_password_is_not_tried_for_ever() {
    let mut bench = Bench::allocated();
    bench.wait();
    let mut stale = bench.turn.pending.as_ref().unwrap().bytes.clone();
    for round in 0..3u8 {
        let answer = bench
            .answer(kind::NOT_ALLOCATED, &stale)
            .octets(ERROR_CODE, &[0, 0, 4, 38])
            .octets(attr::NONCE, &[round; 8])
            .finish(None);
        stale = bench.sent(Input::Received(&answer));
        assert_eq!(read(&stale).unwrap().get(attr::NONCE), Some(&[round; 8][..]));
    }
    let answer = bench.answer(kind::NOT_ALLOCATED, &stale).octets(ERROR_CODE, &[0, 0, 4, 38]);
    let answer = answer.octets(attr::NONCE, b"fourth").finish(None);
    assert_eq!(bench.give(Input::Received(&answer)), [Output::Failed(Failure::Credentials(438))]);

    let mut bench = Bench::new(RelayTransport::Udp);
    let first = bench.sent(Input::Started);
    let refusal = bench.error(&first, 401);
    let second = bench.sent(Input::Received(&refusal));
    let refusal = bench.error(&second, 401);
    assert_eq!(bench.give(Input::Received(&refusal)), [Output::Failed(Failure::Credentials(401))]);
}

#[test]
fn only_the_relay_with_our_key_is_believed() {
    let mut bench = Bench::new(RelayTransport::Udp);
    let first = bench.sent(Input::Started);
    let refusal = bench.error(&first, 401);
    let second = bench.sent(Input::Received(&refusal));
    for forged in [
        bench.success(&second).finish(None),
        bench.success(&second).finish(Some(b"another")),
        bench.success(&first).finish(Some(&bench.key)),
        bench.answer(kind::ACTIVATED, &second).finish(Some(&bench.key)),
    ] {
        assert_eq!(bench.give(Input::Received(&forged)), []);
    }
    assert_eq!(bench.turn.state(), State::Allocating);
    let bare = bench.answer(kind::ALLOCATED, &second).finish(Some(&bench.key));
    assert_eq!(bench.give(Input::Received(&bare)), [Output::Failed(Failure::Incomplete("MAPPED-ADDRESS"))]);
}

#[test]
fn a_silent_relay_is_asked_six_times_and_then_given_up() {
    let mut bench = Bench::new(RelayTransport::Udp);
    let (start, first) = (bench.now, bench.sent(Input::Started));
    for _ in 0..5 {
        assert_eq!(bench.wait(), [Output::Transmit(first.clone())]);
    }
    assert_eq!(bench.wait(), [Output::Failed(Failure::Silent)]);
    assert_eq!(bench.now.since(start), Duration::from_millis(12_600));
    let mut bench = Bench::new(RelayTransport::Tcp);
    bench.sent(Input::Started);
    assert_eq!(bench.wait(), [Output::Failed(Failure::Silent)]);
}

#[test]
fn another_relay_and_a_broken_connection_end_the_client() {
    let mut bench = Bench::new(RelayTransport::Udp);
    let first = bench.sent(Input::Started);
    let redirect = bench.error(&first, 300);
    assert_eq!(bench.give(Input::Received(&redirect)), [Output::Redirected(sock("192.0.2.45:3478"))]);
    assert_eq!(bench.turn.state(), State::Ended);
    assert_eq!(bench.give(Input::Closed), []);
    let mut bench = Bench::new(RelayTransport::Tcp);
    bench.sent(Input::Started);
    let out = bench.give(Input::Received(b"HTTP/1.1 400"));
    assert!(matches!(out[..], [Output::Failed(Failure::Stream(_))]), "{out:?}");
    let mut bench = Bench::allocated();
    assert_eq!(bench.give(Input::Closed), [Output::Failed(Failure::Closed)]);
}

fn reservation() -> Reservation {
    Reservation {
        step: Step::Check,
        id: None,
        amount: Some(Amount { min_send: 64, max_send: 128, min_receive: 65, max_receive: 129 }),
        remote_site: Some(sock("10.0.0.1:12345")),
        remote_relay: Some(sock("192.0.2.20:55667")),
        local_site: Some(sock("10.0.1.1:23456")),
        local_relay: None,
        call_id: Some("call@example.com".into()),
        dialog_id: None,
        peer_location: Location::Intranet,
        own_location: Location::Intranet,
        federation: 0,
    }
}

#[test]
fn a_reservation_stands_in_the_allocate_with_its_addresses_covered() {
    let mut bench = Bench::allocated();
    let sent = bench.sent(Input::Reserve(Box::new(reservation())));
    let message = read(&sent).unwrap();
    assert_eq!(message.get(0x8056), Some(&[0, 0, 0, 0][..]));
    assert_eq!(message.get(0x8058), Some(&[0, 0, 0, 64, 0, 0, 0, 128, 0, 0, 0, 65, 0, 0, 0, 129][..]));
    assert_eq!(message.xor_address(0x8059), Some(sock("10.0.0.1:12345")));
    assert_ne!(message.address(0x8059), Some(sock("10.0.0.1:12345")));
    assert_eq!(message.xor_address(0x805B), Some(sock("10.0.1.1:23456")));
    assert_eq!(message.get(0x805C), None);
    assert_eq!(message.get(0x8062), Some(&b"call@example.com"[..]));
    assert_eq!(message.get(0x8068), Some(&[2, 2, 0, 0][..]));
    let site = |flags: u32| [flags, 128, 129].map(u32::to_be_bytes).concat();
    let answer = bench
        .success(&sent)
        .octets(0x805D, &site(1 << 30))
        .octets(0x805F, &site(1 << 31))
        .octets(0x805E, &[1])
        .octets(0x8057, &[5; 16])
        .finish(Some(&bench.key));
    let out = bench.give(Input::Received(&answer));
    let [Output::Reserved(answer)] = &out[..] else { panic!("{out:?}") };
    assert!(!answer.direct_way() && answer.pstn_failover());
    assert_eq!((answer.id, answer.remote_relay), (Some([5; 16]), None));
    assert_eq!(answer.local_site.unwrap().max_receive, 129);
}

#[test]
fn no_room_is_said_and_the_allocation_stays() {
    let mut bench = Bench::allocated();
    for code in [274, 275] {
        let sent = bench.sent(Input::Reserve(Box::new(reservation())));
        let refusal = bench.error(&sent, code);
        assert_eq!(bench.give(Input::Received(&refusal)), [Output::NotReserved(code)]);
    }
    assert_eq!(bench.turn.state(), State::Allocated);
}

#[test]
fn orders_wait_in_a_line_that_has_an_end() {
    let mut bench = Bench::allocated();
    let first = bench.sent(Input::Reserve(Box::new(reservation())));
    for _ in 0..MAX_ORDERS {
        assert_eq!(bench.give(Input::Activate(sock("192.0.2.9:1"))), []);
    }
    let more = bench.turn.handle(Input::Release, bench.now, &mut bench.tokens);
    assert_eq!(more, Err(Refusal::Busy));
    let success = bench.success(&first).finish(Some(&bench.key));
    let out = bench.give(Input::Received(&success));
    assert!(matches!(out[..], [Output::Reserved(_), Output::Transmit(_)]), "{out:?}");
    let long = vec![0; MAX_DATA + 1];
    let input = Input::Send { to: sock("192.0.2.9:1"), bytes: &long };
    assert_eq!(bench.turn.handle(input, bench.now, &mut bench.tokens), Err(Refusal::TooLong(4097)));
    let mut idle = Turn::new(RelayTransport::Udp, access());
    assert_eq!(idle.handle(Input::Release, bench.now, &mut bench.tokens), Err(Refusal::NotAllocated));
}

#[test]
fn credentials_do_not_show_in_debug_output() {
    let bench = Bench::allocated();
    let shown = format!("{:?}", bench.turn);
    assert!(shown.contains("redacted") && !shown.contains("161, 69"), "{shown}");
    assert_eq!(Access::from_mras("?", "cGFzcw=="), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..6),
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..12),
    ) {
        let mut bench = Bench::allocated();
        let peer = sock("192.0.2.9:1");
        let request = bench.sent(Input::Activate(peer));
        let mut answer = bench.success(&request).finish(Some(&bench.key));
        for (at, value) in flips {
            let at = at % answer.len();
            answer[at] = value;
            bench.give(Input::Received(&answer));
        }
        let mut tcp = Bench::new(RelayTransport::Tcp);
        tcp.give(Input::Started);
        for part in parts {
            bench.give(Input::Received(&part));
            tcp.give(Input::Received(&part));
        }
    }
}

#[test]
fn an_allocation_goes_on_after_a_restart_and_asks_at_once_whether_it_stands() {
    let mut bench = Bench::allocated();
    let peer = sock("192.0.2.9:4000");
    let request = bench.sent(Input::Activate(peer));
    let success = bench.answer(kind::ACTIVATED, &request).finish(Some(&bench.key));
    bench.give(Input::Received(&success));
    let written = serde_json::to_vec(&bench.turn.record().unwrap()).unwrap();
    bench.turn = Turn::restore(serde_json::from_slice(&written).unwrap(), bench.now);
    assert_eq!((bench.turn.state(), bench.turn.active()), (State::Allocated, Some(peer)));
    assert_eq!(bench.sent(Input::Send { to: peer, bytes: b"\x80media" }), b"\x80media");
    let refresh = bench.wait();
    let [Output::Transmit(refresh)] = &refresh[..] else { panic!("{refresh:?}") };
    let number = read(refresh).unwrap().get(attr::MS_SEQUENCE_NUMBER).unwrap()[20..].to_vec();
    assert!(u32::from_be_bytes(number.try_into().unwrap()) > 10_000);
    let success = bench.success(refresh).finish(Some(&bench.key));
    assert_eq!(bench.give(Input::Received(&success)), []);
    assert_eq!(bench.turn.state(), State::Allocated);
}

#[test]
fn nothing_of_a_client_without_allocation_or_over_tcp_survives() {
    assert_eq!(Bench::new(RelayTransport::Udp).turn.record(), None);
    let mut bench = Bench::new(RelayTransport::Tcp);
    allocate_over_tcp(&mut bench, usize::MAX);
    assert_eq!((bench.turn.state(), bench.turn.record()), (State::Allocated, None));
}
