//! Everything that touches another system: transports, media, directories, clocks and telemetry.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod media;
