# An alarm on native handsets rings; nobody confirms, so it goes to the next; a key, or a text back, answers for it.

set dect.ari = "102AF12C"
front end over udp
start switch
user 5001 "Nurse Anna"
user 5002 "Nurse Bert"
native base N1
expect native base N1 in service
subscription window
native handset 5001 near N1 as anna
native handset 5002 near N1 as bert

rest POST /messages {"text": "Bed 7", "to": ["5001"], "priority": "emergency", "confirmation": "reply", "escalation": {"after_seconds": 5, "levels": [["5002"]]}}
expect anna text "Bed 7"
expect anna ringing
expect anna shows "ALARM Bed 7"
expect rest GET /messages items.0.recipients.0.standing delivered
expect rest GET /messages items.0.state unconfirmed
expect rest GET /messages items.0.level 1
expect bert text "Bed 7"
expect rest GET /messages items.0.recipients.1.standing delivered

expect bert ringing
bert answers
expect bert talking
bert presses 1
expect bert ended
expect rest GET /messages items.0.state confirmed
expect rest GET /messages items.0.recipients.1.standing confirmed
expect anna cancelled

rest POST /messages {"text": "Bed 8", "from": "5002", "to": ["5001"], "priority": "urgent", "confirmation": "reply", "escalation": {"after_seconds": 600, "levels": [["5002"]]}}
expect anna text "Bed 8"
anna writes "Coming" to 5002
expect rest GET /messages items.0.state confirmed
