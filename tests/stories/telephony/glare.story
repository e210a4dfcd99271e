# Both ends hold in the same moment: one of the two re-INVITEs meets the other and is refused with 491, waits, and
# goes again (RFC 3261 14.1; RFC 5407, 3.3.1). Both resume, and both hear.

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
+4512345 holds
2001 resumes
+4512345 resumes
expect 2001 hears +4512345
expect +4512345 hears 2001
2001 hangs up
expect +4512345 ended
expect channels idle
