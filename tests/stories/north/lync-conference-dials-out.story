# A Lync user's conference: the audio MCU calls handsets of ours, who answer as any call. All hear each other; who is
# muted by the focus is heard by nobody; who is removed is hung up.

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
expect conference of 45123 with 1
45123 adds 2001 to its conference
expect conference of 45123 has 2001 ringing
2001 answers
expect conference of 45123 has 2001 connected
expect 2001 hears 45123
expect 45123 hears 2001
45123 adds 2002 to its conference
2002 answers
expect conference of 45123 with 3
expect 2001 hears both 45123 and 2002
expect 2002 hears both 45123 and 2001
expect 45123 hears both 2001 and 2002

45123 mutes 2001
expect conference of 45123 has 2001 muted
expect conference of 45123 hears not 2001
expect 2002 hears 45123
45123 unmutes 2001
expect conference of 45123 hears 2001
expect 2002 hears both 45123 and 2001

45123 removes 2001 from its conference
expect 2001 ended
expect conference of 45123 has 2001 gone
2002 hangs up
expect conference of 45123 with 1
45123 ends its conference
expect no conference of 45123
expect 45123 ended
expect channels idle
