# A conference as the far end: a handset holds it and comes back, and the others do not hear its music; a handset
# transfers its caller into it, and a native handset is transferred there by the north.

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
expect handset 2002 registered
expect handset 2003 registered
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered
rest POST /rooms {"name": "8001", "title": "Ward round", "tones": false}

2002 dials 8001
2003 dials 8001
expect 2002 hears 2003
2002 holds
2002 resumes
expect 2002 hears 2003
expect 2003 hears 2002

# A native handset, transferred by a telephone in the north.
7001 dials 2001
2001 answers
expect 2001 hears 7001
7001 transfers to 8001
expect 7001 ended
expect 2001 hears both 2002 and 2003
expect 2002 hears both 2001 and 2003
2002 hangs up
expect 2001 hears 2003
2003 hangs up
2001 hangs up
expect channels idle
expect native bases without faults
