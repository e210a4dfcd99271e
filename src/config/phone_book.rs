//! `[phone_book]`: the company's directory, and what is done with names.

use std::path::PathBuf;
use std::time::Duration;

use kirkwall_core::directory::{Kind, MAX_ENTRIES};
use kirkwall_core::pii::Pii;
use kirkwall_integration::directory::{Attributes, check_filter};

use super::show;
use super::source::{self, Key, Section, Values};

sections! {
    /// `[phone_book]`
    PhoneBook {
        /// Directory, `ldaps://dc.example.com` or `ldap://dc.example.com`. None: local entries only.
        uri: Option<String> = None,
        /// Encrypt `ldap://` by StartTLS. Without, the password crosses the network for all to read.
        start_tls: bool = true,
        /// Check the directory's certificate. Turn off only to find an error.
        verify: bool = true,
        /// Authorities whose certificates are accepted there, PEM file. None: those of `sip.ca` and imported ones,
        /// else the system's.
        ca: Option<PathBuf> = None,
        /// Where to search, `OU=Staff,DC=example,DC=com`.
        base: String = String::new(),
        /// Who binds, a distinguished name, with Active Directory `user@domain` as well; empty: nobody.
        bind: String = String::new(),
        /// Its password. Better as `KIRKWALL__PHONE_BOOK__PASSWORD_FILE`.
        password: Pii<String> = Pii(String::new()),
        /// LDAP filter of entries (RFC 4515).
        filter: String = "(telephoneNumber=*)".into(),
        /// Attributes that hold the name; of several the first that an entry has.
        name_attributes: Vec<String> = Attributes::default().name,
        /// Attributes that hold the department.
        department_attributes: Vec<String> = Attributes::default().department,
        /// Attributes that hold numbers inside.
        internal_attributes: Vec<String> = numbers(Kind::Internal),
        /// Attributes that hold numbers at work.
        office_attributes: Vec<String> = numbers(Kind::Office),
        /// Attributes that hold mobile numbers.
        mobile_attributes: Vec<String> = numbers(Kind::Mobile),
        /// Attributes that hold numbers at home.
        home_attributes: Vec<String> = Vec::new(),
        /// Most entries that are read from the directory; 1 to 50000.
        entries: u32 = 20_000,
        /// Seconds between two reads; 60 to 604800.
        refresh_interval: Duration = Duration::from_secs(3600),
        /// Show the name that the phone book has for a number when a caller brings none.
        caller_names: bool = true,
        /// Least digits at the end of a number by which a caller is known, when the whole number is not; 4 to 15.
        least_digits: u16 = 7,
    }
}

impl PhoneBook {
    /// Where in an entry things stand.
    pub fn attributes(&self) -> Attributes {
        let kinds = [
            (Kind::Internal, &self.internal_attributes),
            (Kind::Office, &self.office_attributes),
            (Kind::Mobile, &self.mobile_attributes),
            (Kind::Home, &self.home_attributes),
        ];
        Attributes {
            name: self.name_attributes.clone(),
            department: self.department_attributes.clone(),
            numbers: kinds
                .into_iter()
                .flat_map(|(kind, names)| names.iter().map(move |name| (kind, name.clone())))
                .collect(),
        }
    }
}

fn numbers(kind: Kind) -> Vec<String> {
    let numbers = Attributes::default().numbers.into_iter();
    numbers.filter(|(of, _)| *of == kind).map(|(_, name)| name).collect()
}

/// What does not fit.
pub fn check(book: &PhoneBook, values: &mut Values) {
    let mut fault = |key: &str, what: &str| values.fault(&format!("phone_book.{key}"), what.to_owned());
    if !(60..=604_800).contains(&book.refresh_interval.as_secs()) {
        fault("refresh_interval", "must be between 60 and 604800 seconds");
    }
    if !(1..=MAX_ENTRIES).contains(&(book.entries as usize)) {
        fault("entries", "must be between 1 and 50000");
    }
    if !(4..=15).contains(&book.least_digits) {
        fault("least_digits", "must be between 4 and 15");
    }
    let Some(uri) = &book.uri else { return };
    let scheme = uri.split_once("://").map(|(scheme, host)| (scheme.to_ascii_lowercase(), host));
    match scheme.as_ref().map(|(scheme, host)| (scheme.as_str(), !host.trim_matches('/').is_empty())) {
        Some(("ldap" | "ldaps", true)) => {}
        _ => fault("uri", "must begin with ldaps:// or ldap:// and name a host, \"ldaps://dc.example.com\""),
    }
    if book.base.is_empty() {
        fault("base", "is needed with phone_book.uri; example: \"OU=Staff,DC=example,DC=com\"");
    }
    // RFC 4513 §5.1.2: such a bind succeeds without a check, so it must not be tried by mistake.
    if !book.bind.is_empty() && book.password.0.is_empty() {
        fault("password", "is needed with phone_book.bind");
    }
    if let Err(what) = check_filter(&book.filter) {
        fault("filter", &what);
    }
    let attributes = book.attributes();
    if attributes.name.is_empty() {
        fault("name_attributes", "must name at least one attribute, \"displayName\"");
    }
    if attributes.numbers.is_empty() {
        fault(
            "office_attributes",
            "must name at least one attribute, \"telephoneNumber\"; so far no attribute holds numbers",
        );
    }
}
