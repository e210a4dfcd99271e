//! `docs/configuration.md` is made from the settings themselves, so that it cannot say anything else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Config, Key};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");

const HEAD: &str = "\
# Configuration

<!-- Made from src/config.rs. After a change there: UPDATE_GOLDEN=1 cargo test -p kirkwall configuration_md -->

Kirkwall reads one file, `kirkwall.toml`, and the environment, which wins over the file. Every key may be left
out. A file with a wrong or unknown key does not start; `kirkwall check --config kirkwall.toml` names the
line, the key, what is wrong and how to mend it, all faults at once, and ends with 2.

Every key is also a variable: upper case, `KIRKWALL__` before it, `__` for each dot, lists separated by
commas. `sip.proxies` is `KIRKWALL__SIP__PROXIES=sba.example.com,pool.example.com`. With `_FILE` behind it, the
variable names a file that holds the value, which is how a container hands over a secret:
`KIRKWALL__PHONE_BOOK__PASSWORD_FILE=/run/secrets/ldap`.

Two settings are outside the file, since they are needed before it or apart from it:

| Variable | Meaning |
|---|---|
| `KIRKWALL_NODE_KEY_FILE` | File of the key that seals secrets on disk; 32 octets in base64, as in `node.key`, or 64 hexadecimal digits. Not set: `node.key` in the data directory, made on first start. |
| `RUST_LOG` | Levels of log lines on standard error, such as `info` (the default) or `kirkwall_actors=debug`. |

Users, tokens and base stations live in the data directory, not here. Keys marked *not yet* are read and checked, and have no effect in this version.
";

/// Keys that are read and checked, but that nothing uses yet. Take a key off when it is wired.
const NOT_YET: &[&str] = &[
    "sip.gruu",
    "lync.application_id",
    "dect.access_code_policy",
    "syslog.server",
    "syslog.transport",
    "syslog.level",
    "cdr.enabled",
    "cluster.servers",
    "cluster.node",
    "licence.key",
];

fn document(keys: &[Key]) -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for key in keys {
        let (of, name) = key.path.rsplit_once('.').expect("every key stands in a section");
        if of != section {
            section = of;
            text += &format!("\n## `[{section}]`\n\n| Key | When left out | Meaning |\n|---|---|---|\n");
        }
        let default = match key.default.as_str() {
            "" => "not set".to_owned(),
            value => format!("`{value}`"),
        };
        let not_yet = if NOT_YET.contains(&key.path.as_str()) { "*Not yet.* " } else { "" };
        let help = key.help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        text += &format!("| `{name}` | {default} | {not_yet}{help} |\n");
    }
    text
}

#[test]
fn configuration_md_says_what_the_settings_say() {
    let wanted = document(&Config::keys());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(FILE, &wanted).unwrap();
    }
    let found = fs::read_to_string(FILE).unwrap_or_default();
    assert!(found == wanted, "{FILE} is behind src/config.rs; run this test with UPDATE_GOLDEN=1");
}

#[test]
fn every_default_can_be_written_into_a_file() {
    let mut text = String::new();
    let mut section = "";
    let keys = Config::keys();
    for key in keys.iter().filter(|key| !key.default.is_empty()) {
        let (of, name) = key.path.rsplit_once('.').unwrap();
        if of != section {
            section = of;
            text += &format!("[{section}]\n");
        }
        text += &format!("{name} = {}\n", key.default);
    }
    assert_eq!(Config::read("kirkwall.toml", &text, []), Config::read("kirkwall.toml", "", []), "{text}");
}

#[test]
fn a_key_that_is_wired_is_not_called_not_yet() {
    let keys = Config::keys();
    let known: BTreeSet<&str> = keys.iter().map(|key| key.path.as_str()).collect();
    let wiring = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wiring");
    let files = fs::read_dir(wiring).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let text: String = files.collect();
    for key in NOT_YET {
        assert!(known.contains(key), "{key} is no key");
        assert!(!text.contains(&format!("config.{key}")), "{key} is wired; take it off the list");
    }
}
