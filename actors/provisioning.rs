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

mod desk;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::call::text::carrier::{Carrier, CarrierOrder};
use kirkwall_core::call::text::request::TextWay;
use kirkwall_core::id::{BaseStationId, OwnerId, Tokens};
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::provisioning::{Make, PnpAnswer, PnpAsk, Window, WindowState, check_sync};
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Destination, Facing, Peer, Transport};
use kirkwall_core::timer::Moment;
use metrics::counter;
use tracing::{debug, info};

use crate::call::SendFailed;
use crate::desk::{SeenBaseView, WindowOfBase};
use crate::ports::Ports;
use crate::supervisor::{Hear, OWNER_OF_LINE, Supervisor};

/// Stands in the branches of NOTIFYs to base stations.
pub const OWNER_OF_PROVISIONING: OwnerId = OwnerId(OWNER_OF_LINE | 1 << 60);
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
