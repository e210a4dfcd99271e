//! Putting the other end on hold, and taking it back: re-INVITE with `a=inactive`, as Lync does
//! ([MS-SDPEXT] 3.1.5.23).

use std::time::Duration;

use ezk_sip_types::Method;
use tokio::time::{Instant, sleep_until};

use super::ALLOW;
use super::talk::Talk;
use crate::media::sdp::Audio;
use crate::sip::Message;

/// When to hold, and when to take back.
pub(super) struct Holds {
    due: Vec<(Instant, bool)>,
}

impl Holds {
    /// `plan`: after how long, and for how long.
    pub(super) fn new(plan: Option<(Duration, Duration)>, begun: Instant) -> Self {
        let due = plan.map(|(after, lasts)| vec![(begun + after + lasts, false), (begun + after, true)]);
        Self { due: due.unwrap_or_default() }
    }

    /// Waits for the next change: true to hold, false to take back. Never comes when there is none. Safe to
    /// drop between polls.
    pub(super) async fn next(&mut self) -> bool {
        let Some((at, inactive)) = self.due.last().copied() else { return std::future::pending().await };
        sleep_until(at).await;
        self.due.pop();
        inactive
    }
}

impl Talk<'_> {
    /// Offers the session anew: whether we send, and whether we listen. None when the offer was not taken;
    /// true when the other end hung up meanwhile.
    pub(super) async fn reoffer(&mut self, sends: bool, receives: bool) -> Option<bool> {
        let before = self.ours.clone();
        (self.ours.sends, self.ours.receives) = (sends, receives);
        self.version += 1;
        let mut invite = self.dialog.request(Method::INVITE);
        invite.push("Contact", self.phone.contact(&self.dialog.next_hop()).ok()?);
        invite.push("Allow", ALLOW);
        invite.push("User-Agent", &self.phone.0.config.product);
        invite.set_body("application/sdp", self.ours.body(self.version));
        let number = invite.cseq_number();
        let endpoint = self.phone.0.endpoint.clone();
        let mut transaction = endpoint.request(invite, &self.dialog.next_hop()).await.ok()?;
        let answer = loop {
            tokio::select! {
                response = transaction.next() => match response {
                    Some(response) if response.code() < Some(200) => {}
                    last => break last,
                },
                incoming = self.mailbox.recv() => if self.take(incoming?).await { return Some(true) },
            }
        };
        let Some(answer) = answer.filter(|answer| answer.code() < Some(300)) else {
            self.ours = before;
            return None;
        };
        let ack = self.dialog.ack(number);
        transaction.acknowledge(ack, &self.dialog.next_hop()).await.ok()?;
        self.take_answer(&answer, sends && receives);
        Some(false)
    }

    fn take_answer(&self, answer: &Message, speaks: bool) {
        let theirs = Audio::of(answer.header("Content-Type"), &answer.body);
        match (theirs, self.stream) {
            (_, Some(stream)) if !speaks => stream.speak_to(None),
            (Some(theirs), _) => self.phone.speak_to(self.stream, &theirs),
            (None, _) => {}
        }
    }
}
