//! What may be typed into a user's fields.

use std::collections::BTreeMap;

use kirkwall_core::call::dialling::NumberClass;
use kirkwall_core::id::Username;
use kirkwall_core::timer::Moment;
use kirkwall_data::Secret;
use kirkwall_data::user::UserRecord;

use crate::desk::{FieldFault, UserChange};

/// Longest display name and standby text, in characters.
const MAX_TEXT: usize = 128;
/// Longest password, in characters.
const MAX_SECRET: usize = 128;

/// Checks a username.
pub(super) fn username(text: &str, faults: &mut Vec<FieldFault>) -> Option<Username> {
    match text.parse() {
        Ok(name) => Some(name),
        Err(bad) => {
            faults.push(FieldFault::new("username", format!("{bad}")));
            None
        }
    }
}

/// Puts the given fields into `record`, noting every one that is wrong. Without a record it only checks.
pub(super) fn apply(record: Option<&mut UserRecord>, fields: &UserChange, faults: &mut Vec<FieldFault>) {
    let texts = [
        ("display_name", &fields.display_name),
        ("standby_text", &fields.standby_text),
        ("auth_username", &fields.auth_username),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            check_text(field, text, MAX_TEXT, faults);
        }
    }
    let secrets = [
        ("auth_password", &fields.auth_password),
        ("access_code", &fields.access_code),
        ("south_password", &fields.south_password),
    ];
    for (field, secret) in secrets {
        if let Some(secret) = secret {
            check_text(field, &secret.0, MAX_SECRET, faults);
        }
    }
    for (field, text) in [("ipei", &fields.ipei), ("pickup_group", &fields.pickup_group)] {
        if let Some(text) = text {
            check_text(field, text, 32, faults);
        }
    }
    if let Some(text) = fields.secondary_username.as_deref().filter(|text| !text.is_empty())
        && let Err(bad) = text.parse::<Username>()
    {
        faults.push(FieldFault::new("secondary_username", format!("{bad}")));
    }
    for word in fields.allowed_calls.iter().flatten().flatten() {
        if let Err(bad) = word.parse::<NumberClass>() {
            faults.push(FieldFault::new("allowed_calls", format!("{bad}")));
        }
    }
    if let Some(record) = record {
        put(record, fields);
    }
}

/// Names and numbers are one space: nobody may be called by what calls somebody else.
pub(super) fn check_numbers(
    record: &UserRecord,
    users: &BTreeMap<Username, UserRecord>,
    faults: &mut Vec<FieldFault>,
) {
    let (name, number) = (record.username.as_str(), record.secondary_username.as_deref());
    let others = || users.values().filter(|other| other.username != record.username);
    let takes = |other: &&UserRecord| {
        let theirs = other.secondary_username.as_deref();
        number.is_some_and(|number| other.username.as_str() == number || theirs == Some(number))
    };
    if let Some(other) = others().find(takes) {
        let detail = format!("user {} is called by that already; choose another", other.username);
        faults.push(FieldFault::new("secondary_username", detail));
    }
    if let Some(other) = others().find(|other| other.secondary_username.as_deref() == Some(name)) {
        let detail = format!("it is the secondary username of {}; choose another", other.username);
        faults.push(FieldFault::new("username", detail));
    }
}

fn check_text(field: &str, text: &str, longest: usize, faults: &mut Vec<FieldFault>) {
    let length = text.chars().count();
    if length > longest {
        faults
            .push(FieldFault::new(field, format!("has {length} characters; at most {longest} are possible")));
    }
    if text.chars().any(char::is_control) {
        faults.push(FieldFault::new(field, "holds a control character, perhaps a line break; take it out"));
    }
}

fn put(record: &mut UserRecord, fields: &UserChange) {
    let set = |place: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            place.clone_from(value);
        }
    };
    set(&mut record.display_name, &fields.display_name);
    set(&mut record.standby_text, &fields.standby_text);
    set(&mut record.auth_username, &fields.auth_username);
    if let Some(password) = &fields.auth_password {
        record.auth_password = Secret::new(password.0.clone());
    }
    // An empty text clears an optional field.
    let secret = |text: &str| (!text.is_empty()).then(|| Secret::new(text));
    if let Some(code) = &fields.access_code {
        record.access_code = secret(&code.0);
    }
    if let Some(password) = &fields.south_password {
        record.south_password = secret(&password.0);
    }
    if let Some(ipei) = &fields.ipei {
        record.ipei = Some(ipei.clone()).filter(|text| !text.is_empty());
    }
    if let Some(group) = &fields.pickup_group {
        record.pickup_group = Some(group.trim().to_owned()).filter(|text| !text.is_empty());
    }
    if let Some(enabled) = fields.enabled {
        record.enabled = enabled;
    }
    if let Some(number) = &fields.secondary_username {
        record.secondary_username = Some(number.clone()).filter(|text| !text.is_empty());
    }
    if let Some(classes) = &fields.allowed_calls {
        let read =
            |words: &Vec<String>| words.iter().filter_map(|word| word.parse::<NumberClass>().ok()).collect();
        record.allowed_calls = classes.as_ref().map(read);
    }
}

/// The users who lose their handset because `taker` has it from now on: a handset is one user's.
pub(super) fn without_handset_of<'a>(
    taker: &UserRecord,
    users: impl Iterator<Item = &'a UserRecord>,
    now: Moment,
) -> Vec<UserRecord> {
    let packed = |record: &UserRecord| record.ipei.as_deref().map(|ipei| ipei.replace(' ', ""));
    let Some(wanted) = packed(taker) else { return Vec::new() };
    let had = users.filter(|user| user.username != taker.username && packed(user).as_ref() == Some(&wanted));
    had.map(|user| UserRecord { ipei: None, changed: now, revision: user.revision + 1, ..user.clone() })
        .collect()
}
