//! The end, whoever brings it about and whenever: everybody is told, everything goes back, once.

use super::super::*;
use super::world::*;

fn cause(status: u16) -> Cause {
    Cause::of_status(status, "x")
}

#[test]
fn either_end_hangs_up() {
    for (first, other) in [(0, 1), (1, 0)] {
        let mut world = World::talking(Setup::default(), phone(2, &ALL));
        world.ends(first);
        assert_eq!(world.said(), [format!("leg {other}: hang up q16"), "over".into()]);
        assert!(!world.call.is_over());
        world.buried();
    }
}

#[test]
fn a_caller_that_gives_up_while_it_rings_cancels_all() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut world = World::dialling(setup);
    world.progress(1, 180);
    world.said();
    world.ends(0);
    assert_eq!(world.said(), ["leg 1: hang up q16", "leg 2: hang up q16", "over"]);
    world.buried();
    let told = world.records[0].cause.clone().unwrap();
    assert_eq!((told.status, told.q850, world.records[0].answered), (487, 16, None));
}

#[test]
fn a_caller_whose_call_was_answered_elsewhere_leaves_no_missed_call() {
    let mut world = World::dialling(Setup::default());
    world.news(0, LegNews::Ended { cause: Cause::elsewhere() });
    assert_eq!(world.said(), ["leg 1: hang up q26", "over"]);
    assert_eq!(world.records[0].cause.as_ref().unwrap().words, "Call completed elsewhere");
}

#[test]
fn a_grant_for_a_caller_that_has_gone_goes_back() {
    for late in [true, false] {
        let mut world = World::new(Setup::default());
        world.ends(0);
        world.news(0, LegNews::Closed);
        assert!(world.said().is_empty() && !world.call.is_over());
        match late {
            true => world.grant(),
            false => world.input(Input::Denied(cause(503))),
        }
        assert_eq!(world.said(), ["over"]);
        world.buried();
    }
}

#[test]
fn a_supervisor_that_never_replies_keeps_no_call_alive() {
    let mut world = World::new(Setup::default());
    world.wait(180);
    assert!(world.said().is_empty());
    world.wait(1);
    assert_eq!(world.said(), ["leg 0: reject 408 q18"]);
    world.news(0, LegNews::Closed);
    world.wait(100);
    assert_eq!(world.said(), ["over"]);
    assert!(world.call.is_over());
    let late = world.try_input(Input::Denied(cause(503)));
    assert!(late.is_err() && world.said().is_empty());
}

#[test]
fn legs_that_never_close_keep_no_call_alive() {
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    world.ends(1);
    world.news(1, LegNews::Closed);
    world.wait(99);
    assert!(!world.call.is_over());
    world.wait(1);
    assert!(world.call.is_over());
    world.news(0, LegNews::Closed);
    assert!(world.try_input(Input::HangUp(cause(480))).is_err());
    assert_eq!(world.said(), ["leg 0: hang up q16", "over"]);
}

#[test]
fn timer_c_ends_what_nobody_answers_and_progress_puts_it_off() {
    let mut world = World::dialling(Setup::default());
    world.wait(180);
    world.progress(1, 180);
    world.wait(180);
    world.progress(1, 182);
    world.said();
    world.wait(180);
    assert!(world.said().is_empty());
    world.wait(1);
    assert_eq!(world.said(), ["leg 0: reject 480 q19", "leg 1: hang up q19", "over"]);
    world.buried();
    let mut world = World::dialling(Setup::default());
    world.wait(181);
    assert_eq!(world.said(), ["leg 0: reject 408 q18", "leg 1: hang up q18", "over"]);
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    world.wait(100_000);
    assert!(world.said().is_empty());
}

#[test]
fn timer_c_starts_anew_for_the_next_proxy() {
    let attempts = vec![vec![north("555", 1)], vec![north("555", 2)]];
    let mut world = World::dialling(Setup { attempts, ..Setup::default() });
    world.wait(170);
    world.refuses(1, 503);
    world.wait(170);
    assert_eq!(world.said(), ["dial 2 555"]);
}

#[test]
fn an_administrator_ends_a_call_in_every_state() {
    let admin = || Input::HangUp(Cause { status: 480, q850: 31, words: "ended by the administrator".into() });
    let mut world = World::uninvited(Setup::default());
    world.input(admin());
    assert_eq!(world.said(), ["leg 0: hang up q31", "over"]);
    world.buried();
    let mut world = World::new(Setup::default());
    world.input(admin());
    assert_eq!(world.said(), ["leg 0: reject 480 q31"]);
    world.grant();
    world.buried();
    let mut world = World::dialling(Setup::default());
    world.input(admin());
    assert_eq!(world.said(), ["leg 0: reject 480 q31", "leg 1: hang up q31", "over"]);
    world.input(admin());
    assert!(world.said().is_empty());
    world.buried();
    assert!(world.try_input(admin()).is_err());
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    world.input(admin());
    assert_eq!(world.said(), ["leg 0: hang up q31", "leg 1: hang up q31", "over"]);
    world.buried();
}

/// A world in each state, by name.
fn worlds() -> Vec<(&'static str, World)> {
    let mut ending = World::talking(Setup::default(), phone(2, &ALL));
    ending.input(Input::HangUp(cause(480)));
    ending.said();
    let mut over = World::talking(Setup::default(), phone(2, &ALL));
    over.ends(0);
    over.buried();
    over.said();
    vec![
        ("admitting", World::new(Setup::default())),
        ("dialling", World::dialling(Setup::default())),
        ("talking", World::talking(Setup::default(), phone(2, &ALL))),
        ("ending", ending),
        ("over", over),
    ]
}

#[test]
fn the_end_of_a_leg_means_something_else_in_every_state() {
    let ended = || LegNews::Ended { cause: cause(481) };
    let refused = || LegNews::Refused { cause: cause(408), contacts: vec![], route_failed: true };
    type News = fn() -> LegNews;
    let said: [(&str, u32, News, &[&str]); 14] = [
        ("admitting", 0, ended, &[]),
        ("admitting", 0, refused, &[]),
        ("dialling", 0, ended, &["leg 1: hang up q41", "over"]),
        ("dialling", 0, refused, &["leg 1: hang up q102", "over"]),
        ("dialling", 1, ended, &["release 1", "leg 0: reject 481 q41", "over"]),
        ("dialling", 1, refused, &["release 1", "leg 0: reject 408 q102", "over"]),
        ("talking", 0, ended, &["leg 1: hang up q41", "over"]),
        ("talking", 0, refused, &["leg 1: hang up q102", "over"]),
        ("talking", 1, ended, &["leg 0: hang up q41", "over"]),
        ("talking", 1, refused, &["leg 0: hang up q102", "over"]),
        ("ending", 0, ended, &[]),
        ("ending", 1, refused, &[]),
        ("over", 0, ended, &[]),
        ("over", 1, refused, &[]),
    ];
    for (state, leg, news, lines) in said {
        let (_, mut world) = worlds().into_iter().find(|(name, _)| *name == state).unwrap();
        world.news(leg, news());
        assert_eq!(world.said(), lines, "{state} leg {leg}");
        if state == "admitting" {
            world.grant();
        }
        world.buried();
    }
}

#[test]
fn a_leg_that_is_lost_with_its_actor_ends_what_hangs_on_it() {
    let said: [(&str, u32, &[&str]); 8] = [
        ("admitting", 0, &[]),
        ("dialling", 0, &["leg 1: hang up q41", "over"]),
        ("dialling", 1, &["release 1", "leg 0: reject 500 q41", "over"]),
        ("talking", 0, &["leg 1: hang up q41", "over"]),
        ("talking", 1, &["leg 0: hang up q41", "over"]),
        ("ending", 0, &[]),
        ("ending", 1, &[]),
        ("over", 1, &[]),
    ];
    for (state, leg, lines) in said {
        let (_, mut world) = worlds().into_iter().find(|(name, _)| *name == state).unwrap();
        world.news(leg, LegNews::Closed);
        assert_eq!(world.said(), lines, "{state} leg {leg}");
        if state == "admitting" {
            world.grant();
        }
        world.buried();
    }
}

#[test]
fn a_loser_that_closes_in_talk_changes_nothing() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut world = World::dialling(setup);
    world.answers(1, phone(2, &ALL));
    world.said();
    world.news(2, LegNews::Closed);
    assert!(world.said().is_empty() && world.over.is_none());
}

#[test]
fn news_that_has_no_place_in_a_state_changes_nothing() {
    let all = || {
        [
            LegNews::Progress { status: 180, fork: "t".into(), body: None },
            LegNews::Answered { fork: "t".into(), body: None },
            LegNews::Acknowledged { body: None },
            LegNews::ReofferWithdrawn,
            LegNews::ReofferAnswered { body: None },
        ]
    };
    for (name, mut world) in worlds() {
        for news in all() {
            let before = world.call.clone();
            world.input(Input::Leg(LegNo::CALLER, news));
            assert_eq!((world.said(), &world.call), (vec![], &before), "{name}");
        }
        assert!(world.try_input(Input::Leg(LegNo(9), LegNews::Closed)).is_err());
    }
}

#[test]
fn a_re_invite_before_or_after_the_call_is_refused_or_left_to_the_leg() {
    for (name, mut world) in worlds() {
        let offer = phone(5, &ALL).offer();
        world.input(Input::Leg(LegNo::CALLER, LegNews::Reoffered { body: Some(offer) }));
        let said = world.said();
        match name {
            "admitting" | "dialling" => assert_eq!(said, ["leg 0: refuse 488"]),
            "talking" => assert_eq!(said, ["flow A G722", "leg 0: answer"]),
            _ => assert!(said.is_empty()),
        }
    }
}

#[test]
fn a_call_comes_back_from_its_record_and_ends_as_if_nothing_had_happened() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut world = World::dialling(setup);
    world.answers(2, phone(2, &ALL));
    world.acknowledges();
    world.said();
    let stored = serde_json::to_string(world.stored.as_deref().unwrap()).unwrap();
    let record: Call = serde_json::from_str(&stored).unwrap();
    world.call = Call::restored(record, Tokens::new([77; 32]));
    world.flows.clear();
    world.legs.remove(&LegNo(1));
    world.input(Input::Started);
    // The one that was told to stop has no dialog any more.
    assert_eq!((world.call.open_legs().len(), world.call.awaited_legs().len()), (2, 3));
    world.input(Input::Leg(LegNo(1), LegNews::Closed));
    assert_eq!(world.said(), ["flow A G722", "flow B G722"]);
    world.matched(Side::A, 0);
    world.matched(Side::B, 2);
    assert_eq!(world.call.deadline(), None);
    world.far(0).media.set_direction(crate::media::Direction::SendOnly);
    let offer = world.far(0).offer();
    world.news(0, LegNews::Reoffered { body: Some(offer) });
    assert_eq!(world.said(), ["flow A G722", "leg 0: answer", "leg 2: reoffer", "play B Hold"]);
    world.ends(2);
    assert_eq!(world.said(), ["leg 0: hang up q16", "over"]);
    world.buried();
}

#[test]
fn a_leg_that_lost_its_place_before_a_crash_is_told_after_it() {
    let mut world = World::talking(Setup::default(), phone(2, &ALL));
    let record: Call =
        serde_json::from_str(&serde_json::to_string(world.stored.as_deref().unwrap()).unwrap()).unwrap();
    world.call = Call::restored(record, Tokens::new([77; 32]));
    world.input(Input::Started);
    world.said();
    let place = Input::Stranded(LegNo(0));
    assert!(world.try_input(place).is_err(), "it has its place");
    // Its answer was saved with its dialog, and the call did not hear of it any more.
    world.legs.insert(LegNo(5), Told::default());
    world.input(Input::Stranded(LegNo(5)));
    assert_eq!(world.said(), ["leg 5: hang up q41"]);
    assert_eq!(world.call.open_legs(), [LegNo(0), LegNo(1)]);
    world.ends(0);
    world.buried();
}

#[test]
fn an_answer_in_an_ack_that_went_with_the_process_is_asked_for_again() {
    let mut world = World::dialling(Setup { offers: false, ..Setup::default() });
    world.answers(1, phone(2, &ALL));
    let record = serde_json::to_string(world.stored.as_deref().unwrap()).unwrap();
    world.call = Call::restored(serde_json::from_str(&record).unwrap(), Tokens::new([77; 32]));
    world.input(Input::Started);
    let said = world.said();
    assert!(said.contains(&"leg 0: reoffer".to_owned()), "{said:?}");
    world.takes_reoffer(0);
    world.matched(Side::A, 0);
    world.matched(Side::B, 1);
    world.ends(1);
    world.buried();
}
