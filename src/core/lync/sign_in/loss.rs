//! What a sign-in loses: its binding, its connection, its front end.

use crate::sip::Destination;
use crate::sip::registration::RegistrationInput;
use crate::timer::Moment;

use super::{Effects, SignIn, SignInOutput, SignInRefusal, status};

impl SignIn {
    /// [MS-SIPREGE] §3.1.1.5.1: a refresh that answers "added" or "fixed" found no binding: all dialogs
    /// are gone, and the sign-in begins from its first REGISTER.
    pub(super) fn binding_lost(&mut self, ready: &mut Effects, now: Moment) -> Result<(), SignInRefusal> {
        self.forget();
        let cause = "the front end had lost the registration".to_owned();
        ready.then.push(SignInOutput::DialogsLost { cause, ends_calls: true });
        let mut again = self.tell(RegistrationInput::TransportFailed, None, now)?;
        ready.save.append(&mut again.save);
        ready.then.append(&mut again.then);
        Ok(())
    }

    /// Keys, GRUU and whether we were there are gone.
    pub(super) fn forget(&mut self) {
        if let Some(associations) = &mut self.associations {
            associations.forget();
        }
        (self.told, self.first, self.doubted) = (status::Told::default(), true, false);
    }

    /// RFC 5923 apart, a front end's associations, dialogs and subscriptions end with the connection.
    pub(super) fn transport_failed(&mut self, now: Moment) -> Result<Effects, SignInRefusal> {
        let was_there = !self.first;
        self.forget();
        let mut ready = self.tell(RegistrationInput::TransportFailed, None, now)?;
        if was_there {
            let cause = "the connection to the front end is gone".to_owned();
            // Voice does not go by the front end, so calls that stand go on without it.
            ready.then.insert(0, SignInOutput::DialogsLost { cause, ends_calls: false });
        }
        Ok(ready)
    }

    /// Another front end knows nothing of this user's dialogs and keys.
    pub(super) fn moved(
        &mut self,
        proxy: &Destination,
        input: RegistrationInput,
        now: Moment,
    ) -> Result<Effects, SignInRefusal> {
        if self.registration.uses(proxy) {
            return self.tell(input, None, now);
        }
        let was_there = !self.first;
        self.forget();
        let mut ready = self.tell(input, None, now)?;
        if was_there {
            let cause = "another front end is used from now on".to_owned();
            ready.then.insert(0, SignInOutput::DialogsLost { cause, ends_calls: false });
        }
        Ok(ready)
    }
}
