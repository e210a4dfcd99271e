//! Ways that are lost in the middle: a handset's stream, the connection to the north.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::kamailio::Kamailio;
use crate::phone::{Ender, Phone, SPEECH, talk};
use crate::process::{free_port, until_true};
use crate::scene::Scene;
use crate::switch::{Options, Switch};

/// Passes connections on, until it cuts those that there are.
struct Relay {
    address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    fn start(to: SocketAddr) -> Relay {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let listener = TcpListener::bind(address).unwrap();
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let known = open.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(to) else { continue };
                let pairs = [(&near, &far), (&far, &near)]
                    .map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()));
                known.lock().unwrap().extend([near, far]);
                for (from, into) in pairs {
                    thread::spawn(move || pass_on(from, into));
                }
            }
        });
        Relay { address, open }
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            // It may be gone already.
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass_on(mut from: TcpStream, mut into: TcpStream) {
    let mut bytes = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if into.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    _ = into.shutdown(Shutdown::Both);
}

#[test]
fn a_handset_whose_stream_was_gone_when_its_call_ended_is_told_when_it_registers_again() {
    let scene = Scene::new("lost-stream");
    let mut switch = Switch::start(&scene, Options::default());
    for user in ["201", "202"] {
        switch.create_user(user);
    }
    let relay = Relay::start(switch.bound().tcp);
    let account = switch.handset("201", "tcp", Tone::number(0));
    let mut anna = Baresip::start(&scene, Account { server: relay.address, ..account });
    let mut bob = Baresip::start(&scene, switch.handset("202", "udp", Tone::number(1)));
    bob.dial("201");
    bob.wait_established();
    anna.wait_established();
    bob.wait_heard(anna.tone(), SPEECH);
    relay.cut();
    bob.hang_up();
    bob.wait_closed();
    // It registers each minute; then it hears that its call is over.
    until_true("anna's call ends", Duration::from_secs(90), || anna.has_event("CALL_CLOSED"));
    switch.wait_idle();
    talk(&mut bob, &mut anna, Ender::Caller);
    switch.assert_alive();
}

#[test]
fn the_first_call_between_handsets_after_the_north_is_lost_stays_inside() {
    let scene = Scene::new("lost-north");
    let mut kamailio = Kamailio::start(&scene, None);
    let mut switch = Switch::start(&scene, Options { expires: 300, ..Options::line(&kamailio, "tcp") });
    for user in ["201", "202"] {
        switch.create_user(user);
        switch.wait_line(user);
    }
    switch.change_user("202", &json!({ "secondary_username": "7202" }));
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, switch.handset("202", "udp", Tone::number(1)));
    talk(&mut anna, &mut bob, Ender::Caller);
    kamailio.stop();
    // At once: no line has had the time to find that it is down.
    talk(&mut anna, &mut bob, Ender::Callee);
    // The short number, dialled again by code, and one that is not complete yet.
    for number in ["7202", "*66"] {
        anna.dial(number);
        anna.wait_established();
        bob.wait_established();
        anna.hang_up();
        bob.wait_closed();
        anna.wait_closed();
    }
    anna.dial("720");
    assert!(anna.wait_closed().contains("484"));
    // A number that is not ours has nowhere to go.
    anna.dial("301");
    assert!(anna.wait_closed().contains("503"));
    switch.wait_idle();
    switch.assert_alive();
}
