//! Subscriptions to what a front end keeps for its user ([MS-SIP] §3.4–3.6): what a SUBSCRIBE carries
//! besides, and how its notifications come.
//!
//! A notification comes in one of three ways: in the body of the 200 to the SUBSCRIBE (piggyback: then
//! no NOTIFY follows), as NOTIFY, or as BENOTIFY, which is never answered, not even with an error.

use std::time::Duration;

use bytes::Bytes;

use crate::sip::wire::{HeaderName, Message, Method, Params, Text};

use super::{provisioning, roaming};

/// What a user subscribes to at sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfSubscription {
    /// His own presence, lines and lamp. Must be answered before the first publication.
    Roaming,
    /// What the pool provides; fetched once.
    Provisioning,
}

impl SelfSubscription {
    /// `Event`.
    pub const fn event(self) -> &'static str {
        match self {
            Self::Roaming => roaming::EVENT,
            Self::Provisioning => provisioning::EVENT,
        }
    }

    /// Finishes a SUBSCRIBE to the user's own address, which has its dialog's headers and Contact (the
    /// GRUU). It is signed after this.
    pub fn dress(self, subscribe: &mut Message) {
        let (content_type, body) = match self {
            Self::Roaming => (roaming::CONTENT_TYPE, roaming::SUBSCRIBE.to_owned()),
            Self::Provisioning => (provisioning::CONTENT_TYPE, provisioning::subscribe()),
        };
        subscribe.headers.set(HeaderName::Event, self.event());
        subscribe.headers.set(HeaderName::Accept, content_type);
        subscribe.headers.remove(&HeaderName::Supported);
        for tag in ["com.microsoft.autoextend", "ms-benotify", "ms-piggyback-first-notify"] {
            subscribe.headers.push(HeaderName::Supported, tag);
        }
        subscribe.headers.set(HeaderName::ProxyRequire, "ms-benotify");
        if self == Self::Provisioning {
            subscribe.headers.set(HeaderName::Expires, "0");
        }
        subscribe.set_body(content_type, body);
    }
}

/// A notification, however it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// `Event`, without parameters.
    pub event: Text,
    /// Whether the subscription is over.
    pub is_terminated: bool,
    /// How long it goes on, when told. The server prolongs it while it notifies (autoextend).
    pub expires: Option<Duration>,
    /// Whether a 200 is due: for NOTIFY only.
    pub wants_answer: bool,
    /// Its body.
    pub body: Bytes,
}

impl Notification {
    /// Out of a NOTIFY, a BENOTIFY, or a 200 to SUBSCRIBE that carries the first one.
    pub fn of(message: &Message) -> Option<Self> {
        let method = message.method()?;
        let piggyback = message.status() == Some(200)
            && method == Method::Subscribe
            && message.header(&other("ms-piggyback-cseq")).is_some();
        let is_notify = message.is_request() && method == Method::Notify;
        let is_benotify = message.is_request() && method.as_str() == "BENOTIFY";
        if !(piggyback || is_notify || is_benotify) {
            return None;
        }
        let event = message.header(&HeaderName::Event)?;
        let state = message.header(&HeaderName::SubscriptionState);
        let params = state.and_then(Params::parse).unwrap_or_default();
        let seconds = params.get("expires").and_then(|expires| expires.parse().ok());
        Some(Self {
            event: event.share(event.split(';').next().unwrap_or("").trim()),
            is_terminated: params.has("terminated"),
            expires: seconds.map(Duration::from_secs),
            wants_answer: is_notify,
            body: message.body.clone(),
        })
    }
}

fn other(name: &'static str) -> HeaderName {
    HeaderName::Other(Text::from_static(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(lines: &[&str]) -> Message {
        Message::parse_datagram(Bytes::from(format!("{}\r\n\r\nbody", lines.join("\r\n")))).unwrap()
    }

    #[test]
    fn a_subscribe_asks_for_benotify_and_the_first_word_with_the_answer() {
        let mut subscribe = Message::request(Method::Subscribe, "sip:alice@contoso.com");
        SelfSubscription::Provisioning.dress(&mut subscribe);
        let text = String::from_utf8(subscribe.encode().to_vec()).unwrap();
        for line in [
            "Event: vnd-microsoft-provisioning-v2",
            "Proxy-Require: ms-benotify",
            "Supported: ms-piggyback-first-notify",
            "Expires: 0",
            "Content-Type: application/vnd-microsoft-roaming-provisioning-v2+xml",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
        }
        SelfSubscription::Roaming.dress(&mut subscribe);
        assert_eq!(subscribe.headers.count(&HeaderName::Supported), 3);
    }

    #[test]
    fn a_notification_is_found_however_it_comes() {
        let piggyback = message(&[
            "SIP/2.0 200 OK",
            "CSeq: 1 SUBSCRIBE",
            "Event: presence",
            "subscription-state: active;expires=24767",
            "ms-piggyback-cseq: 1",
        ]);
        let found = Notification::of(&piggyback).unwrap();
        assert_eq!((found.expires, found.wants_answer), (Some(Duration::from_secs(24_767)), false));
        assert_eq!(found.body, Bytes::from_static(b"body"));
        let plain = message(&["SIP/2.0 200 OK", "CSeq: 1 SUBSCRIBE", "Event: presence"]);
        assert_eq!(Notification::of(&plain), None);
        for (method, wants_answer) in [("NOTIFY", true), ("BENOTIFY", false)] {
            let line = format!("{method} sip:a@b SIP/2.0");
            let state = "subscription-state: terminated;expires=0";
            let found = Notification::of(&message(&[&line, "Event: presence;id=1", state])).unwrap();
            assert_eq!((found.event.as_str(), found.is_terminated), ("presence", true));
            assert_eq!(found.wants_answer, wants_answer, "{method}");
        }
    }
}
