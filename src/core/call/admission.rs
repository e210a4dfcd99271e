//! Who gets a voice channel: the media resource's and the base stations' (the limits of
//! the IP-DECT Server 6500: 32 and 16, 11 and 6).
//!
//! A channel with SRTP costs more than one without. What a pool can carry is therefore a budget: with
//! limits `plain` and `srtp`, a plain channel takes one `plain`-th of it and an encrypted one an
//! `srtp`-th; any mixture fits while the sum is at most one.
//!
//! Invariant: every unit taken stands in `held` under its call, so [`Admission::release`] gives back
//! exactly what the call has, once, however the call ended.

mod learned;
pub mod links;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::cause::Cause;
use crate::id::{BaseStationId, CallRef};
use crate::radio::allocation::{Blocked, Purpose, Room, Want};
pub use crate::radio::allocation::{Limit, Load};
use crate::sip::ChannelBudget;
use crate::timer::Moment;
use learned::Learned;
use links::Links;

/// A base station that nothing is known of.
pub const DEFAULT_BASE: Limit = Limit::flat(8);

impl From<&ChannelBudget> for Limit {
    fn from(budget: &ChannelBudget) -> Self {
        Self { plain: u32::from(budget.narrowband), srtp: u32::from(budget.secure) }
    }
}

/// Where a channel was missing. Both are answered with `Reason: Q.850;cause=34` (no circuit/channel
/// available).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The media resource carries no more.
    #[error("no free media channel: {in_use} of {limit} in use")]
    Media {
        /// Channels in use.
        in_use: u32,
        /// Limit for the kind that was asked.
        limit: u32,
    },
    /// The base station carries no more.
    #[error("no free voice channel on base station {base}: {in_use} of {limit} in use")]
    Base {
        /// Which one.
        base: BaseStationId,
        /// Channels in use.
        in_use: u32,
        /// Limit for the kind that was asked.
        limit: u32,
    },
}

/// How often a channel was refused since start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Refused {
    /// For want of a media channel.
    pub media: u64,
    /// For want of a base-station channel.
    pub base: u64,
}

#[derive(Debug, Default)]
struct Held {
    media: Option<bool>,
    bases: Vec<Channel>,
}

/// A channel of a base station, or as many as a long slot takes.
#[derive(Debug)]
struct Channel {
    base: BaseStationId,
    srtp: bool,
    pairs: u32,
}

#[derive(Debug)]
struct Base {
    limit: Limit,
    load: Load,
}

/// The books of all voice channels of this node.
#[derive(Debug)]
pub struct Admission {
    media_limit: Limit,
    media: Load,
    bases: BTreeMap<BaseStationId, Base>,
    held: HashMap<CallRef, Held>,
    refused: Refused,
    learned: Learned,
    links: Links,
}

impl Admission {
    /// Empty books for a media resource with that limit.
    pub fn new(media_limit: Limit) -> Self {
        Self {
            media_limit,
            media: Load::default(),
            bases: BTreeMap::new(),
            held: HashMap::new(),
            refused: Refused::default(),
            learned: Learned::default(),
            links: Links::default(),
        }
    }

    /// With links that calls cross; [`release`](Self::release) gives those back too.
    pub fn with_links(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// The books of links.
    pub fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }

    /// A handset on `base`, whose limit is `limit`, refused `call` for this reason. A base station that is
    /// full before its time carries no more than it does now for a while; whether that was learnt. `busy`: the
    /// handset has another call.
    pub fn refused_by(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        cause: &Cause,
        (limit, busy): (Limit, bool),
        now: Moment,
    ) -> bool {
        let own = u32::from(self.holds(call, Some(base)));
        let carried = self.base(base).channels().saturating_sub(own);
        self.learned.refused(base, cause, (carried, limit), busy, now)
    }

    /// `limit`, or what `base` has taught.
    pub fn learned(&self, base: &BaseStationId, limit: Limit, now: Moment) -> Limit {
        self.learned.cut(base, limit, now)
    }

    /// Takes a media channel for `call`. A call has one; asking again keeps it.
    pub fn reserve_media(&mut self, call: CallRef, srtp: bool) -> Result<(), Refusal> {
        let held = self.held.entry(call).or_default();
        if held.media.is_some() {
            return Ok(());
        }
        if !self.media.fits(self.media_limit, srtp) {
            self.refused.media += 1;
            let (in_use, limit) = (self.media.channels(), kind(self.media_limit, srtp));
            self.forget_if_empty(call);
            return Err(Refusal::Media { in_use, limit });
        }
        *self.media.slot(srtp) += 1;
        held.media = Some(srtp);
        Ok(())
    }

    /// Takes one more channel of `base`, whose limit may have changed since it was last seen.
    pub fn reserve_base(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        limit: Limit,
        srtp: bool,
    ) -> Result<(), Refusal> {
        let entry = self.bases.entry(base.clone()).or_insert(Base { limit, load: Load::default() });
        entry.limit = limit;
        if !entry.load.fits(limit, srtp) {
            self.refused.base += 1;
            let (in_use, limit) = (entry.load.channels(), kind(limit, srtp));
            forget_if_idle(&mut self.bases, base);
            return Err(Refusal::Base { base: base.clone(), in_use, limit });
        }
        *entry.load.slot(srtp) += 1;
        self.held.entry(call).or_default().bases.push(Channel { base: base.clone(), srtp, pairs: 1 });
        Ok(())
    }

    /// Takes one more channel of a native base station, by the rules of [`Room::admits`]; `room` says all but
    /// the load, which these books know.
    pub fn admit(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        room: &Room,
        want: Want,
    ) -> Result<(), Blocked> {
        let room = Room { load: self.base(base), ..*room };
        room.admits(want).inspect_err(|_| self.refused.base += 1)?;
        let entry = self.bases.entry(base.clone()).or_insert(Base { limit: room.limit, load: room.load });
        entry.limit = room.limit;
        let pairs = u32::from(want.pairs);
        *entry.load.slot(want.srtp) += pairs;
        let channel = Channel { base: base.clone(), srtp: want.srtp, pairs };
        self.held.entry(call).or_default().bases.push(channel);
        Ok(())
    }

    /// The channel of `base` that `call` took last is to be `pairs` wide. Narrower always goes; wider by the
    /// rules for a new call, which leave the reserve alone.
    pub fn resize(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        room: &Room,
        pairs: u8,
    ) -> Result<(), Blocked> {
        let load = self.base(base);
        let held = self.held.get_mut(&call).and_then(|held| held.bases.iter_mut().rfind(|c| c.base == *base));
        let Some(held) = held else { return Err(Blocked::OutOfService) };
        let more = u32::from(pairs).saturating_sub(held.pairs);
        if more > 0 {
            let (srtp, pairs) = (held.srtp, u8::try_from(more).unwrap_or(u8::MAX));
            Room { load, ..*room }.admits(Want { srtp, pairs, purpose: Purpose::New })?;
        }
        let entry = self.bases.get_mut(base).expect("what a call holds was taken from a known base");
        let slot = entry.load.slot(held.srtp);
        *slot = *slot - held.pairs + u32::from(pairs);
        held.pairs = pairs.into();
        Ok(())
    }

    /// Gives back one channel of `base` that `call` holds: a handset that rang and did not answer.
    pub fn release_base(&mut self, call: CallRef, base: &BaseStationId) {
        let Some(held) = self.held.get_mut(&call) else { return };
        // The last one taken: the caller's own may be on the same base, and was taken first.
        let Some(place) = held.bases.iter().rposition(|channel| channel.base == *base) else { return };
        let channel = held.bases.remove(place);
        give_back(&mut self.bases, &channel);
        self.forget_if_empty(call);
    }

    /// Books what `call` holds by what was agreed rather than by what might have been: whether its media
    /// are encrypted, and towards which base stations.
    pub fn settle(&mut self, call: CallRef, srtp: bool, bases: &[(&BaseStationId, bool)]) {
        let Some(held) = self.held.get_mut(&call) else { return };
        if let Some(booked) = held.media.as_mut().filter(|booked| **booked != srtp) {
            *self.media.slot(*booked) -= 1;
            *self.media.slot(srtp) += 1;
            *booked = srtp;
        }
        for Channel { base, srtp: booked, pairs } in &mut held.bases {
            let agreed = bases.iter().find(|(name, _)| *name == base).map(|(_, srtp)| *srtp);
            let Some(agreed) = agreed.filter(|agreed| agreed != booked) else { continue };
            let entry = self.bases.get_mut(base).expect("what a call holds was taken from a known base");
            *entry.load.slot(*booked) -= *pairs;
            *entry.load.slot(agreed) += *pairs;
            *booked = agreed;
        }
    }

    /// A leg goes over from one call to another, and with it its channel of `base`.
    pub fn pass_base(&mut self, from: CallRef, to: CallRef, base: &BaseStationId) {
        let Some(held) = self.held.get_mut(&from) else { return };
        let Some(place) = held.bases.iter().rposition(|channel| channel.base == *base) else { return };
        let passed = held.bases.remove(place);
        self.forget_if_empty(from);
        self.held.entry(to).or_default().bases.push(passed);
    }

    /// Gives back all that `call` holds. A second time does nothing.
    pub fn release(&mut self, call: CallRef) {
        self.links.release(call);
        let Some(held) = self.held.remove(&call) else { return };
        if let Some(srtp) = held.media {
            *self.media.slot(srtp) -= 1;
        }
        for channel in held.bases {
            give_back(&mut self.bases, &channel);
        }
    }

    /// Whether [`reserve_media`](Self::reserve_media) would succeed.
    pub fn media_fits(&self, call: CallRef, srtp: bool) -> bool {
        let has = self.held.get(&call).is_some_and(|held| held.media.is_some());
        has || self.media.fits(self.media_limit, srtp)
    }

    /// Whether [`reserve_base`](Self::reserve_base) would succeed.
    pub fn base_fits(&self, base: &BaseStationId, limit: Limit, srtp: bool) -> bool {
        self.base(base).fits(limit, srtp)
    }

    /// Whether `call` holds a channel of `base`, or a media channel when none is named.
    pub fn holds(&self, call: CallRef, base: Option<&BaseStationId>) -> bool {
        self.held.get(&call).is_some_and(|held| match base {
            Some(base) => held.bases.iter().any(|held| held.base == *base),
            None => held.media.is_some(),
        })
    }

    /// The base stations of which `call` holds channels, in the order it took them.
    pub fn bases_of(&self, call: CallRef) -> impl Iterator<Item = &BaseStationId> {
        self.held.get(&call).into_iter().flat_map(|held| held.bases.iter().map(|channel| &channel.base))
    }

    /// Media channels: limit and load.
    pub fn media(&self) -> (Limit, Load) {
        (self.media_limit, self.media)
    }

    /// Channels in use on `base`.
    pub fn base(&self, base: &BaseStationId) -> Load {
        self.bases.get(base).map_or(Load::default(), |b| b.load)
    }

    /// Calls that hold anything.
    pub fn calls(&self) -> usize {
        self.held.len()
    }

    /// Refusals since start.
    pub fn refused(&self) -> Refused {
        self.refused
    }

    fn forget_if_empty(&mut self, call: CallRef) {
        if self.held.get(&call).is_some_and(|h| h.media.is_none() && h.bases.is_empty()) {
            self.held.remove(&call);
        }
    }
}

fn kind(limit: Limit, srtp: bool) -> u32 {
    if srtp { limit.srtp } else { limit.plain }
}

fn give_back(bases: &mut BTreeMap<BaseStationId, Base>, channel: &Channel) {
    let Channel { base, srtp, pairs } = channel;
    let entry = bases.get_mut(base).expect("what a call holds was taken from a known base");
    *entry.load.slot(*srtp) -= pairs;
    forget_if_idle(bases, base);
}

fn forget_if_idle(bases: &mut BTreeMap<BaseStationId, Base>, base: &BaseStationId) {
    if bases.get(base).is_some_and(|entry| entry.load.channels() == 0) {
        bases.remove(base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KWS: Limit = Limit { plain: 32, srtp: 16 };
    const BASE: Limit = Limit { plain: 11, srtp: 6 };

    #[test]
    fn the_twelfth_call_on_a_base_is_refused_and_the_seventh_with_srtp() {
        for (srtp, last) in [(false, 11), (true, 6)] {
            let mut books = Admission::new(KWS);
            let base = BaseStationId("b".into());
            for n in 1..=last {
                assert_eq!(books.reserve_base(CallRef(n), &base, BASE, srtp), Ok(()));
            }
            let refusal = books.reserve_base(CallRef(99), &base, BASE, srtp).unwrap_err();
            assert_eq!(
                refusal,
                Refusal::Base { base: base.clone(), in_use: last as u32, limit: last as u32 }
            );
            books.release(CallRef(1));
            assert_eq!(books.reserve_base(CallRef(99), &base, BASE, srtp), Ok(()));
        }
    }

    #[test]
    fn plain_and_encrypted_channels_share_one_budget() {
        let mut books = Admission::new(KWS);
        (0..16).for_each(|n| books.reserve_media(CallRef(n), false).unwrap());
        (16..24).for_each(|n| books.reserve_media(CallRef(n), true).unwrap());
        assert!(books.reserve_media(CallRef(24), false).is_err());
        assert_eq!(books.refused().media, 1);
        assert_eq!(books.calls(), 24);
    }

    #[test]
    fn what_was_agreed_is_booked_in_place_of_what_might_have_been() {
        let mut books = Admission::new(KWS);
        let base = BaseStationId("b".into());
        books.reserve_media(CallRef(1), true).unwrap();
        books.reserve_base(CallRef(1), &base, BASE, true).unwrap();
        books.settle(CallRef(1), false, &[(&base, false)]);
        assert_eq!(
            (books.media().1, books.base(&base)),
            (Load { plain: 1, srtp: 0 }, Load { plain: 1, srtp: 0 })
        );
        books.release(CallRef(1));
        assert_eq!((books.media().1, books.base(&base)), (Load::default(), Load::default()));
    }

    #[test]
    fn release_gives_everything_back_once() {
        let mut books = Admission::new(KWS);
        let base = BaseStationId("b".into());
        books.reserve_media(CallRef(1), true).unwrap();
        books.reserve_base(CallRef(1), &base, BASE, false).unwrap();
        books.reserve_base(CallRef(1), &base, BASE, false).unwrap();
        books.release_base(CallRef(1), &base);
        assert_eq!(books.base(&base).channels(), 1);
        books.release(CallRef(1));
        books.release(CallRef(1));
        assert_eq!(
            (books.media().1, books.base(&base), books.calls()),
            (Load::default(), Load::default(), 0)
        );
    }

    #[test]
    fn a_base_without_srtp_still_counts_its_plain_channels() {
        let mut books = Admission::new(KWS);
        let (base, limit) = (BaseStationId("b".into()), Limit { plain: 2, srtp: 0 });
        assert!(books.reserve_base(CallRef(0), &base, limit, true).is_err());
        assert!(books.bases.is_empty(), "a refusal leaves nothing behind");
        (1..=2).for_each(|n| books.reserve_base(CallRef(n), &base, limit, false).unwrap());
        assert!(books.reserve_base(CallRef(3), &base, limit, false).is_err());
        let none = Limit::flat(0);
        assert!(!Load::default().fits(none, false) && !Load::default().fits(none, true));
    }

    #[test]
    fn a_channel_that_went_over_goes_back_with_its_new_call() {
        let mut books = Admission::new(KWS);
        let base = BaseStationId("b".into());
        books.reserve_base(CallRef(1), &base, BASE, true).unwrap();
        books.pass_base(CallRef(1), CallRef(2), &base);
        books.pass_base(CallRef(1), CallRef(2), &base);
        books.release(CallRef(1));
        assert_eq!(books.base(&base), Load { plain: 0, srtp: 1 });
        books.release(CallRef(2));
        assert_eq!((books.base(&base), books.calls()), (Load::default(), 0));
    }

    #[test]
    fn of_two_channels_on_one_base_the_callees_goes_back() {
        let mut books = Admission::new(KWS);
        let base = BaseStationId("b".into());
        books.reserve_base(CallRef(1), &base, BASE, false).unwrap();
        books.reserve_base(CallRef(1), &base, BASE, true).unwrap();
        books.release_base(CallRef(1), &base);
        assert_eq!(books.base(&base), Load { plain: 1, srtp: 0 });
    }

    #[test]
    fn a_call_that_goes_wide_takes_a_second_channel_and_gives_it_back() {
        use crate::dect::base_link::session::Standing;
        let mut books = Admission::new(KWS);
        let base = BaseStationId("b".into());
        let (standing, load) = (Standing::Operational, Load::default());
        let room = Room { standing, limit: BASE, load, reserve: 1, pairs_free: None };
        for call in 0..5 {
            books.admit(CallRef(call), &base, &room, Want::narrow(Purpose::New)).unwrap();
            assert_eq!(books.resize(CallRef(call), &base, &room, 2), Ok(()), "call {call}");
        }
        let reserved = Err(Blocked::Reserved { reserve: 1 });
        assert_eq!(books.admit(CallRef(9), &base, &room, Want::narrow(Purpose::New)), reserved);
        books.resize(CallRef(4), &base, &room, 1).unwrap();
        assert_eq!(books.base(&base).channels(), 9);
        // A long slot goes over to another call whole, and goes back whole.
        books.pass_base(CallRef(0), CallRef(7), &base);
        books.release(CallRef(7));
        assert_eq!(books.base(&base).channels(), 7);
        let wide = Want { pairs: 2, ..Want::narrow(Purpose::Handover) };
        books.admit(CallRef(8), &base, &room, wide).unwrap();
        assert_eq!(books.base(&base).channels(), 9);
        assert_eq!(
            books.resize(CallRef(77), &base, &room, 2),
            Err(Blocked::OutOfService),
            "it holds nothing"
        );
        (0..10).for_each(|call| books.release(CallRef(call)));
        assert_eq!((books.base(&base), books.calls()), (Load::default(), 0));
    }

    #[test]
    fn a_handset_that_comes_over_takes_the_reserve_and_frees_its_old_channel() {
        use crate::dect::base_link::session::Standing;
        use crate::radio::allocation::NATIVE;
        let mut books = Admission::new(KWS);
        let (old, new) = (BaseStationId("old".into()), BaseStationId("new".into()));
        let (standing, load) = (Standing::Operational, Load::default());
        let room = Room { standing, limit: NATIVE, load, reserve: 1, pairs_free: None };
        let fresh = Want::narrow(Purpose::New);
        (0..10).for_each(|n| books.admit(CallRef(n), &new, &room, fresh).unwrap());
        books.admit(CallRef(99), &old, &room, fresh).unwrap();
        let reserved = Err(Blocked::Reserved { reserve: 1 });
        assert_eq!(books.admit(CallRef(98), &new, &room, fresh), reserved);
        books.admit(CallRef(99), &new, &room, Want::narrow(Purpose::Handover)).unwrap();
        books.release_base(CallRef(99), &old);
        assert_eq!((books.base(&old).channels(), books.base(&new).channels()), (0, 11));
        assert_eq!(books.refused().base, 1);
        (0..100).for_each(|n| books.release(CallRef(n)));
        assert_eq!(books.base(&new), Load::default());
    }
}
