//! The world, emulated: a SIP front end, handsets on SIP-DECT base stations, people who call each other,
//! and load. For `kirkwall demo` and for tests.
//!
//! Nothing here uses kirkwall-core: SIP lines, names and URIs are parsed by `ezk-sip-types`, everything
//! else (framing, transactions, dialogs, digest, SDP, ICE, RTP, SRTP, G.711, G.726, DECT, the base link) is written
//! here a second time, so that an error in the product cannot cancel itself out.
//!
//! | Module | Emulates |
//! |---|---|
//! | [`front_end`] | registrar, location service, proxy and far-end users |
//! | [`handset`] | base stations with handsets, registered at the switch |
//! | [`base_station`], [`radio`] | native base stations on the base link, and the air |
//! | [`world`] | both, with a seeded plan of calls ([`plan`]) |
//! | [`load`] | REGISTERs and calls at a rate, with latencies |
//! | [`story`] | scripts that a telephony administrator can read, run against the real switch |
//! | [`phone`], [`media`], [`ice`], [`sip`], [`ntlm`], [`dect`] | what they are made of |
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod base_station;
pub mod dect;
pub mod front_end;
pub mod handset;
pub mod ice;
pub mod load;
pub mod media;
pub mod ntlm;
pub mod phone;
pub mod plan;
pub mod radio;
pub mod sip;
pub mod story;
pub mod world;
