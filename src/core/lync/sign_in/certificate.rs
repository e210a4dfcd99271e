//! The user's certificate for TLS-DSK, fetched by our driver.

use crate::lync::security_association::SaFault;
use crate::machine::Ready;
use crate::sip::registration::{RegistrationInput, StateName};
use crate::timer::Moment;

use super::{Effects, SignIn, SignInOutput, SignInRefusal, SignInStatus, register};

/// The service that a sign-in waits for, if it is that what it lacks.
pub(super) fn service_of(fault: SaFault) -> Option<String> {
    match fault {
        SaFault::NoCertificate { service, .. } => service,
        _ => None,
    }
}

impl SignIn {
    /// The sign-in that waits for it goes on.
    pub(super) fn certificate_ready(&mut self, now: Moment) -> Result<Effects, SignInRefusal> {
        match self.state() {
            StateName::Waiting => {
                // What ends a wait; the digest credentials themselves are not used.
                let unused = register::no_credentials();
                self.tell(RegistrationInput::CredentialsChanged(unused), None, now)
            }
            _ => Ok(Ready::nothing()),
        }
    }

    /// It is tried again with the next attempt to register.
    pub(super) fn certificate_failed(&mut self, why: String) -> Effects {
        let cause = format!("no certificate for TLS-DSK: {why}");
        let (registered_until, told) = (self.registered_until(), self.told.clone());
        let status = SignInStatus { registered_until, status: None, cause, told };
        Ready::say(vec![SignInOutput::Changed(status)])
    }
}
