//! What a front end keeps for a user and tells him: `vnd-microsoft-roaming-self` ([MS-PRES] §2.2.2).

use super::presence::{Availability, Versions};
use super::xml::{Element, XmlFault};

/// Event package.
pub const EVENT: &str = "vnd-microsoft-roaming-self";
/// Content-Type of both the SUBSCRIBE and its notifications.
pub const CONTENT_TYPE: &str = "application/vnd-microsoft-roaming-self+xml";
/// Body of the SUBSCRIBE.
pub const SUBSCRIBE: &str = "<roamingList xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\">\
    <roaming type=\"categories\"/><roaming type=\"containers\"/><roaming type=\"subscribers\"/></roamingList>";
/// Most lines of one user.
const MAX_LINES: usize = 16;

/// What one notification tells; what it does not mention is unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roaming {
    /// Versions of the user's publications.
    pub versions: Versions,
    /// His telephone lines.
    pub lines: Vec<Line>,
    /// URI of his voice mail in Exchange.
    pub voice_mail: Option<String>,
    /// Messages waiting.
    pub waiting: Option<Waiting>,
    /// What he set by hand.
    pub user_state: Option<Availability>,
    /// How others see him.
    pub aggregate_state: Option<Availability>,
    /// Whether the server has made his containers, which it does at the first log-in of a desktop client
    /// or by the bootstrapper. None when the document does not list containers.
    pub has_containers: Option<bool>,
}

/// A telephone line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `tel:+14255550100;ext=100`.
    pub uri: String,
    /// Enterprise Voice; else remote call control, without voice.
    pub is_voice: bool,
}

/// `mwi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whether the lamp is lit.
    pub waiting: bool,
    /// New messages.
    pub unread: u32,
    /// Old ones.
    pub read: u32,
}

impl Roaming {
    /// Reads a notification, or the body that a 200 to the SUBSCRIBE carries.
    ///
    /// # Errors
    ///
    /// It is no XML.
    pub fn parse(body: &[u8]) -> Result<Self, XmlFault> {
        let document = Element::parse(body)?;
        let mut roaming = Self { has_containers: has_containers(&document), ..Self::default() };
        roaming.versions.note_all(&document);
        document.all().for_each(|element| roaming.take(element));
        Ok(roaming)
    }

    fn take(&mut self, element: &Element) {
        match element.name.to_ascii_lowercase().as_str() {
            "line" if self.lines.len() < MAX_LINES && !element.text.trim().is_empty() => {
                let is_voice =
                    element.attribute("lineType").is_some_and(|kind| kind.eq_ignore_ascii_case("Uc"));
                self.lines.push(Line { uri: element.text.trim().to_owned(), is_voice });
            }
            "exumurl" => self.voice_mail = Some(element.text.trim().to_owned()).filter(|url| !url.is_empty()),
            // Only messageWaiting must be there.
            "mwi" => {
                self.waiting = element.attribute("messageWaiting").map(|waiting| Waiting {
                    waiting: matches!(waiting.trim(), "true" | "1"),
                    unread: element.number("unreadVoiceMailCount").unwrap_or(0),
                    read: element.number("readVoiceMailCount").unwrap_or(0),
                });
            }
            "state" => {
                let number = element.text_of("availability").and_then(|number| number.parse().ok());
                let shown = number.and_then(Availability::of_number);
                match element.attribute("type") {
                    Some("userState") => self.user_state = shown,
                    Some("aggregateState") => self.aggregate_state = shown,
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

fn has_containers(document: &Element) -> Option<bool> {
    document.find("containers").map(|containers| containers.child("container").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lync::presence::Place;

    #[test]
    fn lines_voice_mail_lamp_states_and_versions_are_read() {
        let body = "<roamingData xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\">\
            <categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"sip:alice@contoso.com\">\
            <category name=\"userProperties\" instance=\"0\" publishTime=\"x\" container=\"1\" version=\"4\" \
            expireType=\"static\"><userProperties><lines><line lineType=\"Uc\">tel:+1421112222;ext=12222</line>\
            <line lineType=\"Rcc\">tel:+1</line></lines><telephonyMode>Uc</telephonyMode><exumEnabled>1</exumEnabled>\
            <exumURL>EUM:john@contoso.com;phone-context=EX</exumURL></userProperties></category>\
            <category name=\"state\" instance=\"536870912\" container=\"2\" version=\"9\"><state \
            xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\" manual=\"true\" \
            xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"userState\">\
            <availability>9500</availability></state></category>\
            <category name=\"mwi\" instance=\"1\" container=\"1\" version=\"1\"><nt:mwi \
            xmlns:nt=\"http://schemas.microsoft.com/2006/09/sip/mwi\" messageWaiting=\"true\" \
            unreadVoiceMailCount=\"8\" readVoiceMailCount=\"2\"></nt:mwi></category></categories>\
            <containers><container id=\"100\" version=\"1\"/></containers></roamingData>";
        let roaming = Roaming::parse(body.as_bytes()).unwrap();
        assert_eq!(roaming.lines[0], Line { uri: "tel:+1421112222;ext=12222".into(), is_voice: true });
        assert!(!roaming.lines[1].is_voice);
        assert_eq!(roaming.voice_mail.as_deref(), Some("EUM:john@contoso.com;phone-context=EX"));
        assert_eq!(roaming.waiting, Some(Waiting { waiting: true, unread: 8, read: 2 }));
        assert_eq!(roaming.user_state, Some(Availability::DoNotDisturb));
        let place = Place { category: "state".into(), instance: 536_870_912, container: 2 };
        assert_eq!((roaming.versions.of(&place), roaming.has_containers), (9, Some(true)));
    }

    #[test]
    fn a_user_who_never_logged_in_has_no_containers() {
        let parse = |body: &str| Roaming::parse(body.as_bytes()).unwrap().has_containers;
        assert_eq!(parse("<roamingData><containers/></roamingData>"), Some(false));
        assert_eq!(parse("<roamingData/>"), None);
        assert!(Roaming::parse(b"nonsense").is_err());
    }
}
