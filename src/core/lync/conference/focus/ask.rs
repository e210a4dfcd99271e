//! What the focus is asked for in its dialog, and what it answers, at once or later.

use super::*;

/// Most commands that wait for their answers.
const MOST_ASKED: usize = 64;

impl Focus {
    /// Asks the focus for something, in its dialog.
    pub(super) fn ask(
        &mut self,
        command: &Command<'_>,
        about: Option<String>,
        now: Moment,
    ) -> Result<Then, FocusRefusal> {
        if self.state != State::In {
            return Err(FocusRefusal::NotIn);
        }
        if self.asked.len() >= MOST_ASKED {
            return Err(FocusRefusal::Busy);
        }
        let focus = self.focus.clone();
        let (number, body) = self.request(&focus, command);
        self.asked.insert(number, about);
        let body = Some(Body { content_type: c3p::CONTENT_TYPE.into(), bytes: body.into() });
        let info = invite::LegOrder::Request { number, method: Method::Info, headers: Vec::new(), body };
        Ok(self.leg(LegInput::Order(info), now))
    }

    pub(super) fn dial_out(&mut self, callee: Callee, now: Moment) -> Result<Then, FocusRefusal> {
        let id = hex(&mut self.tokens);
        let (a, b, c) = (&id[..8], &id[8..12], &id[12..16]);
        let endpoint = format!("{{{a}-{b}-{c}-{}-{}}}", &id[16..20], &id[20..]);
        let Callee { uri, name } = callee;
        let command = Command::DialOut { user: &uri, name: &name, endpoint: &endpoint, at: None };
        self.ask(&command, Some(uri.clone()), now)
    }

    pub(super) fn mute(&mut self, uri: &str, muted: bool, now: Moment) -> Result<Then, FocusRefusal> {
        let one = self.roster.attendee(uri).ok_or(FocusRefusal::Nobody)?;
        let endpoint = one.endpoint.ok_or(FocusRefusal::Nobody)?;
        let media = if one.media.is_empty() { "1" } else { &one.media };
        self.ask(&Command::Mute { user: uri, endpoint: &endpoint, media, muted }, None, now)
    }

    /// The answer to an INFO; 202 says that the rest comes later.
    pub(super) fn replied(&mut self, number: u32, response: Option<Message>) -> Then {
        let Some(response) = response else { return self.done(number, Some("no answer".into())) };
        match (response.status(), Response::parse(&response.body)) {
            (Some(200..=299), Ok(told)) => self.done_as(number, told.outcome),
            (Some(200..=299), Err(_)) => Vec::new(),
            (_, Ok(Response { outcome: Outcome::Failure(why), .. })) => self.done(number, Some(why)),
            (status, _) => self.done(number, Some(format!("{} {}", status.unwrap_or(0), response.reason()))),
        }
    }

    /// An INFO of the focus with the end of something that was pending.
    pub(super) fn told(&mut self, body: &[u8]) -> Then {
        match Response::parse(body) {
            Ok(told) => self.done_as(told.number, told.outcome),
            Err(_) => Vec::new(),
        }
    }

    pub(super) fn done_as(&mut self, number: u32, outcome: Outcome) -> Then {
        match outcome {
            Outcome::Pending => Vec::new(),
            Outcome::Success => self.done(number, None),
            Outcome::Failure(why) => self.done(number, Some(why)),
        }
    }

    pub(super) fn done(&mut self, number: u32, refused: Option<String>) -> Then {
        let about = self.asked.remove(&number).flatten();
        about.map(|uri| FocusOutput::Called { uri, refused }).into_iter().collect()
    }
}
