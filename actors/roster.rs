//! Arbiters, and who lives on which; and the guard that tells of an actor's death.
//!
//! A panic in a handler closes an actor's mailbox for good and drops its struct (measured with actix
//! 0.13.5; `Supervisor` does not help). So every actor that owns something holds a [`Guard`]: when the
//! struct is dropped, however that came, the guard's last word is sent, and the supervisor frees what it
//! held or starts it anew.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use actix::dev::{MessageResponse, ToEnvelope};
use actix::prelude::*;

/// The arbiters of the node's actors.
#[derive(Clone)]
pub struct Roster(Arc<Vec<ArbiterHandle>>);

impl Roster {
    /// Starts that many arbiters, at least one. They live as long as the system.
    pub fn start(workers: usize) -> Self {
        Self(Arc::new((0..workers.max(1)).map(|_| Arbiter::new().handle()).collect()))
    }

    /// All on the present arbiter, for tests.
    pub fn here() -> Self {
        Self(Arc::new(vec![Arbiter::current()]))
    }

    /// The arbiter for a number: a call, its legs and its channel share one.
    pub fn arbiter(&self, number: u64) -> ArbiterHandle {
        self.0[(number % self.0.len() as u64) as usize].clone()
    }

    /// The arbiter for a thing with a name.
    pub fn arbiter_of(&self, name: &impl Hash) -> ArbiterHandle {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.arbiter(hasher.finish())
    }
}

/// Sends its word when it is dropped.
pub struct Guard(Option<Box<dyn FnOnce() + Send>>);

impl Guard {
    /// Will send `word` to `to`.
    pub fn new<A, M>(to: Addr<A>, word: M) -> Self
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + 'static,
        M::Result: Send + MessageResponse<A, M>,
    {
        Self(Some(Box::new(move || to.do_send(word))))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(word) = self.0.take() {
            word();
        }
    }
}
