# A call for a handset in talk waits: tone and name, taken with R2, swapped, refused with R0; one that was not taken
# rings when the handset is on hook.

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
7002 dials 2001
expect 7002 ringing
expect 2001 sounds call-waiting
expect 2001 shows 7002
2001 presses R2
expect 7002 talking
expect 2001 hears 7002
expect 7002 hears 2001
2001 presses R2
expect 2001 hears 7001
expect 7001 hears 2001
2001 presses R0
expect 7002 ended

7002 dials 2001
expect 2001 sounds call-waiting
2001 presses R0
expect 7002 refused with 486

7002 dials 2001
expect 2001 sounds call-waiting
2001 hangs up
expect 7001 ended
expect 2001 ringing
2001 answers
expect 2001 hears 7002
expect 7002 hears 2001
2001 hangs up
expect channels idle
expect native bases without faults
