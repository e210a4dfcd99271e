//! `/rooms`: rooms for conferences, and who is in them.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{ChangeRoom, CreateRoom, MuteMember, RemoveMember, RoomDraft};
use kirkwall_core::call::conference::{MemberView, RoomKind, RoomName, RoomView};
use kirkwall_core::id::OwnerId;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use super::users::SecretJson;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::{NOT_FOUND, Problem};
use crate::service::rooms as service;
use crate::site::Site;

/// A room for conferences.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Room)]
pub struct RoomJson {
    /// What is dialled: a number or a name.
    pub name: String,
    /// For people, at most 64 characters.
    pub title: String,
    /// `meet_me`: made here, and there until it is removed. `ad_hoc`: made in a call; it goes with its parties.
    /// `pool`: a conference of the pool in the north, which a user of this switch is in.
    pub kind: &'static str,
    /// Digits that are asked of whoever comes, 4 to 12.
    pub pin: SecretJson,
    /// Whether a tone tells those inside that somebody has come or gone.
    pub tones: bool,
    /// Most parties, 2 to 32.
    pub most: u8,
    /// Whether it can be dialled from the north; then it needs a PIN.
    pub outside: bool,
    /// Who is there, in the order in which they came.
    pub members: Vec<RoomMember>,
}

/// Somebody in a room.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoomMember {
    /// Its name for `/rooms/{name}/members/{id}`.
    pub id: String,
    /// Its call, as under `/calls`.
    pub call: String,
    /// Number or user part.
    pub number: String,
    /// Display name, possibly empty.
    pub display_name: String,
    /// When it was let in, or came to the door.
    #[schema(format = DateTime)]
    pub since: String,
    /// Still at the door, where the PIN is asked.
    pub waits: bool,
    /// It hears the others, and they do not hear it.
    pub muted: bool,
}

/// All rooms.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoomList {
    /// By name.
    pub items: Vec<RoomJson>,
    /// How many.
    pub total: usize,
}

/// What is set of a room.
#[derive(ToSchema)]
#[allow(dead_code)] // for the document only
pub struct RoomBody {
    /// What is dialled; only when it is made.
    name: Option<String>,
    /// For people.
    title: Option<String>,
    /// 4 to 12 digits; null or empty: none is asked.
    pin: Option<String>,
    /// Tones for coming and going; on in a new room.
    tones: Option<bool>,
    /// Most parties; 32 in a new room.
    most: Option<u16>,
    /// Whether it can be dialled from the north; not in a new room.
    outside: Option<bool>,
}

/// What is set of somebody in a room.
#[derive(ToSchema)]
#[allow(dead_code)] // for the document only
pub struct RoomMemberBody {
    /// Whether the others do not hear it.
    muted: bool,
}

impl From<&RoomView> for RoomJson {
    fn from(view: &RoomView) -> Self {
        let room = &view.room;
        Self {
            name: room.name.to_string(),
            title: room.title.clone(),
            kind: match room.kind {
                RoomKind::MeetMe => "meet_me",
                RoomKind::AdHoc => "ad_hoc",
                RoomKind::Pool => "pool",
            },
            pin: SecretJson { set: room.pin.is_some() },
            tones: room.tones,
            most: room.most,
            outside: room.outside,
            members: view.members.iter().map(RoomMember::from).collect(),
        }
    }
}

impl From<&MemberView> for RoomMember {
    fn from(member: &MemberView) -> Self {
        Self {
            id: member.id.to_string(),
            call: member.call.to_string(),
            number: member.number.clone(),
            display_name: member.display.clone(),
            since: rfc3339(member.since),
            waits: member.waits,
            muted: member.muted,
        }
    }
}

/// All rooms, those that were made in calls too.
#[utoipa::path(get, operation_id = "list_rooms", path = "/rooms", tag = "Rooms", security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = RoomList), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let items: Vec<_> = service::list(&site).await?.iter().map(RoomJson::from).collect();
    Ok(Answer::json(200, &RoomList { total: items.len(), items })?.into())
}

/// Makes a room.
#[utoipa::path(post, operation_id = "create_room", path = "/rooms", tag = "Rooms", request_body = RoomBody, security(("token" = ["users:write"])),
    responses((status = 201, description = "made", body = RoomJson, headers(("Location" = String))), Problems))]
pub async fn create(
    site: web::Data<Site>,
    Caller(who): Caller,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let (name, draft) = (fields.needed_text("name"), draft(&mut fields));
    fields.finish()?;
    let view = service::create(&site, &who, CreateRoom { name, draft }).await?;
    let place = format!("{}/rooms/{}", super::BASE, super::in_path(view.room.name.as_str()));
    Ok(Answer::json(201, &RoomJson::from(&view))?.header("location", place).into())
}

/// One room, and who is in it now.
#[utoipa::path(get, operation_id = "get_room", path = "/rooms/{name}", tag = "Rooms", params(("name" = String, Path)), security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = RoomJson), Problems))]
pub async fn get(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &RoomJson::from(&service::get(&site, named(&path)?).await?))?.into())
}

/// Changes how a room is set up; what is absent stays, and so do those who are in it. The last word counts.
#[utoipa::path(patch, operation_id = "change_room", path = "/rooms/{name}", tag = "Rooms", request_body = RoomBody, params(("name" = String, Path)),
    security(("token" = ["users:write"])), responses((status = 200, description = "as it is now", body = RoomJson), Problems))]
pub async fn change(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let draft = draft(&mut fields);
    fields.skip(&["name", "kind", "members"]);
    fields.finish()?;
    let view = service::change(&site, &who, ChangeRoom { name: named(&path)?, draft }).await?;
    Ok(Answer::json(200, &RoomJson::from(&view))?.into())
}

/// Removes a room. Everybody in it is sent away.
#[utoipa::path(delete, operation_id = "delete_room", path = "/rooms/{name}", tag = "Rooms", params(("name" = String, Path)), security(("token" = ["users:write"])),
    responses((status = 204, description = "done"), Problems))]
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::delete(&site, &who, named(&path)?).await?;
    Ok(Answer::new(204).into())
}

/// Mutes somebody, or lets somebody speak again.
#[utoipa::path(patch, operation_id = "change_room_member", path = "/rooms/{name}/members/{id}", tag = "Rooms", request_body = RoomMemberBody,
    params(("name" = String, Path), ("id" = String, Path)), security(("token" = ["calls:control"])),
    responses((status = 200, description = "the room as it is now", body = RoomJson), Problems))]
pub async fn mute(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<(String, String)>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let muted = fields.flag("muted");
    fields.finish()?;
    let (room, member) = of_room(&path)?;
    let view = match muted {
        Some(muted) => service::mute(&site, &who, MuteMember { room, member, muted }).await?,
        None => service::get(&site, room).await?,
    };
    Ok(Answer::json(200, &RoomJson::from(&view))?.into())
}

/// Sends somebody away.
#[utoipa::path(delete, operation_id = "remove_room_member", path = "/rooms/{name}/members/{id}", tag = "Rooms",
    params(("name" = String, Path), ("id" = String, Path)), security(("token" = ["calls:control"])),
    responses((status = 204, description = "done"), Problems))]
pub async fn remove(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (room, member) = of_room(&path)?;
    service::remove(&site, &who, RemoveMember { room, member }).await?;
    Ok(Answer::new(204).into())
}

fn draft(fields: &mut Fields) -> RoomDraft {
    RoomDraft {
        title: fields.text("title"),
        pin: fields.secret("pin"),
        tones: fields.flag("tones"),
        most: fields.number("most"),
        outside: fields.flag("outside"),
    }
}

/// The room that a path names.
pub fn named(path: &str) -> Result<RoomName, Problem> {
    path.parse().map_err(|_| Problem::new(&NOT_FOUND, format!("there is no room {path:?}")))
}

/// The room and the party in it that a path names.
pub fn of_room((room, member): &(String, String)) -> Result<(RoomName, OwnerId), Problem> {
    let nobody = |_| Problem::new(&NOT_FOUND, format!("there is no {member:?} in room {room}"));
    Ok((named(room)?, member.parse().map_err(nobody)?))
}
