//! What meets at a link that carries two ends of calls, with 20, 21 and 30 behind it.

use super::*;

crate::call::town::scenes::observed! {
    a_call_behind_a_link_fills_it_for_others: Link, Link,
        "the link to 20, 21 and 30 carries two ends of calls; 20 talks with 21, and 30 calls 90",
        "30 is refused; the link carries 2 of 2", || {
            let mut books = branch();
            talk(&mut books, 1, &[BEHIND[0], BEHIND[1]]);
            dials(&mut books, 2, "30", BEHIND[2], false)
        };
    an_emergency_call_crosses_a_full_link: Link, Emergency,
        "20 talks with 21, and their link is full; 30 dials 112",
        "30 is let in; the link carries 3 of 2", || {
            let mut books = branch();
            talk(&mut books, 1, &[BEHIND[0], BEHIND[1]]);
            dials(&mut books, 2, "30", BEHIND[2], true)
        };
    a_transfer_out_of_a_branch_gives_its_link_back: Link, BlindTransfer,
        "20 talks with 21, and their link is full; 21 is transferred to 90, and 30 calls 91",
        "30 is let in; the link carries 2 of 2", || {
            let mut books = branch();
            talk(&mut books, 1, &[BEHIND[0], BEHIND[1]]);
            talk(&mut books, 1, &[BEHIND[1], ELSEWHERE]);
            dials(&mut books, 2, "30", BEHIND[2], false)
        };
    a_handset_in_talk_moves_behind_a_full_link: Link, Handover,
        "20 talks with 21, and their link is full; 22 talks with 90 and moves to a base station behind it; then \
         30 calls 91",
        "30 is refused; the link carries 3 of 2", || {
            let mut books = branch();
            talk(&mut books, 1, &[BEHIND[0], BEHIND[1]]);
            talk(&mut books, 2, &[ELSEWHERE, ELSEWHERE]);
            talk(&mut books, 2, &["10.2.0.22", ELSEWHERE]);
            dials(&mut books, 3, "30", BEHIND[2], false)
        };
}

const BEHIND: [&str; 3] = ["10.2.0.20", "10.2.0.21", "10.2.0.30"];
const ELSEWHERE: &str = "203.0.113.90";

fn branch() -> Links {
    books(&["branch 10.2.0.0/16 calls=2"])
}

/// A call talks, with its ends there.
fn talk(books: &mut Links, call: u64, places: &[&str]) {
    let ends: Vec<End> =
        [Side::A, Side::B].into_iter().zip(places).map(|(side, at)| end(side, at, 80)).collect();
    books.settle(CallRef(call), &ends);
}

fn dials(books: &mut Links, call: u64, who: &str, at: &str, help: bool) -> String {
    let fate = match books.take(CallRef(call), end(Side::A, at, 80), help) {
        Ok(()) => "let in",
        Err(LinkFull::Calls { .. } | LinkFull::Bandwidth { .. }) => "refused",
    };
    let link = &books.loads()[0];
    let words = format!("{who} is {fate}; the link carries {} of {}", link.calls, link.max_calls.unwrap());
    (0..5).for_each(|call| books.release(CallRef(call)));
    assert_eq!(load(books), (0, 0), "nothing stays behind");
    words
}
