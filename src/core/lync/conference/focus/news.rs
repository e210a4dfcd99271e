//! The subscription to the conference's state.

use super::*;

/// Lifetime of the subscription; the focus prolongs it while it tells news (autoextend).
const LIFETIME: Duration = Duration::from_secs(3_600);

impl Focus {
    pub(super) fn subscriber(&self) -> Subscriber {
        Subscriber {
            owner: self.account.owner,
            aor: self.account.aor.clone(),
            target: self.focus.clone(),
            contact: self.account.aor.clone(),
            contact_params: String::new(),
            sent_by: self.account.sent_by.clone(),
            // Never asked for: the line signs.
            credentials: Credentials { username: String::new(), password: Pii(String::new()) },
            user_agent: self.account.user_agent.clone(),
            route: Vec::new(),
            proxy: self.proxy.clone(),
        }
    }

    pub(super) fn news(&mut self, input: SubscriptionInput, now: Moment) -> Then {
        self.news_from(input, None, now)
    }

    pub(super) fn news_from(&mut self, input: SubscriptionInput, peer: Option<&Peer>, now: Moment) -> Then {
        let Some(Ok(ready)) = self.news.as_mut().map(|news| news.handle(input, now)) else {
            return Vec::new();
        };
        let mut then = Vec::new();
        for output in ready.then {
            match output {
                SubscriptionOutput::Send { request, to } => {
                    then.push(FocusOutput::Send { message: request, to });
                }
                SubscriptionOutput::Answer(answer) => then.extend(peer.map(|peer| FocusOutput::Send {
                    to: door::response_destination(&answer, peer),
                    message: answer,
                })),
                SubscriptionOutput::Notified(news) => then.extend(self.notified(&news, now)),
                SubscriptionOutput::Changed(SubscriptionStatus { .. }) => {}
            }
        }
        then
    }

    pub(super) fn notified(&mut self, news: &Message, now: Moment) -> Then {
        match self.roster.take(&news.body) {
            Ok(Taken::Changed) => vec![FocusOutput::Roster(Box::new(self.roster.clone()))],
            Ok(Taken::Gap) => self.news(SubscriptionInput::Refresh, now),
            // The focus says BYE besides; who does not wait for it misses nothing.
            Ok(Taken::Over) => self.leave("the conference is over", now),
            Ok(Taken::Old) | Err(_) => Vec::new(),
        }
    }
}

pub(super) fn package() -> Package {
    let supported = ["com.microsoft.autoextend", "ms-benotify", "ms-piggyback-first-notify"];
    let mut headers: Vec<_> =
        supported.into_iter().map(|tag| (HeaderName::Supported, Text::from_static(tag))).collect();
    headers.push((HeaderName::ProxyRequire, Text::from_static("ms-benotify")));
    Package {
        event: roster::EVENT.to_owned(),
        accept: vec![roster::CONTENT_TYPE.to_owned()],
        expires: LIFETIME,
        headers,
        body: None,
    }
}
