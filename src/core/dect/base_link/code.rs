//! Enumerated values. A value that does not exist makes a bad field; a reason that does not exist is kept,
//! since a newer peer may have more of them.

use serde::{Deserialize, Serialize};

use super::value::Value;

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $value:ident = $code:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $value = $code,)* }

        impl $name {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$value),*];
        }

        impl Value for $name {
            fn read(octets: &[u8]) -> Option<Self> {
                match octets {
                    $([$code] => Some(Self::$value),)*
                    _ => None,
                }
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }
        }
    )*};
}

values! {
    /// What kind of unit is at the other end.
    Role {
        /// A base station.
        Base = 1,
        /// A media resource.
        Media = 2,
    }
    /// Why a base station started.
    BootReason {
        /// It does not know.
        Unknown = 0,
        /// Power came.
        Power = 1,
        /// The switch or a person wanted it.
        Ordered = 2,
        /// Its watchdog bit.
        Watchdog = 3,
        /// New firmware.
        Firmware = 4,
        /// The button on it.
        Button = 5,
    }
    /// Coding of speech on a media stream.
    Codec {
        /// G.726, 32 kbit/s, packed as RFC 3551 says.
        G726 = 1,
        /// G.711 A-law.
        Pcma = 2,
        /// G.711 µ-law.
        Pcmu = 3,
        /// G.722.
        G722 = 4,
    }
    /// How base stations keep time.
    SyncMode {
        /// From the radio of another.
        Air = 1,
        /// From the wired network.
        Ptp = 2,
        /// A single one needs none.
        None = 3,
    }
    /// Who gives time and who takes it.
    SyncRole {
        /// Gives it.
        Master = 1,
        /// Takes it.
        Slave = 2,
    }
    /// How a base station's time stands.
    SyncState {
        /// The radio is off.
        Off = 0,
        /// Looks for its source.
        Searching = 1,
        /// Follows its source.
        Locked = 2,
        /// Has not heard its source for a while and goes on by its own clock.
        FreeRunning = 3,
        /// Follows others than its source.
        Assisted = 4,
        /// Drifted too far.
        Lost = 5,
        /// Is the source.
        Master = 6,
    }
    /// State of a radio.
    RadioState {
        /// Off.
        Off = 0,
        /// Starting.
        Starting = 1,
        /// On.
        On = 2,
        /// Takes no new calls, and goes off when the last has ended.
        Draining = 3,
        /// Broken.
        Fault = 4,
    }
    /// Whether a connection takes more messages of the network layer.
    Flow {
        /// Wait.
        Stop = 0,
        /// Go on.
        Go = 1,
    }
    /// Whether a connection is ciphered.
    CipherState {
        /// In the clear.
        Clear = 0,
        /// Ciphered.
        Encrypted = 1,
        /// Could not be.
        Failed = 2,
    }
    /// Width of a bearer.
    SlotType {
        /// 32 kbit/s.
        Full = 1,
        /// 64 kbit/s, 640 bits.
        Long = 2,
    }
    /// The service of the data link layer.
    Sapi {
        /// Connection oriented.
        Co = 0,
        /// Connectionless.
        Cl = 3,
    }
    /// How a handset changes its base station.
    HandoverKind {
        /// The bearer moves within one connection.
        Bearer = 1,
        /// A new connection, while the old one lives.
        Connection = 2,
        /// The old one is gone.
        Involuntary = 3,
    }
    /// Cipher of the air.
    CipherAlgorithm {
        /// DECT standard cipher, 64 bits.
        Dsc = 1,
        /// DECT standard cipher 2, 128 bits.
        Dsc2 = 2,
    }
    /// Protection of a media stream (RFC 4568, 6.2).
    SrtpSuite {
        /// AES_CM_128_HMAC_SHA1_80
        AesCm80 = 1,
        /// AES_CM_128_HMAC_SHA1_32
        AesCm32 = 2,
    }
    /// What happened on a media stream.
    MediaHappening {
        /// Nothing came for a while.
        RtpTimeout = 1,
        /// The first packet came.
        FirstRtp = 2,
        /// A key press came, RFC 4733.
        Dtmf = 3,
        /// More came than can be played.
        Overrun = 4,
    }
    /// When to do what is ordered.
    When {
        /// When no call is up.
        Idle = 0,
        /// At once.
        Now = 1,
    }
    /// What the lamp of a base station shows.
    Lamp {
        /// Its state.
        Normal = 0,
        /// Blinks, so that people find it.
        Find = 1,
        /// Dark.
        Dark = 2,
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $value:ident = $code:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u16);

        impl $name {
            $($(#[$vdoc])* #[doc = concat!("\n\n", $text)] pub const $value: Self = Self($code);)*
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.0 { $($code => f.write_str($text),)* other => write!(f, "reason {other}") }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }

        impl Value for $name {
            fn read(octets: &[u8]) -> Option<Self> {
                Value::read(octets).map(Self)
            }
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    )*};
}

reasons! {
    /// Code of an ERROR.
    ErrorCode {
        /// 1
        UNKNOWN_TYPE = 1 "unknown-type",
        /// 2
        UNKNOWN_CRITICAL = 2 "unknown-critical",
        /// 3
        BAD_TLV = 3 "bad-tlv",
        /// 4
        WRONG_STATE = 4 "wrong-state",
        /// 5
        NO_SUCH_CONN = 5 "no-such-conn",
        /// 6
        NO_SUCH_MEDIA = 6 "no-such-media",
        /// 7
        NO_CHANNEL = 7 "no-channel",
        /// 8
        NOT_SYNCED = 8 "not-synced",
        /// 9
        TIMEOUT = 9 "timeout",
        /// 10
        UNSUPPORTED_CODEC = 10 "unsupported-codec",
        /// 11
        CRYPTO = 11 "crypto",
        /// 12
        INTERNAL = 12 "internal",
    }
    /// Why a base station is refused.
    RefuseReason {
        /// No common version.
        PROTOCOL = 1 "protocol version",
        /// Below the gate.
        FIRMWARE_TOO_OLD = 2 "firmware too old",
        /// Not of the form that can be compared.
        FIRMWARE_UNKNOWN = 3 "firmware unknown",
        /// It has no certificate of ours.
        NOT_ENROLLED = 4 "not enrolled",
        /// The certificate's name is not its BASE_ID, or its key is not the one enrolled.
        STOLEN_ID = 5 "certificate is another's",
        /// It has a link that lives.
        DUPLICATE = 6 "another link of this base station lives",
        /// Used, expired or never given.
        BAD_TOKEN = 7 "token is not valid",
        /// No room for more.
        TOO_MANY = 8 "too many base stations",
        /// The switch stops or cannot now.
        NOT_NOW = 9 "not now",
        /// What it said is no HELLO or ENROL.
        BAD_WORD = 10 "bad word",
        /// An administrator has put it out of use.
        OUT_OF_USE = 11 "taken out of use",
    }
    /// Why a link ends.
    GoodbyeReason {
        /// Octets that are no frames, or words out of order.
        PROTOCOL = 1 "protocol",
        /// The other end stops.
        SHUTDOWN = 2 "shut down",
        /// A newer link of the same base station.
        REPLACED = 3 "replaced by a new link",
        /// More than can be taken.
        TOO_MUCH = 4 "too much",
        /// Nothing heard.
        DEAD = 5 "dead",
        /// The other end starts anew.
        REBOOT = 6 "reboot",
        /// An administrator has put it out of use.
        OUT_OF_USE = 7 "taken out of use",
        /// A fault of its own.
        INTERNAL = 8 "internal",
    }
    /// Why a radio is in its state.
    RadioReason {
        /// None given.
        NONE = 0 "none",
        /// Hardware.
        HARDWARE = 1 "hardware",
        /// No synchronisation.
        NO_SYNC = 2 "no synchronisation",
        /// The switch wanted it.
        ORDERED = 3 "ordered",
        /// Too hot.
        TOO_HOT = 4 "too hot",
    }
    /// Why a connection is not taken.
    RejectReason {
        /// No channel.
        BUSY = 1 "busy",
        /// No such handset.
        UNKNOWN = 2 "unknown",
        /// Not synchronised.
        SYNC = 3 "not synchronised",
        /// Out of use for now.
        MAINTENANCE = 4 "maintenance",
    }
    /// Why the switch releases a connection.
    ReleaseReason {
        /// In order.
        NORMAL = 1 "normal",
        /// The handset has moved.
        HANDOVER = 2 "handover",
        /// Something went wrong.
        ABNORMAL = 3 "abnormal",
    }
    /// Why a connection is gone.
    DownReason {
        /// In order.
        NORMAL = 1 "normal",
        /// The radio lost it.
        LOST = 2 "lost",
        /// The handset said nothing.
        TIMEOUT = 3 "timeout",
        /// The handset has moved.
        HANDOVER = 4 "handover",
    }
    /// Why ciphering is in its state.
    CipherReason {
        /// None given.
        NONE = 0 "none",
        /// The handset will not.
        REFUSED = 1 "the handset refuses",
        /// The handset does not answer.
        TIMEOUT = 2 "timeout",
        /// The base station was given no key.
        NO_KEY = 3 "no key",
    }
    /// Why a handover failed at the new base station.
    HandoverFailure {
        /// The new bearer was lost.
        LOST = 1 "bearer lost",
        /// The handset did not come.
        TIMEOUT = 2 "timeout",
        /// It could not be ciphered.
        CIPHER = 3 "cipher",
        /// The handset went back.
        WENT_BACK = 4 "gone back",
    }
}
