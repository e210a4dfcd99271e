//! Conferences: the factory, the focus, its watchers and the mixer, as a client that signs everything sees them.

use std::time::Duration;

use ezk_sip_types::Method;
use kirkwall_lab::front_end::FrontEnd;
use kirkwall_lab::front_end::lync::conference::Status;
use kirkwall_lab::front_end::lync::{Escalation, Meeting};
use kirkwall_lab::media::{Protection, Traits, Voice};
use kirkwall_lab::phone::{Behaviour, CallScript, Dial, Phone, PhoneConfig, Progress};
use kirkwall_lab::sip::{Dialog, Incoming, Message, address};
use tokio::time::timeout;

use super::calls::{nothing_is_wrong, serve};
use super::client::Client;
use super::{DOMAIN, SOON, front_end};

const CCCP: &str = "application/cccp+xml";

fn c3p(to: &str, from: &str, number: u32, command: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><request xmlns=\"urn:ietf:params:xml:ns:cccp\" \
         xmlns:mscp=\"http://schemas.microsoft.com/rtc/2005/08/cccpextensions\" C3PVersion=\"1\" to=\"{to}\" \
         from=\"sip:{from}@{DOMAIN}\" requestId=\"{number}\">{command}</request>"
    )
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

fn factory_of(user: &str) -> String {
    format!("sip:{user}@{DOMAIN};gruu;opaque=app:conf:focusfactory")
}

fn focus_of(user: &str, id: &str) -> String {
    format!("sip:{user}@{DOMAIN};gruu;opaque=app:conf:focus:id:{id}")
}

/// Asks the factory, and gives back code and body.
async fn service(client: &Client, uri: &str, command: &str) -> (String, String) {
    let mut request = client.request(Method::from("SERVICE"), uri, "");
    request.set_body(CCCP, c3p(uri, &client.user, 1, command));
    let answer = client.ask(request).await;
    assert_eq!(answer.code(), Some(200), "{answer:?}");
    let body = text(&answer);
    let code = body.split("code=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    (code, body)
}

fn add_conference(id: &str, policy: &str) -> String {
    format!(
        "<addConference><ci:conference-info xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" entity=\"\" \
         xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\"><ci:conference-description>\
         <ci:subject>Round</ci:subject><msci:conference-id>{id}</msci:conference-id>\
         <msci:expiry-time>2999-07-13T17:57:09Z</msci:expiry-time>\
         <msci:admission-policy>{policy}</msci:admission-policy></ci:conference-description>\
         <msci:conference-view><msci:entity-view entity=\"chat\"/><msci:entity-view entity=\"audio-video\"/>\
         </msci:conference-view></ci:conference-info></addConference>"
    )
}

/// A client in the focus.
struct Guest {
    client: Client,
    dialog: Dialog,
    focus: String,
    number: u32,
}

impl Guest {
    /// Joins; the refusal, when that is the answer.
    async fn join(client: Client, focus: &str) -> Result<Self, Message> {
        let mut invite = client.request(Method::INVITE, focus, "");
        invite.push("Contact", format!("<{}>", client.gruu()));
        let command = format!(
            "<addUser><conferenceKeys confEntity=\"{focus}\"/><ci:user \
             xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:{}@{DOMAIN}\"><ci:roles>\
             <ci:entry>attendee</ci:entry></ci:roles><ci:endpoint entity=\"{{F}}\"/></ci:user></addUser>",
            client.user
        );
        invite.set_body(CCCP, c3p(focus, &client.user, 0, &command));
        let mut transaction = client.endpoint.request(invite, &client.hop).await.unwrap();
        let answer = timeout(SOON, transaction.next()).await.unwrap().unwrap();
        if answer.code() != Some(200) {
            return Err(answer);
        }
        assert!(text(&answer).contains("code=\"success\""), "{}", text(&answer));
        assert!(answer.header("Contact").unwrap().ends_with(";isfocus"), "{answer:?}");
        let dialog = Dialog::of_caller(transaction.request(), &answer, client.hop);
        transaction.acknowledge(dialog.ack(1), &client.hop).await.unwrap();
        Ok(Self { client, dialog, focus: focus.to_owned(), number: 0 })
    }

    async fn info(&mut self, command: &str) -> Message {
        self.number += 1;
        let mut info = self.dialog.request(Method::INFO);
        info.set_body(CCCP, c3p(&self.focus, &self.client.user, self.number, command));
        self.client.ask(info).await
    }

    /// The next request to this client, answered unless nobody wants that.
    async fn next(&mut self) -> Message {
        let Incoming { request, server, .. } =
            timeout(SOON, self.client.requests.recv()).await.unwrap().unwrap();
        if let Some(server) = server.filter(|_| request.cseq_method() != "BENOTIFY") {
            server.send(server.reply(200, "OK")).await;
        }
        request
    }

    async fn next_of(&mut self, method: &str) -> Message {
        loop {
            let request = self.next().await;
            if request.cseq_method() == method {
                return request;
            }
        }
    }

    async fn subscribe(&mut self) -> Message {
        let mut request = self.client.request(Method::SUBSCRIBE, &self.focus, "");
        request.push("Contact", format!("<{}>", self.client.gruu()));
        request.push("Event", "conference");
        request.push("Supported", "ms-benotify");
        request.push("Supported", "ms-piggyback-first-notify");
        let answer = self.client.ask(request).await;
        assert_eq!(answer.code(), Some(200), "{answer:?}");
        answer
    }
}

fn version(document: &str) -> u32 {
    document.split("version=\"").nth(2).unwrap().split('"').next().unwrap().parse().unwrap()
}

async fn organiser(front_end: &FrontEnd, user: &str, epid: &str, id: &str) -> Guest {
    let (client, _) = Client::signed_in(front_end, user, epid).await;
    let (code, _) = service(&client, &factory_of(user), &add_conference(id, "openAuthenticated")).await;
    assert_eq!(code, "success");
    Guest::join(client, &focus_of(user, id)).await.unwrap()
}

fn carol(front_end: &FrontEnd, voice: u8) -> Phone {
    let config = PhoneConfig { voice: Voice::new(voice), lines: 2, ..PhoneConfig::new("carol", DOMAIN) };
    front_end.add_far_end(config, Behaviour::NoAnswer).unwrap()
}

async fn reaches(meeting: &Meeting, holds: impl Fn(&Meeting) -> bool) {
    timeout(SOON, meeting.reaches(holds)).await.unwrap();
}

fn audio(meeting: &Meeting, user: &str) -> Option<Status> {
    meeting.participant(user)?.audio()
}

#[tokio::test]
async fn the_factory_makes_tells_of_and_ends_its_users_conferences_and_nobody_elses() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let (anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let own = factory_of("anna");
    let (code, body) = service(&anna, &own, "<getConferencingCapabilities/>").await;
    assert!(code == "success" && body.contains("mcuType>audio-video<"), "{body}");
    let (code, body) = service(&anna, &own, &add_conference("8K7Q2X1D", "openAuthenticated")).await;
    assert_eq!(code, "success");
    assert!(body.contains(&format!("entity=\"{}\"", focus_of("anna", "8K7Q2X1D"))), "{body}");
    let (code, body) = service(&anna, &own, &add_conference("8K7Q2X1D", "anonymous")).await;
    assert!(code == "failure" && body.contains("conferenceExistsAlready"), "{body}");
    let (code, body) = service(&anna, &own, &add_conference("8K7Q2X1E", "whoever")).await;
    assert_eq!(code, "failure", "{body}");

    let get = "<getConference><conferenceKeys msci:conference-id=\"8K7Q2X1D\"/></getConference>";
    let (code, body) = service(&anna, &own, get).await;
    assert!(code == "success" && body.contains(">Round<") && body.contains("2999-07-13T17:57:09Z"), "{body}");
    let (bob, _) = Client::signed_in(&front_end, "bob", "bbbbbbbb").await;
    let (code, body) = service(&bob, &own, get).await;
    assert!(code == "failure" && body.contains("unauthorized"), "{body}");

    let delete = format!(
        "<deleteConference><conferenceKeys confEntity=\"{}\"/></deleteConference>",
        focus_of("anna", "8K7Q2X1D")
    );
    assert_eq!(service(&anna, &own, &delete).await.0, "success");
    let (code, body) = service(&anna, &own, get).await;
    assert!(code == "failure" && body.contains("conferenceDoesntExist"), "{body}");
    let refused = Guest::join(anna, &focus_of("anna", "8K7Q2X1D")).await.err().unwrap();
    assert_eq!(refused.code(), Some(404));
    assert!(refused.header("ms-diagnostics").unwrap().starts_with("3012;"));
    front_end.stop().await;
}

#[tokio::test]
async fn who_watches_is_told_of_everything_once_and_in_order() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let mut anna = organiser(&front_end, "anna", "aaaaaaaa", "8K7Q2X1D").await;
    let meeting = front_end.meeting_of("anna").unwrap();
    let first = anna.subscribe().await;
    let document = text(&first);
    assert!(document.contains("state=\"full\"") && document.contains("sip:anna@"), "{document}");
    assert!(first.header("ms-piggyback-cseq").is_some());
    let mut known = version(&document);

    meeting.sit_down(&carol(&front_end, 9)).unwrap();
    let (bob, _) = Client::signed_in(&front_end, "bob", "bbbbbbbb").await;
    let mut bob = Guest::join(bob, &meeting.uri()).await.unwrap();
    let mut told = String::new();
    while !told.contains("sip:bob@") {
        let notify = anna.next_of("BENOTIFY").await;
        told = text(&notify);
        assert_eq!(version(&told), known + 1, "{told}");
        known += 1;
        assert!(told.contains("<users state=\"partial\">"), "{told}");
    }
    assert!(told.contains("<roles><entry>attendee</entry></roles>"), "{told}");

    // An attendee removes nobody but himself, calls nobody and mutes nobody else.
    let remove = |user: &str| {
        format!("<deleteUser><userKeys confEntity=\"x\" userEntity=\"sip:{user}@{DOMAIN}\"/></deleteUser>")
    };
    let refused = bob.info(&remove("carol")).await;
    assert_eq!(refused.code(), Some(603));
    assert!(text(&refused).contains("reason=\"unauthorized\""), "{}", text(&refused));
    let removed = anna.info(&remove("bob")).await;
    assert_eq!((removed.code(), text(&removed).contains("code=\"success\"")), (Some(200), true));
    assert_eq!(bob.next_of("BYE").await.method(), Some(&Method::BYE));
    let locked = anna.info("<modifyConferenceLock><locked>true</locked></modifyConferenceLock>").await;
    assert_eq!(locked.code(), Some(200));
    let refused = Guest::join(bob.client, &meeting.uri()).await.err().unwrap();
    assert_eq!(refused.code(), Some(403));

    meeting.end();
    let bye = async {
        let (mut bye, mut last) = (false, false);
        while !bye || !last {
            let request = anna.next().await;
            bye |= request.cseq_method() == "BYE";
            last |= request.header("subscription-state").is_some_and(|state| state.starts_with("terminated"));
        }
    };
    timeout(SOON, bye).await.unwrap();
    nothing_is_wrong(&front_end, &[&anna.client]);
    front_end.stop().await;
}

#[tokio::test]
async fn the_mixer_lets_everybody_hear_the_others_until_the_focus_mutes_one() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let mut anna = organiser(&front_end, "anna", "aaaaaaaa", "8K7Q2X1D").await;
    let meeting = front_end.meeting_of("anna").unwrap();
    let carol = carol(&front_end, 9);
    meeting.sit_down(&carol).unwrap();

    // Another endpoint of hers has the phone.
    let (mut other, _) = Client::signed_in(&front_end, "anna", "cccccccc").await;
    let config = PhoneConfig {
        protection: Protection::Required,
        identity: Some(format!("<sip:anna@{DOMAIN}>;epid=cccccccc")),
        contact: Some(other.gruu()),
        voice: Voice::new(0),
        ..PhoneConfig::new("anna", DOMAIN)
    };
    let phone = serve(&mut other, config, Behaviour::BUSY);
    let uri = meeting.uri().replace(":focus:", ":audio-video:");
    let (calling, hop) = (phone.clone(), other.hop);
    tokio::spawn(async move {
        calling.call(&Dial { uri, to: None, hop }, &CallScript::default()).await;
    });
    let call = timeout(SOON, phone.newest_call()).await.unwrap();
    reaches(&meeting, |meeting| audio(meeting, "anna") == Some(Status::Connected)).await;
    let (hers, carols) = (call.ears().unwrap(), carol.newest_call().await.ears().unwrap());
    hears(&hers, Some(9)).await;
    hears(&carols, Some(0)).await;

    let entity = meeting.participant("anna").unwrap().audio_entity().unwrap().to_owned();
    let filter = |filter: &str| {
        format!(
            "<modifyEndpointMedia mscp:mcuUri=\"x\"><mediaKeys confEntity=\"x\" userEntity=\"sip:anna@{DOMAIN}\" \
             endpointEntity=\"{entity}\" mediaId=\"1\"/><ci:media id=\"1\"><ci:type>audio</ci:type>\
             <media-ingress-filter>{filter}</media-ingress-filter></ci:media></modifyEndpointMedia>"
        )
    };
    for (word, heard) in [("block", None), ("unblock", Some(0))] {
        let answer = anna.info(&filter(word)).await;
        assert_eq!((answer.code(), text(&answer).contains("code=\"pending\"")), (Some(202), true));
        let end = anna.next_of("INFO").await;
        assert!(text(&end).contains("code=\"success\""), "{}", text(&end));
        assert_eq!(meeting.participant("anna").unwrap().is_muted(), heard.is_none());
        hears(&carols, heard).await;
    }
    call.hang_up();
    reaches(&meeting, |meeting| audio(meeting, "anna").is_none()).await;
    nothing_is_wrong(&front_end, &[&anna.client, &other]);
    front_end.stop().await;
}

/// From now on that voice is heard, or none for two seconds.
async fn hears(ears: &kirkwall_lab::media::stream::Ears, voice: Option<u8>) {
    ears.listen();
    let found = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let heard = ears.since_then();
            match voice {
                Some(voice) if heard.voice == Some(Voice::new(voice)) => return,
                Some(_) => {}
                None if heard.voices.is_empty() && heard.packets >= 100 => return,
                None if !heard.voices.is_empty() => ears.listen(),
                None => {}
            }
        }
    };
    timeout(SOON, found).await.unwrap_or_else(|_| panic!("{voice:?} expected, {:?}", ears.since_then()));
}

#[tokio::test]
async fn a_presenter_has_somebody_called_who_is_then_at_the_table() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let mut anna = organiser(&front_end, "anna", "aaaaaaaa", "8K7Q2X1D").await;
    let meeting = front_end.meeting_of("anna").unwrap();
    let (mut bob, _) = Client::signed_in(&front_end, "bob", "bbbbbbbb").await;
    let config = PhoneConfig {
        protection: Protection::Offered,
        traits: Traits::lync(),
        contact: Some(bob.gruu()),
        ..PhoneConfig::new("bob", DOMAIN)
    };
    let phone = serve(&mut bob, config, Behaviour::NoAnswer);
    let mcu = meeting.uri().replace(":focus:", ":audio-video:");
    let add = |user: &str| {
        format!(
            "<addUser mscp:mcuUri=\"{mcu}\"><conferenceKeys confEntity=\"{}\"/><ci:user \
             entity=\"sip:{user}@{DOMAIN}\"><ci:endpoint entity=\"{{B}}\"><ci:joining-method>dialed-out\
             </ci:joining-method></ci:endpoint></ci:user></addUser>",
            meeting.uri()
        )
    };
    assert_eq!(anna.info(&add("bob")).await.code(), Some(202));
    let call = timeout(SOON, phone.newest_call()).await.unwrap();
    reaches(&meeting, |meeting| audio(meeting, "bob") == Some(Status::Alerting)).await;
    call.answer();
    let end = anna.next_of("INFO").await;
    assert!(text(&end).contains("code=\"success\"") && text(&end).contains("<addUser>"), "{}", text(&end));
    assert_eq!(audio(&meeting, "bob"), Some(Status::Connected));
    meeting.remove("bob").unwrap();
    let ended = async {
        let mut progress = call.watch();
        progress.wait_for(|progress| matches!(progress, Progress::Ended(_))).await.unwrap();
    };
    timeout(SOON, ended).await.unwrap();

    assert_eq!(anna.info(&add("nobody")).await.code(), Some(202));
    let end = anna.next_of("INFO").await;
    assert!(text(&end).contains("code=\"failure\""), "{}", text(&end));
    nothing_is_wrong(&front_end, &[&anna.client, &bob]);
    front_end.stop().await;
}

#[tokio::test]
async fn an_invitation_names_the_focus_and_ends_when_the_invited_has_joined() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let (mut anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    carol(&front_end, 9);
    let meeting = front_end.make_conference("carol", "Ward & round").unwrap();
    meeting.invite("carol", "anna").unwrap();
    let Incoming { request, server, .. } = timeout(SOON, anna.requests.recv()).await.unwrap().unwrap();
    assert_eq!(request.header("Content-Type"), Some("application/ms-conf-invite+xml"));
    assert!(request.header("Ms-Conversation-ID").is_some());
    let body = text(&request);
    let focus = body.split("<focus-uri>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(focus, meeting.uri());
    assert!(body.contains("<subject>Ward &amp; round</subject>"), "{body}");
    let server = server.unwrap();
    let mut ok = server.reply(200, "OK");
    request.headers_named("Record-Route").for_each(|route| ok.push("Record-Route", route));
    ok.push("Contact", format!("<{}>", anna.gruu()));
    server.send(ok).await;
    let ack = timeout(SOON, anna.requests.recv()).await.unwrap().unwrap();
    assert_eq!(ack.request.method(), Some(&Method::ACK));
    let mut anna = Guest::join(anna, &focus).await.unwrap();
    let bye = anna.next_of("BYE").await;
    assert_eq!(bye.call_id(), request.call_id());
    assert_eq!(meeting.invitation("anna"), Some(200));
    assert_eq!(address::user(address::uri(bye.header("From").unwrap())).as_deref(), Some("carol"));
    nothing_is_wrong(&front_end, &[&anna.client]);
    front_end.stop().await;
}

#[tokio::test]
async fn a_call_of_two_becomes_a_conference_in_the_same_conversation_and_then_ends() {
    let front_end = front_end(&["bob"], |_| {}).await;
    let (mut bob, _) = Client::signed_in(&front_end, "bob", "bbbbbbbb").await;
    let config = PhoneConfig {
        protection: Protection::Offered,
        contact: Some(bob.gruu()),
        lines: 2,
        voice: Voice::new(0),
        ..PhoneConfig::new("bob", DOMAIN)
    };
    let at_once = Behaviour::Answer { after: Duration::ZERO, talk: None };
    let phone = serve(&mut bob, config, at_once);
    let carol = carol(&front_end, 9);
    let (calling, by) = (front_end.clone(), carol.clone());
    tokio::spawn(async move { calling.call(&by, "bob", &CallScript::default()).await.map(drop) });
    let first = timeout(SOON, carol.newest_call()).await.unwrap();
    let mut progress = first.watch();
    timeout(SOON, progress.wait_for(|now| *now == Progress::Talking)).await.unwrap().unwrap();

    let meeting = front_end.escalate("carol", Escalation::DialOut).unwrap();
    reaches(&meeting, |meeting| audio(meeting, "bob") == Some(Status::Connected)).await;
    timeout(SOON, progress.wait_for(|now| matches!(now, Progress::Ended(_)))).await.unwrap().unwrap();
    let calls = phone.calls_since(0);
    assert_eq!(calls.len(), 2);
    assert!(calls[0].conversation().is_some());
    assert_eq!(calls[0].conversation(), calls[1].conversation());
    hears(&calls[1].ears().unwrap(), Some(9)).await;
    meeting.end();
    nothing_is_wrong(&front_end, &[&bob]);
    front_end.stop().await;
}
