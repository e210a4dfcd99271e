//! Conferences of Lync: who makes them, who is brought into them and how, and what is seen and heard there.

use serde_json::{Value, json};

use super::{Verb, verb};
use crate::front_end::FrontEnd;
use crate::front_end::lync::conference::{Participant, Status};
use crate::front_end::lync::{Escalation, Meeting};
use crate::story::{Fault, Given, Stage, until};

/// Frames of 20 ms in which somebody is not heard, before he counts as silent: two seconds.
const SILENT_FRAMES: u64 = 100;

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "{user} makes a conference [about {subject}]",
        "A far end of a Lync front end makes a conference, joins its focus, and its table in person.",
        makes
    ),
    verb!("conferences are full", "The factory of the Lync front end refuses to make any more.", full),
    verb!(
        "{user} invites {other} to its conference",
        "INVITE with `application/ms-conf-invite+xml`: the other joins by itself. A far end is called to the table.",
        invites
    ),
    verb!(
        "expect invitation of {other} to conference of {user} answered {code:count}",
        "The last invitation was answered so.",
        answered
    ),
    verb!(
        "{user} adds {other} to its conference",
        "The audio MCU calls the other (addUser, dialed-out); what becomes of it shows in the roster.",
        adds
    ),
    verb!(
        "{user} escalates [by {manner}]",
        "Makes a conference of the call it talks in: the other end is brought in by `invitation` (when not said) or \
         `dial-out`, in the same conversation, and then the call ends.",
        escalates
    ),
    verb!("{user} mutes {other}", "By the focus: nobody at the table hears the other from now on.", mutes),
    verb!("{user} unmutes {other}", "It is heard again.", unmutes),
    verb!(
        "invitation of {other} to conference of {user} is taken elsewhere",
        "Another endpoint of the other takes it: CANCEL, with `Reason: SIP;cause=200` (RFC 3326).",
        taken
    ),
    verb!(
        "{other} is {state} by rest in conference of {user}",
        "An administrator has the other `muted`, or `unmuted`, through the pool's focus.",
        by_rest
    ),
    verb!("{user} removes {other} from its conference", "By the focus.", removes),
    verb!("{user} promotes {other} in its conference", "The other is a presenter from now on.", promotes),
    verb!("{user} locks its conference", "Nobody more comes in.", locks),
    verb!("{user} ends its conference", "For all who are in it.", ends),
    verb!(
        "expect conference of {user}",
        "There is a conference that the user, of whatever kind, has made or is in.",
        stands
    ),
    verb!("expect no conference of {user}", "There is none, or it is over.", none),
    verb!(
        "expect conference of {user} with {count:count}",
        "So many people are at the table of the conference that the user has made or is in.",
        with
    ),
    verb!(
        "expect conference of {user} has {other} {state}",
        "In the roster the other is `focus` (joined, not at the table), `called`, `ringing`, `connected`, `muted`, \
         `presenter` or `gone`.",
        has
    ),
    verb!(
        "expect conference of {user} hears {other}",
        "From now on the table hears that telephone, alone or among others.",
        hears
    ),
    verb!(
        "expect conference of {user} hears not {other}",
        "For two seconds in a row the table hears others, or nobody, and not that telephone.",
        hears_not
    ),
];

fn front_end(stage: &Stage) -> Result<FrontEnd, Fault> {
    Ok(stage.front_end()?.clone())
}

/// The conference of the user who does something in it.
fn own(stage: &Stage, given: &Given) -> Result<Meeting, Fault> {
    let user = given.word("user");
    front_end(stage)?.meeting_of(user).ok_or_else(|| {
        let mend = format!("put `{user} makes a conference` before this step");
        Fault::unusable(format!("there is no conference of {user}"), mend)
    })
}

async fn makes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let subject = given.text("subject").unwrap_or_default();
    front_end(stage)?.make_conference(given.word("user"), subject)?;
    Ok(())
}

async fn full(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    front_end(stage)?.make_no_more_conferences();
    Ok(())
}

async fn invites(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(own(stage, given)?.invite(given.word("user"), given.word("other"))?)
}

async fn answered(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (meeting, other) = (own(stage, given)?, given.word("other"));
    let code = given.count("code").unwrap_or_default();
    until(
        stage.patience,
        format!("the invitation of {other} is answered with {code}"),
        async || match meeting.invitation(other) {
            Some(found) if u64::from(found) == code => Ok(()),
            found => Err(format!("{found:?}; {}", words(&meeting))),
        },
    )
    .await
}

async fn adds(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (meeting, other) = (own(stage, given)?, given.word("other").to_owned());
    tokio::spawn(async move {
        if let Err(error) = meeting.dial_out(&other).await {
            tracing::info!(%error, %other, "does not come into the conference");
        }
    });
    Ok(())
}

async fn escalates(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let manner = match given.text("manner").unwrap_or("invitation") {
        "invitation" => Escalation::Invitation,
        "dial-out" => Escalation::DialOut,
        other => {
            let what = format!("nobody is brought in by {other}");
            return Err(Fault::unusable(what, "write invitation or dial-out"));
        }
    };
    front_end(stage)?.escalate(given.word("user"), manner)?;
    Ok(())
}

async fn mutes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(own(stage, given)?.mute(given.word("other"), true)?)
}

async fn unmutes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(own(stage, given)?.mute(given.word("other"), false)?)
}

async fn taken(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    match own(stage, given)?.is_taken_elsewhere(given.word("other")) {
        true => Ok(()),
        false => Err(Fault::failed("an invitation rings", "none does")),
    }
}

async fn by_rest(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let muted = match given.word("state") {
        "muted" => true,
        "unmuted" => false,
        other => return Err(Fault::unusable(format!("nobody is {other}"), "write muted or unmuted")),
    };
    let asked = |error: String| Fault::failed("REST answers", error);
    let rooms = stage.switch.rest("GET", "/rooms", None).await.map_err(asked)?.json();
    let path = member_path(&rooms, given.word("other"));
    let path = path.ok_or_else(|| Fault::failed("it is in a conference of the pool", rooms.to_string()))?;
    let answer = stage.switch.rest("PATCH", &path, Some(&json!({ "muted": muted }))).await.map_err(asked)?;
    match answer.status {
        200 => Ok(()),
        status => Err(Fault::failed(format!("PATCH {path} succeeds"), format!("{status} {}", answer.text))),
    }
}

/// Where REST has somebody in a conference of the pool.
fn member_path(rooms: &Value, number: &str) -> Option<String> {
    let rooms = rooms["items"].as_array()?.iter().filter(|room| room["kind"] == "pool");
    let mut paths = rooms.filter_map(|room| {
        let members = room["members"].as_array()?;
        let one = members.iter().find(|one| one["number"] == number)?;
        Some(format!("/rooms/{}/members/{}", room["name"].as_str()?, one["id"].as_str()?))
    });
    paths.next_back()
}

async fn removes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(own(stage, given)?.remove(given.word("other"))?)
}

async fn promotes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    Ok(own(stage, given)?.promote(given.word("other"))?)
}

async fn locks(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    own(stage, given)?.lock(true);
    Ok(())
}

async fn ends(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    own(stage, given)?.end();
    Ok(())
}

async fn stands(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    is(stage, given, "stands", |_| true).await
}

async fn none(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, user) = (front_end(stage)?, given.word("user"));
    until(stage.patience, format!("there is no conference of {user}"), async || {
        front_end.meeting_of(user).map_or(Ok(()), |meeting| Err(words(&meeting)))
    })
    .await
}

async fn with(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let count = given.count("count").unwrap_or_default();
    let at_table = |meeting: &Meeting| {
        let all = meeting.participants();
        all.iter().filter(|one| one.audio() == Some(Status::Connected)).count() as u64 == count
    };
    is(stage, given, &format!("has {count} at its table"), at_table).await
}

async fn has(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (other, state) = (given.word("other").to_owned(), given.word("state").to_owned());
    let known = ["focus", "called", "ringing", "connected", "muted", "presenter", "gone"];
    if !known.contains(&state.as_str()) {
        return Err(Fault::unusable(format!("nobody is {state}"), format!("write one of {known:?}")));
    }
    let expected = format!("has {other} {state}");
    is(stage, given, &expected, |meeting| stands_so(meeting.participant(&other).as_ref(), &state)).await
}

fn stands_so(one: Option<&Participant>, state: &str) -> bool {
    let Some(one) = one else { return state == "gone" };
    match state {
        "focus" => one.in_focus() && one.audio().is_none(),
        "called" => one.audio() == Some(Status::DialingOut),
        "ringing" => one.audio() == Some(Status::Alerting),
        "connected" => one.audio() == Some(Status::Connected) && !one.is_muted(),
        "muted" => one.audio() == Some(Status::Connected) && one.is_muted(),
        "presenter" => one.presents(),
        _ => false,
    }
}

async fn hears(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let voice = stage.cast.actor(given.word("other"))?.voice();
    let meeting = waited(stage, given).await?;
    let ears = meeting.ears();
    ears.listen();
    let expected = format!("the conference of {} hears {}", given.word("user"), given.word("other"));
    until(stage.patience, expected, async || {
        let heard = ears.since_then();
        match heard.voices.contains(&voice) {
            true => Ok(()),
            false => Err(format!("{} voices; {}", heard.voices.len(), words(&meeting))),
        }
    })
    .await
}

async fn hears_not(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let voice = stage.cast.actor(given.word("other"))?.voice();
    let meeting = waited(stage, given).await?;
    let ears = meeting.ears();
    ears.listen();
    let expected = format!("the conference of {} does not hear {}", given.word("user"), given.word("other"));
    until(stage.patience, expected, async || {
        let heard = ears.since_then();
        if heard.voices.contains(&voice) {
            // Said before; listen anew.
            ears.listen();
            return Err(format!("it does; {}", words(&meeting)));
        }
        if heard.packets >= SILENT_FRAMES { Ok(()) } else { Err("it has not listened long enough".into()) }
    })
    .await
}

async fn waited(stage: &Stage, given: &Given) -> Result<Meeting, Fault> {
    let (front_end, user) = (front_end(stage)?, given.word("user"));
    until(stage.patience, format!("there is a conference of {user}"), async || {
        front_end.meeting_of(user).ok_or_else(|| "there is none".to_owned())
    })
    .await
}

async fn is(stage: &Stage, given: &Given, what: &str, fits: impl Fn(&Meeting) -> bool) -> Result<(), Fault> {
    let (front_end, user) = (front_end(stage)?, given.word("user"));
    until(stage.patience, format!("the conference of {user} {what}"), async || {
        match front_end.meeting_of(user) {
            Some(meeting) if fits(&meeting) => Ok(()),
            Some(meeting) => Err(words(&meeting)),
            None => Err("there is none".to_owned()),
        }
    })
    .await
}

fn words(meeting: &Meeting) -> String {
    let people = meeting.participants();
    let people = people.iter().map(|one| {
        let (focus, muted) = (one.in_focus(), one.is_muted());
        format!("{} (focus {focus}, audio {:?}, muted {muted})", one.uri, one.audio())
    });
    format!("in it are {}", people.collect::<Vec<_>>().join(", "))
}
