//! Calls that the switch makes by itself: the leg that stands where a caller's telephone would.

use kirkwall_core::call::LegOrder;
use kirkwall_core::call::house::{
    HouseFate, HouseInput, HouseKind, HouseLeg as House, HouseOutput, HouseWish,
};

use super::*;

/// Who wants to know how a call of the house went.
pub type HouseTold = Box<dyn FnOnce(HouseFate) + Send>;

/// What a call actor is made from when the switch itself calls.
pub struct HouseSeed {
    /// What is known of the call.
    pub new: NewCall,
    /// Who is called, as a URI.
    pub dialled: Uri,
    /// What becomes of whoever answers.
    pub wish: HouseWish,
    /// For whose sake.
    pub kind: HouseKind,
    /// Who wants to know how it went.
    pub told: HouseTold,
    /// Who routes and gives channels.
    pub supervisor: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// Settings of the node.
    pub settings: Settings,
    /// Its own words.
    pub tokens: Tokens,
}

/// Gives the pure leg a mailbox, a clock and a voice. Decides nothing itself.
pub(super) struct HouseLeg {
    machine: House,
    call: Addr<Call>,
    told: Option<HouseTold>,
    ports: Ports,
    alarm: Option<SpawnHandle>,
}

impl Call {
    /// A call of the switch itself.
    pub fn house(seed: HouseSeed) -> Self {
        let HouseSeed { new, dialled, wish, kind, told, supervisor, ports, settings, mut tokens } = seed;
        let facing = new.facing;
        let machine = core::Call::new(new, tokens.split(), ports.clock.now()).by_house(kind);
        let mut call = Self::around(machine, facing, supervisor, ports, settings, tokens);
        call.dialled = Some(dialled);
        call.beginning = Beginning::House(wish, told);
        call
    }

    pub(super) fn begun_by_house(&mut self, wish: HouseWish, told: HouseTold, ctx: &mut Context<Self>) {
        let (machine, call, ports) = (House::new(wish), ctx.address(), self.ports.clone());
        let leg = HouseLeg { machine, call, told: Some(told), ports, alarm: None }.start();
        self.legs.insert(LegNo::CALLER, LegAddr::House(leg));
        self.step(Input::Started, ctx);
    }
}

impl HouseLeg {
    fn step(&mut self, input: HouseInput, ctx: &mut Context<Self>) {
        let Ok(Ready { then, .. }) = self.machine.handle(input, self.ports.clock.now());
        for output in then {
            match output {
                HouseOutput::News(news) => {
                    let closed = news == LegNews::Closed;
                    self.call.do_send(LegSaid { leg: LegNo::CALLER, news });
                    if closed {
                        ctx.stop();
                    }
                }
                HouseOutput::Told(fate) => {
                    if let Some(told) = self.told.take() {
                        told(fate);
                    }
                }
            }
        }
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(HouseInput::Deadline, ctx))
        });
    }
}

impl Actor for HouseLeg {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(64);
        self.step(HouseInput::Started, ctx);
    }
}

impl Drop for HouseLeg {
    /// Whoever wants to know is told, also when the call died.
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told(HouseFate::Failed(500));
        }
    }
}

/// The call's order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ObeyHouse(pub LegOrder);

impl Handler<ObeyHouse> for HouseLeg {
    type Result = ();

    fn handle(&mut self, ObeyHouse(order): ObeyHouse, ctx: &mut Self::Context) {
        self.step(HouseInput::Order(order), ctx);
    }
}
