//! The factory: SERVICE with C3P to a user's own URI for it makes, tells of, changes and ends his conferences
//! ([MS-CONFPRO] 2.2.2, 3.2).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::c3p::{self, Fault, Request};
use super::room::{Conference, Policy, Settings};
use super::roster::{Description, Role};
use super::uri::{Part, is_id};
use super::{FrontEnd, sender};
use crate::front_end::lync::xml::{Element, escaped};
use crate::sip::{Message, ServerTransaction, address};

/// How long a conference stays that names no end.
const LIFE: Duration = Duration::from_secs(8 * 3_600);
/// Longest text of a subject.
const SUBJECT: usize = 256;
/// Most people who are named when a conference is made.
const MOST_NAMED: usize = 250;

impl FrontEnd {
    pub(super) async fn factory(&self, user: &str, request: &Message, server: &ServerTransaction) {
        let body = String::from_utf8_lossy(&request.body);
        let read = match Request::parse(&body) {
            Ok(read) => read,
            Err(fault) => return self.refuse(server, fault).await,
        };
        let own = request.user_of("From").is_some_and(|from| from.eq_ignore_ascii_case(user));
        let done = if own { self.make_or_tell(user, read.command()) } else { Err(Fault::NotAllowed) };
        let mut response = server.reply(200, "OK");
        let content = match done {
            Ok(content) => read.envelope().success(&content),
            Err(fault) => {
                tracing::debug!(from = %sender(request), ?fault, "factory refuses");
                response = self.diagnosed(response, fault);
                read.envelope().failure(fault)
            }
        };
        response.set_body(c3p::TYPE, content);
        server.send(response).await;
    }

    fn make_or_tell(&self, user: &str, command: &Element<'_>) -> Result<String, Fault> {
        match command.name {
            "getConferencingCapabilities" => Ok(capabilities()),
            "addConference" => {
                let (description, settings) = read(command, user, &self.0.config.domain)?;
                let conference = self.conferences().add(Conference::new(description, settings))?;
                Ok(described(&conference))
            }
            "getConference" => Ok(described(&*self.meant(user, command)?)),
            "getConferences" => {
                let all = self.conferences().newest();
                let own = all.iter().filter(|one| one.organizer.eq_ignore_ascii_case(user));
                Ok(own.map(|one| described(one)).collect())
            }
            "modifyConference" => {
                let conference = self.meant(user, command)?;
                modify(&conference, command)?;
                Ok(described(&conference))
            }
            "deleteConference" => {
                let conference = self.meant(user, command)?;
                self.conferences().end(&conference);
                Ok(format!("<ci:conference-info entity=\"{}\"/>", escaped(&conference.uri(Part::Focus))))
            }
            _ => Err(Fault::NotServed),
        }
    }

    /// The conference that a command is about: by its entity, or by its id.
    fn meant(&self, user: &str, command: &Element<'_>) -> Result<std::sync::Arc<Conference>, Fault> {
        let named = [command.child("conferenceKeys"), command.child("conference-info")];
        let id = named.into_iter().flatten().find_map(|one| {
            let entity = one.attribute("confEntity").or(one.attribute("entity"));
            let by_entity = entity.and_then(|uri| uri.rsplit_once(":id:")).map(|(_, id)| id);
            by_entity.or(one.attribute("conference-id")).map(str::to_owned)
        });
        let id = id.or_else(|| command.all("conference-id").first().map(|one| one.text.trim().to_owned()));
        self.conferences().find(user, &id.ok_or(Fault::Malformed)?)
    }
}

/// What a conference can have here.
fn capabilities() -> String {
    let types =
        [Part::AudioVideo, Part::Chat].map(|part| format!("<msci:mcuType>{}</msci:mcuType>", part.name()));
    format!("<msci:mcu-types>{}</msci:mcu-types><msci:pstn-bridging enabled=\"false\"/>", types.concat())
}

/// What addConference asks for.
fn read(command: &Element<'_>, user: &str, domain: &str) -> Result<(Description, Settings), Fault> {
    let wanted = command.child("conference-info").ok_or(Fault::Malformed)?;
    let text = |name: &str| wanted.all(name).first().map(|one| one.text.trim().to_owned());
    let id = match text("conference-id").filter(|id| !id.is_empty()) {
        Some(id) if is_id(&id) => id,
        Some(_) => return Err(Fault::BadDescription),
        None => format!("{:016X}", rand::random::<u64>()),
    };
    let views = wanted.all("entity-view");
    let parts: Option<Vec<Part>> =
        views.iter().map(|view| Part::named(view.attribute("entity").unwrap_or_default())).collect();
    let mut parts = parts.ok_or(Fault::NoMcu)?;
    parts.retain(|part| *part != Part::Focus);
    if parts.is_empty() {
        parts = vec![Part::AudioVideo, Part::Chat];
    }
    let policy =
        text("admission-policy").map_or(Some(Policy::OpenAuthenticated), |name| Policy::named(&name));
    let settings = Settings {
        policy: policy.ok_or(Fault::BadDescription)?,
        until: expiry(text("expiry-time").as_deref())?,
        named: named(wanted),
    };
    let subject = text("subject").unwrap_or_default().chars().take(SUBJECT).collect();
    Ok((Description { organizer: user.to_owned(), domain: domain.to_owned(), id, subject, parts }, settings))
}

/// Who is named beforehand, and as what.
fn named(wanted: &Element<'_>) -> Vec<(String, Role)> {
    let users = wanted.all("user");
    let named = users.iter().filter_map(|user| {
        let presents = user.all("entry").iter().any(|entry| entry.text.trim() == Role::Presenter.name());
        let role = if presents { Role::Presenter } else { Role::Attendee };
        Some((address::uri(user.attribute("entity")?).to_owned(), role))
    });
    named.take(MOST_NAMED).collect()
}

fn modify(conference: &Conference, command: &Element<'_>) -> Result<(), Fault> {
    let wanted = command.child("conference-info").ok_or(Fault::Malformed)?;
    let text = |name: &str| wanted.all(name).first().map(|one| one.text.trim().to_owned());
    let policy = match text("admission-policy") {
        Some(name) => Some(Policy::named(&name).ok_or(Fault::BadDescription)?),
        None => None,
    };
    let until = match text("expiry-time") {
        Some(time) => Some(expiry(Some(&time))?),
        None => None,
    };
    conference.set(|settings, description| {
        settings.policy = policy.unwrap_or(settings.policy);
        settings.until = until.unwrap_or(settings.until);
        if let Some(subject) = text("subject") {
            description.subject = subject.chars().take(SUBJECT).collect();
        }
    });
    Ok(())
}

/// The conference as the factory tells of it.
fn described(conference: &Conference) -> String {
    let (description, settings) = conference.description();
    let views =
        description.parts.iter().map(|part| format!("<msci:entity-view entity=\"{}\"/>", part.name()));
    format!(
        "<ci:conference-info entity=\"{}\"><ci:conference-description><ci:subject>{}</ci:subject>\
         <msci:conference-id>{}</msci:conference-id><msci:expiry-time>{}</msci:expiry-time>\
         <msci:admission-policy>{}</msci:admission-policy><msci:organizer><msci:uri>{}</msci:uri>\
         </msci:organizer></ci:conference-description><msci:conference-view>{}</msci:conference-view>\
         </ci:conference-info>",
        escaped(&conference.uri(Part::Focus)),
        escaped(&description.subject),
        description.id,
        written(settings.until),
        settings.policy.name(),
        conference.organizer_uri(),
        views.collect::<String>()
    )
}

/// A time in the future, as `2014-07-13T17:57:09Z`; without one, some hours from now.
fn expiry(text: Option<&str>) -> Result<SystemTime, Fault> {
    let now = SystemTime::now();
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(now + LIFE) };
    let until = parsed(text).and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    until.filter(|until| *until > now).ok_or(Fault::BadDescription)
}

/// Seconds since 1970.
fn parsed(text: &str) -> Option<u64> {
    let (date, time) = text.trim().strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':').map(|part| part.split('.').next()?.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let fits = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (fits && hour < 24 && minute < 60 && second < 61).then_some(())?;
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from 1970-01-01, of the Gregorian calendar counted from March.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn written(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (number, rest) = (seconds / 86_400, seconds % 86_400);
    let year = (1970..10_000).rev().find(|year| days(*year, 1, 1) <= number).unwrap_or(1970);
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= number).unwrap_or(1);
    let day = number - days(year, month, 1) + 1;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_over_leap_years_and_centuries() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2014-07-13T17:57:09Z", 1_405_274_229),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(parsed(text), Some(seconds), "{text}");
            assert_eq!(written(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        for text in ["", "2014", "2014-13-01T00:00:00Z", "2014-07-13T25:00:00Z", "2014-07-13 17:57:09"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn what_pidgin_sipe_asks_for_is_read_and_a_strange_mixer_or_id_refused() {
        let ask = |id: &str, mcu: &str| {
            let text = format!(
                "<addConference><ci:conference-info entity=\"\"><ci:conference-description><ci:subject/>\
                 <msci:conference-id>{id}</msci:conference-id><msci:expiry-time>2999-07-13T17:57:09Z</msci:expiry-time>\
                 <msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description>\
                 <msci:conference-view><msci:entity-view entity=\"chat\"/><msci:entity-view entity=\"{mcu}\"/>\
                 </msci:conference-view></ci:conference-info></addConference>"
            );
            read(&Element::parse(&text).unwrap(), "alice", "lab.test").map(|(description, _)| description)
        };
        let description = ask("8386E6AEAAA41E4AA6627BA76D43B6D1", "audio-video").unwrap();
        assert_eq!(description.parts, [Part::Chat, Part::AudioVideo]);
        assert_eq!(ask("8386E6AE", "data-conf").unwrap_err(), Fault::NoMcu);
        assert_eq!(ask("x&lt;y", "chat").unwrap_err(), Fault::BadDescription);
    }
}
