//! Users: list, make, change, remove, import.

use std::sync::Arc;

use kirkwall_actors::desk::{
    Bearer, ChangeUser, CreateUser, DeleteUser, DeskFault, GetUser, ImportUsers, ListUsers, UserChange,
    UserPage, UserView,
};
use kirkwall_core::id::Username;

use super::{ask, audit};
use crate::imports::Import;
use crate::problem::{CONFLICT, FieldError, INVALID_ROWS, Problem, STALE};
use crate::rest::UserJson;
use crate::site::Site;

/// One page of users.
pub async fn list(site: &Site, wanted: ListUsers) -> Result<UserPage, Problem> {
    Ok(ask(&site.desk.list_users, wanted).await??)
}

/// One user.
pub async fn get(site: &Site, username: Username) -> Result<UserView, Problem> {
    Ok(ask(&site.desk.get_user, GetUser(username)).await??)
}

/// Makes a user, or only checks.
pub async fn create(
    site: &Site,
    who: &Bearer,
    username: String,
    fields: UserChange,
    dry_run: bool,
) -> Result<UserView, Problem> {
    let user = ask(&site.desk.create_user, CreateUser { username, fields, dry_run }).await??;
    if !dry_run {
        audit(who, "user created", &user.username);
    }
    Ok(user)
}

/// Changes a user, or only checks. A stale revision is answered with the present state.
pub async fn change(site: &Site, who: &Bearer, order: ChangeUser) -> Result<UserView, Problem> {
    let (username, dry_run) = (order.username.clone(), order.dry_run);
    match ask(&site.desk.change_user, order).await? {
        Ok(user) => {
            if !dry_run {
                audit(who, "user changed", &username);
            }
            Ok(user)
        }
        Err(fault) => Err(with_current(site, username, fault).await),
    }
}

/// Removes a user. With `dry_run` it only says whether it would go.
pub async fn delete(site: &Site, who: &Bearer, order: DeleteUser, dry_run: bool) -> Result<(), Problem> {
    let username = order.username.clone();
    if dry_run {
        let user = get(site, username).await?;
        return match order.if_revision {
            Some(wanted) if wanted != user.revision => Err(stale(&user)),
            _ => Ok(()),
        };
    }
    match ask(&site.desk.delete_user, order).await? {
        Ok(()) => {
            audit(who, "user deleted", &username);
            Ok(())
        }
        Err(fault) => Err(with_current(site, username, fault).await),
    }
}

async fn with_current(site: &Site, username: Username, fault: DeskFault) -> Problem {
    match fault {
        DeskFault::Stale { .. } => match get(site, username).await {
            Ok(user) => stale(&user),
            Err(problem) => problem,
        },
        other => other.into(),
    }
}

fn stale(user: &UserView) -> Problem {
    let detail = format!("the user was changed meanwhile; its revision is now {}", user.revision);
    let current = serde_json::to_value(UserJson::from(user)).ok().map(Box::new);
    Problem { current, ..Problem::new(&STALE, detail) }
}

/// Checks a CSV file and keeps it until it is applied.
pub async fn preview_import(site: &Site, csv: Vec<u8>) -> Result<Arc<Import>, Problem> {
    let order = ImportUsers { csv: csv.clone(), dry_run: true };
    let outcome = ask(&site.desk.import_users, order).await??;
    Ok(site.imports.keep(csv, outcome))
}

/// Applies a file that was checked. It is checked once more, for the users may have changed since.
pub async fn apply_import(site: &Site, who: &Bearer, id: &str) -> Result<Arc<Import>, Problem> {
    let import = site.imports.get(id)?;
    if import.applied {
        return Err(Problem::new(&CONFLICT, "this import was applied already"));
    }
    let order = ImportUsers { csv: import.csv.0.clone(), dry_run: false };
    let outcome = ask(&site.desk.import_users, order).await??;
    if !outcome.errors.is_empty() {
        let row = |fault: &kirkwall_actors::desk::RowFault| {
            FieldError::invalid(&format!("{}", fault.line), format!("{}: {}", fault.field, fault.detail))
        };
        let errors = outcome.errors.iter().map(row).collect();
        let detail = "rows of the file are wrong; nothing was kept";
        return Err(Problem { errors, ..Problem::new(&INVALID_ROWS, detail) });
    }
    audit(who, "users imported", &format_args!("{} new, {} changed", outcome.created, outcome.updated));
    Ok(site.imports.applied(&import, outcome))
}
