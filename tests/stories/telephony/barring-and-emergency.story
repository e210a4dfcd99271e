# A user who may call inside only: a call abroad is refused with 403 and reaches nobody; the emergency number is
# reached all the same, although the user forwards every call.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end 112
far end 0039123456
expect handset 2001 registered
expect line 2001 registered

rest PATCH /users/2001 {"allowed_calls": ["internal"]}
rest PUT /users/2001/forwarding {"always": "2002"}
2001 dials 0039123456
expect 2001 refused with 403
expect 0039123456 idle
2001 dials 112
112 answers
expect 2001 hears 112
2001 hangs up
expect 112 ended
expect channels idle
