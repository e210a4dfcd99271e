//! What a front end does with a call before it rings anybody ([MS-SIPRE] 3.9.5): a delegate's right to call in
//! somebody's name, private lines, and the rules that the called user has published.
//!
//! ```text
//!  INVITE ─► in whose name? ─► private line? ── yes ──────────────────────────────────► his endpoints
//!                                  └ no ─► block │ forward at once │ ring, and when nobody answers, forward
//!                                                                     └ delegates and second target with him
//! ```
//!
//! Obeyed are the general settings (container 0), for callers of every kind. Working hours are always. A call of a
//! far-end user obeys what decides before anybody rings.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use ezk_sip_types::Method;

use super::xml::{Element, escaped};
use super::{Lync, documents};
use crate::front_end::FrontEnd;
use crate::sip::endpoint::locked;
use crate::sip::{Failure, Incoming, Message, address};

/// Most users a call is forwarded by.
const MOST_FORWARDS: usize = 5;
/// [MS-SIPRE] 3.9.5: how long endpoints ring when the document does not say.
const TOTAL: u64 = 20;
/// The epid of users' desktop clients.
const DESKTOP: &str = "desktop000";
const SENSITIVITY: &str = "Ms-Sensitivity";
const ON_BEHALF: &str = "P-Session-On-Behalf-Of";

/// Delegates by user, and users by private number.
#[derive(Default)]
pub(super) struct Lines {
    delegates: Mutex<HashMap<String, (u32, Vec<String>)>>,
    private: Mutex<HashMap<String, String>>,
}

/// What a user has published for his calls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rules {
    flags: Vec<String>,
    total: Option<u64>,
    lists: HashMap<String, Vec<String>>,
}

/// What comes first.
#[derive(Debug, PartialEq, Eq)]
enum First {
    Ring,
    Refuse,
    Forward(String),
}

impl Rules {
    fn read(content: &str) -> Self {
        let Some(root) = Element::parse(content) else { return Self::default() };
        let flags = root.all("flags").into_iter().find(|one| one.attribute("name") == Some("clientflags"));
        let flags = flags.and_then(|flags| flags.attribute("value")).unwrap_or("");
        let wait = root.all("wait").into_iter().find(|one| one.attribute("name") == Some("total"));
        let list = |list: &Element<'_>| {
            let targets = list.all("target").into_iter().filter_map(|target| target.attribute("uri"));
            Some((list.attribute("name")?.to_owned(), targets.map(str::to_owned).collect()))
        };
        Self {
            flags: flags.split_whitespace().map(str::to_owned).collect(),
            total: wait.and_then(|wait| wait.number("seconds")).map(u64::from),
            lists: root.all("list").into_iter().filter_map(list).collect(),
        }
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one == flag)
    }

    fn list(&self, name: &str) -> &[String] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }

    fn forward_to(&self) -> Option<String> {
        self.list("forwardto").first().filter(|_| self.has("enablecf")).cloned()
    }

    fn first(&self, voice_mail: String) -> First {
        match self.has("forward_immediate") {
            _ if self.has("block") => First::Refuse,
            true => First::Forward(self.forward_to().unwrap_or(voice_mail)),
            false => First::Ring,
        }
    }

    /// Who rings beside the user himself.
    fn beside(&self) -> Vec<String> {
        let ring = |flag: &str, list: &str| if self.has(flag) { self.list(list) } else { &[] };
        let all =
            [ring("delegate_ring", "delegates"), ring("simultaneous_ring", "simultaneous_ring")].concat();
        all.iter().filter_map(|uri| address::user(uri)).collect()
    }
}

impl Lync {
    fn rules_of(&self, user: &str) -> Option<Rules> {
        let presence = self.presences.of(user);
        let general =
            presence.publications.iter().find(|one| one.category == "routing" && one.container == 0);
        general.map(|rules| Rules::read(&rules.content))
    }

    /// What roaming-self tells of a user's delegates.
    pub(super) fn delegates_document(&self, user: &str) -> String {
        let delegates = locked(&self.lines.delegates);
        let Some((version, all)) = delegates.get(user) else { return String::new() };
        let one = |name: &String| {
            format!("<delegate uri=\"{name}@{}\" publish=\"false\" redelegate=\"false\"/>", self.domain)
        };
        format!(
            "<delegates xmlns=\"http://schemas.microsoft.com/2007/09/sip/delegates\" version=\"{version}\">{}</delegates>",
            all.iter().map(one).collect::<String>()
        )
    }

    /// And of his private line.
    pub(super) fn private_line(&self, user: &str) -> Option<String> {
        let private = locked(&self.lines.private);
        private.iter().find(|(_, owner)| *owner == user).map(|(number, _)| number.clone())
    }

    /// The user whose private line a number is.
    fn owner_of_private(&self, number: &str) -> Option<String> {
        locked(&self.lines.private).get(number).cloned()
    }

    /// Whether the caller may call in the name of whom he names.
    fn permits(&self, request: &Message) -> bool {
        let Some(delegator) = request.header(ON_BEHALF).and_then(|value| address::user(address::uri(value)))
        else {
            return request.header(ON_BEHALF).is_none();
        };
        let caller = request.user_of("From").unwrap_or_default();
        locked(&self.lines.delegates).get(&delegator).is_some_and(|(_, all)| all.contains(&caller))
    }
}

impl FrontEnd {
    /// Obeys the rules for a new call; gives back what goes on from here, perhaps to somebody else.
    pub(in crate::front_end) async fn route_call(&self, mut incoming: Incoming) -> Option<Incoming> {
        let Some(lync) = self.0.lync.clone() else { return Some(incoming) };
        let new = incoming.request.method() == Some(&Method::INVITE) && incoming.request.tag("To").is_none();
        if !new || incoming.request.header("Route").is_some() || !self.is_local(incoming.request.uri()) {
            return Some(incoming);
        }
        if !lync.permits(&incoming.request) {
            return refuse(&lync, incoming, (403, "Forbidden"), "The caller is no delegate of this user")
                .await;
        }
        let called = address::user(incoming.request.uri()).unwrap_or_default();
        if let Some(owner) = lync.owner_of_private(&called) {
            incoming.request.set_uri(self.aor(&owner));
            incoming.request.set(SENSITIVITY, "private-no-diversion");
        }
        let mut by = Vec::new();
        while let Some((user, rules)) = rules_for(&lync, &incoming.request) {
            let target = match rules.first(format!("{};opaque=app:voicemail", self.aor(&user))) {
                First::Refuse => {
                    return refuse(&lync, incoming, (480, "Temporarily Unavailable"), "Calls are blocked")
                        .await;
                }
                First::Forward(target) => target,
                First::Ring => {
                    let (after, to) = (rules.total.unwrap_or(TOTAL), rules.forward_to());
                    let users = [vec![user.clone()], rules.beside()].concat();
                    let wait = to.as_ref().map(|_| Duration::from_secs(after));
                    // Nobody has answered in time, else all is said.
                    incoming = self.0.proxy.ring(incoming, &users, wait).await?;
                    to?
                }
            };
            by.push(user);
            let next = address::user(&target).unwrap_or_default();
            if by.contains(&next) || by.len() > MOST_FORWARDS {
                return refuse(&lync, incoming, (482, "Loop Detected"), "The call has been here").await;
            }
            self.forwarded(&mut incoming.request, &by, &target);
        }
        Some(incoming)
    }

    /// RFC 7044: by whom it came here; and the mark of calls that are not for the one who rings alone.
    fn forwarded(&self, request: &mut Message, by: &[String], target: &str) {
        let entries: Vec<_> = by.iter().map(|user| self.aor(user)).chain([target.to_owned()]).collect();
        let index = |depth: usize| vec!["1"; depth + 1].join(".");
        let entry = |(depth, uri): (usize, &String)| format!("<{uri}>;index={}", index(depth));
        let history: Vec<_> = entries.iter().enumerate().map(entry).collect();
        request.set("history-info", history.join(", "));
        request.set("Ms-Target-Class", "secondary");
        request.set_uri(target.split(";user=").next().unwrap_or(target));
    }

    fn aor(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.domain())
    }

    /// Who is rung when a far-end user calls `to`: as the rules say that decide before anybody rings.
    pub(in crate::front_end) fn rung_for(&self, to: &str) -> String {
        let Some(lync) = &self.0.lync else { return to.to_owned() };
        if let Some(owner) = lync.owner_of_private(to) {
            return owner;
        }
        let mut user = to.to_owned();
        for _ in 0..MOST_FORWARDS {
            let rules = lync.rules_of(&user).unwrap_or_default();
            match rules.first(String::new()) {
                First::Forward(target) if !target.is_empty() => {
                    user = address::user(&target).unwrap_or_default();
                }
                _ => break,
            }
        }
        user
    }

    /// What a user sets in his desktop client: calls go to this URI, at once or after so many seconds; none:
    /// nowhere. Delegates and the like stay.
    ///
    /// # Errors
    /// When it cannot be published.
    pub fn forward_by_client(&self, user: &str, to: Option<(&str, Option<u64>)>) -> Result<(), Failure> {
        let unusable = |text: String| Failure::Unusable { field: "front end", text };
        let lync = self.0.lync.as_ref().ok_or_else(|| unusable("it is not of Lync".into()))?;
        let presence = lync.presences.of(user);
        let standing =
            presence.publications.iter().find(|one| one.category == "routing" && one.container == 0);
        let rules = standing.map(|one| Rules::read(&one.content)).unwrap_or_default();
        let kept = |flag: &&String| !["forward_immediate", "enablecf"].contains(&flag.as_str());
        let mut flags: Vec<&str> = rules.flags.iter().filter(kept).map(String::as_str).collect();
        let list = |name: &str, uris: &[String]| {
            let targets: String =
                uris.iter().map(|uri| format!("<target uri=\"{}\"/>", escaped(uri))).collect();
            format!("<list name=\"{name}\">{targets}</list>")
        };
        let others = rules.lists.iter().filter(|(name, _)| *name != "forwardto");
        let mut lists: String = others.map(|(name, uris)| list(name, uris)).collect();
        if let Some((to, after)) = to {
            flags.push("enablecf");
            match after {
                None => flags.push("forward_immediate"),
                Some(seconds) => lists += &format!("<wait name=\"total\" seconds=\"{seconds}\"/>"),
            }
            lists += &list("forwardto", &[to.to_owned()]);
        }
        let body = format!(
            "<publish><publications uri=\"{}\"><publication categoryName=\"routing\" instance=\"0\" container=\"0\" \
             version=\"{}\" expireType=\"static\"><routing xmlns=\"http://schemas.microsoft.com/02/2006/sip/routing\" \
             name=\"rtcdefault\" version=\"1\"><preamble><flags name=\"clientflags\" value=\"{}\"/>{lists}</preamble>\
             </routing></publication></publications></publish>",
            self.aor(user),
            standing.map_or(0, |one| one.version),
            flags.join(" ")
        );
        let done = lync.presences.publish(user, DESKTOP, &body);
        let done = done.map_err(|why| unusable(format!("not published: {why:?}")))?;
        lync.pool.tell(user, &documents::published(&lync.domain, user, &done));
        Ok(())
    }

    /// Where it forwards a user's calls to: the URI, and after how many seconds; 0 is at once.
    pub fn forwards(&self, user: &str) -> Option<(String, u64)> {
        let rules = self.0.lync.as_ref()?.rules_of(user)?;
        let after = if rules.has("forward_immediate") { 0 } else { rules.total.unwrap_or(TOTAL) };
        Some((rules.forward_to()?, after))
    }

    /// A user makes others his delegates, in place of those before.
    pub fn set_delegates(&self, user: &str, delegates: Vec<String>) {
        let Some(lync) = &self.0.lync else { return };
        let version = {
            let mut all = locked(&lync.lines.delegates);
            let entry = all.entry(user.to_owned()).or_default();
            *entry = (entry.0 + 1, delegates);
            entry.0
        };
        tracing::debug!(user, version, "delegates set");
        let news = documents::lines(&lync.config, &lync.domain, user, lync);
        lync.pool.tell(user, &news);
    }

    /// A user gets a private line.
    pub fn set_private_line(&self, user: &str, number: &str) {
        let Some(lync) = &self.0.lync else { return };
        locked(&lync.lines.private).insert(number.to_owned(), user.to_owned());
        let news = documents::lines(&lync.config, &lync.domain, user, lync);
        lync.pool.tell(user, &news);
    }
}

/// Who is called, and his rules; none when the call is for him alone.
fn rules_for(lync: &Lync, request: &Message) -> Option<(String, Rules)> {
    let private = request.header(SENSITIVITY).is_some_and(|word| word.starts_with("private"));
    let user = address::user(request.uri()).filter(|_| !private && !request.uri().contains(";opaque="))?;
    let rules = lync.rules_of(&user)?;
    Some((user, rules))
}

async fn refuse(
    lync: &Lync,
    incoming: Incoming,
    (code, phrase): (u16, &'static str),
    reason: &str,
) -> Option<Incoming> {
    let server = incoming.server?;
    let mut refusal = server.reply(code, phrase);
    let (name, value) = lync.diagnostics(4_004, reason);
    refusal.push(name, value);
    server.send(refusal).await;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(flags: &str) -> Rules {
        Rules::read(&format!(
            "<routing><preamble><flags name=\"clientflags\" value=\"{flags}\"/><wait name=\"total\" seconds=\"9\"/>\
             <list name=\"forwardto\"><target uri=\"sip:bob@x;user=phone\"/></list><list name=\"delegates\"><target \
             uri=\"sip:eve@x\"/></list></preamble></routing>"
        ))
    }

    #[test]
    fn flags_decide_and_lists_say_who() {
        let first = |flags: &str| rules(flags).first("mailbox".into());
        assert_eq!(first("forward_immediate enablecf"), First::Forward("sip:bob@x;user=phone".into()));
        assert_eq!(first("forward_immediate"), First::Forward("mailbox".into()));
        assert_eq!(first("block"), First::Refuse);
        assert_eq!(first("enablecf"), First::Ring);
        assert_eq!((rules("enablecf").total, rules("").forward_to()), (Some(9), None));
        assert_eq!((rules("delegate_ring").beside(), rules("").beside()), (vec!["eve".to_owned()], vec![]));
        assert_eq!(Rules::read("nonsense"), Rules::default());
    }
}
