# A transfer that nobody takes gives the call back: to a busy far end, and to a number that may not be called.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
far end +4567890 is busy
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
+4512345 answers
expect 2001 hears +4512345
2001 transfers to +4567890
expect 2001 transfer told 486
expect 2001 hears +4512345
expect +4512345 hears 2001
2001 hangs up
expect +4512345 ended
expect channels idle
