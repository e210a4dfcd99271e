# A native handset shows whom it calls and who calls it, how its call fares, and whom it talks with after a transfer.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bartholomäus von Hohenlohe"
far end 7001
far end 7002
native base A
expect native base A in service
subscription window
native handset 2001 near A
native handset 2002 near A
expect line 2001 registered
expect line 2002 registered

2001 dials 2002
expect 2002 shows "Nurse Anna"
expect 2002 shows 2001
expect 2001 shows "Ringing"
expect 2001 shows "Doctor Bartholomaus von"
expect 2001 sounds ring-back
2002 answers
expect 2001 sounds none
expect 2001 hears 2002
2001 hangs up
expect 2002 ended

2001 dials 2999
expect 2001 shows "Not Found"
expect 2001 sounds intercept
expect 2001 idle

7001 dials 2001
2001 answers
expect 2001 hears 7001
7001 transfers to 7002
7002 answers
expect 2001 shows 7002
expect 2001 hears 7002
2001 hangs up
expect channels idle
expect native bases without faults
