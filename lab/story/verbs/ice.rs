//! Far ends that do ICE, and what they found.

use super::spine::enter_as;
use super::{Verb, verb};
use crate::ice::{Dialect, Manner, Paths};
use crate::media::{Protection, Traits};
use crate::phone::Behaviour;
use crate::story::{Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "far end {number} with ice {manner}",
        "A user of the front end who speaks of media as a Lync client does, rings until a step lets it answer, \
         reject or dial, and does ICE: `full`; `rfc3489`, with checks of that form and no others; `relayed`, from \
         where only relays are reached; `draft6`, as OCS 2007 R2 offers it.",
        far_end
    ),
    verb!(
        "expect {phone} connected by ice [over {way}]",
        "Its agent settled on a pair for RTP and RTCP, by checks that were right every one; the pairs stood in a \
         second offer and its answer. The way is `host` or `relay`: what its packets are sent to.",
        connected
    ),
    verb!(
        "expect {phone} not checked by ice",
        "It has an agent, and nothing was settled; no check of the switch was right.",
        not_checked
    ),
];

async fn far_end(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let ice = match given.word("manner") {
        "full" => Manner::FULL,
        "rfc3489" => Manner::Full { dialect: Dialect::Rfc3489, behind_relays: false },
        "relayed" => Manner::Full { dialect: Dialect::MsIce2, behind_relays: true },
        "draft6" => Manner::Draft6,
        other => {
            let mend = "write full, rfc3489, relayed or draft6";
            return Err(Fault::unusable(format!("there is no manner {other}"), mend));
        }
    };
    // Of two parts, the first would be the one of draft 06 in any case.
    let traits = Traits { ice, fallback: ice != Manner::Draft6, ..Traits::lync() };
    enter_as(stage, given.word("number"), Behaviour::NoAnswer, (traits, Protection::Offered))
}

async fn connected(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let relayed = given.text("way").map(|way| way == "relay");
    look(stage, given, "is connected by ICE", |paths| {
        let ways = paths.chosen.iter().flatten();
        let fits = ways.clone().all(|one| relayed.is_none_or(|relayed| one.relayed == relayed));
        paths.are_settled() && fits && paths.checks.1 == 0 && paths.final_offers > 0
    })
    .await
}

async fn not_checked(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    look(stage, given, "is not checked", |paths| !paths.are_settled() && paths.checks.0 == 0).await
}

async fn look(
    stage: &Stage,
    given: &Given,
    expected: &str,
    fits: impl Fn(&Paths) -> bool,
) -> Result<(), Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    until(stage.patience, format!("{} {expected}", actor.name()), async || {
        let call = actor.standing_call().map_err(|_| actor.words())?;
        let paths = call.found().ok_or_else(|| "it does no ICE".to_owned())?.paths();
        if fits(&paths) { Ok(()) } else { Err(format!("{paths:?}")) }
    })
    .await
}
