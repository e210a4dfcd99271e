//! Why a request failed, as RFC 9457 problem documents, and the catalogue of all problem types.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use kirkwall_actors::desk::{DeskFault, FieldFault};
use serde::Serialize;
use utoipa::ToSchema;

use crate::site::random_word;

/// A kind of problem: RFC 9457 §4.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Kind {
    /// Last part of the type URI `/help/problems/<code>`.
    pub code: &'static str,
    /// HTTP status it comes with.
    pub status: u16,
    /// Short summary that does not change from case to case.
    pub title: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

/// An RFC 9457 problem on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its type.
    pub kind: &'static Kind,
    /// This case, in a sentence.
    pub detail: String,
    /// Fields that are wrong.
    pub errors: Vec<FieldError>,
    /// The present representation, when the client's was stale.
    pub current: Option<Box<serde_json::Value>>,
    /// Methods allowed, for 405.
    pub allow: Option<String>,
    /// The reason for the log only; never sent.
    pub inside: Option<String>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the body; empty for the whole body.
    pub pointer: String,
    /// What kind of mistake: `invalid`, `unknown`, `missing`, `type`.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub detail: String,
}

/// The document as it is sent (RFC 9457 §3).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// `/help/problems/<code>`, a page of this switch.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// Summary of the type.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The type's code, for programs.
    pub code: &'static str,
    /// This case.
    pub detail: &'a str,
    /// Fields that are wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldError],
    /// The present representation of what was to be changed (status 412).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<&'a serde_json::Value>,
    /// Stands in the log beside the reason.
    pub trace_id: String,
}

impl Problem {
    /// A problem of that kind in this case.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind, detail, errors: Vec::new(), current: None, allow: None, inside: None }
    }

    /// We could not; `reason` goes to the log, not to the client.
    pub fn internal(reason: impl ToString) -> Self {
        let detail = "The reason stands in the log of the switch beside the trace_id.";
        Self { inside: Some(reason.to_string()), ..Self::new(&INTERNAL, detail) }
    }

    /// Fields are wrong.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "One field is wrong.".to_owned(),
            n => format!("{n} fields are wrong."),
        };
        Self { errors, ..Self::new(&INVALID_FIELDS, detail) }
    }

    /// What is wrong with the field of that name, for forms.
    pub fn of_field(&self, name: &str) -> Option<&str> {
        let here = |error: &&FieldError| error.pointer.strip_prefix('/') == Some(name);
        self.errors.iter().find(here).map(|error| error.detail.as_str())
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Gives this case a number and writes it to the log if it is ours.
    pub fn trace(&self) -> String {
        let trace_id = random_word();
        if self.kind.status >= 500 {
            let reason = self.inside.as_deref().unwrap_or(&self.detail);
            tracing::warn!(%trace_id, code = self.kind.code, reason, "request failed");
        }
        trace_id
    }
}

impl FieldError {
    /// A value that cannot be.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer(field), code: "invalid", detail: detail.into() }
    }

    /// A mistake of another `code`.
    pub fn of(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer(field), code, detail: detail.into() }
    }
}

/// RFC 6901 §3: "~" needs to be encoded as "~0" and "/" as "~1".
fn pointer(field: &str) -> String {
    format!("/{}", field.replace('~', "~0").replace('/', "~1"))
}

impl From<FieldFault> for FieldError {
    fn from(fault: FieldFault) -> Self {
        // In the switch's names of fields a slash leads into an object.
        let pointer = format!("/{}", fault.field.replace('~', "~0"));
        Self { pointer, code: "invalid", detail: fault.detail }
    }
}

impl From<DeskFault> for Problem {
    fn from(fault: DeskFault) -> Self {
        let said = fault.to_string();
        match fault {
            DeskFault::NotFound(_) => Self::new(&NOT_FOUND, said),
            DeskFault::Invalid(faults) => Self::fields(faults.into_iter().map(FieldError::from).collect()),
            DeskFault::Conflict(_) => Self::new(&CONFLICT, said),
            DeskFault::Stale { .. } => Self::new(&STALE, said),
            DeskFault::Busy(_) => Self::new(&BUSY, said),
            DeskFault::Failed(reason) => Self::internal(reason),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let document = ProblemDocument {
            type_uri: format!("/help/problems/{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            code: self.kind.code,
            detail: &self.detail,
            errors: &self.errors,
            current: self.current.as_deref(),
            trace_id: self.trace(),
        };
        let body = serde_json::to_string(&document).unwrap_or_default();
        let mut response = HttpResponse::build(self.status());
        response.content_type("application/problem+json").insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(allow) = self.allow.as_deref().and_then(|a| HeaderValue::from_str(a).ok()) {
            response.insert_header((header::ALLOW, allow));
        }
        match self.kind.status {
            // RFC 9110 §11.6.1: a server that generates a 401 response MUST send WWW-Authenticate.
            401 => response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"kirkwall\"")),
            429 | 503 => response.insert_header((header::RETRY_AFTER, "2")),
            _ => &mut response,
        };
        response.body(body)
    }
}

/// The request cannot be read.
pub static BAD_REQUEST: Kind = Kind {
    code: "bad_request",
    status: 400,
    title: "The request cannot be read",
    help: "A parameter in the address or a header is wrong or not known here. The detail names it and says what is allowed. Compare the request with /api/v1/openapi.json.",
};

/// The body is no JSON.
pub static BAD_JSON: Kind = Kind {
    code: "bad_json",
    status: 400,
    title: "The body is no JSON",
    help: "The body could not be parsed. The detail says at which line and column. Send one JSON object in UTF-8, without comments and without a comma behind the last member.",
};

/// Nobody is logged in.
pub static NOT_AUTHENTICATED: Kind = Kind {
    code: "not_authenticated",
    status: 401,
    title: "Nobody is logged in",
    help: "Send an API token as “Authorization: Bearer TOKEN”, or log in. A token may have expired or been revoked: make a new one under Administrators & tokens, or on the node with “kirkwall token create”.",
};

/// The token or administrator lacks a scope.
pub static NOT_PERMITTED: Kind = Kind {
    code: "not_permitted",
    status: 403,
    title: "The token or administrator lacks a scope",
    help: "The detail names the scope this operation needs. Ask an administrator for a token that has it.",
};

/// The request came from another site.
pub static CROSS_SITE: Kind = Kind {
    code: "cross_site",
    status: 403,
    title: "The request came from another site",
    help: "A browser sent this change on behalf of another web site, so it was refused. Open the switch’s own page and do it there. Behind a reverse proxy, pass the Host header on unchanged.",
};

/// There is no such thing.
pub static NOT_FOUND: Kind = Kind {
    code: "not_found",
    status: 404,
    title: "There is no such thing",
    help: "The address is wrong, or what it named has been removed meanwhile. Ended calls are remembered for a limited time only.",
};

/// The method is not allowed here.
pub static METHOD_NOT_ALLOWED: Kind = Kind {
    code: "method_not_allowed",
    status: 405,
    title: "The method is not allowed here",
    help: "The Allow header lists the methods that this address understands.",
};

/// The request came too slowly.
pub static TOO_SLOW: Kind = Kind {
    code: "too_slow",
    status: 408,
    title: "The request came too slowly",
    help: "The whole request, with its body, must have come and been answered within 90 seconds. Check the line between you and the switch and send it again.",
};

/// It stands against what is there.
pub static CONFLICT: Kind = Kind {
    code: "conflict",
    status: 409,
    title: "It stands against what is there",
    help: "Something of that name exists already, or its state does not allow the change. The detail says which. Choose another name or change what exists.",
};

/// The same request is still being worked on.
pub static IDEMPOTENCY_IN_FLIGHT: Kind = Kind {
    code: "idempotency_in_flight",
    status: 409,
    title: "The same request is still being worked on",
    help: "A request with this Idempotency-Key has not been answered yet. Wait a second and send it again: you then get its answer.",
};

/// Somebody else changed it meanwhile.
pub static STALE: Kind = Kind {
    code: "stale",
    status: 412,
    title: "Somebody else changed it meanwhile",
    help: "Your copy is older than what is kept. The problem carries the present state in “current”. Look at it, make your change again and send it with the new ETag.",
};

/// The body is too large.
pub static TOO_LARGE: Kind = Kind {
    code: "too_large",
    status: 413,
    title: "The body is too large",
    help: "JSON bodies may have 64 KiB, CSV files 4 MiB. Split the file and import it in parts.",
};

/// The content type is not understood.
pub static UNSUPPORTED_MEDIA_TYPE: Kind = Kind {
    code: "unsupported_media_type",
    status: 415,
    title: "The content type is not understood",
    help: "Send JSON as application/json (a PATCH also as application/merge-patch+json) and files as text/csv.",
};

/// Fields are wrong.
pub static INVALID_FIELDS: Kind = Kind {
    code: "invalid_fields",
    status: 422,
    title: "Fields are wrong",
    help: "Each entry of “errors” points at a field and says what is wrong with it and how to mend it. Nothing was kept.",
};

/// Rows of the file are wrong.
pub static INVALID_ROWS: Kind = Kind {
    code: "invalid_rows",
    status: 422,
    title: "Rows of the file are wrong",
    help: "Each entry of “errors” names a line and a column of the file and says what is wrong. Nothing was kept: mend the file and upload it again.",
};

/// The Idempotency-Key belongs to another request.
pub static IDEMPOTENCY_KEY_REUSED: Kind = Kind {
    code: "idempotency_key_reused",
    status: 422,
    title: "The Idempotency-Key belongs to another request",
    help: "The key was used within 24 hours with another body. Use a fresh key for each new request, for example a random UUID.",
};

/// If-Match is missing.
pub static PRECONDITION_REQUIRED: Kind = Kind {
    code: "precondition_required",
    status: 428,
    title: "If-Match is missing",
    help: "Changes need the ETag of what you saw, so that nobody’s change is lost: GET it, then send its ETag in If-Match. “If-Match: *” changes whatever is there.",
};

/// Too many live pages are open.
pub static TOO_MANY_STREAMS: Kind = Kind {
    code: "too_many_streams",
    status: 429,
    title: "Too many live pages are open",
    help: "The switch serves a bounded number of live streams. Close pages that nobody watches; the page itself works without the stream.",
};

/// The switch could not do it.
pub static INTERNAL: Kind = Kind {
    code: "internal",
    status: 500,
    title: "The switch could not do it",
    help: "This is a fault of the switch, not of your request. Its log has the trace_id and the reason. If it comes back, report it with both.",
};

/// Not now.
pub static BUSY: Kind = Kind {
    code: "busy",
    status: 503,
    title: "Not now",
    help: "The switch is starting, draining or has full queues. Send the request again in a few seconds.",
};

/// The catalogue, by status.
pub static KINDS: &[&Kind] = &[
    &BAD_REQUEST,
    &BAD_JSON,
    &NOT_AUTHENTICATED,
    &NOT_PERMITTED,
    &CROSS_SITE,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &TOO_SLOW,
    &CONFLICT,
    &IDEMPOTENCY_IN_FLIGHT,
    &STALE,
    &TOO_LARGE,
    &UNSUPPORTED_MEDIA_TYPE,
    &INVALID_FIELDS,
    &INVALID_ROWS,
    &IDEMPOTENCY_KEY_REUSED,
    &PRECONDITION_REQUIRED,
    &TOO_MANY_STREAMS,
    &INTERNAL,
    &BUSY,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice_in_the_catalogue() {
        let mut codes: Vec<_> = KINDS.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), KINDS.len());
    }

    #[test]
    fn the_reason_of_our_own_fault_is_not_told() {
        let problem = Problem::from(DeskFault::Failed("disk /data/sled is full".into()));
        assert!(!problem.to_string().contains("sled"));
        assert_eq!(problem.status(), 500);
    }

    #[test]
    fn a_field_with_a_slash_is_pointed_at_by_the_rules() {
        assert_eq!(FieldError::invalid("a/b~c", "no").pointer, "/a~1b~0c");
    }
}
