# Keys in a call, by INFO and as telephone events (RFC 4733), from a native handset, from one on SIP-DECT and from a
# telephone in the north; who takes telephone events hears them so, whichever way they came.

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

2002 dials 7001
7001 answers
expect 2002 hears 7001
2002 sends key 5
expect 7001 hears keys 5
7001 sends key 8
expect 2002 hears keys 8
7001 hangs up
expect 2002 ended

2001 dials 2002
2002 answers
expect 2001 hears 2002
2001 presses 42#
expect 2002 hears keys 42#
2002 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
