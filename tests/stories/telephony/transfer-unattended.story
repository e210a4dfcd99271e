# Unattended transfer (RFC 5359, 2.4): the handset as transferor, a far end as transferee, a handset as target.
# The transferor is told how it goes, and is out of the call when the target has answered.

front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
base A
handset 2001 on A
handset 2002 on A
far end +4512345
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

2001 dials +4512345
+4512345 answers
expect 2001 hears +4512345
2001 transfers to 2002
expect 2002 ringing
expect 2001 transfer told 180
2002 answers
expect 2001 transfer told 200
expect 2001 ended
expect 2002 hears +4512345
expect +4512345 hears 2002
+4512345 hangs up
expect 2002 ended
expect channels idle
