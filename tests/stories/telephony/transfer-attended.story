# Attended transfer (RFC 5359, 2.5): the handset talks with two far ends and joins them by REFER with Replaces.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
handset 2001 has 2 lines
far end +4512345
far end +4567890
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
+4512345 answers
expect 2001 hears +4512345
2001 holds
expect +4512345 held
2001 dials +4567890
+4567890 answers
expect 2001 talking with +4567890
2001 transfers +4512345 to +4567890
expect 2001 transfer told 200
expect 2001 idle
expect +4512345 not held
expect +4512345 hears +4567890
expect +4567890 hears +4512345
+4512345 hangs up
expect +4567890 ended
expect channels idle
