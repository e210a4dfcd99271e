//! Lync front ends, one or several, and what happens to them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use super::{Verb, verb};
use crate::front_end::lync::{Ntlm, Proof, TrustedApplication};
use crate::front_end::{Accounts, FrontEnd, FrontEndConfig, LyncConfig};
use crate::sip::tls::Authority;
use crate::story::{DOMAIN, Fault, Given, Prop, Stage, until};

/// What every user proves itself with, as in the other stories.
const PASSWORD: &str = "north-secret";
/// The switch's name as a trusted server.
const FQDN: &str = "dect.hospital.test";

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "lync front end {name} by {proof}",
        "An emulated Lync 2013 front end; users prove themselves by `ntlm`, or the switch is its trusted server \
         (`trust`). The switch is configured for it; a second one becomes the second proxy.",
        lync_front_end
    ),
    verb!("front end {name} dies", "It is gone without a last word.", dies),
    verb!("front end {name} hangs", "It keeps its connections, and hears and says nothing.", hangs),
    verb!("front end {name} wakes", "It goes on.", wakes),
    verb!(
        "expect line {user} at front end {name}",
        "The user is signed in there, by the switch's and the front end's word.",
        at
    ),
    verb!(
        "expect {count:count} signatures at front end {name}",
        "At least so many messages of the switch were verified there, not one was wrong or lacked its signature, \
         and all that left there was signed.",
        signatures
    ),
];

/// Front ends by name.
#[derive(Default)]
struct FrontEnds {
    authority: Option<Arc<Authority>>,
    by_name: BTreeMap<String, FrontEnd>,
    order: Vec<SocketAddr>,
    /// Where front ends connect to a trusted server.
    own: Option<SocketAddr>,
}

impl Prop for FrontEnds {
    fn end(&mut self) -> futures::future::LocalBoxFuture<'_, ()> {
        Box::pin(async {
            for front_end in self.by_name.values() {
                front_end.stop().await;
            }
        })
    }
}

async fn lync_front_end(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (name, proof) = (given.word("name"), given.word("proof"));
    let own = match stage.prop::<FrontEnds>().own {
        Some(own) => own,
        None => free_port()?,
    };
    let authority = match stage.prop::<FrontEnds>().authority.clone() {
        Some(authority) => authority,
        None => Arc::new(Authority::new("Kirkwall lab AD")?),
    };
    let mut lync = LyncConfig { fqdn: format!("{name}.{DOMAIN}"), ..LyncConfig::new(DOMAIN) };
    let trusted = match proof {
        "ntlm" => {
            lync.proof = Proof::Ntlm(Ntlm::default());
            false
        }
        "trust" => {
            lync.proof = Proof::Trust;
            lync.trusted = vec![TrustedApplication { fqdn: FQDN.into(), address: Some(own) }];
            lync.client_ca_pem = authority.pem();
            true
        }
        other => {
            return Err(Fault::unusable(format!("there is no proof {other}"), "write ntlm or trust"));
        }
    };
    let mut config = FrontEndConfig::loopback(DOMAIN, Accounts::Any(Some(PASSWORD.into())));
    (config.lync, config.authority, config.challenges_calls) = (Some(lync), Some(authority.clone()), false);
    let front_end = FrontEnd::start(config).await?;
    let address =
        front_end.listening().tls.ok_or_else(|| Fault::unusable("it has no TLS", "mend the lab"))?;
    let ends = stage.prop::<FrontEnds>();
    ends.order.push(address);
    ends.by_name.insert(name.to_owned(), front_end.clone());
    (ends.own, ends.authority) = (Some(own), Some(authority.clone()));
    let proxies: Vec<_> = ends.order.iter().map(|at| format!("\"{at}\"")).collect();
    configure(stage, &proxies.join(", "), &authority, own, trusted)?;
    stage.front_end.get_or_insert(front_end);
    Ok(())
}

fn configure(
    stage: &mut Stage,
    proxies: &str,
    authority: &Authority,
    own: SocketAddr,
    trusted: bool,
) -> Result<(), Fault> {
    let ca = stage.switch.file("ad-ca.pem", &authority.pem())?;
    stage.switch.set(&format!(
        "sip.transport = \"tls\"\nsip.proxies = [{proxies}]\nsip.ca = \"{}\"\nlync.enabled = true\n\
         lync.ask_expires = true\nsip.north.listen_tls = \"{own}\"",
        ca.display()
    ))?;
    if trusted {
        let (certificate, key) = authority.issue(&[FQDN.to_owned()], &[])?;
        let certificate = stage.switch.file("trusted.pem", &certificate)?;
        let key = stage.switch.file("trusted.key", &key)?;
        stage.switch.set(&format!(
            "node.fqdn = \"{FQDN}\"\nlync.trusted_server = true\nsip.certificate = \"{}\"\nsip.key = \"{}\"",
            certificate.display(),
            key.display()
        ))?;
    }
    Ok(())
}

fn free_port() -> Result<SocketAddr, Fault> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map_err(|error| Fault::unusable(format!("no free port: {error}"), "end other programs"))
}

fn named(stage: &mut Stage, given: &Given) -> Result<FrontEnd, Fault> {
    let name = given.word("name");
    let found = stage.prop::<FrontEnds>().by_name.get(name).cloned();
    found.ok_or_else(|| {
        let mend = format!("put `lync front end {name} by ntlm` before this step");
        Fault::unusable(format!("there is no front end {name}"), mend)
    })
}

async fn dies(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    named(stage, given)?.kill().await;
    Ok(())
}

async fn hangs(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    named(stage, given)?.black_hole(true);
    Ok(())
}

async fn wakes(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    named(stage, given)?.black_hole(false);
    Ok(())
}

async fn at(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, user) = (named(stage, given)?, given.word("user"));
    let address = front_end.listening().tls.map(|at| format!("tls {at}")).unwrap_or_default();
    let expected = format!("{user} is signed in at {}", given.word("name"));
    until(stage.patience, expected, async || {
        let lines = stage.switch.get("/registrations").await?;
        let line = lines["items"].as_array().into_iter().flatten().find(|line| line["user"] == user);
        let Some(line) = line else { return Err(format!("there is no such line in {lines}")) };
        let there = line["state"] == "registered" && line["registrar"] == *address;
        match (there, front_end.bindings(user).len()) {
            (true, 1) => Ok(()),
            (_, bindings) => Err(format!("the line is {line}, with {bindings} bindings there")),
        }
    })
    .await
}

async fn signatures(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, least) = (named(stage, given)?, given.count("count").unwrap_or_default());
    until(stage.patience, format!("{least} signatures are verified and none is wrong"), async || {
        let found = front_end.signatures();
        let complaints = front_end.complaints();
        match found.verified >= least && found.bad == 0 && complaints.is_empty() {
            true => Ok(()),
            false => Err(format!("{found:?}, {complaints:?}")),
        }
    })
    .await
}
