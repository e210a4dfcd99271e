//! Users: list, add, change, delete.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{Bearer, ChangeUser, DeleteUser, ListUsers, UserChange, UserView};
use kirkwall_core::id::Username;
use serde::Deserialize;

use super::features::PhonePart;
use crate::access::Caller;
use crate::problem::{NOT_FOUND, Problem};
use crate::rest::{cursor_of, in_path, in_query, read_cursor, typed_secret};
use crate::service::users as service;
use crate::site::Site;
use crate::ui::board::ROWS;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;
use crate::ui::words::Tone;

/// Typed for a user who may call emergency numbers only.
const NOTHING: &str = "emergency only";

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    frame: Frame,
    q: String,
    users: Vec<UserRow>,
    total: usize,
    next: Option<String>,
}

struct UserRow {
    user: UserView,
    link: String,
    handset: (&'static str, Tone),
    line: Tone,
}

#[derive(Template)]
#[template(path = "user_form.html")]
struct UserForm {
    frame: Frame,
    /// None: a new user.
    link: Option<String>,
    typed: TypedUser,
    problem: Option<Problem>,
    /// What is kept: authentication password, access code, SIP-DECT password.
    set: [bool; 3],
    /// Forwards and calls of a user that there is.
    phone: Option<PhonePart>,
}

#[derive(Template)]
#[template(path = "user_delete.html")]
struct UserDelete {
    frame: Frame,
    user: UserView,
    link: String,
}

/// The form of a user as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedUser {
    username: String,
    display_name: String,
    standby_text: String,
    auth_username: String,
    auth_password: String,
    ipei: String,
    access_code: String,
    south_password: String,
    /// A tick box is not sent when it is off.
    enabled: Option<String>,
    secondary_username: String,
    /// Classes of numbers with blanks between; empty: as configured.
    allowed_calls: String,
    pickup_group: String,
    revision: Option<u64>,
}

/// `?q=&cursor=`
#[derive(Deserialize)]
pub struct UsersQuery {
    #[serde(default)]
    q: String,
    cursor: Option<String>,
}

/// `revision=`
#[derive(Deserialize)]
pub struct Confirmed {
    revision: u64,
}

/// `GET /users`
pub async fn list(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<UsersQuery>,
) -> Result<HttpResponse, PageProblem> {
    let UsersQuery { q, cursor } = query.into_inner();
    let q = q.trim().to_owned();
    let after = read_cursor(cursor.as_deref())?;
    let wanted = ListUsers { query: Some(q.clone()).filter(|q| !q.is_empty()), after, limit: ROWS };
    let found = service::list(&site, wanted).await?;
    let last = found.users.last().filter(|_| found.more).map(|user| cursor_of(user.username.as_str()));
    ok(&Users {
        frame: Frame::new(&site, &who, "/users", "Users").api("GET /api/v1/users"),
        next: last.map(|cursor| format!("/users?q={}&cursor={cursor}", in_query(&q))),
        users: found.users.into_iter().map(UserRow::of).collect(),
        total: found.total,
        q,
    })
}

impl UserRow {
    fn of(user: UserView) -> Self {
        let handset = match (user.enabled, user.handset_registered) {
            (false, _) => ("disabled", Tone::Idle),
            (true, true) => ("registered", Tone::Ok),
            (true, false) => ("not registered", Tone::Warn),
        };
        let line = match user.registration.as_str() {
            "registered" => Tone::Ok,
            failed if failed.starts_with("failed") => Tone::Bad,
            "off" => Tone::Idle,
            _ => Tone::Warn,
        };
        Self { link: in_path(user.username.as_str()), handset, line, user }
    }
}

/// `GET /users/add`
pub async fn add_form(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let typed = TypedUser { enabled: Some("on".into()), ..Default::default() };
    ok(&new_form(&site, &who, typed, None))
}

/// `POST /users/add`
pub async fn add(
    site: web::Data<Site>,
    Caller(who): Caller,
    form: web::Form<TypedUser>,
) -> Result<HttpResponse, PageProblem> {
    let typed = form.into_inner();
    match service::create(&site, &who, typed.username.trim().to_owned(), typed.change(), false).await {
        Ok(user) => Ok(see_other(&format!("/users?q={}", in_query(user.username.as_str())))),
        Err(problem) => render(problem.status(), &new_form(&site, &who, typed, Some(problem))),
    }
}

fn new_form(site: &Site, who: &Bearer, typed: TypedUser, problem: Option<Problem>) -> UserForm {
    let frame = Frame::new(site, who, "/users", "Add user").api("POST /api/v1/users");
    UserForm { frame, link: None, typed, problem, set: [false; 3], phone: None }
}

/// `GET /user/{username}`
pub async fn edit_form(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let user = named(&path)?;
    let phone = PhonePart::kept(&site, &user).await?;
    ok(&user_page(&site, &who, user, phone).await?)
}

/// A user's page, with that part about forwards and calls.
pub async fn user_page(
    site: &Site,
    who: &Bearer,
    user: Username,
    phone: PhonePart,
) -> Result<impl Template + use<>, Problem> {
    let user = service::get(site, user).await?;
    Ok(UserForm { phone: Some(phone), ..kept_form(site, who, &user, TypedUser::of(&user), None) })
}

/// `POST /user/{username}`
pub async fn edit(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    form: web::Form<TypedUser>,
) -> Result<HttpResponse, PageProblem> {
    let (username, typed) = (named(&path)?, form.into_inner());
    let order = ChangeUser {
        username: username.clone(),
        fields: typed.change(),
        if_revision: typed.revision,
        dry_run: false,
    };
    match service::change(&site, &who, order).await {
        Ok(user) => Ok(see_other(&format!("/users?q={}", in_query(user.username.as_str())))),
        Err(problem) => {
            // What was typed stays; the revision is the present one, so that a second press keeps it.
            let user = service::get(&site, username).await?;
            let typed = TypedUser { revision: Some(user.revision), ..typed };
            render(problem.status(), &kept_form(&site, &who, &user, typed, Some(problem)))
        }
    }
}

fn kept_form(
    site: &Site,
    who: &Bearer,
    user: &UserView,
    typed: TypedUser,
    problem: Option<Problem>,
) -> UserForm {
    let frame = Frame::new(site, who, "/users", format!("User {}", user.username));
    UserForm {
        frame: frame.api("PATCH /api/v1/users/{username}"),
        link: Some(in_path(user.username.as_str())),
        typed: TypedUser { username: user.username.to_string(), ..typed },
        problem,
        set: [user.auth_password_set, user.access_code_set, user.south_password_set],
        phone: None,
    }
}

/// `GET /user/{username}/delete`
pub async fn delete_form(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let user = service::get(&site, named(&path)?).await?;
    let frame = Frame::new(&site, &who, "/users", format!("Delete user {}", user.username));
    let link = in_path(user.username.as_str());
    ok(&UserDelete { frame: frame.api("DELETE /api/v1/users/{username}"), user, link })
}

/// `POST /user/{username}/delete`
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    form: web::Form<Confirmed>,
) -> Result<HttpResponse, PageProblem> {
    let order = DeleteUser { username: named(&path)?, if_revision: Some(form.revision) };
    service::delete(&site, &who, order, false).await?;
    Ok(see_other("/users"))
}

pub(super) fn named(path: &str) -> Result<Username, Problem> {
    path.parse().map_err(|_| Problem::new(&NOT_FOUND, format!("there is no user {path}")))
}

impl TypedUser {
    fn of(user: &UserView) -> Self {
        Self {
            username: user.username.to_string(),
            display_name: user.display_name.clone(),
            standby_text: user.standby_text.clone(),
            auth_username: user.auth_username.clone(),
            ipei: user.ipei.clone().unwrap_or_default(),
            enabled: user.enabled.then(|| "on".to_owned()),
            secondary_username: user.secondary_username.clone().unwrap_or_default(),
            allowed_calls: user.allowed_calls.map_or(String::new(), |allowed| match allowed.classes() {
                none if none.is_empty() => NOTHING.to_owned(),
                some => some.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" "),
            }),
            pickup_group: user.pickup_group.clone().unwrap_or_default(),
            revision: Some(user.revision),
            ..Default::default()
        }
    }

    /// Texts are taken as typed; an empty secret leaves what is kept.
    fn change(&self) -> UserChange {
        UserChange {
            display_name: Some(self.display_name.trim().to_owned()),
            standby_text: Some(self.standby_text.trim().to_owned()),
            auth_username: Some(self.auth_username.trim().to_owned()),
            auth_password: typed_secret(self.auth_password.clone()),
            ipei: Some(self.ipei.trim().to_owned()),
            access_code: typed_secret(self.access_code.clone()),
            south_password: typed_secret(self.south_password.clone()),
            enabled: Some(self.enabled.is_some()),
            secondary_username: Some(self.secondary_username.trim().to_owned()),
            allowed_calls: Some(self.classes()),
            pickup_group: Some(self.pickup_group.trim().to_owned()),
        }
    }
}

impl TypedUser {
    fn classes(&self) -> Option<Vec<String>> {
        let typed = self.allowed_calls.trim();
        match typed {
            "" => None,
            NOTHING => Some(Vec::new()),
            words => Some(words.split([' ', ',']).filter(|w| !w.is_empty()).map(str::to_owned).collect()),
        }
    }
}

impl UserForm {
    /// The form after a failure says at each field what is wrong with it.
    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }

    /// What is wrong but belongs to no field.
    fn wrong_at_all(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        let more = if problem.status() == StatusCode::PRECONDITION_FAILED {
            " Your text is still here: check it and press Save again to keep it."
        } else {
            ""
        };
        Some(format!("{}: {}{more}", problem.kind.title, problem.detail))
    }
}
