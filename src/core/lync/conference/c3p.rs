//! C3P: what factory and focus are asked, and what they answer ([MS-CONFBAS] §2.2.3).
//!
//! A document is one `request` with one command in it, or one `response` with the same command. Whoever answers
//! "pending" says the rest later, in an INFO of its own with the same `requestId`.

use crate::lync::xml::{Element, XmlFault, escape};

/// Content-Type.
pub const CONTENT_TYPE: &str = "application/cccp+xml";
/// Longest URI of a conference that is taken.
const MAX_URI: usize = 512;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// Make a conference (factory).
    AddConference {
        /// Its name: hexadecimal digits, unique among the user's conferences.
        id: &'a str,
        /// Till when it is kept, as `xs:dateTime`.
        until: &'a str,
    },
    /// Come in with this endpoint, as the body of the INVITE.
    Join {
        /// The endpoint: a GUID in braces.
        endpoint: &'a str,
    },
    /// Let the mixer call somebody.
    DialOut {
        /// Who: a SIP URI.
        user: &'a str,
        /// Name, possibly empty.
        name: &'a str,
        /// Names the endpoint that will come: a GUID in braces.
        endpoint: &'a str,
        /// Where it is called, when that is not `user`: `sip:` or `tel:`.
        at: Option<&'a str>,
    },
    /// Mute somebody's audio, or let it be heard again.
    Mute {
        /// Who.
        user: &'a str,
        /// Whose endpoint.
        endpoint: &'a str,
        /// Which of its media.
        media: &'a str,
        /// Whether.
        muted: bool,
    },
    /// Put somebody out.
    DeleteUser {
        /// Who.
        user: &'a str,
    },
}

/// Where a request goes, and from whom.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Factory or focus.
    pub to: &'a str,
    /// Whose.
    pub from: &'a str,
    /// Unique for whoever asks.
    pub number: u32,
}

/// Writes a request.
pub fn request(envelope: Envelope<'_>, command: &Command<'_>) -> String {
    let Envelope { to, from, number } = envelope;
    let (to, from) = (escape(to), escape(from));
    let command = words(command, &to, &from);
    format!(
        "<?xml version=\"1.0\"?><request xmlns=\"urn:ietf:params:xml:ns:cccp\" \
         xmlns:mscp=\"http://schemas.microsoft.com/rtc/2005/08/cccpextensions\" \
         xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" \
         xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" \
         C3PVersion=\"1\" to=\"{to}\" from=\"{from}\" requestId=\"{number}\">{command}</request>"
    )
}

fn words(command: &Command<'_>, to: &str, from: &str) -> String {
    match command {
        Command::AddConference { id, until } => format!(
            "<addConference><ci:conference-info entity=\"\"><ci:conference-description><ci:subject/>\
             <msci:conference-id>{}</msci:conference-id><msci:expiry-time>{}</msci:expiry-time>\
             <msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description>\
             <msci:conference-view><msci:entity-view entity=\"audio-video\"/></msci:conference-view>\
             </ci:conference-info></addConference>",
            escape(id),
            escape(until)
        ),
        Command::Join { endpoint } => format!(
            "<addUser><conferenceKeys confEntity=\"{to}\"/><ci:user entity=\"{from}\"><ci:roles><ci:entry>attendee\
             </ci:entry></ci:roles><ci:endpoint entity=\"{}\"/></ci:user></addUser>",
            escape(endpoint)
        ),
        Command::DialOut { user, name, endpoint, at } => {
            // [MS-CONFBAS] §2.2.3.15: "The endpoint-uri attribute can be specified. If specified, it MUST be a
            // "sip:" URI or a "tel:" URI. … The joining-method element MUST be populated with the value
            // "dialed-out"."
            let at = at.map_or(String::new(), |at| format!(" msci:endpoint-uri=\"{}\"", escape(at)));
            format!(
                "<addUser mscp:mcuUri=\"{}\"><conferenceKeys confEntity=\"{to}\"/><ci:user entity=\"{}\">\
                 <ci:display-text>{}</ci:display-text><ci:roles><ci:entry>attendee</ci:entry></ci:roles>\
                 <ci:endpoint entity=\"{}\"{at}><ci:joining-method>dialed-out</ci:joining-method></ci:endpoint>\
                 </ci:user></addUser>",
                audio_of(to).unwrap_or_default(),
                escape(user),
                escape(name),
                escape(endpoint)
            )
        }
        Command::Mute { user, endpoint, media, muted } => {
            let (status, filter) = if *muted { ("recvonly", "block") } else { ("sendrecv", "unblock") };
            let (user, endpoint, media) = (escape(user), escape(endpoint), escape(media));
            format!(
                "<modifyEndpointMedia mscp:mcuUri=\"{}\"><mediaKeys confEntity=\"{to}\" userEntity=\"{user}\" \
                 endpointEntity=\"{endpoint}\" mediaId=\"{media}\"/><ci:media id=\"{media}\"><ci:type>audio</ci:type>\
                 <ci:status>{status}</ci:status><media-ingress-filter \
                 xmlns=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\">{filter}\
                 </media-ingress-filter></ci:media></modifyEndpointMedia>",
                audio_of(to).unwrap_or_default()
            )
        }
        Command::DeleteUser { user } => format!(
            "<deleteUser><userKeys confEntity=\"{to}\" userEntity=\"{}\"/></deleteUser>",
            escape(user)
        ),
    }
}

/// The audio mixer of the conference of this focus; none: it is the URI of no focus.
pub fn audio_of(focus: &str) -> Option<String> {
    let (before, after) = focus.split_once(":conf:focus:")?;
    Some(format!("{before}:conf:audio-video:{after}"))
}

/// Whether a URI is one of a conference: its focus, or its mixer.
pub fn is_conference(uri: &str) -> bool {
    uri.contains("opaque=app:conf:")
}

/// Whether two URIs name one conference. Front ends and clients differ in the case of letters.
pub fn same_uri(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// How far a request has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Success,
    /// It goes on; a later response tells the end.
    Pending,
    /// It is not done; why, in the words of C3P.
    Failure(String),
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The number of the request.
    pub number: u32,
    /// How it went.
    pub outcome: Outcome,
    /// The focus of the conference that it tells of (addConference).
    pub conference: Option<String>,
}

/// Why a response is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum C3pFault {
    /// It is no XML.
    #[error(transparent)]
    Xml(#[from] XmlFault),
    /// It is another document.
    #[error("a C3P response was expected and <{0}> came")]
    NoResponse(String),
    /// This is missing, or not as it must be.
    #[error("a C3P response without a usable {0}")]
    Missing(&'static str),
}

impl Response {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is none, or lacks its number or code.
    pub fn parse(body: &[u8]) -> Result<Self, C3pFault> {
        let root = Element::parse(body)?;
        if !root.name.eq_ignore_ascii_case("response") {
            return Err(C3pFault::NoResponse(root.name));
        }
        let number = root.number("requestId").ok_or(C3pFault::Missing("requestId"))?;
        let reason = || {
            let told = root.children.first().and_then(|command| command.attribute("reason"));
            told.unwrap_or("no reason given").chars().take(128).collect()
        };
        let outcome = match root.attribute("code").ok_or(C3pFault::Missing("code"))? {
            "success" => Outcome::Success,
            "pending" => Outcome::Pending,
            _ => Outcome::Failure(reason()),
        };
        let entity = root.find("conference-info").and_then(|told| told.attribute("entity"));
        let usable = |uri: &&str| uri.len() <= MAX_URI && audio_of(uri).is_some();
        Ok(Self { number, outcome, conference: entity.filter(usable).map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOCUS: &str = "sip:bob@contoso.com;gruu;opaque=app:conf:focus:id:8K7Q2X1D";

    fn ask(command: &Command<'_>) -> Element {
        let envelope = Envelope { to: FOCUS, from: "sip:alice@contoso.com", number: 7 };
        Element::parse(request(envelope, command).as_bytes()).unwrap()
    }

    #[test]
    fn the_wish_to_join_is_as_clients_in_the_field_write_it() {
        let sent = ask(&Command::Join { endpoint: "{5CCDB10D}" });
        assert_eq!((sent.attribute("C3PVersion"), sent.attribute("requestId")), (Some("1"), Some("7")));
        let add = sent.child("addUser").unwrap();
        assert_eq!(add.child("conferenceKeys").unwrap().attribute("confEntity"), Some(FOCUS));
        let user = add.child("user").unwrap();
        assert_eq!(user.attribute("entity"), Some("sip:alice@contoso.com"));
        assert_eq!(user.child("endpoint").unwrap().attribute("entity"), Some("{5CCDB10D}"));
    }

    #[test]
    fn muting_names_the_mixer_and_the_medium() {
        let sent = ask(&Command::Mute { user: "sip:a@x", endpoint: "{1}", media: "1", muted: true });
        let mute = sent.child("modifyEndpointMedia").unwrap();
        let mixer = FOCUS.replace(":focus:", ":audio-video:");
        assert_eq!(mute.attribute("mcuUri"), Some(mixer.as_str()));
        let media = mute.child("media").unwrap();
        assert_eq!(
            (media.text_of("status"), media.text_of("media-ingress-filter")),
            (Some("recvonly"), Some("block"))
        );
    }

    #[test]
    fn who_is_called_by_the_mixer_may_be_called_elsewhere() {
        let at = Some("tel:+14255550100");
        let sent = ask(&Command::DialOut { user: "sip:+14255550100@x", name: "A & B", endpoint: "{2}", at });
        let user = sent.find("user").unwrap();
        assert_eq!(user.text_of("display-text"), Some("A & B"));
        let endpoint = user.child("endpoint").unwrap();
        assert_eq!(endpoint.attribute("endpoint-uri"), at);
        assert_eq!(endpoint.text_of("joining-method"), Some("dialed-out"));
    }

    #[test]
    fn answers_tell_the_number_the_end_and_the_conference() {
        let answer = |code: &str, inner: &str| {
            let text = format!(
                "<response xmlns=\"urn:ietf:params:xml:ns:cccp\" requestId=\"1\" C3PVersion=\"1\" code=\"{code}\">\
                 {inner}</response>"
            );
            Response::parse(text.as_bytes()).unwrap()
        };
        let made = answer(
            "success",
            &format!(
                "<addConference><conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" \
                 entity=\"{FOCUS}\"/></addConference>"
            ),
        );
        assert_eq!(made, Response { number: 1, outcome: Outcome::Success, conference: Some(FOCUS.into()) });
        assert_eq!(answer("pending", "<addUser/>").outcome, Outcome::Pending);
        let failed = answer("failure", "<addUser reason=\"unauthorized\"/>");
        assert_eq!(failed.outcome, Outcome::Failure("unauthorized".into()));
        // The URI of something else is no conference.
        let odd = answer("success", "<addConference><conference-info entity=\"sip:x@y\"/></addConference>");
        assert_eq!(odd.conference, None);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for body in
            ["", "<request/>", "<response code=\"success\"/>", "<response requestId=\"1\"/>", "<response"]
        {
            assert!(Response::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
