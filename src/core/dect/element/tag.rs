//! Names and identifiers of the information elements (tables 75 and 76).

use std::fmt;

/// Which information element: its identifier in codeset 0. Single-octet elements without contents have
/// their whole octet here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u8);

macro_rules! tags {
    ($($name:ident = $value:literal $text:literal),* $(,)?) => {
        impl Tag {
            $(#[doc = concat!("`<<", $text, ">>`")] pub const $name: Self = Self($value);)*

            /// Its name in the standard, when it is one this product knows.
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some($text),)* _ => None }
            }
        }
    };
}

tags! {
    INFO_TYPE = 0x01 "INFO-TYPE",
    IDENTITY_TYPE = 0x02 "IDENTITY-TYPE",
    PORTABLE_IDENTITY = 0x05 "PORTABLE-IDENTITY",
    FIXED_IDENTITY = 0x06 "FIXED-IDENTITY",
    LOCATION_AREA = 0x07 "LOCATION-AREA",
    NWK_ASSIGNED_IDENTITY = 0x09 "NWK-ASSIGNED-IDENTITY",
    AUTH_TYPE = 0x0A "AUTH-TYPE",
    ALLOCATION_TYPE = 0x0B "ALLOCATION-TYPE",
    RAND = 0x0C "RAND",
    RES = 0x0D "RES",
    RS = 0x0E "RS",
    IWU_ATTRIBUTES = 0x12 "IWU-ATTRIBUTES",
    CALL_ATTRIBUTES = 0x13 "CALL-ATTRIBUTES",
    SERVICE_CHANGE_INFO = 0x16 "SERVICE-CHANGE-INFO",
    CONNECTION_ATTRIBUTES = 0x17 "CONNECTION-ATTRIBUTES",
    CIPHER_INFO = 0x19 "CIPHER-INFO",
    CALL_IDENTITY = 0x1A "CALL-IDENTITY",
    CONNECTION_IDENTITY = 0x1B "CONNECTION-IDENTITY",
    FACILITY = 0x1C "FACILITY",
    PROGRESS_INDICATOR = 0x1E "PROGRESS-INDICATOR",
    MMS_GENERIC_HEADER = 0x20 "MMS-GENERIC-HEADER",
    MMS_OBJECT_HEADER = 0x21 "MMS-OBJECT-HEADER",
    MMS_EXTENDED_HEADER = 0x22 "MMS-EXTENDED-HEADER",
    TIME_DATE = 0x23 "TIME-DATE",
    MULTI_DISPLAY = 0x28 "MULTI-DISPLAY",
    MULTI_KEYPAD = 0x2C "MULTI-KEYPAD",
    FEATURE_ACTIVATE = 0x38 "FEATURE-ACTIVATE",
    FEATURE_INDICATE = 0x39 "FEATURE-INDICATE",
    NETWORK_PARAMETER = 0x41 "NETWORK-PARAMETER",
    EXT_HO_INDICATOR = 0x42 "EXT-HO-INDICATOR",
    ZAP_FIELD = 0x52 "ZAP-FIELD",
    SERVICE_CLASS = 0x54 "SERVICE-CLASS",
    KEY = 0x56 "KEY",
    REJECT_REASON = 0x60 "REJECT-REASON",
    SETUP_CAPABILITY = 0x62 "SETUP-CAPABILITY",
    TERMINAL_CAPABILITY = 0x63 "TERMINAL-CAPABILITY",
    END_TO_END_COMPATIBILITY = 0x64 "END-TO-END-COMPATIBILITY",
    RATE_PARAMETERS = 0x65 "RATE-PARAMETERS",
    TRANSIT_DELAY = 0x66 "TRANSIT-DELAY",
    WINDOW_SIZE = 0x67 "WINDOW-SIZE",
    ULE_MAC_CONFIGURATION = 0x68 "ULE-MAC-CONFIGURATION-INFO",
    CALLING_PARTY_NUMBER = 0x6C "CALLING-PARTY-NUMBER",
    CALLING_PARTY_NAME = 0x6D "CALLING-PARTY-NAME",
    CALLED_PARTY_NUMBER = 0x70 "CALLED-PARTY-NUMBER",
    CALLED_PARTY_SUBADDRESS = 0x71 "CALLED-PARTY-SUBADDR",
    DURATION = 0x72 "DURATION",
    CALLED_PARTY_NAME = 0x73 "CALLED-PARTY-NAME",
    LIST_CHANGE_DETAILS = 0x74 "LIST-CHANGE-DETAILS",
    SEGMENTED_INFO = 0x75 "SEGMENTED-INFO",
    ALPHANUMERIC = 0x76 "ALPHANUMERIC",
    IWU_TO_IWU = 0x77 "IWU-TO-IWU",
    MODEL_IDENTIFIER = 0x78 "MODEL-IDENTIFIER",
    IWU_PACKET = 0x7A "IWU-PACKET",
    ESCAPE_TO_PROPRIETARY = 0x7B "ESCAPE-TO-PROPRIETARY",
    CODEC_LIST = 0x7C "CODEC-LIST",
    EVENTS_NOTIFICATION = 0x7D "EVENTS-NOTIFICATION",
    CALL_INFORMATION = 0x7E "CALL-INFORMATION",
    SENDING_COMPLETE = 0xA1 "SENDING-COMPLETE",
    DELIMITER_REQUEST = 0xA2 "DELIMITER-REQUEST",
    USE_TPUI = 0xA3 "USE-TPUI",
    REPEAT_INDICATOR = 0xD0 "REPEAT-INDICATOR",
    BASIC_SERVICE = 0xE0 "BASIC-SERVICE",
    RELEASE_REASON = 0xE2 "RELEASE-REASON",
    SIGNAL = 0xE4 "SIGNAL",
    TIMER_RESTART = 0xE5 "TIMER-RESTART",
    TEST_HOOK_CONTROL = 0xE6 "TEST-HOOK-CONTROL",
    SINGLE_DISPLAY = 0xE8 "SINGLE-DISPLAY",
    SINGLE_KEYPAD = 0xE9 "SINGLE-KEYPAD",
}

impl Tag {
    /// The repeat indicator before a list whose members all count (7.5.6).
    pub const LIST: Self = Self(0xD1);
    /// The repeat indicator before a list of which one is to be chosen, the best first (7.5.6).
    pub const PRIORITISED_LIST: Self = Self(0xD2);

    /// Whether it announces a list. As a row of a table it is [`Tag::REPEAT_INDICATOR`].
    pub fn is_repeat_indicator(self) -> bool {
        self.0 & 0xF0 == Self::REPEAT_INDICATOR.0
    }

    /// Whether it has a length octet ("bit 8 = 0", 7.5.1).
    pub fn is_variable(self) -> bool {
        self.0 < 0x80
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "<<{name}>>"),
            None => write!(f, "element {:02X}", self.0),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
