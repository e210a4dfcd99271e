//! What the focus is asked for by INFO, and who may ask for it ([MS-CONFBAS] 2.2.3, [MS-CONFAV] 2.2.3).

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::FrontEnd;
use super::c3p::{Fault, Request};
use super::mcu::Callee;
use super::room::Conference;
use super::roster::{Role, same};
use super::uri::Part;
use crate::front_end::lync::xml::{Element, escaped};
use crate::sip::address;

/// What became of a command.
pub(super) enum Done {
    /// The focus itself has done it.
    Now(Result<String, Fault>),
    /// A part of the conference does it.
    Later(BoxFuture<'static, Result<String, Fault>>),
}

impl FrontEnd {
    /// Does what `by` asks for.
    pub(super) fn command(&self, conference: &Arc<Conference>, by: &str, request: &Request<'_>) -> Done {
        let command = request.command();
        let presents = conference.role(by) == Some(Role::Presenter);
        let leads = || if presents { Ok(()) } else { Err(Fault::NotAllowed) };
        let conference = conference.clone();
        match command.name {
            "addUser" => match callee(&conference, command, presents) {
                Ok(callee) => self.dial_out(conference, callee).boxed().into(),
                Err(fault) => Done::Now(Err(fault)),
            },
            "modifyEndpointMedia" => {
                let done = mute(&conference, command, by, presents);
                std::future::ready(done).boxed().into()
            }
            "deleteUser" => {
                let whom = entity(command);
                let own = whom.as_ref().is_ok_and(|whom| same(whom, by));
                let allowed = if own { Ok(()) } else { leads() };
                Done::Now(
                    allowed
                        .and(whom)
                        .and_then(|whom| conference.remove(&whom).map(|()| keys(&conference, &whom))),
                )
            }
            "modifyUserRoles" => Done::Now(leads().and_then(|()| promote(&conference, command))),
            "modifyConferenceLock" => Done::Now(leads().and_then(|()| {
                let locked = truth(command, "locked")?;
                conference.set_view(|roster| roster.locked = locked);
                Ok(String::new())
            })),
            "modifyConferenceAnnouncements" => Done::Now(leads().and_then(|()| {
                let announces = truth(command, "enabled").or_else(|_| truth(command, "announcements"))?;
                conference.set_view(|roster| roster.announces = announces);
                Ok(String::new())
            })),
            "deleteConference" => Done::Now(leads().map(|()| {
                self.conferences().end(&conference);
                String::new()
            })),
            _ => Done::Now(Err(Fault::NotServed)),
        }
    }
}

impl From<BoxFuture<'static, Result<String, Fault>>> for Done {
    fn from(end: BoxFuture<'static, Result<String, Fault>>) -> Self {
        Self::Later(end)
    }
}

/// Whom addUser wants to be called, by the mixer: "The joining-method element MUST be populated with the value
/// "dialed-out"." ([MS-CONFBAS] 2.2.3.15)
fn callee(conference: &Conference, command: &Element<'_>, presents: bool) -> Result<Callee, Fault> {
    let user = command.child("user").ok_or(Fault::Malformed)?;
    let uri = user.attribute("entity").map(address::uri).filter(|uri| uri.starts_with("sip:"));
    let uri = uri.ok_or(Fault::Malformed)?.to_owned();
    let endpoint = user.child("endpoint").ok_or(Fault::Malformed)?;
    let joined = endpoint.child("joining-method").map(|one| one.text.trim().to_owned());
    if joined.as_deref() != Some("dialed-out") {
        return Err(Fault::Malformed);
    }
    let mcu = command.attribute("mcuUri").unwrap_or_default();
    if !same(mcu, &conference.uri(Part::AudioVideo)) {
        return Err(Fault::NoMcu);
    }
    if !presents {
        return Err(Fault::DialOutByAttendee);
    }
    let target = endpoint.attribute("endpoint-uri").filter(|uri| !uri.is_empty());
    let name = user.child("display-text").map(|one| one.text.trim().to_owned()).unwrap_or_default();
    let entity = endpoint.attribute("entity").map(str::to_owned);
    Ok(Callee { target: target.unwrap_or(&uri).to_owned(), uri, name, entity, conversation: None })
}

/// "media-ingress-filter: the filter value for media in the direction of a client endpoint to the MCU"
/// ([MS-CONFAV] 2.2.1). Everybody may mute himself.
fn mute(conference: &Conference, command: &Element<'_>, by: &str, presents: bool) -> Result<String, Fault> {
    let keys = command.child("mediaKeys").ok_or(Fault::Malformed)?;
    let uri = keys.attribute("userEntity").ok_or(Fault::Malformed)?;
    if !presents && !same(uri, by) {
        return Err(Fault::NotAllowed);
    }
    let filter = command.all("media-ingress-filter").first().map(|one| one.text.trim().to_owned());
    let flow = command.all("status").first().map(|one| one.text.trim().to_owned());
    let muted = match (filter.as_deref(), flow.as_deref()) {
        (Some("block"), _) | (None, Some("recvonly" | "inactive")) => true,
        (Some("unblock"), _) | (None, Some("sendrecv")) => false,
        _ => return Err(Fault::Malformed),
    };
    conference.mute(uri, keys.attribute("endpointEntity"), muted)?;
    Ok(format!(
        "<mediaKeys confEntity=\"{}\" userEntity=\"{}\" endpointEntity=\"{}\" mediaId=\"{}\"/>",
        escaped(&conference.uri(Part::Focus)),
        escaped(uri),
        escaped(keys.attribute("endpointEntity").unwrap_or_default()),
        escaped(keys.attribute("mediaId").unwrap_or_default())
    ))
}

fn promote(conference: &Conference, command: &Element<'_>) -> Result<String, Fault> {
    let uri = entity(command)?;
    let wanted = command.all("entry").first().map(|one| one.text.trim().to_owned());
    let roles = [Role::Presenter, Role::Attendee];
    let role =
        roles.into_iter().find(|role| wanted.as_deref() == Some(role.name())).ok_or(Fault::Malformed)?;
    conference.role(&uri).ok_or(Fault::NoUser)?;
    conference.change(&uri, |roster| {
        if let Some(one) = roster.of_mut(&uri) {
            one.role = role;
        }
    });
    Ok(keys(conference, &uri))
}

fn keys(conference: &Conference, uri: &str) -> String {
    let focus = escaped(&conference.uri(Part::Focus));
    format!("<userKeys confEntity=\"{focus}\" userEntity=\"{}\"/>", escaped(uri))
}

/// Whom a command is about.
fn entity(command: &Element<'_>) -> Result<String, Fault> {
    let keys = command.child("userKeys").and_then(|keys| keys.attribute("userEntity"));
    keys.map(str::to_owned).ok_or(Fault::Malformed)
}

fn truth(command: &Element<'_>, name: &str) -> Result<bool, Fault> {
    match command.all(name).first().map(|one| one.text.trim()) {
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        _ => Err(Fault::Malformed),
    }
}
