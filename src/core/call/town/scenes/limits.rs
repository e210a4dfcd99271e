//! Barring, emergency calls and feature codes.

use super::stage::Stage;
use crate::call::forward::ForwardKind::{Always, Busy};

super::scenes! {
    barring_refuses_a_toll_call: Barring, Barring,
        "20 may call inside only and dials 00391234",
        "20 is told 403", |s: &mut Stage| {
            s.barred("20");
            s.dial("20", "00391234");
        };
    a_forward_has_the_rights_of_who_forwards: Barring, ForwardAlways,
        "21 may call inside only and forwards always to 00391234; 20, who may, calls 21",
        "20 is told 403; 21 forwards to 00391234", |s: &mut Stage| {
            s.barred("21");
            s.forward("21", Always, "00391234");
            s.dial("20", "21");
        };
    a_transfer_has_the_rights_of_who_transfers: Barring, BlindTransfer,
        "21 may call inside only; 20 calls 21, 21 transfers to 00391234",
        "20 and 21 talk", |s: &mut Stage| {
            s.barred("21");
            s.talk("20", "21");
            s.refer("21", "00391234");
        };
    an_emergency_call_passes_barring: Emergency, Barring,
        "20 may call inside only and dials 112, 112 answers",
        "20 and 112 talk", |s: &mut Stage| {
            s.barred("20");
            s.talk("20", "112");
        };
    an_emergency_call_passes_the_callers_own_forward: Emergency, ForwardAlways,
        "20 forwards always to 22 and dials 112, 112 answers",
        "20 and 112 talk; 20 forwards to 22", |s: &mut Stage| {
            s.forward("20", Always, "22");
            s.talk("20", "112");
        };
    the_desk_calls_back_through_forward_and_quiet: Emergency, DoNotDisturb,
        "20 forwards always to 22, is quiet, dials 112 and hangs up; 112 calls 20",
        "20 rings; 20 forwards to 22", |s: &mut Stage| {
            s.forward("20", Always, "22");
            s.quiet("20");
            s.talk("20", "112");
            s.hang_up("20");
            s.dial("112", "20");
        };
    an_emergency_call_is_held_and_resumed_like_any: Emergency, Hold,
        "20 talks with 112; 112 holds",
        "20 and 112 talk", |s: &mut Stage| {
            s.talk("20", "112");
            s.hold("112");
        };
    an_emergency_call_makes_room: Emergency, BlindTransfer,
        "20 calls 21, 21 calls 90: their base station has three channels; 20 dials 112",
        "20 and 21 talk; 20 and 112 talk", |s: &mut Stage| {
            s.talk("20", "21");
            s.talk("21", "90");
            s.talk("20", "112");
        };
    nobody_forwards_to_the_emergency_desk: Emergency, ForwardBusy,
        "21 forwards to 112 when busy; 20 calls 21, who is busy",
        "20 is told 486", |s: &mut Stage| {
            s.forward("21", Busy, "112");
            s.dial("20", "21");
            s.reject("21", 486);
        };
    a_code_sets_a_forward: DialledCode, ForwardAlways,
        "21 dials *21*22#; 20 calls 21",
        "22 rings; 21 forwards to 22", |s: &mut Stage| {
            s.dial("21", "*21*22#");
            s.dial("20", "21");
        };
    a_code_is_obeyed_although_calls_are_barred: DialledCode, Barring,
        "21 may call inside only and dials *21*22#",
        "21 forwards to 22", |s: &mut Stage| {
            s.barred("21");
            s.dial("21", "*21*22#");
        };
    a_code_cannot_forward_to_where_the_user_may_not_call: DialledCode, Barring,
        "21 may call inside only and dials *21*00391234#",
        "21 is told 403", |s: &mut Stage| {
            s.barred("21");
            s.dial("21", "*21*00391234#");
        };
    nobody_is_transferred_to_a_code: DialledCode, BlindTransfer,
        "20 calls 21, 21 transfers to *21*22#",
        "20 and 21 talk", |s: &mut Stage| {
            s.talk("20", "21");
            s.refer("21", "*21*22%23");
        };
    a_code_takes_back_what_another_set: DialledCode, DoNotDisturb,
        "21 is quiet and dials #26#; 20 calls 21",
        "21 rings", |s: &mut Stage| {
            s.quiet("21");
            s.dial("21", "#26#");
            s.dial("20", "21");
        };
}
