//! What must be true of a town when it has come to rest.

use super::Town;
use super::native::Doing;
use super::node::{Agent, Voice};
use super::telephone::{Line, Stage};
use crate::call::{LegNo, Phase, Side};
use crate::id::CallRef;
use crate::media::Direction;
use crate::sip::dialog::DialogId;

impl Town {
    fn must(&self, right: bool, what: impl FnOnce() -> String) {
        assert!(right, "{}", what());
    }

    /// Every call that stands is heard at both ends, and everybody who talks is in such a call.
    pub(super) fn whole(&self) {
        self.must(self.is_quiet() && self.down.is_none(), || "the town is not at rest".into());
        for (call, exchange) in &self.node.calls {
            let phase = exchange.machine.summary().phase;
            self.must(phase == Phase::Talking, || format!("call {call} is stuck: {phase:?}"));
            let open = exchange.machine.open_legs();
            self.must(open.len() == 2, || format!("call {call} stands with legs {open:?}"));
            self.must(exchange.lent.is_empty(), || format!("call {call} has lent its legs for ever"));
            open.into_iter().for_each(|leg| self.heard_at_its_end(*call, leg));
        }
        for phone in self.phones.values() {
            for line in phone.lines.values().filter(|line| line.stage != Stage::Over) {
                self.must(line.stage == Stage::Talking, || {
                    format!("a line of {} is stuck: {:?}", phone.number, line.stage)
                });
                let id = line.leg.dialog_id().cloned();
                self.must(id.as_ref().is_some_and(|id| self.is_known(id)), || {
                    format!("{} talks in a call that the switch does not know: {id:?}", phone.number)
                });
                // A last word that was saved as said and went with the process: the subscription runs out.
                let struck = self.tally.keys().any(|what| what.starts_with("kill -9"));
                let excused = struck || self.unheard.contains(&phone.address.ip());
                self.must(line.waits_for.is_empty() || excused, || {
                    format!("{} never hears of its transfers {:?}", phone.number, line.waits_for)
                });
            }
        }
        for (handset, native) in self.natives.iter().enumerate() {
            let has_call = self.node.air.keys().any(|(of, _)| *of == handset);
            let right = match native.doing {
                Doing::Nothing => !has_call,
                Doing::Talking(_) => has_call,
                _ => false,
            };
            self.must(right, || {
                format!("handset {} is stuck: {:?}, call {has_call}", native.number, native.doing)
            });
        }
        self.channels_are_right();
        self.kept_is_right();
    }

    /// The two machines of the dialog that the switch and the telephone have.
    fn line_of(&self, id: &DialogId) -> Option<&Line> {
        let lines = self.phones.values().flat_map(|phone| phone.lines.values());
        lines.filter(|line| line.stage == Stage::Talking).find(|line| {
            line.leg.dialog_id().is_some_and(|theirs| {
                (&theirs.call_id, &theirs.local_tag, &theirs.remote_tag)
                    == (&id.call_id, &id.remote_tag, &id.local_tag)
            })
        })
    }

    fn is_known(&self, id: &DialogId) -> bool {
        let agents = self.node.agents.values();
        let mut dialogs = agents.filter_map(|agent| match &agent.voice {
            Voice::Sip(leg) => Some((agent, leg.dialog_id()?)),
            Voice::Native(_) => None,
        });
        dialogs.any(|(agent, ours)| {
            let same = (&ours.call_id, &ours.local_tag, &ours.remote_tag)
                == (&id.call_id, &id.remote_tag, &id.local_tag);
            let call = agent.serves.and_then(|(call, leg)| Some((self.node.calls.get(&call)?, leg)));
            same && call.is_some_and(|(exchange, leg)| exchange.machine.open_legs().contains(&leg))
        })
    }

    fn heard_at_its_end(&self, call: CallRef, leg: LegNo) {
        let exchange = &self.node.calls[&call];
        let agent = exchange.legs.get(&leg).and_then(|agent| self.node.agents.get(agent));
        self.must(agent.is_some(), || format!("leg {} of call {call} has nobody to speak for it", leg.0));
        let Some(Agent { voice, serves, .. }) = agent else { return };
        self.must(*serves == Some((call, leg)), || format!("leg {} of {call} serves {serves:?}", leg.0));
        match voice {
            Voice::Native(voice) => {
                let doing = &self.natives[voice.handset].doing;
                self.must(matches!(doing, Doing::Talking(_)), || {
                    format!("call {call} talks to a handset that does {doing:?}")
                });
            }
            Voice::Sip(sip) => {
                let id = sip.dialog_id().cloned();
                let line = id.as_ref().and_then(|id| self.line_of(id));
                self.must(line.is_some(), || format!("call {call} talks to nobody on leg {}: {id:?}", leg.0));
                if let Some(line) = line {
                    self.media_fit(call, leg, line);
                }
            }
        }
    }

    /// What the switch lets run towards an end is what was agreed on with it.
    fn media_fit(&self, call: CallRef, leg: LegNo, line: &Line) {
        let exchange = &self.node.calls[&call];
        let side = exchange.machine.side_of_test(leg);
        let (Some(ours), Some(theirs)) = (exchange.flows.get(&side), line.media.agreed()) else {
            return self.must(false, || format!("call {call} has no media on {side:?}"));
        };
        let local = line.media.local();
        let fit = ours.codec == theirs.codec
            && ours.direction == theirs.direction.mirrored()
            && ours.remote == Some((local.address, local.port).into())
            && ours.srtp.as_ref().map(|pair| (&pair.local, &pair.remote))
                == theirs.srtp.as_ref().map(|pair| (&pair.remote, &pair.local));
        self.must(fit, || format!("call {call}, {side:?}: {ours:?} against {theirs:?}"));
        let port = if side == Side::A { exchange.ports.0 } else { exchange.ports.1 };
        let heard = theirs.remote.map(|remote| remote.port());
        self.must(heard == Some(port), || format!("call {call} listens at {port}, is sent to {heard:?}"));
        // Nobody is mute whose other end does not hold it.
        let held = exchange.machine.is_held_of_test(side);
        let mute = theirs.direction != Direction::SendRecv && !line.holds && !held;
        self.must(!mute, || format!("call {call}, {side:?} is mute: {:?}", theirs.direction));
        let sound = exchange.sounds.get(&side);
        self.must(sound.is_none() || held, || format!("call {call}, {side:?} hears {sound:?} for ever"));
    }

    fn channels_are_right(&self) {
        let calls = self.node.calls.len();
        let media = self.node.admission.media().1.channels() as usize;
        self.must(media == calls, || format!("{calls} calls hold {media} media channels"));
        for base in ["b1", "b2", "n1"] {
            let parties = self.node.calls.values().flat_map(|exchange| {
                let summary = exchange.machine.summary();
                [summary.caller.base.clone(), summary.callee.base.clone()]
            });
            let talking = parties.flatten().filter(|of| of.0 == base).count();
            let taken = self.node.admission.base(&crate::id::BaseStationId(base.into())).channels() as usize;
            self.must(talking == taken, || {
                format!("{talking} talk at base {base}, {taken} channels are taken")
            });
        }
    }

    /// What lies on disk is what stands.
    fn kept_is_right(&self) {
        let (standing, kept): (Vec<_>, Vec<_>) =
            (self.node.calls.keys().collect(), self.disk.calls.keys().collect());
        self.must(standing == kept, || format!("{standing:?} stand, {kept:?} are on disk"));
        for (call, exchange) in &self.node.calls {
            let stands = exchange.machine.essence_of_test();
            let kept = self.disk.calls.get(call).map(|kept| kept.essence_of_test()).unwrap_or_default();
            let differs = stands.iter().zip(&kept).find(|(stands, kept)| stands != kept);
            self.must(differs.is_none(), || format!("call {call} is not on disk as it stands: {differs:?}"));
        }
    }

    /// Nothing is left.
    pub(super) fn empty(&self) {
        self.must(self.is_quiet(), || "the town is not at rest".into());
        let calls: Vec<_> =
            self.node.calls.iter().map(|(call, e)| (call, e.machine.summary().phase)).collect();
        self.must(calls.is_empty(), || format!("calls are left: {calls:?}"));
        self.must(self.node.agents.is_empty(), || {
            let states = self.node.agents.iter().map(|(number, agent)| match &agent.voice {
                Voice::Sip(leg) => format!("{number}: {} {:?}", leg.state_name(), agent.serves),
                Voice::Native(_) => format!("{number}: native {:?}", agent.serves),
            });
            format!("legs are left: {:?}", states.collect::<Vec<_>>())
        });
        let (disk, books) = (&self.disk, &self.node.admission);
        self.must(disk.calls.is_empty() && disk.legs.is_empty(), || {
            format!("records are left: {:?} {:?}", disk.calls.keys(), disk.legs.keys())
        });
        let held = (books.calls(), books.media().1.channels());
        self.must(held == (0, 0), || format!("channels are left: {held:?}"));
        let maps = (self.node.passed.len(), self.node.invites.len(), self.node.air.len());
        self.must(maps == (0, 0, 0), || format!("names are left: {maps:?}"));
        for phone in self.phones.values() {
            let states: Vec<_> = phone.lines.values().map(|line| line.leg.state_name()).collect();
            self.must(states.is_empty(), || format!("lines of {} are left: {states:?}", phone.number));
        }
        for native in &self.natives {
            let idle = native.doing == Doing::Nothing && native.portable.connection().is_none();
            self.must(idle, || format!("handset {} is left {:?}", native.number, native.doing));
        }
        self.must(self.portable_deadline().is_none(), || "a handset's timer runs for ever".into());
        self.must(self.disk.records.iter().all(|record| record.ended.is_some()), || "no end".into());
    }
}
