//! The templates of rows and blocks about native base stations and the handsets on them, and their words.

use std::collections::BTreeMap;

use askama::Template;
use kirkwall_actors::desk::{NativeBaseView, PortableView, UnknownView, WindowView};
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::radio::Rpn;

use super::words::{Clock, Tone};
use crate::rest::in_path;

/// A base station in the list.
#[derive(Template)]
#[template(path = "rows/native_base.html")]
pub struct NativeBaseRow<'a> {
    id: String,
    link: String,
    base: &'a NativeBaseView,
    state: (&'static str, Tone),
    duty: (&'static str, Tone),
    sync: (String, Tone),
    up: Option<Clock>,
}

impl<'a> NativeBaseRow<'a> {
    /// Of that base station.
    pub fn of(id: String, base: &'a NativeBaseView) -> Self {
        let (link, up) = (in_path(&base.id.0), base.up_since.map(Clock));
        let (state, duty, sync) = (standing_words(base), duty_words(base.duty), sync_words(base));
        Self { id, link, base, state, duty, sync, up }
    }

    fn percent(&self) -> u32 {
        percent(self.base)
    }
}

/// All that is known of a base station.
#[derive(Template)]
#[template(path = "rows/native_base_facts.html")]
pub struct NativeBaseFacts<'a> {
    id: String,
    base: &'a NativeBaseView,
    state: (&'static str, Tone),
    sync: (String, Tone),
    /// Those that it listens to when its own is lost.
    alternatives: String,
    without_alternative: bool,
    up: Option<Clock>,
}

impl<'a> NativeBaseFacts<'a> {
    /// Of that base station.
    pub fn of(id: String, base: &'a NativeBaseView, alternatives: String, without_alternative: bool) -> Self {
        let (state, sync, up) = (standing_words(base), sync_words(base), base.up_since.map(Clock));
        Self { id, base, state, sync, alternatives, without_alternative, up }
    }

    fn percent(&self) -> u32 {
        percent(self.base)
    }
}

/// What it is wanted for, and the ways to change that.
#[derive(Template)]
#[template(path = "rows/duty.html")]
pub struct DutyForm {
    /// The element's id.
    pub id: String,
    /// What it is wanted for now.
    pub duty: Duty,
    /// Its MAC address, in addresses.
    pub link: String,
}

impl DutyForm {
    fn words(&self) -> (&'static str, Tone) {
        duty_words(self.duty)
    }

    /// What that means.
    fn meaning(&self) -> &'static str {
        match self.duty {
            Duty::InUse => "It carries calls.",
            Duty::Draining => {
                "Calls that stand go on or are handed over to other base stations; it takes no new ones."
            }
            Duty::OutOfUse => "It carries no calls, gives no time to others, and is not let in.",
        }
    }
}

/// Whether handsets may subscribe.
#[derive(Template)]
#[template(path = "rows/window.html")]
pub struct WindowState<'a> {
    /// The element's id.
    pub id: String,
    /// The window.
    pub window: &'a WindowView,
}

impl WindowState<'_> {
    /// In minutes: seconds would change the page, and be read out, every second.
    fn left(&self) -> String {
        match self.window.seconds_left.div_ceil(60) {
            0 | 1 => "in less than a minute".to_owned(),
            minutes @ ..60 => format!("in {minutes} minutes"),
            minutes => format!("in {} h {} min", minutes / 60, minutes % 60),
        }
    }
}

/// A handset that wanted in.
#[derive(Template)]
#[template(path = "rows/unknown.html")]
pub struct UnknownRow<'a> {
    id: String,
    ipei: &'a str,
    at: Clock,
}

impl<'a> UnknownRow<'a> {
    /// Of that handset.
    pub fn of(id: String, handset: &'a UnknownView) -> Self {
        Self { id, ipei: &handset.ipei, at: Clock(handset.at) }
    }
}

/// A handset that is in.
#[derive(Template)]
#[template(path = "rows/subscribed.html")]
pub struct SubscribedRow<'a> {
    id: String,
    handset: &'a PortableView,
    link: String,
    user_link: String,
    base_link: String,
    tone: Tone,
}

impl<'a> SubscribedRow<'a> {
    /// Of that handset.
    pub fn of(id: String, handset: &'a PortableView) -> Self {
        let tone = match handset.state {
            "located" => Tone::Ok,
            "unreachable" => Tone::Warn,
            _ => Tone::Idle,
        };
        let user_link = handset.user.as_ref().map_or(String::new(), |user| in_path(user.as_str()));
        let base_link = handset.base_station.as_ref().map_or(String::new(), |base| in_path(&base.0));
        Self { id, link: in_path(&handset.ipei), user_link, base_link, tone, handset }
    }
}

/// A radio by its number, and its base station when that is known.
pub fn radio_words(names: &BTreeMap<Rpn, String>, rpn: Rpn) -> String {
    names.get(&rpn).map_or_else(|| format!("radio {rpn}"), |name| format!("radio {rpn} ({name})"))
}

/// Calls that stand there: what it says itself, or the switch's books when those know of more.
pub fn calls_there(base: &NativeBaseView) -> u32 {
    base.voice.map_or(0, |voice| u32::from(voice.0)).max(base.channels.channels())
}

/// Channels in use, of a hundred.
fn percent(base: &NativeBaseView) -> u32 {
    let (used, most) = base.voice.unwrap_or((0, 1));
    (u32::from(used) * 100).checked_div(u32::from(most)).unwrap_or(0).min(100)
}

/// What it is wanted for, and how that looks.
pub fn duty_words(duty: Duty) -> (&'static str, Tone) {
    match duty {
        Duty::InUse => ("in use", Tone::Ok),
        Duty::Draining => ("draining", Tone::Warn),
        Duty::OutOfUse => ("out of use", Tone::Idle),
    }
}

fn standing_words(base: &NativeBaseView) -> (&'static str, Tone) {
    match base.standing {
        // Somebody wanted it so: nothing is broken.
        Standing::Down | Standing::Refused if base.duty == Duty::OutOfUse => ("no link", Tone::Idle),
        Standing::Down => ("no link", Tone::Bad),
        Standing::Refused => ("refused", Tone::Bad),
        Standing::Suspect => ("link lost, calls go on", Tone::Warn),
        Standing::Configuring => ("being configured", Tone::Idle),
        Standing::Starting => ("starting", Tone::Idle),
        Standing::Syncing => ("waits for its time", Tone::Warn),
        Standing::Operational => ("in service", Tone::Ok),
        Standing::Busy => ("full", Tone::Warn),
        Standing::Draining => ("takes no new calls", Tone::Warn),
        Standing::RadioOff => ("radio off", Tone::Bad),
    }
}

fn sync_words(base: &NativeBaseView) -> (String, Tone) {
    let source = base.sync_source.map(|rpn| format!("radio {rpn}"));
    let from = source.unwrap_or_else(|| "another".to_owned());
    let loud = base.sync_rssi.map_or(String::new(), |rssi| format!(", {rssi} dBm"));
    match base.sync {
        None => ("–".to_owned(), Tone::Idle),
        Some(SyncState::Off) => ("off".to_owned(), Tone::Idle),
        Some(SyncState::Searching) => (format!("looks for {from}"), Tone::Warn),
        Some(SyncState::Locked) => (format!("follows {from}{loud}"), Tone::Ok),
        Some(SyncState::FreeRunning) => ("by its own clock".to_owned(), Tone::Warn),
        Some(SyncState::Assisted) => (format!("follows others than {from}"), Tone::Warn),
        Some(SyncState::Lost) => ("lost".to_owned(), Tone::Bad),
        Some(SyncState::Master) => ("gives the time".to_owned(), Tone::Ok),
    }
}
