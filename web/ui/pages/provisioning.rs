//! Setting up base stations: windows, and base stations that look for one.

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{Bearer, ProvisioningView};
use kirkwall_core::sip::provisioning::Make;
use kirkwall_core::timer::Moment;
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::Problem;
use crate::rest::{MINUTES, provisioning_order};
use crate::service::provisioning as service;
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;
use crate::ui::words::{Clock, Tone};

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUp {
    frame: Frame,
    view: ProvisioningView,
    typed: TypedWindow,
    problem: Option<Problem>,
}

/// The form as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedWindow {
    mac: String,
    make: String,
    users: String,
    minutes: String,
    address: String,
}

impl SetUp {
    fn at(moment: &Moment) -> Clock {
        Clock(*moment)
    }

    fn tone(state: &str) -> Tone {
        match state {
            "fetched" => Tone::Ok,
            "waiting" => Tone::Warn,
            _ => Tone::Idle,
        }
    }

    fn makes() -> [Make; 4] {
        Make::ALL
    }

    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }
}

/// `GET /set-up`
pub async fn page(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    ok(&shown(&site, &who, TypedWindow::default(), None).await?)
}

async fn shown(
    site: &Site,
    who: &Bearer,
    typed: TypedWindow,
    problem: Option<Problem>,
) -> Result<SetUp, PageProblem> {
    let frame = Frame::new(site, who, "/set-up", "Set up base stations").api("GET /api/v1/provisioning");
    Ok(SetUp { frame, view: service::list(site).await?, typed, problem })
}

/// `POST /set-up`
pub async fn open(
    site: web::Data<Site>,
    Caller(who): Caller,
    typed: web::Form<TypedWindow>,
) -> Result<HttpResponse, PageProblem> {
    let typed = typed.into_inner();
    let text = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let users = text(&typed.users).map(|users| {
        let names = users.split([',', ' ', ';']).map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    });
    let minutes = text(&typed.minutes).map_or(Ok(MINUTES), |minutes| minutes.parse());
    let order = provisioning_order(
        typed.mac.clone(),
        text(&typed.make),
        users,
        // What is no number is none that is possible, and is told so.
        minutes.unwrap_or(0),
        text(&typed.address),
    );
    let opened = match order {
        Ok(order) => service::open(&site, &who, order).await,
        Err(problem) => Err(problem),
    };
    match opened {
        Ok(_) => Ok(see_other("/set-up")),
        Err(problem) => {
            let status = problem.status();
            render(status, &shown(&site, &who, typed, Some(problem)).await?)
        }
    }
}

/// `POST /set-up/{mac}/close`
pub async fn close(
    site: web::Data<Site>,
    Caller(who): Caller,
    mac: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    service::close(&site, &who, mac.into_inner()).await?;
    Ok(see_other("/set-up"))
}

/// `POST /base-station/{id}/resync`
pub async fn resync(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    service::resync(&site, &who, id.into_inner()).await?;
    Ok(see_other("/base-stations"))
}
