# A call that rings at one native handset is taken at another by a code, and is not missed; a click rings the handset,
# then calls.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
rest PATCH /users/2001 {"pickup_group": "ward 3"}
rest PATCH /users/2002 {"pickup_group": "ward 3"}
far end 7001
native base A
expect native base A in service
subscription window
native handset 2001 near A
native handset 2002 near A
expect line 2001 registered

7001 dials 2001
expect 2001 ringing
2002 dials *8#
expect 7001 talking
expect 2002 shows 7001
expect 2002 hears 7001
expect 7001 hears 2002
expect 2001 cancelled
7001 hangs up
expect 2002 ended
expect rest GET /users/2001/calls items.0.kind elsewhere
expect rest GET /users/2002/calls items.0.kind received

rest POST /calls {"user": "2001", "to": "7001"}
expect 2001 ringing
expect 2001 shows 7001
2001 answers
expect 7001 ringing
7001 answers
expect 7001 hears 2001
expect 2001 hears 7001
2001 hangs up
expect 7001 ended
expect rest GET /users/2001/calls items.0.kind placed
expect rest GET /users/2001/calls items.0.number "7001"
expect channels idle
expect native bases without faults
