//! Setting a base station up, keeping its time in view, and where it stands.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::words::{News, Output, Plan, Request, Standing};
use super::{Out, Phase, Session, Timer};
use crate::dect::base_link::code::*;
use crate::dect::base_link::direction::Response;
use crate::dect::base_link::word::*;
use crate::timer::Moment;

/// How long a base station carries calls by its own clock: "free_running <= 120 s".
pub const FREE_RUNNING: Duration = Duration::from_secs(120);
/// How long calls may go on where time is lost: "waits up to 3 min for active calls to end".
pub const DRAIN: Duration = Duration::from_secs(180);
/// When a base station that refused its set-up is asked again.
const AGAIN: Duration = Duration::from_secs(30);

impl Session {
    /// A new plan. What has not changed is not said again.
    pub(super) fn configure(&mut self, plan: Box<Plan>, now: Moment, ready: &mut Out) {
        let before = self.plan.replace(plan);
        if self.up.is_none() || self.role() == Role::Media {
            return;
        }
        let Some(plan) = &self.plan else { return };
        let same_radio = self.radio == Some(print(&plan.radio));
        let same_sync = before.is_some_and(|before| before.sync == plan.sync);
        match (self.phase, same_radio) {
            (Phase::Running, true) if same_sync => {}
            (Phase::Running, true) => {
                let sync = plan.sync.clone();
                let _ = self.speak(sync.into(), now, ready);
            }
            // A radio that is set up anew loses its calls.
            (Phase::Running, false) if !self.conns.is_empty() => self.replan = true,
            _ => self.set_up(now, ready),
        }
    }

    /// After WELCOME.
    pub(super) fn begin(&mut self, resumed: bool, now: Moment, ready: &mut Out) {
        self.replan = false;
        let same = self.plan.as_ref().is_none_or(|plan| self.radio == Some(print(&plan.radio)));
        match self.role() {
            Role::Media => self.phase = Phase::Running,
            Role::Base if resumed && self.radio.is_some() && (same || !self.conns.is_empty()) => {
                self.phase = Phase::Running;
                self.replan = !same;
            }
            Role::Base => self.set_up(now, ready),
        }
    }

    /// RADIO_CONFIG; the rest follows its answer.
    pub(super) fn set_up(&mut self, now: Moment, ready: &mut Out) {
        self.replan = false;
        let Some(plan) = &self.plan else {
            self.phase = Phase::Unplanned;
            return;
        };
        self.phase = Phase::Configuring;
        let radio = plan.radio.clone();
        let _ = self.speak(radio.into(), now, ready);
    }

    /// An answer, or the want of one. The set-up goes on with its own; all others are the owner's.
    pub(super) fn answered(&mut self, request: Request, response: Response, now: Moment, ready: &mut Out) {
        let done = !matches!(response, Response::Refused(_));
        match (request, self.phase, &self.plan) {
            (Request::RadioConfig, Phase::Configuring, Some(plan)) if done => {
                self.radio = Some(print(&plan.radio));
                self.dirty = true;
                let sync = plan.sync.clone();
                let _ = self.speak(sync.into(), now, ready);
            }
            (Request::SyncConfig, Phase::Configuring, Some(plan)) if done => {
                self.phase = Phase::Starting;
                let start = RadioStart { sync_role: plan.sync.role };
                let _ = self.speak(start.into(), now, ready);
            }
            (Request::RadioStart, Phase::Starting, _) if done => {
                self.phase = Phase::Running;
                // What it said of its radio before is of before.
                self.told.radio = None;
            }
            (Request::RadioConfig | Request::SyncConfig | Request::RadioStart, phase, _) if !done => {
                if phase != Phase::Running {
                    self.phase = Phase::Failed;
                    self.timers.set(Timer::Setup, now + AGAIN);
                }
                ready.then.push(Output::News(News::Answered { request, response }));
            }
            (Request::RadioConfig | Request::SyncConfig | Request::RadioStart, ..) => {}
            (Request::MediaOpen(media), ..) if !done => {
                if let Ok(conn) = self.conns.owner(media) {
                    conn.close(media);
                    self.dirty = true;
                }
                ready.then.push(Output::News(News::Answered { request, response }));
            }
            _ => ready.then.push(Output::News(News::Answered { request, response })),
        }
    }

    pub(super) fn radio_told(&mut self, told: RadioStateTold, now: Moment, ready: &mut Out) {
        self.told.radio = Some(told.state);
        if matches!(told.state, RadioState::Off | RadioState::Fault) && self.phase == Phase::Running {
            for conn in self.conns.ids() {
                self.drop_conn(conn, DownReason::LOST, ready);
            }
            // It may come on again by itself; if not, it is set up anew.
            self.timers.set(Timer::Setup, now + AGAIN);
        } else if told.state == RadioState::On {
            self.timers.stop(Timer::Setup);
        }
    }

    pub(super) fn sync_told(&mut self, told: &SyncTold, now: Moment) {
        let before = self.told.sync.replace(told.clone()).map(|sync| sync.state);
        match (told.state, before) {
            (SyncState::FreeRunning, Some(SyncState::FreeRunning)) => {}
            (SyncState::FreeRunning, _) => self.timers.set(Timer::FreeRunning, now + FREE_RUNNING),
            _ => self.timers.stop(Timer::FreeRunning),
        }
    }

    fn has_time(&self) -> bool {
        let needs_none = self.plan.as_ref().is_some_and(|plan| plan.sync.mode == Some(SyncMode::None));
        match self.told.sync.as_ref().map(|sync| sync.state) {
            Some(SyncState::Locked | SyncState::Assisted | SyncState::Master) => true,
            Some(SyncState::FreeRunning) => self.timers.runs(Timer::FreeRunning),
            Some(SyncState::Off | SyncState::Searching | SyncState::Lost) | None => needs_none,
        }
    }

    fn is_full(&self) -> bool {
        let full = |told: &Capacity| told.pairs_free == 0 || told.voice_used >= told.voice_max;
        self.told.capacity.as_ref().is_some_and(full)
    }

    fn stand(&self) -> Standing {
        if self.up.is_none() {
            return self.standing_without_link();
        }
        match (self.phase, self.told.radio) {
            (Phase::Unplanned | Phase::Configuring, _) => Standing::Configuring,
            (Phase::Failed, _) => Standing::RadioOff,
            (Phase::Starting, _) => Standing::Starting,
            (Phase::Running, _) if self.role() == Role::Media => self.room(),
            (Phase::Running, Some(RadioState::Off | RadioState::Fault)) => Standing::RadioOff,
            (Phase::Running, Some(RadioState::Starting)) => Standing::Starting,
            (Phase::Running, Some(RadioState::Draining)) => Standing::Draining,
            (Phase::Running, Some(RadioState::On) | None) if !self.has_time() => {
                match self.conns.is_empty() {
                    true => Standing::Syncing,
                    false => Standing::Draining,
                }
            }
            (Phase::Running, Some(RadioState::On) | None) => self.room(),
        }
    }

    fn room(&self) -> Standing {
        match (self.maintenance, self.is_full()) {
            (true, _) => Standing::Draining,
            (false, true) => Standing::Busy,
            (false, false) => Standing::Operational,
        }
    }

    /// After every input: where it stands now, and what follows from that.
    pub(super) fn settle(&mut self, now: Moment, ready: &mut Out) {
        if self.replan && self.conns.is_empty() && self.up.is_some() {
            self.set_up(now, ready);
        }
        let standing = self.stand();
        let unsynced = self.phase == Phase::Running && self.up.is_some() && self.role() == Role::Base;
        let unsynced = unsynced && !self.has_time();
        // "a base not in sync carries no calls; on loss it sets the busy bit, waits up to 3 min for active calls
        // to end, then searches".
        match (unsynced && !self.conns.is_empty(), self.timers.runs(Timer::Drain)) {
            (true, false) => self.timers.set(Timer::Drain, now + DRAIN),
            (false, true) => self.timers.stop(Timer::Drain),
            _ => {}
        }
        let own = if unsynced || self.maintenance { busy::SPEECH | busy::SYSTEM } else { 0 };
        let busy_bits = self.busy_wanted | own;
        if let (Some(up), true) = (&mut self.up, busy_bits != self.busy_said) {
            self.busy_said = busy_bits;
            ready.then.push(up.say(Busy { busy_bits }));
        }
        if standing != self.standing {
            self.standing = standing;
            ready.then.push(Output::News(News::Standing(standing)));
            if standing == Standing::Draining {
                self.suggest_all(now, ready);
            }
        }
    }
}

/// By which a RADIO_CONFIG is known again.
fn print(radio: &RadioConfig) -> [u8; 32] {
    let mut octets = Vec::new();
    radio.write(&mut octets);
    Sha256::digest(&octets).into()
}
