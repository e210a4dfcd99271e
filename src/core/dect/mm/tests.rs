use std::time::Duration as Span;

use super::*;
use crate::dect::dsaa2::{authenticate_fixed, authenticate_portable, session_key};
use crate::dect::element::*;
use crate::dect::identity::{Ari, Ipei, Tpui};
use crate::dect::key::Key;
use crate::dect::message::{Kind, Protocol, Side, Transaction, receive};

const LEVEL: u8 = 31;

fn at(seconds: u64) -> Moment {
    Moment::from_micros(1_000_000_000) + Span::from_secs(seconds)
}

fn park() -> Park {
    Park::of(&Ari::B { eic: 0x02AF, fpn_fps: 0x12C })
}

fn own_ipui() -> Ipui {
    Ipui::N(Ipei::new(0x0E02, 0xA_E5C3).unwrap())
}

fn given_ipui() -> Ipui {
    Ipui::private(4711, 20).unwrap()
}

fn code() -> AccessCode {
    "9124".parse().unwrap()
}

fn mm(keys: Keys) -> Mm {
    let subscription = keys.uak.as_ref().map(|_| (given_ipui(), park()));
    Mm::new(Tokens::new([7; 32]), subscription, keys)
}

fn keyed() -> Mm {
    mm(Keys { uak: Some((8, Uak::from_bits([5; 16]))), code: None })
}

/// A message of the handset in a transaction it begins.
fn hers(kind: Kind) -> Message {
    Message::new(kind, Side::Portable, Transaction::first(Protocol::Mm, Side::Portable))
}

/// Gives an input, and checks that whatever is sent is whole and reads the same at the other end.
#[track_caller]
fn step(mm: &mut Mm, input: Input, seconds: u64) -> Ready<Save, Output> {
    let ready = mm.handle(input, at(seconds)).unwrap();
    for message in sent(&ready) {
        assert_eq!(receive(&message.encode(), Side::Fixed).as_ref(), Ok(message), "{message:?}");
    }
    ready
}

fn sent(ready: &Ready<Save, Output>) -> Vec<&Message> {
    ready.then.iter().filter_map(|o| if let Output::Send(m) = o { Some(m) } else { None }).collect()
}

#[track_caller]
fn only(ready: &Ready<Save, Output>) -> Message {
    let sent = sent(ready);
    assert_eq!(sent.len(), 1, "{ready:?}");
    sent[0].clone()
}

/// RES1 over what the message brings, and RAND_P.
fn proof(key: &Key, request: &Message) -> (Res, Rand) {
    let (Some(Rs::Rs128(rs)), Some(Rand(rand_f))) = (request.get(), request.get()) else { panic!() };
    let rand_p = [9; 8];
    (authenticate_portable(&session_key(key, &rs), rand_f, rand_p).0, Rand(rand_p))
}

fn reply(key: &Key, request: &Message) -> Message {
    let (res, rand) = proof(key, request);
    request.answer(Kind::AuthenticationReply).with(&res).with(&rand)
}

fn locate() -> Message {
    hers(Kind::LocateRequest).with(&PortableIdentity::Ipui(given_ipui()))
}

fn subscribe(mm: &mut Mm) -> Message {
    let request = hers(Kind::AccessRightsRequest).with(&PortableIdentity::Ipui(own_ipui()));
    let asked = step(mm, Input::Received(request), 0);
    let expected =
        Output::AccessRightsRequested { ipui: own_ipui(), auth_type: None, capability: None, model: None };
    assert_eq!(asked.then, [expected]);
    let decision = Decision::Subscribe { code: code(), ipui: given_ipui(), park: park(), level: LEVEL };
    only(&step(mm, Input::Decide(decision), 0))
}

fn key_proof(code: &AccessCode, allocate: &Message) -> Message {
    let (res, rand) = proof(&Key::of_code(code), allocate);
    let auth_type = AuthType::new(AuthAlgorithm::DSAA2, KeyKind::AC, 8);
    allocate.answer(Kind::AuthenticationRequest).with(&auth_type).with(&rand).with(&res)
}

#[test]
fn a_handset_with_the_right_code_is_subscribed_and_both_have_the_same_key() {
    let mut mm = mm(Keys::default());
    let allocate = subscribe(&mut mm);
    assert_eq!(allocate.kind, Kind::KeyAllocate);
    let done = step(&mut mm, Input::Received(key_proof(&code(), &allocate)), 1);
    let [reply, accept] = sent(&done)[..] else { panic!("{done:?}") };
    // Annex H: the reply in our transaction with flag 0, the acceptance in hers with flag 1.
    assert_eq!(
        (reply.encode()[..2].to_vec(), accept.encode()[..2].to_vec()),
        (vec![0x05, 0x41], vec![0x85, 0x45])
    );
    let (Some(Rs::Rs128(rs)), Some(Rand(rand_f))) = (reply.get(), reply.get()) else { panic!() };
    assert_ne!(Some(Rs::Rs128(rs)), allocate.get::<Rs>());
    let ks = session_key(&Key::of_code(&code()), &rs);
    assert_eq!(reply.get(), Some(authenticate_fixed(&ks, [9; 8], rand_f)));
    assert_eq!(
        done.save,
        [
            Save::Unconfirmed { number: 8, uak: Uak::allocated(&ks), code: code() },
            Save::Subscribed { ipui: given_ipui(), park: park() },
        ]
    );
    assert_eq!(accept.get(), Some(FixedIdentity::Park(park())));
    assert!(done.then.contains(&Output::Subscribed(given_ipui())));
    assert_eq!(done.then.last(), Some(&Output::LinkNotNeeded { partial: true }));
    // The first authentication over the new key confirms it.
    let challenge = only(&step(&mut mm, Input::Ask(Ask::Authenticate { store: None }), 2));
    let key = Key::of_uak(&Uak::allocated(&ks));
    assert_eq!(step(&mut mm, Input::Received(self::reply(&key, &challenge)), 2).save, [Save::Confirmed]);
}

#[test]
fn a_wrong_code_is_refused_and_leaves_no_key() {
    let mut mm = mm(Keys::default());
    let allocate = subscribe(&mut mm);
    let wrong = key_proof(&"9125".parse().unwrap(), &allocate);
    let refused = step(&mut mm, Input::Received(wrong), 1);
    let kinds: Vec<_> = sent(&refused).iter().map(|m| (m.kind, m.get::<RejectReason>())).collect();
    let failed = Some(RejectReason::AUTHENTICATION_FAILED);
    assert_eq!(kinds, [(Kind::AuthenticationReject, failed), (Kind::AccessRightsReject, failed)]);
    assert_eq!(refused.save, []);
    let again = mm.handle(Input::Ask(Ask::Authenticate { store: None }), at(2));
    assert_eq!(again, Err(Refusal::NoKey));
}

#[test]
fn an_answer_heard_once_does_not_open_the_door_again() {
    let mut mm = mm(Keys::default());
    let allocate = subscribe(&mut mm);
    let replayed = key_proof(&code(), &allocate);
    step(&mut mm, Input::Received(replayed.clone()), 1);
    let other = subscribe(&mut mm);
    assert_ne!(other.get::<Rand>(), allocate.get::<Rand>());
    let refused = step(&mut mm, Input::Received(replayed), 3);
    assert_eq!(sent(&refused)[0].kind, Kind::AuthenticationReject);
    assert_eq!(refused.save, []);
}

#[test]
fn a_handset_without_dsaa2_is_told_so() {
    let mut mm = mm(Keys::default());
    let allocate = subscribe(&mut mm);
    let auth_type = AuthType::new(AuthAlgorithm::DSAA, KeyKind::AC, 8);
    let dsaa = allocate.answer(Kind::AuthenticationRequest).with(&auth_type);
    let dsaa = dsaa.with(&Rand([1; 8])).with(&Res([1; 4]));
    let refused = step(&mut mm, Input::Received(dsaa), 1);
    let reason = Some(RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED);
    assert!(sent(&refused).iter().all(|m| m.get::<RejectReason>() == reason));
    assert!(refused.then.contains(&Output::Failed(Procedure::KeyAllocation, Failure::Unsupported)));
}

#[test]
fn a_located_handset_proves_who_it_is_and_gets_a_temporary_name() {
    let (mut mm, tpui) = (keyed(), Tpui::assigned(0x1_027B).unwrap());
    let asked = step(&mut mm, Input::Received(locate()), 0);
    let identity = PortableIdentity::Ipui(given_ipui());
    assert_eq!(asked.then, [Output::LocationRequested { identity, old_area: None, capability: None }]);
    let decision = Decision::Locate { authenticate: true, tpui: Some(tpui), level: LEVEL };
    let challenge = only(&step(&mut mm, Input::Decide(decision), 0));
    assert_eq!(challenge.get::<AuthType>().map(|t| (t.store_key, t.cipher_key_number)), Some((true, 8)));
    let proved = step(&mut mm, Input::Received(reply(&Key::of_uak(&Uak::from_bits([5; 16])), &challenge)), 1);
    assert_eq!(proved.then[0], Output::Authenticated);
    assert_eq!(only(&proved).encode()[..2], [0x85, 0x55]);
    assert_eq!(mm.deadline(), Some(at(11)));
    let taken = step(&mut mm, Input::Received(hers(Kind::TemporaryIdentityAssignAck)), 2);
    assert_eq!(taken.save, [Save::Located(Some(tpui))]);
    assert_eq!(taken.then, [Output::Located(Some(tpui)), Output::LinkNotNeeded { partial: false }]);
    assert_eq!(mm.deadline(), None);
}

#[test]
fn a_handset_that_cannot_prove_itself_is_not_located() {
    let mut mm = keyed();
    step(&mut mm, Input::Received(locate()), 0);
    let decision = Decision::Locate { authenticate: true, tpui: None, level: LEVEL };
    let challenge = only(&step(&mut mm, Input::Decide(decision), 0));
    let wrong = reply(&Key::of_uak(&Uak::from_bits([6; 16])), &challenge);
    let refused = step(&mut mm, Input::Received(wrong), 1);
    assert_eq!(only(&refused).encode(), [0x85, 0x57, 0x60, 0x01, 0x10]);
    assert_eq!(refused.save, []);
    assert!(refused.then.contains(&Output::Failed(Procedure::Authentication, Failure::WrongAnswer)));
}

#[test]
fn an_unconfirmed_key_that_does_not_work_is_deleted() {
    let mut mm = mm(Keys { uak: Some((8, Uak::from_bits([5; 16]))), code: Some(code()) });
    let challenge = only(&step(&mut mm, Input::Ask(Ask::Authenticate { store: None }), 0));
    let wrong = reply(&Key::of_uak(&Uak::from_bits([6; 16])), &challenge);
    assert_eq!(step(&mut mm, Input::Received(wrong), 1).save, [Save::Unkeyed]);
}

#[test]
fn a_reply_without_the_random_number_dsaa2_needs_proves_nothing() {
    let mut mm = keyed();
    let challenge = only(&step(&mut mm, Input::Ask(Ask::Authenticate { store: None }), 0));
    let short = challenge.answer(Kind::AuthenticationReply).with(&Res([0; 4]));
    let failed = step(&mut mm, Input::Received(short), 1);
    assert!(failed.then.contains(&Output::Failed(Procedure::Authentication, Failure::WrongAnswer)));
}

#[test]
fn an_earlier_proof_that_fails_does_not_refuse_what_is_asked_meanwhile() {
    for silent in [false, true] {
        let mut mm = keyed();
        let challenge = only(&step(&mut mm, Input::Ask(Ask::Authenticate { store: None }), 0));
        step(&mut mm, Input::Received(locate()), 1);
        let failed = match silent {
            true => {
                step(&mut mm, Input::Deadline, 10);
                step(&mut mm, Input::Deadline, 20)
            }
            false => {
                let wrong = reply(&Key::of_uak(&Uak::from_bits([6; 16])), &challenge);
                step(&mut mm, Input::Received(wrong), 2)
            }
        };
        assert!(matches!(failed.then[..], [Output::Failed(Procedure::Authentication, _)]), "{failed:?}");
        let decision = Decision::Locate { authenticate: true, tpui: None, level: LEVEL };
        let again = only(&step(&mut mm, Input::Decide(decision), 21));
        let right = reply(&Key::of_uak(&Uak::from_bits([5; 16])), &again);
        assert_eq!(step(&mut mm, Input::Received(right), 22).save, [Save::Located(None)]);
    }
}

#[test]
fn silence_is_asked_again_once_and_then_given_up() {
    let mut mm = keyed();
    step(&mut mm, Input::Received(locate()), 0);
    let decision = Decision::Locate { authenticate: true, tpui: None, level: LEVEL };
    let challenge = only(&step(&mut mm, Input::Decide(decision), 0));
    assert_eq!(mm.deadline(), Some(at(10)));
    assert_eq!(step(&mut mm, Input::Deadline, 9).then, []);
    assert_eq!(step(&mut mm, Input::Deadline, 10).then, [Output::Send(challenge)]);
    let given_up = step(&mut mm, Input::Deadline, 20);
    assert_eq!(only(&given_up).get(), Some(RejectReason::TIMER_EXPIRY));
    assert_eq!(given_up.then[0], Output::Failed(Procedure::Authentication, Failure::NoAnswer));
    assert_eq!(mm.deadline(), None);
}

#[test]
fn what_the_handset_repeats_is_asked_of_the_switch_once() {
    let mut mm = keyed();
    assert_eq!(step(&mut mm, Input::Received(locate()), 0).then.len(), 1);
    assert_eq!(step(&mut mm, Input::Received(locate()), 20).then, []);
}

#[test]
fn the_handset_may_authenticate_the_switch_at_any_time() {
    let mut mm = keyed();
    step(&mut mm, Input::Ask(Ask::Identify(vec![IdentityType::IPEI])), 0);
    let auth_type = AuthType::new(AuthAlgorithm::DSAA2, KeyKind::UAK, 8);
    let request = hers(Kind::AuthenticationRequest).with(&auth_type).with(&Rand([3; 8]));
    let reply = only(&step(&mut mm, Input::Received(request), 6));
    let (Some(Rs::Rs128(rs)), Some(Rand(rand_f))) = (reply.get(), reply.get()) else { panic!() };
    let ks = session_key(&Key::of_uak(&Uak::from_bits([5; 16])), &rs);
    assert_eq!(reply.get(), Some(authenticate_fixed(&ks, [3; 8], rand_f)));
    assert_eq!(reply.encode()[..2], [0x85, 0x41]);
    assert_eq!(mm.deadline(), Some(at(16)), "the timer of our own procedure begins anew");
    let other = AuthType::new(AuthAlgorithm::GSM, KeyKind::UAK, 8);
    let request = hers(Kind::AuthenticationRequest).with(&other).with(&Rand([3; 8]));
    let reject = only(&step(&mut mm, Input::Received(request), 6));
    assert_eq!(reject.get(), Some(RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED));
}

#[test]
fn what_the_switch_asks_is_done_one_after_another() {
    let mut mm = keyed();
    let first = only(&step(&mut mm, Input::Ask(Ask::Identify(vec![IdentityType::IPEI])), 0));
    let tpui = Tpui::assigned(1).unwrap();
    let assign = Ask::Assign(tpui, Duration { lock: Lock::TemporaryUser, limit: TimeLimit::Infinite });
    assert_eq!(step(&mut mm, Input::Ask(assign), 0).then, []);
    let ipei = PortableIdentity::Ipei(Ipei::new(1, 5).unwrap());
    let ready = step(&mut mm, Input::Received(first.answer(Kind::IdentityReply).with(&ipei)), 1);
    assert_eq!(ready.then[0], Output::Identified(vec![ipei]));
    let second = only(&ready);
    assert_eq!(second.kind, Kind::TemporaryIdentityAssign);
    let refused = step(&mut mm, Input::Received(second.answer(Kind::TemporaryIdentityAssignRej)), 2);
    assert_eq!(refused.then[0], Output::Failed(Procedure::Assignment, Failure::Rejected(None)));
    for _ in 0..=MAX_WAITING {
        step(&mut mm, Input::Ask(Ask::Terminate), 3);
    }
    assert_eq!(mm.handle(Input::Ask(Ask::Terminate), at(3)), Err(Refusal::TooMany));
}

#[test]
fn ciphering_needs_a_key_and_ends_with_the_word_of_the_base_station() {
    let mut mm = keyed();
    let on = Ask::Cipher { enable: true, algorithm: CipherAlgorithm::DSC2 };
    assert_eq!(mm.handle(Input::Ask(on.clone()), at(0)), Err(Refusal::NoCipherKey));
    let challenge = only(&step(&mut mm, Input::Ask(Ask::Authenticate { store: Some(8) }), 0));
    step(&mut mm, Input::Received(reply(&Key::of_uak(&Uak::from_bits([5; 16])), &challenge)), 1);
    let ready = step(&mut mm, Input::Ask(on), 2);
    let Output::CipherKey { algorithm, number: 8, key } = &ready.then[0] else { panic!("{ready:?}") };
    assert_eq!((*algorithm, key.0.len()), (CipherAlgorithm::DSC2, 16));
    assert_eq!(only(&ready).encode(), [0x05, 0x4C, 0x19, 0x02, 0x82, 0x98]);
    let done = step(&mut mm, Input::Ciphered(true), 3);
    assert_eq!(done.then, [Output::Ciphered(true), Output::LinkNotNeeded { partial: true }]);
    assert_eq!(mm.deadline(), None);
    // The handset suggests it itself: in its own transaction.
    let wanted = CipherInfo {
        enable: true,
        algorithm: CipherAlgorithm::DSC2,
        proprietary: None,
        key: CipherKeyKind::DERIVED,
        key_number: 8,
    };
    let request = only(&step(&mut mm, Input::Received(hers(Kind::CipherSuggest).with(&wanted)), 4));
    assert_eq!(request.encode()[..2], [0x85, 0x4C]);
    let refused = step(&mut mm, Input::Received(hers(Kind::CipherReject)), 5);
    assert_eq!(refused.then[0], Output::Failed(Procedure::Ciphering, Failure::Rejected(None)));
    let other = CipherInfo { key_number: 3, ..wanted };
    let reject = only(&step(&mut mm, Input::Received(hers(Kind::CipherSuggest).with(&other)), 6));
    assert_eq!(reject.get(), Some(RejectReason::CIPHER_KEY_NOT_SUPPORTED));
}

#[test]
fn a_subscription_ends_from_either_side_and_its_keys_with_it() {
    let mut mm = keyed();
    let request = only(&step(&mut mm, Input::Ask(Ask::Terminate), 0));
    let ended = step(&mut mm, Input::Received(request.answer(Kind::AccessRightsTerminateAccept)), 1);
    assert_eq!(ended.save, [Save::Unsubscribed]);
    assert_eq!(mm.handle(Input::Ask(Ask::Terminate), at(2)), Err(Refusal::NotSubscribed));
    let mut mm = keyed();
    let identity = PortableIdentity::Ipui(given_ipui());
    let request = hers(Kind::AccessRightsTerminateRequest).with(&identity);
    let asked = step(&mut mm, Input::Received(request), 0);
    assert_eq!(asked.then, [Output::TerminationRequested(identity)]);
    let ended = step(&mut mm, Input::Decide(Decision::Terminate { authenticate: false }), 1);
    assert_eq!(
        (only(&ended).kind, ended.save),
        (Kind::AccessRightsTerminateAccept, vec![Save::Unsubscribed])
    );
}

#[test]
fn a_handset_that_leaves_is_saved_as_gone() {
    let mut mm = keyed();
    let detach = hers(Kind::Detach).with(&PortableIdentity::Ipui(given_ipui()));
    let gone = step(&mut mm, Input::Received(detach), 0);
    assert_eq!(gone.save, [Save::Detached]);
    assert_eq!(gone.then, [Output::Detached, Output::LinkNotNeeded { partial: true }]);
}

#[test]
fn a_lost_link_ends_everything() {
    let mut mm = keyed();
    step(&mut mm, Input::Received(locate()), 0);
    step(&mut mm, Input::Decide(Decision::Locate { authenticate: true, tpui: None, level: LEVEL }), 0);
    let lost = step(&mut mm, Input::LinkLost, 1);
    assert_eq!(
        lost.then,
        [
            Output::Failed(Procedure::Authentication, Failure::LinkLost),
            Output::Failed(Procedure::Location, Failure::LinkLost),
        ]
    );
    assert_eq!((mm.deadline(), mm.is_busy()), (None, false));
}

#[test]
fn nothing_is_decided_that_was_not_asked() {
    let mut mm = keyed();
    let refuse = Decision::Refuse(RejectReason::IPUI_NOT_ACCEPTED);
    assert_eq!(mm.handle(Input::Decide(refuse.clone()), at(0)), Err(Refusal::NothingAsked));
    step(&mut mm, Input::Received(locate()), 0);
    let terminate = Input::Decide(Decision::Terminate { authenticate: false });
    assert_eq!(mm.handle(terminate, at(0)), Err(Refusal::NothingAsked));
    assert_eq!(only(&step(&mut mm, Input::Decide(refuse), 0)).encode(), [0x85, 0x57, 0x60, 0x01, 0x06]);
}
