//! Emulated SIP-DECT base stations and their handsets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum as _;
use futures::future::LocalBoxFuture;

use super::spine::south_password;
use super::{Verb, verb};
use crate::handset::{Base, BaseConfig, Handset, HandsetAccount, Model};
use crate::media::{Codec, Protection};
use crate::phone::registration::Standing;
use crate::phone::{Behaviour, CallScript, LiveCall};
use crate::sip::tls::Trust;
use crate::sip::{Credentials, Transport};
use crate::story::{DOMAIN, Fault, Given, Player, Prop, Stage, until};

/// Bases have addresses from 127.0.0.11 on: to the switch each is a machine of its own.
const FIRST_ADDRESS: u8 = 11;
const MOST_BASES: usize = 64;
/// Registration wish.
const EXPIRES: Duration = Duration::from_secs(60);

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "base {name} [model {model}] [over {transport}] [with srtp {srtp}] [with comfort {noise}]",
        "A SIP-DECT base station: `gigaset-n870` (when not said), `snom-m700` or `yealink-w90`, over `udp` \
         (when not said), `tcp` or `tls`; its handsets have SRTP `off` (when not said), `offered` or `required`, \
         and with comfort `noise` they send that for silence now and then.",
        base
    ),
    verb!(
        "handset {user} on {base} [as {name}] [with password {password}]",
        "A handset of a user, called by its number in later steps, or by the name. It registers, rings, and \
         waits for a step to answer.",
        handset
    ),
    verb!(
        "handset {name} has {count:count} lines",
        "It takes and makes so many calls at once; one when not said.",
        lines
    ),
    verb!("expect handset {name} registered", "The switch has taken the handset's registration.", registered),
    verb!("expect handset {name} refused with {code:count}", "The switch has refused it.", refused),
];

/// The base stations and handsets of a story.
#[derive(Default)]
struct South {
    bases: BTreeMap<String, Base>,
    handsets: BTreeMap<String, Arc<Handset>>,
}

impl Prop for South {
    fn end(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async { drop(futures::future::join_all(self.bases.values().map(Base::stop)).await) })
    }
}

async fn base(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let model = given.text("model").unwrap_or("gigaset-n870");
    let model = Model::from_str(model, true).map_err(|_| {
        let known: Vec<_> = Model::ALL.iter().filter_map(|model| model.to_possible_value()).collect();
        let known: Vec<_> = known.iter().map(|value| value.get_name()).collect();
        Fault::unusable(format!("there is no model {model}"), format!("write one of: {}", known.join(", ")))
    })?;
    let transport: Transport = given.text("transport").unwrap_or("udp").parse()?;
    let protection = protection(given)?;
    let (registrar, trust) = (stage.switch.south(transport)?, Trust::Pem(stage.authority.pem()));
    let south = stage.prop::<South>();
    let (name, number) = (given.word("name"), south.bases.len());
    if number >= MOST_BASES || south.bases.contains_key(name) {
        return Err(Fault::unusable(format!("there is a base {name} already"), "give it another name"));
    }
    let base = Base::start(BaseConfig {
        model,
        mac: format!("{}{number:06x}", model.oui()),
        ip: IpAddr::from([127, 0, 0, FIRST_ADDRESS + number as u8]),
        transport,
        registrar,
        domain: DOMAIN.into(),
        trust,
        expires: EXPIRES,
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        protection,
        comfort_noise: given.text("noise").is_some(),
        sound: true,
        handsets: Vec::new(),
    })
    .await?;
    south.bases.insert(name.to_owned(), base);
    Ok(())
}

/// `with srtp off`, `offered` or `required`.
pub(super) fn protection(given: &Given) -> Result<Protection, Fault> {
    let Some(word) = given.text("srtp") else { return Ok(Protection::Off) };
    Protection::from_str(word, true)
        .map_err(|_| Fault::unusable(format!("srtp cannot be {word}"), "write off, offered or required"))
}

async fn handset(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let user = given.word("user");
    let name = given.text("name").unwrap_or(user);
    let password = given.text("password").map_or_else(|| south_password(user), str::to_owned);
    enter(stage, (user, name), given.word("base"), password)
}

/// A handset of a user, called by its number.
pub(super) fn add_handset(stage: &mut Stage, user: &str, base: &str) -> Result<(), Fault> {
    enter(stage, (user, user), base, south_password(user))
}

fn enter(stage: &mut Stage, (user, name): (&str, &str), base: &str, password: String) -> Result<(), Fault> {
    let voice = stage.cast.next_voice();
    let south = stage.prop::<South>();
    let on = south.bases.get(base).ok_or_else(|| {
        Fault::unusable(
            format!("there is no base {base}"),
            format!("put the step `base {base}` before this one"),
        )
    })?;
    let handset = on.add(&HandsetAccount {
        user: user.to_owned(),
        display_name: String::new(),
        credentials: Credentials { username: user.to_owned(), password },
        voice,
    });
    handset.phone().set_behaviour(Behaviour::NoAnswer);
    south.handsets.insert(name.to_owned(), handset.clone());
    stage.cast.enter(name, voice, SipHandset(handset))
}

async fn lines(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (name, count) = (given.word("name"), given.count("count").unwrap_or(1));
    let handset = stage.prop::<South>().handsets.get(name).cloned();
    let handset =
        handset.ok_or_else(|| Fault::unusable(format!("there is no handset {name}"), "bring it on first"))?;
    handset.phone().add_lines((count as usize).saturating_sub(1));
    Ok(())
}

async fn registered(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    await_registered(stage, given.word("name")).await
}

/// Waits till the switch has taken the handset's registration.
pub(super) async fn await_registered(stage: &mut Stage, name: &str) -> Result<(), Fault> {
    stands(stage, name, "is registered", |now| matches!(now, Standing::Registered(_))).await
}

async fn refused(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let wanted = given.count("code").unwrap_or_default();
    let expected = format!("is refused with {wanted}");
    stands(
        stage,
        given.word("name"),
        &expected,
        |now| matches!(now, Standing::Refused(code) if u64::from(*code) == wanted),
    )
    .await
}

async fn stands(
    stage: &mut Stage,
    name: &str,
    expected: &str,
    fits: impl Fn(&Standing) -> bool,
) -> Result<(), Fault> {
    let patience = stage.patience;
    let handset = stage.prop::<South>().handsets.get(name).ok_or_else(|| {
        Fault::unusable(
            format!("there is no handset {name}"),
            "put its step `handset … on …` before this one",
        )
    })?;
    let standing = handset.standing();
    until(patience, format!("handset {name} {expected}"), async || {
        let now = standing.borrow().clone();
        if fits(&now) { Ok(()) } else { Err(format!("its registration is {now:?}")) }
    })
    .await
}

struct SipHandset(Arc<Handset>);

impl Player for SipHandset {
    fn dial(&self, number: &str) {
        let (handset, number) = (self.0.clone(), number.to_owned());
        tokio::spawn(async move { handset.dial(&number, &CallScript::default()).await });
    }

    fn calls_begun(&self) -> usize {
        self.0.phone().calls_begun()
    }

    fn calls_since(&self, first: usize) -> Vec<LiveCall> {
        self.0.phone().calls_since(first)
    }
}
