//! The numbers of OBL/1: types, tags and codes.

/// Types of frames. B is the base, S the switch.
#[allow(missing_docs)]
pub mod kind {
    pub const HELLO: u16 = 0x0101;
    pub const WELCOME: u16 = 0x0102;
    pub const REFUSE: u16 = 0x0103;
    pub const ENROL: u16 = 0x0104;
    pub const ENROL_CFM: u16 = 0x0105;
    pub const PING: u16 = 0x0106;
    pub const PONG: u16 = 0x0107;
    pub const GOODBYE: u16 = 0x0108;
    pub const ERROR: u16 = 0x0109;
    pub const RADIO_CONFIG: u16 = 0x0201;
    pub const RADIO_START: u16 = 0x0202;
    pub const RADIO_STOP: u16 = 0x0203;
    pub const RADIO_STATE: u16 = 0x0204;
    pub const BROADCAST_UPDATE: u16 = 0x0205;
    pub const SYNC_CONFIG: u16 = 0x0301;
    pub const SYNC_STATE: u16 = 0x0302;
    pub const NEIGHBOURS: u16 = 0x0303;
    pub const CAPACITY: u16 = 0x0401;
    pub const BUSY: u16 = 0x0402;
    pub const PAGE: u16 = 0x0501;
    pub const CONN_IND: u16 = 0x0502;
    pub const CONN_ACCEPT: u16 = 0x0503;
    pub const CONN_REJECT: u16 = 0x0504;
    pub const CONN_RELEASE: u16 = 0x0505;
    pub const CONN_DOWN: u16 = 0x0506;
    pub const NWK_DATA: u16 = 0x0507;
    pub const NWK_FLOW: u16 = 0x0508;
    pub const NWK_BCAST: u16 = 0x0509;
    pub const CIPHER_KEY: u16 = 0x0601;
    pub const CIPHER_STATE: u16 = 0x0602;
    pub const SLOT_CHANGE: u16 = 0x0701;
    pub const HO_IND: u16 = 0x0801;
    pub const HO_PREPARE: u16 = 0x0802;
    pub const HO_ACCEPT: u16 = 0x0803;
    pub const HO_REJECT: u16 = 0x0804;
    pub const HO_COMPLETE: u16 = 0x0805;
    pub const HO_FAILED: u16 = 0x0806;
    pub const HO_SUGGEST: u16 = 0x0807;
    pub const MEDIA_OPEN: u16 = 0x0901;
    pub const MEDIA_MODIFY: u16 = 0x0902;
    pub const MEDIA_CLOSE: u16 = 0x0903;
    pub const MEDIA_EVENT: u16 = 0x0904;
    pub const TONE: u16 = 0x0905;
    pub const STATS: u16 = 0x0A01;
    pub const LOG: u16 = 0x0A02;
    pub const FW_OFFER: u16 = 0x0A03;
    pub const REBOOT: u16 = 0x0A04;
    pub const LED: u16 = 0x0A05;
}

/// Tags of fields, by the page for makers of base stations.
#[allow(missing_docs)]
pub mod tag {
    pub const PROTO_MIN: u16 = 0x0001;
    pub const PROTO_MAX: u16 = 0x0002;
    pub const PROTO: u16 = 0x0003;
    pub const BASE_ID: u16 = 0x0004;
    pub const HW_MODEL: u16 = 0x0005;
    pub const FW_VERSION: u16 = 0x0006;
    pub const ROLE: u16 = 0x0007;
    pub const SLOT_PAIRS: u16 = 0x0008;
    pub const CODECS: u16 = 0x0009;
    pub const FEATURES: u16 = 0x000A;
    pub const SESSION_ID: u16 = 0x000B;
    pub const RESUME_TOKEN: u16 = 0x000C;
    pub const PING_MS: u16 = 0x000D;
    pub const DEAD_MS: u16 = 0x000E;
    pub const SERVER_TIME: u16 = 0x000F;
    pub const REASON: u16 = 0x0010;
    pub const TEXT: u16 = 0x0011;
    pub const FW_MIN: u16 = 0x0012;
    pub const FW_URL: u16 = 0x0013;
    pub const RETRY_S: u16 = 0x0014;
    pub const ERR_CODE: u16 = 0x0015;
    pub const ERR_SEQ: u16 = 0x0016;
    pub const TIMESTAMP: u16 = 0x0017;
    pub const POLICY: u16 = 0x0018;
    pub const RESUME_OK: u16 = 0x0019;
    pub const BOOT_REASON: u16 = 0x001A;
    pub const ENROL_TOKEN: u16 = 0x001B;
    pub const CSR: u16 = 0x001C;
    pub const CERT: u16 = 0x001D;
    pub const CA: u16 = 0x001E;
    pub const DEADLINE_S: u16 = 0x001F;
    pub const RFPI: u16 = 0x0020;
    pub const RPN: u16 = 0x0021;
    pub const HLC: u16 = 0x0022;
    pub const EXT_HLC: u16 = 0x0023;
    pub const EXT_HLC2: u16 = 0x0024;
    pub const VOICE_MAX: u16 = 0x0025;
    pub const VOICE_MAX_SRTP: u16 = 0x0026;
    pub const HO_RESERVE: u16 = 0x0027;
    pub const DLC_MODE: u16 = 0x0028;
    pub const STATE: u16 = 0x0029;
    pub const BUSY_BITS: u16 = 0x002A;
    pub const CARRIER_MASK: u16 = 0x002B;
    pub const TX_POWER: u16 = 0x002C;
    pub const SARI: u16 = 0x002D;
    pub const TIMEZONE: u16 = 0x002E;
    pub const DRAIN: u16 = 0x002F;
    pub const SYNC_MODE: u16 = 0x0030;
    pub const SYNC_ROLE: u16 = 0x0031;
    pub const SYNC_SOURCE: u16 = 0x0032;
    pub const SYNC_ALT: u16 = 0x0033;
    pub const PTP_DOMAIN: u16 = 0x0034;
    pub const SYNC_STATE: u16 = 0x0035;
    pub const OFFSET_NS: u16 = 0x0036;
    pub const HOPS: u16 = 0x0037;
    pub const SINCE: u16 = 0x0038;
    pub const NEIGHBOUR: u16 = 0x0039;
    pub const PAIRS_TOTAL: u16 = 0x0040;
    pub const PAIRS_FREE: u16 = 0x0041;
    pub const VOICE_USED: u16 = 0x0042;
    pub const SRTP_ACTIVE: u16 = 0x0043;
    pub const WIDEBAND_COST: u16 = 0x0044;
    pub const BLIND_MAP: u16 = 0x0045;
    pub const REPEATS: u16 = 0x0046;
    pub const CLUSTER: u16 = 0x0047;
    pub const QUEUED: u16 = 0x0048;
    pub const GROUP: u16 = 0x0049;
    pub const LEVEL: u16 = 0x004A;
    pub const FRAMES_GOOD: u16 = 0x004B;
    pub const FRAMES_BAD: u16 = 0x004C;
    pub const CONN_ID: u16 = 0x0050;
    pub const PMID: u16 = 0x0051;
    pub const SLOT_TYPE: u16 = 0x0052;
    pub const HO_FLAG: u16 = 0x0053;
    pub const PAGE_PDU: u16 = 0x0054;
    pub const PAGE_ID: u16 = 0x0055;
    pub const PDU: u16 = 0x0056;
    pub const SAPI: u16 = 0x0057;
    pub const RSSI: u16 = 0x0058;
    pub const NEW_CONN_ID: u16 = 0x0059;
    pub const KIND: u16 = 0x005A;
    pub const DLC_STATE: u16 = 0x005B;
    pub const ENC_WANTED: u16 = 0x005C;
    pub const DCK_PRESENT: u16 = 0x005D;
    pub const OLD_RPN: u16 = 0x005E;
    pub const FRAME_NO: u16 = 0x005F;
    pub const ALG: u16 = 0x0060;
    pub const CK_NUM: u16 = 0x0061;
    pub const DCK: u16 = 0x0062;
    pub const ELAPSED_MS: u16 = 0x0063;
    pub const DEADLINE_MS: u16 = 0x0064;
    pub const MEDIA_ID: u16 = 0x0070;
    pub const CODEC: u16 = 0x0071;
    pub const PT: u16 = 0x0072;
    pub const PTIME: u16 = 0x0073;
    pub const REMOTE: u16 = 0x0074;
    pub const LOCAL: u16 = 0x0075;
    pub const SRTP_SUITE: u16 = 0x0076;
    pub const TX_KEY: u16 = 0x0077;
    pub const RX_KEY: u16 = 0x0078;
    pub const DIR: u16 = 0x0079;
    pub const EVENT: u16 = 0x007A;
    pub const DTMF_PT: u16 = 0x007B;
    pub const JITTER_MS: u16 = 0x007C;
    pub const TONE: u16 = 0x007D;
    pub const DIGIT: u16 = 0x007E;
    pub const COUNTERS: u16 = 0x0080;
    pub const RESET: u16 = 0x0081;
    pub const SHA256: u16 = 0x0083;
    pub const WHEN: u16 = 0x0084;
    pub const PATTERN: u16 = 0x0085;

    /// All of them: what this base understands.
    pub const ALL: &[u16] = &[
        PROTO_MIN,
        PROTO_MAX,
        PROTO,
        BASE_ID,
        HW_MODEL,
        FW_VERSION,
        ROLE,
        SLOT_PAIRS,
        CODECS,
        FEATURES,
        SESSION_ID,
        RESUME_TOKEN,
        PING_MS,
        DEAD_MS,
        SERVER_TIME,
        REASON,
        TEXT,
        FW_MIN,
        FW_URL,
        RETRY_S,
        ERR_CODE,
        ERR_SEQ,
        TIMESTAMP,
        POLICY,
        RESUME_OK,
        BOOT_REASON,
        ENROL_TOKEN,
        CSR,
        CERT,
        CA,
        DEADLINE_S,
        RFPI,
        RPN,
        HLC,
        EXT_HLC,
        EXT_HLC2,
        VOICE_MAX,
        VOICE_MAX_SRTP,
        HO_RESERVE,
        DLC_MODE,
        STATE,
        BUSY_BITS,
        CARRIER_MASK,
        TX_POWER,
        SARI,
        TIMEZONE,
        DRAIN,
        SYNC_MODE,
        SYNC_ROLE,
        SYNC_SOURCE,
        SYNC_ALT,
        PTP_DOMAIN,
        SYNC_STATE,
        OFFSET_NS,
        HOPS,
        SINCE,
        NEIGHBOUR,
        PAIRS_TOTAL,
        PAIRS_FREE,
        VOICE_USED,
        SRTP_ACTIVE,
        WIDEBAND_COST,
        BLIND_MAP,
        REPEATS,
        CLUSTER,
        QUEUED,
        GROUP,
        LEVEL,
        FRAMES_GOOD,
        FRAMES_BAD,
        CONN_ID,
        PMID,
        SLOT_TYPE,
        HO_FLAG,
        PAGE_PDU,
        PAGE_ID,
        PDU,
        SAPI,
        RSSI,
        NEW_CONN_ID,
        KIND,
        DLC_STATE,
        ENC_WANTED,
        DCK_PRESENT,
        OLD_RPN,
        FRAME_NO,
        ALG,
        CK_NUM,
        DCK,
        ELAPSED_MS,
        DEADLINE_MS,
        MEDIA_ID,
        CODEC,
        PT,
        PTIME,
        REMOTE,
        LOCAL,
        SRTP_SUITE,
        TX_KEY,
        RX_KEY,
        DIR,
        EVENT,
        DTMF_PT,
        JITTER_MS,
        TONE,
        DIGIT,
        COUNTERS,
        RESET,
        SHA256,
        WHEN,
        PATTERN,
    ];
}

/// Codes of ERROR.
#[allow(missing_docs)]
pub mod error {
    pub const UNKNOWN_TYPE: u16 = 1;
    pub const UNKNOWN_CRITICAL: u16 = 2;
    pub const BAD_TLV: u16 = 3;
    pub const WRONG_STATE: u16 = 4;
    pub const NO_SUCH_CONN: u16 = 5;
    pub const NO_SUCH_MEDIA: u16 = 6;
    pub const NO_CHANNEL: u16 = 7;
    pub const NOT_SYNCED: u16 = 8;
    pub const TIMEOUT: u16 = 9;
    pub const UNSUPPORTED_CODEC: u16 = 10;
    pub const CRYPTO: u16 = 11;
    pub const INTERNAL: u16 = 12;
}

/// Reasons of REFUSE that are looked for.
#[allow(missing_docs)]
pub mod refuse {
    pub const PROTOCOL: u16 = 1;
    pub const FIRMWARE_TOO_OLD: u16 = 2;
    pub const NOT_ENROLLED: u16 = 4;
    pub const BAD_TOKEN: u16 = 7;
}

/// States of SYNC_STATE.
#[allow(missing_docs)]
pub mod sync {
    pub const OFF: u8 = 0;
    pub const SEARCHING: u8 = 1;
    pub const LOCKED: u8 = 2;
    pub const FREE_RUNNING: u8 = 3;
    pub const ASSISTED: u8 = 4;
    pub const LOST: u8 = 5;
    pub const MASTER: u8 = 6;
}

/// States of RADIO_STATE.
#[allow(missing_docs)]
pub mod radio_state {
    pub const OFF: u8 = 0;
    pub const STARTING: u8 = 1;
    pub const ON: u8 = 2;
    pub const DRAINING: u8 = 3;
}

/// Reasons of CONN_RELEASE and CONN_DOWN, and of CONN_REJECT.
#[allow(missing_docs)]
pub mod reason {
    pub const RELEASE_NORMAL: u16 = 1;
    pub const RELEASE_HANDOVER: u16 = 2;
    pub const DOWN_NORMAL: u16 = 1;
    pub const DOWN_LOST: u16 = 2;
    pub const DOWN_TIMEOUT: u16 = 3;
    pub const DOWN_HANDOVER: u16 = 4;
    pub const REJECT_BUSY: u16 = 1;
    pub const REJECT_SYNC: u16 = 3;
    pub const REJECT_MAINTENANCE: u16 = 4;
}
