//! Session timers (RFC 4028): a session that nobody refreshes ends by itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wire::{HeaderName, Message, Text};
use crate::timer::Moment;

/// RFC 4028 §5: "The minimum … MUST NOT be less than 90 seconds"; we ask for no more. Seconds.
pub const MIN_SE: u32 = 90;
/// RFC 4028 §4: "RECOMMENDED … 1800 seconds". Seconds.
pub const RECOMMENDED: u32 = 1800;
/// Longest interval that is counted; a longer one is as good as none. Seconds.
const LONGEST: u32 = 24 * 3600;

/// Who refreshes, named by its role in the transaction that agreed on it (§4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refresher {
    /// The sender of the request.
    Uac,
    /// The sender of the response.
    Uas,
}

impl Refresher {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

/// The Session-Expires header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds.
    pub seconds: u32,
    /// Who refreshes, when it was said.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads the header; `None` when absent or no number.
    pub fn of(message: &Message) -> Option<Self> {
        let value = message.header(&HeaderName::SessionExpires)?;
        let (seconds, params) = value.split_once(';').unwrap_or((value, ""));
        let named = |part: &str| match part.split_once('=') {
            Some((name, who)) if name.trim().eq_ignore_ascii_case("refresher") => {
                match who.trim().to_ascii_lowercase().as_str() {
                    "uac" => Some(Refresher::Uac),
                    "uas" => Some(Refresher::Uas),
                    _ => None,
                }
            }
            _ => None,
        };
        Some(Self { seconds: seconds.trim().parse().ok()?, refresher: params.split(';').find_map(named) })
    }

    /// Writes the header.
    pub fn put(self, message: &mut Message) {
        let value = match self.refresher {
            Some(who) => format!("{};refresher={}", self.seconds, who.as_str()),
            None => self.seconds.to_string(),
        };
        message.headers.set(HeaderName::SessionExpires, value);
    }
}

/// The interval is too short for us (§9): answer 422 with this Min-SE, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session interval below {0} s is not accepted; ask for at least that")]
pub struct IntervalTooSmall(pub u32);

/// The agreed timer of a running session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimer {
    /// Session interval, seconds.
    pub seconds: u32,
    /// Whether the refreshing is ours.
    pub we_refresh: bool,
    /// When the last refresh, or the session's start, was agreed.
    pub since: Moment,
}

impl SessionTimer {
    /// The UAC reads a 2xx (§7.2). `None`: no session timer runs.
    pub fn agreed(response: &Message, now: Moment) -> Option<Self> {
        let header = SessionExpires::of(response).filter(|h| h.seconds > 0 && h.seconds <= LONGEST)?;
        // §7.2: the UAS must name the refresher; when it forgot, the one who asked does the work.
        let we_refresh = header.refresher != Some(Refresher::Uas);
        // A peer that breaks the minimum shall not make us refresh without rest.
        Some(Self { seconds: header.seconds.max(MIN_SE), we_refresh, since: now })
    }

    /// The UAS decides on a request (§9). `wish` is the interval we should like, in seconds.
    ///
    /// A peer without `timer` gets no session timer unless somebody on the path asked for one, and then
    /// the refreshing falls to us.
    pub fn decide(
        request: &Message,
        wish: Option<u32>,
        now: Moment,
    ) -> Result<Option<Self>, IntervalTooSmall> {
        let supported = has_option(request, &HeaderName::Supported, "timer")
            || has_option(request, &HeaderName::Require, "timer");
        let floor = min_se(request).unwrap_or(MIN_SE).max(MIN_SE);
        let (seconds, asked) = match (SessionExpires::of(request), wish) {
            // "If an incoming request contains a Supported header field with a value 'timer' … the UAS
            // MAY reject … with a 422 if the session interval … is smaller than the minimum".
            (Some(header), _) if header.seconds < MIN_SE && supported => {
                return Err(IntervalTooSmall(MIN_SE));
            }
            (Some(header), _) => (header.seconds.clamp(floor, LONGEST.max(floor)), header.refresher),
            (None, Some(wish)) if supported => (wish.max(floor), None),
            (None, _) => return Ok(None),
        };
        // §9, table 2.
        let refresher = match (supported, asked) {
            (false, _) => Refresher::Uas,
            (true, Some(asked)) => asked,
            (true, None) => Refresher::Uac,
        };
        Ok(Some(Self { seconds, we_refresh: refresher == Refresher::Uas, since: now }))
    }

    /// Puts our decision as UAS into the 2xx (§9).
    pub fn put_in_response(&self, request: &Message, response: &mut Message) {
        let refresher = if self.we_refresh { Refresher::Uas } else { Refresher::Uac };
        SessionExpires { seconds: self.seconds, refresher: Some(refresher) }.put(response);
        // "If the refresher parameter … is set to 'uac', the UAS MUST place a Require header field into
        // the response with the value 'timer'." Harmless otherwise when the UAC knows the word.
        if refresher == Refresher::Uac || has_option(request, &HeaderName::Supported, "timer") {
            response.headers.push(HeaderName::Require, "timer");
        }
    }

    /// Puts the present agreement into a request of ours within the session (§7.4): roles stay.
    pub fn put_in_request(&self, request: &mut Message) {
        let refresher = if self.we_refresh { Refresher::Uac } else { Refresher::Uas };
        SessionExpires { seconds: self.seconds, refresher: Some(refresher) }.put(request);
        request.headers.set(HeaderName::MinSe, MIN_SE.to_string());
    }

    /// When we refresh: "once half the session interval has elapsed" (§7.2). `None` when it is theirs.
    pub fn refresh_at(&self) -> Option<Moment> {
        self.we_refresh.then(|| self.since + self.interval() / 2)
    }

    /// When a session that was not refreshed gets its BYE: "before the session expires … the minimum of
    /// 32 seconds and one third of the session interval" (§10).
    pub fn ends_at(&self) -> Moment {
        let interval = self.interval();
        self.since + (interval - (interval / 3).min(Duration::from_secs(32)))
    }

    const fn interval(&self) -> Duration {
        Duration::from_secs(self.seconds as u64)
    }
}

/// Min-SE of a message, seconds.
pub fn min_se(message: &Message) -> Option<u32> {
    let value = message.header(&HeaderName::MinSe)?;
    value.split_once(';').map_or(value.as_str(), |(n, _)| n).trim().parse().ok()
}

/// Whether an option tag stands in a list header.
pub(super) fn has_option(message: &Message, header: &HeaderName, tag: &str) -> bool {
    message.headers.list(header).iter().any(|value: &Text| value.eq_ignore_ascii_case(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    const START: Moment = Moment::from_micros(0);

    fn invite(headers: &[(HeaderName, &str)]) -> Message {
        let mut request = Message::request(Method::Invite, "sip:b@c");
        headers.iter().for_each(|(name, value)| request.headers.push(name.clone(), *value));
        request
    }

    #[test]
    fn the_uas_follows_table_2() {
        use HeaderName::{SessionExpires, Supported};
        let decide = |h: &[(HeaderName, &str)]| {
            SessionTimer::decide(&invite(h), Some(1800), START).map(|t| t.map(|t| (t.seconds, t.we_refresh)))
        };
        assert_eq!(decide(&[]), Ok(None));
        assert_eq!(decide(&[(Supported, "timer")]), Ok(Some((1800, false))));
        assert_eq!(decide(&[(SessionExpires, "600")]), Ok(Some((600, true))));
        assert_eq!(
            decide(&[(Supported, "timer"), (SessionExpires, "600;refresher=uas")]),
            Ok(Some((600, true)))
        );
        assert_eq!(
            decide(&[(Supported, "100rel, timer"), (SessionExpires, "600;refresher=uac")]),
            Ok(Some((600, false)))
        );
        assert_eq!(decide(&[(Supported, "timer"), (SessionExpires, "60")]), Err(IntervalTooSmall(90)));
        assert_eq!(decide(&[(Supported, "timer"), (HeaderName::MinSe, "3600")]), Ok(Some((3600, false))));
    }

    #[test]
    fn refresh_at_half_and_end_before_the_end() {
        let timer = SessionTimer { seconds: 1800, we_refresh: true, since: START };
        assert_eq!(timer.refresh_at(), Some(START + Duration::from_secs(900)));
        assert_eq!(timer.ends_at(), START + Duration::from_secs(1768));
        let short = SessionTimer { seconds: 90, we_refresh: false, since: START };
        assert_eq!((short.refresh_at(), short.ends_at()), (None, START + Duration::from_secs(60)));
    }

    #[test]
    fn the_uac_reads_who_refreshes() {
        let mut ok = Message::response(&invite(&[]), 200, "OK", None);
        assert_eq!(SessionTimer::agreed(&ok, START), None);
        ok.headers.push(HeaderName::SessionExpires, "200; refresher = uas");
        assert!(!SessionTimer::agreed(&ok, START).unwrap().we_refresh);
        ok.headers.set(HeaderName::SessionExpires, "200");
        assert!(SessionTimer::agreed(&ok, START).unwrap().we_refresh);
    }
}
