//! Why a call ended or was refused: SIP status, Q.850 cause, and words for people.
//!
//! A cause keeps what the far end said: that is what the records show. The caller is told it with a
//! status that is true of *its* INVITE ([`Cause::status_for_caller`]), and with the cause as it was
//! (RFC 3326, RFC 6432):
//!
//! | From the far end | To the caller | Why |
//! |---|---|---|
//! | 3xx that was not followed | 480 | its Contact is not for the caller to dial |
//! | 401, 407 | 403 | the challenge was for this switch; a telephone must not answer it |
//! | 420, 421, 422, 423, 491, 494 | 500 | about headers of the INVITE that we wrote |
//! | 487 that nobody asked for | 480 | the caller did not cancel |
//! | 503 | 503, without Retry-After | the far end is out of service, not this switch: RFC 3261 §16.7 step 6; without Retry-After the caller "MUST act as if it had received a 500" (§21.5.4) and goes on using this switch |
//! | 2xx or no status | 480 | an end without a reason |
//! | all others, 6xx among them | as they are | |
//!
//! No response in 64*T1 counts as 408, a transport that fails as 503 (RFC 3261 §8.1.3.1). A Reason with
//! `Q.850` gives cause and words in place of those that RFC 3398 gives for the status.

use serde::{Deserialize, Serialize};

use crate::sip::wire::{HeaderName, Message, Params};

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

/// ITU-T Q.850: call rejected; with 487 it is somebody else's rejection.
const DECLINED_ELSEWHERE: u8 = 21;

impl Cause {
    /// With the Q.850 cause that RFC 3398 §8.2.6.1 gives for that status.
    pub fn of_status(status: u16, words: impl Into<String>) -> Self {
        Self { status, q850: q850_of(status), words: words.into() }
    }

    /// Somebody hung up.
    pub fn normal() -> Self {
        Self { status: 200, q850: 16, words: "hung up".into() }
    }

    /// Another telephone answered (RFC 3326 §3.1): told so, this one does not show a missed call.
    pub fn elsewhere() -> Self {
        Self { status: 200, q850: 26, words: "Call completed elsewhere".into() }
    }

    /// No voice channel: 503 for the media resource or the caller's own base station, 486 for the
    /// called one's, both with cause 34 (no circuit/channel available).
    pub fn no_channel(status: u16, words: impl Into<String>) -> Self {
        Self { status, q850: 34, words: words.into() }
    }

    /// When it is worth trying again, in seconds: a full base station has a channel again when one of its calls
    /// ends. RFC 3261 §20.33: "with … 486 (Busy Here) … to indicate when the called party anticipates being
    /// available again". Not with 503, after which §21.5.4 keeps a client from this switch with every request,
    /// calls for help among them.
    pub const fn retry_after(&self) -> Option<u16> {
        match (self.status, self.q850) {
            (486, 34) => Some(10),
            _ => None,
        }
    }

    /// An emergency call needs the channel (ITU-T Q.850: 8, preemption).
    pub fn preempted() -> Self {
        Self { status: 503, q850: 8, words: "ended to make room for an emergency call".into() }
    }

    /// Whether a call that nobody answered here was answered or declined at another telephone.
    pub const fn is_elsewhere(&self) -> bool {
        matches!((self.status, self.q850), (487, 26 | DECLINED_ELSEWHERE))
    }

    /// The value of a Reason header (RFC 3326 §2).
    pub fn reason_header(&self) -> String {
        if *self == Self::elsewhere() {
            return format!("SIP;cause=200;text=\"{}\"", self.words);
        }
        format!("Q.850;cause={};text=\"{}\"", self.q850, self.plain_words())
    }

    /// The words as they may stand in a quoted string without escapes.
    pub fn plain_words(&self) -> String {
        self.words.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(MAX_WORDS).collect()
    }

    /// The status with which a caller's INVITE is refused for this cause. See the [module](self).
    pub const fn status_for_caller(&self) -> u16 {
        match self.status {
            401 | 407 => 403,
            420..=423 | 491 | 494 => 500,
            ..=399 | 487 | 700.. => 480,
            other => other,
        }
    }

    /// The cause of a call that its caller gave up: RFC 3261 §9.2 gives its INVITE a 487.
    pub(crate) fn before_answer(self) -> Self {
        match self.status {
            ..=299 if self.q850 == 16 => {
                Self { status: 487, words: "the caller hung up before an answer".into(), ..self }
            }
            ..=299 => Self { status: 487, ..self },
            _ => self,
        }
    }

    /// This cause with what a message's Reason headers say of it: Q.850 first, since it says more.
    pub(crate) fn told_by(self, message: &Message) -> Self {
        let reasons = message.headers.list(&HeaderName::Reason);
        let read = |protocol: &str| {
            let mut values = reasons.iter().filter_map(|value| {
                let (name, params) = value.split_once(';')?;
                let params = Params::parse(&value.share(params))?;
                name.trim().eq_ignore_ascii_case(protocol).then_some(params)
            });
            let params = values.next()?;
            Some((params.get("cause")?.parse::<u16>().ok()?, params.get("text")))
        };
        match (read("Q.850"), read("SIP")) {
            (_, Some((200, _))) => Self::elsewhere(),
            // Declined for all telephones of the user, by one of them.
            (_, Some((600 | 603, _))) => {
                Self { q850: DECLINED_ELSEWHERE, words: "declined elsewhere".into(), ..self }
            }
            (Some((q850 @ 1..=127, text)), _) => {
                let words = text.map(|text| text.chars().take(MAX_WORDS).collect());
                Self { q850: q850 as u8, words: words.unwrap_or(self.words), ..self }
            }
            _ => self,
        }
    }
}

/// Most characters of somebody else's words that are kept or repeated.
const MAX_WORDS: usize = 128;

/// RFC 3398 §8.2.6.1, SIP status to ISUP cause, row by row by the names that the table prints.
fn q850_of(status: u16) -> u8 {
    use rsip::StatusCode::*;
    match rsip::StatusCode::from(status) {
        BadRequest | CallTransactionDoesNotExist | ServerInternalError | ServiceUnavailable => 41,
        Unauthorized | PaymentRequired | Forbidden | ProxyAuthenticationRequired | Decline => 21,
        NotFound | Ambiguous | DoesNotExistAnywhere => 1,
        MethodNotAllowed => 63,
        NotAcceptable | UnsupportedMediaType | NotImplemented => 79,
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
        // By the Warning, says the RFC; of media it is this, and the way back from 65 is 488 (§7.2.4.1).
        NotAcceptableHere | NotAcceptableGlobal => 65,
        BadGateway => 38,
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
    use crate::sip::wire::Method;

    #[test]
    fn a_full_base_station_says_when_to_try_again_and_a_full_switch_does_not() {
        assert_eq!(Cause::no_channel(486, "full").retry_after(), Some(10));
        assert_eq!(Cause::no_channel(503, "full").retry_after(), None);
        assert_eq!(Cause::of_status(486, "busy").retry_after(), None);
    }

    #[test]
    fn a_missing_channel_is_cause_34() {
        let cause = Cause::no_channel(486, "no free \"voice\" channel");
        assert_eq!(cause.reason_header(), "Q.850;cause=34;text=\"no free voice channel\"");
        assert_eq!(Cause::of_status(486, "busy").q850, 17);
    }

    #[test]
    fn the_caller_is_told_what_is_true_of_its_own_invite() {
        let told = |status| Cause::of_status(status, "").status_for_caller();
        for (from, to) in [
            (302, 480),
            (305, 480),
            (401, 403),
            (407, 403),
            (420, 500),
            (422, 500),
            (491, 500),
            (494, 500),
            (487, 480),
            (200, 480),
            (0, 480),
            (700, 480),
        ] {
            assert_eq!(told(from), to, "{from}");
        }
        for kept in [400, 403, 404, 408, 410, 480, 484, 486, 488, 500, 501, 502, 503, 504, 600, 603, 604, 606]
        {
            assert_eq!(told(kept), kept);
        }
    }

    #[test]
    fn reasons_are_read_in_every_form() {
        let read = |values: &[&str]| {
            let mut message = Message::request(Method::Bye, "sip:a@b");
            values.iter().for_each(|value| message.headers.push(HeaderName::Reason, *value));
            let cause = Cause::of_status(486, "Busy Here").told_by(&message);
            (cause.status, cause.q850, cause.words)
        };
        assert_eq!(read(&[]), (486, 17, "Busy Here".into()));
        assert_eq!(read(&["Q.850;cause=34"]), (486, 34, "Busy Here".into()));
        assert_eq!(
            read(&["preemption;cause=1, q.850 ; text=\"a, b;cause=9\" ; Cause=21"]),
            (486, 21, "a, b;cause=9".into())
        );
        assert_eq!(read(&["SIP;cause=486", "Q.850;cause=16;text=\"x\""]), (486, 16, "x".into()));
        assert_eq!(read(&["Q.850;cause=999"]).1, 17);
        assert_eq!(read(&["Q.850", ";", "Q.850;cause=", "Q.850;text=\"open"]).1, 17);
        let elsewhere = Cause::elsewhere();
        assert_eq!(read(&["SIP ;cause=200 ;text=\"Call completed elsewhere\""]), (200, 26, elsewhere.words));
        assert_eq!(Cause::elsewhere().reason_header(), "SIP;cause=200;text=\"Call completed elsewhere\"");
    }

    #[test]
    fn a_call_that_was_given_up_is_487_in_the_records() {
        let gone = Cause::normal().before_answer();
        assert_eq!((gone.status, gone.q850), (487, 16));
        assert_eq!(Cause::elsewhere().before_answer().words, "Call completed elsewhere");
        assert_eq!(Cause::of_status(408, "x").before_answer().status, 408);
    }

    #[test]
    fn each_status_has_the_cause_of_rfc_3398() {
        let rows: [(u8, &[u16]); 16] = [
            (41, &[400, 481, 500, 503]),
            (21, &[401, 402, 403, 407, 603]),
            (1, &[404, 485, 604]),
            (63, &[405]),
            (79, &[406, 415, 501]),
            (102, &[408, 504]),
            (22, &[410]),
            (127, &[413, 414, 416, 420, 421, 423, 505, 513]),
            (18, &[480]),
            (25, &[482, 483]),
            (28, &[484]),
            (17, &[486, 600]),
            (16, &[200, 202, 299, 487]),
            (65, &[488, 606]),
            (38, &[502]),
            (31, &[0, 302, 422, 491, 599, 999]),
        ];
        for (cause, statuses) in rows {
            for &status in statuses {
                assert_eq!(Cause::of_status(status, "").q850, cause, "{status}");
            }
        }
    }

    #[test]
    fn our_phrases_are_the_names_of_rsip_where_it_is_right() {
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
