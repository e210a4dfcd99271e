//! Native base stations and the handsets on them.

use std::time::Duration;

use kirkwall_actors::desk::{
    AirDesk, Bearer, ChangeUser, Claimed, CloseWindow, CreateEnrolment, DeletePortable, EnrolmentView,
    GetAirCapture, GetNativeBase, GetRadioLoss, GetSyncTree, GetWindow, ListNativeBases, ListPortables,
    NativeBaseView, OpenWindow, PortableView, RadioLossView, SetDuty, SyncTreeView, UserChange, UserView,
    WindowView,
};
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::identity::Ipei;
use kirkwall_core::pii::Pii;

use super::{ask, audit};
use crate::problem::{FieldError, NOT_FOUND, Problem};
use crate::site::Site;

fn air(site: &Site) -> Result<&AirDesk, Problem> {
    let detail = "this switch has no native base stations; set dect.ari to its access rights identity";
    site.desk.air.as_ref().ok_or_else(|| Problem::new(&NOT_FOUND, detail))
}

/// Base stations on the base link.
pub async fn native_bases(site: &Site) -> Result<Vec<NativeBaseView>, Problem> {
    Ok(ask(&air(site)?.list_bases, ListNativeBases).await??)
}

/// One base station on the base link.
pub async fn native_base(site: &Site, id: String) -> Result<NativeBaseView, Problem> {
    Ok(ask(&air(site)?.get_base, GetNativeBase(id)).await??)
}

/// Takes a base station out of use, lets it drain, or puts it back; then how it is.
pub async fn set_duty(site: &Site, who: &Bearer, id: String, duty: Duty) -> Result<NativeBaseView, Problem> {
    ask(&air(site)?.set_duty, SetDuty { id: id.clone(), duty }).await??;
    let act = match duty {
        Duty::InUse => "base station put back into use",
        Duty::Draining => "base station drained",
        Duty::OutOfUse => "base station taken out of use",
    };
    audit(who, act, &id);
    native_base(site, id).await
}

/// From whom each radio takes its time.
pub async fn sync_tree(site: &Site) -> Result<SyncTreeView, Problem> {
    Ok(ask(&air(site)?.get_sync_tree, GetSyncTree).await??)
}

/// What the loss of a base station's radio would do to the others.
pub async fn radio_loss(site: &Site, id: String) -> Result<RadioLossView, Problem> {
    Ok(ask(&air(site)?.get_radio_loss, GetRadioLoss(id)).await??)
}

/// The subscription window.
pub async fn window(site: &Site) -> Result<WindowView, Problem> {
    Ok(ask(&air(site)?.get_window, GetWindow).await??)
}

/// Lets handsets subscribe.
pub async fn open_window(
    site: &Site,
    who: &Bearer,
    code: Pii<String>,
    seconds: u64,
    only: Option<Vec<String>>,
) -> Result<WindowView, Problem> {
    let order = OpenWindow { code, lasts: Duration::from_secs(seconds), only };
    let window = ask(&air(site)?.open_window, order).await??;
    audit(who, "subscription window opened", &format!("for {seconds} s"));
    Ok(window)
}

/// Lets no handset subscribe any more.
pub async fn close_window(site: &Site, who: &Bearer) -> Result<WindowView, Problem> {
    let window = ask(&air(site)?.close_window, CloseWindow).await??;
    audit(who, "subscription window closed", &"");
    Ok(window)
}

/// Links a handset to a user and lets it subscribe. It is taken from whoever had it before.
pub async fn claim(site: &Site, who: &Bearer, ipei: &str, user: &str) -> Result<UserView, Problem> {
    let wrong = |field: &str, detail: String| Problem::fields(vec![FieldError::invalid(field, detail)]);
    let ipei: Ipei = ipei
        .parse()
        .map_err(|fault: kirkwall_core::dect::identity::BadIpei| wrong("ipei", fault.to_string()))?;
    let username =
        user.parse().map_err(|fault: kirkwall_core::id::BadUsername| wrong("user", fault.to_string()))?;
    let claimed = air(site)?.claimed.clone();
    let text = ipei.to_string().replace(' ', "");
    let fields = UserChange { ipei: Some(text.clone()), ..UserChange::default() };
    let change = ChangeUser { username, fields, if_revision: None, dry_run: false };
    let user = ask(&site.desk.change_user, change).await??;
    ask(&claimed, Claimed(ipei)).await?;
    audit(who, "handset claimed", &format!("{text} for {}", user.username));
    Ok(user)
}

/// Handsets that are subscribed.
pub async fn portables(site: &Site) -> Result<Vec<PortableView>, Problem> {
    Ok(ask(&air(site)?.list_portables, ListPortables).await??)
}

/// Ends a subscription: over the air, or, when the handset is lost, here alone.
pub async fn delete_portable(site: &Site, who: &Bearer, ipei: String, lost: bool) -> Result<(), Problem> {
    ask(&air(site)?.delete_portable, DeletePortable { ipei: ipei.clone(), lost }).await??;
    audit(who, "subscription deleted", &ipei);
    Ok(())
}

/// A one-time token for a base station.
pub async fn enrolment(
    site: &Site,
    who: &Bearer,
    label: String,
    only: Option<String>,
) -> Result<EnrolmentView, Problem> {
    let made = ask(&air(site)?.create_enrolment, CreateEnrolment { label: label.clone(), only }).await??;
    audit(who, "base station token created", &label);
    Ok(made)
}

/// What was said over the air lately, for Wireshark.
pub async fn capture(site: &Site, who: &Bearer) -> Result<Vec<u8>, Problem> {
    let file = ask(&air(site)?.get_capture, GetAirCapture).await??;
    audit(who, "capture of the air taken", &"");
    Ok(file)
}
