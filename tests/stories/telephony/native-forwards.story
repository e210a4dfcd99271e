# Forwards of a native handset, set by its keys, by busy and by absence: to a handset on SIP-DECT and to the north,
# called from the north and from inside. Do not disturb by its keys.

set dect.ari = "102AF12C"
set sip.internal_routing = "first"
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
far end 7002
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

# Unconditional (RFC 5359, 2.7), by code.
2001 dials *21*2002#
expect 2001 sounds confirmation
expect 2001 idle
expect rest GET /users/2001/forwarding always "2002"
7001 dials 2001
expect 2002 ringing
2002 answers
expect 7001 hears 2002
7001 hangs up
expect 2002 ended
2001 dials "#21#"
expect 2001 idle
expect rest GET /users/2001/forwarding always null

# Busy (2.8): in talk, with no second call wanted.
rest PUT /users/2001/forwarding {"busy": "7002", "call_waiting": false}
2001 dials 2002
2002 answers
expect 2001 hears 2002
7001 dials 2001
expect 7002 ringing
7002 answers
expect 7001 hears 7002
7001 hangs up
expect 7002 ended
2001 hangs up
expect 2002 ended

# Do not disturb, by code, from inside.
rest PUT /users/2001/forwarding {}
2001 dials *26#
expect 2001 idle
expect rest GET /users/2001/forwarding do_not_disturb true
2002 dials 2001
expect 2002 refused with 486
2001 dials "#26#"
expect 2001 idle
2002 dials 2001
2001 answers
expect 2002 hears 2001
2002 hangs up
expect 2001 ended

# Out of range: switched off.
rest PUT /users/2001/forwarding {"out_of_range": "7002"}
2001 is switched off
expect rest GET /subscriptions items.0.state off
7001 dials 2001
expect 7002 ringing
7002 answers
expect 7001 hears 7002
7001 hangs up
expect 7002 ended
expect channels idle
expect native bases without faults
