//! The sign-in of one user at a front end: a registration with Lync's headers, its security
//! associations, and what the front end says besides.
//!
//! ```text
//!              Wanted(true)                     200, GRUU
//!   signed out ───────────► registering ──────────────────► signed in ──┐ refresh, renewal of keys
//!        ▲                   │  ▲  │ 401: next step, again      ▲       │
//!        │                   │  │  │ 301: Redirected            └───────┘
//!        │                   │  └──┘                                │
//!        └── Wanted(false) ──┴─ NextProxy, wait ◄── connection lost ┤
//!        └─────────────────────── NOTIFY "rejected" ────────────────┘
//! ```
//!
//! A **trusted server** (the MTLS certificate says who we are) sends no credentials. When a front end
//! challenges it all the same, topology and certificate disagree; that is said, and no password is
//! tried. Any **other** user authenticates by what the front end offers and [`Methods`] allows.
//!
//! It is a machine around [`Registration`], which keeps all timers, proxies and the record; this one
//! finishes each REGISTER before it leaves and reads each answer before it goes in. Every other message
//! of the user passes [`SignIn::sign`] on its way out and [`SignIn::verify`] on its way in.
//!
//! Certainty: what a trusted server's REGISTER looks like is not public; the form here is inferred.

mod certificate;
mod loss;
mod notified;
mod register;
mod status;
mod words;

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::sip::registration::{
    Account, Registration, RegistrationInput, RegistrationOutput, RegistrationRecord, RegistrationStatus,
    SaveRegistration, StateName,
};
use crate::sip::wire::{HeaderName, Message, Text};
use crate::timer::Moment;

use super::diagnostics;
use super::endpoint::{Epid, Instance};
use super::security_association::{Associations, Methods, Trust, Untrusted};
use super::signing::Unsignable;

pub use notified::SignOut;
pub use notified::SignOutEvent;
pub use status::{PresenceState, RegisterAction, SignInStatus, Told};
pub use words::{SignInInput, SignInOutput, SignInRefusal};

/// How a user proves who he is.
#[derive(Debug)]
pub enum Proof {
    /// By our certificate: the front end treats this switch as authenticated.
    TrustedServer,
    /// By name and password, or a certificate of his own.
    Methods(Methods),
}

/// What a sign-in is made of. The registration's `contact_params` are filled in here.
#[derive(Debug)]
pub struct SignInAccount {
    /// Addresses, lifetime, first proxy. Its digest credentials are not used.
    pub registration: Account,
    /// The endpoint.
    pub epid: Epid,
    /// Trusted or not.
    pub proof: Proof,
    /// Network address of this switch, for call admission control and location.
    pub subnet: Option<Ipv4Addr>,
    /// Whether to ask for the registration's lifetime; else the front end chooses.
    pub ask_expires: bool,
}

/// The sign-in of one user.
#[derive(Debug)]
pub struct SignIn {
    registration: Registration,
    account: Facts,
    associations: Option<Associations>,
    tokens: Tokens,
    /// What the last 200 said.
    told: status::Told,
    /// The next 200 is a first one: "added" is no loss then.
    first: bool,
    /// The front end does not know our keys; new ones are being agreed.
    doubted: bool,
}

/// What stays the same.
#[derive(Debug)]
struct Facts {
    aor: String,
    epid: Epid,
    instance: Instance,
    subnet: Option<Ipv4Addr>,
    ask_expires: bool,
}

impl SignIn {
    /// With the record, or [`RegistrationRecord::new`]. Give it [`SignInInput::Started`] next.
    pub fn new(mut account: SignInAccount, record: RegistrationRecord, mut tokens: Tokens) -> Self {
        let instance = account.epid.instance();
        account.registration.contact_params = register::contact_params(instance);
        let facts = Facts {
            aor: account.registration.aor.clone(),
            epid: account.epid,
            instance,
            subnet: account.subnet,
            ask_expires: account.ask_expires,
        };
        Self {
            registration: Registration::new(account.registration, record, tokens.split()),
            account: facts,
            associations: associations(account.proof),
            tokens,
            told: status::Told::default(),
            first: true,
            doubted: false,
        }
    }

    /// What its registration waits for.
    pub fn state(&self) -> StateName {
        self.registration.state()
    }

    /// Till when the front end holds us, by its last word.
    pub fn registered_until(&self) -> Option<Moment> {
        self.registration.registered_until()
    }

    /// What the last 200 told.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// Whether other messages of the user can leave: signed in, and the keys are known at both ends.
    /// While one handshake renews another the old keys serve, so they can.
    pub fn may_speak(&self) -> bool {
        !self.first && !self.doubted
    }

    /// The GRUU for Contact: as the front end told it, else as it will.
    pub fn gruu(&self) -> String {
        let told = self.told.gruu.clone();
        told.unwrap_or_else(|| self.account.instance.gruu(&self.account.aor))
    }

    /// Makes any message of this user but REGISTER ready to leave: epid in our own address, the GRUU as
    /// Contact, and a signature when one is agreed. Call it last, for requests, responses, ACK and
    /// CANCEL, and again for each sending.
    ///
    /// # Errors
    ///
    /// A header that is signed is missing or broken.
    pub fn sign(&mut self, message: &mut Message) -> Result<(), Unsignable> {
        let own = if message.is_request() { HeaderName::From } else { HeaderName::To };
        register::add_epid(message, own, &self.account.epid);
        register::put_gruu(message, &self.gruu());
        match &mut self.associations {
            Some(associations) => associations.sign(message, &mut self.tokens),
            None => Ok(()),
        }
    }

    /// Looks at the signature of any message to this user but answers to REGISTER.
    ///
    /// # Errors
    ///
    /// See [`Untrusted`]. BENOTIFY is never answered, not even with an error.
    pub fn verify(&mut self, message: &Message, now: Moment) -> Result<Trust, Untrusted> {
        match &mut self.associations {
            Some(associations) => associations.verify(message, now, &mut self.tokens),
            None => Ok(Trust::NotNeeded),
        }
    }

    fn received(&mut self, mut response: Message, now: Moment) -> Result<Effects, SignInRefusal> {
        if !self.registration.awaits(&response) {
            return self.tell(RegistrationInput::Received(response), None, now);
        }
        self.verify(&response, now)?;
        match response.status() {
            Some(401 | 407) => self.challenged(response, now),
            Some(200..=299) => self.accepted(response, now),
            _ => {
                status::leave_alone(&mut response);
                let cause = status::refusal(&response);
                self.tell(RegistrationInput::Received(response), cause, now)
            }
        }
    }

    fn challenged(&mut self, response: Message, now: Moment) -> Result<Effects, SignInRefusal> {
        let mut fetch = None;
        let learned = match &mut self.associations {
            Some(associations) => associations.learn(&response, now, &mut self.tokens).map_err(|fault| {
                let words = fault.to_string();
                fetch = certificate::service_of(fault);
                words
            }),
            None => Err(status::TRUSTED_CHALLENGED.to_owned()),
        };
        let words = match learned {
            Ok(()) => return self.tell(RegistrationInput::Challenged(response), None, now),
            Err(words) => words,
        };
        let more = diagnostics::words_of(&response).map(|more| format!("{words} ({more})"));
        let mut ready = self.tell(RegistrationInput::Received(response), Some(more.unwrap_or(words)), now)?;
        ready.then.extend(fetch.map(|service| SignInOutput::FetchCertificate { service }));
        Ok(ready)
    }

    fn accepted(&mut self, mut response: Message, now: Moment) -> Result<Effects, SignInRefusal> {
        let leaving = self.state() == StateName::Unregistering;
        register::keep_own_contact(&mut response, self.account.instance);
        let told = status::Told::read(&response);
        let lost =
            !leaving && !self.first && told.presence.register_action.is_some_and(|action| action.is_new());
        if leaving {
            self.forget();
        } else {
            (self.told, self.first, self.doubted) = (told, false, false);
        }
        let mut ready = self.tell(RegistrationInput::Received(response), None, now)?;
        if lost {
            self.binding_lost(&mut ready, now)?;
        }
        Ok(ready)
    }

    fn proof_changed(&mut self, proof: Proof, now: Moment) -> Result<Effects, SignInRefusal> {
        self.associations = associations(proof);
        self.doubted = !self.first && self.associations.is_some();
        // What ends a wait; the digest credentials themselves are not used.
        let unused = register::no_credentials();
        self.tell(RegistrationInput::CredentialsChanged(unused), None, now)
    }

    fn deadline(&mut self, now: Moment) -> Result<Effects, SignInRefusal> {
        match self.renewal().is_some_and(|due| due <= now) {
            true => self.renew(now),
            false => self.tell(RegistrationInput::Deadline, None, now),
        }
    }

    /// When the keys must be agreed anew, while a registration stands that can do it.
    fn renewal(&self) -> Option<Moment> {
        let registered = self.state() == StateName::Registered;
        self.associations.as_ref().filter(|_| registered)?.renew_at()
    }

    fn renew(&mut self, now: Moment) -> Result<Effects, SignInRefusal> {
        if let (Some(associations), StateName::Registered) =
            (&mut self.associations, self.registration.state())
        {
            associations.renew(now);
        }
        self.tell(RegistrationInput::Refresh, None, now)
    }

    /// One challenge is enough for any number of messages that meet it.
    fn challenged_elsewhere(&mut self, now: Moment) -> Result<Effects, SignInRefusal> {
        if self.associations.is_none() || self.doubted || self.state() != StateName::Registered {
            return Ok(Ready::nothing());
        }
        self.doubted = true;
        self.renew(now)
    }

    /// Passes an input on, and finishes what comes out of it.
    fn tell(
        &mut self,
        input: RegistrationInput,
        cause: Option<String>,
        now: Moment,
    ) -> Result<Effects, SignInRefusal> {
        let Ready { save, then } = self.registration.handle(input, now)?;
        if let (Some(associations), StateName::Waiting) = (&mut self.associations, self.registration.state())
        {
            associations.abandon();
        }
        let then = then.into_iter().map(|output| self.finish(output, cause.as_deref())).collect();
        Ok(Ready { save, then })
    }

    fn finish(&mut self, output: RegistrationOutput, cause: Option<&str>) -> SignInOutput {
        match output {
            RegistrationOutput::Send { mut request, to } => {
                register::dress(&mut request, &self.account);
                if let Some(associations) = &mut self.associations {
                    associations
                        .authorize_register(&mut request, &mut self.tokens)
                        .expect("our own REGISTER has every header that is signed");
                }
                SignInOutput::Send { request, to }
            }
            RegistrationOutput::Changed(RegistrationStatus { registered_until, status, cause: own }) => {
                let cause = cause.map_or(own, str::to_owned);
                let told = self.told.clone();
                SignInOutput::Changed(SignInStatus { registered_until, status, cause, told })
            }
            RegistrationOutput::NextProxy { failed } => SignInOutput::NextProxy { failed },
            RegistrationOutput::Redirected { targets } => SignInOutput::Redirected { targets },
        }
    }
}

impl Machine for SignIn {
    type Input = SignInInput;
    type Save = SaveRegistration;
    type Output = SignInOutput;
    type Refusal = SignInRefusal;

    fn handle(&mut self, input: SignInInput, now: Moment) -> Result<Effects, SignInRefusal> {
        match input {
            SignInInput::Started => self.tell(RegistrationInput::Started, None, now),
            SignInInput::Wanted(wanted) => self.tell(RegistrationInput::Wanted(wanted), None, now),
            SignInInput::Received(response) => self.received(response, now),
            SignInInput::Notified(notify) => self.notified(&notify, now),
            SignInInput::Challenged => self.challenged_elsewhere(now),
            SignInInput::TransportFailed => self.transport_failed(now),
            SignInInput::Deadline => self.deadline(now),
            SignInInput::ProofChanged(proof) => self.proof_changed(proof, now),
            SignInInput::CertificateReady => self.certificate_ready(now),
            SignInInput::CertificateFailed(why) => Ok(self.certificate_failed(why)),
            SignInInput::ProxyChanged(to) => {
                self.moved(&to.clone(), RegistrationInput::ProxyChanged(to), now)
            }
            SignInInput::ProxyBack(to) => self.moved(&to.clone(), RegistrationInput::ProxyBack(to), now),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.registration.deadline().into_iter().chain(self.renewal()).min()
    }
}

type Effects = Ready<SaveRegistration, SignInOutput>;

fn associations(proof: Proof) -> Option<Associations> {
    match proof {
        Proof::TrustedServer => None,
        Proof::Methods(methods) => Some(Associations::new(methods)),
    }
}

/// A header that SIP's own list does not know.
fn other(name: &'static str) -> HeaderName {
    HeaderName::Other(Text::from_static(name))
}
