//! What kind of call, how far it is, and how it is to change (7.6.4, 7.7.31, 7.7.38).

use super::code::codes;
use super::{BadContent, Coding, Tag, octet};

codes! {
    /// What sort of call is set up (bits 8 to 5 of `<<BASIC-SERVICE>>`).
    CallClass {
        LIST_ACCESS = 0x2 "LiA service setup",
        ULE = 0x3 "ULE service call setup",
        MESSAGE = 0x4 "message call setup",
        ISDN = 0x7 "DECT/ISDN IIP",
        NORMAL = 0x8 "normal call setup",
        INTERNAL = 0x9 "internal call setup",
        EMERGENCY = 0xA "emergency call setup",
        SERVICE = 0xB "service call setup",
        EXTERNAL_HANDOVER = 0xC "external handover call setup",
        SUPPLEMENTARY = 0xD "supplementary service call setup",
        MAINTENANCE = 0xE "OA&M call setup",
    }

    /// What happened to the call (`<<PROGRESS-INDICATOR>>`, octet 4).
    ProgressDescription {
        NOT_END_TO_END_ISDN = 0x01 "call is not end-to-end ISDN",
        DESTINATION_NOT_ISDN = 0x02 "destination address is non-ISDN",
        ORIGINATION_NOT_ISDN = 0x03 "origination address is non-ISDN",
        RETURNED_TO_ISDN = 0x04 "call has returned to the ISDN",
        SERVICE_CHANGED = 0x05 "service change has occurred",
        IN_BAND = 0x08 "in-band information or appropriate pattern now available",
        NOT_IN_BAND = 0x09 "in-band information not available",
        END_TO_END = 0x20 "call is end-to-end PLMN/ISDN",
    }

    /// How the service is to change (`<<SERVICE-CHANGE-INFO>>`, bits 4 to 1 of octet 3).
    ChangeMode {
        NONE = 0x0 "none",
        CONNECTION_REVERSAL = 0x1 "connection reversal",
        BANDWIDTH = 0x2 "bandwidth change",
        MODULATION = 0x3 "modulation scheme change",
        REROUTING = 0x4 "rerouting",
        SUSPEND = 0x8 "suspend",
        RESUME = 0x9 "resume",
        IWU_ATTRIBUTES = 0xC "IWU attribute change",
        AUDIO_CODEC = 0xD "audio codec change",
        BASIC_SERVICE = 0xE "profile/basic service and IWU attributes change",
    }
}

/// What sort of call, and what it carries (`<<BASIC-SERVICE>>`, 7.6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicService {
    /// Normal, internal, emergency …
    pub class: CallClass,
    /// 0 speech, 8 wideband speech, 15 told elsewhere; four bits.
    pub service: u8,
}

impl BasicService {
    /// Ordinary speech in G.726.
    pub const SPEECH: Self = Self { class: CallClass::NORMAL, service: 0 };
    /// Ordinary speech in G.722.
    pub const WIDEBAND: Self = Self { class: CallClass::NORMAL, service: 8 };
}

impl Coding for BasicService {
    const TAG: Tag = Tag::BASIC_SERVICE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let octet = content.first().ok_or(BadContent::TooShort)?;
        Ok(Self { class: CallClass(octet >> 4), service: octet & 0x0F })
    }

    fn encode(&self) -> Vec<u8> {
        vec![self.class.0 << 4 | self.service & 0x0F]
    }
}

/// An event in the life of a call (`<<PROGRESS-INDICATOR>>`, 7.7.31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Coding standard, 0 for ITU-T; two bits.
    pub standard: u8,
    /// Where it happened, four bits: 0 user, 1 private network of the local user …
    pub location: u8,
    /// What happened.
    pub description: ProgressDescription,
}

impl Progress {
    /// Tells the handset to open its ear: a tone or announcement comes in-band.
    pub const IN_BAND: Self = Self { standard: 0, location: 0, description: ProgressDescription::IN_BAND };
}

impl Coding for Progress {
    const TAG: Tag = Tag::PROGRESS_INDICATOR;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (first, description) = (octet(content, 3)?, octet(content, 4)? & 0x7F);
        let description = ProgressDescription(description);
        Ok(Self { standard: first >> 5 & 3, location: first & 0x0F, description })
    }

    fn encode(&self) -> Vec<u8> {
        vec![0x80 | (self.standard & 3) << 5 | self.location & 0x0F, 0x80 | self.description.0]
    }
}

/// A proposed change of the service (`<<SERVICE-CHANGE-INFO>>`, 7.7.38).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceChange {
    /// Coding standard, 0 for DECT; two bits.
    pub standard: u8,
    /// M: the receiving side is master.
    pub receiver_is_master: bool,
    /// How it changes.
    pub mode: ChangeMode,
    /// Octet 3a: the new basic service in its low four bits, for [`ChangeMode::BASIC_SERVICE`].
    pub extended: Option<u8>,
    /// Octet 4: what becomes of connections, for suspend and resume; seven bits.
    pub attributes: Option<u8>,
}

impl Coding for ServiceChange {
    const TAG: Tag = Tag::SERVICE_CHANGE_INFO;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let (extended, rest) = match first & 0x80 {
            0 => (Some(octet(content, 4)? & 0x7F), &content[2..]),
            _ => (None, &content[1..]),
        };
        Ok(Self {
            standard: first >> 5 & 3,
            receiver_is_master: first & 0x10 != 0,
            mode: ChangeMode(first & 0x0F),
            extended,
            attributes: rest.first().map(|octet| octet & 0x7F),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let last = u8::from(self.extended.is_none()) << 7;
        let master = u8::from(self.receiver_is_master) << 4;
        let first = last | (self.standard & 3) << 5 | master | self.mode.0 & 0x0F;
        [Some(first), self.extended.map(|e| 0x80 | e), self.attributes.map(|a| 0x80 | a)]
            .into_iter()
            .flatten()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn services_progress_and_changes_are_read_and_written_alike() {
        there_and_back(&[0x80], BasicService::SPEECH);
        there_and_back(&[0x88], BasicService::WIDEBAND);
        there_and_back(&[0xA0], BasicService { class: CallClass::EMERGENCY, service: 0 });
        there_and_back(&[0x80, 0x88], Progress::IN_BAND);
        let change = ServiceChange {
            standard: 0,
            receiver_is_master: false,
            mode: ChangeMode::AUDIO_CODEC,
            extended: None,
            attributes: None,
        };
        there_and_back(&[0x8D], change);
        there_and_back(
            &[0x98, 0xA0],
            ServiceChange {
                receiver_is_master: true,
                mode: ChangeMode::SUSPEND,
                attributes: Some(0x20),
                ..change
            },
        );
        let wideband = ServiceChange { mode: ChangeMode::BASIC_SERVICE, extended: Some(8), ..change };
        there_and_back(&[0x0E, 0x88], wideband);
        assert_eq!(ServiceChange::decode(&[0x0E]), Err(BadContent::TooShort));
        assert_eq!(Progress::decode(&[0x80]), Err(BadContent::TooShort));
    }

    #[test]
    fn a_code_shows_its_words_and_its_number() {
        assert_eq!(CallClass::EMERGENCY.to_string(), "emergency call setup (0A)");
        assert_eq!(CallClass(0).to_string(), "reserved (00)");
    }
}
