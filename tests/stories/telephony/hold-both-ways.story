# A handset holds a far end and is held by it (RFC 5359, 2.1). The far end is told and hears the hold tone, not
# the handset; it holds by a=inactive, as Lync does. A call that one end holds may be held by the other too, and
# goes on when both have resumed.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
+4512345 answers
expect 2001 hears +4512345
2001 holds
expect +4512345 held
+4512345 holds by inactive
2001 resumes
+4512345 resumes
expect +4512345 not held
expect +4512345 hears 2001
expect 2001 hears +4512345
+4512345 hangs up
expect 2001 ended
expect channels idle
