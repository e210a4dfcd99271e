# Find-me (RFC 5359, 2.12): a call is offered to one place after another: the native handset, then a handset on
# SIP-DECT, then a telephone in the north.

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
far end 7002
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

rest PUT /users/2001/forwarding {"no_answer": "2002", "no_answer_seconds": 5}
rest PUT /users/2002/forwarding {"no_answer": "7002", "no_answer_seconds": 5}
7001 dials 2001
expect 2001 ringing
expect 2002 ringing
expect 2001 idle
expect 7002 ringing
expect 2002 cancelled
7002 answers
expect 7001 hears 7002
expect 7002 hears 7001
7001 hangs up
expect 7002 ended
expect channels idle
expect native bases without faults
