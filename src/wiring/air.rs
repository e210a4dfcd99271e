//! The native south: the base link's listener and the actors of the air, when the switch has a DECT identity.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use actix::prelude::*;
use futures::future::BoxFuture;
use kirkwall_actors::air::base::{LinkGone, OnLink};
use kirkwall_actors::air::{Air, AirSettings, Greeted, Redeem};
use kirkwall_actors::ports::{LinkPort, Ports};
use kirkwall_actors::roster::Roster;
use kirkwall_actors::settings::Settings;
use kirkwall_core::call::admission::Limit;
use kirkwall_core::call::dect_leg::Abilities;
use kirkwall_core::dect::base_link::code::RefuseReason;
use kirkwall_core::dect::base_link::enrolment::KeyPrint;
use kirkwall_core::dect::base_link::greeting::Certified;
use kirkwall_core::dect::base_link::session::{self, LinkNo};
use kirkwall_core::dect::base_link::word::Hello;
use kirkwall_core::dect::base_link::{BaseId, Heard, ToBase};
use kirkwall_core::dect::identity::Ari;
use kirkwall_core::dect::portable::Rules;
use kirkwall_core::dect::site::Site;
use kirkwall_core::id::Tokens;
use kirkwall_core::pii::Pii;
use kirkwall_integration::dect::{Limits, Links, Office};
use kirkwall_integration::pki::{Authority, LiveIdentity};
use tokio::runtime::Handle;

use crate::config::Config;

/// Bits of a class B access rights identity (EN 300 175-6, 5.2.2).
const CLASS_B: u8 = 31;
/// Channels of a base station that new calls leave to handsets that come over in a call.
const RESERVE: u8 = 0;

/// The native south as it runs.
pub struct NativeSouth {
    /// The actor that keeps its books.
    pub air: Addr<Air>,
    /// Where base stations connect.
    pub listens: SocketAddr,
    links: Links,
}

impl NativeSouth {
    /// Starts it; nothing when the configuration gives no identity or no listener.
    ///
    /// # Errors
    /// In words, naming the setting that is to be mended.
    pub async fn start(
        config: &Config,
        (settings, ports, roster, tokens): (&Settings, &Ports, &Roster, Tokens),
        data: &Path,
        sockets: &Handle,
    ) -> Result<Option<Self>, String> {
        let (Some(ari), Some(address)) = (config.dect.ari.as_deref(), config.base_link.listen.0) else {
            return Ok(None);
        };
        let settings = air_settings(config, settings, identity(ari)?);
        let links = Links::new(Limits::default());
        let (port, ports, roster) = (Arc::new(Wire(links.clone())), ports.clone(), roster.clone());
        let inbox = Arc::new(OnceLock::new());
        let (authority, shown) = certificates(config, data)?;
        let office = Arc::new(Post(inbox.clone()));
        let listening = links.clone();
        let opened = sockets
            .spawn(async move { listening.listen(address, shown, authority, office).await })
            .await
            .map_err(|error| error.to_string())?;
        let listens = opened.map_err(|fault| fault.to_string())?;
        let arbiter = roster.arbiter_of(&"air");
        let air = Air::start_in_arbiter(&arbiter, move |_| Air::new(settings, ports, port, roster, tokens));
        // From here on links find somebody.
        _ = inbox.set(air.clone());
        Ok(Some(Self { air, listens, links }))
    }

    /// Closes the listener and all links. Base stations keep their calls for a while and come back.
    pub async fn stop(&self) {
        self.links.stop().await;
    }
}

fn identity(text: &str) -> Result<Ari, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bits = u64::from_str_radix(&digits, 16).ok().filter(|bits| bits >> CLASS_B == 0);
    let ari = bits.and_then(|bits| Ari::from_bits(bits, CLASS_B).ok());
    let wanted = "eight hexadecimal digits of class B, which begin with 1, as in \"102AF12C\"";
    ari.ok_or_else(|| format!("dect.ari = \"{text}\": not an access rights identity; write {wanted}"))
}

fn air_settings(config: &Config, settings: &Settings, ari: Ari) -> AirSettings {
    let (plain, srtp) = config.capacity.base();
    let byte = |channels: u32| u8::try_from(channels).unwrap_or(u8::MAX);
    let site = Site { ari, voice: (byte(plain), byte(srtp)), reserve: RESERVE };
    let rules = Rules {
        park: site.park(),
        level: site.level(),
        cipher: config.dect.cipher,
        digit_gap: config.dect.digit_gap,
    };
    AirSettings {
        site,
        rules,
        link: session::Settings::default(),
        abilities: Abilities { codecs: settings.media.codecs.clone(), srtp: settings.media.srtp_south },
        limit: Limit { plain, srtp },
    }
}

fn certificates(config: &Config, data: &Path) -> Result<(Arc<Authority>, Arc<LiveIdentity>), String> {
    let folder = data.join("tls");
    let now = SystemTime::now();
    let authority = Authority::open(&folder, now).map_err(|fault| fault.to_string())?;
    let mut names: Vec<String> = config.node.fqdn.iter().map(|name| name.as_str().to_owned()).collect();
    names.push("localhost".to_owned());
    names.extend(super::own_addresses().into_iter().map(|ip| ip.to_string()));
    let shown = authority.server(&folder, &names, now).map_err(|fault| fault.to_string())?;
    Ok((Arc::new(authority), LiveIdentity::new(shown)))
}

/// Links as actors see them.
struct Wire(Links);

impl LinkPort for Wire {
    fn send(&self, link: LinkNo, seq: u32, word: ToBase) {
        self.0.send(link, seq, word);
    }

    fn close(&self, link: LinkNo) {
        self.0.close(link);
    }
}

/// The air as the listener sees it. A frame that the air cannot take waits, and with it its link.
struct Post(Arc<OnceLock<Addr<Air>>>);

impl Office for Post {
    fn greeted(
        &self,
        link: LinkNo,
        hello: Box<Hello>,
        certified: Certified,
        remote: SocketAddr,
    ) -> BoxFuture<'static, ()> {
        let air = self.0.get().cloned();
        Box::pin(async move {
            if let Some(air) = air {
                _ = air.send(Greeted { link, hello, certified, remote }).await;
            }
        })
    }

    fn heard(&self, link: LinkNo, heard: Heard) -> BoxFuture<'static, ()> {
        let air = self.0.get().cloned();
        Box::pin(async move {
            if let Some(air) = air {
                _ = air.send(OnLink(link, heard)).await;
            }
        })
    }

    fn gone(&self, link: LinkNo) {
        if let Some(air) = self.0.get() {
            air.do_send(LinkGone(link));
        }
    }

    fn redeem(
        &self,
        base: BaseId,
        key: KeyPrint,
        token: Pii<String>,
    ) -> BoxFuture<'static, Result<(), RefuseReason>> {
        let air = self.0.get().cloned();
        Box::pin(async move {
            match air {
                Some(air) => {
                    air.send(Redeem { base, key, token }).await.unwrap_or(Err(RefuseReason::NOT_NOW))
                }
                None => Err(RefuseReason::NOT_NOW),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_that_is_none_is_told_how_to_be_written() {
        assert_eq!(identity("10 2A F1 2C"), Ok(Ari::B { eic: 0x02AF, fpn_fps: 0x12C }));
        for wrong in ["", "102AF12", "202AF12C", "902AF12C", "x"] {
            assert!(identity(wrong).unwrap_err().contains("dect.ari"), "{wrong}");
        }
    }
}
