use proptest::prelude::*;

use super::*;
use crate::id::Tokens;
use crate::media::{CryptoLine, SrtpSuite};

const SDP: &str = "application/sdp";
const ALL: [Codec; 3] = [Codec::Pcma, Codec::Pcmu, Codec::G722];
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER_KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn tokens() -> Tokens {
    Tokens::new([9; 32])
}

fn plain() -> LocalMedia {
    LocalMedia::new("192.0.2.1".parse().unwrap(), 30000, ALL.to_vec())
}

fn srtp(mode: SrtpMode) -> LocalMedia {
    LocalMedia { srtp: SrtpPolicy { mode, lifetime: true, ..SrtpPolicy::default() }, ..plain() }
}

fn answered(local: LocalMedia, offer: &str) -> Result<(String, Agreed), MediaRefusal> {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(local, tokens);
    let reviewed = leg.review(SDP, offer.as_bytes());
    let answer = leg.answer(SDP, offer.as_bytes(), None, tokens);
    assert_eq!(reviewed.is_ok(), answer.is_ok(), "review and answer judge alike");
    if let (Ok(offered), Ok((body, agreed))) = (&reviewed, &answer) {
        assert_eq!(offered.codecs[0], agreed.codec);
        assert_eq!(offered.secured, agreed.srtp.is_some());
        assert_eq!(offered.direction, agreed.direction);
        assert_eq!(leg.local_sdp(), Some(body.as_str()));
    }
    answer
}

fn refused(local: LocalMedia, offer: &str) -> u16 {
    let refusal = answered(local, offer).unwrap_err();
    assert_eq!(refusal.status().0, 488, "{refusal}");
    refusal.warning().unwrap().0
}

/// Lines of `sdp` that start so, without the start.
fn lines<'a>(sdp: &'a str, start: &'a str) -> Vec<&'a str> {
    sdp.split("\r\n").filter_map(|line| line.strip_prefix(start)).collect()
}

fn version(sdp: &str) -> u64 {
    lines(sdp, "o=")[0].split(' ').nth(2).unwrap().parse().unwrap()
}

fn offer_of(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}")
}

// ---- Offers of clients in the field -------------------------------------------------------------

const BARESIP: &str = "v=0\r\no=- 3890234531 1374268410 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\n\
    t=0 0\r\na=tool:baresip 1.1.0\r\nm=audio 21350 RTP/SAVP 96 9 0 8 101\r\na=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 stereo=1;sprop-stereo=1\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:21351\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n\
    a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n\
    a=ssrc:1234 cname:sip:a@b\r\na=sendrecv\r\na=label:1\r\na=ptime:20\r\n";

const LINPHONE: &str = "v=0\r\no=alice 2021 1371 IN IP4 192.0.2.8\r\ns=Talk\r\nc=IN IP4 192.0.2.8\r\nt=0 0\r\n\
    a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\na=record:off\r\n\
    m=audio 7078 RTP/AVPF 96 97 98 0 8 18 101 99 100\r\na=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\na=rtpmap:98 speex/8000\r\n\
    a=fmtp:98 vbr=on\r\na=fmtp:18 annexb=yes\r\na=rtpmap:101 telephone-event/48000\r\n\
    a=rtpmap:99 telephone-event/16000\r\na=rtpmap:100 telephone-event/8000\r\na=rtcp:7079\r\n\
    a=rtcp-fb:* trr-int 1000\r\na=rtcp-fb:* ccm tmmbr\r\nm=video 9078 RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

const SIPP: &str = "v=0\r\no=user1 53655765 2353687637 IN IP4 192.0.2.6\r\ns=-\r\nc=IN IP4 192.0.2.6\r\n\
    t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

const LYNC: &str = "v=0\r\no=- 0 1 IN IP4 192.168.56.1\r\ns=session\r\nc=IN IP4 192.168.56.1\r\nb=CT:99980\r\n\
    t=0 0\r\na=x-mediabw:main-video send=4000;recv=4000\r\na=x-devicecaps:audio:send,recv;video:send,recv\r\n\
    m=audio 15676 RTP/SAVP 117 114 104 9 112 111 0 8 116 115 103 97 13 118 101\r\n\
    a=x-ssrc-range:1330447912-1330447912\r\na=rtcp-fb:* x-message app send:dsh recv:dsh\r\na=rtcp-rsize\r\n\
    a=ice-ufrag:M+7x\r\na=ice-pwd:iqMvxVs03gM/jyhb9feLQ466\r\n\
    a=candidate:1 1 UDP 2130706431 192.168.56.1 15676 typ host \r\n\
    a=x-candidate-ipv6:3 1 UDP 33553407 2001:0:5ef5:79fd:34b2:244d:fa66:7cf9 2936 typ host \r\n\
    a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:T1EEGzmyDXu8BLLX6Elp/ZH2p00z1SsvYA/sW/g8|2^31|1:1\r\n\
    a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:I02Vheh4j82HVcofoXMjaPZXfaJYBw/F/L7wpzP6|2^31|1:1\r\n\
    a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:/LJ71gEY/PPlVWDoPS5AGVjCZ1QXS/QOqLb37JiK|2^31\r\n\
    a=maxptime:200\r\na=rtpmap:117 G722/8000/2\r\na=rtpmap:114 x-msrta/16000\r\na=rtpmap:104 SILK/16000\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:112 G7221/16000\r\na=rtpmap:111 SIREN/16000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:116 AAL2-G726-32/8000\r\na=rtpmap:103 SILK/8000\r\na=rtpmap:97 RED/8000\r\n\
    a=rtpmap:13 CN/8000\r\na=rtpmap:118 CN/16000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
    a=ptime:20\r\nm=video 12852 RTP/SAVP 122 121 123\r\na=rtpmap:122 X-H264UC/90000\r\n";

#[test]
fn baresips_offer_is_answered_with_its_first_common_codec_and_its_first_suite() {
    let (answer, agreed) = answered(srtp(SrtpMode::Required), BARESIP).unwrap();
    assert_eq!(lines(&answer, "m="), ["audio 30000 RTP/SAVP 9 101"]);
    assert_eq!((agreed.codec, agreed.send_pt, agreed.recv_pt), (Codec::G722, 9, 9));
    assert_eq!((agreed.dtmf_send_pt, agreed.dtmf_recv_pt), (Some(101), Some(101)));
    assert_eq!(agreed.remote, Some("192.0.2.7:21350".parse().unwrap()));
    assert_eq!(agreed.remote_rtcp, Some("192.0.2.7:21351".parse().unwrap()));
    let pair = agreed.srtp.unwrap();
    assert_eq!((pair.local.suite, pair.remote.suite), (SrtpSuite::AesCm128HmacSha1_32, pair.local.suite));
    assert_ne!(pair.local.master, pair.remote.master);
    let written = CryptoLine::parse(lines(&answer, "a=crypto:")[0]).unwrap();
    assert_eq!((written.tag, written.lifetime, written.key), (1, None, pair.local));
}

#[test]
fn linphones_video_is_answered_with_port_zero_and_its_8000_hz_events_are_taken() {
    let (answer, agreed) = answered(plain(), LINPHONE).unwrap();
    assert_eq!(lines(&answer, "m="), ["audio 30000 RTP/AVPF 0 100", "video 0 RTP/AVPF 96"]);
    assert_eq!(lines(&answer, "a=fmtp:"), ["100 0-15"]);
    assert_eq!((agreed.codec, agreed.dtmf_send_pt), (Codec::Pcmu, Some(100)));
}

#[test]
fn our_re_offer_keeps_the_numbers_and_lines_of_the_call() {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(plain(), tokens);
    leg.answer(SDP, LINPHONE.as_bytes(), None, tokens).unwrap();
    leg.set_direction(Direction::SendOnly);
    assert_eq!(lines(&leg.offer(tokens), "m="), ["audio 30000 RTP/AVPF 0 8 9 100", "video 0 RTP/AVPF 96"]);
    let answer = offer_of("m=audio 7078 RTP/AVPF 0 100\r\na=recvonly\r\n");
    let agreed = leg.accept_answer(SDP, answer.as_bytes()).unwrap();
    assert_eq!((agreed.direction, agreed.dtmf_send_pt), (Direction::SendOnly, Some(100)));
}

#[test]
fn sipps_offer_without_events_gets_an_answer_without() {
    let (answer, agreed) = answered(plain(), SIPP).unwrap();
    let ident = lines(&answer, "o=- ")[0];
    assert_eq!(
        answer,
        format!(
            "v=0\r\no=- {ident}\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n\
             a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )
    );
    assert_eq!((agreed.dtmf_send_pt, agreed.dtmf_recv_pt, agreed.srtp), (None, None, None));
    assert_eq!(refused(srtp(SrtpMode::Required), SIPP), 302);
}

#[test]
fn lyncs_offer_gets_audio_only_with_the_key_line_that_has_no_mki() {
    let local = LocalMedia { comfort_noise: true, ..srtp(SrtpMode::Optional) };
    let (answer, agreed) = answered(local, LYNC).unwrap();
    assert_eq!(lines(&answer, "m="), ["audio 30000 RTP/SAVP 9 13 101", "video 0 RTP/SAVP 122"]);
    let crypto = lines(&answer, "a=crypto:");
    assert!(crypto.len() == 1 && crypto[0].starts_with("3 AES_CM_128_HMAC_SHA1_80 inline:"), "{answer}");
    assert!(crypto[0].ends_with("|2^31"), "{answer}");
    assert!(agreed.comfort_noise && agreed.srtp.unwrap().remote.mki.is_none());
    assert_eq!(refused(plain(), LYNC), 302);
}

#[test]
fn the_answer_has_an_mki_when_there_is_only_a_line_with_one() {
    let lync = LYNC.split("a=crypto:3").next().unwrap();
    let lync = format!("{lync}a=rtpmap:9 G722/8000\r\n");
    let (answer, agreed) = answered(srtp(SrtpMode::Required), &lync).unwrap();
    assert!(lines(&answer, "a=crypto:2 ")[0].ends_with("|2^31|1:1"), "{answer}");
    let pair = agreed.srtp.unwrap();
    assert_eq!((pair.local.mki, pair.remote.mki), (Some(vec![1]), Some(vec![1])));
}

#[test]
fn a_static_codec_under_a_dynamic_number_keeps_the_number() {
    let offer = offer_of(
        "m=audio 4000 RTP/AVP 96 101\r\na=rtpmap:96 PCMA/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\n",
    );
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(plain(), tokens);
    let (answer, agreed) = leg.answer(SDP, offer.as_bytes(), None, tokens).unwrap();
    assert_eq!(lines(&answer, "m="), ["audio 30000 RTP/AVP 96 101"]);
    assert_eq!((agreed.codec, agreed.send_pt, agreed.recv_pt), (Codec::Pcma, 96, 96));
    leg.set_direction(Direction::SendOnly);
    let hold = leg.offer(tokens);
    assert_eq!(lines(&hold, "m="), ["audio 30000 RTP/AVP 96 0 9 101"], "RFC 3264 §8.3.2");
    assert_eq!(lines(&hold, "a=rtpmap:96 "), ["PCMA/8000"]);
}

#[test]
fn the_callers_restriction_leaves_fewer_codecs() {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(plain(), tokens);
    let (_, agreed) =
        leg.answer(SDP, LYNC.replace("SAVP", "AVP").as_bytes(), Some(&[Codec::Pcma]), tokens).unwrap();
    assert_eq!(agreed.codec, Codec::Pcma);
    let refusal = leg.answer(SDP, SIPP.as_bytes(), Some(&[Codec::Pcma]), tokens).unwrap_err();
    assert_eq!(refusal.warning().unwrap().0, 305);
    assert_eq!(leg.agreed(), Some(&agreed), "a refused offer changes nothing");
}

// ---- RFC 4317 -----------------------------------------------------------------------------------

// RFC 4317 §2.1: Alice offers audio and video; Bob, here us, takes PCMU and no video.
#[test]
fn rfc_4317_2_1_audio_and_video() {
    let offer = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.5\r\ns= \r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n\
        m=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 iLBC/8000\r\n\
        m=video 51372 RTP/AVP 31 32\r\na=rtpmap:31 H261/90000\r\na=rtpmap:32 MPV/90000\r\n";
    let (answer, agreed) = answered(plain(), offer).unwrap();
    assert_eq!(lines(&answer, "m="), ["audio 30000 RTP/AVP 0", "video 0 RTP/AVP 31"]);
    assert_eq!(agreed.remote, Some("192.0.2.5:49170".parse().unwrap()));
}

// RFC 4317 §2.3 and §3.1: two audio lines, the second for events alone; hold and resume.
#[test]
fn rfc_4317_3_1_hold_and_unhold() {
    let offer = |version: u64, extra: &str| {
        format!(
            "v=0\r\no=alice 2890844526 {version} IN IP4 192.0.2.5\r\ns= \r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n\
             m=audio 49170 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 iLBC/8000\r\n{extra}\
             m=audio 49172 RTP/AVP 98\r\na=rtpmap:98 telephone-event/8000\r\na=sendonly\r\n"
        )
    };
    let tokens = &mut tokens();
    let mut bob = OfferAnswer::new(plain(), tokens);
    let mut exchange =
        |version, extra| bob.answer(SDP, offer(version, extra).as_bytes(), None, tokens).unwrap();
    let (first, talking) = exchange(1, "");
    assert_eq!(lines(&first, "m="), ["audio 30000 RTP/AVP 0", "audio 0 RTP/AVP 98"]);
    let (second, held) = exchange(2, "a=sendonly\r\n");
    assert_eq!((held.direction, held.remote_held), (Direction::RecvOnly, true));
    assert_eq!(lines(&second, "a=recvonly").len(), 1);
    let (third, resumed) = exchange(3, "");
    assert_eq!(resumed, talking);
    assert_eq!([&first, &second, &third].map(|sdp| version(sdp)), [1, 2, 3]);
}

// ---- Refusals -----------------------------------------------------------------------------------

#[test]
fn what_does_not_fit_is_refused_with_its_warn_code() {
    for (lines, code) in [
        ("", 304),
        ("m=video 4000 RTP/AVP 31\r\n", 304),
        ("m=audio 0 RTP/AVP 0\r\n", 304),
        ("m=audio 4000 RTP/AVP 18\r\n", 305),
        ("m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 opus/48000/2\r\n", 305),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", 302),
        ("m=audio 4000 RTP/SAVP 0\r\n", 302),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", 301),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 host.example.com\r\n", 301),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", 330),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n", 330),
    ] {
        assert_eq!(refused(plain(), &offer_of(lines)), code, "{lines}");
    }
    assert_eq!(refused(plain(), "v=0\r\nm=audio 4000 RTP/AVP 0\r\n"), 307);
    for mode in [SrtpMode::Optional, SrtpMode::Required] {
        let keyless = offer_of("m=audio 4000 RTP/SAVP 0\r\na=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\r\n");
        assert_eq!(refused(srtp(mode), &keyless), 306);
    }
}

#[test]
fn what_is_no_sdp_is_refused_with_its_own_status() {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(plain(), tokens);
    let refusal = leg.answer("text/plain", b"v=0", None, tokens).unwrap_err();
    assert_eq!((refusal.status().0, refusal.warning()), (415, None));
    let refusal = leg.answer(SDP, b"v=0\r\nm=audio\r\n", None, tokens).unwrap_err();
    assert_eq!(refusal.status().0, 400);
    assert_eq!(refusal.warning().unwrap().1, "SDP line 2: the m= line has no port");
}

#[test]
fn an_offer_that_crosses_ours_waits_and_an_answer_needs_an_offer() {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(plain(), tokens);
    assert_eq!(leg.accept_answer(SDP, SIPP.as_bytes()), Err(MediaRefusal::NoOfferOutstanding));
    leg.offer(tokens);
    let refusal = leg.answer(SDP, SIPP.as_bytes(), None, tokens).unwrap_err();
    assert_eq!(refusal.status().0, 491);
    leg.rollback();
    assert!(leg.answer(SDP, SIPP.as_bytes(), None, tokens).is_ok());
}

// ---- Our offers and their answers ---------------------------------------------------------------

fn offering(local: LocalMedia) -> (OfferAnswer, String) {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(local, tokens);
    let offer = leg.offer(tokens);
    (leg, offer)
}

#[test]
fn an_offer_lists_our_codecs_and_events_as_101() {
    let (_, offer) = offering(LocalMedia { comfort_noise: true, ..plain() });
    assert_eq!(lines(&offer, "m="), ["audio 30000 RTP/AVP 8 0 9 13 101"]);
    assert_eq!(lines(&offer, "a=rtpmap:").len(), 5);
    let v6 = LocalMedia { address: "2001:db8::1".parse().unwrap(), ..plain() };
    assert_eq!(lines(&offering(v6).1, "c="), ["IN IP6 2001:db8::1"]);
}

#[test]
fn an_answer_may_use_other_numbers_and_name_more_codecs() {
    let (mut leg, _) = offering(plain());
    let answer = offer_of(
        "m=audio 5000 RTP/AVP 98 8 96 18\r\na=rtpmap:98 PCMU/8000\r\na=rtpmap:96 telephone-event/8000\r\n",
    );
    let agreed = leg.accept_answer(SDP, answer.as_bytes()).unwrap();
    assert_eq!((agreed.codec, agreed.send_pt, agreed.recv_pt), (Codec::Pcmu, 98, 0));
    assert_eq!(agreed.also_receive, [(Codec::Pcma, 8)]);
    assert_eq!((agreed.dtmf_send_pt, agreed.dtmf_recv_pt), (Some(96), Some(101)));
    assert!(!leg.offer_is_out());
}

#[test]
fn an_answer_without_maps_means_our_numbers() {
    let (mut leg, _) = offering(plain());
    let agreed = leg.accept_answer(SDP, offer_of("m=audio 5000 RTP/AVP 0 101\r\n").as_bytes()).unwrap();
    assert_eq!((agreed.codec, agreed.dtmf_send_pt), (Codec::Pcmu, Some(101)));
}

#[test]
fn an_answer_that_refuses_or_fits_nothing_leaves_the_offer_out() {
    let (mut leg, _) = offering(plain());
    for (lines, code) in [
        ("m=audio 0 RTP/AVP 0\r\n", 304),
        ("m=audio 5000 RTP/AVP 18\r\n", 305),
        ("m=audio 5000 RTP/SAVP 0\r\n", 302),
        ("m=audio 5000 TCP/RTP/AVP 0\r\n", 302),
        ("m=audio 5000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", 301),
    ] {
        let refusal = leg.accept_answer(SDP, offer_of(lines).as_bytes()).unwrap_err();
        assert_eq!(refusal.warning().unwrap().0, code, "{lines}");
        assert!(leg.offer_is_out() && leg.agreed().is_none());
    }
    assert!(leg.accept_answer(SDP, SIPP.as_bytes()).is_ok());
}

// ---- SRTP ---------------------------------------------------------------------------------------

#[test]
fn an_optional_offer_is_avp_with_keys_and_takes_every_form_of_answer() {
    let (leg, offer) = offering(srtp(SrtpMode::Optional));
    assert_eq!(lines(&offer, "m="), ["audio 30000 RTP/AVP 8 0 9 101"]);
    assert_eq!(lines(&offer, "a=crypto:").len(), 1);
    let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31\r\n");
    for (answer, secured) in [
        (format!("m=audio 5000 RTP/SAVP 8\r\n{crypto}"), Some(true)),
        (format!("m=audio 5000 RTP/AVP 8\r\n{crypto}"), Some(true)),
        ("m=audio 5000 RTP/AVP 8\r\n".to_owned(), Some(false)),
        ("m=audio 5000 RTP/SAVP 8\r\n".to_owned(), None),
        (format!("m=audio 5000 RTP/SAVP 8\r\n{}", crypto.replace(":1 ", ":2 ")), None),
        (format!("m=audio 5000 RTP/SAVP 8\r\n{}", crypto.replace("_80", "_32")), None),
    ] {
        let agreed = leg.clone().accept_answer(SDP, offer_of(&answer).as_bytes());
        assert_eq!(agreed.ok().map(|agreed| agreed.srtp.is_some()), secured, "{answer}");
    }
}

#[test]
fn a_required_offer_takes_no_plain_answer() {
    let (mut leg, offer) = offering(srtp(SrtpMode::Required));
    assert_eq!(lines(&offer, "m="), ["audio 30000 RTP/SAVP 8 0 9 101"]);
    let refusal = leg.accept_answer(SDP, SIPP.as_bytes()).unwrap_err();
    assert_eq!(refusal.warning().unwrap().0, 302);
}

#[test]
fn lifetime_mki_and_second_suite_show_in_our_offers_as_set() {
    let with = |lifetime, mki, sha1_32| {
        let policy = SrtpPolicy { lifetime, mki, sha1_32, ..srtp(SrtpMode::Required).srtp };
        let (_, offer) = offering(LocalMedia { srtp: policy, ..plain() });
        let keys: Vec<_> =
            lines(&offer, "a=crypto:").iter().map(|line| CryptoLine::parse(line).unwrap()).collect();
        assert!(keys.iter().zip(1..).all(|(key, tag)| key.tag == tag));
        let mut masters: Vec<_> = keys.iter().map(|key| key.key.master.0.clone()).collect();
        masters.sort();
        masters.dedup();
        assert_eq!(masters.len(), keys.len(), "every line has a key of its own");
        // "inline:" and the forty characters of the key.
        let behind_key = |line: &&str| line[line.find("inline:").unwrap() + 47..].to_owned();
        lines(&offer, "a=crypto:").iter().map(behind_key).collect::<Vec<_>>()
    };
    assert_eq!(with(true, true, false), ["|2^31|1:1", "|2^31"]);
    assert_eq!(with(false, true, false), ["|1:1", ""]);
    assert_eq!(with(true, false, false), ["|2^31"]);
    assert_eq!(with(false, false, true), ["", ""]);
}

#[test]
fn an_optional_avp_offer_is_answered_as_set() {
    let offer =
        offer_of(&format!("m=audio 4000 RTP/AVP 8\r\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"));
    for (answer_savp, profile) in [(true, "RTP/SAVP"), (false, "RTP/AVP")] {
        let policy = SrtpPolicy { answer_savp, ..srtp(SrtpMode::Optional).srtp };
        let (answer, agreed) = answered(LocalMedia { srtp: policy, ..plain() }, &offer).unwrap();
        assert_eq!(lines(&answer, "m="), [format!("audio 30000 {profile} 8")]);
        assert!(lines(&answer, "a=crypto:")[0].starts_with("4 ") && agreed.srtp.is_some());
    }
    let (answer, agreed) = answered(plain(), &offer).unwrap();
    assert!(lines(&answer, "a=crypto:").is_empty() && agreed.srtp.is_none());
}

#[test]
fn two_lines_end_as_one_and_the_other_stays_closed() {
    let policy = SrtpPolicy { offer_form: SrtpOfferForm::TwoLines, ..srtp(SrtpMode::Optional).srtp };
    let (mut a, offer) = offering(LocalMedia { srtp: policy, ..plain() });
    assert_eq!(lines(&offer, "m="), ["audio 30000 RTP/SAVP 8 0 9 101", "audio 30000 RTP/AVP 8 0 9 101"]);
    let tokens = &mut Tokens::new([3; 32]);
    for (peer, secured, closed) in [(plain(), false, 0), (srtp(SrtpMode::Optional), true, 1)] {
        let mut a = a.clone();
        let (answer, _) = OfferAnswer::new(peer, tokens).answer(SDP, offer.as_bytes(), None, tokens).unwrap();
        assert_eq!(a.accept_answer(SDP, answer.as_bytes()).unwrap().srtp.is_some(), secured);
        let again = a.offer(tokens);
        let closing = lines(&again, "m=").iter().map(|m| m.starts_with("audio 0 ")).collect::<Vec<_>>();
        assert_eq!(closing, [closed == 0, closed == 1], "{again}");
        assert_eq!(lines(&again, "a=crypto:").len(), usize::from(secured));
    }
    let both = offer_of(&format!(
        "m=audio 5000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\nm=audio 5000 RTP/AVP 8\r\n"
    ));
    assert!(a.accept_answer(SDP, both.as_bytes()).unwrap().srtp.is_some());
    assert!(lines(&a.offer(tokens), "m=")[1].starts_with("audio 0 "));
}

#[test]
fn of_two_audio_lines_the_secure_one_is_answered_and_then_kept() {
    let secure = format!("m=audio 4002 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    let offer = offer_of(&format!("m=audio 4000 RTP/AVP 8\r\n{secure}"));
    let (answer, _) = answered(srtp(SrtpMode::Optional), &offer).unwrap();
    assert_eq!(lines(&answer, "m="), ["audio 0 RTP/AVP 8", "audio 30000 RTP/SAVP 8"]);
    assert_eq!(
        lines(&answered(plain(), &offer).unwrap().0, "m="),
        ["audio 30000 RTP/AVP 8", "audio 0 RTP/SAVP 8"]
    );
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(srtp(SrtpMode::Optional), tokens);
    leg.answer(SDP, offer_of("m=audio 4000 RTP/AVP 8\r\n").as_bytes(), None, tokens).unwrap();
    let (_, agreed) = leg.answer(SDP, offer.as_bytes(), None, tokens).unwrap();
    assert_eq!(agreed.remote.unwrap().port(), 4000, "the line in force stays in force");
}

#[test]
fn our_key_stays_over_their_re_offers_until_the_suite_changes() {
    let offer = |suite: &str, key: &str| {
        offer_of(&format!(
            "m=audio 4000 RTP/SAVP 8\r\na=crypto:7 AES_CM_128_HMAC_SHA1_{suite} inline:{key}\r\n"
        ))
    };
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(srtp(SrtpMode::Required), tokens);
    let mut keys = |offer: String| leg.answer(SDP, offer.as_bytes(), None, tokens).unwrap().1.srtp.unwrap();
    let (first, second, third) =
        (keys(offer("80", KEY)), keys(offer("80", OTHER_KEY)), keys(offer("32", KEY)));
    assert_eq!(first.local, second.local);
    assert_ne!(first.remote, second.remote);
    assert_ne!(second.local.master, third.local.master);
    assert_ne!(keys(offer("80", KEY)).local.master, first.local.master, "no key comes back");
}

#[test]
fn a_key_that_went_out_of_use_is_not_offered_again() {
    let (mut leg, offer) = offering(srtp(SrtpMode::Optional));
    let tokens = &mut Tokens::new([4; 32]);
    let crypto = format!("m=audio 5000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    leg.accept_answer(SDP, offer_of(&crypto).as_bytes()).unwrap();
    assert_eq!(leg.offer(tokens), offer, "a refresh keeps it");
    leg.accept_answer(SDP, offer_of("m=audio 5000 RTP/AVP 8\r\n").as_bytes()).unwrap();
    let again = leg.offer(tokens);
    assert_ne!(lines(&again, "a=crypto:"), lines(&offer, "a=crypto:"));
    assert_eq!(lines(&again, "a=crypto:").len(), 1);
}

// ---- Hold, refresh, rollback --------------------------------------------------------------------

// RFC 3264 §6.1 and §8.4: offer, our wish, our way, whether the peer holds.
#[test]
fn every_way_is_answered_by_the_book() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, wish, way, held) in [
        ("a=sendrecv", SendRecv, SendRecv, false),
        ("a=sendonly", SendRecv, RecvOnly, true),
        ("a=recvonly", SendRecv, SendOnly, false),
        ("a=inactive", SendRecv, Inactive, true),
        ("a=sendrecv", SendOnly, SendOnly, false),
        ("a=sendonly", SendOnly, Inactive, true),
        ("a=recvonly", SendOnly, SendOnly, false),
        ("a=sendrecv", Inactive, Inactive, false),
        ("a=inactive", Inactive, Inactive, false),
        ("c=IN IP4 0.0.0.0", SendRecv, RecvOnly, true),
        ("c=IN IP4 0.0.0.0\r\na=inactive", SendRecv, Inactive, true),
    ] {
        let local = LocalMedia { direction: wish, ..plain() };
        let (answer, agreed) =
            answered(local, &offer_of(&format!("m=audio 4000 RTP/AVP 8\r\n{offered}\r\n"))).unwrap();
        assert_eq!((agreed.direction, agreed.remote_held), (way, held), "{offered} {wish:?}");
        assert_eq!(agreed.remote.is_none(), offered.contains("0.0.0.0"));
        assert_eq!(agreed.remote_rtcp.is_none(), offered.contains("0.0.0.0"));
        assert!(lines(&answer, "c=")[0].ends_with("192.0.2.1"), "our address stays");
    }
}

#[test]
fn our_hold_and_resume_raise_the_version_and_a_refresh_does_not() {
    let (mut leg, offer) = offering(srtp(SrtpMode::Optional));
    let tokens = &mut Tokens::new([4; 32]);
    assert_eq!(leg.offer(tokens), offer, "an offer that is out is repeated as it is");
    let answer = |way: &str| {
        offer_of(&format!(
            "m=audio 5000 RTP/SAVP 8 101\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\na={way}\r\n"
        ))
    };
    let first = leg.accept_answer(SDP, answer("sendrecv").as_bytes()).unwrap();
    assert_eq!(leg.offer(tokens), offer, "a refresh");
    leg.accept_answer(SDP, answer("sendrecv").as_bytes()).unwrap();
    leg.set_direction(Direction::SendOnly);
    let hold = leg.offer(tokens);
    assert_eq!((version(&hold), lines(&hold, "a=sendonly").len()), (version(&offer) + 1, 1));
    assert_eq!(lines(&hold, "a=crypto:"), lines(&offer, "a=crypto:"));
    assert_eq!(lines(&hold, "m="), ["audio 30000 RTP/SAVP 8 0 9 101"]);
    let held = leg.accept_answer(SDP, answer("recvonly").as_bytes()).unwrap();
    assert_eq!((held.direction, held.remote_held), (Direction::SendOnly, false));
    assert_eq!(leg.ident().version, version(&hold));
    leg.set_direction(Direction::SendRecv);
    let resume = leg.offer(tokens);
    assert_eq!(version(&resume), version(&hold) + 1);
    assert_eq!(leg.accept_answer(SDP, answer("sendrecv").as_bytes()).unwrap(), first);
}

#[test]
fn a_refresh_by_the_peer_gets_the_same_answer() {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(srtp(SrtpMode::Optional), tokens);
    let first = leg.answer(SDP, LYNC.as_bytes(), None, tokens).unwrap();
    assert_eq!(leg.answer(SDP, LYNC.as_bytes(), None, tokens).unwrap(), first);
    assert_eq!(leg.offer(tokens), first.0, "our own refresh says the same too");
    leg.rollback();
    leg.set_direction(Direction::Inactive);
    let hold = leg.offer(tokens);
    assert_eq!(lines(&hold, "m="), ["audio 30000 RTP/SAVP 9 8 0 101", "video 0 RTP/SAVP 122"]);
    assert_eq!(lines(&hold, "a=crypto:"), lines(&first.0, "a=crypto:"));
}

#[test]
fn who_is_held_offers_what_it_wants_and_not_what_was_negotiated() {
    let tokens = &mut tokens();
    let mut leg = OfferAnswer::new(srtp(SrtpMode::Optional), tokens);
    let holding = LYNC.replace("a=sendrecv\r\n", "").replace("m=video", "a=sendonly\r\nm=video");
    let (answer, agreed) = leg.answer(SDP, holding.as_bytes(), None, tokens).unwrap();
    assert_eq!((agreed.direction, lines(&answer, "a=recvonly").len()), (Direction::RecvOnly, 1));
    // RFC 6337 §5.3: an offer that says `recvonly` would hold the other end from here too.
    assert!(lines(&leg.offer(tokens), "a=recvonly").is_empty());
}

#[test]
fn a_failed_re_offer_leaves_all_as_it_was() {
    let (mut leg, offer) = offering(plain());
    let tokens = &mut Tokens::new([4; 32]);
    let agreed = leg.accept_answer(SDP, SIPP.as_bytes()).unwrap();
    leg.set_direction(Direction::SendOnly);
    let hold = leg.offer(tokens);
    leg.rollback();
    assert_eq!((leg.agreed(), leg.local().direction), (Some(&agreed), Direction::SendRecv));
    assert_eq!(leg.offer(tokens), offer);
    leg.rollback();
    leg.set_direction(Direction::Inactive);
    assert!(version(&leg.offer(tokens)) > version(&hold), "no version is used for two descriptions");
    leg.set_direction(Direction::RecvOnly);
    leg.rollback();
    assert_eq!(leg.local().direction, Direction::RecvOnly, "a later wish stays");
}

#[test]
fn an_unchanged_version_means_an_unchanged_description_unless_it_is_ignored() {
    let offer = |way: &str| offer_of(&format!("m=audio 4000 RTP/AVP 8\r\na={way}\r\n"));
    for (ignore_sdp_version, way) in [(true, Direction::RecvOnly), (false, Direction::SendRecv)] {
        let tokens = &mut tokens();
        let mut leg = OfferAnswer::new(LocalMedia { ignore_sdp_version, ..plain() }, tokens);
        leg.answer(SDP, offer("sendrecv").as_bytes(), None, tokens).unwrap();
        let (_, agreed) = leg.answer(SDP, offer("sendonly").as_bytes(), None, tokens).unwrap();
        assert_eq!(agreed.direction, way);
        let risen = offer("sendonly").replace("o=- 1 1", "o=- 1 2");
        let (_, agreed) = leg.answer(SDP, risen.as_bytes(), None, tokens).unwrap();
        assert_eq!(agreed.direction, Direction::RecvOnly);
    }
}

#[test]
fn no_key_shows_in_debug_output() {
    let (mut leg, offer) = offering(srtp(SrtpMode::Required));
    let crypto = format!("m=audio 5000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    leg.accept_answer(SDP, offer_of(&crypto).as_bytes()).unwrap();
    leg.offer(&mut tokens());
    let shown = format!("{leg:?}");
    let ours = &lines(&offer, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:")[0][..40];
    assert!(!shown.contains(ours) && !shown.contains(KEY) && !shown.contains("master: ["), "{shown}");
}

#[test]
fn a_stored_machine_goes_on_where_it_was() {
    let (mut leg, _) = offering(srtp(SrtpMode::Required));
    let mut restored: OfferAnswer = serde_json::from_str(&serde_json::to_string(&leg).unwrap()).unwrap();
    assert_eq!(restored, leg);
    let crypto = format!("m=audio 5000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    let answer = offer_of(&crypto);
    assert_eq!(restored.accept_answer(SDP, answer.as_bytes()), leg.accept_answer(SDP, answer.as_bytes()));
    let again: OfferAnswer = serde_json::from_str(&serde_json::to_string(&leg).unwrap()).unwrap();
    assert_eq!((again.agreed(), &again), (leg.agreed(), &restored));
}

// ---- Two machines -------------------------------------------------------------------------------

fn any_direction() -> impl Strategy<Value = Direction> {
    (any::<bool>(), any::<bool>()).prop_map(|(sends, receives)| Direction::from_ways(sends, receives))
}

prop_compose! {
    fn any_policy()(
        mode in prop_oneof![Just(SrtpMode::Off), Just(SrtpMode::Optional), Just(SrtpMode::Required)],
        flags in any::<[bool; 5]>(),
    ) -> SrtpPolicy {
        let [lifetime, mki, sha1_32, two, answer_savp] = flags;
        let offer_form = if two { SrtpOfferForm::TwoLines } else { SrtpOfferForm::AvpWithCrypto };
        SrtpPolicy { mode, lifetime, mki, sha1_32, offer_form, answer_savp }
    }
}

prop_compose! {
    fn any_local()(
        codecs in proptest::sample::subsequence(ALL.to_vec(), 1..=3).prop_shuffle(),
        policy in any_policy(),
        direction in any_direction(),
        (comfort_noise, ignore_sdp_version) in any::<(bool, bool)>(),
        port in 1024u16..65534,
    ) -> LocalMedia {
        LocalMedia { port, codecs, srtp: policy, direction, comfort_noise, ignore_sdp_version, ..plain() }
    }
}

/// One exchange; whether it came to an agreement.
fn exchange(a: &mut OfferAnswer, b: &mut OfferAnswer, tokens: &mut Tokens) -> bool {
    let offer = a.offer(tokens);
    let Ok((answer, theirs)) = b.answer(SDP, offer.as_bytes(), None, tokens) else {
        a.rollback();
        return false;
    };
    let ours = a.accept_answer(SDP, answer.as_bytes()).expect("our answers fit our offers");
    assert_eq!(lines(&offer, "m=").len(), lines(&answer, "m=").len());
    assert_eq!((ours.codec, ours.send_pt, ours.recv_pt), (theirs.codec, theirs.recv_pt, theirs.send_pt));
    assert_eq!(ours.direction, theirs.direction.mirrored());
    assert_eq!((ours.dtmf_send_pt, ours.dtmf_recv_pt), (theirs.dtmf_recv_pt, theirs.dtmf_send_pt));
    assert_eq!(ours.comfort_noise, theirs.comfort_noise);
    assert!(ours.also_receive.is_empty(), "we answer with one codec");
    assert_eq!(ours.remote.unwrap().port(), b.local().port);
    assert_eq!(theirs.remote.unwrap().port(), a.local().port);
    let crossed = theirs.srtp.clone().map(|pair| SrtpPair { local: pair.remote, remote: pair.local });
    assert_eq!(ours.srtp, crossed);
    if let Some(pair) = &ours.srtp {
        assert_ne!(pair.local.master, pair.remote.master);
    }
    true
}

fn can_agree(a: &LocalMedia, b: &LocalMedia) -> bool {
    let modes = (a.srtp.mode, b.srtp.mode);
    let opposed = matches!(modes, (SrtpMode::Off, SrtpMode::Required) | (SrtpMode::Required, SrtpMode::Off));
    !opposed && a.codecs.iter().any(|codec| b.codecs.contains(codec))
}

proptest! {
    #[test]
    fn two_machines_always_agree_when_they_can(
        (a, b) in (any_local(), any_local()),
        acts in proptest::collection::vec((any::<bool>(), any_direction(), any::<bool>()), 0..8),
        seed in any::<[u8; 32]>(),
    ) {
        let tokens = &mut Tokens::new(seed);
        let agree = can_agree(&a, &b);
        let (mut a, mut b) = (OfferAnswer::new(a, tokens), OfferAnswer::new(b, tokens));
        prop_assert_eq!(exchange(&mut a, &mut b, tokens), agree);
        for (swap, direction, change) in acts {
            let (x, y) = if swap { (&mut a, &mut b) } else { (&mut b, &mut a) };
            if change {
                x.set_direction(direction);
            }
            prop_assert_eq!(exchange(x, y, tokens), agree);
            if agree && !change {
                let versions = (x.ident(), y.ident());
                prop_assert!(exchange(x, y, tokens));
                prop_assert_eq!((x.ident(), y.ident()), versions, "a refresh changes nothing");
            }
        }
    }

    #[test]
    fn no_damaged_description_panics(
        which in 0usize..4,
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..12),
        end in any::<proptest::sample::Index>(),
        mode in prop_oneof![Just(SrtpMode::Off), Just(SrtpMode::Optional), Just(SrtpMode::Required)],
    ) {
        let mut body = [BARESIP, LINPHONE, LYNC, SIPP][which].as_bytes().to_vec();
        for (at, byte) in cuts {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body.truncate(end.index(body.len()) + body.len() / 2);
        let tokens = &mut tokens();
        let mut leg = OfferAnswer::new(srtp(mode), tokens);
        if let Ok((answer, _)) = leg.answer(SDP, &body, None, tokens) {
            let own = crate::media::sdp::SessionDescription::parse(answer.as_bytes()).unwrap();
            prop_assert_eq!(own.media.iter().filter(|media| media.port != 0).count(), 1);
        }
        let (mut offerer, _) = offering(srtp(mode));
        let _ = offerer.accept_answer(SDP, &body);
        offerer.offer(tokens);
    }
}
