//! Why something was released or refused, and what a handset sounds (7.6.7, 7.6.8, 7.7.34).

use super::code::{codes, single_octet};

codes! {
    /// Why a call ends (`<<RELEASE-REASON>>`, 7.6.7).
    ReleaseReason {
        NORMAL = 0x00 "normal",
        UNEXPECTED_MESSAGE = 0x01 "unexpected message",
        UNKNOWN_TRANSACTION = 0x02 "unknown transaction identifier",
        MANDATORY_MISSING = 0x03 "mandatory information element missing",
        INVALID_CONTENT = 0x04 "invalid information element contents",
        INCOMPATIBLE_SERVICE = 0x05 "incompatible service",
        SERVICE_NOT_IMPLEMENTED = 0x06 "service not implemented",
        NEGOTIATION_NOT_SUPPORTED = 0x07 "negotiation not supported",
        INVALID_IDENTITY = 0x08 "invalid identity",
        AUTHENTICATION_FAILED = 0x09 "authentication failed",
        UNKNOWN_IDENTITY = 0x0A "unknown identity",
        NEGOTIATION_FAILED = 0x0B "negotiation failed",
        COLLISION = 0x0C "collision",
        TIMER_EXPIRY = 0x0D "timer expiry",
        PARTIAL_RELEASE = 0x0E "partial release",
        UNKNOWN = 0x0F "unknown",
        USER_DETACHED = 0x10 "user detached",
        NOT_IN_RANGE = 0x11 "user not in range",
        USER_UNKNOWN = 0x12 "user unknown",
        ALREADY_ACTIVE = 0x13 "user already active",
        BUSY = 0x14 "user busy",
        REJECTION = 0x15 "user rejection",
        USER_CALL_MODIFY = 0x16 "user call modify",
        EXTERNAL_HANDOVER_NOT_SUPPORTED = 0x21 "external handover not supported",
        NETWORK_PARAMETERS_MISSING = 0x22 "network parameters missing",
        EXTERNAL_HANDOVER_RELEASE = 0x23 "external handover release",
        OVERLOAD = 0x31 "overload",
        INSUFFICIENT_RESOURCES = 0x32 "insufficient resources",
        INSUFFICIENT_BEARERS = 0x33 "insufficient bearers available",
        IWU_CONGESTION = 0x34 "IWU congestion",
        SECURITY_ATTACK_ASSUMED = 0x40 "security attack assumed",
        ENCRYPTION_ACTIVATION_FAILED = 0x41 "encryption activation failed",
        RE_KEYING_FAILED = 0x42 "re-keying failed",
        NO_CIPHER_KEY = 0x43 "no cipher key available",
    }

    /// Why a mobility procedure or a page response is refused (`<<REJECT-REASON>>`, 7.7.34).
    RejectReason {
        TPUI_UNKNOWN = 0x01 "TPUI unknown",
        IPUI_UNKNOWN = 0x02 "IPUI unknown",
        NETWORK_IDENTITY_UNKNOWN = 0x03 "network assigned identity unknown",
        IPEI_NOT_ACCEPTED = 0x05 "IPEI not accepted",
        IPUI_NOT_ACCEPTED = 0x06 "IPUI not accepted",
        AUTHENTICATION_FAILED = 0x10 "authentication failed",
        NO_AUTHENTICATION_ALGORITHM = 0x11 "no authentication algorithm",
        AUTHENTICATION_ALGORITHM_NOT_SUPPORTED = 0x12 "authentication algorithm not supported",
        AUTHENTICATION_KEY_NOT_SUPPORTED = 0x13 "authentication key not supported",
        UPI_NOT_ENTERED = 0x14 "UPI not entered",
        NO_CIPHER_ALGORITHM = 0x17 "no cipher algorithm",
        CIPHER_ALGORITHM_NOT_SUPPORTED = 0x18 "cipher algorithm not supported",
        CIPHER_KEY_NOT_SUPPORTED = 0x19 "cipher key not supported",
        INCOMPATIBLE_SERVICE = 0x20 "incompatible service",
        FALSE_LCE_REPLY = 0x21 "false LCE reply",
        LATE_LCE_REPLY = 0x22 "late LCE reply",
        INVALID_TPUI = 0x23 "invalid TPUI",
        TPUI_LIMITS = 0x24 "TPUI assignment limits unacceptable",
        INSUFFICIENT_MEMORY = 0x2F "insufficient memory",
        OVERLOAD = 0x30 "overload",
        TEST_NORMAL_EN_BLOC = 0x40 "test call back: normal, en-bloc",
        TEST_NORMAL_PIECEWISE = 0x41 "test call back: normal, piecewise",
        TEST_EMERGENCY_EN_BLOC = 0x42 "test call back: emergency, en-bloc",
        TEST_EMERGENCY_PIECEWISE = 0x43 "test call back: emergency, piecewise",
        INVALID_MESSAGE = 0x5F "invalid message",
        ELEMENT_ERROR = 0x60 "information element error",
        INVALID_CONTENT = 0x64 "invalid information element contents",
        TIMER_EXPIRY = 0x70 "timer expiry",
        PLMN_NOT_ALLOWED = 0x76 "PLMN not allowed",
        LOCATION_AREA_NOT_ALLOWED = 0x80 "location area not allowed",
        NATIONAL_ROAMING_NOT_ALLOWED = 0x81 "national roaming not allowed in this location area",
    }

    /// A tone or a way of ringing (`<<SIGNAL>>`, 7.6.8).
    Signal {
        DIAL_TONE = 0x00 "dial tone on",
        RING_BACK = 0x01 "ring-back tone on",
        INTERCEPT = 0x02 "intercept tone on",
        NETWORK_CONGESTION = 0x03 "network congestion tone on",
        BUSY = 0x04 "busy tone on",
        CONFIRM = 0x05 "confirm tone on",
        ANSWER = 0x06 "answer tone on",
        CALL_WAITING = 0x07 "call waiting tone on",
        OFF_HOOK_WARNING = 0x08 "off-hook warning tone on",
        NEGATIVE = 0x09 "negative acknowledgement tone",
        TONES_OFF = 0x3F "tones off",
        ALERTING_0 = 0x40 "alerting on, pattern 0",
        ALERTING_1 = 0x41 "alerting on, pattern 1",
        ALERTING_2 = 0x42 "alerting on, pattern 2",
        ALERTING_3 = 0x43 "alerting on, pattern 3",
        ALERTING_4 = 0x44 "alerting on, pattern 4",
        ALERTING_5 = 0x45 "alerting on, pattern 5",
        ALERTING_6 = 0x46 "alerting on, pattern 6",
        ALERTING_7 = 0x47 "alerting on, pattern 7",
        ALERTING_CONTINUOUS = 0x48 "alerting on, continuous",
        ALERTING_OFF = 0x4F "alerting off",
    }

    /// Whether the other side's timers begin anew (`<<TIMER-RESTART>>`, 7.6.9).
    TimerRestart {
        RESTART = 0x00 "restart timer",
        STOP = 0x01 "stop timer",
    }

    /// Hook of a handset under test (`<<TEST-HOOK-CONTROL>>`, 7.6.10).
    TestHook {
        ON_HOOK = 0x00 "on-hook",
        OFF_HOOK = 0x01 "off-hook",
    }

    /// Where a handset may call (`<<SERVICE-CLASS>>`, 7.7.39).
    ServiceClass {
        NOMINATED = 0x01 "one nominated number only",
        LOCAL = 0x02 "local calls",
        NATIONAL = 0x03 "national calls",
        MOBILE = 0x04 "mobile and premium calls",
        INTERNATIONAL = 0x05 "international calls",
        SATELLITE = 0x06 "satellite services",
    }
}

single_octet! {
    ReleaseReason = RELEASE_REASON,
    RejectReason = REJECT_REASON,
    Signal = SIGNAL,
    TimerRestart = TIMER_RESTART,
    TestHook = TEST_HOOK_CONTROL,
    ServiceClass = SERVICE_CLASS,
}
