//! Lync front ends, one or several, and what happens to them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::spine::south_password;
use super::{Verb, verb};
use crate::front_end::lync::{Ntlm, Proof, TrustedApplication};
use crate::front_end::{Accounts, FrontEnd, FrontEndConfig, LyncConfig};
use crate::phone::Progress;
use crate::sip::tls::Authority;
use crate::story::{DOMAIN, Fault, Given, Prop, Stage, until};

/// What every user proves itself with, as in the other stories.
const PASSWORD: &str = "north-secret";
/// The switch's name as a trusted server.
const FQDN: &str = "dect.hospital.test";

/// How long certificates of users last, as those of real front ends.
const CERTIFICATE_LIFE: Duration = Duration::from_secs(180 * 86_400);
/// Between two looks at thousands of lines.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

pub(super) const VERBS: &[Verb] = &[
    verb!(
        "lync front end {name} by {proof} [sending {user} home to {other}]",
        "An emulated Lync 2013 front end; users prove themselves by `ntlm` or `tls-dsk`, or the switch is its trusted server \
         (`trust`). The switch is configured for it; a second one becomes the second proxy. One that sends a user \
         home comes before the others.",
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
    verb!(
        "{phone} calls {other} {count:count} times",
        "Dials, is answered, and hangs up, so many times one after another.",
        calls
    ),
    verb!(
        "users {first:count} to {last:count}",
        "Creates all these users with `kirkwall users import`; the north takes them.",
        users
    ),
    verb!(
        "expect {count:count} lines registered",
        "So many users are signed in; how long that took stands in the output.",
        lines
    ),
    verb!(
        "front end {name} signs {user} out as {event}",
        "It says `rejected`, `unregistered` or `deactivated`, for a user who was disabled.",
        signs_out
    ),
    verb!(
        "front end {name} forges a sign-out of {user}",
        "It says `rejected` over the user's connection, with a signature that does not fit; the switch has to end the \
         connection and to sign the user in over another one.",
        forges
    ),
    verb!(
        "front end {name} forges its next answer to a sign-in",
        "The next 200 to a REGISTER comes with a signature that does not fit.",
        forges_answer
    ),
    verb!(
        "expect {user} shown {availability} at front end {name}",
        "The user's presence there: `available`, `inactive`, `away`, `in-a-call` or `nothing`.",
        shown
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
    let voice_mail = super::callers::voice_mail(stage);
    let fqdn = format!("{name}.{DOMAIN}");
    let mut lync = LyncConfig { fqdn, voice_mail, ..LyncConfig::new(DOMAIN) };
    super::ice::name_relay(stage, &mut lync);
    let trusted = match proof {
        "ntlm" => {
            lync.proof = Proof::Ntlm(Ntlm::default());
            false
        }
        "tls-dsk" => {
            lync.proof = Proof::Ntlm(Ntlm { tls_dsk: Some(CERTIFICATE_LIFE), ..Ntlm::default() });
            stage.switch.set("lync.tls_dsk = true")?;
            false
        }
        "trust" => {
            lync.proof = Proof::Trust;
            lync.trusted = vec![TrustedApplication { fqdn: FQDN.into(), address: Some(own) }];
            lync.client_ca_pem = authority.pem();
            true
        }
        other => {
            return Err(Fault::unusable(
                format!("there is no proof {other}"),
                "write ntlm, tls-dsk or trust",
            ));
        }
    };
    if let (Some(user), Some(other)) = (given.text("user"), given.text("other")) {
        let home = stage.prop::<FrontEnds>().by_name.get(other).and_then(|home| home.listening().tls);
        let home = home.ok_or_else(|| {
            Fault::unusable(format!("there is no front end {other} yet"), "put its step before this one")
        })?;
        lync.homes.insert(user.to_owned(), format!("sip:{home};transport=tls"));
    }
    let mut config = FrontEndConfig::loopback(DOMAIN, Accounts::Any(Some(PASSWORD.into())));
    (config.lync, config.authority, config.challenges_calls) = (Some(lync), Some(authority.clone()), false);
    super::bandwidth::wish(stage, &mut config);
    let front_end = FrontEnd::start(config).await?;
    let address =
        front_end.listening().tls.ok_or_else(|| Fault::unusable("it has no TLS", "mend the lab"))?;
    let ends = stage.prop::<FrontEnds>();
    let at = if given.text("user").is_some() { 0 } else { ends.order.len() };
    ends.order.insert(at, address);
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
    front_end_named(stage, given.word("name"))
}

/// Where it listens, as the switch shows it.
pub(super) fn tls_of(front_end: &FrontEnd) -> String {
    front_end.listening().tls.map(|at| format!("tls {at}")).unwrap_or_default()
}

/// The front end of this name.
pub(super) fn front_end_named(stage: &mut Stage, name: &str) -> Result<FrontEnd, Fault> {
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
    let address = tls_of(&front_end);
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

async fn calls(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (phone, other) = (given.word("phone"), given.word("other"));
    for _ in 0..given.count("count").unwrap_or(1) {
        stage.cast.dial(phone, other).await?;
        let called = stage.cast.actor(other)?;
        called.reaches(stage.patience, "rings", |progress| *progress == Progress::Ringing).await?;
        called.standing_call()?.answer();
        let caller = stage.cast.actor(phone)?;
        let talks = |progress: &Progress| matches!(progress, Progress::Talking);
        caller.reaches(stage.patience, "talks", talks).await?;
        called.reaches(stage.patience, "talks", talks).await?;
        caller.standing_call()?.hang_up();
        called
            .reaches(stage.patience, "has ended", |progress| matches!(progress, Progress::Ended(_)))
            .await?;
        caller
            .reaches(stage.patience, "has ended", |progress| matches!(progress, Progress::Ended(_)))
            .await?;
    }
    Ok(())
}

async fn users(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (first, last) = (given.count("first").unwrap_or(0), given.count("last").unwrap_or(0));
    let mut csv = "username,display_name,auth_username,auth_password,south_password,enabled\n".to_owned();
    csv.extend(
        (first..=last)
            .map(|user| (user, south_password(&user.to_string())))
            .map(|(user, south)| format!("{user},Nurse {user},{user},{PASSWORD},{south},yes\n")),
    );
    stage.switch.import(&csv)
}

async fn lines(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (wanted, since) = (given.count("count").unwrap_or(0), Instant::now());
    until(stage.patience, format!("{wanted} users are signed in"), async || {
        // Each look is a TLS handshake and a list of all lines: to look often would be what is measured.
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let overview = stage.switch.get("/overview").await?;
        match overview["lines_registered"].as_u64() {
            Some(lines) if lines >= wanted => Ok(()),
            Some(lines) => Err(format!("{lines} are")),
            None => Err(format!("the overview does not tell: {overview}")),
        }
    })
    .await?;
    println!("{wanted} users are signed in after {:.1} s", since.elapsed().as_secs_f32());
    Ok(())
}

async fn signs_out(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, user) = (named(stage, given)?, given.word("user"));
    match front_end.sign_out(user, given.word("event"), "4141;reason=\"User disabled\"") {
        0 => Err(Fault::failed(format!("{user} is signed in there"), "nobody is")),
        _ => Ok(()),
    }
}

async fn forges(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, user) = (named(stage, given)?, given.word("user"));
    let before = front_end.connections_of(user);
    if before.is_empty() || front_end.forge_sign_out(user) == 0 {
        return Err(Fault::failed(format!("{user} is signed in there"), "nobody is"));
    }
    until(stage.patience, format!("{user} signs in over another connection"), async || {
        let now = front_end.connections_of(user);
        let anew = !now.is_empty() && !now.iter().any(|one| before.contains(one));
        if anew { Ok(()) } else { Err(format!("{before:?} before, {now:?} now")) }
    })
    .await
}

async fn forges_answer(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    named(stage, given)?.forge_next_answer();
    Ok(())
}

async fn shown(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let (front_end, user, wanted) = (named(stage, given)?, given.word("user"), given.word("availability"));
    until(stage.patience, format!("{user} is shown {wanted}"), async || {
        let presence = front_end.presence(user);
        let in_a_call =
            presence.states("phoneState", 2).any(|state| state.activity.as_deref() == Some("on-the-phone"));
        let machine = presence.states("machineState", 2).find_map(|state| state.availability);
        let found = match machine {
            _ if in_a_call => "in-a-call",
            None => "nothing",
            Some(3_000..4_500) => "available",
            Some(4_500..6_000) => "inactive",
            Some(15_000..18_000) => "away",
            Some(_) => "something else",
        };
        if found == wanted { Ok(()) } else { Err(format!("{found}, as {presence:?}")) }
    })
    .await
}
