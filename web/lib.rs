//! Stand-in until the web lands.
use actix_web::dev::Server; use actix_web::{App, HttpServer}; use std::{io, net::SocketAddr, sync::Arc};
use kirkwall_actors::desk::Desk;
pub struct WebOptions { pub version: String, pub node: String, pub banner: Option<String> }
pub fn serve(l: SocketAddr, tls: Option<Arc<rustls::ServerConfig>>, _: Desk, _: WebOptions) -> io::Result<(Server, SocketAddr)> {
    let s = HttpServer::new(App::new).workers(1).disable_signals(); let s = match tls { Some(t) => s.bind_rustls_0_23(l, Arc::unwrap_or_clone(t))?, None => s.bind(l)? };
    let a = s.addrs()[0]; Ok((s.run(), a)) }
pub fn serve_ops(l: SocketAddr, d: Desk, m: impl Fn() -> String + Send + Sync + 'static) -> io::Result<(Server, SocketAddr)> {
    let m = Arc::new(m);
    let s = HttpServer::new(move || { let m = m.clone(); let d = d.clone(); App::new().route("/metrics", actix_web::web::get().to(move || { let m=m.clone(); async move { m() } }))
     .route("/capacity", actix_web::web::get().to(move || { let d=d.clone(); async move { format!("{:?}\n{:?}\n{:?}", d.get_capacity.send(kirkwall_actors::desk::GetCapacity).await, d.list_registrations.send(kirkwall_actors::desk::ListRegistrations).await, d.list_calls.send(kirkwall_actors::desk::ListCalls{wanted: kirkwall_actors::desk::CallsWanted::Ended, after: None, limit: 5}).await) } })) }).workers(1).disable_signals().bind(l)?;
    let a = s.addrs()[0]; Ok((s.run(), a)) }
