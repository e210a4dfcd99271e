# A participant asks the focus to invite somebody (RFC 4579, 5.5): the switch calls in the participant's name, and who
# answers is in the conference. The north, a native handset, and one who is busy.

set dect.ari = "102AF12C"
set sip.internal_routing = "first"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
user 2003 "Porter"
base S
handset 2002 on S
handset 2003 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 7001
far end 7002 is busy
expect handset 2002 registered
expect handset 2003 registered
expect line 2001 registered
expect line 2002 registered
rest POST /rooms {"name": "8001", "title": "Ward round", "tones": false}

2002 dials 8001
2003 dials 8001
expect 2002 hears 2003
2002 transfers to 7001
expect 7001 ringing
expect 7001 called by 2002
7001 answers
expect 7001 hears both 2002 and 2003
expect 2002 hears both 7001 and 2003
expect 2002 transfer told 200
2003 transfers to 7002
expect 2003 transfer told 486
7001 hangs up
expect 7001 ended
2003 transfers to 2001
expect 2001 shows "Porter"
2001 answers
expect 2001 hears both 2002 and 2003
expect 2003 hears both 2001 and 2002
2001 hangs up
2002 hangs up
2003 hangs up
expect channels idle
expect native bases without faults
