//! OpenLDAP's slapd with a tree of its own.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::authority::Authority;
use crate::process::{PATIENCE, Process, free_port, until_true};
use crate::scene::Scene;

/// Where everything lies.
pub const BASE: &str = "dc=hospital,dc=test";
/// Who may read.
pub const READER: &str = "cn=kirkwall,dc=hospital,dc=test";
/// Its password.
pub const PASSWORD: &str = "reader's sécret";

/// A directory, running or stopped.
pub struct Slapd {
    room: PathBuf,
    ldap: u16,
    ldaps: u16,
    process: Option<Process>,
}

/// One person of the tree.
pub struct Person {
    pub name: String,
    pub department: String,
    pub office: String,
    pub mobile: String,
}

impl Slapd {
    /// Starts a directory with these people. `most` is the size limit for those who do not page.
    pub fn start(scene: &Scene, people: &[Person], most: usize) -> Slapd {
        let room = scene.room("slapd");
        let mut slapd = Slapd { room, ldap: free_port(), ldaps: free_port(), process: None };
        slapd.configure(&scene.authority, most);
        slapd.load(people);
        slapd.start_again();
        slapd
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ldaps)
    }

    pub fn ldap(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ldap)
    }

    pub fn stop(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    pub fn start_again(&mut self) {
        let mut command = Command::new("/usr/sbin/slapd");
        command.arg("-h").arg(format!("{} {}", self.ldap(), self.ldaps()));
        command.arg("-f").arg(self.room.join("slapd.conf")).args(["-d", "none"]);
        self.process = Some(Process::start("slapd", &self.room, command));
        until_true("slapd takes connections", PATIENCE, || {
            [self.ldap, self.ldaps]
                .iter()
                .all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
    }

    /// Changes the size limit for everybody; takes effect with the next start.
    pub fn limit(&mut self, scene: &Scene, most: usize) {
        self.stop();
        self.configure(&scene.authority, most);
        self.start_again();
    }

    fn configure(&self, authority: &Authority, most: usize) {
        let credentials = authority.issue("slapd");
        let data = self.room.join("data");
        std::fs::create_dir_all(&data).unwrap();
        // Without pages, and with them, no more than `most`.
        let text = format!(
            r#"include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {room}/slapd.pid
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
disallow bind_anon
database mdb
maxsize 1073741824
suffix "{BASE}"
rootdn "cn=admin,{BASE}"
directory {data}
sizelimit size.soft={most} size.hard={most} size.prtotal={most}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by * none
"#,
            room = self.room.display(),
            ca = authority.file().display(),
            certificate = credentials.certificate.display(),
            key = credentials.key.display(),
            data = data.display(),
        );
        std::fs::write(self.room.join("slapd.conf"), text).unwrap();
    }

    fn load(&self, people: &[Person]) {
        let mut text = format!(
            "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Hospital\ndc: hospital\n\n\
             dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: kirkwall\n\
             userPassword: {PASSWORD}\n\ndn: ou=Staff,{BASE}\nobjectClass: organizationalUnit\nou: Staff\n\n"
        );
        for (number, person) in people.iter().enumerate() {
            let Person { name, department, office, mobile } = person;
            let _ = write!(
                text,
                "dn: uid=p{number},ou=Staff,{BASE}\nobjectClass: inetOrgPerson\nuid: p{number}\ncn: {name}\nsn: x\n\
                 displayName: {name}\ndepartmentNumber: {department}\ntelephoneNumber: {office}\nmobile: {mobile}\n\n"
            );
        }
        let file = self.room.join("tree.ldif");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("/usr/sbin/slapadd");
        command.args(["-q", "-f"]).arg(self.room.join("slapd.conf")).arg("-l").arg(&file);
        let loaded = Process::start("slapadd", &self.room, command).wait(PATIENCE * 2);
        assert!(loaded.success(), "slapadd ended with {loaded}");
    }
}
