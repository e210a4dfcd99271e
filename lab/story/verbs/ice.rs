//! Far ends that do ICE and what they found, and the media relay of an Edge.

use std::net::Ipv4Addr;

use super::spine::enter_as;
use super::{Verb, verb};
use crate::front_end::LyncConfig;
use crate::ice::relay::{Relay, Work};
use crate::ice::{Dialect, Manner, Paths, Reach};
use crate::media::traits::KeyLines;
use crate::media::{Protection, Traits};
use crate::phone::Behaviour;
use crate::story::{Fault, Given, Prop, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "media relay",
        "An emulated media relay (MS-TURN over UDP and TCP) with credentials of MRAS; front ends that come later name it.",
        media_relay
    ),
    verb!("media relay dies", "It hears nothing and says nothing any more.", dies),
    verb!("media relay wakes", "It goes on.", wakes),
    verb!(
        "media relay deaf over udp",
        "A firewall stands before it: it hears nothing over UDP, and goes on over TCP.",
        deaf
    ),
    verb!(
        "media relay starts anew",
        "It forgets its allocations and whom it gave credentials to: those from before are refused.",
        starts_anew
    ),
    verb!(
        "expect media relay carried {count:count} packets",
        "At least so many went over it without being wrapped, and all that asked there had the right credentials.",
        carried
    ),
    verb!("expect media relay empty", "Everything that was allocated there was given back.", empty),
    verb!(
        "far end {number} with ice {manner}",
        "A user of the front end who speaks of media as a Lync client does, rings until a step lets it answer, \
         reject or dial, and does ICE: `full`; `rfc3489`, with checks of that form and no others; `relayed`, from \
         where only relays are reached; `tcp`, from where only relays are reached, and those over TCP; `over-own-relay`, which names its sockets as a relay's too; `draft6`, as OCS 2007 R2 offers it.",
        far_end
    ),
    verb!(
        "far end {number} with keys {lines}",
        "A user of the front end who wants SRTP and offers these key lines: `bare`, `lifetime`, `mki` (with lifetime \
         and MKI, and no other), or `lync` (one with an MKI before one without).",
        far_end_with_keys
    ),
    verb!(
        "far end {number} with comfort noise",
        "A user of the front end who sends comfort noise for silence now and then, to whom takes it.",
        far_end_with_noise
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

/// The media relay of a story.
#[derive(Default)]
struct Edge(Option<Relay>);

impl Prop for Edge {
    fn end(&mut self) -> futures::future::LocalBoxFuture<'_, ()> {
        self.0.iter().for_each(Relay::stop);
        Box::pin(std::future::ready(()))
    }
}

/// Lets a front end name the relay, if there is one.
pub(super) fn name_relay(stage: &mut Stage, lync: &mut LyncConfig) {
    if let Some(relay) = &stage.prop::<Edge>().0 {
        let address = relay.address();
        // Its TCP port is that of UDP.
        (lync.relay_host, lync.relay_udp) = (address.ip().to_string(), address.port());
        lync.relay_tcp = address.port();
    }
}

async fn media_relay(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    // The key of every front end's MRAS.
    let key = LyncConfig::new("").relay_key;
    stage.prop::<Edge>().0 = Some(Relay::start(Ipv4Addr::LOCALHOST.into(), &key).await?);
    Ok(())
}

pub(super) fn relay(stage: &mut Stage) -> Result<Relay, Fault> {
    let relay = stage.prop::<Edge>().0.clone();
    relay.ok_or_else(|| Fault::unusable("there is no media relay", "put `media relay` before this step"))
}

async fn dies(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    relay(stage)?.mute(true);
    Ok(())
}

async fn deaf(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    relay(stage)?.block_udp(true);
    Ok(())
}

async fn starts_anew(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    relay(stage)?.start_anew();
    Ok(())
}

async fn wakes(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    relay(stage)?.mute(false);
    Ok(())
}

async fn carried(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let least = given.count("count").unwrap_or_default();
    work(stage, "carries packets", |work| work.bare >= least && work.refused == 0).await
}

async fn empty(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    work(stage, "is empty", |work| work.allocations == 0).await
}

async fn work(stage: &mut Stage, expected: &str, fits: impl Fn(Work) -> bool) -> Result<(), Fault> {
    let relay = relay(stage)?;
    until(stage.patience, format!("the media relay {expected}"), async || {
        let work = relay.work();
        if fits(work) { Ok(()) } else { Err(format!("{work:?}")) }
    })
    .await
}

async fn far_end(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let ice = match given.word("manner") {
        "full" => Manner::FULL,
        "rfc3489" => Manner::Full { dialect: Dialect::Rfc3489, reach: Reach::All },
        "relayed" => Manner::Full { dialect: Dialect::MsIce2, reach: Reach::Relays },
        "tcp" => Manner::Full { dialect: Dialect::MsIce2, reach: Reach::RelaysOverTcp },
        "over-own-relay" => Manner::Full { dialect: Dialect::MsIce2, reach: Reach::OverOwnRelay },
        "draft6" => Manner::Draft6,
        other => {
            let mend = "write full, rfc3489, relayed, tcp, over-own-relay or draft6";
            return Err(Fault::unusable(format!("there is no manner {other}"), mend));
        }
    };
    // Of two parts, the first would be the one of draft 06 in any case.
    let traits = Traits { ice, fallback: ice != Manner::Draft6, ..Traits::lync() };
    enter_as(stage, given.word("number"), Behaviour::NoAnswer, (traits, Protection::Offered))
}

async fn far_end_with_keys(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let keys = match given.word("lines") {
        "bare" => KeyLines::Bare,
        "lifetime" => KeyLines::Lifetime,
        "mki" => KeyLines::Mki,
        "lync" => KeyLines::Lync,
        other => {
            return Err(Fault::unusable(format!("there are no keys {other}"), "bare, lifetime, mki or lync"));
        }
    };
    let traits = (Traits { keys, ..Traits::default() }, Protection::Required);
    enter_as(stage, given.word("number"), Behaviour::NoAnswer, traits)
}

async fn far_end_with_noise(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let traits = (Traits { comfort_noise: true, ..Traits::default() }, Protection::Off);
    enter_as(stage, given.word("number"), Behaviour::NoAnswer, traits)
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
