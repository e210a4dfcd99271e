//! What users set in their Lync clients: forwards, delegates; and their private lines.

use std::time::Duration;

use super::north::front_end_named;
use super::{Verb, verb};
use crate::front_end::FrontEnd;
use crate::story::{DOMAIN, Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "lync client of {user} at front end {name} forwards to {target} [after {wait:time}]",
        "The user's desktop client publishes a forward: at once, or for calls that nobody answers in that time.",
        forwards
    ),
    verb!(
        "lync client of {user} at front end {name} forwards nothing",
        "It takes the forward back.",
        forwards_nothing
    ),
    verb!(
        "expect front end {name} forwarding {user} to {target} [after {wait:time}]",
        "The user's routing category there says so: at once, or after that time.",
        forwarding
    ),
    verb!(
        "expect front end {name} not forwarding {user}",
        "The user's routing category there forwards nothing.",
        not_forwarding
    ),
    verb!(
        "delegates of {user} at front end {name} are {delegates:rest}",
        "The user has made these his delegates in his Lync client; they may call in his name.",
        delegates
    ),
    verb!(
        "private line {number} of {user} at front end {name}",
        "A second number of the user's, whose calls the front end marks `private-no-diversion` and forwards nowhere.",
        private_line
    ),
];

async fn forwards(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, target) = (named(stage, given)?, uri(given.word("target")));
    let after = given.time("wait").map(|wait: Duration| wait.as_secs());
    front_end.forward_by_client(given.word("user"), Some((&target, after)))?;
    Ok(())
}

async fn forwards_nothing(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    named(stage, given)?.forward_by_client(given.word("user"), None)?;
    Ok(())
}

async fn forwarding(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let after = given.time("wait").map_or(0, |wait: Duration| wait.as_secs());
    found(stage, given, Some((uri(given.word("target")), after))).await
}

async fn not_forwarding(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    found(stage, given, None).await
}

async fn found(stage: &mut Stage, given: &Given, wanted: Option<(String, u64)>) -> Result<(), Fault> {
    let (front_end, user) = (named(stage, given)?, given.word("user"));
    until(stage.patience, format!("the front end forwards {user} as {wanted:?}"), async || {
        let found = front_end.forwards(user).map(|(to, after)| (bare(&to), after));
        if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await
}

async fn delegates(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let delegates = given.word("delegates").split_whitespace().map(str::to_owned).collect();
    named(stage, given)?.set_delegates(given.word("user"), delegates);
    Ok(())
}

async fn private_line(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    named(stage, given)?.set_private_line(given.word("user"), given.word("number"));
    Ok(())
}

fn named(stage: &mut Stage, given: &Given) -> Result<FrontEnd, Fault> {
    front_end_named(stage, given.word("name"))
}

fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}

fn bare(uri: &str) -> String {
    uri.split(';').next().unwrap_or_default().to_owned()
}
