//! The provisioning actor: windows in which new SIP-DECT base stations fetch their users.
//!
//! ```text
//! web ── OpenProvisioning ──► Window ◄── Plugged ── supervisor ◄── SUBSCRIBE ua-profile ── base
//!                               ▲  └─────── 200, NOTIFY with the address ─────────────────► base
//! web ── FetchProvisioning ─────┘ ──► users of the supervisor ──► Sheet ──► one file, once
//! ```
//!
//! Windows are in memory only: after a restart all are shut, which errs on the right side. Whether a file is given
//! is decided by [`kirkwall_core::sip::provisioning::Window`].

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::text::carrier::{Carrier, CarrierOrder};
use kirkwall_core::call::text::request::TextWay;
use kirkwall_core::id::{BaseStationId, OwnerId, Tokens, Username};
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::provisioning::{
    Make, PnpAnswer, PnpAsk, Sheet, SheetFile, SheetUser, Window, WindowState, check_sync, read_mac,
};
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Destination, Facing, Peer, Transport};
use kirkwall_core::timer::Moment;
use kirkwall_data::user::UserRecord;
use kirkwall_integration::neighbour;
use metrics::counter;
use tracing::{debug, info, warn};

use crate::call::SendFailed;
use crate::desk::{
    CloseProvisioning, DeskFault, FetchProvisioning, FieldFault, ListProvisioning, OpenProvisioning,
    ProvisioningView, SeenBaseView, WindowOfBase,
};
use crate::ports::Ports;
use crate::supervisor::{Hear, OWNER_OF_LINE, SheetUsers, Supervisor};

/// Stands in the branches of NOTIFYs to base stations.
pub const OWNER_OF_PROVISIONING: OwnerId = OwnerId(OWNER_OF_LINE | 1 << 60);
/// Most windows at once.
const MOST_WINDOWS: usize = 1_000;
/// Most new base stations that are shown without a window.
const MOST_SEEN: usize = 100;

/// What files say of this switch.
#[derive(Debug, Clone)]
pub struct ProvisioningSettings {
    /// SIP domain.
    pub domain: String,
    /// Where base stations register: transport and port.
    pub way: (Transport, u16),
    /// Whether handsets shall use SRTP.
    pub srtp: bool,
    /// User-Agent.
    pub product: String,
}

/// Keeps the windows. See the module.
pub struct Provisioning {
    settings: ProvisioningSettings,
    ports: Ports,
    supervisor: Addr<Supervisor>,
    windows: BTreeMap<String, (Window, Pii<String>)>,
    seen: VecDeque<SeenBaseView>,
    carrier: Carrier<String>,
    /// Port of the web server, for addresses of files.
    web_port: u16,
    tokens: Tokens,
    alarm: Option<SpawnHandle>,
}

impl Provisioning {
    /// With no window.
    pub fn new(
        settings: ProvisioningSettings,
        ports: Ports,
        supervisor: Addr<Supervisor>,
        mut tokens: Tokens,
    ) -> Self {
        let carrier = Carrier::new(OWNER_OF_PROVISIONING, tokens.split());
        let (windows, seen) = (BTreeMap::new(), VecDeque::new());
        let web_port = 443;
        Self { settings, ports, supervisor, windows, seen, carrier, web_port, tokens, alarm: None }
    }

    fn now(&self) -> Moment {
        self.ports.clock.now()
    }

    fn obey(&mut self, orders: Vec<CarrierOrder<String>>, ctx: &mut Context<Self>) {
        for order in orders {
            match order {
                CarrierOrder::Send { message, to, .. } => self.ports.sip.send(message, to),
                CarrierOrder::Done { errand, status } => {
                    let status = status.map_or(0, |(status, _)| status);
                    info!(what = errand, status, "a base station has answered a NOTIFY");
                }
            }
        }
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.carrier.deadline().map(|at| {
            let after = at.since(self.now());
            ctx.run_later(after, |me, ctx| {
                let orders = me.carrier.deadline_came(me.now());
                me.obey(orders, ctx);
            })
        });
    }

    fn way(&self, to: Destination) -> TextWay {
        let local = self.ports.sip.local(to.facing, to.transport, to.address.ip());
        let sent_by = local.map_or_else(|| self.settings.domain.clone(), |local| local.to_string());
        TextWay {
            request_uri: String::new(),
            from_uri: String::new(),
            from_display: String::new(),
            to_uri: String::new(),
            destination: to,
            route: Vec::new(),
            sent_by,
            product: self.settings.product.clone(),
            line: None,
            credentials: None,
        }
    }

    /// Our address as that base station sees it.
    fn host(&self, remote: IpAddr) -> String {
        let facing = Facing::South;
        let ways = [self.settings.way.0, Transport::Udp, Transport::Tcp, Transport::Tls];
        let local = ways.into_iter().find_map(|way| self.ports.sip.local(facing, way, remote));
        local.map_or_else(|| self.settings.domain.clone(), |local| local.ip().to_string())
    }

    /// Snom is told its file, the others where their files are.
    fn url(&self, make: Make, mac: &str, remote: IpAddr) -> String {
        let place = format!("https://{}:{}/provisioning/", self.host(remote), self.web_port);
        match make {
            Make::Snom => format!("{place}snom-{mac}.htm"),
            Make::GigasetN510 | Make::Gigaset | Make::Yealink => place,
        }
    }

    fn note_seen(&mut self, ask: &PnpAsk, address: IpAddr) {
        self.seen.retain(|seen| seen.mac != ask.mac);
        if self.seen.len() >= MOST_SEEN {
            self.seen.pop_front();
        }
        let (mac, product) = (ask.mac.clone(), ask.product.clone());
        let (make, at) = (ask.make, self.now());
        self.seen.push_back(SeenBaseView { mac, product, make, address, at });
    }

    fn view(&self, window: &Window, code: &Pii<String>) -> WindowOfBase {
        WindowOfBase {
            mac: window.mac.clone(),
            make: window.make,
            state: window.state(self.now()).as_str(),
            users: window.users.clone(),
            until: window.until,
            access_code: code.clone(),
            address: window.addresses.first().copied(),
            fetched: window.fetched,
            refused: window.refused.as_ref().map(|(at, why)| (*at, why.to_string())),
        }
    }
}

impl Actor for Provisioning {
    type Context = Context<Self>;
}

/// The web server listens at this port.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WebAt(pub u16);

impl Handler<WebAt> for Provisioning {
    type Result = ();

    fn handle(&mut self, WebAt(port): WebAt, _: &mut Self::Context) {
        self.web_port = port;
    }
}

/// A new base station looks for its settings.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Plugged {
    /// What it says of itself.
    pub ask: PnpAsk,
    /// Its SUBSCRIBE.
    pub request: SipMessage,
    /// Where it came from.
    pub peer: Peer,
}

impl Handler<Plugged> for Provisioning {
    type Result = ();

    fn handle(&mut self, Plugged { ask, request, peer }: Plugged, ctx: &mut Self::Context) {
        let (now, address) = (self.now(), peer.remote.ip());
        self.note_seen(&ask, address);
        let waits = |window: &Window| window.state(now) == WindowState::Waiting;
        let Some((window, _)) = self.windows.get_mut(&ask.mac).filter(|(window, _)| waits(window)) else {
            // Another server of this network may know it.
            return debug!(mac = ask.mac, "a base station looks for its settings; no window is open for it");
        };
        window.heard_at(address, now);
        let make = window.make;
        let (url, tag) = (self.url(make, &ask.mac, address), self.tokens.word());
        let way = self.way(peer.back());
        let contact = format!("sip:{}", way.sent_by);
        let PnpAnswer { ok, notify } = PnpAnswer::to(&request, &peer, &url, &contact, &tag);
        info!(mac = ask.mac, product = ask.product, "a new base station is told where its settings are");
        counter!("ipdect_provisioning_total", "event" => "plugged").increment(1);
        self.ports.sip.send(ok, peer.back());
        let orders = self.carrier.send(ask.mac, notify, way, now);
        self.obey(orders, ctx);
    }
}

impl Handler<Hear> for Provisioning {
    type Result = ();

    fn handle(&mut self, Hear { message, .. }: Hear, ctx: &mut Self::Context) {
        let orders = self.carrier.received(message, self.now());
        self.obey(orders, ctx);
    }
}

impl Handler<SendFailed> for Provisioning {
    type Result = ();

    fn handle(&mut self, SendFailed(request): SendFailed, ctx: &mut Self::Context) {
        let orders = self.carrier.failed(&request, self.now());
        self.obey(orders, ctx);
    }
}

/// A base station shall fetch its settings again; by way of one of its handsets' contacts.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Resync {
    /// Which.
    pub base: BaseStationId,
    /// A contact of it.
    pub contact: String,
    /// Whose.
    pub aor: String,
    /// The way there.
    pub to: Destination,
}

impl Handler<Resync> for Provisioning {
    type Result = ();

    fn handle(&mut self, Resync { base, contact, aor, to }: Resync, ctx: &mut Self::Context) {
        let words = (self.tokens.word(), self.tokens.word());
        let notify = check_sync(&contact, &aor, (&words.0, &words.1));
        let way = self.way(to);
        let orders = self.carrier.send(base.0, notify, way, self.now());
        self.obey(orders, ctx);
    }
}

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
