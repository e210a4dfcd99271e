//! The plan of the house, held to: who may import whom (docs: architecture, "Rooms").
//!
//! Every path of every source file is looked at: those in `use` lines, with their braces opened, and those
//! that stand in the code. Comments do not count. A rule that fails names file, path and rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot read the source shall stop")]

#[path = "layers/source.rs"]
mod source;

use std::path::Path;

use source::{Source, sources};

/// A room: its folder, its crate, and what its code may not touch.
struct Room {
    folder: &'static str,
    /// Kirkwall's own crates that it may use.
    own: &'static [&'static str],
    /// Other crates that it may not use, by the start of a path.
    never: &'static [&'static str],
}

const ROOMS: [Room; 6] = [
    Room {
        folder: "src/core",
        own: &[],
        never: &[
            "actix",
            "actix_web",
            "tokio",
            "tokio_util",
            "tokio_rustls",
            "sled",
            "rustls",
            "srtp",
            "ring",
            "rand",
            "socket2",
            "tracing",
            "metrics",
            "libc",
            "std::net::TcpStream",
            "std::net::TcpListener",
            "std::net::UdpSocket",
            "std::time::Instant",
            "std::time::SystemTime",
            "std::thread",
            "std::fs",
            "std::env",
            "std::process",
            "std::sync::Mutex",
            "std::sync::RwLock",
        ],
    },
    Room {
        folder: "data",
        own: &["kirkwall_core"],
        never: &["actix", "actix_web", "tokio", "tokio_util", "std::net::TcpStream", "std::net::UdpSocket"],
    },
    Room { folder: "integration", own: &["kirkwall_core"], never: &["actix", "actix_web", "sled"] },
    Room {
        folder: "actors",
        own: &["kirkwall_core", "kirkwall_data", "kirkwall_integration"],
        never: &["actix_web", "std::net::TcpStream", "std::net::UdpSocket", "sled"],
    },
    Room {
        folder: "web",
        own: &["kirkwall_core", "kirkwall_actors"],
        never: &["sled", "std::net::TcpStream", "std::net::UdpSocket", "kirkwall_core::sip::wire"],
    },
    // Sees nothing of the SIP and DECT that it tests, so that an error cannot cancel itself out.
    Room { folder: "lab", own: &["kirkwall_lab"], never: &["actix", "actix_web", "sled", "rsip"] },
];

/// Modules of core, and what each may use beside itself and what stands in `BASE`.
const CORE: [(&str, &[&str]); 10] = [
    ("dect", &[]),
    ("directory", &[]),
    ("sip", &[]),
    ("media", &[]),
    ("radio", &["dect"]),
    ("lync", &["sip", "media"]),
    ("doctor", &["sip", "media"]),
    ("call", &["dect", "directory", "sip", "media", "radio", "lync"]),
    ("presence", &["dect", "sip", "media", "radio", "lync", "call"]),
    ("cluster", &["dect", "sip", "media", "radio", "lync", "call"]),
];
/// The bottom of core: everybody may use it, and it uses nobody above.
const BASE: [&str; 4] = ["id", "pii", "timer", "machine"];

/// Lines of a file without its tests.
const MOST_LINES: usize = 400;
/// Files that are longer and wait to be split, with the lines that they may have till then.
const TOO_LONG: [(&str, usize); 3] =
    [("data/journal/open.rs", 506), ("data/users_csv.rs", 460), ("src/config/value.rs", 404)];

#[test]
fn every_room_imports_only_what_the_plan_allows() {
    let mut wrong = Vec::new();
    for room in &ROOMS {
        // A crate's own tests and examples use it from outside.
        for source in
            sources(room.folder).into_iter().filter(|source| !source.stands_outside() && !source.is_test)
        {
            let fault = |path: &str| breaks(room, path).then(|| format!("{}: {path}", source.file));
            wrong.extend(source.paths().iter().filter_map(|path| fault(path)));
        }
    }
    assert!(wrong.is_empty(), "not allowed where they stand:\n  {}", wrong.join("\n  "));
}

fn breaks(room: &Room, path: &str) -> bool {
    let is_under =
        |start: &&str| path == *start || path.strip_prefix(*start).is_some_and(|rest| rest.starts_with("::"));
    let foreign = path.starts_with("kirkwall_") && !room.own.iter().any(&is_under);
    foreign || room.never.iter().any(is_under)
}

#[test]
fn core_is_used_from_the_bottom_up_and_dect_meets_sip_in_call_only() {
    let mut wrong = Vec::new();
    for source in sources("src/core").into_iter().filter(|source| !source.stands_outside()) {
        let Some(module) = source.module.first().cloned() else { continue };
        let allowed = |other: &str| {
            let above = CORE.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, above)| above);
            other == module || BASE.contains(&other) || above.contains(&other)
        };
        let is_module = |name: &str| BASE.contains(&name) || CORE.iter().any(|(module, _)| *module == name);
        for path in source.paths() {
            let Some(other) = path.strip_prefix("crate::").and_then(|rest| rest.split("::").next()) else {
                continue;
            };
            if is_module(other) && !allowed(other) {
                wrong.push(format!("{}: {module} uses {path}", source.file));
            }
        }
    }
    assert!(wrong.is_empty(), "against the order of core:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_module_of_core_has_its_place_in_the_order() {
    let inside = sources("src/core").into_iter().filter(|source| !source.stands_outside());
    let modules = inside.filter_map(|source| source.module.first().cloned());
    let known =
        |module: &String| BASE.contains(&module.as_str()) || CORE.iter().any(|(name, _)| name == module);
    let strangers: Vec<_> = modules.filter(|module| !known(module)).collect();
    assert!(strangers.is_empty(), "not in the table of tests/layers.rs: {strangers:?}");
}

#[test]
fn nothing_outside_the_executable_and_tests_uses_the_lab() {
    let rooms = ROOMS.iter().filter(|room| room.folder != "lab");
    let users = rooms
        .flat_map(|room| sources(room.folder))
        .filter(|source| source.paths().iter().any(|path| path.starts_with("kirkwall_lab")));
    let users: Vec<_> = users.map(|source| source.file).collect();
    assert!(users.is_empty(), "{users:?}");
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let bound =
        |file: &str| TOO_LONG.iter().find(|(name, _)| *name == file).map_or(MOST_LINES, |(_, lines)| *lines);
    let long: Vec<_> = everything()
        .filter(|source| !source.is_test)
        .map(|source| (source.lines_without_tests(), source.file))
        .filter(|(lines, file)| *lines > bound(file))
        .collect();
    assert!(long.is_empty(), "over {MOST_LINES} lines without tests: {long:#?}");
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let found: Vec<_> = everything()
        .filter(|source| !source.is_test && source.code_without_tests().contains(".unwrap()"))
        .map(|source| source.file)
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn core_has_no_unsafe_code() {
    let found: Vec<_> = sources("src/core")
        .into_iter()
        .filter(|source| source.says_word("unsafe"))
        .map(|source| source.file)
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

/// All our sources, tests among them.
fn everything() -> impl Iterator<Item = Source> {
    let folders = ["src", "data", "integration", "actors", "web", "lab"];
    folders.into_iter().filter(|folder| Path::new(folder).exists()).flat_map(sources)
}
