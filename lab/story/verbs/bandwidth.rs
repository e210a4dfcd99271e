//! Bandwidth, gateways, and users of other domains.

use std::net::Ipv4Addr;

use super::spine::enter_with;
use super::{Verb, verb};
use crate::front_end::{Accounts, FrontEnd, FrontEndConfig};
use crate::ice::policy::Detour;
use crate::ice::{Dialect, Manner, Reach};
use crate::media::{Protection, Traits};
use crate::phone::{Behaviour, LiveCall, Phone, PhoneConfig, Progress};
use crate::sip::Transport;
use crate::story::{DOMAIN, Fault, Given, Player, Prop, Stage, until};

/// Calls at once of a gateway's user.
const LINES: usize = 8;

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "pool checks bandwidth",
        "Front ends that come later say in their provisioning that bandwidth is asked for (`enableBWPolicyCheck`).",
        checks
    ),
    verb!(
        "pool at place {id}",
        "Front ends that come later say in their provisioning that media bypass is on, and this bypass id.",
        place
    ),
    verb!(
        "pool federated with {domain}",
        "Front ends that come later have a partner with users of this domain.",
        federated
    ),
    verb!(
        "media relay admits {count:count} calls [and others by {way}]",
        "The bandwidth policy behind the media relay has room for so many calls at once; others are refused, or told \
         that they may go by `pstn`, or over the `relays` of both ends.",
        admits
    ),
    verb!(
        "expect media relay holds {count:count} reservations",
        "So many calls are committed with the policy, and nobody did anything wrong there.",
        holds
    ),
    verb!(
        "expect media relay renewed a reservation",
        "A reservation that stands was renewed, and nobody did anything wrong there.",
        renewed
    ),
    verb!(
        "far end {number} lacks bandwidth [and goes by {way}]",
        "A user of the front end who refuses for want of bandwidth: 488 and ms-diagnostics 4, or 5 when it may be \
         reached by `pstn`.",
        lacks
    ),
    verb!(
        "expect {phone} refused for bandwidth [by {way}]",
        "Its call was refused with 488 and ms-diagnostics 4; by `pstn`: 5.",
        refused
    ),
    verb!(
        "gateway over {transport}",
        "A gateway to the PSTN at the transport `udp` or `tcp`, which the switch may use when bandwidth lacks \
         (`admission.gateway`).",
        gateway
    ),
    verb!(
        "gateway user {number}",
        "Somebody in the PSTN behind the gateway, who rings until a step lets it answer.",
        gateway_user
    ),
    verb!(
        "far end {number} behind gateway at {id}",
        "A user of the PSTN behind a mediation server: its descriptions name the gateway's bypass id, and who is at \
         the same place is given the gateway's own description, without ICE.",
        behind_gateway
    ),
    verb!(
        "federated far end {user} of {domain} [speaking {manner}]",
        "A user of a partner; speaking as OCS 2007 `r2` does (ICE of draft 06 alone), or `relayed`: behind relays.",
        federated_user
    ),
    verb!(
        "expect link {name} with {count:count} calls",
        "So many ends of calls go over this link, by REST.",
        link
    ),
];

/// What front ends that come later say.
#[derive(Default)]
struct Wishes {
    checks: bool,
    place: Option<String>,
    partners: Vec<String>,
}

impl Prop for Wishes {}

/// Lets a front end say so.
pub(super) fn wish(stage: &mut Stage, config: &mut FrontEndConfig) {
    let wishes = stage.prop::<Wishes>();
    config.federated.clone_from(&wishes.partners);
    if let Some(lync) = &mut config.lync {
        lync.checks_bandwidth = wishes.checks;
        lync.bypass_id.clone_from(&wishes.place);
    }
}

async fn checks(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    stage.prop::<Wishes>().checks = true;
    Ok(())
}

async fn place(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.prop::<Wishes>().place = Some(given.word("id").to_owned());
    Ok(())
}

async fn federated(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.prop::<Wishes>().partners.push(given.word("domain").to_owned());
    Ok(())
}

/// `pstn` or nothing.
fn by_pstn(given: &Given) -> Result<bool, Fault> {
    match given.text("way") {
        None => Ok(false),
        Some("pstn") => Ok(true),
        Some(other) => Err(Fault::unusable(format!("there is no way by {other}"), "write pstn")),
    }
}

async fn admits(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let detour = match given.text("way") {
        None => Detour::None,
        Some("pstn") => Detour::Pstn,
        Some("relays") => Detour::Relays,
        Some(other) => {
            return Err(Fault::unusable(format!("there is no way by {other}"), "write pstn or relays"));
        }
    };
    let most = given.count("count").unwrap_or(0) as usize;
    super::ice::relay(stage)?.admits(most, detour);
    Ok(())
}

async fn holds(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (relay, wanted) = (super::ice::relay(stage)?, given.count("count").unwrap_or(0) as usize);
    until(stage.patience, format!("the policy holds {wanted} reservations"), async || {
        let policed = relay.policed();
        match policed.held == wanted && policed.faults.is_empty() && policed.checks > 0 {
            true => Ok(()),
            false => Err(format!("{policed:?}")),
        }
    })
    .await
}

async fn renewed(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    let relay = super::ice::relay(stage)?;
    until(stage.patience, "the policy hears of a reservation again", async || {
        let policed = relay.policed();
        match policed.renewals > 0 && policed.held > 0 && policed.faults.is_empty() {
            true => Ok(()),
            false => Err(format!("{policed:?}")),
        }
    })
    .await
}

async fn lacks(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let behaviour = Behaviour::LacksBandwidth { elsewhere: by_pstn(given)? };
    enter_with(stage, PhoneConfig::new(given.word("number"), DOMAIN), behaviour)
}

async fn refused(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let wanted = if by_pstn(given)? { 5 } else { 4 };
    let actor = stage.cast.actor(given.word("phone"))?;
    until(stage.patience, format!("{} is refused with 488 and {wanted}", actor.name()), async || match actor
        .call()
        .map(|call| call.progress())
    {
        Some(Progress::Ended(report)) if report.diagnostics == Some(wanted) => Ok(()),
        Some(Progress::Ended(report)) => Err(format!("{:?} with {:?}", report.outcome, report.diagnostics)),
        _ => Err(actor.words()),
    })
    .await
}

/// The gateway of a story.
#[derive(Default)]
struct Gateway(Option<FrontEnd>);

impl Prop for Gateway {
    fn end(&mut self) -> futures::future::LocalBoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(gateway) = &self.0 {
                gateway.stop().await;
            }
        })
    }
}

async fn gateway(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let transport: Transport = given.word("transport").parse()?;
    let mut config = FrontEndConfig::loopback("gateway.test", Accounts::Any(None));
    config.challenges_calls = false;
    // A machine of its own, behind other links than the front ends.
    let at = Some((Ipv4Addr::new(127, 0, 0, 2), 0).into());
    (config.udp, config.tcp, config.tls) = (at, at, None);
    let gateway = FrontEnd::start(config).await?;
    let address = gateway.listening().of(transport).ok_or_else(|| {
        Fault::unusable(format!("there is no gateway over {transport}"), "write udp or tcp")
    })?;
    stage.switch.set(&format!("admission.reroute = true\nadmission.gateway = \"{transport}:{address}\""))?;
    stage.prop::<Gateway>().0 = Some(gateway);
    Ok(())
}

async fn gateway_user(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let number = given.word("number");
    let voice = stage.cast.next_voice();
    let gateway =
        stage.prop::<Gateway>().0.clone().ok_or_else(|| {
            Fault::unusable("there is no gateway", "put `gateway over tcp` before this step")
        })?;
    let config = PhoneConfig { voice, lines: LINES, ..PhoneConfig::new(number, "gateway.test") };
    let phone = gateway.add_far_end(config, Behaviour::NoAnswer)?;
    stage.cast.enter(&format!("pstn-{number}"), voice, PstnUser(phone))
}

/// Somebody who is called and calls nobody.
struct PstnUser(Phone);

impl Player for PstnUser {
    fn dial(&self, number: &str) {
        let phone = self.0.clone();
        phone.no_call(number, "users of the gateway are called and call nobody");
    }

    fn calls_begun(&self) -> usize {
        self.0.calls_begun()
    }

    fn calls_since(&self, first: usize) -> Vec<LiveCall> {
        self.0.calls_since(first)
    }
}

async fn behind_gateway(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let place = Some(given.word("id").to_owned());
    let traits = Traits { ice: Manner::FULL, gateway_at: place, ..Traits::default() };
    let config = PhoneConfig { traits, ..PhoneConfig::new(given.word("number"), DOMAIN) };
    enter_with(stage, config, Behaviour::NoAnswer)
}

async fn federated_user(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (ice, fallback, old) = match given.text("manner") {
        None => (Manner::FULL, true, false),
        Some("relayed") => (Manner::Full { dialect: Dialect::MsIce2, reach: Reach::Relays }, true, false),
        Some("r2") => (Manner::Draft6, false, true),
        Some(other) => {
            let mend = "write r2 or relayed, or leave it out";
            return Err(Fault::unusable(format!("nobody speaks {other}"), mend));
        }
    };
    let traits = Traits { ice, fallback, old_alone: old, ..Traits::lync() };
    let (user, domain) = (given.word("user"), given.word("domain"));
    let headers = vec![("ms-edge-proxy-message-trust".into(), "ms-source-type=AutoFederation".into())];
    let headers: Vec<(String, String)> = headers;
    let config =
        PhoneConfig { traits, headers, protection: Protection::Offered, ..PhoneConfig::new(user, domain) };
    enter_with(stage, config, Behaviour::NoAnswer)
}

async fn link(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (name, wanted) = (given.word("name"), given.count("count").unwrap_or(0));
    until(stage.patience, format!("link {name} carries {wanted} calls"), async || {
        let capacity = stage.switch.get("/capacity").await?;
        let links = capacity["links"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["name"] == name);
        match link.map(|link| &link["calls"]) {
            Some(calls) if *calls == wanted => Ok(()),
            Some(calls) => Err(format!("it carries {calls}")),
            None => Err(format!("there is no such link in {capacity}")),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_end_without_wishes_is_as_it_was() {
        let lync = crate::front_end::LyncConfig::new(DOMAIN);
        assert!(!lync.checks_bandwidth && lync.bypass_id.is_none());
    }
}
