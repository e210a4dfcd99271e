//! Which line and call something is about, and what is asked for (7.7.20, 7.7.56).

use super::code::codes;
use super::{BadContent, Coding, Tag, group, group_number, push_group, push_group_number};

/// One line, call or status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identifier {
    /// 0 line, 1 call, 2 call status, 3 service.
    pub kind: u8,
    /// Of a line: 0 external, 4 all; of a call: 0 itself, 1 its new number; of a status: 1 itself, 2 its reason.
    pub subtype: u8,
    /// The number; "all lines" has none.
    pub value: Option<u32>,
}

impl Identifier {
    /// The line an external call uses.
    pub fn line(number: u8) -> Self {
        Self { kind: 0, subtype: 0, value: Some(number.into()) }
    }

    /// All lines.
    pub const ALL_LINES: Self = Self { kind: 0, subtype: 4, value: None };

    /// A call.
    pub fn call(number: u8) -> Self {
        Self { kind: 1, subtype: 0, value: Some(number.into()) }
    }
}

/// Lines, calls and statuses (`<<CALL-INFORMATION>>`, 7.7.56).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallInformation(pub Vec<Identifier>);

impl Coding for CallInformation {
    const TAG: Tag = Tag::CALL_INFORMATION;

    /// "A party receiving an identifier with an "Identifier type" that it does not understand, shall ignore
    /// this identifier, and proceed further with the next one": all are kept, the reader picks.
    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (mut identifiers, mut rest) = (Vec::new(), content);
        while !rest.is_empty() {
            let [kind, subtype, after @ ..] = rest else { return Err(BadContent::TooShort) };
            // "If one line identifier subtype is equal to "All lines" in the IE, the corresponding
            // identifier value shall not be present".
            let (value, after) = match (kind, subtype) {
                (0, 4) => (None, after),
                _ => {
                    let (octets, after) = group(after).ok_or(BadContent::TooShort)?;
                    (Some(group_number(&octets).ok_or(BadContent::Identity)?), after)
                }
            };
            identifiers.push(Identifier { kind: *kind, subtype: *subtype, value });
            rest = after;
        }
        match identifiers.is_empty() {
            true => Err(BadContent::TooShort),
            false => Ok(Self(identifiers)),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for identifier in &self.0 {
            content.extend([identifier.kind, identifier.subtype]);
            if let Some(value) = identifier.value {
                push_group_number(value, &mut content);
            }
        }
        content
    }
}

codes! {
    /// What a mobility message suggests, asks or brings; one octet of `<<INFO-TYPE>>` (7.7.20).
    InfoKind {
        LOCATE_SUGGEST = 0x00 "locate suggest",
        ACCESS_RIGHTS_MODIFY = 0x01 "access rights modify suggest",
        AUTHENTICATION_FAILURE = 0x04 "authentication of PP failure",
        DYNAMIC_PARAMETERS = 0x06 "dynamic parameters allocation",
        EXTERNAL_HANDOVER = 0x08 "external handover parameters",
        LOCATION_AREA = 0x09 "location area",
        HANDOVER_REFERENCE = 0x0A "hand over reference",
        CK_TRANSFER = 0x22 "CK transfer",
        HANDOVER_FAILED = 0x23 "handover failed, reversion to old channel",
    }
}

/// What it is about (`<<INFO-TYPE>>`, 7.7.20), at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoType(pub Vec<InfoKind>);

impl Coding for InfoType {
    const TAG: Tag = Tag::INFO_TYPE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (kinds, _) = group(content).ok_or(BadContent::TooShort)?;
        Ok(Self(kinds.into_iter().map(InfoKind).collect()))
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = Vec::new();
        push_group(&self.0.iter().map(|kind| kind.0).collect::<Vec<_>>(), &mut content);
        content
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn lines_calls_and_suggestions_are_read_and_written_alike() {
        let both = CallInformation(vec![Identifier::ALL_LINES, Identifier::call(1), Identifier::line(2)]);
        there_and_back(&[0, 4, 1, 0, 0x81, 0, 0, 0x82], both);
        there_and_back(&[0x80], InfoType(vec![InfoKind::LOCATE_SUGGEST]));
        there_and_back(&[0x09, 0x8A], InfoType(vec![InfoKind::LOCATION_AREA, InfoKind::HANDOVER_REFERENCE]));
        assert_eq!(InfoType::decode(&[0x09]), Err(BadContent::TooShort));
        assert_eq!(CallInformation::decode(&[1, 0]), Err(BadContent::TooShort));
        assert_eq!(CallInformation::decode(&[1]), Err(BadContent::TooShort));
    }
}
