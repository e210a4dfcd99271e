//! What the users of native handsets see beside their calls.

use super::native_handset::{handset_of, is};
use super::{Verb, verb};
use crate::story::{Fault, Given, Stage};

pub(super) const VERBS: &[Verb] = &[verb!(
    "expect {name} told of {count:count} messages",
    "The last word about waiting messages that it heard.",
    told_of_messages
)];

async fn told_of_messages(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (handset, wanted) = (handset_of(stage, given)?, given.count("count").unwrap_or_default());
    let expected = format!("told of {wanted} messages");
    is(stage, &handset, &expected, |seen| u64::from(seen.messages) == wanted).await
}
