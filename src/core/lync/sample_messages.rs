//! Messages as front ends and their clients write them, made up for these tests: the features of real ones
//! (headers in any order, folds, white space where nobody expects it, long names, two SDP in one body), and
//! nobody's names.

use bytes::Bytes;

use crate::lync::signing::{ServerSignature, Stamp, Version, text};
use crate::lync::xml::Element;
use crate::media::sdp::{SessionDescription, audio_sdp};
use crate::sip::wire::{Header, HeaderName, Message};

/// The length of the body goes where `LENGTH` stands.
const INVITE: &str = "INVITE sip:2001@192.0.2.66:3538;transport=tls;ms-opaque=6fb3a8330a SIP/2.0
Record-Route: <sip:FE1.contoso.com:5061;transport=tls;opaque=state:T:F:Ci.Rc6ee00;lr;ms-route-sig=agt_nI0-PHO0>;tag=0C757E;ms-rrsig=ehx9_-
Via: SIP/2.0/TLS 192.0.2.12:5061;branch=z9hG4bK3A32B5F7.FFF843B5;branched=FALSE;ms-internal-info=\"cmXEG-f45t4_\"
Authentication-Info: NTLM qop=\"auth\", opaque=\"0F67E368\", srand=\"91847696\", snum=\"3\", rspauth=\"01000000373035390b1a578e7dc964b7\", targetname=\"FE1.contoso.com\", realm=\"SIP Communications Service\", version=4
Max-Forwards: 69
Content-Length: LENGTH
Via: SIP/2.0/TLS 192.0.2.57:1590;ms-received-port=1590;ms-received-cid=C6B200
P-Asserted-Identity: \"Zoë Müller\"<sip:zoe@contoso.com>,<tel:+15550100;ext=100>
From: \"Zoë Müller\"<sip:zoe@contoso.com>;tag=c5a4bb5e07;epid=d2ff665153
To: <sip:2001@contoso.com>;epid=01010101
Call-ID: a45397523c114f738470ffb675e3bd75
CSeq: 1 INVITE
Contact: <sip:zoe@contoso.com;opaque=user:epid:JLcBefPLmVK_0AQYJ-UEiAAA;gruu>
User-Agent: UCCAPI/15.0.1.2 OC/15.0.1.2 (Microsoft Lync)
Supported: ms-dialog-route-set-update
Ms-Conversation-ID: AdKCt6xl6HOex5lgSXKtavryVhRJlw==
supported: timer
Supported: histinfo,ms-safe-transfer
ms-keep-alive: UAC;hop-hop=yes
Allow: INVITE, BYE, ACK, CANCEL, INFO, UPDATE, REFER, NOTIFY, BENOTIFY, OPTIONS
ms-endpoint-location-data: NetworkScope;ms-media-location-type=Intranet
Content-Type: multipart/alternative;boundary=\"----=_NextPart_000_001C_01D282D0\"
history-info: <sip:2001@contoso.com>;index=1;ms-target-phone=\"tel:+15550199\"

------=_NextPart_000_001C_01D282D0
Content-Type: application/sdp
Content-Transfer-Encoding: 7bit
Content-ID: <620c23ac899e@contoso.com>
Content-Disposition: session; handling=optional; ms-proxy-2007fallback

v=0
o=- 0 0 IN IP4 192.0.2.57
s=session
c=IN IP4 192.0.2.57
b=CT:99980
t=0 0
m=audio 11650 RTP/SAVP 117 114 8 13 101
a=candidate:d5lFvGToRDKh/UhyFNN9 1 1Riht1AWk/x7TSyhrZQfDA UDP 0.830 192.0.2.57 31848 
a=rtpmap:101 telephone-event/8000

------=_NextPart_000_001C_01D282D0
Content-Type: application/sdp ; charset=utf-8
Content-ID: <7ed5@contoso.com>
Content-Disposition: session; handling=optional

v=0
o=- 0 1 IN IP4 192.0.2.57
s=session
t=0 0
m=audio 11652 RTP/SAVP 117 8 13 101
c=IN IP4 192.0.2.57
a=ice-ufrag: 6nxO
a=candidate:1 1 UDP 2130706431 192.0.2.57 11652 typ host 
a=rtcp:11653
m=video 0 RTP/SAVP 121

------=_NextPart_000_001C_01D282D0--
";

const CHALLENGE: &str = "SIP/2.0 407 Proxy Authentication Required
Via: SIP/2.0/TLS alice1.contoso.com;branch=z9hG4bK7
From: \"Alice\"   <sip:alice@contoso.com>;tag=354354535;epid=6534555
To :\t\"Alice\" <sip:alice@contoso.com>;tag=5564566
Call-ID:123213@alice1.contoso.com
CSeq: 12345    REGISTER
Date: Sat, 13 Nov 2010 23:29:00 GMT
Proxy-Authenticate: Kerberos realm=\"SIP Communications Service\",
 targetname=\"sip/hs1.contoso.com\", version=4
Proxy-Authenticate: NTLM realm=\"SIP Communications Service\",
\t  targetname=\"hs1.contoso.com\", version=4
Proxy-Authenticate: TLS-DSK realm=\"SIP Communications Service\", targetname=\"hs1.contoso.com\", version=4, sts-uri=\"https://hs1.contoso.com:443/CertProv/CertProvisioningService.svc\"
l: 0

";

const OK: &str = "SIP/2.0 200 OK
Authentication-Info: NTLM qop=\"auth\", opaque=\"0999F355\", srand=\"AE4D44F8\", snum=\"1\", rspauth=\"010000006f006900a5960bc32d0f5e40\", targetname=\"fe1.contoso.com\", realm=\"SIP Communications Service\", version=4
From: \"user6\"<sip:user6@contoso.com>;tag=7DFF5C53A16C40AF26B60AF0062567AF;epid=451e9252b6
To: <sip:user6@contoso.com>;tag=C5FE2F33CD23A451AA1D653DB6C6859C
Call-ID: 501ED1D3EE6E7872588F67ADC5194AFA
CSeq: 3 REGISTER
Via: SIP/2.0/TLS 192.0.2.128:17925;branch=z9hG4bK8680AE1AB33D105937088D3C32BF86D8-2;ms-received-port=17925;ms-received-cid=87400
Contact: <sip:user6@192.0.2.128:17925;transport=tls>;expires=300;+sip.instance=\"<urn:uuid:e0de506b-a705-59cc-9bfa-d37593141231>\";gruu=\"sip:user6@contoso.com;opaque=user:epid:a1De4AWnzFmb-tN1kxQSMQAA;gruu\"
Expires: 300
presence-state: register-action=\"added\";primary-cluster-type=\"central\";is-connected-to-primary=\"yes\"
Allow-Events: vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence
Supported: adhoclist
Server: RTC/6.0
Supported: msrtc-event-categories
ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300
Content-Length: LENGTH

";

const BENOTIFY: &str =
    "BENOTIFY sip:192.0.2.50:40001;transport=tls;ms-opaque=6fb3a8330a;ms-received-cid=2600 SIP/2.0
VIA: SIP/2.0/TLS 192.0.2.12:5061;branch=z9hG4bK5D.1
MAX-FORWARDS: 70
FROM: <sip:alice@contoso.com>;tag=E3B80080
TO: <sip:alice@contoso.com>;tag=2d0be03279;epid=492a7ce35f
CALL-ID: e3b0c44298fc1c149afbf4c8996fb924
CSEQ: 2 BENOTIFY
REQUIRE: eventlist
CONTENT-TYPE: application/vnd-microsoft-roaming-self+xml
EVENT: vnd-microsoft-roaming-self
SUBSCRIPTION-STATE: active;expires=25200
CONTENT-LENGTH: LENGTH

<roamingData xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\"><categories
 xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"sip:alice@contoso.com\"/></roamingData>";

const CONFLICT: &str = "SIP/2.0 409 Conflict
ms-diagnostics: 2141;reason=\"One or more publications are out of date\";source=\"fe1.contoso.com\"
Via: SIP/2.0/TLS 192.0.2.50:40001;ms-received-port=40001;ms-received-cid=2600
From: <sip:alice@contoso.com>;tag=31f1;epid=492a7ce35f
To: <sip:alice@contoso.com>;tag=E1
Call-ID: 5f
CSeq: 4 SERVICE
Content-Type: application/msrtc-fault+xml
Content-Length: LENGTH

<Fault xmlns=\"http://schemas.microsoft.com/2006/09/sip/service-fault\"><Faultcode>Client.BadCall.WrongDelta</Faultcode>\
<details><operation index=\"1\" version=\"1\" curVersion=\"2\"/></details></Fault>";

const ALL: [&str; 5] = [INVITE, CHALLENGE, OK, BENOTIFY, CONFLICT];

/// With CR LF and the length of its body.
fn wire(made: &str) -> Bytes {
    let text = made.replace('\n', "\r\n");
    let length = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
    Bytes::from(text.replacen("LENGTH", &length.to_string(), 1))
}

fn text_of(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn read(made: &str) -> Message {
    Message::parse_datagram(wire(made)).unwrap()
}

#[test]
fn what_was_read_is_written_again_value_for_value() {
    for made in ALL {
        let message = read(made);
        let written = message.encode();
        let again = Message::parse_datagram(written.clone()).unwrap();
        assert_eq!((&again.start, &again.body), (&message.start, &message.body));
        let values = |message: &Message| {
            let but_length = |header: &&Header| header.name != HeaderName::ContentLength;
            let of = message.headers.iter().filter(but_length);
            of.map(|header| (header.spelling.to_string(), header.value.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(values(&again), values(&message));
        assert_eq!(again.encode(), written, "a second time changes nothing");
    }
}

#[test]
fn lines_that_are_written_as_we_write_them_come_back_byte_for_byte() {
    // Content-Length goes last; everything else stays where it was.
    for made in [INVITE, OK, BENOTIFY, CONFLICT] {
        let (whole, written) = (wire(made), read(made).encode());
        let (head, body) = text_of(&whole).split_once("\r\n\r\n").unwrap();
        let is_length = |line: &&str| line.to_ascii_lowercase().starts_with("content-length");
        let kept: Vec<_> = head.split("\r\n").filter(|line| !is_length(line)).collect();
        let wanted = format!("{}\r\nContent-Length: {}\r\n\r\n{body}", kept.join("\r\n"), body.len());
        assert_eq!(text_of(&written), wanted);
    }
}

#[test]
fn folds_and_odd_white_space_are_one_value() {
    let challenge = read(CHALLENGE);
    let offers: Vec<_> = challenge.headers.get_all(&HeaderName::ProxyAuthenticate).collect();
    assert_eq!(offers.len(), 3);
    assert!(
        offers[1].starts_with("NTLM realm")
            && offers[1].ends_with("targetname=\"hs1.contoso.com\", version=4")
    );
    assert!(offers.iter().all(|offer| !offer.contains(['\r', '\n'])));
    assert!(challenge.call_id().is_some_and(|id| **id == *"123213@alice1.contoso.com"));
    assert_eq!(challenge.cseq().unwrap().number, 12_345);
    assert_eq!(challenge.to_tag().as_deref(), Some("5564566"));
}

#[test]
fn each_message_can_be_signed_and_its_bodies_are_read() {
    for made in ALL {
        let message = read(made);
        let stamp = Stamp { scheme: "NTLM", rand: "1", num: "1", realm: "r", target_name: "t" };
        let fields = text(Version::V4, stamp, &message).map(|text| text.matches('<').count());
        assert_eq!(fields, Ok(if message.is_request() { 15 } else { 16 }));
        for signature in ServerSignature::all_of(&message) {
            signature.text(Version::V4, &message).unwrap();
        }
        if message.typed_body().is_some_and(|(kind, _)| kind.ends_with("+xml")) {
            Element::parse(&message.body).unwrap();
        }
    }
    let invite = read(INVITE);
    let kind = invite.header(&HeaderName::ContentType).unwrap();
    let sdp = SessionDescription::parse(audio_sdp(kind, &invite.body).unwrap()).unwrap();
    assert_eq!(sdp.media.len(), 2, "the last part that is understood, not the fallback");
    assert_eq!(invite.to_tag(), None);
    let routes: Vec<_> = invite.headers.get_all(&HeaderName::RecordRoute).map(ToString::to_string).collect();
    assert!(routes[0].contains(";ms-route-sig=agt_nI0-PHO0>;tag=0C757E;ms-rrsig=ehx9_-"));
}
