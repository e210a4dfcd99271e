//! Legs in virtual time.

mod calls;
mod pair;
mod races;
mod rough;
mod sessions;
