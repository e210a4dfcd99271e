//! Handsets on native base stations, as the supervisor's books know them.

use std::net::SocketAddr;

use actix::prelude::*;
use kirkwall_core::call::Phase;
use kirkwall_core::call::admission::Limit;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dect_leg::{LineNo, secures};
use kirkwall_core::call::{Body, NewCall, Party};
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::dect::identity::{Ipei, Ipui};
use kirkwall_core::dect::key::AccessCode;
use kirkwall_core::id::{BaseStationId, CallRef, Username};
use kirkwall_core::pii::Pii;
use kirkwall_core::radio::allocation::Purpose;
use kirkwall_core::sip::wire::Uri;
use kirkwall_core::sip::{Destination, Facing, Peer, Transport};
use kirkwall_data::user::UserRecord;

use super::{CallEntry, MAX_CALLS, Supervisor};
use crate::air::MessagesWait;
use crate::air::leg::{NativeLeg, TurnedAway};
use crate::base_station::Carries;
use crate::call::{Call, NativeSeed};
use crate::handset::Located;

/// Whose is this handset, and with which code of its own may it subscribe?
#[derive(Debug, Message)]
#[rtype(result = "Option<(Username, Option<AccessCode>)>")]
pub struct WhoHas(pub Ipei);

/// A handset is located, or is not any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct NativeLocated {
    /// Its equipment identity.
    pub ipei: Ipei,
    /// Who it is on the air.
    pub ipui: Ipui,
    /// The base station it last spoke through; none: switched off.
    pub base: Option<BaseStationId>,
    /// Where that one speaks from.
    pub remote: Option<SocketAddr>,
}

/// A native base station stands so.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct NativeBaseStands {
    /// Which.
    pub id: BaseStationId,
    /// Its voice channels.
    pub limit: Limit,
    /// Those kept for handsets that come over in a call.
    pub reserve: u8,
    /// Where it stands.
    pub standing: Standing,
    /// Slot pairs that a wideband call takes there; none: it has no long slots.
    pub long: Option<u8>,
    /// Where it speaks from.
    pub remote: Option<SocketAddr>,
}

/// So many new voice messages wait for a user: a native handset shows it, if the user has one. None takes the
/// sign away.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WaitingFor {
    /// Whose.
    pub user: Username,
    /// How many.
    pub count: u16,
}

/// A handset calls; its leg has an offer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct NativeCall {
    /// Who it is on the air.
    pub ipui: Ipui,
    /// What was dialled.
    pub digits: Pii<String>,
    /// A call for help.
    pub emergency: bool,
    /// The base station of which it needs a channel; none: a second call over the connection of the first.
    pub base: Option<BaseStationId>,
    /// Where that one speaks from.
    pub remote: SocketAddr,
    /// The leg's offer.
    pub offer: Body,
    /// The leg.
    pub leg: Addr<NativeLeg>,
    /// Its line.
    pub line: LineNo,
}

/// Are these digits all of a number, so that no more need be waited for?
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct IsWhole(pub Pii<String>);

/// A handset goes on in this call over the connection that it had for another one: the channel of this base
/// station is the call's too, from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct KeepBase {
    /// Which call.
    pub call: CallRef,
    /// Of which base station.
    pub base: BaseStationId,
    /// The connection has a long slot.
    pub long: bool,
}

/// A leg's handset has answered through another base station than its channel was taken of, or was handed
/// over. The answer is in words when the other one is full.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), String>")]
pub struct MoveBase {
    /// Of which call.
    pub call: CallRef,
    /// Whose channel it holds.
    pub from: BaseStationId,
    /// Whose it needs.
    pub to: BaseStationId,
}

impl Supervisor {
    /// Where a user's handsets can be reached, of either kind.
    pub(super) fn places(&self, user: &Username) -> Vec<Located> {
        let mut places = self.locations.get(user).cloned().unwrap_or_default();
        let ipei = self.accounts.get(user).and_then(ipei_of);
        places.extend(ipei.and_then(|ipei| self.airborne.get(&ipei).cloned()));
        places
    }

    /// The user that a handset is linked to.
    pub(super) fn user_of(&self, ipei: Ipei) -> Option<&UserRecord> {
        let user = self.owners.get(&ipei)?;
        self.accounts.get(user).filter(|record| ipei_of(record) == Some(ipei))
    }

    /// So many messages wait for a user: the native handset shows it, if the user has one.
    pub(super) fn tell_waiting(&self, user: &Username, count: u16) {
        let ipei = self.accounts.get(user).and_then(ipei_of);
        if let (Some(air), Some(ipei)) = (&self.ports.air, ipei) {
            air.do_send(MessagesWait { ipei, count });
        }
    }

    /// A user may have another handset than before, or none: where calls go, and what it shows, follow.
    pub(super) fn handset_changed(&self, user: &Username, before: Option<Ipei>) {
        let after = self.handset_of_user(user);
        if before == after {
            return;
        }
        self.tell_range(user);
        // What waits is the user's: the former handset shows it no more.
        if let (Some(air), Some(ipei)) = (&self.ports.air, before) {
            air.do_send(MessagesWait { ipei, count: 0 });
        }
    }

    /// The handset that a user is linked to.
    pub(super) fn handset_of_user(&self, user: &Username) -> Option<Ipei> {
        self.accounts.get(user).and_then(ipei_of)
    }

    /// A user's link to a handset was read or changed.
    pub(super) fn note_owner(&mut self, record: &UserRecord) {
        if let Some(ipei) = ipei_of(record) {
            self.owners.insert(ipei, record.username.clone());
        }
    }
}

/// The handset of a user's record. Older records may hold a text that is none.
fn ipei_of(record: &UserRecord) -> Option<Ipei> {
    record.ipei.as_deref()?.parse().ok()
}

impl Handler<WhoHas> for Supervisor {
    type Result = Option<(Username, Option<AccessCode>)>;

    fn handle(&mut self, WhoHas(ipei): WhoHas, _: &mut Self::Context) -> Self::Result {
        let record = self.user_of(ipei)?;
        let own = record.access_code.as_ref().and_then(|code| code.reveal().parse().ok());
        Some((record.username.clone(), own))
    }
}

impl Handler<NativeLocated> for Supervisor {
    type Result = ();

    fn handle(&mut self, located: NativeLocated, ctx: &mut Self::Context) {
        let NativeLocated { ipei, ipui, base, remote } = located;
        let user = self.user_of(ipei).map(|record| record.username.clone());
        let before = self.airborne.remove(&ipei);
        if let (Some(before), Some(user)) = (&before, &user) {
            let gone = Carries { user: user.clone(), carries: false };
            self.base(before.base.clone(), ctx).do_send(gone);
        }
        if let Some(base) = base {
            if let Some(user) = &user {
                let carried = Carries { user: user.clone(), carries: true };
                self.base(base.clone(), ctx).do_send(carried);
            }
            let remote = remote.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
            self.airborne.insert(ipei, native_place(ipei, ipui, base, remote));
            if let Some(user) = &user {
                self.tell_post(user);
            }
        }
        if let Some(user) = &user {
            self.tell_range(user);
        }
        self.plant_changed = true;
    }
}

/// Where a handset on a native base station is. Its way is no SIP: a leg with optional SRTP goes as one over
/// TCP would, plain.
fn native_place(ipei: Ipei, ipui: Ipui, base: BaseStationId, remote: SocketAddr) -> Located {
    Located {
        contact: format!("tel:{};phone-context=dect", String::from(ipei).replace(' ', "")),
        destination: Destination {
            transport: Transport::Tcp,
            address: remote,
            facing: Facing::South,
            connection: None,
            server_name: None,
        },
        base,
        user_agent: "native handset".to_owned(),
        registration: String::new(),
        expires: kirkwall_core::timer::Moment::from_micros(u64::MAX),
        native: Some(ipui),
    }
}

impl Handler<WaitingFor> for Supervisor {
    type Result = ();

    fn handle(&mut self, WaitingFor { user, count }: WaitingFor, _: &mut Self::Context) {
        self.tell_waiting(&user, count);
    }
}

impl Handler<NativeBaseStands> for Supervisor {
    type Result = ();

    fn handle(&mut self, stands: NativeBaseStands, ctx: &mut Self::Context) {
        let NativeBaseStands { id, limit, reserve, standing, long, remote } = stands;
        let (base, up) = (self.base(id.clone(), ctx), standing.carries_calls());
        self.radios.stands(&id, standing, reserve, long);
        if let Some(entry) = self.bases.get_mut(&id) {
            entry.1 = limit;
        }
        base.do_send(crate::base_station::SeenNative { limit, up, remote });
    }
}

impl Handler<MoveBase> for Supervisor {
    type Result = Result<(), String>;

    fn handle(&mut self, MoveBase { call, from, to }: MoveBase, _: &mut Self::Context) -> Self::Result {
        let srtp = secures(&self.settings.media.srtp_south);
        let taken = self.take_base(call, &to, srtp, Purpose::New);
        taken.map_err(|refusal| refusal.to_string())?;
        self.admission.release_base(call, &from);
        self.show_loads();
        Ok(())
    }
}

impl Handler<IsWhole> for Supervisor {
    type Result = bool;

    fn handle(&mut self, IsWhole(digits): IsWhole, _: &mut Self::Context) -> Self::Result {
        let names = self.accounts.keys().map(Username::as_str);
        self.settings.dialling.is_whole(&digits.0, names.chain(self.numbers.keys().map(String::as_str)))
    }
}

impl Handler<KeepBase> for Supervisor {
    type Result = ();

    /// The other call gives back its own, in its own time: only it knows which of its ends that was for.
    fn handle(&mut self, KeepBase { call, base, long }: KeepBase, _: &mut Self::Context) {
        let stands = self.calls.get(&call).is_some_and(|entry| entry.summary.phase != Phase::Ended);
        if stands {
            self.keep_base(call, &base, long);
        }
    }
}

impl Handler<NativeCall> for Supervisor {
    type Result = ();

    fn handle(&mut self, ask: NativeCall, ctx: &mut Self::Context) {
        let (leg, line) = (ask.leg.clone(), ask.line);
        if let Err(cause) = self.native_call(ask, ctx) {
            leg.do_send(TurnedAway(line, cause));
        }
    }
}

impl Supervisor {
    fn native_call(&mut self, ask: NativeCall, ctx: &mut Context<Self>) -> Result<(), Cause> {
        self.attempts += 1;
        let handset = ask.ipui.ipei();
        let user = handset.and_then(|ipei| self.user_of(ipei)).filter(|record| record.enabled);
        let user = user.map(|record| record.username.clone());
        if user.is_none() && self.code_of_nobody(&ask.digits.0).is_none() {
            return Err(Cause::of_status(403, "the handset is linked to no user"));
        }
        if self.draining || self.active >= MAX_CALLS {
            return Err(Cause::no_channel(503, "the switch takes no more calls"));
        }
        let text = match (ask.digits.0.contains('@'), ask.digits.0.contains(':')) {
            // From a log.
            (true, true) => ask.digits.0.clone(),
            (true, false) => format!("sip:{}", ask.digits.0),
            (false, _) => self.aor(&ask.digits.0),
        };
        let dialled = Uri::parse(&text.as_str().into())
            .ok_or_else(|| Cause::of_status(484, "what was dialled is no number"))?;
        let reference = self.reference();
        let peer = Peer {
            transport: Transport::Tls,
            remote: ask.remote,
            local: ask.remote,
            facing: Facing::South,
            connection: None,
            tls_names: Vec::new(),
        };
        let nobody = || Party { base: ask.base.clone(), ..Party::default() };
        let caller = user.map_or_else(nobody, |user| self.party(&user, ask.base.clone()));
        if let Some(meant) = self.picks_up(&caller, &dialled) {
            return self.pick_up_on_air(ask, peer, caller, meant?);
        }
        let number = self.settings.dialling.codes.shown(&dialled.user_text());
        let callee = Party { number, ..Party::default() };
        let (facing, offer) = (Facing::South, Some(ask.offer));
        let new = NewCall { reference, caller, dialled: callee, facing, offer };
        let summary = kirkwall_core::call::CallSummary::of(&new, self.ports.clock.now());
        let seed = NativeSeed {
            new,
            dialled,
            leg: ask.leg,
            line: ask.line,
            peer,
            supervisor: ctx.address(),
            ports: self.ports.clone(),
            settings: self.settings.clone(),
            tokens: self.tokens.split(),
        };
        let addr = Call::start_in_arbiter(&self.roster.arbiter(reference.0), move |_| Call::native(seed));
        let (invite_key, trail, callback) = (String::new(), Vec::new(), false);
        let entry = CallEntry::new(addr, summary, invite_key, (trail, callback));
        self.calls.insert(reference, CallEntry { handset, ..entry });
        self.active += 1;
        self.calls_max = self.calls_max.max(self.active);
        Ok(())
    }
}
