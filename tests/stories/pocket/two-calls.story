# A second call: swapped with R2, ended with R1, and joined with R4. Who leaves comes last.

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
2001 presses R2
expect 2001 shows 7001
expect 2001 hears 7001
expect 7001 hears 2001
2001 presses R2
expect 2001 hears 7002
2001 presses R1
expect 7002 ended
expect 2001 hears 7001
2001 presses R7002#
7002 answers
expect 2001 hears 7002
2001 presses R4
expect 7001 hears 7002
expect 7002 hears 7001
expect 2001 ended
7001 hangs up
expect 7002 ended
expect channels idle
expect native bases without faults
