# One user with two handsets (simultaneous ringing): the one that did not answer stops, and the call is not a
# missed one. A call that nobody answers is.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
base B
handset 2001 on A
handset 2001 on B as 2001b
far end +4512345
expect handset 2001 registered
expect handset 2001b registered
expect line 2001 registered

+4512345 dials 2001
expect 2001 ringing
expect 2001b ringing
2001 answers
expect 2001b cancelled
expect 2001 hears +4512345
2001 hangs up
expect +4512345 ended
expect rest GET /users/2001/calls?limit=1 items.0.kind received
+4512345 dials 2001
expect 2001 ringing
+4512345 hangs up
expect 2001 cancelled
expect rest GET /users/2001/calls?limit=1 items.0.kind missed
expect channels idle
