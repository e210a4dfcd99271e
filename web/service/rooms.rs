//! Rooms for conferences, and who is in them.

use kirkwall_actors::desk::{
    Bearer, ChangeRoom, CreateRoom, DeleteRoom, GetRoom, ListRooms, MuteMember, RemoveMember,
};
use kirkwall_core::call::conference::{RoomName, RoomView};

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// All rooms.
pub async fn list(site: &Site) -> Result<Vec<RoomView>, Problem> {
    ask(&site.desk.list_rooms, ListRooms).await
}

/// One room.
pub async fn get(site: &Site, name: RoomName) -> Result<RoomView, Problem> {
    Ok(ask(&site.desk.get_room, GetRoom(name)).await??)
}

/// Makes a room.
pub async fn create(site: &Site, who: &Bearer, order: CreateRoom) -> Result<RoomView, Problem> {
    let view = ask(&site.desk.create_room, order).await??;
    audit(who, "room created", &view.room.name);
    Ok(view)
}

/// Changes how it is set up.
pub async fn change(site: &Site, who: &Bearer, order: ChangeRoom) -> Result<RoomView, Problem> {
    let view = ask(&site.desk.change_room, order).await??;
    audit(who, "room changed", &view.room.name);
    Ok(view)
}

/// Removes it.
pub async fn delete(site: &Site, who: &Bearer, name: RoomName) -> Result<(), Problem> {
    ask(&site.desk.delete_room, DeleteRoom(name.clone())).await??;
    audit(who, "room deleted", &name);
    Ok(())
}

/// Mutes somebody in it, or lets somebody speak.
pub async fn mute(site: &Site, who: &Bearer, order: MuteMember) -> Result<RoomView, Problem> {
    let (room, act) = (order.room.clone(), if order.muted { "member muted" } else { "member unmuted" });
    let view = ask(&site.desk.mute_member, order).await??;
    audit(who, act, &room);
    Ok(view)
}

/// Sends somebody away.
pub async fn remove(site: &Site, who: &Bearer, order: RemoveMember) -> Result<(), Problem> {
    let room = order.room.clone();
    ask(&site.desk.remove_member, order).await??;
    audit(who, "member removed", &room);
    Ok(())
}
