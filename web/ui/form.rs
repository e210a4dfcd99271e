//! Files sent by a form (RFC 7578).

use actix_multipart::Multipart;
use futures::TryStreamExt;

use crate::problem::{BAD_REQUEST, FieldError, Problem, TOO_LARGE};
use crate::rest::CSV_LIMIT;

/// The file in the field of that name.
pub async fn file(mut form: Multipart, name: &str) -> Result<Vec<u8>, Problem> {
    let broken = |error| Problem::new(&BAD_REQUEST, format!("the form cannot be read: {error}"));
    while let Some(mut field) = form.try_next().await.map_err(broken)? {
        let wanted = field.name() == Some(name);
        let mut bytes = Vec::new();
        while let Some(chunk) = field.try_next().await.map_err(broken)? {
            if bytes.len() + chunk.len() > CSV_LIMIT {
                let detail = "the file may have 4 MiB at most; split it and import it in parts";
                return Err(Problem::new(&TOO_LARGE, detail));
            }
            bytes.extend_from_slice(&chunk);
        }
        if wanted && !bytes.is_empty() {
            return Ok(bytes);
        }
    }
    Err(Problem::fields(vec![FieldError::of("missing", name, "choose a CSV file")]))
}
