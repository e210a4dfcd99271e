//! Rooms for conferences: which there are, and who is in one.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{CreateRoom, MuteMember, RemoveMember, RoomDraft};
use kirkwall_core::call::conference::{MemberView, RoomKind, RoomView};
use kirkwall_core::pii::Pii;
use serde::Deserialize;

use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::rest::{in_path, of_room, room_named};
use crate::service::rooms as service;
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;

#[derive(Template)]
#[template(path = "rooms.html")]
struct Rooms {
    frame: Frame,
    rooms: Vec<RoomView>,
    typed: TypedRoom,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "room.html")]
struct Room {
    frame: Frame,
    /// In addresses.
    link: String,
    view: RoomView,
}

/// The form of a new room as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedRoom {
    name: String,
    title: String,
    pin: String,
    /// A tick box is not sent when it is off.
    outside: Option<String>,
}

/// `muted=`
#[derive(Deserialize)]
pub struct Muted {
    muted: String,
}

impl Rooms {
    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }

    fn link(&self, view: &RoomView) -> String {
        in_path(view.room.name.as_str())
    }
}

impl Room {
    fn since(&self, member: &MemberView) -> String {
        rfc3339(member.since)
    }

    fn is_ad_hoc(&self) -> bool {
        self.view.room.kind != RoomKind::MeetMe
    }
}

/// `GET /rooms`
pub async fn list(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let frame = Frame::new(&site, &who, "/rooms", "Rooms").api("GET /api/v1/rooms");
    ok(&Rooms { frame, rooms: service::list(&site).await?, typed: TypedRoom::default(), problem: None })
}

/// `POST /rooms`
pub async fn add(
    site: web::Data<Site>,
    Caller(who): Caller,
    typed: web::Form<TypedRoom>,
) -> Result<HttpResponse, PageProblem> {
    let typed = typed.into_inner();
    let draft = RoomDraft {
        title: Some(typed.title.clone()),
        pin: Some(Pii(typed.pin.trim().to_owned())),
        outside: Some(typed.outside.is_some()),
        ..RoomDraft::default()
    };
    match service::create(&site, &who, CreateRoom { name: typed.name.trim().to_owned(), draft }).await {
        Ok(view) => Ok(see_other(&format!("/rooms/{}", in_path(view.room.name.as_str())))),
        Err(problem) => {
            let status: StatusCode = problem.status();
            let frame = Frame::new(&site, &who, "/rooms", "Rooms").api("POST /api/v1/rooms");
            let rooms = service::list(&site).await?;
            render(status, &Rooms { frame, rooms, typed, problem: Some(problem) })
        }
    }
}

/// `GET /rooms/{name}`
pub async fn one(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let view = service::get(&site, room_named(&path)?).await?;
    let title = match view.room.title.as_str() {
        "" => format!("Room {}", view.room.name),
        title => title.to_owned(),
    };
    let link = in_path(view.room.name.as_str());
    let frame = Frame::new(&site, &who, "/rooms", title).api("GET /api/v1/rooms/{name}");
    ok(&Room { frame, link, view })
}

/// `POST /rooms/{name}/delete`
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    service::delete(&site, &who, room_named(&path)?).await?;
    Ok(see_other("/rooms"))
}

/// `POST /rooms/{name}/members/{id}/mute`
pub async fn mute(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<(String, String)>,
    form: web::Form<Muted>,
) -> Result<HttpResponse, PageProblem> {
    let (room, member) = of_room(&path)?;
    let place = format!("/rooms/{}", in_path(room.as_str()));
    service::mute(&site, &who, MuteMember { room, member, muted: form.muted == "yes" }).await?;
    Ok(see_other(&place))
}

/// `POST /rooms/{name}/members/{id}/remove`
pub async fn remove(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, PageProblem> {
    let (room, member) = of_room(&path)?;
    let place = format!("/rooms/{}", in_path(room.as_str()));
    service::remove(&site, &who, RemoveMember { room, member }).await?;
    Ok(see_other(&place))
}
