//! REFER and what follows it (RFC 3515, RFC 3892, RFC 4488): whom the other end wants called in its place,
//! and the NOTIFYs that tell it how that goes.
//!
//! The subscription that a REFER makes is implicit, has one subscriber, and always ends with the final
//! status of the new call, within [`EXPIRES`]. So nothing of it is kept here: every NOTIFY follows from
//! the number of the REFER and the status to tell.

use std::time::Duration;

use super::invite::Body;
use super::replaces::Replaces;
use super::wire::{HeaderName, Message, NameAddr, Scheme, Text, Uri};

/// How long a referrer may have to wait for the final status. RFC 3515 §2.4.4: "the duration … is chosen
/// by the agent accepting the REFER".
pub const EXPIRES: Duration = Duration::from_secs(200);
/// Longest Referred-By that is carried on, in octets; a signed one of Lync has some hundreds.
const MAX_REFERRED_BY: usize = 4_096;

/// What a REFER asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refer {
    /// Whom to call: a URI that can stand in a Request-URI.
    pub to: String,
    /// The dialog that the new call shall take the place of.
    pub replaces: Option<Replaces>,
    /// Referred-By as it came (RFC 3892 §2.2: the referee copies it into the new request).
    pub referred_by: Option<String>,
    /// `Refer-Sub: false` (RFC 4488 §4): the referrer wants no NOTIFYs.
    pub quiet: bool,
}

/// Why a REFER cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferFault {
    /// RFC 3515 §2.4.2: "A REFER request … MUST contain exactly one Refer-To header field value", else 400.
    #[error("a REFER needs exactly one Refer-To; this one has {0}")]
    Count(usize),
    /// No URI.
    #[error("Refer-To cannot be read; it is <URI>")]
    Unreadable,
    /// Something that cannot be called.
    #[error("Refer-To names no SIP, SIPS or TEL address")]
    Scheme,
    /// The URI wants another method than INVITE.
    #[error("Refer-To asks for another method than INVITE")]
    Method,
    /// Replaces inside the URI has no tags.
    #[error("Replaces in Refer-To cannot be read; it is call-id;to-tag=…;from-tag=…")]
    Replaces,
}

impl ReferFault {
    /// The status that answers the REFER.
    pub const fn status(self) -> u16 {
        match self {
            Self::Count(_) | Self::Unreadable | Self::Replaces => 400,
            Self::Scheme => 416,
            Self::Method => 501,
        }
    }
}

impl Refer {
    /// Reads a REFER.
    pub fn read(request: &Message) -> Result<Self, ReferFault> {
        let values = request.headers.list(&HeaderName::ReferTo);
        let [value] = values.as_slice() else { return Err(ReferFault::Count(values.len())) };
        let uri = refer_to(value).ok_or(ReferFault::Unreadable)?;
        if let Scheme::Other(_) = uri.scheme {
            return Err(ReferFault::Scheme);
        }
        if uri.params.get("method").is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
            return Err(ReferFault::Method);
        }
        let replaces = uri.header("Replaces");
        let replaces =
            replaces.map(|value| Replaces::parse(&value).ok_or(ReferFault::Replaces)).transpose()?;
        let referred_by = request.header(&HeaderName::ReferredBy).filter(|by| by.len() <= MAX_REFERRED_BY);
        Ok(Self {
            to: uri.as_request_uri(),
            replaces,
            referred_by: referred_by.map(Text::to_string),
            quiet: request.header(&refer_sub()).is_some_and(|value| {
                value.split(';').next().is_some_and(|word| word.trim().eq_ignore_ascii_case("false"))
            }),
        })
    }
}

/// The URI, also without brackets, and as Exchange writes it, without scheme.
fn refer_to(value: &Text) -> Option<Uri> {
    if let Some(named) = NameAddr::parse(value) {
        return Some(named.uri);
    }
    let bare = value.trim().trim_start_matches('<').trim_end_matches('>');
    let bare = Text::from(bare);
    Uri::parse(&bare)
        .or_else(|| Uri::parse(&Text::from(format!("sip:{bare}"))))
        .filter(|uri| uri.user.is_some())
}

/// What a new call says of the REFER that it follows.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Referral {
    /// Referred-By.
    pub referred_by: Option<String>,
    /// The dialog at the far end whose place it takes.
    pub replaces: Option<Replaces>,
}

impl Referral {
    /// Its headers in the INVITE.
    pub fn headers(&self) -> Vec<(HeaderName, Text)> {
        let mut headers = Vec::new();
        if let Some(by) = &self.referred_by {
            headers.push((HeaderName::ReferredBy, Text::from(by.as_str())));
        }
        if let Some(replaces) = &self.replaces {
            headers.push((HeaderName::Replaces, Text::from(replaces.to_string())));
            headers.push((HeaderName::Require, Text::from_static("replaces")));
        }
        headers
    }
}

/// Headers of the 202 to a REFER. RFC 4488 §4: a 2xx to a REFER with `Refer-Sub: false` says so too when
/// it makes no subscription.
pub fn accepted_headers(quiet: bool) -> Vec<(HeaderName, Text)> {
    match quiet {
        true => vec![(refer_sub(), Text::from_static("false"))],
        false => Vec::new(),
    }
}

/// A NOTIFY: headers and body. `number` is the CSeq number of the REFER, `left` what remains of
/// [`EXPIRES`], none when this is the last.
///
/// RFC 3515 §2.4.5: "the body of a NOTIFY MUST begin with a SIP Response Status-Line"; §2.4.6: with more
/// than one REFER in a dialog "the id parameter … MUST" stand in Event; it may with the first.
pub fn notify(
    number: u32,
    (status, reason): (u16, &str),
    left: Option<Duration>,
) -> (Vec<(HeaderName, Text)>, Body) {
    let state = match left {
        Some(left) => format!("active;expires={}", left.as_secs()),
        None => "terminated;reason=noresource".to_owned(),
    };
    let headers = vec![
        (HeaderName::Event, Text::from(format!("refer;id={number}"))),
        (HeaderName::SubscriptionState, Text::from(state)),
    ];
    let fragment = format!("SIP/2.0 {status} {reason}\r\n");
    (headers, Body { content_type: "message/sipfrag;version=2.0".into(), bytes: fragment.into() })
}

fn refer_sub() -> HeaderName {
    HeaderName::from_text(Text::from_static("Refer-Sub"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn refer(lines: &str) -> Result<Refer, ReferFault> {
        let text = format!("REFER sip:a@b SIP/2.0\n{lines}\nContent-Length: 0\n\n").replace('\n', "\r\n");
        Refer::read(&Message::parse_datagram(Bytes::from(text)).unwrap())
    }

    #[test]
    fn a_blind_refer_names_whom_and_by_whom() {
        let by = "\"A\" <sip:a@x.test>;ms-identity=\"x/y==\"";
        let read = refer(&format!("Refer-To: <sip:c@x.test;user=phone>\nReferred-By: {by}")).unwrap();
        assert_eq!((read.to.as_str(), read.referred_by.as_deref()), ("sip:c@x.test;user=phone", Some(by)));
        assert_eq!((read.replaces, read.quiet), (None, false));
    }

    #[test]
    fn an_attended_refer_names_the_dialog_too() {
        let read = refer("Refer-To: <sip:c@x.test?Replaces=1%402%3Bto-tag%3Dt%3Bfrom-tag%3Df>").unwrap();
        assert_eq!(read.to, "sip:c@x.test");
        assert_eq!(read.replaces.unwrap().to_string(), "1@2;to-tag=t;from-tag=f");
    }

    #[test]
    fn what_old_servers_write_is_understood() {
        assert_eq!(refer("Refer-To: other@x.test").unwrap().to, "sip:other@x.test");
        assert_eq!(refer("r: sip:c@x.test").unwrap().to, "sip:c@x.test");
        assert_eq!(refer("Refer-To: <tel:+1555>").unwrap().to, "tel:+1555");
        assert!(refer("Refer-To: <sip:c@x.test>\nRefer-Sub: false ; x=1").unwrap().quiet);
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_its_fault() {
        let status = |lines| refer(lines).unwrap_err().status();
        assert_eq!(status("Subject: x"), 400);
        assert_eq!(status("Refer-To: <sip:a@b>, <sip:c@d>"), 400);
        assert_eq!(status("Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>"), 400);
        assert_eq!(status("Refer-To: nonsense"), 400);
        assert_eq!(status("Refer-To: <http://x.test/page>"), 416);
        assert_eq!(status("Refer-To: <sip:a@b;method=BYE>"), 501);
        assert_eq!(status("Refer-To: <sip:a@b?Replaces=x>"), 400);
    }

    #[test]
    fn a_notify_tells_the_status_and_whether_more_will_come() {
        let (headers, body) = notify(7, (180, "Ringing"), Some(Duration::from_secs(60)));
        let values: Vec<_> = headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["refer;id=7", "active;expires=60"]);
        assert_eq!(body.bytes, "SIP/2.0 180 Ringing\r\n");
        let (headers, _) = notify(7, (200, "OK"), None);
        assert_eq!(headers[1].1.as_str(), "terminated;reason=noresource");
    }
}
