//! What a subscriber to a conference is told: `application/conference-info+xml` (RFC 4575).
//!
//! A roster is kept as the parts of its document, each as it will be written, so that what has changed is what
//! differs. A subscriber that knows nothing is sent the whole; one that knows the roster before is sent what
//! has changed since (§4.6): "partial" users, with those who have left as "deleted".
//!
//! Left out: sidebars, host and access information, media other than audio, which nobody here has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{MemberView, RoomView};
use crate::lync::xml::escape;
use crate::sip::notifier::Edition;

/// Event package (§3.1).
pub const EVENT: &str = "conference";
/// Type of its bodies (§3.5).
pub const CONTENT_TYPE: &str = "application/conference-info+xml";

/// Stands between the parts of a roster; a character that XML cannot hold, so that none of them has it.
const BETWEEN: char = '\u{1e}';

/// A roster: the parts of its document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Roster {
    /// URI of the conference.
    entity: String,
    /// `<conference-description>`.
    description: String,
    /// `<conference-state>`.
    state: String,
    /// `<user>` by URI.
    users: BTreeMap<String, String>,
}

impl Roster {
    fn kept(&self) -> String {
        let mut out = format!("{}{BETWEEN}{}{BETWEEN}{}", self.entity, self.description, self.state);
        for (uri, user) in &self.users {
            _ = write!(out, "{BETWEEN}{uri}{BETWEEN}{user}");
        }
        out
    }

    fn read(kept: &str) -> Option<Self> {
        let mut parts = kept.split(BETWEEN).map(str::to_owned);
        let (entity, description, state) = (parts.next()?, parts.next()?, parts.next()?);
        let mut users = BTreeMap::new();
        while let (Some(uri), Some(user)) = (parts.next(), parts.next()) {
            users.insert(uri, user);
        }
        Some(Self { entity, description, state, users })
    }
}

/// The roster of a room as [`write()`] reads it. `entity` is the room's URI, `aor` makes one of a number. Who
/// still waits at the door is not in it.
pub fn state(view: &RoomView, entity: &str, aor: impl Fn(&str) -> String) -> String {
    let inside: Vec<_> = view.members.iter().filter(|member| !member.waits).collect();
    let mut ends: BTreeMap<String, Vec<&MemberView>> = BTreeMap::new();
    for member in &inside {
        ends.entry(uri_of(&member.number, &aor)).or_default().push(member);
    }
    let users = ends.into_iter().map(|(uri, ends)| (uri.clone(), user(&uri, &ends))).collect();
    let (title, most) = (escape(&view.room.title), view.room.most);
    let count = inside.len();
    let roster = Roster {
        entity: entity.to_owned(),
        description: format!(
            "<conference-description><display-text>{title}</display-text>\
             <maximum-user-count>{most}</maximum-user-count></conference-description>"
        ),
        state: format!(
            "<conference-state><user-count>{count}</user-count><active>{}</active></conference-state>",
            count > 0
        ),
        users,
    };
    roster.kept()
}

/// The document for one subscriber.
pub fn write(edition: &Edition<'_>) -> String {
    let Some(now) = Roster::read(edition.now) else { return String::new() };
    let before = edition.before.and_then(Roster::read);
    let extent = if before.is_some() { "partial" } else { "full" };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
    // "Versions start at 0, and increment by one for each new document sent to a subscriber" (§4.1).
    let (version, entity) = (edition.version, escape(&now.entity));
    _ = write!(
        out,
        "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{entity}\" \
         state=\"{extent}\" version=\"{version}\">"
    );
    let changed = |part: fn(&Roster) -> &String| before.as_ref().map(part) != Some(part(&now));
    if changed(|roster| &roster.description) {
        out.push_str(&now.description);
    }
    if changed(|roster| &roster.state) {
        out.push_str(&now.state);
    }
    let known = before.map(|before| before.users);
    users(&mut out, known.as_ref(), &now.users);
    out.push_str("</conference-info>\r\n");
    out
}

/// Those who differ from who was there; all when nobody knows who was.
fn users(out: &mut String, known: Option<&BTreeMap<String, String>>, now: &BTreeMap<String, String>) {
    let Some(known) = known else {
        out.push_str("<users state=\"full\">");
        now.values().for_each(|user| out.push_str(user));
        return out.push_str("</users>");
    };
    if known == now {
        return;
    }
    out.push_str("<users state=\"partial\">");
    now.iter().filter(|(uri, user)| known.get(*uri) != Some(*user)).for_each(|(_, user)| out.push_str(user));
    for uri in known.keys().filter(|uri| !now.contains_key(*uri)) {
        _ = write!(out, "<user entity=\"{}\" state=\"deleted\"/>", escape(uri));
    }
    out.push_str("</users>");
}

/// One person, with each of the calls by which it is there.
fn user(uri: &str, ends: &[&MemberView]) -> String {
    let uri = escape(uri);
    let display = ends.iter().map(|end| end.display.as_str()).find(|display| !display.is_empty());
    let mut out = format!("<user entity=\"{uri}\" state=\"full\">");
    if let Some(display) = display {
        _ = write!(out, "<display-text>{}</display-text>", escape(display));
    }
    for end in ends {
        let status = if end.muted { "recvonly" } else { "sendrecv" };
        _ = write!(
            out,
            "<endpoint entity=\"{uri};end={:x}\" state=\"full\"><status>connected</status>\
             <media id=\"1\"><type>audio</type><status>{status}</status></media></endpoint>",
            end.id.0
        );
    }
    out.push_str("</user>");
    out
}

/// Who shows no number is anonymous (RFC 3323 §4.1.1.3).
fn uri_of(number: &str, aor: impl Fn(&str) -> String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()+$,;?/&=".contains(c);
    match number.is_empty() {
        true => "sip:anonymous@anonymous.invalid".to_owned(),
        false => aor(&number.chars().map(|c| if plain(c) { c } else { '_' }).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::conference::{Room, RoomKind};
    use crate::id::{CallRef, OwnerId};
    use crate::timer::Moment;

    fn member(id: u64, number: &str, display: &str) -> MemberView {
        let (number, display) = (number.to_owned(), display.to_owned());
        let (call, since) = (CallRef(1), Moment::from_micros(1));
        MemberView { id: OwnerId(id), call, number, display, since, waits: false, muted: false }
    }

    fn roster(members: &[MemberView]) -> String {
        let room = Room {
            name: "8001".parse().unwrap(),
            title: "Ward <3>".into(),
            kind: RoomKind::MeetMe,
            pin: None,
            tones: true,
            most: 32,
            outside: false,
        };
        let view = RoomView { room, members: members.to_vec() };
        state(&view, "sip:8001@house.test", |number| format!("sip:{number}@house.test"))
    }

    fn sent(version: u32, before: Option<&str>, now: &str) -> String {
        write(&Edition { version, before, now })
    }

    #[test]
    fn the_whole_names_the_room_and_everybody_inside() {
        let mut waiting = member(3, "203", "Carol");
        waiting.waits = true;
        let mut muted = member(2, "202", "");
        muted.muted = true;
        let now = roster(&[member(1, "201", "Anna & Co"), muted, waiting]);
        let all = sent(0, None, &now);
        for part in [
            "entity=\"sip:8001@house.test\" state=\"full\" version=\"0\"",
            "<display-text>Ward &lt;3&gt;</display-text>",
            "<user-count>2</user-count><active>true</active>",
            "<user entity=\"sip:201@house.test\" state=\"full\"><display-text>Anna &amp; Co</display-text>",
            "<status>recvonly</status>",
        ] {
            assert!(all.contains(part), "{part} is not in {all}");
        }
        assert!(!all.contains("203"), "who is at the door is nobody's business: {all}");
    }

    #[test]
    fn what_has_changed_is_sent_and_nothing_else() {
        let before = roster(&[member(1, "201", "Anna"), member(2, "202", "Bob")]);
        let now = roster(&[member(1, "201", "Anna"), member(3, "203", "Carol")]);
        let part = sent(7, Some(&before), &now);
        assert!(part.contains("state=\"partial\" version=\"7\""), "{part}");
        assert!(part.contains("<user entity=\"sip:203@house.test\" state=\"full\">"), "{part}");
        assert!(part.contains("<user entity=\"sip:202@house.test\" state=\"deleted\"/>"), "{part}");
        assert!(!part.contains("sip:201@") && !part.contains("conference-description"), "{part}");
        assert!(!part.contains("<conference-state>"), "two were there and two are: {part}");
    }

    #[test]
    fn a_person_with_two_telephones_is_one_user_with_two_ends() {
        let now = roster(&[member(1, "201", "Anna"), member(2, "201", "Anna")]);
        let all = sent(0, None, &now);
        assert_eq!(all.matches("<user ").count(), 1);
        assert_eq!(all.matches("<endpoint ").count(), 2);
        assert_eq!(all.matches("<user-count>2<").count(), 1);
    }

    #[test]
    fn names_of_strangers_do_no_harm() {
        let now = roster(&[member(1, "", ""), member(2, "a\"><x", "]]>")]);
        let all = sent(0, None, &now);
        assert!(
            all.contains("sip:anonymous@anonymous.invalid") && all.contains("sip:a___x@house.test"),
            "{all}"
        );
        assert!(crate::lync::xml::Element::parse(all.as_bytes()).is_ok(), "{all}");
    }

    #[test]
    fn a_roster_that_cannot_be_read_is_not_sent() {
        assert_eq!(sent(0, None, "{"), "");
    }
}
