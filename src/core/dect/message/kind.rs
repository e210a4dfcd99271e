//! Which message it is (EN 300 175-5, 7.4, and the directions of the tables in 6.3).

use std::fmt;

/// One of the two sides of the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The fixed side, FT: we.
    Fixed,
    /// The portable side, PT: a handset.
    Portable,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Fixed => Self::Portable,
            Self::Portable => Self::Fixed,
        }
    }
}

/// The protocol entity a message belongs to (protocol discriminator, 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Link control.
    Lce,
    /// Call control, with call related supplementary services.
    Cc,
    /// Call independent supplementary services.
    Ciss,
    /// Mobility management.
    Mm,
    /// Connectionless messages.
    Clms,
    /// Messages over a connection: texts.
    Coms,
}

impl Protocol {
    /// Its discriminator.
    pub fn code(self) -> u8 {
        match self {
            Self::Lce => 0,
            Self::Cc => 3,
            Self::Ciss => 4,
            Self::Mm => 5,
            Self::Clms => 6,
            Self::Coms => 7,
        }
    }

    /// By its discriminator.
    pub fn from_code(code: u8) -> Option<Self> {
        let all = [Self::Lce, Self::Cc, Self::Ciss, Self::Mm, Self::Clms, Self::Coms];
        all.into_iter().find(|protocol| protocol.code() == code)
    }

    /// The highest transaction value it may use (table 68); the extension is not supported.
    pub fn highest_value(self) -> u8 {
        match self {
            Self::Cc | Self::Ciss | Self::Coms => 6,
            Self::Lce | Self::Mm | Self::Clms => 0,
        }
    }
}

/// Who may send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Senders {
    /// Either side.
    Both,
    /// The fixed side only.
    Fixed,
    /// The portable side only.
    Portable,
}

impl Senders {
    /// Whether `side` is among them.
    pub fn include(self, side: Side) -> bool {
        match self {
            Self::Both => true,
            Self::Fixed => side == Side::Fixed,
            Self::Portable => side == Side::Portable,
        }
    }
}

macro_rules! kinds {
    ($($kind:ident $protocol:ident $code:literal $senders:ident $name:literal),* $(,)?) => {
        /// Which message.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`{", $name, "}`")] $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its protocol. FACILITY is at home in CC, and may also be sent in CISS.
            pub fn protocol(self) -> Protocol {
                match self { $(Self::$kind => Protocol::$protocol,)* }
            }

            /// Its message type octet.
            pub fn code(self) -> u8 {
                match self { $(Self::$kind => $code,)* }
            }

            /// Who may send it.
            pub fn senders(self) -> Senders {
                match self { $(Self::$kind => Senders::$senders,)* }
            }

            /// Its name in the standard.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    LcePageResponse Lce 0x71 Portable "LCE-PAGE-RESPONSE",
    LcePageReject Lce 0x72 Fixed "LCE-PAGE-REJECT",
    CcAlerting Cc 0x01 Both "CC-ALERTING",
    CcCallProc Cc 0x02 Fixed "CC-CALL-PROC",
    CcSetup Cc 0x05 Both "CC-SETUP",
    CcConnect Cc 0x07 Both "CC-CONNECT",
    CcSetupAck Cc 0x0D Fixed "CC-SETUP-ACK",
    CcConnectAck Cc 0x0F Both "CC-CONNECT-ACK",
    CcServiceChange Cc 0x20 Both "CC-SERVICE-CHANGE",
    CcServiceAccept Cc 0x21 Both "CC-SERVICE-ACCEPT",
    CcServiceReject Cc 0x23 Both "CC-SERVICE-REJECT",
    CcRelease Cc 0x4D Both "CC-RELEASE",
    CcReleaseCom Cc 0x5A Both "CC-RELEASE-COM",
    IwuInfo Cc 0x60 Both "IWU-INFO",
    CcNotify Cc 0x6E Fixed "CC-NOTIFY",
    CcInfo Cc 0x7B Both "CC-INFO",
    Hold Cc 0x24 Both "HOLD",
    HoldAck Cc 0x28 Both "HOLD-ACK",
    HoldReject Cc 0x30 Both "HOLD-REJECT",
    Retrieve Cc 0x31 Both "RETRIEVE",
    RetrieveAck Cc 0x33 Both "RETRIEVE-ACK",
    RetrieveReject Cc 0x37 Both "RETRIEVE-REJECT",
    Facility Cc 0x62 Both "FACILITY",
    CissReleaseCom Ciss 0x5A Both "CISS-RELEASE-COM",
    CissRegister Ciss 0x64 Both "CISS-REGISTER",
    ClmsVariable Clms 0x01 Both "CLMS-VARIABLE",
    ComsSetup Coms 0x05 Both "COMS-SETUP",
    ComsConnect Coms 0x07 Both "COMS-CONNECT",
    ComsNotify Coms 0x08 Fixed "COMS-NOTIFY",
    ComsRelease Coms 0x4D Both "COMS-RELEASE",
    ComsReleaseCom Coms 0x5A Both "COMS-RELEASE-COM",
    ComsInfo Coms 0x7B Both "COMS-INFO",
    ComsAck Coms 0x78 Both "COMS-ACK",
    AuthenticationRequest Mm 0x40 Both "AUTHENTICATION-REQUEST",
    AuthenticationReply Mm 0x41 Both "AUTHENTICATION-REPLY",
    KeyAllocate Mm 0x42 Fixed "KEY-ALLOCATE",
    AuthenticationReject Mm 0x43 Both "AUTHENTICATION-REJECT",
    AccessRightsRequest Mm 0x44 Portable "ACCESS-RIGHTS-REQUEST",
    AccessRightsAccept Mm 0x45 Fixed "ACCESS-RIGHTS-ACCEPT",
    AccessRightsReject Mm 0x47 Fixed "ACCESS-RIGHTS-REJECT",
    AccessRightsTerminateRequest Mm 0x48 Both "ACCESS-RIGHTS-TERMINATE-REQUEST",
    AccessRightsTerminateAccept Mm 0x49 Both "ACCESS-RIGHTS-TERMINATE-ACCEPT",
    AccessRightsTerminateReject Mm 0x4B Both "ACCESS-RIGHTS-TERMINATE-REJECT",
    CipherRequest Mm 0x4C Fixed "CIPHER-REQUEST",
    CipherSuggest Mm 0x4E Portable "CIPHER-SUGGEST",
    CipherReject Mm 0x4F Both "CIPHER-REJECT",
    MmInfoRequest Mm 0x50 Portable "MM-INFO-REQUEST",
    MmInfoAccept Mm 0x51 Fixed "MM-INFO-ACCEPT",
    MmInfoSuggest Mm 0x52 Fixed "MM-INFO-SUGGEST",
    MmInfoReject Mm 0x53 Fixed "MM-INFO-REJECT",
    LocateRequest Mm 0x54 Portable "LOCATE-REQUEST",
    LocateAccept Mm 0x55 Fixed "LOCATE-ACCEPT",
    Detach Mm 0x56 Portable "DETACH",
    LocateReject Mm 0x57 Fixed "LOCATE-REJECT",
    IdentityRequest Mm 0x58 Fixed "IDENTITY-REQUEST",
    IdentityReply Mm 0x59 Portable "IDENTITY-REPLY",
    MmIwu Mm 0x5B Both "MM-IWU",
    TemporaryIdentityAssign Mm 0x5C Fixed "TEMPORARY-IDENTITY-ASSIGN",
    TemporaryIdentityAssignAck Mm 0x5D Portable "TEMPORARY-IDENTITY-ASSIGN-ACK",
    TemporaryIdentityAssignRej Mm 0x5F Portable "TEMPORARY-IDENTITY-ASSIGN-REJ",
    MmNotify Mm 0x6E Fixed "MM-NOTIFY",
}

impl Kind {
    /// By protocol and message type octet.
    pub fn from_code(protocol: Protocol, code: u8) -> Option<Self> {
        match (protocol, code) {
            (Protocol::Ciss, 0x62) => Some(Self::Facility),
            _ => Self::ALL.iter().copied().find(|kind| kind.protocol() == protocol && kind.code() == code),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
