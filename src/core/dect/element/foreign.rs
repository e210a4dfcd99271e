//! Vehicles for what others define, and feature keys (7.7.16, 7.7.17, 7.7.23, 7.7.37, 7.7.45).

use super::code::codes;
use super::{BadContent, Coding, Tag, octet};

/// A message of another protocol (`<<IWU-TO-IWU>>`, 7.7.23).
#[derive(Clone, PartialEq, Eq)]
pub struct IwuToIwu {
    /// Sent, or sent back as refused.
    pub sent: bool,
    /// Which protocol, six bits: 0 user specific, 3 list access, 4 IA5 characters, 6 SUOTA …
    pub protocol: u8,
    /// Its octets.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for IwuToIwu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IwuToIwu of protocol {:02X}, {} octets", self.protocol, self.data.len())
    }
}

impl Coding for IwuToIwu {
    const TAG: Tag = Tag::IWU_TO_IWU;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        Ok(Self { sent: first & 0x40 != 0, protocol: first & 0x3F, data: content[1..].to_vec() })
    }

    fn encode(&self) -> Vec<u8> {
        [&[0x80 | u8::from(self.sent) << 6 | self.protocol & 0x3F], self.data.as_slice()].concat()
    }
}

/// A manufacturer's own element (`<<ESCAPE-TO-PROPRIETARY>>`, 7.7.45).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proprietary {
    /// Whose it is; `None` when it does not say.
    pub emc: Option<u16>,
    /// What it holds.
    pub data: Vec<u8>,
}

impl Coding for Proprietary {
    const TAG: Tag = Tag::ESCAPE_TO_PROPRIETARY;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        match (octet(content, 3)? & 0x7F, &content[1..]) {
            (0, data) => Ok(Self { emc: None, data: data.to_vec() }),
            (1, [high, low, data @ ..]) => {
                Ok(Self { emc: Some(u16::from_be_bytes([*high, *low])), data: data.to_vec() })
            }
            (1, _) => Err(BadContent::TooShort),
            (value, _) => Err(BadContent::Reserved { octet: 3, value }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = vec![0x80 | u8::from(self.emc.is_some())];
        content.extend(self.emc.iter().flat_map(|emc| emc.to_be_bytes()));
        content.extend_from_slice(&self.data);
        content
    }
}

/// Announces a part of an element too long for one message (`<<SEGMENTED-INFO>>`, 7.7.37).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The first part follows.
    pub first: bool,
    /// How many parts are still to come, the following one included.
    pub remaining: u8,
    /// Which element is in parts.
    pub element: Tag,
}

impl Coding for Segment {
    const TAG: Tag = Tag::SEGMENTED_INFO;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (first, element) = (octet(content, 3)?, Tag(octet(content, 4)?));
        match element.is_variable() {
            true => Ok(Self { first: first & 0x80 != 0, remaining: first & 0x7F, element }),
            false => Err(BadContent::Reserved { octet: 4, value: element.0 }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        vec![u8::from(self.first) << 7 | self.remaining & 0x7F, self.element.0]
    }
}

codes! {
    /// A feature a key stands for.
    Feature {
        REGISTER_RECALL = 0x01 "register recall",
        EXTERNAL_HANDOVER = 0x0F "external handover switch",
        QUEUE_ENTRY = 0x20 "queue entry request",
        SUBSCRIBER_NUMBER = 0x30 "indication of subscriber number",
        FEATURE_KEY = 0x42 "feature key",
        LINE = 0x44 "specific line selection",
        TRUNK = 0x47 "specific trunk carrier selection",
        ECHO_CONTROL = 0x48 "control of echo control functions",
        COST = 0x60 "cost information",
    }
}

/// A feature is wanted (`<<FEATURE-ACTIVATE>>`, 7.7.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureActivate {
    /// Which.
    pub feature: Feature,
    /// Which of these, seven bits, where the feature has a parameter.
    pub parameter: Option<u8>,
}

/// How a feature stands (`<<FEATURE-INDICATE>>`, 7.7.17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureIndicate {
    /// Which.
    pub feature: Feature,
    /// Which of these, seven bits.
    pub parameter: Option<u8>,
    /// Its status and what belongs to it.
    pub status: Vec<u8>,
}

/// Octets 3 and 3a, and what follows them.
fn feature(content: &[u8]) -> Result<(Feature, Option<u8>, &[u8]), BadContent> {
    let first = octet(content, 3)?;
    let feature = Feature(first & 0x7F);
    match first & 0x80 {
        0 => Ok((feature, Some(octet(content, 4)? & 0x7F), &content[2..])),
        _ => Ok((feature, None, &content[1..])),
    }
}

fn feature_octets(feature: Feature, parameter: Option<u8>) -> Vec<u8> {
    let first = u8::from(parameter.is_none()) << 7 | feature.0 & 0x7F;
    [Some(first), parameter.map(|parameter| 0x80 | parameter)].into_iter().flatten().collect()
}

impl Coding for FeatureActivate {
    const TAG: Tag = Tag::FEATURE_ACTIVATE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        feature(content).map(|(feature, parameter, _)| Self { feature, parameter })
    }

    fn encode(&self) -> Vec<u8> {
        feature_octets(self.feature, self.parameter)
    }
}

impl Coding for FeatureIndicate {
    const TAG: Tag = Tag::FEATURE_INDICATE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (feature, parameter, status) = feature(content)?;
        match status.is_empty() {
            true => Err(BadContent::TooShort),
            false => Ok(Self { feature, parameter, status: status.to_vec() }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        [feature_octets(self.feature, self.parameter).as_slice(), &self.status].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn a_captured_proprietary_element_names_its_maker() {
        let data = vec![0x52, 0x01, 0x02, 0x53, 0x01, 0x01];
        there_and_back(&[0x81, 0x00, 0x31, 0x52, 1, 2, 0x53, 1, 1], Proprietary { emc: Some(0x31), data });
        assert_eq!(Proprietary::decode(&[0x81, 0x00]), Err(BadContent::TooShort));
        there_and_back(&[0x80], Proprietary { emc: None, data: Vec::new() });
    }

    #[test]
    fn segments_features_and_foreign_messages_are_read_and_written_alike() {
        there_and_back(&[0x82, 0x77], Segment { first: true, remaining: 2, element: Tag::IWU_TO_IWU });
        assert_eq!(Segment::decode(&[1, 0xE4]), Err(BadContent::Reserved { octet: 4, value: 0xE4 }));
        there_and_back(&[0x81], FeatureActivate { feature: Feature::REGISTER_RECALL, parameter: None });
        there_and_back(&[0x42, 0x85], FeatureActivate { feature: Feature::FEATURE_KEY, parameter: Some(5) });
        there_and_back(
            &[0x44, 0x81, 0x90],
            FeatureIndicate { feature: Feature::LINE, parameter: Some(1), status: vec![0x90] },
        );
        assert_eq!(FeatureActivate::decode(&[0x42]), Err(BadContent::TooShort));
        there_and_back(&[0xC4, 0x41], IwuToIwu { sent: true, protocol: 4, data: vec![0x41] });
    }
}
