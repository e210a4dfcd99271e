pub(in crate::call) mod scenes;

use super::*;
use crate::pii::Pii;

const MIXER: MixerId = MixerId(9);

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

fn room(kind: RoomKind, pin: Option<&str>) -> Room {
    Room {
        name: "8001".parse().unwrap(),
        title: "Ward round".into(),
        kind,
        pin: pin.map(|pin| Pii(pin.to_owned())),
        tones: true,
        most: 4,
        outside: false,
    }
}

/// A conference and what it has ordered last.
struct World {
    conference: Conference,
    now: u64,
    saved: Option<Save>,
}

impl World {
    fn new(room: Room) -> Self {
        let mut world = Self { conference: Conference::new(room, MIXER), now: 0, saved: None };
        world.hears(Input::Started);
        world
    }

    fn hears(&mut self, input: Input) -> Vec<Output> {
        let ready = self.conference.handle(input, at(self.now)).unwrap();
        self.saved = ready.save.into_iter().last().or(self.saved.take());
        ready.then.into_iter().filter(|output| !matches!(output, Output::Changed(_))).collect()
    }

    /// Member `n` of call `call`.
    fn enters(&mut self, n: u64, call: u64) -> Vec<Output> {
        self.comes(n, call, false)
    }

    fn comes(&mut self, n: u64, call: u64, vouched: bool) -> Vec<Output> {
        let party = Party { number: n.to_string(), ..Party::default() };
        self.hears(Input::Entered { member: OwnerId(n), call: CallRef(call), party, vouched })
    }

    fn types(&mut self, n: u64, keys: &str) -> Vec<Output> {
        keys.chars().flat_map(|key| self.hears(Input::Key(OwnerId(n), key))).collect()
    }

    fn inside(&self) -> Vec<u64> {
        let view = self.conference.view();
        view.members.iter().filter(|member| !member.waits).map(|member| member.id.0).collect()
    }

    /// As after kill -9.
    fn restart(&mut self) {
        let record = serde_json::to_string(&self.conference).unwrap();
        self.conference = serde_json::from_str(&record).unwrap();
        self.hears(Input::Started);
    }
}

fn sit(n: u64, call: u64) -> Output {
    Output::Call(CallRef(call), RoomOrder::Sit { member: OwnerId(n), mixer: MIXER, muted: false })
}

fn dismissed(output: &Output) -> Option<(u64, u16)> {
    match output {
        Output::Call(_, RoomOrder::Dismiss(member, cause)) => Some((member.0, cause.status)),
        _ => None,
    }
}

fn prompt(n: u64, call: u64, prompt: Prompt) -> Vec<Output> {
    vec![Output::Call(CallRef(call), RoomOrder::Prompt(OwnerId(n), prompt))]
}

#[test]
fn who_comes_sits_down_and_the_others_hear_a_tone() {
    let mut world = World::new(room(RoomKind::MeetMe, None));
    assert_eq!(world.enters(1, 10), [sit(1, 10)], "there is nobody to tell");
    assert_eq!(world.enters(2, 20), [sit(2, 20), Output::Announce(Announcement::Joined)]);
    assert_eq!(world.hears(Input::Left(OwnerId(1))), [Output::Announce(Announcement::Gone)]);
    assert_eq!(world.inside(), [2]);
    assert_eq!(world.hears(Input::CallGone(CallRef(20))), []);
    assert!(!world.conference.is_over(), "a meet-me room stays");
    let mut room = world.conference.room().clone();
    room.tones = false;
    world.hears(Input::Set(room));
    world.enters(3, 30);
    assert_eq!(world.enters(4, 40), [sit(4, 40)]);
}

#[test]
fn a_pin_is_asked_for_and_lets_in_with_or_without_hash() {
    let mut world = World::new(room(RoomKind::MeetMe, Some("4711")));
    assert_eq!(world.enters(1, 10), prompt(1, 10, Prompt::AskPin));
    assert_eq!(world.types(1, "471"), []);
    assert_eq!(world.inside(), [0; 0]);
    assert_eq!(world.types(1, "1"), [sit(1, 10)]);
    world.enters(2, 20);
    assert_eq!(world.types(2, "12*4711").last(), Some(&Output::Announce(Announcement::Joined)));
    assert_eq!(world.inside(), [1, 2]);
    assert_eq!(world.types(2, "4711#"), [], "inside keys mean nothing");
    assert_eq!(world.comes(3, 30, true)[0], sit(3, 30), "somebody vouches");
}

#[test]
fn a_wrong_pin_is_asked_again_twice_and_then_sends_away() {
    let mut world = World::new(room(RoomKind::MeetMe, Some("4711")));
    world.enters(1, 10);
    assert_eq!(world.types(1, "4712"), prompt(1, 10, Prompt::WrongPin));
    assert_eq!(world.types(1, "47#"), prompt(1, 10, Prompt::WrongPin));
    let last = world.types(1, "0000");
    assert_eq!(dismissed(&last[0]), Some((1, 403)));
    assert!(world.conference.view().members.is_empty());
}

#[test]
fn whoever_types_nothing_is_sent_away_and_each_digit_gives_more_time() {
    let mut world = World::new(room(RoomKind::MeetMe, Some("4711")));
    world.enters(1, 10);
    world.now = 30;
    world.enters(2, 20);
    world.types(1, "4");
    assert_eq!(world.conference.deadline(), Some(at(90)));
    world.now = 40;
    world.types(1, "7");
    world.now = 90;
    let away = world.hears(Input::Deadline);
    assert_eq!(dismissed(&away[0]), Some((2, 408)));
    assert_eq!(world.conference.deadline(), Some(at(100)));
    world.types(1, "11");
    assert_eq!((world.inside(), world.conference.deadline()), (vec![1], None));
}

#[test]
fn a_full_room_takes_nobody_more() {
    let mut world = World::new(room(RoomKind::MeetMe, None));
    (1..=4).for_each(|n| _ = world.enters(n, 10 * n));
    let refused = world.enters(5, 50);
    assert_eq!(dismissed(&refused[0]), Some((5, 486)));
    world.hears(Input::Left(OwnerId(2)));
    assert_eq!(world.enters(5, 50)[0], sit(5, 50));
}

#[test]
fn the_last_two_of_an_ad_hoc_conference_are_a_call_again() {
    // Two ends of one call.
    let mut world = World::new(room(RoomKind::AdHoc, None));
    [(1, 10), (2, 10), (3, 20)].into_iter().for_each(|(n, call)| _ = world.enters(n, call));
    let then = world.hears(Input::Left(OwnerId(3)));
    let part = Output::Call(CallRef(10), RoomOrder::Part);
    assert_eq!(then, [Output::Announce(Announcement::Gone), part, Output::Over]);
    assert!(matches!(world.saved, Some(Save::Delete(_))) && world.conference.is_over());
    // Ends of two.
    let mut world = World::new(room(RoomKind::AdHoc, None));
    [(1, 10), (2, 10), (3, 20)].into_iter().for_each(|(n, call)| _ = world.enters(n, call));
    let then = world.hears(Input::Left(OwnerId(1)));
    let unite = Output::Call(CallRef(10), RoomOrder::Unite(CallRef(20), OwnerId(3)));
    assert_eq!(then[1..], [unite, Output::Over]);
    // Who comes too late is told so.
    let late = world.enters(4, 40);
    assert_eq!(dismissed(&late[0]), Some((4, 410)));
}

#[test]
fn an_ad_hoc_conference_that_has_not_met_yet_waits_for_its_parties() {
    let mut world = World::new(room(RoomKind::AdHoc, None));
    world.enters(1, 10);
    world.enters(2, 20);
    assert_eq!(world.hears(Input::Left(OwnerId(2))).len(), 1, "the tone alone");
    assert!(!world.conference.is_over());
    assert_eq!(world.hears(Input::Left(OwnerId(1))), [Output::Over]);
    let mut world = World::new(room(RoomKind::AdHoc, None));
    world.now = 60;
    assert_eq!(world.hears(Input::Deadline), [Output::Over]);
}

#[test]
fn the_last_one_of_all_is_sent_away() {
    let mut world = World::new(room(RoomKind::AdHoc, None));
    [(1, 10), (2, 20), (3, 20)].into_iter().for_each(|(n, call)| _ = world.enters(n, call));
    let then = world.hears(Input::CallGone(CallRef(20)));
    assert_eq!(dismissed(&then[1]), Some((1, 200)).map(|(n, _)| (n, Cause::normal().status)));
    assert_eq!(then.last(), Some(&Output::Over));
}

#[test]
fn who_is_muted_stays_so_and_who_is_removed_goes() {
    let mut world = World::new(room(RoomKind::MeetMe, None));
    world.enters(1, 10);
    let muted =
        |n| Output::Call(CallRef(10), RoomOrder::Sit { member: OwnerId(n), mixer: MIXER, muted: true });
    assert_eq!(world.hears(Input::Mute(OwnerId(1), true)), [muted(1)]);
    world.restart();
    assert_eq!(world.enters(1, 10), [muted(1)]);
    assert!(world.conference.handle(Input::Mute(OwnerId(7), true), at(0)).is_err());
    let away = world.hears(Input::Remove(OwnerId(1)));
    assert!(dismissed(&away[0]).is_some());
    assert!(world.conference.handle(Input::Remove(OwnerId(1)), at(0)).is_err());
}

#[test]
fn after_a_crash_those_inside_come_back_without_pin_and_who_does_not_has_gone() {
    let mut world = World::new(room(RoomKind::MeetMe, Some("4711")));
    for n in 1..=3 {
        world.enters(n, 10 * n);
        world.types(n, if n < 3 { "4711" } else { "47" });
    }
    world.restart();
    assert_eq!(world.enters(1, 10), [sit(1, 10)]);
    assert_eq!(world.enters(3, 30), prompt(3, 30, Prompt::AskPin));
    assert_eq!(world.types(3, "11"), [], "what was typed before is not kept");
    world.now = RETURN.as_secs();
    world.hears(Input::Deadline);
    assert_eq!(world.inside(), [1]);
    // A conference that nobody of comes back to is over, if it was ad hoc.
    let mut world = World::new(room(RoomKind::AdHoc, None));
    (1..=3).for_each(|n| _ = world.enters(n, n));
    world.restart();
    world.now = RETURN.as_secs();
    assert_eq!(world.hears(Input::Deadline), [Output::Over]);
}

#[test]
fn who_does_not_come_back_after_a_restart_has_gone_though_somebody_new_has_come() {
    let mut world = World::new(room(RoomKind::MeetMe, None));
    world.enters(1, 10);
    world.restart();
    world.enters(2, 20);
    world.now = RETURN.as_secs();
    world.hears(Input::Deadline);
    assert_eq!(world.inside(), [2]);
}

#[test]
fn a_room_that_is_closed_sends_everybody_away() {
    let mut world = World::new(room(RoomKind::MeetMe, Some("4711")));
    world.enters(1, 10);
    world.comes(2, 20, true);
    let then = world.hears(Input::Close);
    assert_eq!(then.iter().filter_map(dismissed).count(), 2);
    assert_eq!(then.last(), Some(&Output::Over));
}

#[test]
fn rooms_that_cannot_be_are_named() {
    let faults = |change: fn(&mut Room)| {
        let mut room = room(RoomKind::MeetMe, Some("4711"));
        change(&mut room);
        room.faults().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    assert!(faults(|_| {}).is_empty());
    assert_eq!(faults(|room| room.most = 1), ["most"]);
    assert_eq!(faults(|room| room.most = 33), ["most"]);
    assert_eq!(faults(|room| room.pin = Some(Pii("12".into()))), ["pin"]);
    assert_eq!(faults(|room| room.pin = Some(Pii("12a4".into()))), ["pin"]);
    assert_eq!(faults(|room| (room.pin, room.outside) = (None, true)), ["pin"]);
    assert_eq!(faults(|room| room.title = "x".repeat(65)), ["title"]);
}

/// Whatever comes in whatever order: nobody is counted twice, orders name whom they are for, and a room
/// that is over says nothing but that.
#[test]
fn random_comings_and_goings_leave_no_ghosts() {
    let mut seed = 1u64;
    let mut draw = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for round in 0..2_000 {
        let kind = if round % 2 == 0 { RoomKind::AdHoc } else { RoomKind::MeetMe };
        let mut world = World::new(room(kind, (draw(2) == 0).then_some("4711")));
        let mut there = std::collections::BTreeSet::new();
        for _ in 0..60 {
            world.now += draw(20);
            let (n, call) = (draw(6) + 1, draw(3) + 1);
            let input = match draw(7) {
                0 | 1 => {
                    let party = Party { number: n.to_string(), ..Party::default() };
                    there.insert(n);
                    Input::Entered { member: OwnerId(n), call: CallRef(call), party, vouched: draw(3) == 0 }
                }
                2 => Input::Key(OwnerId(n), char::from(b"0123456789*#"[draw(12) as usize])),
                3 => Input::Left(OwnerId(n)),
                4 => Input::CallGone(CallRef(call)),
                5 => Input::Mute(OwnerId(n), draw(2) == 0),
                _ => Input::Deadline,
            };
            let Ok(ready) = world.conference.handle(input, at(world.now)) else { continue };
            let view = world.conference.view();
            assert!(view.members.len() <= 4);
            assert!(view.members.iter().all(|member| there.contains(&member.id.0)));
            if world.conference.is_over() {
                assert!(kind == RoomKind::AdHoc);
                assert_eq!(world.conference.deadline(), None);
                break;
            }
            let over = ready.then.contains(&Output::Over);
            assert!(!over);
        }
    }
}
