//! Feature codes and what users set: saved first, then it counts, then the handset hears so.

use std::future::ready;

use actix::prelude::*;
use kirkwall_core::call::About;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::{CodeLine, CodeOrder};
use kirkwall_core::call::forward::{ForwardKind, Forwarding};
use kirkwall_core::call::log::LogKind;
use kirkwall_core::call::menu::LIMITS;
use kirkwall_core::call::route::{Way, check_forward};
use kirkwall_core::id::Username;
use kirkwall_core::sip::DisplayLimits;
use kirkwall_core::sip::wire::{Text, Uri};
use kirkwall_data::feature::Features;
use metrics::counter;
use tracing::{error, info};

use super::books::Books;
use super::shared::only_native;
use super::{Admit, AdmitReply, Granted, Supervisor};
use crate::desk::{DeskFault, FieldFault, GetForwarding, ListFeatureCodes, SetForwarding};
use crate::users::not_saved;

impl Supervisor {
    pub(super) fn restore_features(&mut self) {
        for record in Features::new(&self.ports.journal).iter() {
            match record {
                Ok(record) => {
                    self.forwarding.insert(record.user.clone(), record.forwarding.clone());
                    self.line_book.restore(record);
                }
                Err(fault) => error!(%fault, "what a user has set cannot be read"),
            }
        }
    }

    /// A removed user's settings go too.
    pub(super) fn forget_features(&mut self, user: &Username) {
        let kept = self.forget_lines(user);
        if self.forwarding.remove(user).is_some() || kept {
            let store = Features::new(&self.ports.journal);
            drop(self.ports.journal.save(vec![store.delete(user)]));
        }
    }

    /// Saves, then lets it count.
    fn keep_forwarding(
        &mut self,
        user: Username,
        forwarding: Forwarding,
    ) -> ResponseActFuture<Self, Result<Forwarding, DeskFault>> {
        let write = self.feature_write(&user, |record| record.forwarding = forwarding.clone());
        let saved = self.ports.journal.save(vec![write]).into_actor(self);
        Box::pin(saved.map(move |saved, me, _| {
            saved.map_err(not_saved)?;
            info!(%user, "a user's forwards were set");
            let quiet = |set: Option<&Forwarding>| set.is_some_and(|set| set.do_not_disturb);
            let before = me.forwarding.insert(user.clone(), forwarding.clone());
            if quiet(before.as_ref()) != forwarding.do_not_disturb {
                me.tell_quiet(&user);
            }
            me.tell_forward(&user);
            Ok(forwarding)
        }))
    }

    /// A code that a handset dialled.
    pub(super) fn obey(&mut self, ask: &Admit, order: CodeOrder) -> ActorResponse<Self, AdmitReply> {
        counter!("ipdect_feature_codes_total").increment(1);
        if matches!(order, CodeOrder::SignIn(..) | CodeOrder::SignOut | CodeOrder::ShowAddress) {
            return self.obey_of_handset(ask, order);
        }
        let Some(user) = ask.caller.user.clone() else {
            let nobody = Err(Cause::of_status(403, "the caller is not known"));
            return ActorResponse::reply(self.judged(ask, nobody));
        };
        let from_log = match order {
            CodeOrder::Redial => Some(LogKind::Placed),
            CodeOrder::CallBack => Some(LogKind::Missed),
            _ => None,
        };
        if let Some(kind) = from_log {
            let reply = self.dial_from_log(ask, &user, kind);
            return ActorResponse::reply(self.judged(ask, reply));
        }
        // Whoever dials it himself never comes here.
        if let CodeOrder::PickUp(_) = order {
            let alone = Err(Cause::of_status(403, "a call is picked up at a handset"));
            return ActorResponse::reply(self.judged(ask, alone));
        }
        if let CodeOrder::Browse(_) = order {
            return ActorResponse::reply(self.judged(ask, Err(only_native())));
        }
        if let CodeOrder::OnBehalf(manager, number) = &order {
            let reply = self.call_on_behalf(ask, &user, (manager, number));
            return ActorResponse::reply(self.judged(ask, reply));
        }
        if order == CodeOrder::ConfirmAlarm {
            return self.confirm_alarm(ask, user);
        }
        // The tone needs a channel as any call does.
        let words = order.done();
        let set = self.ordered(&user, order);
        let set = set.and_then(|set| self.take_common(ask, ask.srtp, false).map(|()| set));
        let kept = match set {
            Ok(set) => self.keep_forwarding(user, set),
            Err(cause) => return ActorResponse::reply(self.judged(ask, Err(cause))),
        };
        let about = About { confirms: true, words, ..About::default() };
        ActorResponse::r#async(kept.map(|kept, _, _| match kept {
            Ok(_) => Ok(Granted { attempts: Vec::new(), credentials: None, about }),
            Err(fault) => Err(Cause::of_status(500, fault.to_string())),
        }))
    }

    /// What a user has set after an order.
    fn ordered(&self, user: &Username, order: CodeOrder) -> Result<Forwarding, Cause> {
        let mut set = self.forwarding.get(user).cloned().unwrap_or_default();
        match order {
            CodeOrder::Forward(kind, to, seconds) => {
                check_forward(user, &to, &self.settings.dialling, &Books(self))?;
                set.set(kind, Some(to));
                set.no_answer_seconds = seconds.unwrap_or(set.no_answer_seconds);
            }
            CodeOrder::NoForward(kind) => set.set(kind, None),
            CodeOrder::NoForwards => ForwardKind::ALL.into_iter().for_each(|kind| set.set(kind, None)),
            CodeOrder::DoNotDisturb(quiet) => set.do_not_disturb = quiet,
            CodeOrder::CallWaiting(waits) => set.call_waiting = waits,
            CodeOrder::Redial | CodeOrder::CallBack | CodeOrder::Conference | CodeOrder::ConfirmAlarm => {}
            CodeOrder::PickUp(_) | CodeOrder::OnBehalf(..) | CodeOrder::Browse(_) => {}
            CodeOrder::SignIn(..) | CodeOrder::SignOut | CodeOrder::ShowAddress => {}
        }
        Ok(set)
    }

    /// What a code means that dials from the log: the number that stands there; anything else is as it is.
    pub(super) fn meant(&self, ask: Admit) -> Result<Admit, Cause> {
        let code = self.settings.dialling.codes.read(&ask.dialled.user_text());
        match (code, ask.caller.user.clone()) {
            (Some(Ok(CodeOrder::Redial)), Some(user)) => self.ask_from_log(&ask, &user, LogKind::Placed),
            (Some(Ok(CodeOrder::CallBack)), Some(user)) => self.ask_from_log(&ask, &user, LogKind::Missed),
            _ => Ok(ask),
        }
    }

    /// Calls who stands last in the user's log.
    fn dial_from_log(&mut self, ask: &Admit, user: &Username, kind: LogKind) -> AdmitReply {
        let ask = self.ask_from_log(ask, user, kind)?;
        let routed = self.route(&ask);
        match routed.way {
            Way::Code(_) => Err(Cause::of_status(404, "a feature code is not dialled from the log")),
            _ => self.follow_route(&ask, routed, false),
        }
    }

    fn ask_from_log(&self, ask: &Admit, user: &Username, kind: LogKind) -> Result<Admit, Cause> {
        let nobody = || Cause::of_status(404, format!("there is no {} call in the log", kind.as_str()));
        let last = self.log_of(user).rev().flatten().find(|kept| kept.entry.kind == kind);
        let last = last.filter(|kept| !kept.entry.address().is_empty()).ok_or_else(nobody)?;
        // A handset that dials a code knows nothing of whom it means, so it could not show or save the URI.
        let too_long = || Cause::of_status(414, "the address is too long for this handset");
        let address = last.entry.redialled_on(&self.limits_at(ask, user)).ok_or_else(too_long)?.to_owned();
        let uri = if address.contains(':') { address } else { self.aor(&address) };
        let uri = Uri::parse(&Text::from(uri)).ok_or_else(nobody)?;
        Ok(Admit { dialled: uri, ..ask.clone() })
    }
}

impl Supervisor {
    /// What the handset that calls can hold.
    fn limits_at(&self, ask: &Admit, user: &Username) -> DisplayLimits {
        let places = self.places(user);
        let place = places.iter().find(|place| Some(&place.base) == ask.caller.base.as_ref());
        place.map_or(LIMITS, |place| place.limits())
    }
}

impl Handler<GetForwarding> for Supervisor {
    type Result = Result<Forwarding, DeskFault>;

    fn handle(&mut self, GetForwarding(user): GetForwarding, _: &mut Self::Context) -> Self::Result {
        self.must_know(&user)?;
        Ok(self.forwarding.get(&user).cloned().unwrap_or_default())
    }
}

impl Handler<SetForwarding> for Supervisor {
    type Result = ResponseActFuture<Self, Result<Forwarding, DeskFault>>;

    fn handle(
        &mut self,
        SetForwarding { user, forwarding }: SetForwarding,
        _: &mut Self::Context,
    ) -> Self::Result {
        let checked = self.must_know(&user).and_then(|()| self.check_forwarding(&user, &forwarding));
        match checked {
            Ok(()) => self.keep_forwarding(user, forwarding),
            Err(fault) => Box::pin(ready(Err(fault)).into_actor(self)),
        }
    }
}

impl Supervisor {
    pub(super) fn must_know(&self, user: &Username) -> Result<(), DeskFault> {
        let known = self.accounts.contains_key(user);
        known.then_some(()).ok_or_else(|| DeskFault::NotFound(format!("user {user}")))
    }

    fn check_forwarding(&self, user: &Username, forwarding: &Forwarding) -> Result<(), DeskFault> {
        let mut faults = Vec::new();
        for kind in ForwardKind::ALL {
            let Some(to) = forwarding.to(kind) else { continue };
            if let Err(cause) = check_forward(user, to, &self.settings.dialling, &Books(self)) {
                faults.push(FieldFault::new(kind.as_str(), cause.words));
            }
        }
        if !kirkwall_core::call::forward::SECONDS.contains(&forwarding.no_answer_seconds) {
            faults.push(FieldFault::new("no_answer_seconds", "5 to 120 seconds are possible"));
        }
        if faults.is_empty() { Ok(()) } else { Err(DeskFault::Invalid(faults)) }
    }
}

impl Handler<ListFeatureCodes> for Supervisor {
    type Result = MessageResult<ListFeatureCodes>;

    fn handle(&mut self, _: ListFeatureCodes, _: &mut Self::Context) -> Self::Result {
        let codes: Vec<CodeLine> = self.settings.dialling.codes.list();
        MessageResult(codes)
    }
}
