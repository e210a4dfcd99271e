//! What the switch says of itself: REST, metrics, log.

use serde_json::Value;

use super::{Verb, verb};
use crate::story::{Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "expect line {user} {state}",
        "The user's registration in the north: `registered`, `registering`, `failed`, `off`.",
        line
    ),
    verb!(
        "expect channels idle",
        "No call stands, and no channel is in use, by the books and in the engine.",
        idle
    ),
    verb!(
        "expect rest GET {path} {field} {value:rest}",
        "The JSON of a GET has this value. The field is a path such as `items.0.state`.",
        rest
    ),
    verb!(
        "expect last call {field} {value:rest}",
        "The newest ended call has this value, for example `cause.status 486`.",
        last_call
    ),
    verb!("expect metric {name} {value:count}", "A metric, summed over its labels, has this value.", metric),
    verb!("expect log {text}", "The switch's log has this text.", log),
];

async fn line(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (user, state) = (given.word("user"), given.word("state"));
    until(stage.patience, format!("the line of {user} is {state}"), async || {
        let found = stage.switch.get(&format!("/users/{user}")).await?;
        let found = found["status"]["registration"].as_str().unwrap_or("not told");
        // The cause stands behind a colon.
        if found.split(':').next() == Some(state) { Ok(()) } else { Err(format!("it is {found}")) }
    })
    .await
}

async fn rest(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    field(stage, given.word("path"), given.word("field"), given.word("value")).await
}

async fn last_call(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let path = format!("items.0.{}", given.word("field"));
    field(stage, "/calls?state=ended&limit=1", &path, given.word("value")).await
}

pub(super) async fn field(stage: &Stage, path: &str, field: &str, wanted: &str) -> Result<(), Fault> {
    // A word that is no JSON is a string.
    let wanted = serde_json::from_str(wanted).unwrap_or_else(|_| Value::String(wanted.to_owned()));
    until(stage.patience, format!("{field} of {path} is {wanted}"), async || {
        let document = stage.switch.get(path).await?;
        match look_up(&document, field) {
            Some(value) if *value == wanted => Ok(()),
            Some(value) => Err(format!("it is {value}")),
            None => Err(format!("there is no such field in {document}")),
        }
    })
    .await
}

/// `items.0.state`
pub(super) fn look_up<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(document, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => value.get(key),
    })
}

async fn idle(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    until(stage.patience, "no call stands and no channel is in use", async || {
        let capacity = stage.switch.get("/capacity").await?;
        let in_use = capacity["media_in_use"].as_object();
        let idle = in_use
            .is_some_and(|load| !load.is_empty() && load.values().all(|channels| *channels == 0))
            && capacity["engine_channels"] == 0
            && capacity["calls"] == 0;
        if idle { Ok(()) } else { Err(capacity.to_string()) }
    })
    .await
}

async fn metric(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (name, wanted) = (given.word("name"), given.count("value").unwrap_or_default());
    until(stage.patience, format!("metric {name} is {wanted}"), async || {
        let text = stage.switch.ops("/metrics").await?.text;
        match sum(&text, name) {
            Some(value) if value == wanted as f64 => Ok(()),
            Some(value) => Err(format!("it is {value}")),
            None => Err("there is no such metric".to_owned()),
        }
    })
    .await
}

/// The values of a metric over all its labels, in Prometheus' text format.
fn sum(text: &str, name: &str) -> Option<f64> {
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let values = text.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

async fn log(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let text = given.word("text");
    until(stage.patience, format!("the log says {text}"), async || {
        let log = stage.switch.log();
        if log.contains(text) { Ok(()) } else { Err("it does not".to_owned()) }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_objects_and_arrays() {
        let document = serde_json::json!({"items": [{"cause": {"status": 486}}]});
        assert_eq!(look_up(&document, "items.0.cause.status"), Some(&486.into()));
        assert_eq!(look_up(&document, "items.1.cause"), None);
    }

    #[test]
    fn a_metric_is_summed_over_its_labels_and_not_over_its_neighbours() {
        let text = "# TYPE a counter\na{x=\"1 2\"} 2\na{x=\"3\"} 3\na_b 7\n";
        assert_eq!(sum(text, "a"), Some(5.0));
        assert_eq!(sum(text, "b"), None);
    }
}
