//! Where emergency calls come from: the places of base stations, as administrators wrote them down.

use std::collections::BTreeMap;

use actix::prelude::*;
use kirkwall_core::call::About;
use kirkwall_core::call::location::{CivicAddress, Dialect, LocationObject};
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::sip::invite::BodyPart;

use super::{Admit, Supervisor};
use crate::base_station::Describe;
use crate::desk::{BaseStationView, DescribeBaseStation, DeskFault};

/// The places that are known.
pub(super) type Places = BTreeMap<BaseStationId, CivicAddress>;

/// A base station hangs there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BasePlaced {
    /// Which.
    pub id: BaseStationId,
    /// Where.
    pub location: CivicAddress,
}

impl Handler<BasePlaced> for Supervisor {
    type Result = ();

    fn handle(&mut self, BasePlaced { id, location }: BasePlaced, _: &mut Self::Context) {
        match location.is_empty() {
            true => self.base_places.remove(&id),
            false => self.base_places.insert(id, location),
        };
    }
}

impl Handler<DescribeBaseStation> for Supervisor {
    type Result = ResponseActFuture<Self, Result<BaseStationView, DeskFault>>;

    fn handle(&mut self, order: DescribeBaseStation, _: &mut Self::Context) -> Self::Result {
        let id = order.id.clone();
        let known = self.bases.get(&id).map(|(addr, _)| addr.clone());
        let (channels, limit) = (self.admission.base(&id), self.base_limit(&id));
        let described = async move {
            let addr = known.ok_or_else(|| DeskFault::NotFound(format!("base station {id}")))?;
            let described = addr.send(Describe(order)).await;
            let view =
                described.map_err(|_| DeskFault::Busy("this base station is started anew".into()))??;
            Ok(BaseStationView { channels, limit, ..view })
        };
        Box::pin(described.into_actor(self))
    }
}

impl Supervisor {
    /// Who has a number, for the display of who calls it: one of ours, or somebody in the phone book.
    pub(super) fn name_of(&self, number: &str) -> String {
        let user = number.parse::<Username>().ok().and_then(|user| self.accounts.get(&user));
        let ours = user.map(|record| record.display_name.clone()).filter(|name| !name.is_empty());
        ours.or_else(|| self.names.of(number)).unwrap_or_default()
    }

    /// What an INVITE tells of a call, as header fields.
    pub(super) fn headers_about(&self, target: &str, about: &About) -> Vec<(String, String)> {
        let words = about.headers(target, |user| self.aor(user));
        words.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect()
    }

    /// What an emergency call says of where it comes from: nothing when that is not known.
    pub(super) fn location_of(&mut self, ask: &Admit, line: &str) -> (Vec<BodyPart>, Vec<(String, String)>) {
        let place = ask.caller.base.as_ref().and_then(|base| Some((base, self.base_places.get(base)?)));
        let Some((base, address)) = place else { return (Vec::new(), Vec::new()) };
        let dialect = if self.settings.speaks_lync() { Dialect::Lync } else { Dialect::Ietf };
        let caller = self.aor(line);
        let at = self.ports.clock.now();
        let object = LocationObject { caller: &caller, device: &base.0, address, at, dialect };
        let (part, headers) = object.dress(&self.tokens.word(), &self.settings.domain);
        let headers = headers.into_iter().map(|(name, value)| (name.as_str().to_owned(), value));
        (vec![part], headers.collect())
    }

    /// The same for people at a desk.
    pub(super) fn place_in_words(&self, base: Option<&BaseStationId>) -> String {
        let Some(base) = base else { return "place unknown".to_owned() };
        match self.base_places.get(base) {
            Some(address) => address.words(),
            None => format!("base station {base}"),
        }
    }
}
