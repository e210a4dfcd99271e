//! The pages, by what they are about.

pub mod air;
pub mod base_station;
pub mod calls;
pub mod features;
pub mod help;
pub mod import;
pub mod lines;
pub mod login;
pub mod native_base;
pub mod phone_book;
pub mod plant;
pub mod provisioning;
pub mod rooms;
pub mod texts;
pub mod tokens;
pub mod users;
