//! Certificates that an administrator imports.

use serde_json::json;

use crate::kamailio::Kamailio;
use crate::process::{PATIENCE, until_true};
use crate::scene::Scene;
use crate::switch::{Options, Switch};

#[test]
fn an_authority_imported_over_rest_is_believed_at_once_and_after_a_restart() {
    let scene = Scene::new("imported-ca");
    let kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options { knows_ca: false, ..Options::line(&kamailio, "tls") });
    switch.create_user("201");
    let registration = |switch: &Switch| switch.user("201")["status"]["registration"].to_string();
    until_true("the registrar's certificate is refused", PATIENCE, || {
        registration(&switch).contains("failed")
    });
    let pem = std::fs::read_to_string(scene.authority.file()).unwrap();
    let kept = switch.rest("POST", "/certificates", Some(&json!({"usage": "ca", "pem": pem})));
    assert_eq!(kept["usage"], "ca");
    assert_eq!(switch.rest("GET", "/certificates", None)["items"][0]["id"], kept["id"]);
    switch.wait_line("201");
    switch.kill();
    switch.start_again();
    switch.wait_line("201");
}
