//! Real sockets: where it listens, HTTP/2 by ALPN, probes and metrics.
#![allow(clippy::unwrap_used)]

mod desk;

use std::net::SocketAddr;
use std::sync::Arc;

use desk::TestDesk;
use kirkwall_web::{WebOptions, serve, serve_ops};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[actix_web::test]
async fn the_ops_port_has_probes_and_metrics_and_nothing_else() {
    let metrics = || "ipdect_calls_active 2\n".to_owned();
    let (server, at) = serve_ops(ANY, TestDesk::full().desk(), metrics).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    assert!(get(at, "/livez").await.starts_with("HTTP/1.1 200"));
    assert!(get(at, "/readyz").await.ends_with("\r\nready\n"));
    let text = get(at, "/metrics").await;
    assert!(text.contains("text/plain; version=0.0.4") && text.ends_with("ipdect_calls_active 2\n"));
    assert!(get(at, "/api/v1/users").await.starts_with("HTTP/1.1 404"));
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_draining_node_is_alive_but_not_ready() {
    let (server, at) = serve_ops(ANY, TestDesk::draining().desk(), String::new).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    assert!(get(at, "/livez").await.starts_with("HTTP/1.1 200"));
    let ready = get(at, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.ends_with("the node is draining\n"));
    handle.stop(false).await;
}

#[actix_web::test]
async fn the_web_port_tells_no_version_to_strangers() {
    let options = WebOptions { version: "9.8.7-secret".into(), ..Default::default() };
    let (server, at) = serve(ANY, None, TestDesk::full().desk(), options).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    for path in ["/login", "/api/v1/version", "/nope", "/api/v1/openapi.json"] {
        let answer = get(at, path).await;
        assert!(!answer.contains("9.8.7") && !answer.to_lowercase().contains("\r\nserver:"), "{path}");
        assert!(answer.contains("strict-transport-security: max-age="), "{path}");
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn an_address_in_use_is_an_error_and_not_a_panic() {
    let taken = std::net::TcpListener::bind(ANY).unwrap();
    let at = taken.local_addr().unwrap();
    assert!(serve(at, None, TestDesk::full().desk(), WebOptions::default()).is_err());
}

#[actix_web::test]
async fn browsers_that_can_get_http_2() {
    let (server_tls, root) = certificate();
    let (server, at) = serve(ANY, Some(server_tls), TestDesk::full().desk(), WebOptions::default()).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    for (offered, chosen) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
        let mut client =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(root.clone())
                .with_no_client_auth();
        client.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(at).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(chosen.as_bytes()));
    }
    handle.stop(false).await;
}

fn certificate() -> (Arc<ServerConfig>, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut root = RootCertStore::empty();
    root.add(certificate.clone()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    (Arc::new(server), root)
}
