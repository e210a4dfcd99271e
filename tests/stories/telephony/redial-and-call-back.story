# The call log by codes: what was dialled last is dialled again, and who was missed is called back; by a native handset
# and by one on SIP-DECT, with the north and inside.

set dect.ari = "102AF12C"
set sip.internal_routing = "first"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
base S
handset 2002 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 7001
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 hangs up
expect 7001 ended
expect rest GET /users/2001/calls?limit=1 items.0.kind placed
2001 dials *66
7001 answers
expect 2001 hears 7001
7001 hangs up
expect 2001 ended

2001 dials 2002
expect 2002 ringing
2001 hangs up
expect 2002 cancelled
expect rest GET /users/2002/calls?limit=1 items.0.kind missed
expect rest GET /users/2002/calls?limit=1 items.0.number "2001"
2002 dials *69
expect 2001 shows "Doctor Bo"
2001 answers
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
expect native bases without faults
