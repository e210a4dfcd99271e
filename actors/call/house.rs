//! Calls that the switch makes by itself: the leg that stands where a caller's telephone would.

use kirkwall_core::call::LegOrder;
use kirkwall_core::call::house::{HouseLeg as Machine, HouseOutput};

use super::*;

/// Who wants to know how a call of the house went.
pub type HouseTold = Box<dyn FnOnce(u16) + Send>;

/// What a call actor is made from when the switch itself calls.
pub struct HouseSeed {
    /// What is known of the call.
    pub new: NewCall,
    /// Who is called, as a URI.
    pub dialled: Uri,
    /// With whom he is connected, as a URI.
    pub connect: String,
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

/// Gives the pure leg a mailbox and a voice. Decides nothing itself.
pub(super) struct HouseLeg {
    machine: Machine,
    call: Addr<Call>,
    told: Option<HouseTold>,
}

impl Call {
    /// A call of the switch itself.
    pub fn house(seed: HouseSeed) -> Self {
        let HouseSeed { new, dialled, connect, told, supervisor, ports, settings, mut tokens } = seed;
        let facing = new.facing;
        let machine = core::Call::new(new, tokens.split(), ports.clock.now());
        let mut call = Self::around(machine, facing, supervisor, ports, settings, tokens);
        call.dialled = Some(dialled);
        call.beginning = Beginning::House(connect, told);
        call
    }

    pub(super) fn begun_by_house(&mut self, connect: String, told: HouseTold, ctx: &mut Context<Self>) {
        let (machine, call) = (Machine::new(connect), ctx.address());
        let leg = HouseLeg { machine, call, told: Some(told) }.start();
        self.legs.insert(LegNo::CALLER, LegAddr::House(leg));
        self.step(Input::Started, ctx);
    }
}

impl HouseLeg {
    fn perform(&mut self, then: Vec<HouseOutput>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                HouseOutput::News(news) => {
                    let closed = news == LegNews::Closed;
                    self.call.do_send(LegSaid { leg: LegNo::CALLER, news });
                    if closed {
                        ctx.stop();
                    }
                }
                HouseOutput::Told(status) => {
                    if let Some(told) = self.told.take() {
                        told(status);
                    }
                }
            }
        }
    }
}

impl Actor for HouseLeg {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(64);
        let then = self.machine.begin();
        self.perform(then, ctx);
    }
}

impl Drop for HouseLeg {
    /// Whoever wants to know is told, also when the call died.
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told(500);
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
        let then = self.machine.obey(order);
        self.perform(then, ctx);
    }
}
