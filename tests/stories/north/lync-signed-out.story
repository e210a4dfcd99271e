# A user who is disabled at the front end is signed out, with his call and with the reason in words, and does not
# come back by himself. One who was only unregistered comes back.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
far end 45123 answers after 0 s
expect line 2001 at front end fe1
expect line 2002 at front end fe1
2001 dials 45123
expect 2001 talking

front end fe1 signs 2001 out as rejected
expect 2001 ended
expect line 2001 off
expect rest GET /registrations items.0.cause "4141 User disabled: the user has been disabled"

front end fe1 signs 2002 out as unregistered
expect line 2002 at front end fe1
expect line 2001 off

# Somebody enables the user and saves him here: he is wanted again.
rest PATCH /users/2001 {"display_name": "Nurse Anna B."}
expect line 2001 at front end fe1
