# kill -9 in the middle of a call with SRTP on both legs: keys and roll-over counts are kept too, so that both ends
# hear each other again. The handset lost its connection with the switch and registers anew; the far end ends the call,
# and the handset hears of it over its new connection.

front end over tls with srtp required
start switch
user 2001 "Nurse Anna"
base A over tls with srtp required
handset 2001 on A
far end +4512345 answers after 0 s
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect 2001 hears +4512345
expect +4512345 hears 2001
expect 2001 talking for 3 s
kill switch
start switch
expect 2001 hears +4512345
expect +4512345 hears 2001
expect rest GET /calls total 1
expect rest GET /users/2001 status.handset_registered true
expect 2001 gaps below 5 s
expect +4512345 gaps below 5 s
# Whether or not the handset has registered again by now: its BYE waits for that.
+4512345 hangs up
expect 2001 ended
expect channels idle
expect line 2001 registered
