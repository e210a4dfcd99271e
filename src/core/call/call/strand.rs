//! One leg as the call keeps it: what is agreed with it, and whether it may still be told anything.

use serde::{Deserialize, Serialize};

use super::{Cause, Joining, Side, Target};
use crate::call::Party;
use crate::id::{OwnerId, Tokens};
use crate::media::negotiate::{Agreed, MediaRefusal, OfferAnswer};
use crate::media::{Codec, Direction};
use crate::sip::Facing;
use crate::sip::invite::Body;
use crate::sip::wire::Text;

/// Most forks of one dialled leg whose early answers are kept; the oldest goes first.
const MAX_FORKS: usize = 16;

/// How far the life of a leg has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Life {
    /// It may be told things.
    Open,
    /// It has said that it ended, or was told to end. What it still says crossed that word.
    Ended,
    /// All its transactions are done.
    Closed,
}

/// A leg in the call's books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Strand {
    pub life: Life,
    /// Where it was dialled to; none for the caller.
    pub target: Option<Target>,
    /// What is agreed on; of a dialled leg until its answer, our offer.
    pub media: Option<OfferAnswer>,
    /// On which side it is; of older records by its number.
    #[serde(default)]
    pub side: Option<Side>,
    /// Its name in tags and branches, when it was born in another call.
    #[serde(default)]
    pub owner: Option<OwnerId>,
    /// Whose it is, when it was not dialled by this call.
    #[serde(default)]
    pub party: Option<Party>,
    /// From which world it came, when it was not dialled by this call.
    #[serde(default)]
    pub facing: Option<Facing>,
    /// Its handset is told whom it talks with.
    #[serde(skip)]
    pub shows: bool,
    /// It was dialled, and nobody has won yet.
    #[serde(skip)]
    pub candidate: bool,
    /// It wants the place of another leg, and has not been answered.
    #[serde(skip)]
    pub joining: Option<Box<Joining>>,
    /// The direction that the far end refused to change to, and how often.
    #[serde(skip)]
    pub refused: Option<(Direction, u8)>,
    /// It refused to change to a codec that goes with the other end's.
    #[serde(skip)]
    pub keeps_codec: bool,
    /// We receive at this port, and it was told another one.
    #[serde(default)]
    pub moved: Option<u16>,
    /// Whether a dialled leg has made any progress.
    #[serde(skip)]
    pub progressed: bool,
    /// A dialled INVITE may be forked on its way; every fork answers our one offer in its own dialog
    /// (RFC 3261 §13.2.2.4). By remote tag, until one of them has won.
    #[serde(skip)]
    forks: Vec<(Text, OfferAnswer)>,
    /// As it was before the far end's last offer, with what it was not told of, for the case that it is
    /// withdrawn.
    #[serde(skip)]
    before: Option<Box<(OfferAnswer, Option<u16>)>>,
}

impl Strand {
    /// The caller's.
    pub fn caller() -> Self {
        Self::new(None, None)
    }

    /// One that is dialled for `side` with the offer that `media` has out.
    pub fn dialled(target: Target, media: OfferAnswer, side: Side) -> Self {
        let shows = target.native.is_some();
        Self { side: Some(side), candidate: true, shows, ..Self::new(Some(target), Some(media)) }
    }

    /// One that has a dialog and no place in the call any more.
    pub fn stranded() -> Self {
        Self { life: Life::Ended, ..Self::new(None, None) }
    }

    /// Our offer that the far end has not answered as far as we know, when nothing is agreed on: the
    /// answer may have been heard and lost.
    pub fn unanswered_offer(&mut self, tokens: &mut Tokens) -> Option<Body> {
        let media = self.media.as_mut().filter(|media| media.agreed().is_none() && media.offer_is_out())?;
        Some(Body::sdp(media.offer(tokens)))
    }

    /// What an answer of the far end would answer.
    pub fn awaits_answer(&mut self) -> Option<&mut OfferAnswer> {
        let agreed = self.in_force().is_some();
        match agreed || !self.forks.is_empty() {
            true => self.in_force(),
            false => self.media.as_mut().filter(|media| media.offer_is_out()),
        }
    }

    /// One whose INVITE asks for the place of another.
    pub fn newcomer(joining: Box<Joining>) -> Self {
        let (party, facing) = (Some(joining.party.clone()), Some(joining.facing));
        Self { party, facing, joining: Some(joining), ..Self::new(None, None) }
    }

    fn new(target: Option<Target>, media: Option<OfferAnswer>) -> Self {
        Self {
            life: Life::Open,
            target,
            media,
            side: None,
            owner: None,
            party: None,
            facing: None,
            shows: false,
            candidate: false,
            joining: None,
            refused: None,
            keeps_codec: false,
            moved: None,
            progressed: false,
            forks: Vec::new(),
            before: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.life == Life::Open
    }

    /// No more orders go to it.
    pub fn end(&mut self) {
        if self.is_open() {
            self.life = Life::Ended;
        }
    }

    /// Whether its far end has put us on hold.
    pub fn holds_us(&self) -> bool {
        let agreed = self.media.as_ref().and_then(|media| media.agreed());
        self.is_open() && agreed.is_some_and(|agreed| agreed.remote_held)
    }

    /// Whether its far end waits and sends something for us to hear meanwhile.
    pub fn brings_music(&self) -> bool {
        let agreed = self.media.as_ref().and_then(|media| media.agreed());
        agreed.is_some_and(|agreed| agreed.direction.receives())
    }

    /// The direction that our description in force stands for.
    pub fn said(&self) -> Option<Direction> {
        self.media.as_ref().and_then(|media| media.said())
    }

    /// What shall be said from the next exchange on.
    pub fn wish(&mut self, direction: Direction) {
        if let Some(media) = self.in_force() {
            media.set_direction(direction);
        }
    }

    /// Our offer will not be answered. What it was to say of our port is still to be said.
    pub fn forget_offer(&mut self) {
        if let Some(media) = self.in_force() {
            media.rollback();
        }
        self.listen_where_moved();
    }

    /// We receive at another port from now on; the far end is told with the next description.
    pub fn move_to(&mut self, port: u16) {
        (self.moved, self.refused) = (Some(port), None);
        self.listen_where_moved();
    }

    fn listen_where_moved(&mut self) {
        if let Some((media, port)) = self.moved.and_then(|port| Some((self.in_force()?, port))) {
            let address = media.local().address;
            media.set_address(address, port);
        }
    }

    /// The far end takes our offer.
    pub fn accept_answer(&mut self, body: &Body) -> Result<Agreed, MediaRefusal> {
        let media = self.awaits_answer().ok_or(MediaRefusal::NoOfferOutstanding)?;
        let agreed = media.accept_answer(&body.content_type, &body.bytes)?;
        self.moved = None;
        Ok(agreed)
    }

    /// Whether an offer of ours waits for its answer.
    pub fn offer_is_out(&self) -> bool {
        self.media.as_ref().is_some_and(|media| media.offer_is_out())
    }

    /// Whether it holds a channel of a base station.
    pub fn holds_base(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.base.is_some())
    }

    /// An early answer of a fork. A fork may say it again; others answer the same offer differently.
    pub fn preview(&mut self, fork: &Text, body: &Body) -> Result<Agreed, MediaRefusal> {
        let mut media = self.media.clone().ok_or(MediaRefusal::NoOfferOutstanding)?;
        let agreed = media.accept_answer(&body.content_type, &body.bytes)?;
        self.forks.retain(|(tag, _)| tag != fork);
        if self.forks.len() == MAX_FORKS {
            self.forks.remove(0);
        }
        self.forks.push((fork.detached(), media));
        Ok(agreed)
    }

    /// A fork has won, with an answer in its 2xx or in a reliable 1xx before it (RFC 3261 §13.2.1).
    pub fn settle(&mut self, fork: &Text, body: Option<&Body>) -> Result<Agreed, Cause> {
        if let Some(body) = body {
            self.preview(fork, body).map_err(|refusal| Cause::of_status(488, refusal.to_string()))?;
        }
        let won = self.forks.drain(..).find(|(tag, _)| tag == fork).map(|(_, media)| media);
        self.forks.clear();
        let agreed = won.as_ref().and_then(|media| media.agreed().cloned());
        self.media = won.or(self.media.take());
        agreed.ok_or_else(|| Cause::of_status(488, "answered without a session description"))
    }

    /// The early answer that was heard last.
    pub fn early(&self) -> Option<&Agreed> {
        self.forks.last().and_then(|(_, media)| media.agreed())
    }

    /// The description that an offer within the dialog would change. None while nothing is agreed, or
    /// while several forks of a dialled leg would have to be told apart.
    pub fn in_force(&mut self) -> Option<&mut OfferAnswer> {
        let media = match self.forks.len() {
            0 => self.media.as_mut(),
            1 => self.forks.first_mut().map(|(_, media)| media),
            _ => None,
        };
        media.filter(|media| media.agreed().is_some())
    }

    /// Answers an offer of the far end with one of `codecs`, the one in use first: a change that nobody
    /// asked for helps nobody. An offer of none of them is answered with another of the `house`'s, which will be
    /// translated.
    pub fn answer(
        &mut self,
        body: &Body,
        (codecs, house): (&[Codec], &[Codec]),
        tokens: &mut Tokens,
    ) -> Result<(Body, Agreed), Cause> {
        let Some(media) = self.in_force() else {
            return Err(Cause::of_status(488, "no session is agreed on yet"));
        };
        let mut before = media.clone();
        // An offer of ours that is still out was refused with 491 on its way and waits; theirs came first, and
        // what ours was to say stands in the answer. Refused, theirs leaves ours where it was.
        let wish = media.local().direction;
        media.rollback();
        media.set_direction(wish);
        self.listen_where_moved();
        let Some(media) = self.in_force() else {
            return Err(Cause::of_status(488, "no session is agreed on yet"));
        };
        let current = media.agreed().map(|agreed| agreed.codec);
        let same =
            current.as_ref().filter(|codec| codecs.contains(codec)).map_or(codecs, std::slice::from_ref);
        let (kind, bytes) = (&body.content_type, &body.bytes);
        let answered = media.answer(kind, bytes, Some(same), tokens);
        let answered = answered.or_else(|_| media.answer(kind, bytes, Some(codecs), tokens));
        let answered = answered.or_else(|refusal| {
            // What it may speak was cut to what went with the other end's.
            media.set_codecs(house.to_vec());
            let same = media.answer(kind, bytes, current.as_ref().map(std::slice::from_ref), tokens);
            same.or_else(|_| media.answer(kind, bytes, None, tokens)).map_err(|_| refusal)
        });
        match answered {
            Ok((sdp, agreed)) => {
                before.rollback();
                self.before = Some(Box::new((before, self.moved.take())));
                Ok((Body::sdp(sdp), agreed))
            }
            Err(refusal) => {
                *media = before;
                Err(refused_offer(refusal))
            }
        }
    }

    /// Our offer, of these codecs, to a far end that asked for one or that must change.
    pub fn offer(&mut self, codecs: &[Codec], tokens: &mut Tokens) -> Option<Body> {
        let media = self.in_force()?;
        let mut before = media.clone();
        before.rollback();
        let kept: Vec<_> =
            media.local().codecs.iter().copied().filter(|codec| codecs.contains(codec)).collect();
        // Its first description may have been cut to what suited somebody who has left.
        media.set_codecs(if kept.is_empty() { codecs.to_vec() } else { kept });
        let offer = Body::sdp(media.offer(tokens));
        self.before = Some(Box::new((before, self.moved)));
        Some(offer)
    }

    /// Our offer to a far end that is asked to change to the first of these codecs.
    pub fn ask(&mut self, codecs: Vec<Codec>, tokens: &mut Tokens) -> Option<Body> {
        let media = self.in_force()?;
        let mut before = media.clone();
        before.rollback();
        media.ask_for(codecs);
        let offer = Body::sdp(media.offer(tokens));
        self.before = Some(Box::new((before, self.moved)));
        Some(offer)
    }

    /// The far end withdrew its offer before it had our answer: all is as before.
    pub fn withdraw(&mut self) -> Option<Agreed> {
        let (before, moved) = *self.before.take()?;
        *self.in_force()? = before;
        self.moved = moved;
        self.listen_where_moved();
        self.in_force()?.agreed().cloned()
    }

    /// The far end has our answer; there is no way back.
    pub fn confirm(&mut self) {
        self.before = None;
    }
}

/// Why an offer is refused, with the status that says whose fault it is.
pub(super) fn refused_offer(refusal: MediaRefusal) -> Cause {
    Cause::of_status(refusal.status().0, refusal.to_string())
}
