//! Channels of a native base station: how many, what handsets are told of them, and what came of them.

use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::base_link::word::{Busy, busy};
use kirkwall_core::radio::allocation::{Blocked, Limit, Load, Purpose, Room};
use kirkwall_core::radio::congestion::Congestion;
use kirkwall_core::radio::statistics::{Outcome, Statistics};
use kirkwall_core::timer::Moment;
use metrics::{counter, gauge};

use super::*;

/// The channels of one base station.
#[derive(Debug)]
pub struct Rooms {
    /// Most of them.
    limit: Limit,
    /// Those kept for handsets that come over.
    reserve: u32,
    /// In use, by the supervisor's books.
    load: Load,
    congestion: Congestion,
    alarm: Option<SpawnHandle>,
    in_time: bool,
    /// What an administrator sees.
    pub(super) statistics: Statistics,
}

impl Rooms {
    /// All free.
    pub fn new(limit: Limit, reserve: u32, now: Moment) -> Self {
        let (load, congestion, statistics) = (Load::default(), Congestion::default(), Statistics::new(now));
        Self { limit, reserve, load, congestion, alarm: None, in_time: false, statistics }
    }
}

impl NativeBase {
    /// Statistics at this moment, channels in use, and the busy bits that handsets were told.
    pub(in crate::air) fn counted(&self) -> (Statistics, Load, u8) {
        let statistics = self.rooms.statistics.shown(self.ports.clock.now());
        (statistics, self.rooms.load, self.rooms.congestion.bits())
    }

    /// The room has changed, or time has passed: are handsets to look elsewhere, or may they come again?
    pub(super) fn look(&mut self, ctx: &mut Context<Self>) {
        let now = self.ports.clock.now();
        let pairs_free = self.session.told().capacity.as_ref().map(|capacity| capacity.pairs_free);
        let Rooms { limit, load, reserve, .. } = self.rooms;
        let room = Room { standing: self.session.standing(), limit, load, reserve, pairs_free };
        if self.rooms.congestion.look(&room, now).is_some() {
            self.say_busy(ctx);
        }
        if let Some(old) = self.rooms.alarm.take() {
            ctx.cancel_future(old);
        }
        let due = self.rooms.congestion.deadline();
        self.rooms.alarm = due.map(|at| ctx.run_later(at.since(now), |me, ctx| me.look(ctx)));
    }

    /// The session says it with what it has to say itself, and again after a lost link.
    pub(super) fn say_busy(&mut self, ctx: &mut Context<Self>) {
        let busy_bits = self.rooms.congestion.bits();
        let congested = if busy_bits & busy::SPEECH == 0 { 0.0 } else { 1.0 };
        gauge!("ipdect_base_congested", "base" => self.id.to_string()).set(congested);
        self.step(Input::Order(Order::Say(Busy { busy_bits }.into())), ctx);
    }

    /// It had no channel for a call of one of its handsets, of which the books have not heard yet.
    pub(super) fn blocked_there(&mut self, ctx: &mut Context<Self>) {
        let (in_use, limit) = (self.rooms.load.channels(), self.rooms.limit.plain);
        ctx.notify(Tally::Blocked(Purpose::New, Blocked::Full { in_use, limit }));
    }

    /// A connection has ended.
    pub(super) fn ended(&mut self, reason: DownReason, frames: Option<(u32, u32)>) {
        let statistics = &mut self.rooms.statistics;
        if reason == DownReason::LOST || reason == DownReason::TIMEOUT {
            statistics.lost += 1;
            counter!("ipdect_base_connections_lost_total", "base" => self.id.to_string()).increment(1);
        }
        if let Some((good, bad)) = frames {
            statistics.frames.0 += u64::from(good);
            statistics.frames.1 += u64::from(bad);
        }
    }

    /// How its time is.
    pub(super) fn timed(&mut self, state: SyncState) {
        let in_time = !matches!(state, SyncState::Off | SyncState::Searching | SyncState::Lost);
        if std::mem::replace(&mut self.rooms.in_time, in_time) && !in_time && state != SyncState::Off {
            self.rooms.statistics.sync_lost += 1;
            counter!("ipdect_base_sync_lost_total", "base" => self.id.to_string()).increment(1);
            warn!(parent: &self.span, "the base station has lost its time");
        }
    }

    /// A word that is counted.
    pub(super) fn count(&mut self, word: &kirkwall_core::dect::base_link::ToBase) {
        if matches!(word, kirkwall_core::dect::base_link::ToBase::Page(_)) {
            self.rooms.statistics.pages += 1;
        }
    }
}

/// So many of its channels are in use.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Carry(pub Load);

impl Handler<Carry> for NativeBase {
    type Result = ();

    fn handle(&mut self, Carry(load): Carry, ctx: &mut Self::Context) {
        let now = self.ports.clock.now();
        self.rooms.load = load;
        self.rooms.statistics.occupy(load.channels(), now);
        gauge!("ipdect_base_channels_in_use", "base" => self.id.to_string()).set(f64::from(load.channels()));
        self.look(ctx);
    }
}

/// Something that others know of and is counted here.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub enum Tally {
    /// A call, or a handset that would come over, found no channel.
    Blocked(Purpose, Blocked),
    /// A call ended because something broke.
    Abnormal,
    /// A handset that was last here did not answer its page.
    PageUnanswered,
    /// A handset begins to come (true) or to leave (false).
    HandoverBegins(bool),
    /// It has come or left, or has not.
    HandoverEnds(bool, Outcome),
}

impl Handler<Tally> for NativeBase {
    type Result = ();

    fn handle(&mut self, tally: Tally, _: &mut Self::Context) {
        let (base, statistics) = (self.id.to_string(), &mut self.rooms.statistics);
        match tally {
            Tally::Blocked(purpose, blocked) => {
                statistics.block(purpose, blocked);
                let (purpose, reason) = (purpose.to_string(), blocked.label());
                counter!("ipdect_base_blocked_total", "base" => base, "purpose" => purpose, "reason" => reason)
                    .increment(1);
            }
            Tally::Abnormal => {
                statistics.abnormal += 1;
                counter!("ipdect_base_abnormal_releases_total", "base" => base).increment(1);
            }
            Tally::PageUnanswered => statistics.pages_unanswered += 1,
            Tally::HandoverBegins(true) => statistics.handovers_in.begin(),
            Tally::HandoverBegins(false) => statistics.handovers_out.begin(),
            Tally::HandoverEnds(comes, outcome) => {
                let (ways, way) = match comes {
                    true => (&mut statistics.handovers_in, "in"),
                    false => (&mut statistics.handovers_out, "out"),
                };
                ways.end(outcome);
                let result = match outcome {
                    Outcome::Done => "done",
                    Outcome::Slow => "slow",
                    Outcome::Failed => "failed",
                };
                counter!("ipdect_base_handovers_total", "base" => base, "way" => way, "result" => result)
                    .increment(1);
            }
        }
    }
}

/// An administrator wants this of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Serve(pub Duty);

impl Handler<Serve> for NativeBase {
    type Result = ();

    fn handle(&mut self, Serve(duty): Serve, ctx: &mut Self::Context) {
        self.step(Input::Order(Order::Drain(duty == Duty::Draining)), ctx);
        self.step(Input::Order(Order::OutOfUse(duty == Duty::OutOfUse)), ctx);
    }
}

/// The switch stops.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Halt;

impl Handler<Halt> for NativeBase {
    type Result = ();

    fn handle(&mut self, _: Halt, ctx: &mut Self::Context) {
        self.step(Input::Order(Order::Stop), ctx);
    }
}
