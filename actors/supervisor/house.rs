//! Calls that the switch makes by itself, in the name of a user.

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::conference::RoomName;
use kirkwall_core::call::house::{ALARM_HEADERS, HouseFate, HouseKind, HouseLeg, HouseWish};
use kirkwall_core::call::route::check_click;
use kirkwall_core::call::{CALL_WAITING, CallSummary, LegNo, NewCall, Party, Ticket};
use kirkwall_core::id::{CallRef, Username};
use kirkwall_core::sip::Facing;
use kirkwall_core::sip::wire::{HeaderName, Scheme, Text, Uri};
use tracing::info;

use super::books::Books;
use super::{CallEntry, MAX_CALLS, Supervisor};
use crate::call::{Call, HouseSeed, HouseTold, Hush, Summoned};
use crate::desk::{DeskFault, FieldFault, PlaceCall};

/// What the switch shall call, and why.
pub(super) struct HouseCall {
    /// Whom: a URI.
    pub to: String,
    /// Who is shown to whom it calls; none: the user in whose name it calls.
    pub shown: Option<Party>,
    /// What becomes of whoever answers.
    pub wish: HouseWish,
    /// For whose sake.
    pub kind: HouseKind,
}

impl Supervisor {
    /// Makes a call in the name of `by`.
    pub(super) fn house_call(
        &mut self,
        by: &Username,
        wanted: HouseCall,
        told: HouseTold,
        ctx: &mut Context<Self>,
    ) -> Result<CallSummary, (Cause, HouseTold)> {
        let HouseCall { to, shown, wish, kind } = wanted;
        self.attempts += 1;
        if self.draining || self.active >= MAX_CALLS {
            return Err((Cause::no_channel(503, "the switch takes no more calls"), told));
        }
        if self.accounts.get(by).is_none_or(|record| !record.enabled) {
            return Err((Cause::of_status(403, "the caller is not known"), told));
        }
        let read = |text: String| Uri::parse(&Text::from(text));
        let Some(dialled) = read(to).filter(|uri| !matches!(uri.scheme, Scheme::Other(_))) else {
            return Err((Cause::of_status(484, "whom to call is no address"), told));
        };
        // A number with its own scheme is dialled as a handset dials it.
        let dialled = match dialled.scheme {
            Scheme::Tel => read(self.aor(&dialled.user_text())).unwrap_or(dialled),
            _ => dialled,
        };
        let new = self.new_house_call(by, &dialled, shown);
        let reference = new.reference;
        let summary = CallSummary::of(&new, self.ports.clock.now());
        let summary = CallSummary { house: kind, ..summary };
        let seed = HouseSeed {
            new,
            dialled,
            wish,
            kind,
            told,
            supervisor: ctx.address(),
            ports: self.ports.clone(),
            settings: self.settings.clone(),
            tokens: self.tokens.split(),
        };
        let addr = Call::start_in_arbiter(&self.roster.arbiter(reference.0), move |_| Call::house(seed));
        // Who clicks wants to be rung, and an alarm is for its user.
        let own = kind != HouseKind::Plain;
        let entry = CallEntry::new(addr, summary.clone(), String::new(), (Vec::new(), own));
        self.calls.insert(reference, entry);
        self.active += 1;
        self.calls_max = self.calls_max.max(self.active);
        Ok(summary)
    }

    fn new_house_call(&mut self, by: &Username, dialled: &Uri, shown: Option<Party>) -> NewCall {
        let (reference, own) = (self.reference(), self.party(by, None));
        let callee = Party { number: dialled.user_text(), ..Party::default() };
        let caller = shown.map_or_else(|| own.clone(), |shown| Party { user: own.user.clone(), ..shown });
        NewCall { reference, caller, dialled: callee, facing: Facing::South, offer: Some(HouseLeg::offer()) }
    }

    /// A user wants to talk with somebody: rings the user's own handset first. RFC 5359 §2.18.
    fn click(
        &mut self,
        PlaceCall { user, to, dry_run }: PlaceCall,
        ctx: &mut Context<Self>,
    ) -> Result<CallSummary, DeskFault> {
        self.must_know(&user)?;
        let target = if to.contains(':') { to.clone() } else { self.aor(&to) };
        let uri = Uri::parse(&Text::from(target.as_str()));
        let uri = uri.ok_or_else(|| wrong("to", "this is neither a number, a name nor a SIP URI"))?;
        let way =
            check_click(&user, &uri, &self.settings.dialling, self.settings.internal_routing, &Books(self));
        way.map_err(|cause| wrong(if cause.status == 480 { "user" } else { "to" }, &cause.words))?;
        let number = uri.user_text();
        let display = self.user_called(&number).and_then(|user| self.accounts.get(&user));
        let display = display.map(|record| record.display_name.clone()).or_else(|| self.names.of(&number));
        let shown = Party { number, display: display.unwrap_or_default(), ..Party::default() };
        let own = self.aor(user.as_str());
        if dry_run {
            let Some(dialled) = Uri::parse(&Text::from(own)) else { return Err(wrong("user", "no address")) };
            let new = self.new_house_call(&user, &dialled, Some(shown));
            let summary = CallSummary::of(&new, self.ports.clock.now());
            return Ok(CallSummary { house: HouseKind::Clicked, ..summary }.as_wanted());
        }
        let (wish, by) = (HouseWish::Connect(target), user.clone());
        let wanted = HouseCall { to: own, shown: Some(shown), wish, kind: HouseKind::Clicked };
        let told: HouseTold = Box::new(move |fate| info!(%by, ?fate, "a call by click"));
        match self.house_call(&user, wanted, told, ctx) {
            Ok(summary) => {
                info!(call = %summary.reference, %user, "a user is rung for a call by click");
                Ok(summary.as_wanted())
            }
            Err((cause, _)) if cause.status == 503 => Err(DeskFault::Busy(cause.words)),
            Err((cause, _)) => Err(wrong("user", &cause.words)),
        }
    }
}

fn wrong(field: &str, words: &str) -> DeskFault {
    DeskFault::Invalid(vec![FieldFault::new(field, words)])
}

impl Handler<PlaceCall> for Supervisor {
    type Result = Result<CallSummary, DeskFault>;

    fn handle(&mut self, order: PlaceCall, ctx: &mut Self::Context) -> Self::Result {
        self.click(order, ctx)
    }
}

/// An alarm rings at a user's handsets until it is answered. The call, or why there is none.
#[derive(Message)]
#[rtype(result = "Result<CallRef, Cause>")]
pub struct RingAlarm {
    /// Whose.
    pub user: Username,
    /// Who sent it: user part or URI.
    pub from: String,
    /// What a display shows.
    pub words: String,
    /// Who wants to know how it went.
    pub told: HouseTold,
}

impl Handler<RingAlarm> for Supervisor {
    type Result = Result<CallRef, Cause>;

    fn handle(
        &mut self,
        RingAlarm { user, from, words, told }: RingAlarm,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        let uri = Uri::parse(&Text::from(from.as_str())).filter(|_| from.contains(':'));
        let number = uri.map_or_else(|| from.clone(), |uri| uri.user_text());
        let uri = Some(from).filter(|from| from.contains(':'));
        let shown = Party { number, display: words, uri, ..Party::default() };
        let to = self.aor(user.as_str());
        let wanted = HouseCall { to, shown: Some(shown), wish: HouseWish::Confirm, kind: HouseKind::Alarm };
        match self.house_call(&user, wanted, told, ctx) {
            Ok(summary) => {
                info!(call = %summary.reference, %user, "an alarm rings");
                Ok(summary.reference)
            }
            Err((cause, told)) => {
                told(HouseFate::Failed(cause.status));
                Err(cause)
            }
        }
    }
}

/// An alarm rings there no longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HushAlarm(pub CallRef);

impl Handler<HushAlarm> for Supervisor {
    type Result = ();

    fn handle(&mut self, HushAlarm(call): HushAlarm, _: &mut Self::Context) {
        if let Some(entry) = self.calls.get(&call) {
            entry.addr.do_send(Hush);
        }
    }
}

/// Somebody inside a room wants somebody else there (RFC 4579 §5.5). Who asks hears [`Summoned`].
#[derive(Message)]
#[rtype(result = "()")]
pub struct InviteToRoom {
    /// Which room.
    pub room: RoomName,
    /// Whom: a URI.
    pub to: String,
    /// In whose name.
    pub by: Username,
    /// Who asks.
    pub from: Addr<Call>,
    /// For the answer.
    pub leg: LegNo,
    /// For the answer.
    pub ticket: Ticket,
}

impl Handler<InviteToRoom> for Supervisor {
    type Result = ();

    fn handle(&mut self, invite: InviteToRoom, ctx: &mut Self::Context) {
        let InviteToRoom { room, to, by, from, leg, ticket } = invite;
        let wish = HouseWish::Connect(self.aor(room.as_str()));
        let told: HouseTold = Box::new(move |fate| {
            from.do_send(Summoned { leg, ticket, status: fate.status() });
        });
        let wanted = HouseCall { to, shown: None, wish, kind: HouseKind::Plain };
        match self.house_call(&by, wanted, told, ctx) {
            Ok(summary) => info!(call = %summary.reference, %by, %room, "somebody is invited to a room"),
            Err((cause, told)) => {
                info!(%by, %room, why = %cause.words, "nobody is invited to a room");
                told(HouseFate::Failed(cause.status));
            }
        }
    }
}

impl Supervisor {
    /// Whether it is a call that tells of an alarm.
    pub(super) fn is_alarm(&self, call: CallRef) -> bool {
        self.calls.get(&call).is_some_and(|entry| entry.summary.house == HouseKind::Alarm)
    }
}

/// How the INVITE to a handset says that it rings for an alarm, or that the call waits.
pub(super) fn alerting(alarm: bool, waits: bool) -> Vec<(String, String)> {
    let said: &[(HeaderName, &str)] = match (alarm, waits) {
        (true, _) => &ALARM_HEADERS,
        (false, true) => &[(HeaderName::AlertInfo, CALL_WAITING)],
        (false, false) => &[],
    };
    said.iter().map(|(name, value)| (name.as_str().to_owned(), (*value).to_owned())).collect()
}
