//! One native base station: how it is, what it is wanted for, and what its loss would do to the others.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{NativeBaseView, RadioLossView};
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::radio::Rpn;
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::{FieldError, Problem};
use crate::rest::{duty_of, in_path};
use crate::service::air as service;
use crate::site::Site;
use crate::ui::air_rows::{calls_there, radio_words};
use crate::ui::board::{Board, View, board};
use crate::ui::frame::{Frame, PageProblem, ok};
use crate::ui::see_other;

const LIST: &str = "/native-base-stations";

#[derive(Template)]
#[template(path = "native_base.html")]
struct NativeBase {
    frame: Frame,
    board: Board,
    loss: LossWords,
}

#[derive(Template)]
#[template(path = "native_base_duty.html")]
struct ConfirmDuty {
    frame: Frame,
    /// In addresses.
    link: String,
    base: NativeBaseView,
    /// `draining` or `out_of_use`.
    word: String,
    ends: bool,
    calls: u32,
    loss: LossWords,
}

/// What the loss of a radio would do.
struct LossWords {
    /// Who becomes master, when it is the master that is lost.
    heir: Option<String>,
    /// Who then listens to whom.
    moved: Vec<(String, String)>,
    adrift: Vec<String>,
    cut_off: Vec<String>,
    /// Who would be clusters of their own, each in words.
    apart: Vec<String>,
}

/// `duty=&sure=yes`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypedDuty {
    duty: String,
    #[serde(default)]
    sure: String,
}

impl LossWords {
    fn is_harmless(&self) -> bool {
        self.heir.is_none() && self.moved.is_empty() && self.apart.is_empty() && !self.hurts()
    }

    /// Whether somebody is left without a source.
    fn hurts(&self) -> bool {
        !self.adrift.is_empty() || !self.cut_off.is_empty()
    }
}

/// `GET /native-base-station/{id}`
pub async fn page(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let id = id.into_inner();
    let view = View::NativeBase(id.clone());
    let board = board(&site, &view).await?;
    let frame = Frame::new(&site, &who, LIST, format!("Base station {id}")).live(&view);
    let frame = frame.api("GET /api/v1/native-base-stations/{id}");
    ok(&NativeBase { frame, board, loss: loss(&site, &id).await? })
}

/// `POST /native-base-station/{id}/duty`
///
/// Asks once more when calls stand there, or others would lose their time.
pub async fn set_duty(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    form: web::Form<TypedDuty>,
) -> Result<HttpResponse, PageProblem> {
    let (id, TypedDuty { duty: word, sure }) = (id.into_inner(), form.into_inner());
    let duty = duty_of(&word).ok_or_else(|| {
        Problem::fields(vec![FieldError::invalid("duty", "in_use, draining or out_of_use")])
    })?;
    let link = in_path(&id);
    if duty != Duty::InUse && sure != "yes" {
        let base = service::native_base(&site, id.clone()).await?;
        let (calls, ends, loss) = (calls_there(&base), duty == Duty::OutOfUse, loss(&site, &id).await?);
        if calls > 0 || (ends && loss.hurts()) {
            let title = if ends { "Take it out of use" } else { "Drain it" };
            let frame = Frame::new(&site, &who, LIST, title).api("PATCH /api/v1/native-base-stations/{id}");
            return ok(&ConfirmDuty { frame, link, base, word, ends, calls, loss });
        }
    }
    service::set_duty(&site, &who, id, duty).await?;
    Ok(see_other(&format!("/native-base-station/{link}")))
}

async fn loss(site: &Site, id: &str) -> Result<LossWords, Problem> {
    let tree = service::sync_tree(site).await?;
    let RadioLossView { rpn, master, moved, adrift, cut_off, apart } =
        service::radio_loss(site, id.to_owned()).await?;
    let was_master = tree.is_master(rpn);
    let names: BTreeMap<Rpn, String> = tree.radios.into_iter().map(|place| (place.rpn, place.id.0)).collect();
    let words = |rpn: Rpn| radio_words(&names, rpn);
    let list = |radios: Vec<Rpn>| radios.into_iter().map(words).collect::<Vec<_>>().join(", ");
    let heir = master.filter(|_| was_master);
    // Whoever no plan reaches runs free at first too; it is named once, with the worse.
    let adrift = adrift.into_iter().filter(|rpn| !cut_off.contains(rpn));
    Ok(LossWords {
        heir: heir.map(words),
        adrift: adrift.map(words).collect(),
        moved: moved.into_iter().map(|(rpn, source)| (words(rpn), words(source))).collect(),
        cut_off: cut_off.iter().copied().map(words).collect(),
        apart: apart.into_iter().map(|cluster| list(cluster.radios)).collect(),
    })
}
