//! `[messages]`: texts to handsets, and who is told of emergency calls.

use std::time::Duration;

use super::show;
use super::source::{self, Key, Section, Values};

sections! {
    /// `[messages]`
    Messages {
        /// Days that messages are kept, 1 to 3650; of more than 10,000 the oldest go before.
        days: u16 = 30,
        /// Seconds that a text may take to reach a handset that is away, 10 to 604800.
        lifetime: Duration = Duration::from_secs(86_400),
        /// User part that messages of the switch itself come from. An answer to it confirms the last alarm.
        sender: String = "alarm".into(),
        /// Who is told by message of each emergency call, by whom and from where: usernames, numbers, SIP URIs.
        emergency_desk: Vec<String> = Vec::new(),
        /// Who is told when nobody at the desk has confirmed in time.
        behind_emergency_desk: Vec<String> = Vec::new(),
        /// Seconds that the desk has, 5 to 86400.
        emergency_desk_time: Duration = Duration::from_secs(60),
    }
}

/// What must hold within the section.
pub fn check(messages: &Messages, values: &mut Values) {
    let mut fault = |key: &str, what: &str| values.fault(&format!("messages.{key}"), what.to_owned());
    if !(1..=3_650).contains(&messages.days) {
        fault("days", "must be between 1 and 3650");
    }
    if !(10..=604_800).contains(&messages.lifetime.as_secs()) {
        fault("lifetime", "must be between 10 and 604800 seconds");
    }
    if !(5..=86_400).contains(&messages.emergency_desk_time.as_secs()) {
        fault("emergency_desk_time", "must be between 5 and 86400 seconds");
    }
    let plain = |text: &String| {
        !text.is_empty()
            && text.len() < 256
            && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"".contains(c))
    };
    if !plain(&messages.sender) || messages.sender.contains(['@', ':']) {
        fault("sender", "must be the user part of a SIP URI, \"alarm\"");
    }
    for (key, list) in [
        ("emergency_desk", &messages.emergency_desk),
        ("behind_emergency_desk", &messages.behind_emergency_desk),
    ] {
        if list.len() > 100 || !list.iter().all(plain) {
            fault(key, "must be at most 100 usernames, numbers or SIP URIs, [\"4711\"]");
        }
    }
    if messages.emergency_desk.is_empty() && !messages.behind_emergency_desk.is_empty() {
        fault("emergency_desk", "is needed with messages.behind_emergency_desk");
    }
}
