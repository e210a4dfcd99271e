//! Native base stations: their books, their listener, and the ways between both.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use actix::prelude::*;
use futures::future::BoxFuture;
use kirkwall_actors::air::base::{LinkGone, OnLink};
use kirkwall_actors::air::{Air, AirSettings, Greeted, Meet, Redeem, StopBases};
use kirkwall_actors::ports::{LinkPort, Ports};
use kirkwall_actors::roster::Roster;
use kirkwall_actors::settings::Settings;
use kirkwall_actors::supervisor::Supervisor;
use kirkwall_core::call::dect_leg::Abilities;
use kirkwall_core::dect::base_link::code::RefuseReason;
use kirkwall_core::dect::base_link::enrolment::KeyPrint;
use kirkwall_core::dect::base_link::greeting::Certified;
use kirkwall_core::dect::base_link::session::{self, LinkNo};
use kirkwall_core::dect::base_link::word::Hello;
use kirkwall_core::dect::base_link::{BaseId, Heard, ToBase};
use kirkwall_core::dect::identity::{Ari, Rfpi};
use kirkwall_core::dect::portable::Rules;
use kirkwall_core::dect::site::Site;
use kirkwall_core::id::Tokens;
use kirkwall_core::pii::Pii;
use kirkwall_core::radio::allocation::NATIVE;
use kirkwall_integration::dect::{Limits, Links, Office};
use kirkwall_integration::pki::{Authority, LiveIdentity};
use tokio::runtime::Handle;

use super::told;
use crate::config::Config;

/// Native base stations of a running switch.
pub struct Native {
    /// Their books.
    pub air: Addr<Air>,
    links: Links,
    bound: Option<SocketAddr>,
}

impl Native {
    /// With its books; nobody can connect yet. `None` when the switch has no DECT identity.
    pub fn start(
        config: &Config,
        settings: &Settings,
        ports: &Ports,
        roster: Roster,
        tokens: Tokens,
    ) -> Result<Option<Self>, String> {
        let Some(ari) = &config.dect.ari else { return Ok(None) };
        let settings = air_settings(ari_of(ari)?, config, settings);
        let links = Links::new(Limits::default());
        let port = Arc::new(LinkSockets(links.clone()));
        let air = Air::new(settings, ports.clone(), port, roster, tokens).start();
        Ok(Some(Self { air, links, bound: None }))
    }

    /// Opens the listener, once there is somebody who makes calls.
    pub async fn open(
        &mut self,
        config: &Config,
        data: &Path,
        sockets: &Handle,
        supervisor: Addr<Supervisor>,
        names: &[String],
    ) -> Result<(), String> {
        self.air.send(Meet(supervisor)).await.map_err(told)?;
        let Some(address) = config.base_link.listen.0 else { return Ok(()) };
        let (folder, now) = (data.join("tls"), SystemTime::now());
        let authority = Arc::new(Authority::open(&folder, now).map_err(told)?);
        let identity = LiveIdentity::new(authority.server(&folder, names, now).map_err(told)?);
        let (links, office) = (self.links.clone(), Arc::new(Door(self.air.clone())));
        let listening =
            sockets.spawn(async move { links.listen(address, identity, authority, office).await });
        let bound =
            listening.await.map_err(|error| format!("the base link could not be started: {error}"))?;
        self.bound = Some(bound.map_err(told)?);
        Ok(())
    }

    /// Where base stations connect.
    pub fn bound(&self) -> Option<SocketAddr> {
        self.bound
    }

    /// Closes every link. Their sessions stay: base stations come back to them when the switch is back.
    pub async fn stop(&self) {
        if let Err(fault) = self.air.send(StopBases).await {
            tracing::warn!(%fault, "base stations were not told that the switch stops");
        }
        self.links.stop().await;
    }
}

fn air_settings(ari: Ari, config: &Config, settings: &Settings) -> AirSettings {
    let limit = settings.capacity.base.unwrap_or(NATIVE);
    let short = |channels| u8::try_from(channels).unwrap_or(u8::MAX);
    let reserve = u8::try_from(config.dect.handover_reserve).unwrap_or(u8::MAX);
    let (voice, wideband) = ((short(limit.plain), short(limit.srtp)), config.dect.wideband);
    let site = Site { ari, voice, reserve, wideband };
    AirSettings {
        site,
        rules: Rules {
            park: site.park(),
            level: site.level(),
            cipher: config.dect.cipher,
            digit_gap: config.dect.digit_gap,
            wideband: config.dect.wideband,
        },
        link: session::Settings::default(),
        abilities: Abilities::of_native(
            &settings.media.srtp_south,
            config.dect.digit_gap,
            config.dect.wideband,
        )
        .with_codes(&settings.dialling.codes),
        limit,
    }
}

/// As on the licence: the first four octets of the RFPI of every radio of the system (class B, C and D).
fn ari_of(text: &str) -> Result<Ari, String> {
    let wrong = |what: String| {
        format!(
            "dect.ari = {text:?}: {what}; it is the eight hexadecimal digits with which every RFPI of the system begins"
        )
    };
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bits = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 8);
    let [a, b, c, d] = bits.ok_or_else(|| wrong("not eight hexadecimal digits".to_owned()))?.to_be_bytes();
    let rfpi = Rfpi::from_octets([a, b, c, d, 0]).map_err(|fault| wrong(fault.to_string()))?;
    match rfpi.pari.rpn_length() {
        8 => Ok(rfpi.pari),
        _ => {
            Err(wrong("an ARI of class A has room for seven radios only, which is not supported".to_owned()))
        }
    }
}

/// The listener as actors see it.
struct LinkSockets(Links);

impl LinkPort for LinkSockets {
    fn send(&self, link: LinkNo, seq: u32, word: ToBase) {
        self.0.send(link, seq, word);
    }

    fn close(&self, link: LinkNo) {
        self.0.close(link);
    }
}

/// The books as the listener sees them. It reads on once they have taken what came.
struct Door(Addr<Air>);

impl Office for Door {
    fn greeted(
        &self,
        link: LinkNo,
        hello: Box<Hello>,
        certified: Certified,
        remote: SocketAddr,
    ) -> BoxFuture<'static, ()> {
        let told = self.0.send(Greeted { link, hello, certified, remote });
        Box::pin(async move { _ = told.await })
    }

    fn heard(&self, link: LinkNo, heard: Heard) -> BoxFuture<'static, ()> {
        let told = self.0.send(OnLink(link, heard));
        Box::pin(async move { _ = told.await })
    }

    fn gone(&self, link: LinkNo) {
        self.0.do_send(LinkGone(link));
    }

    fn redeem(
        &self,
        base: BaseId,
        key: KeyPrint,
        token: Pii<String>,
    ) -> BoxFuture<'static, Result<(), RefuseReason>> {
        let asked = self.0.send(Redeem { base, key, token });
        Box::pin(async move { asked.await.unwrap_or(Err(RefuseReason::NOT_NOW)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ari_is_read_as_the_licence_prints_it() {
        assert_eq!(ari_of("102AF12C"), Ok(Ari::B { eic: 0x02AF, fpn_fps: 0x12C }));
        assert_eq!(ari_of("102a f12c"), ari_of("102AF12C"));
        for text in ["", "102AF12", "102AF12G", "702AF12C", "002AF12C", "102AF12C00"] {
            let fault = ari_of(text).unwrap_err();
            assert!(fault.starts_with("dect.ari = "), "{fault}");
        }
    }
}
