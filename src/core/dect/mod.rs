//! The DECT network layer as the fixed side speaks it (EN 300 175-5, -6 and -7).
//!
//! Nothing here knows of sockets, SIP or calls. An octet string that a base station hands up becomes a
//! [`message::Message`] or a [`message::Fault`]; what a machine wants said is a message again.
//!
//! # Terminology
//!
//! * *FT* is the fixed side (this switch and its base stations), *PT* the portable side (a handset).
//! * An *octet* is a byte, its bit 8 the most significant, as the standard counts them.
//! * A *transaction* is what one protocol entity does under one value; the side that began it has flag 0.
//!
//! # Table of contents
//!
//! * [`identity`]: ARI, PARK, RFPI, IPUI, IPEI, TPUI (EN 300 175-6).
//! * [`element`]: the information elements, from octets to values and back (clause 7).
//! * [`message`]: the messages, their tables of elements, and what to make of bad ones (clauses 6, 17).
//! * [`key`], [`dsaa2`], [`dsc2`]: authentication and cipher keys (EN 300 175-7).
//! * [`portable`]: one handset in one machine, and who may subscribe. [`site`]: the system as radios broadcast it.
//! * [`capture`]: what was said, for Wireshark.
//! * [`lce`]: paging and the link (clause 14). [`cc`]: calls (clause 9). [`mm`]: mobility (clause 13).
//!   [`ss`]: keypad, hold and retrieve, display, names and numbers (clause 10). [`clms`]: text to all (clause 12).
//!   [`coms`]: text to one, and from one (clause 11).
//! * [`base_link`]: what the switch and a native base station say to each other, OBL/1.

pub mod base_link;
pub mod capture;
pub mod cc;
pub mod clms;
pub mod coms;
pub mod dsaa2;
pub mod dsc2;
pub mod element;
pub mod identity;
pub mod key;
mod latin;
pub mod lce;
pub mod message;
pub mod mm;
pub mod portable;
pub mod site;
pub mod ss;
