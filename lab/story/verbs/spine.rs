//! The switch, its users, and the front end in the north.

use serde_json::{Value, json};

use super::sip_dect::protection;
use super::{Verb, verb};
use crate::front_end::{Accounts, FrontEnd, FrontEndConfig};
use crate::media::{Protection, Traits, Voice};
use crate::phone::{Behaviour, CallScript, LiveCall, Phone, PhoneConfig};
use crate::sip::Transport;
use crate::story::{DOMAIN, Fault, Given, Player, Prop, Stage};

/// What every user proves itself with in the north, unless the story says otherwise.
const NORTH_PASSWORD: &str = "north-secret";
/// Calls at once of a far end.
const LINES: usize = 8;

pub(super) const VERBS: &[Verb] = &[
    verb!("patience {time:time}", "How long each later `expect` waits; 20 s when not said.", patience),
    verb!(
        "longest {time:time}",
        "How long the whole story may take, from its first step; 5 min when not said.",
        longest
    ),
    verb!(
        "front end over {transport} [with srtp {srtp}]",
        "An emulated registrar in the north, reached over `udp`, `tcp` or `tls`; the switch is \
         configured for it. Its far ends have SRTP `off` (when not said), `offered` or `required`.",
        front_end
    ),
    verb!("stop front end", "The front end is gone, and its far ends with it.", stop_front_end),
    verb!(
        "set {setting:rest}",
        "A key of `kirkwall.toml`, written as there: `set media.srtp = \"required\"`. Counts at the next start.",
        set
    ),
    verb!(
        "start switch",
        "Starts `kirkwall serve`; again after `kill` with the same data and ports.",
        start_switch
    ),
    verb!("kill switch", "kill -9.", kill_switch),
    verb!("stop switch", "SIGTERM; the switch has to end by itself and with success.", stop_switch),
    verb!(
        "user {user} [{name}] [with north password {password}]",
        "Creates a user by REST. The north takes it unless another password is said.",
        user
    ),
    verb!(
        "far end {number}",
        "A user of the front end who rings until a step lets it answer, reject or dial.",
        far_end
    ),
    verb!("far end {number} answers after {after:time}", "One who answers by itself.", far_end_answers),
    verb!(
        "far end {number} answers after {after:time} with early media",
        "One whose voice is heard before it answers.",
        far_end_early
    ),
    verb!("far end {number} is busy", "One who refuses with 486.", far_end_busy),
    verb!("far end {number} refuses with {code:count}", "One who refuses with this status.", far_end_refuses),
    verb!(
        "far end {number} redirects to {other}",
        "One who answers 302 to another number.",
        far_end_redirects
    ),
    verb!(
        "rest {method} {path} [{body:rest}]",
        "One REST request that has to succeed; the path begins behind `/api/v1`, the body is JSON.",
        rest
    ),
];

/// What the far ends of a story have in common.
#[derive(Default)]
struct North {
    protection: Protection,
}

impl Prop for North {}

async fn patience(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.patience = given.time("time").unwrap_or(stage.patience);
    Ok(())
}

async fn longest(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.longest = given.time("time").unwrap_or(stage.longest);
    Ok(())
}

async fn front_end(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    if stage.front_end.is_some() {
        return Err(Fault::unusable("there is a front end already", "leave this step out"));
    }
    let transport: Transport = given.word("transport").parse()?;
    let config = FrontEndConfig::loopback(DOMAIN, Accounts::Any(Some(NORTH_PASSWORD.into())));
    let front_end = FrontEnd::start(config).await?;
    let address = front_end.listening().of(transport).expect("a front end on loopback has every transport");
    let ca = stage.switch.file("front-end-ca.pem", front_end.ca_pem())?;
    stage.switch.set(&format!(
        "sip.transport = \"{transport}\"\nsip.proxies = [\"{address}\"]\nsip.ca = \"{}\"\n\
         sip.north.listen_{transport} = \"127.0.0.1:0\"",
        ca.display()
    ))?;
    stage.prop::<North>().protection = protection(given)?;
    for (user, messages) in super::callers::voice_mail(stage) {
        front_end.voice_mail(&user, messages).await;
    }
    stage.front_end = Some(front_end);
    Ok(())
}

async fn stop_front_end(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    stage.front_end()?.stop().await;
    Ok(())
}

async fn set(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    stage.switch.set(given.word("setting"))
}

async fn start_switch(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    stage.switch.start(stage.patience).await
}

async fn kill_switch(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    stage.switch.kill()
}

async fn stop_switch(stage: &mut Stage, _: &Given) -> Result<(), Fault> {
    stage.switch.stop().await
}

/// The password that a handset registers with.
pub(super) fn south_password(user: &str) -> String {
    format!("south-secret-{user}")
}

async fn user(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let user = given.word("user");
    let fields = json!({
        "username": user,
        "display_name": given.text("name").unwrap_or(user),
        "auth_username": user,
        "auth_password": given.text("password").unwrap_or(NORTH_PASSWORD),
        "south_password": south_password(user),
        "enabled": true,
        // The far ends of stories have numbers of the whole world; a story about barring sets its own.
        "allowed_calls": ["internal", "local", "national", "international"],
    });
    ask(stage, "POST", "/users", Some(&fields)).await
}

async fn rest(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let body: Option<Value> = match given.text("body") {
        None => None,
        Some(text) => Some(serde_json::from_str(text.trim_matches('\'')).map_err(|error| {
            Fault::unusable(format!("{text} is no JSON: {error}"), "write it as JSON, on this line")
        })?),
    };
    ask(stage, given.word("method"), given.word("path"), body.as_ref()).await
}

async fn ask(stage: &Stage, method: &str, path: &str, body: Option<&Value>) -> Result<(), Fault> {
    let expected = format!("{method} {path} succeeds");
    match stage.switch.rest(method, path, body).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(Fault::failed(expected, format!("{} {}", answer.status, answer.text))),
        Err(error) => Err(Fault::failed(expected, error)),
    }
}

async fn far_end(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    enter(stage, given, Behaviour::NoAnswer)
}

async fn far_end_answers(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    enter(stage, given, Behaviour::Answer { after: given.time("after").unwrap_or_default(), talk: None })
}

async fn far_end_early(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    enter(stage, given, Behaviour::EarlyMedia { after: given.time("after").unwrap_or_default(), talk: None })
}

async fn far_end_busy(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    enter(stage, given, Behaviour::BUSY)
}

async fn far_end_refuses(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let code = given.count("code").and_then(|code| u16::try_from(code).ok());
    let code = code.filter(|code| (300..700).contains(code)).ok_or_else(|| {
        Fault::unusable("a refusal is a status from 300 to 699", "for example: refuses with 503")
    })?;
    enter(stage, given, Behaviour::Refuse(code))
}

async fn far_end_redirects(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    enter(stage, given, Behaviour::Redirect(format!("sip:{}@{DOMAIN}", given.word("other"))))
}

fn enter(stage: &mut Stage, given: &Given, behaviour: Behaviour) -> Result<(), Fault> {
    let protection = stage.prop::<North>().protection;
    enter_as(stage, given.word("number"), behaviour, (Traits::default(), protection))
}

/// A far end with what a Lync end says of media besides.
pub(super) fn enter_as(
    stage: &mut Stage,
    number: &str,
    behaviour: Behaviour,
    (traits, protection): (Traits, Protection),
) -> Result<(), Fault> {
    let config = PhoneConfig { protection, traits, ..PhoneConfig::new(number, DOMAIN) };
    enter_with(stage, config, behaviour)
}

/// A far end as configured.
pub(super) fn enter_with(stage: &mut Stage, config: PhoneConfig, behaviour: Behaviour) -> Result<(), Fault> {
    let (voice, number): (Voice, _) = (stage.cast.next_voice(), config.user.clone());
    let config = PhoneConfig { voice, lines: LINES, ..config };
    let front_end = stage.front_end()?.clone();
    let phone = front_end.add_far_end(config, behaviour)?;
    stage.cast.enter(&number, voice, FarEnd { front_end, phone })
}

/// A user of the front end. Its calls go to where the front end has the called user registered.
struct FarEnd {
    front_end: FrontEnd,
    phone: Phone,
}

impl Player for FarEnd {
    fn dial(&self, number: &str) {
        let (front_end, phone, number) = (self.front_end.clone(), self.phone.clone(), number.to_owned());
        tokio::spawn(async move {
            if let Err(error) = front_end.call(&phone, &number, &CallScript::default()).await {
                phone.no_call(&number, &error.to_string());
            }
        });
    }

    fn calls_begun(&self) -> usize {
        self.phone.calls_begun()
    }

    fn calls_since(&self, first: usize) -> Vec<LiveCall> {
        self.phone.calls_since(first)
    }
}
