//! Handsets in a call that come over from one base station to another, or lose their link and take it up
//! elsewhere: what `actors/air/handover` joins, and base stations that answer as they please.

use super::Town;
use super::network::RadioEvent;
use super::node::*;
use crate::dect::base_link::code::{ErrorCode, HandoverKind};
use crate::dect::base_link::value::{ConnId, DlcState};
use crate::dect::base_link::word::{HoComplete, HoPrepared};
use crate::dect::portable::{self, Connection};
use crate::id::{BaseStationId, CallRef};
use crate::machine::Machine;
use crate::radio::handover::procedure::{At, Ended, Handover, Input, Output};
use std::net::SocketAddr;

/// One that is under way.
pub struct Moving {
    pub machine: Handover,
    old: Connection,
    new: Connection,
    call: Option<CallRef>,
}

/// What the air hears.
pub enum AirMail {
    /// HO_IND, at this new connection.
    Comes(Connection),
    /// Whether there is a channel for it.
    Room { old: Connection, new: Connection, here: bool, call: Option<CallRef>, granted: Result<(), String> },
    /// A base station says something of the handover.
    Says(Input),
}

fn place(connection: &Connection) -> At {
    At { base: connection.base.clone(), conn: ConnId(connection.number) }
}

impl Town {
    /// The one match of the air's mail, by handset.
    pub(super) fn air_hears(&mut self, handset: usize, mail: AirMail) {
        match mail {
            AirMail::Comes(new) => self.comes(handset, new),
            AirMail::Room { old, new, here, call, granted } => {
                if granted.is_err() || self.node.moving.contains_key(&handset) {
                    self.tallied("handover blocked");
                    return self.radio_later(handset, RadioEvent::TurnedAway);
                }
                let from = here.then(|| place(&old));
                let machine = Handover::new(HandoverKind::Connection, from, place(&new), false, self.now);
                self.node.moving.insert(handset, Moving { machine, old, new, call });
                self.handover_step(handset, Input::Start);
            }
            AirMail::Says(input) => self.handover_step(handset, input),
        }
    }

    fn comes(&mut self, handset: usize, new: Connection) {
        let native = &self.natives[handset];
        let here = native.portable.connection().is_some();
        let Some(old) = native.at.clone().filter(|_| !self.node.moving.contains_key(&handset)) else {
            return self.radio_later(handset, RadioEvent::TurnedAway);
        };
        // What the leg shows of its stream: the call whose channel it takes.
        let agent = self.node.air.iter().find(|((of, _), _)| *of == handset).map(|(_, agent)| *agent);
        let voice = agent.and_then(|agent| self.node.native(agent)).filter(|voice| voice.media.is_some());
        let call = voice.and_then(|voice| voice.held.as_ref().map(|(call, _)| *call));
        let mail = match call.filter(|_| old.base != new.base) {
            Some(call) => Mail::TakeForHandover { handset, call, old, new, here },
            None => Mail::ToAir(AirMail::Room { old, new, here, call, granted: Ok(()) }),
        };
        let to = match mail {
            Mail::ToAir(_) => Mailbox::Air(handset),
            _ => Mailbox::Supervisor,
        };
        self.node.post(to, mail);
    }

    pub(super) fn handover_step(&mut self, handset: usize, input: Input) {
        let now = self.now;
        let Some(moving) = self.node.moving.get_mut(&handset) else { return };
        let Ok(ready) = moving.machine.handle(input, now) else { return };
        for output in ready.then {
            self.note(|| format!("handover of {handset}: {output:?}"));
            self.obey_handover(handset, output);
        }
    }

    fn obey_handover(&mut self, handset: usize, output: Output) {
        let Some(moving) = self.node.moving.get(&handset) else { return };
        let (old, new, call) = (moving.old.clone(), moving.new.clone(), moving.call);
        match output {
            Output::Prepare(..) => {
                let answer = match self.luck() {
                    0 => return,
                    1 => Err(ErrorCode::INTERNAL),
                    _ => Ok(HoPrepared { dlc_state: DlcState::new(vec![1]), frame_no: None }),
                };
                self.base_says(handset, Input::Prepared(answer));
            }
            // It was switched off meanwhile.
            Output::Accept(..) if self.natives[handset].is_nowhere() => {
                self.base_says(handset, Input::Failed(None));
            }
            Output::Accept(at, _) => match self.luck() {
                0 => {}
                1 => self.base_says(handset, Input::Failed(None)),
                _ => {
                    let port = 24_000 + at.conn.0;
                    let local = Some(SocketAddr::from(([192, 0, 2, 10], port)));
                    let done = HoComplete { new_conn: at.conn, elapsed_ms: None, local };
                    self.base_says(handset, Input::Completed(done));
                }
            },
            Output::Switch => {
                let stream = Some(SocketAddr::from(([192, 0, 2, 10], 24_000 + new.number)));
                self.node.post(Mailbox::Handset(handset), Mail::MovedTo { to: new, stream, call });
            }
            Output::Release(at, _) => {
                let gone = Connection { base: at.base, number: at.conn.0 };
                self.released(handset, &gone);
            }
            // Its agent does, which knows whose it is by now.
            Output::FreeOld => {}
            Output::FreeNew => self.give_back(call, &old, &new, new.base.clone()),
            Output::Ended(ended) => {
                self.node.moving.remove(&handset);
                match ended {
                    Ended::Done { .. } => self.tallied("handover done"),
                    Ended::Stayed | Ended::Cancelled => self.tallied("handover stayed"),
                    Ended::Lost => {
                        self.tallied("handover lost");
                        self.radio_later(handset, RadioEvent::TurnedAway);
                    }
                }
            }
        }
    }

    /// 0 to 9; 0 and 1 are bad luck.
    fn luck(&mut self) -> u64 {
        if self.steady { 9 } else { self.chance.below(10) }
    }

    fn give_back(&mut self, call: Option<CallRef>, old: &Connection, new: &Connection, base: BaseStationId) {
        if let Some(call) = call.filter(|_| old.base != new.base) {
            self.node.post(Mailbox::Supervisor, Mail::ReleaseBase(call, base));
        }
    }

    fn base_says(&mut self, handset: usize, input: Input) {
        let at = self.now + self.chance.millis(5, 300);
        self.node.later.push((at, Mailbox::Air(handset), Mail::ToAir(AirMail::Says(input))));
    }

    /// The base station lets a connection go; a handset that is on it hears so.
    fn released(&mut self, handset: usize, gone: &Connection) {
        if self.natives[handset].connection.as_ref() == Some(gone) {
            self.natives[handset].lost();
            let closed = portable::Input::Closed { connection: gone.clone(), normal: true };
            self.node.post(Mailbox::Handset(handset), Mail::Air(closed));
        }
    }

    /// The handset's link and speech are at the new base station.
    pub(super) fn moved_to(
        &mut self,
        handset: usize,
        to: Connection,
        stream: Option<SocketAddr>,
        call: Option<CallRef>,
    ) {
        let Some(old) = self.natives[handset].at.replace(to.clone()) else { return };
        self.portable_step(handset, portable::Input::Moved { from: old.clone(), to: to.clone() });
        if self.natives[handset].portable.connection() != Some(&to) {
            // What it came over with has ended meanwhile.
            self.natives[handset].at = Some(old.clone());
            if self.natives[handset].lost_at.is_some() {
                self.radio_later(handset, RadioEvent::TurnedAway);
            }
        } else if self.natives[handset].is_nowhere() {
            self.air(handset, vec![super::native::Air::Leaves(to.clone())]);
        } else {
            self.natives[handset].arrives(to.clone());
        }
        let agents: Vec<u64> =
            self.node.air.iter().filter(|((of, _), _)| *of == handset).map(|(_, agent)| *agent).collect();
        if agents.is_empty() {
            // Nobody speaks there: what was taken goes back.
            self.give_back(call, &old, &to, to.base.clone());
            return self.followed(handset);
        }
        for agent in agents {
            self.node.post(Mailbox::Agent(agent), Mail::StreamMoved { at: to.clone(), stream, call });
        }
    }

    pub(super) fn stream_moved(
        &mut self,
        agent: u64,
        at: Connection,
        stream: Option<SocketAddr>,
        taken_for: Option<CallRef>,
    ) {
        self.channel_moves(agent, &at.base, taken_for);
        let Some(voice) = self.node.native(agent) else { return };
        let handset = voice.handset;
        voice.at = Some(at);
        self.tell_carried(agent);
        let Some(voice) = self.node.native(agent) else { return };
        match stream.filter(|_| voice.media.is_some()) {
            Some(address) => {
                voice.media = Some(address);
                self.native_step(agent, crate::call::dect_leg::Input::StreamMoved(address));
            }
            None => self.followed(handset),
        }
    }

    /// The channel of the old base station goes back. That of the new one was taken for the call that had the
    /// connection when the handover began; another may have it now.
    fn channel_moves(&mut self, agent: u64, to: &BaseStationId, taken_for: Option<CallRef>) {
        let held = self.node.native(agent).and_then(|voice| voice.held.as_mut());
        let Some((call, old)) = held.filter(|(_, old)| old != to) else { return };
        let (call, old) = (*call, std::mem::replace(old, to.clone()));
        let mut mails = vec![Mail::ReleaseBase(call, old)];
        if taken_for != Some(call) {
            mails.push(Mail::KeepBase(call, to.clone()));
            mails.extend(taken_for.map(|former| Mail::ReleaseBase(former, to.clone())));
        }
        mails.into_iter().for_each(|mail| self.node.post(Mailbox::Supervisor, mail));
    }

    pub(super) fn followed(&mut self, handset: usize) {
        self.node.post(Mailbox::Air(handset), Mail::ToAir(AirMail::Says(Input::Followed)));
    }

    /// Its user walks to where another base station is heard better.
    pub(super) fn walks(&mut self, handset: usize) {
        let native = &mut self.natives[handset];
        let there = BaseStationId(if native.base.0 == "n1" { "n2" } else { "n1" }.into());
        match native.connection.is_some() {
            true => {
                let new = native.next_connection_at(there);
                self.note(|| format!("handset {handset} comes over to {new:?}"));
                self.radio_later(handset, RadioEvent::Comes(new));
            }
            false => native.base = there,
        }
    }

    /// Its link is lost in a call; it takes it up elsewhere within ten seconds, or does not.
    pub(super) fn link_fades(&mut self, handset: usize) {
        let Some(connection) = self.natives[handset].fades() else { return };
        self.note(|| format!("the link of handset {handset} fades"));
        self.tallied("link lost in a call");
        self.air(handset, vec![super::native::Air::Leaves(connection.clone())]);
        let gone = Input::OldGone;
        self.node.post(Mailbox::Air(handset), Mail::ToAir(AirMail::Says(gone)));
        let later = self.now + self.chance.millis(200, 7_000);
        let back = self.chance.per_mille(600);
        let there = BaseStationId(if self.chance.per_mille(500) { "n1" } else { "n2" }.into());
        let new = self.natives[handset].next_connection_at(there);
        let event = if back { RadioEvent::Comes(new) } else { RadioEvent::TurnedAway };
        self.radio.push((later, handset, event));
        self.radio.push((self.now + std::time::Duration::from_secs(15), handset, RadioEvent::TurnedAway));
    }
}
