//! What a SUBSCRIBE to the user's own data carries ([MS-SIP] §3.4–3.6).
//!
//! A notification comes in the body of the 200 (piggyback: then no NOTIFY follows), as NOTIFY, or as
//! BENOTIFY, which is never answered, not even with an error.

use std::time::Duration;

use bytes::Bytes;

use crate::lync::{provisioning, roaming};
use crate::sip::subscription::Package;
use crate::sip::wire::{HeaderName, Text};

/// Lifetime asked for; the front end prolongs it while it notifies (autoextend).
const LIFETIME: Duration = Duration::from_secs(7_200);

/// His own presence, lines and lamp.
pub(super) fn roaming_self() -> Package {
    package(roaming::EVENT, roaming::CONTENT_TYPE, LIFETIME, roaming::SUBSCRIBE.to_owned())
}

/// Asked once: "`Expires: 0` = fetch once".
pub(super) fn provisioning_v2() -> Package {
    package(provisioning::EVENT, provisioning::CONTENT_TYPE, Duration::ZERO, provisioning::subscribe())
}

fn package(event: &str, content_type: &'static str, expires: Duration, body: String) -> Package {
    let supported = ["com.microsoft.autoextend", "ms-benotify", "ms-piggyback-first-notify"];
    let mut headers: Vec<_> =
        supported.into_iter().map(|tag| (HeaderName::Supported, Text::from_static(tag))).collect();
    headers.push((HeaderName::ProxyRequire, Text::from_static("ms-benotify")));
    Package {
        event: event.to_owned(),
        accept: vec![content_type.to_owned()],
        expires,
        headers,
        body: Some((content_type.to_owned(), Bytes::from(body))),
    }
}
