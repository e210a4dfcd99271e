//! Crowds: hundreds of users at front ends, and tens of calls at once.

use std::time::{Duration, Instant};

use futures::future::try_join_all;

use super::north::{front_end_named, tls_of};
use super::sip_dect::{add_handset, await_registered};
use super::{Verb, verb};
use crate::phone::{LiveCall, Progress};
use crate::story::{Actor, Fault, Given, Stage, until};

/// Between two looks at thousands of lines.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// Most handsets of one step.
const MOST: u64 = 200;

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "handsets {first:count} to {last:count} on {base}",
        "A handset for each of these users, as by `handset {user} on {base}`, and they are registered.",
        handsets
    ),
    verb!(
        "handsets {first:count} to {last:count} call each other",
        "The first calls the second, the third the fourth, and so on; they answer and talk.",
        call
    ),
    verb!(
        "expect handsets {first:count} to {last:count} hear each other",
        "Each of such a row talks, and from now on hears the voice of whom it talks with.",
        hear
    ),
    verb!(
        "expect handsets {first:count} to {last:count} gaps below {limit:time}",
        "In none of their calls so far was a silence between two packets longer.",
        gaps
    ),
    verb!(
        "handsets {first:count} to {last:count} hang up",
        "Each ends its call, if the other has not.",
        hang_up
    ),
    verb!(
        "expect {count:count} lines at front end {name}",
        "So many users are signed in there, by the switch's and the front end's word. How long \
         that took since the step began stands in the output.",
        lines_at
    ),
];

fn row(given: &Given) -> Result<Vec<String>, Fault> {
    let (first, last) = (given.count("first").unwrap_or(0), given.count("last").unwrap_or(0));
    let length = (last + 1).saturating_sub(first);
    if length == 0 || length > MOST {
        return Err(Fault::unusable(format!("{first} to {last} is no row"), "name 1 to 200 of them"));
    }
    Ok((first..=last).map(|user| user.to_string()).collect())
}

fn pairs(row: &[String]) -> Result<impl Iterator<Item = (&String, &String)>, Fault> {
    let (pairs, left) = row.as_chunks::<2>();
    if !left.is_empty() {
        return Err(Fault::unusable("somebody has nobody to talk with", "name an even number of them"));
    }
    Ok(pairs.iter().map(|[one, other]| (one, other)))
}

async fn handsets(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let row = row(given)?;
    for user in &row {
        add_handset(stage, user, given.word("base"))?;
    }
    for user in &row {
        await_registered(stage, user).await?;
    }
    Ok(())
}

async fn call(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let row = row(given)?;
    for (one, other) in pairs(&row)? {
        stage.cast.dial(one, other).await?;
        let called = stage.cast.actor(other)?;
        let rings = |progress: &Progress| *progress == Progress::Ringing;
        called.reaches(stage.patience, "rings", rings).await?;
        called.standing_call()?.answer();
    }
    let talks = |progress: &Progress| *progress == Progress::Talking;
    let talking =
        row.iter().map(async |name| stage.cast.actor(name)?.reaches(stage.patience, "talks", talks).await);
    try_join_all(talking).await.map(drop)
}

async fn hear(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let row = row(given)?;
    let both = pairs(&row)?.flat_map(|(one, other)| [(one, other), (other, one)]);
    let stage = &*stage;
    try_join_all(both.map(async |(one, other)| hears(stage, one, other).await)).await.map(drop)
}

async fn hears(stage: &Stage, one: &str, other: &str) -> Result<(), Fault> {
    let (actor, speaker) = (stage.cast.actor(one)?, stage.cast.actor(other)?);
    let call = standing(actor)?;
    let ears = call.ears().ok_or_else(|| Fault::failed(format!("{one} has sound"), actor.words()))?;
    ears.listen();
    until(stage.patience, format!("{one} hears {other}"), async || match ears.now().voice {
        Some(voice) if voice == speaker.voice() => Ok(()),
        Some(voice) => Err(format!("it hears {}", stage.cast.who_speaks(voice))),
        None => Err(format!("it hears nobody; {}", actor.words())),
    })
    .await
}

/// Its call, answered and not ended.
fn standing(actor: &Actor) -> Result<LiveCall, Fault> {
    let call = actor.standing_call()?;
    match call.progress() {
        Progress::Talking => Ok(call),
        _ => Err(Fault::failed(format!("{} talks", actor.name()), actor.words())),
    }
}

async fn gaps(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let limit = given.time("limit").unwrap_or(Duration::MAX);
    let mut longest = (Duration::ZERO, String::new());
    for name in row(given)? {
        let ears = standing(stage.cast.actor(&name)?)?.ears();
        let heard = ears.map(|ears| ears.whole()).filter(|heard| heard.packets > 0);
        let heard = heard.ok_or_else(|| Fault::failed(format!("{name} hears something"), "it does not"))?;
        longest = longest.max((heard.longest_gap, name));
    }
    let (gap, name) = longest;
    println!("the longest silence was {} ms, at {name}", gap.as_millis());
    match gap < limit {
        true => Ok(()),
        false => {
            let expected = format!("no silence is longer than {} ms", limit.as_millis());
            Err(Fault::failed(expected, format!("{} ms at {name}", gap.as_millis())))
        }
    }
}

async fn hang_up(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let row = row(given)?;
    for name in &row {
        stage.cast.actor(name)?.calls().iter().filter(|call| !call.has_ended()).for_each(LiveCall::hang_up);
    }
    let over = |progress: &Progress| matches!(progress, Progress::Ended(_));
    let ending =
        row.iter().map(async |name| stage.cast.actor(name)?.reaches(stage.patience, "has ended", over).await);
    try_join_all(ending).await.map(drop)
}

async fn lines_at(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (wanted, name) = (given.count("count").unwrap_or(0), given.word("name"));
    let (front_end, since) = (front_end_named(stage, name)?, Instant::now());
    let at = tls_of(&front_end);
    until(stage.patience, format!("{wanted} users are signed in at {name}"), async || {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let there = stage.switch.get("/registrations").await?;
        let lines = there["items"].as_array().into_iter().flatten();
        let up =
            lines.filter(|line| line["state"] == "registered" && line["registrar"] == *at).count() as u64;
        match (up, front_end.registered() as u64) {
            (up, bound) if up >= wanted && bound >= wanted => Ok(()),
            (up, bound) => Err(format!("{up} are by the switch's word, {bound} by the front end's")),
        }
    })
    .await?;
    println!("{wanted} users are signed in at {name} after {:.1} s", since.elapsed().as_secs_f32());
    Ok(())
}
