//! A client for the routes under test, without sockets.
#![allow(dead_code, clippy::unwrap_used)]

use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::{App, test};
use kirkwall_web::{WebOptions, configure};
use serde_json::Value;

use crate::desk::{ADMIN, TestDesk};

/// An answer, read to the end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The code of a problem document, which must be whole.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], format!("/help/problems/{}", problem["code"].as_str().unwrap()));
        assert!(problem["trace_id"].as_str().is_some_and(|id| id.len() == 32));
        problem["code"].as_str().unwrap().to_owned()
    }
}

type Answering = Pin<Box<dyn Future<Output = ServiceResponse>>>;

/// All routes over a scripted switch.
pub struct Site(Box<dyn Fn(TestRequest) -> Answering>);

impl Site {
    pub async fn call(&self, request: TestRequest) -> ServiceResponse {
        self.0(request).await
    }
}

pub async fn site(desk: TestDesk) -> Site {
    let options = WebOptions { version: "1.2.3".into(), node: "dect1.example.com".into(), banner: None };
    let app = Rc::new(test::init_service(App::new().configure(configure(desk.desk(), options))).await);
    Site(Box::new(move |request| {
        let app = app.clone();
        Box::pin(async move { test::call_service(&*app, request.to_request()).await })
    }))
}

/// Sends a request with these headers and reads the answer.
pub async fn send(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<actix_web::web::Bytes>,
) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = TestRequest::default()
        .peer_addr(([192, 0, 2, 1], 50_000).into())
        .method(method)
        .uri(path)
        .set_payload(body);
    let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
    let response = site.call(request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
    Answer { status, headers, body }
}

/// As the administrator's program, with a JSON body when there is one.
pub async fn ask(site: &Site, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
    let token = format!("Bearer {ADMIN}");
    let mut headers = vec![("authorization", token.as_str())];
    if !body.is_empty() && !more.iter().any(|(name, _)| *name == "content-type") {
        headers.push(("content-type", "application/json"));
    }
    headers.extend_from_slice(more);
    send(site, method, path, &headers, body.to_owned()).await
}
