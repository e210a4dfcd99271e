//! Serves the pages with the scripted switch of the tests, to look at them:
//! `cargo run -p kirkwall-web --example preview -- 127.0.0.1:8080 [empty]`.
//!
//! Log in by `/login/open-sesame`, or with the token `admin-token`. Plain HTTP on a loopback address: browsers
//! accept the Secure cookie there.

#[path = "../tests/desk/mod.rs"]
mod desk;

use kirkwall_web::{WebOptions, serve, serve_ops};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
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
    let (web, at) = serve(listen, None, desk, options)?;
    println!("web=http://{at}");
    futures::future::try_join(web, ops).await.map(drop)
}
