//! Conferences of a Lync pool: the factory that makes them, the focus that keeps the roster, the mixer, and the
//! relay of texts ([MS-CONFPRO], [MS-CONFBAS], [MS-CONFAV], [MS-CONFIM]).
//!
//! ```text
//!  SERVICE addConference ─► factory ─► conference
//!  INVITE addUser, INFO ──► focus ───► roster ──► watchers: BENOTIFY conference-info
//!  INVITE with SDP ───────► mixer ◄─── INVITE with SDP, when the focus was asked to call somebody
//!                             ▲
//!                        far-end users of the lab sit at its table in person
//! ```
//!
//! Out of scope: video, application sharing, lobby, federation, PSTN dial-in by PIN. A conference is one front
//! end's, not its pool's.

mod c3p;
mod chat;
mod commands;
mod factory;
mod focus;
mod invite;
mod mcu;
mod meeting;
mod room;
mod roster;
mod uri;
mod watchers;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub use invite::Escalation;
pub use meeting::Meeting;
pub use roster::{Participant, Role, Status};

use super::super::FrontEnd;
use crate::sip::endpoint::locked;
use crate::sip::{Incoming, Message, ServerTransaction, address};
use c3p::Fault;
use room::Conference;
use uri::{Part, Target};

/// Most conferences of one front end.
const MOST: usize = 1_000;

/// The conferences of a front end, in the order in which they were made.
#[derive(Default)]
pub(super) struct Conferences {
    all: Mutex<HashMap<String, (u64, Arc<Conference>)>>,
    /// No more are made, as if the pool had reached its bound.
    full: AtomicBool,
}

impl Conferences {
    /// The conference of this organiser and id, unless its time is over.
    fn find(&self, organizer: &str, id: &str) -> Result<Arc<Conference>, Fault> {
        let found = locked(&self.all).get(&id.to_ascii_uppercase()).map(|(_, one)| one.clone());
        let found =
            found.filter(|one| one.organizer.eq_ignore_ascii_case(organizer)).ok_or(Fault::NoConference)?;
        if found.until() <= SystemTime::now() {
            self.end(&found);
        }
        if found.over.is_cancelled() { Err(Fault::NoConference) } else { Ok(found) }
    }

    fn add(&self, conference: Conference) -> Result<Arc<Conference>, Fault> {
        let mut all = locked(&self.all);
        all.retain(|_, (_, one)| !one.over.is_cancelled() && one.until() > SystemTime::now());
        let key = conference.id.to_ascii_uppercase();
        match all.len() {
            _ if all.contains_key(&key) => Err(Fault::ConferenceExists),
            MOST.. => Err(Fault::Full),
            _ if self.full.load(Ordering::Relaxed) => Err(Fault::Full),
            _ => {
                let number = all.values().map(|(number, _)| number + 1).max().unwrap_or(0);
                let conference = Arc::new(conference);
                all.insert(key, (number, conference.clone()));
                Ok(conference)
            }
        }
    }

    /// Refuses to make any from now on.
    fn fill(&self) {
        self.full.store(true, Ordering::Relaxed);
    }

    /// All that stand, the newest first.
    fn newest(&self) -> Vec<Arc<Conference>> {
        let mut all: Vec<_> = locked(&self.all).values().cloned().collect();
        all.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        all.into_iter().map(|(_, one)| one).filter(|one| !one.over.is_cancelled()).collect()
    }

    fn end(&self, conference: &Conference) {
        locked(&self.all).remove(&conference.id.to_ascii_uppercase());
        conference.end();
    }
}

impl FrontEnd {
    /// Takes what is for a conference; gives back everything else.
    pub(in crate::front_end) async fn take_for_conferences(&self, incoming: Incoming) -> Option<Incoming> {
        let served = self.0.lync.as_ref().is_some_and(|lync| lync.config.user_services);
        let Some(target) = Target::of(incoming.request.uri()).filter(|_| served) else {
            return Some(incoming);
        };
        let Incoming { request, hop, server } = incoming;
        // An ACK without a dialog has nobody to go to.
        let server = server?;
        let method = request.method().map(ToString::to_string).unwrap_or_default();
        let in_dialog = request.tag("To").is_some();
        match (method.as_str(), target) {
            ("SERVICE", Target::Factory(user)) => self.factory(&user, &request, &server).await,
            (method, Target::Part(part, organizer, id)) => {
                let conference = match self.conferences().find(&organizer, &id) {
                    Ok(conference) => conference,
                    Err(fault) => {
                        self.refuse(&server, fault).await;
                        return None;
                    }
                };
                let incoming = Incoming { request, hop, server: Some(server) };
                self.take_for(conference, part, method, in_dialog, incoming).await;
            }
            _ => server.send(server.reply(405, "Method Not Allowed")).await,
        }
        None
    }

    async fn take_for(
        &self,
        conference: Arc<Conference>,
        part: Part,
        method: &str,
        in_dialog: bool,
        incoming: Incoming,
    ) {
        match (method, part) {
            ("SUBSCRIBE", Part::Focus) => self.watch(&conference, incoming).await,
            (_, _) if in_dialog => {
                if let Some(server) = incoming.server {
                    server.send(server.reply(481, "Call/Transaction Does Not Exist")).await;
                }
            }
            ("INVITE", Part::Focus) => self.join(conference, incoming).await,
            ("INVITE", Part::AudioVideo) => self.dial_in(conference, incoming).await,
            ("INVITE", Part::Chat) => self.join_chat(conference, incoming).await,
            _ => {
                if let Some(server) = incoming.server {
                    server.send(server.reply(405, "Method Not Allowed")).await;
                }
            }
        }
    }

    fn conferences(&self) -> &Conferences {
        let lync = self.0.lync.as_ref();
        &lync.expect("only a Lync front end comes to its conferences").conferences
    }

    /// A refusal without a body, with the reason in ms-diagnostics.
    async fn refuse(&self, server: &ServerTransaction, fault: Fault) {
        let (code, reason) = fault.status();
        let refusal = self.diagnosed(server.reply(code, reason), fault);
        server.send(refusal).await;
    }

    fn diagnosed(&self, mut response: Message, fault: Fault) -> Message {
        let (id, words) = fault.diagnostics();
        if let Some(lync) = &self.0.lync {
            let (name, value) = lync.diagnostics(id, words);
            response.push(name, value);
        }
        response
    }
}

/// The address of record of who sends a request.
fn sender(request: &Message) -> String {
    let from = request.header("From").map_or("", address::uri);
    from.split(';').next().unwrap_or_default().to_owned()
}

/// A GUID as Lync writes the entity of an endpoint.
fn fresh_entity() -> String {
    let digits = format!("{:032X}", rand::random::<u128>());
    let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    format!("{{{a}-{b}-{c}-{d}-{e}}}")
}
