//! The agents of handsets on native base stations, and the calls that share one, as in `actors/air/leg`.

use super::Town;
use super::node::*;
use crate::call::cause::Cause;
use crate::call::dect_leg::{self, Abilities, Beginning, Called, DectLeg, Input, LineNo, Output};
use crate::call::{LegNews, LegNo, LegOrder, NativeTarget};
use crate::dect::cc::Ender;
use crate::dect::element::{ReleaseReason, Signal};
use crate::dect::portable::{self, CallNews, CallNo, Connection};
use crate::dect::ss::Caller;
use crate::id::{BaseStationId, CallRef, OwnerId};
use crate::machine::{Machine, Ready};
use crate::media::negotiate::{SrtpMode, SrtpPolicy};
use crate::sip::invite::Body;
use crate::timer::Moment;
use std::time::Duration;

/// Most orders of a call that wait until its line has found its place.
const MOST_MOVING: usize = 16;

impl Town {
    pub(super) fn dial_native(
        &mut self,
        call: CallRef,
        leg: LegNo,
        native: &NativeTarget,
        base: Option<BaseStationId>,
        offer: Body,
    ) {
        let Some(handset) = self.natives.iter().position(|known| known.ipui == native.ipui) else { return };
        let caller = Caller::new(&native.number, None);
        let (ring, internal) = (Signal::ALERTING_1, native.internal);
        let called = Called {
            owner: leg.owner(call),
            body: offer,
            offer: portable::Offer { caller, ring, internal },
            waits: native.waits,
        };
        let agent = self.native_agent(handset, CallNo(leg.owner(call).0));
        if let Some(voice) = self.node.native(agent) {
            voice.held = base.clone().map(|base| (call, base));
            voice.offered = Some(Box::new(called.clone()));
            voice.beginning = Some(Beginning::Dialled(Box::new(called)));
            voice.lines.insert(LineNo::FIRST, Place { call, leg, base, proxy: None });
        }
        if let Some(exchange) = self.node.calls.get_mut(&call) {
            exchange.legs.insert(leg, LegAddr { agent, line: LineNo::FIRST });
        }
        self.node.post(Mailbox::Agent(agent), Mail::Start);
    }

    pub(super) fn native_deadline(&self, agent: u64) -> Option<Moment> {
        match &self.node.agents.get(&agent)?.voice {
            Voice::Native(voice) => voice.machine.deadline(),
            Voice::Sip(_) | Voice::House(..) => None,
        }
    }

    fn native_agent(&mut self, handset: usize, call: CallNo) -> u64 {
        let south = SrtpPolicy { mode: SrtpMode::Optional, ..SrtpPolicy::default() };
        let machine = DectLeg::new(
            call,
            Abilities::of_native(&south, Duration::from_secs(4), false),
            self.tokens.split(),
        );
        let voice = NativeVoice {
            machine,
            handset,
            call,
            asked: None,
            beginning: None,
            offered: None,
            lines: Default::default(),
            held: None,
            moving: None,
            elsewhere: None,
            at: None,
            media: None,
            stream: None,
        };
        let voice = Voice::Native(Box::new(voice));
        self.node.agent(Agent { voice, serves: None, why: None, owner: OwnerId(0) })
    }

    pub(super) fn handset_asks(&mut self, handset: usize, call: CallNo, digits: String, at: Connection) {
        let agent = self.native_agent(handset, call);
        self.node.post(Mailbox::Handset(handset), Mail::ServeCall(call, agent));
        if let Some(voice) = self.node.native(agent) {
            voice.at = Some(at.clone());
            voice.asked = Some((digits, at.clone()));
            voice.beginning = Some(Beginning::Asked(at));
        }
        self.node.post(Mailbox::Agent(agent), Mail::Start);
    }

    /// The one match of a native agent's mail.
    pub(super) fn native_hears(&mut self, agent: u64, mail: Mail) {
        let Some(voice) = self.node.native(agent) else { return };
        let input = match mail {
            Mail::Start => match voice.beginning.take() {
                Some(beginning) => Input::Started(beginning),
                None => return,
            },
            Mail::Joined(line, call, leg) => {
                voice.lines.insert(line, Place { call, leg, base: None, proxy: None });
                if line == LineNo::FIRST {
                    voice.held = voice.asked.take().map(|(_, at)| (call, at.base));
                }
                Input::Joined(line, leg.owner(call))
            }
            Mail::TurnedAway(line, cause) => Input::Order(line, LegOrder::Reject { cause }),
            Mail::Obey(line, order) => match (voice.elsewhere, &mut voice.moving) {
                (Some((agent, line)), _) => {
                    return self.node.post(Mailbox::Agent(agent), Mail::Obey(line, order));
                }
                (None, Some(moving)) => {
                    return if moving.len() < MOST_MOVING {
                        moving.push(order)
                    };
                }
                (None, None) => Input::Order(line, order),
            },
            Mail::Heard(news, at) => {
                voice.offered = None;
                if matches!(news, CallNews::Reached(_)) {
                    voice.at = at;
                }
                Input::Heard(news)
            }
            Mail::Granted(Ok(())) => {
                self.tell_carried(agent);
                return self.open_stream(agent);
            }
            Mail::Granted(Err(words)) => Input::NotOpened(words),
            Mail::Stream(input) => {
                if let Input::Opened(address) = &input {
                    voice.media = Some(*address);
                }
                input
            }
            Mail::Occupied(by) => return self.occupied(agent, by),
            Mail::Knock { called, place, from } => return self.knocked(agent, called, place, from),
            Mail::PassOn(to, line) => {
                voice.elsewhere = Some((to, line));
                for order in voice.moving.take().into_iter().flatten() {
                    self.node.post(Mailbox::Agent(to), Mail::Obey(line, order));
                }
                return;
            }
            Mail::StreamMoved { at, stream, call } => return self.stream_moved(agent, at, stream, call),
            Mail::LineClosed => return drop(self.node.agents.remove(&agent)),
            Mail::Hear(..) | Mail::SendFailed(_) => return,
            _ => unreachable!("not a native leg's mail"),
        };
        self.native_step(agent, input);
    }

    /// From now on a line is a leg of another call.
    pub(super) fn line_goes_over(&mut self, agent: u64, line: LineNo, call: CallRef, leg: LegNo) {
        let Some(voice) = self.node.native(agent) else { return };
        if let Some((agent, line)) = voice.elsewhere {
            return self.node.post(Mailbox::Agent(agent), Mail::Serve(line, call, leg));
        }
        let Some(place) = voice.lines.get_mut(&line) else { return };
        if let Some(held) = voice.held.as_mut().filter(|held| held.0 == place.call) {
            held.0 = call;
        }
        (place.call, place.leg) = (call, leg);
        let is_both = |(other, place): (&LineNo, &Place)| *other != line && place.call == call;
        if voice.lines.iter().any(is_both) {
            self.tallied("a handset connected with itself");
            self.native_step(agent, Input::Looped(line));
        }
    }

    pub(super) fn native_step(&mut self, agent: u64, input: Input) {
        let now = self.now;
        let Some(voice) = self.node.native(agent) else { return };
        let Ok(Ready { then, .. }) = voice.machine.handle(input, now) else { return };
        let (handset, call) = (voice.handset, voice.call);
        let to_handset = Mailbox::Handset(handset);
        for output in then {
            match output {
                Output::Handset(portable::Order::Offer { call, offer }) => {
                    self.node.post(to_handset, Mail::Offer { call, offer, agent });
                }
                Output::Handset(order) => self.node.post(to_handset, Mail::Order(order)),
                Output::Open(connection) => self.open(agent, &connection),
                Output::Modify(stream) => {
                    if let Some(voice) = self.node.native(agent).filter(|voice| voice.media.is_some()) {
                        voice.stream = Some(*stream);
                    }
                }
                Output::Followed => self.followed(handset),
                Output::Slot { .. } => {}
                Output::CloseStream => {
                    if let Some(voice) = self.node.native(agent) {
                        (voice.media, voice.stream) = (None, None);
                    }
                }
                Output::Begin { line, digits, body } => self.begin(agent, line, digits.map(|d| d.0), body),
                // The town has no phone book, and its users dial no code of one.
                Output::Browse => {}
                Output::Digits(digits) => {
                    self.node.post(Mailbox::Supervisor, Mail::IsWhole { digits: digits.0, agent });
                }
                Output::News(line, news) => self.line_says(agent, line, news),
            }
        }
        let over = self.node.native(agent).is_some_and(|voice| voice.machine.is_over());
        if over {
            self.node.air.remove(&(handset, call));
            self.node.agents.remove(&agent);
        }
    }

    /// To the call of a line. When a line that holds the channel goes and another stays, the channel is the
    /// other's.
    fn line_says(&mut self, agent: u64, line: LineNo, news: LegNews) {
        let Some(voice) = self.node.native(agent) else { return };
        let Some(place) = voice.lines.get(&line).cloned() else { return };
        if news != LegNews::Closed {
            self.tally_native(&news);
            return self.node.post(Mailbox::Call(place.call), Mail::LegSaid(place.leg, news));
        }
        if voice.machine.is_on_air() {
            self.pass_channel(agent, line, &place);
        }
        if let Some(voice) = self.node.native(agent) {
            voice.lines.remove(&line);
        }
        self.node.post(Mailbox::Call(place.call), Mail::LegSaid(place.leg, news));
        if let Some(proxy) = place.proxy {
            self.node.post(Mailbox::Agent(proxy), Mail::LineClosed);
        }
    }

    fn tally_native(&mut self, news: &LegNews) {
        match news {
            LegNews::ConferenceAsked => self.tallied("conference asked with R3"),
            LegNews::TransferAsked(_) => self.tallied("transfer asked with R"),
            _ => {}
        }
    }

    fn pass_channel(&mut self, agent: u64, from: LineNo, place: &Place) {
        let Some(voice) = self.node.native(agent) else { return };
        // Two lines of one call share what it holds.
        let other = voice.lines.iter().find(|(line, other)| **line != from && other.call != place.call);
        let other = other.map(|(_, other)| other.clone());
        let held = voice.held.clone().filter(|held| held.0 == place.call);
        let (Some(other), Some((_, base))) = (other, held) else { return };
        voice.held = Some((other.call, base.clone()));
        // A call that waited has taken its own, perhaps where the handset is not any more.
        if other.base.as_ref() == Some(&base) {
            return;
        }
        if let Some(own) = other.base {
            self.node.post(Mailbox::Supervisor, Mail::ReleaseBase(other.call, own));
        }
        let mail = Mail::KeepBase(other.call, base.clone());
        self.node.post(Mailbox::Supervisor, mail);
        self.node.post(Mailbox::Call(other.call), Mail::LegSaid(other.leg, LegNews::Carried { base }));
        self.tallied("channel passed to the other line");
    }

    /// Its line's call knows where the channel is that it holds.
    pub(super) fn tell_carried(&mut self, agent: u64) {
        let Some(voice) = self.node.native(agent) else { return };
        let Some((call, base)) = voice.held.clone() else { return };
        let Some(place) = voice.lines.values().find(|place| place.call == call).cloned() else { return };
        self.node.post(Mailbox::Call(call), Mail::LegSaid(place.leg, LegNews::Carried { base }));
    }

    /// A channel of the base station first, if it is another than the one that is held; then the stream.
    fn open(&mut self, agent: u64, connection: &Connection) {
        let to = connection.base.clone();
        let Some(voice) = self.node.native(agent) else { return };
        let call = voice.lines.values().next().map(|place| place.call);
        let mail = match (voice.held.clone(), call) {
            (Some(held), _) if held.1 == to => return self.open_stream(agent),
            (Some((call, from)), _) => {
                voice.held = Some((call, to.clone()));
                Mail::MoveBase { call, from, to, agent }
            }
            // The call of a handset that calls takes it when it is admitted.
            (None, None) => return self.open_stream(agent),
            (None, Some(call)) => {
                voice.held = Some((call, to.clone()));
                Mail::TakeBase { call, base: to, agent }
            }
        };
        self.node.post(Mailbox::Supervisor, mail);
    }

    fn open_stream(&mut self, agent: u64) {
        let input = match self.chance.per_mille(self.refused_streams) {
            true => Input::NotOpened("no channel".into()),
            false => {
                let port = 20_000 + (agent % 10_000) as u16;
                Input::Opened(([192, 0, 2, 9], port).into())
            }
        };
        self.slowly(Mailbox::Agent(agent), Mail::Stream(input));
    }

    /// The first line calls what was dialled before it; a second one holds no channel of its own.
    fn begin(&mut self, agent: u64, line: LineNo, digits: Option<String>, offer: Body) {
        let Some(voice) = self.node.native(agent) else { return };
        let first = digits.is_none();
        let asked = voice.asked.as_ref().filter(|_| first);
        let at = voice.at.as_ref().or(asked.map(|(_, at)| at));
        let digits = digits.or(asked.map(|(digits, _)| digits.clone()));
        let (Some(digits), Some(at)) = (digits, at) else { return };
        let base = first.then(|| at.base.clone());
        let ask = NativeAsk { handset: voice.handset, digits, base, offer, agent, line };
        self.node.post(Mailbox::Supervisor, Mail::NativeCall(ask));
        if !first {
            self.tallied("second call of a handset");
        }
    }

    /// The handset is in a call, which that agent has.
    fn occupied(&mut self, agent: u64, by: u64) {
        let Some(voice) = self.node.native(agent) else { return };
        let Some(called) = voice.offered.take() else {
            // It wanted to ring once more, with a call that was held.
            let (reason, by) = (ReleaseReason::BUSY, Ender::Switch);
            return self.native_step(agent, Input::Heard(CallNews::Ended { reason, by }));
        };
        voice.moving = Some(Vec::new());
        if let Some(place) = voice.lines.remove(&LineNo::FIRST) {
            self.node.post(Mailbox::Agent(by), Mail::Knock { called, place, from: agent });
        }
    }

    /// One more call is for the handset.
    fn knocked(&mut self, agent: u64, called: Box<Called>, place: Place, from: u64) {
        let Some(voice) = self.node.native(agent) else { return };
        let line = voice.machine.next_line();
        voice.lines.insert(line, Place { proxy: Some(from), ..place });
        self.node.post(Mailbox::Agent(from), Mail::PassOn(agent, line));
        self.tallied("a call knocks");
        self.native_step(agent, dect_leg::Input::Knocks(line, called));
    }

    /// Mail for an agent that has gone is lost, as it is with closed mailboxes. A call that knocks is told.
    pub(super) fn dead_letter(&mut self, mail: Mail) {
        let Mail::Knock { place, from, .. } = mail else { return };
        let cause = Cause { status: 486, q850: 17, words: "the handset is busy".to_owned() };
        let refused = LegNews::Refused { cause, contacts: Vec::new(), route_failed: false };
        for news in [refused, LegNews::Closed] {
            self.node.post(Mailbox::Call(place.call), Mail::LegSaid(place.leg, news));
        }
        self.node.post(Mailbox::Agent(from), Mail::LineClosed);
    }
}
