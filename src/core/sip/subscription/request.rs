//! The SUBSCRIBE we send (RFC 6665 §4.1.2), and what we read in its answers.

use std::time::Duration;

use crate::id::Tokens;
use crate::sip::dialog::{Dialog, DialogId};
use crate::sip::wire::{HeaderName, Message, Method, Text, Via};

use super::{Package, Subscriber};

/// The request that begins a subscription: what its repetitions share.
#[derive(Debug, Clone)]
pub(super) struct First {
    call_id: String,
    tag: String,
    cseq: u32,
}

impl First {
    /// Our tag begins with the owner's number, as those of calls do.
    pub fn new(subscriber: &Subscriber, tokens: &mut Tokens) -> Self {
        let tag = format!("{}.{}", subscriber.owner, tokens.word());
        Self { call_id: format!("{}{}", tokens.word(), tokens.word()), tag, cseq: 0 }
    }

    /// Whether a notification may begin our dialog: our Call-ID and tag.
    pub fn owns(&self, notification: &Message) -> bool {
        notification.call_id().is_some_and(|id| *id == self.call_id.as_str())
            && notification.to_tag().is_some_and(|tag| tag == self.tag.as_str())
            && notification.from_tag().is_some()
    }

    /// The dialog of a NOTIFY that overtakes the 2xx: "the subscriber MUST be prepared to receive NOTIFY
    /// requests before the 2xx" (§4.1.2.4). We act as UAS of it: the route set is taken in order.
    pub fn dialog(&self, notify: &Message, subscriber: &Subscriber) -> Option<Dialog> {
        let text = |name: &HeaderName| notify.header(name).map(Text::to_string);
        let contact = notify.contacts().first().map(|contact| contact.uri.raw.to_string());
        Some(Dialog {
            id: DialogId {
                call_id: self.call_id.clone(),
                local_tag: self.tag.clone(),
                remote_tag: notify.from_tag()?.to_string(),
            },
            local: text(&HeaderName::To)?,
            remote: text(&HeaderName::From)?,
            remote_target: contact.unwrap_or_else(|| subscriber.target.clone()),
            route_set: notify.headers.list(&HeaderName::RecordRoute).iter().map(Text::to_string).collect(),
            local_cseq: self.cseq,
            remote_cseq: None,
            secure: false,
        })
    }

    /// Outside of a dialog, with the next CSeq.
    pub fn request(&mut self, subscriber: &Subscriber) -> Message {
        self.cseq += 1;
        let mut request = Message::request(Method::Subscribe, subscriber.target.as_str());
        let mut push = |name: HeaderName, value: String| request.headers.push(name, value);
        for route in &subscriber.route {
            push(HeaderName::Route, route.clone());
        }
        push(HeaderName::MaxForwards, "70".into());
        push(HeaderName::From, format!("<{}>;tag={}", subscriber.aor, self.tag));
        push(HeaderName::To, format!("<{}>", subscriber.target));
        push(HeaderName::CallId, self.call_id.clone());
        push(HeaderName::CSeq, format!("{} SUBSCRIBE", self.cseq));
        request
    }
}

/// What every SUBSCRIBE carries besides: Via with a fresh branch, Contact, Event, Accept, Expires.
pub(super) fn dress(
    request: &mut Message,
    subscriber: &Subscriber,
    package: &Package,
    expires: Duration,
    transport: &'static str,
    tokens: &mut Tokens,
) {
    let branch = format!("{}{}.{}", Via::COOKIE, subscriber.owner, tokens.word());
    let via = format!("SIP/2.0/{transport} {};branch={branch};rport", subscriber.sent_by);
    request.headers.push_front(HeaderName::Via, via);
    let mut push = |name: HeaderName, value: String| request.headers.push(name, value);
    push(HeaderName::Contact, format!("<{}>{}", subscriber.contact, subscriber.contact_params));
    push(HeaderName::Event, package.event.clone());
    if !package.accept.is_empty() {
        push(HeaderName::Accept, package.accept.join(", "));
    }
    // "A SUBSCRIBE request SHOULD include an Expires header field" (§4.1.2.1).
    push(HeaderName::Expires, expires.as_secs().to_string());
    push(HeaderName::UserAgent, subscriber.user_agent.clone());
    for (name, value) in &package.headers {
        request.headers.push(name.clone(), value.clone());
    }
    if let Some((kind, body)) = &package.body {
        request.set_body(kind, body.clone());
    }
}

/// The lifetime that a 2xx gives. "200-class responses to SUBSCRIBE requests also MUST contain an Expires
/// header field" (§4.1.2.1); one that does not gives what was asked for.
pub(super) fn granted(answer: &Message, asked: Duration) -> Duration {
    let seconds = answer.header(&HeaderName::Expires).and_then(|text| text.trim().parse::<u32>().ok());
    seconds.map_or(asked, |seconds| Duration::from_secs(u64::from(seconds)))
}

/// Whether a refusal ends the subscription it was to refresh (RFC 6665 §4.1.2.2, RFC 5057 table): the
/// others leave it as it was.
pub(super) fn ends_subscription(status: u16) -> bool {
    matches!(status, 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}
