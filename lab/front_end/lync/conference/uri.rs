//! URIs of conferencing: who made it, and which part of a conference is meant ([MS-CONFBAS] 2.2.2).

use crate::sip::address;

/// Shortest and longest id of a conference ([MS-CONFPRO]: "a string with 8 to 32 alphanumeric characters").
const ID: std::ops::RangeInclusive<usize> = 8..=32;

/// What a URI names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::front_end) enum Target {
    /// The factory of a user's conferences.
    Factory(String),
    /// A part of a conference: its organiser and its id.
    Part(Part, String, String),
}

/// A part of a conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front_end) enum Part {
    /// Who is in it, and who may do what.
    Focus,
    /// The mixer.
    AudioVideo,
    /// The relay of texts.
    Chat,
}

impl Part {
    const ALL: [Self; 3] = [Self::Focus, Self::AudioVideo, Self::Chat];

    /// Its name in URIs and documents.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::AudioVideo => "audio-video",
            Self::Chat => "chat",
        }
    }

    /// The part of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Its URI in a conference.
    pub(super) fn uri(self, organizer: &str, domain: &str, id: &str) -> String {
        format!("sip:{organizer}@{domain};gruu;opaque=app:conf:{}:id:{id}", self.name())
    }
}

impl Target {
    /// None for any other URI.
    pub(in crate::front_end) fn of(uri: &str) -> Option<Self> {
        let what = uri.split(';').find_map(|one| one.strip_prefix("opaque=app:conf:"))?;
        let user = address::user(uri)?;
        if what == "focusfactory" {
            return Some(Self::Factory(user));
        }
        let (part, id) = what.split_once(":id:")?;
        Some(Self::Part(Part::named(part)?, user, id.to_owned()))
    }
}

/// Whether a conference may have this id.
pub(super) fn is_id(id: &str) -> bool {
    ID.contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_the_factory_or_a_part_of_a_conference_or_something_else() {
        let of = |opaque: &str| Target::of(&format!("sip:bob@contoso.com;gruu;opaque={opaque}"));
        assert_eq!(of("app:conf:focusfactory"), Some(Target::Factory("bob".into())));
        for part in Part::ALL {
            let uri = part.uri("bob", "contoso.com", "8K7Q2X1D");
            assert_eq!(Target::of(&uri), Some(Target::Part(part, "bob".into(), "8K7Q2X1D".into())));
        }
        assert_eq!(of("app:conf:data-conf:id:8K7Q2X1D"), None);
        assert_eq!(of("user:epid:DbHNXKHcnlWtK7UUBgotogAA"), None);
        assert_eq!(Target::of("sip:bob@contoso.com"), None);
        assert!(is_id("8386E6AEAAA41E4AA6627BA76D43B6D1") && !is_id("BE92") && !is_id("8K7Q2X1D<"));
    }
}
