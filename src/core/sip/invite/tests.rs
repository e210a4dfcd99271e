//! Legs in virtual time.

mod calls;
mod crash;
mod pair;
mod races;
mod rough;
mod sessions;
