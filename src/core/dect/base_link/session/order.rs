//! What the switch wants of a base station.

use super::words::{Order, Output, Refusal, Request};
use super::{Out, Session};
use crate::dect::base_link::code::GoodbyeReason;
use crate::dect::base_link::direction::ToBase;
use crate::dect::base_link::value::ConnId;
use crate::dect::base_link::word::{
    ConnAccept, ConnReject, ConnRelease, HoAccept, HoReject, HoSuggest, NwkData,
};
use crate::timer::Moment;

/// When a base station comes back after the switch has stopped.
const RETRY_S: u16 = 2;

impl Session {
    pub(super) fn order(&mut self, order: Order, now: Moment, ready: &mut Out) -> Result<(), Refusal> {
        match order {
            Order::Configure(plan) => self.configure(plan, now, ready),
            Order::Say(word) => self.say(word, now, ready)?,
            Order::Drain(on) => self.maintenance = on,
            Order::OutOfUse(on) => {
                self.out_of_use = on;
                if on {
                    // At once, not when it has missed us for POLICY milliseconds.
                    self.release_all(now, ready);
                    self.part(GoodbyeReason::OUT_OF_USE, None, now, ready);
                    self.end(ready);
                }
            }
            // The record stays: with it the calls go on when the switch is back.
            Order::Stop => {
                self.part(GoodbyeReason::SHUTDOWN, Some(RETRY_S), now, ready);
                self.timers.stop_all();
            }
        }
        Ok(())
    }

    /// The one match of what the owner may say: what must be true for it, and what is noted.
    fn say(&mut self, word: ToBase, now: Moment, ready: &mut Out) -> Result<(), Refusal> {
        if let (ToBase::ConnRelease(release), None) = (&word, &self.up) {
            // The base station hears of it when it comes back: the connection is not in our list.
            return self.release(release.conn);
        }
        self.up.as_ref().ok_or(Refusal::NoLink)?;
        match &word {
            ToBase::Welcome(_)
            | ToBase::Refuse(_)
            | ToBase::EnrolCfm(_)
            | ToBase::Ping(_)
            | ToBase::Pong(_)
            | ToBase::Goodbye(_)
            | ToBase::Error(_)
            | ToBase::RadioConfig(_)
            | ToBase::RadioStart(_)
            | ToBase::RadioStop(_)
            | ToBase::SyncConfig(_) => return Err(Refusal::NotYours(word.message_type())),
            ToBase::Busy(busy) => {
                self.busy_wanted = busy.busy_bits;
                return Ok(());
            }
            ToBase::Page(_) | ToBase::NwkBcast(_) => {
                self.standing.carries_calls().then_some(()).ok_or(Refusal::NotReady)?;
            }
            ToBase::ConnAccept(ConnAccept { conn, .. }) => self.take(*conn)?,
            ToBase::ConnReject(ConnReject { conn, .. }) => self.turn_away_conn(*conn)?,
            ToBase::ConnRelease(ConnRelease { conn, .. }) => self.release(*conn)?,
            ToBase::NwkData(message) => return self.pass_on(message, ready),
            ToBase::CipherKey(key) => drop(self.conns.taken(key.conn)?),
            ToBase::SlotChange(change) => drop(self.conns.taken(change.conn)?),
            ToBase::HoPrepare(prepare) => drop(self.conns.taken(prepare.conn)?),
            ToBase::HoSuggest(suggest) => drop(self.conns.taken(suggest.conn)?),
            ToBase::Tone(tone) => drop(self.conns.taken(tone.conn)?),
            ToBase::HoAccept(HoAccept { new_conn, media_id, .. }) => {
                self.take(*new_conn)?;
                if let Some(media) = media_id {
                    self.conns.taken(*new_conn)?.open(*media)?;
                }
            }
            ToBase::HoReject(HoReject { new_conn, .. }) => self.turn_away_conn(*new_conn)?,
            ToBase::MediaOpen(open) => {
                self.conns.taken(open.conn)?.open(open.media_id)?;
                self.dirty = true;
            }
            ToBase::MediaModify(modify) => drop(self.conns.owner(modify.media_id)?),
            ToBase::MediaClose(close) => {
                self.conns.owner(close.media_id)?.close(close.media_id);
                self.dirty = true;
            }
            ToBase::BroadcastUpdate(_)
            | ToBase::Stats(_)
            | ToBase::FwOffer(_)
            | ToBase::Reboot(_)
            | ToBase::Led(_) => {}
        }
        self.speak(word, now, ready)
    }

    pub(super) fn speak(&mut self, word: ToBase, now: Moment, ready: &mut Out) -> Result<(), Refusal> {
        let up = self.up.as_mut().ok_or(Refusal::NoLink)?;
        let said = match Request::of(&word) {
            Some(request) => up.ask(request, word, now)?,
            None => up.say(word),
        };
        ready.then.push(said);
        Ok(())
    }

    fn take(&mut self, conn: ConnId) -> Result<(), Refusal> {
        self.conns.take(conn)?;
        self.dirty = true;
        Ok(())
    }

    fn turn_away_conn(&mut self, conn: ConnId) -> Result<(), Refusal> {
        let undecided = self.conns.undecided().contains(&conn);
        undecided.then(|| self.conns.remove(conn)).map(drop).ok_or(Refusal::NoSuchConn(conn))
    }

    fn release(&mut self, conn: ConnId) -> Result<(), Refusal> {
        self.conns.remove(conn).ok_or(Refusal::NoSuchConn(conn))?;
        self.dirty = true;
        Ok(())
    }

    fn pass_on(&mut self, message: &NwkData, ready: &mut Out) -> Result<(), Refusal> {
        let passed = self.conns.taken(message.conn)?.hold_back(message.clone())?;
        let up = self.up.as_mut().ok_or(Refusal::NoLink)?;
        ready.then.extend(passed.map(|message| up.say(message)));
        Ok(())
    }

    /// Handsets in a call are told to look for another base station while they are heard here.
    pub(super) fn suggest_all(&mut self, now: Moment, ready: &mut Out) {
        for conn in self.conns.live().into_iter().map(|live| live.conn) {
            // Who is not told stays until its call ends.
            let _ = self.speak(HoSuggest { conn }.into(), now, ready);
        }
    }

    /// Every connection is released: its time is over.
    pub(super) fn release_all(&mut self, now: Moment, ready: &mut Out) {
        use crate::dect::base_link::code::{DownReason, ReleaseReason};
        for conn in self.conns.ids() {
            self.drop_conn(conn, DownReason::LOST, ready);
            let word = ConnRelease { conn, reason: ReleaseReason::ABNORMAL }.into();
            // A base station that has this much to answer hears of it with its next WELCOME.
            let _ = self.speak(word, now, ready);
        }
    }
}

impl Request {
    /// Which request a word is, if it is one.
    pub fn of(word: &ToBase) -> Option<Self> {
        Some(match word {
            ToBase::RadioConfig(_) => Self::RadioConfig,
            ToBase::RadioStart(_) => Self::RadioStart,
            ToBase::RadioStop(_) => Self::RadioStop,
            ToBase::SyncConfig(_) => Self::SyncConfig,
            ToBase::Page(page) => Self::Page(page.page_id),
            ToBase::ConnRelease(release) => Self::Release(release.conn),
            ToBase::CipherKey(key) => Self::Cipher(key.conn),
            ToBase::SlotChange(change) => Self::Slot(change.conn),
            ToBase::HoPrepare(prepare) => Self::HoPrepare(prepare.conn),
            ToBase::MediaOpen(open) => Self::MediaOpen(open.media_id),
            ToBase::MediaModify(modify) => Self::MediaModify(modify.media_id),
            ToBase::MediaClose(close) => Self::MediaClose(close.media_id),
            ToBase::Stats(_) => Self::Stats,
            ToBase::FwOffer(_) => Self::Firmware,
            ToBase::Reboot(_) => Self::Reboot,
            ToBase::Led(_) => Self::Led,
            _ => return None,
        })
    }
}

impl Output {
    /// What is said, when something is.
    pub fn word(&self) -> Option<&ToBase> {
        if let Self::Send { word, .. } = self { Some(word) } else { None }
    }
}
