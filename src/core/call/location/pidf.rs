//! A location as XML: PIDF-LO (RFC 4119), civic (RFC 5139), used as RFC 5491 says; or as Lync's clients do.

use super::CivicAddress;
use crate::lync::xml::escape;
use crate::sip::invite::BodyPart;
use crate::sip::wire::HeaderName;
use crate::timer::Moment;

/// Which house style a document is in. What it says is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 5491 rule #8 and §3.2: the location of a device stands under `<device>` of the data model.
    Ietf,
    /// [MS-SIPRE] §4.14 and [MS-E911]: under `<tuple>`, as RFC 4119 wrote it first, and the header says who
    /// put it in.
    Lync,
}

/// Where a caller is, ready to be written.
#[derive(Debug, Clone, Copy)]
pub struct LocationObject<'a> {
    /// The caller's address of record, `sip:4711@example.com`.
    pub caller: &'a str,
    /// The device whose place it is: the base station.
    pub device: &'a str,
    /// The place.
    pub address: &'a CivicAddress,
    /// When it was looked up.
    pub at: Moment,
    /// In which style.
    pub dialect: Dialect,
}

impl LocationObject<'_> {
    /// The body part and the headers that point at it. `word` is fresh and unguessable.
    pub fn dress(&self, word: &str, host: &str) -> (BodyPart, Vec<(HeaderName, String)>) {
        let id = format!("{word}@{host}");
        // RFC 6442 §4.1: "cid-url" of RFC 2392, which is the Content-ID without its angle brackets.
        let mut headers = match self.dialect {
            Dialect::Ietf => vec![
                ("Geolocation", format!("<cid:{id}>")),
                // RFC 6442 §4.2: "yes" lets intermediaries route by it, which is what it is for.
                ("Geolocation-Routing", "yes".to_owned()),
            ],
            Dialect::Lync => {
                vec![("Geolocation", format!("<cid:{id}>;inserted-by=\"{}\"", self.caller.replace('"', "")))]
            }
        };
        let part = BodyPart {
            content_type: "application/pidf+xml".into(),
            content_id: id,
            // RFC 5621 §6.1 (by-reference): it means what the header that points at it says; and who does
            // not understand it "MUST" not refuse the whole for that (handling=optional, RFC 3204 §9).
            disposition: match self.dialect {
                Dialect::Ietf => "by-reference;handling=optional".into(),
                Dialect::Lync => String::new(),
            },
            bytes: self.document().into_bytes(),
        };
        let headers =
            headers.drain(..).map(|(name, value)| (HeaderName::from_text(name.into()), value)).collect();
        (part, headers)
    }

    /// The document, UTF-8.
    pub fn document(&self) -> String {
        match self.dialect {
            Dialect::Ietf => self.device(),
            Dialect::Lync => self.tuple(),
        }
    }

    fn device(&self) -> String {
        // RFC 4119 §2.1: `entity` "is a URI for the presentity"; RFC 3859 gives it the scheme `pres`.
        let entity = self.caller.split_once(':').map_or(self.caller, |(_, rest)| rest);
        format!(
            concat!(
                "{head} xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"pres:{entity}\">\r\n",
                "<dm:device id=\"{id}\">\r\n{geopriv}",
                "<dm:deviceID>{device}</dm:deviceID>\r\n<dm:timestamp>{at}</dm:timestamp>\r\n",
                "</dm:device>\r\n</presence>\r\n"
            ),
            head = HEAD,
            entity = escape(entity),
            id = name_of(self.device),
            geopriv = self.geopriv(),
            device = device_id(self.device),
            at = date_time(self.at),
        )
    }

    fn tuple(&self) -> String {
        format!(
            concat!(
                "{head} entity=\"{entity}\">\r\n<tuple id=\"{id}\">\r\n<status>\r\n{geopriv}</status>\r\n",
                "<timestamp>{at}</timestamp>\r\n</tuple>\r\n</presence>\r\n"
            ),
            head = HEAD,
            entity = escape(self.caller),
            id = name_of(self.device),
            geopriv = self.geopriv(),
            at = date_time(self.at),
        )
    }

    fn geopriv(&self) -> String {
        let mut civic = String::new();
        for (part, text) in self.address.iter() {
            civic.push_str(&format!("<ca:{0}>{1}</ca:{0}>\r\n", part.element, escape(text)));
        }
        format!(
            concat!(
                "<gp:geopriv>\r\n<gp:location-info>\r\n<ca:civicAddress>\r\n{civic}</ca:civicAddress>\r\n",
                "</gp:location-info>\r\n<gp:usage-rules>\r\n",
                // RFC 4119 §2.2.2: whoever is asked for help may pass it on to those who come.
                "<gbp:retransmission-allowed>true</gbp:retransmission-allowed>\r\n</gp:usage-rules>\r\n",
                // RFC 4119 §6.1: "Manual: entered manually by an operator or user".
                "<gp:method>Manual</gp:method>\r\n</gp:geopriv>\r\n"
            ),
            civic = civic,
        )
    }
}

const HEAD: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n",
    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\"",
    " xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\"",
    " xmlns:gbp=\"urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy\""
);

/// An `xs:ID`: letters, digits, `-`, `_`, `.`, and no digit at its beginning.
fn name_of(device: &str) -> String {
    let letters = device.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    format!("base-{}", letters.collect::<String>())
}

/// RFC 4479 §3.2: `deviceID` is a URN; RFC 5491 §3.5 writes a MAC as `mac:8asd7d7d70`.
fn device_id(device: &str) -> String {
    let digits: String = device.chars().filter(|c| *c != ':' && *c != '-').collect();
    let mac = digits.len() == 12 && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    match mac {
        true => format!("mac:{}", digits.to_ascii_lowercase()),
        false => format!("urn:x-base-station:{}", name_of(device)),
    }
}

/// `xs:dateTime`, RFC 3339.
pub fn date_time(at: Moment) -> String {
    let (year, month, day) = crate::sip::registrar::civil_date(at);
    let second = at.as_secs() % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::super::tests::ward;
    use super::*;
    use crate::lync::xml::Element;

    const AT: u64 = 1_709_251_199_000_000;

    fn object(address: &CivicAddress, dialect: Dialect) -> LocationObject<'_> {
        let at = Moment::from_micros(AT);
        LocationObject { caller: "sip:4711@example.com", device: "00:08:7b:18:00:01", address, at, dialect }
    }

    #[test]
    fn the_location_of_a_device_stands_under_it_in_the_order_of_the_schema() {
        let address = ward();
        let text = object(&address, Dialect::Ietf).document();
        let document = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(document.attribute("entity"), Some("pres:4711@example.com"));
        let device = document.child("device").unwrap();
        assert_eq!(device.attribute("id"), Some("base-00-08-7b-18-00-01"));
        assert_eq!(device.text_of("deviceID"), Some("mac:00087b180001"));
        assert_eq!(device.text_of("timestamp"), Some("2024-02-29T23:59:59Z"));
        let civic = document.find("civicAddress").unwrap();
        let said: Vec<_> = civic.all().skip(1).map(|e| (e.name.as_str(), e.text.as_str())).collect();
        let wanted = [
            ("country", "DE"),
            ("A3", "München"),
            ("RD", "Marienplatz"),
            ("HNO", "8"),
            ("HNS", "a"),
            ("FLR", "2"),
            ("PC", "80331"),
            ("BLD", "B & C"),
            ("UNIT", "Ward <3>"),
            ("ROOM", "217"),
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn lync_finds_it_in_a_tuple() {
        let address = ward();
        let text = object(&address, Dialect::Lync).document();
        let document = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(document.attribute("entity"), Some("sip:4711@example.com"));
        let status = document.child("tuple").and_then(|tuple| tuple.child("status")).unwrap();
        assert_eq!(status.find("ROOM").map(|room| room.text.as_str()), Some("217"));
    }

    #[test]
    fn the_header_points_at_the_part() {
        let address = ward();
        let (part, headers) = object(&address, Dialect::Ietf).dress("w0rd", "dect.example.com");
        assert_eq!(part.content_id, "w0rd@dect.example.com");
        assert_eq!(headers[0].1, "<cid:w0rd@dect.example.com>");
        assert_eq!((headers[1].0.as_str(), headers[1].1.as_str()), ("Geolocation-Routing", "yes"));
        let (_, headers) = object(&address, Dialect::Lync).dress("w", "h");
        assert_eq!(headers[0].1, "<cid:w@h>;inserted-by=\"sip:4711@example.com\"");
    }

    #[test]
    fn a_base_known_by_its_address_has_a_name_too() {
        let address = ward();
        let object = LocationObject { device: "10.0.0.7/DP750", ..object(&address, Dialect::Ietf) };
        assert!(object.document().contains("<dm:deviceID>urn:x-base-station:base-10-0-0-7-DP750<"));
    }
}
