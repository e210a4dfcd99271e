# An announcement before the answer reaches the handset: early media of the far end is heard while it still rings.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345 answers after 60 s with early media
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect 2001 ringing
expect 2001 hears +4512345
+4512345 answers
expect 2001 talking
expect +4512345 hears 2001
2001 hangs up
expect +4512345 ended
expect channels idle
