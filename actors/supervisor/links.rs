//! Links with limits: who may cross them, and where else a call may go.

use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::call::admission::links::{End, LinkFull, kbit};
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::NumberClass;
use kirkwall_core::call::route::{Routed, Way};
use kirkwall_core::call::{About, CallSummary, Side, Target};
use kirkwall_core::lync::provisioning::{Bypass, Provisioning};
use kirkwall_core::media::negotiate::SrtpMode;
use metrics::{counter, gauge};
use tracing::info;

use super::{Admit, AdmitReply, Granted, Supervisor};

impl Supervisor {
    /// Takes the channels of a way and the links that it crosses. The call may have its own channels already.
    pub(super) fn follow_route(&mut self, ask: &Admit, routed: Routed, again: bool) -> AdmitReply {
        let emergency = routed.class == NumberClass::Emergency;
        let north = match &routed.way {
            Way::North { number, .. } => Some(number.clone().unwrap_or_else(|| ask.dialled.user_text())),
            _ => None,
        };
        if !again {
            self.take_callers_link(ask, emergency)?;
        }
        let federated = self.settings.speaks_lync() && matches!(&routed.way, Way::North { number: None, .. });
        let Granted { mut attempts, credentials, about } = self.take_way(ask, routed, again)?;
        if federated {
            self.name_partners(&mut attempts);
        }
        let detour = north.and_then(|number| self.detour(&number, &attempts)).into_iter().collect();
        let (bypass, reroutes) = (self.settings.admission.bypass.clone(), self.settings.admission.reroute);
        let about = About { bypass, detour, federated, reroutes, ..about };
        self.over_links(ask, Granted { attempts, credentials, about }, emergency)
    }

    fn take_callers_link(&mut self, ask: &Admit, emergency: bool) -> Result<(), Cause> {
        let Some(at) = ask.at else { return Ok(()) };
        self.take_link(ask, (Side::A, at), emergency).map_err(|full| self.no_room(&full))
    }

    /// Callees behind a link that is full are not dialled; when nobody is left, the call goes over the gateway or
    /// nowhere.
    fn over_links(&mut self, ask: &Admit, granted: Granted, emergency: bool) -> AdmitReply {
        let Granted { attempts, credentials, mut about } = granted;
        let (somebody, mut full) = (!attempts.is_empty(), None);
        let mut kept: Vec<Vec<Target>> = Vec::new();
        for attempt in attempts {
            let (mut here, others) = (Vec::new(), attempt);
            for target in others {
                match self.take_link(ask, (Side::B, target.destination.address.ip()), emergency) {
                    Ok(()) => here.push(target),
                    Err(refusal) => {
                        if let Some((base, _)) = &target.base {
                            self.admission.release_base(ask.call, base);
                        }
                        full = Some(refusal);
                    }
                }
            }
            kept.extend((!here.is_empty()).then_some(here));
        }
        let Some(full) = full.filter(|_| somebody && kept.is_empty()) else {
            return Ok(Granted { attempts: kept, credentials, about });
        };
        let detour = std::mem::take(&mut about.detour);
        let open = detour.first().map(|gateway| gateway.destination.address.ip());
        let open = open.filter(|at| self.take_link(ask, (Side::B, *at), emergency).is_ok());
        if open.is_none() {
            return Err(self.no_room(&full));
        }
        info!(call = %ask.call, why = %full, "a call goes over the gateway");
        counter!("ipdect_calls_rerouted_total").increment(1);
        Ok(Granted { attempts: vec![detour], credentials: None, about })
    }

    fn take_link(
        &mut self,
        ask: &Admit,
        (side, at): (Side, IpAddr),
        emergency: bool,
    ) -> Result<(), LinkFull> {
        let srtp = self.settings.media.srtp_north.mode != SrtpMode::Off || ask.srtp;
        let dearest = self.settings.media.codecs.iter().map(|codec| kbit(*codec, srtp)).max().unwrap_or(0);
        let taken = self.admission.links_mut().take(ask.call, End { side, at, kbit: dearest }, emergency);
        taken.inspect_err(|full| {
            let name = match full {
                LinkFull::Calls { name, .. } | LinkFull::Bandwidth { name, .. } => name.clone(),
            };
            counter!("ipdect_link_refusals_total", "link" => name).increment(1);
        })
    }

    fn no_room(&self, full: &LinkFull) -> Cause {
        Cause::no_bandwidth(self.settings.admission.reroute, full.to_string())
    }

    /// The gateway that a number may be dialled over when its way lacks bandwidth.
    fn detour(&self, number: &str, attempts: &[Vec<Target>]) -> Option<Target> {
        let gateway = self.settings.admission.gateway.clone().filter(|_| self.settings.admission.reroute)?;
        let dialable = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#');
        let former = attempts.iter().flatten().next()?;
        if number.is_empty() || !number.chars().all(dialable) {
            return None;
        }
        // RFC 3261 §19.1.1: a telephone number within a SIP URI.
        let uri = format!("sip:{number}@{};user=phone", gateway.address);
        Some(Target {
            request_uri: uri.clone(),
            to_uri: uri,
            destination: gateway,
            route: Vec::new(),
            credentials_of: None,
            ..former.clone()
        })
    }

    /// A call talks: it is booked where its media goes.
    pub(super) fn settle_links(&mut self, summary: &CallSummary) {
        if self.admission.links_mut().is_empty() {
            return;
        }
        let (a, b) = (summary.media.0, summary.media.1);
        let codecs = (summary.codecs.0, summary.codecs.1);
        let sides = [(Side::A, a, codecs.0, summary.srtp.0), (Side::B, b, codecs.1, summary.srtp.1)];
        let ends = sides
            .into_iter()
            .filter_map(|(side, at, codec, srtp)| Some(End { side, at: at?, kbit: kbit(codec?, srtp) }));
        let ends: Vec<_> = ends.collect();
        self.admission.links_mut().settle(summary.reference, &ends);
    }

    /// As the metrics show them.
    pub(super) fn show_links(&mut self) {
        for load in self.admission.links_mut().loads() {
            gauge!("ipdect_link_calls", "link" => load.name.clone()).set(f64::from(load.calls));
            gauge!("ipdect_link_kbit", "link" => load.name).set(f64::from(load.kbit));
        }
    }

    /// What the pool wants of calls, where the configuration leaves it open.
    pub(super) fn pool_provides(&mut self, told: &Provisioning, _: &mut Context<Self>) {
        let wishes = &mut self.settings.admission;
        let checks = wishes.wants_policy.unwrap_or(told.checks_bandwidth == Some(true));
        let pools = told.bypass_id.clone().filter(|_| !matches!(told.bypass, None | Some(Bypass::Off)));
        let bypass = wishes.own_bypass.clone().or(pools).filter(|_| wishes.wants_bypass);
        if (checks, &bypass) != (wishes.checks_policy, &wishes.bypass) {
            let id = bypass.as_deref().unwrap_or("none");
            info!(checks, bypass = id, "the pool's wishes for media are known");
            (wishes.checks_policy, wishes.bypass) = (checks, bypass);
        }
    }
}
