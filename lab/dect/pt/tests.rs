use super::*;
use crate::dect::{dsaa2, hex};

const PARK: &str = "A0A0102AF12C";
const UAK: Key = [0x17; 16];

fn ipei() -> Ipei {
    Ipei { emc: 0x0BA8, psn: 0xA782A }
}

fn subscribed() -> Portable {
    let park = (31, hex("102AF12C"));
    let ipui = ipei().ipui_n().to_vec();
    Portable::new(ipei(), Some(Subscription { ipui, park, uak: UAK, tpui: Some(0x0_5027) }))
}

/// Messages said, as text, since the last time.
fn said(portable: &mut Portable) -> Vec<String> {
    let sent = portable.take().into_iter().filter_map(|output| match output {
        Output::Send(octets) => Some(octets.iter().map(|octet| format!("{octet:02X}")).collect()),
        _ => None,
    });
    sent.collect()
}

fn events(portable: &mut Portable) -> Vec<Event> {
    let happened = portable.take().into_iter().filter_map(|output| match output {
        Output::Happened(event) => Some(event),
        _ => None,
    });
    happened.collect()
}

#[test]
fn an_outgoing_call_goes_digit_by_digit_as_in_the_worked_sequence() {
    let (mut portable, now) = (subscribed(), Instant::now());
    assert!(portable.off_hook(None, now));
    assert_eq!(portable.take(), [Output::OpenLink(None)]);
    portable.link_up(now);
    assert_eq!(said(&mut portable), ["0305050780A800BA8A782A0606A0A0102AF12CE080"]);
    portable.keys(b"51");
    assert_eq!(said(&mut portable), [""; 0], "digits wait for the acknowledgement");
    portable.hear(&hex("830D1E028088E400"), now);
    let outputs = portable.take();
    assert!(outputs.contains(&Output::Sound { hear: true, speak: false }), "{outputs:?}");
    assert!(outputs.contains(&Output::Happened(Event::Signal { signal: 0 })));
    assert!(outputs.contains(&Output::Send(hex("037B2C0135"))));
    assert!(outputs.contains(&Output::Send(hex("037B2C0131"))));
    for (heard, state) in
        [("8302", CallState::Proceeding), ("83011E028088", CallState::Delivered), ("8307", CallState::Active)]
    {
        portable.hear(&hex(heard), now);
        assert_eq!(portable.call_state(), Some(state));
    }
    assert!(portable.take().contains(&Output::Sound { hear: true, speak: true }));
    portable.on_hook(now);
    assert_eq!(said(&mut portable), ["034DE200"]);
    portable.hear(&hex("835A"), now);
    assert_eq!(events(&mut portable), [Event::Ended { reason: None }]);
    portable.pass(now + LCE_05);
    assert_eq!(portable.take(), [Output::CloseLink]);
}

#[test]
fn a_number_can_go_en_bloc() {
    let (mut portable, now) = (subscribed(), Instant::now());
    portable.off_hook(Some("5002"), now);
    portable.link_up(now);
    let setup = said(&mut portable).pop().unwrap();
    assert!(setup.ends_with("E08070058035303032"), "{setup}");
    portable.hear(&hex("835AE214"), now);
    assert_eq!(events(&mut portable).last(), Some(&Event::Ended { reason: Some(0x14) }));
}

#[test]
fn a_paged_handset_rings_answers_and_is_released() {
    let (mut portable, now) = (subscribed(), Instant::now());
    for stranger in ["0C5028", "04782B", "0C", "0CCFFE"] {
        portable.page(&hex(stranger), None);
        assert_eq!(portable.take(), [], "{stranger}");
    }
    portable.page(&hex("0C5027"), Some(3));
    assert_eq!(portable.take(), [Output::OpenLink(Some(3))]);
    portable.link_up(now);
    assert_eq!(said(&mut portable), ["0071050780A800BA8A782A0606A0A0102AF12C"]);
    portable.hear(&hex("0305050780A800BA8A782A0606A0A0102AF12CE080E4406C068035303031326D0507416E6E61"), now);
    let ringing = Ringing { number: Some("50012".into()), name: Some("Anna".into()), signal: Some(0x40) };
    let outputs = portable.take();
    assert_eq!(outputs, [Output::Send(hex("8301")), Output::Happened(Event::Ringing(ringing))]);
    assert!(portable.answer(now));
    assert_eq!(said(&mut portable), ["8307"]);
    portable.hear(&hex("030F"), now);
    assert_eq!(portable.call_state(), Some(CallState::Active));
    portable.hear(&hex("034DE200"), now);
    assert_eq!(said(&mut portable), ["835A"]);
    assert_eq!(portable.call_state(), None);
}

#[test]
fn a_second_call_finds_the_handset_busy_and_an_unknown_one_is_released() {
    let (mut portable, now) = (subscribed(), Instant::now());
    portable.off_hook(None, now);
    portable.link_up(now);
    portable.take();
    portable.hear(&hex("1305050780A800BA8A782A0606A0A0102AF12CE080"), now);
    assert_eq!(said(&mut portable), ["935AE214"]);
    portable.hear(&hex("A307"), now);
    assert_eq!(said(&mut portable), ["235AE202"]);
    portable.pass(now + Duration::from_secs(20));
    assert_eq!(said(&mut portable), ["035AE20D"], "P-CC.03");
}

#[test]
fn access_rights_are_given_for_the_right_code_and_the_key_works_afterwards() {
    let (mut portable, now) = (Portable::new(ipei(), None), Instant::now());
    let code = dsaa2::access_code("9124").unwrap();
    portable.subscribe(code, now);
    portable.link_up(now);
    let request = said(&mut portable).remove(0);
    assert!(request.starts_with("0544050780A800BA8A782A0A03024800630E"), "{request}");

    let (rs, rand_f) = ([0x5A; 16], [3; 8]);
    let allocate = Message::new(pd::MM, msg::KEY_ALLOCATE).with(ie::ALLOCATION_TYPE, &[2, 0x88]);
    portable.hear(&allocate.with(ie::RAND, &rand_f).with(ie::RS, &rs).octets(), now);
    let authenticate = Message::read(&hex(&said(&mut portable)[0])).unwrap();
    assert_eq!((authenticate.kind, authenticate.from_starter), (msg::AUTHENTICATION_REQUEST, false));
    let rand_p: [u8; 8] = authenticate.get(ie::RAND).unwrap().try_into().unwrap();
    let expected = dsaa2::response(&dsaa2::session_key(&code, &rs), rand_f, rand_p).0;
    assert_eq!(authenticate.get(ie::RES), Some(&expected[..]));

    let (rs, rand_f) = ([0x33; 16], [9; 8]);
    let uak = dsaa2::session_key(&code, &rs);
    let res2 = dsaa2::response(&uak, rand_p, rand_f).0;
    let reply = authenticate.answer(msg::AUTHENTICATION_REPLY).with(ie::RAND, &rand_f);
    portable.hear(&reply.with(ie::RES, &res2).with(ie::RS, &rs).octets(), now);
    let park = format!("8545050780A800BA8A782A0606{PARK}07015F");
    portable.hear(&hex(&park), now);
    assert_eq!(events(&mut portable), [Event::Subscribed]);
    assert_eq!(portable.subscription().unwrap().uak, uak);

    // LOCATE-ACCEPT assigns a TPUI, which is acknowledged.
    portable.locate(None, now);
    portable.take();
    portable.hear(&hex("8555 0505A094003039 07015F"), now);
    assert_eq!(said(&mut portable), ["055D"]);
    assert_eq!(portable.pmid(), 0x3039);
}

#[test]
fn a_system_that_does_not_know_the_code_gets_no_subscription() {
    let (mut portable, now) = (Portable::new(ipei(), None), Instant::now());
    portable.subscribe(dsaa2::access_code("9124").unwrap(), now);
    portable.link_up(now);
    let allocate = Message::new(pd::MM, msg::KEY_ALLOCATE).with(ie::ALLOCATION_TYPE, &[2, 0x88]);
    portable.hear(&allocate.with(ie::RAND, &[3; 8]).with(ie::RS, &[1; 16]).octets(), now);
    portable.take();
    let reply = Message { from_starter: true, ..Message::new(pd::MM, msg::AUTHENTICATION_REPLY) };
    let wrong = reply.with(ie::RAND, &[3; 8]).with(ie::RES, &[0; 4]).with(ie::RS, &[2; 16]);
    portable.hear(&wrong.octets(), now);
    let outputs = portable.take();
    assert!(outputs.contains(&Output::Send(hex("8543600110"))), "{outputs:?}");
    assert!(outputs.contains(&Output::Happened(Event::NotSubscribed { reason: None })));
    portable.subscribe(dsaa2::access_code("1").unwrap(), now);
    portable.hear(&hex("8547600110"), now);
    let events = events(&mut portable);
    assert_eq!(events, [Event::NotSubscribed { reason: Some(0x10) }]);
}

#[test]
fn both_sides_prove_themselves_and_the_cipher_key_is_the_same() {
    let (mut portable, now) = (subscribed(), Instant::now());
    portable.challenge();
    portable.link_up(now);
    let ours = Message::read(&hex(&said(&mut portable)[0])).unwrap();
    let rand_p: [u8; 8] = ours.get(ie::RAND).unwrap().try_into().unwrap();
    let (rs, rand_f) = ([8; 16], [7; 8]);
    let res2 = dsaa2::response(&dsaa2::session_key(&UAK, &rs), rand_p, rand_f).0;
    let reply = ours.answer(msg::AUTHENTICATION_REPLY).with(ie::RAND, &rand_f).with(ie::RES, &res2);
    portable.hear(&reply.with(ie::RS, &rs).octets(), now);
    assert_eq!(events(&mut portable), [Event::SystemProved { right: true }]);

    portable.hear(&hex("054C19028298"), now);
    assert_eq!(said(&mut portable), ["854F600119"], "no cipher key yet");
    let theirs = Message::new(pd::MM, msg::AUTHENTICATION_REQUEST).with(ie::AUTH_TYPE, &[2, 0x18, 0x18]);
    portable.hear(&theirs.with(ie::RAND, &rand_f).with(ie::RS, &rs).octets(), now);
    let reply = Message::read(&hex(&said(&mut portable)[0])).unwrap();
    let rand_p = reply.get(ie::RAND).unwrap().try_into().unwrap();
    let (res1, dck) = dsaa2::response(&dsaa2::session_key(&UAK, &rs), rand_f, rand_p);
    assert_eq!((reply.from_starter, reply.get(ie::RES)), (false, Some(&res1[..])));
    portable.hear(&hex("054C19028298"), now);
    assert_eq!(portable.take(), [Output::Key(dck)]);
}

#[test]
fn what_the_standard_does_not_allow_is_noticed_and_the_rest_goes_on() {
    let (mut portable, now) = (subscribed(), Instant::now());
    portable.off_hook(None, now);
    portable.link_up(now);
    portable.take();
    for wrong in ["837B280E0C", "05", "0599", "0305E080"] {
        portable.hear(&hex(wrong), now);
        assert!(matches!(events(&mut portable)[..], [Event::Malformed { .. }]), "{wrong}");
    }
    portable.hear(&hex("837b280e0c4c6f67696e206661696c656402"), now);
    assert_eq!(portable.display(), "Login failed");
    portable.hear(&hex("6462 7D03008183"), now);
    assert_eq!(events(&mut portable).last(), Some(&Event::MessageWaiting { count: 3 }));
}
