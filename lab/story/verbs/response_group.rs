//! Response groups of Lync.

use std::time::Duration;

use super::{Verb, verb};
use crate::front_end::lync::response_group::{Hunting, ResponseGroup};
use crate::story::{Fault, Given, Stage};

pub(super) const VERBS: &[Verb] = &[verb!(
    "response group {number} called {name} [with {each:time} each] of {agents:rest}",
    "A number of the Lync front end that answers at once and hunts these users, all at once, or one after the other \
     for so long each. They see who really calls, and for which group (`P-Agent-On-Behalf-Of`).",
    group
)];

async fn group(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let hunting = given.time("each").map_or(Hunting::All, |each: Duration| Hunting::OneByOne(each));
    let agents = given.word("agents").split_whitespace().map(str::to_owned).collect();
    let (name, display_name) = (given.word("number").to_owned(), given.word("name").to_owned());
    stage.front_end()?.add_response_group(ResponseGroup { name, display_name, agents, hunting })?;
    Ok(())
}
