//! Emulated native handsets, on the bases of [`super::native_base`].

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::native_base::{Air, base_of};
use super::{Verb, verb};
use crate::dect::identity::Ipei;
use crate::handset::native::{Dialling, NativeConfig, NativeHandset, SeenHandset, User};
use crate::media::Heard;
use crate::phone::{LiveCall, Progress};
use crate::radio::Place;
use crate::story::{Fault, Given, Player, Stage, until};

/// The access code of windows and handsets, when a story does not say another.
const CODE: &str = "2407";
/// Manufacturer's code in the serial numbers of a story's handsets.
const EMC: u16 = 0x0BA8;
/// A handset stands so many metres beside its base.
const BESIDE: f64 = 3.0;

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "subscription window [with code {code}]",
        "Handsets may subscribe for ten minutes, with code 2407 when not said.",
        window
    ),
    verb!(
        "native handset {user} near {base} [as {name}]",
        "A handset of a user: linked to it, subscribed and located while a window with code 2407 is open. Who \
         holds it hums instead of speaking: without pauses, so that gaps can be measured.",
        handset
    ),
    verb!("stranger {name} near {base}", "A handset that nobody knows.", stranger),
    verb!("{name} subscribes with code {code}", "It is given access rights.", subscribes),
    verb!(
        "{name} cannot subscribe with code {code} [because {reason:count}]",
        "It is given none, for this reason (EN 300 175-5, 7.7.34).",
        cannot_subscribe
    ),
    verb!("{name} walks to {base} [in {time:time}]", "It is carried there, while the story goes on.", walks),
    verb!("{name} is switched off", "It says so (DETACH), for good.", switched_off),
    verb!("{name} presses {keys}", "Keys of its keypad, one by one; R is register recall.", presses),
    verb!("expect {name} located", "The switch has taken its location.", located),
    verb!("expect {name} on {base}", "It listens to that base, or has its link there.", on),
    verb!("expect {name} ciphered", "Its link is ciphered.", ciphered),
    verb!("expect {name} shows {text}", "Its display has this text.", shows),
    verb!(
        "expect {name} handed over {count:count} times",
        "So many handovers of it have succeeded since it was switched on, and none has failed.",
        handed_over
    ),
    verb!(
        "expect {phone} silence below {limit:time}",
        "In its call so far, or in the one that ended, no silence was longer. For those who hear somebody hum.",
        silence
    ),
    verb!(
        "expect {phone} misses at most {count:count}",
        "In its call so far, or in the one that ended, no more packets or frames of 20 ms were lost.",
        misses
    ),
];

async fn window(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let code = given.text("code").unwrap_or(CODE);
    let body = json!({"code": code, "seconds": "600"});
    rest(stage, "PUT", "/subscription-window", &body).await
}

async fn rest(stage: &Stage, method: &str, path: &str, body: &serde_json::Value) -> Result<(), Fault> {
    let expected = format!("{method} {path} succeeds");
    let answer = stage.switch.rest(method, path, Some(body)).await;
    match answer.map_err(|found| Fault::failed(&expected, found))? {
        answer if (200..300).contains(&answer.status) => Ok(()),
        answer => Err(Fault::failed(expected, format!("{} {}", answer.status, answer.text))),
    }
}

async fn handset(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    of_user(stage, given, false).await
}

/// A handset of a user, with long slots or without.
pub(super) async fn of_user(stage: &mut Stage, given: &Given, wideband: bool) -> Result<(), Fault> {
    let user = given.word("user");
    let name = given.text("name").unwrap_or(user).to_owned();
    let handset = enter(stage, given, &name, (true, wideband))?;
    let claim = json!({"ipei": handset.ipei().to_string(), "user": user});
    rest(stage, "POST", "/subscription-window/claims", &claim).await?;
    subscribe(stage, &handset, CODE).await?;
    is(stage, &handset, "located", |seen| seen.located).await
}

async fn stranger(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    enter(stage, given, given.word("name"), (false, false)).map(|_| ())
}

fn enter(
    stage: &mut Stage,
    given: &Given,
    name: &str,
    (hum, wideband): (bool, bool),
) -> Result<Arc<NativeHandset>, Fault> {
    let voice = stage.cast.next_voice();
    let (_, place) = base_of(stage, given.word("base"))?;
    let place = Place::new(place.x + BESIDE, place.y);
    let air = stage.prop::<Air>();
    let ipei = Ipei { emc: EMC, psn: 1 + air.handsets.len() as u32 };
    let config = NativeConfig { place, hum, wideband, user: User::Waits, ..NativeConfig::new(ipei, voice) };
    let handset = Arc::new(NativeHandset::start(config, &air.radio));
    air.handsets.insert(name.to_owned(), handset.clone());
    stage.cast.enter(name, voice, NativePlayer(handset.clone()))?;
    Ok(handset)
}

async fn subscribes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    subscribe(stage, &handset, given.word("code")).await
}

async fn subscribe(stage: &Stage, handset: &NativeHandset, code: &str) -> Result<(), Fault> {
    let outcome = handset.subscribe(code, stage.patience).await;
    outcome.map_err(|reason| {
        let found = reason.map_or("nobody let it".to_owned(), |reason| format!("reason {reason:#04x}"));
        Fault::failed("the handset is given access rights", found)
    })
}

async fn cannot_subscribe(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    let expected = match given.count("reason") {
        Some(reason) => format!("it is given no access rights, because {reason}"),
        None => "it is given no access rights".to_owned(),
    };
    match (handset.subscribe(given.word("code"), stage.patience).await, given.count("reason")) {
        (Ok(()), _) => Err(Fault::failed(expected, "it was given them")),
        (Err(_), None) => Ok(()),
        (Err(Some(reason)), Some(wanted)) if u64::from(reason) == wanted => Ok(()),
        (Err(reason), Some(_)) => Err(Fault::failed(expected, format!("the reason was {reason:?}"))),
    }
}

async fn walks(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    let (_, place) = base_of(stage, given.word("base"))?;
    let goal = Place::new(place.x + BESIDE, place.y);
    // Whoever walks, and from wherever: so long it takes, for the longest way in a building.
    let time = given.time("time").unwrap_or(Duration::from_secs(4)).as_secs_f64().max(0.1);
    Ok(handset.walk(&[goal], 120.0 / time).await?)
}

async fn switched_off(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.say_goodbye().await?)
}

async fn presses(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.press(given.word("keys")).await?)
}

async fn located(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    is(stage, &handset, "located", |seen| seen.located).await
}

async fn on(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, name) = (handset_of(stage, given)?, given.word("base"));
    let (base, _) = base_of(stage, name)?;
    let rpn = base.seen().rfpi.map(|rfpi| rfpi.rpn());
    let expected = format!("on base {name}");
    is(stage, &handset, &expected, |seen| rpn.is_some() && seen.base.map(|(rpn, _)| rpn) == rpn).await
}

async fn ciphered(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    is(stage, &handset, "ciphered", |seen| seen.ciphered).await
}

async fn shows(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, text) = (handset_of(stage, given)?, given.word("text"));
    is(stage, &handset, &format!("showing {text}"), |seen| shown(seen).contains(text)).await
}

/// Display, and what a call shows.
fn shown(seen: &SeenHandset) -> String {
    let ringing = seen.ringing.clone().unwrap_or_default();
    [seen.display.clone(), ringing.name.unwrap_or_default(), ringing.number.unwrap_or_default()].join("\n")
}

async fn handed_over(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, wanted) = (handset_of(stage, given)?, given.count("count").unwrap_or_default());
    let expected = format!("handed over {wanted} times, always with success");
    is(stage, &handset, &expected, |seen| (u64::from(seen.handovers.0), seen.handovers.1) == (wanted, 0))
        .await
}

pub(super) async fn is(
    stage: &Stage,
    handset: &NativeHandset,
    expected: &str,
    is_so: impl Fn(&SeenHandset) -> bool,
) -> Result<(), Fault> {
    until(stage.patience, format!("the handset is {expected}"), async || {
        let seen = handset.seen();
        if is_so(&seen) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await
}

pub(super) fn handset_of(stage: &mut Stage, given: &Given) -> Result<Arc<NativeHandset>, Fault> {
    let name = given.word("name");
    stage.prop::<Air>().handsets.get(name).cloned().ok_or_else(|| {
        let mend = format!("put the step `native handset {name} near …` before this one");
        Fault::unusable(format!("there is no native handset {name}"), mend)
    })
}

async fn silence(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let limit = given.time("limit").unwrap_or(Duration::MAX);
    let (heard, name) = (heard(stage, given)?, given.word("phone"));
    let expected = format!("no silence that {name} hears is longer than {} ms", limit.as_millis());
    if heard.longest_silence < limit {
        return Ok(());
    }
    Err(Fault::failed(expected, format!("one of {} ms: {heard:?}", heard.longest_silence.as_millis())))
}

async fn misses(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let most = given.count("count").unwrap_or_default();
    let (heard, name) = (heard(stage, given)?, given.word("phone"));
    if heard.lost <= most {
        return Ok(());
    }
    Err(Fault::failed(format!("{name} misses at most {most} packets"), format!("{heard:?}")))
}

fn heard(stage: &Stage, given: &Given) -> Result<Heard, Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    let call = actor.call().ok_or_else(|| Fault::failed("it has a call", "it has none"))?;
    let heard = match call.progress() {
        Progress::Ended(report) => report.heard,
        _ => call.ears().map(|ears| ears.whole()),
    };
    heard.filter(|heard| heard.packets > 0).ok_or_else(|| Fault::failed("it hears something", "nothing"))
}

struct NativePlayer(Arc<NativeHandset>);

impl Player for NativePlayer {
    fn dial(&self, number: &str) {
        let (handset, number) = (self.0.clone(), number.to_owned());
        tokio::spawn(async move { handset.dial(&number, Dialling::Overlap, None).await });
    }

    fn calls_begun(&self) -> usize {
        self.0.calls().len()
    }

    fn calls_since(&self, first: usize) -> Vec<LiveCall> {
        self.0.calls().into_iter().skip(first).collect()
    }
}
