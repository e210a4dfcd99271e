# kill -9 while a handset is in a conference of the pool: it stays at the table and is heard again, and who ends the
# conference ends the call.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123
expect line 2001 at front end fe1

45123 makes a conference about "Ward round"
45123 invites 2001 to its conference
expect 2001 ringing
2001 answers
expect conference of 45123 has 2001 connected
expect 2001 hears 45123
expect 45123 hears 2001
expect 2001 talking for 3 s
kill switch
start switch
expect rest GET /calls total 1
expect 2001 hears 45123
expect 45123 hears 2001
expect line 2001 at front end fe1
expect conference of 45123 has 2001 connected
45123 ends its conference
expect 2001 ended
expect channels idle
