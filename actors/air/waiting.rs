//! Messages that wait for users, shown on their handsets: {FACILITY} with `<<EVENTS-NOTIFICATION>>`
//! (EN 300 175-5, 7.7.55), beside any call.
//!
//! A handset that is switched off hears it when it is located again. Nothing of it is on disk: whoever counts
//! the messages says so again after a restart.

use kirkwall_core::dect::element::{Event, Events};

use super::*;

/// So many messages wait for the user of this handset; none takes the sign away. A handset that is not
/// subscribed is not told.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct MessagesWait {
    /// Which handset.
    pub ipei: Ipei,
    /// New voice messages.
    pub count: u16,
}

impl Handler<MessagesWait> for Air {
    type Result = ();

    fn handle(&mut self, MessagesWait { ipei, count }: MessagesWait, _: &mut Self::Context) {
        let ipui = Ipui::N(ipei);
        if !self.directory.knows(&ipui) {
            return;
        }
        self.waiting.insert(ipui.clone(), count);
        if self.handsets.get(&ipui).is_some_and(|entry| entry.located.is_some()) {
            self.tell_waiting(&ipui);
        }
    }
}

impl Air {
    /// What was counted last goes to the handset.
    pub(super) fn tell_waiting(&mut self, ipui: &Ipui) {
        let (Some(count), Some(entry)) = (self.waiting.get(ipui), self.handsets.get(ipui)) else { return };
        entry.addr.do_send(Do(Order::Notify(Events(vec![Event::voice_messages(*count)]))));
    }
}
