//! A response group: a number that answers at once, and hunts its agents for whoever has called it.
//!
//! ```text
//!  caller ── INVITE ──► group: 200, and waits at a table of two
//!                         ├── INVITE ──► agent    From: who really calls
//!                         ├── INVITE ──► agent    P-Agent-On-Behalf-Of: the group
//!                         └── CANCEL ──► who was slower (Reason: SIP;cause=200)
//! ```
//!
//! The group stays between both, as with agents who are to be anonymous ([MS-SIPRE] 3.13). No capture of such a call
//! is public; which header names whom follows the headers' own definitions.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};

use crate::front_end::FrontEnd;
use crate::media::stream::Ears;
use crate::media::traits::KeyLines;
use crate::media::{Mixer, Protection, Seat, Traits};
use crate::phone::{
    Behaviour, CallReport, CallScript, Dial, Direction, LiveCall, Phone, PhoneConfig, Progress,
};
use crate::sip::endpoint::locked;
use crate::sip::{Failure, Incoming, address};

/// Most groups of one front end.
const MOST: usize = 1_000;
/// Most agents of one group.
const MOST_AGENTS: usize = 64;

/// See the module.
#[derive(Debug, Clone)]
pub struct ResponseGroup {
    /// User part of its address of record.
    pub name: String,
    /// What agents are shown of it.
    pub display_name: String,
    /// Users who take its calls.
    pub agents: Vec<String>,
    /// How they are hunted.
    pub hunting: Hunting,
}

/// The routing methods "Attendant" and "Serial".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hunting {
    /// All at once.
    All,
    /// One after the other, each for so long.
    OneByOne(Duration),
}

/// The groups of a front end.
pub(super) type Groups = Mutex<Vec<ResponseGroup>>;

/// A call with a group.
struct Caller {
    live: LiveCall,
    /// From of the calls to agents.
    identity: String,
    /// Who sits here in person keeps his seat by it.
    _seat: Option<Seat>,
}

impl FrontEnd {
    /// Adds a group, in place of one of its name.
    ///
    /// # Errors
    /// When this is no Lync front end, or there are too many groups or agents.
    pub fn add_response_group(&self, group: ResponseGroup) -> Result<(), Failure> {
        let unusable = || Failure::Unusable { field: "front end", text: "it is not of Lync".into() };
        let mut groups = locked(&self.0.lync.as_ref().ok_or_else(unusable)?.groups);
        if groups.len() >= MOST || group.agents.len() > MOST_AGENTS {
            return Err(Failure::Full("the list of response groups"));
        }
        groups.retain(|one| one.name != group.name);
        groups.push(group);
        Ok(())
    }

    /// The group of this name.
    pub(in crate::front_end) fn response_group(&self, name: &str) -> Option<ResponseGroup> {
        let groups = locked(&self.0.lync.as_ref()?.groups);
        groups.iter().find(|one| one.name == name).cloned()
    }

    /// A far-end user calls a group.
    pub(in crate::front_end) async fn call_group(&self, from: &Phone, group: ResponseGroup) -> CallReport {
        let (table, ears) = (Mixer::new(), Ears::default());
        let Some(seat) = table.sit_in_person(from.config().voice, ears.clone()) else {
            return from.no_call(&group.name, "its table is full");
        };
        let live = from.attend(Direction::Placed, &group.name, ears);
        let config = from.config();
        let identity = config.identity.clone().unwrap_or_else(|| format!("<{}>", config.aor()));
        let caller = Caller { live: live.clone(), identity, _seat: Some(seat) };
        self.0.endpoint.spawn(self.clone().hunt(group, table, caller));
        let mut progress = live.watch();
        let ended = progress.wait_for(|now| matches!(now, Progress::Ended(_))).await;
        match ended.as_deref() {
            Ok(Progress::Ended(report)) => (**report).clone(),
            _ => from.no_call(live.peer(), "nobody knows how it ended"),
        }
    }

    /// Takes an INVITE to a group; gives back everything else.
    pub(in crate::front_end) async fn take_for_groups(&self, mut incoming: Incoming) -> Option<Incoming> {
        let new = incoming.request.cseq_method() == "INVITE" && incoming.request.tag("To").is_none();
        let called = address::user(incoming.request.uri()).filter(|_| new);
        let Some(group) = called.and_then(|user| self.response_group(&user)) else { return Some(incoming) };
        let table = Mixer::new();
        let seat = table.sit()?;
        let own = format!("sip:{}@{}", group.name, self.domain());
        let config = PhoneConfig {
            contact: Some(format!("{own};opaque=app:rgs:lab;gruu")),
            ..self.at_table(&group.name, seat)
        };
        let at_once = Behaviour::Answer { after: Duration::ZERO, talk: None };
        let phone = Phone::new(self.0.endpoint.clone(), config, at_once);
        if let Some(route) = self.record_route(&incoming.hop) {
            incoming.request.push_front("Record-Route", route);
        }
        let from = incoming.request.header("From").unwrap_or_default();
        let identity = match address::display(from) {
            "" => format!("<{}>", address::uri(from)),
            name => format!("\"{name}\" <{}>", address::uri(from)),
        };
        phone.handle(incoming).await;
        let front_end = self.clone();
        self.0.endpoint.spawn(async move {
            let live = phone.newest_call().await;
            front_end.hunt(group, table, Caller { live, identity, _seat: None }).await;
        });
        None
    }

    fn at_table(&self, user: &str, seat: Seat) -> PhoneConfig {
        PhoneConfig {
            protection: Protection::Offered,
            traits: Traits { keys: KeyLines::Lync, ..Traits::default() },
            sound: Some(self.0.config.sound.unwrap_or(IpAddr::from([127, 0, 0, 1]))),
            seat: Some(seat),
            product: "RTCC/5.0.0.0 Response_Group_Service".to_owned(),
            ..PhoneConfig::new(user, self.domain())
        }
    }

    /// From the caller's INVITE to the end of both calls.
    async fn hunt(self, group: ResponseGroup, table: Mixer, caller: Caller) {
        let found = tokio::select! {
            found = self.agent_of(&group, &table, &caller.identity) => found,
            () = ended(&caller.live) => None,
        };
        if let Some(agent) = found {
            tokio::select! {
                () = ended(&agent) => {}
                () = ended(&caller.live) => agent.hang_up(),
            }
        }
        caller.live.hang_up();
    }

    /// The agent who has answered. The others' calls end, whoever stops to wait for them.
    async fn agent_of(&self, group: &ResponseGroup, table: &Mixer, identity: &str) -> Option<LiveCall> {
        match group.hunting {
            Hunting::All => {
                let all =
                    group.agents.iter().filter_map(|agent| self.alert(group, agent, table, identity, None));
                let mut rings: FuturesUnordered<_> = all.map(Ringing::answered).collect();
                loop {
                    if let Some(call) = rings.next().await? {
                        return Some(call);
                    }
                }
            }
            Hunting::OneByOne(each) => {
                for agent in &group.agents {
                    let ringing = self.alert(group, agent, table, identity, Some(each));
                    let Some(ringing) = ringing else { continue };
                    if let Some(call) = ringing.answered().await {
                        return Some(call);
                    }
                }
                None
            }
        }
    }

    /// Calls an agent for the group; none when he is not signed in.
    fn alert(
        &self,
        group: &ResponseGroup,
        agent: &str,
        table: &Mixer,
        identity: &str,
        each: Option<Duration>,
    ) -> Option<Ringing> {
        let binding = self.bindings(agent).into_iter().next()?;
        let own = format!("sip:{}@{}", group.name, self.domain());
        let behalf = format!("\"{}\" <{own}>", group.display_name);
        let headers = vec![
            ("P-Agent-On-Behalf-Of".to_owned(), behalf),
            ("history-info".to_owned(), format!("<{own}>;index=1")),
            ("Ms-Sensitivity".to_owned(), "normal".to_owned()),
        ];
        let config = PhoneConfig {
            identity: Some(identity.to_owned()),
            contact: Some(format!("{own};opaque=app:rgs:lab;gruu")),
            headers,
            conversations: true,
            ..self.at_table(&group.name, table.sit()?)
        };
        let phone = Phone::new(self.0.endpoint.clone(), config, Behaviour::BUSY);
        let to = Some(format!("sip:{agent}@{}", self.domain()));
        let dial = Dial { uri: binding.contact, to, hop: binding.hop };
        let script = CallScript { cancel_after: each, ..CallScript::default() };
        let caller = phone.clone();
        self.0.endpoint.spawn(async move { drop(caller.call(&dial, &script).await) });
        Some(Ringing { phone, waits: true })
    }
}

/// An agent's call that nobody has answered yet. Dropped, it is taken back: somebody else was quicker, or the caller
/// gave up.
struct Ringing {
    phone: Phone,
    waits: bool,
}

impl Ringing {
    /// The call, once it is answered; none when it ends before.
    async fn answered(mut self) -> Option<LiveCall> {
        let live = self.phone.newest_call().await;
        let mut progress = live.watch();
        let settled = |now: &Progress| matches!(now, Progress::Talking | Progress::Ended(_));
        let talks = progress.wait_for(settled).await.is_ok_and(|now| *now == Progress::Talking);
        self.waits = false;
        talks.then_some(live)
    }
}

impl Drop for Ringing {
    fn drop(&mut self) {
        if self.waits {
            self.phone.calls_since(0).iter().for_each(LiveCall::hang_up_answered_elsewhere);
        }
    }
}

async fn ended(call: &LiveCall) {
    // A call whose watch is gone is gone.
    let _ = call.watch().wait_for(|now| matches!(now, Progress::Ended(_))).await;
}
