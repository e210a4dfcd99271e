//! The calls of the switch that a handset's call on the air serves.
//!
//! ```text
//!  call Y ──► its own leg ──OfferCall──► handset: has a call ──Occupied──► its own leg
//!             its own leg ──Knock──► the leg of that call: one more line. Y's orders pass through.
//! ```

use kirkwall_core::call::cause::Cause;

use super::*;

/// Most orders of a call that wait until its line has found its place.
const MOST_MOVING: usize = 16;

/// A line's call, and the leg that it is there.
pub(super) struct Place {
    pub call: Addr<Call>,
    pub leg: LegNo,
    pub reference: CallRef,
    /// The base station whose channel the call holds for this line.
    pub base: Option<BaseStationId>,
    /// Who passes on the orders of the call.
    pub proxy: Option<Addr<NativeLeg>>,
}

impl NativeLeg {
    /// To the call of a line. When a line that holds the channel goes and another stays, the channel is the
    /// other's.
    pub(super) fn report(&mut self, line: LineNo, news: LegNews) {
        if news != LegNews::Closed {
            if let Some(place) = self.lines.get(&line) {
                place.call.do_send(LegSaid { leg: place.leg, news });
            }
            return;
        }
        if self.machine.is_on_air() {
            self.pass_channel(line);
        }
        let Some(place) = self.lines.remove(&line) else { return };
        place.call.do_send(LegSaid { leg: place.leg, news });
        if let Some(proxy) = place.proxy {
            proxy.do_send(LineClosed);
        }
    }

    fn pass_channel(&mut self, from: LineNo) {
        let Some(place) = self.lines.get(&from) else { return };
        let other = self.lines.iter().find(|(line, _)| **line != from);
        let Some((_, other)) = other.filter(|_| self.held.as_ref().is_some_and(|h| h.0 == place.reference))
        else {
            return;
        };
        // A call that waited has taken its own.
        if let Some(base) = &other.base {
            self.held = Some((other.reference, base.clone()));
        } else if let Some((_, base)) = &self.held {
            let (from, to, base) = (place.reference, other.reference, base.clone());
            self.seed.supervisor.do_send(PassBase { from, to, base: base.clone() });
            self.held = Some((to, base));
        }
    }
}

/// The call that a line was begun for stands.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Join {
    /// The call.
    pub call: Addr<Call>,
    /// Its name.
    pub reference: CallRef,
    /// The line, which is its caller.
    pub line: LineNo,
}

impl Handler<Join> for NativeLeg {
    type Result = ();

    fn handle(&mut self, Join { call, reference, line }: Join, ctx: &mut Self::Context) {
        let leg = LegNo::CALLER;
        self.lines.insert(line, Place { call, leg, reference, base: None, proxy: None });
        if line == LineNo::FIRST {
            self.held = self.asked.take().map(|asked| (reference, asked.at.connection.base));
        }
        self.step(Input::Joined(line, leg.owner(reference)), ctx);
    }
}

/// There will be no call for a line that was begun.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TurnedAway(pub LineNo, pub Cause);

impl Handler<TurnedAway> for NativeLeg {
    type Result = ();

    fn handle(&mut self, TurnedAway(line, cause): TurnedAway, ctx: &mut Self::Context) {
        self.step(Input::Order(line, LegOrder::Reject { cause }), ctx);
    }
}

/// The order of a line's call.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ObeyOn(pub LineNo, pub LegOrder);

impl Handler<ObeyOn> for NativeLeg {
    type Result = ();

    fn handle(&mut self, ObeyOn(line, order): ObeyOn, ctx: &mut Self::Context) {
        match (&self.elsewhere, &mut self.moving) {
            (Some((leg, line)), _) => leg.do_send(ObeyOn(*line, order)),
            (None, Some(moving)) if moving.len() < MOST_MOVING => moving.push(order),
            (None, Some(_)) => {}
            (None, None) => self.step(Input::Order(line, order), ctx),
        }
    }
}

/// From now on a line is a leg of another call.
#[derive(Message)]
#[rtype(result = "()")]
pub struct GoOver {
    /// The line.
    pub line: LineNo,
    /// The call.
    pub call: Addr<Call>,
    /// Its name.
    pub reference: CallRef,
    /// The leg that the line is there.
    pub leg: LegNo,
}

impl Handler<GoOver> for NativeLeg {
    type Result = ();

    fn handle(&mut self, over: GoOver, _: &mut Self::Context) {
        if let Some((leg, line)) = &self.elsewhere {
            return leg.do_send(GoOver { line: *line, ..over });
        }
        let GoOver { line, call, reference, leg } = over;
        let Some(place) = self.lines.get_mut(&line) else { return };
        if let Some(held) = self.held.as_mut().filter(|held| held.0 == place.reference) {
            held.0 = reference;
        }
        (place.call, place.reference, place.leg) = (call, reference, leg);
    }
}

/// The handset is in a call, which that leg has.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Occupied(pub Addr<NativeLeg>);

impl Handler<Occupied> for NativeLeg {
    type Result = ();

    fn handle(&mut self, Occupied(by): Occupied, ctx: &mut Self::Context) {
        let Start::Offered(called) = std::mem::replace(&mut self.start, Start::Done) else {
            // It wanted to ring once more, with a call that was held.
            let (reason, by) = (ReleaseReason::BUSY, Ender::Switch);
            return self.step(Input::Heard(CallNews::Ended { reason, by }), ctx);
        };
        self.moving = Some(Vec::new());
        if let Some(place) = self.lines.remove(&LineNo::FIRST) {
            by.do_send(Knock { called, place: Some(place), from: ctx.address() });
        }
    }
}

/// One more call is for the handset.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Knock {
    called: Box<Called>,
    place: Option<Place>,
    from: Addr<NativeLeg>,
}

impl Handler<Knock> for NativeLeg {
    type Result = ();

    fn handle(&mut self, mut knock: Knock, ctx: &mut Self::Context) {
        let (Some(place), line) = (knock.place.take(), self.machine.next_line()) else { return };
        knock.from.do_send(PassOn(ctx.address(), line));
        self.lines.insert(line, Place { proxy: Some(knock.from.clone()), ..place });
        self.step(Input::Knocks(line, knock.called.clone()), ctx);
    }
}

impl Drop for Knock {
    /// The leg that it was for had gone: the handset is not to be had now.
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let cause = Cause { status: 486, q850: 17, words: "the handset is busy".to_owned() };
            let refused = LegNews::Refused { cause, contacts: Vec::new(), route_failed: false };
            for news in [refused, LegNews::Closed] {
                place.call.do_send(LegSaid { leg: place.leg, news });
            }
            self.from.do_send(LineClosed);
        }
    }
}

/// Orders for the line go there.
#[derive(Message)]
#[rtype(result = "()")]
struct PassOn(Addr<NativeLeg>, LineNo);

impl Handler<PassOn> for NativeLeg {
    type Result = ();

    fn handle(&mut self, PassOn(leg, line): PassOn, _: &mut Self::Context) {
        for order in self.moving.take().into_iter().flatten() {
            leg.do_send(ObeyOn(line, order));
        }
        self.elsewhere = Some((leg, line));
    }
}

/// The line whose orders it passes on is closed.
#[derive(Message)]
#[rtype(result = "()")]
struct LineClosed;

impl Handler<LineClosed> for NativeLeg {
    type Result = ();

    fn handle(&mut self, _: LineClosed, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
