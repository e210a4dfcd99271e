//! The phone book: search, local entries, import, state of the directory.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{
    Bearer, ChangePhoneBookEntry, CreatePhoneBookEntry, DeletePhoneBookEntry, ImportOutcome,
    PhoneBookEntryView, PhoneBookState, SearchPhoneBook,
};
use kirkwall_core::directory::{Draft, EntryId, Kind};
use kirkwall_core::timer::Moment;
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::Problem;
use crate::rest::{cursor_of, in_query, read_cursor};
use crate::service::phone_book as service;
use crate::site::Site;
use crate::ui::board::ROWS;
use crate::ui::form;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;
use crate::ui::words::{Clock, Tone};

/// Between numbers of one field.
const BETWEEN: char = '|';

#[derive(Template)]
#[template(path = "phone_book.html")]
struct PhoneBook {
    frame: Frame,
    q: String,
    state: PhoneBookState,
    entries: Vec<PhoneBookEntryView>,
    total: usize,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "phone_book_form.html")]
struct EntryForm {
    frame: Frame,
    /// None: a new entry.
    id: Option<EntryId>,
    typed: TypedEntry,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "phone_book_import.html")]
struct ImportForm {
    frame: Frame,
    outcome: Option<ImportOutcome>,
    problem: Option<Problem>,
}

/// The form of an entry as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedEntry {
    name: String,
    department: String,
    internal: String,
    office: String,
    mobile: String,
    home: String,
    other: String,
    revision: Option<u64>,
}

/// `?q=&cursor=`
#[derive(Deserialize)]
pub struct EntriesQuery {
    #[serde(default)]
    q: String,
    cursor: Option<String>,
}

/// `revision=`
#[derive(Deserialize)]
pub struct Confirmed {
    revision: u64,
}

impl PhoneBook {
    fn at(moment: &Moment) -> Clock {
        Clock(*moment)
    }

    fn tone(&self) -> Tone {
        match &self.state.directory {
            Some(directory) if directory.fault.is_some() => Tone::Bad,
            Some(directory) if directory.warning.is_some() => Tone::Warn,
            Some(directory) => Tone::of(directory.read.is_some()),
            None => Tone::Idle,
        }
    }
}

impl EntryForm {
    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }

    fn revision(&self) -> u64 {
        self.typed.revision.unwrap_or_default()
    }
}

impl TypedEntry {
    fn of(view: &PhoneBookEntryView) -> Self {
        let of = |kind| {
            let numbers = view.entry.numbers.iter().filter(|number| number.kind == kind);
            numbers.map(|number| number.text.as_str()).collect::<Vec<_>>().join(" | ")
        };
        Self {
            name: view.entry.name.clone(),
            department: view.entry.department.clone(),
            internal: of(Kind::Internal),
            office: of(Kind::Office),
            mobile: of(Kind::Mobile),
            home: of(Kind::Home),
            other: of(Kind::Other),
            revision: view.revision,
        }
    }

    fn of_kind(&self, kind: Kind) -> &str {
        match kind {
            Kind::Internal => &self.internal,
            Kind::Office => &self.office,
            Kind::Mobile => &self.mobile,
            Kind::Home => &self.home,
            Kind::Other => &self.other,
        }
    }

    /// Name of the field, its label, and what is in it.
    fn numbers(&self) -> Vec<(&'static str, &'static str, &str)> {
        let label = |kind| match kind {
            Kind::Internal => "Internal",
            Kind::Office => "Office",
            Kind::Mobile => "Mobile",
            Kind::Home => "Home",
            Kind::Other => "Other",
        };
        Kind::ALL.into_iter().map(|kind| (kind.word(), label(kind), self.of_kind(kind))).collect()
    }

    fn draft(&self) -> Draft {
        let of =
            |kind: Kind| self.of_kind(kind).split(BETWEEN).map(move |text| (kind, text.trim().to_owned()));
        Draft {
            name: self.name.clone(),
            department: self.department.clone(),
            numbers: Kind::ALL.into_iter().flat_map(of).collect(),
        }
    }
}

/// `GET /phone-book`
pub async fn list(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<EntriesQuery>,
) -> Result<HttpResponse, PageProblem> {
    let EntriesQuery { q, cursor } = query.into_inner();
    let q = q.trim().to_owned();
    let offset: usize = read_cursor(cursor.as_deref())?.unwrap_or(0);
    let wanted = SearchPhoneBook { query: q.clone(), multi_tap: false, offset, limit: ROWS };
    let found = service::search(&site, wanted).await?;
    let seen = offset.saturating_add(found.entries.len());
    let more = seen < found.total && !found.entries.is_empty();
    let place = || format!("/phone-book?q={}&cursor={}", in_query(&q), cursor_of(&seen.to_string()));
    ok(&PhoneBook {
        frame: Frame::new(&site, &who, "/phone-book", "Phone book").api("GET /api/v1/phone-book/entries"),
        state: service::state(&site).await?,
        next: more.then(place),
        entries: found.entries,
        total: found.total,
        q,
    })
}

/// `GET /phone-book/add`
pub async fn add_form(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    ok(&new_form(&site, &who, TypedEntry::default(), None))
}

/// `POST /phone-book/add`
pub async fn add(
    site: web::Data<Site>,
    Caller(who): Caller,
    typed: web::Form<TypedEntry>,
) -> Result<HttpResponse, PageProblem> {
    let typed = typed.into_inner();
    match service::create(&site, &who, CreatePhoneBookEntry { draft: typed.draft(), dry_run: false }).await {
        Ok(view) => Ok(see_other(&format!("/phone-book?q={}", in_query(&view.entry.name)))),
        Err(problem) => render(problem.status(), &new_form(&site, &who, typed, Some(problem))),
    }
}

fn new_form(site: &Site, who: &Bearer, typed: TypedEntry, problem: Option<Problem>) -> EntryForm {
    let frame = Frame::new(site, who, "/phone-book", "Add entry").api("POST /api/v1/phone-book/entries");
    EntryForm { frame, id: None, typed, problem }
}

/// `GET /phone-book/entry/{id}`
pub async fn edit_form(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let view = service::get(&site, EntryId(id.into_inner())).await?;
    let typed = TypedEntry::of(&view);
    ok(&kept_form(&site, &who, view, typed, None))
}

/// `POST /phone-book/entry/{id}`
pub async fn edit(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    typed: web::Form<TypedEntry>,
) -> Result<HttpResponse, PageProblem> {
    let (id, typed) = (EntryId(id.into_inner()), typed.into_inner());
    let (draft, if_revision) = (typed.draft(), typed.revision);
    let order = ChangePhoneBookEntry { id: id.clone(), draft, if_revision, dry_run: false };
    match service::change(&site, &who, order).await {
        Ok(view) => Ok(see_other(&format!("/phone-book?q={}", in_query(&view.entry.name)))),
        Err(problem) => {
            // What was typed stays; the revision is the present one, so that a second press keeps it.
            let view = service::get(&site, id).await?;
            let typed = TypedEntry { revision: view.revision, ..typed };
            render(problem.status(), &kept_form(&site, &who, view, typed, Some(problem)))
        }
    }
}

fn kept_form(
    site: &Site,
    who: &Bearer,
    view: PhoneBookEntryView,
    typed: TypedEntry,
    problem: Option<Problem>,
) -> EntryForm {
    let frame = Frame::new(site, who, "/phone-book", view.entry.name);
    EntryForm {
        frame: frame.api("PUT /api/v1/phone-book/entries/{id}"),
        id: Some(view.entry.id),
        typed,
        problem,
    }
}

/// `POST /phone-book/entry/{id}/delete`
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    form: web::Form<Confirmed>,
) -> Result<HttpResponse, PageProblem> {
    let order = DeletePhoneBookEntry { id: EntryId(id.into_inner()), if_revision: Some(form.revision) };
    service::delete(&site, &who, order).await?;
    Ok(see_other("/phone-book"))
}

/// `POST /phone-book/sync`
pub async fn sync(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    service::read_directory(&site, &who).await?;
    Ok(see_other("/phone-book"))
}

/// `GET /phone-book/import`
pub async fn import_form(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    ok(&import_page(&site, &who, None, None))
}

/// `POST /phone-book/import`
pub async fn import(
    site: web::Data<Site>,
    Caller(who): Caller,
    upload: Multipart,
) -> Result<HttpResponse, PageProblem> {
    let done = match form::file(upload, "file").await {
        Ok(csv) => service::import(&site, &who, csv, false).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(outcome) => {
            let status =
                if outcome.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            render(status, &import_page(&site, &who, Some(outcome), None))
        }
        Err(problem) => render(problem.status(), &import_page(&site, &who, None, Some(problem))),
    }
}

fn import_page(
    site: &Site,
    who: &Bearer,
    outcome: Option<ImportOutcome>,
    problem: Option<Problem>,
) -> ImportForm {
    let frame =
        Frame::new(site, who, "/phone-book", "Import phone book").api("POST /api/v1/phone-book/import");
    ImportForm { frame, outcome, problem }
}

/// `GET /phone-book/export`
pub async fn export(site: web::Data<Site>) -> Result<HttpResponse, PageProblem> {
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", "attachment; filename=\"phone-book.csv\""))
        .body(service::export(&site).await?))
}
