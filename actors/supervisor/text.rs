//! Texts: who sends them, and where their recipients are.

use actix::prelude::*;
use kirkwall_core::call::About;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dialling::NumberClass;
use kirkwall_core::call::route::{Ask, InternalRouting, Map, Way, way};
use kirkwall_core::call::text::Sender;
use kirkwall_core::call::text::post::Found;
use kirkwall_core::call::text::request::{ACCEPT, TextWay};
use kirkwall_core::dect::identity::Ipei;
use kirkwall_core::id::{OwnerId, Username};
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::wire::{HeaderName, Message as SipMessage, Uri};
use kirkwall_core::sip::{Destination, Facing, Peer};
use metrics::counter;
use tracing::warn;

use super::books::Books;
use super::{Admit, AdmitReply, Granted, Supervisor};
use crate::dialog::local_end_to;
use crate::post::{AlertDesk, ConfirmLast, HearNative, HearText, OWNER_OF_POST, Post, Reached};

/// Who carries texts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct MeetPost(pub Addr<Post>);

/// Where is this, for a text of that sender?
#[derive(Debug, Message)]
#[rtype(result = "Found")]
pub struct FindText {
    /// Username, number or URI.
    pub address: String,
    /// By whose rights and line it may leave.
    pub sender: Sender,
}

/// A MESSAGE is answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AnswerText {
    /// The request.
    pub request: SipMessage,
    /// Where it came from.
    pub peer: Peer,
    /// With what.
    pub status: u16,
}

/// The names of all users that are enabled.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Username>")]
pub struct AllUsers;

/// The display name of a user; none: there is no such user.
#[derive(Debug, Message)]
#[rtype(result = "Option<String>")]
pub struct NameOf(pub Username);

impl Handler<MeetPost> for Supervisor {
    type Result = ();

    fn handle(&mut self, MeetPost(post): MeetPost, _: &mut Self::Context) {
        self.post = Some(post);
    }
}

impl Handler<AllUsers> for Supervisor {
    type Result = Vec<Username>;

    fn handle(&mut self, _: AllUsers, _: &mut Self::Context) -> Self::Result {
        let enabled = self.accounts.values().filter(|record| record.enabled);
        let mut users: Vec<_> = enabled.map(|record| record.username.clone()).collect();
        users.sort();
        users
    }
}

impl Handler<NameOf> for Supervisor {
    type Result = Option<String>;

    fn handle(&mut self, NameOf(user): NameOf, _: &mut Self::Context) -> Self::Result {
        self.accounts.get(&user).map(|record| record.display_name.clone())
    }
}

impl Handler<AnswerText> for Supervisor {
    type Result = ();

    fn handle(&mut self, AnswerText { request, peer, status }: AnswerText, _: &mut Self::Context) {
        let phrase = kirkwall_core::call::cause::reason_phrase(status);
        let tag = self.door.to_tag(&request);
        let mut answer = SipMessage::response(&request, status, phrase, Some(&tag));
        if status == 415 {
            // RFC 3261 §21.4.13: "The server MUST return a list of acceptable formats using the Accept".
            answer.headers.push(HeaderName::Accept, ACCEPT);
        }
        self.answer_to(&request, answer, &peer);
    }
}

impl Supervisor {
    /// A MESSAGE outside a dialog. From the south its sender proves who that is; from the north it must be one
    /// of our proxies.
    pub(super) fn text(&mut self, request: SipMessage, peer: Peer) {
        let Some(post) = self.post.clone() else { return self.refuse(&request, &peer, 503) };
        let sender = match peer.facing {
            Facing::South => match self.authentic(&request, &peer) {
                Some(user) => self.user_sender(user),
                None => return,
            },
            Facing::North if self.trusts(&peer) => self.outside_sender(&request),
            Facing::North => {
                warn!(source = %peer.remote.ip(), "a text from somebody who is none of our proxies was refused");
                counter!("ipdect_sip_door_total", "verdict" => "reply", "why" => "untrusted").increment(1);
                return self.refuse(&request, &peer, 403);
            }
        };
        let Some(uri) = request.request_uri().filter(|uri| !uri.user_text().is_empty()) else {
            return self.refuse(&request, &peer, 404);
        };
        let ours = uri.host.as_ref().is_none_or(|host| Books(self).is_ours(host));
        let to = if ours { uri.user_text() } else { uri.aor() };
        // From the north only handsets are reached, so that nobody can send out through us.
        if peer.facing == Facing::North && self.user_named(&to).is_none() {
            return self.refuse(&request, &peer, 404);
        }
        counter!("ipdect_sip_requests_total", "method" => "MESSAGE", "direction" => "in").increment(1);
        post.do_send(HearText { request, peer, sender, to });
    }

    fn user_sender(&self, user: Username) -> Sender {
        let display = self.accounts.get(&user).map_or(String::new(), |record| record.display_name.clone());
        Sender { address: user.to_string(), display, user: Some(user) }
    }

    fn outside_sender(&self, request: &SipMessage) -> Sender {
        let party = self.outside_party(request);
        Sender { address: party.uri.unwrap_or(party.number), display: party.display, user: None }
    }

    fn user_named(&self, name: &str) -> Option<Username> {
        let named = name.parse::<Username>().ok().filter(|user| self.accounts.contains_key(user));
        named.or_else(|| Books(self).user_of_number(name))
    }

    /// A user's handset is there: what waits for it may go.
    pub(super) fn tell_post(&self, user: &Username) {
        if let Some(post) = &self.post {
            post.do_send(Reached(user.clone()));
        }
    }

    /// Whose a number in a branch is.
    pub(super) fn post_of(&self, owner: OwnerId) -> Option<&Addr<Post>> {
        self.post.as_ref().filter(|_| owner == OWNER_OF_POST)
    }

    /// The desk is told of a call for help, by whom and from where.
    pub(super) fn alert_desk(&self, ask: &Admit) {
        let Some(post) = &self.post else { return };
        let name = match ask.caller.display.is_empty() {
            true => ask.caller.number.clone(),
            false => format!("{} ({})", ask.caller.display, ask.caller.number),
        };
        let place = self.place_in_words(ask.caller.base.as_ref());
        let text = format!("EMERGENCY CALL to {} by {name}: {place}", ask.dialled.user_text());
        post.do_send(AlertDesk { text });
    }
}

impl Handler<FindText> for Supervisor {
    type Result = MessageResult<FindText>;

    fn handle(&mut self, FindText { address, sender }: FindText, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.find_text(&address, &sender))
    }
}

/// The user of this handset wrote a text. Whether it is kept.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct NativeText {
    /// Whose handset.
    pub ipei: Ipei,
    /// To whom: username, number or URI.
    pub to: Pii<String>,
    /// What.
    pub text: Pii<String>,
}

impl Handler<NativeText> for Supervisor {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, NativeText { ipei, to, text }: NativeText, _: &mut Self::Context) -> Self::Result {
        let user = self.user_of(ipei).filter(|record| record.enabled).map(|record| record.username.clone());
        let (Some(user), Some(post)) = (user, self.post.clone()) else {
            return Box::pin(std::future::ready(false));
        };
        let sender = self.user_sender(user);
        Box::pin(async move { post.send(HearNative { sender, to: to.0, text }).await.unwrap_or(false) })
    }
}

impl Supervisor {
    /// Inside first, whatever calls do: a text waits here for a handset that is away. To the north by the line and
    /// the rights of its sender.
    fn find_text(&self, address: &str, sender: &Sender) -> Found {
        let text = if address.contains(':') { address.to_owned() } else { self.aor(address) };
        let Some(uri) = Uri::parse(&text.as_str().into()) else {
            return Found::Nowhere("this is no address".into());
        };
        let ours = uri.host.as_ref().is_none_or(|host| Books(self).is_ours(host));
        if let Some(user) = self.user_named(&uri.user_text()).filter(|_| ours) {
            return self.handsets_for_text(&user, sender);
        }
        let Some(by) = &sender.user else {
            return Found::Nowhere("there is no such user, and only a user's text goes to the north".into());
        };
        let dialled =
            Ask::Dialled { facing: Facing::South, caller: Some(by), uri: &uri, trail: &[], callback: false };
        let routed = way(dialled, &self.settings.dialling, InternalRouting::First, &Books(self));
        if routed.class == NumberClass::Emergency {
            return Found::Nowhere("an emergency number takes calls, not texts".into());
        }
        match routed.way {
            Way::Handset(user) => self.handsets_for_text(&user, sender),
            Way::North { line, number } => self.north_for_text(&line, number, &uri, sender),
            Way::Refuse(cause) if cause.status == 503 => Found::NotNow(cause.words),
            Way::Refuse(cause) => Found::Nowhere(cause.words),
            Way::Code(_) => Found::Nowhere("a feature code takes no texts".into()),
            Way::Room(_) | Way::NewRoom => Found::Nowhere("a conference takes no texts".into()),
        }
    }

    fn handsets_for_text(&self, user: &Username, sender: &Sender) -> Found {
        if !self.accounts.get(user).is_some_and(|record| record.enabled) {
            return Found::Nowhere("the user is disabled".into());
        }
        let (native, sip): (Vec<_>, Vec<_>) =
            self.places(user).into_iter().partition(|place| place.native.is_some());
        let ways = sip.into_iter().map(|place| TextWay {
            request_uri: place.contact,
            to_uri: self.aor(user.as_str()),
            ..self.text_way(place.destination, sender)
        });
        Found::Handsets {
            user: user.clone(),
            ways: ways.collect(),
            native: native.into_iter().filter_map(|place| place.native).collect(),
        }
    }

    fn north_for_text(&self, line: &Username, number: Option<String>, uri: &Uri, sender: &Sender) -> Found {
        let way = self.lines.get(line).and_then(|entry| entry.state.way.clone());
        let Some(up) = way else {
            return Found::NotNow("the line is not registered at the registrar".into());
        };
        let to = number.map_or_else(|| uri.raw.to_string(), |number| self.aor(&number));
        Found::North(Box::new(TextWay {
            request_uri: to.clone(),
            to_uri: to,
            from_uri: self.aor(line.as_str()),
            route: up.service_route,
            line: self.settings.speaks_lync().then(|| line.clone()),
            credentials: self.credentials(line),
            ..self.text_way(up.destination, sender)
        }))
    }

    fn text_way(&self, destination: Destination, sender: &Sender) -> TextWay {
        let from = &sender.address;
        let local = local_end_to(&self.ports, &self.settings, &destination, "");
        TextWay {
            request_uri: String::new(),
            from_uri: if from.contains(':') { from.clone() } else { self.aor(from) },
            from_display: sender.display.clone(),
            to_uri: String::new(),
            destination,
            route: Vec::new(),
            sent_by: local.sent_by,
            product: self.settings.user_agent.clone(),
            line: None,
            credentials: None,
        }
    }
}

impl Supervisor {
    /// A code that answers for the alarm that its user got last. Who got none hears that by a refusal.
    pub(super) fn confirm_alarm(&mut self, ask: &Admit, user: Username) -> ActorResponse<Self, AdmitReply> {
        let none = || Cause::of_status(404, "no alarm waits for you");
        let Some(post) = self.post.clone() else {
            return ActorResponse::reply(self.judged(ask, Err(none())));
        };
        if let Err(cause) = self.take_common(ask, ask.srtp, false) {
            return ActorResponse::reply(self.judged(ask, Err(cause)));
        }
        let about = About { confirms: true, ..About::default() };
        let (asked, ask) = (post.send(ConfirmLast(user)).into_actor(self), ask.clone());
        ActorResponse::r#async(asked.map(move |known, me, _| {
            let granted = Granted { attempts: Vec::new(), credentials: None, about };
            let reply = if known.unwrap_or(false) { Ok(granted) } else { Err(none()) };
            me.judged(&ask, reply)
        }))
    }
}
