//! Bodies: JSON objects read field by field, and CSV files.
//!
//! Reading by hand instead of by `Deserialize` lets one answer name every field that is wrong.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_multipart::{Multipart, MultipartError};
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use futures::StreamExt;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde_json::{Map, Value};

use crate::clock::parse_rfc3339;
use crate::problem::{BAD_JSON, BAD_REQUEST, FieldError, Problem, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};
use crate::site::sha256_hex;

/// Most bytes of a JSON body.
pub const JSON_LIMIT: usize = 64 * 1024;
/// Most bytes of a CSV file.
pub const CSV_LIMIT: usize = 4 * 1024 * 1024;

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// The members of a JSON object, taken one by one; [`Fields::finish`] tells what was wrong.
pub struct Fields {
    members: Map<String, Value>,
    errors: Vec<FieldError>,
    digest: String,
}

impl FromRequest for Fields {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let types = ["application/json", "application/merge-patch+json"];
        let (sort, payload) = (content_type(request, &types), payload.take());
        Box::pin(async move {
            sort?;
            Self::parse(&collect(payload, JSON_LIMIT).await?)
        })
    }
}

/// The members of a JSON object or the parts of a form; files come as their text.
pub struct Form(pub Fields);

/// Longest form, in octets: a bundle of many authorities.
const FORM_LIMIT: usize = 512 * 1024;

impl FromRequest for Form {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let sort = content_type(request, &["application/json", "multipart/form-data"]);
        let form = request.content_type() == "multipart/form-data";
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            sort?;
            match form {
                true => Ok(Self(parts(Multipart::new(request.headers(), payload)).await?)),
                false => Ok(Self(Fields::parse(&collect(payload, FORM_LIMIT).await?)?)),
            }
        })
    }
}

async fn parts(mut form: Multipart) -> Result<Fields, Problem> {
    let broken =
        |error: MultipartError| Problem::new(&BAD_REQUEST, format!("the form cannot be read: {error}"));
    let (mut members, mut octets) = (Map::new(), 0);
    while let Some(part) = form.next().await {
        let mut part = part.map_err(broken)?;
        let (name, mut text) = (part.name().unwrap_or_default().to_owned(), Vec::new());
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(broken)?;
            octets += chunk.len();
            if octets > FORM_LIMIT || members.len() == 32 {
                return Err(Problem::new(
                    &TOO_LARGE,
                    format!("a form may have {FORM_LIMIT} bytes in 32 parts at most"),
                ));
            }
            text.extend_from_slice(&chunk);
        }
        members.insert(name, Value::String(String::from_utf8_lossy(&text).into_owned()));
    }
    Ok(Fields { members, errors: Vec::new(), digest: String::new() })
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        let wrong = |error: serde_json::Error| Problem::new(&BAD_JSON, error.to_string());
        match serde_json::from_slice(body).map_err(wrong)? {
            Value::Object(members) => Ok(Self { members, errors: Vec::new(), digest: sha256_hex(body) }),
            _ => {
                let detail = "the body must be a JSON object".to_owned();
                Err(Problem::fields(vec![FieldError { pointer: String::new(), code: "type", detail }]))
            }
        }
    }

    /// SHA-256 of the body.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }

    /// A text; `null` clears it.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.members.remove(name)? {
            Value::String(text) => Some(text),
            Value::Null => Some(String::new()),
            _ => self.wrong_type(name, "a text"),
        }
    }

    /// A text that must be there.
    pub fn needed_text(&mut self, name: &str) -> String {
        if !self.members.contains_key(name) {
            self.errors.push(FieldError::of("missing", name, format!("{name} is needed")));
        }
        self.text(name).unwrap_or_default()
    }

    /// A secret; `null` clears it. `{"set": true}`, as it is shown, leaves it as it is.
    pub fn secret(&mut self, name: &str) -> Option<Pii<String>> {
        match self.members.remove(name)? {
            Value::String(text) => Some(Pii(text)),
            Value::Null => Some(Pii(String::new())),
            Value::Object(shown) if shown.len() == 1 && shown.get("set").is_some_and(Value::is_boolean) => {
                (shown.get("set") == Some(&Value::Bool(false))).then(|| Pii(String::new()))
            }
            _ => self.wrong_type(name, "a text, or null to clear it"),
        }
    }

    /// A whole number from 0 to 65,535.
    pub fn number(&mut self, name: &str) -> Option<u16> {
        let value = self.members.remove(name)?;
        let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
        number.or_else(|| self.wrong_type(name, "a whole number"))
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.members.remove(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.wrong_type(name, "true or false"),
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.members.remove(name)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = value.as_array().and_then(|list| list.iter().map(text).collect());
        texts.or_else(|| self.wrong_type(name, "a list of texts"))
    }

    /// An object of texts, by name; `null` clears it, and so does a `null` of one of them.
    pub fn texts_by_name(&mut self, name: &str) -> Option<Vec<(String, String)>> {
        let members = match self.members.remove(name)? {
            Value::Null => Map::new(),
            Value::Object(members) => members,
            _ => return self.wrong_type(name, "an object of texts"),
        };
        let mut texts = Vec::with_capacity(members.len());
        for (key, value) in members {
            match value {
                Value::String(text) => texts.push((key, text)),
                Value::Null => texts.push((key, String::new())),
                _ => return self.wrong_type(&format!("{name}/{key}"), "a text"),
            }
        }
        Some(texts)
    }

    /// Whatever stands there; none for `null`.
    pub fn value(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A number of seconds.
    pub fn seconds(&mut self, name: &str) -> Option<Duration> {
        let value = self.members.remove(name).filter(|value| !value.is_null())?;
        let seconds = value.as_u64().map(Duration::from_secs);
        seconds.or_else(|| self.wrong_type(name, "a whole number of seconds"))
    }

    /// A list of texts, or an inner none for `null`.
    pub fn texts_or_null(&mut self, name: &str) -> Option<Option<Vec<String>>> {
        match self.members.get(name)? {
            Value::Null => {
                self.members.remove(name);
                Some(None)
            }
            _ => self.texts(name).map(Some),
        }
    }

    /// A moment in RFC 3339, or `null` for none.
    pub fn moment(&mut self, name: &str) -> Option<Moment> {
        let read = match self.members.remove(name)? {
            Value::Null => return None,
            Value::String(text) => parse_rfc3339(&text),
            _ => None,
        };
        read.or_else(|| self.wrong_type(name, "a time in RFC 3339, for example 2027-01-31T12:00:00Z"))
    }

    /// Passes over members that are shown but cannot be written.
    pub fn skip(&mut self, names: &[&str]) {
        names.iter().for_each(|name| drop(self.members.remove(*name)));
    }

    /// What is left is unknown. Fails when anything was wrong.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown = |name: &String| FieldError::of("unknown", name, "there is no such field here");
        self.errors.extend(self.members.keys().map(unknown));
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }

    fn wrong_type<T>(&mut self, name: &str, wanted: &str) -> Option<T> {
        self.errors.push(FieldError::of("type", name, format!("{name} must be {wanted}")));
        None
    }
}

/// A CSV file as it came.
pub struct CsvFile(pub Vec<u8>);

impl FromRequest for CsvFile {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (sort, payload) = (content_type(request, &["text/csv"]), payload.take());
        Box::pin(async move {
            sort?;
            Ok(Self(collect(payload, CSV_LIMIT).await?.to_vec()))
        })
    }
}

fn content_type(request: &HttpRequest, allowed: &[&str]) -> Result<(), Problem> {
    let sort = request.content_type().to_ascii_lowercase();
    if allowed.contains(&sort.as_str()) {
        return Ok(());
    }
    let encoded = request.headers().contains_key(header::CONTENT_ENCODING);
    let got = if sort.is_empty() { "no content type" } else { &sort };
    let hint = if encoded { "; compressed bodies are not taken" } else { "" };
    let detail = format!("this takes {}, not {got}{hint}", allowed.join(" or "));
    Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, detail))
}

/// The whole body, unless it has more than `limit` bytes.
async fn collect(mut payload: dev::Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| Problem::new(&BAD_REQUEST, format!("the body broke off: {error}")))?;
        if body.len() + chunk.len() > limit {
            return Err(Problem::new(&TOO_LARGE, format!("the body may have {limit} bytes at most")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_names_every_field_that_is_wrong() {
        let mut fields = Fields::parse(br#"{"enabled":"yes","name":7,"colour":"red"}"#).unwrap();
        assert_eq!((fields.flag("enabled"), fields.text("name")), (None, None));
        fields.needed_text("username");
        let errors = fields.finish().unwrap_err().errors;
        let seen: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
        assert_eq!(
            seen,
            [("/enabled", "type"), ("/name", "type"), ("/username", "missing"), ("/colour", "unknown")]
        );
    }

    #[test]
    fn a_secret_sent_back_as_it_is_shown_stays() {
        let mut fields = Fields::parse(br#"{"a":{"set":true},"b":null,"c":"x","d":{"set":false}}"#).unwrap();
        assert_eq!(fields.secret("a"), None);
        assert_eq!(fields.secret("b"), Some(Pii(String::new())));
        assert_eq!(fields.secret("c"), Some(Pii("x".into())));
        assert_eq!(fields.secret("d"), Some(Pii(String::new())));
        fields.finish().unwrap();
    }
}
