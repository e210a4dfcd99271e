//! Two lines of one handset: a second call, one that waits, and what becomes of them.
//!
//! A line behind is held with `a=inactive`, since both would send to the one stream of the base station; its
//! far end hears the call's hold music. A transfer is asked of the call of the line that was held: it takes the
//! other end of the second call over ([`TransferWish::replaces_own`]), or dials the number that was typed.
//! When the handset is on hook and nobody answers, the held call rings at it again.

use super::*;
use crate::call::leg::{Ticket, TransferWish};
use crate::dect::element::Signal;
use crate::media::Direction;
use crate::sip::refer::Referral;

/// Two lines are all that a keypad of twelve keys can tell apart.
const MOST_LINES: usize = 2;

/// A second call, begun with R.
impl DectLeg {
    /// The line in front is held, and a number is waited for.
    pub(super) fn hold_for_second(&mut self, front: LineNo, now: Moment, out: &mut Out) {
        self.hold(front, out);
        self.front = None;
        self.silence(front, out);
        self.keying = Keying::number(now);
        self.show_line(front, "On hold", Some(Signal::DIAL_TONE), out);
    }

    pub(super) fn call_second(&mut self, digits: &str, out: &mut Out) {
        self.call_beside(Line::second(digits), digits, out);
    }

    /// One more line, beside the held one.
    pub(super) fn call_beside(&mut self, line: Line, digits: &str, out: &mut Out) {
        let no = self.take_line(line);
        self.front = Some(no);
        self.show_line(no, "Calling", Some(Signal::TONES_OFF), out);
        self.begin(no, Some(digits), out);
    }

    /// The second call is given up, and the held one is in front again.
    pub(super) fn take_back(&mut self, out: &mut Out) {
        self.keying = Keying::Speech;
        if let Some(front) = self.front.filter(|no| !self.is_answered(*no)) {
            self.close_line(front, Cause::normal().before_answer(), out);
        }
        if let Some(held) = self.behind() {
            self.take_up(held, out);
        }
    }

    pub(super) fn hold(&mut self, no: LineNo, out: &mut Out) {
        if let Some(line) = self.lines.get_mut(&no) {
            (line.wish, line.refused) = (Direction::Inactive, None);
        }
        self.align(no, out);
    }

    /// A held line is in front again. Its stream has other keys than before: their packets are numbered anew.
    pub(super) fn resume(&mut self, no: LineNo, out: &mut Out) {
        self.front = Some(no);
        let Some(line) = self.lines.get_mut(&no) else { return };
        (line.wish, line.refused) = (Direction::SendRecv, None);
        if let Some(media) = &mut line.media {
            media.renew_keys();
        }
        self.run(no, out);
        self.align(no, out);
        self.show_line(no, "", Some(Signal::TONES_OFF), out);
    }

    /// Whether the line behind may come to the front. One that waits and has no codec of ours is refused, and the
    /// user keeps whom he talks with.
    pub(super) fn can_be_taken(&mut self, no: LineNo, out: &mut Out) -> bool {
        let Some(address) = self.address else { return false };
        let Err(cause) = self.prepare_answer(no, address) else { return true };
        self.close_line(no, cause, out);
        self.front.into_iter().for_each(|no| self.show_line(no, "Not possible", Some(Signal::NEGATIVE), out));
        false
    }

    /// The line behind comes to the front: a held one is resumed, one that waits is answered.
    pub(super) fn take_up(&mut self, no: LineNo, out: &mut Out) {
        let Some(address) = self.address else { return };
        if self.is_answered(no) {
            return self.resume(no, out);
        }
        if let Err(cause) = self.prepare_answer(no, address) {
            return self.close_line(no, cause, out);
        }
        let Some(line) = self.lines.get_mut(&no) else { return };
        line.answered = true;
        let body = line.answer.take();
        self.front = Some(no);
        self.run(no, out);
        out.push(Output::News(no, LegNews::Answered { fork: Text::from(""), body }));
        self.show_line(no, "", Some(Signal::TONES_OFF), out);
    }

    /// The line behind is ended: refused when it waits.
    pub(super) fn drop_other(&mut self, no: LineNo, out: &mut Out) {
        let cause = match self.is_answered(no) {
            true => Cause::normal(),
            false => Cause { status: 486, q850: 17, words: "the user is busy".to_owned() },
        };
        self.close_line(no, cause, out);
        self.front.into_iter().for_each(|front| self.show_line(front, "", None, out));
    }
}

/// A call that knocks.
impl DectLeg {
    /// Another call is for the handset. It waits, if its user is in talk with one.
    pub(super) fn knocks(&mut self, no: LineNo, called: Called, out: &mut Out) {
        let talks = self.front.is_some_and(|front| self.is_answered(front));
        let room = self.lines.len() < MOST_LINES && self.asked.is_none();
        let speech = self.keying == Keying::Speech && self.stage == Stage::Open && self.connected;
        if no != self.next_line() || !(called.waits && talks && room && speech) {
            let cause = Cause { status: 486, q850: 17, words: "the handset is busy".to_owned() };
            let refused = LegNews::Refused { cause, contacts: Vec::new(), route_failed: false };
            return out.extend([refused, LegNews::Closed].map(|news| Output::News(no, news)));
        }
        self.take_line(Line::called(called));
        let (status, fork) = (180, Text::from(""));
        out.push(Output::News(no, LegNews::Progress { status, fork, body: None }));
        self.show_waiting(no, out);
    }

    /// A line rings at the handset, which is on hook: one that waited, or one that was held.
    pub(super) fn rings_at_handset(&mut self, no: LineNo, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no) else { return };
        let again = || portable::Offer {
            caller: line.partner.caller(),
            ring: if line.partner.internal { Signal::ALERTING_1 } else { Signal::ALERTING_0 },
            internal: line.partner.internal,
        };
        let offer = Box::new(line.ring.clone().filter(|_| !line.answered).unwrap_or_else(again));
        (self.stage, self.front, self.calling) = (Stage::Paging, Some(no), false);
        out.push(Output::Handset(portable::Order::Offer { call: self.call, offer }));
    }
}

/// Lines that end, and lines that are connected with each other.
impl DectLeg {
    /// The call of a line ends it.
    pub(super) fn dismissed(&mut self, no: LineNo, cause: Cause, now: Moment, out: &mut Out) {
        let alone = self.lines.len() == 1;
        let turned_away = self.lines.get(&no).is_some_and(|line| !line.joined);
        if let Some(line) = self.lines.get_mut(&no) {
            line.turned_away = turned_away;
        }
        match self.stage {
            Stage::Away | Stage::Over => self.dismissed_away(no, cause, out),
            // It was to ring there, or the handset would ring for nobody.
            Stage::Ending if self.rings_next == Some(no) => {
                self.rings_next = None;
                self.close_line(no, cause, out);
            }
            // The handset is told, and the line is closed when it has let go.
            _ if alone => self.release(cause, now, out),
            _ => self.dismissed_beside(no, cause, now, out),
        }
    }

    /// Nobody talks with himself, nor holds himself: the call ends, and with it both its lines.
    pub(super) fn looped(&mut self, no: LineNo, out: &mut Out) {
        self.close_line(no, Cause::of_status(482, "both ends of the call are this handset"), out);
    }

    fn dismissed_beside(&mut self, no: LineNo, cause: Cause, now: Moment, out: &mut Out) {
        let (in_front, answered) = (self.front == Some(no), self.is_answered(no));
        self.close_line(no, cause.clone(), out);
        let Some(other) = self.lines.keys().next().copied() else { return };
        self.keying = Keying::Speech;
        match self.front {
            Some(front) => self.show_line(front, "", None, out),
            None if !in_front => {}
            // Its user reads why, and presses R or waits to have the first call back.
            None if !answered => {
                let (_, tone) = reason_of(&cause);
                self.keying = Keying::number(now);
                self.show(cause.plain_words(), Some(tone.unwrap_or(Signal::NEGATIVE)), out);
            }
            None if self.is_answered(other) => self.take_up(other, out),
            None => {
                self.rings_next = Some(other);
                self.release(cause, now, out);
            }
        }
    }

    /// The handset is on hook. A line whose transfer is done leaves the other one to its own call, which ends
    /// it; in all other cases nobody is left to speak with.
    fn dismissed_away(&mut self, no: LineNo, cause: Cause, out: &mut Out) {
        let done = self.lines.get(&no).is_some_and(|line| line.transferred);
        self.close_line(no, cause.clone(), out);
        let moving = self.lines.values().any(|line| line.transferring || line.transferred);
        if !done && !moving {
            let rest: Vec<_> = self.lines.keys().copied().collect();
            rest.into_iter().for_each(|no| self.close_line(no, cause.clone(), out));
        }
        self.over_when_gone();
    }

    pub(super) fn over_when_gone(&mut self) {
        if self.stage == Stage::Away && self.lines.is_empty() {
            (self.stage, self.away_until) = (Stage::Over, None);
        }
    }

    /// On hook beside a held call: the held one is connected with the second call, or with the number that was
    /// typed. Whether it is.
    pub(super) fn hands_over(&mut self, keying: &Keying, now: Moment, out: &mut Out) -> bool {
        let Some(held) = self.held() else { return false };
        let front = self.front.and_then(|no| self.lines.get(&no));
        // Not when both calls came from outside: whoever answered a waiting call and hangs up is done with it.
        let consulted =
            front.is_some_and(|line| line.second) || self.lines.get(&held).is_some_and(|l| l.second);
        let (to, replaces_own) = match (front, keying) {
            (Some(line), _) if consulted && line.joined => (String::new(), line.owner),
            // Its call does not stand yet: the number is dialled for the held one.
            (Some(line), _) if consulted => (address_of(&line.partner.number), None),
            (None, Keying::Number(dialling, _)) if !dialling.is_empty() => {
                (format!("tel:{}", dialling.digits()), None)
            }
            _ => return false,
        };
        if replaces_own.is_none()
            && let Some(front) = self.front
        {
            self.close_line(front, Cause::normal(), out);
        }
        self.stage = Stage::Away;
        self.away_until = Some(now + LONGEST_AWAY);
        self.ask_transfer(held, to, replaces_own, out);
        true
    }

    /// R4: as on hook, but the user hears whether it works.
    pub(super) fn connect(&mut self, held: LineNo, out: &mut Out) {
        let owner = self.front.and_then(|front| self.lines.get(&front)?.owner);
        self.show("Connecting", None, out);
        self.ask_transfer(held, String::new(), owner, out);
    }

    fn ask_transfer(&mut self, held: LineNo, to: String, replaces_own: Option<OwnerId>, out: &mut Out) {
        if let Some(line) = self.lines.get_mut(&held) {
            line.transferring = true;
        }
        let (ticket, referral) = (Ticket::of_handset(), Referral::default());
        let wish = Box::new(TransferWish { ticket, to, replaces_own, referral });
        out.push(Output::News(held, LegNews::TransferAsked(wish)));
    }

    pub(super) fn transfer_goes(&mut self, no: LineNo, done: bool) {
        if let Some(line) = self.lines.get_mut(&no).filter(|_| done) {
            (line.transferring, line.transferred) = (false, true);
        }
    }

    /// A transfer came to nothing: on hook the held call rings again, else all is as before.
    pub(super) fn not_transferred(&mut self, no: LineNo, cause: &Cause, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no).filter(|line| line.transferring) else { return };
        line.transferring = false;
        if self.stage != Stage::Away {
            return self.show(cause.plain_words(), Some(Signal::NEGATIVE), out);
        }
        let rest: Vec<_> = self.lines.keys().copied().filter(|other| *other != no).collect();
        rest.into_iter().for_each(|other| self.close_line(other, Cause::normal(), out));
        self.away_until = None;
        self.rings_at_handset(no, out);
    }
}

/// As a URI. What was chosen from a log may be one.
fn address_of(number: &str) -> String {
    if number.contains(':') { number.to_owned() } else { format!("tel:{number}") }
}
