//! Who calls for whom, and what waits in whose mailbox.

use std::collections::HashMap;

use super::spine::enter_with;
use super::{Verb, verb};
use crate::phone::{Behaviour, Direction, PhoneConfig};
use crate::story::{DOMAIN, Fault, Given, Prop, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "voice mail of {user} holds {new:count} new and {old:count} old",
        "So many messages wait for the user at the front ends that start from now on. A plain registrar that runs tells \
         its subscribers.",
        holds
    ),
    verb!(
        "far end {number} called {name} calling with {headers:rest}",
        "A user of the front end with a display name; its INVITEs carry these headers, with ` | ` between them.",
        calling_with
    ),
    verb!(
        "expect {phone} shows name {name}",
        "The display of its incoming call shows this name; for telephones that speak SIP.",
        shows_name
    ),
    verb!(
        "expect {phone} told of place {text}",
        "The INVITE of its call brought a location object (PIDF-LO, RFC 6442) with this text in it; for telephones that \
         speak SIP.",
        told_of_place
    ),
];

/// Mailboxes at front ends: new and old messages by user.
#[derive(Default)]
struct VoiceMail(HashMap<String, (u32, u32)>);

impl Prop for VoiceMail {}

/// What the mailboxes of a front end hold.
pub(super) fn voice_mail(stage: &mut Stage) -> HashMap<String, (u32, u32)> {
    stage.prop::<VoiceMail>().0.clone()
}

async fn holds(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let count = |name| given.count(name).and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
    let (new, old) = (count("new"), count("old"));
    stage.prop::<VoiceMail>().0.insert(given.word("user").to_owned(), (new, old));
    if let Some(front_end) = stage.front_end.clone() {
        front_end.voice_mail(given.word("user"), (new, old)).await;
    }
    Ok(())
}

async fn calling_with(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let read = |text: &str| match text.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Fault::unusable(format!("{text:?} is no header"), "write Name: value")),
    };
    let headers = given.word("headers").split(" | ").map(read).collect::<Result<_, _>>()?;
    let display_name = given.word("name").to_owned();
    let config = PhoneConfig { display_name, headers, ..PhoneConfig::new(given.word("number"), DOMAIN) };
    enter_with(stage, config, Behaviour::NoAnswer)
}

async fn shows_name(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (actor, name) = (stage.cast.actor(given.word("phone"))?, given.word("name"));
    until(stage.patience, format!("{} shows {name}", actor.name()), async || match actor.call() {
        Some(call) if call.direction() == Direction::Served && call.shown() == name => Ok(()),
        Some(call) => Err(format!("it shows {:?}", call.shown())),
        None => Err(actor.words()),
    })
    .await
}

async fn told_of_place(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (actor, text) = (stage.cast.actor(given.word("phone"))?, given.word("text"));
    until(stage.patience, format!("{} is told of {text}", actor.name()), async || {
        let call = actor.call().ok_or_else(|| actor.words())?;
        let place = call.place().ok_or_else(|| "its call came from nowhere".to_owned())?;
        if place.contains(text) { Ok(()) } else { Err(place) }
    })
    .await
}
