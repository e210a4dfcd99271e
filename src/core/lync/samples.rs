//! Every sample of the collection, read by hand:
//! `KIRKWALL_LYNC_SAMPLES=… cargo test -p kirkwall-core lync::samples -- --ignored`.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::diagnostics::Diagnostics;
use super::endpoint::Epid;
use super::hex;
use super::location_profile::LocationProfile;
use super::ntlm::{Authenticate, Challenge, End, Flags, MacKeys, NtHash};
use super::presence::conflicts;
use super::provisioning::Provisioning;
use super::roaming::Roaming;
use super::signing::{ServerSignature, Side, Stamp, Version, text};
use super::xml::Element;
use crate::sip::digest::AuthParams;
use crate::sip::wire::Message;

fn root() -> PathBuf {
    PathBuf::from(std::env::var("KIRKWALL_LYNC_SAMPLES").expect("the folder of samples"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path, extension)),
            false if path.extension().is_some_and(|found| found == extension) => found.push(path),
            false => {}
        }
    }
    found
}

fn message(name: &str) -> Message {
    Message::parse_datagram(Bytes::from(fs::read(root().join(name)).unwrap())).unwrap()
}

fn credentials(message: &Message) -> AuthParams {
    let mut sides = Side::BOTH.into_iter().filter_map(|side| message.header(&side.credentials()));
    AuthParams::parse(sides.next().unwrap()).unwrap()
}

#[test]
#[ignore = "needs the collection of samples"]
fn every_message_parses_comes_back_and_can_be_signed() {
    let all = files(&root(), "sip");
    assert!(all.len() > 20);
    for path in all {
        let wire = Bytes::from(fs::read(&path).unwrap());
        let message = Message::parse_datagram(wire).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
        let again = Message::parse_datagram(message.encode()).unwrap();
        assert_eq!((&again.start, &again.body), (&message.start, &message.body), "{path:?}");
        for signature in ServerSignature::all_of(&message) {
            signature.text(Version::V4, &message).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
        }
        let stamp = Stamp { scheme: "NTLM", rand: "1", num: "1", realm: "r", target_name: "t" };
        let fields = text(Version::V4, stamp, &message).map(|text| text.matches('<').count());
        let wanted = if message.is_request() { 15 } else { 16 };
        assert_eq!(fields, Ok(wanted), "{path:?}");
        if message.typed_body().is_some_and(|(kind, _)| kind.ends_with("+xml") && !kind.contains("sdp")) {
            Element::parse(&message.body).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
        }
    }
}

#[test]
#[ignore = "needs the collection of samples"]
fn every_document_parses_and_says_what_it_should() {
    for path in files(&root(), "xml") {
        let body = fs::read(&path).unwrap();
        Element::parse(&body).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
    }
    let read = |name: &str| fs::read(root().join("xml").join(name)).unwrap();
    let profile = LocationProfile::parse(&read("location-profile.xml")).unwrap();
    assert!(profile.left_out.is_empty());
    assert_eq!(profile.translate("5550100").as_deref(), Some("+19995550100"));
    let told = Provisioning::parse(&read("provisioning-notify.xml")).unwrap();
    assert_eq!((told.voice_dscp, told.media_ports), (Some(40), Some((50_000, 50_038))));
    assert_eq!(Roaming::parse(&read("userproperties.xml")).unwrap().lines.len(), 1);
    assert_eq!(Roaming::parse(&read("mwi-category.xml")).unwrap().waiting.unwrap().unread, 8);
    let conflict = message("presence/ms-pres-409-conflict.sip");
    assert_eq!(conflicts(&conflict.body).unwrap()[0].current, 2);
    assert_eq!(Diagnostics::all_of(&conflict)[0].id, 2141);
}

#[test]
#[ignore = "needs the collection of samples"]
fn the_signatures_of_real_messages_verify() {
    let challenge = fs::read_to_string(root().join("auth/ocs2007r2-ntlm-type2.b64")).unwrap();
    let challenge = Challenge::parse(&STANDARD.decode(challenge.trim()).unwrap()).unwrap();
    let register = message("auth/ocs2007r2-register-ntlm-type3.sip");
    let sent = credentials(&register);
    let get = |name| sent.get(name).unwrap();
    let proof = Authenticate::parse(&STANDARD.decode(get("gssapi-data")).unwrap()).unwrap();
    let keys = proof.verify(&challenge, &NtHash::of_password("Pa$$word")).unwrap();
    let (rand, num) = (get("crand"), get("cnum"));
    let stamp = Stamp { scheme: "NTLM", rand, num, realm: get("realm"), target_name: get("targetname") };
    let signed = text(Version::V4, stamp, &register).unwrap();
    assert!(keys.verify(End::Client, signed.as_bytes(), &hex::decode(get("response")).unwrap()));

    let plain: [u8; 16] = hex::decode("5F029153BC025058969548615E7099BA").unwrap().try_into().unwrap();
    for (name, version, keys) in [
        ("auth/ocs2007r2-200-register-signed.sip", Version::V4, keys),
        ("auth/ocs2007-200-register-v2.sip", Version::V2, MacKeys::new(plain, Flags(0))),
    ] {
        let answer = message(name);
        let signature = &ServerSignature::all_of(&answer)[0];
        let signed = signature.text(version, &answer).unwrap();
        assert!(
            keys.verify(End::Server, signed.as_bytes(), &hex::decode(signature.get("rspauth")).unwrap()),
            "{name}"
        );
    }
}

#[test]
#[ignore = "needs the collection of samples"]
fn the_endpoints_of_the_vectors_come_out() {
    let json = fs::read(root().join("vectors/vectors.json")).unwrap();
    let vectors: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&json).unwrap();
    let mut count = 0;
    for (name, vector) in vectors {
        let value = vector["value"].as_str().unwrap();
        let instance = |epid: &str| epid.parse::<Epid>().unwrap().instance();
        if let Some(epid) = name.strip_prefix("epid_to_sip_instance_") {
            assert!(instance(epid).is_named_by(&format!("urn:uuid:{value}")), "{epid}");
            count += 1;
        } else if let Some(epid) = name.strip_prefix("epid_to_gruu_") {
            assert_eq!(instance(epid).gruu_opaque(), format!("user:epid:{value}"));
            count += 1;
        }
    }
    assert!(count >= 14, "{count}");
}
