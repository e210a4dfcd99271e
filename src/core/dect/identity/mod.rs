//! Identities of fixed and portable parts, and their coding (EN 300 175-6).

mod bits;
mod digits;
mod fixed;
mod ipei;
mod ipui;
mod tpui;

pub use digits::{BadDigits, Digits};
pub use fixed::{Ari, BadFixed, Park, Rfpi};
pub use ipei::{BadIpei, Ipei};
pub use ipui::{BadIpui, Ipui};
pub use tpui::{BadTpui, Tpui, TpuiKind};

pub(crate) use bits::{read, write};
