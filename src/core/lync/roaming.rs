//! What a front end keeps for a user and tells him: `vnd-microsoft-roaming-self` ([MS-PRES] §2.2.2).

use super::presence::{Availability, Versions};
use super::routing::{self, RoutingRules};
use super::xml::{Element, XmlFault};

/// Event package.
pub const EVENT: &str = "vnd-microsoft-roaming-self";
/// Content-Type of both the SUBSCRIBE and its notifications.
pub const CONTENT_TYPE: &str = "application/vnd-microsoft-roaming-self+xml";
/// Body of the SUBSCRIBE.
pub const SUBSCRIBE: &str = "<roamingList xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\">\
    <roaming type=\"categories\"/><roaming type=\"containers\"/><roaming type=\"subscribers\"/>\
    <roaming type=\"delegates\"/></roamingList>";
/// Most lines of one user.
const MAX_LINES: usize = 16;
/// Most delegates of one user.
const MAX_DELEGATES: usize = 64;

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
    /// Which of his calls the front end sends elsewhere, by the general settings. A notification that names the
    /// category without one says that there are no rules.
    pub routing: Option<RoutingRules>,
    /// Addresses of those whom he has made his delegates.
    pub delegates: Option<Vec<String>>,
}

/// A telephone line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `tel:+14255550100;ext=100`.
    pub uri: String,
    /// Enterprise Voice; else remote call control, without voice.
    pub is_voice: bool,
    /// A second number that only he answers. The word in `lineType` is inferred from the names of the settings.
    pub is_private: bool,
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
        roaming.routing = routing_rules(&document);
        roaming.delegates = delegates(&document);
        document.all().for_each(|element| roaming.take(element));
        Ok(roaming)
    }

    fn take(&mut self, element: &Element) {
        match element.name.to_ascii_lowercase().as_str() {
            "line" if self.lines.len() < MAX_LINES && !element.text.trim().is_empty() => {
                let is = |word: &str| {
                    element.attribute("lineType").is_some_and(|kind| kind.eq_ignore_ascii_case(word))
                };
                let uri = element.text.trim().to_owned();
                self.lines.push(Line { uri, is_voice: is("Uc"), is_private: is("Private") });
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

fn routing_rules(document: &Element) -> Option<RoutingRules> {
    let is_ours = |category: &&Element| {
        let own = category.attribute("name").is_some_and(|name| name.eq_ignore_ascii_case(routing::CATEGORY));
        own && category.number("container") == Some(routing::CONTAINER)
    };
    let category = document.all().filter(|one| one.name.eq_ignore_ascii_case("category")).find(is_ours)?;
    Some(category.child("routing").map(RoutingRules::read).unwrap_or_default())
}

/// [MS-PRES] §2.2.2.10.1: `<delegates version="2"><delegate uri="john@contoso.com" …/></delegates>`.
fn delegates(document: &Element) -> Option<Vec<String>> {
    let listed = document.find("delegates")?;
    let uris = listed.children("delegate").filter_map(|delegate| delegate.attribute("uri"));
    Some(uris.take(MAX_DELEGATES).map(str::to_owned).collect())
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
        assert_eq!(
            roaming.lines[0],
            Line { uri: "tel:+1421112222;ext=12222".into(), is_voice: true, is_private: false }
        );
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

    #[test]
    fn rules_and_delegates_are_read_where_they_are_told() {
        let parse = |body: &str| Roaming::parse(body.as_bytes()).unwrap();
        let told = parse(
            "<roamingData><categories><category name=\"routing\" instance=\"0\" container=\"400\" version=\"1\"><routing>\
             <preamble><flags name=\"clientflags\" value=\"block\"/></preamble></routing></category>\
             <category name=\"routing\" instance=\"0\" container=\"0\" version=\"6\"><routing><preamble>\
             <flags name=\"clientflags\" value=\"delegate_ring\"/><list name=\"delegates\"><target \
             uri=\"sip:eve@x\"/></list></preamble></routing></category></categories><delegates \
             xmlns=\"http://schemas.microsoft.com/2007/09/sip/delegates\" version=\"2\"><delegate \
             uri=\"john@contoso.com\" publish=\"false\" redelegate=\"false\"/></delegates></roamingData>",
        );
        assert_eq!(told.delegates.as_deref(), Some(&["john@contoso.com".to_owned()][..]));
        assert_eq!(told.routing.unwrap().delegates().collect::<Vec<_>>(), ["sip:eve@x"]);
        let silent = parse("<roamingData/>");
        assert_eq!((silent.delegates, silent.routing), (None, None));
        let emptied = "<roamingData><categories><category name=\"routing\" container=\"0\"/></categories></roamingData>";
        assert_eq!(parse(emptied).routing, Some(RoutingRules::default()));
    }
}
