//! Two agents against each other over a network that loses, delays and rewrites, in virtual time.

mod network;
mod rough;

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::media::ice::stun::{Builder, Class, Message, attribute as attr};
use network::{L, Nat, R, Side, World, hosts, reflexive, relays};

const LEFT: &str = "192.0.2.1";
const RIGHT: &str = "192.0.2.2";

fn sock(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn plain(seed: u8) -> World {
    World::new(seed, hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000))
}

#[test]
fn two_hosts_find_each_other_and_agree() {
    let mut world = plain(1);
    let start = world.now;
    world.exchange();
    world.run(secs(1));
    world.assert_completed("hosts");
    for (component, left, right) in [
        (Component::Rtp, sock("192.0.2.1:4000"), sock("192.0.2.2:5000")),
        (Component::Rtcp, sock("192.0.2.1:4001"), sock("192.0.2.2:5001")),
    ] {
        assert_eq!(world.selected(L, component), Some((left, right, Selection::Nominated)));
        assert_eq!(world.selected(R, component), Some((right, left, Selection::Nominated)));
    }
    // Four ways of 20 to 25 ms and a little pacing: nobody waits for a timer when nothing better can come.
    let took = world.when(L, &Output::Completed).unwrap().since(start);
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(world.sides[L].agent.role(), Role::Controlling);
}

#[test]
fn every_dialect_and_both_nominations_work() {
    for dialect in [Dialect::MsIce2, Dialect::Rfc5389, Dialect::Rfc3489] {
        for nomination in [Nomination::Regular, Nomination::Aggressive] {
            let settings = Settings { dialect, nomination, ..Settings::default() };
            let locals = [hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000)];
            let mut world = World::with(2, [settings.clone(), settings], locals);
            world.exchange();
            world.run(secs(2));
            world.assert_completed(&format!("{dialect:?} {nomination:?}"));
        }
    }
}

#[test]
fn an_agent_takes_up_the_dialect_of_its_peer() {
    let other = Settings { dialect: Dialect::Rfc5389, ..Settings::default() };
    let locals = [hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000)];
    let mut world = World::with(3, [Settings::default(), other], locals);
    world.exchange();
    world.run(secs(2));
    world.assert_completed("mixed");
}

#[test]
fn a_copy_for_old_stacks_disturbs_nobody() {
    let settings = Settings { old_fingerprint: true, ..Settings::default() };
    let mut world =
        World::with(4, [settings.clone(), settings], [hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000)]);
    world.exchange();
    world.run(secs(2));
    world.assert_completed("copies");
}

#[test]
fn the_final_offer_names_the_selected_pairs_and_its_answer_mirrors_it() {
    let mut world = plain(5);
    assert_eq!(world.sides[L].agent.final_description(), None);
    world.exchange();
    world.run(secs(1));
    let offer = world.sides[L].agent.final_description().unwrap();
    let lines = offer.attributes();
    assert!(lines.contains(&"candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host ".to_owned()), "{lines:?}");
    assert!(lines.contains(&"remote-candidates:1 192.0.2.2 5000 2 192.0.2.2 5001 ".to_owned()), "{lines:?}");
    assert_eq!(offer.default_of(Component::Rtcp), Some(sock("192.0.2.1:4001")));
    let events = world.sides[R].events.len();
    world.give(R, Input::Remote(offer));
    assert_eq!(world.sides[R].events.len(), events, "it says nothing new");
    let answer = world.sides[R].agent.final_description().unwrap();
    assert_eq!(
        answer.remote_candidates,
        [(Component::Rtp, sock("192.0.2.1:4000")), (Component::Rtcp, sock("192.0.2.1:4001"))]
    );
}

#[test]
fn a_final_offer_decides_where_no_check_did() {
    // L waits for a better pair for ever, so it never nominates by itself.
    let left = Settings { settle: secs(3600), ..Settings::default() };
    let locals = [[hosts(1, "198.51.100.1", 4000), hosts(2, LEFT, 4100)].concat(), hosts(1, RIGHT, 5000)];
    let mut world = World::with(6, [left, Settings::default()], locals);
    world.dark = vec![sock("198.51.100.1:4000"), sock("198.51.100.1:4001")];
    world.exchange();
    world.run(secs(3));
    assert_eq!(world.selected(R, Component::Rtp).unwrap().2, Selection::Provisional);
    let mut offer = world.description(L);
    offer.candidates.retain(|c| c.address.port() >= 4100);
    offer.remote_candidates =
        vec![(Component::Rtp, sock("192.0.2.2:5000")), (Component::Rtcp, sock("192.0.2.2:5001"))];
    world.give(R, Input::Remote(offer));
    let chosen = (sock("192.0.2.2:5000"), sock("192.0.2.1:4100"), Selection::Nominated);
    assert_eq!(world.selected(R, Component::Rtp), Some(chosen));
    assert_eq!(world.sides[R].agent.state(), State::Completed);
}

#[test]
fn a_final_offer_is_answered_before_our_checks_have_ended() {
    let mut world = plain(17);
    let offer = world.description(L);
    world.give(R, Input::Remote(offer.clone()));
    let remote_candidates =
        vec![(Component::Rtp, sock("192.0.2.2:5000")), (Component::Rtcp, sock("192.0.2.2:5001"))];
    world.give(R, Input::Remote(Description { remote_candidates, ..offer }));
    let answer = world.sides[R].agent.final_description().unwrap();
    assert_eq!(answer.remote_candidates[0], (Component::Rtp, sock("192.0.2.1:4000")));
    assert_eq!(world.sides[R].agent.state(), State::Checking);
    let answer = world.description(R);
    world.give(L, Input::Remote(answer));
    world.run(secs(2));
    world.assert_completed("named early");
}

#[test]
fn behind_a_nat_the_reflexive_candidate_is_reached() {
    let mut nat = Nat::new("10.0.1.1", "192.0.2.3", false);
    let stun = sock("192.0.2.9:3478");
    let rtp = nat.map(sock("10.0.1.1:8998"), stun);
    let rtcp = nat.map(sock("10.0.1.1:8999"), stun);
    let mut left = hosts(1, "10.0.1.1", 8998);
    left.push(reflexive(2, Component::Rtp, rtp, "10.0.1.1:8998"));
    left.push(reflexive(2, Component::Rtcp, rtcp, "10.0.1.1:8999"));
    let mut world = World::new(7, left, hosts(1, RIGHT, 3478));
    world.sides[L].nat = Some(nat);
    world.exchange();
    world.run(secs(3));
    world.assert_completed("NAT");
    assert_eq!(world.selected(L, Component::Rtp).unwrap().0, sock("10.0.1.1:8998"), "sends from the base");
    assert_eq!(world.selected(R, Component::Rtp).unwrap().1, rtp);
    let named = world.sides[L].agent.final_description().unwrap().candidates[0].clone();
    assert_eq!((named.kind, named.address), (Kind::ServerReflexive, rtp));
}

#[test]
fn a_nat_that_nobody_knew_of_shows_in_peer_reflexive_candidates() {
    let mut world = World::new(8, hosts(1, "10.0.1.1", 8998), hosts(1, RIGHT, 3478));
    world.sides[L].nat = Some(Nat::new("10.0.1.1", "192.0.2.3", true));
    world.exchange();
    world.run(secs(3));
    world.assert_completed("hidden NAT");
    let seen = world.selected(R, Component::Rtp).unwrap().1;
    assert_eq!(seen.ip().to_string(), "192.0.2.3");
    let learnt = world.sides[R].agent.remote_candidates().iter().find(|c| c.address == seen).unwrap();
    assert_eq!((learnt.kind, learnt.priority >> 24), (Kind::PeerReflexive, 110));
    let ours = world.sides[L].agent.final_description().unwrap().candidates[0].clone();
    assert_eq!((ours.kind, ours.address), (Kind::PeerReflexive, seen));
}

#[test]
fn between_two_symmetric_nats_the_relay_carries() {
    let left = [hosts(1, "10.0.1.1", 4000), relays(3, "198.51.100.1", 50_000)].concat();
    let right = [hosts(1, "10.0.2.1", 5000), relays(3, "198.51.100.2", 50_000)].concat();
    let mut world = World::new(9, left, right);
    world.sides[L].nat = Some(Nat::new("10.0.1.1", "192.0.2.3", true));
    world.sides[R].nat = Some(Nat::new("10.0.2.1", "192.0.2.4", true));
    world.exchange();
    world.run(secs(9));
    world.assert_completed("relay");
    let (local, remote, _) = world.selected(L, Component::Rtp).unwrap();
    assert!(local.port() >= 50_000 || remote.port() >= 50_000, "{local} {remote}");
    assert_eq!(world.selected(R, Component::Rtp).unwrap().2, Selection::Nominated);
}

#[test]
fn of_two_interfaces_the_one_that_works_is_found_soon() {
    let left = [hosts(1, "198.51.100.1", 4000), hosts(2, LEFT, 4100)].concat();
    let mut world = World::new(10, left, hosts(1, RIGHT, 5000));
    world.dark = vec![sock("198.51.100.1:4000"), sock("198.51.100.1:4001")];
    let start = world.now;
    world.exchange();
    world.run(secs(5));
    world.assert_completed("two interfaces");
    assert_eq!(world.selected(L, Component::Rtp).unwrap().0, sock("192.0.2.1:4100"));
    let took = world.when(L, &Output::Completed).unwrap().since(start);
    assert!(took < secs(1), "{took:?}");
}

#[test]
fn checks_that_overtake_the_answer_are_kept() {
    let mut world = plain(11);
    let (offer, answer) = (world.description(L), world.description(R));
    world.give(R, Input::Remote(offer));
    world.run(secs(2));
    assert_eq!(world.sides[L].agent.state(), State::New);
    world.give(L, Input::Remote(answer));
    world.run(secs(2));
    world.assert_completed("late answer");
}

#[test]
fn a_role_conflict_is_repaired_either_way() {
    for role in [Role::Controlling, Role::Controlled] {
        for seed in 0..8 {
            let mut world = plain(20 + seed);
            world.sides.iter_mut().for_each(|side| side.agent.role = role);
            world.exchange();
            world.run(secs(3));
            world.assert_completed(&format!("both {role:?}, seed {seed}"));
            assert_ne!(world.sides[L].agent.role(), world.sides[R].agent.role());
        }
    }
}

#[test]
fn towards_a_lite_peer_we_control() {
    let mut world = plain(12);
    let offer = Description { lite: true, ..world.description(L) };
    world.give(R, Input::Remote(offer));
    assert_eq!(world.sides[R].agent.role(), Role::Controlling);
}

#[test]
fn a_peer_without_ice_gets_media_at_its_default_address() {
    let mut world = plain(13);
    let defaults = vec![(Component::Rtp, sock("192.0.2.8:9000")), (Component::Rtcp, sock("192.0.2.8:9001"))];
    world.give(L, Input::Remote(Description { defaults, ..Description::default() }));
    let chosen = (sock("192.0.2.1:4000"), sock("192.0.2.8:9000"), Selection::Default);
    assert_eq!(world.selected(L, Component::Rtp), Some(chosen));
    assert!(world.when(L, &Output::NotIce).is_some());
    world.run(secs(60));
    assert_eq!((world.sides[L].sent, world.sides[L].agent.deadline()), (0, None));
    assert_eq!(world.sides[L].agent.final_description(), None);
}

#[test]
fn a_peer_with_rtp_alone_completes_with_rtp_alone() {
    let mut world = World::new(14, hosts(1, LEFT, 4000), hosts(1, RIGHT, 5000)[..1].to_vec());
    world.exchange();
    world.run(secs(2));
    world.assert_completed("RTP alone");
    assert_eq!(world.selected(L, Component::Rtcp), None);
}

#[test]
fn other_credentials_are_a_restart_and_refused() {
    let mut world = plain(15);
    world.exchange();
    let mut again = world.description(R);
    again.credentials = Some(Credentials::fresh(&mut Tokens::new([77; 32])));
    let Side { agent, tokens, .. } = &mut world.sides[L];
    assert_eq!(agent.handle(Input::Remote(again), world.now, tokens), Err(Refusal::OtherCredentials));
    let only_rtcp =
        Description { candidates: world.description(R).candidates[1..].to_vec(), ..world.description(R) };
    let mut other = World::new(16, hosts(1, LEFT, 4000)[..1].to_vec(), hosts(1, RIGHT, 5000));
    let Side { agent, tokens, .. } = &mut other.sides[L];
    assert_eq!(agent.handle(Input::Remote(only_rtcp), other.now, tokens), Err(Refusal::NoComponent));
    assert_eq!(agent.state(), State::New);
}
