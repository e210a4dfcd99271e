//! Settings that change while the switch runs: calls take a copy of the settings when they begin.

use actix::prelude::*;

use super::Supervisor;
use crate::run_time::PutInForce;

impl Handler<PutInForce> for Supervisor {
    type Result = ();

    fn handle(&mut self, PutInForce { setting, on }: PutInForce, _: &mut Self::Context) {
        self.settings.switch(setting, on);
    }
}
