//! The templates of rows and blocks that live pages are made of.

use askama::Template;
use kirkwall_actors::desk::{BaseStationView, BindingView, CallDetail, HandsetView, MediaView};
use kirkwall_core::call::admission::links::LinkLoad;
use kirkwall_core::call::ladder::Rung;
use kirkwall_core::call::{CallSummary, Phase};

use crate::rest::in_path;

use super::words::{Channels, Clock, Tone, base_words, codec_words, party_words, srtp_words, state_words};

/// One number of the overview.
#[derive(Template)]
#[template(path = "rows/tile.html")]
pub struct Tile {
    pub id: String,
    pub label: &'static str,
    pub href: &'static str,
    pub value: String,
    pub note: String,
    pub tone: Tone,
}

/// What stands where there is nothing: what to do next.
#[derive(Template)]
#[template(path = "rows/empty.html")]
pub struct EmptyRow {
    pub id: String,
    pub span: usize,
    pub text: &'static str,
}

/// A standing call.
#[derive(Template)]
#[template(path = "rows/call.html")]
pub struct CallRow {
    pub id: String,
    reference: String,
    state: &'static str,
    tone: Tone,
    from: String,
    to: String,
    base: String,
    since: Clock,
    media: String,
}

impl CallRow {
    /// Of that call.
    pub fn of(id: String, call: &CallSummary) -> Self {
        let (state, tone) = state_words(call);
        let media = match call.phase {
            Phase::Talking => format!("{}, {}", codec_words(call), srtp_words(call)),
            _ => "–".to_owned(),
        };
        Self {
            id,
            reference: call.reference.to_string(),
            state,
            tone,
            from: party_words(&call.caller),
            to: party_words(&call.callee),
            base: base_words(call),
            since: Clock(call.answered.unwrap_or(call.started)),
            media,
        }
    }
}

/// All that is known of a call besides its messages.
#[derive(Template)]
#[template(path = "rows/call_facts.html")]
pub struct CallFacts {
    id: String,
    state: &'static str,
    tone: Tone,
    from: String,
    to: String,
    base: String,
    started: Clock,
    answered: Option<Clock>,
    ended: Option<Clock>,
    talked: Option<String>,
    codec: String,
    srtp: &'static str,
    cause: Option<String>,
}

impl CallFacts {
    /// Of that call.
    pub fn of(id: String, detail: &CallDetail) -> Self {
        let call = &detail.summary;
        let (state, tone) = state_words(call);
        let cause = call.cause.as_ref();
        Self {
            id,
            state,
            tone,
            from: party_words(&call.caller),
            to: party_words(&call.callee),
            base: base_words(call),
            started: Clock(call.started),
            answered: call.answered.map(Clock),
            ended: call.ended.map(Clock),
            talked: talked(call),
            codec: codec_words(call),
            srtp: srtp_words(call),
            cause: cause.map(|c| format!("{} (SIP {}, Q.850 cause {})", c.words, c.status, c.q850)),
        }
    }
}

/// How long an ended call was talked on.
pub fn talked(call: &CallSummary) -> Option<String> {
    let (answered, ended) = (call.answered?, call.ended?);
    Some(crate::clock::length(ended.since(answered)))
}

/// Media counters of one side.
#[derive(Template)]
#[template(path = "rows/media.html")]
pub struct MediaRow<'a> {
    pub id: String,
    pub media: &'a MediaView,
}

/// One message of a call.
#[derive(Template)]
#[template(path = "rows/message.html")]
pub struct Message<'a> {
    pub id: String,
    pub number: usize,
    pub rung: &'a Rung,
    pub at: Clock,
}

/// A base station.
#[derive(Template)]
#[template(path = "rows/base_station.html")]
pub struct BaseRow<'a> {
    pub id: String,
    pub base: &'a BaseStationView,
    pub link: String,
    pub channels: Channels,
    pub tone: Tone,
    pub seen: Clock,
}

/// A handset.
#[derive(Template)]
#[template(path = "rows/handset.html")]
pub struct HandsetRow<'a> {
    id: String,
    handset: &'a HandsetView,
    binding: Option<&'a BindingView>,
    more: usize,
    link: String,
    tone: Tone,
}

impl<'a> HandsetRow<'a> {
    /// Of that handset.
    pub fn of(id: String, handset: &'a HandsetView) -> Self {
        let tone = if handset.bindings.is_empty() { Tone::Warn } else { Tone::Ok };
        let more = handset.bindings.len().saturating_sub(1);
        let link = in_path(handset.user.as_str());
        Self { id, handset, binding: handset.bindings.first(), more, link, tone }
    }

    fn until(binding: &BindingView) -> Option<Clock> {
        binding.expires.map(Clock)
    }
}

/// A proxy of the north side.
#[derive(Template)]
#[template(path = "rows/proxy.html")]
pub struct ProxyRow<'a> {
    pub id: String,
    pub name: &'a str,
    pub up: bool,
    pub tone: Tone,
}

/// A link with a limit.
#[derive(Template)]
#[template(path = "rows/link.html")]
pub struct LinkRow<'a> {
    pub id: String,
    pub link: &'a LinkLoad,
}

/// Channels of the node.
#[derive(Template)]
#[template(path = "rows/capacity.html")]
pub struct CapacityFacts<'a> {
    pub id: String,
    pub profile: &'a str,
    pub channels: Channels,
    pub engine: usize,
    pub calls: usize,
    pub refused_media: u64,
    pub refused_base: u64,
}
