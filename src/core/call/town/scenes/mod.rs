//! Feature meets feature: small plays in a town with fine weather, and `docs/features.md`, which is made
//! from them. Every scene is a test of its own; the table names it.
//!
//! What the town has not (texts, links, the pool's conferences) meets on the machine itself:
//! such scenes stand beside its tests, and say in words what they observe.

mod forwards;
mod limits;
mod pick_ups;
mod stage;
mod talks;
mod walks;

use std::collections::BTreeMap;

pub use self::stage::Stage;

/// What can meet. In the order of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    Hold,
    BlindTransfer,
    AttendedTransfer,
    PickUp,
    PickUpByCode,
    Click,
    ForwardAlways,
    ForwardBusy,
    ForwardNoAnswer,
    ForwardOutOfRange,
    DoNotDisturb,
    Barring,
    Emergency,
    DialledCode,
    CallWaiting,
    NativeKeys,
    Conference,
    Room,
    LyncConference,
    Text,
    Alarm,
    MessageWaiting,
    Link,
    Handover,
}

impl Feature {
    const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::BlindTransfer => "blind transfer",
            Self::AttendedTransfer => "attended transfer",
            Self::PickUp => "INVITE with Replaces",
            Self::PickUpByCode => "pickup by a code",
            Self::Click => "call by click",
            Self::ForwardAlways => "forward always",
            Self::ForwardBusy => "forward when busy",
            Self::ForwardNoAnswer => "forward without answer",
            Self::ForwardOutOfRange => "forward out of range",
            Self::DoNotDisturb => "do not disturb",
            Self::Barring => "barring",
            Self::Emergency => "emergency call",
            Self::DialledCode => "feature code",
            Self::CallWaiting => "call waiting",
            Self::NativeKeys => "native handset's keys",
            Self::Conference => "ad-hoc conference",
            Self::Room => "meet-me room",
            Self::LyncConference => "conference of the Lync pool",
            Self::Text => "text",
            Self::Alarm => "alarm",
            Self::MessageWaiting => "message waiting",
            Self::Link => "link with little room",
            Self::Handover => "range lost or changed",
        }
    }
}

/// One meeting.
pub struct Scene {
    /// The test's name.
    pub test: &'static str,
    pub features: (Feature, Feature),
    /// What people do.
    pub play: &'static str,
    /// What is then.
    pub ends: &'static str,
    /// Plays it, and says what is then.
    pub found: fn() -> String,
}

impl Scene {
    pub fn prove(&self) {
        assert_eq!((self.found)(), self.ends, "{}", self.test);
    }
}

/// Plays it in a town, where nothing may stay behind.
pub fn played(run: fn(&mut Stage)) -> String {
    let mut stage = Stage::new();
    run(&mut stage);
    let words = stage.words();
    stage.clear();
    words
}

/// Scenes as a table and as tests.
macro_rules! observed {
    ($($name:ident: $one:ident, $other:ident, $play:literal, $ends:literal, $run:expr;)*) => {
        pub const SCENES: &[$crate::call::town::scenes::Scene] = &[$(
            $crate::call::town::scenes::Scene {
                test: stringify!($name),
                features: (
                    $crate::call::town::scenes::Feature::$one,
                    $crate::call::town::scenes::Feature::$other,
                ),
                play: $play,
                ends: $ends,
                found: $run,
            },
        )*];
        $(
            #[test]
            fn $name() {
                let scene = SCENES.iter().find(|scene| scene.test == stringify!($name));
                scene.expect("it stands in the table").prove();
            }
        )*
    };
}
pub(in crate::call) use observed;

/// Scenes in a town.
macro_rules! scenes {
    ($($name:ident: $one:ident, $other:ident, $play:literal, $ends:literal, $run:expr;)*) => {
        $crate::call::town::scenes::observed! {
            $($name: $one, $other, $play, $ends, || $crate::call::town::scenes::played($run);)*
        }
    };
}
use scenes;

fn all() -> impl Iterator<Item = &'static Scene> {
    use crate::call;
    let town = talks::SCENES.iter().chain(walks::SCENES).chain(forwards::SCENES).chain(limits::SCENES);
    let town = town.chain(pick_ups::SCENES);
    town.chain(call::route::tests::scenes::SCENES)
        .chain(call::dect_leg::tests::parallel::scenes::SCENES)
        .chain(call::call::tests::rooms::scenes::SCENES)
        .chain(call::conference::tests::scenes::SCENES)
        .chain(call::text::post::tests::scenes::SCENES)
        .chain(call::message_waiting::tests::scenes::SCENES)
        .chain(call::admission::links::tests::scenes::SCENES)
}

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/features.md");
const BEGINNING: &str = "<!-- scenes: made from src/core/call/town/scenes; UPDATE_GOLDEN=1 cargo test -p kirkwall-core features_md -->";
const END: &str = "<!-- /scenes -->";

/// The tables of the document.
fn tables() -> String {
    let mut by_pair: BTreeMap<(Feature, Feature), Vec<&Scene>> = BTreeMap::new();
    for scene in all() {
        let (one, other) = scene.features;
        by_pair.entry((one.min(other), one.max(other))).or_default().push(scene);
    }
    let mut words = String::from(
        "| Feature | meets | What people do | What is then | Proved by |\n|---|---|---|---|---|\n",
    );
    for ((one, other), scenes) in by_pair {
        for scene in scenes {
            let Scene { play, ends, test, .. } = scene;
            words += &format!("| {} | {} | {play} | {ends} | `{test}` |\n", one.name(), other.name());
        }
    }
    words
}

#[test]
fn features_md_says_what_the_scenes_prove() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGINNING).expect("the document has its mark");
    let (_, after) = rest.split_once(END).expect("and its end");
    let made = format!("{before}{BEGINNING}\n\n{}\n{END}{after}", tables());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return std::fs::write(DOCUMENT, made).unwrap();
    }
    assert!(document == made, "run UPDATE_GOLDEN=1 cargo test -p kirkwall-core features_md");
}

#[test]
fn every_feature_meets_some_other() {
    let met: Vec<_> = all().flat_map(|scene| [scene.features.0, scene.features.1]).collect();
    let last = Feature::Handover;
    let lonely: Vec<_> = (0..=last as usize)
        .filter(|number| !met.iter().any(|feature| *feature as usize == *number))
        .collect();
    assert!(lonely.is_empty(), "{lonely:?}");
    let mut names: Vec<_> = all().map(|scene| scene.test).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "a name comes twice");
}
