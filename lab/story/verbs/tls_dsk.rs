//! Certificates that users get from a front end's web services, for TLS-DSK.

use super::north::front_end_named;
use super::{Verb, verb};
use crate::front_end::lync::Gives;
use crate::story::{Fault, Given, Stage, until};

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "front end {name} gives certificates of {kind}",
        "Its web services give users certificates that are `right`, of `another-authority`, which it does not \
         believe itself, or made out to `another-user`.",
        gives
    ),
    verb!(
        "front end {name} gives certificates for {life:time}",
        "Its web services give users certificates that last so long.",
        gives_for
    ),
    verb!(
        "expect {user} given {count:count} certificates at front end {name}",
        "The user has fetched at least so many.",
        given
    ),
];

async fn gives(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let gives = match given.word("kind") {
        "right" => Gives::Right,
        "another-authority" => Gives::OfAnotherAuthority,
        "another-user" => Gives::OfAnotherUser,
        other => {
            let mend = "write right, another-authority or another-user";
            return Err(Fault::unusable(format!("there are no certificates of {other}"), mend));
        }
    };
    front_end_named(stage, given.word("name"))?.gives_certificates(Some(gives), None);
    Ok(())
}

async fn gives_for(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    front_end_named(stage, given.word("name"))?.gives_certificates(None, given.time("life"));
    Ok(())
}

async fn given(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (user, wanted) = (given.word("user"), given.count("count").unwrap_or(0));
    let front_end = front_end_named(stage, given.word("name"))?;
    until(stage.patience, format!("{user} has fetched {wanted} certificates"), async || {
        match front_end.certificates_given(user) {
            fetched if fetched >= wanted => Ok(()),
            fetched => Err(format!("{fetched}")),
        }
    })
    .await
}
