//! Why a call ended or was refused: SIP status, Q.850 cause, and words for people.

use serde::{Deserialize, Serialize};

/// A final reason, as told to the other leg, the call detail record and the administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The SIP status that says it (200 for a normal end).
    pub status: u16,
    /// The ISDN cause (ITU-T Q.850 §2.2.7).
    pub q850: u8,
    /// In words.
    pub words: String,
}

impl Cause {
    /// With the Q.850 cause that RFC 3398 §8.2.6.1 gives for that status.
    pub fn of_status(status: u16, words: impl Into<String>) -> Self {
        Self { status, q850: q850_of(status), words: words.into() }
    }

    /// Somebody hung up.
    pub fn normal() -> Self {
        Self { status: 200, q850: 16, words: "hung up".into() }
    }

    /// No voice channel: 503 for the media resource or the caller's own base station, 486 for the
    /// called one's, both with cause 34 (no circuit/channel available).
    pub fn no_channel(status: u16, words: impl Into<String>) -> Self {
        Self { status, q850: 34, words: words.into() }
    }

    /// The value of a Reason header (RFC 3326 §2).
    pub fn reason_header(&self) -> String {
        let text: String =
            self.words.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        format!("Q.850;cause={};text=\"{text}\"", self.q850)
    }
}

/// RFC 3398 §8.2.6.1, SIP status to ISUP cause, row by row by the names that the table prints.
fn q850_of(status: u16) -> u8 {
    use rsip::StatusCode::*;
    match rsip::StatusCode::from(status) {
        BadRequest | CallTransactionDoesNotExist | ServerInternalError | ServiceUnavailable => 41,
        Unauthorized | PaymentRequired | Forbidden | ProxyAuthenticationRequired | Decline => 21,
        NotFound | Ambiguous | DoesNotExistAnywhere => 1,
        MethodNotAllowed | NotImplemented => 63,
        NotAcceptable | UnsupportedMediaType | NotAcceptableHere | NotAcceptableGlobal => 79,
        RequestTimeout | ServerTimeOut => 102,
        Gone => 22,
        RequestEntityTooLarge
        | RequestUriTooLong
        | UnsupportedUriScheme
        | BadExtension
        | ExtensionRequired
        | IntervalTooBrief
        | VersionNotSupported
        | MessageTooLarge => 127,
        TemporarilyUnavailable => 18,
        LoopDetected | TooManyHops => 25,
        AddressIncomplete => 28,
        BusyHere | BusyEverywhere => 17,
        RequestTerminated => 16,
        other if other.kind() == rsip::common::StatusCodeKind::Successful => 16,
        _ => 31,
    }
}

/// The reason phrase for a status (RFC 3261 §21 and its registry), or "Unknown". Not by rsip, whose names
/// have lost the words' gaps and dots, and whose "Accepted" is 201; a test compares the two.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_channel_is_cause_34() {
        let cause = Cause::no_channel(486, "no free \"voice\" channel");
        assert_eq!(cause.reason_header(), "Q.850;cause=34;text=\"no free voice channel\"");
        assert_eq!(Cause::of_status(486, "busy").q850, 17);
    }

    #[test]
    fn each_status_has_the_cause_of_rfc_3398() {
        let rows: [(u8, &[u16]); 14] = [
            (41, &[400, 481, 500, 503]),
            (21, &[401, 402, 403, 407, 603]),
            (1, &[404, 485, 604]),
            (63, &[405, 501]),
            (79, &[406, 415, 488, 606]),
            (102, &[408, 504]),
            (22, &[410]),
            (127, &[413, 414, 416, 420, 421, 423, 505, 513]),
            (18, &[480]),
            (25, &[482, 483]),
            (28, &[484]),
            (17, &[486, 600]),
            (16, &[200, 202, 487]),
            (31, &[302, 422, 491, 599, 999]),
        ];
        for (cause, statuses) in rows {
            for &status in statuses {
                assert_eq!(Cause::of_status(status, "").q850, cause, "{status}");
            }
        }
    }

    #[test]
    fn our_phrases_are_rsip_s_names_where_rsip_is_right() {
        // rsip puts "Accepted" at 201 and tells the two "Not Acceptable" apart.
        let differ = [202, 606];
        for status in (100..=699).filter(|status| reason_phrase(*status) != "Unknown") {
            let letters = |text: &str| -> String {
                text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
            };
            let name = rsip::StatusCode::from(status).to_string();
            let same = letters(&name) == letters(reason_phrase(status));
            assert_eq!(same, !differ.contains(&status), "{status}: {name}");
        }
    }
}
