//! Stories: short scripts that a telephony administrator can read, run against the real switch.
//!
//! ```text
//! file ──► parse ──► steps ──► form (which verb?) ──► run: verb by verb on the Stage ──► passed, failed,
//!                                                                                        unusable
//! Stage: kirkwall serve (a process), front end, base stations, handsets, far ends, REST
//! ```
//!
//! The language is in `docs/stories.md`. A verb is a form, a sentence that says what it does, and a function
//! on the [`Stage`]; a family of verbs is a file with a `VERBS` table, and one line in [`verbs::FAMILIES`].
//! What a family keeps between its verbs is a [`Prop`] of its own ([`Stage::prop`]).

mod cast;
mod fault;
mod form;
mod parse;
mod ports;
mod rest;
mod run;
mod stage;
mod switch;
pub mod verbs;

pub use cast::{Actor, Cast, Player};
pub use fault::{Fault, until};
pub use form::Given;
pub use parse::{Flaw, Script, Step, Word};
pub use rest::Answer;
pub use run::{Ending, Runner};
pub use stage::{DOMAIN, Prop, Stage};
pub use switch::{Bound, Switch};
pub use verbs::Verb;
