# Who made a conference leaves it: the two others, of two calls, are one call with each other.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
far end 7002
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 registered

2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 presses R7002#
7002 answers
expect 2001 hears 7002
2001 presses *3
expect 7001 hears both 2001 and 7002
2001 hangs up
expect 7001 hears 7002
expect 7002 hears 7001
7001 hangs up
expect 7002 ended
expect channels idle
expect native bases without faults
