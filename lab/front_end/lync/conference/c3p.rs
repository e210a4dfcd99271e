//! C3P: requests to factory, focus and mixer, and the answers to them ([MS-CONFBAS] 2.2.1, [MS-CONFPRO] 2.2).

use crate::front_end::lync::xml::{Element, escaped};

/// Type of a body in C3P.
pub(super) const TYPE: &str = "application/cccp+xml";

/// A request.
pub(super) struct Request<'a>(Element<'a>);

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no C3P.
    Malformed,
    /// A command of C3P that is not served.
    NotServed,
    /// There is no such conference.
    NoConference,
    /// There is one with that id.
    ConferenceExists,
    /// Nobody of that name is in it, or can be called.
    NoUser,
    /// He has no such endpoint or media there.
    NoMedia,
    /// The id, time or policy that a conference shall have.
    BadDescription,
    /// An mcuUri, or an entity-view, of something that does not exist here.
    NoMcu,
    /// The user who asks may not.
    NotAllowed,
    /// An attendee wants somebody else to be called.
    DialOutByAttendee,
    /// Nobody comes in any more.
    Locked,
    /// A bound is reached.
    Full,
    /// Who was called did not come.
    NotAnswered,
}

impl Fault {
    /// The words of C3P.
    const fn reason(self) -> &'static str {
        match self {
            Self::Malformed | Self::Locked | Self::NotAnswered => "otherFailure",
            Self::NotServed => "notSupported",
            Self::NoConference => "conferenceDoesntExist",
            Self::ConferenceExists => "conferenceExistsAlready",
            Self::NoUser => "userDoesntExist",
            Self::NoMedia => "mediaDoesntExist",
            Self::BadDescription => "invalidConferenceId",
            Self::NoMcu => "mcuTypeNotAvailable",
            Self::NotAllowed | Self::DialOutByAttendee => "unauthorized",
            Self::Full => "maximumMeetingSizeExceeded",
        }
    }

    /// ms-diagnostics ([MS-OCER] 7.4), where there is one for it.
    pub(super) const fn diagnostics(self) -> (u16, &'static str) {
        match self {
            Self::Malformed | Self::BadDescription => (3_006, "Failed to parse the C3P request."),
            Self::NotServed => (3_004, "The requested C3P command is not implemented."),
            Self::NoConference | Self::ConferenceExists => (3_012, "Invalid conference URI."),
            Self::NoUser | Self::NoMedia | Self::NotAnswered => (3_002, "Invalid Target User."),
            Self::NoMcu => (3_013, "Invalid MCU URI."),
            Self::NotAllowed | Self::Locked | Self::Full => (3_014, "Failed authorization."),
            Self::DialOutByAttendee => {
                (3_015, "This meeting does not allow 3rd-party dial-out by attendees.")
            }
        }
    }

    /// The status of a refused INVITE.
    pub(super) const fn status(self) -> (u16, &'static str) {
        match self {
            Self::Malformed => (400, "Bad Request"),
            Self::NoConference | Self::NoUser => (404, "Not Found"),
            Self::Full => (503, "Service Unavailable"),
            Self::NotServed | Self::NoMcu => (501, "Not Implemented"),
            _ => (403, "Forbidden"),
        }
    }
}

impl<'a> Request<'a> {
    /// Reads a body.
    pub(super) fn parse(body: &'a str) -> Result<Self, Fault> {
        let root = Element::parse(body).filter(|root| root.name == "request" && !root.children.is_empty());
        root.map(Self).ok_or(Fault::Malformed)
    }

    /// What is wanted, with all that belongs to it.
    pub(super) fn command(&self) -> &Element<'a> {
        &self.0.children[0]
    }

    /// What a later answer to it needs.
    pub(super) fn envelope(&self) -> Envelope {
        let of = |name: &str| self.0.attribute(name).map(escaped).unwrap_or_default();
        Envelope {
            id: of("requestId"),
            to: of("to"),
            from: of("from"),
            command: self.command().name.to_owned(),
        }
    }
}

/// Who asked whom for what.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    id: String,
    to: String,
    from: String,
    command: String,
}

impl Envelope {
    /// It is done; `content` stands within the command's element.
    pub(super) fn success(&self, content: &str) -> String {
        self.response("success", "", content)
    }

    /// It is begun, and the end of it is told later.
    pub(super) fn pending(&self) -> String {
        self.response("pending", "", "")
    }

    /// It is not done.
    pub(super) fn failure(&self, fault: Fault) -> String {
        self.response("failure", &format!(" reason=\"{}\"", fault.reason()), "")
    }

    fn response(&self, code: &str, reason: &str, content: &str) -> String {
        let Self { id, to, from, command } = self;
        format!(
            "<?xml version=\"1.0\"?><response xmlns=\"urn:ietf:params:xml:ns:cccp\" \
             xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" \
             xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" \
             xmlns:mscp=\"http://schemas.microsoft.com/rtc/2005/08/cccpextensions\" C3PVersion=\"1\" \
             requestId=\"{id}\" from=\"{to}\" to=\"{from}\" code=\"{code}\"><{command}{reason}>{content}\
             </{command}></response>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_request_and_goes_the_other_way() {
        let body = "<?xml version=\"1.0\"?><request xmlns=\"urn:ietf:params:xml:ns:cccp\" C3PVersion=\"1\" \
            to=\"sip:b@x;gruu\" from=\"sip:a@x\" requestId=\"7\"><addUser><x/></addUser></request>";
        let request = Request::parse(body).unwrap();
        assert_eq!(request.command().name, "addUser");
        let envelope = request.envelope();
        let answer = envelope.success("<y/>");
        let read = Element::parse(&answer).unwrap();
        let of = |name: &str| read.attribute(name).unwrap();
        assert_eq!(
            (of("requestId"), of("from"), of("to"), of("code")),
            ("7", "sip:b@x;gruu", "sip:a@x", "success")
        );
        assert!(read.child("addUser").unwrap().child("y").is_some());
        let failure = envelope.failure(Fault::NoUser);
        let read = Element::parse(&failure).unwrap();
        assert_eq!(read.children[0].attribute("reason"), Some("userDoesntExist"));
        for body in ["", "<request/>", "<response><addUser/></response>"] {
            assert!(Request::parse(body).is_err(), "{body}");
        }
    }
}
