//! Handover, lost time, administrators' wishes, and thieves on the air.

use std::collections::BTreeMap;

use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::expect::{field, look_up};
use super::native_base::{base_of, order, put_up_as};
use super::native_handset::{handset_of, is};
use super::{Verb, verb};
use crate::base_station::{Identity, Order, Proof};
use crate::story::{Fault, Given, Prop, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "expect native base {name} {field} {value:rest}",
        "What REST says of that base station (`/native-base-stations/{id}`), as in `expect rest GET`.",
        base_says
    ),
    verb!(
        "expect at least {count:count} {field} at native base {name}",
        "The number of that name, in what REST says of it, has grown so far.",
        base_counts
    ),
    verb!(
        "expect loss of native base {name} {field} {value:rest}",
        "What would happen if its radio were lost (`/native-base-stations/{id}/loss`).",
        loss_says
    ),
    verb!(
        "native base {name} is {duty}",
        "An administrator puts it `in_use`, lets it be `draining`, or takes it `out_of_use`.",
        duty
    ),
    verb!(
        "native base {name} fails handovers",
        "Handsets that come over to it are lost on their way.",
        fails_handovers
    ),
    verb!("native base {name} takes handovers", "They arrive again.", takes_handovers),
    verb!(
        "native base {name} takes {time:time} for a handover",
        "Handsets that come over wait there so long until they are taken.",
        slow_handovers
    ),
    verb!("native base {name} sends {count:count} pages", "PAGE, which is the switch's to say.", sends_pages),
    verb!(
        "native base {name} answers {count:count} pages",
        "It announces connections of a handset that nobody knows, which answers pages that nobody sent.",
        answers_pages
    ),
    verb!(
        "native base {name} with the id of {other} and the certificate of {third} [at {place:count} m]",
        "A base station that says to be another one; the certificate is the other's own, or somebody else's.",
        impostor
    ),
    verb!("{name} changes its bearer", "In a call, within its base station.", changes_bearer),
    verb!(
        "expect {name} failed handovers {count:count}",
        "So many handovers of it have failed since it was switched on.",
        failed_handovers
    ),
    verb!(
        "{name} replays its last answer",
        "A thief has it: every authentication is answered with the RES of the last one.",
        replays
    ),
    verb!("{name} is honest again", "It answers authentications with its key.", honest),
    verb!("{name} tells where it is", "It asks for its location to be taken.", locates),
    verb!("expect {name} not located", "The switch has refused its location.", not_located),
    verb!("subscription of {name} is deleted", "By REST, over the air.", deleted),
    verb!("expect {name} not subscribed", "It has no access rights any more.", not_subscribed),
    verb!("note SIP", "Remembers how many SIP messages each standing call has seen.", note_sip),
    verb!(
        "expect no SIP since",
        "No call that stood when they were noted has seen another SIP message since.",
        no_sip_since
    ),
];

/// SIP messages of standing calls when they were noted.
#[derive(Default)]
struct Noted(BTreeMap<String, usize>);

impl Prop for Noted {
    fn end(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn id_of(stage: &mut Stage, name: &str) -> Result<String, Fault> {
    let (base, _) = base_of(stage, name)?;
    Ok(base.base_id().iter().map(|octet| format!("{octet:02x}")).collect())
}

async fn base_says(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let path = format!("/native-base-stations/{}", id_of(stage, given.word("name"))?);
    field(stage, &path, given.word("field"), given.word("value")).await
}

async fn base_counts(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let path = format!("/native-base-stations/{}", id_of(stage, given.word("name"))?);
    let (name, least) = (given.word("field"), given.count("count").unwrap_or_default());
    until(stage.patience, format!("{name} of {path} is at least {least}"), async || {
        let document = stage.switch.get(&path).await?;
        let value = look_up(&document, name).and_then(Value::as_u64);
        let enough = value.is_some_and(|value| value >= least);
        if enough { Ok(()) } else { Err(format!("it is {value:?}")) }
    })
    .await
}

async fn loss_says(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let path = format!("/native-base-stations/{}/loss", id_of(stage, given.word("name"))?);
    field(stage, &path, given.word("field"), given.word("value")).await
}

async fn duty(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let path = format!("/native-base-stations/{}", id_of(stage, given.word("name"))?);
    rest(stage, "PATCH", &path, Some(&json!({"duty": given.word("duty")}))).await
}

async fn rest(stage: &Stage, method: &str, path: &str, body: Option<&Value>) -> Result<(), Fault> {
    let expected = format!("{method} {path} succeeds");
    match stage.switch.rest(method, path, body).await.map_err(|found| Fault::failed(&expected, found))? {
        answer if (200..300).contains(&answer.status) => Ok(()),
        answer => Err(Fault::failed(expected, format!("{} {}", answer.status, answer.text))),
    }
}

async fn fails_handovers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::FailHandovers(true)).await
}

async fn takes_handovers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::FailHandovers(false)).await
}

async fn slow_handovers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::SlowHandovers(given.time("time").unwrap_or_default())).await
}

async fn sends_pages(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::SendPages(number(given))).await
}

async fn answers_pages(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    order(stage, given, Order::AnswerPages(number(given))).await
}

fn number(given: &Given) -> u32 {
    given.count("count").and_then(|count| u32::try_from(count).ok()).unwrap_or(u32::MAX)
}

async fn impostor(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let id = base_of(stage, given.word("other"))?.0.base_id();
    let proof = Proof::Identity(identity(stage, given.word("third"))?);
    put_up_as(stage, given, proof, Some(id))
}

fn identity(stage: &mut Stage, name: &str) -> Result<Identity, Fault> {
    let (base, _) = base_of(stage, name)?;
    base.identity().ok_or_else(|| {
        let mend = format!("put the step `expect native base {name} in service` before this one");
        Fault::unusable(format!("base {name} has no certificate yet"), mend)
    })
}

async fn changes_bearer(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.change_bearer().await?)
}

async fn failed_handovers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, wanted) = (handset_of(stage, given)?, number(given));
    let expected = format!("not handed over {wanted} times");
    is(stage, &handset, &expected, |seen| seen.handovers.1 == wanted).await
}

async fn replays(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.replay(true).await?)
}

async fn honest(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.replay(false).await?)
}

async fn locates(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.locate().await?)
}

async fn not_located(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    is(stage, &handset, "not located", |seen| !seen.located).await
}

async fn deleted(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let ipei = handset_of(stage, given)?.ipei().to_string().replace(' ', "");
    rest(stage, "DELETE", &format!("/subscriptions/{ipei}"), None).await
}

async fn not_subscribed(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let handset = handset_of(stage, given)?;
    is(stage, &handset, "not subscribed", |seen| !seen.subscribed).await
}

/// SIP messages of each call that stands, by the switch's own ladder.
async fn messages(stage: &Stage) -> Result<BTreeMap<String, usize>, String> {
    let calls = stage.switch.get("/calls").await?;
    let mut messages = BTreeMap::new();
    for call in calls["items"].as_array().into_iter().flatten() {
        let Some(id) = call["id"].as_str() else { continue };
        let ladder = stage.switch.get(&format!("/calls/{id}/ladder?format=json")).await?;
        let count = ladder["messages"].as_array().map_or(0, Vec::len);
        messages.insert(id.to_owned(), count);
    }
    Ok(messages)
}

async fn note_sip(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    let found = messages(stage).await.map_err(|found| Fault::failed("the switch shows its calls", found))?;
    if found.is_empty() {
        return Err(Fault::unusable("no call stands", "put this step into a call"));
    }
    stage.prop::<Noted>().0 = found;
    Ok(())
}

async fn no_sip_since(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    let noted = std::mem::take(&mut stage.prop::<Noted>().0);
    let (patience, expected) = (stage.patience, format!("SIP messages of calls are still {noted:?}"));
    if noted.is_empty() {
        return Err(Fault::unusable("no SIP was noted", "put the step `note SIP` before this one"));
    }
    until(patience, expected, async || {
        let now = messages(stage).await?;
        let same = noted.iter().all(|(id, count)| now.get(id) == Some(count));
        if same { Ok(()) } else { Err(format!("they are {now:?}")) }
    })
    .await
}
