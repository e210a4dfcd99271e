//! A store in a directory, and a stand-in for the supervisor that switches settings of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kirkwall_core::call::admission::Limit;
use kirkwall_core::media::ice::agent;
use kirkwall_core::media::negotiate::{Habits, IceMode, SrtpPolicy};

use super::*;
use crate::settings::{
    CapacitySettings, IceSettings, LogSettings, MediaSettings, MessageSettings, RelayWays, Sounds,
};

fn configured(rfc3489: bool) -> Settings {
    let usual_dialect = Dialect::MsIce2;
    let dialect = if rfc3489 { Dialect::Rfc3489 } else { usual_dialect };
    let habits = Habits { ignore_sdp_version: false, comfort_noise: false };
    let limit = Limit { plain: 1, srtp: 1 };
    Settings {
        node: "test".into(),
        domain: "example.com".into(),
        realm: "example.com".into(),
        own_hosts: Vec::new(),
        user_agent: "test".into(),
        north: None,
        internal_routing: Default::default(),
        dialling: Default::default(),
        digit_gap: Duration::from_secs(4),
        wideband: true,
        media: MediaSettings {
            address: None,
            codecs: Vec::new(),
            srtp_north: SrtpPolicy::default(),
            srtp_south: SrtpPolicy::default(),
            habits_north: habits,
            habits_south: habits,
            hold: Default::default(),
            sounds: Sounds::default(),
            ice: IceSettings {
                north: IceMode::Offers,
                agents: agent::Settings { dialect, ..agent::Settings::default() },
                usual_dialect,
                uses_relay: false,
                relay_ways: RelayWays { udp: true, tcp: true },
                relay: None,
            },
        },
        logs: LogSettings { entries: 1, kept: Duration::from_secs(1) },
        capacity: CapacitySettings { profile: "software".into(), media: limit, base: None },
        admission: Default::default(),
        messages: MessageSettings {
            kept: Duration::from_secs(1),
            lifetime: Duration::from_secs(1),
            sender: "test".into(),
            desk: Vec::new(),
            behind_desk: Vec::new(),
            desk_time: Duration::from_secs(1),
        },
    }
}

/// What the next call would take.
type InForce = Arc<Mutex<Settings>>;

struct Switchboard(InForce);

impl Actor for Switchboard {
    type Context = Context<Self>;
}

impl Handler<PutInForce> for Switchboard {
    type Result = ();

    fn handle(&mut self, asked: PutInForce, _: &mut Self::Context) {
        self.0.lock().unwrap().switch(asked.setting, asked.on);
    }
}

/// The start of a switch whose configuration says `rfc3489`.
fn start(journal: &Journal, rfc3489: bool) -> (Addr<RunTime>, InForce) {
    let mut settings = configured(rfc3489);
    let kept = Kept::read(journal, &settings);
    kept.lay_over(&mut settings);
    let in_force = Arc::new(Mutex::new(settings));
    let told = Switchboard(in_force.clone()).start().recipient();
    (RunTime::new(journal.clone(), kept, told, Clock::start()).start(), in_force)
}

fn dialect(in_force: &InForce) -> Dialect {
    in_force.lock().unwrap().media.ice.agents.dialect
}

async fn change(run_time: &Addr<RunTime>, name: &str, value: &str) -> Result<SettingView, DeskFault> {
    let order = ChangeSetting { name: name.into(), value: value.into(), by: "script".into() };
    run_time.send(order).await.unwrap()
}

/// A life of the switch: at its end its actors are gone, and with them the lock of the store.
fn life<T>(dir: &tempfile::TempDir, body: impl AsyncFnOnce(Journal) -> T) -> T {
    System::new().block_on(async { body(Journal::open(dir.path()).unwrap()).await })
}

#[test]
fn a_change_is_in_force_when_it_is_answered_and_counts_over_the_configuration_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    life(&dir, async |journal| {
        let (run_time, in_force) = start(&journal, false);
        assert_eq!(dialect(&in_force), Dialect::MsIce2);
        let view = change(&run_time, "sip.media.rfc3489", "true").await.unwrap();
        assert_eq!((view.name, view.value, view.configured), ("media.rfc3489", true, false));
        assert_eq!(view.changed.unwrap().by, "script");
        assert_eq!(dialect(&in_force), Dialect::Rfc3489);
    });
    life(&dir, async |journal| {
        let (run_time, in_force) = start(&journal, false);
        assert_eq!(dialect(&in_force), Dialect::Rfc3489);
        let views = run_time.send(ListSettings).await.unwrap().unwrap();
        assert_eq!(views.iter().map(|view| view.value).collect::<Vec<_>>(), [true]);
        change(&run_time, "media.rfc3489", "false").await.unwrap();
        assert_eq!(dialect(&in_force), Dialect::MsIce2);
        let item = ConfigItems::new(&journal).get("media.rfc3489").unwrap().unwrap();
        assert_eq!((item.value, item.revision), (Value::Bool(false), 2));
    });
}

#[actix::test]
async fn off_by_a_change_counts_over_on_in_the_file_until_it_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let (run_time, _) = start(&journal, true);
    change(&run_time, "media.rfc3489", "false").await.unwrap();
    let (run_time, in_force) = start(&journal, true);
    assert_eq!(dialect(&in_force), Dialect::MsIce2);
    let view = change(&run_time, "media.rfc3489", "").await.unwrap();
    assert_eq!((view.value, view.configured, view.changed), (true, true, None));
    assert_eq!(dialect(&in_force), Dialect::Rfc3489);
    assert_eq!(ConfigItems::new(&journal).get("media.rfc3489").unwrap(), None);
}

#[actix::test]
async fn what_does_not_change_while_the_switch_runs_is_refused_by_name_and_nothing_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let (run_time, in_force) = start(&journal, false);
    for (name, value) in [("sip.domain", "evil.example"), ("media.rfc3489", "yes")] {
        let Err(DeskFault::Invalid(faults)) = change(&run_time, name, value).await else {
            panic!("{name}={value} is taken")
        };
        assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), [name]);
    }
    assert_eq!(ConfigItems::new(&journal).iter().count(), 0);
    assert_eq!(dialect(&in_force), Dialect::MsIce2);
}

#[actix::test]
async fn a_record_that_is_no_switch_leaves_the_configuration_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let item = ConfigItem {
        name: "media.rfc3489".into(),
        value: Value::from("perhaps"),
        secret: None,
        changed: Default::default(),
        changed_by: String::new(),
        revision: 1,
    };
    journal.save(vec![ConfigItems::new(&journal).put(&item)]).await.unwrap();
    assert_eq!(dialect(&start(&journal, true).1), Dialect::Rfc3489);
}
