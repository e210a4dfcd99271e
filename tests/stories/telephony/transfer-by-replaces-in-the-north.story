# Attended transfer by a telephone in the north, which talks with two handsets, one native and one on SIP-DECT, and
# joins them. Whoever called whom.

set dect.ari = "102AF12C"
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

7001 dials 2001
2001 answers
expect 2001 hears 7001
7001 holds by inactive
7001 dials 2002
2002 answers
expect 7001 talking with 2002
7001 transfers 2001 to 2002
expect 2001 hears 2002
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle

2002 dials 7001
7001 answers
expect 2002 hears 7001
7001 dials 2001
2001 answers
expect 7001 talking with 2001
7001 transfers 2002 to 2001
expect 2001 hears 2002
expect 2002 hears 2001
expect 2001 shows "Doctor Bo"
2002 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
