//! What provisioning needs of the books: users with their passwords, and a way to a base station.

use actix::prelude::*;
use kirkwall_core::id::{OwnerId, Username};
use kirkwall_core::sip::provisioning::PnpAsk;
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Facing, Peer};
use kirkwall_data::user::UserRecord;

use super::Supervisor;
use crate::desk::{DeskFault, ResyncBaseStation};
use crate::provisioning::{OWNER_OF_PROVISIONING, Plugged, Provisioning, Resync};

/// Who sets base stations up.
#[derive(Message)]
#[rtype(result = "()")]
pub struct MeetProvisioning(pub Addr<Provisioning>);

/// The records of these users that are enabled, in their order; none: of all that have a SIP-DECT password.
#[derive(Debug, Message)]
#[rtype(result = "Vec<UserRecord>")]
pub struct SheetUsers(pub Option<Vec<Username>>);

impl Handler<MeetProvisioning> for Supervisor {
    type Result = ();

    fn handle(&mut self, MeetProvisioning(actor): MeetProvisioning, _: &mut Self::Context) {
        self.provisioning = Some(actor);
    }
}

impl Handler<SheetUsers> for Supervisor {
    type Result = Vec<UserRecord>;

    fn handle(&mut self, SheetUsers(wanted): SheetUsers, _: &mut Self::Context) -> Self::Result {
        let enabled = |record: &&UserRecord| record.enabled;
        match wanted {
            Some(users) => {
                users.iter().filter_map(|user| self.accounts.get(user)).filter(enabled).cloned().collect()
            }
            None => {
                let with = |record: &&UserRecord| record.enabled && record.south_password.is_some();
                let mut all: Vec<_> = self.accounts.values().filter(with).cloned().collect();
                all.sort_by(|one, other| one.username.cmp(&other.username));
                all
            }
        }
    }
}

impl Handler<ResyncBaseStation> for Supervisor {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, ResyncBaseStation(base): ResyncBaseStation, _: &mut Self::Context) -> Self::Result {
        let all =
            self.locations.iter().flat_map(|(user, places)| places.iter().map(move |place| (user, place)));
        let mut on_it = all.filter(|(_, place)| place.base == base);
        let missing = || DeskFault::NotFound(format!("handset registered through base station {base}"));
        let (user, place) = on_it.next().ok_or_else(missing)?;
        let (contact, to) = (place.contact.clone(), place.destination.clone());
        let actor = self.provisioning.as_ref();
        let actor = actor.ok_or_else(|| DeskFault::Busy("the switch is starting".into()))?;
        actor.do_send(Resync { base, contact, aor: self.aor(user.as_str()), to });
        Ok(())
    }
}

impl Supervisor {
    /// Whether this was a new base station that looks for its settings.
    pub(super) fn plugged(&self, request: &SipMessage, peer: &Peer) -> bool {
        let ask = Some(peer).filter(|peer| peer.facing == Facing::South).and_then(|_| PnpAsk::read(request));
        match (ask, &self.provisioning) {
            (Some(ask), Some(actor)) => {
                actor.do_send(Plugged { ask, request: request.clone(), peer: peer.clone() });
                true
            }
            _ => false,
        }
    }

    /// Whose a number in a branch is.
    pub(super) fn provisioning_of(&self, owner: OwnerId) -> Option<&Addr<Provisioning>> {
        self.provisioning.as_ref().filter(|_| owner == OWNER_OF_PROVISIONING)
    }
}
