# Call forwarding unconditional (RFC 5359, 2.7), set by REST; the handset does not ring. A loop is refused.

set sip.internal_routing = "first"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
base A
handset 2001 on A
handset 2002 on A
far end +4512345
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

rest PUT /users/2001/forwarding {"always": "2002"}
+4512345 dials 2001
expect 2002 ringing
expect 2001 idle
2002 answers
expect 2002 hears +4512345
+4512345 hangs up
expect 2002 ended
expect channels idle

rest PUT /users/2002/forwarding {"always": "2001"}
+4512345 dials 2001
expect +4512345 refused with 482
expect channels idle
