//! The audio MCU: calls that come to its URI, calls that it makes, and people of the lab who sit at its table in
//! person ([MS-CONFAV] 3.2). Each call is a phone's of its own, whose mouth and ears are a seat.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::c3p::Fault;
use super::room::Conference;
use super::roster::{Role, Status};
use super::uri::Part;
use super::{FrontEnd, fresh_entity, sender};
use crate::media::stream::Ears;
use crate::media::traits::KeyLines;
use crate::media::{Protection, Seat, Traits};
use crate::phone::conversation::CONVERSATION;
use crate::phone::{Behaviour, CallScript, Dial, Direction, LiveCall, Phone, PhoneConfig, Progress};
use crate::sip::{Incoming, Message, address};

/// Somebody's session with the mixer.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) uri: String,
    pub(super) entity: String,
    pub(super) seat: Seat,
    /// Cancelled when it shall end.
    pub(super) away: CancellationToken,
}

/// Whom the mixer calls.
#[derive(Debug, Clone)]
pub(super) struct Callee {
    pub(super) uri: String,
    pub(super) name: String,
    /// Where he is called.
    pub(super) target: String,
    /// How who asked for it names the endpoint.
    pub(super) entity: Option<String>,
    /// The conversation that the call goes on.
    pub(super) conversation: Option<String>,
}

impl FrontEnd {
    /// An INVITE to the mixer. Who has not joined the focus is added by it ("The Focus also sends the addUser
    /// command to the conferencing server on the client's behalf").
    pub(super) async fn dial_in(&self, conference: Arc<Conference>, incoming: Incoming) {
        let Incoming { mut request, hop, server } = incoming;
        let Some(server) = server else { return };
        let uri = sender(&request);
        let role = match conference.admits(&uri) {
            Ok(role) => role,
            Err(fault) => return self.refuse(&server, fault).await,
        };
        if let Err((id, words)) = acceptable(&request) {
            let mut refusal = server.reply(488, "Not Acceptable Here");
            if let Some(lync) = &self.0.lync {
                let (name, value) = lync.diagnostics(id, words);
                refusal.push(name, value);
            }
            return server.send(refusal).await;
        }
        let Some((leg, phone)) = self.leg(&conference, &uri, None, Vec::new()) else {
            return self.refuse(&server, Fault::Full).await;
        };
        if let Some(route) = self.record_route(&hop) {
            request.push_front("Record-Route", route);
        }
        let name = address::display(request.header("From").unwrap_or_default()).to_owned();
        let who = Who { name, role };
        phone.handle(Incoming { request, hop, server: Some(server) }).await;
        let front_end = self.clone();
        self.0.endpoint.spawn(async move {
            let live = phone.newest_call().await;
            front_end.follow(conference, leg, who, live, None).await;
        });
    }

    /// Calls somebody; done when he has answered.
    pub(super) async fn call_for(self, conference: Arc<Conference>, callee: Callee) -> Result<(), Fault> {
        let role = conference.admits(&callee.uri)?;
        let user = address::user(&callee.target).unwrap_or_default();
        let (told, reached) = oneshot::channel();
        let who = Who { name: callee.name.clone(), role };
        match self.bindings(&user).first() {
            Some(binding) => {
                let conversation = callee.conversation.clone().map(|id| (CONVERSATION.to_owned(), id));
                let headers = conversation.into_iter().collect();
                let leg = self.leg(&conference, &callee.uri, callee.entity, headers);
                let (leg, phone) = leg.ok_or(Fault::Full)?;
                let to = Some(callee.target);
                let dial = Dial { uri: binding.contact.clone(), to, hop: binding.hop };
                conference.change(&leg.uri, |roster| {
                    let Leg { uri, entity, .. } = &leg;
                    roster.enter(uri, &who.name, role, Part::AudioVideo, entity, Status::DialingOut);
                });
                let front_end = self.clone();
                self.0.endpoint.spawn(async move {
                    let call = async { drop(phone.call(&dial, &CallScript::default()).await) };
                    let followed = async {
                        let live = phone.newest_call().await;
                        front_end.follow(conference, leg, who, live, Some(told)).await;
                    };
                    futures::join!(call, followed);
                });
            }
            None => {
                let phone = self.far_end(&user).ok_or(Fault::NoUser)?;
                self.seat_in_person(conference, &phone, &callee.uri, who, Direction::Served, Some(told))?;
            }
        }
        if reached.await == Ok(true) { Ok(()) } else { Err(Fault::NotAnswered) }
    }

    /// The same, told in C3P.
    pub(super) fn dial_out(
        &self,
        conference: Arc<Conference>,
        callee: Callee,
    ) -> impl Future<Output = Result<String, Fault>> + Send + use<> {
        let front_end = self.clone();
        async move {
            let uri = callee.uri.clone();
            front_end.call_for(conference, callee).await?;
            Ok(format!("<ci:user entity=\"{}\"/>", crate::front_end::lync::xml::escaped(&uri)))
        }
    }

    /// Somebody who lives in the lab comes to the table: at once, or when he answers.
    pub(super) fn seat_in_person(
        &self,
        conference: Arc<Conference>,
        phone: &Phone,
        uri: &str,
        who: Who,
        direction: Direction,
        told: Option<oneshot::Sender<bool>>,
    ) -> Result<(), Fault> {
        let ears = Ears::default();
        let seat = conference.mixer.sit_in_person(phone.config().voice, ears.clone()).ok_or(Fault::Full)?;
        // He is at the table when he has answered, not while it rings.
        seat.mute(true);
        let away = conference.over.child_token();
        let leg = Leg { uri: uri.to_owned(), entity: fresh_entity(), seat, away };
        conference.add_leg(leg.clone());
        match direction {
            Direction::Placed => conference.stands(&leg, &who, Status::Connected),
            Direction::Served => conference.change(uri, |roster| {
                roster.enter(uri, &who.name, who.role, Part::AudioVideo, &leg.entity, Status::DialingOut);
            }),
        }
        let live = phone.attend(direction, &conference.organizer, ears);
        let front_end = self.clone();
        self.0.endpoint.spawn(front_end.follow(conference, leg, who, live, told));
        Ok(())
    }

    /// A seat, and the phone that sits there.
    fn leg(
        &self,
        conference: &Arc<Conference>,
        uri: &str,
        entity: Option<String>,
        headers: Vec<(String, String)>,
    ) -> Option<(Leg, Phone)> {
        let seat = conference.mixer.sit()?;
        let away = conference.over.child_token();
        let entity = entity.unwrap_or_else(fresh_entity);
        let leg = Leg { uri: uri.to_owned(), entity, seat: seat.clone(), away };
        conference.add_leg(leg.clone());
        let own = conference.uri(Part::AudioVideo);
        let config = PhoneConfig {
            display_name: conference.description().0.subject,
            identity: Some(format!("<{own}>")),
            contact: Some(format!("<{own}>;isfocus")),
            // "AVMCU needs SRTP and accepts G.711."
            protection: Protection::Required,
            traits: self.mcu_traits(),
            sound: Some(self.mcu_address()),
            seat: Some(seat),
            headers,
            product: "RTCC/5.0.0.0 AV-MCU".to_owned(),
            ..PhoneConfig::new(&conference.organizer, &conference.domain)
        };
        let at_once = Behaviour::Answer { after: std::time::Duration::ZERO, talk: None };
        Some((leg, Phone::new(self.0.endpoint.clone(), config, at_once)))
    }

    fn mcu_traits(&self) -> Traits {
        let ice = self.0.lync.as_ref().map(|lync| lync.config.mcu_ice).unwrap_or_default();
        Traits { keys: KeyLines::Lync, ice, ..Traits::default() }
    }

    fn mcu_address(&self) -> IpAddr {
        let own = self.0.lync.as_ref().and_then(|lync| lync.config.mcu_address);
        own.or(self.0.config.sound).unwrap_or(IpAddr::from([127, 0, 0, 1]))
    }

    /// What happens to a call of the mixer shows in the roster.
    async fn follow(
        self,
        conference: Arc<Conference>,
        leg: Leg,
        who: Who,
        live: LiveCall,
        mut told: Option<oneshot::Sender<bool>>,
    ) {
        let mut progress = live.watch();
        let mut leaving = false;
        loop {
            let now = progress.borrow_and_update().clone();
            match now {
                Progress::Begun => {}
                Progress::Ringing => conference.stands(&leg, &who, Status::Alerting),
                Progress::Talking => {
                    conference.stands(&leg, &who, Status::Connected);
                    // Whoever asked may be gone.
                    let _ = told.take().map(|told| told.send(true));
                }
                Progress::Ended(_) => break,
            }
            tokio::select! {
                changed = progress.changed() => if changed.is_err() { break },
                () = leg.away.cancelled(), if !leaving => {
                    leaving = true;
                    live.hang_up();
                }
            }
        }
        leg.seat.leave();
        conference.remove_leg(&leg.entity);
        conference.gone(&leg);
    }
}

/// The mixer of Lync 2013 reads descriptions, one or several alternatives of it, with candidates of RFC 5245; else
/// 488 and this as ms-diagnostics, and clients try again in that form.
fn acceptable(request: &Message) -> Result<(), (u16, &'static str)> {
    let kind = request.header("Content-Type").unwrap_or_default().trim().to_ascii_lowercase();
    if !["application/sdp", "multipart/alternative"].iter().any(|known| kind.starts_with(known)) {
        return Err((7_004, "Only application/sdp content type is supported"));
    }
    let body = String::from_utf8_lossy(&request.body);
    match body.contains("a=candidate:") && !body.contains("a=ice-ufrag:") {
        true => Err((7_008, "Error parsing SDP")),
        false => Ok(()),
    }
}

/// How somebody shows in the roster.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) role: Role,
}

impl Conference {
    /// A leg has come so far.
    fn stands(&self, leg: &Leg, who: &Who, status: Status) {
        let known = self.look(|roster| {
            let one = roster.of(&leg.uri)?;
            let endpoint = one.endpoints.iter().find(|endpoint| endpoint.entity == leg.entity)?;
            Some((endpoint.status, endpoint.muted))
        });
        match (known, status) {
            // A call that comes in does not ring.
            (None, Status::Alerting | Status::DialingOut) => return,
            (Some((before, _)), now) if before == now => {}
            _ => self.change(&leg.uri, |roster| match roster.endpoint(&leg.uri, &leg.entity) {
                Some(endpoint) => endpoint.status = status,
                None => roster.enter(&leg.uri, &who.name, who.role, Part::AudioVideo, &leg.entity, status),
            }),
        }
        if status == Status::Connected {
            leg.seat.mute(known.is_some_and(|(_, muted)| muted));
        }
    }

    /// A leg has ended.
    fn gone(&self, leg: &Leg) {
        let known = self.look(|roster| {
            roster.of(&leg.uri).is_some_and(|one| one.endpoints.iter().any(|e| e.entity == leg.entity))
        });
        if known {
            self.change(&leg.uri, |roster| roster.leave(&leg.uri, &leg.entity));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_of_the_old_form_are_refused_unless_the_new_form_stands_beside_them() {
        let of = |kind: &str, body: &str| {
            let mut invite = Message::request(ezk_sip_types::Method::INVITE, "sip:b@x");
            invite.set_body(kind, body.to_owned());
            acceptable(&invite).map_err(|(id, _)| id)
        };
        let old = "m=audio 1 RTP/AVP 0\r\na=candidate:A3k4 1 3YB/ UDP 0.830 198.18.0.1 43252\r\n";
        let new = "m=audio 1 RTP/AVP 0\r\na=candidate:1 1 UDP 1 198.18.0.1 1 typ host \r\na=ice-ufrag:x\r\n";
        assert_eq!(of("application/sdp", old), Err(7_008));
        assert_eq!(of("application/sdp", new), Ok(()));
        assert_eq!(of("application/sdp; charset=utf-8", "m=audio 1 RTP/AVP 0\r\n"), Ok(()));
        assert_eq!(of("multipart/alternative;boundary=x", &format!("{old}{new}")), Ok(()));
        assert_eq!(of("multipart/mixed;boundary=x", new), Err(7_004));
    }
}
