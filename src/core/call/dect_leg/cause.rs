//! Why a call ended, from DECT's words into the call's and back.
//!
//! | DECT (7.6.7) | SIP, Q.850 | Why |
//! |---|---|---|
//! | normal, partial release | 200, 16 | hung up |
//! | user busy, already active | 486, 17 | |
//! | user rejection | 603, 21 | RFC 3398 §7.2.4.1: 21 of the user is 603 |
//! | user unknown, unknown identity | 404, 1 | |
//! | user detached | 480, 20 | subscriber absent |
//! | not in range | 480, 20 | absent; in talk, gone |
//! | timer expiry | 480, 19 | it rang and nobody answered (CC.03, CC.04) |
//! | overload, insufficient resources, bearers, congestion | 486 or 503, 34 | no channel |
//! | security | 403, 21 | |
//! | incompatible, negotiation | 488, 88 | |
//! | all others | 480, 31 | |

use crate::call::cause::Cause;
use crate::dect::cc::Ender;
use crate::dect::element::{ReleaseReason, Signal};

/// What a handset's reason means to the call.
pub fn cause_of(reason: ReleaseReason, by: Ender) -> Cause {
    let cause = |status, q850, words: &str| Cause { status, q850, words: words.to_owned() };
    match reason {
        ReleaseReason::NORMAL | ReleaseReason::PARTIAL_RELEASE => Cause::normal(),
        ReleaseReason::BUSY | ReleaseReason::ALREADY_ACTIVE => cause(486, 17, "the handset is busy"),
        ReleaseReason::REJECTION if by == Ender::Handset => {
            cause(603, 21, "the call was declined on the handset")
        }
        ReleaseReason::USER_UNKNOWN | ReleaseReason::UNKNOWN_IDENTITY => {
            cause(404, 1, "the handset is not subscribed")
        }
        ReleaseReason::USER_DETACHED => cause(480, 20, "the handset is switched off"),
        ReleaseReason::NOT_IN_RANGE => cause(480, 20, "the handset is out of reach"),
        ReleaseReason::TIMER_EXPIRY => cause(480, 19, "nobody answered the handset"),
        ReleaseReason::OVERLOAD
        | ReleaseReason::INSUFFICIENT_RESOURCES
        | ReleaseReason::INSUFFICIENT_BEARERS
        | ReleaseReason::IWU_CONGESTION => cause(486, 34, "no free voice channel for the handset"),
        ReleaseReason::AUTHENTICATION_FAILED
        | ReleaseReason::SECURITY_ATTACK_ASSUMED
        | ReleaseReason::ENCRYPTION_ACTIVATION_FAILED
        | ReleaseReason::RE_KEYING_FAILED
        | ReleaseReason::NO_CIPHER_KEY => cause(403, 21, "the handset could not be ciphered"),
        ReleaseReason::INCOMPATIBLE_SERVICE
        | ReleaseReason::NEGOTIATION_NOT_SUPPORTED
        | ReleaseReason::NEGOTIATION_FAILED => cause(488, 88, "the handset cannot take this kind of call"),
        other => cause(480, 31, &format!("the handset ended the call: {other}")),
    }
}

/// What a call's cause means to a handset: the reason, and the tone that a calling one hears.
pub fn reason_of(cause: &Cause) -> (ReleaseReason, Option<Signal>) {
    match cause.q850 {
        16 | 26 => (ReleaseReason::NORMAL, None),
        1 | 2 | 3 | 22 | 28 => (ReleaseReason::USER_UNKNOWN, Some(Signal::INTERCEPT)),
        17 => (ReleaseReason::BUSY, Some(Signal::BUSY)),
        18 | 20 | 27 => (ReleaseReason::NOT_IN_RANGE, Some(Signal::NEGATIVE)),
        19 | 102 => (ReleaseReason::TIMER_EXPIRY, Some(Signal::NEGATIVE)),
        21 => (ReleaseReason::REJECTION, Some(Signal::BUSY)),
        34 => (ReleaseReason::INSUFFICIENT_BEARERS, Some(Signal::NETWORK_CONGESTION)),
        38 | 41 | 42 | 47 | 49 => (ReleaseReason::IWU_CONGESTION, Some(Signal::NETWORK_CONGESTION)),
        58 | 63 | 65 | 79 | 88 => (ReleaseReason::INCOMPATIBLE_SERVICE, Some(Signal::NEGATIVE)),
        _ => (ReleaseReason::UNKNOWN, Some(Signal::NEGATIVE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_channel_is_34_on_both_sides() {
        let cause = cause_of(ReleaseReason::INSUFFICIENT_BEARERS, Ender::Switch);
        assert_eq!((cause.status, cause.q850), (486, 34));
        let back = (ReleaseReason::INSUFFICIENT_BEARERS, Some(Signal::NETWORK_CONGESTION));
        assert_eq!(reason_of(&Cause::no_channel(503, "full")), back);
    }

    #[test]
    fn what_people_do_is_told_as_it_is() {
        for (reason, status, q850) in [
            (ReleaseReason::NORMAL, 200, 16),
            (ReleaseReason::BUSY, 486, 17),
            (ReleaseReason::REJECTION, 603, 21),
            (ReleaseReason::NOT_IN_RANGE, 480, 20),
            (ReleaseReason::USER_DETACHED, 480, 20),
            (ReleaseReason::TIMER_EXPIRY, 480, 19),
            (ReleaseReason::UNEXPECTED_MESSAGE, 480, 31),
        ] {
            let cause = cause_of(reason, Ender::Handset);
            assert_eq!((cause.status, cause.q850), (status, q850), "{reason:?}");
        }
        assert_eq!(reason_of(&Cause::normal()), (ReleaseReason::NORMAL, None));
        assert_eq!(reason_of(&Cause::elsewhere()).0, ReleaseReason::NORMAL);
        assert_eq!(reason_of(&Cause::of_status(486, "")).1, Some(Signal::BUSY));
        assert_eq!(reason_of(&Cause::of_status(404, "")).0, ReleaseReason::USER_UNKNOWN);
    }
}
