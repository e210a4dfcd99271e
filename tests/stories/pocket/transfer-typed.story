# R, a number, on hook before it was dialled: a blind transfer in the old sense.

set dect.ari = "102AF12C"
set sip.internal_routing = "first"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
far end 7001
native base A
expect native base A in service
subscription window
native handset 2001 near A
native handset 2002 near A
expect line 2001 registered
expect line 2002 registered

7001 dials 2001
2001 answers
expect 2001 hears 7001
2001 presses R2002
expect 2001 shows 2002
2001 hangs up
2002 answers
expect 2002 shows 7001
expect 2002 hears 7001
expect 7001 hears 2002
7001 hangs up
expect 2002 ended
expect channels idle
expect native bases without faults
