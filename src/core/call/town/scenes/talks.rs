//! Hold, transfers and calls that are picked up.

use super::stage::Stage;

super::scenes! {
    a_held_caller_is_transferred: Hold, BlindTransfer,
        "20 calls 21, 21 holds and transfers to 90, 90 answers",
        "20 and 90 talk", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.refer("21", "90");
            s.answer("90");
        };
    a_failed_transfer_gives_the_held_call_back: Hold, BlindTransfer,
        "20 calls 21, 21 holds and transfers to 90, who is busy",
        "20 and 21 talk; 20 hears hold", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.refer("21", "90");
            s.reject("90", 486);
        };
    a_call_is_resumed_after_a_failed_transfer: Hold, BlindTransfer,
        "20 calls 21, 21 holds and transfers to 90, who is busy, and resumes",
        "20 and 21 talk", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.refer("21", "90");
            s.reject("90", 486);
            s.resume("21");
        };
    both_ends_hold_and_one_resumes: Hold, Hold,
        "20 calls 21; both hold; 20 resumes",
        "20 and 21 talk; 20 hears hold", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("20");
            s.hold("21");
            s.resume("20");
        };
    a_native_handset_holds_a_phone_in_the_north: Hold, Hold,
        "30 calls 90 and holds it",
        "30 and 90 talk; 90 hears hold", |s: &mut Stage| {
            s.talk("30", "90");
            s.hold("30");
        };
    a_held_party_holds_and_both_resume: Hold, Hold,
        "90 calls 30; 30 holds, 90 holds, both resume",
        "90 and 30 talk", |s: &mut Stage| {
            s.talk("90", "30");
            s.hold("30");
            s.hold("90");
            s.resume("30");
            s.resume("90");
        };
    an_attended_transfer_joins_a_held_and_a_talking_party: Hold, AttendedTransfer,
        "20 calls 21; 21 holds, calls 90, 90 answers; 21 joins them",
        "20 and 90 talk", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.talk("21", "90");
            s.join("21", "90");
        };
    a_transfer_while_the_target_rings_goes_on_ringing: Hold, AttendedTransfer,
        "20 calls 21; 21 holds, calls 90, and joins them while 90 rings",
        "20 and 21 talk; 20 hears ringing; 21 is told 480; 90 rings", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.dial("21", "90");
            s.join("21", "90");
        };
    a_semi_attended_transfer_is_answered: AttendedTransfer, AttendedTransfer,
        "20 calls 21; 21 holds, calls 90, joins them while 90 rings, and 90 answers",
        "20 and 90 talk; 21 is told 480", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.dial("21", "90");
            s.join("21", "90");
            s.answer("90");
        };
    a_semi_attended_transfer_fails: AttendedTransfer, AttendedTransfer,
        "20 calls 21; 21 holds, calls 90, joins them while 90 rings, and 90 refuses",
        "20 and 21 talk; 20 hears hold; 21 is told 480", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("21");
            s.dial("21", "90");
            s.join("21", "90");
            s.reject("90", 486);
        };
    the_attendant_in_the_north_transfers_a_handset: BlindTransfer, BlindTransfer,
        "90 calls 30 and transfers it to 91, 91 answers and transfers to 22, 22 answers",
        "22 and 30 talk", |s: &mut Stage| {
            s.talk("90", "30");
            s.refer("90", "91");
            s.answer("91");
            s.refer("91", "22");
            s.answer("22");
        };
    a_transfer_to_who_is_in_the_call_is_refused: BlindTransfer, BlindTransfer,
        "20 calls 21, and 20 transfers to 21",
        "20 and 21 talk", |s: &mut Stage| {
            s.talk("20", "21");
            s.refer("20", "21");
        };
    a_call_in_talk_is_picked_up: Hold, PickUp,
        "20 calls 21 and holds; 22 takes the place of 21",
        "20 and 22 talk; 22 hears hold", |s: &mut Stage| {
            s.talk("20", "21");
            s.hold("20");
            s.pick_up("22", "21");
        };
    a_ringing_call_cannot_be_picked_up_from_its_caller: PickUp, PickUp,
        "20 calls 21, which rings; 22 wants the place of 20",
        "21 rings; 22 is told 481", |s: &mut Stage| {
            s.dial("20", "21");
            s.pick_up("22", "20");
        };
    a_call_in_transfer_is_not_picked_up: BlindTransfer, PickUp,
        "20 calls 21, 21 transfers to 90, which rings; 22 wants the place of 20",
        "20 and 21 talk; 20 hears ringing; 22 is told 603; 90 rings", |s: &mut Stage| {
            s.talk("20", "21");
            s.refer("21", "90");
            s.pick_up("22", "20");
        };
}
