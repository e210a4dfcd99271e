//! One base station: its name, and where it hangs.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{BaseStationView, Bearer, DescribeBaseStation};
use kirkwall_core::call::location::{ADDRESS_PARTS, AddressPart};
use kirkwall_core::id::BaseStationId;

use crate::access::Caller;
use crate::problem::Problem;
use crate::rest::in_path;
use crate::service::plant as service;
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;

/// What every field of the form holds, by its name.
type Typed = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "base_station_form.html")]
struct BaseStationForm {
    frame: Frame,
    base: BaseStationView,
    typed: Typed,
    problem: Option<Problem>,
}

impl BaseStationForm {
    fn new(site: &Site, who: &Bearer, base: BaseStationView, typed: Typed, problem: Option<Problem>) -> Self {
        let title = if base.name.is_empty() { base.id.to_string() } else { base.name.clone() };
        let frame = Frame::new(site, who, "/base-stations", title).api("PATCH /api/v1/base-stations/{id}");
        Self { frame, base, typed, problem }
    }

    fn wrong(&self, name: &str) -> Option<&str> {
        let problem = self.problem.as_ref()?;
        problem.of_field(&format!("location/{name}")).or_else(|| problem.of_field(name))
    }

    fn parts(&self) -> impl Iterator<Item = (&'static AddressPart, &str)> {
        ADDRESS_PARTS.iter().map(|part| (part, self.typed(part.name)))
    }

    fn link(&self) -> String {
        in_path(&self.base.id.0)
    }

    fn typed(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }
}

/// `GET /base-station/{id}`
pub async fn form(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let base = service::base_station(&site, id.into_inner()).await?;
    let parts = base.location.iter().map(|(part, text)| (part.name.to_owned(), text.to_owned()));
    let typed = parts.chain([("name".to_owned(), base.name.clone())]).collect();
    ok(&BaseStationForm::new(&site, &who, base, typed, None))
}

/// `POST /base-station/{id}`
pub async fn save(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    typed: web::Form<Typed>,
) -> Result<HttpResponse, PageProblem> {
    let (id, typed) = (id.into_inner(), typed.into_inner());
    let revision = typed.get("revision").and_then(|text| text.parse().ok());
    let location = typed.iter().filter(|(name, _)| !matches!(name.as_str(), "name" | "revision"));
    let order = DescribeBaseStation {
        id: BaseStationId(id.clone()),
        name: typed.get("name").cloned(),
        location: Some(location.map(|(name, text)| (name.clone(), text.clone())).collect()),
        // A form without one is older than any.
        if_revision: Some(revision.unwrap_or(u64::MAX)),
        dry_run: false,
    };
    match service::describe_base_station(&site, &who, order).await {
        Ok(_) => Ok(see_other("/base-stations")),
        Err(problem) => {
            let base = service::base_station(&site, id).await?;
            render(problem.status(), &BaseStationForm::new(&site, &who, base, typed, Some(problem)))
        }
    }
}
