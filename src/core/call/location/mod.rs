//! Where an emergency call comes from: the place of the base station that serves the caller.
//!
//! ```text
//!  base station ── CivicAddress ──► pidf ──► body part of the INVITE ◄── Geolocation: <cid:…>
//! ```
//!
//! A handset moves, a base station hangs on a wall: what an administrator wrote down of it is the best that
//! is known of a caller (RFC 4119 calls that `Manual`). It goes out with emergency calls and with no others.
//!
//! Out of scope: geodetic positions (RFC 5491 §5) and location by reference (RFC 6753): nobody in the house
//! has a position of a room, and a reference would need a server that outlives the switch.

mod pidf;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use pidf::date_time;
pub use pidf::{Dialect, LocationObject};

/// One element of a civic address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPart {
    /// Its name at the edge: REST, pages, records.
    pub name: &'static str,
    /// Its element, RFC 5139 §3.1 and RFC 4776 §3.4.
    pub element: &'static str,
    /// For people.
    pub label: &'static str,
    /// An example, for forms.
    pub example: &'static str,
}

const fn part(
    name: &'static str,
    element: &'static str,
    label: &'static str,
    example: &'static str,
) -> AddressPart {
    AddressPart { name, element, label, example }
}

/// The elements that are kept, in the order of the schema in RFC 5139 §4, which is a sequence.
pub const ADDRESS_PARTS: [AddressPart; 22] = [
    part("country", "country", "Country", "DE"),
    part("state", "A1", "State or region", "Bayern"),
    part("county", "A2", "County", ""),
    part("city", "A3", "City", "München"),
    part("district", "A4", "District", ""),
    part("street_direction", "PRD", "Direction before the street", "N"),
    part("street", "RD", "Street", "Marienplatz"),
    part("street_suffix", "STS", "Kind of street", "Ave"),
    part("street_direction_after", "POD", "Direction behind the street", "SW"),
    part("house_number", "HNO", "House number", "8"),
    part("house_number_suffix", "HNS", "House number suffix", "A"),
    part("landmark", "LMK", "Landmark", "Helipad"),
    part("directions", "LOC", "How to get there", "Lift C, then left"),
    part("floor", "FLR", "Floor", "2"),
    part("site", "NAM", "Site", "St. Mary’s Hospital"),
    part("postcode", "PC", "Postcode", "80331"),
    part("building", "BLD", "Building", "B"),
    part("unit", "UNIT", "Unit", "Ward 3"),
    part("room", "ROOM", "Room", "217"),
    part("seat", "SEAT", "Seat", "Bed 2"),
    part("place_type", "PLC", "Kind of place", "hospital"),
    part("post_box", "POBOX", "Post box", ""),
];

/// Longest text of one element, in characters. RFC 4776 §3.1 gives each 255 octets; desks show far less.
const MOST_CHARACTERS: usize = 100;

/// A place by its address (RFC 5139). Empty elements are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CivicAddress {
    parts: BTreeMap<String, String>,
}

/// Why a text cannot be an element of an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// The element is unknown.
    #[error("there is no such part of an address; known are {}", names().join(", "))]
    Unknown,
    /// Too long to be shown at a desk.
    #[error("at most {MOST_CHARACTERS} characters are possible; these are {0}")]
    TooLong(usize),
    /// A control character.
    #[error("only printable characters are possible")]
    Unprintable,
    /// Not two letters.
    #[error("must be the two letters of ISO 3166, as \"DE\" or \"US\"")]
    Country,
}

fn names() -> Vec<&'static str> {
    ADDRESS_PARTS.iter().map(|part| part.name).collect()
}

impl CivicAddress {
    /// Puts an element in; an empty text takes it out.
    ///
    /// # Errors
    ///
    /// The text cannot be that element; the address is as it was.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), AddressFault> {
        let known = ADDRESS_PARTS.iter().find(|part| part.name == name).ok_or(AddressFault::Unknown)?;
        let text = text.trim();
        let length = text.chars().count();
        if length > MOST_CHARACTERS {
            return Err(AddressFault::TooLong(length));
        }
        if text.chars().any(char::is_control) {
            return Err(AddressFault::Unprintable);
        }
        let text = match known.element {
            // RFC 5139 §4: iso3166a2 is "[A-Z]{2}".
            "country" if !text.is_empty() => country(text)?,
            _ => text.to_owned(),
        };
        match text.is_empty() {
            true => self.parts.remove(name),
            false => self.parts.insert(name.to_owned(), text),
        };
        Ok(())
    }

    /// The text of an element, or "".
    pub fn get(&self, name: &str) -> &str {
        self.parts.get(name).map_or("", String::as_str)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What is known, in the order of the schema.
    pub fn iter(&self) -> impl Iterator<Item = (&'static AddressPart, &str)> {
        ADDRESS_PARTS.iter().filter_map(|part| Some((part, self.parts.get(part.name)?.as_str())))
    }

    /// In a line for people, the nearest first: who reads it stands in the house.
    pub fn words(&self) -> String {
        let one = |label: &str, name: &str| {
            let text = self.get(name);
            if text.is_empty() { String::new() } else { format!("{label}{text}") }
        };
        let joined = |names: &[&str]| {
            let texts = names.iter().map(|name| self.get(name)).filter(|text| !text.is_empty());
            texts.collect::<Vec<_>>().join(" ")
        };
        let street = joined(&[
            "street_direction",
            "street",
            "street_suffix",
            "street_direction_after",
            "house_number",
        ]);
        let near = [one("room ", "room"), one("", "seat"), one("", "unit"), one("floor ", "floor")];
        let house =
            [one("building ", "building"), one("", "site"), one("", "landmark"), one("", "directions")];
        let far = [format!("{street}{}", self.get("house_number_suffix")), joined(&["postcode", "city"])];
        let all = near.into_iter().chain(house).chain(far).filter(|text| !text.is_empty());
        all.collect::<Vec<_>>().join(", ")
    }
}

/// The headers of an INVITE without those that point at a place (RFC 6442 §4).
pub fn without(headers: &[(String, String)]) -> Vec<(String, String)> {
    let points = |name: &str| name.to_ascii_lowercase().starts_with("geolocation");
    headers.iter().filter(|(name, _)| !points(name)).cloned().collect()
}

fn country(text: &str) -> Result<String, AddressFault> {
    let two = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic());
    two.then(|| text.to_ascii_uppercase()).ok_or(AddressFault::Country)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn ward() -> CivicAddress {
        let mut address = CivicAddress::default();
        for (name, text) in [
            ("country", "de"),
            ("city", "München"),
            ("street", "Marienplatz"),
            ("house_number", "8"),
            ("house_number_suffix", "a"),
            ("postcode", "80331"),
            ("building", "B & C"),
            ("floor", "2"),
            ("room", "217"),
            ("unit", " Ward <3> "),
        ] {
            address.set(name, text).unwrap();
        }
        address
    }

    #[test]
    fn an_address_is_told_from_the_room_outwards() {
        assert_eq!(
            ward().words(),
            "room 217, Ward <3>, floor 2, building B & C, Marienplatz 8a, 80331 München"
        );
        assert_eq!(CivicAddress::default().words(), "");
    }

    #[test]
    fn what_cannot_stand_in_an_address_is_refused_with_its_mend() {
        let mut address = ward();
        assert_eq!(address.set("planet", "Earth"), Err(AddressFault::Unknown));
        assert_eq!(address.set("room", "2\n17"), Err(AddressFault::Unprintable));
        assert_eq!(address.set("room", &"x".repeat(101)), Err(AddressFault::TooLong(101)));
        assert_eq!(address.set("country", "DEU"), Err(AddressFault::Country));
        assert_eq!(address, ward());
    }

    #[test]
    fn an_empty_text_takes_an_element_out() {
        let mut address = ward();
        for part in &ADDRESS_PARTS {
            address.set(part.name, " ").unwrap();
        }
        assert!(address.is_empty());
    }

    #[test]
    fn a_record_is_a_plain_object() {
        let mut address = CivicAddress::default();
        address.set("floor", "2").unwrap();
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(json, r#"{"floor":"2"}"#);
        assert_eq!(serde_json::from_str::<CivicAddress>(&json).unwrap(), address);
    }
}
