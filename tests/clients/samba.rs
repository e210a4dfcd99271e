//! A domain of Active Directory, by Samba. It serves LDAP only, on the ports that it cannot be told.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{PATIENCE, Process, until_true};
use crate::scene::Scene;

/// Where everything lies.
pub const BASE: &str = "CN=Users,DC=hospital,DC=test";
/// Who may read: as Active Directory names accounts.
pub const READER: &str = "kirkwall@hospital.test";
/// Its password.
pub const PASSWORD: &str = "Reader-5ecret";
/// Always: Samba has no setting for it.
pub const LDAPS: &str = "ldaps://127.0.0.1:636";

/// The domain controller.
pub struct Samba {
    room: PathBuf,
    process: Option<Process>,
}

impl Samba {
    /// Provisions a domain with these people (LDIF of users) and starts it.
    pub fn start(scene: &Scene, people: &[(&str, &str)]) -> Samba {
        let room = scene.room("samba");
        let mut samba = Samba { room, process: None };
        samba.tool(
            "domain provision --realm=HOSPITAL.TEST --domain=HOSPITAL --server-role=dc --dns-backend=NONE",
            |command| {
                command.arg("--adminpass=Admin-5ecret").arg(format!("--targetdir={}", samba.room.display()));
                command.args(["--option=interfaces=lo", "--option=bind interfaces only=yes"]);
            },
        );
        samba.tool("user create kirkwall", |command| {
            command.arg(PASSWORD).arg("-s").arg(samba.config());
        });
        samba.add(people);
        let credentials = scene.authority.issue("samba");
        let mut command = Command::new("/usr/sbin/samba");
        command.args(["-F", "--no-process-group", "-M", "single", "-s"]).arg(samba.config());
        command.args([
            "--option=server services=ldap",
            "--option=interfaces=lo",
            "--option=bind interfaces only=yes",
        ]);
        command.arg(format!("--option=log file={}/samba.log", samba.room.display()));
        command.arg(format!("--option=tls certfile={}", credentials.certificate.display()));
        command.arg(format!("--option=tls keyfile={}", samba.private(&credentials.key).display()));
        command.arg(format!("--option=tls cafile={}", scene.authority.file().display()));
        samba.process = Some(Process::start("samba", &samba.room, command));
        until_true("samba takes connections", PATIENCE * 2, || {
            std::net::TcpStream::connect("127.0.0.1:636").is_ok()
        });
        samba
    }

    fn config(&self) -> PathBuf {
        self.room.join("etc/smb.conf")
    }

    /// Samba refuses a key that others may read.
    fn private(&self, key: &std::path::Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let own = self.room.join("tls.key");
        std::fs::copy(key, &own).unwrap();
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o600)).unwrap();
        own
    }

    fn tool(&self, words: &str, more: impl FnOnce(&mut Command)) {
        let mut command = Command::new("samba-tool");
        command.args(words.split(' '));
        more(&mut command);
        let done = Process::start("samba-tool", &self.room, command).wait(PATIENCE * 10);
        assert!(done.success(), "samba-tool {words} ended with {done}");
    }

    /// Straight into the database, before the controller starts.
    fn add(&self, people: &[(&str, &str)]) {
        let person = |(number, (name, attributes)): (usize, &(&str, &str))| {
            format!(
                "dn: CN=p{number},{BASE}\nobjectClass: user\nsAMAccountName: p{number}\ndisplayName: {name}\n{attributes}\n"
            )
        };
        let file = self.room.join("people.ldif");
        std::fs::write(&file, people.iter().enumerate().map(person).collect::<Vec<_>>().join("\n")).unwrap();
        let mut command = Command::new("ldbadd");
        command.arg("-H").arg(self.room.join("private/sam.ldb")).arg(&file);
        let done = Process::start("ldbadd", &self.room, command).wait(PATIENCE);
        assert!(done.success(), "ldbadd ended with {done}");
    }
}
