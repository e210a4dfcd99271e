//! What every machine of this house looks like from outside.

use crate::timer::Moment;

/// Everything one input causes, in the only permitted order.
///
/// What a machine asks to save is on disk before any word of `then` leaves the node ("save, then
/// say"); the driver gets at `then` only after the save has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready<S, O> {
    /// Records to write, in order, as one atomic batch. Empty when nothing needs to survive.
    pub save: Vec<S>,
    /// Orders to carry out once `save` is on disk.
    pub then: Vec<O>,
}

impl<S, O> Ready<S, O> {
    /// Nothing to save and nothing to say.
    pub fn nothing() -> Self {
        Self { save: Vec::new(), then: Vec::new() }
    }

    /// Words that depend on no record.
    pub fn say(then: Vec<O>) -> Self {
        Self { save: Vec::new(), then }
    }
}

/// A pure state machine: input and moment in, [`Ready`] or a refusal out.
pub trait Machine {
    /// What can happen to it.
    type Input;
    /// What it asks to have written.
    type Save;
    /// What it orders.
    type Output;
    /// Why it will not take an input in its present state. A refusal changes nothing.
    type Refusal: std::error::Error;

    /// Takes one input. Deterministic: no clock, socket or randomness beyond the arguments.
    fn handle(
        &mut self,
        input: Self::Input,
        now: Moment,
    ) -> Result<Ready<Self::Save, Self::Output>, Self::Refusal>;

    /// When [`handle`](Self::handle) wants its deadline input, if ever.
    fn deadline(&self) -> Option<Moment>;
}
