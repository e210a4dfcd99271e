//! Any schedule ends well: the [`World`] asserts what no output may ever be, this asserts the end.

use proptest::prelude::*;

use super::super::*;
use super::world::*;
use crate::media::negotiate::SrtpMode;

/// What may happen next, by numbers that choose among what there is.
#[derive(Debug, Clone, Copy)]
struct Act {
    what: u8,
    leg: u32,
    choice: u8,
}

/// What keeps a call going comes more often than what ends it, or few would ever be answered.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let what = prop_oneof![
        8 => 0..3u8,
        5 => 3..6u8,
        4 => Just(6u8),
        1 => 7..9u8,
        9 => 9..16u8,
        1 => Just(16u8),
        2 => Just(17u8),
        1 => Just(18u8),
        3 => Just(19u8),
    ];
    let act = (what, 0..4u32, any::<u8>()).prop_map(|(what, leg, choice)| Act { what, leg, choice });
    prop::collection::vec(act, 0..60)
}

fn some_phone(choice: u8) -> FarEnd {
    let codecs: &[Codec] = match choice % 8 {
        0 => &[Pcma],
        1 => &[Pcmu],
        2 => &[G722],
        3 => &[Pcmu, Pcma],
        _ => &ALL,
    };
    let mode = if choice & 0x40 == 0 { SrtpMode::Optional } else { SrtpMode::Off };
    FarEnd::new(2 + choice % 7, codecs, mode)
}

/// An answer to what the leg was offered, good or bad or none.
fn some_answer(world: &World, leg: u32, choice: u8) -> (Text, Option<Body>) {
    let mut far = some_phone(choice);
    let offer = world.legs.get(&LegNo(leg)).and_then(|told| told.offer.as_ref().or(told.reoffer.as_ref()));
    let answer = offer.filter(|_| !choice.is_multiple_of(11)).and_then(|offer| {
        let (kind, bytes) = (&offer.content_type, &offer.bytes);
        far.media.answer(kind, bytes, None, &mut Tokens::new([choice; 32])).ok()
    });
    let body = answer.map_or_else(|| Body::sdp("nonsense"), |(sdp, _)| Body::sdp(sdp));
    (far.tag, (!choice.is_multiple_of(13)).then_some(body))
}

fn some_news(world: &World, Act { what, leg, choice }: Act) -> LegNews {
    let cause = Cause::of_status([200, 302, 404, 408, 480, 486, 487, 503, 603][usize::from(choice) % 9], "x");
    let (fork, body) = some_answer(world, leg, choice);
    match what {
        0 => LegNews::Progress { status: 180 + u16::from(choice % 4), fork, body: None },
        1 | 2 => LegNews::Progress { status: 180 + 3 * u16::from(choice % 2), fork, body },
        3..=5 => LegNews::Answered { fork, body },
        6 => {
            let contacts = vec![format!("sip:{}@x.test", choice % 8), format!("sip:{}@y.test", choice % 3)];
            LegNews::Refused { cause, contacts, route_failed: choice & 0x80 != 0 }
        }
        7 => LegNews::Ended { cause },
        8 => LegNews::Closed,
        9 => LegNews::Acknowledged { body },
        10 => LegNews::Acknowledged { body: None },
        11 | 12 => LegNews::Reoffered { body: Some(some_phone(choice).offer()) },
        13 => LegNews::Reoffered { body: None },
        14 => LegNews::ReofferWithdrawn,
        15 => LegNews::ReofferAnswered { body },
        _ => LegNews::Invited,
    }
}

fn play(world: &mut World, act: Act) {
    match act.what {
        17 => world.wait(u64::from(act.choice) / 2),
        18 if !act.choice.is_multiple_of(8) => {}
        18 if act.choice.is_multiple_of(16) => {
            drop(world.try_input(Input::HangUp(Cause::of_status(480, "admin"))))
        }
        18 => drop(world.try_input(Input::Denied(Cause::no_channel(503, "none")))),
        19 => drop(world.try_grant()),
        // The caller hangs up seldom.
        6..=8 if act.leg == 0 && !act.choice.is_multiple_of(8) => {}
        // A refusal is an answer too; that it changes nothing is asserted in the world.
        _ => {
            let news = some_news(world, act);
            drop(world.try_news(act.leg, news));
        }
    }
}

fn some_setup(choice: u8, offers: bool) -> Setup {
    let pairs = vec![handset("a"), handset("b")];
    Setup {
        caller: FarEnd::new(1, some_phone(choice).media.local().codecs.as_slice(), SrtpMode::Optional),
        offers,
        attempts: match choice % 3 {
            0 => vec![pairs, vec![north("c", 2)]],
            1 => vec![vec![north("a", 1)], vec![north("a", 2)], vec![handset("b")]],
            _ => vec![vec![handset("a")]],
        },
        ..Setup::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_ends_with_everything_given_back(
        setup in any::<u8>(),
        offers in any::<bool>(),
        promptly in 0..10u8,
        acts in acts(),
        closes in any::<bool>(),
    ) {
        let setup = some_setup(setup, offers);
        let mut world = match promptly {
            0 => World::uninvited(setup),
            1 => World::new(setup),
            _ => World::dialling(setup),
        };
        if promptly >= 7 {
            play(&mut world, Act { what: 3, leg: 1, choice: 4 });
        }
        acts.into_iter().for_each(|act| play(&mut world, act));
        // Quiet: what still stands is ended, and then the legs close, or do not.
        drop(world.try_input(Input::HangUp(Cause::of_status(480, "admin"))));
        if closes && world.over.is_some() {
            world.buried();
        }
        world.wait(200);
        prop_assert!(world.call.is_over());
        prop_assert!(world.over.is_some() && world.stored.is_none());
        prop_assert_eq!(world.records.len(), 1);
        prop_assert_eq!(world.call.deadline(), None);
        prop_assert!(world.legs.values().all(|told| told.ended), "a leg was left standing");
        prop_assert!(world.legs.len() <= 12, "attempts and redirections are counted");
        let ended = world.records[0].ended.unwrap();
        prop_assert!(world.records[0].answered.is_none_or(|answered| answered <= ended));
    }
}
