//! Feature codes: what a handset dials to set something, in the manner of ETSI supplementary services
//! (ETS 300 738, 3GPP TS 22.030 §6.5.2): `*21*4711#` sets, `#21#` takes back.
//!
//! A handset may leave out the `#` at the end: many take it for the dial key.

use crate::call::cause::Cause;
use crate::call::forward::{ForwardKind, SECONDS};
use crate::call::menu::Topic;
use crate::pii::Pii;

/// The codes of this site; an empty one is not in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureCodes {
    /// Forward every call.
    pub forward_always: String,
    /// Forward when busy.
    pub forward_busy: String,
    /// Forward when nobody answers.
    pub forward_no_answer: String,
    /// Forward when the handset is out of range.
    pub forward_out_of_range: String,
    /// Take back all forwards.
    pub forward_none: String,
    /// Do not disturb.
    pub do_not_disturb: String,
    /// Let calls wait while in another one.
    pub call_waiting: String,
    /// Dial again what was dialled last.
    pub redial: String,
    /// Call back the last missed caller.
    pub call_back: String,
    /// Make a conference of all calls on hold.
    pub conference: String,
    /// Answer for the last alarm.
    pub confirm_alarm: String,
    /// Take a call that rings at somebody else's handset.
    pub pick_up: String,
    /// Look a name up in the phone book.
    pub phone_book: String,
    /// Look through one's own calls.
    pub call_log: String,
    /// Call in the name of somebody whose delegate the caller is.
    pub on_behalf: String,
    /// Sign in at a handset that several people share.
    pub sign_in: String,
    /// Show the switch's address.
    pub show_address: String,
}

impl Default for FeatureCodes {
    /// The numbers of GSM (TS 22.030 annex B) where it has one.
    fn default() -> Self {
        Self {
            forward_always: "*21".into(),
            forward_busy: "*67".into(),
            forward_no_answer: "*61".into(),
            forward_out_of_range: "*62".into(),
            forward_none: "##002".into(),
            do_not_disturb: "*26".into(),
            call_waiting: "*43".into(),
            redial: "*66".into(),
            call_back: "*69".into(),
            conference: "*3".into(),
            confirm_alarm: "*27".into(),
            pick_up: "*8".into(),
            phone_book: "*50".into(),
            call_log: "*51".into(),
            on_behalf: "*58".into(),
            sign_in: "*11".into(),
            show_address: "***999*00".into(),
        }
    }
}

/// What a code orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeOrder {
    /// Forward to there, after so many seconds if that was dialled too.
    Forward(ForwardKind, String, Option<u16>),
    /// Forward no longer.
    NoForward(ForwardKind),
    /// Forward nothing any longer.
    NoForwards,
    /// Do not disturb, or do.
    DoNotDisturb(bool),
    /// Let calls wait, or tell their callers that the user is busy.
    CallWaiting(bool),
    /// Dial again what was dialled last.
    Redial,
    /// Call back the last missed caller.
    CallBack,
    /// Join the calls that the user has on hold in a conference.
    Conference,
    /// Answer for the last alarm.
    ConfirmAlarm,
    /// Take the call that rings there; none: one that rings in the user's own group.
    PickUp(Option<String>),
    /// Look through the phone book or the user's own calls, by display and keypad.
    Browse(Topic),
    /// Call this number in the name of this user or address.
    OnBehalf(String, String),
    /// The handset is this user's from now on, who knows the access code.
    SignIn(String, Pii<String>),
    /// The handset is nobody's.
    SignOut,
    /// Show the switch's address.
    ShowAddress,
}

impl CodeOrder {
    /// What was done, for a display.
    pub fn done(&self) -> String {
        match self {
            Self::Forward(_, to, _) => format!("Forwarded to\r{to}"),
            Self::NoForward(_) | Self::NoForwards => "Not forwarded".to_owned(),
            Self::DoNotDisturb(true) => "Do not disturb on".to_owned(),
            Self::DoNotDisturb(false) => "Do not disturb off".to_owned(),
            Self::CallWaiting(true) => "Calls may wait".to_owned(),
            Self::CallWaiting(false) => "Calls do not wait".to_owned(),
            Self::SignOut => "Signed out".to_owned(),
            Self::ConfirmAlarm => "Confirmed".to_owned(),
            Self::Redial | Self::CallBack | Self::Conference | Self::OnBehalf(..) => String::new(),
            Self::PickUp(_) | Self::Browse(_) | Self::SignIn(..) | Self::ShowAddress => String::new(),
        }
    }
}

/// A code as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeLine {
    /// Name of the feature, the key of `[dialling.codes]`.
    pub feature: &'static str,
    /// What is dialled to set it; capital letters stand for digits.
    pub set: String,
    /// What is dialled to take it back, if it can be.
    pub cancel: Option<String>,
    /// In words.
    pub what: &'static str,
}

impl FeatureCodes {
    fn forwards(&self) -> [(&str, ForwardKind); 4] {
        [
            (&self.forward_always, ForwardKind::Always),
            (&self.forward_busy, ForwardKind::Busy),
            (&self.forward_no_answer, ForwardKind::NoAnswer),
            (&self.forward_out_of_range, ForwardKind::OutOfRange),
        ]
    }

    /// All of them, by name.
    fn all(&self) -> [(&'static str, &String); 17] {
        [
            ("forward_always", &self.forward_always),
            ("forward_busy", &self.forward_busy),
            ("forward_no_answer", &self.forward_no_answer),
            ("forward_out_of_range", &self.forward_out_of_range),
            ("forward_none", &self.forward_none),
            ("do_not_disturb", &self.do_not_disturb),
            ("call_waiting", &self.call_waiting),
            ("redial", &self.redial),
            ("call_back", &self.call_back),
            ("conference", &self.conference),
            ("confirm_alarm", &self.confirm_alarm),
            ("pick_up", &self.pick_up),
            ("phone_book", &self.phone_book),
            ("call_log", &self.call_log),
            ("on_behalf", &self.on_behalf),
            ("sign_in", &self.sign_in),
            ("show_address", &self.show_address),
        ]
    }

    /// Reads what was dialled. `None`: no code, so a number. An error is a code that is not complete.
    pub fn read(&self, typed: &str) -> Option<Result<CodeOrder, Cause>> {
        if !typed.starts_with(['*', '#']) {
            return None;
        }
        let dialled = typed.strip_suffix('#').unwrap_or(typed);
        let is = |code: &str| !code.is_empty() && dialled == code;
        let is_cancel = |code: &str| cancel_of(code).is_some_and(|cancel| dialled == cancel);
        if is(&self.forward_none) {
            return Some(Ok(CodeOrder::NoForwards));
        }
        if is(&self.do_not_disturb) || is_cancel(&self.do_not_disturb) {
            return Some(Ok(CodeOrder::DoNotDisturb(is(&self.do_not_disturb))));
        }
        if is(&self.call_waiting) || is_cancel(&self.call_waiting) {
            return Some(Ok(CodeOrder::CallWaiting(is(&self.call_waiting))));
        }
        if is(&self.redial) {
            return Some(Ok(CodeOrder::Redial));
        }
        if is(&self.call_back) {
            return Some(Ok(CodeOrder::CallBack));
        }
        if is(&self.conference) {
            return Some(Ok(CodeOrder::Conference));
        }
        if is(&self.confirm_alarm) {
            return Some(Ok(CodeOrder::ConfirmAlarm));
        }
        if let Some(order) = self.picks_up(dialled) {
            return Some(order);
        }
        let topics = [(&self.phone_book, Topic::PhoneBook), (&self.call_log, Topic::CallLog)];
        if let Some((_, topic)) = topics.into_iter().find(|(code, _)| is(code)) {
            return Some(Ok(CodeOrder::Browse(topic)));
        }
        if is(&self.show_address) {
            return Some(Ok(CodeOrder::ShowAddress));
        }
        if is_cancel(&self.sign_in) {
            return Some(Ok(CodeOrder::SignOut));
        }
        if let Some(rest) = follows(&self.sign_in, dialled) {
            return Some(sign_in(&self.sign_in, rest));
        }
        if let Some(rest) = follows(&self.on_behalf, dialled) {
            return Some(on_behalf(&self.on_behalf, rest));
        }
        self.forwards().into_iter().find_map(|(code, kind)| match dialled.strip_prefix(code) {
            _ if code.is_empty() => None,
            Some("") => Some(Err(Cause::of_status(484, format!("dial a number too: {code}*NUMBER#")))),
            Some(rest) => rest.strip_prefix('*').map(|rest| forward(kind, rest)),
            None => is_cancel(code).then_some(Ok(CodeOrder::NoForward(kind))),
        })
    }

    /// Whose call is taken, if that code was dialled: by itself for the own group, else with a number.
    fn picks_up(&self, dialled: &str) -> Option<Result<CodeOrder, Cause>> {
        let rest = dialled.strip_prefix(self.pick_up.as_str()).filter(|_| !self.pick_up.is_empty())?;
        match rest.strip_prefix('*') {
            None => rest.is_empty().then_some(Ok(CodeOrder::PickUp(None))),
            Some("") => Some(Err(Cause::of_status(484, "the number whose call is to be taken is missing"))),
            Some(number) => Some(Ok(CodeOrder::PickUp(Some(number.to_owned())))),
        }
    }

    /// What was dialled as lists and logs may show it: without the access code of who signs in.
    pub fn shown(&self, typed: &str) -> String {
        match follows(&self.sign_in, typed) {
            Some(_) => self.sign_in.clone(),
            None => typed.to_owned(),
        }
    }

    /// Whether a code that is in use begins with these digits and goes on.
    pub(super) fn begins(&self, digits: &str) -> bool {
        let cancels = self.all().into_iter().filter_map(|(_, code)| cancel_of(code));
        let codes = self.all().into_iter().map(|(_, code)| code.clone()).chain(cancels);
        codes.into_iter().any(|code| code.len() > digits.len() && code.starts_with(digits))
    }

    /// All codes in use, for lists.
    pub fn list(&self) -> Vec<CodeLine> {
        let line = |feature, code: &String, argument: &str, what| CodeLine {
            feature,
            set: format!("{code}{argument}#"),
            cancel: Some(code)
                .filter(|_| {
                    let switched = ["do_not_disturb", "call_waiting"].contains(&feature);
                    let acts = ["on_behalf", "pick_up"].contains(&feature);
                    (argument.starts_with('*') && !acts) || switched
                })
                .and_then(|code| cancel_of(code).map(|cancel| format!("{cancel}#"))),
            what,
        };
        let lines = [
            line("forward_always", &self.forward_always, "*NUMBER", "forward every call"),
            line("forward_busy", &self.forward_busy, "*NUMBER", "forward calls while you are busy"),
            line(
                "forward_no_answer",
                &self.forward_no_answer,
                "*NUMBER*SECONDS",
                "forward calls that you do not answer; *SECONDS may be left out",
            ),
            line(
                "forward_out_of_range",
                &self.forward_out_of_range,
                "*NUMBER",
                "forward calls while the handset is out of range or switched off",
            ),
            line("forward_none", &self.forward_none, "", "take back all forwards"),
            line("do_not_disturb", &self.do_not_disturb, "", "do not disturb"),
            line("call_waiting", &self.call_waiting, "", "let calls wait while you are in another one"),
            line("redial", &self.redial, "", "dial again what you dialled last"),
            line("call_back", &self.call_back, "", "call back the last missed caller"),
            line("conference", &self.conference, "", "talk with all whom you have on hold"),
            line("confirm_alarm", &self.confirm_alarm, "", "answer for the alarm that you got last"),
            line("pick_up", &self.pick_up, "", "take a call that rings in your pickup group"),
            line("pick_up", &self.pick_up, "*NUMBER", "take the call that rings at that number"),
            line(
                "phone_book",
                &self.phone_book,
                "",
                "look a name up on a native DECT handset: a key for each letter, `*` the next, 1 the one before, \
                 `#` dials, R takes a letter back or leaves",
            ),
            line(
                "call_log",
                &self.call_log,
                "",
                "look through your calls on a native DECT handset: 2 missed, 3 received, 4 placed, 0 all; `*` the \
                 next, 1 the one before, `#` dials, R leaves",
            ),
            line(
                "on_behalf",
                &self.on_behalf,
                "*USER*NUMBER",
                "call in the name of somebody whose delegate you are",
            ),
            line(
                "sign_in",
                &self.sign_in,
                "*USER*CODE",
                "make a shared DECT handset yours; the code is your access code, `#` and the digits sign out",
            ),
            line("show_address", &self.show_address, "", "show the switch's address on a DECT handset"),
        ];
        lines
            .into_iter()
            .filter(|line| {
                line.set != "#" && !line.set.starts_with("*NUMBER") && !line.set.starts_with("*USER")
            })
            .collect()
    }

    /// What is wrong with a code, by its name: codes begin with `*` or `#`, have digits, and none is the
    /// beginning of another.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let all = self.all();
        let used = || all.iter().filter(|(_, code)| !code.is_empty());
        let mut faults = Vec::new();
        for (name, code) in used() {
            let digits = code.trim_start_matches(['*', '#']);
            let good = digits.len() < code.len()
                && !digits.is_empty()
                && digits.bytes().all(|b| b.is_ascii_digit() || b == b'*');
            if !good {
                faults.push((*name, format!("{code:?} is no code; write \"*21\", or \"\" for none")));
            } else if used().any(|(other, text)| other != name && text == code) {
                faults.push((*name, format!("{code:?} stands for another feature too; choose another")));
            }
        }
        faults
    }
}

/// TS 22.030 §6.5.2: activation begins with `*`, deactivation with `#`.
fn cancel_of(code: &str) -> Option<String> {
    code.strip_prefix('*').map(|digits| format!("#{digits}"))
}

/// What follows a code that goes on with `*`, if it was dialled.
fn follows<'a>(code: &str, dialled: &'a str) -> Option<&'a str> {
    let rest = dialled.strip_prefix(code).filter(|_| !code.is_empty())?;
    (rest.is_empty() || rest.starts_with('*')).then_some(rest)
}

fn on_behalf(code: &str, rest: &str) -> Result<CodeOrder, Cause> {
    let missing =
        || Cause::of_status(484, format!("dial whose delegate you are, and a number: {code}*USER*NUMBER#"));
    let (user, number) = rest.strip_prefix('*').and_then(|rest| rest.split_once('*')).ok_or_else(missing)?;
    match user.is_empty() || number.is_empty() {
        true => Err(missing()),
        false => Ok(CodeOrder::OnBehalf(user.to_owned(), number.to_owned())),
    }
}

fn sign_in(code: &str, rest: &str) -> Result<CodeOrder, Cause> {
    let missing =
        || Cause::of_status(484, format!("dial your number and access code too: {code}*USER*CODE#"));
    let (user, access) = rest.strip_prefix('*').and_then(|rest| rest.split_once('*')).ok_or_else(missing)?;
    match user.is_empty() || access.is_empty() {
        true => Err(missing()),
        false => Ok(CodeOrder::SignIn(user.to_owned(), Pii(access.to_owned()))),
    }
}

fn forward(kind: ForwardKind, rest: &str) -> Result<CodeOrder, Cause> {
    let (number, seconds) = match rest.split_once('*') {
        Some((number, seconds)) => (number, Some(seconds)),
        None => (rest, None),
    };
    let seconds = match seconds.map(str::parse::<u16>) {
        None => None,
        Some(Ok(seconds)) if SECONDS.contains(&seconds) && kind == ForwardKind::NoAnswer => Some(seconds),
        Some(_) => {
            return Err(Cause::of_status(484, "5 to 120 seconds are possible, and only without answer"));
        }
    };
    match number.is_empty() {
        true => Err(Cause::of_status(484, "the number to forward to is missing")),
        false => Ok(CodeOrder::Forward(kind, number.to_owned(), seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Option<Result<CodeOrder, u16>> {
        FeatureCodes::default().read(typed).map(|order| order.map_err(|cause| cause.status))
    }

    #[test]
    fn codes_set_and_take_back_with_or_without_the_last_hash() {
        let set = |kind| Some(Ok(CodeOrder::Forward(kind, "4711".into(), None)));
        assert_eq!(read("*21*4711#"), set(ForwardKind::Always));
        assert_eq!(read("*21*4711"), set(ForwardKind::Always));
        assert_eq!(read("*62*4711#"), set(ForwardKind::OutOfRange));
        let after = CodeOrder::Forward(ForwardKind::NoAnswer, "4711".into(), Some(15));
        assert_eq!(read("*61*4711*15#"), Some(Ok(after)));
        assert_eq!(read("#21#"), Some(Ok(CodeOrder::NoForward(ForwardKind::Always))));
        assert_eq!(read("##002#"), Some(Ok(CodeOrder::NoForwards)));
        assert_eq!(read("*26#"), Some(Ok(CodeOrder::DoNotDisturb(true))));
        assert_eq!(read("#26"), Some(Ok(CodeOrder::DoNotDisturb(false))));
        assert_eq!(read("*43#"), Some(Ok(CodeOrder::CallWaiting(true))));
        assert_eq!(read("#43#"), Some(Ok(CodeOrder::CallWaiting(false))));
        assert_eq!(read("*66"), Some(Ok(CodeOrder::Redial)));
        assert_eq!(read("*8#"), Some(Ok(CodeOrder::PickUp(None))));
        assert_eq!(read("*8*21#"), Some(Ok(CodeOrder::PickUp(Some("21".into())))));
        assert_eq!(read("*8*"), Some(Err(484)));
        assert_eq!(read("*88"), None);
    }

    #[test]
    fn shared_handsets_are_signed_in_at_and_the_access_code_is_not_shown() {
        let signs_in = CodeOrder::SignIn("2001".into(), Pii("4711".into()));
        assert_eq!(read("*11*2001*4711#"), Some(Ok(signs_in)));
        assert_eq!(read("#11#"), Some(Ok(CodeOrder::SignOut)));
        assert_eq!(read("***999*00"), Some(Ok(CodeOrder::ShowAddress)));
        for typed in ["*11", "*11*2001#", "*11**4711", "*11*2001*"] {
            assert_eq!(read(typed), Some(Err(484)), "{typed}");
        }
        let codes = FeatureCodes::default();
        assert_eq!(["*11*2001*4711", "2001"].map(|typed| codes.shown(typed)), ["*11", "2001"]);
    }

    #[test]
    fn a_code_that_is_not_complete_says_so_and_others_are_numbers() {
        for typed in ["*21#", "*21", "*21*#", "*61*4711*2#", "*67*4711*20#", "*61*1*x"] {
            assert_eq!(read(typed), Some(Err(484)), "{typed}");
        }
        for typed in ["4711", "*97", "*211", "#99#", "*", "#", ""] {
            assert_eq!(read(typed), None, "{typed}");
        }
    }

    #[test]
    fn the_list_names_every_code_in_use() {
        let mut codes = FeatureCodes::default();
        assert_eq!(codes.list().len(), 18);
        codes.redial.clear();
        let list = codes.list();
        assert!(list.iter().all(|line| line.feature != "redial"));
        assert_eq!((list[0].set.as_str(), list[0].cancel.as_deref()), ("*21*NUMBER#", Some("#21#")));
        // What the list says is understood.
        for line in list {
            let typed = line
                .set
                .replace("NUMBER", "4711")
                .replace("SECONDS", "20")
                .replace("USER", "2001")
                .replace("CODE", "1234");
            assert!(matches!(codes.read(&typed), Some(Ok(_))), "{typed}");
            assert!(line.cancel.is_none_or(|cancel| matches!(codes.read(&cancel), Some(Ok(_)))));
        }
    }

    #[test]
    fn codes_that_cannot_be_are_named() {
        let codes = FeatureCodes { redial: "66".into(), call_back: "*26".into(), ..FeatureCodes::default() };
        let names: Vec<_> = codes.faults().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["do_not_disturb", "redial", "call_back"]);
        assert!(FeatureCodes::default().faults().is_empty());
    }

    #[test]
    fn a_call_in_somebodys_name_takes_the_name_and_the_number() {
        let order = CodeOrder::OnBehalf("2001".into(), "004930123".into());
        assert_eq!(read("*58*2001*004930123#"), Some(Ok(order)));
        for short in ["*58#", "*58*2001#", "*58**4711#", "*58*2001*#"] {
            assert_eq!(read(short), Some(Err(484)), "{short}");
        }
        assert_eq!(read("#58#"), None, "it cannot be taken back");
        let line =
            FeatureCodes::default().list().into_iter().find(|line| line.feature == "on_behalf").unwrap();
        assert_eq!((line.set.as_str(), line.cancel), ("*58*USER*NUMBER#", None));
    }
}
