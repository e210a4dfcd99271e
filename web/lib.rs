//! What administrators see of the switch: REST, OpenAPI, pages, the live stream, probes and metrics.
//!
//! ```text
//! browser ──► ui/*   ─┐
//!                     ├─► service/* ──► Desk (recipients of the actors' messages)
//! program ──► rest/* ─┘
//! ```
//!
//! A page and the REST operation beside it call the same function in [`service`](self), so they cannot
//! differ. The web knows the [`Desk`](kirkwall_actors::desk::Desk) and core's values; it sees no actor, no
//! store, no socket of the switch and no SIP.
//!
//! * Routes stand in two tables: `rest::operations` and `ui::pages`. Each row names the scope it needs, and
//!   each act on a page names its REST twin; tests compare the tables with the OpenAPI document.
//! * [`configure`] puts everything under an `App`; [`serve`] and [`serve_ops`] also bind and listen.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod clock;
mod config;
mod headers;
mod idempotency;
mod imports;
mod live;
mod ops;
mod phone_books;
mod problem;
mod provisioning;
mod rest;
mod server;
mod service;
mod site;
mod ui;

pub use rest::{RouteNote, openapi_json, rest_routes};
pub use server::{configure, serve, serve_ops};
pub use site::WebOptions;
pub use ui::{PageNote, ladder_svg, page_routes};
