//! People who say numbers to each other, so that what did not come can be counted without a clock.

use std::collections::HashMap;

use super::{Verb, verb};
use crate::media::numbers::Teller;
use crate::media::stream::Ears;
use crate::phone::LiveCall;
use crate::story::{Fault, Given, Prop, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "{one} and {other} tell each other numbers",
        "From now on both say numbers in tones instead of speaking, a hundred a second, and note those that they hear.",
        tell
    ),
    verb!("{one} and {other} speak again", "Instead of telling numbers.", speak),
    verb!(
        "expect {phone} misses at most {count:count} numbers at once",
        "It has heard the other one's numbers up to now, and nowhere more than so many in a row, 10 ms each, did not \
         come. A number that comes late has come: no clock is asked, so the machine may be busy.",
        misses
    ),
];

/// Fewer than these prove nothing: half a second.
const FEWEST: u64 = 50;

/// What each listener hears.
#[derive(Default)]
struct Told(HashMap<String, Listening>);

/// Whom somebody hears, with which ears, and from which number on.
#[derive(Clone)]
struct Listening {
    teller: Teller,
    ears: Ears,
    from: u64,
}

impl Prop for Told {}

async fn tell(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (one, other) = (given.word("one"), given.word("other"));
    let (call, theirs) = (talking(stage, one).await?, talking(stage, other).await?);
    let mut heard = Vec::new();
    for (listener, call, by) in [(one, &call, &theirs), (other, &theirs, &call)] {
        let (Some(ears), Some(teller)) = (call.ears(), by.teller()) else {
            return Err(Fault::unusable(
                format!("{listener} has no sound"),
                "let somebody else tell numbers",
            ));
        };
        ears.note_numbers(teller.said());
        // One who tells somebody else numbers already goes on: those count that are said while both listen.
        let from = teller.said();
        heard.push((listener.to_owned(), Listening { teller, ears, from }));
    }
    // Both listen before anybody begins.
    heard.iter().for_each(|(_, listening)| listening.teller.tell());
    stage.prop::<Told>().0.extend(heard);
    Ok(())
}

async fn speak(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let told = &mut stage.prop::<Told>().0;
    for name in [given.word("one"), given.word("other")] {
        let listening = told.remove(name).ok_or_else(|| nobody_tells(name))?;
        listening.teller.speak();
    }
    Ok(())
}

fn nobody_tells(name: &str) -> Fault {
    let mend = format!("put the step `{name} and … tell each other numbers` before this one");
    Fault::unusable(format!("nobody tells {name} numbers"), mend)
}

async fn talking(stage: &Stage, name: &str) -> Result<LiveCall, Fault> {
    let actor = stage.cast.actor(name)?;
    until(stage.patience, format!("{name} talks"), async || {
        actor.standing_call().ok().filter(|call| call.talked().is_some()).ok_or_else(|| actor.words())
    })
    .await
}

async fn misses(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (name, most) = (given.word("phone"), given.count("count").unwrap_or_default());
    let Some(Listening { teller, ears, from }) = stage.prop::<Told>().0.get(name).cloned() else {
        return Err(nobody_tells(name));
    };
    let said = until(stage.patience, format!("{name} is told {FEWEST} numbers"), async || {
        let said = teller.said();
        if said >= from + FEWEST { Ok(said) } else { Err(format!("they are {}", said - from)) }
    })
    .await?;
    let numbers = until(stage.patience, format!("{name} has heard number {said}"), async || {
        let numbers = ears.numbers().unwrap_or_default();
        if numbers.up_to() >= said { Ok(numbers) } else { Err(format!("it heard up to {}", numbers.up_to())) }
    })
    .await?;
    let missed = numbers.missed(from..said);
    println!("{name} missed {} of {} numbers, {} at once", missed.all, said - from, missed.at_once);
    match missed.at_once <= most {
        true => Ok(()),
        false => {
            Err(Fault::failed(format!("{name} misses at most {most} numbers at once"), format!("{missed:?}")))
        }
    }
}
