//! Emulated native base stations: the base link and the air.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Verb, verb};
use crate::base_station::{BaseConfig, BaseStation, Identity, Order, Proof, Seen, Standing};
use crate::handset::native::NativeHandset;
use crate::radio::{Place, Radio};
use crate::story::{Fault, Given, Prop, Stage, until};

/// ROLE of HELLO.
const MEDIA_RESOURCE: u8 = 2;
/// States of synchronisation in which a base carries calls: locked, free-running, assisted, master.
const IN_TIME: [u8; 4] = [2, 3, 4, 6];

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "native base {name} [at {place:count} m] [firmware {firmware}]",
        "A native base station, so many metres east; the switch gives it a token, it enrols and is configured.",
        base
    ),
    verb!(
        "native media resource {name} firmware {firmware}",
        "A media resource on the base link: it has no radio. The switch gives it a token, and it enrols.",
        media_resource
    ),
    verb!(
        "native bases look around every {time:time}",
        "How often those that come later tell whom they hear; every half minute when not said. One that hears no other \
         one waits for that before it keeps its own time.",
        look_around
    ),
    verb!(
        "unproved native base {name}",
        "A native base station that has neither token nor certificate, and says HELLO all the same.",
        unproved_base
    ),
    verb!("expect native base {name} in service", "Its radio is on and it keeps time.", in_service),
    verb!("expect native base {name} off the air", "Its radio is off, or it has lost the time.", off_the_air),
    verb!(
        "expect native base {name} refused with {reason:count}",
        "The switch said REFUSE with this reason (docs/base-link.md).",
        refused
    ),
    verb!(
        "expect native base {name} resumed",
        "It has taken its session up again after a lost link.",
        resumed
    ),
    verb!("native base {name} dies", "Its plug is pulled.", dies),
    verb!("native base {name} comes back", "It is plugged in again, where it was.", comes_back),
    verb!(
        "native base {name} is cut off for {time:time}",
        "Its link is torn, and tied again later.",
        cut_off
    ),
    verb!("native base {name} goes deaf", "It hears no other base: it loses the time.", goes_deaf),
    verb!("native base {name} hears again", "It hears the other bases.", hears_again),
    verb!("native base {name} sends half a frame", "And then nothing more of it.", half_a_frame),
    verb!("native base {name} sends no frame", "Octets that are no frame.", no_frame),
    verb!("native base {name} floods", "Twenty thousand PINGs as fast as the link takes them.", floods),
    verb!(
        "expect native bases without faults",
        "No base saw a frame, and no handset a message, that the base link or the standard does not allow.",
        without_faults
    ),
];

/// The air of a story.
#[derive(Default)]
pub(super) struct Air {
    pub(super) radio: Radio,
    pub(super) bases: BTreeMap<String, (BaseStation, Place)>,
    pub(super) handsets: BTreeMap<String, Arc<NativeHandset>>,
    /// Bases whose plug was pulled: certificate, MAC address, place.
    dead: BTreeMap<String, (Identity, [u8; 6], Place)>,
    looks: Option<Duration>,
    made: u8,
}

impl Prop for Air {
    fn end(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {
            self.handsets.clear();
            let bases = std::mem::take(&mut self.bases).into_values();
            futures::future::join_all(bases.map(|(base, _)| base.stop())).await;
        })
    }
}

async fn base(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let token = token(stage, given.word("name")).await?;
    put_up(stage, given, Proof::Token(token))
}

async fn media_resource(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let name = given.word("name");
    let proof = Proof::Token(token(stage, name).await?);
    let firmware = given.text("firmware").map(str::to_owned);
    stand(stage, name, Place::default(), proof, None, |config| {
        let firmware = firmware.unwrap_or(config.firmware);
        BaseConfig { role: MEDIA_RESOURCE, firmware, ..config }
    })
}

async fn look_around(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.prop::<Air>().looks = given.time("time");
    Ok(())
}

async fn unproved_base(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    put_up(stage, given, Proof::Nothing)
}

fn put_up(stage: &mut Stage, given: &Given, proof: Proof) -> Result<(), Fault> {
    put_up_as(stage, given, proof, None)
}

/// A base with long slots and G.722.
pub(super) async fn wideband_base(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let name = given.word("name");
    let proof = Proof::Token(token(stage, name).await?);
    let place = Place::new(given.count("place").unwrap_or(0) as f64, 0.0);
    stand(stage, name, place, proof, None, BaseConfig::wideband)
}

/// A base with a MAC address of its own, or with that one.
pub(super) fn put_up_as(
    stage: &mut Stage,
    given: &Given,
    proof: Proof,
    id: Option<[u8; 6]>,
) -> Result<(), Fault> {
    let place = Place::new(given.count("place").unwrap_or(0) as f64, 0.0);
    let firmware = given.text("firmware").map(str::to_owned);
    stand(stage, given.word("name"), place, proof, id, |config| {
        let firmware = firmware.unwrap_or(config.firmware);
        BaseConfig { firmware, ..config }
    })
}

fn stand(
    stage: &mut Stage,
    name: &str,
    place: Place,
    proof: Proof,
    id: Option<[u8; 6]>,
    with: impl FnOnce(BaseConfig) -> BaseConfig,
) -> Result<(), Fault> {
    let switch = stage.switch.bound()?.at("base_link").ok_or_else(|| {
        let mend = "put the step `set dect.ari = \"102AF12C\"` before the switch starts";
        Fault::unusable("the switch has no base link", mend)
    })?;
    let air = stage.prop::<Air>();
    if air.bases.contains_key(name) {
        return Err(Fault::unusable(format!("there is a base {name} already"), "give it another name"));
    }
    air.made += 1;
    let id = id.unwrap_or([0, 0x13, 0xD1, 0, 0, air.made]);
    let mut config = with(BaseConfig::new(switch, id, ""));
    (config.place, config.proof) = (place, proof);
    config.looks = air.looks.unwrap_or(config.looks);
    // Makers wait ten seconds and two minutes; a story has not so much time.
    (config.sync_times.free_running, config.sync_times.lost) =
        (Duration::from_secs(1), Duration::from_secs(3));
    let base = BaseStation::start(config, &air.radio);
    air.bases.insert(name.to_owned(), (base, place));
    Ok(())
}

async fn token(stage: &Stage, label: &str) -> Result<String, Fault> {
    let expected = "the switch gives a token";
    let answer = stage.switch.rest("POST", "/enrolments", Some(&json!({"label": label}))).await;
    let answer = answer.map_err(|found| Fault::failed(expected, found))?;
    match answer.json()["token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => Err(Fault::failed(expected, format!("{} {}", answer.status, answer.text))),
    }
}

async fn in_service(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    base_is(stage, given, "in service", |seen| seen.radio == 2 && IN_TIME.contains(&seen.sync)).await
}

async fn off_the_air(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    base_is(stage, given, "off the air", |seen| seen.radio == 0 || !IN_TIME.contains(&seen.sync)).await
}

async fn refused(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let wanted = given.count("reason").unwrap_or_default();
    let is_so = |seen: &Seen| matches!(&seen.standing, Standing::Refused { reason, .. } if u64::from(*reason) == wanted);
    base_is(stage, given, &format!("refused with {wanted}"), is_so).await
}

async fn resumed(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    base_is(stage, given, "resumed", |seen| seen.standing == Standing::Linked && seen.welcomes.1 > 0).await
}

pub(super) async fn base_is(
    stage: &mut Stage,
    given: &Given,
    expected: &str,
    is_so: impl Fn(&Seen) -> bool,
) -> Result<(), Fault> {
    let (patience, name) = (stage.patience, given.word("name").to_owned());
    let (base, _) = base_of(stage, &name)?;
    let expected = format!("base {name} is {expected}");
    until(patience, expected, async || {
        let seen = base.seen();
        if is_so(&seen) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await
}

async fn dies(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let name = given.word("name");
    base_of(stage, name)?;
    let air = stage.prop::<Air>();
    if let Some((base, place)) = air.bases.remove(name) {
        let kept = base.identity().map(|identity| (identity, base.base_id(), place));
        air.dead.extend(kept.map(|kept| (name.to_owned(), kept)));
        base.kill();
    }
    Ok(())
}

async fn comes_back(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let name = given.word("name");
    let Some((identity, id, place)) = stage.prop::<Air>().dead.remove(name) else {
        let mend = format!("put the step `native base {name} dies` before this one");
        return Err(Fault::unusable(format!("base {name} is not dead"), mend));
    };
    stand(stage, name, place, Proof::Identity(identity), Some(id), std::convert::identity)
}

async fn cut_off(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::Cut(given.time("time").unwrap_or_default())).await
}

async fn goes_deaf(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::Deafen(true)).await
}

async fn hears_again(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::Deafen(false)).await
}

async fn half_a_frame(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::HalfFrame).await
}

async fn no_frame(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::BadFrame).await
}

async fn floods(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::Flood(20_000)).await
}

pub(super) async fn order(stage: &mut Stage, given: &Given, order: Order) -> Result<(), Fault> {
    let (base, _) = base_of(stage, given.word("name"))?;
    Ok(base.order(order).await?)
}

pub(super) fn base_of<'a>(stage: &'a mut Stage, name: &str) -> Result<&'a (BaseStation, Place), Fault> {
    stage.prop::<Air>().bases.get(name).ok_or_else(|| {
        let mend = format!("put the step `native base {name}` before this one");
        Fault::unusable(format!("there is no native base {name}"), mend)
    })
}

async fn without_faults(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    let air = stage.prop::<Air>();
    let bases = air.bases.iter().map(|(name, (base, _))| (name, base.seen().faults));
    let handsets = air.handsets.iter().map(|(name, handset)| (name, handset.seen().faults));
    let faults: Vec<_> = bases.chain(handsets).filter(|(_, faults)| !faults.is_empty()).collect();
    if faults.is_empty() { Ok(()) } else { Err(Fault::failed("no faults", format!("{faults:?}"))) }
}
