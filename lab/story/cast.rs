//! Who plays: telephones of every kind, by the name that the story gives them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Fault, until};
use crate::media::Voice;
use crate::phone::{LiveCall, Progress};

/// From pressing dial to the call's beginning at the phone itself.
const FINGERS: Duration = Duration::from_secs(5);

/// A telephone of some kind that stories can use. Its calls are [`LiveCall`]s: they show where they stand,
/// take keys, and hear.
pub trait Player {
    /// Dials; the call goes on by itself and is the next of [`Self::calls_since`].
    fn dial(&self, number: &str);
    /// How many calls began so far: the number of the next one.
    fn calls_begun(&self) -> usize;
    /// The calls from this number on, oldest first.
    fn calls_since(&self, first: usize) -> Vec<LiveCall>;
}

/// One telephone on the stage.
pub struct Actor {
    name: String,
    voice: Voice,
    player: Box<dyn Player>,
    /// Calls before this one are of an earlier scene.
    seen: usize,
}

impl Actor {
    /// Its name in the story.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The voice of whoever holds it.
    pub fn voice(&self) -> Voice {
        self.voice
    }

    /// Its calls since the last dialling that found it idle, oldest first.
    pub fn calls(&self) -> Vec<LiveCall> {
        self.player.calls_since(self.seen)
    }

    /// The newest of them.
    pub fn call(&self) -> Option<LiveCall> {
        self.calls().pop()
    }

    /// The newest call that rings here or at its other end, or talks.
    ///
    /// # Errors
    /// [`Fault::Failed`] when there is none.
    pub fn standing_call(&self) -> Result<LiveCall, Fault> {
        let standing = self.calls().into_iter().rfind(|call| !call.has_ended());
        standing.ok_or_else(|| Fault::failed(format!("{} is in a call", self.name), self.words()))
    }

    /// What its newest call does, in words.
    pub fn words(&self) -> String {
        match self.call() {
            Some(call) => format!("its call with {} {}", call.peer(), call.progress()),
            None => "it has no call".to_owned(),
        }
    }

    /// Waits until its newest call stands as wanted.
    ///
    /// # Errors
    /// [`Fault::Failed`] with where it stands.
    pub async fn reaches(
        &self,
        patience: Duration,
        expected: &str,
        fits: impl Fn(&Progress) -> bool,
    ) -> Result<(), Fault> {
        until(patience, format!("{} {expected}", self.name), async || match self.call() {
            Some(call) if fits(&call.progress()) => Ok(()),
            _ => Err(self.words()),
        })
        .await
    }

    fn begin_scene(&mut self) {
        if self.calls().iter().all(LiveCall::has_ended) {
            self.seen = self.player.calls_begun();
        }
    }
}

/// All telephones.
#[derive(Default)]
pub struct Cast(BTreeMap<String, Actor>);

impl Cast {
    /// A voice that nobody on the stage has.
    pub fn next_voice(&self) -> Voice {
        // Steps of 9 change both marks of a voice.
        Voice::new((self.0.len() as u8).wrapping_mul(9))
    }

    /// A telephone enters.
    ///
    /// # Errors
    /// [`Fault::Unusable`] when another has its name.
    pub fn enter(&mut self, name: &str, voice: Voice, player: impl Player + 'static) -> Result<(), Fault> {
        if self.0.contains_key(name) {
            let mend = format!("give this one another name: … as {name}b");
            return Err(Fault::unusable(format!("there is a telephone {name} already"), mend));
        }
        let actor = Actor { name: name.to_owned(), voice, player: Box::new(player), seen: 0 };
        self.0.insert(name.to_owned(), actor);
        Ok(())
    }

    /// The telephone of this name.
    ///
    /// # Errors
    /// [`Fault::Unusable`] when there is none.
    pub fn actor(&self, name: &str) -> Result<&Actor, Fault> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<_> = self.0.keys().map(String::as_str).collect();
            let mend = format!("bring it on with a step handset or far end; there are: {}", names.join(", "));
            Fault::unusable(format!("there is no telephone {name}"), mend)
        })
    }

    /// Who has this voice.
    pub fn who_speaks(&self, voice: Voice) -> &str {
        self.0.values().find(|actor| actor.voice == voice).map_or("somebody unknown", Actor::name)
    }

    /// `name` dials. For everybody who is idle, calls from before are forgotten.
    ///
    /// # Errors
    /// When there is no such telephone, or it does not dial.
    pub async fn dial(&mut self, name: &str, number: &str) -> Result<(), Fault> {
        self.actor(name)?;
        self.0.values_mut().for_each(Actor::begin_scene);
        let player = &self.actor(name)?.player;
        let before = player.calls_begun();
        player.dial(number);
        until(FINGERS, format!("{name} dials"), async || match player.calls_begun() > before {
            true => Ok(()),
            false => Err("no call began at it".to_owned()),
        })
        .await
    }
}
