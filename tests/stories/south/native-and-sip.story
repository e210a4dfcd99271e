# A handset on a native base station and one on a SIP-DECT base station call each other, without the north.

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
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

2001 dials 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
2001 hangs up
expect 2002 ended

2002 dials 2001
2001 answers
expect 2001 hears 2002
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
