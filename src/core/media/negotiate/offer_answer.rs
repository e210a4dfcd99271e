//! The machine of offer and answer: what is in force, what is out, and which version it has.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::body::{Draft, Spoken};
use super::choose::choose;
use super::remote::RemoteSide;
use super::take::take_answer;
use super::{Agreed, IceAgreed, Ident, LocalMedia, MediaRefusal};
use crate::id::Tokens;
use crate::media::ice::candidate::Candidate;
use crate::media::ice::description::Description;
use crate::media::sdp::{AudioStream, Encoding, Profile};
use crate::media::{Codec, CryptoLine, Direction};
use crate::pii::Pii;

/// One leg's media description over the life of a dialog: offers made, answers given, what is in
/// force. It can be stored and read back at any point.
///
/// A clone taken while an offer is out serves the other branches of a forked INVITE, one per dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferAnswer {
    /// What we want from the next exchange.
    pub(super) local: LocalMedia,
    /// Our `o=` line.
    ident: Ident,
    /// What is in force.
    pub(super) session: Option<Session>,
    /// Our offer that waits for its answer.
    pub(super) pending: Option<Spoken>,
}

/// One finished exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Our side of it, offer or answer.
    pub spoken: Spoken,
    /// The peer's side.
    pub remote: RemoteSide,
    /// Which `m=` line carries the audio.
    pub slot: usize,
    /// With which profile.
    pub profile: Profile,
    /// Our key line in use.
    pub key: Option<CryptoLine>,
    /// Our key lines that the next offer may show again.
    pub keys: Vec<CryptoLine>,
    /// The outcome.
    pub agreed: Agreed,
}

/// What an offer holds that we could take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Codecs that we can do too, in the offerer's order; never empty.
    pub codecs: Vec<Codec>,
    /// What we would do by it.
    pub direction: Direction,
    /// Whether it would be SRTP.
    pub secured: bool,
    /// Whether the peer takes telephone events (RFC 4733).
    pub dtmf: bool,
}

impl OfferAnswer {
    /// Nothing offered and nothing answered yet.
    pub fn new(local: LocalMedia, tokens: &mut Tokens) -> Self {
        // RFC 3264 §5 allows 63 bits; old peers keep it in 32.
        let ident = Ident { id: tokens.number() >> 33, version: 0 };
        Self { local, ident, session: None, pending: None }
    }

    /// What is in force.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.session.as_ref().map(|session| &session.agreed)
    }

    /// What we wanted to do when our description in force was made.
    pub fn said(&self) -> Option<Direction> {
        self.session.as_ref().map(|session| session.spoken.draft.local.direction)
    }

    /// Whether an offer of ours waits for its answer.
    pub fn offer_is_out(&self) -> bool {
        self.pending.is_some()
    }

    /// Our description in force, as it was sent: an answer that is repeated (in 200 after 183) must not
    /// differ (RFC 3261 §13.2.1). Holds keys; for the wire only.
    pub fn local_sdp(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.spoken.body.0.as_str())
    }

    /// Our `o=` line.
    pub fn ident(&self) -> Ident {
        self.ident
    }

    /// What we want from the next exchange.
    pub fn local(&self) -> &LocalMedia {
        &self.local
    }

    /// What we want to do from the next exchange on: hold with `SendOnly` or `Inactive`, resume with
    /// `SendRecv`.
    pub fn set_direction(&mut self, direction: Direction) {
        self.local.direction = direction;
    }

    /// Which codecs the next exchange may use, preferred first.
    pub fn set_codecs(&mut self, codecs: Vec<Codec>) {
        (self.local.codecs, self.local.asks) = (codecs, false);
    }

    /// The same, and the next offer has them in this order: the peer is asked to change. It still finds the codec in
    /// force, if that is among them: one that cannot follow need not refuse, which some take for the end.
    pub fn ask_for(&mut self, codecs: Vec<Codec>) {
        (self.local.codecs, self.local.asks) = (codecs, true);
    }

    /// Where we receive from the next exchange on.
    pub fn set_address(&mut self, address: IpAddr, port: u16) {
        (self.local.address, self.local.port) = (address, port);
    }

    /// Our offer: in an INVITE, a re-INVITE, an UPDATE, or late in a response. When nothing changed
    /// since the last exchange it is the same description again, which refreshes the session
    /// (RFC 4028 §7.4); while an offer is out, the same offer.
    pub fn offer(&mut self, tokens: &mut Tokens) -> String {
        let unchanged = self.session.as_ref().filter(|session| session.still_holds(&self.local));
        let spoken = match unchanged {
            Some(session) => session.spoken.clone(),
            None => {
                let draft = self.draft_offer(tokens);
                self.speak(draft)
            }
        };
        let body = spoken.body.0.clone();
        self.pending = Some(spoken);
        body
    }

    /// The peer's answer to our offer.
    ///
    /// # Errors
    ///
    /// The answer cannot be used; the offer is still out, so that [`rollback`](Self::rollback) or
    /// another answer (a fork's) decides.
    pub fn accept_answer(&mut self, content_type: &str, body: &[u8]) -> Result<Agreed, MediaRefusal> {
        let spoken = self.pending.clone().ok_or(MediaRefusal::NoOfferOutstanding)?;
        let remote = RemoteSide::read(content_type, body, self.local.bypass.as_deref())?;
        let taken = take_answer(&spoken, &remote)?;
        let agreed = self.with_ways(taken.agreed, spoken.draft.direction, taken.stream);
        let agreed = self.with_ice(agreed, &spoken, &remote, taken.slot, true);
        let (slot, profile) = (taken.slot, taken.stream.profile);
        let (key, keys) = (taken.key, spoken.draft.crypto());
        self.conclude(Session { spoken, slot, profile, key, keys, agreed: agreed.clone(), remote });
        Ok(agreed)
    }

    /// Looks at an offer without answering it: whether we could take it, and what is in it.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer) without restriction.
    pub fn review(&self, content_type: &str, offer: &[u8]) -> Result<Offered, MediaRefusal> {
        let remote = self.effective(self.read(content_type, offer)?);
        let choice = choose(&remote, &self.local, None, self.slot())?;
        Ok(Offered {
            codecs: choice.codecs.iter().map(|(codec, _)| *codec).collect(),
            direction: way(self.local.direction, choice.stream),
            secured: choice.crypto.is_some(),
            dtmf: choice.stream.payload_type(Encoding::TelephoneEvent).is_some(),
        })
    }

    /// Answers the peer's offer; `restrict` leaves fewer codecs than ours, for instance those that
    /// the other leg can do. What comes back is in force.
    ///
    /// # Errors
    ///
    /// The offer is refused and what was in force stays (RFC 3261 §14.2).
    pub fn answer(
        &mut self,
        content_type: &str,
        offer: &[u8],
        restrict: Option<&[Codec]>,
        tokens: &mut Tokens,
    ) -> Result<(String, Agreed), MediaRefusal> {
        if self.pending.is_some() {
            return Err(MediaRefusal::OfferOutstanding);
        }
        let remote = self.effective(self.read(content_type, offer)?);
        let choice = choose(&remote, &self.local, restrict, self.slot())?;
        let key = self.answer_key(&choice, tokens);
        let stream = self.answer_stream(&choice, key.clone());
        let agreed = stream.answered_with(choice.stream, choice.crypto);
        let agreed = self.with_ways(agreed, self.local.direction, choice.stream);
        let (slot, profile) = (stream.slot, stream.profile);
        if let Some(ice) = remote.ice(slot) {
            let known = self.session.as_ref().and_then(|session| session.remote.ice(session.slot));
            self.local.meet_ice_offer(ice, known, tokens);
        }
        let draft = self.draft_answer(&remote, stream, agreed.direction);
        let spoken = self.speak(draft);
        let agreed = self.with_ice(agreed, &spoken, &remote, slot, false);
        let (body, keys) = (spoken.body.0.clone(), spoken.draft.crypto());
        self.conclude(Session { spoken, slot, profile, key, keys, agreed: agreed.clone(), remote });
        Ok((body, agreed))
    }

    /// Our next offer brings fresh keys: the stream it is for was interrupted, and counts its packets anew.
    pub fn renew_keys(&mut self) {
        if let Some(session) = &mut self.session {
            session.keys.clear();
        }
    }

    /// The agents have chosen: what our descriptions show from now on.
    pub fn settle_ice(&mut self, chosen: Description) {
        if let Some(ice) = &mut self.local.ice {
            ice.settled = Some(chosen);
        }
    }

    /// Our next offer begins ICE anew (RFC 5245 §9.1.1.1), with these addresses at relays in place of the old ones.
    pub fn restart_ice(&mut self, relayed: &[Candidate], tokens: &mut Tokens) {
        if let Some(ice) = &mut self.local.ice {
            ice.restart(relayed, tokens);
        }
    }

    /// Our offer was refused, or its answer could not be used. RFC 3261 §14.1: "the session
    /// parameters MUST remain unchanged, as if no re-INVITE had been issued." A wish that was uttered
    /// after the offer stays a wish.
    pub fn rollback(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let Some(session) = &self.session else { return };
        if self.local == pending.draft.local {
            self.local = session.spoken.draft.local.clone();
        }
    }
}

impl OfferAnswer {
    fn conclude(&mut self, mut session: Session) {
        // A key that was in use and is no more is never shown again: with the same key and a packet
        // index that starts anew, two packets would share a key stream (RFC 3711 §9.1).
        let former = self.session.take().and_then(|former| former.key);
        if let Some(former) = former.filter(|f| session.key.as_ref().is_none_or(|k| k.key != f.key)) {
            session.keys.retain(|line| line.key != former.key);
        }
        self.pending = None;
        self.session = Some(session);
    }

    /// Gives a draft its version: that of the same text if it was the last said, else a new one.
    fn speak(&mut self, draft: Draft) -> Spoken {
        let said = [self.pending.as_ref(), self.session.as_ref().map(|s| &s.spoken)];
        for former in said.into_iter().flatten() {
            if draft.write(self.ident.id, former.version) == former.body.0 {
                return Spoken { draft, ..former.clone() };
            }
        }
        // RFC 3264 §8: "the version in the origin field MUST increment by one from the previous SDP."
        self.ident.version += 1;
        let body = Pii(draft.write(self.ident.id, self.ident.version));
        Spoken { draft, version: self.ident.version, body }
    }

    /// The offer that counts. RFC 3264 §8: "If the version in the origin line does not increment, the
    /// SDP MUST be identical to the SDP with that version number." Peers that break this are why there
    /// is a setting.
    fn effective(&self, offer: RemoteSide) -> RemoteSide {
        match &self.session {
            Some(s) if !self.local.ignore_sdp_version && s.remote.same_version(&offer) => s.remote.clone(),
            _ => offer,
        }
    }

    fn read(&self, content_type: &str, offer: &[u8]) -> Result<RemoteSide, MediaRefusal> {
        RemoteSide::read(content_type, offer, self.local.bypass.as_deref())
    }

    fn slot(&self) -> Option<usize> {
        self.session.as_ref().map(|session| session.slot)
    }

    /// Adds bypass, and ICE where both sides have it. The role stays for as long as the credentials do.
    fn with_ice(
        &self,
        agreed: Agreed,
        spoken: &Spoken,
        remote: &RemoteSide,
        slot: usize,
        offered: bool,
    ) -> Agreed {
        let bypassed = remote.is_at(slot, self.local.bypass.as_deref()) && remote.ice(slot).is_none();
        let agreed = Agreed { bypassed, ..agreed };
        let ours = spoken.draft.ice.as_ref().and_then(|ice| ice.credentials.clone());
        let Some((credentials, remote)) = ours.zip(remote.ice(slot)) else { return agreed };
        let before = self.agreed().and_then(|agreed| agreed.ice.as_ref());
        let controlling = before.filter(|ice| ice.credentials == credentials).map(|ice| ice.controlling);
        let ice = IceAgreed {
            credentials,
            candidates: spoken.draft.local.candidates(),
            remote: remote.clone(),
            controlling: controlling.unwrap_or(offered),
        };
        Agreed { ice: Some(Box::new(ice)), ..agreed }
    }

    fn with_ways(&self, agreed: Agreed, ours: Direction, stream: &AudioStream) -> Agreed {
        // RFC 3264 §8.4: the peer holds when it takes no more packets. When we ourselves hold both
        // ways, its silence says nothing new.
        let before = self.agreed().is_some_and(|agreed| agreed.remote_held);
        let remote_held = !stream.receives() && (ours.sends() || before);
        Agreed { direction: way(ours, stream), remote_held, ..agreed }
    }
}

impl Session {
    /// Whether the description in force still says what we want, and nothing that we must not repeat:
    /// a second line that is not in force, a key that is used up, or the less that an answer left of our
    /// direction. RFC 6337 §5.3: who is held and makes an offer "should" say what it wants to do, not what is
    /// negotiated: offered as it is, `recvonly` would hold the peer from our side too.
    fn still_holds(&self, local: &LocalMedia) -> bool {
        let draft = &self.spoken.draft;
        draft.local == *local
            && draft.direction == local.direction
            && draft.streams.len() == 1
            && draft.crypto() == self.keys
    }
}

/// RFC 3264 §6.1: what we may do is what we want to do and the peer does its part in.
fn way(ours: Direction, stream: &AudioStream) -> Direction {
    Direction::from_ways(ours.sends() && stream.receives(), ours.receives() && stream.direction.sends())
}
