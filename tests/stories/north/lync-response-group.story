# A response group: its agents ring at once; each sees who really calls and for which group; who is slower has no
# missed call. Then groups that hunt one after the other, and a handset of ours that calls a group.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
user 2003 "Nurse Eve"
base A over udp
handset 2001 on A
handset 2002 on A
handset 2003 on A
far end 45123 called "Dr. Weber" calling with Ms-Sensitivity: normal
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect line 2003 at front end fe1
response group 70000 called "Front desk" of 2001 2002
response group 70001 called "Night desk" with 3 s each of 2001 2002

45123 dials 70000
expect 2001 ringing
expect 2002 ringing
expect 2001 called by 45123
expect 2001 shows name "Dr. Weber > Front desk"
2002 answers
expect 2001 cancelled
expect 2002 hears 45123
expect 45123 hears 2002
expect rest GET /users/2001/calls?limit=1 items.0.kind elsewhere
2002 hangs up
expect 45123 ended

45123 dials 70001
expect 2001 ringing
expect 2001 cancelled
expect 2002 ringing
2002 answers
expect 45123 hears 2002
45123 hangs up
expect 2002 ended

2003 dials 70000
expect 2001 ringing
expect 2001 called by 2003
2001 answers
expect 2003 hears 2001
expect 2001 hears 2003
2003 hangs up
expect 2001 ended
expect channels idle
