//! Admission of calls: where to, by which channels; and their return.

use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::call::admission::{DEFAULT_BASE, Limit, Refusal};
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dect_leg::secures;
use kirkwall_core::call::dialling::{CodeOrder, NumberClass};
use kirkwall_core::call::forward::{Diversion, ForwardReason};
use kirkwall_core::call::represented::{Represented, shown};
use kirkwall_core::call::route::InternalRouting::{Fallback, First};
use kirkwall_core::call::route::{Ask, InternalRouting, Map, Routed, Way, way};
use kirkwall_core::call::{About, Divert, NativeTarget, Party, Target};
use kirkwall_core::id::{BaseStationId, CallRef, Username};
use kirkwall_core::media::negotiate::SrtpMode;
use kirkwall_core::pii::Pii;
use kirkwall_core::radio::allocation::Purpose;
use kirkwall_core::sip::digest::Credentials;
use kirkwall_core::sip::wire::Uri;
use kirkwall_core::sip::{Destination, Facing};
use metrics::{counter, gauge};
use tracing::info;

use super::Supervisor;
use super::books::Books;
use super::house::alerting;
use super::pool_conferences::escalation;
use crate::handset::Located;
use crate::registration::Unreached;

/// A new call asks where to go and for its channels.
#[derive(Debug, Clone, Message)]
#[rtype(result = "AdmitReply")]
pub struct Admit {
    /// Which call.
    pub call: CallRef,
    /// Who calls.
    pub caller: Party,
    /// The Request-URI.
    pub dialled: Uri,
    /// From which world.
    pub facing: Facing,
    /// Whether the caller offers SRTP.
    pub srtp: bool,
    /// Where the caller's end is; none: it was booked before.
    pub at: Option<IpAddr>,
}

/// Where to dial, and what belongs to it.
#[derive(Debug)]
pub struct Granted {
    /// Each attempt's targets.
    pub attempts: Vec<Vec<Target>>,
    /// Whose credentials answer a challenge there.
    pub credentials: Option<Credentials>,
    /// What the router knows besides.
    pub about: About,
}

/// The way and the channels, or why not.
pub type AdmitReply = Result<Granted, Cause>;

/// A call that nobody took goes on where its callee forwards it.
#[derive(Debug, Message)]
#[rtype(result = "AdmitReply")]
pub struct DivertCall {
    /// As it was admitted.
    pub ask: Admit,
    /// Whose forward, and to where.
    pub divert: Divert,
}

/// A handset's call found no server of the north: is there a way inside?
#[derive(Debug, Message)]
#[rtype(result = "AdmitReply")]
pub struct KeepInside(pub Admit);

impl Handler<Admit> for Supervisor {
    type Result = ActorResponse<Self, AdmitReply>;

    fn handle(&mut self, ask: Admit, ctx: &mut Self::Context) -> Self::Result {
        if self.escalates(ask.call) {
            let reply = self.take_common(&ask, ask.srtp, false).map(|()| escalation());
            return ActorResponse::reply(self.judged(&ask, reply));
        }
        if let Some(order) = self.nobody_dialled(&ask) {
            return self.obey(&ask, order);
        }
        let routed = self.route(&ask);
        match routed.way {
            Way::Code(CodeOrder::Conference) => {
                if let Some(reply) = self.convene_by_code(&ask, ctx) {
                    return reply;
                }
                let reply = self.gather_by_code(&ask, ctx);
                ActorResponse::reply(self.judged(&ask, reply))
            }
            Way::NewRoom => {
                let reply = self.new_room(&ask, ctx);
                ActorResponse::reply(self.judged(&ask, reply))
            }
            Way::Code(order) => self.obey(&ask, order),
            _ => {
                let reply = self.follow_route(&ask, routed, false);
                ActorResponse::reply(self.judged(&ask, reply))
            }
        }
    }
}

impl Handler<DivertCall> for Supervisor {
    type Result = MessageResult<DivertCall>;

    fn handle(&mut self, DivertCall { ask, divert }: DivertCall, _: &mut Self::Context) -> Self::Result {
        let Divert { by, to, reason, trail, .. } = divert;
        info!(call = %ask.call, %by, why = reason.words(), "call forwarded");
        let reply = self.forward_call(&ask, (&by, &to, reason), &trail);
        self.show_channels();
        MessageResult(reply)
    }
}

impl Handler<KeepInside> for Supervisor {
    type Result = MessageResult<KeepInside>;

    /// As if the line were down, which is what it will find in a moment.
    fn handle(&mut self, KeepInside(ask): KeepInside, _: &mut Self::Context) -> Self::Result {
        let line = ask.caller.user.as_ref().and_then(|user| self.lines.get(user));
        line.into_iter().for_each(|line| line.addr.do_send(Unreached));
        let (call, mode) = (ask.call, self.settings.internal_routing);
        let mode = if mode == Fallback { First } else { mode };
        let reply = self.meant(ask).and_then(|ask| {
            let routed = self.route_by(&ask, mode);
            match routed.way {
                Way::Handset(_) => self.follow_route(&ask, routed, true),
                Way::North { number: Some(number), .. } if Books(self).goes_on(&number) => {
                    Err(Cause::of_status(484, "the number is not complete"))
                }
                _ => Err(Cause::of_status(503, "the north side cannot be reached")),
            }
        });
        info!(%call, inside = reply.is_ok(), "the north side cannot be reached");
        self.show_channels();
        MessageResult(reply)
    }
}

impl Supervisor {
    pub(super) fn judged(&mut self, ask: &Admit, reply: AdmitReply) -> AdmitReply {
        if let Err(cause) = &reply {
            self.admission.release(ask.call);
            counter!("ipdect_call_refusals_total", "cause" => cause.q850.to_string()).increment(1);
            info!(call = %ask.call, status = cause.status, why = %cause.words, "call refused");
        }
        self.show_channels();
        reply
    }

    /// The way and the channels of a call that is no order.
    pub(super) fn admit_call(&mut self, ask: &Admit) -> AdmitReply {
        let routed = self.route(ask);
        self.follow_route(ask, routed, false)
    }

    pub(super) fn route(&self, ask: &Admit) -> Routed {
        self.route_by(ask, self.settings.internal_routing)
    }

    fn route_by(&self, ask: &Admit, mode: InternalRouting) -> Routed {
        let (trail, callback) =
            self.calls.get(&ask.call).map_or((Vec::new(), false), |entry| entry.brought());
        let dialled = Ask::Dialled {
            facing: ask.facing,
            caller: ask.caller.user.as_ref(),
            uri: &ask.dialled,
            trail: &trail,
            callback,
        };
        way(dialled, &self.settings.dialling, mode, &Books(self))
    }

    fn forward_call(
        &mut self,
        ask: &Admit,
        (by, to, reason): (&Username, &str, ForwardReason),
        trail: &[Diversion],
    ) -> AdmitReply {
        let forwarded = Ask::Forwarded { by, to, reason, trail };
        let mode = self.settings.internal_routing;
        let routed = way(forwarded, &self.settings.dialling, mode, &Books(self));
        self.follow_route(ask, routed, true)
    }

    /// Takes the channels of a way. The call may have its own already.
    pub(super) fn take_way(&mut self, ask: &Admit, routed: Routed, again: bool) -> AdmitReply {
        let emergency = routed.class == NumberClass::Emergency;
        if emergency {
            self.note_emergency(ask);
        }
        let Routed { way, trail, called, forwards, waits, uri, .. } = routed;
        if let Some(entry) = self.calls.get_mut(&ask.call) {
            let new: Vec<_> = called.into_iter().filter(|user| !entry.called.contains(user)).collect();
            entry.called.extend(new);
        }
        let about = About { emergency, trail, forwards, waits, ..About::default() };
        match way {
            Way::Refuse(cause) => Err(cause),
            // Codes are obeyed before anybody comes here.
            Way::Code(_) => Err(Cause::of_status(484, "a feature code is dialled by itself")),
            // A new room is made before anybody comes here.
            Way::NewRoom => Err(Cause::of_status(484, "a new conference is dialled by itself")),
            Way::Room(room) => {
                if !again {
                    self.take_common(ask, ask.srtp, emergency)?;
                }
                Ok(Granted {
                    attempts: Vec::new(),
                    credentials: None,
                    about: About { room: Some(room), ..about },
                })
            }
            Way::Handset(user) => {
                if !again {
                    self.take_common(ask, ask.srtp, emergency)?;
                }
                self.ring_handset(ask, &user, about)
            }
            Way::North { line, number } => {
                let srtp = ask.srtp || self.settings.media.srtp_north.mode != SrtpMode::Off;
                if !again {
                    self.take_common(ask, srtp, emergency)?;
                }
                let uri = number.as_ref().map(|number| self.aor(number)).or(uri);
                let uri = uri.unwrap_or_else(|| ask.dialled.raw.to_string());
                let number = number.unwrap_or_else(|| ask.dialled.user_text());
                let attempts = self.north_targets(ask, &line, (uri, number), &about);
                Ok(Granted { attempts, credentials: self.credentials(&line), about })
            }
        }
    }

    /// A handset whose base station is full is busy, and its user may forward that.
    fn ring_handset(&mut self, ask: &Admit, user: &Username, about: About) -> AdmitReply {
        let cause = match self.handset_targets(ask, user, &about) {
            Ok(targets) => return Ok(Granted { attempts: vec![targets], credentials: None, about }),
            Err(cause) => cause,
        };
        match about.forwards.after(&cause) {
            Some((to, reason)) => {
                let forwarded = self.forward_call(ask, (user, &to, reason), &about.trail);
                forwarded.map_err(|_| cause)
            }
            None => Err(cause),
        }
    }

    /// The media channel, and the caller's own base station's. For an emergency call room is made.
    pub(super) fn take_common(&mut self, ask: &Admit, srtp: bool, emergency: bool) -> Result<(), Cause> {
        let refused = |refusal: Refusal| Cause::no_channel(503, refusal.to_string());
        if emergency {
            self.make_room(ask, srtp);
        }
        self.admission.reserve_media(ask.call, srtp).map_err(refused)?;
        if let (Facing::South, Some(base)) = (ask.facing, &ask.caller.base) {
            let purpose = if emergency { Purpose::Emergency } else { Purpose::New };
            self.take_base(ask.call, base, ask.srtp, purpose).map_err(refused)?;
        }
        Ok(())
    }

    fn handset_targets(&mut self, ask: &Admit, user: &Username, about: &About) -> Result<Vec<Target>, Cause> {
        let srtp = self.settings.media.srtp_south.mode != SrtpMode::Off;
        let located = self.places(user);
        let alarm = self.is_alarm(ask.call);
        let (mut targets, mut refused) = (Vec::new(), None);
        let purpose = if about.emergency { Purpose::Emergency } else { Purpose::New };
        let mut headers = self.headers_about(&self.aor(user.as_str()), about);
        headers.extend(alerting(alarm, about.waits));
        for place in located {
            let limit = self.base_limit(&place.base);
            let srtp = if place.native.is_some() { secures(&self.settings.media.srtp_south) } else { srtp };
            let display = self.display_for(ask, &place);
            match self.take_base(ask.call, &place.base, srtp, purpose) {
                Err(refusal) => refused = Some(refusal),
                Ok(()) => targets.push(Target {
                    request_uri: place.contact,
                    to_uri: self.aor(user.as_str()),
                    from_uri: self.uri_of_caller(&ask.caller),
                    from_display: display,
                    destination: place.destination,
                    route: Vec::new(),
                    credentials_of: None,
                    insist_on_srtp: false,
                    headers: headers.clone(),
                    parts: Vec::new(),
                    base: Some((place.base.clone(), limit)),
                    native: place.native.map(|ipui| NativeTarget {
                        ipui,
                        number: self.number_of_caller(&ask.caller),
                        internal: ask.caller.user.is_some(),
                        waits: about.waits || about.forwards.busy.is_none(),
                        alarm,
                    }),
                    party: self.party(user, Some(place.base)),
                }),
            }
        }
        match (targets.is_empty(), refused) {
            (false, _) => Ok(targets),
            (true, Some(refusal)) => Err(Cause::no_channel(486, refusal.to_string())),
            (true, None) => Err(Cause::of_status(480, "the handset is not registered")),
        }
    }

    /// The caller's name, and for whom the call comes, as far as the handset's display goes.
    fn display_for(&self, ask: &Admit, place: &Located) -> String {
        let represents = self.calls.get(&ask.call).and_then(|entry| entry.represents.as_ref());
        let limits = place.limits();
        let private = self.by_private_line(&ask.dialled.user_text()).then(Represented::private_line);
        match represents.or(private.as_ref()) {
            Some(of) => shown(&ask.caller.display, of, &ask.caller.number, &limits),
            None => limits.fit(&ask.caller.display, &ask.caller.number).to_owned(),
        }
    }

    /// The line's own proxy first, then the others in their order. A front end takes requests of those who
    /// are signed in at it, so with Lync there are no others.
    pub(super) fn north_targets(
        &mut self,
        ask: &Admit,
        line: &Username,
        (uri, number): (String, String),
        about: &About,
    ) -> Vec<Vec<Target>> {
        let located = about.emergency.then(|| self.location_of(ask, line.as_str()));
        let (parts, more) = located.unwrap_or_default();
        let conversation = self.conversation_of(ask.call);
        let current = self.lines.get(line).and_then(|entry| entry.state.way.clone());
        let (first, route) = current.map_or((None, Vec::new()), |l| (Some(l.destination), l.service_route));
        let others = self.proxies.iter().filter(|_| !self.settings.speaks_lync());
        let others = others.filter(|p| first.as_ref().is_none_or(|f| f.address != p.address));
        let more = more.into_iter().chain(conversation).chain(self.headers_on_behalf(ask.call));
        let headers: Vec<_> = self.headers_about(&uri, about).into_iter().chain(more).collect();
        let display = self.name_of(&number);
        let target = |destination: Destination| Target {
            request_uri: uri.clone(),
            to_uri: uri.clone(),
            from_uri: self.aor(line.as_str()),
            from_display: ask.caller.display.clone(),
            destination,
            route: route.clone(),
            credentials_of: Some(line.clone()),
            insist_on_srtp: false,
            headers: headers.clone(),
            parts: parts.clone(),
            base: None,
            native: None,
            party: Party { number: number.clone(), display: display.clone(), ..Party::default() },
        };
        first.iter().cloned().chain(others.cloned()).map(|destination| vec![target(destination)]).collect()
    }

    pub(super) fn party(&self, user: &Username, base: Option<BaseStationId>) -> Party {
        let display = self.accounts.get(user).map_or(String::new(), |record| record.display_name.clone());
        Party { number: user.to_string(), display, uri: None, user: Some(user.clone()), base }
    }

    /// The address of record of a user part in our domain.
    pub(super) fn aor(&self, user: &str) -> String {
        let sips = self.settings.north.as_ref().is_some_and(|north| north.use_sips_uri);
        format!("{}:{user}@{}", if sips { "sips" } else { "sip" }, self.settings.domain)
    }

    pub(super) fn credentials(&self, user: &Username) -> Option<Credentials> {
        let record = self.accounts.get(user)?;
        let name = if record.auth_username.is_empty() { user.as_str() } else { &record.auth_username };
        Some(Credentials {
            username: name.to_owned(),
            password: Pii(record.auth_password.reveal().to_owned()),
        })
    }

    pub(super) fn base_limit(&self, base: &BaseStationId) -> Limit {
        let known = self.bases.get(base).map(|(_, limit)| *limit);
        let limit = self.settings.capacity.base.or(known).unwrap_or(DEFAULT_BASE);
        self.admission.learned(base, limit, self.ports.clock.now())
    }

    pub(super) fn show_channels(&mut self) {
        self.show_loads();
        self.show_links();
        let (_, load) = self.admission.media();
        gauge!("ipdect_media_channels_in_use").set(f64::from(load.channels()));
        gauge!("ipdect_calls_active").set(self.active as f64);
        gauge!("ipdect_calls_active_max").set(self.calls_max as f64);
    }
}
