//! Messages that wait while a handset is away.

use super::*;

crate::call::town::scenes::observed! {
    a_handset_that_comes_back_hears_of_its_messages: MessageWaiting, Handover,
        "two messages come for 21, whose handset is out of range; it comes back",
        "nobody is told; then the handset is told of 2 new messages", || {
            let mut machine = machine(Kept::default());
            let before = told(&mut machine, MessageInput::Notified(notify(TWO)));
            let after = told(&mut machine, MessageInput::South(NotifierInput::Places(vec![place()])));
            format!("{before}; then {after}")
        };
    message_waiting_goes_out_once_they_are_heard: MessageWaiting, MessageWaiting,
        "two messages come for 21, and are heard from another telephone",
        "the handset is told of 2 new messages; then the handset is told of 0 new messages", || {
            let mut machine = machine(Kept::default());
            machine.handle(MessageInput::South(NotifierInput::Places(vec![place()])), now()).unwrap();
            let then = machine.handle(MessageInput::Notified(notify(TWO)), now()).unwrap().then;
            let before = words(&then);
            let sent = then.into_iter().find_map(|output| match output {
                MessageOutput::Send { request, .. } => Some(request),
                _ => None,
            });
            let taken = Message::response(&sent.expect("it is told"), 200, "OK", Some("h"));
            machine.handle(MessageInput::Received(taken), now()).unwrap();
            let heard = "Messages-Waiting: no\r\nVoice-Message: 0/2 (0/0)\r\n";
            format!("{before}; then {}", told(&mut machine, MessageInput::Notified(notify(heard))))
        };
}

const TWO: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/0 (0/0)\r\n";

fn told(machine: &mut MessageWaiting, input: MessageInput) -> String {
    words(&machine.handle(input, now()).unwrap().then)
}

fn words(then: &[MessageOutput]) -> String {
    let told = then.iter().filter_map(|output| match output {
        MessageOutput::Send { request, .. } => Mailbox::parse(&request.body).ok(),
        _ => None,
    });
    let told: Vec<_> =
        told.map(|mailbox| format!("the handset is told of {} new messages", mailbox.new)).collect();
    if told.is_empty() { "nobody is told".into() } else { told.join("; ") }
}
