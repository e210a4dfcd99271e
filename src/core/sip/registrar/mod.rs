//! The registrar of one address-of-record: where a handset can be reached (RFC 3261 §10.3).
//!
//! ```text
//! REGISTER (authenticated) ──► Registrar::handle ──► save Bindings ──► 200 with all contacts
//!                                    ▲                              └► BindingChange
//!                         deadline: bindings end
//! ```
//!
//! Who asks has been authenticated before, and the AOR of To was checked against him (§10.3 steps 3–5);
//! this machine holds the bindings only.
//!
//! What bases of the market taught:
//!
//! * A handset roams from one base or manager to another: the new one registers the same AOR, then the
//!   old one de-registers, sometimes late. So a de-register removes only what the same registration
//!   made: same contact **and** same `+sip.instance` or, without instance, same Call-ID. A REGISTER of a
//!   contact that is there under an older Call-ID takes its place, since one place is one target.
//! * The old contact is kept for [`Limits::overlap`] beside the new one, then ends by itself, whether
//!   the old base says good-bye or not.
//! * Registered is not reachable: nothing here ends a binding because a call was not answered.
//!
//! Out of scope: Path (RFC 3327), outbound flows (RFC 5626) and GRUU (RFC 5627) for handsets; a
//! REGISTER that *requires* them is told 420, as RFC 3261 §8.2.2.3 wants.

mod binding;
mod date;
mod request;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Ready};
use crate::sip::wire::{HeaderName, Message, Method};
use crate::sip::{ConnectionId, Peer};
use crate::timer::Moment;

pub use binding::Binding;
pub(crate) use binding::same_contact;
pub use date::{civil_date, http_date};
use request::{Asked, Refused};

/// What a registrar allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Shorter lifetimes are refused with 423.
    pub min_expires: Duration,
    /// Lifetime when none is asked for.
    pub default_expires: Duration,
    /// Longer lifetimes are cut.
    pub max_expires: Duration,
    /// Most contacts of one AOR. When one more comes, that refreshed longest ago is dropped.
    pub contacts: usize,
    /// How long the old contact of a handset that moved stays beside the new one.
    pub overlap: Duration,
}

impl Default for Limits {
    /// 60 s, 300 s, 7200 s; ten contacts; 60 s.
    fn default() -> Self {
        Self {
            min_expires: Duration::from_secs(60),
            default_expires: Duration::from_secs(300),
            max_expires: Duration::from_secs(7200),
            contacts: 10,
            overlap: Duration::from_secs(60),
        }
    }
}

/// The record: all bindings of one AOR, the most recently refreshed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bindings {
    /// `user@host`.
    pub aor: String,
    /// The bindings.
    pub list: Vec<Binding>,
}

impl Bindings {
    /// An AOR without bindings.
    pub fn none(aor: impl Into<String>) -> Self {
        Self { aor: aor.into(), list: Vec::new() }
    }

    /// Those that live at `now`: the highest preference first (RFC 3261 §16.6), among equals the one
    /// refreshed last.
    pub fn targets(&self, now: Moment) -> Vec<&Binding> {
        let mut live: Vec<_> = self.list.iter().filter(|binding| binding.expires > now).collect();
        live.sort_by_key(|binding| std::cmp::Reverse((binding.q.unwrap_or(1000), binding.refreshed)));
        live
    }
}

/// What happens to a registrar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrarInput {
    /// First start, restart or takeover.
    Started,
    /// An authenticated REGISTER for this AOR.
    Register {
        /// The request.
        request: Box<Message>,
        /// Where it came from.
        peer: Peer,
        /// Fresh tag for To of the answer.
        to_tag: String,
    },
    /// A connection is gone; bindings that used it are reached by address from now on.
    ConnectionClosed(ConnectionId),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// Write this record in place of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveBindings(pub Bindings);

/// What a registrar orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrarOutput {
    /// Answer the REGISTER.
    Reply(Message),
    /// A binding changed: for whoever shows or uses it.
    Changed(BindingChange),
}

/// How a binding changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindingChange {
    /// New contact.
    Added(Box<Binding>),
    /// The same contact again, perhaps from another port, connection or Call-ID.
    Refreshed(Box<Binding>),
    /// It is gone.
    Removed {
        /// What it was.
        binding: Box<Binding>,
        /// Why.
        why: RemovalCause,
    },
}

/// Why a binding is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemovalCause {
    /// The handset or base asked.
    Requested,
    /// Not refreshed in time.
    Expired,
    /// Too many contacts of one AOR.
    Displaced,
}

/// Why a registrar does not take an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrarRefusal {
    /// The caller gave it something else.
    #[error("a registrar takes REGISTER, this is {got}")]
    NotRegister {
        /// Method, or "a response".
        got: String,
    },
}

/// The registrar of one AOR.
#[derive(Debug, Clone)]
pub struct Registrar {
    bindings: Bindings,
    limits: Limits,
}

impl Registrar {
    /// With the bindings of the record, or [`Bindings::none`].
    pub fn new(bindings: Bindings, limits: Limits) -> Self {
        Self { bindings, limits }
    }

    /// The bindings, ended ones perhaps among them until the deadline was handled.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    fn register(&mut self, request: &Message, peer: &Peer, to_tag: &str, now: Moment) -> Effects {
        let mut update = Update::of(&self.bindings.list, now);
        let outcome = Asked::read(request, peer, &self.limits, now)
            .and_then(|asked| update.apply(asked, &self.limits, now));
        match outcome {
            // "If any of the … updates fail, the request MUST fail … and all binding updates are undone"
            // (RFC 3261 §10.3 step 7): the update was made on a copy.
            Err(refused) => Ready::say(vec![RegistrarOutput::Reply(refusal(request, &refused, to_tag))]),
            Ok(()) => {
                let mut ready = self.commit(update);
                ready.then.insert(0, RegistrarOutput::Reply(self.accept(request, to_tag, now)));
                ready
            }
        }
    }

    fn commit(&mut self, update: Update) -> Effects {
        if update.changes.is_empty() && update.list == self.bindings.list {
            return Ready::nothing();
        }
        self.bindings.list = update.list;
        let then = update.changes.into_iter().map(RegistrarOutput::Changed).collect();
        Ready { save: vec![SaveBindings(self.bindings.clone())], then }
    }

    /// "The registrar returns a 200 (OK) response. The response MUST contain Contact header field values
    /// enumerating all current bindings. Each Contact value MUST feature an "expires" parameter … The
    /// response SHOULD include a Date header field." (RFC 3261 §10.3 step 8)
    fn accept(&self, request: &Message, to_tag: &str, now: Moment) -> Message {
        let mut answer = Message::response(request, 200, "OK", Some(to_tag));
        for binding in &self.bindings.list {
            answer.headers.push(HeaderName::Contact, binding.contact_value(now));
        }
        answer.headers.push(HeaderName::Date, http_date(now));
        answer
    }

    fn connection_closed(&mut self, connection: ConnectionId) {
        let users = self.bindings.list.iter_mut().filter(|b| b.connection == Some(connection));
        users.for_each(|binding| binding.connection = None);
    }
}

type Effects = Ready<SaveBindings, RegistrarOutput>;

impl Machine for Registrar {
    type Input = RegistrarInput;
    type Save = SaveBindings;
    type Output = RegistrarOutput;
    type Refusal = RegistrarRefusal;

    fn handle(&mut self, input: RegistrarInput, now: Moment) -> Result<Effects, RegistrarRefusal> {
        match input {
            RegistrarInput::Started | RegistrarInput::Deadline => {
                Ok(self.commit(Update::of(&self.bindings.list, now)))
            }
            RegistrarInput::Register { request, peer, to_tag } => match request.method() {
                Some(Method::Register) if request.is_request() => {
                    Ok(self.register(&request, &peer, &to_tag, now))
                }
                other => {
                    let got = other.filter(|_| request.is_request());
                    let got = got.map_or("a response".to_owned(), |method| method.to_string());
                    Err(RegistrarRefusal::NotRegister { got })
                }
            },
            RegistrarInput::ConnectionClosed(connection) => {
                self.connection_closed(connection);
                Ok(Ready::nothing())
            }
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.bindings.list.iter().map(|binding| binding.expires).min()
    }
}

/// A change in the making, on a copy.
struct Update {
    list: Vec<Binding>,
    changes: Vec<BindingChange>,
}

impl Update {
    /// Begins by letting go what has ended.
    fn of(list: &[Binding], now: Moment) -> Self {
        let mut update = Self { list: list.to_vec(), changes: Vec::new() };
        update.remove_where(RemovalCause::Expired, |binding| binding.expires <= now);
        update
    }

    fn apply(&mut self, asked: Asked, limits: &Limits, now: Moment) -> Result<(), Refused> {
        match asked {
            Asked::Query => Ok(()),
            Asked::RemoveAll { call_id, cseq } => {
                self.list.iter().try_for_each(|binding| in_order(binding, &call_id, cseq))?;
                self.remove_where(RemovalCause::Requested, |_| true);
                Ok(())
            }
            Asked::Contacts(contacts) => {
                contacts.into_iter().try_for_each(|contact| match contact.expires > now {
                    true => self.put(contact, limits, now),
                    false => self.take(&contact),
                })
            }
        }
    }

    fn put(&mut self, new: Binding, limits: &Limits, now: Moment) -> Result<(), Refused> {
        if let Some(place) = self.list.iter().position(|old| old.is_at_same_place(&new)) {
            in_order(&self.list[place], &new.call_id, new.cseq)?;
            self.list.remove(place);
            self.list.push(new.clone());
            self.changes.push(BindingChange::Refreshed(Box::new(new)));
            return Ok(());
        }
        // Contacts of one REGISTER stand beside each other because their sender wants it so.
        let moved = |old: &Binding| {
            let same_request = old.call_id == new.call_id && old.cseq == new.cseq;
            !same_request && old.is_same_device(&new)
        };
        for old in self.list.iter_mut().filter(|old| moved(old)) {
            old.expires = old.expires.min(now + limits.overlap);
        }
        if self.list.len() >= limits.contacts {
            let oldest = self.list.remove(0);
            let why = RemovalCause::Displaced;
            self.changes.push(BindingChange::Removed { binding: Box::new(oldest), why });
        }
        self.list.push(new.clone());
        self.changes.push(BindingChange::Added(Box::new(new)));
        Ok(())
    }

    fn take(&mut self, asked: &Binding) -> Result<(), Refused> {
        let own = |old: &Binding| old.has_same_key(asked);
        let (call_id, cseq) = (&asked.call_id, asked.cseq);
        self.list.iter().filter(|old| own(old)).try_for_each(|old| in_order(old, call_id, cseq))?;
        self.remove_where(RemovalCause::Requested, own);
        Ok(())
    }

    fn remove_where(&mut self, why: RemovalCause, goes: impl Fn(&Binding) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.list).into_iter().partition::<Vec<_>, _>(goes);
        self.list = kept;
        let removed = |binding| BindingChange::Removed { binding: Box::new(binding), why };
        self.changes.extend(gone.into_iter().map(removed));
    }
}

/// "If it does agree, it MUST remove the binding only if the CSeq in the request is higher than the value
/// stored for that binding. Otherwise, the update MUST be aborted and the request fails." (RFC 3261
/// §10.3 steps 6 and 7.) The RFC names no status; 500 is what it uses for a lower CSeq in a dialog
/// (§12.2.2).
fn in_order(binding: &Binding, call_id: &str, cseq: u32) -> Result<(), Refused> {
    match binding.call_id == call_id && cseq <= binding.cseq {
        true => Err(Refused::new(500, "CSeq Out Of Order")),
        false => Ok(()),
    }
}

fn refusal(request: &Message, refused: &Refused, to_tag: &str) -> Message {
    let mut answer = Message::response(request, refused.status, refused.reason, Some(to_tag));
    if let Some((name, value)) = &refused.header {
        answer.headers.push(name.clone(), value.clone());
    }
    answer
}

#[cfg(test)]
mod tests;
