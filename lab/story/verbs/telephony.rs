//! What people do with a call that is talked in: hold, transfer, keys; and with several at once.

use super::{Verb, verb};
use crate::phone::{LiveCall, Progress, Wish};
use crate::story::{Actor, DOMAIN, Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "{phone} holds [by {manner}]",
        "Puts the other end on hold, by `sendonly` (when not said) or `inactive`, as Lync does.",
        holds
    ),
    verb!("{phone} resumes", "Takes the other end back.", resumes),
    verb!("expect {phone} held", "The other end holds it: it is told that nobody listens.", held),
    verb!("expect {phone} not held", "It is listened to.", not_held),
    verb!(
        "expect {phone} talking with {other}",
        "Among its calls is one with that number, and it is answered.",
        talking_with
    ),
    verb!(
        "expect {phone} not talking with {other}",
        "None of its calls with that number is answered and stands.",
        not_talking_with
    ),
    verb!(
        "{phone} transfers {other} to {third}",
        "REFER with Replaces: joins the other ends of its two calls.",
        attended
    ),
    verb!(
        "expect {phone} transfer told {code:count}",
        "The status of its REFER, or the last that a NOTIFY told of it.",
        told
    ),
    verb!("{phone} sends key {key}", "A key, told by INFO.", key),
];

async fn holds(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let inactive = match given.text("manner").unwrap_or("sendonly") {
        "sendonly" => false,
        "inactive" => true,
        other => {
            let what = format!("nobody is held by {other}");
            return Err(Fault::unusable(what, "write sendonly or inactive"));
        }
    };
    talking(stage, given).await?.wish(Wish::Hold { inactive });
    Ok(())
}

async fn resumes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    talking(stage, given).await?.wish(Wish::Resume);
    Ok(())
}

async fn held(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    is(stage, given, "is held", LiveCall::is_held).await
}

async fn not_held(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    is(stage, given, "is not held", |call| !call.is_held()).await
}

async fn talking_with(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    with(stage, given.word("phone"), given.word("other")).await.map(|_| ())
}

async fn not_talking_with(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (phone, other) = (given.word("phone"), given.word("other"));
    let actor = stage.cast.actor(phone)?;
    until(stage.patience, format!("{phone} does not talk with {other}"), async || {
        let talks = |call: &LiveCall| call.peer() == other && call.progress() == Progress::Talking;
        if actor.calls().iter().any(talks) { Err(all(actor)) } else { Ok(()) }
    })
    .await
}

async fn attended(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (phone, other, third) = (given.word("phone"), given.word("other"), given.word("third"));
    let (first, second) = (with(stage, phone, other).await?, with(stage, phone, third).await?);
    let to = format!("sip:{third}@{DOMAIN}");
    first.wish(Wish::Transfer { to, replacing: second.names() });
    Ok(())
}

async fn told(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let wanted = given.count("code").unwrap_or_default();
    let actor = stage.cast.actor(given.word("phone"))?;
    until(stage.patience, format!("the transfer of {} is told {wanted}", actor.name()), async || {
        // The call may have ended with its transfer.
        let told: Vec<_> = actor.calls().iter().filter_map(LiveCall::transfer).collect();
        match told.iter().any(|code| u64::from(*code) == wanted) {
            true => Ok(()),
            false => Err(format!("{told:?}, and {}", actor.words())),
        }
    })
    .await
}

async fn key(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let key = given.word("key").chars().next().unwrap_or('0');
    talking(stage, given).await?.wish(Wish::Press(key));
    Ok(())
}

/// The newest call of a telephone that is answered.
async fn talking(stage: &Stage, given: &Given) -> Result<LiveCall, Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    until(stage.patience, format!("{} talks", actor.name()), async || {
        let call = actor.calls().into_iter().rfind(|call| call.progress() == Progress::Talking);
        call.ok_or_else(|| actor.words())
    })
    .await
}

async fn with(stage: &Stage, phone: &str, other: &str) -> Result<LiveCall, Fault> {
    let actor = stage.cast.actor(phone)?;
    until(stage.patience, format!("{phone} talks with {other}"), async || {
        let fits = |call: &LiveCall| call.peer() == other && call.progress() == Progress::Talking;
        actor.calls().into_iter().rfind(fits).ok_or_else(|| all(actor))
    })
    .await
}

fn all(actor: &Actor) -> String {
    let calls: Vec<_> =
        actor.calls().iter().map(|call| format!("{} {}", call.peer(), call.progress())).collect();
    format!("its calls are {calls:?}")
}

async fn is(stage: &Stage, given: &Given, what: &str, fits: impl Fn(&LiveCall) -> bool) -> Result<(), Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    until(stage.patience, format!("{} {what}", actor.name()), async || match actor.standing_call() {
        Ok(call) if fits(&call) => Ok(()),
        _ => Err(actor.words()),
    })
    .await
}
