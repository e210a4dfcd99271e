//! Native base stations and the handsets on them: subscriptions, claims, enrolment, captures.

use actix::prelude::*;

pub use crate::air::{
    Claimed, CloseWindow, ClusterView, CreateEnrolment, DeletePortable, EnrolmentView, GetAirCapture,
    GetNativeBase, GetRadioLoss, GetSyncTree, GetWindow, ListNativeBases, ListPortables, NativeBaseView,
    OpenWindow, PortableView, RadioLossView, RadioPlaceView, SetDuty, SyncTreeView, UnknownView, WindowView,
};

/// Recipients of what concerns the air. A switch without a DECT identity has none.
#[derive(Clone)]
#[allow(missing_docs)] // each field is named after its message, which is documented
pub struct AirDesk {
    pub open_window: Recipient<OpenWindow>,
    pub close_window: Recipient<CloseWindow>,
    pub get_window: Recipient<GetWindow>,
    pub list_bases: Recipient<ListNativeBases>,
    pub get_base: Recipient<GetNativeBase>,
    pub set_duty: Recipient<SetDuty>,
    pub get_sync_tree: Recipient<GetSyncTree>,
    pub get_radio_loss: Recipient<GetRadioLoss>,
    pub list_portables: Recipient<ListPortables>,
    pub delete_portable: Recipient<DeletePortable>,
    pub claimed: Recipient<Claimed>,
    pub create_enrolment: Recipient<CreateEnrolment>,
    pub get_capture: Recipient<GetAirCapture>,
}

impl AirDesk {
    /// Of the air.
    pub fn of(air: &Addr<crate::air::Air>) -> Self {
        Self {
            open_window: air.clone().recipient(),
            close_window: air.clone().recipient(),
            get_window: air.clone().recipient(),
            list_bases: air.clone().recipient(),
            get_base: air.clone().recipient(),
            set_duty: air.clone().recipient(),
            get_sync_tree: air.clone().recipient(),
            get_radio_loss: air.clone().recipient(),
            list_portables: air.clone().recipient(),
            delete_portable: air.clone().recipient(),
            claimed: air.clone().recipient(),
            create_enrolment: air.clone().recipient(),
            get_capture: air.clone().recipient(),
        }
    }
}
