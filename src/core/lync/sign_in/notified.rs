//! The front end signs a user out: `Event: registration-notify`.

use crate::lync::diagnostics;
use crate::machine::Ready;
use crate::sip::registration::RegistrationInput;
use crate::sip::wire::{Message, Method};
use crate::timer::Moment;

use super::{Effects, SignIn, SignInOutput, SignInRefusal};

/// How and why the front end let the user go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOut {
    /// What it wants.
    pub event: SignOutEvent,
    /// Why, in words for people.
    pub cause: String,
}

/// The `event` of a `deregistered` body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOutEvent {
    /// Not to be tried again by itself.
    Rejected,
    /// The binding is gone; sign in again.
    Unregistered,
    /// The binding is gone, perhaps since the user moves; sign in again.
    Deactivated,
}

impl SignIn {
    /// "rejected" ends the sign-in until somebody wants it again; the others begin it anew soon.
    pub(super) fn notified(&mut self, notify: &Message, now: Moment) -> Result<Effects, SignInRefusal> {
        let body = String::from_utf8_lossy(&notify.body);
        let event = SignOutEvent::read(&body)
            .ok_or_else(|| SignInRefusal::UnknownEvent(body.trim().chars().take(80).collect()))?;
        let cause = diagnostics::words_of(notify).unwrap_or_else(|| event.words().to_owned());
        let mut then = Vec::new();
        // [MS-SIP] §3.5: a BENOTIFY is never answered.
        if notify.method() == Some(Method::Notify) {
            let mut ok = Message::response(notify, 200, "OK", Some(&self.tokens.word()));
            if self.sign(&mut ok).is_ok() {
                then.push(SignInOutput::Respond(ok));
            }
        }
        then.push(SignInOutput::SignedOut(SignOut { event, cause: cause.clone() }));
        let ends_calls = event == SignOutEvent::Rejected;
        then.push(SignInOutput::DialogsLost { cause: cause.clone(), ends_calls });
        self.first = true;
        let input = match event {
            SignOutEvent::Rejected => RegistrationInput::Wanted(false),
            SignOutEvent::Unregistered | SignOutEvent::Deactivated => RegistrationInput::TransportFailed,
        };
        let Ready { save, then: mut after } = self.tell(input, Some(cause), now)?;
        then.append(&mut after);
        Ok(Ready { save, then })
    }
}

impl SignOutEvent {
    /// `deregistered;event=rejected`.
    fn read(body: &str) -> Option<Self> {
        let (word, event) = body.trim().split_once(';')?;
        let event = event.trim().strip_prefix("event=")?.split(';').next()?.trim();
        let known = [
            ("rejected", Self::Rejected),
            ("unregistered", Self::Unregistered),
            ("deactivated", Self::Deactivated),
        ];
        let found = known.into_iter().find(|(name, _)| event.eq_ignore_ascii_case(name));
        found.filter(|_| word.trim().eq_ignore_ascii_case("deregistered")).map(|(_, event)| event)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Rejected => "the front end has signed the user out for good",
            Self::Unregistered => "the front end has signed the user out",
            Self::Deactivated => "the front end has let the user go; he may sign in again",
        }
    }
}
