# The pool makes no more conferences: two calls of a handset that become one are mixed by the switch itself, and nobody
# notices.

set dect.ari = "102AF12C"
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
far end 45123
far end 45124
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 at front end fe1
conferences are full

2001 dials 45123
45123 answers
expect 2001 hears 45123
2001 presses R45124#
45124 answers
expect 2001 hears 45124
2001 presses R3
expect 2001 hears both 45123 and 45124
expect 45123 hears both 2001 and 45124
expect 45124 hears both 2001 and 45123
expect no conference of 2001
2001 hangs up
expect 45123 hears 45124
45123 hangs up
expect channels idle
expect native bases without faults
