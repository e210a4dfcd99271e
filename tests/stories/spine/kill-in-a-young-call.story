# kill -9 right after the answer: a call that was just saved comes back as well as an old one.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345 answers after 0 s
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect 2001 hears +4512345
expect +4512345 hears 2001
kill switch
start switch
expect 2001 hears +4512345
expect +4512345 hears 2001
expect rest GET /calls total 1
expect rest GET /users/2001 status.handset_registered true
expect 2001 gaps below 5 s
expect +4512345 gaps below 5 s
+4512345 hangs up
expect 2001 ended
expect channels idle
expect line 2001 registered
