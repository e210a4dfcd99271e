//! Forwards and do not disturb, and what is transferred into them.

use super::stage::Stage;
use crate::call::forward::ForwardKind::{Always, Busy, NoAnswer, OutOfRange};

super::scenes! {
    a_transfer_follows_the_targets_forward: BlindTransfer, ForwardAlways,
        "22 forwards always to 30; 20 calls 21, 21 transfers to 22, 30 answers",
        "20 and 30 talk; 22 forwards to 30", |s: &mut Stage| {
            s.forward("22", Always, "30");
            s.talk("20", "21");
            s.refer("21", "22");
            s.answer("30");
        };
    a_transfer_follows_the_busy_targets_forward: BlindTransfer, ForwardBusy,
        "22 forwards to 30 when busy; 20 calls 21, 21 transfers to 22, who is busy; 30 answers",
        "20 and 30 talk", |s: &mut Stage| {
            s.forward("22", Busy, "30");
            s.talk("20", "21");
            s.refer("21", "22");
            s.reject("22", 486);
            s.answer("30");
        };
    a_transfer_follows_the_forward_of_who_does_not_answer: BlindTransfer, ForwardNoAnswer,
        "22 forwards to 90 without answer; 20 calls 21, 21 transfers to 22, who rings for 20 s; 90 refuses",
        "20 and 21 talk", |s: &mut Stage| {
            s.forward("22", NoAnswer, "90");
            s.talk("20", "21");
            s.refer("21", "22");
            s.wait(25);
            s.reject("90", 603);
        };
    a_transfer_to_who_is_quiet_is_given_back: BlindTransfer, DoNotDisturb,
        "22 does not want to be disturbed; 20 calls 21, 21 transfers to 22",
        "20 and 21 talk", |s: &mut Stage| {
            s.quiet("22");
            s.talk("20", "21");
            s.refer("21", "22");
        };
    forward_always_comes_before_do_not_disturb: ForwardAlways, DoNotDisturb,
        "21 forwards always to 22 and does not want to be disturbed; 20 calls 21",
        "22 rings; 21 forwards to 22", |s: &mut Stage| {
            s.forward("21", Always, "22");
            s.quiet("21");
            s.dial("20", "21");
        };
    do_not_disturb_counts_as_busy: ForwardBusy, DoNotDisturb,
        "21 forwards to 22 when busy and does not want to be disturbed; 20 calls 21",
        "22 rings", |s: &mut Stage| {
            s.forward("21", Busy, "22");
            s.quiet("21");
            s.dial("20", "21");
        };
    do_not_disturb_alone_is_busy: DoNotDisturb, DoNotDisturb,
        "21 does not want to be disturbed; 20 calls 21",
        "20 is told 486", |s: &mut Stage| {
            s.quiet("21");
            s.dial("20", "21");
        };
    who_is_quiet_calls_out: DoNotDisturb, Hold,
        "21 does not want to be disturbed, calls 20 and is held",
        "21 and 20 talk; 21 hears hold", |s: &mut Stage| {
            s.quiet("21");
            s.talk("21", "20");
            s.hold("20");
        };
    forwards_in_a_row_are_followed: ForwardAlways, ForwardNoAnswer,
        "21 forwards always to 22, 22 forwards to 30 without answer; 20 calls 21, 22 rings for 20 s",
        "30 rings; 21 forwards to 22", |s: &mut Stage| {
            s.forward("21", Always, "22");
            s.forward("22", NoAnswer, "30");
            s.dial("20", "21");
            s.wait(20);
        };
    a_busy_handset_forwards: ForwardBusy, ForwardBusy,
        "21 forwards to 30 when busy; 20 calls 21, who refuses with 486",
        "30 rings", |s: &mut Stage| {
            s.forward("21", Busy, "30");
            s.dial("20", "21");
            s.reject("21", 486);
        };
    the_forward_target_is_busy_too: ForwardBusy, ForwardNoAnswer,
        "21 forwards to 22 without answer; 20 calls 21, 22 refuses with 486",
        "20 is told 486", |s: &mut Stage| {
            s.forward("21", NoAnswer, "22");
            s.dial("20", "21");
            s.wait(20);
            s.reject("22", 486);
        };
    forwards_in_a_ring_are_refused: ForwardAlways, ForwardAlways,
        "21 forwards always to 22 and 22 to 21; 20 calls 21",
        "20 is told 482; 21 forwards to 22; 22 forwards to 21", |s: &mut Stage| {
            s.forward("21", Always, "22");
            s.forward("22", Always, "21");
            s.dial("20", "21");
        };
    a_handset_out_of_range_forwards_to_the_north: ForwardOutOfRange, ForwardOutOfRange,
        "21 is out of range and forwards to 90; 20 calls 21",
        "90 rings", |s: &mut Stage| {
            s.away("21");
            s.forward("21", OutOfRange, "90");
            s.dial("20", "21");
        };
    out_of_range_and_quiet_is_busy: ForwardOutOfRange, DoNotDisturb,
        "21 is out of range, forwards to 90 then, and does not want to be disturbed; 20 calls 21",
        "20 is told 486", |s: &mut Stage| {
            s.away("21");
            s.forward("21", OutOfRange, "90");
            s.quiet("21");
            s.dial("20", "21");
        };
    a_forwarded_call_is_transferred: ForwardAlways, AttendedTransfer,
        "21 forwards always to 22; 20 calls 21, 22 answers, holds, calls 90 and joins them",
        "20 and 90 talk; 21 forwards to 22", |s: &mut Stage| {
            s.forward("21", Always, "22");
            s.dial("20", "21");
            s.answer("22");
            s.hold("22");
            s.talk("22", "90");
            s.join("22", "90");
        };
    a_call_from_the_north_is_forwarded_to_the_north: ForwardAlways, Hold,
        "21 forwards always to 91; 90 calls 21, 91 answers and holds",
        "90 and 91 talk; 21 forwards to 91", |s: &mut Stage| {
            s.forward("21", Always, "91");
            s.dial("90", "21");
            s.answer("91");
            s.hold("91");
        };
}
