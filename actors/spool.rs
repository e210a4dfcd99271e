//! The spool reader: does for the command line what it asks of a running switch.
//!
//! `kirkwall token create` and `kirkwall users import` find the store locked and leave a sealed request in
//! the data directory; once a second it is taken, carried out by the actors in charge, and answered.

use std::time::Duration;

use actix::prelude::*;
use kirkwall_data::Journal;
use kirkwall_data::request::{Outcome, Request};
use kirkwall_data::spool::{Spool, SpoolFault, Ticket};
use tracing::{error, info};

use crate::access::{Access, KeepToken};
use crate::users::{Import, Users};

const EVERY: Duration = Duration::from_secs(1);

/// Reads the spool. See the module.
pub struct SpoolReader {
    spool: Spool,
    users: Addr<Users>,
    access: Addr<Access>,
}

impl SpoolReader {
    /// Of the store's directory.
    pub fn new(journal: &Journal, users: Addr<Users>, access: Addr<Access>) -> Result<Self, SpoolFault> {
        Ok(Self { spool: Spool::of(journal)?, users, access })
    }

    fn read(&mut self, ctx: &mut Context<Self>) {
        for (ticket, request) in self.spool.take::<Request>() {
            let (users, access) = (self.users.clone(), self.access.clone());
            let done = carry_out(request, users, access).into_actor(self);
            ctx.spawn(done.map(move |outcome, me, _| me.answer(&ticket, &outcome)));
        }
    }

    fn answer(&mut self, ticket: &Ticket, outcome: &Outcome) {
        match self.spool.answer(ticket, outcome) {
            Ok(()) => info!("a request of the command line was carried out"),
            Err(fault) => error!(%fault, "a request of the command line could not be answered"),
        }
    }
}

async fn carry_out(request: Request, users: Addr<Users>, access: Addr<Access>) -> Outcome {
    let refused = |why: String| Outcome::Refused { why };
    match request {
        Request::CreateToken(record) => match access.send(KeepToken(record)).await {
            Ok(Ok(())) => Outcome::TokenCreated,
            Ok(Err(fault)) => refused(fault.to_string()),
            Err(error) => refused(error.to_string()),
        },
        Request::ImportUsers { csv } => {
            match users.send(Import { csv: csv.0.into_bytes(), dry_run: false }).await {
                Ok(Ok(summary)) => Outcome::UsersImported(summary),
                Ok(Err(fault)) => refused(fault.to_string()),
                Err(error) => refused(error.to_string()),
            }
        }
    }
}

impl Actor for SpoolReader {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.read(ctx);
        ctx.run_interval(EVERY, Self::read);
    }
}
