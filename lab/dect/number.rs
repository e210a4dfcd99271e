//! Numbers of the network layer (EN 300 175-5, clause 7).

/// Protocol discriminators.
#[allow(missing_docs)]
pub mod pd {
    pub const LCE: u8 = 0;
    pub const CC: u8 = 3;
    pub const CISS: u8 = 4;
    pub const MM: u8 = 5;
    pub const CLMS: u8 = 6;
    pub const COMS: u8 = 7;
}

/// Message types.
#[allow(missing_docs)]
pub mod msg {
    pub const CC_ALERTING: u8 = 0x01;
    pub const CLMS_VARIABLE: u8 = 0x01;
    pub const CC_CALL_PROC: u8 = 0x02;
    pub const CC_SETUP: u8 = 0x05;
    pub const CC_CONNECT: u8 = 0x07;
    pub const CC_SETUP_ACK: u8 = 0x0D;
    pub const CC_CONNECT_ACK: u8 = 0x0F;
    pub const CC_SERVICE_CHANGE: u8 = 0x20;
    pub const CC_SERVICE_ACCEPT: u8 = 0x21;
    pub const CC_SERVICE_REJECT: u8 = 0x23;
    pub const AUTHENTICATION_REQUEST: u8 = 0x40;
    pub const AUTHENTICATION_REPLY: u8 = 0x41;
    pub const KEY_ALLOCATE: u8 = 0x42;
    pub const AUTHENTICATION_REJECT: u8 = 0x43;
    pub const ACCESS_RIGHTS_REQUEST: u8 = 0x44;
    pub const ACCESS_RIGHTS_ACCEPT: u8 = 0x45;
    pub const ACCESS_RIGHTS_REJECT: u8 = 0x47;
    pub const ACCESS_RIGHTS_TERMINATE_REQUEST: u8 = 0x48;
    pub const ACCESS_RIGHTS_TERMINATE_ACCEPT: u8 = 0x49;
    pub const ACCESS_RIGHTS_TERMINATE_REJECT: u8 = 0x4B;
    pub const CIPHER_REQUEST: u8 = 0x4C;
    pub const CC_RELEASE: u8 = 0x4D;
    pub const CIPHER_SUGGEST: u8 = 0x4E;
    pub const CIPHER_REJECT: u8 = 0x4F;
    pub const MM_INFO_REQUEST: u8 = 0x50;
    pub const MM_INFO_ACCEPT: u8 = 0x51;
    pub const MM_INFO_SUGGEST: u8 = 0x52;
    pub const MM_INFO_REJECT: u8 = 0x53;
    pub const LOCATE_REQUEST: u8 = 0x54;
    pub const LOCATE_ACCEPT: u8 = 0x55;
    pub const DETACH: u8 = 0x56;
    pub const LOCATE_REJECT: u8 = 0x57;
    pub const IDENTITY_REQUEST: u8 = 0x58;
    pub const IDENTITY_REPLY: u8 = 0x59;
    pub const CC_RELEASE_COM: u8 = 0x5A;
    pub const CISS_RELEASE_COM: u8 = 0x5A;
    pub const MM_IWU: u8 = 0x5B;
    pub const TEMPORARY_IDENTITY_ASSIGN: u8 = 0x5C;
    pub const TEMPORARY_IDENTITY_ASSIGN_ACK: u8 = 0x5D;
    pub const TEMPORARY_IDENTITY_ASSIGN_REJ: u8 = 0x5F;
    pub const IWU_INFO: u8 = 0x60;
    pub const FACILITY: u8 = 0x62;
    pub const CISS_REGISTER: u8 = 0x64;
    pub const CC_NOTIFY: u8 = 0x6E;
    pub const MM_NOTIFY: u8 = 0x6E;
    pub const LCE_PAGE_RESPONSE: u8 = 0x71;
    pub const LCE_PAGE_REJECT: u8 = 0x72;
    pub const CC_INFO: u8 = 0x7B;
    pub const COMS_SETUP: u8 = 0x05;
    pub const COMS_CONNECT: u8 = 0x07;
    pub const COMS_RELEASE: u8 = 0x4D;
    pub const COMS_RELEASE_COM: u8 = 0x5A;
    pub const COMS_ACK: u8 = 0x78;
    pub const COMS_INFO: u8 = 0x7B;
}

/// Information elements.
#[allow(missing_docs)]
pub mod ie {
    pub const INFO_TYPE: u8 = 0x01;
    pub const IDENTITY_TYPE: u8 = 0x02;
    pub const PORTABLE_IDENTITY: u8 = 0x05;
    pub const FIXED_IDENTITY: u8 = 0x06;
    pub const LOCATION_AREA: u8 = 0x07;
    pub const AUTH_TYPE: u8 = 0x0A;
    pub const ALLOCATION_TYPE: u8 = 0x0B;
    pub const RAND: u8 = 0x0C;
    pub const RES: u8 = 0x0D;
    pub const RS: u8 = 0x0E;
    pub const IWU_ATTRIBUTES: u8 = 0x12;
    pub const SERVICE_CHANGE_INFO: u8 = 0x16;
    pub const CIPHER_INFO: u8 = 0x19;
    pub const PROGRESS_INDICATOR: u8 = 0x1E;
    pub const MULTI_DISPLAY: u8 = 0x28;
    pub const MULTI_KEYPAD: u8 = 0x2C;
    pub const REJECT_REASON: u8 = 0x60;
    pub const TERMINAL_CAPABILITY: u8 = 0x63;
    pub const CALLING_PARTY_NUMBER: u8 = 0x6C;
    pub const CALLING_PARTY_NAME: u8 = 0x6D;
    pub const CALLED_PARTY_NUMBER: u8 = 0x70;
    pub const CALLED_PARTY_NAME: u8 = 0x73;
    pub const SEGMENTED_INFO: u8 = 0x75;
    pub const ALPHANUMERIC: u8 = 0x76;
    pub const MODEL_IDENTIFIER: u8 = 0x78;
    pub const CODEC_LIST: u8 = 0x7C;
    pub const EVENTS_NOTIFICATION: u8 = 0x7D;
    pub const USE_TPUI: u8 = 0xA3;
    pub const BASIC_SERVICE: u8 = 0xE0;
    pub const RELEASE_REASON: u8 = 0xE2;
    pub const SIGNAL: u8 = 0xE4;
    pub const SINGLE_DISPLAY: u8 = 0xE8;
}

/// Release reasons that these emulators give or look for.
#[allow(missing_docs)]
pub mod release {
    pub const NORMAL: u8 = 0x00;
    pub const UNEXPECTED_MESSAGE: u8 = 0x01;
    pub const UNKNOWN_TI: u8 = 0x02;
    pub const TIMER_EXPIRY: u8 = 0x0D;
    pub const PARTIAL_RELEASE: u8 = 0x0E;
    pub const USER_BUSY: u8 = 0x14;
    pub const USER_REJECTION: u8 = 0x15;
    pub const INSUFFICIENT_RESOURCES: u8 = 0x32;
    pub const INSUFFICIENT_BEARERS: u8 = 0x33;
}
