//! What administrators want of native base stations, what the loss of one would do, and their channels.

use futures::future::join_all;
use kirkwall_core::radio::Rpn;
use kirkwall_core::radio::allocation::Load;
use kirkwall_core::radio::sync::{Cluster, Loss};
use serde::Serialize;

use super::base::Carry;
use super::*;
use crate::desk::DeskFault;

/// An administrator wants this of a base station: take it out of use, let it drain, put it back.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct SetDuty {
    /// Its MAC address.
    pub id: String,
    /// What.
    pub duty: Duty,
}

impl Handler<SetDuty> for Air {
    type Result = ResponseActFuture<Self, Result<(), DeskFault>>;

    /// On disk before the base station hears of it.
    fn handle(&mut self, SetDuty { id, duty }: SetDuty, _: &mut Self::Context) -> Self::Result {
        let record = id.parse().ok().and_then(|id: BaseId| self.records.get(&id).ok().flatten());
        let Some(NativeBaseRecord { enrolled, rpn }) = record else {
            let missing = DeskFault::NotFound(format!("native base station {id}"));
            return Box::pin(actix::fut::ready(Err(missing)));
        };
        let record = NativeBaseRecord { enrolled: enrolled.with_duty(duty), rpn };
        let saved = self.ports.journal.save(vec![self.records.put(&record)]).into_actor(self);
        Box::pin(saved.map(move |saved, me, _| {
            saved.map_err(|fault| DeskFault::Failed(format!("not saved: {fault}")))?;
            if let Some(entry) = me.bases.get_mut(&record.enrolled.base) {
                entry.duty = duty;
                entry.addr.do_send(Serve(duty));
            }
            Ok(())
        }))
    }
}

/// The switch stops: every base station is told when to come again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopBases;

impl Handler<StopBases> for Air {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopBases, _: &mut Self::Context) -> Self::Result {
        let told: Vec<_> = self.bases.values().map(|entry| entry.addr.send(Halt)).collect();
        Box::pin(async move { drop(join_all(told).await) })
    }
}

/// So many channels of these base stations are in use, by the supervisor's books.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BaseLoads(pub Vec<(BaseStationId, Load)>);

impl Handler<BaseLoads> for Air {
    type Result = ();

    fn handle(&mut self, BaseLoads(loads): BaseLoads, _: &mut Self::Context) {
        for (base, load) in loads {
            let entry = base.0.parse().ok().and_then(|id: BaseId| self.bases.get(&id));
            if let Some(entry) = entry {
                entry.addr.do_send(Carry(load));
            }
        }
    }
}

/// Something happened with this base station that is counted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BaseTally(pub BaseStationId, pub Tally);

impl Handler<BaseTally> for Air {
    type Result = ();

    fn handle(&mut self, BaseTally(base, tally): BaseTally, _: &mut Self::Context) {
        self.tally(&base, tally);
    }
}

/// From whom each radio takes its time.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<SyncTreeView, DeskFault>")]
pub struct GetSyncTree;

/// The sync tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncTreeView {
    /// The radio that gives time to all, or to most.
    pub master: Option<Rpn>,
    /// The one that does when that is lost.
    pub deputy: Option<Rpn>,
    /// Radios with one time, the largest cluster first. Nobody is handed over between two.
    pub clusters: Vec<ClusterView>,
    /// Every radio that is there, by its number.
    pub radios: Vec<RadioPlaceView>,
}

impl SyncTreeView {
    /// Whether it gives time to a cluster.
    pub fn is_master(&self, rpn: Rpn) -> bool {
        self.clusters.iter().any(|cluster| cluster.master == rpn)
    }

    /// Whether it becomes master of its cluster when that one's is lost.
    pub fn is_heir(&self, rpn: Rpn) -> bool {
        self.clusters.iter().any(|cluster| cluster.deputy == Some(rpn))
    }
}

/// Radios with one time, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterView {
    /// Who gives it.
    pub master: Rpn,
    /// Who does when that one is lost.
    pub deputy: Option<Rpn>,
    /// All of it.
    pub radios: Vec<Rpn>,
}

impl From<&Cluster> for ClusterView {
    fn from(cluster: &Cluster) -> Self {
        let radios = cluster.radios.iter().copied().collect();
        Self { master: cluster.master, deputy: cluster.deputy, radios }
    }
}

/// A radio in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RadioPlaceView {
    /// Its base station.
    pub id: BaseStationId,
    /// Its number.
    pub rpn: Rpn,
    /// The radio that it follows; none for the master, and for one that hears nobody.
    pub source: Option<Rpn>,
    /// Those that it follows when that one is lost, the best first.
    pub alternatives: Vec<Rpn>,
    /// Steps to the master.
    pub hops: Option<u8>,
    /// How loud it hears its source, dBm.
    pub rssi: Option<i8>,
    /// It hears nobody of the others well enough, and carries no calls.
    pub alone: bool,
    /// Nobody gives it time when its source is lost.
    pub bare: bool,
}

impl Handler<GetSyncTree> for Air {
    type Result = Result<SyncTreeView, DeskFault>;

    fn handle(&mut self, _: GetSyncTree, _: &mut Self::Context) -> Self::Result {
        let bare: HashSet<Rpn> = self.tree.without_alternative().collect();
        let radios = self.bases.iter().filter_map(|(id, entry)| {
            let (rpn, place) = (entry.rpn, self.tree.places.get(&entry.rpn));
            let alone = self.tree.islands.contains(&rpn);
            (alone || place.is_some()).then(|| RadioPlaceView {
                id: (*id).into(),
                rpn,
                source: place.and_then(|place| place.source),
                alternatives: place.map(|place| place.alternatives.clone()).unwrap_or_default(),
                hops: place.map(|place| place.hops),
                rssi: place.and_then(|place| place.rssi),
                alone,
                bare: bare.contains(&rpn),
            })
        });
        let mut radios: Vec<_> = radios.collect();
        radios.sort_by_key(|radio| radio.rpn);
        let clusters = self.tree.clusters.iter().map(ClusterView::from).collect();
        Ok(SyncTreeView { master: self.tree.master(), deputy: self.tree.deputy(), clusters, radios })
    }
}

/// What if the radio of this base station were lost?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RadioLossView, DeskFault>")]
pub struct GetRadioLoss(pub String);

/// What the loss of a radio would do to the others, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RadioLossView {
    /// The one that would be lost.
    pub rpn: Rpn,
    /// Who would be master of its cluster.
    pub master: Option<Rpn>,
    /// Those that would follow another one, and which.
    pub moved: BTreeMap<Rpn, Rpn>,
    /// Those that would run free until the tree is planned anew.
    pub adrift: Vec<Rpn>,
    /// Those that no plan could reach.
    pub cut_off: Vec<Rpn>,
    /// Those that would be clusters of their own.
    pub apart: Vec<ClusterView>,
}

impl Handler<GetRadioLoss> for Air {
    type Result = ResponseFuture<Result<RadioLossView, DeskFault>>;

    /// A plan of a large house takes a while, so others do not wait for it.
    fn handle(&mut self, GetRadioLoss(id): GetRadioLoss, _: &mut Self::Context) -> Self::Result {
        let rpn = id.parse().ok().and_then(|id: BaseId| Some(self.bases.get(&id)?.rpn));
        let (tree, survey) = (self.tree.clone(), self.survey.clone());
        Box::pin(async move {
            let rpn = rpn.ok_or_else(|| DeskFault::NotFound(format!("native base station {id}")))?;
            let loss = tokio::task::spawn_blocking(move || tree.without(&survey, rpn)).await;
            let loss = loss.map_err(|fault| DeskFault::Failed(format!("not planned: {fault}")))?;
            let Loss { master, moved, adrift, cut_off, apart } = loss;
            let list = |set: std::collections::BTreeSet<Rpn>| set.into_iter().collect();
            let (adrift, cut_off) = (list(adrift), list(cut_off));
            let apart = apart.iter().map(ClusterView::from).collect();
            Ok(RadioLossView { rpn, master, moved, adrift, cut_off, apart })
        })
    }
}
