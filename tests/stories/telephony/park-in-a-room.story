# Call park (RFC 5359, 2.15): a handset transfers its caller to a room, which is the place to park; whoever dials the
# room takes the call. A caller in the north, and a native handset.

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
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered
rest POST /rooms {"name": "8701", "title": "Park 1", "tones": false}

7001 dials 2002
2002 answers
expect 2002 hears 7001
2002 transfers to 8701
expect 2002 transfer told 200
expect 2002 ended
expect rest GET /rooms/8701 members.0.number "7001"
2001 dials 8701
expect 2001 hears 7001
expect 7001 hears 2001
7001 hangs up
expect 7001 ended
2001 hangs up
expect channels idle

# A native handset is parked, and taken back by who parked it.
2002 dials 2001
2001 answers
expect 2001 hears 2002
2002 transfers to 8701
expect 2002 transfer told 200
expect 2002 ended
expect rest GET /rooms/8701 members.0.number "2001"
2002 dials 8701
expect 2001 hears 2002
expect 2002 hears 2001
2001 hangs up
2002 hangs up
expect channels idle
expect native bases without faults
