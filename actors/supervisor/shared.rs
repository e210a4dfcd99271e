//! Shared handsets: users sign in and out at native DECT handsets by feature code. The link is the user's `ipei`,
//! as administrators set it; whoever had the handset loses it.

use actix::prelude::*;
use kirkwall_core::call::About;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::CodeOrder;
use kirkwall_core::dect::identity::Ipei;
use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::Facing;
use kirkwall_core::sip::wire::Host;
use std::time::Duration;
use tracing::{info, warn};

use super::{Admit, AdmitReply, Granted, Supervisor};
use crate::desk::{ChangeUser, UserChange};
use crate::users::Users;

/// How long the switch's address stands on the display.
const ADDRESS_SHOWN: Duration = Duration::from_secs(10);

/// Who keeps the users.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MeetUsers(pub Addr<Users>);

impl Handler<MeetUsers> for Supervisor {
    type Result = ();

    fn handle(&mut self, MeetUsers(users): MeetUsers, _: &mut Self::Context) {
        self.users = Some(users);
    }
}

impl Supervisor {
    /// A code that a handset may dial which belongs to nobody.
    pub(super) fn code_of_nobody(&self, typed: &str) -> Option<CodeOrder> {
        let order = self.settings.dialling.codes.read(typed)?.ok()?;
        matches!(order, CodeOrder::SignIn(..) | CodeOrder::ShowAddress).then_some(order)
    }

    /// The code of a call that is admitted, if its caller is nobody.
    pub(super) fn nobody_dialled(&self, ask: &Admit) -> Option<CodeOrder> {
        let nobody = ask.caller.user.is_none() && ask.facing == Facing::South;
        self.handset_of(ask).filter(|_| nobody)?;
        self.code_of_nobody(&ask.dialled.user_text())
    }

    fn handset_of(&self, ask: &Admit) -> Option<Ipei> {
        self.calls.get(&ask.call)?.handset
    }

    /// Obeys a code about the handset itself.
    pub(super) fn obey_of_handset(
        &mut self,
        ask: &Admit,
        order: CodeOrder,
    ) -> ActorResponse<Self, AdmitReply> {
        let changed = match &order {
            CodeOrder::SignIn(user, code) => self.sign_in(ask, user, code),
            CodeOrder::SignOut => self.sign_out(ask),
            _ => Ok(None),
        };
        let changed = changed.and_then(|change| self.take_common(ask, ask.srtp, false).map(|()| change));
        let change = match changed {
            Ok(change) => change,
            Err(cause) => return ActorResponse::reply(self.judged(ask, Err(cause))),
        };
        let words = match &order {
            CodeOrder::ShowAddress => self.address_words(),
            order => order.done(),
        };
        let shown_for = if order == CodeOrder::ShowAddress { ADDRESS_SHOWN } else { Duration::ZERO };
        let users = self.users.clone();
        let signs_in = matches!(order, CodeOrder::SignIn(..));
        let done = async move {
            let words = match (change, users) {
                (None, _) => words,
                (Some(change), Some(users)) => match users.send(change).await {
                    Ok(Ok(user)) if signs_in => format!("Hello\r{}\r{}", user.display_name, user.username),
                    Ok(Ok(_)) => words,
                    Ok(Err(fault)) => return Err(Cause::of_status(500, fault.to_string())),
                    Err(_) => return Err(Cause::of_status(500, "the switch is busy")),
                },
                (Some(_), None) => return Err(Cause::of_status(500, "the switch is being started")),
            };
            let about = About { confirms: true, words, shown_for, ..About::default() };
            Ok(Granted { attempts: Vec::new(), credentials: None, about })
        };
        let ask = ask.clone();
        ActorResponse::r#async(done.into_actor(self).map(move |reply, me, _| me.judged(&ask, reply)))
    }

    fn sign_in(&mut self, ask: &Admit, user: &str, code: &Pii<String>) -> Result<Option<ChangeUser>, Cause> {
        let ipei = self.handset_of(ask).ok_or_else(only_native)?;
        let name = user.parse::<Username>().ok().filter(|name| self.accounts.contains_key(name));
        let name = name.or_else(|| self.numbers.get(user).cloned());
        let record = name.and_then(|name| self.accounts.get(&name)).filter(|record| record.enabled);
        let right = record.and_then(|record| record.access_code.as_ref()).map(|code| code.reveal());
        let (printed, now) = (ipei.to_string(), self.ports.clock.now());
        let judged = self.sign_ins.judge([&printed, user], (right, &code.0), now);
        if let Err(cause) = judged {
            warn!(ipei = %Pii(ipei), why = %cause.words, "nobody was signed in at a handset");
            return Err(cause);
        }
        let record = record.ok_or_else(|| Cause::of_status(403, "wrong number or code"))?;
        info!(user = %record.username, "a user signed in at a handset");
        Ok(Some(linked(record.username.clone(), printed)))
    }

    fn sign_out(&self, ask: &Admit) -> Result<Option<ChangeUser>, Cause> {
        self.handset_of(ask).ok_or_else(only_native)?;
        let user = ask.caller.user.clone().ok_or_else(|| Cause::of_status(403, "nobody is signed in"))?;
        info!(%user, "a user signed out at a handset");
        Ok(Some(linked(user, String::new())))
    }

    /// The name and address that a base station or an administrator reaches the switch by.
    fn address_words(&self) -> String {
        let hosts = &self.settings.own_hosts;
        let ips = || hosts.iter().filter_map(|host| if let Host::Ip(ip) = host { Some(*ip) } else { None });
        let ip = ips().find(|ip| !ip.is_loopback()).or_else(|| ips().next());
        let ip = ip.map_or_else(String::new, |ip| ip.to_string());
        format!("{}\r{ip}", self.settings.node)
    }
}

pub(super) fn only_native() -> Cause {
    Cause::of_status(403, "this code is for DECT handsets on native base stations")
}

/// A user's handset; an empty text is none.
fn linked(username: Username, ipei: String) -> ChangeUser {
    let fields = UserChange { ipei: Some(ipei), ..UserChange::default() };
    ChangeUser { username, fields, if_revision: None, dry_run: false }
}
