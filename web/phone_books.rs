//! Phone books as handsets of SIP-DECT bases fetch them, `/phone-books/…`: docs/phone-book.md.
//!
//! ```text
//! GET /phone-books/yealink.xml?q=ann ──► 401 with a challenge ──► digest of the handset's SIP account ──► XML
//! ```
//!
//! Gigaset asks page by page (Gigaset Phonebook Search Protocol 1.4.02), Yealink and Snom fetch a list that may
//! be narrowed by `q`. Nothing here can be changed.

mod form;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{ProveHandset, SearchPhoneBook, Unproven};
use kirkwall_core::directory::{Entry, MAX_PAGE};
use kirkwall_core::pii::Pii;
use serde::Deserialize;

use crate::problem::{BAD_REQUEST, NOT_PERMITTED, Problem};
use crate::service::{ask, phone_book};
use crate::site::Site;

/// Most entries of a list that is fetched whole: what base stations of these makers keep.
const MOST: usize = 2_000;

/// The addresses.
pub fn scope() -> actix_web::Scope {
    web::scope("/phone-books")
        .route("/gigaset", web::get().to(gigaset))
        .route("/yealink.xml", web::get().to(yealink))
        .route("/snom.xml", web::get().to(snom))
}

/// `?q=`; Yealink sends the placeholder itself when nothing was typed.
#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
}

/// What Gigaset asks: `*` stands for nothing typed.
#[derive(Deserialize)]
struct GigasetQuery {
    #[serde(default)]
    command: String,
    /// Beginning of the last name.
    #[serde(default)]
    ln: String,
    /// Beginning of the first name.
    #[serde(default, rename = "fn")]
    first_name: String,
    /// A number: whose is it?
    #[serde(default)]
    hm: String,
    /// Number of the first entry wanted, from 1.
    #[serde(default)]
    first: Option<usize>,
    /// How many.
    #[serde(default)]
    count: Option<usize>,
}

async fn yealink(site: web::Data<Site>, request: HttpRequest, query: web::Query<ListQuery>) -> HttpResponse {
    let q = query.q.replace("#SEARCH", "");
    whole(&site, &request, q, form::yealink).await
}

async fn snom(site: web::Data<Site>, request: HttpRequest, query: web::Query<ListQuery>) -> HttpResponse {
    whole(&site, &request, query.into_inner().q, form::snom).await
}

async fn whole(site: &Site, request: &HttpRequest, q: String, write: fn(&[Entry]) -> String) -> HttpResponse {
    if let Err(answer) = proved(site, request).await {
        return answer;
    }
    let mut entries = Vec::new();
    loop {
        let wanted = SearchPhoneBook {
            query: q.clone(),
            multi_tap: false,
            offset: entries.len(),
            limit: MAX_PAGE.min(MOST - entries.len()),
        };
        match phone_book::search(site, wanted).await {
            Err(problem) => return refused(&problem),
            Ok(page) => {
                let last = page.entries.is_empty();
                entries.extend(page.entries.into_iter().map(|view| view.entry));
                if last || entries.len() >= page.total.min(MOST) {
                    return xml(write(&entries));
                }
            }
        }
    }
}

async fn gigaset(
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<GigasetQuery>,
) -> HttpResponse {
    if let Err(answer) = proved(&site, &request).await {
        return answer;
    }
    if query.command != "get_list" {
        return refused(&Problem::new(&BAD_REQUEST, "this phone book understands command=get_list only"));
    }
    let typed = |text: &str| text.trim_end_matches('*').to_owned();
    let (number, names) = (typed(&query.hm), [typed(&query.first_name), typed(&query.ln)].join(" "));
    let q = if number.is_empty() { names } else { number };
    let offset = query.first.unwrap_or(1).max(1) - 1;
    let limit = query.count.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    match phone_book::search(&site, SearchPhoneBook { query: q, multi_tap: false, offset, limit }).await {
        Ok(page) => {
            let entries: Vec<Entry> = page.entries.into_iter().map(|view| view.entry).collect();
            xml(form::gigaset(&entries, offset, page.total))
        }
        Err(problem) => refused(&problem),
    }
}

/// Whether digest proves a handset; else what is to be answered.
async fn proved(site: &Site, request: &HttpRequest) -> Result<(), HttpResponse> {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(source) = request.peer_addr() else {
        return Err(refused(&Problem::new(&NOT_PERMITTED, "the address of the handset is not known")));
    };
    let question = ProveHandset {
        authorization: authorization.map(|value| Pii(value.to_owned())),
        method: request.method().as_str().to_owned(),
        uri: request.uri().path_and_query().map_or_else(String::new, |uri| uri.as_str().to_owned()),
        source: source.ip(),
    };
    match ask(&site.desk.prove_handset, question).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(Unproven::Challenge(challenges))) => {
            let mut answer = HttpResponse::Unauthorized();
            challenges
                .into_iter()
                .for_each(|value| _ = answer.append_header((header::WWW_AUTHENTICATE, value)));
            Err(answer
                .content_type("text/plain; charset=utf-8")
                .body("log in as the handset's SIP account does\n"))
        }
        Ok(Err(Unproven::Locked)) => {
            Err(refused(&Problem::new(&NOT_PERMITTED, "too many wrong passwords from this address; wait")))
        }
        Err(problem) => Err(refused(&problem)),
    }
}

fn xml(text: String) -> HttpResponse {
    HttpResponse::build(StatusCode::OK)
        .content_type("text/xml; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text)
}

fn refused(problem: &Problem) -> HttpResponse {
    HttpResponse::build(problem.status())
        .content_type("text/plain; charset=utf-8")
        .body(format!("{}\n", problem.detail))
}
