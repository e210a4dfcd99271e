//! Calls that ring, taken from another telephone by a code.

use super::stage::Stage;
use crate::call::forward::ForwardKind::{Always, Busy, NoAnswer};

super::scenes! {
    a_ringing_call_is_taken_by_a_code_and_held: PickUpByCode, Hold,
        "20 calls 21; 22 takes the call with *8*21#, and 20 holds",
        "20 and 22 talk; 22 hears hold", |s: &mut Stage| {
            s.dial("20", "21");
            s.dial("22", "*8*21#");
            s.hold("20");
        };
    a_native_handset_takes_a_call_of_its_group: PickUpByCode, NativeKeys,
        "90 calls 21; 30 takes the call with *8#",
        "90 and 30 talk", |s: &mut Stage| {
            s.dial("90", "21");
            s.dial("30", "*8#");
        };
    a_call_that_rings_at_a_native_handset_is_taken: PickUpByCode, NativeKeys,
        "20 calls 30; 31 takes the call with *8*30#, and 20 hangs up",
        "nobody is in a call", |s: &mut Stage| {
            s.dial("20", "30");
            s.dial("31", "*8*30#");
            s.hang_up("20");
        };
    two_want_the_same_call: PickUpByCode, PickUpByCode,
        "20 calls 21; 22 takes the call with *8#, then 30 dials *8#",
        "20 and 22 talk", |s: &mut Stage| {
            s.dial("20", "21");
            s.dial("22", "*8#");
            s.dial("30", "*8#");
        };
    nobody_takes_ones_own_call: PickUpByCode, PickUpByCode,
        "20 calls 21, who dials *8*21#",
        "21 rings; 21 is told 480", |s: &mut Stage| {
            s.dial("20", "21");
            s.dial("21", "*8*21#");
        };
    a_taken_call_is_transferred: PickUpByCode, BlindTransfer,
        "90 calls 21; 22 takes the call with *8*21# and transfers it to 20, who answers",
        "90 and 20 talk", |s: &mut Stage| {
            s.dial("90", "21");
            s.dial("22", "*8*21#");
            s.refer("22", "20");
            s.answer("20");
        };
    a_call_that_rings_for_a_transfer_is_not_taken: PickUpByCode, BlindTransfer,
        "20 calls 21, 21 transfers to 22, which rings; 30 dials *8*22#",
        "20 and 21 talk; 20 hears ringing; 22 rings", |s: &mut Stage| {
            s.talk("20", "21");
            s.refer("21", "22");
            s.dial("30", "*8*22#");
        };
    a_taken_call_is_joined_with_another: PickUpByCode, AttendedTransfer,
        "20 calls 21; 22 takes the call with *8*21#, holds, calls 90, and joins them",
        "20 and 90 talk", |s: &mut Stage| {
            s.dial("20", "21");
            s.dial("22", "*8*21#");
            s.hold("22");
            s.talk("22", "90");
            s.join("22", "90");
        };
    a_taken_call_is_taken_over_by_replaces: PickUpByCode, PickUp,
        "90 calls 21; 22 takes the call with *8*21#; 20 takes the place of 22",
        "90 and 20 talk", |s: &mut Stage| {
            s.dial("90", "21");
            s.dial("22", "*8*21#");
            s.pick_up("20", "22");
        };
    a_forwarded_call_is_taken_where_it_rings: PickUpByCode, ForwardAlways,
        "21 forwards always to 30; 20 calls 21; 22 dials *8*21#, then *8*30#",
        "20 and 22 talk; 22 is told 480; 21 forwards to 30", |s: &mut Stage| {
            s.forward("21", Always, "30");
            s.dial("20", "21");
            s.dial("22", "*8*21#");
            s.dial("22", "*8*30#");
        };
    a_taken_call_is_not_forwarded: PickUpByCode, ForwardNoAnswer,
        "21 forwards to 91 without answer; 20 calls 21; 22 takes the call with *8*21# and talks for 30 s",
        "20 and 22 talk", |s: &mut Stage| {
            s.forward("21", NoAnswer, "91");
            s.dial("20", "21");
            s.dial("22", "*8*21#");
            s.wait(30);
        };
    what_forwards_when_busy_is_taken_where_it_went: PickUpByCode, ForwardBusy,
        "21 forwards to 22 when busy; 20 calls 21, who refuses with 486; 30 takes the call with *8*22#",
        "20 and 30 talk", |s: &mut Stage| {
            s.forward("21", Busy, "22");
            s.dial("20", "21");
            s.reject("21", 486);
            s.dial("30", "*8*22#");
        };
    who_is_quiet_takes_calls_of_others: PickUpByCode, DoNotDisturb,
        "22 does not want to be disturbed; 20 calls 21; 22 takes the call with *8*21#",
        "20 and 22 talk", |s: &mut Stage| {
            s.quiet("22");
            s.dial("20", "21");
            s.dial("22", "*8*21#");
        };
    a_call_is_taken_although_calls_are_barred: PickUpByCode, Barring,
        "22 may call inside only; 90 calls 21; 22 takes the call with *8*21#",
        "90 and 22 talk", |s: &mut Stage| {
            s.barred("22");
            s.dial("90", "21");
            s.dial("22", "*8*21#");
        };
    an_emergency_call_is_not_taken_on_its_way_out: PickUpByCode, Emergency,
        "20 dials 112, which rings; 22 dials *8*112#",
        "22 is told 480; 112 rings", |s: &mut Stage| {
            s.dial("20", "112");
            s.dial("22", "*8*112#");
        };
}
