//! Wideband speech: long slots, G.722, and what is heard above 4 kHz.

use super::native_base::{base_is, wideband_base};
use super::native_handset::{handset_of, is, of_user};
use super::{Verb, verb};
use crate::story::{Fault, Given, Stage, until};

/// Frames of 20 ms that are judged: a second.
const JUDGED: u64 = 50;

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "wideband native base {name} [at {place:count} m]",
        "A native base station as `native base` puts up, with long slots and G.722.",
        wideband_base
    ),
    verb!(
        "wideband native handset {user} near {base} [as {name}]",
        "A handset as `native handset` makes, with long slots and G.722. Over a long slot whoever holds it is heard \
         at 6 kHz, beside the voice.",
        handset
    ),
    verb!(
        "expect {name} in wideband",
        "A native handset: its call is in G.722, and what it hears from now on sounds above 4 kHz, a second of it.",
        in_wideband
    ),
    verb!(
        "expect {name} in narrowband",
        "A native handset: its call is in G.726, and for a second nothing that it hears sounds above 4 kHz.",
        in_narrowband
    ),
    verb!(
        "expect native base {name} with {count:count} long slots",
        "So many of its connections have one.",
        long_slots
    ),
];

async fn handset(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    of_user(stage, given, true).await
}

async fn in_wideband(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    let before = handset.seen().hears_wide;
    is(stage, &handset, "in wideband", |seen| {
        // The call may have begun meanwhile, and with it a new count.
        let before = if seen.hears_wide < before { 0 } else { before };
        seen.speaks_wide && seen.hears_wide >= before + JUDGED
    })
    .await
}

async fn in_narrowband(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    let mut since = handset.seen();
    until(stage.patience, "the handset hears for a second, and nothing above 4 kHz", async || {
        let seen = handset.seen();
        if seen.speaks_wide || seen.hears_wide != since.hears_wide || seen.hears.0 < since.hears.0 {
            since = seen.clone();
        }
        if seen.hears.0 >= since.hears.0 + JUDGED { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await
}

async fn long_slots(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let wanted = given.count("count").unwrap_or_default();
    base_is(stage, given, &format!("carrying {wanted} long slots"), |seen| seen.long_slots as u64 == wanted)
        .await
}
