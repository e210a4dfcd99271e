//! Who has transferred a call, as the one who is called is told.

use super::{Verb, verb};
use crate::phone::Direction;
use crate::story::{DOMAIN, Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[verb!(
    "expect {phone} referred by {number}",
    "Its incoming call says that this number has transferred it (Referred-By, RFC 3892); for telephones that speak SIP.",
    referred_by
)];

async fn referred_by(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    let number = given.word("number");
    let uri = format!("sip:{number}@{DOMAIN}");
    until(stage.patience, format!("{} is called by Referred-By {uri}", actor.name()), async || {
        match actor.call() {
            Some(call) if call.direction() == Direction::Served && call.referred_by().contains(&uri) => {
                Ok(())
            }
            Some(call) => Err(format!("Referred-By is {:?}", call.referred_by())),
            None => Err(actor.words()),
        }
    })
    .await
}
