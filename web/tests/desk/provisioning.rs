//! Windows for new base stations as the desk of these tests keeps them.

use std::time::Duration;

use kirkwall_actors::desk::*;
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::provisioning::{Make, SheetFile, read_mac};
use kirkwall_core::timer::Moment;

/// The base station that has a window.
pub const MAC: &str = "7c2f80abcdef";

/// One window, and one base station that looks for one.
pub fn view(empty: bool, at: Moment) -> ProvisioningView {
    if empty {
        return ProvisioningView::default();
    }
    let seen = SeenBaseView {
        mac: "000413604012".into(),
        product: "snom <b>snomM700</b>".into(),
        make: Some(Make::Snom),
        address: [10, 0, 0, 90].into(),
        at,
    };
    ProvisioningView { windows: vec![window(MAC, Make::Gigaset, at)], seen: vec![seen] }
}

fn window(mac: &str, make: Make, at: Moment) -> WindowOfBase {
    WindowOfBase {
        mac: mac.into(),
        make,
        state: "waiting",
        users: vec!["4711".into()],
        until: at + Duration::from_secs(600),
        access_code: Pii("0815".into()),
        address: None,
        fetched: None,
        refused: Some((at, "10.0.0.66 asked".into())),
    }
}

/// What becomes of an order.
pub fn opened(order: OpenProvisioning, at: Moment) -> Result<WindowOfBase, DeskFault> {
    let mac =
        read_mac(&order.mac).ok_or_else(|| DeskFault::Invalid(vec![FieldFault::new("mac", "no MAC")]))?;
    Ok(window(&mac, order.make.unwrap_or(Make::Gigaset), at))
}

/// The file that is given.
pub fn file(name: &str) -> Option<SheetFile> {
    let text = Pii("<provisioning/>".to_owned());
    (name == "7C2F80ABCDEF.xml").then_some(SheetFile { content_type: "text/xml; charset=utf-8", text })
}
