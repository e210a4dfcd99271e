//! G.722 on the air: who has it, how it is told, and how a call changes.

use super::*;

/// Long slots in octet 3c, wideband speech in octet 4f.
fn wideband() -> Vec<u8> {
    let (slots, profile) = (vec![5, 0x30, 0x0A], vec![2, 0, 0, 0, 0, 0, 2]);
    TerminalCapability::from_groups(vec![slots, profile, vec![0x60]]).encode()
}

fn handset(capability: Vec<u8>) -> Air {
    let standing = Standing { capability, ..standing() };
    Air::of(Portable::restored(standing, rules(false), Tokens::new([7; 32])))
}

fn only(codec: Codec) -> CodecList {
    CodecList::negotiable(vec![codec])
}

fn both() -> CodecList {
    CodecList::negotiable(vec![Codec::G722, Codec::G726])
}

fn narrows(air: &mut Air) -> bool {
    air.news().iter().any(|news| matches!(news, News::Call(_, CallNews::StaysNarrow)))
}

/// In talk in G.722, begun by the handset.
fn talking() -> (Air, CallNo, Message) {
    let mut air = handset(wideband());
    let setup = setup().with(&MultiKeypad::new(*b"4711")).with(&both()).with_flag(Tag::SENDING_COMPLETE);
    air.opens(1, &setup);
    let call = CallNo(CallNo::OF_HANDSET);
    assert!(air.machine.is_wideband(call));
    air.order(Order::Speak(call, true));
    air.order(Order::Tell(call, Fare::Connected));
    let heard = air.heard();
    let connect = heard.last().unwrap();
    assert_eq!((connect.kind, connect.get()), (Kind::CcConnect, Some(only(Codec::G722))));
    air.told();
    (air, call, setup)
}

/// What the handset answers to {CC-SERVICE-CHANGE}.
fn answers(change: &Message, kind: Kind) -> Message {
    Message::new(kind, Side::Portable, change.transaction)
}

#[test]
fn a_handset_without_g722_hears_nothing_of_codecs() {
    for capability in [Vec::new(), TerminalCapability::from_groups(vec![vec![5, 0x30, 0x0A]]).encode()] {
        let mut air = handset(capability);
        let call = dials(&mut air);
        assert!(!air.machine.is_wideband(call));
        air.order(Order::Speak(call, false));
        air.order(Order::Tell(call, Fare::Connected));
        assert!(air.heard().iter().all(|message| message.get::<CodecList>().is_none()));
        let mut air = handset(Vec::new());
        assert_eq!(offered(&mut air).get::<CodecList>(), None);
    }
    // One that has it, and whose installation does not want it.
    let standing = Standing { capability: wideband(), ..standing() };
    let rules = Rules { wideband: false, ..rules(false) };
    let mut air = Air::of(Portable::restored(standing, rules, Tokens::new([7; 32])));
    assert_eq!(offered(&mut air).get::<CodecList>(), None);
}

#[test]
fn a_handset_that_lists_g726_alone_stays_in_it() {
    let mut air = handset(wideband());
    let setup = setup().with(&MultiKeypad::new(*b"4711")).with(&only(Codec::G726));
    air.opens(1, &setup.with_flag(Tag::SENDING_COMPLETE));
    assert!(!air.machine.is_wideband(CallNo(CallNo::OF_HANDSET)));
}

#[test]
fn a_called_handset_takes_g722_and_keeps_it_where_the_connection_is_wide() {
    for wide in [true, false] {
        let mut air = handset(wideband());
        let setup = offered(&mut air);
        assert_eq!(setup.get(), Some(both()));
        if wide {
            air.order(Order::Speak(OFFERED, true));
        }
        air.says(&setup.answer(Kind::CcAlerting));
        air.says(&setup.answer(Kind::CcConnect).with(&only(Codec::G722)));
        let heard = air.heard();
        assert_eq!(heard[0].kind, Kind::CcConnectAck);
        match &heard[1..] {
            [] => assert!(wide, "nothing is left to say"),
            [change] => {
                assert!(!wide && change.kind == Kind::CcServiceChange, "{change:?}");
                assert_eq!(change.get(), Some(only(Codec::G726)));
            }
            more => panic!("{more:?}"),
        }
    }
}

#[test]
fn a_call_goes_back_to_g726_and_forth_again_one_change_at_a_time() {
    let (mut air, call, _) = talking();
    air.order(Order::Speak(call, true));
    assert_eq!(air.heard(), [], "it is so");
    air.order(Order::Speak(call, false));
    let change = air.heard_one();
    assert_eq!(change.get::<ServiceChange>().map(|change| change.mode), Some(ChangeMode::AUDIO_CODEC));
    assert_eq!(change.get(), Some(only(Codec::G726)));
    air.order(Order::Speak(call, true));
    assert_eq!(air.heard(), [], "the first is not answered");
    air.says(&answers(&change, Kind::CcServiceAccept));
    let change = air.heard_one();
    assert_eq!(change.get(), Some(only(Codec::G722)));
    air.says(&answers(&change, Kind::CcServiceAccept));
    assert_eq!((air.heard(), narrows(&mut air)), (Vec::new(), false));
}

#[test]
fn a_refused_or_unanswered_change_to_g722_is_told_of_once() {
    for answered in [true, false] {
        let (mut air, call, _) = talking();
        air.order(Order::Speak(call, false));
        let change = air.heard_one();
        air.says(&answers(&change, Kind::CcServiceAccept));
        air.order(Order::Speak(call, true));
        let change = air.heard_one();
        match answered {
            true => air.says(&answers(&change, Kind::CcServiceReject)),
            false => air.wait(air.now + Duration::from_secs(20)),
        }
        assert!(narrows(&mut air));
        assert_eq!(air.heard(), [], "and not asked again");
    }
}

#[test]
fn a_handset_may_go_back_to_g726_by_itself_and_to_nothing_else() {
    let (mut air, call, _) = talking();
    let mode = ChangeMode::AUDIO_CODEC;
    let change =
        ServiceChange { standard: 0, receiver_is_master: false, mode, extended: None, attributes: None };
    let asks = |codec| named(Kind::CcServiceChange).with(&change).with(&only(codec));
    air.says(&asks(Codec::G722));
    assert_eq!((air.heard_one().kind, narrows(&mut air)), (Kind::CcServiceReject, false));
    air.says(&asks(Codec::G726));
    assert_eq!(air.heard_one().kind, Kind::CcServiceAccept);
    assert!(narrows(&mut air));
    air.order(Order::Speak(call, false));
    assert_eq!(air.heard(), [], "it is so already");
}
