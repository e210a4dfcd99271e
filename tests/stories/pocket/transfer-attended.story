# R, a number, an answer, on hook: the two far ends talk with each other.

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

7001 dials 2001
2001 answers
expect 2001 hears 7001
2001 presses R7002#
expect 2001 shows 7002
7002 answers
expect 2001 hears 7002
expect 7002 hears 2001
2001 hangs up
expect 7001 hears 7002
expect 7002 hears 7001
7001 hangs up
expect 7002 ended
expect channels idle
expect native bases without faults
