//! What a call is told: by the supervisor, its legs, and administrators.

use super::*;

/// A message for one of its legs.
impl Handler<Hear> for Call {
    type Result = ();

    fn handle(&mut self, Hear { message, peer }: Hear, _: &mut Self::Context) {
        let tag = if message.is_request() { message.to_tag() } else { message.from_tag() };
        let leg = self.leg_of(tag, &message);
        self.record(leg, peer_name(&peer), true, message.clone());
        if let Some(dialog) = self.dialog(leg) {
            dialog.do_send(Hear { message, peer });
        }
    }
}

/// A message of ours could not be sent.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SendFailed(pub SipMessage);

impl Handler<SendFailed> for Call {
    type Result = ();

    fn handle(&mut self, SendFailed(message): SendFailed, _: &mut Self::Context) {
        // In what we send, our tag stands on the other side than in what we hear.
        let tag = if message.is_request() { message.from_tag() } else { message.to_tag() };
        let leg = self.leg_of(tag, &message);
        if let Some(dialog) = self.dialog(leg) {
            dialog.do_send(SendFailed(message));
        }
    }
}

/// Each leg knows by the Contact whether it is meant.
impl Handler<Moved> for Call {
    type Result = ();

    fn handle(&mut self, moved: Moved, _: &mut Self::Context) {
        for leg in self.legs.values() {
            if let LegAddr::Sip(dialog) = leg {
                dialog.do_send(moved.clone());
            }
        }
    }
}

/// One of the legs has sent a message: for the ladder.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Said {
    /// Which leg.
    pub leg: LegNo,
    /// The message.
    pub message: SipMessage,
    /// Where to.
    pub to: Destination,
}

impl Handler<Said> for Call {
    type Result = ();

    fn handle(&mut self, Said { leg, message, to }: Said, _: &mut Self::Context) {
        self.record(leg, format!("{} {}", to.transport, to.address), false, message);
    }
}

/// One of the legs has news.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LegSaid {
    /// Which leg.
    pub leg: LegNo,
    /// What.
    pub news: LegNews,
}

impl Handler<LegSaid> for Call {
    type Result = ();

    fn handle(&mut self, LegSaid { leg, news }: LegSaid, ctx: &mut Self::Context) {
        if self.lent.contains_key(&leg) {
            return self.pass_on(leg, news, ctx);
        }
        if news == LegNews::Closed {
            self.legs.remove(&leg);
        }
        self.tell_of_refusal(leg, &news);
        self.step(Input::Leg(leg, news), ctx);
    }
}

impl Handler<PairsChosen> for Call {
    type Result = ();

    fn handle(&mut self, PairsChosen { side, chosen }: PairsChosen, ctx: &mut Self::Context) {
        self.note_way_found(side);
        self.step(Input::IceSettled(side, chosen), ctx);
    }
}

impl Call {
    /// The leg that one of our tags means; a message without one is about the caller's INVITE.
    pub(super) fn leg_of(&self, tag: Option<Text>, message: &SipMessage) -> LegNo {
        match tag.and_then(|tag| OwnerId::in_word(&tag)) {
            Some(owner) => self.machine.leg_named(owner).unwrap_or(LegNo::of_owner(owner).1),
            None if self.joined.is_empty() => LegNo::CALLER,
            None => {
                let key = invite_key(message);
                let joined = self.joined.iter().find(|(known, _)| Some(known) == key.as_ref());
                joined.map_or(LegNo::CALLER, |(_, leg)| *leg)
            }
        }
    }

    pub(super) fn dialog(&self, leg: LegNo) -> Option<&Addr<Dialog>> {
        match self.legs.get(&leg).or_else(|| self.lent.get(&leg).map(|(_, addr)| addr))? {
            LegAddr::Sip(dialog) => Some(dialog),
            LegAddr::Native(..) | LegAddr::House(_) => None,
        }
    }

    /// The books of the base stations learn from it.
    fn tell_of_refusal(&self, leg: LegNo, news: &LegNews) {
        let LegNews::Refused { cause, .. } = news else { return };
        let Some(Target { base: Some((base, _)), party, .. }) = self.machine.dialled_to(leg) else {
            return;
        };
        let (call, cause) = (self.summary().reference, cause.clone());
        self.supervisor.do_send(HandsetRefused { call, base: base.clone(), user: party.user.clone(), cause });
    }
}

/// End it, for this reason.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HangUp(pub String);

impl Handler<HangUp> for Call {
    type Result = ();

    fn handle(&mut self, HangUp(words): HangUp, ctx: &mut Self::Context) {
        let cause = Cause { status: 480, q850: 31, words };
        self.step(Input::HangUp(cause), ctx);
    }
}

/// End it: an emergency call needs its channels.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Preempt;

impl Handler<Preempt> for Call {
    type Result = ();

    fn handle(&mut self, _: Preempt, ctx: &mut Self::Context) {
        self.step(Input::HangUp(Cause::preempted()), ctx);
    }
}

/// What was said so far.
#[derive(Debug, Message)]
#[rtype(result = "Ladder")]
pub struct ShowLadder;

impl Handler<ShowLadder> for Call {
    type Result = MessageResult<ShowLadder>;

    fn handle(&mut self, _: ShowLadder, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.ladder.clone())
    }
}

/// How the media fares.
#[derive(Debug, Message)]
#[rtype(result = "Vec<MediaView>")]
pub struct ShowMedia;

impl Handler<ShowMedia> for Call {
    type Result = ResponseFuture<Vec<MediaView>>;

    fn handle(&mut self, _: ShowMedia, _: &mut Self::Context) -> Self::Result {
        let channel = self.channel.clone();
        Box::pin(async move {
            match channel {
                Some(channel) => channel.send(Count).await.unwrap_or_default(),
                None => Vec::new(),
            }
        })
    }
}
