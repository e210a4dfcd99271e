//! The tables against themselves, and, by hand, against an extract of the standard.

use std::collections::BTreeMap;

use super::*;

#[test]
fn what_we_send_in_table_order_is_in_ascending_order_too() {
    // "The variable-length information elements are transmitted over the air according to the ascending
    // numerical order of their identifiers" (7.5.1); <<SEGMENTED-INFO>> stands before what it announces.
    for &kind in Kind::ALL {
        let variable = kind.rows().iter().filter(|row| {
            row.tag.is_variable() && row.tag != Tag::SEGMENTED_INFO && row.presence(Side::Fixed) != N
        });
        let tags: Vec<_> = variable.map(|row| row.tag).collect();
        assert!(tags.is_sorted(), "{kind}: {tags:?}");
    }
}

#[test]
fn lists_are_allowed_where_a_repeat_indicator_stands() {
    assert!(Kind::AccessRightsAccept.allows_list(Tag::FIXED_IDENTITY, Side::Fixed));
    assert!(!Kind::AccessRightsAccept.allows_list(Tag::PORTABLE_IDENTITY, Side::Fixed));
    assert!(Kind::CcSetup.allows_list(Tag::IWU_TO_IWU, Side::Portable));
    assert!(Kind::CcSetup.allows_list(Tag::PROGRESS_INDICATOR, Side::Fixed));
    assert!(!Kind::CcSetup.allows_list(Tag::PROGRESS_INDICATOR, Side::Portable));
    assert!(Kind::AuthenticationReject.allows_list(Tag::AUTH_TYPE, Side::Portable));
}

#[test]
fn a_message_has_no_row_of_its_own_direction_that_it_cannot_use() {
    for &kind in Kind::ALL {
        let able = [Side::Fixed, Side::Portable].into_iter().filter(|side| kind.senders().include(*side));
        for side in able {
            let rows = kind.rows();
            assert!(rows.iter().any(|row| row.presence(side) != N) || rows.is_empty(), "{kind} {side:?}");
        }
        for row in kind.mandatory(Side::Fixed) {
            assert!(kind.senders().include(Side::Fixed), "{kind} {}", row.tag);
        }
        for row in kind.mandatory(Side::Portable) {
            assert!(kind.senders().include(Side::Portable), "{kind} {}", row.tag);
        }
    }
}

/// Compares every row with an extract of tables 7 to 65 in comma separated values (message, direction, ie,
/// f_to_p, p_to_f, octets). Tables 63a and 63b are not in it. Run by hand:
/// `KIRKWALL_DECT_TABLES=dect_nwk_message_ies.csv cargo test -p kirkwall-core agree_with -- --ignored`.
#[test]
#[ignore = "needs an extract of the standard, named by KIRKWALL_DECT_TABLES"]
fn the_tables_agree_with_the_printed_ones() {
    let path = std::env::var("KIRKWALL_DECT_TABLES").unwrap();
    let mut printed: BTreeMap<String, Vec<(String, Presence, Presence, bool)>> = BTreeMap::new();
    let mut directions = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let [_, message, direction, element, _, f_to_p, p_to_f, octets] = cells[..] else { panic!("{line}") };
        directions.insert(message.to_owned(), direction.to_owned());
        let rows = printed.entry(message.to_owned()).or_default();
        if !matches!(element, "Protocol Discriminator" | "Transaction Identifier" | "Message Type") {
            rows.push((plain(element), presence(f_to_p), presence(p_to_f), octets.starts_with("2 to")));
        }
    }
    for &kind in Kind::ALL {
        if matches!(kind, Kind::MmIwu | Kind::MmNotify) {
            continue;
        }
        let rows = kind
            .rows()
            .iter()
            .map(|row| (plain(row.tag.name().unwrap()), row.f_to_p, row.p_to_f, row.may_be_empty));
        assert_eq!(Some(rows.collect::<Vec<_>>()), printed.remove(kind.name()), "{kind}");
        let direction = match kind.senders() {
            super::super::Senders::Both => "Both",
            super::super::Senders::Fixed => "F=>P",
            super::super::Senders::Portable => "P=>F",
        };
        assert_eq!(directions[kind.name()], direction, "{kind}");
    }
    assert!(printed.is_empty(), "left over: {:?}", printed.keys());
}

/// The name without brackets, blanks and hyphens; misprints of the tables are mended.
fn plain(name: &str) -> String {
    let name = name.split('(').next().unwrap_or_default();
    let plain: String = name.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.as_str() {
        "MULTDISPLAY" => "MULTIDISPLAY".to_owned(),
        _ => plain,
    }
}

fn presence(cell: &str) -> Presence {
    match cell {
        "M" => M,
        "O" => O,
        "N" | "-" => N,
        "C" | "M/O" | "M/N" => C,
        other => panic!("unknown presence {other:?}"),
    }
}
