//! What may be typed into a user's fields.

use kirkwall_core::id::Username;
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
    if let Some(ipei) = fields.ipei.as_deref() {
        check_text("ipei", ipei, 32, faults);
    }
    if let Some(record) = record {
        put(record, fields);
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
    if let Some(enabled) = fields.enabled {
        record.enabled = enabled;
    }
}
