# R, a number, on hook while it rings: the held far end is connected with whoever answers. When nobody does, the
# held call rings at the handset again.

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
expect 7002 ringing
2001 hangs up
7002 answers
expect 7001 hears 7002
expect 7002 hears 7001
7002 hangs up
expect 7001 ended
expect channels idle

2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 presses R7002#
expect 7002 ringing
2001 hangs up
expect 7002 ringing
7002 rejects with 486
expect 2001 ringing
expect 2001 shows 7001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
2001 hangs up
expect channels idle
expect native bases without faults
