# A Lync user makes a conference of the call it talks in, by an invitation in the same conversation: the handset's call
# goes on there without ringing again, whoever had called.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123
expect line 2001 at front end fe1

45123 dials 2001
2001 answers
expect 2001 hears 45123
45123 escalates
expect conference of 45123 has 2001 connected
expect 2001 hears 45123
expect 45123 hears 2001
45123 ends its conference
expect 2001 ended
expect channels idle

2001 dials 45123
45123 answers
expect 2001 hears 45123
45123 escalates
expect conference of 45123 has 2001 connected
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect conference of 45123 has 2001 gone
45123 ends its conference
expect channels idle
