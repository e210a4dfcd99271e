//! The actors of the switch: a mailbox for each handset, base station, dialog, media channel and call.
//!
//! ```text
//! Supervisor ─┬─ Handset        one per user: where its handsets are registered
//!             ├─ BaseStation    one per base station or DECT manager
//!             ├─ Registration   one per user: its line to the north
//!             ├─ Presence       one per user of Lync: what it has there besides calls
//!             ├─ Conference     one per room: who is in it, and who may come in
//!             ├─ Focus          one per user in a conference of the pool
//!             ├─ NotificationService  one per room to whose roster somebody subscribed
//!             ├─ MessageWaiting one per user whose mailbox was heard of
//!             └─ Call           one per call
//!                  ├─ Dialog        one per leg
//!                  └─ MediaChannel  its two flows in the media engine
//! Air ────────┬─ NativeBase     one per native base station
//!             └─ NativeHandset  one per handset on them
//!                  └─ NativeLeg     one per call of it, a leg beside Dialog
//! Post                          texts between handsets and the north, alarms
//! Provisioning                  windows in which new base stations fetch their users
//! Users, Access, Directory      what administrators keep: users; tokens, sessions; the phone book
//! RunTime                       settings that change while the switch runs
//! ```
//!
//! Every decision is made in `kirkwall-core`; an actor gives a machine its mailbox, clock, disk and voice:
//! input → `step` → machine → save → `perform`. Start with [`call`] and follow one INVITE.
//!
//! A panic kills its actor for good (actix 0.13.5); [`roster::Guard`] tells the supervisor, which frees or
//! restarts. Calls, their dialogs and their channel live on one arbiter, chosen by the call's reference.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod air;
pub mod base_station;
pub mod call;
pub mod certificates;
pub mod clock;
pub mod conference;
pub mod desk;
pub mod dialog;
pub mod directory;
pub mod focus;
pub mod handset;
pub mod media_channel;
pub mod message_waiting;
pub mod notification;
pub mod phone_book;
pub mod ports;
pub mod post;
pub mod presence;
pub mod provisioning;
pub mod recovery;
pub mod registration;
pub mod roster;
pub mod run_time;
pub mod settings;
pub mod spool;
pub mod supervisor;
pub mod users;
