//! What people do with telephones of any kind, and what they see and hear there.

use std::time::Duration;

use super::{Verb, verb};
use crate::media::Heard;
use crate::phone::{Direction, Outcome, Progress};
use crate::story::{Actor, Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!("{phone} dials {number}", "Dials, and goes on with the story.", dials),
    verb!("{phone} answers", "Takes the call that rings at it.", answers),
    verb!(
        "{phone} rejects [with {code:count}]",
        "Refuses the call that rings at it; 486 when not said.",
        rejects
    ),
    verb!("{phone} hangs up", "Ends its call: CANCEL before the answer, BYE after it.", hangs_up),
    verb!("expect {phone} ringing", "It rings, or it hears the other end ring.", ringing),
    verb!("expect {phone} talking", "Its call is answered.", talking),
    verb!(
        "expect {phone} talking for {length:time}",
        "Its call has stood for so long since its answer.",
        talking_for
    ),
    verb!("expect {phone} ended", "Its call was answered and is over.", ended),
    verb!("expect {phone} cancelled", "Its call was taken back before the answer.", cancelled),
    verb!("expect {phone} refused with {code:count}", "Its call was refused with this status.", refused),
    verb!("expect {phone} idle", "It has no standing call.", idle),
    verb!(
        "expect {phone} called by {number}",
        "The display of its incoming call shows this number.",
        called_by
    ),
    verb!("expect {phone} hears {other}", "From now on it hears the voice of that telephone.", hears),
    verb!(
        "expect {phone} hears comfort noise",
        "In its call so far a packet of comfort noise has come (RFC 3389).",
        noise
    ),
    verb!(
        "expect {phone} gaps below {limit:time}",
        "In its call so far, or in the one that ended, no silence between two packets was longer.",
        gaps
    ),
];

async fn dials(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.cast.dial(given.word("phone"), given.word("number")).await
}

async fn answers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = actor(stage, given)?;
    rings(stage, actor).await?;
    actor.standing_call()?.answer();
    Ok(())
}

async fn rejects(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = actor(stage, given)?;
    rings(stage, actor).await?;
    let code = given.count("code").unwrap_or(486);
    let code = u16::try_from(code).ok().filter(|code| (300..700).contains(code)).ok_or_else(|| {
        Fault::unusable("a refusal is a status from 300 to 699", "for example: rejects with 603")
    })?;
    actor.standing_call()?.refuse(code);
    Ok(())
}

/// A person does not answer before it rings.
async fn rings(stage: &Stage, actor: &Actor) -> Result<(), Fault> {
    until(stage.patience, format!("a call rings at {}", actor.name()), async || match actor.call() {
        Some(call) if call.direction() == Direction::Served && call.progress() == Progress::Ringing => Ok(()),
        _ => Err(actor.words()),
    })
    .await
}

async fn hangs_up(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = actor(stage, given)?;
    let standing = until(stage.patience, format!("{} is in a call", actor.name()), async || {
        actor.standing_call().map_err(|_| actor.words())
    });
    standing.await?.hang_up();
    Ok(())
}

async fn ringing(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    actor(stage, given)?.reaches(stage.patience, "rings", |now| *now == Progress::Ringing).await
}

async fn talking(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    actor(stage, given)?.reaches(stage.patience, "talks", |now| *now == Progress::Talking).await
}

async fn talking_for(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (actor, length) = (actor(stage, given)?, given.time("length").unwrap_or_default());
    let expected = format!("{} has talked for {} s", actor.name(), length.as_secs_f32());
    until(stage.patience + length, expected, async || match actor.call() {
        Some(call) if call.progress() == Progress::Talking && call.talked() >= Some(length) => Ok(()),
        _ => Err(actor.words()),
    })
    .await
}

async fn ended(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let fits = |outcome: &Outcome| *outcome == Outcome::Answered;
    outcome(stage, given, "has talked and ended", fits).await
}

async fn cancelled(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    outcome(stage, given, "had its call cancelled", |outcome| *outcome == Outcome::Cancelled).await
}

async fn refused(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let wanted = given.count("code").unwrap_or_default();
    let fits = |outcome: &Outcome| matches!(outcome, Outcome::Refused { code } if u64::from(*code) == wanted);
    outcome(stage, given, &format!("is refused with {wanted}"), fits).await
}

async fn outcome(
    stage: &Stage,
    given: &Given,
    expected: &str,
    fits: impl Fn(&Outcome) -> bool,
) -> Result<(), Fault> {
    let fits = |now: &Progress| matches!(now, Progress::Ended(report) if fits(&report.outcome));
    actor(stage, given)?.reaches(stage.patience, expected, fits).await
}

async fn idle(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = actor(stage, given)?;
    until(stage.patience, format!("{} is idle", actor.name()), async || {
        let idle = actor.calls().iter().all(|call| call.has_ended());
        if idle { Ok(()) } else { Err(actor.words()) }
    })
    .await
}

async fn called_by(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (actor, number) = (actor(stage, given)?, given.word("number"));
    until(stage.patience, format!("{} is called by {number}", actor.name()), async || match actor.call() {
        Some(call) if call.direction() == Direction::Served && call.peer() == number => Ok(()),
        _ => Err(actor.words()),
    })
    .await
}

async fn hears(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (actor, other) = (actor(stage, given)?, stage.cast.actor(given.word("other"))?);
    let expected = format!("{} hears {}", actor.name(), other.name());
    // A call that has just begun has no port yet, and at the called end there is no call yet.
    let ears = until(stage.patience, &expected, async || {
        let call = actor.standing_call().map_err(|_| actor.words())?;
        call.ears().ok_or_else(|| format!("{}, and has no sound", actor.words()))
    });
    let ears = ears.await?;
    ears.listen();
    until(stage.patience, expected, async || {
        let heard = ears.now();
        match heard.voice {
            Some(voice) if voice == other.voice() => Ok(()),
            voice => Err(match voice {
                Some(voice) => format!("it hears {}", stage.cast.who_speaks(voice)),
                None => silence(&heard),
            }),
        }
    })
    .await
}

fn silence(heard: &Heard) -> String {
    match heard.level_dbm0 {
        _ if heard.refused > 0 => {
            format!("it hears nothing: {} packets were not SRTP, or had the wrong key", heard.refused)
        }
        Some(level) => format!("it hears no voice, only {} packets at {level:.0} dBm0", heard.packets),
        None => format!("it hears nothing ({} packets)", heard.packets),
    }
}

async fn noise(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = actor(stage, given)?;
    until(stage.patience, format!("{} hears comfort noise", actor.name()), async || {
        let ears = actor.standing_call().ok().and_then(|call| call.ears());
        let heard = ears.map(|ears| ears.whole()).ok_or_else(|| actor.words())?;
        if heard.other > 0 { Ok(()) } else { Err(format!("it has heard {} packets of sound", heard.packets)) }
    })
    .await
}

async fn gaps(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = actor(stage, given)?;
    let limit = given.time("limit").unwrap_or(Duration::MAX);
    let expected = format!("no gap of {} is longer than {} ms", actor.name(), limit.as_millis());
    let call = actor.call().ok_or_else(|| Fault::failed(&expected, "it has no call"))?;
    let heard = match call.progress() {
        Progress::Ended(report) => report.heard,
        _ => call.ears().map(|ears| ears.whole()),
    };
    match heard {
        Some(heard) if heard.packets > 0 && heard.longest_gap < limit => Ok(()),
        Some(heard) if heard.packets > 0 => {
            Err(Fault::failed(expected, format!("one of {} ms", heard.longest_gap.as_millis())))
        }
        _ => Err(Fault::failed(expected, "it heard nothing at all")),
    }
}

fn actor<'a>(stage: &'a Stage, given: &Given) -> Result<&'a Actor, Fault> {
    stage.cast.actor(given.word("phone"))
}
