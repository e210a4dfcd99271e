//! `[admission]`: how many calls may cross which link, and where those go that find no room.

use std::net::SocketAddr;

use kirkwall_core::call::admission::links::{Link, MOST_LINKS};
use kirkwall_core::sip::Transport;

use super::show::{self, Show};
use super::source::{self, Key, Section, Values};
use super::value::{Raw, Setting};

sections! {
    /// `[admission]`
    Admission {
        /// Links with little room, each `NAME NETWORKS LIMITS`: `branch 10.2.0.0/16 calls=10 kbit=800`. An end of a
        /// call counts where its media goes, and before that where its signalling comes from; voice passes this
        /// switch, so a call between two handsets behind a link counts twice. A G.711 or G.722 call takes 80 kbit/s,
        /// 84 with SRTP, G.726 48 and 52.
        links: Vec<Link> = Vec::new(),
        /// Let calls that find no bandwidth go another way: by another proxy, or over `gateway`. Callers of the
        /// north are told that they may try the PSTN (`ms-diagnostics` 5, else 4).
        reroute: bool = false,
        /// A gateway to the PSTN that takes numbers without registration, `tcp:192.0.2.7:5060`. None: none.
        gateway: Option<Gateway> = None,
    }
}

/// A gateway, by address: a call that has no time asks no name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gateway {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

impl Setting for Gateway {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        let read = text.split_once(':').and_then(|(word, address)| {
            let transport = match word {
                "udp" => Transport::Udp,
                "tcp" => Transport::Tcp,
                "tls" => Transport::Tls,
                _ => return None,
            };
            Some(Self { transport, address: address.parse().ok()? })
        });
        read.ok_or_else(|| format!("{text:?} is no gateway; write \"tcp:192.0.2.7:5060\""))
    }
}

impl Show for Gateway {
    fn show(&self) -> String {
        format!("\"{}:{}\"", self.transport, self.address)
    }
}

impl Setting for Link {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        text.parse()
            .map_err(|fault| format!("{text:?} {fault}; write \"branch 10.2.0.0/16 calls=10 kbit=800\""))
    }
}

impl Show for Link {
    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// What must hold within the section.
pub fn check(admission: &Admission, values: &mut Values) {
    let links = &admission.links;
    if links.len() > MOST_LINKS {
        values.fault("admission.links", format!("{} links are more than {MOST_LINKS}", links.len()));
    }
    let twice = links.iter().enumerate().find(|(at, link)| links[..*at].iter().any(|l| l.name == link.name));
    if let Some((_, link)) = twice {
        values.fault("admission.links", format!("{} stands there twice; give each its name", link.name));
    }
    if admission.gateway.is_some() && !admission.reroute {
        let what = "is used with admission.reroute = true only; set it, or remove the gateway";
        values.fault("admission.gateway", what.into());
    }
}
