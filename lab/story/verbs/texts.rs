//! Texts on native handsets.

use super::native_handset::{handset_of, is};
use super::{Verb, verb};
use crate::story::{Fault, Given, Stage};

pub(super) const VERBS: &[Verb] = &[
    verb!("{name} writes {text} to {recipient}", "A text from a native handset.", writes),
    verb!("expect {name} text {text}", "A text came to the native handset, and reads like this.", has),
    verb!(
        "expect {name} texts taken {count:count}",
        "The switch has taken so many texts of it, and refused none.",
        taken
    ),
    verb!(
        "expect {name} texts refused {count:count}",
        "The switch has refused so many texts of it.",
        refused
    ),
];

async fn writes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(handset_of(stage, given)?.write(given.word("recipient"), given.word("text")).await?)
}

async fn has(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, text) = (handset_of(stage, given)?, given.word("text").to_owned());
    is(stage, &handset, &format!("the reader of {text}"), |seen| seen.texts.contains(&text)).await
}

async fn taken(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, count) = (handset_of(stage, given)?, given.count("count").unwrap_or_default());
    let so = |seen: &crate::handset::native::SeenHandset| (u64::from(seen.sent.0), seen.sent.1) == (count, 0);
    is(stage, &handset, &format!("the writer of {count} texts"), so).await
}

async fn refused(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, count) = (handset_of(stage, given)?, given.count("count").unwrap_or_default());
    is(stage, &handset, &format!("refused {count} texts"), |seen| u64::from(seen.sent.1) == count).await
}
