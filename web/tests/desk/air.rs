//! Native base stations and handsets of the scripted switch.

use std::collections::BTreeMap;

use kirkwall_actors::air::{
    ClusterView, GetNativeBase, GetRadioLoss, GetSyncTree, RadioLossView, RadioPlaceView, SetDuty,
    SyncTreeView,
};
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::radio::allocation::Load;
use kirkwall_core::radio::statistics::Statistics;

use super::*;

/// Keeps a window and a plant that does not change by itself.
struct TestAir {
    empty: bool,
    duties: BTreeMap<String, Duty>,
    window: WindowView,
}

/// Its recipients.
pub fn desk(empty: bool) -> AirDesk {
    let tried = UnknownView { ipei: "00077 0004799 2".into(), at: START };
    let unknown = if empty { Vec::new() } else { vec![tried] };
    let window = WindowView { open: false, seconds_left: 0, only: None, unknown };
    let address = TestAir { empty, duties: BTreeMap::new(), window }.start();
    AirDesk {
        open_window: address.clone().recipient(),
        close_window: address.clone().recipient(),
        get_window: address.clone().recipient(),
        list_bases: address.clone().recipient(),
        get_base: address.clone().recipient(),
        set_duty: address.clone().recipient(),
        get_sync_tree: address.clone().recipient(),
        get_radio_loss: address.clone().recipient(),
        list_portables: address.clone().recipient(),
        delete_portable: address.clone().recipient(),
        claimed: address.clone().recipient(),
        create_enrolment: address.clone().recipient(),
        get_capture: address.recipient(),
    }
}

impl Actor for TestAir {
    type Context = Context<Self>;
}

macro_rules! answer {
    ($message:ty, |$air:ident, $asked:pat_param| $body:expr) => {
        impl Handler<$message> for TestAir {
            type Result = MessageResult<$message>;
            fn handle(&mut self, $asked: $message, _: &mut Self::Context) -> Self::Result {
                let $air = self;
                MessageResult($body)
            }
        }
    };
}

answer!(
    OpenWindow,
    |air, ask| match ask.code.0.bytes().all(|b| b.is_ascii_digit()) && !ask.code.0.is_empty() {
        true => {
            air.window.open = true;
            (air.window.seconds_left, air.window.only) = (ask.lasts.as_secs(), ask.only);
            Ok(air.window.clone())
        }
        false => Err(DeskFault::Invalid(vec![FieldFault::new("code", "1 to 8 digits")])),
    }
);
answer!(CloseWindow, |air, CloseWindow| {
    air.window.open = false;
    Ok(air.window.clone())
});
answer!(GetWindow, |air, GetWindow| Ok(air.window.clone()));
answer!(ListNativeBases, |air, ListNativeBases| Ok(air.bases()));
answer!(GetNativeBase, |air, asked| {
    air.bases().into_iter().find(|base| base.id.0 == asked.0).ok_or(DeskFault::NotFound(asked.0))
});
answer!(SetDuty, |air, asked| match air.bases().iter().any(|base| base.id.0 == asked.id) {
    true => {
        air.duties.insert(asked.id, asked.duty);
        Ok(())
    }
    false => Err(DeskFault::NotFound(asked.id)),
});
answer!(GetSyncTree, |air, GetSyncTree| Ok(if air.empty { no_tree() } else { tree() }));
answer!(GetRadioLoss, |air, asked| {
    let base = air.bases().into_iter().find(|base| base.id.0 == asked.0);
    base.map(|base| loss(base.rpn)).ok_or(DeskFault::NotFound(asked.0))
});
answer!(ListPortables, |air, ListPortables| Ok(if air.empty { Vec::new() } else { portables() }));
answer!(DeletePortable, |_air, _asked| Ok(()));
answer!(Claimed, |air, Claimed(ipei)| air.window.unknown.retain(|known| known.ipei != ipei.to_string()));
answer!(CreateEnrolment, |_air, _asked| Ok(EnrolmentView {
    token: Pii("7F4K-9QXM-2TRB-C8WD".into()),
    expires: START + Duration::from_secs(86_400),
}));
answer!(GetAirCapture, |_air, GetAirCapture| Ok(b"pcap".to_vec()));

fn base(rpn: u8, standing: Standing, sync: SyncState) -> NativeBaseView {
    NativeBaseView {
        id: BaseStationId(format!("0013d180000{rpn}")),
        rpn,
        duty: Duty::InUse,
        standing,
        address: Some(format!("192.0.2.3{rpn}:49152")),
        model: "Example IP6500".into(),
        firmware: "PCS12A_".into(),
        upgrade_recommended: false,
        refused: None,
        sync: Some(sync),
        sync_source: None,
        sync_rssi: None,
        pairs: Some((9, 12)),
        voice: Some((3, 11)),
        connections: 3,
        neighbours: 2,
        round_trip_us: Some(1_200),
        up_since: Some(START),
        links_lost: 0,
        faults: 0,
        channels: Load::default(),
        busy_bits: 0,
        statistics: Statistics::new(START),
    }
}

impl TestAir {
    fn bases(&self) -> Vec<NativeBaseView> {
        let mut bases = if self.empty { Vec::new() } else { bases() };
        for base in &mut bases {
            base.duty = self.duties.get(&base.id.0).copied().unwrap_or(Duty::InUse);
        }
        bases
    }
}

fn no_tree() -> SyncTreeView {
    SyncTreeView { master: None, deputy: None, clusters: Vec::new(), radios: Vec::new() }
}

/// 0 is master and 1 its deputy; 3 can listen to either, 4 to 3 alone, 5 to nobody.
fn tree() -> SyncTreeView {
    let place = |rpn: u8, source: Option<u8>, hops| RadioPlaceView {
        id: BaseStationId(format!("0013d180000{rpn}")),
        rpn,
        source,
        alternatives: Vec::new(),
        hops,
        rssi: source.map(|_| -60 - 4 * i8::try_from(rpn).unwrap()),
        alone: false,
        bare: false,
    };
    let radios = vec![
        place(0, None, Some(0)),
        place(1, Some(0), Some(1)),
        RadioPlaceView { alternatives: vec![1], ..place(3, Some(0), Some(1)) },
        RadioPlaceView { bare: true, ..place(4, Some(3), Some(2)) },
        RadioPlaceView { alone: true, ..place(5, None, None) },
    ];
    let clusters = vec![ClusterView { master: 0, deputy: Some(1), radios: vec![0, 1, 3, 4] }];
    SyncTreeView { master: Some(0), deputy: Some(1), clusters, radios }
}

fn loss(rpn: u8) -> RadioLossView {
    let (adrift, cut_off) = if rpn == 3 { (vec![4], vec![4]) } else { (Vec::new(), Vec::new()) };
    let (master, moved) = if rpn == 0 { (1, BTreeMap::from([(3, 1)])) } else { (0, BTreeMap::new()) };
    let apart = match rpn {
        1 => vec![ClusterView { master: 4, deputy: None, radios: vec![4, 5] }],
        _ => Vec::new(),
    };
    RadioLossView { rpn, master: Some(master), moved, adrift, cut_off, apart }
}

fn bases() -> Vec<NativeBaseView> {
    let follows = NativeBaseView {
        sync_source: Some(0),
        sync_rssi: Some(-68),
        firmware: "PCS10__".into(),
        upgrade_recommended: true,
        links_lost: 2,
        ..base(1, Standing::Operational, SyncState::Locked)
    };
    let refused = NativeBaseView {
        refused: Some("firmware too old".into()),
        firmware: "PCS07__".into(),
        voice: None,
        up_since: None,
        sync: None,
        ..base(2, Standing::Refused, SyncState::Off)
    };
    let quiet = |rpn, source, sync| NativeBaseView {
        sync_source: source,
        sync_rssi: source.map(|_| -72),
        voice: Some((0, 11)),
        connections: 0,
        ..base(rpn, Standing::Operational, sync)
    };
    let alone =
        NativeBaseView { standing: Standing::Syncing, neighbours: 0, ..quiet(5, None, SyncState::Searching) };
    vec![
        base(0, Standing::Operational, SyncState::Master),
        follows,
        refused,
        quiet(3, Some(0), SyncState::Locked),
        quiet(4, Some(3), SyncState::Locked),
        alone,
    ]
}

fn portables() -> Vec<PortableView> {
    let base = BaseStationId("0013d1800000".into());
    let handset = |ipei: &str, user: Option<&str>, state| PortableView {
        ipei: ipei.into(),
        user: user.map(|user| user.parse().unwrap()),
        state,
        base_station: Some(base.clone()),
    };
    vec![handset("00077 0004711 5", Some("4711"), "located"), handset("00077 0004712 6", None, "unreachable")]
}
