# A Lync user invites a handset to its conference (`ms-conf-invite`): it rings, and when it answers it is in, with audio
# alone. Who is muted by the focus is heard by nobody; who leaves is gone, and an end for all ends the call. An
# invitation that another endpoint of the user takes stops ringing here, and is not a missed call.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
handset 2002 on A
far end 45123
expect line 2001 at front end fe1
expect line 2002 at front end fe1

45123 makes a conference about "Ward round"
45123 invites 2001 to its conference
expect 2001 ringing
2001 answers
expect invitation of 2001 to conference of 45123 answered 200
expect conference of 45123 has 2001 connected
expect 2001 hears 45123
expect 45123 hears 2001

45123 invites 2002 to its conference
expect 2002 ringing
2002 answers
expect conference of 45123 with 3
expect 2001 hears both 45123 and 2002
expect 45123 hears both 2001 and 2002

45123 mutes 2001
expect conference of 45123 has 2001 muted
expect conference of 45123 hears not 2001
45123 unmutes 2001
expect conference of 45123 hears 2001

2002 hangs up
expect conference of 45123 has 2002 gone
45123 invites 2002 to its conference
expect 2002 ringing
invitation of 2002 to conference of 45123 is taken elsewhere
expect 2002 cancelled
expect rest GET /users/2002/calls?limit=1 items.0.kind elsewhere
45123 ends its conference
expect 2001 ended
expect no conference of 45123
expect 45123 ended
expect channels idle
