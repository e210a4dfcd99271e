//! Native handsets with two calls, in rooms, and on their way from one base station to another.

use super::stage::Stage;
use crate::call::forward::ForwardKind::{Always, Busy, NoAnswer, OutOfRange};

super::scenes! {
    a_held_call_is_taken_back_at_another_base_station: Hold, Handover,
        "30 calls 90 and holds it, moves to another base station, and takes it back",
        "30 and 90 talk", |s: &mut Stage| {
            s.talk("30", "90");
            s.hold("30");
            s.walk("30");
            s.resume("30");
        };
    a_handset_that_moves_in_a_second_call_connects_the_two: AttendedTransfer, Handover,
        "30 calls 90, presses R, calls 91, who answers; 30 moves to another base station and presses R4",
        "91 and 90 talk", |s: &mut Stage| {
            s.talk("30", "90");
            s.press("30", "R91#");
            s.answer("91");
            s.walk("30");
            s.press("30", "R4");
        };
    a_handset_that_moves_is_transferred: BlindTransfer, Handover,
        "90 calls 30, 30 moves to another base station, 90 transfers it to 22, 22 answers",
        "22 and 30 talk", |s: &mut Stage| {
            s.talk("90", "30");
            s.walk("30");
            s.refer("90", "22");
            s.answer("22");
        };
    an_emergency_call_goes_on_at_another_base_station: Emergency, Handover,
        "30 calls 112, 112 answers; 30 moves to another base station",
        "30 and 112 talk", |s: &mut Stage| {
            s.talk("30", "112");
            s.walk("30");
        };
    a_handset_moves_while_it_rings_and_answers: ForwardNoAnswer, Handover,
        "30 forwards to 90 without answer; 20 calls 30, which moves to another base station and answers",
        "20 and 30 talk", |s: &mut Stage| {
            s.forward("30", NoAnswer, "90");
            s.dial("20", "30");
            s.walk("30");
            s.answer("30");
        };
    who_is_in_a_room_moves: Room, Handover,
        "30 dials the room 8001 and moves to another base station",
        "30 is in the room 8001", |s: &mut Stage| {
            s.dial("30", "8001");
            s.walk("30");
        };
    a_transfer_waits_at_a_handset_in_talk: BlindTransfer, CallWaiting,
        "30 talks with 90; 20 calls 21, 21 transfers to 30, and 30 presses R2",
        "30 and 90 talk; 90 hears hold; 20 and 30 talk", |s: &mut Stage| {
            s.talk("30", "90");
            s.talk("20", "21");
            s.refer("21", "30");
            s.press("30", "R2");
        };
    who_is_in_a_room_takes_a_call_that_waits: Room, CallWaiting,
        "30 dials the room 8001; 20 calls 30, and 30 presses R2",
        "30 is in the room 8001; 20 and 30 talk", |s: &mut Stage| {
            s.dial("30", "8001");
            s.dial("20", "30");
            s.press("30", "R2");
        };
    a_second_call_leads_into_a_room: Room, NativeKeys,
        "30 calls 90, presses R and calls the room 8001",
        "30 and 90 talk; 90 hears hold; 30 is in the room 8001", |s: &mut Stage| {
            s.talk("30", "90");
            s.press("30", "R8001#");
        };
    a_second_call_follows_a_forward: ForwardAlways, NativeKeys,
        "21 forwards always to 22; 30 calls 90, presses R and calls 21, 22 answers",
        "30 and 90 talk; 90 hears hold; 30 and 22 talk; 21 forwards to 22", |s: &mut Stage| {
            s.forward("21", Always, "22");
            s.talk("30", "90");
            s.press("30", "R21#");
            s.answer("22");
        };
    an_emergency_call_is_a_second_call: Emergency, NativeKeys,
        "30 calls 90, presses R and calls 112, 112 answers",
        "30 and 90 talk; 90 hears hold; 30 and 112 talk", |s: &mut Stage| {
            s.talk("30", "90");
            s.press("30", "R112#");
            s.answer("112");
        };
    a_transfer_follows_who_is_out_of_range: BlindTransfer, ForwardOutOfRange,
        "22 is out of range and forwards to 90; 20 calls 21, 21 transfers to 22, 90 answers",
        "20 and 90 talk", |s: &mut Stage| {
            s.away("22");
            s.forward("22", OutOfRange, "90");
            s.talk("20", "21");
            s.refer("21", "22");
            s.answer("90");
        };
    a_consultation_with_who_is_quiet_is_refused: AttendedTransfer, DoNotDisturb,
        "22 does not want to be disturbed; 20 calls 21; 21 holds and calls 22",
        "20 and 21 talk; 20 hears hold; 21 is told 486", |s: &mut Stage| {
            s.quiet("22");
            s.talk("20", "21");
            s.hold("21");
            s.dial("21", "22");
        };
    who_may_call_inside_only_consults_inside_only: AttendedTransfer, Barring,
        "21 may call inside only; 20 calls 21; 21 holds and calls 00391234",
        "20 and 21 talk; 20 hears hold; 21 is told 403", |s: &mut Stage| {
            s.barred("21");
            s.talk("20", "21");
            s.hold("21");
            s.dial("21", "00391234");
        };
    a_consultation_follows_a_busy_forward: AttendedTransfer, ForwardBusy,
        "22 forwards to 90 when busy; 20 calls 21; 21 holds, calls 22, who is busy; 90 answers, 21 joins them",
        "20 and 90 talk", |s: &mut Stage| {
            s.forward("22", Busy, "90");
            s.talk("20", "21");
            s.hold("21");
            s.dial("21", "22");
            s.reject("22", 486);
            s.answer("90");
            s.join("21", "90");
        };
    a_forwarded_call_is_picked_up: ForwardAlways, PickUp,
        "21 forwards always to 22; 90 calls 21, 22 answers; 20 takes the place of 22",
        "90 and 20 talk; 21 forwards to 22", |s: &mut Stage| {
            s.forward("21", Always, "22");
            s.dial("90", "21");
            s.answer("22");
            s.pick_up("20", "22");
        };
    who_is_quiet_picks_up: DoNotDisturb, PickUp,
        "22 does not want to be disturbed; 20 calls 21; 22 takes the place of 21",
        "20 and 22 talk", |s: &mut Stage| {
            s.quiet("22");
            s.talk("20", "21");
            s.pick_up("22", "21");
        };
    a_forward_out_of_range_has_the_rights_of_who_forwards: ForwardOutOfRange, Barring,
        "21 may call inside only, is out of range and forwards to 00391234; 20 calls 21",
        "20 is told 403", |s: &mut Stage| {
            s.barred("21");
            s.away("21");
            s.forward("21", OutOfRange, "00391234");
            s.dial("20", "21");
        };
    the_desk_reaches_who_forwards_without_answer: Emergency, ForwardNoAnswer,
        "20 forwards to 22 without answer, dials 112 and hangs up; 112 calls 20, which rings for 25 s",
        "20 rings", |s: &mut Stage| {
            s.forward("20", NoAnswer, "22");
            s.talk("20", "112");
            s.hang_up("20");
            s.dial("112", "20");
            s.wait(25);
        };
    a_sign_comes_to_a_handset_in_talk: Hold, MessageWaiting,
        "30 calls 90 and holds it; a message comes for 30, and 30 takes the call back",
        "30 and 90 talk", |s: &mut Stage| {
            s.talk("30", "90");
            s.hold("30");
            s.message("30");
            s.resume("30");
        };
    a_sign_pages_a_handset_that_a_call_reaches_next: MessageWaiting, ForwardBusy,
        "30 forwards to 22 when busy; a message comes for 30, and 20 calls 30",
        "30 rings", |s: &mut Stage| {
            s.forward("30", Busy, "22");
            s.message("30");
            s.dial("20", "30");
            s.wait(2);
        };
}
