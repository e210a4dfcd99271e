//! The stage: everything that a story sets up, and that ends with it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tempfile::TempDir;

use super::cast::Cast;
use super::{Fault, Switch};
use crate::front_end::FrontEnd;
use crate::sip::tls::Authority;

/// SIP domain of all stories.
pub const DOMAIN: &str = "hospital.test";
/// How long an expectation waits, unless the story says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest story, unless it says otherwise; each wait within has its own patience.
const LONGEST: Duration = Duration::from_secs(300);

/// See the module.
pub struct Stage {
    /// The switch under test.
    pub switch: Switch,
    /// The emulated registrar in the north, once it stands.
    pub front_end: Option<FrontEnd>,
    /// Telephones of every kind, by name.
    pub cast: Cast,
    /// How long an expectation waits.
    pub patience: Duration,
    /// How long the whole story may take.
    pub longest: Duration,
    /// Signs certificates that the stage's programs believe.
    pub authority: Authority,
    props: HashMap<TypeId, Box<dyn Prop>>,
    // Last: the directory goes when everything that writes into it has ended.
    dir: TempDir,
}

/// What a family of verbs keeps on the stage.
pub trait Prop: Any {
    /// Ends what it started. Called once, whether the story passed or not.
    fn end(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Stage {
    pub(super) fn set_up(program: &Path) -> Result<Self, Fault> {
        let dir = tempfile::Builder::new().prefix("kirkwall-story-").tempdir();
        let dir = dir.map_err(|error| {
            Fault::unusable(format!("no directory for the story: {error}"), "make room in TMPDIR")
        })?;
        let authority = Authority::new("Kirkwall story authority")?;
        Ok(Self {
            switch: Switch::new(program, dir.path(), &authority)?,
            front_end: None,
            cast: Cast::default(),
            patience: PATIENCE,
            longest: LONGEST,
            authority,
            props: HashMap::new(),
            dir,
        })
    }

    /// The story's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What a family keeps, made when it is first asked for.
    pub fn prop<T: Prop + Default>(&mut self) -> &mut T {
        let prop = self.props.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        let prop: &mut dyn Any = prop.as_mut();
        prop.downcast_mut().expect("each prop is kept under its own type")
    }

    /// The front end.
    ///
    /// # Errors
    /// [`Fault::Unusable`] when there is none.
    pub fn front_end(&self) -> Result<&FrontEnd, Fault> {
        self.front_end.as_ref().ok_or_else(|| {
            Fault::unusable("there is no front end", "put `front end over tls` before the switch starts")
        })
    }

    /// Ends everything that was started.
    pub(super) async fn end(mut self) {
        // The switch first: what the emulators say while they go concerns nobody.
        drop(self.switch);
        for prop in self.props.values_mut() {
            prop.end().await;
        }
        if let Some(front_end) = &self.front_end {
            front_end.stop().await;
        }
    }
}
