# Two users sign in by NTLM. A handset and a far end call each other; every message is signed, both ways.

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

2001 dials 45123
expect 2001 ringing
45123 answers
expect 2001 talking
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended

45123 dials 2001
2001 answers
expect 45123 talking
expect 2001 hears 45123
45123 hangs up
expect 2001 ended

# From one of ours to another, over the front end.
2001 dials 2002
expect 2002 called by 2001
2002 answers
expect 2001 talking
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
expect channels idle
expect 20 signatures at front end fe1
