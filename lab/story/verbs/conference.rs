//! What people hear in a conference: several voices at once.

use super::{Verb, verb};
use crate::story::{Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[verb!(
    "expect {phone} hears both {one} and {other}",
    "From now on it hears the voices of these two telephones, mixed, and not its own.",
    hears_both
)];

async fn hears_both(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    let others = [stage.cast.actor(given.word("one"))?, stage.cast.actor(given.word("other"))?];
    let expected = format!("{} hears {} and {}", actor.name(), others[0].name(), others[1].name());
    let ears = until(stage.patience, &expected, async || {
        let call = actor.standing_call().map_err(|_| actor.words())?;
        call.ears().ok_or_else(|| format!("{}, and has no sound", actor.words()))
    });
    let ears = ears.await?;
    ears.listen();
    until(stage.patience, expected, async || {
        let voices = ears.since_then().voices;
        if voices.contains(&actor.voice()) {
            // Heard before the conference began, or an echo: listen anew.
            ears.listen();
            return Err("it hears itself".into());
        }
        match others.iter().find(|other| !voices.contains(&other.voice())) {
            None => Ok(()),
            Some(missing) => Err(format!("it does not hear {}, of {} voices", missing.name(), voices.len())),
        }
    })
    .await
}
