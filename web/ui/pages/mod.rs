//! The pages, by what they are about.

pub mod air;
pub mod calls;
pub mod features;
pub mod help;
pub mod import;
pub mod login;
pub mod phone_book;
pub mod plant;
pub mod tokens;
pub mod users;
