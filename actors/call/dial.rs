//! Legs that speak SIP: made, and dialled.

use super::*;

impl Call {
    pub(super) fn dial(&mut self, leg: LegNo, target: Target, offer: Body, ctx: &mut Context<Self>) {
        if let Some(native) = target.native.clone() {
            return self.dial_native(leg, target, native, offer, ctx);
        }
        let own = target.credentials_of.clone().map_or(String::new(), |user| user.to_string());
        let local = local_end_to(&self.ports, &self.settings, &target.destination, &own);
        let credentials = target.credentials_of.as_ref().and(self.credentials.clone()).map(DigestClient::new);
        let dialog = self.start_dialog(leg, local, credentials, None, ctx);
        let name = if target.from_display.is_empty() {
            String::new()
        } else {
            format!("{} ", quoted(&target.from_display))
        };
        let referral = self.machine.referral().map_or(Vec::new(), Referral::headers);
        dialog.do_send(Place(Box::new(Dial {
            request_uri: target.request_uri.clone(),
            from: format!("{name}<{}>", target.from_uri),
            to: format!("<{}>", target.to_uri),
            contact: None,
            route: target.route.clone(),
            destination: target.destination.clone(),
            body: Some(offer),
            parts: target.parts.clone(),
            headers: target.headers.iter().map(header).chain(referral).collect(),
            // Who is called in talk, for a transfer, is called anew.
            onward: match self.summary().answered {
                None => self.onward.clone(),
                Some(_) => Onward::default(),
            },
        })));
    }

    pub(super) fn start_dialog(
        &mut self,
        leg: LegNo,
        local: kirkwall_core::sip::invite::LocalEnd,
        credentials: Option<DigestClient>,
        record: Option<LegRecord>,
        ctx: &mut Context<Self>,
    ) -> Addr<Dialog> {
        let owner = leg.owner(self.summary().reference);
        let seed = DialogSeed {
            leg,
            owner,
            local,
            call: ctx.address(),
            lines: self.supervisor.clone(),
            ports: self.ports.clone(),
            credentials,
            tokens: self.tokens.split(),
            record,
        };
        let dialog = Dialog::new(seed).start();
        self.legs.insert(leg, LegAddr::Sip(dialog.clone()));
        dialog
    }
}

fn header((name, value): &(String, String)) -> (HeaderName, Text) {
    (HeaderName::from_text(Text::from(name.as_str())), Text::from(value.as_str()))
}
