# On hook in a second call that is a conference: the held party comes to the room, and who brought it goes.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
rest POST /rooms {"name": "8001"}
far end 7001
base S
native base A
handset 2002 on S
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 registered
expect handset 2002 registered

2002 dials 8001
expect 2002 talking
7001 dials 2001
2001 answers
expect 7001 hears 2001
2001 presses R8001#
expect 2002 hears 2001
2001 hangs up
expect 2002 hears 7001
expect 7001 hears 2002
expect 2001 idle
7001 hangs up
2002 hangs up
expect channels idle
expect native bases without faults
