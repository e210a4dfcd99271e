//! A user's line to the north: a plain registration, or a sign-in at a front end. One machine to its
//! driver, so that nobody above asks which it is.
//!
//! ```text
//!  LineInput ──► Plain(Registration) | Lync(SignIn) ──► SignInOutput
//! ```
//!
//! Invariant: a message of a user who is signed in is signed at the moment it leaves, in the order in
//! which messages leave; so the numbers in the signatures grow by one with each.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::sip::Destination;
use crate::sip::digest::Credentials;
use crate::sip::registration::{
    Account, Registration, RegistrationInput, RegistrationOutput, RegistrationRecord, RegistrationStatus,
    SaveRegistration, StateName,
};
use crate::sip::wire::{HeaderName, Message};
use crate::timer::Moment;

use super::endpoint::{Epid, Instance};
use super::ntlm::NtlmPolicy;
use super::security_association::{Methods, NtlmUser, Trust, Untrusted};
use super::sign_in::{
    Proof, SignIn, SignInAccount, SignInInput, SignInOutput, SignInRefusal, SignInStatus, Told,
};
use super::signing::Unsignable;
use super::tls_dsk::DskSource;

/// What makes a line one of Lync's.
#[derive(Debug, Clone)]
pub struct LyncAccount {
    /// The endpoint.
    pub epid: Epid,
    /// This switch is a trusted server: no passwords.
    pub trusted_server: bool,
    /// How strict NTLM is.
    pub policy: NtlmPolicy,
    /// Network address of this switch for `ms-subnet`.
    pub subnet: Option<Ipv4Addr>,
    /// Whether to ask for a lifetime; else the front end chooses.
    pub ask_expires: bool,
    /// Handshakes of TLS-DSK, where it may be used.
    pub tls_dsk: Option<Arc<dyn DskSource>>,
}

/// What happens to a line.
#[derive(Debug)]
pub enum LineInput {
    /// First start, restart or takeover.
    Started,
    /// Whether the user shall be signed in.
    Wanted(bool),
    /// A response to a REGISTER of ours.
    Received(Message),
    /// A NOTIFY or BENOTIFY of `Event: registration-notify`, [verified](Line::verify).
    Notified(Message),
    /// Another request of the user's was challenged.
    Challenged,
    /// The connection to the proxy is gone, or the REGISTER could not leave.
    TransportFailed,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
    /// New name or password.
    CredentialsChanged(Credentials),
    /// The user's certificate has been fetched, after [`SignInOutput::FetchCertificate`].
    CertificateReady,
    /// It could not be fetched, and why, in words.
    CertificateFailed(String),
    /// Use this proxy from now on.
    ProxyChanged(Destination),
    /// Use this proxy, which serves again: ends a wait too, unless the far side has refused the user.
    ProxyBack(Destination),
}

/// A user's line to the north.
#[derive(Debug)]
pub struct Line {
    kind: Kind,
    credentials: Credentials,
    /// Why the front end has signed the user out, till somebody wants him in again.
    signed_out: Option<String>,
}

#[derive(Debug)]
enum Kind {
    Plain(Box<Registration>),
    Lync { sign_in: Box<SignIn>, lync: LyncAccount },
}

impl LyncAccount {
    /// The epid of a user: the one on record, so that it outlives a new handset; else of the handset's
    /// IPEI; else of the node and the user. "A new epid each boot leaves ghost endpoints that still ring".
    pub fn epid_of(record: &RegistrationRecord, ipei: Option<&str>, node: &str, user: &str) -> Epid {
        let kept = record.epid.as_deref().and_then(|epid| epid.parse().ok());
        kept.unwrap_or_else(|| match ipei {
            Some(ipei) => Epid::of_device(ipei),
            None => Epid::of_device(&format!("{node}/{user}")),
        })
    }
}

impl Line {
    /// With the record, or [`RegistrationRecord::new`]. Give it [`LineInput::Started`] next.
    pub fn new(
        account: Account,
        lync: Option<LyncAccount>,
        mut record: RegistrationRecord,
        tokens: Tokens,
    ) -> Self {
        record.epid = lync.as_ref().map(|lync| lync.epid.to_string());
        let credentials = account.credentials.clone();
        let kind = match lync {
            None => Kind::Plain(Box::new(Registration::new(account, record, tokens))),
            Some(lync) => {
                let account = SignInAccount {
                    epid: lync.epid.clone(),
                    proof: proof(&lync, &account.credentials),
                    subnet: lync.subnet,
                    ask_expires: lync.ask_expires,
                    registration: account,
                };
                Kind::Lync { sign_in: Box::new(SignIn::new(account, record, tokens)), lync }
            }
        };
        Self { kind, credentials, signed_out: None }
    }

    /// What it waits for.
    pub fn state(&self) -> StateName {
        match &self.kind {
            Kind::Plain(registration) => registration.state(),
            Kind::Lync { sign_in, .. } => sign_in.state(),
        }
    }

    /// Till when the far side holds the user, by its last word.
    pub fn registered_until(&self) -> Option<Moment> {
        match &self.kind {
            Kind::Plain(registration) => registration.registered_until(),
            Kind::Lync { sign_in, .. } => sign_in.registered_until(),
        }
    }

    /// Where requests of this user go first (RFC 3608). A front end names no route: its users' requests
    /// go to it.
    pub fn service_route(&self) -> &[String] {
        match &self.kind {
            Kind::Plain(registration) => registration.service_route(),
            Kind::Lync { .. } => &[],
        }
    }

    /// What the front end told with its last 200; none without a sign-in.
    pub fn told(&self) -> Option<&Told> {
        match &self.kind {
            Kind::Lync { sign_in, .. } if sign_in.may_speak() => Some(sign_in.told()),
            _ => None,
        }
    }

    /// The GRUU by which the front end knows this endpoint.
    pub fn gruu(&self) -> Option<String> {
        match &self.kind {
            Kind::Plain(_) => None,
            Kind::Lync { sign_in, .. } => Some(sign_in.gruu()),
        }
    }

    /// The endpoint that the user is to the front end; none with plain SIP.
    pub fn instance(&self) -> Option<Instance> {
        match &self.kind {
            Kind::Plain(_) => None,
            Kind::Lync { lync, .. } => Some(lync.epid.instance()),
        }
    }

    /// Whether other messages of the user can leave now; else they wait for the sign-in.
    pub fn may_speak(&self) -> bool {
        match &self.kind {
            Kind::Plain(_) => true,
            Kind::Lync { sign_in, .. } => sign_in.may_speak(),
        }
    }

    /// Makes any message of this user but REGISTER ready to leave: see [`SignIn::sign`].
    ///
    /// # Errors
    ///
    /// A header that is signed is missing or broken.
    pub fn sign(&mut self, message: &mut Message) -> Result<(), Unsignable> {
        match &mut self.kind {
            Kind::Plain(_) => Ok(()),
            Kind::Lync { sign_in, .. } => sign_in.sign(message),
        }
    }

    /// Looks at the signature of any message to this user but answers to REGISTER.
    ///
    /// # Errors
    ///
    /// See [`Untrusted`].
    pub fn verify(&mut self, message: &Message, now: Moment) -> Result<Trust, Untrusted> {
        match &mut self.kind {
            Kind::Plain(_) => Ok(Trust::NotNeeded),
            Kind::Lync { sign_in, .. } => sign_in.verify(message, now),
        }
    }

    /// Whether this input, taken now, begins a new REGISTER rather than goes on with one: such
    /// beginnings are paced over all users of a node ([`Pace`](crate::sip::pace::Pace)).
    pub fn begins(&self, input: &LineInput) -> bool {
        let resting = matches!(
            self.state(),
            StateName::Idle | StateName::Stopped | StateName::Registered | StateName::Waiting
        );
        let may = matches!(
            input,
            LineInput::Wanted(true)
                | LineInput::Deadline
                | LineInput::CredentialsChanged(_)
                | LineInput::ProxyChanged(_)
                | LineInput::ProxyBack(_)
                | LineInput::Challenged
                | LineInput::CertificateReady
        );
        resting && may
    }

    fn give(&mut self, input: LineInput, now: Moment) -> Result<Effects, SignInRefusal> {
        match &mut self.kind {
            Kind::Plain(registration) => {
                let Some(input) = plain(input) else { return Ok(Ready::nothing()) };
                let Ready { save, then } = registration.handle(input, now)?;
                Ok(Ready { save, then: then.into_iter().map(told_plainly).collect() })
            }
            Kind::Lync { sign_in, lync } => sign_in.handle(for_sign_in(input, lync), now),
        }
    }

    /// Keeps the front end's own word over what follows from it.
    fn note(&mut self, output: &mut SignInOutput) {
        match output {
            SignInOutput::SignedOut(sign_out) => self.signed_out = Some(sign_out.cause.clone()),
            SignInOutput::Changed(status) if status.registered_until.is_some() => self.signed_out = None,
            SignInOutput::Changed(status) => {
                if let Some(cause) = &self.signed_out {
                    (status.cause, status.status) = (cause.clone(), None);
                }
            }
            _ => {}
        }
    }
}

impl Machine for Line {
    type Input = LineInput;
    type Save = SaveRegistration;
    type Output = SignInOutput;
    type Refusal = SignInRefusal;

    fn handle(&mut self, input: LineInput, now: Moment) -> Result<Effects, SignInRefusal> {
        match &input {
            LineInput::Wanted(true) => self.signed_out = None,
            // A user changed in other ways; new keys would only be agreed for nothing.
            LineInput::CredentialsChanged(same)
                if *same == self.credentials && self.state() == StateName::Registered =>
            {
                return Ok(Ready::nothing());
            }
            LineInput::CredentialsChanged(credentials) => {
                (self.credentials, self.signed_out) = (credentials.clone(), None);
            }
            _ => {}
        }
        let mut ready = self.give(input, now)?;
        ready.then.iter_mut().for_each(|output| self.note(output));
        Ok(ready)
    }

    fn deadline(&self) -> Option<Moment> {
        match &self.kind {
            Kind::Plain(registration) => registration.deadline(),
            Kind::Lync { sign_in, .. } => sign_in.deadline(),
        }
    }
}

type Effects = Ready<SaveRegistration, SignInOutput>;

/// Whose line a message from the north is about: of a request the user it is sent to, of a response the
/// one who asked. The user part alone; that it is a user of ours is for others to see.
pub fn user_part(message: &Message) -> Option<String> {
    let own = match message.is_request() {
        true => {
            let named = message.request_uri().map(|uri| uri.user_text()).filter(|user| !user.is_empty());
            return named.or_else(|| Some(message.to()?.uri.user_text()));
        }
        false => message.from()?,
    };
    Some(own.uri.user_text())
}

/// Whether a request tells a user that he is signed out ([MS-SIPREGE] §3.1.1.5).
pub fn is_sign_out(message: &Message) -> bool {
    let event = message.header(&HeaderName::Event);
    let named = event.is_some_and(|event| {
        event.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("registration-notify")
    });
    let notifies = message.method().is_some_and(|method| matches!(method.as_str(), "NOTIFY" | "BENOTIFY"));
    message.is_request() && notifies && named
}

fn proof(lync: &LyncAccount, credentials: &Credentials) -> Proof {
    match lync.trusted_server {
        true => Proof::TrustedServer,
        false => {
            let ntlm = NtlmUser::new(&credentials.username, &credentials.password);
            let tls_dsk = lync.tls_dsk.as_ref().map(|source| source.port());
            Proof::Methods(Methods { ntlm: Some(ntlm), policy: lync.policy, tls_dsk })
        }
    }
}

fn for_sign_in(input: LineInput, lync: &LyncAccount) -> SignInInput {
    match input {
        LineInput::Started => SignInInput::Started,
        LineInput::Wanted(wanted) => SignInInput::Wanted(wanted),
        LineInput::Received(response) => SignInInput::Received(response),
        LineInput::Notified(notify) => SignInInput::Notified(notify),
        LineInput::Challenged => SignInInput::Challenged,
        LineInput::TransportFailed => SignInInput::TransportFailed,
        LineInput::Deadline => SignInInput::Deadline,
        LineInput::CredentialsChanged(credentials) => SignInInput::ProofChanged(proof(lync, &credentials)),
        LineInput::CertificateReady => SignInInput::CertificateReady,
        LineInput::CertificateFailed(why) => SignInInput::CertificateFailed(why),
        LineInput::ProxyChanged(proxy) => SignInInput::ProxyChanged(proxy),
        LineInput::ProxyBack(proxy) => SignInInput::ProxyBack(proxy),
    }
}

/// What a plain registration understands.
fn plain(input: LineInput) -> Option<RegistrationInput> {
    Some(match input {
        LineInput::Started => RegistrationInput::Started,
        LineInput::Wanted(wanted) => RegistrationInput::Wanted(wanted),
        LineInput::Received(response) => RegistrationInput::Received(response),
        LineInput::TransportFailed => RegistrationInput::TransportFailed,
        LineInput::Deadline => RegistrationInput::Deadline,
        LineInput::CredentialsChanged(credentials) => RegistrationInput::CredentialsChanged(credentials),
        LineInput::ProxyChanged(proxy) => RegistrationInput::ProxyChanged(proxy),
        LineInput::ProxyBack(proxy) => RegistrationInput::ProxyBack(proxy),
        // Nobody sends these to a plain line.
        LineInput::Notified(_)
        | LineInput::Challenged
        | LineInput::CertificateReady
        | LineInput::CertificateFailed(_) => return None,
    })
}

fn told_plainly(output: RegistrationOutput) -> SignInOutput {
    match output {
        RegistrationOutput::Send { request, to } => SignInOutput::Send { request, to },
        RegistrationOutput::Changed(RegistrationStatus { registered_until, status, cause }) => {
            SignInOutput::Changed(SignInStatus { registered_until, status, cause, told: Told::default() })
        }
        RegistrationOutput::NextProxy { failed } => SignInOutput::NextProxy { failed },
        RegistrationOutput::Redirected { targets } => SignInOutput::Redirected { targets },
    }
}

#[cfg(test)]
mod tests;
