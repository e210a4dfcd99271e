//! What the user of a native handset may look through by keypad and display.

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::log::LogEntry;
use kirkwall_core::call::menu::{Catalogue, MOST_CALLS};
use kirkwall_core::dect::identity::Ipui;

use super::Supervisor;

/// Who has this handset wants to look something up: the phone book as it is, and the user's own calls. Nobody's
/// handset shows neither, since the phone book is the company's.
#[derive(Debug, Message)]
#[rtype(result = "Result<Box<Catalogue>, Cause>")]
pub struct OpenCatalogue(pub Ipui);

impl Handler<OpenCatalogue> for Supervisor {
    type Result = Result<Box<Catalogue>, Cause>;

    fn handle(&mut self, OpenCatalogue(ipui): OpenCatalogue, _: &mut Self::Context) -> Self::Result {
        let user = ipui.ipei().and_then(|ipei| self.user_of(ipei)).filter(|record| record.enabled);
        let user = user.ok_or_else(|| Cause::of_status(403, "the handset is linked to no user"))?;
        let calls = self.log_of(&user.username).rev().flatten().map(|kept| self.named_call(kept.entry));
        Ok(Box::new(Catalogue::new(self.names.book.now(), calls.take(MOST_CALLS))))
    }
}

impl Supervisor {
    /// With the name of the phone book, where the call brought none.
    fn named_call(&self, call: LogEntry) -> LogEntry {
        match call.name.is_empty() && call.uri.is_none() {
            true => LogEntry { name: self.name_of(&call.number), ..call },
            false => call,
        }
    }
}
