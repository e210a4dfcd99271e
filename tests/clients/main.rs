//! Calls with clients that no one here wrote, over real sockets on loopback.
//!
//! ```text
//!  baresip, linphone, SIPp ── UDP, TCP, TLS ── kirkwall ── UDP, TLS ── kamailio ── baresip, SIPp
//!       (handsets)                            (the switch)            (registrar)  (the north)
//! ```
//!
//! `rig` proves the instruments without the switch: when it fails, nothing below it means anything.
//! Every client sends a tone of its own, so a recording says who was heard, how loud and with what gaps.
//! The clients keep real time and the machine is small: [`scene::Scene`] lets one test at a time on stage.
#![allow(dead_code, reason = "the harness is shared with benches/peers.rs, which uses other parts of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod audio;
mod authority;
mod baresip;
mod chromium;
mod kamailio;
mod linphone;
mod namespace;
mod phone;
mod process;
mod samba;
mod scene;
mod sipp;
mod slapd;
mod switch;
mod web;

mod barring;
mod call_waiting;
mod calls;
mod certificates;
mod codec_change;
mod conference;
mod directory;
mod forward;
mod ice;
mod load;
mod location;
mod lost_ways;
mod lync_calls;
mod lync_conference;
mod message_waiting;
mod native;
mod outcomes;
mod pages;
mod pidgin;
mod profiles;
mod provisioning;
mod restart;
mod rig;
mod roster;
mod texts;
mod torture;
mod transfer;
