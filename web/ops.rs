//! Probes and metrics, on their own port: `/livez`, `/readyz`, `/metrics`.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{Desk, GetHealth};

use crate::service::ask;

/// Renders the metrics in Prometheus text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// The routes of the ops port.
pub fn configure(desk: Desk, metrics: Metrics) -> impl Fn(&mut web::ServiceConfig) + Clone {
    move |config| {
        config
            .app_data(web::Data::new(desk.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .route("/livez", web::get().to(livez))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(render));
    }
}

/// 200 while the process answers at all.
async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// 200 when the node takes calls, else 503 and why not, one reason a line.
async fn readyz(desk: web::Data<Desk>) -> HttpResponse {
    let (mut answer, said) = match ask(&desk.get_health, GetHealth).await {
        Ok(health) if health.ready => (HttpResponse::Ok(), "ready\n".to_owned()),
        Ok(health) => (HttpResponse::ServiceUnavailable(), health.reasons.join("\n") + "\n"),
        Err(problem) => (HttpResponse::ServiceUnavailable(), format!("{}\n", problem.detail)),
    };
    answer.content_type("text/plain; charset=utf-8").body(said)
}

async fn render(metrics: web::Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body((metrics.get_ref())())
}
