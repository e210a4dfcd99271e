//! baresip as a handset on a SIP-DECT base station, beside a handset on a native one: they call each other.

use std::time::Duration;

use kirkwall_lab::base_station::{BaseConfig, BaseStation, Proof};
use kirkwall_lab::dect::identity::Ipei;
use kirkwall_lab::dect::pt::CallState;
use kirkwall_lab::handset::native::{Dialling, NativeConfig, NativeHandset, User};
use kirkwall_lab::media::Voice;
use kirkwall_lab::media::g722::{Join, Split};
use kirkwall_lab::media::sparkle::{sparkles, sparkling};
use kirkwall_lab::media::voice::Recogniser;
use kirkwall_lab::radio::{Place, Radio};
use serde_json::json;

use crate::audio::{Tone, read, read_at};
use crate::baresip::{Account, Baresip, WIDEBAND};
use crate::phone::Phone as _;
use crate::process::{PATIENCE, until_true};
use crate::scene::Scene;
use crate::switch::{Options, Switch};

const BARESIP: &str = "201";
/// The user of the native handset.
pub const NATIVE: &str = "202";
const CODE: &str = "2407";
/// What baresip plays, and who holds the native handset. Neither mark is the other's.
const PLAYED: Voice = Voice::new(0);
const HELD: Voice = Voice::new(27);

#[test]
fn baresip_and_a_native_handset_call_each_other_and_hear_each_other_both_ways() {
    let scene = Scene::new("native");
    let more = "[dect]\nari = \"102AF12C\"\n";
    let mut switch = Switch::start(&scene, Options { more, ..Options::default() });
    switch.create_user(BARESIP);
    switch.create_user(NATIVE);
    let runtime = runtime();
    let (base, native) = runtime.block_on(on_the_air(&switch, false));
    let mut baresip = Baresip::start(&scene, switch.handset(BARESIP, "udp", Tone::number(0)));
    baresip.says(&PLAYED.speech().repeat(75));

    for native_calls in [true, false] {
        match native_calls {
            true => runtime.block_on(native.dial(BARESIP, Dialling::Overlap, None)).unwrap(),
            false => baresip.dial(NATIVE),
        }
        baresip.wait_established();
        let heard = native
            .wait_for(PATIENCE, |seen| seen.call == Some(CallState::Active) && seen.hears.1 == Some(PLAYED));
        runtime.block_on(heard).unwrap();
        until_true("baresip hears the voice of the native handset", PATIENCE, || {
            let mut recogniser = Recogniser::default();
            let samples = baresip.recording().and_then(|file| read(&file)).unwrap_or_default();
            samples.iter().for_each(|sample| recogniser.push(*sample));
            recogniser.voice() == Some(HELD)
        });
        // Who was called ends the call.
        match native_calls {
            true => baresip.hang_up(),
            false => runtime.block_on(native.hang_up()).unwrap(),
        }
        runtime.block_on(native.wait_for(PATIENCE, |seen| seen.call.is_none())).unwrap();
        baresip.wait_closed();
        switch.wait_idle();
    }
    assert_eq!((base.seen().faults, native.seen().faults), (Vec::new(), Vec::new()));
    switch.assert_alive();
    runtime.block_on(base.stop());
}

#[test]
fn baresip_and_a_native_handset_hear_each_other_above_4_khz_in_g722() {
    let scene = Scene::new("native-wideband");
    let more = "[dect]\nari = \"102AF12C\"\n";
    let mut switch = Switch::start(&scene, Options { more, ..Options::default() });
    switch.create_user(BARESIP);
    switch.create_user(NATIVE);
    let runtime = runtime();
    let (base, native) = runtime.block_on(on_the_air(&switch, true));
    let account = Account { codecs: WIDEBAND, ..switch.handset(BARESIP, "udp", Tone::number(0)) };
    let mut baresip = Baresip::start(&scene, account);
    let mut join = Join::default();
    baresip.says_wide(&sparkling(&mut join, &PLAYED.hum()).repeat(75));

    for native_calls in [true, false] {
        match native_calls {
            true => runtime.block_on(native.dial(BARESIP, Dialling::Overlap, None)).unwrap(),
            false => baresip.dial(NATIVE),
        }
        baresip.wait_established();
        let heard = native.wait_for(PATIENCE, |seen| {
            seen.call == Some(CallState::Active)
                && (seen.speaks_wide, seen.hears.1) == (true, Some(PLAYED))
                && seen.hears_wide >= 50
        });
        runtime.block_on(heard).unwrap();
        assert_eq!(base.seen().long_slots, 1);
        until_true("baresip hears the native handset above 4 kHz", PATIENCE, || {
            let samples = baresip.recording().and_then(|file| read_at(16_000, &file)).unwrap_or_default();
            let (mut split, mut recogniser) = (Split::default(), Recogniser::default());
            split.low(&samples).iter().for_each(|sample| recogniser.push(*sample));
            let wide = samples.chunks_exact(320).filter(|frame| sparkles(frame)).count();
            recogniser.voice() == Some(HELD) && wide >= 50
        });
        match native_calls {
            true => baresip.hang_up(),
            false => runtime.block_on(native.hang_up()).unwrap(),
        }
        runtime.block_on(native.wait_for(PATIENCE, |seen| seen.call.is_none())).unwrap();
        baresip.wait_closed();
        switch.wait_idle();
    }
    assert_eq!((base.seen().faults, native.seen().faults), (Vec::new(), Vec::new()));
    switch.assert_alive();
    runtime.block_on(base.stop());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A native base station in service, and on it a handset that is located and belongs to a user.
pub async fn on_the_air(switch: &Switch<'_>, wideband: bool) -> (BaseStation, NativeHandset) {
    let radio = Radio::default();
    let token = switch.rest("POST", "/enrolments", Some(&json!({ "label": "A" })));
    let link = switch.bound().base_link.expect("an ARI opens the base link");
    let mut config = BaseConfig::new(link, [0, 0x13, 0xD1, 0, 0, 1], "");
    if wideband {
        config = config.wideband();
    }
    config.proof = Proof::Token(token["token"].as_str().unwrap().to_owned());
    let base = BaseStation::start(config, &radio);
    // A radio that hears no other one waits half a minute before it keeps its own time.
    base.wait_for(2 * Duration::from_secs(60), |seen| seen.radio == 2 && seen.sync == 6).await.unwrap();
    let ipei = Ipei { emc: 0x0BA8, psn: 1 };
    switch.rest("PUT", "/subscription-window", Some(&json!({ "code": CODE, "seconds": "600" })));
    let claim = json!({ "ipei": ipei.to_string(), "user": NATIVE });
    switch.rest("POST", "/subscription-window/claims", Some(&claim));
    let user = User::Answers { after: Duration::from_millis(200), talk: None };
    let place = Place::new(3.0, 0.0);
    let config = NativeConfig { place, user, hum: true, wideband, ..NativeConfig::new(ipei, HELD) };
    let native = NativeHandset::start(config, &radio);
    native.subscribe(CODE, PATIENCE).await.unwrap();
    native.wait_for(PATIENCE, |seen| seen.located).await.unwrap();
    (base, native)
}
