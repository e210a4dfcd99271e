//! What must be true of a town when it has come to rest.

use super::Town;
use super::native::Doing;
use super::node::{Agent, Exchange, LegAddr, NativeVoice, Place, Voice};
use super::telephone::{Line, Stage};
use crate::call::conference::RoomName;
use crate::call::dect_leg::LineNo;
use crate::call::{LegNo, Phase, Side};
use crate::dect::portable::Connection;
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
            match exchange.machine.room_of_test() {
                None => {
                    self.must(open.len() == 2, || format!("call {call} stands with legs {open:?}"));
                    self.must(exchange.seats.is_empty(), || format!("call {call} sits {:?}", exchange.seats));
                }
                Some(room) => self.sits_in_room(*call, exchange, &room),
            }
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
        self.rooms_are_right();
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
            Voice::Native(_) | Voice::House(..) => None,
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
        let Some(at) = exchange.legs.get(&leg).map(|at| self.where_it_went(*at)) else {
            return self.must(false, || format!("leg {} of call {call} is nowhere", leg.0));
        };
        let agent = self.node.agents.get(&at.agent);
        self.must(agent.is_some(), || format!("leg {} of call {call} has nobody to speak for it", leg.0));
        let Some(Agent { voice, serves, .. }) = agent else { return };
        match voice {
            Voice::House(..) => self.must(false, || format!("the house itself stays in call {call}")),
            Voice::Native(voice) => self.native_is_heard(call, leg, voice, at.line),
            Voice::Sip(sip) => {
                self.must(*serves == Some((call, leg)), || format!("leg {} of {call}: {serves:?}", leg.0));
                let id = sip.dialog_id().cloned();
                let line = id.as_ref().and_then(|id| self.line_of(id));
                self.must(line.is_some(), || format!("call {call} talks to nobody on leg {}: {id:?}", leg.0));
                if let Some(line) = line {
                    self.media_fit(call, leg, line);
                }
            }
        }
    }

    /// A call that found the handset in another one is a line of that one's agent.
    fn where_it_went(&self, at: LegAddr) -> LegAddr {
        match self.node.agents.get(&at.agent).map(|agent| &agent.voice) {
            Some(Voice::Native(voice)) => {
                let to = voice.elsewhere.map(|(agent, line)| LegAddr { agent, line });
                to.unwrap_or(at)
            }
            _ => at,
        }
    }

    /// The line in front has the stream of the base station; the other one is held.
    fn native_is_heard(&self, call: CallRef, leg: LegNo, voice: &NativeVoice, line: LineNo) {
        let (native, exchange) = (&self.natives[voice.handset], &self.node.calls[&call]);
        let doing = &native.doing;
        self.must(matches!(doing, Doing::Talking(_)), || {
            format!("call {call} talks to a handset that does {doing:?}")
        });
        let place = voice.lines.get(&line).map(|place| (place.call, place.leg));
        self.must(place == Some((call, leg)), || format!("leg {} of {call} is line {place:?}", leg.0));
        self.must(voice.at == native.connection, || {
            format!("handset {} is at {:?}, not at {:?}", native.number, native.connection, voice.at)
        });
        let side = exchange.machine.side_of_test(leg);
        let Some(ours) = exchange.flows.get(&side) else {
            return self.must(false, || format!("call {call} has no media on {side:?}"));
        };
        self.must(voice.machine.front_of_test().is_some(), || {
            format!("handset {} talks with nobody in front", native.number)
        });
        if voice.machine.front_of_test() != Some(line) {
            return self.must(!ours.direction.sends(), || {
                format!("call {call} is behind and not held: {:?}", ours.direction)
            });
        }
        self.must(ours.remote == voice.media, || {
            format!("call {call} sends to {:?}, the base station hears at {:?}", ours.remote, voice.media)
        });
        let port = if side == Side::A { exchange.ports.0 } else { exchange.ports.1 };
        let fits = voice.stream.as_ref().is_some_and(|theirs| {
            theirs.codec == ours.codec
                && theirs.direction == ours.direction.mirrored()
                && theirs.remote.map(|remote| remote.port()) == Some(port)
        });
        self.must(fits, || format!("call {call}, {side:?}: {ours:?} against {:?}", voice.stream));
        let held = exchange.machine.is_held_of_test(side);
        let mute = ours.direction != Direction::SendRecv && !native.holds && !held;
        self.must(!mute, || format!("call {call}, {side:?} is mute: {:?}", ours.direction));
        let sound = exchange.sounds.get(&side);
        self.must(sound.is_none() || held, || format!("call {call}, {side:?} hears {sound:?} for ever"));
    }

    /// Every end of a call in a room is a member of it, and sits in its mixer.
    fn sits_in_room(&self, call: CallRef, exchange: &Exchange, room: &RoomName) {
        let Some(entry) = self.node.rooms.get(room) else {
            return self.must(false, || format!("call {call} is in the room {room}, which is not there"));
        };
        let view = entry.machine.view();
        let ends = exchange.machine.open_ends_of_test();
        for leg in &ends {
            let (side, owner) = (exchange.machine.side_of_test(*leg), exchange.machine.name_of(*leg));
            let member = view.members.iter().find(|member| member.id == owner);
            self.must(member.is_some_and(|member| member.call == call && !member.waits), || {
                format!("leg {} of call {call} is not in its room {room}: {member:?}", leg.0)
            });
            let seat = exchange.seats.get(&side).map(|(mixer, _)| *mixer);
            self.must(seat == Some(entry.machine.mixer()), || {
                format!("call {call}, {side:?} is in {room} and sits {seat:?}")
            });
        }
        let open = exchange.machine.open_legs();
        self.must(open == ends && exchange.seats.len() == ends.len(), || {
            format!("call {call} is in {room} with legs {open:?}, ends {ends:?}, seats {:?}", exchange.seats)
        });
    }

    /// Nobody is in a room who is in no call of it.
    fn rooms_are_right(&self) {
        for (name, entry) in &self.node.rooms {
            let view = entry.machine.view();
            for member in &view.members {
                let exchange = self.node.calls.get(&member.call);
                let stands = exchange.is_some_and(|exchange| {
                    exchange.machine.room_of_test().as_ref() == Some(name)
                        && exchange.machine.leg_named(member.id).is_some()
                });
                self.must(stands, || format!("{member:?} is in the room {name} and in no call of it"));
            }
            let ad_hoc = name.as_str().starts_with("conference");
            self.must(!ad_hoc || !view.members.is_empty(), || format!("the room {name} is left empty"));
        }
        self.must(self.node.moving.is_empty(), || "a handover goes on for ever".into());
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
        for base in ["b1", "b2", "n1", "n2"] {
            let parties = self.node.calls.values().flat_map(|exchange| {
                let summary = exchange.machine.summary();
                [summary.caller.base.clone(), summary.callee.base.clone()]
            });
            let talking = match base {
                "n1" | "n2" => self.natives_at(base),
                _ => parties.flatten().filter(|of| of.0 == base).count(),
            };
            let taken = self.node.admission.base(&crate::id::BaseStationId(base.into())).channels() as usize;
            self.must(talking == taken, || {
                let voices = self.node.agents.values().filter_map(|agent| match &agent.voice {
                    Voice::Native(voice) => Some((voice.handset, &voice.at, &voice.held, &voice.lines)),
                    _ => None,
                });
                let voices: Vec<_> = voices.collect();
                let held = self
                    .node
                    .calls
                    .keys()
                    .map(|call| (call.0, self.node.admission.bases_of(*call).collect()));
                let held: Vec<(u64, Vec<_>)> = held.collect();
                format!("{talking} talk at base {base}, {taken} channels are taken: {voices:?}; {held:?}")
            });
        }
    }

    /// Handsets that talk at a base station, and calls that waited there with a channel of their own.
    fn natives_at(&self, base: &str) -> usize {
        let at = |connection: &Connection| connection.base.0 == base;
        let voices = self.node.agents.values().filter_map(|agent| match &agent.voice {
            Voice::Native(voice) if voice.at.is_some() && voice.elsewhere.is_none() => Some(voice),
            _ => None,
        });
        voices
            .map(|voice| {
                let held = voice.held.as_ref().map(|(call, _)| *call);
                let own = |place: &&Place| {
                    Some(place.call) != held && place.base.as_ref().is_some_and(|b| b.0 == base)
                };
                usize::from(voice.at.as_ref().is_some_and(at)) + voice.lines.values().filter(own).count()
            })
            .sum()
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

    /// Every call has a record and one; those that a crash took before they stood have none.
    fn one_record_each(&self) {
        let mut recorded: Vec<u64> = self.disk.records.iter().map(|record| record.reference.0).collect();
        recorded.sort_unstable();
        let twice = recorded.windows(2).find(|two| two[0] == two[1]);
        self.must(twice.is_none(), || format!("two records of one call: {twice:?}"));
        let without: Vec<_> = (1..=self.disk.last_reference)
            .filter(|call| recorded.binary_search(call).is_err() && !self.unused.contains(&CallRef(*call)))
            .collect();
        self.must(without.is_empty(), || format!("calls without a record: {without:?}"));
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
                Voice::Native(native) => format!("{number}: native {:?}", native.lines),
                Voice::House(..) => format!("{number}: the house {:?}", agent.serves),
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
        self.one_record_each();
        let rooms: Vec<_> = self.node.rooms.keys().map(RoomName::as_str).collect();
        self.must(rooms == ["8001", "8002"] && self.disk.rooms.len() == 2, || format!("rooms: {rooms:?}"));
        let members =
            self.node.rooms.values().map(|entry| entry.machine.view().members.len() + entry.calls.len());
        self.must(members.sum::<usize>() == 0, || "somebody is left in a room".into());
        self.must(self.node.moving.is_empty(), || "a handover is left".into());
        self.must(self.texts.is_empty(), || format!("nobody heard of the texts {:?}", self.texts));
    }
}
