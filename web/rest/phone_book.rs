//! `/phone-book`: names and numbers; local entries are changed here, those of the directory there.

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{
    ChangePhoneBookEntry, CreatePhoneBookEntry, DeletePhoneBookEntry, PhoneBookEntryView, PhoneBookState,
    SearchPhoneBook,
};
use kirkwall_core::directory::{Draft, EntryId, Kind, MAX_PAGE, Source};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, made, make};
use super::body::{CsvFile, Fields};
use super::imports::RowError;
use super::openapi::Problems;
use super::page::{self, List};
use super::users::DryRun;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::phone_book as service;
use crate::site::Site;

/// An entry of the phone book.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PhoneBookEntry)]
pub struct EntryJson {
    /// For addresses.
    pub id: String,
    /// As it is shown.
    pub name: String,
    /// Department, or empty.
    pub department: String,
    /// At least one, those inside the house first.
    pub numbers: Vec<NumberJson>,
    /// `local` or `directory`.
    pub source: &'static str,
    /// Grows with every change of a local entry; the ETag holds it. Null: of the directory.
    pub revision: Option<u64>,
}

/// A number of an entry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PhoneBookNumber)]
pub struct NumberJson {
    /// `internal`, `office`, `mobile`, `home` or `other`.
    pub kind: &'static str,
    /// As people wrote it.
    pub text: String,
    /// As it is dialled.
    pub dial: String,
}

/// What a client writes: numbers as lists of texts, one list for each kind.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct PhoneBookEntryBody {
    /// Name, at most 128 characters.
    name: String,
    /// Department.
    department: Option<String>,
    /// Numbers inside the house.
    internal: Option<Vec<String>>,
    /// Numbers at work.
    office: Option<Vec<String>>,
    /// Mobile numbers.
    mobile: Option<Vec<String>>,
    /// Numbers at home.
    home: Option<Vec<String>>,
    /// Other numbers.
    other: Option<Vec<String>>,
}

/// How the phone book fares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PhoneBook)]
pub struct StateJson {
    /// Entries in the book.
    pub entries: usize,
    /// Entries that are kept here.
    pub local: usize,
    /// The directory; null: none is configured.
    pub directory: Option<DirectoryJson>,
}

/// How the directory fares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Directory)]
pub struct DirectoryJson {
    /// Where it is.
    pub uri: String,
    /// Entries of the last good copy, which is served while the directory is away.
    pub entries: usize,
    /// When that copy was read, or found unchanged.
    #[schema(format = DateTime)]
    pub read_at: Option<String>,
    /// When it was last tried.
    #[schema(format = DateTime)]
    pub tried_at: Option<String>,
    /// Whether it is being read now.
    pub reading: bool,
    /// Why the last try failed, and how to mend it.
    pub fault: Option<String>,
    /// Why the copy may not be whole.
    pub warning: Option<String>,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct PhoneBookImport {
    /// Entries that are made.
    pub created: usize,
    /// Entries that are changed.
    pub updated: usize,
    /// Entries that are so already.
    pub unchanged: usize,
    /// Rows that are wrong; while there is any, nothing is kept.
    pub errors: Vec<RowError>,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntriesQuery {
    /// Beginnings of words of the name or department; or digits: keys pressed once for each letter, or a number.
    #[serde(default)]
    q: String,
    /// `q` is presses of a keypad, several for each letter: `2 66 66 2` is “anna”.
    #[serde(default)]
    multi_tap: bool,
    /// Items of a page, 1 to 200; 100 if absent.
    limit: Option<usize>,
    /// From the page before.
    cursor: Option<String>,
}

impl From<&PhoneBookEntryView> for EntryJson {
    fn from(view: &PhoneBookEntryView) -> Self {
        let entry = &view.entry;
        let numbers = entry.numbers.iter().map(|number| NumberJson {
            kind: number.kind.word(),
            text: number.text.clone(),
            dial: number.dial.clone(),
        });
        Self {
            id: entry.id.0.clone(),
            name: entry.name.clone(),
            department: entry.department.clone(),
            numbers: numbers.collect(),
            source: match entry.source {
                Source::Local => "local",
                Source::Directory => "directory",
            },
            revision: view.revision,
        }
    }
}

impl From<PhoneBookState> for StateJson {
    fn from(state: PhoneBookState) -> Self {
        let directory = state.directory.map(|directory| DirectoryJson {
            uri: directory.uri,
            entries: directory.entries,
            read_at: directory.read.map(rfc3339),
            tried_at: directory.tried.map(rfc3339),
            reading: directory.reading,
            fault: directory.fault,
            warning: directory.warning,
        });
        Self { entries: state.entries, local: state.local, directory }
    }
}

/// How the phone book fares.
#[utoipa::path(get, operation_id = "get_phone_book", path = "/phone-book", tag = "Phone book", security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = StateJson), Problems))]
pub async fn state(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &StateJson::from(service::state(&site).await?))?.into())
}

/// Reads the directory now, and answers how that went.
#[utoipa::path(post, operation_id = "read_directory", path = "/phone-book/sync", tag = "Phone book", security(("token" = ["users:write"])),
    responses((status = 200, description = "tried; `directory.fault` tells whether it went well", body = StateJson), Problems))]
pub async fn sync(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &StateJson::from(service::read_directory(&site, &who).await?))?.into())
}

/// Entries that fit, best first, by name.
#[utoipa::path(get, operation_id = "search_phone_book", path = "/phone-book/entries", tag = "Phone book", params(EntriesQuery), security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = List<EntryJson>, headers(("Link" = String, description = "next page"))), Problems))]
pub async fn search(
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<EntriesQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let offset: usize = page::read_cursor(query.cursor.as_deref())?.unwrap_or(0);
    let limit = page::limit(query.limit)?.min(MAX_PAGE);
    let wanted = SearchPhoneBook { query: query.q, multi_tap: query.multi_tap, offset, limit };
    let found = service::search(&site, wanted).await?;
    let seen = offset.saturating_add(found.entries.len());
    let list = List {
        next_cursor: (seen < found.total && !found.entries.is_empty())
            .then(|| page::cursor_of(&seen.to_string())),
        items: found.entries.iter().map(EntryJson::from).collect(),
        total: found.total,
    };
    Ok(page::answer(&request, &list)?.into())
}

/// A new local entry.
#[utoipa::path(post, operation_id = "create_phone_book_entry", path = "/phone-book/entries", tag = "Phone book",
    request_body = PhoneBookEntryBody,
    params(DryRun, ("Idempotency-Key" = Option<String>, Header, description = "same key and body, same answer, for 24 hours")),
    security(("token" = ["users:write"])),
    responses((status = 201, body = EntryJson, description = "made", headers(("ETag" = String), ("Location" = String))),
        (status = 200, body = EntryJson, description = "dry run: it would be made"), Problems))]
pub async fn create(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let draft = draft(&mut fields);
    make(&site, (&request, &who), query.dry_run, fields, async |dry_run| {
        let view = service::create(&site, &who, CreatePhoneBookEntry { draft, dry_run }).await?;
        let place = format!("{}/phone-book/entries/{}", super::BASE, view.entry.id);
        Ok((shown(made(dry_run), &view)?, place))
    })
    .await
}

/// One entry.
#[utoipa::path(get, operation_id = "get_phone_book_entry", path = "/phone-book/entries/{id}", tag = "Phone book", params(("id" = String, Path)),
    security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = EntryJson, headers(("ETag" = String))), Problems))]
pub async fn get(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    Ok(shown(200, &service::get(&site, EntryId(id.into_inner())).await?)?.into())
}

/// What a local entry says, all of it.
#[utoipa::path(put, operation_id = "replace_phone_book_entry", path = "/phone-book/entries/{id}", tag = "Phone book",
    request_body = PhoneBookEntryBody,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "ETag that was seen, or *"), DryRun),
    security(("token" = ["users:write"])),
    responses((status = 200, description = "as asked", body = EntryJson, headers(("ETag" = String))), Problems))]
pub async fn replace(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    id: web::Path<String>,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let draft = draft(&mut fields);
    fields.skip(&["id", "numbers", "source", "revision"]);
    fields.finish()?;
    let (id, if_revision) = (EntryId(id.into_inner()), page::if_match(&request)?);
    let order = ChangePhoneBookEntry { id, draft, if_revision, dry_run: query.dry_run };
    Ok(shown(200, &service::change(&site, &who, order).await?)?.into())
}

/// Removes a local entry.
#[utoipa::path(delete, operation_id = "delete_phone_book_entry", path = "/phone-book/entries/{id}", tag = "Phone book",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "ETag that was seen, or *")),
    security(("token" = ["users:write"])), responses((status = 204, description = "done"), Problems))]
pub async fn delete(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let order = DeletePhoneBookEntry { id: EntryId(id.into_inner()), if_revision: page::if_match(&request)? };
    service::delete(&site, &who, order).await?;
    Ok(Answer::new(204).into())
}

/// Imports local entries from a CSV file, all or nothing. The first line names the columns: name, department, internal,
/// office, mobile, home, other; several numbers of a kind stand in one cell with `|` between them.
#[utoipa::path(post, operation_id = "import_phone_book", path = "/phone-book/import", tag = "Phone book", params(DryRun),
    request_body(content = String, content_type = "text/csv"), security(("token" = ["users:write"])),
    responses((status = 200, description = "done, unless there are `errors` or it was a dry run", body = PhoneBookImport), Problems))]
pub async fn import(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<DryRun>,
    CsvFile(csv): CsvFile,
) -> Result<HttpResponse, Problem> {
    let outcome = service::import(&site, &who, csv, query.dry_run).await?;
    let row = |fault: kirkwall_actors::desk::RowFault| RowError {
        line: fault.line,
        field: fault.field,
        detail: fault.detail,
    };
    let shown = PhoneBookImport {
        created: outcome.created,
        updated: outcome.updated,
        unchanged: outcome.unchanged,
        errors: outcome.errors.into_iter().map(row).collect(),
    };
    Ok(Answer::json(200, &shown)?.into())
}

/// All local entries as a CSV file, which can be imported again.
#[utoipa::path(get, operation_id = "export_phone_book", path = "/phone-book/export.csv", tag = "Phone book", security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", content_type = "text/csv", body = String), Problems))]
pub async fn export(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let csv = service::export(&site).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", "attachment; filename=\"phone-book.csv\""))
        .body(csv))
}

fn draft(fields: &mut Fields) -> Draft {
    let (name, department) = (fields.needed_text("name"), fields.text("department").unwrap_or_default());
    let mut numbers = Vec::new();
    for kind in Kind::ALL {
        let texts = fields.texts(kind.word()).unwrap_or_default();
        numbers.extend(texts.into_iter().map(|text| (kind, text)));
    }
    Draft { name, department, numbers }
}

fn shown(status: u16, view: &PhoneBookEntryView) -> Result<Answer, Problem> {
    let answer = Answer::json(status, &EntryJson::from(view))?;
    Ok(match view.revision {
        Some(revision) => answer.header("etag", page::etag(revision)),
        None => answer,
    })
}
