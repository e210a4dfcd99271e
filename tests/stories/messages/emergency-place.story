# A handset calls for help: the call goes out with the place of its base station, the far end takes it, and the
# desk is told who calls and from where. Nobody at the desk confirms, so the next one is told.

set messages.emergency_desk = ["2002"]
set messages.behind_emergency_desk = ["2003"]
set messages.emergency_desk_time = 5
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Desk"
user 2003 "Head nurse"
base A
handset 2001 on A
handset 2002 on A
far end 112
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 registered
rest PATCH /base-stations/7c2f80000000 {"name": "Ward 3", "location": {"country": "DE", "building": "B", "floor": "2", "room": "217"}}

2001 dials 112
expect 112 ringing
112 answers
expect 2001 talking
expect 2001 hears 112
expect rest GET /messages items.0.text "EMERGENCY CALL to 112 by Nurse Anna (2001): room 217, floor 2, building B"
expect rest GET /messages items.0.recipients.0.standing delivered
2001 hangs up
expect 112 ended
# The desk rings till somebody there has heard of it, with pauses.
expect 2002 ringing
2002 rejects
expect channels idle

expect rest GET /messages items.0.level 1
expect rest GET /messages items.0.recipients.1.address "2003"
expect rest GET /messages items.0.recipients.1.standing waiting
