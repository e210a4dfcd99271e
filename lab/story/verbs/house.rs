//! A house: hundreds of native base stations and thousands of handsets at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use super::{Verb, verb};
use crate::base_station::{BaseConfig, BaseStation};
use crate::dect::identity::Ipei;
use crate::dect::pt::CallState;
use crate::handset::native::{Dialling, NativeConfig, NativeHandset, User};
use crate::media::Voice;
use crate::media::stream::Ears;
use crate::phone::LiveCall;
use crate::radio::{Place, Radio};
use crate::story::{Fault, Given, Prop, Stage, until};

/// The access code that people are told.
const CODE: &str = "2407";
/// Manufacturer's code in the serial numbers of a house's handsets.
const EMC: u16 = 0x0BA8;
/// The first user; the others follow.
const FIRST: u64 = 10_001;
/// Base stations hang in a square, so many in a row and so many metres apart.
const ROW: u64 = 16;
const APART: f64 = 40.0;
/// Base stations enrol, and handsets subscribe, so many at once.
const AT_ONCE: usize = 32;
/// Pairs that begin to talk at once.
const CALLS_AT_ONCE: usize = 8;
/// States of synchronisation in which a base carries calls: locked, free-running, assisted, master.
const IN_TIME: [u8; 4] = [2, 3, 4, 6];

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "house of {bases:count} native bases",
        "Native base stations in a square, 40 m apart; they enrol and keep time with each other.",
        bases
    ),
    verb!(
        "house of {handsets:count} native handsets",
        "Handsets of users 10001 and on, evenly beside the base stations of the house; they subscribe and are \
         located. How long that took stands in the output.",
        handsets
    ),
    verb!(
        "{calls:count} pairs of the house talk for {time:time}",
        "The first user of each pair calls the second; both hear each other until the first hangs up.",
        talk
    ),
    verb!(
        "expect the house in service",
        "By the switch's word every base station of the house carries calls and every handset is located. How long \
         that took since the step began stands in the output.",
        in_service
    ),
    verb!(
        "expect the house without faults",
        "No base station saw a frame, and no handset a message, that the base link or the standard does not allow.",
        without_faults
    ),
];

/// Who lives in the house.
#[derive(Default)]
struct House {
    radio: Radio,
    bases: Vec<BaseStation>,
    handsets: Vec<Arc<NativeHandset>>,
}

impl Prop for House {
    fn end(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {
            self.handsets.clear();
            self.bases.clear();
        })
    }
}

fn place(number: u64) -> Place {
    Place::new((number % ROW) as f64 * APART, (number / ROW) as f64 * APART)
}

async fn bases(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (count, begun) = (given.count("bases").unwrap_or(0), Instant::now());
    let switch = stage.switch.bound()?.at("base_link").ok_or_else(|| {
        let mend = "put the step `set dect.ari = \"102AF12C\"` before the switch starts";
        Fault::unusable("the switch has no base link", mend)
    })?;
    let tokens = stream::iter(0..count).map(|_| token(stage)).buffered(AT_ONCE);
    let tokens: Vec<String> = tokens.try_collect().await?;
    let patience = stage.patience;
    let house = stage.prop::<House>();
    for (number, token) in (0_u64..).zip(tokens) {
        let id = [0, 0x13, 0xD1, 1, (number >> 8) as u8, number as u8];
        let mut config = BaseConfig::new(switch, id, &token);
        config.place = place(number);
        house.bases.push(BaseStation::start(config, &house.radio));
    }
    for base in &house.bases {
        let seen = base.wait_for(patience, |seen| seen.radio == 2 && IN_TIME.contains(&seen.sync)).await;
        seen.map_err(|seen| Fault::failed("every base of the house is in service", format!("{seen:?}")))?;
    }
    println!("{count} base stations are in service after {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

async fn token(stage: &Stage) -> Result<String, Fault> {
    let expected = "the switch gives a token";
    let answer = stage.switch.rest("POST", "/enrolments", Some(&json!({"label": "house"}))).await;
    let answer = answer.map_err(|found| Fault::failed(expected, found))?;
    let token = answer.json()["token"].as_str().map(str::to_owned);
    token.ok_or_else(|| Fault::failed(expected, format!("{} {}", answer.status, answer.text)))
}

const fn ipei(number: u64) -> Ipei {
    Ipei { emc: EMC, psn: number as u32 }
}

async fn handsets(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (count, begun) = (given.count("handsets").unwrap_or(0), Instant::now());
    let mut csv = "username,display_name,ipei,enabled\n".to_owned();
    csv.extend((0..count).map(|number| {
        let (user, ipei) = (FIRST + number, ipei(number).to_string().replace(' ', ""));
        format!("{user},Nurse {user},{ipei},yes\n")
    }));
    stage.switch.import(&csv)?;
    let window = json!({"code": CODE, "seconds": "3600"});
    let opened = stage.switch.rest("PUT", "/subscription-window", Some(&window)).await;
    opened.map_err(|found| Fault::failed("the subscription window is open", found))?;
    println!("{count} users are there after {:.1} s", begun.elapsed().as_secs_f32());
    let patience = stage.patience;
    let house = stage.prop::<House>();
    let bases = house.bases.len() as u64;
    if bases == 0 {
        return Err(Fault::unusable(
            "the house has no bases",
            "put the step `house of 24 native bases` first",
        ));
    }
    let begun = Instant::now();
    let entered: Vec<_> = (0..count).map(|number| enter(&house.radio, number, number % bases)).collect();
    house.handsets.clone_from(&entered);
    let subscribed = stream::iter(entered)
        .map(Ok::<_, Fault>)
        .try_for_each_concurrent(AT_ONCE, |handset| async move { subscribe(&handset, patience).await });
    subscribed.await?;
    println!("{count} handsets are subscribed after {:.1} s", begun.elapsed().as_secs_f32());
    for handset in &house.handsets {
        let seen = handset.wait_for(patience, |seen| seen.located).await;
        seen.map_err(|seen| Fault::failed("every handset of the house is located", format!("{seen:?}")))?;
    }
    println!("{count} handsets are located after {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

fn enter(radio: &Radio, number: u64, base: u64) -> Arc<NativeHandset> {
    let beside = place(base);
    let user = User::Answers { after: Duration::from_millis(200), talk: None };
    let config = NativeConfig {
        place: Place::new(beside.x + 3.0, beside.y),
        user,
        ..NativeConfig::new(ipei(number), Voice::new(number as u8))
    };
    Arc::new(NativeHandset::start(config, radio))
}

/// A base station whose pairs are all taken, or a switch that has newcomers enough, is asked again.
async fn subscribe(handset: &NativeHandset, patience: Duration) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        match handset.subscribe(CODE, patience).await {
            Ok(()) => return Ok(()),
            Err(None) if begun.elapsed() < patience => {}
            Err(reason) => {
                let found = format!("{} was refused: {reason:?}", handset.ipei());
                return Err(Fault::failed("every handset of the house is given access rights", found));
            }
        }
    }
}

async fn talk(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (calls, patience) = (given.count("calls").unwrap_or(0), stage.patience);
    let time = given.time("time").unwrap_or_default();
    let handsets = stage.prop::<House>().handsets.clone();
    if handsets.len() < 2 * calls as usize {
        return Err(Fault::unusable("the house has not so many handsets", "let more of them move in"));
    }
    // Pairs of all over the house: the second half is called by the first.
    let half = handsets.len() / 2;
    let pairs = (0..calls as usize).map(|number| (number, &handsets[number], &handsets[number + half]));
    let begun = Instant::now();
    let connected =
        stream::iter(pairs.clone().map(Ok)).try_for_each_concurrent(CALLS_AT_ONCE, |pair| async move {
            let (number, caller, called) = pair;
            connect(caller, &(FIRST + (number + half) as u64).to_string(), patience).await?;
            hears(caller, called, patience).await?;
            hears(called, caller, patience).await
        });
    connected.await?;
    println!("{calls} calls are heard after {:.1} s", begun.elapsed().as_secs_f32());
    tokio::time::sleep(time).await;
    for (_, caller, called) in pairs {
        still(caller).and(still(called))?;
        caller.hang_up().await?;
        let ended = called.wait_for(patience, |seen| seen.call.is_none()).await;
        ended.map_err(|seen| {
            Fault::failed("the called end of each pair hears the end", format!("{seen:?}"))
        })?;
    }
    Ok(())
}

/// Dials, and dials again when the call comes to nothing: a base station that is busy with the whole house may take
/// longer for a stream than the switch waits.
async fn connect(caller: &NativeHandset, number: &str, patience: Duration) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        let before = caller.calls().len();
        caller.dial(number, Dialling::EnBloc, None).await?;
        let settled =
            until(patience, format!("{number} is called"), async || match caller.calls().get(before) {
                Some(call) if call.talked().is_some() || call.has_ended() => Ok(call.clone()),
                Some(call) => Err(format!("the call {}", call.progress())),
                None => Err("no call began".to_owned()),
            });
        match settled.await? {
            call if call.talked().is_some() => return Ok(()),
            call if begun.elapsed() > patience => {
                return Err(Fault::failed(
                    format!("{number} answers"),
                    format!("the call {}", call.progress()),
                ));
            }
            _ => {}
        }
    }
}

async fn hears(one: &NativeHandset, other: &NativeHandset, patience: Duration) -> Result<(), Fault> {
    let voice = Some(other.voice());
    until(patience, format!("it hears {voice:?}"), async || {
        let ears = one.calls().last().and_then(LiveCall::ears);
        let heard = ears.as_ref().map(Ears::now).unwrap_or_default();
        if heard.voice == voice { Ok(()) } else { Err(format!("{heard:?}")) }
    })
    .await
}

fn still(handset: &NativeHandset) -> Result<(), Fault> {
    match handset.seen() {
        seen if seen.call == Some(CallState::Active) => Ok(()),
        seen => Err(Fault::failed("each pair still talks", format!("{seen:?}"))),
    }
}

async fn in_service(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    let begun = Instant::now();
    let house = stage.prop::<House>();
    let (bases, handsets) = (house.bases.len(), house.handsets.len());
    let expected = format!("{bases} base stations are operational and {handsets} handsets located");
    until(stage.patience, expected, async || {
        let operational = count(stage, "/native-base-stations", "operational").await?;
        let located = count(stage, "/subscriptions", "located").await?;
        let there = (operational, located) == (bases, handsets);
        if there { Ok(()) } else { Err(format!("{operational} are operational, {located} located")) }
    })
    .await?;
    println!(
        "{bases} base stations and {handsets} handsets are back after {:.1} s",
        begun.elapsed().as_secs_f32()
    );
    Ok(())
}

/// How many of a list stand so.
async fn count(stage: &Stage, path: &str, state: &str) -> Result<usize, String> {
    let list = stage.switch.get(path).await?;
    let items = list["items"].as_array().ok_or("there is no list")?;
    Ok(items.iter().filter(|item| item["state"] == state).count())
}

async fn without_faults(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    let house = stage.prop::<House>();
    let faults: Vec<_> = house.bases.iter().flat_map(|base| base.seen().faults).take(5).collect();
    let more: Vec<_> = house.handsets.iter().flat_map(|handset| handset.seen().faults).take(5).collect();
    match (faults.is_empty(), more.is_empty()) {
        (true, true) => Ok(()),
        _ => Err(Fault::failed("no faults", format!("bases: {faults:?}; handsets: {more:?}"))),
    }
}
