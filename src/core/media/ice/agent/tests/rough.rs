//! Loss, silence, lies and restarts.

use proptest::prelude::*;

use super::*;

#[test]
fn thirty_in_a_hundred_packets_lost_do_not_hinder_a_call() {
    let mut slowest = Duration::ZERO;
    for seed in 0..100 {
        for nomination in [Nomination::Regular, Nomination::Aggressive] {
            let settings = Settings { nomination, ..Settings::default() };
            let locals = [hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000)];
            let mut world = World::with(100 + seed, [settings.clone(), settings], locals);
            world.loss = 30;
            let start = world.now;
            world.exchange();
            world.run(secs(12));
            world.assert_completed(&format!("30 % loss, seed {seed}, {nomination:?}"));
            slowest = slowest.max(world.when(L, &Output::Completed).unwrap().since(start));
            for component in Component::ALL {
                let (left, right) =
                    (world.selected(L, component).unwrap(), world.selected(R, component).unwrap());
                assert_eq!((left.0, left.1), (right.1, right.0), "seed {seed}");
            }
        }
    }
    assert!(slowest < secs(10), "{slowest:?}");
}

#[test]
fn when_nothing_works_the_default_is_taken_and_a_late_success_still_counts() {
    let mut world = plain(40);
    world.dark = vec![sock("192.0.2.1:4000"), sock("192.0.2.1:4001")];
    world.exchange();
    world.run(secs(11));
    let failed = Output::Failed(vec![Component::Rtp, Component::Rtcp]);
    for side in [L, R] {
        assert!(world.when(side, &failed).is_some(), "side {side}");
        assert_eq!(world.sides[side].agent.state(), State::Failed);
        assert_eq!(world.selected(side, Component::Rtp).unwrap().2, Selection::Default);
    }
    // The peer begins to check again: its packets prove the way.
    world.dark.clear();
    let answer = world.description(R);
    let mut tokens = Tokens::new([3; 32]);
    let fresh = Agent::restore(Settings::default(), world.sides[L].agent.record(), &mut tokens);
    world.sides[L].agent = fresh;
    world.sides[L].agent.state = State::New;
    world.sides[L].agent.remote = None;
    world.give(L, Input::Remote(answer));
    world.run(secs(3));
    assert_eq!(world.sides[R].agent.state(), State::Completed);
    assert_eq!(world.selected(R, Component::Rtp).unwrap().2, Selection::Nominated);
}

#[test]
fn audio_without_rtcp_is_better_than_no_audio() {
    let mut world = plain(41);
    world.dark = vec![sock("192.0.2.1:4001")];
    world.exchange();
    world.run(secs(12));
    for side in [L, R] {
        assert!(world.when(side, &Output::Failed(vec![Component::Rtcp])).is_some(), "side {side}");
        assert_eq!(world.selected(side, Component::Rtp).unwrap().2, Selection::Nominated, "side {side}");
        assert_eq!(world.sides[side].agent.state(), State::Completed);
    }
    // It was heard all the time: the first valid pair was reported at once.
    let first = world.sides[L].events[0].clone();
    assert!(matches!(first.1, Output::Selected { how: Selection::Provisional, .. }));
}

#[test]
fn a_completed_agent_keeps_its_pairs_alive_and_says_nothing_else() {
    let mut world = plain(42);
    world.exchange();
    world.run(secs(2));
    let (sent, events) = (world.sides[L].sent, world.sides[L].events.len());
    world.run(secs(61));
    assert_eq!(world.sides[L].sent - sent, 8, "two components, four times in 61 s");
    assert_eq!(world.sides[L].events.len(), events);
}

#[test]
fn consent_is_renewed_and_its_loss_is_said_once() {
    let consent = Some(Consent { interval: secs(5), timeout: secs(30) });
    let settings = Settings { consent, ..Settings::default() };
    let locals = [hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000)];
    let mut world = World::with(43, [settings, Settings::default()], locals);
    world.exchange();
    world.run(secs(120));
    assert_eq!(world.when(L, &Output::ConsentLost(Component::Rtp)), None);
    world.dark = vec![sock("192.0.2.2:5000")];
    let cut = world.now;
    world.run(secs(120));
    let lost = world.when(L, &Output::ConsentLost(Component::Rtp)).unwrap().since(cut);
    assert!((secs(24)..secs(37)).contains(&lost), "{lost:?}");
    assert_eq!(world.when(L, &Output::ConsentLost(Component::Rtcp)), None);
    let said =
        world.sides[L].events.iter().filter(|(_, e)| *e == Output::ConsentLost(Component::Rtp)).count();
    assert_eq!(said, 1);
}

#[test]
fn a_restarted_agent_says_its_selection_again_and_goes_on() {
    let mut world = plain(44);
    world.exchange();
    world.run(secs(2));
    let record = world.sides[L].agent.record();
    let stored = serde_json::to_string(&record).unwrap();
    let record: Record = serde_json::from_str(&stored).unwrap();
    let mut tokens = Tokens::new([5; 32]);
    world.sides[L].agent = Agent::restore(Settings::default(), record, &mut tokens);
    world.sides[L].events.clear();
    world.give(L, Input::Started);
    let chosen = (sock("192.0.2.1:4000"), sock("192.0.2.2:5000"), Selection::Nominated);
    assert_eq!(world.selected(L, Component::Rtp), Some(chosen));
    assert!(world.sides[L].agent.final_description().is_some());
    let sent = world.sides[L].sent;
    world.run(secs(16));
    assert_eq!(world.sides[L].sent - sent, 2);
}

#[test]
fn a_search_that_a_restart_interrupted_begins_anew() {
    let mut world = plain(45);
    world.exchange();
    let record = world.sides[L].agent.record();
    world.sides[L].agent = Agent::restore(Settings::default(), record, &mut Tokens::new([6; 32]));
    world.give(L, Input::Started);
    world.run(secs(3));
    world.assert_completed("after a restart");
}

/// A check of R to L, written by hand.
fn check(world: &World, password: &str, more: impl Fn(Builder) -> Builder) -> Vec<u8> {
    let (left, right) = (&world.sides[L].agent.credentials, &world.sides[R].agent.credentials);
    let username = format!("{}:{}", left.ufrag, right.ufrag);
    let id = [0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let request = Builder::new(Class::Request, attr::BINDING, &id, Dialect::MsIce2)
        .number(attr::PRIORITY, 1)
        .long(attr::ICE_CONTROLLED, 0)
        .text(attr::USERNAME, username.as_bytes());
    more(request).finish(Some(password.as_bytes()))
}

fn answers(world: &mut World, from: &str, bytes: &[u8]) -> Vec<Output> {
    let Side { agent, tokens, .. } = &mut world.sides[L];
    let (from, to) = (sock(from), sock("192.0.2.1:4000"));
    let input = Input::Packet { component: Component::Rtp, from, to, bytes };
    agent.handle(input, world.now, tokens).unwrap()
}

#[test]
fn only_who_knows_the_password_gets_an_answer() {
    let mut world = plain(46);
    world.exchange();
    let password = world.sides[L].agent.credentials.password.0.clone();
    let right = check(&world, &password, |request| request);
    let wrong = check(&world, "another", |request| request);
    assert_eq!(answers(&mut world, "192.0.2.66:1", &wrong), []);
    assert_eq!(answers(&mut world, "192.0.2.66:1", &right[..right.len() - 1]), []);
    let mut spoilt = right.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    assert_eq!(answers(&mut world, "192.0.2.66:1", &spoilt), []);
    let answer = answers(&mut world, "192.0.2.66:1", &right);
    let [Output::Transmit { to, bytes, .. }] = &answer[..] else { panic!("{answer:?}") };
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.xor_address(attr::XOR_MAPPED_ADDRESS), Some(*to));
    let old = crate::media::ice::stun::with_old_fingerprint(&right).unwrap();
    assert_eq!(answers(&mut world, "192.0.2.66:1", &old).len(), 1, "without version the old one is right");
    let versioned = check(&world, &password, |r| r.number(attr::IMPLEMENTATION_VERSION, 2));
    let old = crate::media::ice::stun::with_old_fingerprint(&versioned).unwrap();
    assert_eq!(answers(&mut world, "192.0.2.66:1", &old), []);
}

#[test]
fn what_must_be_understood_and_is_not_is_refused_by_name() {
    let mut world = plain(47);
    world.exchange();
    let password = world.sides[L].agent.credentials.password.0.clone();
    let strange = check(&world, &password, |request| request.number(0x7777, 0));
    let answer = answers(&mut world, "192.0.2.66:1", &strange);
    let [Output::Transmit { bytes, .. }] = &answer[..] else { panic!("{answer:?}") };
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.error_code(), Some(420));
    assert_eq!(message.get(attr::UNKNOWN_ATTRIBUTES), Some(&[0x77, 0x77][..]));
}

#[test]
fn of_two_that_control_the_greater_tie_breaker_refuses_and_the_smaller_gives_way() {
    for (ours, error, role) in [(u64::MAX, Some(487), Role::Controlling), (0, None, Role::Controlled)] {
        let mut world = plain(52);
        world.exchange();
        world.sides[L].agent.tie_breaker = ours;
        let (left, right) = (&world.sides[L].agent.credentials, &world.sides[R].agent.credentials);
        let username = format!("{}:{}", left.ufrag, right.ufrag);
        let id = [0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let bytes = Builder::new(Class::Request, attr::BINDING, &id, Dialect::MsIce2)
            .number(attr::PRIORITY, 1)
            .long(attr::ICE_CONTROLLING, 1)
            .text(attr::USERNAME, username.as_bytes())
            .finish(Some(left.password.0.as_bytes()));
        let answer = answers(&mut world, "192.0.2.2:5000", &bytes);
        let [Output::Transmit { bytes, .. }] = &answer[..] else { panic!("{answer:?}") };
        assert_eq!(Message::parse(bytes).unwrap().error_code(), error);
        assert_eq!(world.sides[L].agent.role(), role);
    }
}

#[test]
fn of_one_foundation_rtp_is_checked_first_and_thaws_rtcp() {
    let mut world =
        World::new(53, [hosts(1, LEFT, 4000), hosts(2, "192.0.2.11", 4100)].concat(), hosts(1, RIGHT, 5000));
    world.exchange();
    let list = &world.sides[L].agent.list;
    let waiting: Vec<_> =
        (0..4).filter(|at| list.get(*at).state == super::super::check_list::PairState::Waiting).collect();
    assert_eq!(waiting.len(), 2, "one of each foundation");
    assert!(waiting.iter().all(|at| list.get(*at).component == Component::Rtp));
}

#[test]
fn what_the_peer_nominated_is_taken_when_our_own_checks_are_lost() {
    // R never hears a response to its own checks, only L's nominations.
    let mut deaf = plain(54);
    deaf.exchange();
    let username =
        format!("{}:{}", deaf.sides[R].agent.credentials.ufrag, deaf.sides[L].agent.credentials.ufrag);
    let password = deaf.sides[R].agent.credentials.password.0.clone();
    deaf.dark = vec![sock("192.0.2.2:5000"), sock("192.0.2.2:5001")];
    for (component, port) in [(Component::Rtp, 0), (Component::Rtcp, 1)] {
        let id = [0x21, 0x12, 0xA4, 0x42, port, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let bytes = Builder::new(Class::Request, attr::BINDING, &id, Dialect::MsIce2)
            .octets(attr::USE_CANDIDATE, &[])
            .number(attr::PRIORITY, 1)
            .long(attr::ICE_CONTROLLING, 1)
            .text(attr::USERNAME, username.as_bytes())
            .finish(Some(password.as_bytes()));
        let from = sock(&format!("192.0.2.1:{}", 4000 + u16::from(port)));
        let to = sock(&format!("192.0.2.2:{}", 5000 + u16::from(port)));
        deaf.give(R, Input::Packet { component, from, to, bytes: &bytes });
    }
    deaf.run(secs(11));
    assert_eq!(deaf.sides[R].agent.state(), State::Completed);
    assert_eq!(deaf.selected(R, Component::Rtp).unwrap().2, Selection::Nominated);
}

#[test]
fn a_response_from_elsewhere_or_of_nobody_proves_nothing() {
    let mut world = plain(48);
    world.exchange();
    let Side { agent, tokens, .. } = &mut world.sides[L];
    let out = agent.handle(Input::Deadline, world.now, tokens).unwrap();
    let [Output::Transmit { bytes, .. }] = &out[..] else { panic!("{out:?}") };
    let id = Message::parse(bytes).unwrap().transaction();
    let response = |key: Option<&[u8]>| {
        Builder::new(Class::Success, attr::BINDING, &id, Dialect::MsIce2)
            .xor_address(attr::XOR_MAPPED_ADDRESS, sock("192.0.2.1:4000"))
            .finish(key)
    };
    let password = world.sides[R].agent.credentials.password.0.clone();
    assert_eq!(answers(&mut world, "192.0.2.2:5000", &response(None)), []);
    assert_eq!(answers(&mut world, "192.0.2.2:5000", &response(Some(b"another"))), []);
    assert_eq!(world.selected(L, Component::Rtp), None);
    answers(&mut world, "192.0.2.77:5000", &response(Some(password.as_bytes())));
    let late = answers(&mut world, "192.0.2.2:5000", &response(Some(password.as_bytes())));
    assert_eq!(late, [], "the transaction is over");
    assert!(world.sides[L].agent.list.best_valid(Component::Rtp, Role::Controlling).is_none());
}

#[test]
fn a_peer_that_shows_ever_new_addresses_is_bounded() {
    let mut world = plain(49);
    world.exchange();
    let password = world.sides[L].agent.credentials.password.0.clone();
    let bytes = check(&world, &password, |request| request);
    for port in 1000..3000 {
        answers(&mut world, &format!("192.0.2.66:{port}"), &bytes);
    }
    let agent = &world.sides[L].agent;
    assert_eq!(agent.remote_candidates().len(), 2 + MAX_PEER_REFLEXIVE);
    assert!(agent.triggered.len() <= 2 + MAX_PEER_REFLEXIVE);
    let mut early = plain(50);
    let password = early.sides[L].agent.credentials.password.0.clone();
    let bytes = check(&early, &password, |request| request);
    (1000..1100).for_each(|port| drop(answers(&mut early, &format!("192.0.2.66:{port}"), &bytes)));
    assert_eq!(early.sides[L].agent.early.len(), MAX_EARLY);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_and_no_time_panic(
        junk in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..80), 0u64..3000), 0..20),
        flip in proptest::collection::vec((0usize..120, any::<u8>()), 0..20),
    ) {
        let mut world = plain(51);
        world.exchange();
        let password = world.sides[L].agent.credentials.password.0.clone();
        let honest = check(&world, &password, |request| request.octets(attr::USE_CANDIDATE, &[]));
        for (bytes, wait) in junk {
            answers(&mut world, "192.0.2.66:9", &bytes);
            world.run(Duration::from_millis(wait));
        }
        for (at, value) in flip {
            let mut bytes = honest.clone();
            let at = at % bytes.len();
            bytes[at] = value;
            answers(&mut world, "192.0.2.66:9", &bytes);
        }
        world.run(secs(20));
        prop_assert_eq!(world.sides[L].agent.state(), State::Completed);
    }

    #[test]
    fn any_loss_delay_and_seed_leave_both_sides_in_agreement(seed in any::<u8>(), loss in 0u64..60, delay in 1u64..400) {
        let mut world = plain(seed);
        (world.loss, world.delay) = (loss, Duration::from_millis(delay));
        world.exchange();
        world.run(secs(30));
        if [L, R].iter().all(|side| world.sides[*side].agent.state() == State::Completed) {
            let (left, right) = (world.selected(L, Component::Rtp).unwrap(), world.selected(R, Component::Rtp).unwrap());
            prop_assert_eq!((left.0, left.1), (right.1, right.0));
        }
    }
}
