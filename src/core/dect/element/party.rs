//! Numbers and names of those who call and are called (7.7.7, 7.7.9, 7.7.52, 7.7.53).

use super::code::codes;
use super::{BadContent, Coding, Tag, octet};
use crate::pii::Pii;

codes! {
    /// What sort of number it is.
    NumberType {
        UNKNOWN = 0x0 "unknown",
        INTERNATIONAL = 0x1 "international number",
        NATIONAL = 0x2 "national number",
        NETWORK = 0x3 "network specific number",
        SUBSCRIBER = 0x4 "subscriber number",
        ABBREVIATED = 0x6 "abbreviated number",
    }

    /// The plan a number belongs to.
    Plan {
        UNKNOWN = 0x0 "unknown",
        E164 = 0x1 "ISDN/telephony plan",
        PRIVATE = 0x9 "private plan",
        SIP = 0xA "SIP From field",
        INTERNET = 0xB "Internet character format",
    }

    /// Whether it may be shown.
    Presentation {
        ALLOWED = 0x0 "presentation allowed",
        RESTRICTED = 0x1 "presentation restricted",
        NOT_AVAILABLE = 0x2 "not available",
        HANDSET_LOCATOR = 0x3 "handset locator",
    }

    /// Who vouches for it.
    Screening {
        USER = 0x0 "user-provided, not screened",
        VERIFIED = 0x1 "user-provided, verified and passed",
        FAILED = 0x2 "user-provided, verified and failed",
        NETWORK = 0x3 "network provided",
    }

    /// What its characters are.
    Alphabet {
        DECT = 0x0 "DECT standard",
        UTF8 = 0x1 "UTF-8",
        NETWORK = 0x7 "network specific",
    }
}

/// Who calls (`<<CALLING-PARTY-NUMBER>>`, 7.7.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingNumber {
    /// What sort of number.
    pub kind: NumberType,
    /// Of which plan.
    pub plan: Plan,
    /// Whether it may be shown and who vouches for it (octet 3a).
    pub shown: Option<(Presentation, Screening)>,
    /// The characters, DECT or IA5; empty when restricted.
    pub number: Pii<Vec<u8>>,
}

impl CallingNumber {
    /// A number of no particular sort that may be shown.
    pub fn plain(number: &str) -> Self {
        Self {
            kind: NumberType::UNKNOWN,
            plan: Plan::UNKNOWN,
            shown: None,
            number: Pii(number.as_bytes().to_vec()),
        }
    }

    /// None to be shown.
    pub fn restricted() -> Self {
        let shown = Some((Presentation::RESTRICTED, Screening::USER));
        Self { shown, ..Self::plain("") }
    }
}

impl Coding for CallingNumber {
    const TAG: Tag = Tag::CALLING_PARTY_NUMBER;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let (shown, number) = match first & 0x80 {
            0 => {
                let second = octet(content, 4)?;
                (Some((Presentation(second >> 5 & 3), Screening(second & 3))), &content[2..])
            }
            _ => (None, &content[1..]),
        };
        let (kind, plan) = (NumberType(first >> 4 & 7), Plan(first & 0x0F));
        Ok(Self { kind, plan, shown, number: Pii(number.to_vec()) })
    }

    fn encode(&self) -> Vec<u8> {
        let last = u8::from(self.shown.is_none()) << 7;
        let mut content = vec![last | (self.kind.0 & 7) << 4 | self.plan.0 & 0x0F];
        content.extend(self.shown.map(|(shown, by)| 0x80 | (shown.0 & 3) << 5 | by.0 & 3));
        content.extend_from_slice(&self.number.0);
        content
    }
}

/// Who is called (`<<CALLED-PARTY-NUMBER>>`, 7.7.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledNumber {
    /// What sort of number.
    pub kind: NumberType,
    /// Of which plan.
    pub plan: Plan,
    /// The characters.
    pub number: Pii<Vec<u8>>,
}

impl Coding for CalledNumber {
    const TAG: Tag = Tag::CALLED_PARTY_NUMBER;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let (kind, plan) = (NumberType(first >> 4 & 7), Plan(first & 0x0F));
        Ok(Self { kind, plan, number: Pii(content[1..].to_vec()) })
    }

    fn encode(&self) -> Vec<u8> {
        [&[0x80 | (self.kind.0 & 7) << 4 | self.plan.0 & 0x0F], self.number.0.as_slice()].concat()
    }
}

/// How who calls is named (`<<CALLING-PARTY-NAME>>`, 7.7.53).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingName {
    /// Whether it may be shown.
    pub presentation: Presentation,
    /// What the characters are.
    pub alphabet: Alphabet,
    /// Who vouches for it.
    pub screening: Screening,
    /// The characters.
    pub name: Pii<Vec<u8>>,
}

impl Coding for CallingName {
    const TAG: Tag = Tag::CALLING_PARTY_NAME;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let name = Self {
            presentation: Presentation(first >> 5 & 3),
            alphabet: Alphabet(first >> 2 & 7),
            screening: Screening(first & 3),
            name: Pii(content[1..].to_vec()),
        };
        utf8_if_so(name.alphabet, &name.name.0).map(|()| name)
    }

    fn encode(&self) -> Vec<u8> {
        let first = (self.presentation.0 & 3) << 5 | (self.alphabet.0 & 7) << 2 | self.screening.0 & 3;
        [&[first], self.name.0.as_slice()].concat()
    }
}

/// How who is called is named (`<<CALLED-PARTY-NAME>>`, 7.7.52).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledName {
    /// What the characters are.
    pub alphabet: Alphabet,
    /// Who vouches for it.
    pub screening: Screening,
    /// The characters of the name.
    pub name: Pii<Vec<u8>>,
    /// The characters of the first name.
    pub first_name: Pii<Vec<u8>>,
}

impl Coding for CalledName {
    const TAG: Tag = Tag::CALLED_PARTY_NAME;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (first, length) = (octet(content, 3)?, usize::from(octet(content, 4)? & 0x7F));
        let (name, rest) = content[2..].split_at_checked(length).ok_or(BadContent::TooShort)?;
        let first_name = match rest.split_first() {
            Some((length, rest)) => rest.get(..usize::from(length & 0x7F)).ok_or(BadContent::TooShort)?,
            None => &[],
        };
        let alphabet = Alphabet(first >> 2 & 7);
        utf8_if_so(alphabet, name)?;
        utf8_if_so(alphabet, first_name)?;
        let (name, first_name) = (Pii(name.to_vec()), Pii(first_name.to_vec()));
        Ok(Self { alphabet, screening: Screening(first & 3), name, first_name })
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = vec![(self.alphabet.0 & 7) << 2 | self.screening.0 & 3];
        for part in [&self.name.0, &self.first_name.0] {
            let length = part.len().min(0x7E);
            content.push(0x80 | length as u8);
            content.extend_from_slice(&part[..length]);
        }
        content
    }
}

fn utf8_if_so(alphabet: Alphabet, text: &[u8]) -> Result<(), BadContent> {
    match alphabet {
        Alphabet::UTF8 => std::str::from_utf8(text).map(|_| ()).map_err(|_| BadContent::Text),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn a_captured_number_is_read_and_written_alike() {
        there_and_back(b"\x809956", CallingNumber::plain("9956"));
        there_and_back(&[0x00, 0xA0], CallingNumber::restricted());
        there_and_back(
            b"\x11\x8149",
            CallingNumber {
                kind: NumberType::INTERNATIONAL,
                plan: Plan::E164,
                shown: Some((Presentation::ALLOWED, Screening::VERIFIED)),
                number: Pii(b"49".to_vec()),
            },
        );
        assert_eq!(CallingNumber::decode(&[0x00]), Err(BadContent::TooShort));
        let (kind, plan) = (NumberType::UNKNOWN, Plan::PRIVATE);
        there_and_back(b"\x891", CalledNumber { kind, plan, number: Pii(b"1".to_vec()) });
    }

    #[test]
    fn names_keep_their_alphabet() {
        let anna = CallingName {
            presentation: Presentation::ALLOWED,
            alphabet: Alphabet::UTF8,
            screening: Screening::NETWORK,
            name: Pii("Änne".into()),
        };
        there_and_back("\u{7}Änne".as_bytes(), anna);
        assert_eq!(CallingName::decode(&[0x07, 0xC4]), Err(BadContent::Text));
        assert!(CallingName::decode(&[0x03, 0xC4]).is_ok());
        there_and_back(
            b"\x07\x83Doe\x84John",
            CalledName {
                alphabet: Alphabet::UTF8,
                screening: Screening::NETWORK,
                name: Pii("Doe".into()),
                first_name: Pii("John".into()),
            },
        );
        assert_eq!(CalledName::decode(b"\x07\x84Doe"), Err(BadContent::TooShort));
        assert_eq!(CalledName::decode(b"\x07\x83Doe\x82J"), Err(BadContent::TooShort));
    }
}
