//! Who is in a conference, as its focus tells (RFC 4575, [MS-CONFBAS] §2.2.2, [MS-CONFAV] §2.2.1).
//!
//! Documents are numbered. RFC 4575 §4.4: a full one replaces what is known; a partial one changes it, if its number is
//! the next; after a gap the whole state is asked for anew.

use std::collections::BTreeMap;

use crate::lync::xml::{Element, XmlFault};

/// Content-Type.
pub const CONTENT_TYPE: &str = "application/conference-info+xml";
/// Event package.
pub const EVENT: &str = "conference";
/// Most people of one conference that are kept.
const MAX_USERS: usize = 1_000;
/// Most endpoints of one of them.
const MAX_ENDPOINTS: usize = 16;
/// Longest name, in characters.
const MAX_NAME: usize = 64;

/// How far an endpoint has come with the mixer (RFC 4575 §5.7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// It is there.
    Connected,
    /// It is called, or on its way.
    Coming,
    /// It is not there any more, or not heard of.
    #[default]
    Gone,
}

impl Status {
    fn read(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "connected" | "on-hold" | "muted-via-focus" => Self::Connected,
            "pending" | "dialing-out" | "dialing-in" | "alerting" => Self::Coming,
            _ => Self::Gone,
        }
    }
}

/// Somebody's session with a part of the conference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Endpoint {
    audio: bool,
    status: Status,
    muted: bool,
    /// The number of its audio stream.
    media: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct User {
    name: String,
    presents: bool,
    endpoints: BTreeMap<String, Endpoint>,
}

/// Somebody in the conference, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// SIP URI.
    pub uri: String,
    /// Name, possibly empty.
    pub name: String,
    /// May mute and put out others.
    pub presents: bool,
    /// How far it has come with the audio mixer.
    pub audio: Status,
    /// The mixer does not hear it.
    pub muted: bool,
    /// Names its session with the mixer, when it has one.
    pub endpoint: Option<String>,
    /// Number of its audio stream.
    pub media: String,
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The roster is as the document says.
    Changed,
    /// It was old.
    Old,
    /// One was missed: the whole state must be asked for.
    Gap,
    /// The conference is over.
    Over,
}

/// Who is in a conference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    version: Option<u32>,
    /// What it is about.
    pub subject: String,
    users: BTreeMap<String, User>,
}

impl Roster {
    /// Takes a document.
    ///
    /// # Errors
    ///
    /// It is no XML.
    pub fn take(&mut self, document: &[u8]) -> Result<Taken, XmlFault> {
        let root = Element::parse(document)?;
        let version: Option<u32> = root.number("version");
        // RFC 4575 §5.1: the value of "state" is "full" when there is none.
        match root.attribute("state").unwrap_or("full") {
            "deleted" => return Ok(Taken::Over),
            "partial" => match (self.version, version) {
                (Some(known), Some(version)) if version <= known => return Ok(Taken::Old),
                (Some(known), Some(version)) if version == known + 1 => {}
                _ => return Ok(Taken::Gap),
            },
            _ if self.version.zip(version).is_some_and(|(known, version)| version < known) => {
                return Ok(Taken::Old);
            }
            _ => self.users.clear(),
        }
        self.version = version;
        let subject = root.child("conference-description").and_then(|told| told.text_of("subject"));
        if let Some(subject) = subject {
            self.subject = short(subject);
        }
        if let Some(users) = root.child("users") {
            if users.attribute("state") == Some("full") {
                self.users.clear();
            }
            users.children("user").for_each(|user| self.take_user(user));
        }
        Ok(Taken::Changed)
    }

    fn take_user(&mut self, told: &Element) {
        let Some(uri) = told.attribute("entity").filter(|uri| uri.len() <= 512) else { return };
        let uri = uri.to_ascii_lowercase();
        let state = told.attribute("state").unwrap_or("full");
        if state == "deleted" {
            self.users.remove(&uri);
            return;
        }
        if !self.users.contains_key(&uri) && self.users.len() >= MAX_USERS {
            return;
        }
        let user = self.users.entry(uri).or_default();
        if state == "full" {
            *user = User::default();
        }
        if let Some(name) = told.text_of("display-text") {
            user.name = short(name);
        }
        if let Some(roles) = told.child("roles") {
            user.presents = roles.children("entry").any(|role| role.text.trim() == "presenter");
        }
        told.children("endpoint").for_each(|endpoint| user.take_endpoint(endpoint));
    }

    /// Everybody, by URI.
    pub fn attendees(&self) -> Vec<Attendee> {
        self.users.iter().map(|(uri, user)| user.shown(uri)).collect()
    }

    /// One of them.
    pub fn attendee(&self, uri: &str) -> Option<Attendee> {
        let uri = uri.to_ascii_lowercase();
        self.users.get(&uri).map(|user| user.shown(&uri))
    }

    /// How many are with the audio mixer.
    pub fn talking(&self) -> usize {
        self.attendees().iter().filter(|one| one.audio == Status::Connected).count()
    }
}

impl User {
    fn take_endpoint(&mut self, told: &Element) {
        let Some(entity) = told.attribute("entity").filter(|entity| entity.len() <= 512) else { return };
        let state = told.attribute("state").unwrap_or("full");
        if state == "deleted" {
            self.endpoints.remove(entity);
            return;
        }
        if !self.endpoints.contains_key(entity) && self.endpoints.len() >= MAX_ENDPOINTS {
            return;
        }
        let endpoint = self.endpoints.entry(entity.to_owned()).or_default();
        if state == "full" {
            *endpoint = Endpoint::default();
        }
        if let Some(kind) = told.attribute("session-type") {
            endpoint.audio = kind.eq_ignore_ascii_case("audio-video");
        }
        if let Some(status) = told.text_of("status") {
            endpoint.status = Status::read(status);
        }
        let is_audio = |media: &&Element| media.text_of("type").is_none_or(|kind| kind == "audio");
        if let Some(media) = told.children("media").find(is_audio) {
            endpoint.hear_of(media);
        }
    }

    fn shown(&self, uri: &str) -> Attendee {
        let mut audio: Vec<_> = self.endpoints.iter().filter(|(_, endpoint)| endpoint.audio).collect();
        // The one that has come farthest.
        audio.sort_by_key(|(_, endpoint)| match endpoint.status {
            Status::Connected => 0,
            Status::Coming => 1,
            Status::Gone => 2,
        });
        let first = audio.first();
        Attendee {
            uri: uri.to_owned(),
            name: self.name.clone(),
            presents: self.presents,
            audio: first.map_or(Status::Gone, |(_, endpoint)| endpoint.status),
            muted: first.is_some_and(|(_, endpoint)| endpoint.muted),
            endpoint: first.map(|(entity, _)| (*entity).clone()),
            media: first.map_or(String::new(), |(_, endpoint)| endpoint.media.clone()),
        }
    }
}

impl Endpoint {
    /// [MS-CONFAV] §2.2.1: `media-ingress-filter` is "the filter value for media in the direction of a client endpoint
    /// to the MCU".
    fn hear_of(&mut self, media: &Element) {
        if let Some(id) = media.attribute("id") {
            self.media = id.chars().take(32).collect();
        }
        if let Some(filter) = media.text_of("media-ingress-filter") {
            self.muted = filter.eq_ignore_ascii_case("block");
        }
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(state: &str, version: u32, users: &str) -> Vec<u8> {
        format!(
            "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" \
             xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" entity=\"sip:f\" \
             state=\"{state}\" version=\"{version}\"><users>{users}</users></conference-info>"
        )
        .into_bytes()
    }

    fn user(name: &str, state: &str, filter: &str) -> String {
        format!(
            "<user entity=\"sip:{name}@contoso.com\" state=\"{state}\"><display-text>{name}</display-text><roles>\
             <entry>presenter</entry></roles><endpoint entity=\"{{{name}}}\" msci:session-type=\"audio-video\">\
             <status>connected</status><media id=\"1\"><type>audio</type><status>sendrecv</status>\
             <msci:media-ingress-filter>{filter}</msci:media-ingress-filter></media></endpoint></user>"
        )
    }

    #[test]
    fn people_come_are_muted_and_go() {
        let mut roster = Roster::default();
        let first = document("full", 1, &user("alice", "full", "unblock"));
        assert_eq!(roster.take(&first), Ok(Taken::Changed));
        assert_eq!((roster.talking(), roster.attendees().len()), (1, 1));
        let second = document("partial", 2, &user("bob", "full", "block"));
        assert_eq!(roster.take(&second), Ok(Taken::Changed));
        let bob = roster.attendee("sip:Bob@contoso.com").unwrap();
        assert!(bob.muted && bob.presents && bob.audio == Status::Connected);
        assert_eq!((bob.endpoint.as_deref(), bob.media.as_str()), (Some("{bob}"), "1"));
        let third = document("partial", 3, "<user entity=\"sip:alice@contoso.com\" state=\"deleted\"/>");
        assert_eq!(roster.take(&third), Ok(Taken::Changed));
        assert_eq!(roster.attendee("sip:alice@contoso.com"), None);
    }

    #[test]
    fn a_partial_endpoint_changes_only_what_it_names() {
        let mut roster = Roster::default();
        roster.take(&document("full", 1, &user("alice", "full", "block"))).unwrap();
        let told = "<user entity=\"sip:alice@contoso.com\" state=\"partial\"><endpoint entity=\"{alice}\" \
                    state=\"partial\"><status>on-hold</status></endpoint></user>";
        roster.take(&document("partial", 2, told)).unwrap();
        let alice = roster.attendee("sip:alice@contoso.com").unwrap();
        assert!(alice.muted && alice.audio == Status::Connected && alice.name == "alice");
    }

    #[test]
    fn old_documents_change_nothing_and_a_gap_is_told() {
        let mut roster = Roster::default();
        // Nothing is known yet that a part could change.
        assert_eq!(roster.take(&document("partial", 4, "")), Ok(Taken::Gap));
        roster.take(&document("full", 5, &user("alice", "full", "unblock"))).unwrap();
        assert_eq!(roster.take(&document("partial", 5, "<user entity=\"sip:x\"/>")), Ok(Taken::Old));
        assert_eq!(roster.take(&document("partial", 7, "<user entity=\"sip:x\"/>")), Ok(Taken::Gap));
        assert_eq!(roster.attendees().len(), 1);
        assert_eq!(roster.take(&document("deleted", 8, "")), Ok(Taken::Over));
        assert!(roster.take(b"<conference-info").is_err());
    }

    #[test]
    fn a_crowd_is_kept_within_bounds() {
        let mut roster = Roster::default();
        let crowd: String = (0..2_000).map(|n| format!("<user entity=\"sip:{n}@x\"/>")).collect();
        roster.take(&document("full", 1, &crowd)).unwrap();
        assert_eq!(roster.attendees().len(), MAX_USERS);
    }
}
