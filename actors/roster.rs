//! Arbiters, and who lives on which; and the guard that tells of an actor's death.
//!
//! A panic in a handler closes an actor's mailbox for good and drops its struct (measured with actix
//! 0.13.5; `Supervisor` does not help). So every actor that owns something holds a [`Guard`]: when the
//! struct is dropped, however that came, the guard's last word is sent, and the supervisor frees what it
//! held or starts it anew.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use actix::dev::{MessageResponse, ToEnvelope};
use actix::prelude::*;

use kirkwall_core::timer::Moment;

/// An actor that dies more often than this within [`WINDOW`] is not started again.
const MOST_DEATHS: u32 = 5;
/// In which deaths are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Deaths of actors by name, so that one that dies at once is given up, loudly.
#[derive(Debug, Default)]
pub struct Deaths(HashMap<String, (Moment, u32)>);

impl Deaths {
    /// Counts a death; whether the actor may be started again.
    pub fn may_restart(&mut self, name: &str, now: Moment) -> bool {
        self.0.retain(|_, (since, _)| now.since(*since) < WINDOW);
        let (_, deaths) = self.0.entry(name.to_owned()).or_insert((now, 0));
        *deaths += 1;
        *deaths <= MOST_DEATHS
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_that_keeps_dying_is_given_up_and_another_is_not() {
        let (mut deaths, now) = (Deaths::default(), Moment::from_micros(1));
        assert!((0..MOST_DEATHS).all(|_| deaths.may_restart("a", now)));
        assert!(!deaths.may_restart("a", now));
        assert!(deaths.may_restart("b", now));
        assert!(deaths.may_restart("a", now + WINDOW));
    }

    #[actix::test]
    async fn the_guard_of_an_actor_that_panics_speaks() {
        struct Ear(Option<futures::channel::oneshot::Sender<()>>);
        impl Actor for Ear {
            type Context = Context<Self>;
        }
        #[derive(Message)]
        #[rtype(result = "()")]
        struct Died;
        impl Handler<Died> for Ear {
            type Result = ();
            fn handle(&mut self, _: Died, _: &mut Self::Context) {
                let told = self.0.take().unwrap();
                told.send(()).unwrap();
            }
        }
        struct Mortal(#[allow(dead_code)] Guard);
        impl Actor for Mortal {
            type Context = Context<Self>;
        }
        impl Handler<Died> for Mortal {
            type Result = ();
            fn handle(&mut self, _: Died, _: &mut Self::Context) {
                panic!("as the test wants it");
            }
        }
        let (tell, told) = futures::channel::oneshot::channel();
        let ear = Ear(Some(tell)).start();
        let mortal = Mortal(Guard::new(ear, Died)).start();
        mortal.do_send(Died);
        told.await.unwrap();
        assert!(!mortal.connected());
    }
}
