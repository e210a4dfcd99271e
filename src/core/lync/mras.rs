//! Credentials for the media relay (\[MS-AVEDGEA\]): asked for by SERVICE at the URI that provisioning names,
//! good for some hours, and asked for anew before they end.

use std::time::Duration;

use crate::media::ice::turn::Access;

use super::xml::{Element, XmlFault, escape};

/// Of the request and of its answer.
pub const CONTENT_TYPE: &str = "application/msrtc-media-relay-auth+xml";
/// Name space of the request.
const NAME_SPACE: &str = "http://schemas.microsoft.com/2006/09/sip/mrasp";
/// What is asked for; the most that there is, in minutes.
const LONGEST: u32 = 480;
/// Relays that are read from one answer.
const MAX_RELAYS: usize = 8;
/// How long before their end credentials are asked for anew, at the earliest.
const AHEAD: Duration = Duration::from_secs(600);

/// What MRAS gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What to show at the relays.
    pub access: Access,
    /// The relays, best first.
    pub relays: Vec<RelayHost>,
    /// How long the credentials are good.
    pub lifetime: Duration,
}

/// A media relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayHost {
    /// Its name or address.
    pub host: String,
    /// Its UDP port; none: not served.
    pub udp: Option<u16>,
    /// Its TCP port.
    pub tcp: Option<u16>,
}

/// Why an answer gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MrasFault {
    /// It is no XML.
    #[error(transparent)]
    Xml(#[from] XmlFault),
    /// `reasonPhrase` is not `OK`.
    #[error("MRAS refuses: {0}")]
    Refused(String),
    /// Something that must be there is not, or cannot be read.
    #[error("the answer of MRAS has no usable {0}")]
    Lacks(&'static str),
}

/// The body of the SERVICE: `number` pairs the answer with it.
pub fn request(aor: &str, mras: &str, number: u32) -> String {
    let (aor, mras) = (escape(aor), escape(mras));
    format!(
        "<request requestID=\"{number}\" from=\"{aor}\" version=\"1.0\" to=\"{mras}\" xmlns=\"{NAME_SPACE}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><credentialsRequest \
         credentialsRequestID=\"{number}\"><identity>{aor}</identity><location>intranet</location>\
         <duration>{LONGEST}</duration></credentialsRequest></request>"
    )
}

impl Granted {
    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// When it refuses, or lacks what is needed.
    pub fn parse(body: &[u8]) -> Result<Self, MrasFault> {
        let root = Element::parse(body)?;
        let reason = root.attribute("reasonPhrase").unwrap_or("OK");
        if !reason.eq_ignore_ascii_case("OK") {
            return Err(MrasFault::Refused(reason.chars().take(64).collect()));
        }
        let text = |name: &str| {
            let found = root.all().find(|element| element.name.eq_ignore_ascii_case(name));
            found.map(|element| element.text.trim()).unwrap_or_default()
        };
        let access = Access::from_mras(text("username"), text("password"))
            .filter(|access| !access.username.0.is_empty())
            .ok_or(MrasFault::Lacks("credentials"))?;
        let minutes: u32 = text("duration").parse().map_err(|_| MrasFault::Lacks("duration"))?;
        let relays = root.all().filter(|element| element.name.eq_ignore_ascii_case("mediaRelay"));
        let relays: Vec<_> = relays.filter_map(RelayHost::read).take(MAX_RELAYS).collect();
        if relays.is_empty() {
            return Err(MrasFault::Lacks("media relay"));
        }
        let lifetime = Duration::from_secs(60 * u64::from(minutes.clamp(1, LONGEST)));
        Ok(Self { access, relays, lifetime })
    }

    /// When to ask anew: ten minutes before the end, or when four fifths have passed.
    pub fn renew_after(&self) -> Duration {
        self.lifetime.saturating_sub(AHEAD).max(self.lifetime * 4 / 5)
    }
}

impl RelayHost {
    fn read(element: &Element) -> Option<Self> {
        let child = |name: &str| {
            let found = element.children.iter().find(|child| child.name.eq_ignore_ascii_case(name));
            found.map(|child| child.text.trim())
        };
        let port = |name| child(name)?.parse().ok().filter(|port| *port > 0);
        let host = child("hostName").or(child("directIPAddress")).filter(|host| !host.is_empty())?;
        let (udp, tcp) = (port("udpPort"), port("tcpPort"));
        (udp.is_some() || tcp.is_some()).then(|| Self { host: host.to_owned(), udp, tcp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::Pii;

    const ANSWER: &str = include_str!("mras/answer.xml");

    #[test]
    fn an_answer_gives_credentials_and_relays_and_says_when_to_ask_again() {
        let granted = Granted::parse(ANSWER.as_bytes()).unwrap();
        assert_eq!(granted.access.password, Pii(b"pass".to_vec()));
        let relay = RelayHost { host: "edge-int.contoso.com".into(), udp: Some(3478), tcp: Some(443) };
        assert_eq!((granted.relays.as_slice(), granted.lifetime.as_secs()), (&[relay][..], 28_800));
        assert_eq!(granted.renew_after().as_secs(), 28_200);
        let short = Granted { lifetime: Duration::from_secs(60), ..granted };
        assert_eq!(short.renew_after().as_secs(), 48);
    }

    #[test]
    fn an_answer_that_gives_nothing_says_why() {
        let with = |from: &str, to: &str| Granted::parse(ANSWER.replace(from, to).as_bytes());
        assert_eq!(
            with("reasonPhrase=\"OK\"", "reasonPhrase=\"Forbidden\""),
            Err(MrasFault::Refused("Forbidden".into()))
        );
        assert_eq!(with("AQAAIA==", "?"), Err(MrasFault::Lacks("credentials")));
        assert_eq!(with("<duration>480", "<duration>soon"), Err(MrasFault::Lacks("duration")));
        assert_eq!(with("mediaRelay>", "other>"), Err(MrasFault::Lacks("media relay")));
        assert!(matches!(Granted::parse(b"no"), Err(MrasFault::Xml(_))));
    }

    #[test]
    fn a_request_is_that_of_a_real_client() {
        let written = request("sip:alice@contoso.com", "sip:mras.contoso.com@contoso.com;gruu", 7);
        let root = Element::parse(written.as_bytes()).unwrap();
        assert_eq!((root.name.as_str(), root.name_space.as_str()), ("request", NAME_SPACE));
        let sample = Element::parse(include_bytes!("mras/request.xml")).unwrap();
        let names = |root: &Element| root.all().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&root), names(&sample));
    }
}
