//! A call without a wire: with a conference of the same process, at whose table the phone's user sits in person.

use tokio::time::{Instant, sleep_until};

use super::live::Key;
use super::{
    Behaviour, CallReport, Direction, Ended, LONGEST_CALL, LONGEST_RINGING, LiveCall, Outcome, Phone,
    Progress,
};
use crate::media::stream::Ears;
use crate::sip::endpoint::locked;

impl Phone {
    /// A call with `peer`, heard with these ears. Placed: it stands at once. Served: it rings, and is taken as the
    /// phone's behaviour and user want. It ends when its user, or whoever holds the call, hangs up.
    pub(crate) fn attend(&self, direction: Direction, peer: &str, ears: Ears) -> LiveCall {
        let live = self.begin(direction, peer);
        live.hear_with(Some(ears.clone()));
        let (phone, call) = (self.clone(), live.clone());
        self.0.endpoint.spawn(async move { phone.sit(direction, &call, &ears).await });
        live
    }

    async fn sit(&self, direction: Direction, live: &LiveCall, ears: &Ears) {
        let mut report = CallReport::new(direction, live.peer().to_owned(), String::new());
        let (line, begun) = (self.take_line(), Instant::now());
        report.outcome = match direction {
            _ if line.is_none() => Outcome::Refused { code: 486 },
            Direction::Placed => Outcome::Answered,
            Direction::Served => self.taken(live).await,
        };
        if report.outcome == Outcome::Answered {
            report.answered_after = Some(begun.elapsed());
            live.stands(Progress::Talking);
            let since = Instant::now();
            let stop = self.0.endpoint.stop_token();
            tokio::select! {
                _ = live.pressed(|key| key == Key::HangUp) => {}
                () = sleep_until(since + LONGEST_CALL) => {}
                () = stop.cancelled() => {}
            }
            (report.talked, report.ended) = (Some(since.elapsed()), Some(Ended::Here));
            report.heard = Some(ears.whole());
        }
        live.stands(Progress::Ended(Box::new(report)));
    }

    /// It rings until somebody takes it, or will not.
    async fn taken(&self, live: &LiveCall) -> Outcome {
        live.stands(Progress::Ringing);
        let behaviour = locked(&self.0.behaviour).clone();
        let (after, then) = match behaviour {
            Behaviour::Answer { after, .. } | Behaviour::EarlyMedia { after, .. } => {
                (after, Outcome::Answered)
            }
            Behaviour::NoAnswer => (LONGEST_RINGING, Outcome::Refused { code: 480 }),
            Behaviour::Redirect(_) => return Outcome::Refused { code: 302 },
            Behaviour::Refuse(code) => return Outcome::Refused { code },
            Behaviour::LacksBandwidth { .. } => return Outcome::Refused { code: 488 },
        };
        let stop = self.0.endpoint.stop_token();
        tokio::select! {
            key = live.pressed(|_| true) => match key {
                Key::Answer => Outcome::Answered,
                Key::Refuse(code) => Outcome::Refused { code },
                Key::HangUp => Outcome::Cancelled,
            },
            () = sleep_until(Instant::now() + after) => then,
            () = stop.cancelled() => Outcome::Cancelled,
        }
    }
}
