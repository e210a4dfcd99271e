//! One struct for each message (`docs/base-link.md`, "Messages"). A field that is no `Option` or `Vec` is
//! mandatory.

use std::net::SocketAddr;

use super::code::*;
use super::field::{Carried, Fault, Fields};
use super::frame::MessageType;
use super::tag::Tag;
use super::value::{
    BaseId, ConnId, Counters, Der, DlcState, MediaId, Neighbour, Octets, PagePdu, Pdu, Pmid, Value,
};
use crate::dect::identity::Rfpi;
use crate::pii::Pii;

/// A message with its fields.
pub trait Body: Sized {
    /// Its type.
    const TYPE: MessageType;
    /// Reads its fields.
    fn read(fields: Fields<'_>) -> Result<Self, Fault>;
    /// Appends its fields.
    fn write(&self, out: &mut Vec<u8>);
}

macro_rules! words {
    ($($(#[$doc:meta])* $code:literal $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty = $tag:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }

        impl Body for $name {
            const TYPE: MessageType = MessageType($code);
            #[allow(unused_variables, reason = "some messages have no fields")]
            fn read(fields: Fields<'_>) -> Result<Self, Fault> {
                Ok(Self { $($field: Carried::take(fields, Tag::$tag)?,)* })
            }
            #[allow(unused_variables, reason = "some messages have no fields")]
            fn write(&self, out: &mut Vec<u8>) {
                $(Carried::give(&self.$field, Tag::$tag, out);)*
            }
        }
    )*};
}

/// Codecs a unit has, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Codecs(pub Vec<Codec>);

/// Codings that do not exist are left out: a newer unit may have more.
impl Value for Codecs {
    fn read(octets: &[u8]) -> Option<Self> {
        (octets.len() <= 32).then(|| Self(octets.iter().filter_map(|code| Codec::read(&[*code])).collect()))
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|codec| codec.write(out));
    }
}

/// Bits of FEATURES.
pub mod feature {
    /// SRTP.
    pub const SRTP: u32 = 1;
    /// DSC2.
    pub const DSC2: u32 = 2;
    /// Long slots.
    pub const LONG_SLOTS: u32 = 4;
    /// PTP.
    pub const PTP: u32 = 8;
}

/// Bits of BUSY_BITS.
pub mod busy {
    /// No speech here.
    pub const SPEECH: u8 = 1;
    /// Nothing here.
    pub const SYSTEM: u8 = 2;
}

/// Bits of DIR, seen from the base station.
pub mod dir {
    /// It sends.
    pub const SENDS: u8 = 1;
    /// It receives.
    pub const RECEIVES: u8 = 2;
    /// Both.
    pub const BOTH: u8 = 3;
}

/// Key and salt of SRTP.
pub type SrtpKey = Pii<[u8; 30]>;
/// A derived cipher key of 8 or 16 octets.
pub type CipherKeyOctets = Pii<Octets<8, 16>>;

words! {
    /// Who I am.
    0x0101 Hello {
        /// Lowest version it speaks.
        proto_min: u16 = PROTO_MIN,
        /// Highest version it speaks.
        proto_max: u16 = PROTO_MAX,
        /// Its MAC address.
        base_id: BaseId = BASE_ID,
        /// Maker and model.
        hw_model: String = HW_MODEL,
        /// Firmware, as `PCS12A_`.
        fw_version: String = FW_VERSION,
        /// Base station or media resource.
        role: Role = ROLE,
        /// Slot pairs of its radio.
        slot_pairs: Option<u8> = SLOT_PAIRS,
        /// Its codecs.
        codecs: Option<Codecs> = CODECS,
        /// Bits of [`feature`].
        features: Option<u32> = FEATURES,
        /// Why it started.
        boot_reason: Option<BootReason> = BOOT_REASON,
        /// The session it wants to go on with.
        resume_token: Option<Pii<[u8; 16]>> = RESUME_TOKEN,
        /// Its live connections, with a RESUME_TOKEN.
        live: Vec<ConnId> = CONN_ID,
    }
    /// Come in.
    0x0102 Welcome {
        /// The version from here on.
        proto: u16 = PROTO,
        /// Name of this session.
        session_id: [u8; 16] = SESSION_ID,
        /// With this the base station can come back.
        resume_token: Option<Pii<[u8; 16]>> = RESUME_TOKEN,
        /// How often each end sends PING.
        ping_ms: u16 = PING_MS,
        /// After how long without a word the other end is dead.
        dead_ms: u16 = DEAD_MS,
        /// Wall clock, ms since 1970.
        server_time: u64 = SERVER_TIME,
        /// How long calls outlive a lost link, ms.
        policy: u32 = POLICY,
        /// Whether the session of the RESUME_TOKEN goes on.
        resume_ok: Option<bool> = RESUME_OK,
        /// Connections that both ends have. The base station releases all others.
        live: Vec<ConnId> = CONN_ID,
    }
    /// Not you, or not like this. The link closes.
    0x0103 Refuse {
        /// Why.
        reason: RefuseReason = REASON,
        /// The oldest firmware that is taken.
        fw_min: Option<String> = FW_MIN,
        /// Where newer firmware is.
        fw_url: Option<String> = FW_URL,
        /// Try again after so many seconds.
        retry_s: Option<u16> = RETRY_S,
        /// For people.
        text: Option<String> = TEXT,
    }
    /// Give me a certificate.
    0x0104 Enrol {
        /// The one-time token.
        enrol_token: Pii<String> = ENROL_TOKEN,
        /// PKCS#10 request, DER.
        csr: Der = CSR,
    }
    /// Here is your certificate.
    0x0105 EnrolCfm {
        /// X.509, DER.
        cert: Der = CERT,
        /// Who signed it, and the switch's own; DER.
        ca: Der = CA,
    }
    /// Are you there?
    0x0106 Ping {
        /// Comes back as it is.
        timestamp: u64 = TIMESTAMP,
    }
    /// I am.
    0x0107 Pong {
        /// That of the PING.
        timestamp: u64 = TIMESTAMP,
    }
    /// The link ends.
    0x0108 Goodbye {
        /// Why.
        reason: GoodbyeReason = REASON,
        /// Try again after so many seconds.
        retry_s: Option<u16> = RETRY_S,
    }
    /// What you said cannot be done.
    0x0109 LinkError {
        /// Why.
        code: ErrorCode = ERR_CODE,
        /// Which frame of yours.
        seq: Option<u32> = ERR_SEQ,
        /// For people.
        text: Option<String> = TEXT,
    }
    /// How the radio is to be.
    0x0201 RadioConfig {
        /// What it broadcasts.
        rfpi: Rfpi = RFPI,
        /// Its number in the system.
        rpn: u8 = RPN,
        /// Bit n: carrier n may be used.
        carrier_mask: u16 = CARRIER_MASK,
        /// dBm.
        tx_power: i8 = TX_POWER,
        /// Higher layer capabilities, a32 to a47.
        hlc: [u8; 2] = HLC,
        /// Extended capabilities.
        ext_hlc: [u8; 4] = EXT_HLC,
        /// Extended capabilities, part 2.
        ext_hlc2: [u8; 4] = EXT_HLC2,
        /// Most calls.
        voice_max: u8 = VOICE_MAX,
        /// Most calls when all have SRTP.
        voice_max_srtp: u8 = VOICE_MAX_SRTP,
        /// Channels kept for handover.
        ho_reserve: u8 = HO_RESERVE,
        /// 0: the base station ends the data link.
        dlc_mode: u8 = DLC_MODE,
        /// Other systems' rights that are honoured here.
        sari: Vec<Rfpi> = SARI,
        /// Minutes east of UTC.
        timezone: Option<i16> = TIMEZONE,
    }
    /// Radio on.
    0x0202 RadioStart {
        /// Gives time or takes it.
        sync_role: Option<SyncRole> = SYNC_ROLE,
    }
    /// Radio off.
    0x0203 RadioStop {
        /// Calls may end first.
        drain: Option<bool> = DRAIN,
        /// But not longer than this, seconds.
        deadline_s: Option<u16> = DEADLINE_S,
    }
    /// The radio is so.
    0x0204 RadioStateTold {
        /// How.
        state: RadioState = STATE,
        /// Why.
        reason: Option<RadioReason> = REASON,
    }
    /// Broadcast this from now on.
    0x0205 BroadcastUpdate {
        /// Higher layer capabilities.
        hlc: Option<[u8; 2]> = HLC,
        /// Extended capabilities.
        ext_hlc: Option<[u8; 4]> = EXT_HLC,
        /// Extended capabilities, part 2.
        ext_hlc2: Option<[u8; 4]> = EXT_HLC2,
        /// Bits of [`busy`].
        busy_bits: Option<u8> = BUSY_BITS,
    }
    /// Take time from here.
    0x0301 SyncConfig {
        /// By air or wire.
        mode: Option<SyncMode> = SYNC_MODE,
        /// Gives or takes.
        role: Option<SyncRole> = SYNC_ROLE,
        /// Radios to follow, the best first.
        source: Vec<u8> = SYNC_SOURCE,
        /// Radios to follow when that one is lost, the best first.
        alternatives: Vec<u8> = SYNC_ALT,
        /// PTP domain.
        ptp_domain: Option<u8> = PTP_DOMAIN,
    }
    /// My time stands so.
    0x0302 SyncTold {
        /// How.
        state: SyncState = SYNC_STATE,
        /// Whom it follows.
        source: Option<u8> = SYNC_SOURCE,
        /// How loud that one is, dBm.
        rssi: Option<i8> = RSSI,
        /// How far it is off.
        offset_ns: Option<i32> = OFFSET_NS,
        /// Steps to the master.
        hops: Option<u8> = HOPS,
        /// Since when, ms since 1970.
        since: Option<u64> = SINCE,
    }
    /// I hear these.
    0x0303 Neighbours {
        /// Every 30 s.
        heard: Vec<Neighbour> = NEIGHBOUR,
    }
    /// So much room is left.
    0x0401 Capacity {
        /// Slot pairs.
        pairs_total: u8 = PAIRS_TOTAL,
        /// Free ones.
        pairs_free: u8 = PAIRS_FREE,
        /// Calls.
        voice_used: u8 = VOICE_USED,
        /// Most calls.
        voice_max: u8 = VOICE_MAX,
        /// Slot pairs that a wideband call takes.
        wideband_cost: u8 = WIDEBAND_COST,
        /// How many calls have SRTP.
        srtp_active: u8 = SRTP_ACTIVE,
        /// Bit n: slot pair n cannot be used.
        blind_map: Option<u16> = BLIND_MAP,
    }
    /// Tell handsets to look elsewhere.
    0x0402 Busy {
        /// Bits of [`busy`].
        busy_bits: u8 = BUSY_BITS,
    }
    /// Call a handset.
    0x0501 PageOrder {
        /// {LCE-REQUEST-PAGE}
        pdu: PagePdu = PAGE_PDU,
        /// Comes back in CONN_IND.
        page_id: Option<u32> = PAGE_ID,
        /// How often.
        repeats: Option<u8> = REPEATS,
        /// Which cluster.
        cluster: Option<u8> = CLUSTER,
    }
    /// A handset opens a connection.
    0x0502 ConnInd {
        /// Number of it.
        conn: ConnId = CONN_ID,
        /// Which handset, as the MAC layer knows it.
        pmid: Pmid = PMID,
        /// Width.
        slot_type: SlotType = SLOT_TYPE,
        /// It comes from another connection; HO_IND follows.
        ho_flag: bool = HO_FLAG,
        /// The page it answers.
        page_id: Option<u32> = PAGE_ID,
        /// How loud it is, dBm.
        rssi: Option<i8> = RSSI,
        /// It wants ciphering.
        enc_wanted: Option<bool> = ENC_WANTED,
    }
    /// Keep it.
    0x0503 ConnAccept {
        /// Which.
        conn: ConnId = CONN_ID,
        /// A cipher key follows.
        dck_present: Option<bool> = DCK_PRESENT,
    }
    /// Do not.
    0x0504 ConnReject {
        /// Which.
        conn: ConnId = CONN_ID,
        /// Why.
        reason: RejectReason = REASON,
    }
    /// Release it.
    0x0505 ConnRelease {
        /// Which.
        conn: ConnId = CONN_ID,
        /// Why.
        reason: ReleaseReason = REASON,
    }
    /// It is gone.
    0x0506 ConnDown {
        /// Which.
        conn: ConnId = CONN_ID,
        /// Why.
        reason: DownReason = REASON,
        /// Good frames it had.
        good: Option<u32> = FRAMES_GOOD,
        /// Bad ones.
        bad: Option<u32> = FRAMES_BAD,
    }
    /// A message of the network layer.
    0x0507 NwkData {
        /// On which connection.
        conn: ConnId = CONN_ID,
        /// By which service.
        sapi: Sapi = SAPI,
        /// The message.
        pdu: Pdu = PDU,
    }
    /// A connection takes more messages, or not.
    0x0508 NwkFlow {
        /// Which.
        conn: ConnId = CONN_ID,
        /// Go or stop.
        flow: Flow = STATE,
        /// How many wait.
        queued: Option<u16> = QUEUED,
    }
    /// A message to all or to a group.
    0x0509 NwkBcast {
        /// The message.
        pdu: Pdu = PDU,
        /// Which group.
        group: Option<u16> = GROUP,
    }
    /// Cipher with this.
    0x0601 CipherKey {
        /// Which connection.
        conn: ConnId = CONN_ID,
        /// Which cipher.
        alg: CipherAlgorithm = ALG,
        /// Number of the key.
        ck_num: u8 = CK_NUM,
        /// The key.
        dck: CipherKeyOctets = DCK,
    }
    /// It is ciphered, or not.
    0x0602 CipherTold {
        /// Which connection.
        conn: ConnId = CONN_ID,
        /// How.
        state: CipherState = STATE,
        /// Why.
        reason: Option<CipherReason> = REASON,
    }
    /// Make the bearer wider or narrower.
    0x0701 SlotChange {
        /// Which connection.
        conn: ConnId = CONN_ID,
        /// To what.
        slot_type: SlotType = SLOT_TYPE,
        /// Within this.
        deadline_ms: Option<u16> = DEADLINE_MS,
    }
    /// A handset in a call comes over.
    0x0801 HoInd {
        /// Its connection here.
        new_conn: ConnId = NEW_CONN_ID,
        /// Which handset, as the MAC layer knows it.
        pmid: Pmid = PMID,
        /// How.
        kind: HandoverKind = KIND,
        /// Whence.
        old_rpn: Option<u8> = OLD_RPN,
        /// How loud it is here, dBm.
        rssi: Option<i8> = RSSI,
        /// Where this base station will receive its media.
        local: Option<SocketAddr> = LOCAL,
        /// Width that it asks for, and that this base station can give; none: a full slot.
        slot_type: Option<SlotType> = SLOT_TYPE,
    }
    /// It leaves you: what is the state of its data link?
    0x0802 HoPrepare {
        /// Its connection at the old base station.
        conn: ConnId = CONN_ID,
        /// How it goes.
        kind: Option<HandoverKind> = KIND,
    }
    /// Take it.
    0x0803 HoAccept {
        /// Its connection.
        new_conn: ConnId = NEW_CONN_ID,
        /// State of its data link at the old base station.
        dlc_state: Option<DlcState> = DLC_STATE,
        /// Width that it gets; none: a full slot.
        slot_type: Option<SlotType> = SLOT_TYPE,
        /// Which cipher.
        alg: Option<CipherAlgorithm> = ALG,
        /// Number of the key.
        ck_num: Option<u8> = CK_NUM,
        /// The key.
        dck: Option<CipherKeyOctets> = DCK,
        /// The media stream that goes with it.
        media_id: Option<MediaId> = MEDIA_ID,
        /// Coding.
        codec: Option<Codec> = CODEC,
        /// Payload type.
        pt: Option<u8> = PT,
        /// Packet time, ms.
        ptime: Option<u8> = PTIME,
        /// Where the switch receives.
        remote: Option<SocketAddr> = REMOTE,
        /// Bits of [`dir`].
        dir: Option<u8> = DIR,
        /// Protection.
        srtp_suite: Option<SrtpSuite> = SRTP_SUITE,
        /// The base station sends with this.
        tx_key: Option<SrtpKey> = TX_KEY,
        /// And receives with this.
        rx_key: Option<SrtpKey> = RX_KEY,
        /// Payload type of key presses.
        dtmf_pt: Option<u8> = DTMF_PT,
        /// Jitter buffer, ms.
        jitter_ms: Option<u16> = JITTER_MS,
    }
    /// Do not take it.
    0x0804 HoReject {
        /// Its connection.
        new_conn: ConnId = NEW_CONN_ID,
        /// Why.
        reason: Option<RejectReason> = REASON,
    }
    /// It is here.
    0x0805 HoComplete {
        /// Its connection.
        new_conn: ConnId = NEW_CONN_ID,
        /// How long the base station took for it.
        elapsed_ms: Option<u16> = ELAPSED_MS,
        /// Where this base station receives its media.
        local: Option<SocketAddr> = LOCAL,
    }
    /// It did not come.
    0x0806 HoFailed {
        /// Its connection.
        new_conn: ConnId = NEW_CONN_ID,
        /// Why.
        reason: Option<HandoverFailure> = REASON,
    }
    /// Make it want to leave.
    0x0807 HoSuggest {
        /// Which connection.
        conn: ConnId = CONN_ID,
    }
    /// Speech from here to there.
    0x0901 MediaOpen {
        /// Number of the stream.
        media_id: MediaId = MEDIA_ID,
        /// Of which connection.
        conn: ConnId = CONN_ID,
        /// Coding.
        codec: Codec = CODEC,
        /// Payload type.
        pt: u8 = PT,
        /// Packet time, ms.
        ptime: u8 = PTIME,
        /// Where the switch receives.
        remote: SocketAddr = REMOTE,
        /// Bits of [`dir`].
        dir: u8 = DIR,
        /// Protection.
        srtp_suite: Option<SrtpSuite> = SRTP_SUITE,
        /// The base station sends with this.
        tx_key: Option<SrtpKey> = TX_KEY,
        /// And receives with this.
        rx_key: Option<SrtpKey> = RX_KEY,
        /// Payload type of key presses.
        dtmf_pt: Option<u8> = DTMF_PT,
        /// Jitter buffer, ms.
        jitter_ms: Option<u16> = JITTER_MS,
    }
    /// From now on like this; what is left out stays.
    0x0902 MediaModify {
        /// Which stream.
        media_id: MediaId = MEDIA_ID,
        /// Coding.
        codec: Option<Codec> = CODEC,
        /// Payload type.
        pt: Option<u8> = PT,
        /// Packet time, ms.
        ptime: Option<u8> = PTIME,
        /// Where the switch receives.
        remote: Option<SocketAddr> = REMOTE,
        /// Bits of [`dir`].
        dir: Option<u8> = DIR,
        /// Protection.
        srtp_suite: Option<SrtpSuite> = SRTP_SUITE,
        /// The base station sends with this.
        tx_key: Option<SrtpKey> = TX_KEY,
        /// And receives with this.
        rx_key: Option<SrtpKey> = RX_KEY,
        /// Payload type of key presses.
        dtmf_pt: Option<u8> = DTMF_PT,
        /// Jitter buffer, ms.
        jitter_ms: Option<u16> = JITTER_MS,
    }
    /// No more speech there.
    0x0903 MediaClose {
        /// Which stream.
        media_id: MediaId = MEDIA_ID,
    }
    /// Something happened on a stream.
    0x0904 MediaTold {
        /// On which.
        media_id: MediaId = MEDIA_ID,
        /// What.
        event: MediaHappening = EVENT,
        /// Which key, for [`MediaHappening::Dtmf`]; ASCII.
        digit: Option<u8> = DIGIT,
    }
    /// Play this to the handset.
    0x0905 Tone {
        /// On which connection.
        conn: ConnId = CONN_ID,
        /// As `<<SIGNAL>>`; 3F for silence.
        tone: u8 = TONE,
    }
    /// How are you?
    0x0A01 Stats {
        /// Begin anew once told.
        reset: Option<bool> = RESET,
    }
    /// A line for the log.
    0x0A02 Log {
        /// Severity as in RFC 5424.
        level: Option<u8> = LEVEL,
        /// What it says.
        text: Option<String> = TEXT,
    }
    /// There is newer firmware.
    0x0A03 FwOffer {
        /// Which.
        fw_version: String = FW_VERSION,
        /// Where.
        url: String = FW_URL,
        /// What it must hash to.
        sha256: [u8; 32] = SHA256,
        /// When to take it.
        when: When = WHEN,
    }
    /// Start anew.
    0x0A04 Reboot {
        /// When.
        when: When = WHEN,
    }
    /// Show this with your lamp.
    0x0A05 Led {
        /// What.
        pattern: Lamp = PATTERN,
    }
    /// Answer to HO_PREPARE.
    0x0802 HoPrepared {
        /// State of its data link.
        dlc_state: Option<DlcState> = DLC_STATE,
        /// Number of the frame of that state.
        frame_no: Option<u32> = FRAME_NO,
    }
    /// Answer to MEDIA_OPEN.
    0x0901 MediaOpened {
        /// Where the base station receives.
        local: SocketAddr = LOCAL,
    }
    /// Answer to MEDIA_CLOSE and STATS.
    0x0903 Counted {
        /// What was counted.
        counters: Option<Counters> = COUNTERS,
    }
}
