//! Draws the messages of a call as a ladder: a lane for each peer, an arrow for each message.
//!
//! The colours stand in attributes, so the drawing can be taken out of the page and needs no inline style;
//! the page's own style sheet overrides them. Labels are text and can be selected.

use std::fmt::Write as _;

use kirkwall_actors::desk::CallLadder;
use kirkwall_core::call::ladder::Rung;

const LANE_WIDTH: usize = 250;
const TIME_WIDTH: usize = 84;
const HEAD: usize = 58;
const ROW: usize = 34;
/// Characters of a lane's name and of a label that fit; the rest is in the tool tip.
const NAME_FITS: usize = 30;
const LABEL_FITS: usize = 32;

/// One lane: a peer of one leg, or the switch itself.
struct Lane<'a> {
    leg: Option<u32>,
    peer: &'a str,
}

/// The ladder as SVG 1.1.
pub fn ladder_svg(ladder: &CallLadder) -> String {
    let lanes = lanes(&ladder.rungs);
    let width = TIME_WIDTH + lanes.len() * LANE_WIDTH;
    let height = HEAD + (ladder.rungs.len() + 1) * ROW;
    let mut svg = String::new();
    // Writing into a String cannot fail, here and below.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\
         <title>Messages of call {}</title>\
         <rect class=\"ladder-ground\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
        ladder.reference
    );
    for (place, lane) in lanes.iter().enumerate() {
        draw_lane(&mut svg, lane, middle(place), height);
    }
    let first = ladder.rungs.first().map_or(0, |rung| rung.at);
    for (number, rung) in ladder.rungs.iter().enumerate() {
        draw_rung(&mut svg, &lanes, number, rung, rung.at.saturating_sub(first));
    }
    draw_end(&mut svg, ladder, height);
    svg.push_str("</svg>");
    svg
}

/// The caller's peers, then the switch, then the others in the order they were first spoken to.
fn lanes(rungs: &[Rung]) -> Vec<Lane<'_>> {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for rung in rungs {
        if !lanes.iter().any(|lane| lane.leg == Some(rung.leg) && lane.peer == rung.peer) {
            lanes.push(Lane { leg: Some(rung.leg), peer: &rung.peer });
        }
    }
    lanes.sort_by_key(|lane| lane.leg != Some(0));
    let callers = lanes.iter().take_while(|lane| lane.leg == Some(0)).count();
    lanes.insert(callers, Lane { leg: None, peer: "kirkwall" });
    lanes
}

fn middle(place: usize) -> usize {
    TIME_WIDTH + place * LANE_WIDTH + LANE_WIDTH / 2
}

fn draw_lane(svg: &mut String, lane: &Lane<'_>, x: usize, height: usize) {
    let role = match lane.leg {
        None => "switch".to_owned(),
        Some(0) => "caller’s side".to_owned(),
        Some(leg) => format!("leg {leg}"),
    };
    let bottom = height - ROW / 2;
    let (name, whole) = (escape(&shortened(lane.peer, NAME_FITS)), escape(lane.peer));
    let _ = write!(
        svg,
        "<g class=\"ladder-lane\"><title>{whole}</title>\
         <text x=\"{x}\" y=\"20\" text-anchor=\"middle\" font-weight=\"600\" fill=\"#1b1f24\">{name}</text>\
         <text class=\"ladder-minor\" x=\"{x}\" y=\"38\" text-anchor=\"middle\" font-size=\"12\" fill=\"#57606a\">{role}</text>\
         <line x1=\"{x}\" y1=\"{HEAD}\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#afb8c1\"/></g>"
    );
}

fn draw_rung(svg: &mut String, lanes: &[Lane<'_>], number: usize, rung: &Rung, after: u64) {
    let y = HEAD + (number + 1) * ROW;
    let place = |wanted: &dyn Fn(&Lane<'_>) -> bool| lanes.iter().position(wanted).map_or(0, middle);
    let peer = place(&|lane| lane.leg == Some(rung.leg) && lane.peer == rung.peer);
    let switch = place(&|lane| lane.leg.is_none());
    let (from, to) = if rung.direction == "in" { (peer, switch) } else { (switch, peer) };
    let (tone, colour) = tone(&rung.label);
    let (label, whole) = (escape(&shortened(&rung.label, LABEL_FITS)), escape(&rung.label));
    let text_x = usize::midpoint(from, to);
    let tip = if from < to { to - 9 } else { to + 9 };
    // The whole row answers to a click, for a line is too thin to hit (WCAG 2.2, 2.5.8: 24 pixels).
    let reach = from.max(to);
    let (seconds, millis) = (after / 1_000_000, after / 1_000 % 1_000);
    let _ = write!(
        svg,
        "<a href=\"#m{number}\" class=\"ladder-{tone}\"><title>{whole}</title>\
         <rect y=\"{}\" width=\"{reach}\" height=\"{ROW}\" fill=\"none\" pointer-events=\"all\"/>\
         <text class=\"ladder-minor\" x=\"8\" y=\"{}\" font-size=\"12\" fill=\"#57606a\">{seconds}.{millis:03} s</text>\
         <text x=\"{text_x}\" y=\"{}\" text-anchor=\"middle\" fill=\"{colour}\">{label}</text>\
         <line x1=\"{from}\" y1=\"{y}\" x2=\"{tip}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\
         <path d=\"M{to} {y}L{tip} {}L{tip} {}Z\" fill=\"{colour}\"/></a>",
        y + 8 - ROW,
        y + 4,
        y - 6,
        y - 5,
        y + 5,
    );
}

/// Requests, good answers, provisional answers and failures look different, and read different too.
fn tone(label: &str) -> (&'static str, &'static str) {
    match label.as_bytes().first() {
        Some(b'1') => ("provisional", "#57606a"),
        Some(b'2') => ("success", "#1a7f37"),
        Some(b'3'..=b'6') => ("failure", "#b42318"),
        _ => ("request", "#0a58ca"),
    }
}

fn draw_end(svg: &mut String, ladder: &CallLadder, height: usize) {
    let note = match (ladder.rungs.len(), ladder.dropped) {
        (0, _) => "No message has been recorded for this call.".to_owned(),
        (_, 0) => return,
        (_, dropped) => format!("{dropped} messages from the middle were left out."),
    };
    let _ = write!(
        svg,
        "<text class=\"ladder-minor\" x=\"8\" y=\"{}\" font-size=\"12\" fill=\"#57606a\">{note}</text>",
        height - 8
    );
}

fn shortened(text: &str, fits: usize) -> String {
    match text.char_indices().nth(fits) {
        Some(_) => text.chars().take(fits - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// Text fit for XML: the five signs escaped, characters that XML 1.0 §2.2 forbids replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use kirkwall_core::id::CallRef;

    fn rung(at: u64, leg: u32, direction: &'static str, label: &str) -> Rung {
        let peer = format!("udp 192.0.2.{}:5060", leg + 1);
        Rung { at, leg, peer, direction, label: label.into(), text: String::new() }
    }

    fn ladder(rungs: Vec<Rung>) -> CallLadder {
        CallLadder { reference: CallRef(1), rungs, dropped: 0, text: String::new() }
    }

    #[test]
    fn the_drawing_of_a_plain_call_is_as_it_was() {
        let svg = ladder_svg(&ladder(vec![
            rung(1_000_000, 0, "in", "INVITE"),
            rung(1_001_000, 0, "out", "100 Trying (INVITE)"),
            rung(1_020_000, 1, "out", "INVITE"),
            rung(1_250_000, 1, "in", "180 Ringing (INVITE)"),
            rung(3_000_500, 1, "in", "200 OK (INVITE)"),
        ]));
        let golden = include_str!("../tests/ladder.svg").replace(">\n<", "><");
        assert_eq!(svg, golden.trim_end(), "if this is meant, put the new drawing into tests/ladder.svg");
    }

    #[test]
    fn a_stranger_cannot_write_markup_into_the_drawing() {
        let svg = ladder_svg(&ladder(vec![rung(0, 0, "in", "<script>\u{1b}\"'&")]));
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;\u{fffd}&quot;&#39;&amp;"));
    }

    #[test]
    fn the_switch_stands_between_the_caller_and_the_others() {
        let rungs = [rung(0, 1, "out", "INVITE"), rung(0, 0, "in", "INVITE")];
        let order: Vec<_> = lanes(&rungs).iter().map(|lane| lane.leg).collect();
        assert_eq!(order, [Some(0), None, Some(1)]);
    }

    #[test]
    fn a_call_without_messages_says_so() {
        assert!(ladder_svg(&ladder(Vec::new())).contains("No message has been recorded"));
    }
}
