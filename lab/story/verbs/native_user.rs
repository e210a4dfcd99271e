//! What the users of native handsets do beside dialling and answering, and what they see and hear there.

use super::native_handset::{handset_of, is};
use super::{Verb, verb};
use crate::handset::native::Dialling;
use crate::phone::Wish;
use crate::story::{DOMAIN, Fault, Given, Stage, until};

/// Tones by the numbers of SIGNAL (EN 300 175-5, 7.6.8).
const TONES: &[(&str, u8)] = &[
    ("dial", 0x00),
    ("ring-back", 0x01),
    ("intercept", 0x02),
    ("busy", 0x04),
    ("confirmation", 0x05),
    ("call-waiting", 0x07),
    ("negative", 0x09),
    ("none", 0x3F),
];

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "{name} dials {number} en bloc",
        "The number stands in CC-SETUP; the story goes on.",
        dials_en_bloc
    ),
    verb!(
        "expect {name} told of {count:count} messages",
        "The last word about waiting messages that it heard.",
        told_of_messages
    ),
    verb!(
        "expect {name} sounds {tone}",
        "The last tone that it was told to make: `dial`, `ring-back`, `intercept`, `busy`, `confirmation`, \
         `call-waiting`, `negative`, `none`.",
        sounds
    ),
    verb!(
        "expect {phone} hears keys {keys}",
        "In its call so far it was told of these keys as telephone events (RFC 4733).",
        hears_keys
    ),
    verb!(
        "{phone} transfers to {number}",
        "REFER of a telephone that speaks SIP: a blind transfer.",
        transfers
    ),
    verb!(
        "{phone} connects its calls",
        "REFER with Replaces of a telephone that speaks SIP: its first standing call goes to the one at the end \
         of its last.",
        connects
    ),
];

async fn dials_en_bloc(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    let before = handset.calls().len();
    handset.dial(given.word("number"), Dialling::EnBloc, None).await?;
    until(stage.patience, "a call begins", async || match handset.calls().len() > before {
        true => Ok(()),
        false => Err("none".to_owned()),
    })
    .await
}

async fn told_of_messages(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, wanted) = (handset_of(stage, given)?, given.count("count").unwrap_or_default());
    let expected = format!("told of {wanted} messages");
    is(stage, &handset, &expected, |seen| u64::from(seen.messages) == wanted).await
}

async fn sounds(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, name) = (handset_of(stage, given)?, given.word("tone"));
    let tone = TONES.iter().find(|(known, _)| *known == name).ok_or_else(|| {
        let known: Vec<_> = TONES.iter().map(|(name, _)| *name).collect();
        Fault::unusable(format!("there is no tone {name}"), format!("write one of: {}", known.join(", ")))
    })?;
    is(stage, &handset, &format!("making the {name} tone"), |seen| seen.signal == Some(tone.1)).await
}

async fn hears_keys(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (actor, wanted) = (stage.cast.actor(given.word("phone"))?, given.word("keys"));
    until(stage.patience, format!("{} was told of keys {wanted}", actor.name()), async || {
        let call = actor.call().ok_or_else(|| actor.words())?;
        let keys = call.ears().map(|ears| ears.whole().keys).unwrap_or_default();
        if keys == wanted { Ok(()) } else { Err(format!("of {keys:?}")) }
    })
    .await
}

async fn transfers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let call = stage.cast.actor(given.word("phone"))?.standing_call()?;
    call.wish(Wish::Transfer { to: format!("sip:{}@{DOMAIN}", given.word("number")), replacing: None });
    Ok(())
}

async fn connects(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let actor = stage.cast.actor(given.word("phone"))?;
    let standing: Vec<_> = actor.calls().into_iter().filter(|call| !call.has_ended()).collect();
    let [first, .., last] = &standing[..] else {
        return Err(Fault::failed(format!("{} has two calls", actor.name()), actor.words()));
    };
    let names = last.names().ok_or_else(|| Fault::failed("its last call is answered", actor.words()))?;
    let to = format!("sip:{}@{DOMAIN}", last.peer());
    first.wish(Wish::Transfer { to, replacing: Some(names) });
    Ok(())
}
