# A handset in a drawer: whoever takes it signs in with number and access code, is called at it and calls with his own
# name, and signs out. Who signs in where somebody else is takes the handset over.

set dect.ari = "102AF12C"
set sip.internal_routing = "first"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
user 2003 "Nurse Cleo"
rest PATCH /users/2001 '{"access_code": "111111"}'
rest PATCH /users/2003 '{"access_code": "333333"}'
native base A
expect native base A in service
subscription window with code 2407
native handset 2002 near A
stranger shared near A
shared subscribes with code 2407
expect shared located

# Nobody's: no calls, but the switch tells its address.
shared dials 2002
expect shared shows "linked to no user"
expect shared idle
shared dials ***999*00
expect shared shows kirkwall
shared hangs up
expect shared idle

# A wrong code, and the right one.
shared dials *11*2001*999999#
expect shared shows "wrong number or code"
expect shared idle
shared dials *11*2001*111111#
expect shared shows "Nurse Anna"
expect shared sounds confirmation
expect shared idle
shared dials 2002
expect 2002 shows "Nurse Anna"
2002 answers
expect shared hears 2002
shared hangs up
expect 2002 idle
2002 dials 2001
expect shared shows "Doctor Bo"
shared answers
expect 2002 hears shared
2002 hangs up
expect shared idle

# The next one takes it over, and the first is not to be had any more.
shared dials *11*2003*333333#
expect shared shows "Nurse Cleo"
expect shared idle
shared dials 2002
expect 2002 shows "Nurse Cleo"
shared hangs up
expect 2002 idle
expect rest GET /subscriptions items.1.user "2003"
2002 dials 2001
expect 2002 refused with 17

# And signs out.
shared dials "#11#"
expect shared shows "Signed out"
expect shared idle
shared dials 2002
expect shared shows "linked to no user"
expect channels idle
expect native bases without faults
