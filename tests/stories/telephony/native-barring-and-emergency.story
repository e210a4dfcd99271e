# A native handset whose user may call inside only and forwards every call: a call abroad reaches nobody, the emergency
# number is reached, with the place of the handset's base station, and the desk calls back through forward and do not
# disturb.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 112
far end 0039123456
expect line 2001 registered

rest PATCH /base-stations/0013d1000001 {"name": "Ward 3", "location": {"country": "DE", "building": "B", "room": "217"}}
rest PATCH /users/2001 {"allowed_calls": ["internal"]}
rest PUT /users/2001/forwarding {"always": "2002", "do_not_disturb": true}
2001 dials 0039123456
expect 2001 shows "calls to international numbers are barred"
expect 0039123456 idle
expect 2001 idle
2001 dials 112
expect 112 told of place "217</ca:ROOM>"
112 answers
expect 2001 hears 112
expect 112 hears 2001
2001 hangs up
expect 112 ended
112 dials 2001
expect 2001 ringing
2001 answers
expect 2001 hears 112
112 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
