//! Where a call goes. Pure: what is known of users and lines is asked through [`Map`].

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use crate::id::Username;
use crate::sip::Facing;
use crate::sip::wire::{Host, Scheme, Uri};

/// When calls between two handsets of this switch stay inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InternalRouting {
    /// Only while the caller's line to the north is down, so that the north side's forwards, voice mail
    /// and records stay in force otherwise.
    #[default]
    Fallback,
    /// Always.
    First,
    /// Never: without the north side there are no calls.
    Never,
}

/// What routing needs to know.
pub trait Map {
    /// Whether there is such a user, and whether it is enabled.
    fn user(&self, user: &Username) -> Option<bool>;
    /// Whether any handset of the user can be reached.
    fn located(&self, user: &Username) -> bool;
    /// Whether there is a north side at all.
    fn has_north(&self) -> bool;
    /// Whether the user's line to the north is up.
    fn line_up(&self, user: &Username) -> bool;
    /// Whether a host means this switch (its names, addresses, realm and domain).
    fn is_ours(&self, host: &Host) -> bool;
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To the handsets of a user of this switch.
    Handset(Username),
    /// To the north over the caller's line.
    North {
        /// Whose line.
        line: Username,
        /// User part to ask for; none when the dialled URI goes out as it is.
        number: Option<String>,
    },
    /// Nowhere.
    Refuse(Cause),
}

/// Decides. `caller` is the authenticated user of a call from the south, none from the north: a call
/// from the north only ever reaches handsets, so nobody can call out through us.
pub fn way(
    facing: Facing,
    caller: Option<&Username>,
    dialled: &Uri,
    mode: InternalRouting,
    map: &impl Map,
) -> Way {
    let number = dialled.user_text();
    let local =
        number.parse::<Username>().ok().and_then(|user| map.user(&user).map(|enabled| (user, enabled)));
    match (facing, caller) {
        (Facing::North, _) => match local {
            Some((user, true)) if map.located(&user) => Way::Handset(user),
            Some((_, true)) => Way::Refuse(Cause::of_status(480, "the handset is not registered")),
            Some((_, false)) => Way::Refuse(Cause::of_status(480, "the user is disabled")),
            None => Way::Refuse(Cause::of_status(404, "no such user on this switch")),
        },
        (Facing::South, None) => Way::Refuse(Cause::of_status(403, "the caller is not known")),
        (Facing::South, Some(caller)) => from_handset(caller, dialled, number, local, mode, map),
    }
}

fn from_handset(
    caller: &Username,
    dialled: &Uri,
    number: String,
    local: Option<(Username, bool)>,
    mode: InternalRouting,
    map: &impl Map,
) -> Way {
    let refuse = |status, words: &str| Way::Refuse(Cause::of_status(status, words));
    if number.is_empty() {
        return refuse(484, "no number was dialled");
    }
    let ours = dialled.host.as_ref().is_none_or(|host| map.is_ours(host));
    let north = map.has_north() && map.line_up(caller);
    let inside = match mode {
        InternalRouting::First => true,
        InternalRouting::Fallback => !north,
        InternalRouting::Never => false,
    };
    match local {
        Some((user, true)) if ours && inside && map.located(&user) => Way::Handset(user),
        Some((_, enabled)) if ours && inside && !north => match enabled {
            true => refuse(480, "the handset is not registered"),
            false => refuse(480, "the user is disabled"),
        },
        _ if north => Way::North {
            line: caller.clone(),
            number: (ours || dialled.scheme == Scheme::Tel).then_some(number),
        },
        _ if map.has_north() => refuse(503, "the line is not registered at the registrar"),
        _ => refuse(404, "no such user, and no registrar is configured"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// user → (enabled, located, line up)
    struct World(BTreeMap<&'static str, (bool, bool, bool)>, bool);

    impl Map for World {
        fn user(&self, user: &Username) -> Option<bool> {
            self.0.get(user.as_str()).map(|u| u.0)
        }
        fn located(&self, user: &Username) -> bool {
            self.0.get(user.as_str()).is_some_and(|u| u.1)
        }
        fn has_north(&self) -> bool {
            self.1
        }
        fn line_up(&self, user: &Username) -> bool {
            self.0.get(user.as_str()).is_some_and(|u| u.2)
        }
        fn is_ours(&self, host: &Host) -> bool {
            *host != Host::Name("elsewhere.test".into())
        }
    }

    fn world(north: bool) -> World {
        let users = [
            ("anna", (true, true, north)),
            ("bob", (true, true, north)),
            ("off", (false, true, false)),
            ("gone", (true, false, north)),
        ];
        World(BTreeMap::from(users), north)
    }

    fn ask(from: Option<&str>, to: &str, mode: InternalRouting, north: bool) -> String {
        let caller = from.map(|f| f.parse().unwrap());
        let facing = if from.is_some() { Facing::South } else { Facing::North };
        let uri = Uri::parse(&to.into()).unwrap();
        match way(facing, caller.as_ref(), &uri, mode, &world(north)) {
            Way::Handset(user) => format!("handset {user}"),
            Way::North { line, number } => format!("north {line} {}", number.unwrap_or("as is".into())),
            Way::Refuse(cause) => cause.status.to_string(),
        }
    }

    #[test]
    fn a_call_from_the_north_reaches_handsets_only() {
        let mode = InternalRouting::First;
        assert_eq!(ask(None, "sip:anna@here", mode, true), "handset anna");
        assert_eq!(ask(None, "sip:gone@here", mode, true), "480");
        assert_eq!(ask(None, "sip:off@here", mode, true), "480");
        assert_eq!(ask(None, "sip:+3905123@here", mode, true), "404");
    }

    #[test]
    fn internal_calls_go_by_the_north_unless_its_line_is_down_or_we_are_told() {
        assert_eq!(ask(Some("anna"), "sip:bob@here", InternalRouting::Fallback, true), "north anna bob");
        assert_eq!(ask(Some("anna"), "sip:bob@here", InternalRouting::Fallback, false), "handset bob");
        assert_eq!(ask(Some("anna"), "sip:bob@here", InternalRouting::First, true), "handset bob");
        assert_eq!(ask(Some("anna"), "sip:bob@here", InternalRouting::Never, false), "404");
    }

    #[test]
    fn outside_numbers_need_a_line() {
        assert_eq!(ask(Some("anna"), "tel:+1-555", InternalRouting::Fallback, true), "north anna +1555");
        assert_eq!(
            ask(Some("anna"), "sip:x@elsewhere.test", InternalRouting::Fallback, true),
            "north anna as is"
        );
        assert_eq!(ask(Some("off"), "sip:555@here", InternalRouting::Fallback, true), "503");
        assert_eq!(ask(Some("anna"), "sip:555@here", InternalRouting::Fallback, false), "404");
    }
}
