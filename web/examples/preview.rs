//! Serves the pages with the scripted switch of the tests, to look at them:
//! `cargo run -p kirkwall-web --example preview -- 127.0.0.1:8443 [empty]`.
//!
//! Log in by `/login/open-sesame`, or with the token `admin-token`. It speaks HTTPS with a certificate made at
//! start, so that a browser uses HTTP/2 as it will in earnest.
#![allow(clippy::unwrap_used)]

#[path = "../tests/desk/mod.rs"]
mod desk;

use std::sync::Arc;

use kirkwall_web::{WebOptions, serve, serve_ops};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8443".into());
    let listen = listen.parse().map_err(std::io::Error::other)?;
    let switch = match arguments.next() {
        Some(word) if word == "empty" => desk::TestDesk::nothing(),
        _ => desk::TestDesk::moving(),
    };
    let desk = switch.desk();
    let options = WebOptions {
        version: env!("CARGO_PKG_VERSION").into(),
        node: "dect1.example.com".into(),
        banner: Some("This is a preview: the switch behind it is a script.".into()),
    };
    let (ops, at) = serve_ops(([127, 0, 0, 1], 0).into(), desk.clone(), || "# no metrics here\n".into())?;
    println!("ops=http://{at}");
    let (web, at) = serve(listen, Some(certificate()), desk, options)?;
    println!("web=https://{at}");
    futures::future::try_join(web, ops).await.map(drop)
}

fn certificate() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}
