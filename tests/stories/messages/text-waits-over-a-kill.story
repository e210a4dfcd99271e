# A text to a handset that is away is kept, also over kill -9, and delivered when the handset is back. One
# to everybody reaches whoever is there.

front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
base A
handset 2001 on A
expect handset 2001 registered
rest POST /messages {"text": "Keys are at the desk", "to": ["2002"]}
expect rest GET /messages items.0.state waiting

kill switch
start switch
expect rest GET /messages items.0.text "Keys are at the desk"
handset 2002 on A
expect handset 2002 registered
expect rest GET /messages items.0.state delivered

rest POST /messages {"text": "Fire drill at ten", "to": ["*"], "priority": "urgent"}
expect rest GET /messages items.0.text "Fire drill at ten"
expect rest GET /messages items.0.recipients.0.standing delivered
expect rest GET /messages items.0.recipients.1.standing delivered
