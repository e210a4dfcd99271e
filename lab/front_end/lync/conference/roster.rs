//! Who is in a conference, and how watchers are told (RFC 4575, with what [MS-CONFBAS] 2.2.4 and [MS-CONFAV] add).

use std::fmt::Write as _;

use super::uri::Part;
use crate::front_end::lync::xml::escaped;

/// Type of its documents.
pub(super) const TYPE: &str = "application/conference-info+xml";

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything: add, mute and remove others, lock the conference, end it.
    Presenter,
    /// Be there, and mute himself.
    Attendee,
}

impl Role {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Presenter => "presenter",
            Self::Attendee => "attendee",
        }
    }
}

/// How far an endpoint has come (RFC 4575 §5.5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is called.
    DialingOut,
    /// It rings.
    Alerting,
    /// It is there.
    Connected,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::DialingOut => "dialing-out",
            Self::Alerting => "alerting",
            Self::Connected => "connected",
        }
    }
}

/// Somebody in a conference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Address of record.
    pub uri: String,
    /// What he may do.
    pub role: Role,
    pub(super) name: String,
    pub(super) endpoints: Vec<Endpoint>,
}

/// One of his sessions with a part of the conference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) entity: String,
    pub(super) part: Part,
    pub(super) status: Status,
    pub(super) dialed_out: bool,
    pub(super) muted: bool,
    pub(super) media: u32,
}

impl Endpoint {
    pub(super) fn new(entity: &str, part: Part, status: Status, media: u32) -> Self {
        let dialed_out = status != Status::Connected;
        Self { entity: entity.to_owned(), part, status, dialed_out, muted: false, media }
    }
}

impl Participant {
    /// How far he has come with the audio mixer; none: he has no session with it.
    pub fn audio(&self) -> Option<Status> {
        self.with(Part::AudioVideo).map(|endpoint| endpoint.status)
    }

    /// How documents name his session with the audio mixer.
    pub fn audio_entity(&self) -> Option<&str> {
        self.with(Part::AudioVideo).map(|endpoint| endpoint.entity.as_str())
    }

    /// Whether the mixer hears him not.
    pub fn is_muted(&self) -> bool {
        self.with(Part::AudioVideo).is_some_and(|endpoint| endpoint.muted)
    }

    /// Whether he may do everything.
    pub fn presents(&self) -> bool {
        self.role == Role::Presenter
    }

    /// Whether he has joined the focus.
    pub fn in_focus(&self) -> bool {
        self.with(Part::Focus).is_some()
    }

    fn with(&self, part: Part) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.part == part)
    }
}

/// What the documents say of the conference itself.
#[derive(Debug, Clone)]
pub(super) struct Description {
    pub(super) organizer: String,
    pub(super) domain: String,
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) parts: Vec<Part>,
}

impl Description {
    pub(super) fn uri(&self, part: Part) -> String {
        part.uri(&self.organizer, &self.domain, &self.id)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) description: Description,
    pub(super) participants: Vec<Participant>,
    pub(super) locked: bool,
    pub(super) announces: bool,
    /// Of the newest document.
    pub(super) version: u32,
    media: u32,
}

impl Roster {
    pub(super) fn new(description: Description) -> Self {
        let participants = Vec::new();
        Self { description, participants, locked: false, announces: false, version: 0, media: 0 }
    }

    pub(super) fn of(&self, uri: &str) -> Option<&Participant> {
        self.participants.iter().find(|one| same(&one.uri, uri))
    }

    pub(super) fn of_mut(&mut self, uri: &str) -> Option<&mut Participant> {
        self.participants.iter_mut().find(|one| same(&one.uri, uri))
    }

    /// Somebody comes in with an endpoint, in place of one of the same entity.
    pub(super) fn enter(
        &mut self,
        uri: &str,
        name: &str,
        role: Role,
        part: Part,
        entity: &str,
        status: Status,
    ) {
        self.media += 1;
        let endpoint = Endpoint::new(entity, part, status, self.media);
        match self.of_mut(uri) {
            Some(one) => {
                one.endpoints.retain(|other| other.entity != entity || other.part != part);
                one.endpoints.push(endpoint);
            }
            None => self.participants.push(Participant {
                uri: uri.to_owned(),
                role,
                name: name.to_owned(),
                endpoints: vec![endpoint],
            }),
        }
    }

    /// An endpoint goes, and somebody who has none left. False when it was gone.
    pub(super) fn leave(&mut self, uri: &str, entity: &str) -> bool {
        let Some(one) = self.of_mut(uri) else { return false };
        let before = one.endpoints.len();
        one.endpoints.retain(|endpoint| endpoint.entity != entity);
        let left = one.endpoints.len();
        self.participants.retain(|one| !one.endpoints.is_empty());
        left != before
    }

    pub(super) fn endpoint(&mut self, uri: &str, entity: &str) -> Option<&mut Endpoint> {
        self.of_mut(uri)?.endpoints.iter_mut().find(|endpoint| endpoint.entity == entity)
    }

    /// Everything (RFC 4575 §4.4: "full").
    pub(super) fn full(&self) -> String {
        let users: String = self.participants.iter().map(user).collect();
        let content = format!(
            "<conference-description>{}</conference-description><users state=\"full\">{users}</users>{}",
            self.described(),
            self.view()
        );
        self.document("full", &content)
    }

    /// What has changed: one user, whole or gone, and the view of the conference.
    pub(super) fn partial(&self, uri: &str) -> String {
        let changed = match self.of(uri) {
            Some(one) => user(one),
            None => format!("<user entity=\"{}\" state=\"deleted\"/>", escaped(uri)),
        };
        let content = format!("<users state=\"partial\">{changed}</users>{}", self.view());
        self.document("partial", &content)
    }

    fn document(&self, state: &str, content: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" \
             xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" entity=\"{}\" \
             state=\"{state}\" version=\"{}\">{content}</conference-info>",
            escaped(&self.description.uri(Part::Focus)),
            self.version
        )
    }

    fn described(&self) -> String {
        let Description { organizer, domain, id, subject, parts } = &self.description;
        let mut uris = String::new();
        for part in parts {
            let (uri, name) = (escaped(&self.description.uri(*part)), part.name());
            // Writing to a String cannot fail.
            let _ = write!(
                uris,
                "<entry><uri>{uri}</uri><display-text>{name}</display-text><purpose>{name}</purpose></entry>"
            );
        }
        format!(
            "<subject>{}</subject><conf-uris>{uris}</conf-uris><msci:conference-id>{id}</msci:conference-id>\
             <organizer><display-name>{organizer}</display-name><uri>sip:{organizer}@{domain}</uri></organizer>",
            escaped(subject)
        )
    }

    fn view(&self) -> String {
        let mut views = String::new();
        for part in std::iter::once(&Part::Focus).chain(&self.description.parts) {
            let uri = escaped(&self.description.uri(*part));
            let media = match part {
                Part::Focus => String::new(),
                part => {
                    let kind = if *part == Part::AudioVideo { "audio" } else { "chat" };
                    format!("<media><entry label=\"{kind}\"><type>{kind}</type></entry></media>")
                }
            };
            let _ = write!(
                views,
                "<msci:entity-view entity=\"{uri}\"><msci:entity-state><msci:locked>{}</msci:locked>\
                 <msci:attendance-announcements>{}</msci:attendance-announcements>{media}\
                 </msci:entity-state></msci:entity-view>",
                self.locked, self.announces
            );
        }
        format!("<msci:conference-view state=\"full\">{views}</msci:conference-view>")
    }
}

fn user(one: &Participant) -> String {
    let endpoints: String = one.endpoints.iter().map(endpoint).collect();
    format!(
        "<user entity=\"{}\" state=\"full\"><display-text>{}</display-text><roles><entry>{}</entry></roles>\
         {endpoints}</user>",
        escaped(&one.uri),
        escaped(&one.name),
        one.role.name()
    )
}

fn endpoint(one: &Endpoint) -> String {
    let Endpoint { entity, part, status, dialed_out, muted, media } = one;
    let joined = if *dialed_out { "dialed-out" } else { "dialed-in" };
    let media = match part {
        Part::Focus => String::new(),
        Part::Chat => format!("<media id=\"{media}\"><type>chat</type><status>sendrecv</status></media>"),
        Part::AudioVideo => {
            let (flow, filter) = if *muted { ("recvonly", "block") } else { ("sendrecv", "unblock") };
            format!(
                "<media id=\"{media}\"><type>audio</type><status>{flow}</status>\
                 <msci:media-ingress-filter>{filter}</msci:media-ingress-filter></media>"
            )
        }
    };
    format!(
        "<endpoint entity=\"{}\" msci:session-type=\"{}\"><status>{}</status>\
         <joining-method>{joined}</joining-method>{media}</endpoint>",
        escaped(entity),
        part.name(),
        status.name()
    )
}

/// Addresses of record are compared without regard to case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::lync::xml::Element;

    fn roster() -> Roster {
        Roster::new(Description {
            organizer: "bob".into(),
            domain: "lab.test".into(),
            id: "8K7Q2X1D".into(),
            subject: "Ward & <round>".into(),
            parts: vec![Part::AudioVideo, Part::Chat],
        })
    }

    #[test]
    fn the_whole_document_names_the_parts_the_users_and_their_endpoints() {
        let mut roster = roster();
        roster.enter("sip:bob@lab.test", "Bob", Role::Presenter, Part::Focus, "{1}", Status::Connected);
        roster.enter("sip:bob@lab.test", "Bob", Role::Presenter, Part::AudioVideo, "{2}", Status::Connected);
        roster.endpoint("sip:BOB@lab.test", "{2}").unwrap().muted = true;
        let text = roster.full();
        let root = Element::parse(&text).unwrap();
        assert_eq!(root.attribute("entity"), Some("sip:bob@lab.test;gruu;opaque=app:conf:focus:id:8K7Q2X1D"));
        assert_eq!(root.all("subject")[0].text, "Ward & <round>");
        let purposes: Vec<_> = root.all("purpose").iter().map(|one| one.text.clone()).collect();
        assert_eq!(purposes, ["audio-video", "chat"]);
        let endpoints = root.all("endpoint");
        let kinds: Vec<_> = endpoints.iter().map(|one| one.attribute("session-type").unwrap()).collect();
        assert_eq!(kinds, ["focus", "audio-video"]);
        assert_eq!(endpoints[1].all("media-ingress-filter")[0].text, "block");
    }

    #[test]
    fn a_change_tells_of_one_user_and_of_who_is_gone() {
        let mut roster = roster();
        roster.enter("sip:bob@lab.test", "", Role::Presenter, Part::Focus, "{1}", Status::Connected);
        roster.enter("sip:ann@lab.test", "", Role::Attendee, Part::AudioVideo, "{2}", Status::Alerting);
        let text = roster.partial("sip:ann@lab.test");
        let root = Element::parse(&text).unwrap();
        let users = root.all("user");
        assert_eq!((users.len(), users[0].attribute("entity")), (1, Some("sip:ann@lab.test")));
        assert_eq!(users[0].all("status")[0].text, "alerting");
        assert_eq!(users[0].all("joining-method")[0].text, "dialed-out");
        assert!(roster.leave("sip:ann@lab.test", "{2}") && !roster.leave("sip:ann@lab.test", "{2}"));
        let text = roster.partial("sip:ann@lab.test");
        assert_eq!(Element::parse(&text).unwrap().all("user")[0].attribute("state"), Some("deleted"));
    }
}
