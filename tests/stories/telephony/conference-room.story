# A room is dialled by a native handset, a SIP-DECT one and the north; kill -9 does not end it for those who speak SIP.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
user 2003 "Porter"
base B
handset 2002 on B
handset 2003 on B
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 registered
expect handset 2002 registered
expect handset 2003 registered
rest POST /rooms {"name": "8001", "title": "Ward round"}

2001 dials 8001
2002 dials 8001
2003 dials 8001
expect 2001 hears both 2002 and 2003
expect 2002 hears both 2001 and 2003
expect 2003 hears both 2001 and 2002
2001 hangs up
expect 2002 hears 2003
expect 2002 talking for 4 s
kill switch
start switch
expect 2002 hears 2003
expect 2003 hears 2002
rest DELETE /rooms/8001
expect 2002 ended
expect 2003 ended
expect channels idle
