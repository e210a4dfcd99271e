//! `[dialling]`: what numbers mean, what they may cost, and what handsets dial to set things.

use kirkwall_core::call::dialling::{
    AllowedCalls, ConferencePlan, DialPlan, DialRule, FeatureCodes, NumberClass,
};

use kirkwall_core::id::Username;

use super::show::{self, Show};
use super::source::{self, Key, Section, Values};
use super::value::{Raw, Setting};

sections! {
    /// `[dialling]`
    Dialling {
        /// Emergency numbers: never barred, never forwarded, by any line, and a channel is made free for them.
        emergency: Vec<String> = vec!["112".into()],
        /// Digits before an outside number, `0` or `9`. Empty: none.
        outside_line: String = String::new(),
        /// Beginning of a number abroad, behind `outside_line`; a plus counts as well.
        international: String = "00".into(),
        /// Beginning of a number of another area, behind `outside_line`.
        national: String = "0".into(),
        /// Country code of this site without plus, `49`: such numbers are national. Empty: every plus is abroad.
        country_code: String = String::new(),
        /// Beginnings of numbers that cost extra, as dialled behind `outside_line` or with a plus.
        premium: Vec<String> = Vec::new(),
        /// Most digits of a number inside; longer ones are local. None: all without a prefix are inside.
        internal_digits: Option<u16> = None,
        /// Rules `PATTERN => TRANSLATION` for numbers that no user has, first fit: `^(7\d)$ => 47$1`.
        rules: Vec<DialRule> = Vec::new(),
        /// What users may call to whom nothing else was given: `internal`, `local`, `national`, `international`,
        /// `premium`. Emergency numbers are always allowed.
        allowed: Vec<NumberClass> = vec![NumberClass::Internal],
        /// What is dialled for a conference of one's own (user part of the factory URI, RFC 4579). Empty: none.
        conference_factory: String = ConferencePlan::default().factory,
        /// Keys pressed in a call that join all calls of the user in a conference. Empty: none.
        conference_keys: String = ConferencePlan::default().keys,
        /// Whether a tone tells that somebody has come into a conference made in a call, or gone.
        conference_tones: bool = true,
        /// Whether the pool makes the conferences of calls of a user of Lync's, where it has a conference factory: with
        /// the pool's roster and mixer. If it refuses, and else, this switch mixes.
        conference_through_lync: bool = true,
        @ /// Feature codes, dialled by handsets.
        codes: Codes,
    }

    /// `[dialling.codes]`, an empty code is not in use. `*21*NUMBER#` sets, `#21#` takes back.
    Codes {
        /// Forward every call.
        forward_always: String = FeatureCodes::default().forward_always,
        /// Forward while busy.
        forward_busy: String = FeatureCodes::default().forward_busy,
        /// Forward what is not answered.
        forward_no_answer: String = FeatureCodes::default().forward_no_answer,
        /// Forward while the handset is out of range.
        forward_out_of_range: String = FeatureCodes::default().forward_out_of_range,
        /// Take back all forwards.
        forward_none: String = FeatureCodes::default().forward_none,
        /// Do not disturb.
        do_not_disturb: String = FeatureCodes::default().do_not_disturb,
        /// Let calls wait while in another one.
        call_waiting: String = FeatureCodes::default().call_waiting,
        /// Dial again what was dialled last.
        redial: String = FeatureCodes::default().redial,
        /// Call back the last missed caller.
        call_back: String = FeatureCodes::default().call_back,
        /// Talk with all whom one has on hold.
        conference: String = FeatureCodes::default().conference,
        /// Answer for the alarm that came last.
        confirm_alarm: String = FeatureCodes::default().confirm_alarm,
        /// Take a call that rings elsewhere: `*8#` in the user's own pickup group, `*8*NUMBER#` at that number.
        pick_up: String = FeatureCodes::default().pick_up,
        /// Look a name up in the phone book and dial it, by the keys and the display of a native DECT handset.
        phone_book: String = FeatureCodes::default().phone_book,
        /// Look through one's own calls and dial, by the keys and the display of a native DECT handset.
        call_log: String = FeatureCodes::default().call_log,
        /// Call in the name of somebody whose delegate you are: `*58*USER*NUMBER#`. Who may do so stands in
        /// `/users/{username}/lines`, or is told by Lync.
        on_behalf: String = FeatureCodes::default().on_behalf,
        /// Sign in at a native DECT handset that several people share: `*11*USER*CODE#` with the user's access
        /// code. `#11#` signs out.
        sign_in: String = FeatureCodes::default().sign_in,
        /// Show the switch's address on a native DECT handset, whoever has it.
        show_address: String = FeatureCodes::default().show_address,
    }
}

impl Dialling {
    /// As the switch dials.
    pub fn plan(&self) -> DialPlan {
        DialPlan {
            emergency: self.emergency.clone(),
            outside_line: self.outside_line.clone(),
            international: self.international.clone(),
            national: self.national.clone(),
            country_code: self.country_code.clone(),
            premium: self.premium.clone(),
            internal_digits: self.internal_digits.map(usize::from),
            rules: DialRule::profile(self.rules.iter().cloned()),
            learned: None,
            codes: self.codes.clone().into(),
            conference: ConferencePlan {
                factory: self.conference_factory.clone(),
                keys: self.conference_keys.clone(),
                tones: self.conference_tones,
                through_lync: self.conference_through_lync,
            },
            allowed: self.allowed.iter().copied().collect::<AllowedCalls>(),
        }
    }
}

impl From<Codes> for FeatureCodes {
    fn from(codes: Codes) -> Self {
        Self {
            forward_always: codes.forward_always,
            forward_busy: codes.forward_busy,
            forward_no_answer: codes.forward_no_answer,
            forward_out_of_range: codes.forward_out_of_range,
            forward_none: codes.forward_none,
            do_not_disturb: codes.do_not_disturb,
            call_waiting: codes.call_waiting,
            redial: codes.redial,
            call_back: codes.call_back,
            conference: codes.conference,
            confirm_alarm: codes.confirm_alarm,
            pick_up: codes.pick_up,
            phone_book: codes.phone_book,
            call_log: codes.call_log,
            on_behalf: codes.on_behalf,
            sign_in: codes.sign_in,
            show_address: codes.show_address,
        }
    }
}

/// What does not fit.
pub fn check(dialling: &Dialling, values: &mut Values) {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some(wrong) = dialling.emergency.iter().find(|number| number.is_empty() || !digits(number)) {
        let what = format!("{wrong:?} is no emergency number; write digits only, \"112\"");
        values.fault("dialling.emergency", what);
    }
    if dialling.emergency.is_empty() {
        values.fault("dialling.emergency", "must name at least one number, \"112\"".into());
    }
    for (key, text) in [
        ("outside_line", &dialling.outside_line),
        ("international", &dialling.international),
        ("national", &dialling.national),
        ("country_code", &dialling.country_code),
    ] {
        if !digits(text) {
            values.fault(&format!("dialling.{key}"), format!("{text:?} is not digits only"));
        }
    }
    let bad = |start: &&String| {
        let bare = start.strip_prefix('+').unwrap_or(start);
        bare.is_empty() || !digits(bare)
    };
    if let Some(wrong) = dialling.premium.iter().find(bad) {
        let what = format!("{wrong:?} is no beginning of a number; write \"0900\" or \"+1900\"");
        values.fault("dialling.premium", what);
    }
    let keys = &dialling.conference_keys;
    if keys.len() > 8 || !keys.bytes().all(|b| b.is_ascii_digit() || b"*#".contains(&b)) {
        let what = format!("{keys:?} are no keys; write at most 8 of 0-9, * and #, \"*3\"");
        values.fault("dialling.conference_keys", what);
    }
    if !dialling.conference_factory.is_empty() && dialling.conference_factory.parse::<Username>().is_err() {
        let what =
            format!("{:?} cannot be dialled; write a name, \"conference\"", dialling.conference_factory);
        values.fault("dialling.conference_factory", what);
    }
    for (name, what) in FeatureCodes::from(dialling.codes.clone()).faults() {
        values.fault(&format!("dialling.codes.{name}"), what);
    }
}

impl Setting for DialRule {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = String::parse(raw)?;
        text.parse().map_err(|fault| format!("{text:?} is no rule: {fault}"))
    }
}

impl Show for DialRule {
    fn show(&self) -> String {
        show::Show::show(&self.to_string())
    }
}

impl Setting for NumberClass {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = String::parse(raw)?;
        text.parse().map_err(|fault| format!("{fault}"))
    }
}

impl Show for NumberClass {
    fn show(&self) -> String {
        show::Show::show(&self.to_string())
    }
}
