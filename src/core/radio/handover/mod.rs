//! Handover: a handset in a call changes its base station.
//!
//! The handset decides that it wants to go and where to ([EN 300 175-3]); the switch decides whether it may,
//! and moves its link and its media: make before break.
//!
//! ```text
//! handset          new base station      switch                      old base station
//! access request ─► HO_IND ────────────► channel there?
//!                                        HO_PREPARE ───────────────►
//!                                        ◄───────────────── DLC_STATE
//!                  ◄─ HO_ACCEPT ──────── the old one goes on
//! bearer up         HO_COMPLETE ───────► speech goes over to the new one
//!                                        CONN_RELEASE(handover) ───► stop
//!                                        channel there is free
//! ```
//!
//! [`decision`] says whether, [`procedure`] how.

pub mod decision;
pub mod procedure;

pub use decision::{Candidate, decide};
pub use procedure::{BUDGET, Handover};
