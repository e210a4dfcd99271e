//! What administrators ask of the air.

use std::collections::BTreeSet;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::dect::base_link::BaseId;
use kirkwall_core::dect::base_link::enrolment::{Enrolment, LIFETIME};
use kirkwall_core::dect::identity::{Ipei, Ipui};
use kirkwall_core::dect::key::AccessCode;
use kirkwall_core::dect::portable::{Order, Window};
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use kirkwall_data::native_base::{EnrolmentRecord, Enrolments};
use serde::Serialize;

use super::Air;
use super::portable::Do;
use crate::desk::{DeskFault, FieldFault};
use crate::supervisor::WhoHas;

/// Longest a window stays open.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// Let handsets subscribe.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<WindowView, DeskFault>")]
pub struct OpenWindow {
    /// What people type in, 1 to 8 digits.
    pub code: Pii<String>,
    /// For how long.
    pub lasts: Duration,
    /// Which handsets, as printed; none is any.
    pub only: Option<Vec<String>>,
}

/// Let nobody subscribe any more.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<WindowView, DeskFault>")]
pub struct CloseWindow;

/// Whether handsets may subscribe, and who tried in vain.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<WindowView, DeskFault>")]
pub struct GetWindow;

/// The subscription window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowView {
    /// Handsets may subscribe.
    pub open: bool,
    /// For so many seconds more.
    pub seconds_left: u64,
    /// Only these, as printed; none is any.
    pub only: Option<Vec<String>>,
    /// Unknown handsets that wanted in, the newest first.
    pub unknown: Vec<UnknownView>,
}

/// An unknown handset that wanted in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownView {
    /// As printed under its battery.
    pub ipei: String,
    /// When it last tried.
    pub at: Moment,
}

/// All handsets that are subscribed over native base stations.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<PortableView>, DeskFault>")]
pub struct ListPortables;

/// A subscribed handset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortableView {
    /// As printed under its battery.
    pub ipei: String,
    /// Whose it is.
    pub user: Option<Username>,
    /// `located`, `unreachable` when it does not answer its page, `off`.
    pub state: &'static str,
    /// The base station it last spoke through.
    pub base_station: Option<BaseStationId>,
}

/// End a handset's subscription.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct DeletePortable {
    /// As printed.
    pub ipei: String,
    /// Without asking the handset: it is lost or broken.
    pub lost: bool,
}

/// This handset was claimed for a user: it may subscribe.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Claimed(pub Ipei);

/// A one-time token for a base station.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<EnrolmentView, DeskFault>")]
pub struct CreateEnrolment {
    /// What people call it.
    pub label: String,
    /// The one base station that may use it, by its MAC address.
    pub only: Option<String>,
}

/// A token, shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentView {
    /// The token.
    pub token: Pii<String>,
    /// Until when it may be used.
    pub expires: Moment,
}

/// What was said over the air lately, as a capture for Wireshark (`dect_nwk`).
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<u8>, DeskFault>")]
pub struct GetAirCapture;

fn bad(field: &'static str, message: String) -> DeskFault {
    DeskFault::Invalid(vec![FieldFault::new(field, message)])
}

fn ipei_of(text: &str) -> Result<Ipei, DeskFault> {
    text.parse().map_err(|fault: kirkwall_core::dect::identity::BadIpei| bad("ipei", fault.to_string()))
}

impl Air {
    fn window_view(&self) -> WindowView {
        let now = self.now();
        let window = self.windows.current(now);
        let only = window.and_then(|window| window.only.as_ref());
        let unknown = |claim: &kirkwall_core::dect::portable::Claim| UnknownView {
            ipei: printed(claim.ipei),
            at: claim.at,
        };
        WindowView {
            open: window.is_some(),
            seconds_left: window.map_or(0, |window| window.until.since(now).as_secs()),
            only: only.map(|only| only.iter().map(|ipei| printed(*ipei)).collect()),
            unknown: self.windows.claims().map(unknown).collect(),
        }
    }
}

impl Handler<OpenWindow> for Air {
    type Result = Result<WindowView, DeskFault>;

    fn handle(&mut self, ask: OpenWindow, ctx: &mut Self::Context) -> Self::Result {
        let code: AccessCode = ask
            .code
            .0
            .parse()
            .map_err(|fault: kirkwall_core::dect::key::BadCode| bad("code", fault.to_string()))?;
        if ask.lasts.is_zero() || ask.lasts > LONGEST_WINDOW {
            return Err(bad("seconds", "a subscription window is open for 1 to 86400 seconds".to_owned()));
        }
        let only =
            ask.only.map(|list| list.iter().map(|text| ipei_of(text)).collect::<Result<BTreeSet<_>, _>>());
        let only = only.transpose()?;
        let until = self.now() + ask.lasts;
        self.windows.open(Window { code, only, until });
        self.window_changed(ctx);
        Ok(self.window_view())
    }
}

impl Handler<CloseWindow> for Air {
    type Result = Result<WindowView, DeskFault>;

    fn handle(&mut self, _: CloseWindow, ctx: &mut Self::Context) -> Self::Result {
        self.windows.close();
        self.window_changed(ctx);
        Ok(self.window_view())
    }
}

impl Handler<GetWindow> for Air {
    type Result = Result<WindowView, DeskFault>;

    fn handle(&mut self, _: GetWindow, _: &mut Self::Context) -> Self::Result {
        Ok(self.window_view())
    }
}

impl Handler<ListPortables> for Air {
    type Result = ResponseFuture<Result<Vec<PortableView>, DeskFault>>;

    fn handle(&mut self, _: ListPortables, _: &mut Self::Context) -> Self::Result {
        let subscribed =
            self.directory.all().filter_map(|ipui| Some((ipui.ipei()?, self.handsets.get(ipui)?)));
        let views: Vec<_> = subscribed
            .map(|(ipei, entry)| {
                let state = match (&entry.located, entry.unreachable) {
                    (Some(_), false) => "located",
                    (Some(_), true) => "unreachable",
                    (None, _) => "off",
                };
                (ipei, state, entry.located.clone())
            })
            .collect();
        let supervisor = self.supervisor.clone();
        Box::pin(async move {
            let mut shown = Vec::with_capacity(views.len());
            for (ipei, state, base_station) in views {
                let user = match &supervisor {
                    Some(supervisor) => supervisor.send(WhoHas(ipei)).await.ok().flatten(),
                    None => None,
                };
                let user = user.map(|(user, _)| user);
                shown.push(PortableView { ipei: printed(ipei), user, state, base_station });
            }
            Ok(shown)
        })
    }
}

impl Handler<DeletePortable> for Air {
    type Result = Result<(), DeskFault>;

    fn handle(
        &mut self,
        DeletePortable { ipei, lost }: DeletePortable,
        _: &mut Self::Context,
    ) -> Self::Result {
        let ipui = Ipui::N(ipei_of(&ipei)?);
        let entry = self.handsets.get(&ipui).filter(|_| self.directory.knows(&ipui));
        let entry = entry.ok_or_else(|| DeskFault::NotFound(format!("handset {ipei}")))?;
        entry.addr.do_send(Do(if lost { Order::Forget } else { Order::Terminate }));
        Ok(())
    }
}

impl Handler<Claimed> for Air {
    type Result = ();

    fn handle(&mut self, Claimed(ipei): Claimed, _: &mut Self::Context) {
        self.windows.list(ipei);
    }
}

impl Handler<CreateEnrolment> for Air {
    type Result = ResponseFuture<Result<EnrolmentView, DeskFault>>;

    fn handle(
        &mut self,
        CreateEnrolment { label, only }: CreateEnrolment,
        _: &mut Self::Context,
    ) -> Self::Result {
        let only = only.map(|text| text.parse::<BaseId>());
        let only = match only.transpose() {
            Ok(only) => only,
            Err(fault) => return Box::pin(async move { Err(bad("only", fault.to_string())) }),
        };
        let now = self.now();
        let (token, enrolment) = Enrolment::open(label, only, LIFETIME, now, &mut self.tokens);
        let expires = enrolment.expires;
        let put = Enrolments::new(&self.ports.journal).put(&EnrolmentRecord::new(enrolment));
        let saved = self.ports.journal.save(vec![put]);
        Box::pin(async move {
            saved.await.map_err(|fault| DeskFault::Failed(format!("not saved: {fault}")))?;
            Ok(EnrolmentView { token, expires })
        })
    }
}

impl Handler<GetAirCapture> for Air {
    type Result = Result<Vec<u8>, DeskFault>;

    fn handle(&mut self, _: GetAirCapture, _: &mut Self::Context) -> Self::Result {
        let messages = self.captured.iter().map(|(at, sent, octets)| (*at, *sent, octets.as_slice()));
        Ok(kirkwall_core::dect::capture::pcap(messages))
    }
}

/// The IPEI of a handset, as printed.
fn printed(ipei: Ipei) -> String {
    ipei.to_string()
}
