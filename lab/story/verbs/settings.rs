//! Settings that change while the switch runs.

use serde_json::Value;

use super::{Verb, verb};
use crate::story::{Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "script sets {key} to {value}",
        "`GET /config/set?KEY=VALUE` with the administrator's user and password, as scripts for older servers do; the \
         switch has to take it.",
        sets
    ),
    verb!(
        "expect setting {key} is {value} by {source}",
        "REST shows this value, and that it comes from `run_time` or `configuration`.",
        is_by
    ),
];

async fn sets(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (key, value) = (given.word("key"), given.word("value"));
    let does = format!("the switch takes {key}={value}");
    match stage.switch.script(&format!("/config/set?{key}={value}")).await {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(Fault::failed(does, format!("{} {}", answer.status, answer.text))),
        Err(why) => Err(Fault::failed(does, why)),
    }
}

async fn is_by(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (key, value, source) = (given.word("key"), given.word("value"), given.word("source"));
    until(stage.patience, format!("{key} is {value} by {source}"), async || {
        let shown = stage.switch.get("/settings").await?;
        let items = shown["items"].as_array().cloned().unwrap_or_default();
        let found = items.into_iter().find(|item| item["name"] == key).unwrap_or(Value::Null);
        let shows = found["value"].to_string();
        match shows == value && found["source"] == source {
            true => Ok(()),
            false => Err(format!("it is {shows} by {}", found["source"])),
        }
    })
    .await
}
