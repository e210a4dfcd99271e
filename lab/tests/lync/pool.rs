//! Two servers of a pool: calls and presence across them, the death and the silence of one.

use std::time::Duration;

use kirkwall_lab::front_end::lync::Cluster;
use kirkwall_lab::front_end::{FrontEnd, FrontEndConfig, Pool};
use kirkwall_lab::phone::{Behaviour, CallScript, Dial, Ended, Outcome};
use tokio::time::timeout;

use super::calls::phone;
use super::client::Client;
use super::{DOMAIN, SOON, plain};

async fn server(pool: &Pool, name: &str, change: impl FnOnce(&mut FrontEndConfig)) -> FrontEnd {
    let mut config = plain(&["anna", "bob"]);
    let lync = config.lync.as_mut().unwrap();
    lync.members = Some(pool.clone());
    lync.fqdn = format!("{name}.{DOMAIN}");
    change(&mut config);
    FrontEnd::start(config).await.unwrap()
}

fn answer() -> Behaviour {
    Behaviour::Answer { after: Duration::ZERO, talk: None }
}

#[tokio::test]
async fn users_on_two_servers_call_each_other_and_the_survivor_takes_the_others_users() {
    let pool = Pool::new().unwrap();
    let first = server(&pool, "fe1", |_| {}).await;
    let second = server(&pool, "fe2", |_| {}).await;
    let (anna, from) = phone(&first, "anna", "aaaaaaaa", answer()).await;
    let (bob, _to) = phone(&second, "bob", "bbbbbbbb", answer()).await;
    let script = CallScript { talk: Some(Duration::from_millis(50)), ..CallScript::default() };
    let report = timeout(SOON, from.call(&Dial::new("bob", DOMAIN, anna.hop), &script)).await.unwrap();
    assert_eq!((report.outcome, report.ended), (Outcome::Answered, Some(Ended::Here)));
    for (server, client) in [(&first, &anna), (&second, &bob)] {
        let seen = server.signatures();
        assert_eq!((seen.bad, seen.unsigned), (0, 0), "{seen:?} {:?}", server.complaints());
        assert_eq!(client.signer.wrong(), Vec::<String>::new());
    }
    assert_eq!(first.registered(), 2, "registrations are shared");

    first.kill().await;
    let gone = async {
        while second.registered() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, gone).await.expect("registrations end with their server");
    let closed = anna.endpoint.closed(&anna.hop);
    if let Some(closed) = closed {
        timeout(SOON, closed.cancelled()).await.expect("connections end with their server");
    }
    let (_anna, ok) = Client::signed_in(&second, "anna", "aaaaaaaa").await;
    assert!(ok.header("presence-state").unwrap().contains("register-action=\"added\""));
    assert_eq!(second.registered(), 2);
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_takes_connections_and_says_nothing_until_it_wakes() {
    let pool = Pool::new().unwrap();
    let first = server(&pool, "fe1", |_| {}).await;
    let (mut anna, _) = Client::signed_in(&first, "anna", "aaaaaaaa").await;
    first.black_hole(true);
    let request = anna.register();
    let mut transaction = anna.endpoint.request(request, &anna.hop).await.unwrap();
    assert!(timeout(Duration::from_millis(200), transaction.next()).await.is_err());
    assert_eq!(anna.endpoint.closed(&anna.hop).map(|closed| closed.is_cancelled()), Some(false));
    let bob = Client::new(&first, "bob", "bbbbbbbb").await;
    assert!(bob.hop.connection.is_some(), "it still takes connections");
    first.black_hole(false);
    let request = anna.register();
    assert_eq!(anna.ask(request).await.code(), Some(200));
    first.stop().await;
}

#[tokio::test]
async fn a_branch_appliance_says_what_it_is() {
    let pool = Pool::new().unwrap();
    let branch = server(&pool, "sba", |config| {
        let lync = config.lync.as_mut().unwrap();
        lync.cluster = Cluster::Remote;
        lync.primary = false;
        lync.user_services = false;
    })
    .await;
    let (_anna, ok) = Client::signed_in(&branch, "anna", "aaaaaaaa").await;
    assert_eq!(
        ok.header("presence-state"),
        Some(
            "register-action=\"added\";primary-cluster-type=\"remote\";is-connected-to-primary=\"no\";\
             user-services-state=\"unavailable\""
        )
    );
    branch.stop().await;
}
