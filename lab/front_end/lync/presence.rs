//! What users have published ([MS-PRES] 3.1): categories with versions, and what follows from them.
//!
//! ```text
//!  publish ──► versions as the server has them? ── no ──► 409, nothing is done
//!                     └ yes: each +1 ──► who watches is told
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Mutex;

use super::xml::Element;
use crate::sip::endpoint::locked;

/// Most users with publications.
const MAX_USERS: usize = 20_000;
/// Most publications of one user.
const MAX_PUBLICATIONS: usize = 256;
/// Most changes of availability that are remembered of one user.
const MAX_HISTORY: usize = 256;
/// What a user shows that has no endpoint.
pub const OFFLINE: u32 = 18_500;

/// One instance of one category in one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// `state`, `device`, `note` …
    pub category: String,
    /// Chosen by the endpoint.
    pub instance: u32,
    /// Who may see it.
    pub container: u32,
    /// The server's number.
    pub version: u32,
    /// `static`, `user`, `endpoint` or `time`.
    pub expire_type: String,
    /// The epid that published it.
    pub epid: String,
    /// The XML in it.
    pub content: String,
    /// Of a state: `machineState`, `phoneState`, `userState` …
    pub state: Option<String>,
    /// Of a state: its number.
    pub availability: Option<u32>,
    /// Of a state: its activity's token.
    pub activity: Option<String>,
}

/// What a user shows, and all that it published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presence {
    /// The aggregated availability.
    pub availability: u32,
    /// The aggregated activity.
    pub activity: Option<String>,
    /// By category, instance, container.
    pub publications: Vec<Publication>,
    /// Availability and activity, every change of them since the start, oldest first.
    pub history: Vec<(u32, Option<String>)>,
}

impl Presence {
    /// The publications of one kind of state (`machineState`, `phoneState`) in a container.
    pub fn states(&self, kind: &str, container: u32) -> impl Iterator<Item = &Publication> {
        let fits = move |one: &&Publication| one.state.as_deref() == Some(kind) && one.container == container;
        self.publications.iter().filter(fits)
    }
}

/// Category, instance, container.
type Key = (String, u32, u32);

#[derive(Default)]
struct User {
    publications: BTreeMap<Key, Publication>,
    history: VecDeque<(u32, Option<String>)>,
}

/// Everybody's publications.
#[derive(Default)]
pub(super) struct Presences {
    users: Mutex<HashMap<String, User>>,
}

/// Why a publish request does nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpublished {
    /// Not what [MS-PRES] 2.2.2 describes; which part.
    Malformed(&'static str),
    /// Of the 1-based operation: the version that was sent, and the server's.
    Conflicts(Vec<(usize, u32, u32)>),
    /// A table is full.
    Full,
}

/// What a publish request left behind: a client that is told of a category drops what it knew of it before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// All that stands now in the categories that it touched.
    pub(super) standing: Vec<Publication>,
    /// Category and container where nothing is left.
    pub(super) emptied: Vec<(String, u32)>,
}

/// One operation of a request.
struct Operation {
    publication: Publication,
    delete: bool,
}

impl Presences {
    /// Does what a publish request says, or nothing.
    pub(super) fn publish(&self, user: &str, epid: &str, body: &str) -> Result<Published, Unpublished> {
        let operations = operations(epid, body)?;
        let mut users = locked(&self.users);
        if users.len() >= MAX_USERS && !users.contains_key(user) {
            return Err(Unpublished::Full);
        }
        let user = users.entry(user.to_owned()).or_default();
        let current =
            |one: &Operation| user.publications.get(&key(&one.publication)).map_or(0, |p| p.version);
        let sent = operations.iter().map(|one| (one.publication.version, current(one)));
        let conflicts = sent.enumerate().filter(|(_, (sent, current))| sent != current);
        let conflicts: Vec<_> = conflicts.map(|(n, (sent, current))| (n + 1, sent, current)).collect();
        if !conflicts.is_empty() {
            return Err(Unpublished::Conflicts(conflicts));
        }
        if user.publications.len() + operations.len() > MAX_PUBLICATIONS {
            return Err(Unpublished::Full);
        }
        let touched: BTreeSet<(String, u32)> = operations
            .iter()
            .map(|Operation { publication, .. }| (publication.category.clone(), publication.container))
            .collect();
        for Operation { mut publication, delete } in operations {
            publication.version += 1;
            match delete {
                true => user.publications.remove(&key(&publication)),
                false => user.publications.insert(key(&publication), publication),
            };
        }
        user.remember();
        Ok(user.published(touched))
    }

    /// An endpoint is gone, and what expires with it.
    pub(super) fn end(&self, user: &str, epid: &str) {
        if let Some(user) = locked(&self.users).get_mut(user) {
            user.publications.retain(|_, one| one.epid != epid || one.expire_type != "endpoint");
            user.remember();
        }
    }

    pub(super) fn of(&self, user: &str) -> Presence {
        let users = locked(&self.users);
        let Some(user) = users.get(user) else {
            return Presence { availability: OFFLINE, ..Presence::default() };
        };
        let (availability, activity) = user.aggregate();
        Presence {
            availability,
            activity,
            publications: user.publications.values().cloned().collect(),
            history: user.history.iter().cloned().collect(),
        }
    }
}

impl User {
    fn published(&self, touched: BTreeSet<(String, u32)>) -> Published {
        let categories: BTreeSet<&str> = touched.iter().map(|(category, _)| category.as_str()).collect();
        let all = self.publications.values();
        let standing: Vec<_> = all.filter(|one| categories.contains(&*one.category)).cloned().collect();
        let has = |(category, container): &(String, u32)| {
            standing.iter().any(|one| one.category == *category && one.container == *container)
        };
        let emptied = touched.iter().filter(|place| !has(place)).cloned().collect();
        Published { standing, emptied }
    }

    fn remember(&mut self) {
        let now = self.aggregate();
        if self.history.back() == Some(&now) {
            return;
        }
        if self.history.len() >= MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(now);
    }

    /// What the aggregation script makes of container 2 (Microsoft's description of aggregation
    /// containers): offline without a machine; else what the user said by hand, a call, or the most
    /// available machine.
    fn aggregate(&self) -> (u32, Option<String>) {
        let of = |kind: &'static str| {
            let states = self.publications.values().filter(|one| one.container == 2);
            states.filter(move |one| one.state.as_deref() == Some(kind))
        };
        let machine = of("machineState").filter_map(|one| one.availability).min();
        let Some(machine) = machine else { return (OFFLINE, None) };
        // By hand "available" is no wish: then the others decide.
        let by_hand = of("userState").find(|one| one.availability.is_some_and(|number| number >= 6_000));
        let busy = by_hand.or_else(|| of("phoneState").max_by_key(|one| one.availability));
        match busy {
            Some(state) => (state.availability.unwrap_or(machine), state.activity.clone()),
            None => (machine, None),
        }
    }
}

fn key(publication: &Publication) -> Key {
    (publication.category.clone(), publication.instance, publication.container)
}

fn operations(epid: &str, body: &str) -> Result<Vec<Operation>, Unpublished> {
    let root = Element::parse(body).ok_or(Unpublished::Malformed("XML"))?;
    let all = root.all("publication");
    if root.name != "publish" || all.is_empty() {
        return Err(Unpublished::Malformed("publish"));
    }
    all.into_iter().map(|one| operation(epid, one)).collect()
}

fn operation(epid: &str, element: &Element<'_>) -> Result<Operation, Unpublished> {
    let number = |name: &'static str| element.number(name).ok_or(Unpublished::Malformed(name));
    let text = |name: &'static str| element.attribute(name).ok_or(Unpublished::Malformed(name));
    let content = element.children.first();
    let state = content.filter(|content| content.name == "state");
    let child = |name| state.and_then(|state| state.child(name));
    let availability = child("availability").and_then(|number| number.text.trim().parse().ok());
    let activity = child("activity").and_then(|activity| activity.attribute("token"));
    let publication = Publication {
        category: text("categoryName")?.to_owned(),
        instance: number("instance")?,
        container: number("container")?,
        version: number("version")?,
        expire_type: element.attribute("expireType").unwrap_or("static").to_owned(),
        epid: epid.to_owned(),
        content: content.map(|content| content.source.to_owned()).unwrap_or_default(),
        state: state.and_then(|state| state.attribute("type")).map(|kind| local(kind).to_owned()),
        availability,
        activity: activity.map(str::to_owned),
    };
    // A deletion is the same instance with `expires="0"` and nothing in it.
    let delete = content.is_none() && element.attribute("expires") == Some("0");
    Ok(Operation { publication, delete })
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(kind: &str, instance: u32, container: u32, version: u32, number: u32, more: &str) -> String {
        format!(
            "<publication categoryName=\"state\" instance=\"{instance}\" container=\"{container}\" \
             version=\"{version}\" expireType=\"endpoint\"><state xsi:type=\"{kind}\">\
             <availability>{number}</availability>{more}</state></publication>"
        )
    }

    fn publish(presences: &Presences, epid: &str, operations: &[String]) -> Result<Vec<u32>, Unpublished> {
        let body = format!("<publish><publications>{}</publications></publish>", operations.concat());
        let done = presences.publish("anna", epid, &body)?;
        Ok(done.standing.into_iter().map(|one| one.version).collect())
    }

    #[test]
    fn versions_count_up_and_a_wrong_one_stops_the_whole_request() {
        let presences = Presences::default();
        let both =
            |version, number| [2, 3].map(|c| state("machineState", 0x3000_0001, c, version, number, ""));
        assert_eq!(publish(&presences, "a", &both(0, 3_500)), Ok(vec![1, 1]));
        let mixed = [both(1, 5_000)[0].clone(), both(0, 5_000)[1].clone()];
        assert_eq!(publish(&presences, "a", &mixed), Err(Unpublished::Conflicts(vec![(2, 0, 1)])));
        assert_eq!(presences.of("anna").availability, 3_500);
        assert_eq!(publish(&presences, "a", &both(1, 5_000)), Ok(vec![2, 2]));
        assert_eq!(presences.of("anna").history, [(3_500, None), (5_000, None)]);
        assert_eq!(presences.of("anna").states("machineState", 3).count(), 1);
        assert_eq!(publish(&presences, "a", &[]), Err(Unpublished::Malformed("publish")));
    }

    #[test]
    fn a_call_shows_and_ends_and_an_endpoint_takes_its_own_with_it() {
        let presences = Presences::default();
        let token = "<activity token=\"on-the-phone\" minAvailability=\"6500\" maxAvailability=\"8999\"/>";
        let call = state("phoneState", 0x8000_0001, 2, 0, 6_500, token);
        publish(&presences, "a", &[state("machineState", 1, 2, 0, 3_500, ""), call]).unwrap();
        publish(&presences, "b", &[state("machineState", 2, 2, 0, 15_500, "")]).unwrap();
        let now = presences.of("anna");
        assert_eq!((now.availability, now.activity.as_deref()), (6_500, Some("on-the-phone")));
        let gone = "<publication categoryName=\"state\" instance=\"2147483649\" container=\"2\" version=\"1\" \
                    expireType=\"endpoint\" expires=\"0\"/>";
        assert_eq!(publish(&presences, "a", &[gone.to_owned()]), Ok(vec![1, 1]), "the others still stand");
        assert_eq!(presences.of("anna").availability, 3_500);
        presences.end("anna", "a");
        assert_eq!(presences.of("anna").availability, 15_500);
        presences.end("anna", "b");
        assert_eq!(presences.of("anna").availability, OFFLINE);
        assert_eq!(presences.of("nobody").availability, OFFLINE);
    }
}
