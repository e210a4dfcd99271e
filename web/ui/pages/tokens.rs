//! API tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{Bearer, CreateToken, NewToken, SCOPES, TokenView};
use kirkwall_core::timer::Moment;

use crate::access::Caller;
use crate::clock::{now, parse_rfc3339};
use crate::problem::{FieldError, Problem};
use crate::service::access as service;
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, render};
use crate::ui::see_other;
use crate::ui::words::{Clock, Tone};

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    frame: Frame,
    tokens: Vec<TokenView>,
    fresh: Option<NewToken>,
    typed: Typed,
    problem: Option<Problem>,
}

/// The form as it was typed.
#[derive(Default)]
struct Typed {
    name: String,
    scopes: Vec<String>,
    expires: String,
}

impl Tokens {
    fn scopes(&self) -> &'static [&'static str] {
        &SCOPES
    }

    fn chosen(&self, scope: &&str) -> bool {
        self.typed.scopes.iter().any(|chosen| chosen == scope)
    }

    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }

    fn at(moment: &Moment) -> Clock {
        Clock(*moment)
    }

    fn ended(token: &TokenView) -> bool {
        token.expires.is_some_and(|end| end <= now())
    }

    fn tone(token: &TokenView) -> Tone {
        if Self::ended(token) { Tone::Bad } else { Tone::Ok }
    }
}

/// `GET /tokens`
pub async fn list(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    page(&site, &who, StatusCode::OK, Typed::default(), Ok(None)).await
}

/// `POST /tokens`. Tick boxes of one name come several times, which serde's forms cannot read.
pub async fn create(
    site: web::Data<Site>,
    Caller(who): Caller,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, PageProblem> {
    let typed = Typed::read(form.into_inner());
    let made = match typed.order() {
        Ok(order) => service::create_token(&site, &who, order).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(token) => page(&site, &who, StatusCode::CREATED, Typed::default(), Ok(Some(token))).await,
        Err(problem) => page(&site, &who, problem.status(), typed, Err(problem)).await,
    }
}

/// `POST /tokens/{id}/revoke`
pub async fn revoke(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    service::revoke_token(&site, &who, id.into_inner()).await?;
    Ok(see_other("/tokens"))
}

async fn page(
    site: &Site,
    who: &Bearer,
    status: StatusCode,
    typed: Typed,
    made: Result<Option<NewToken>, Problem>,
) -> Result<HttpResponse, PageProblem> {
    let tokens = service::tokens(site).await?;
    let frame = Frame::new(site, who, "/tokens", "API tokens").api("POST /api/v1/tokens");
    let (fresh, problem) = match made {
        Ok(fresh) => (fresh, None),
        Err(problem) => (None, Some(problem)),
    };
    render(status, &Tokens { frame, tokens, fresh, typed, problem })
}

impl Typed {
    fn read(form: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in form {
            match name.as_str() {
                "name" => typed.name = value.trim().to_owned(),
                "scopes" => typed.scopes.push(value),
                "expires" => typed.expires = value,
                _ => {}
            }
        }
        typed
    }

    /// A date ends with its day, in UTC.
    fn order(&self) -> Result<CreateToken, Problem> {
        let expires = match self.expires.as_str() {
            "" => None,
            date => {
                let wrong = || FieldError::invalid("expires", "write the last day as 2027-01-31");
                let end = parse_rfc3339(&format!("{date}T23:59:59Z"));
                Some(end.ok_or_else(|| Problem::fields(vec![wrong()]))?)
            }
        };
        Ok(CreateToken { name: self.name.clone(), scopes: self.scopes.clone(), expires })
    }
}
