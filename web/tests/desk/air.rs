//! Native base stations and handsets of the scripted switch.

use kirkwall_actors::air::{GetNativeBase, GetRadioLoss, GetSyncTree, SetDuty, SyncTreeView};
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::radio::allocation::Load;
use kirkwall_core::radio::statistics::Statistics;

use super::*;

/// Keeps a window and a plant that does not change by itself.
struct TestAir {
    empty: bool,
    window: WindowView,
}

/// Its recipients.
pub fn desk(empty: bool) -> AirDesk {
    let tried = UnknownView { ipei: "00077 0004799 2".into(), at: START };
    let unknown = if empty { Vec::new() } else { vec![tried] };
    let window = WindowView { open: false, seconds_left: 0, only: None, unknown };
    let address = TestAir { empty, window }.start();
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
answer!(ListNativeBases, |air, ListNativeBases| Ok(if air.empty { Vec::new() } else { bases() }));
answer!(GetNativeBase, |_air, asked| {
    bases().into_iter().find(|base| base.id.0 == asked.0).ok_or(DeskFault::NotFound(asked.0))
});
answer!(SetDuty, |_air, _asked| Ok(()));
answer!(GetSyncTree, |_air, GetSyncTree| Ok(SyncTreeView { master: None, deputy: None, radios: Vec::new() }));
answer!(GetRadioLoss, |_air, asked| Err(DeskFault::NotFound(asked.0)));
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
    vec![base(0, Standing::Operational, SyncState::Master), follows, refused]
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
