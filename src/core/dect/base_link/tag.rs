//! The numbers of fields.

use std::fmt;

/// Which field: the lower 15 bits of what stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

macro_rules! tags {
    ($($name:ident = $value:literal),* $(,)?) => {
        impl Tag {
            $(#[doc = concat!("`", stringify!($name), "`")] pub const $name: Self = Self($value);)*

            /// Its name in `docs/base-link.md`.
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some(stringify!($name)),)* _ => None }
            }

            /// All that have a name.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

tags! {
    PROTO_MIN = 0x0001,
    PROTO_MAX = 0x0002,
    PROTO = 0x0003,
    BASE_ID = 0x0004,
    HW_MODEL = 0x0005,
    FW_VERSION = 0x0006,
    ROLE = 0x0007,
    SLOT_PAIRS = 0x0008,
    CODECS = 0x0009,
    FEATURES = 0x000A,
    SESSION_ID = 0x000B,
    RESUME_TOKEN = 0x000C,
    PING_MS = 0x000D,
    DEAD_MS = 0x000E,
    SERVER_TIME = 0x000F,
    REASON = 0x0010,
    TEXT = 0x0011,
    FW_MIN = 0x0012,
    FW_URL = 0x0013,
    RETRY_S = 0x0014,
    ERR_CODE = 0x0015,
    ERR_SEQ = 0x0016,
    TIMESTAMP = 0x0017,
    POLICY = 0x0018,
    RESUME_OK = 0x0019,
    BOOT_REASON = 0x001A,
    ENROL_TOKEN = 0x001B,
    CSR = 0x001C,
    CERT = 0x001D,
    CA = 0x001E,
    DEADLINE_S = 0x001F,
    RFPI = 0x0020,
    RPN = 0x0021,
    HLC = 0x0022,
    EXT_HLC = 0x0023,
    EXT_HLC2 = 0x0024,
    VOICE_MAX = 0x0025,
    VOICE_MAX_SRTP = 0x0026,
    HO_RESERVE = 0x0027,
    DLC_MODE = 0x0028,
    STATE = 0x0029,
    BUSY_BITS = 0x002A,
    CARRIER_MASK = 0x002B,
    TX_POWER = 0x002C,
    SARI = 0x002D,
    TIMEZONE = 0x002E,
    DRAIN = 0x002F,
    SYNC_MODE = 0x0030,
    SYNC_ROLE = 0x0031,
    SYNC_SOURCE = 0x0032,
    SYNC_ALT = 0x0033,
    PTP_DOMAIN = 0x0034,
    SYNC_STATE = 0x0035,
    OFFSET_NS = 0x0036,
    HOPS = 0x0037,
    SINCE = 0x0038,
    NEIGHBOUR = 0x0039,
    PAIRS_TOTAL = 0x0040,
    PAIRS_FREE = 0x0041,
    VOICE_USED = 0x0042,
    SRTP_ACTIVE = 0x0043,
    WIDEBAND_COST = 0x0044,
    BLIND_MAP = 0x0045,
    REPEATS = 0x0046,
    CLUSTER = 0x0047,
    QUEUED = 0x0048,
    GROUP = 0x0049,
    LEVEL = 0x004A,
    FRAMES_GOOD = 0x004B,
    FRAMES_BAD = 0x004C,
    CONN_ID = 0x0050,
    PMID = 0x0051,
    SLOT_TYPE = 0x0052,
    HO_FLAG = 0x0053,
    PAGE_PDU = 0x0054,
    PAGE_ID = 0x0055,
    PDU = 0x0056,
    SAPI = 0x0057,
    RSSI = 0x0058,
    NEW_CONN_ID = 0x0059,
    KIND = 0x005A,
    DLC_STATE = 0x005B,
    ENC_WANTED = 0x005C,
    DCK_PRESENT = 0x005D,
    OLD_RPN = 0x005E,
    FRAME_NO = 0x005F,
    ALG = 0x0060,
    CK_NUM = 0x0061,
    DCK = 0x0062,
    ELAPSED_MS = 0x0063,
    DEADLINE_MS = 0x0064,
    MEDIA_ID = 0x0070,
    CODEC = 0x0071,
    PT = 0x0072,
    PTIME = 0x0073,
    REMOTE = 0x0074,
    LOCAL = 0x0075,
    SRTP_SUITE = 0x0076,
    TX_KEY = 0x0077,
    RX_KEY = 0x0078,
    DIR = 0x0079,
    EVENT = 0x007A,
    DTMF_PT = 0x007B,
    JITTER_MS = 0x007C,
    TONE = 0x007D,
    DIGIT = 0x007E,
    COUNTERS = 0x0080,
    RESET = 0x0081,
    SHA256 = 0x0083,
    WHEN = 0x0084,
    PATTERN = 0x0085,
}

impl Tag {
    /// Whether it has a name.
    pub fn is_known(self) -> bool {
        self.name().is_some()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "field {:04X}", self.0),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
