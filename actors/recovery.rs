//! What a standing call leaves on disk beside its own record and its legs', and how it comes back.
//!
//! Records of one call, all in the same place: `CALL` (the call's machine), `CALL/LEG` (each leg's dialog),
//! `CALL/media` (ports and where the streams stand). After `kill -9` the supervisor reads them all and starts
//! the call's actor with them; from there on nothing differs from a call that was never interrupted.

use std::collections::BTreeMap;

use kirkwall_core::call::{self as core, LegNo};
use kirkwall_core::id::{CallRef, OwnerId};
use kirkwall_core::media::ice::agent;
use kirkwall_core::sip::invite::LegRecord;
use kirkwall_data::Journal;
use kirkwall_data::call::Calls;
use kirkwall_integration::media::{Ports, Position, Standing};
use serde::{Deserialize, Serialize};
use tracing::{error, info};

use crate::media_channel::RelayRecord;

/// Ports of a media channel and where its streams stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRecord {
    a: u16,
    b: u16,
    sides: [SideRecord; 2],
    /// What the sides have at a media relay.
    #[serde(default)]
    pub(crate) relays: Box<[Option<RelayRecord>; 2]>,
    /// How far the sides' ICE has come.
    #[serde(default)]
    pub(crate) agents: Box<[Option<agent::Record>; 2]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SideRecord {
    ours: Option<(u32, u16, u32, u32)>,
    peer: Option<(u32, u16, u32, u32)>,
}

impl MediaRecord {
    /// Of a channel as it stands.
    pub fn new(ports: Ports, standing: [Standing; 2]) -> Self {
        let position = |p: Position| (p.ssrc, p.sequence, p.timestamp, p.roc);
        let side = |s: Standing| SideRecord { ours: s.ours.map(position), peer: s.peer.map(position) };
        Self {
            a: ports.a,
            b: ports.b,
            sides: standing.map(side),
            relays: Box::default(),
            agents: Box::default(),
        }
    }

    /// With the ways that the sides' media goes.
    pub fn with_ways(self, relays: [Option<RelayRecord>; 2], agents: [Option<agent::Record>; 2]) -> Self {
        Self { relays: Box::new(relays), agents: Box::new(agents), ..self }
    }

    /// Where the ends were told to send to counts, when the record is older than the last move of a leg: the
    /// stream there begins anew.
    pub fn on_ports(mut self, told: [Option<u16>; 2]) -> Self {
        let known = [&mut self.a, &mut self.b];
        let ways = self.relays.iter_mut().zip(self.agents.iter_mut());
        let sides = self.sides.iter_mut().zip(ways);
        for ((known, told), (side, (relay, agent))) in known.into_iter().zip(told).zip(sides) {
            if let Some(told) = told.filter(|told| told != known) {
                *known = told;
                (*side, *relay, *agent) = (SideRecord { ours: None, peer: None }, None, None);
            }
        }
        self
    }

    /// The ports it had.
    pub fn ports(&self) -> Ports {
        Ports { a: self.a, b: self.b }
    }

    /// Where its streams stood.
    pub fn standing(&self) -> [Standing; 2] {
        let position = |(ssrc, sequence, timestamp, roc)| Position { ssrc, sequence, timestamp, roc };
        self.sides.map(|side| Standing { ours: side.ours.map(position), peer: side.peer.map(position) })
    }
}

/// A call as it stood when its process ended.
pub struct Survivor {
    /// Its machine.
    pub machine: core::Call,
    /// Its legs' dialogs.
    pub legs: BTreeMap<LegNo, LegRecord>,
    /// Where its streams stood, unless it was too young.
    pub media: Option<MediaRecord>,
}

/// Name of the record of a call's media.
pub fn media_name(call: CallRef) -> String {
    format!("{call}/media")
}

/// All calls that stood. What cannot be read is logged, left out, and stays on disk.
pub fn survivors(journal: &Journal) -> Vec<Survivor> {
    let names = names(journal);
    let (calls, legs, media) = (
        Calls::<core::Call>::new(journal),
        Calls::<LegRecord>::new(journal),
        Calls::<MediaRecord>::new(journal),
    );
    let mut found: BTreeMap<String, Survivor> = BTreeMap::new();
    let mut bereft = Vec::new();
    for name in names.iter().filter(|name| !name.contains('/')) {
        if let Some(machine) = read(&calls, name) {
            found.insert(name.clone(), Survivor { machine, legs: BTreeMap::new(), media: None });
        }
    }
    let claims = claims(&found);
    let (mut orphans, mut over) = (Vec::new(), BTreeMap::<String, Vec<LegRecord>>::new());
    for name in names.iter().filter(|name| name.contains('/')) {
        let (call, part) = name.split_once('/').expect("it was filtered for a slash");
        if let Some((heir, leg)) = owner(call, part).and_then(|owner| claims.get(&owner)) {
            if let Some((heir, record)) = found.get_mut(heir).zip(read(&legs, name)) {
                heir.legs.insert(*leg, record);
            }
            bereft.push(call.to_owned());
            continue;
        }
        let Some(survivor) = found.get_mut(call) else {
            // Its media are nobody's any more.
            match (part != "media").then(|| read(&legs, name)).flatten() {
                Some(record) => over.entry(call.to_owned()).or_default().push(record),
                None => orphans.push(legs.delete(name)),
            }
            continue;
        };
        match part {
            "media" => survivor.media = read(&media, name),
            _ => {
                if let Some(record) = read(&legs, name) {
                    let leg = LegNo::of_owner(record.owner).1;
                    survivor.legs.insert(leg, record);
                }
            }
        }
    }
    // A call whose legs are another's was about to end, and does so without media.
    for call in bereft {
        found.entry(call).and_modify(|survivor| survivor.media = None);
    }
    if !orphans.is_empty() {
        drop(journal.save(orphans));
    }
    found.extend(over.into_iter().filter_map(|(call, legs)| Some((call.clone(), remnant(&call, legs)?))));
    if !found.is_empty() {
        info!(
            calls = found.len(),
            "calls of the former process go on, or tell their ends that they are over"
        );
    }
    found.into_values().collect()
}

/// A call that was over when its process died, with the legs whose far ends have not said that they know: a
/// BYE was not answered, or waits for its handset, or was not said yet.
fn remnant(call: &str, records: Vec<LegRecord>) -> Option<Survivor> {
    let reference: CallRef = call.parse().ok()?;
    let legs: BTreeMap<_, _> =
        records.into_iter().map(|record| (LegNo::of_owner(record.owner).1, record)).collect();
    let machine = core::Call::remnant(reference, legs.keys().copied());
    Some(Survivor { machine, legs, media: None })
}

/// Legs that were born in another call, by their names, with the call that has them now.
fn claims(found: &BTreeMap<String, Survivor>) -> BTreeMap<OwnerId, (String, LegNo)> {
    let claims = found.iter().flat_map(|(call, survivor)| {
        survivor.machine.inherited_legs().map(|(owner, leg)| (owner, (call.clone(), leg)))
    });
    claims.collect()
}

/// The name of a leg in tags and branches, from that of its record.
fn owner(call: &str, part: &str) -> Option<OwnerId> {
    Some(LegNo(part.parse().ok()?).owner(call.parse().ok()?))
}

fn names(journal: &Journal) -> Vec<String> {
    let all = Calls::<serde_json::Value>::new(journal);
    let names = all.iter().filter_map(|record| match record {
        Ok(record) => Some(record.name),
        Err(fault) => {
            error!(%fault, "a record of a standing call cannot be read");
            None
        }
    });
    names.collect()
}

fn read<T: Serialize + serde::de::DeserializeOwned>(store: &Calls<T>, name: &str) -> Option<T> {
    match store.get(name) {
        Ok(record) => record.map(|record| record.state),
        Err(fault) => {
            error!(%fault, "a record of a standing call cannot be read");
            None
        }
    }
}
