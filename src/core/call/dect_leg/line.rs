//! A line: one call of the switch that the handset takes part in.

use super::show::Partner;
use super::*;
use crate::media::Direction;

/// Names a line to whoever drives the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineNo(pub u8);

impl LineNo {
    /// That of the call which the handset began with.
    pub const FIRST: Self = Self(0);
}

/// A line in the books.
#[derive(Debug)]
pub(super) struct Line {
    /// The handset began it.
    pub calling: bool,
    /// It was begun with the R key, beside another.
    pub second: bool,
    /// Its call exists and hears our news.
    pub joined: bool,
    /// The name of its leg in the call.
    pub owner: Option<OwnerId>,
    /// The handset left before the call stood, for this reason.
    pub gone: Option<Cause>,
    /// Both ends talk.
    pub answered: bool,
    /// The far end is alerted, or heard.
    pub told: bool,
    /// The called party is in another call, and lets this one wait.
    pub waits: bool,
    /// The call's offer, until we have a description for it.
    pub offer: Option<Body>,
    /// The offer that [`answer`](Self::answer) is to.
    pub asked: Option<Body>,
    /// Our answer to it, until the handset answers.
    pub answer: Option<Body>,
    pub media: Option<OfferAnswer>,
    /// What we want to do with its speech.
    pub wish: Direction,
    /// The base station receives elsewhere than our description says.
    pub moved: bool,
    /// What the call refused last.
    pub refused: Option<Direction>,
    /// Whom it talks with, or will.
    pub partner: Partner,
    /// What the handset shows and how it rings, when it was called.
    pub ring: Option<portable::Offer>,
    /// There will be no call.
    pub turned_away: bool,
    /// A transfer was asked for, and is not done.
    pub transferring: bool,
    /// It is done: the call ends this leg.
    pub transferred: bool,
}

impl Line {
    fn new(calling: bool, joined: bool) -> Self {
        Self {
            calling,
            second: false,
            joined,
            owner: None,
            gone: None,
            answered: false,
            told: false,
            waits: false,
            offer: None,
            asked: None,
            answer: None,
            media: None,
            wish: Direction::SendRecv,
            moved: false,
            refused: None,
            partner: Partner::default(),
            ring: None,
            turned_away: false,
            transferring: false,
            transferred: false,
        }
    }

    /// Of a handset that calls.
    pub fn asked() -> Self {
        Self::new(true, false)
    }

    /// Of one that calls a second time.
    pub fn second(digits: &str) -> Self {
        let partner = Partner { number: digits.to_owned(), ..Partner::default() };
        Self { second: true, partner, ..Self::asked() }
    }

    /// Of one whose user looked up whom to call; `second` beside another.
    pub fn chosen(address: &str, name: String, second: bool) -> Self {
        let partner = Partner { number: address.to_owned(), name, internal: false };
        Self { second, partner, ..Self::asked() }
    }

    /// Of a handset that is called.
    pub fn called(called: Called) -> Self {
        let Called { owner, body, offer, waits: _ } = called;
        let partner = Partner::of_caller(&offer.caller);
        let (owner, ring) = (Some(owner), Some(offer));
        Self { owner, offer: Some(body), partner, ring, ..Self::new(false, true) }
    }
}

impl DectLeg {
    /// A line ends. One whose call was asked for and does not stand yet ends when it does.
    pub(super) fn close_line(&mut self, no: LineNo, cause: Cause, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no) else { return };
        let asked_for = line.media.is_some();
        if asked_for && !line.joined && !line.turned_away {
            line.gone.get_or_insert(cause);
            return;
        }
        let dialled = !line.calling && !line.answered;
        if line.joined {
            let news = match dialled {
                true => LegNews::Refused { cause, contacts: Vec::new(), route_failed: false },
                false => LegNews::Ended { cause },
            };
            out.extend([news, LegNews::Closed].map(|news| Output::News(no, news)));
        }
        self.lines.remove(&no);
        if self.front == Some(no) {
            self.front = None;
        }
    }

    /// The line that is not in front, if there is one.
    pub(super) fn behind(&self) -> Option<LineNo> {
        self.lines.keys().copied().find(|no| Some(*no) != self.front)
    }

    /// The line behind, if its far end is on hold.
    pub(super) fn held(&self) -> Option<LineNo> {
        self.behind().filter(|no| self.lines.get(no).is_some_and(|line| line.answered))
    }

    pub(super) fn is_answered(&self, no: LineNo) -> bool {
        self.lines.get(&no).is_some_and(|line| line.answered)
    }
}
