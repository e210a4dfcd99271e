use super::*;
use crate::dect::message::receive;

fn at(seconds: u64) -> Moment {
    Moment::from_micros(1_000_000_000) + Duration::from_secs(seconds)
}

fn ipui() -> Ipui {
    Ipui::private(4711, 20).unwrap()
}

fn tpui() -> Tpui {
    Tpui::assigned(0x1_027B).unwrap()
}

fn word() -> Message {
    Message::begin(Kind::CcInfo)
}

fn link() -> Link {
    Link::new(ipui(), Some(tpui()))
}

fn step(link: &mut Link, input: Input, seconds: u64) -> Vec<Output> {
    link.handle(input, at(seconds)).unwrap().then
}

fn say() -> Input {
    Input::Send(word(), PageHeader::Voice)
}

fn the_page() -> Output {
    Output::Page(Page { header: PageHeader::Voice, address: PageAddress::Assigned(0x027B) })
}

#[test]
fn a_handset_is_paged_once_for_all_that_waits_and_told_all_when_it_answers() {
    let mut link = link();
    assert_eq!(step(&mut link, say(), 0), [the_page()]);
    assert_eq!(step(&mut link, say(), 1), []);
    assert_eq!(link.state(), State::EstablishPending);
    let opened = step(&mut link, Input::Opened { with_message: true }, 2);
    assert_eq!(opened, [Output::Data(word()), Output::Data(word())]);
    assert_eq!((link.state(), link.deadline()), (State::Established, None));
    assert_eq!(step(&mut link, say(), 3), [Output::Data(word())]);
}

#[test]
fn a_silent_handset_is_paged_three_times_more_and_given_up() {
    let mut link = link();
    step(&mut link, say(), 0);
    for seconds in [3, 6, 9] {
        assert_eq!(step(&mut link, Input::Deadline, seconds), [the_page()]);
    }
    assert_eq!(step(&mut link, Input::Deadline, 12), [Output::Unreachable { dropped: 1 }]);
    assert_eq!((link.state(), link.deadline()), (State::Released, None));
    assert_eq!(step(&mut link, say(), 12), [the_page()], "a new establishment may begin at once");
}

#[test]
fn what_waits_has_a_limit_and_can_be_taken_back() {
    let mut link = link();
    for _ in 0..MAX_QUEUED {
        step(&mut link, say(), 0);
    }
    assert_eq!(link.handle(say(), at(0)), Err(Refusal::Full));
    assert_eq!(step(&mut link, Input::Discard, 1), []);
    assert_eq!((link.state(), link.deadline()), (State::Released, None));
}

#[test]
fn a_link_is_released_when_nobody_needs_it() {
    let mut link = link();
    step(&mut link, Input::Opened { with_message: true }, 0);
    assert_eq!(step(&mut link, Input::NotNeeded { partial: false, in_use: true }, 1), []);
    let released = step(&mut link, Input::NotNeeded { partial: false, in_use: false }, 1);
    assert_eq!(released, [Output::Release { normal: true }]);
    assert_eq!(link.handle(say(), at(2)), Err(Refusal::Releasing));
    step(&mut link, Input::ReleaseConfirmed, 2);
    assert_eq!((link.state(), link.deadline()), (State::Released, None));
}

#[test]
fn a_release_without_confirmation_is_forced() {
    let mut link = link();
    step(&mut link, Input::Opened { with_message: true }, 0);
    step(&mut link, Input::NotNeeded { partial: false, in_use: false }, 0);
    assert_eq!(step(&mut link, Input::Deadline, 5), [Output::Release { normal: false }]);
    assert_eq!(link.state(), State::Released);
}

#[test]
fn a_partial_release_keeps_the_link_for_ten_seconds_unless_it_is_used() {
    let mut link = link();
    step(&mut link, Input::Opened { with_message: true }, 0);
    step(&mut link, Input::NotNeeded { partial: true, in_use: false }, 0);
    step(&mut link, Input::Heard, 4);
    assert_eq!(link.deadline(), None);
    step(&mut link, Input::NotNeeded { partial: true, in_use: false }, 5);
    assert_eq!(step(&mut link, Input::Deadline, 15), [Output::Release { normal: false }]);
}

#[test]
fn a_link_without_a_word_is_released() {
    let mut link = link();
    step(&mut link, Input::Opened { with_message: false }, 0);
    assert_eq!(step(&mut link, Input::Deadline, 5), [Output::Release { normal: true }]);
}

#[test]
fn a_link_lost_in_a_call_may_come_back_within_five_seconds() {
    let mut link = link();
    step(&mut link, Input::Opened { with_message: true }, 0);
    step(&mut link, Input::Failed { resume: true }, 1);
    assert_eq!(step(&mut link, say(), 2), [], "said when it is back");
    step(&mut link, Input::Failed { resume: true }, 3);
    assert_eq!(link.deadline(), Some(at(6)));
    assert_eq!(step(&mut link, Input::Opened { with_message: true }, 5), [Output::Data(word())]);
    step(&mut link, Input::Failed { resume: true }, 6);
    assert_eq!(step(&mut link, Input::Deadline, 11), [Output::Gone]);
    assert_eq!(link.state(), State::Released);
}

#[test]
fn only_the_paged_handset_answers_a_page() {
    let response = |hex: &[u8]| receive(hex, Side::Portable).unwrap();
    let by_ipui = response(&[0x00, 0x71, 0x05, 0x05, 0x80, 0x98, 0x10, 0x12, 0x67]);
    assert!(answers(&by_ipui, &ipui(), None));
    assert!(!answers(&by_ipui, &Ipui::private(4712, 20).unwrap(), None));
    let by_tpui = response(&[0x00, 0x71, 0x05, 0x05, 0xA0, 0x94, 0x01, 0x02, 0x7B]);
    assert!(answers(&by_tpui, &ipui(), Some(tpui())));
    assert!(!answers(&by_tpui, &ipui(), None));
    let rejected = reject(&by_tpui, RejectReason::INVALID_TPUI).encode();
    assert_eq!(rejected, [0x80, 0x72, 0x05, 0x05, 0xA0, 0x94, 0x01, 0x02, 0x7B, 0x60, 0x01, 0x23]);
}

#[test]
fn six_transactions_can_be_begun_at_once_and_one_of_mobility() {
    let mut in_use = Vec::new();
    while let Some(transaction) = free(Protocol::Cc, &in_use) {
        in_use.push(transaction);
    }
    assert_eq!(in_use.iter().map(|t| t.value).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    in_use.remove(3);
    assert_eq!(free(Protocol::Cc, &in_use).map(|t| t.value), Some(3));
    let mobility = free(Protocol::Mm, &[]).unwrap();
    assert_eq!(free(Protocol::Mm, &[mobility]), None);
    let theirs = Transaction { starter: Side::Portable, ..mobility };
    assert_eq!(free(Protocol::Mm, &[theirs]), Some(mobility));
}
