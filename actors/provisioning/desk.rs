//! What administrators and base stations ask: windows, and files.

use std::net::IpAddr;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::provisioning::{Make, Sheet, SheetFile, SheetUser, Window, read_mac};
use kirkwall_data::user::UserRecord;
use kirkwall_integration::neighbour;
use metrics::counter;
use tracing::{info, warn};

use super::Provisioning;
use crate::desk::{
    CloseProvisioning, DeskFault, FetchProvisioning, FieldFault, ListProvisioning, OpenProvisioning,
    ProvisioningView, WindowOfBase,
};
use crate::supervisor::SheetUsers;

/// Most windows at once.
const MOST_WINDOWS: usize = 1_000;

impl Handler<ListProvisioning> for Provisioning {
    type Result = MessageResult<ListProvisioning>;

    fn handle(&mut self, _: ListProvisioning, _: &mut Self::Context) -> Self::Result {
        let windows = self.windows.values().map(|(window, code)| self.view(window, code)).collect();
        MessageResult(ProvisioningView { windows, seen: self.seen.iter().rev().cloned().collect() })
    }
}

impl Handler<CloseProvisioning> for Provisioning {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, CloseProvisioning(mac): CloseProvisioning, _: &mut Self::Context) -> Self::Result {
        let known = read_mac(&mac).and_then(|mac| self.windows.remove(&mac));
        known.map(drop).ok_or_else(|| DeskFault::NotFound(format!("window for {mac}")))
    }
}

type Reply<T> = ResponseActFuture<Provisioning, T>;

impl Handler<OpenProvisioning> for Provisioning {
    type Result = Reply<Result<WindowOfBase, DeskFault>>;

    fn handle(&mut self, order: OpenProvisioning, _: &mut Self::Context) -> Self::Result {
        let asked = self.supervisor.send(SheetUsers(order.users.clone()));
        Box::pin(asked.into_actor(self).map(move |found, me, _| me.open(&order, &found.unwrap_or_default())))
    }
}

impl Provisioning {
    fn open(&mut self, order: &OpenProvisioning, found: &[UserRecord]) -> Result<WindowOfBase, DeskFault> {
        let mut faults = Vec::new();
        let mac = read_mac(&order.mac);
        if mac.is_none() {
            faults.push(FieldFault::new("mac", "write the twelve digits on its label, 7C:2F:80:AB:CD:EF"));
        }
        let mac = mac.unwrap_or_default();
        let seen = self.seen.iter().find(|seen| seen.mac == mac).cloned();
        let make = order.make.or_else(|| seen.as_ref().and_then(|seen| seen.make));
        if make.is_none() {
            let known: Vec<_> = Make::ALL.into_iter().map(Make::as_str).collect();
            faults.push(FieldFault::new("make", format!("is needed: {}", known.join(", "))));
        }
        let make = make.unwrap_or(Make::Gigaset);
        if !(1..=1_440).contains(&order.minutes) {
            faults.push(FieldFault::new("minutes", "1 to 1440 are possible"));
        }
        check_users(order, found, make, &mut faults);
        if !faults.is_empty() {
            return Err(DeskFault::Invalid(faults));
        }
        if self.windows.len() >= MOST_WINDOWS && !self.windows.contains_key(&mac) {
            return Err(DeskFault::Busy("too many windows are open; close those that are done".into()));
        }
        let now = self.now();
        let users = found.iter().map(|record| record.username.to_string()).collect();
        let lasts = Duration::from_secs(u64::from(order.minutes) * 60);
        let mut window = Window::open(mac.clone(), make, users, lasts, now);
        order.address.into_iter().for_each(|address| window.heard_at(address, now));
        let code = Pii(format!("{:04}", self.tokens.number() % 10_000));
        let view = self.view(&window, &code);
        self.windows.insert(mac, (window, code));
        counter!("ipdect_provisioning_total", "event" => "opened").increment(1);
        Ok(view)
    }
}

fn check_users(order: &OpenProvisioning, found: &[UserRecord], make: Make, faults: &mut Vec<FieldFault>) {
    for wanted in order.users.iter().flatten() {
        match found.iter().find(|record| record.username == *wanted) {
            None => faults.push(FieldFault::new("users", format!("there is no enabled user {wanted}"))),
            Some(record) if record.south_password.is_none() => {
                faults.push(FieldFault::new("users", format!("user {wanted} has no SIP-DECT password yet")));
            }
            Some(_) => {}
        }
    }
    if found.len() > make.most() {
        let (most, now) = (make.most(), found.len());
        let what = format!(
            "{} takes at most {most} users; these are {now}, so name those it shall have",
            make.label()
        );
        faults.push(FieldFault::new("users", what));
    }
    if found.is_empty() && order.users.as_ref().is_none_or(Vec::is_empty) {
        faults.push(FieldFault::new("users", "no enabled user has a SIP-DECT password; give one first"));
    }
}

impl Handler<FetchProvisioning> for Provisioning {
    type Result = Reply<Option<SheetFile>>;

    fn handle(
        &mut self,
        FetchProvisioning { file, by }: FetchProvisioning,
        _: &mut Self::Context,
    ) -> Self::Result {
        let nothing = || -> Self::Result { Box::pin(actix::fut::ready(None)) };
        let lower = file.to_ascii_lowercase();
        // Every make's file has the MAC in its name.
        let known = self.windows.keys().find(|mac| lower.contains(mac.as_str())).cloned();
        let Some(mac) = known else { return nothing() };
        let now = self.now();
        let (neighbour, by) = (neighbour::mac_of(by), by.to_canonical());
        let Some((window, code)) = self.windows.get_mut(&mac) else { return nothing() };
        if let Err(refusal) = window.fetch(&file, by, neighbour.as_deref(), now) {
            warn!(mac, source = %by, %refusal, "the settings of a base station were not given");
            counter!("ipdect_provisioning_total", "event" => "refused").increment(1);
            return nothing();
        }
        let (make, code) = (window.make, code.clone());
        let users: Vec<Username> = window.users.iter().filter_map(|user| user.parse().ok()).collect();
        let asked = self.supervisor.send(SheetUsers(Some(users)));
        Box::pin(asked.into_actor(self).map(move |found, me, _| {
            let sheet = me.sheet(mac, by, &found.unwrap_or_default(), &code);
            info!(mac = sheet.mac, source = %by, users = sheet.users.len(), "a base station has its settings");
            counter!("ipdect_provisioning_total", "event" => "fetched").increment(1);
            Some(sheet.file(make))
        }))
    }
}

impl Provisioning {
    fn sheet(&self, mac: String, by: IpAddr, found: &[UserRecord], code: &Pii<String>) -> Sheet {
        let user = |record: &UserRecord| {
            let display = match record.display_name.is_empty() {
                true => record.username.to_string(),
                false => record.display_name.clone(),
            };
            Some(SheetUser {
                username: record.username.to_string(),
                display,
                password: Pii(record.south_password.as_ref()?.reveal().to_owned()),
                access_code: record
                    .access_code
                    .as_ref()
                    .map_or(code.clone(), |code| Pii(code.reveal().to_owned())),
            })
        };
        let (transport, port) = self.settings.way;
        Sheet {
            mac,
            domain: self.settings.domain.clone(),
            server: self.host(by),
            port,
            transport,
            srtp: self.settings.srtp,
            users: found.iter().filter_map(user).collect(),
        }
    }
}
