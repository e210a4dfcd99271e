//! `docs/telephony.md` names proofs; this sees that each exists and has that kind of far end in it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

use std::path::{Path, PathBuf};

const POINTS: [&str; 12] = ["1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "9 ", "10 ", "11 ", "12 "];
/// By column: one of these words stands in a story with that far end.
const FAR_ENDS: [&[&str]; 5] = [
    &["lync front end"],
    &["behind gateway", "gateway user"],
    &["\nhandset "],
    &["\nnative handset "],
    &["conference", "/rooms"],
];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Point"));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What is wrong with a cell of this column.
fn fault(cell: &str, far_end: &[&str]) -> Option<String> {
    if cell == "–" || cell == "open" {
        return None;
    }
    let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    if names.is_empty() {
        return Some(format!("{cell:?} names no proof and is neither – nor open"));
    }
    names.into_iter().find_map(|name| match name.strip_prefix("clients ") {
        Some(file) if here(&format!("tests/clients/{file}.rs")).exists() => None,
        Some(_) => Some(format!("there is no test {name}")),
        None => match std::fs::read_to_string(here(&format!("tests/stories/{name}.story"))) {
            Err(_) => Some(format!("there is no story {name}")),
            Ok(story) if far_end.iter().any(|word| story.contains(word)) => None,
            Ok(_) => Some(format!("{name} has none of {far_end:?} in it")),
        },
    })
}

#[test]
fn every_proof_that_the_table_names_exists_and_has_that_far_end() {
    let page = std::fs::read_to_string(here("docs/telephony.md")).unwrap();
    let rows = rows(&page);
    for point in POINTS {
        assert!(rows.iter().any(|row| row[0].starts_with(point)), "point {point}has no row");
    }
    let mut faults = Vec::new();
    for row in &rows {
        assert_eq!(row.len(), 2 + FAR_ENDS.len(), "{row:?}");
        let cells = row[2..].iter().zip(FAR_ENDS);
        faults.extend(
            cells.filter_map(|(cell, far_end)| Some(format!("{}: {}", row[0], fault(cell, far_end)?))),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_proof_that_is_gone_or_has_another_far_end_is_a_fault() {
    assert!(fault("`north/nothing`", FAR_ENDS[0]).unwrap().contains("no story"));
    assert!(fault("`spine/busy`", FAR_ENDS[0]).unwrap().contains("has none of"));
    assert!(fault("`clients nothing`", FAR_ENDS[0]).unwrap().contains("no test"));
    assert!(fault("surely", FAR_ENDS[0]).is_some());
    assert_eq!(fault("`spine/busy`, `clients calls`", FAR_ENDS[2]), None);
}
