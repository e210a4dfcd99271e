//! Static files, compiled in. Their addresses carry a digest, so browsers may keep them for ever.

use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::problem::{NOT_FOUND, Problem};
use crate::site::sha256_hex;

struct Asset {
    name: &'static str,
    sort: &'static str,
    bytes: &'static [u8],
}

const JS: &str = "text/javascript; charset=utf-8";

static ASSETS: &[Asset] = &[
    Asset { name: "app.css", sort: "text/css; charset=utf-8", bytes: include_bytes!("static/app.css") },
    Asset { name: "app.js", sort: JS, bytes: include_bytes!("static/app.js") },
    Asset { name: "htmx.min.js", sort: JS, bytes: include_bytes!("static/vendor/htmx.min.js") },
    Asset { name: "hx-sse.min.js", sort: JS, bytes: include_bytes!("static/vendor/hx-sse.min.js") },
    Asset { name: "icon.svg", sort: "image/svg+xml", bytes: include_bytes!("static/icon.svg") },
];

/// The address of a static file.
pub fn url(name: &str) -> String {
    static DIGESTS: OnceLock<Vec<(&str, String)>> = OnceLock::new();
    let digest = |asset: &Asset| (asset.name, sha256_hex(asset.bytes)[..12].to_owned());
    let digests = DIGESTS.get_or_init(|| ASSETS.iter().map(digest).collect());
    let version = digests.iter().find(|(known, _)| *known == name).map_or("", |(_, digest)| digest);
    format!("/static/{name}?v={version}")
}

/// A static file.
pub async fn get(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let known = ASSETS.iter().find(|asset| asset.name == name.as_str());
    let asset = known.ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such file"))?;
    Ok(HttpResponse::Ok()
        .content_type(asset.sort)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendored_files_are_those_that_vendor_toml_names() {
        let list = include_str!("static/vendor/VENDOR.toml");
        for asset in ASSETS.iter().filter(|asset| asset.name.ends_with(".min.js")) {
            assert!(list.contains(&sha256_hex(asset.bytes)), "{} differs from VENDOR.toml", asset.name);
        }
    }
}
