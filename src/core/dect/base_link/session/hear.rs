//! What a base station says, once it is in.

use super::words::{LinkNo, News, Output};
use super::{DECIDE, Out, Session, Timer};
use crate::dect::base_link::code::*;
use crate::dect::base_link::direction::{FromBase, Heard, Response};
use crate::dect::base_link::frame::Flags;
use crate::dect::base_link::value::{ConnId, Pmid};
use crate::dect::base_link::word::*;
use crate::timer::Moment;

impl Session {
    pub(super) fn hear(&mut self, heard: Heard, now: Moment, ready: &mut Out) {
        let Some(up) = &mut self.up else { return };
        up.heard();
        self.timers.set(Timer::Dead, now + self.settings.dead);
        if !up.frames.take(now) {
            return self.part(GoodbyeReason::TOO_MUCH, None, now, ready);
        }
        match heard {
            Heard::Word { seq, word } => self.hear_word(seq, word, now, ready),
            Heard::Response { seq, kind, response } => {
                if let Some(request) = up.answered(seq, kind) {
                    self.answered(request, response, now, ready);
                }
            }
            Heard::Faulty { head, .. } => {
                // The request whose answer cannot be read has failed.
                if head.flags.has(Flags::RESPONSE)
                    && let Some(request) = up.answered(head.seq, Some(head.kind))
                {
                    self.answered(request, Response::Refused(ErrorCode::BAD_TLV), now, ready);
                }
                self.complain(heard.complaint(), now, ready);
            }
        }
    }

    /// A frame was not right. Who sends too many of them has its link cut.
    fn complain(&mut self, complaint: Option<LinkError>, now: Moment, ready: &mut Out) {
        let Some(up) = &mut self.up else { return };
        self.told.faults += 1;
        let told = complaint.map(|error| up.say(error));
        match up.faults.take(now) {
            true => ready.then.extend(told),
            false => self.part(GoodbyeReason::PROTOCOL, None, now, ready),
        }
    }

    fn wrong(&mut self, seq: u32, code: ErrorCode, now: Moment, ready: &mut Out) {
        let error = LinkError { code, seq: Some(seq), text: Some(code.to_string()) };
        self.complain(Some(error), now, ready);
    }

    /// The one match of what a base station says of its own accord.
    fn hear_word(&mut self, seq: u32, word: FromBase, now: Moment, ready: &mut Out) {
        let mut tell = |news: News| ready.then.push(Output::News(news));
        match word {
            FromBase::Hello(_) | FromBase::Enrol(_) => self.wrong(seq, ErrorCode::WRONG_STATE, now, ready),
            FromBase::Ping(Ping { timestamp }) => {
                let pong = |link: LinkNo| Output::Send { link, seq, word: Pong { timestamp }.into() };
                ready.then.extend(self.link().map(pong));
            }
            FromBase::Pong(Pong { timestamp }) => {
                let sent = Moment::from_micros(timestamp);
                self.told.round_trip = (sent <= now).then(|| now.since(sent)).or(self.told.round_trip);
            }
            FromBase::Goodbye(Goodbye { reason, .. }) => self.goodbye(reason, now, ready),
            FromBase::Error(error) => {
                let text = Some(error.text.unwrap_or_else(|| error.code.to_string()));
                tell(News::Log(Log { level: Some(4), text }));
            }
            FromBase::RadioState(told) => self.radio_told(told, now, ready),
            FromBase::SyncState(told) => {
                self.sync_told(&told, now);
                tell(News::Sync(told));
            }
            FromBase::Neighbours(heard) => {
                self.told.neighbours = Some(heard.clone());
                tell(News::Neighbours(heard));
            }
            FromBase::Capacity(capacity) => {
                self.told.capacity = Some(capacity.clone());
                tell(News::Capacity(capacity));
            }
            FromBase::ConnInd(ind) => {
                if let Err(reason) = self.announced(ind.conn, ind.pmid, now, ready) {
                    self.turn_down(ConnReject { conn: ind.conn, reason }, ready);
                } else if !ind.ho_flag {
                    ready.then.push(Output::News(News::ConnInd(ind)));
                }
            }
            FromBase::ConnDown(down) => self.conn_down(down, ready),
            // A word of a connection that was just released crosses its release: nobody's fault.
            FromBase::NwkData(data) if self.conns.has(data.conn) => tell(News::Nwk(data)),
            FromBase::NwkFlow(flow) => self.flow(&flow, ready),
            FromBase::CipherState(told) if self.conns.has(told.conn) => tell(News::Cipher(told)),
            FromBase::HoInd(ind) => {
                let known = self.conns.undecided().contains(&ind.new_conn);
                let announced =
                    if known { Ok(()) } else { self.announced(ind.new_conn, ind.pmid, now, ready) };
                match announced {
                    Ok(()) => ready.then.push(Output::News(News::HoInd(ind))),
                    Err(reason) => {
                        let reject = HoReject { new_conn: ind.new_conn, reason: Some(reason) };
                        self.turn_down(reject, ready);
                    }
                }
            }
            FromBase::HoComplete(done) if self.conns.taken(done.new_conn).is_ok() => {
                tell(News::HoComplete(done));
            }
            FromBase::HoFailed(failed) => {
                if let Some(gone) = self.conns.remove(failed.new_conn) {
                    self.dirty |= gone.undecided.is_none();
                    tell(News::HoFailed(failed));
                }
            }
            FromBase::MediaEvent(told) if self.conns.owner(told.media_id).is_ok() => {
                tell(News::MediaEvent(told));
            }
            FromBase::Log(log) => tell(News::Log(log)),
            FromBase::NwkData(_)
            | FromBase::CipherState(_)
            | FromBase::HoComplete(_)
            | FromBase::MediaEvent(_) => {}
        }
    }

    /// A base station that stops or starts anew has no calls any more; one whose link failed may come back.
    fn goodbye(&mut self, reason: GoodbyeReason, now: Moment, ready: &mut Out) {
        let Some(link) = self.link() else { return };
        ready.then.push(Output::Close { link });
        self.lose(link, now, ready);
        if [GoodbyeReason::SHUTDOWN, GoodbyeReason::REBOOT].contains(&reason) {
            self.end(ready);
        }
    }

    /// A handset opens a connection. Why it is not taken, when it is not.
    fn announced(
        &mut self,
        conn: ConnId,
        pmid: Pmid,
        now: Moment,
        ready: &mut Out,
    ) -> Result<(), RejectReason> {
        // A number that is given anew while it is in use: the end of the old one was lost.
        self.drop_conn(conn, DownReason::LOST, ready);
        let permitted = self.up.as_mut().is_some_and(|up| up.announcements.take(now));
        let reason = match (self.maintenance, self.standing.carries_calls()) {
            (true, _) => RejectReason::MAINTENANCE,
            (false, false) => RejectReason::SYNC,
            _ if !permitted || self.conns.is_full() => RejectReason::BUSY,
            _ => {
                self.conns.announce(conn, pmid, now + DECIDE);
                return Ok(());
            }
        };
        Err(reason)
    }

    fn turn_down(&mut self, word: impl Into<crate::dect::base_link::ToBase>, ready: &mut Out) {
        ready.then.extend(self.up.as_mut().map(|up| up.say(word)));
    }

    fn conn_down(&mut self, down: ConnDown, ready: &mut Out) {
        let ConnDown { conn, reason, good, bad } = down;
        if let Some(gone) = self.conns.remove(conn) {
            self.dirty |= gone.undecided.is_none();
            let frames = good.zip(bad);
            ready.then.push(Output::News(News::ConnDown { conn, reason, frames }));
        }
    }

    fn flow(&mut self, told: &NwkFlow, ready: &mut Out) {
        let (Ok(conn), Some(up)) = (self.conns.taken(told.conn), &mut self.up) else { return };
        match told.flow {
            Flow::Stop => conn.stop(),
            Flow::Go => ready.then.extend(conn.go().into_iter().map(|message| up.say(message))),
        }
    }
}
