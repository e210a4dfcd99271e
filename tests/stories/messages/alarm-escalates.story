# An urgent text that nobody confirms goes to the next, and ends when somebody answers for it. It does not ring.

front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
base A
handset 2001 on A
handset 2002 on A
expect handset 2001 registered
expect handset 2002 registered
rest POST /messages {"text": "Bed 7", "to": ["2001"], "priority": "urgent", "confirmation": "reply", "escalation": {"after_seconds": 5, "levels": [["2002"]]}}
expect rest GET /messages items.0.state unconfirmed
expect rest GET /messages items.0.recipients.0.standing delivered
expect rest GET /messages items.0.level 1
expect rest GET /messages items.0.recipients.1.standing delivered


# A code answers for it on a handset that writes no texts.
2002 dials *27#
expect rest GET /messages items.0.state confirmed
expect rest GET /messages items.0.recipients.1.standing confirmed
