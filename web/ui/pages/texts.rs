//! Messages: what was sent, how it stands, and a form to send one.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{Bearer, ConfirmText, ListTexts, SendText, TextPage};
use kirkwall_core::call::text::{
    Confirmation, Draft, Priority, Recipient, Sender, Standing, TextId, TextMessage,
};
use kirkwall_core::pii::Pii;
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::Problem;
use crate::rest::{cursor_of, read_cursor, text_named};
use crate::service::texts as service;
use crate::site::Site;
use crate::ui::board::ROWS;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;
use crate::ui::words::{Clock, Tone};

/// How long a message from this page may take.
const LIFETIME: Duration = Duration::from_secs(86_400);

#[derive(Template)]
#[template(path = "messages.html")]
struct Messages {
    frame: Frame,
    page: TextPage,
    next: Option<String>,
    typed: TypedText,
    problem: Option<Problem>,
}

/// The form as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedText {
    to: String,
    text: String,
    priority: String,
    confirmation: String,
}

/// `?cursor=`
#[derive(Deserialize)]
pub struct TextsQuery {
    cursor: Option<String>,
}

/// `recipient=`
#[derive(Deserialize)]
pub struct Confirmed {
    recipient: String,
}

impl Messages {
    fn at(message: &TextMessage) -> Clock {
        Clock(message.created())
    }

    fn tone(message: &TextMessage) -> Tone {
        match message.state() {
            "delivered" | "confirmed" => Tone::Ok,
            "waiting" => Tone::Warn,
            "unconfirmed" | "failed" => Tone::Bad,
            _ => Tone::Idle,
        }
    }

    fn can_confirm(message: &TextMessage, recipient: &Recipient) -> bool {
        message.awaits_confirmation() && recipient.standing != Standing::Confirmed
    }

    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }
}

impl TypedText {
    fn order(&self) -> SendText {
        let to = self.to.split([',', ' ', ';', '\n']).map(|to| to.trim().to_owned());
        let draft = Draft {
            sender: Sender { address: String::new(), display: String::new(), user: None },
            text: Pii(self.text.replace('\r', "")),
            to: to.filter(|to| !to.is_empty()).collect(),
            priority: match self.priority.as_str() {
                "emergency" => Priority::Emergency,
                "urgent" => Priority::Urgent,
                _ => Priority::Normal,
            },
            confirmation: match self.confirmation.as_str() {
                "reply" => Confirmation::Reply,
                "read" => Confirmation::Read,
                _ => Confirmation::None,
            },
            escalation: None,
            lifetime: LIFETIME,
            wish: None,
        };
        SendText { from: None, draft }
    }
}

/// `GET /messages`
pub async fn list(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<TextsQuery>,
) -> Result<HttpResponse, PageProblem> {
    let after = read_cursor(query.cursor.as_deref())?;
    ok(&page(&site, &who, after, TypedText::default(), None).await?)
}

async fn page(
    site: &Site,
    who: &Bearer,
    after: Option<TextId>,
    typed: TypedText,
    problem: Option<Problem>,
) -> Result<Messages, PageProblem> {
    let page = service::list(site, who, ListTexts { state: None, after, limit: ROWS }).await?;
    let last = page.messages.last().filter(|_| page.more);
    let next = last.map(|message| format!("/messages?cursor={}", cursor_of(&message.id.to_string())));
    let frame = Frame::new(site, who, "/messages", "Messages").api("GET /api/v1/messages");
    Ok(Messages { frame, page, next, typed, problem })
}

/// `POST /messages`
pub async fn send(
    site: web::Data<Site>,
    Caller(who): Caller,
    typed: web::Form<TypedText>,
) -> Result<HttpResponse, PageProblem> {
    let typed = typed.into_inner();
    match service::send(&site, &who, typed.order()).await {
        Ok(_) => Ok(see_other("/messages")),
        Err(problem) => {
            let status = problem.status();
            render(status, &page(&site, &who, None, typed, Some(problem)).await?)
        }
    }
}

/// `POST /messages/{id}/withdraw`
pub async fn withdraw(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    service::withdraw(&site, &who, text_named(&id)?).await?;
    Ok(see_other("/messages"))
}

/// `POST /messages/{id}/confirm`
pub async fn confirm(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    form: web::Form<Confirmed>,
) -> Result<HttpResponse, PageProblem> {
    let order = ConfirmText { id: text_named(&id)?, recipient: form.into_inner().recipient };
    service::confirm(&site, &who, order).await?;
    Ok(see_other("/messages"))
}
