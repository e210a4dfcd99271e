//! Any schedule ends well: the [`World`] asserts what no output may ever be, this asserts the end.

use proptest::prelude::*;

use super::super::*;
use super::world::*;
use crate::call::Party;
use crate::id::OwnerId;
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

/// What a call with transfers may meet beside the rest.
fn transfer_acts() -> impl Strategy<Value = Vec<Act>> {
    let what = prop_oneof![
        3 => 0..3u8,
        4 => 3..6u8,
        2 => Just(6u8),
        1 => 7..9u8,
        6 => 9..16u8,
        1 => Just(17u8),
        6 => Just(20u8),
        6 => Just(21u8),
        2 => Just(22u8),
        2 => Just(23u8),
        1 => Just(24u8),
    ];
    let act = (what, 0..7u32, any::<u8>()).prop_map(|(what, leg, choice)| Act { what, leg, choice });
    prop::collection::vec(act, 0..60)
}

fn play_transfer(world: &mut World, act: Act) {
    let Act { what, leg, choice } = act;
    match what {
        20 => {
            let own = (choice & 1 == 0).then_some(OwnerId(0x900));
            let name = ["anna", "a", "carol", "dave"][usize::from(choice / 2) % 4];
            drop(world.try_refers(leg, name, own));
        }
        21 => {
            let attempts = match choice % 4 {
                0 => vec![vec![handset("c1"), handset("c2")], vec![north("c3", 3)]],
                1 => vec![],
                _ => vec![vec![handset("c1")]],
            };
            let input = match choice % 7 {
                0 => Input::Denied(Cause::of_status(403, "barred")),
                1 => Input::NotOurs,
                _ => Input::Admitted(Box::new(Admitted { attempts, ..world.grant.clone() })),
            };
            drop(world.try_input(input));
        }
        22 if world.call.is_inheriting() => inherit(world, choice),
        23 => join(world, leg, choice),
        24 => drop(world.try_news(leg, LegNews::KeyPressed { digit: '1', millis: 100 })),
        _ => play(world, act),
    }
}

/// Legs of another call that talks or still rings.
fn inherit(world: &mut World, choice: u8) {
    let setup = Setup { attempts: vec![vec![handset("x"), handset("y")]], ..Setup::default() };
    let mut other = World::dialling(setup);
    if choice & 1 == 0 {
        other.answers(1, some_phone(choice));
        other.acknowledges();
    }
    let Ok(estate) = other.call.estate(LegNo::CALLER) else { return };
    let lent: Vec<_> = other.legs.iter().filter(|(leg, told)| leg.0 > 0 && !told.ended).collect();
    for (at, (_, told)) in lent.into_iter().enumerate() {
        world.legs.insert(LegNo(world.call.next_leg().0 + at as u32), told.clone());
    }
    world.input(Input::Inherited(Box::new(estate)));
}

/// An INVITE for the place of some leg.
fn join(world: &mut World, leg: u32, choice: u8) {
    let mut far = some_phone(choice);
    let newcomer = world.call.next_leg();
    let joining = Joining {
        replaced: if choice.is_multiple_of(5) { Err(Cause::of_status(486, "no")) } else { Ok(LegNo(leg)) },
        party: Party { number: "new".into(), ..Party::default() },
        facing: Facing::South,
        offer: (!choice.is_multiple_of(3)).then(|| far.offer()),
        ports: (30000, 30002),
        address: world.grant.address_a,
        codecs: ALL.to_vec(),
        srtp: world.grant.srtp.0,
        habits: Default::default(),
        ice: Default::default(),
        shows: false,
    };
    if world.call.is_over() {
        return;
    }
    world.legs.insert(newcomer, Told { far: Some(far), ..Told::default() });
    drop(world.try_input(Input::Joining(newcomer, Box::new(joining))));
    let news = if choice.is_multiple_of(7) { LegNews::Closed } else { LegNews::Invited };
    drop(world.try_news(newcomer.0, news));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_of_transfers_ends_with_everything_given_back(
        choice in any::<u8>(),
        acts in transfer_acts(),
        restarts in any::<bool>(),
    ) {
        let mut world = World::dialling(some_setup(choice, true));
        if choice % 8 != 0 {
            play(&mut world, Act { what: 3, leg: 1, choice: 4 });
        }
        acts.into_iter().for_each(|act| play_transfer(&mut world, act));
        let stored = world.stored.clone().filter(|_| restarts && world.records.is_empty());
        if let Some(stored) = stored {
            let record = serde_json::to_string(&stored).unwrap();
            let whole = record == serde_json::to_string(&world.call).unwrap();
            prop_assert!(whole || world.call.is_searching_of_test(), "not all is on disk");
            world.call = Call::restored(serde_json::from_str(&record).unwrap(), Tokens::new([choice; 32]));
            world.input(Input::Started);
            // Legs that rang went with the process.
            let open = world.call.open_legs();
            for (_, told) in world.legs.iter_mut().filter(|(leg, _)| !open.contains(leg)) {
                (told.ended, told.closed) = (true, true);
            }
            for leg in world.call.awaited_legs().into_iter().filter(|leg| !open.contains(leg)) {
                world.input(Input::Leg(leg, LegNews::Closed));
            }
        }
        drop(world.try_input(Input::HangUp(Cause::of_status(480, "admin"))));
        world.wait(200);
        prop_assert!(world.call.is_over() && world.over.is_some() && world.stored.is_none());
        prop_assert_eq!((world.records.len(), world.call.deadline()), (1, None));
        prop_assert!(world.legs.values().all(|told| told.ended), "a leg was left standing");
    }
}
