//! `ms-conf-invite`: somebody asks a user into a conference ([MS-CONFBAS] §2.2.1, §3.6).
//!
//! It comes as the body of an INVITE that makes a dialog without media. Who takes it answers 200 without a body and
//! joins the focus by itself.

use super::c3p::audio_of;
use crate::lync::xml::{Element, XmlFault};

/// Content-Type of the INVITE.
pub const CONTENT_TYPE: &str = "application/ms-conf-invite+xml";
/// Longest subject that is kept, in characters.
const MAX_SUBJECT: usize = 64;

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The focus that is to be joined.
    pub focus: String,
    /// What the conference is about, possibly empty.
    pub subject: String,
    /// Whether one can talk in it.
    pub audio: bool,
}

/// Why an invitation is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationFault {
    /// It is no XML.
    #[error(transparent)]
    Xml(#[from] XmlFault),
    /// It is another document.
    #[error("<Conferencing> was expected and <{0}> came")]
    NoInvitation(String),
    /// No focus can be joined.
    #[error("the invitation has no usable focus-uri")]
    NoFocus,
}

impl Invitation {
    /// Reads the body of an INVITE.
    ///
    /// # Errors
    ///
    /// It is no invitation, or names no focus.
    pub fn parse(body: &[u8]) -> Result<Self, InvitationFault> {
        let root = Element::parse(body)?;
        if !root.name.eq_ignore_ascii_case("Conferencing") {
            return Err(InvitationFault::NoInvitation(root.name));
        }
        let focus = root.text_of("focus-uri").filter(|uri| uri.len() <= 512 && audio_of(uri).is_some());
        let subject = root.text_of("subject").unwrap_or_default();
        let audio = root.child("audio").and_then(|audio| audio.attribute("available"));
        Ok(Self {
            focus: focus.ok_or(InvitationFault::NoFocus)?.to_owned(),
            subject: subject.chars().filter(|c| !c.is_control()).take(MAX_SUBJECT).collect(),
            audio: audio.is_some_and(|available| available.eq_ignore_ascii_case("true")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_names_its_focus_and_what_can_be_done_there() {
        let body = b"<Conferencing version=\"2.0\"><focus-uri>sip:bob@contoso.com;gruu;opaque=app:conf:focus:id:8K7Q2X1D\
            </focus-uri><subject>Ward 3</subject><im available=\"true\"><first-im/></im><audio available=\"true\"/>\
            <video available=\"true\"/></Conferencing>";
        let read = Invitation::parse(body).unwrap();
        assert_eq!(read.focus, "sip:bob@contoso.com;gruu;opaque=app:conf:focus:id:8K7Q2X1D");
        assert_eq!((read.subject.as_str(), read.audio), ("Ward 3", true));
    }

    #[test]
    fn one_for_messages_alone_has_no_audio() {
        let body =
            b"<Conferencing version=\"2.0\"><focus-uri>sip:b@x;gruu;opaque=app:conf:focus:id:1</focus-uri>\
            <subject/><im available=\"true\"/></Conferencing>";
        assert!(!Invitation::parse(body).unwrap().audio);
    }

    #[test]
    fn without_a_focus_there_is_nothing_to_join() {
        for body in
            ["", "<Conferencing/>", "<Conferencing><focus-uri>sip:b@x</focus-uri></Conferencing>", "<x/>"]
        {
            assert!(Invitation::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
