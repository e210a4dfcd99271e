//! Publications with their versions: what a SERVICE carries, and what comes back ([MS-PRES] §3.2).

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::lync::xml::{Element, XmlFault, escape};

/// Content-Type of the SERVICE.
pub const CONTENT_TYPE: &str = "application/msrtc-category-publish+xml";
/// Most versions remembered of one user.
const MAX_VERSIONS: usize = 512;

/// How long the server keeps a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Till it is taken back.
    Static,
    /// As long as the endpoint is registered.
    Endpoint,
}

impl Expiry {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Endpoint => "endpoint",
        }
    }
}

/// Which publication: a version is counted for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `state`, `device`, `note`.
    pub category: String,
    /// Instance number.
    pub instance: u32,
    /// Container: 2 for those who see all, 3 for the rest.
    pub container: u32,
}

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where it goes.
    pub place: Place,
    /// How long it stays.
    pub expiry: Expiry,
    /// Its content; none takes it back.
    pub content: Option<String>,
}

/// The server's version of each publication, as far as it has told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions(BTreeMap<Place, u32>);

impl Versions {
    /// What to send with a publication: 0 for a new one.
    pub fn of(&self, place: &Place) -> u32 {
        self.0.get(place).copied().unwrap_or(0)
    }

    /// Notes a version the server has told.
    pub fn note(&mut self, place: Place, version: u32) {
        if self.0.len() < MAX_VERSIONS || self.0.contains_key(&place) {
            self.0.insert(place, version);
        }
    }

    /// Notes all that a roaming-self document or the answer to a SERVICE lists.
    pub fn note_all(&mut self, document: &Element) {
        for category in document.all().filter(|element| element.name.eq_ignore_ascii_case("category")) {
            let place = place_of(category);
            if let (Some(place), Some(version)) = (place, category.number("version")) {
                self.note(place, version);
            }
        }
    }

    /// Takes over what a later notification told.
    pub fn merge(&mut self, later: Self) {
        later.0.into_iter().for_each(|(place, version)| self.note(place, version));
    }

    /// What a success does when the answer does not list it: the server counts one on; a publication that
    /// was taken back begins anew.
    pub fn count_on(&mut self, sent: &[Publication]) {
        for publication in sent {
            match publication.content {
                Some(_) => {
                    self.note(publication.place.clone(), self.of(&publication.place).saturating_add(1))
                }
                None => {
                    self.0.remove(&publication.place);
                }
            }
        }
    }
}

fn place_of(category: &Element) -> Option<Place> {
    Some(Place {
        category: category.attribute("name")?.to_owned(),
        instance: category.number("instance")?,
        container: category.number("container")?,
    })
}

/// The body of a SERVICE.
pub fn document(aor: &str, publications: &[Publication], versions: &Versions) -> String {
    let mut out = format!(
        "<publish xmlns=\"http://schemas.microsoft.com/2006/09/sip/rich-presence\"><publications uri=\"{}\">",
        escape(aor)
    );
    for Publication { place, expiry, content } in publications {
        let Place { category, instance, container } = place;
        let (version, expiry) = (versions.of(place), expiry.as_str());
        let written = write!(
            out,
            "<publication categoryName=\"{}\" instance=\"{instance}\" container=\"{container}\" \
             version=\"{version}\" expireType=\"{expiry}\"",
            escape(category)
        );
        written.expect("writing to a string does not fail");
        match content {
            Some(content) => out.extend([">", content, "</publication>"]),
            None => out.push_str(" expires=\"0\"/>"),
        }
    }
    out.push_str("</publications></publish>");
    out
}

/// One operation that a 409 complains about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Its place in the request, from 1.
    pub index: usize,
    /// What the server has.
    pub current: u32,
}

/// Reads the fault of a 409: which versions were out of date. Nothing of the request was applied.
///
/// # Errors
///
/// It is no XML.
pub fn conflicts(fault: &[u8]) -> Result<Vec<Conflict>, XmlFault> {
    let fault = Element::parse(fault)?;
    let operations = fault.all().filter(|element| element.name.eq_ignore_ascii_case("operation"));
    let read = |operation: &Element| {
        Some(Conflict { index: operation.number("index")?, current: operation.number("curVersion")? })
    };
    Ok(operations.filter_map(read).collect())
}

/// Takes over the versions of a 409; whether any was told, so that sending again makes sense.
pub fn recover(versions: &mut Versions, sent: &[Publication], conflicts: &[Conflict]) -> bool {
    let mut learned = false;
    for Conflict { index, current } in conflicts {
        if let Some(publication) = index.checked_sub(1).and_then(|index| sent.get(index)) {
            versions.note(publication.place.clone(), *current);
            learned = true;
        }
    }
    learned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(container: u32, content: Option<&str>) -> Publication {
        let place = Place { category: "note".into(), instance: 1, container };
        Publication { place, expiry: Expiry::Endpoint, content: content.map(str::to_owned) }
    }

    #[test]
    fn the_document_carries_versions_and_deletions() {
        let mut versions = Versions::default();
        versions.note(publication(100, None).place, 3);
        let sent = [publication(100, Some("<note/>")), publication(200, None)];
        assert_eq!(
            document("sip:adamb@contoso.com", &sent, &versions),
            "<publish xmlns=\"http://schemas.microsoft.com/2006/09/sip/rich-presence\">\
             <publications uri=\"sip:adamb@contoso.com\">\
             <publication categoryName=\"note\" instance=\"1\" container=\"100\" version=\"3\" \
             expireType=\"endpoint\"><note/></publication>\
             <publication categoryName=\"note\" instance=\"1\" container=\"200\" version=\"0\" \
             expireType=\"endpoint\" expires=\"0\"/></publications></publish>"
        );
        versions.count_on(&sent);
        assert_eq!((versions.of(&sent[0].place), versions.of(&sent[1].place)), (4, 0));
    }

    /// [MS-PRES], the fault of a 409.
    #[test]
    fn a_conflict_tells_the_version_to_send() {
        let fault = b"<Fault>\r\n<Faultcode>Client.BadCall.WrongDelta</Faultcode>\r\n<details>\r\n\
            <operation index=\"1\" version=\"1\" curVersion=\"2\" >\r\n</operation>\r\n</details>\r\n</Fault>\r\n";
        let found = conflicts(fault).unwrap();
        assert_eq!(found, [Conflict { index: 1, current: 2 }]);
        let (sent, mut versions) = ([publication(2, Some("x"))], Versions::default());
        assert!(recover(&mut versions, &sent, &found));
        assert_eq!(versions.of(&sent[0].place), 2);
        let wild = [Conflict { index: 0, current: 9 }, Conflict { index: 2, current: 9 }];
        assert!(!recover(&mut versions, &sent, &wild));
    }

    #[test]
    fn listed_versions_are_noted_and_their_number_is_bounded() {
        let mut versions = Versions::default();
        let listed = b"<roamingData><categories><category name=\"state\" instance=\"5\" container=\"2\" version=\"7\"/>\
            <category name=\"state\" instance=\"x\" container=\"2\" version=\"7\"/></categories></roamingData>";
        versions.note_all(&Element::parse(listed).unwrap());
        assert_eq!(versions.of(&Place { category: "state".into(), instance: 5, container: 2 }), 7);
        for container in 0..1000 {
            versions.note(publication(container, None).place, 1);
        }
        assert_eq!(versions.0.len(), MAX_VERSIONS);
    }
}
