//! What should stand at the server, and what does.

use crate::lync::xml::Element;
use crate::sip::wire::Message;

use super::{
    Activity, Availability, CONTAINERS, Expiry, Instances, Place, Presence, Publication, StateKind, Versions,
    conflicts, device, recover, state,
};

/// While publishing is possible.
#[derive(Debug)]
pub(super) struct Session {
    pub gruu: String,
    pub versions: Versions,
    /// What the server has of us.
    pub published: Vec<Publication>,
    /// What is on its way.
    pub sent: Option<Sent>,
}

#[derive(Debug)]
pub(super) struct Sent {
    pub publications: Vec<Publication>,
    /// It was sent after a 409 already.
    pub again: bool,
}

impl Presence {
    /// All that should stand at the server.
    pub(super) fn wanted(&self) -> Option<Vec<Publication>> {
        let session = self.session.as_ref()?;
        let instances = Instances::of(&self.aor, &session.gruu);
        let content = device(&self.aor, &session.gruu, self.instance, "Kirkwall");
        let mut wanted = vec![publication("device", instances.device, 2, Expiry::Endpoint, content)];
        let mut add = |instance, container, expiry, content| {
            wanted.push(publication("state", instance, container, expiry, content));
        };
        for container in CONTAINERS {
            let content = state(StateKind::Machine, self.machine_state().number(), None);
            add(instances.machine, container, Expiry::Endpoint, content);
            if self.calls > 0 {
                let busy = Availability::Busy.number();
                let content = state(StateKind::Phone, busy, Some(Activity::ON_THE_PHONE));
                add(instances.phone, container, Expiry::Endpoint, content);
            }
            if self.do_not_disturb {
                // Those of container 3 may still interrupt in need.
                let content = match container {
                    2 => state(StateKind::User, Availability::DoNotDisturb.number(), None),
                    _ => state(StateKind::User, Activity::URGENT_ONLY.min, Some(Activity::URGENT_ONLY)),
                };
                add(Instances::USER, container, Expiry::Static, content);
            }
        }
        Some(wanted)
    }
}

impl Session {
    pub fn accepted(&mut self, publications: Vec<Publication>, answer: &Message) {
        self.versions.count_on(&publications);
        if let Ok(listed) = Element::parse(&answer.body) {
            self.versions.note_all(&listed);
        }
        for publication in publications {
            self.published.retain(|standing| standing.place != publication.place);
            if publication.content.is_some() {
                self.published.push(publication);
            }
        }
    }

    pub fn recover(&mut self, sent: &[Publication], answer: &Message) -> bool {
        conflicts(&answer.body).is_ok_and(|conflicts| recover(&mut self.versions, sent, &conflicts))
    }

    /// What to send so that `wanted` stands: new and changed ones, and deletions.
    pub fn difference(&self, wanted: &[Publication]) -> Vec<Publication> {
        let changed = wanted.iter().filter(|publication| !self.published.contains(publication)).cloned();
        let stands = |place: &Place| wanted.iter().any(|publication| publication.place == *place);
        let gone = self.published.iter().filter(|standing| !stands(&standing.place));
        changed.chain(gone.map(|gone| Publication { content: None, ..gone.clone() })).collect()
    }
}

fn publication(
    category: &str,
    instance: u32,
    container: u32,
    expiry: Expiry,
    content: String,
) -> Publication {
    let place = Place { category: category.to_owned(), instance, container };
    Publication { place, expiry, content: Some(content) }
}
